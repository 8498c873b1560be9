#include "tests/cluster/simulation/simulation.hpp"

#include <cstdio>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <sstream>

#include "cluster/codec.hpp"
#include "cluster/dedup_window.hpp"
#include "cluster/replica.hpp"
#include "tests/cluster/simulation/random.hpp"

namespace octavo::test {

using namespace octavo::cluster;

simulation_counts& simulation_counts::operator+=(const simulation_counts& other) {
  runs += other.runs;
  coded_runs += other.coded_runs;
  steps += other.steps;
  edits += other.edits;
  retries += other.retries;
  repeated += other.repeated;
  owners += other.owners;
  crashes += other.crashes;
  pauses += other.pauses;
  cuts += other.cuts;
  lost_messages += other.lost_messages;
  torn_messages += other.torn_messages;
  lost_disks += other.lost_disks;
  damaged_logs += other.damaged_logs;
  moves += other.moves;
  moved += other.moved;
  members += other.members;
  transfers += other.transfers;
  unknown_txns += other.unknown_txns;
  restores += other.restores;
  forgotten += other.forgotten;
  return *this;
}

namespace {

constexpr auto documents = std::size_t{3};
constexpr auto faults_end_ms = std::int64_t{2'500};
constexpr auto run_end_ms = std::int64_t{16'000};
constexpr auto lease_ms = std::int64_t{300};
constexpr auto client_window = std::uint64_t{4};

struct broken {
  std::string what;
};

/// What an edit is here: who made it, its number, the document and the number in it.
struct edit_body {
  std::uint64_t client = 0;
  std::uint64_t number = 0;
  std::uint64_t document = 0;
  std::uint64_t seq = 0;
};

shared_bytes to_bytes(const edit_body& body) {
  auto result = bytes(sizeof body);
  std::memcpy(result.data(), &body, sizeof body);
  return std::make_shared<const bytes>(std::move(result));
}

edit_body from_bytes(const bytes& data) {
  auto result = edit_body{};
  std::memcpy(&result, data.data(), sizeof result);
  return result;
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash ^= value + 0x9e3779b97f4a7c15U + (hash << 6U) + (hash >> 2U);
  return hash * 0xff51afd7ed558ccdU;
}

/// The documents of the shard, as far as anything here needs them.
struct machine {
  std::uint64_t applied = 0;
  std::uint64_t hash = 0;
  std::uint64_t last_seq[documents] = {};
  dedup_window window{64};

  void apply(const log_entry& entry) {
    applied = entry.lsn;
    hash = mix(mix(hash, entry.lsn), entry.epoch);
    if (entry.kind != entry_kind::edit) return;
    const auto body = from_bytes(*entry.data);
    hash = mix(mix(mix(hash, body.client), body.number), body.seq);
    if (body.seq != last_seq[body.document] + 1)
      throw broken{"document " + std::to_string(body.document) + " has a gap in its numbers behind " +
                   std::to_string(last_seq[body.document])};
    ++last_seq[body.document];
    window.note({body.client, body.number, entry.lsn});
  }
};

struct disk_op {
  std::uint64_t ticket = 0;
  disk_write write;
  std::vector<log_entry> apply;
  std::shared_ptr<machine> install;
  std::uint64_t ahead = 0;  ///< documents are about to come, as of this entry
};

/// The keys of a disk whose values are bytes.
bytes key_of(std::uint64_t lsn) {
  auto result = bytes(sizeof lsn);
  std::memcpy(result.data(), &lsn, sizeof lsn);
  return result;
}
const auto note_key = bytes(1, std::byte{'n'});

struct disk {
  replica_disk log;
  machine documents_;
  std::uint64_t ahead = 0;  ///< documents may hold entries up to this one; 0: only what is applied
  bool damaged = false;
  bool coded = false;  ///< it also holds the log and what is beside it as bytes, and they count
  std::map<std::uint64_t, bytes> entries;
  bytes note;

  void perform(const disk_op& op) {
    const auto& w = op.write;
    if (w.promised) log.promised = *w.promised;
    if (w.removed) {
      log.base = {};
      log.log.clear();
      log.removed = *w.removed;
      documents_ = {};
      entries.clear();
      ahead = 0;
    }
    if (w.truncate_after) truncate_after(*w.truncate_after);
    if (w.base) {
      log.base = *w.base;
      std::erase_if(log.log, [&](const log_entry& one) { return one.lsn <= w.base->at.lsn; });
      entries.erase(entries.begin(), entries.upper_bound(w.base->at.lsn));
    }
    if (coded) {
      for (const auto& one : w.append) entries[one.lsn] = encode(one, key_of(one.lsn));
      note = encode(replica_note{log.promised, log.base, log.removed}, note_key);
    }
    log.log.insert(log.log.end(), w.append.begin(), w.append.end());
    if (op.install) documents_ = *op.install;
    for (const auto& one : op.apply) documents_.apply(one);
    log.applied = documents_.applied;
    ahead = std::max(ahead, op.ahead);
    if (documents_.applied >= ahead) ahead = 0;
    log.has_copied = ahead != 0;
  }
  void truncate_after(std::uint64_t lsn) {
    while (!log.log.empty() && log.log.back().lsn > lsn) log.log.pop_back();
    entries.erase(entries.upper_bound(lsn), entries.end());
  }
  /// What a node finds here when it starts.
  void read_again() {
    if (note.empty()) return;
    auto found = decode_note(note, note_key);
    if (!found) throw broken{"what was written is refused: " + found.error().message};
    if (entries.size() != log.log.size()) throw broken{"the log on disk has other entries than were written"};
    log.promised = found->promised;
    log.base = std::move(found->base);
    log.removed = std::move(found->removed);
    log.log.clear();
    for (const auto& [lsn, data] : entries) {
      auto entry = decode_entry(data, key_of(lsn));
      if (!entry) throw broken{"what was written is refused: " + entry.error().message};
      log.log.push_back(std::move(*entry));
    }
  }
  /// Whether an entry is here for good.
  bool holds(const log_entry& entry) const {
    if (documents_.applied >= entry.lsn) return true;
    return std::ranges::any_of(log.log, [&](const log_entry& one) { return one.at() == entry.at(); });
  }
};

/// How often each kind of trouble comes, drawn for each run: a run without any is worth as much as one with all.
struct weather {
  double drop = 0;
  double repeat = 0;
  double tear = 0;  ///< of messages that are bytes
  double slow = 0;
  double crash = 0;  ///< the rest: at each beat of the fates
  double cut = 0;
  double pause = 0;
  double wipe = 0;
  double damage = 0;
  double outage = 0;
  double restore = 0;
  double move = 0;
  double change = 0;
  double usurp = 0;
  double lazy = 0;    ///< a slow sync
  double sudden = 0;  ///< a crash between two steps, with a restart at once
  double unknown = 0;
};

class world {
 public:
  world(std::uint64_t seed, bool trace) : random_(seed), trace_(trace), coded_(random_.below(8) == 0) {
    auto some = [this](double most) { return random_.chance(0.5) ? 0.0 : most * random_.between(1, 10) / 10.0; };
    sky_.drop = some(0.15);
    sky_.repeat = some(0.1);
    sky_.slow = some(0.2);
    sky_.crash = some(0.15);
    sky_.cut = some(0.2);
    sky_.pause = some(0.12);
    sky_.wipe = some(0.06);
    sky_.damage = some(0.06);
    sky_.outage = some(0.05);
    sky_.restore = some(0.05);
    sky_.move = some(0.3);
    sky_.change = some(0.3);
    sky_.usurp = some(0.02);
    sky_.unknown = some(0.3);
    sky_.sudden = some(0.01);
    sky_.lazy = some(0.5);
    if (coded_) sky_.tear = some(0.1);
    options_.retry_ms = 40;
    options_.retry_max_ms = 320;
    options_.claim_ms = 300;
    options_.majority_ms = 500;
    options_.handoff_ms = 200;
    options_.give_back_ms = random_.between(0, 1'000);
    options_.commit_delay_ms = 15;
    options_.handoff_lag_max = 4;
    options_.learner_lag_max = static_cast<std::uint64_t>(random_.between(0, 6));
    options_.append_bytes_max = static_cast<std::size_t>(random_.chance(0.3) ? 1 : random_.between(1, 800));
    options_.window_bytes = static_cast<std::size_t>(random_.between(200, 2'000));
    options_.log_bytes_max = static_cast<std::size_t>(random_.chance(0.5) ? random_.between(0, 1'000) : 1 << 20);
    options_.compact_entries_min = static_cast<std::uint64_t>(random_.between(1, 20));
    options_.waiting_max = static_cast<std::size_t>(options_.compact_entries_min);
    nodes_.resize(static_cast<std::size_t>(random_.between(3, 5)));
    // Some runs are a quarrel of three about who owns the shard, with hardly time to do anything in between.
    if (random_.chance(0.4)) {
      nodes_.resize(3);
      sky_.usurp = random_.between(2, 20) / 100.0;
      sky_.slow = random_.between(1, 5) / 10.0;
      sky_.sudden = random_.between(1, 20) / 1'000.0;
      sky_.wipe = sky_.damage = sky_.pause = 0;
    }
    auto replicas = nodes_.size() == 5 && random_.chance(0.5) ? std::size_t{5} : std::size_t{3};
    record_.config.version = 1;
    for (auto i = std::size_t{0}; i < nodes_.size(); ++i) {
      nodes_[i].self = {random_.next() | 1U, "n" + std::to_string(i + 1)};
      nodes_[i].durable.coded = coded_;
      if (i < replicas) record_.config.members.push_back(nodes_[i].self);
    }
    wanted_members_ = replicas;
    for (auto i = std::size_t{0}; i < nodes_.size(); ++i) start(i);
    clients_.resize(static_cast<std::size_t>(random_.between(1, 4)));
    for (auto i = std::size_t{0}; i < clients_.size(); ++i) {
      clients_[i].id = i + 1;
      clients_[i].node = static_cast<std::size_t>(random_.below(nodes_.size()));
      clients_[i].quota = static_cast<std::uint64_t>(random_.between(5, 40));
      after(random_.between(1, 50), [this, i] { type(i); });
    }
    after(20, [this] { fates(); });
    after(50, [this] { operate(); });
  }

  simulation_result run() {
    auto result = simulation_result{};
    try {
      while (!queue_.empty() && now_ < run_end_ms) {
        auto next = std::move(const_cast<event&>(queue_.top()));
        queue_.pop();
        now_ = next.at;
        ++counts_.steps;
        next.run();
        if (healed_ && counts_.steps % 16 == 0 && is_done()) break;
      }
      if (!is_done()) throw broken{"the cluster did not come to rest once all was well: " + state()};
    } catch (const broken& what) {
      result.violation = what.what;
    }
    counts_.runs = 1;
    counts_.coded_runs = coded_ ? 1 : 0;
    result.at_ms = now_;
    result.step = counts_.steps;
    result.counts = counts_;
    return result;
  }

 private:
  struct event {
    std::int64_t at = 0;
    std::uint64_t order = 0;
    std::function<void()> run;
    bool operator<(const event& other) const { return at != other.at ? at > other.at : order > other.order; }
  };

  struct node {
    member self;
    disk durable;
    bool alive = false;
    std::uint64_t life = 0;
    std::int64_t paused_until = 0;
    std::int64_t renewed_ms = 0;
    std::unique_ptr<replica> core;
    machine documents_;  ///< with what is not synced
    std::deque<disk_op> queue;
    std::size_t syncing = 0;  ///< operations that the running sync covers
    bool fetching = false;
    std::shared_ptr<machine> install;
    // As an owner: what it has taken.
    dedup_window taken{64};
    std::uint64_t next_seq[documents] = {};
    std::map<std::uint64_t, edit_body> pending;  ///< lsn → whose
  };

  struct client {
    std::uint64_t id = 0;
    std::size_t node = 0;
    std::uint64_t made = 0;
    std::uint64_t acked = 0;
    std::uint64_t quota = 0;
  };

  // --- time ---

  void after(std::int64_t delay, std::function<void()> run) {
    queue_.push({now_ + std::max<std::int64_t>(delay, 0), ++order_, std::move(run)});
  }

  /// Something that happens on a node, if it still runs; later, if it is stopped.
  void on_node(std::size_t at, std::uint64_t life, std::int64_t delay, std::function<void()> run) {
    after(delay, [this, at, life, run = std::move(run)]() mutable {
      auto& one = nodes_[at];
      if (!one.alive || one.life != life) return;
      if (one.paused_until > now_) {
        on_node(at, life, one.paused_until - now_ + random_.between(0, 3), std::move(run));
        return;
      }
      run();
      drain(at);
    });
  }

  template <class... Args>
  void say(const char* format, Args... args) {
    if (!trace_) return;
    std::fprintf(stderr, "%6lld #%llu ", static_cast<long long>(now_), static_cast<unsigned long long>(counts_.steps));
    std::fprintf(stderr, format, args...);
    std::fputc('\n', stderr);
  }

  // --- nodes and disks ---

  void start(std::size_t at) {
    auto& one = nodes_[at];
    one.alive = true;
    ++one.life;
    one.paused_until = 0;
    one.queue.clear();
    one.syncing = 0;
    one.fetching = false;
    one.install.reset();
    one.pending.clear();
    one.renewed_ms = now_;
    if (one.durable.damaged) {
      one.durable.damaged = false;
      if (planted(bug::truncated_recovery)) {
        const auto& log = one.durable.log;
        one.durable.truncate_after(log.base.at.lsn + random_.below(log.log.size() + 1));
        // What is applied of the rest is lost with it, as it was in the same log.
        say("%s opens a log that ends early", one.self.node.c_str());
      } else {
        say("%s finds its log damaged", one.self.node.c_str());
        replace_disk(at);
      }
    }
    one.durable.read_again();
    one.documents_ = one.durable.documents_;
    one.core = std::make_unique<replica>(one.self, options_, one.durable.log, random_.next());
    one.core->on_record(record_);
    tick(at, one.life);
    for (auto i = std::size_t{0}; i < nodes_.size(); ++i)
      if (i != at && nodes_[i].alive)
        on_node(i, nodes_[i].life, travel(), [this, i, who = one.self.id] { nodes_[i].core->on_reconnect(who); });
  }

  void replace_disk(std::size_t at) {
    auto& one = nodes_[at];
    one.durable = {};
    one.durable.coded = coded_;
    if (!planted(bug::wiped_disk_keeps_its_name)) one.self.id = random_.next() | 1U;
  }

  void crash(std::size_t at) {
    auto& one = nodes_[at];
    ++counts_.crashes;
    // The system may have written some of what nobody had asked it to sync.
    auto kept = random_.below(one.queue.size() + 1);
    for (auto i = std::size_t{0}; i < kept; ++i) one.durable.perform(one.queue[i]);
    one.queue.clear();
    one.alive = false;
    one.core.reset();
    say("%s crashes", one.self.node.c_str());
  }

  // Right behind what it has just said, or while the disk is at work; a supervisor starts it again.
  void crash_soon(std::size_t at) {
    after(random_.between(0, 4), [this, at, life = nodes_[at].life] {
      if (!nodes_[at].alive || nodes_[at].life != life || healed_) return;
      crash(at);
      after(random_.chance(0.7) ? random_.between(0, 4) : random_.between(5, 200), [this, at] {
        if (!nodes_[at].alive) start(at);
      });
    });
  }

  void sync(std::size_t at) {
    auto& one = nodes_[at];
    if (one.syncing != 0 || one.queue.empty()) return;
    one.syncing = one.queue.size();
    auto delay = !healed_ && random_.chance(sky_.lazy) ? random_.between(10, 60) : random_.between(0, 6);
    on_node(at, one.life, delay, [this, at] {
      auto& self = nodes_[at];
      auto ticket = std::uint64_t{0};
      for (auto i = std::size_t{0}; i < self.syncing; ++i) {
        self.durable.perform(self.queue.front());
        ticket = std::max(ticket, self.queue.front().ticket);
        self.queue.pop_front();
      }
      self.syncing = 0;
      if (ticket != 0) self.core->on_synced(ticket, now_);
      self.core->on_applied(self.durable.documents_.applied);
      sync(at);
    });
  }

  void tick(std::size_t at, std::uint64_t life) {
    on_node(at, life, random_.between(8, 20), [this, at, life] {
      auto& one = nodes_[at];
      if (reaches_directory(at)) {
        one.renewed_ms = now_;
        if (random_.chance(0.05)) one.core->on_record(record_);
        consider_claim(at);
      }
      one.core->on_tick(now_);
      tick(at, life);
    });
  }

  // What the node does with a replica: it claims where the owner is gone, and now and then for no reason.
  void consider_claim(std::size_t at) {
    auto& one = nodes_[at];
    if (one.core->role() != replica::role_type::follower) return;
    const auto owner = one.core->record().owner.id;
    const auto is_lost = owner == 0 || owner == one.self.id || !has_lease(owner);
    if ((is_lost && random_.chance(0.12)) || (!healed_ && random_.chance(sky_.usurp))) claim(at);
  }

  void claim(std::size_t at) {
#ifdef OCTAVO_PLANTED_BUGS
    planted_revision = revision_;
#endif
    nodes_[at].core->claim(now_);
  }

  bool has_lease(member_id who) const {
    return std::ranges::any_of(
        nodes_, [&](const node& one) { return one.self.id == who && now_ - one.renewed_ms <= lease_ms; });
  }

  std::optional<std::size_t> place_of(member_id who) const {
    for (auto i = std::size_t{0}; i < nodes_.size(); ++i)
      if (nodes_[i].self.id == who) return i;
    return std::nullopt;
  }

  // --- what comes out of a replica ---

  void drain(std::size_t at) {
    auto& one = nodes_[at];
    for (;;) {
      auto out = one.core->take_output();
      if (out.empty()) return;
      // A promise is the moment at which most depends on the disk.
      auto promises =
          std::ranges::any_of(out.writes, [](const disk_write& write) { return write.promised.has_value(); });
      for (auto& write : out.writes) {
        auto op = disk_op{};
        op.ticket = write.ticket;
        if (write.base && one.install && write.base->at.lsn == one.install->applied) {
          op.install = std::exchange(one.install, nullptr);
          one.documents_ = *op.install;
        }
        if (write.removed) one.documents_ = {};
        op.write = std::move(write);
        one.queue.push_back(std::move(op));
      }
      committed(at, out.committed);
      for (auto& message : out.messages) post(at, std::move(message));
      for (auto& txn : out.txns) submit(at, txn);
      for (auto& notice : out.notices) noticed(at, notice);
      sync(at);
      if (!healed_ && random_.chance(promises ? 20 * sky_.sudden : sky_.sudden)) crash_soon(at);
    }
  }

  void committed(std::size_t at, const std::vector<log_entry>& entries) {
    if (entries.empty()) return;
    auto& one = nodes_[at];
    const auto is_owner = one.core->role() == replica::role_type::owner;
    for (const auto& entry : entries) {
      check_committed(at, entry, is_owner);
      one.documents_.apply(entry);
    }
    auto op = disk_op{};
    op.apply = entries;
    one.queue.push_back(std::move(op));
    if (!is_owner) return;
    for (const auto& entry : entries) {
      auto found = one.pending.find(entry.lsn);
      if (found == one.pending.end()) continue;
      acknowledge(at, found->second);
      one.pending.erase(found);
    }
  }

  void check_committed(std::size_t at, const log_entry& entry, bool is_owner) {
    auto& one = nodes_[at];
    // A late acknowledgement may tell a former owner of what a later one has committed too: nothing new comes of it.
    if (is_owner && entry.lsn > log_.size()) {
      const auto epoch = one.core->claim_ballot().epoch;
      if (epoch < committing_epoch_)
        throw broken{one.self.node + " commits at epoch " + std::to_string(epoch) + " after " +
                     std::to_string(committing_epoch_)};
      committing_epoch_ = epoch;
      auto holders = std::size_t{0};
      for (const auto& who : one.core->config().members) {
        auto place = place_of(who.id);
        if (place && nodes_[*place].durable.holds(entry)) ++holders;
      }
      // Those that are lost for good may have been counted; one at a time is.
      for (const auto& who : one.core->config().members)
        if (!place_of(who.id)) ++holders;
      if (holders < one.core->config().majority())
        throw broken{one.self.node + " commits entry " + std::to_string(entry.lsn) + ", which " +
                     std::to_string(holders) + " disks hold"};
    }
    if (entry.lsn <= log_.size()) {
      const auto& known = log_[entry.lsn - 1];
      const auto same_data =
          (known.data == nullptr) == (entry.data == nullptr) && (known.data == nullptr || *known.data == *entry.data);
      if (known.epoch != entry.epoch || known.kind != entry.kind || !same_data)
        throw broken{one.self.node + " commits another entry " + std::to_string(entry.lsn) + " (epoch " +
                     std::to_string(entry.epoch) + ") than others (epoch " + std::to_string(known.epoch) + ")"};
      return;
    }
    if (entry.lsn != log_.size() + 1)
      throw broken{one.self.node + " commits entry " + std::to_string(entry.lsn) + " after " +
                   std::to_string(log_.size())};
    if (!log_.empty() && entry.epoch < log_.back().epoch)
      throw broken{"epochs go back in the log at " + std::to_string(entry.lsn)};
    log_.push_back(entry);
    if (entry.kind != entry_kind::edit) return;
    const auto body = from_bytes(*entry.data);
    auto& newest = committed_[body.client];
    if (body.number != newest + 1)
      throw broken{"edit " + std::to_string(body.number) + " of client " + std::to_string(body.client) +
                   " is committed after " + std::to_string(newest)};
    newest = body.number;
  }

  void noticed(std::size_t at, const replica_notice& notice) {
    using kind = replica_notice::kind_type;
    auto& one = nodes_[at];
    switch (notice.kind) {
      case kind::serving: {
        say("%s serves epoch %llu", one.self.node.c_str(), static_cast<unsigned long long>(notice.at.epoch));
        ++counts_.owners;
        auto [place, is_new] = owners_.emplace(notice.at.epoch, one.self.id);
        if (!is_new && place->second != one.self.id)
          throw broken{"epoch " + std::to_string(notice.at.epoch) + " has two owners"};
        if (moving_to_ == one.self.id) ++counts_.moved;
        moving_to_ = 0;
        one.taken = one.documents_.window;
        std::ranges::copy(one.documents_.last_seq, one.next_seq);
        one.pending.clear();
        break;
      }
      case kind::stopped:
        say("%s stops: %s", one.self.node.c_str(), notice.why.c_str());
        one.pending.clear();
        break;
      case kind::state_wanted:
        fetch(at, notice.who.id, notice.at.lsn);
        break;
      case kind::config_committed:
        ++counts_.members;
        say("%s: %zu members", one.self.node.c_str(), notice.config.members.size());
        break;
      case kind::removed:
        say("%s is removed", one.self.node.c_str());
        one.install.reset();
        break;
      case kind::damaged:
        if (!planted(bug::truncated_recovery) && !planted(bug::wiped_disk_keeps_its_name) &&
            !planted(bug::ack_before_sync))
          throw broken{one.self.node + " says that the log of " + notice.who.node + " is damaged"};
        if (notice.who == one.self && may_lose(at)) {
          after(0, [this, at] {
            if (nodes_[at].alive) crash(at);
            replace_disk(at);
          });
        }
        break;
      case kind::conflict:
        throw broken{one.self.node + " is told by " + notice.who.node + " to undo entry " +
                     std::to_string(notice.at.lsn) + ", which is committed"};
      case kind::moving:
      case kind::resumed:
      case kind::unreadable:
        break;
    }
  }

  void fetch(std::size_t at, member_id from, std::uint64_t as_of) {
    auto& one = nodes_[at];
    if (one.fetching) return;
    one.fetching = true;
    one.queue.push_back({.ahead = as_of});
    on_node(at, one.life, random_.between(2, 40), [this, at, from] {
      auto& self = nodes_[at];
      self.fetching = false;
      auto source = place_of(from);
      if (!source || !reaches(*source, at) || !reaches(at, *source) || nodes_[*source].paused_until > now_) return;
      auto& giver = nodes_[*source];
      auto copy = std::make_shared<machine>(giver.documents_);
      if (copy->applied == 0) return;
      if (planted(bug::dedup_lost_in_transfer)) copy->window = dedup_window{64};
      self.install = copy;
      if (self.core->on_state(giver.core->state_at(copy->applied), now_)) {
        ++counts_.transfers;
        say("%s takes the documents of %s at %llu", self.self.node.c_str(), giver.self.node.c_str(),
            static_cast<unsigned long long>(copy->applied));
      } else {
        self.install.reset();
      }
    });
  }

  // --- the network ---

  bool reaches(std::size_t from, std::size_t to) const {
    return nodes_[to].alive && nodes_[from].alive && !cuts_.contains({from, to});
  }
  std::int64_t travel() {
    if (!healed_ && random_.chance(sky_.slow)) return random_.between(10, 150);
    return random_.between(1, 8);
  }
  bool is_lost() {
    if (healed_ || !random_.chance(sky_.drop)) return false;
    ++counts_.lost_messages;
    return true;
  }

  void post(std::size_t from, envelope message) {
    auto to = place_of(message.to.id);
    if (!to || *to == from) return;
    say("%s -> %s %s", nodes_[from].self.node.c_str(), message.to.node.c_str(),
        std::string{name_of(message.what)}.c_str());
    auto copies = !healed_ && random_.chance(sky_.repeat) ? 2 : 1;
    auto content = std::make_shared<const envelope>(std::move(message));
    note_configs(*content);
    if (coded_) {
      post_bytes(from, *to, content, copies);
      return;
    }
    for (auto i = 0; i < copies; ++i) {
      if (!reaches(from, *to) || is_lost()) continue;
      on_node(*to, nodes_[*to].life, travel(), [this, from = nodes_[from].self, to = *to, content] {
        if (nodes_[to].self.id == content->to.id) nodes_[to].core->on_message(from, content->what, now_);
      });
    }
  }

  // The message is kept beside its bytes: see note_configs().
  void post_bytes(std::size_t from, std::size_t to, const std::shared_ptr<const envelope>& message, int copies) {
    const auto whole =
        std::make_shared<const bytes>(encode(peer_frame{1, nodes_[from].self, message->to.id, message->what}));
    for (auto i = 0; i < copies; ++i) {
      if (!reaches(from, to) || is_lost()) continue;
      auto is_torn = !healed_ && random_.chance(sky_.tear);
      auto data = is_torn ? torn(*whole) : whole;
      on_node(to, nodes_[to].life, travel(),
              [this, to, data, is_torn, kept = message] { receive(to, *data, is_torn); });
    }
  }

  // Members that a message names count for what may be lost, as long as it is on its way: its sender may be gone.
  void note_configs(const envelope& message) {
    const auto* what = std::get_if<append_message>(&message.what);
    if (what == nullptr) return;
    std::erase_if(flying_configs_, [](const auto& one) { return one.expired(); });
    for (const auto& entry : what->entries)
      if (entry.config) flying_configs_.emplace_back(entry.config);
  }

  shared_bytes torn(bytes data) {
    ++counts_.torn_messages;
    data[random_.below(data.size())] ^= static_cast<std::byte>(random_.between(1, 255));
    return std::make_shared<const bytes>(std::move(data));
  }

  void receive(std::size_t at, const bytes& data, bool is_torn) {
    const auto frame = decode_frame(data);
    if (is_torn) {
      if (frame) throw broken{"a message with a changed byte is understood"};
      return;
    }
    if (!frame) throw broken{"what was sent is refused: " + frame.error().message};
    if (encode(*frame) != data) throw broken{"a message is read as another one"};
    if (nodes_[at].self.id == frame->to) nodes_[at].core->on_message(frame->from, frame->what, now_);
  }

  // --- the directory ---

  bool reaches_directory(std::size_t at) const {
    return directory_up_ && !cut_off_.contains(at);
  }

  void submit(std::size_t at, const directory_txn& txn) {
    auto answer = [this, at, life = nodes_[at].life, id = txn.id](std::int64_t delay, txn_outcome outcome,
                                                                  std::optional<shard_record> current) {
      on_node(at, life, delay,
              [this, at, id, outcome, current] { nodes_[at].core->on_txn(id, outcome, current, now_); });
    };
    const auto is_unknown = !healed_ && random_.chance(sky_.unknown);
    if (!reaches_directory(at) || (is_unknown && random_.chance(0.4))) {
      ++counts_.unknown_txns;
      answer(random_.between(20, 100), txn_outcome::unknown, {});
      return;
    }
    // An answer that never comes says nothing of when it is carried out.
    if (is_unknown) {
      ++counts_.unknown_txns;
      answer(random_.between(20, 100), txn_outcome::unknown, {});
      after(random_.chance(0.3) ? random_.between(50, 800) : random_.between(1, 20), [this, txn] { carry_out(txn); });
      return;
    }
    after(random_.between(1, 10), [this, txn, answer] {
      if (!directory_up_) {
        answer(random_.between(20, 100), txn_outcome::unknown, {});
        return;
      }
      const auto done = carry_out(txn);
      answer(random_.between(1, 10), done ? txn_outcome::done : txn_outcome::refused,
             done ? std::optional<shard_record>{} : record_);
    });
  }

  bool carry_out(const directory_txn& txn) {
    revision_ += static_cast<std::uint64_t>(random_.between(1, 60));
    if (record_ != txn.expected) return false;
    history_.push_back(record_);
    revisions_.push_back(revision_);
    record_ = txn.wanted;
    say("the directory: epoch %llu, owner %s", static_cast<unsigned long long>(record_.epoch),
        record_.owner.node.c_str());
    for (auto i = std::size_t{0}; i < nodes_.size(); ++i) {
      if (!nodes_[i].alive || !reaches_directory(i)) continue;
      on_node(i, nodes_[i].life, random_.between(1, 30),
              [this, i, record = record_] { nodes_[i].core->on_record(record); });
    }
    return true;
  }

  // --- clients ---

  void type(std::size_t which) {
    auto& one = clients_[which];
    if (one.made < one.quota && one.made - one.acked < client_window) ++one.made;
    if (one.acked == one.quota) return;
    if (!nodes_[one.node].alive || random_.chance(0.01))
      one.node = static_cast<std::size_t>(random_.below(nodes_.size()));
    if (nodes_[one.node].alive && nodes_[one.node].paused_until <= now_) {
      if (auto owner = place_of(nodes_[one.node].core->record().owner.id)) {
        for (auto number = one.acked + 1; number <= one.made; ++number) request(which, *owner, number);
      }
    }
    after(random_.between(5, 60), [this, which] { type(which); });
  }

  void request(std::size_t which, std::size_t owner, std::uint64_t number) {
    auto& one = clients_[which];
    if ((one.node != owner && !reaches(one.node, owner)) || !nodes_[owner].alive || is_lost()) return;
    ++counts_.retries;
    on_node(owner, nodes_[owner].life, travel(),
            [this, owner, client = one.id, number] { take(owner, client, number); });
  }

  // What an owner's documents do with an edit.
  void take(std::size_t at, std::uint64_t client, std::uint64_t number) {
    auto& one = nodes_[at];
    if (!one.core->takes_proposals()) return;
    auto newest = one.taken.newest(client).value_or(dedup_window::mark{});
    if (number <= newest.number && !planted(bug::no_dedup)) {
      ++counts_.repeated;
      if (newest.lsn <= one.core->commit()) acknowledge(at, {client, number, 0, 0});
      return;
    }
    if (number > newest.number + 1) return;
    auto body = edit_body{client, number, (client + number) % documents, 0};
    body.seq = one.next_seq[body.document] + 1;
    auto lsn = one.core->propose(to_bytes(body), now_);
    if (!lsn) return;
    ++one.next_seq[body.document];
    one.taken.note({client, number, *lsn});
    one.pending[*lsn] = body;
  }

  void acknowledge(std::size_t at, const edit_body& body) {
    if (committed_[body.client] < body.number)
      throw broken{nodes_[at].self.node + " acknowledges edit " + std::to_string(body.number) + " of client " +
                   std::to_string(body.client) + ", which is not committed"};
    if (is_lost()) return;
    after(travel(), [this, client = body.client, number = body.number] {
      auto& one = clients_[client - 1];
      if (number > one.acked) counts_.edits += number - one.acked;
      one.acked = std::max(one.acked, number);
    });
  }

  // --- what befalls the cluster ---

  void fates() {
    if (now_ >= faults_end_ms) {
      heal();
      return;
    }
    after(20, [this] { fates(); });
    // Owners have more of it than others.
    auto at = static_cast<std::size_t>(random_.below(nodes_.size()));
    if (random_.chance(0.3)) at = place_of(record_.owner.id).value_or(at);
    auto& one = nodes_[at];
    if (!one.alive) {
      if (random_.chance(0.2)) start(at);
    } else if (random_.chance(sky_.crash)) {
      crash(at);
    } else if (random_.chance(sky_.pause)) {
      ++counts_.pauses;
      one.paused_until = now_ + random_.between(10, 900);
      say("%s is stopped for %lld ms", one.self.node.c_str(), static_cast<long long>(one.paused_until - now_));
    }
    if (random_.chance(sky_.wipe) && may_lose(at)) {
      ++counts_.lost_disks;
      if (nodes_[at].alive) crash(at);
      say("%s loses its disk", nodes_[at].self.node.c_str());
      replace_disk(at);
    } else if (random_.chance(sky_.damage) && may_lose(at)) {
      ++counts_.damaged_logs;
      if (nodes_[at].alive) crash(at);
      nodes_[at].durable.damaged = true;
    }
    if (random_.chance(sky_.cut)) {
      auto other = static_cast<std::size_t>(random_.below(nodes_.size()));
      if (other != at) {
        ++counts_.cuts;
        auto both = random_.chance(0.5);
        cut(at, other);
        if (both) cut(other, at);
      } else {
        cut_off_.insert(at);
        after(random_.between(50, 800), [this, at] { cut_off_.erase(at); });
      }
    }
    if (random_.chance(sky_.outage) && directory_up_) {
      directory_up_ = false;
      after(random_.between(50, 800), [this] { directory_up_ = true; });
    }
    if (random_.chance(sky_.restore) && !history_.empty() && random_.chance(0.2)) {
      ++counts_.restores;
      auto back = static_cast<std::size_t>(random_.below(history_.size()));
      record_ = history_[back];
      revision_ = revisions_[back] / 2;
      history_.resize(back);
      revisions_.resize(back);
      say("the directory is restored from a backup: epoch %llu", static_cast<unsigned long long>(record_.epoch));
    }
    // Members are in the log from its first entry on; before, the directory alone names them.
    if (random_.chance(sky_.restore) && !log_.empty() && random_.chance(0.2)) {
      ++counts_.forgotten;
      record_ = {};
      say("the directory has lost its record%s", "");
    }
  }

  void cut(std::size_t from, std::size_t to) {
    cuts_.insert({from, to});
    after(random_.between(50, 900), [this, from, to] { cuts_.erase({from, to}); });
  }

  // Two disks of three are more than anybody promises to survive.
  bool may_lose(std::size_t at) const {
    auto fine = [&](const shard_config& config) {
      auto lost = std::size_t{0};
      for (const auto& who : config.members)
        if (auto place = place_of(who.id); !place || *place == at || nodes_[*place].durable.damaged) ++lost;
      return config.contains(nodes_[at].self.id) ? lost <= config.members.size() - config.majority() : true;
    };
    if (!fine(record_.config)) return false;
    for (const auto& flying : flying_configs_)
      if (auto config = flying.lock(); config && !fine(*config)) return false;
    for (const auto& one : nodes_) {
      const auto& disk = one.durable.log;
      if (!fine(disk.base.config)) return false;
      for (const auto& entry : disk.log)
        if (entry.config && !fine(*entry.config)) return false;
      for (const auto& op : one.queue)
        for (const auto& entry : op.write.append)
          if (entry.config && !fine(*entry.config)) return false;
      if (!one.core) continue;
      // One that learns may become a member at any moment.
      auto config = one.core->config();
      if (auto learner = one.core->learner()) config.members.push_back(*learner);
      if (!fine(config)) return false;
    }
    return true;
  }

  void heal() {
    healed_ = true;
    directory_up_ = true;
    cuts_.clear();
    cut_off_.clear();
    say("all is well from now on%s", "");
    for (auto i = std::size_t{0}; i < nodes_.size(); ++i) {
      if (!nodes_[i].alive) start(i);
      nodes_[i].paused_until = std::min(nodes_[i].paused_until, now_);
    }
  }

  // The operator, or what a node does in its place.
  void operate() {
    after(random_.between(20, 80), [this] { operate(); });
    for (auto i = std::size_t{0}; i < nodes_.size(); ++i) {
      auto& one = nodes_[i];
      if (!one.alive || one.paused_until > now_ || !one.core->takes_proposals()) continue;
      change(i);
      drain(i);
    }
  }

  void change(std::size_t at) {
    auto& core = *nodes_[at].core;
    const auto config = core.config();
    auto learner = core.learner();
    if (learner && (!place_of(learner->id) || (healed_ && config.members.size() >= wanted_members_ + 1))) {
      (void)core.remove(learner->id, now_);
      return;
    }
    auto lost = std::ranges::find_if(config.members, [&](const member& who) { return !place_of(who.id); });
    // The lost one goes first: with one more to replace it beside it, all others would be needed for a majority.
    if (lost != config.members.end()) {
      (void)core.remove(lost->id, now_);
      return;
    }
    if (config.members.size() < wanted_members_) {
      for (const auto& other : nodes_)
        if (!config.contains(other.self.id) && other.alive) {
          (void)core.add(other.self, now_);
          return;
        }
      return;
    }
    if (config.members.size() > wanted_members_) {
      auto victim = config.members[random_.below(config.members.size())];
      if (victim.id != core.self().id) (void)core.remove(victim.id, now_);
      return;
    }
    if (healed_) return;
    if (random_.chance(sky_.change)) {
      const auto& other = nodes_[random_.below(nodes_.size())];
      if (!config.contains(other.self.id)) (void)core.add(other.self, now_);
    } else if (random_.chance(sky_.move)) {
      const auto& other = config.members[random_.below(config.members.size())];
      if (other.id != core.self().id && core.move_to(other.id, now_)) {
        ++counts_.moves;
        moving_to_ = other.id;
        say("%s moves the shard to %s", core.self().node.c_str(), other.node.c_str());
      }
    }
  }

  // --- the end ---

  bool is_done() {
    if (!healed_) return false;
    for (const auto& one : clients_)
      if (one.acked != one.quota) return false;
    const node* owner = nullptr;
    for (const auto& one : nodes_)
      if (one.alive && one.core->takes_proposals()) owner = &one;
    if (owner == nullptr || owner->core->commit() != log_.size()) return false;
    const auto& config = owner->core->config();
    if (config.members.size() != wanted_members_) return false;
    for (const auto& who : config.members) {
      auto place = place_of(who.id);
      if (!place) return false;
      const auto& one = nodes_[*place].durable.documents_;
      if (one.applied != log_.size()) return false;
      if (one.hash != owner->documents_.hash) throw broken{"replicas hold different documents"};
    }
    // Whoever began to learn from an owner that is gone, too, must have given back what it got.
    for (const auto& one : nodes_) {
      const auto& disk = one.durable;
      if (config.contains(one.self.id)) continue;
      if (disk.documents_.applied != 0 || !disk.log.log.empty() || disk.ahead != 0) return false;
    }
    return record_.owner.id == owner->self.id && record_.config == config;
  }

  std::string state() const {
    auto out = std::ostringstream{};
    for (const auto& one : clients_) out << "client " << one.id << " " << one.acked << "/" << one.quota << "; ";
    out << "log " << log_.size() << "; directory epoch " << record_.epoch << " owner " << record_.owner.node;
    for (const auto& one : nodes_) {
      out << "; " << one.self.node << " role " << static_cast<int>(one.core->role()) << " promised "
          << one.core->promised().epoch << " last " << one.core->last().epoch << "/" << one.core->last().lsn
          << " commit " << one.core->commit() << " config v" << one.core->config().version << "("
          << one.core->config().members.size() << ")" << (one.core->is_removed() ? " removed" : "");
    }
    return out.str();
  }

  random_source random_;
  bool trace_;
  bool coded_;  ///< messages and disks are bytes
  weather sky_;
  replica_options options_;
  std::int64_t now_ = 0;
  std::uint64_t order_ = 0;
  std::priority_queue<event> queue_;
  std::vector<node> nodes_;
  std::vector<client> clients_;
  std::size_t wanted_members_ = 3;
  std::set<std::pair<std::size_t, std::size_t>> cuts_;
  std::set<std::size_t> cut_off_;  ///< from the directory
  bool healed_ = false;

  shard_record record_;  ///< what the directory holds
  std::vector<shard_record> history_;
  std::vector<std::uint64_t> revisions_;
  std::uint64_t revision_ = 1'000'000;
  bool directory_up_ = true;

  std::vector<log_entry> log_;                        ///< what is committed, by whoever committed it first
  std::map<std::uint64_t, std::uint64_t> committed_;  ///< client → newest number
  std::map<std::uint64_t, member_id> owners_;         ///< by epoch
  std::uint64_t committing_epoch_ = 0;
  member_id moving_to_ = 0;
  std::vector<std::weak_ptr<const shard_config>> flying_configs_;
  simulation_counts counts_;
};

}  // namespace

simulation_result simulate(std::uint64_t seed, bool trace) {
  return world{seed, trace}.run();
}

}  // namespace octavo::test
