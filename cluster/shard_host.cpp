#include "cluster/shard_host.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/json.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/init_global_meta_objects.hpp>
#include <caf/io/middleman.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <iterator>
#include <map>
#include <unordered_map>

#include "actors/caf_compat.hpp"
#include "actors/clock.hpp"
#include "actors/loader.hpp"
#include "actors/logger.hpp"
#include "cluster/document_finder.hpp"
#include "cluster/host_load.hpp"
#include "cluster/host_status.hpp"
#include "cluster/hot_documents.hpp"
#include "cluster/logger.hpp"
#include "cluster/peer_table.hpp"
#include "cluster/shard_disk.hpp"
#include "cluster/shard_receiver.hpp"
#include "cluster/shard_sender.hpp"
#include "storage/store.hpp"

namespace octavo::cluster {

namespace {

/// Of what nobody waits for.
constexpr auto disk_timeout = std::chrono::hours{24};
constexpr auto served_interval_ms = std::int64_t{1'000};
/// After so long an edit of a document weighs half.
constexpr auto cool_interval_ms = std::int64_t{30'000};

class shard_host_impl {
 public:
  static inline const char* name = "octavo.shard_host";

  shard_host_impl(shard_host_actor::pointer self, storage::store& store, std::shared_ptr<shard_table> table,
                  metrics& counters, host_options options, host_peers peers, actors::fatal_handler on_fatal)
      : self_(self),
        table_(std::move(table)),
        counters_(counters),
        options_(std::move(options)),
        peers_(std::move(peers)),
        store_(store),
        on_fatal_(std::move(on_fatal)),
        load_(options_.self.node, options_.balance, options_.cores),
        nodes_(self, {options_.self, options_.uses_tls, options_.link_window_bytes, options_.link_queue_bytes_max}),
        hot_(options_.hot_documents_max),
        stall_(options_.disk_stall_ms),
        learners_(options_.learner),
        finder_(
            self, options_.finder, [this](shard_number shard) { return place_of(shard); },
            [this] { return peers_.registry(); }),
        snapshotter_(actors::spawn_snapshotter(self->system(), store, options_.document, counters)),
        disk_(spawn_shard_disk(self->system(), shard_host_actor{self}, store, counters, is_over_, on_fatal_)),
        sender_(spawn_shard_sender(self->system(), store)),
        receiver_(spawn_shard_receiver(self->system(), shard_host_actor{self}, store)) {}

  shard_host_actor::behavior_type make_behavior() {
    // A process without its replicas would keep its lease, and the others would wait for it.
    self_->set_exception_handler([this](const std::exception_ptr& thrown) -> caf::error {
      auto why = error{errc::internal, "the replicas of this node failed: " + actors::what_of(thrown)};
      end_process(why);
      return actors::make_error(why);
    });
    watcher_.install(self_);
    // Without them no replica could be built anew, here or elsewhere, and nobody would know.
    auto failed = [this](const caf::error& why) {
      end_process({errc::internal, "what brings documents from node to node failed: " + to_string(why)});
    };
    watcher_.watch(self_, sender_, failed);
    watcher_.watch(self_, receiver_, failed);
    // They are nobody else's.
    self_->attach_functor([snapshotter = snapshotter_, sender = sender_, is_over = is_over_] {
      *is_over = true;
      compat::end(snapshotter);
      compat::end(sender);
    });
    tick();
    return {
        [this](hello_atom, hello& theirs, const caf::strong_actor_ptr& peer) {
          return nodes_.introduce(theirs, caf::actor_cast<peer_actor>(peer));
        },
        [this](frames_atom, const std::vector<actors::payload>& frames) { take_in(frames); },
        [this](actors::document_atom, const std::string& name) { return finder_.find(shard_of(name), name, false); },
        [this](suspect_atom, const std::string& node, std::uint64_t incarnation) {
          nodes_.suspect(node, incarnation, is_from_here());
        },
        [this](busy_atom, const std::string& node, double busy, double cores) {
          if (nodes_.contains(node)) load_.heard(node, busy, cores, actors::steady_now_ms());
        },
        [this](stall_atom, const std::string& node, bool is_stalled) { nodes_.hear_stall(node, is_stalled); },
        [this](transfer_atom, const actors::payload& request) {
          note_transfer(request);
          return compat::pass_on(self_, sender_, transfer_atom_v, request);
        },
        [this](actors::append_atom, actors::append_request& request) { append(std::move(request)); },
        [](actors::commit_atom) {},
        [this](actors::quarantine_atom, const actors::quarantine_request& what) {
          compat::send(self_, disk_, actors::quarantine_atom_v, what);
        },
        [this](actors::report_atom, const std::string& name, std::uint64_t busy_us, std::uint64_t bytes) {
          load_.add(shard_of(name), busy_us, bytes);
        },
        [this](actors::barrier_atom, const std::string& name, const actors::document_actor& document) {
          return barrier(name, document);
        },
        [this](actors::drop_atom, const std::string& name) { return drop(name); },
        [this](actors::locate_atom, const std::string& name) { return finder_.find(shard_of(name), name, true); },
        [this](record_atom, const record_update& update) {
          for (const auto& [shard, record] : update.records) table_->on_record(shard, record);
          pump();
          for (const auto& [shard, record] : update.records) finder_.look_again(shard);
        },
        [this](txn_atom, const txn_answer& answer) {
          table_->on_txn(answer.shard, answer.id, answer.outcome, answer.current, actors::steady_now_ms());
          pump();
        },
        [this](nodes_atom, const std::shared_ptr<const node_view>& view) { see(view); },
        [this](link_atom, const std::string& node, const peer_actor& peer, member_id who) { linked(node, peer, who); },
        [this](state_atom, shard_number shard, std::uint64_t as_of, std::uint64_t ahead) {
          return begin_state(shard, as_of, ahead);
        },
        [this](damage_atom, const std::string& what) {
          if (damage_.empty())
            logger().error("this node's disk is damaged, and is given up once the other nodes can do without: {}",
                           what);
          damage_ = what;
        },
        [this](state_atom, const state_fetched& what) {
          table_->on_state(what.shard, what.at, actors::steady_now_ms());
          pump();
        },
        [this](actors::tick_atom) { tick(); },
    };
  }

 private:
  /// Edits of a document that wait for a majority.
  struct pending_edit {
    std::uint64_t lsn = 0;
    actors::document_actor document;
    std::uint64_t seq = 0;
  };

  /// What waits until the documents on disk hold all entries up to an lsn.
  struct waiting_apply {
    std::uint64_t lsn = 0;
    std::function<void(const error&)> done;
  };

  /// A document of a shard that this node owns, open here.
  struct open_document {
    actors::document_actor actor;
    std::uint64_t seq = 0;  ///< of its last edit that was proposed
  };

  /// A shard that this node owns.
  struct owned_shard {
    std::deque<pending_edit> pending;
    std::vector<actors::append_request> held;  ///< while the shard is about to move, or the disk is behind
    std::vector<waiting_apply> waiting;
    std::unordered_map<std::string, open_document> documents;
  };

  shard_number shard_of(std::string_view name) const { return table_->shard_of_document(name); }

  void end_process(const error& why) {
    logger().critical("{}", why.message);
    if (on_fatal_) on_fatal_(why);
  }

  // --- other nodes ---

  void take_in(const std::vector<actors::payload>& frames) {
    for (const auto& one : frames) {
      auto frame = decode_frame(one.view());
      if (!frame) {
        counters_.frames_refused.fetch_add(1, std::memory_order_relaxed);
        logger().error("a frame of {} bytes from another node is refused: {}", one.size(), frame.error().message);
        continue;
      }
      const auto* entries = std::get_if<append_message>(&frame->what);
      if (entries != nullptr && !entries->entries.empty() && is_disk_behind()) continue;
      table_->on_frame(*frame, actors::steady_now_ms());
    }
    pump();
  }

  void see(const std::shared_ptr<const node_view>& view) {
    if (const auto* before = nodes_.view()) load_.see(*before, *view);
    nodes_.see(view, actors::steady_now_ms());
    const auto self = view->nodes.find(options_.self.node);
    const auto is_drained = self != view->nodes.end() && self->second.draining;
    if (std::exchange(is_drained_, is_drained) != is_drained) {
      logger().info("this node {}", is_drained ? "is being drained" : "is not drained any more");
      if (peers_.drained) peers_.drained(is_drained);
    }
  }

  void linked(const std::string& node, const peer_actor& peer, member_id who) {
    if (!nodes_.linked(node, peer, who)) return;
    if (peer) {
      table_->on_reconnect(who);
      learners_.came_back(who);
      if (is_disk_stalled_) compat::send(self_, peer, stall_atom_v, options_.self.node, true);
    } else {
      finder_.lost(node);
    }
    pump();
    finder_.look_again();
  }

  // Those who ask for documents get on.
  void note_transfer(const actors::payload& asked) {
    if (learners_.is_empty() || !self_->current_sender()) return;
    const auto node = nodes_.node_at(self_->current_sender()->node());
    if (node.empty()) return;
    if (auto request = decode_transfer_request(asked.view())) learners_.asked(node, *request, actors::steady_now_ms());
  }

  caf::result<void> begin_state(shard_number shard, std::uint64_t as_of, std::uint64_t ahead) {
    if (auto begun = table_->begin_state(shard, as_of, ahead); !begun) return actors::make_error(begun.error());
    pump();
    auto promise = self_->make_response_promise<void>();
    // It goes to the disk behind all that was applied without knowing of it.
    waiting_steps_.emplace_back(steps_written_ + steps_.size() + steps_flying_, promise);
    return promise;
  }

  bool is_from_here() const {
    return self_->current_sender() && self_->current_sender()->node() == self_->system().node();
  }

  // --- where shards are ---

  // What the directory does not know for sure is no reason to change anything.
  void arrange() {
    const auto now = actors::steady_now_ms();
    if (now - arranged_ms_ < options_.arrange_ms) return;
    arranged_ms_ = now;
    if (!nodes_.is_current()) return;
    nodes_.forget_gone([this](const std::string& node) { return is_member(node); });
    const auto& view = *nodes_.view();
    auto nodes = std::vector<placement_node>{};
    for (const auto& [name, node] : view.nodes) {
      const auto disk = nodes_.disk_of(name, node.member);
      if (!view.removed.contains(disk)) nodes.push_back({{disk, name}, node.draining, nodes_.there_ms(name, now)});
    }
    auto changing = std::size_t{0};
    for (const auto& [shard, core] : table_->replicas())
      if (core->serves() && is_changing(*core)) ++changing;
    auto away = std::map<member_id, std::int64_t>{};
    for (const auto& [shard, core] : table_->replicas()) {
      if (!core->serves() || !core->learner()) learners_.forget(shard);
      if (!core->serves()) continue;
      auto members = placed_members(*core, now, away);
      if (const auto learner = core->learner()) {
        see_to_learner(shard, *core, *learner, now);
        continue;
      }
      if (changing >= options_.changes_at_once_max || is_changing(*core)) continue;
      const auto pin = view.pins.find(shard);
      const auto moved = pin == view.pins.end() ? view.balance.find(shard) : view.balance.end();
      const auto is_balanced = moved != view.balance.end();
      const auto pinned = pin != view.pins.end() ? std::string_view{pin->second}
                          : is_balanced          ? std::string_view{moved->second.node}
                                                 : std::string_view{};
      const auto resting = learners_.resting(shard, now);
      for (auto& one : nodes) one.is_resting = resting.contains(one.who.id);
      auto step = next_step(shard, table_->self(), members, nodes, options_.placement, pinned);
      if (step.kind == placement_step::kind_type::none) continue;
      if (is_balanced && step.who.node == pinned) step.why = moved->second.why;
      auto& moved_ms = moved_ms_[shard];
      if (step.kind == placement_step::kind_type::move && moved_ms != 0 && now - moved_ms < options_.rest_ms) continue;
      if (auto begun = table_->arrange(shard, step, now); !begun) continue;
      ++changing;
      note_change(shard, step);
      if (step.kind == placement_step::kind_type::add) learners_.begin(shard, step.who, now);
      if (step.kind == placement_step::kind_type::move) {
        moved_ms = now;
        counters_.shard_moves.fetch_add(1, std::memory_order_relaxed);
      } else {
        logger().info("shard={} node={} {}: {}", shard, step.who.node,
                      step.kind == placement_step::kind_type::add ? "gets a replica" : "loses its replica", step.why);
      }
    }
    away_.swap(away);
  }

  // One that does not become a member goes: it keeps the shard from all other changes.
  void see_to_learner(shard_number shard, const replica& core, const member& who, std::int64_t now) {
    auto step = placement_step{placement_step::kind_type::remove, who, "it has gone"};
    if (nodes_.is_live(who)) {
      const auto match = core.match_of(who.id).value_or(0);
      if (!learners_.is_stuck(shard, who, match, core.has_answered(who.id), is_drained_, now)) return;
      step.why = "it gets nowhere";
    }
    if (!table_->arrange(shard, step, now)) return;
    logger().warn("shard={} node={} gets no replica for now: {}", shard, who.node, step.why);
    note_change(shard, step);
  }

  // What is damaged here is whole on a majority of the others, if all of these are there.
  void give_up_disk() {
    if (damage_.empty() || !peers_.damaged || !nodes_.is_current()) return;
    for (const auto& [shard, core] : table_->replicas()) {
      const auto& config = core->config();
      const auto others = std::ranges::count_if(
          config.members, [&](const member& who) { return who != table_->self() && nodes_.is_live(who); });
      if (config.contains(table_->self().id) && static_cast<std::size_t>(others) < config.majority()) return;
    }
    peers_.damaged();
  }

  // --- what there is to do ---

  void balance() {
    const auto now = actors::steady_now_ms();
    if (!load_.tick(now)) return;
    const auto& meter = load_.meter();
    for (const auto& peer : nodes_.connected())
      compat::send(self_, peer, busy_atom_v, options_.self.node, meter.busy(), meter.cores());
    if (!nodes_.is_current() || is_drained_ || !peers_.balance) return;
    auto is_settled = [&](const std::string& node) {
      return nodes_.there_ms(node, now) >= options_.placement.settle_ms;
    };
    auto move = load_.decide(
        *nodes_.view(), is_settled, [this](shard_number shard) { return ready_for(shard); }, now,
        actors::unix_now_ms());
    if (!move) return;
    logger().info("shard={} node={} is to serve it: {}", move->shard, move->node, move->why);
    peers_.balance(std::move(*move));
  }

  /// The nodes that could serve a shard of this node at once.
  std::vector<std::string> ready_for(shard_number shard) const {
    auto ready = std::vector<std::string>{};
    const auto* core = table_->find(shard);
    if (core == nullptr || !core->serves() || is_changing(*core)) return ready;
    for (const auto& who : core->config().members)
      if (who != table_->self() && nodes_.is_live(who) && !is_removed(who) && core->has_all(who.id))
        ready.push_back(who.node);
    return ready;
  }

  /// Whether the operator has taken its disk out of the cluster.
  bool is_removed(const member& who) const { return nodes_.view() && nodes_.view()->removed.contains(who.id); }

  /// Whether a node has a replica of a shard that has one here.
  bool is_member(const std::string& node) const {
    return std::ranges::any_of(table_->replicas(), [&](const auto& one) {
      const auto& core = *one.second;
      return (core.learner() && core.learner()->node == node) ||
             std::ranges::any_of(core.config().members, [&](const member& who) { return who.node == node; });
    });
  }

  std::vector<placed_member> placed_members(const replica& core, std::int64_t now,
                                            std::map<member_id, std::int64_t>& away) const {
    auto members = std::vector<placed_member>{};
    for (const auto& who : core.config().members) {
      auto one = placed_member{who, 0, who == table_->self() || core.has_all(who.id)};
      one.is_removed = is_removed(who);
      one.is_damaged = core.is_damaged(who.id);
      if (!nodes_.is_live(who)) {
        auto found = away_.find(who.id);
        const auto since = away.emplace(who.id, found == away_.end() ? now : found->second).first->second;
        one.away_ms = std::max<std::int64_t>(1, now - since);
      }
      members.push_back(std::move(one));
    }
    return members;
  }

  // --- documents ---

  void append(actors::append_request request) {
    // Whatever becomes of it, it has left the mailbox.
    for (const auto& record : request.records)
      counters_.log_queue_bytes.fetch_sub(static_cast<std::int64_t>(record.update.size() + record.user.size()),
                                          std::memory_order_relaxed);
    counters_.log_queue_records.fetch_sub(static_cast<std::int64_t>(request.records.size()), std::memory_order_relaxed);
    const auto shard = shard_of(request.document);
    auto& one = owned_[shard];
    const auto* core = table_->find(shard);
    // In the order in which they came.
    if (core != nullptr && core->serves() && (!core->takes_proposals() || is_disk_behind() || !one.held.empty())) {
      is_holding_ = true;
      one.held.push_back(std::move(request));
      return;
    }
    if (propose(shard, one, request)) pump();
  }

  bool propose(shard_number shard, owned_shard& one, const actors::append_request& request) {
    auto open = one.documents.find(request.document);
    const auto is_open = open != one.documents.end() && open->second.actor == request.from;
    for (const auto& record : request.records) {
      auto what = edit_record{edit_kind::edit,     request.document, record.seq, record.time_ms, record.user, 0, 0,
                              record.update.view()};
      auto lsn = result<std::uint64_t>{};
      // An actor from before the shard went away and came back may not know yet that it is none any more. An entry that
      // does not follow would be in the log of all replicas, and none of them could apply it.
      if (!is_open)
        lsn = tl::unexpected{moved_error()};
      else if (record.seq != open->second.seq + 1)
        lsn = fail(errc::internal, "edit " + std::to_string(record.seq) + " does not follow the document's last one, " +
                                       std::to_string(open->second.seq));
      else
        lsn = table_->propose(shard, what, actors::steady_now_ms());
      if (!lsn) {
        auto why = lsn.error().code == errc::unavailable ? moved_error() : lsn.error();
        compat::send(self_, request.from, actors::rejected_atom_v, record.seq, actors::make_error(why));
        return false;
      }
      open->second.seq = record.seq;
      ++edited_[request.document];
      one.pending.push_back({*lsn, request.from, record.seq});
    }
    return true;
  }

  // What had to wait for the disk.
  void release_held() {
    if (!is_holding_ || is_disk_behind()) return;
    is_holding_ = false;
    for (auto& [shard, one] : owned_)
      if (table_->serves(shard)) propose_held(shard, one);
  }

  void propose_held(shard_number shard, owned_shard& one) {
    for (const auto& request : std::exchange(one.held, {})) propose(shard, one, request);
  }

  bool is_disk_behind() const { return unwritten_bytes_ >= options_.disk_queue_bytes_max; }

  caf::result<void> barrier(const std::string& name, const actors::document_actor& document) {
    const auto shard = shard_of(name);
    if (!table_->serves(shard)) return actors::make_error(moved_error());
    watcher_.watch(self_, document, [this, shard, name, document](const caf::error&) {
      auto owned = owned_.find(shard);
      if (owned == owned_.end()) return;
      auto& documents = owned->second.documents;
      if (auto found = documents.find(name); found != documents.end() && found->second.actor == document)
        documents.erase(found);
    });
    auto promise = self_->make_response_promise<void>();
    // An earlier actor of the document may have failed with edits that have no majority yet.
    when_applied(shard, table_->find(shard)->last().lsn,
                 [this, shard, name, document, promise](const error& why) mutable {
                   if (why.code != errc::none) {
                     promise.deliver(actors::make_error(why));
                     return;
                   }
                   auto info = store_.find(name);
                   if (!info) {
                     promise.deliver(actors::make_error(info.error()));
                     return;
                   }
                   owned_[shard].documents[name] = {document, *info ? (*info)->last_seq : 0};
                   promise.deliver();
                 });
    return promise;
  }

  /// Calls once the documents on disk hold all entries up to an lsn, or with the reason why they never will here.
  void when_applied(shard_number shard, std::uint64_t lsn, std::function<void(const error&)> done) {
    if (table_->applied(shard) >= lsn)
      done({});
    else
      owned_[shard].waiting.push_back({lsn, std::move(done)});
  }

  // Asked by this node's registry once the document's actor has ended, or by another node, whose registry has none:
  // then ours is asked, which comes back here.
  caf::result<void> drop(const std::string& name) {
    const auto shard = shard_of(name);
    if (!table_->serves(shard)) {
      const auto owner = nodes_.peer(table_->record(shard).owner.node);
      if (!is_from_here() || !owner) return actors::make_error(moved_error());
      return compat::pass_on(self_, owner, actors::drop_atom_v, name);
    }
    if (!is_from_here()) return compat::pass_on(self_, peers_.registry(), actors::drop_atom_v, name);
    auto what = edit_record{};
    what.kind = edit_kind::removal;
    what.document = name;
    what.time_ms = actors::unix_now_ms();
    auto lsn = table_->propose(shard, what, actors::steady_now_ms());
    if (!lsn) return actors::make_error(lsn.error().code == errc::unavailable ? moved_error() : lsn.error());
    auto promise = self_->make_response_promise<void>();
    when_applied(shard, *lsn, [promise](const error& why) mutable {
      if (why.code == errc::none)
        promise.deliver();
      else
        promise.deliver(actors::make_error(why));
    });
    pump();
    return promise;
  }

  shard_place place_of(shard_number shard) {
    using kind = shard_place::kind_type;
    if (table_->serves(shard)) return {kind::here, {}, {}, false};
    const auto& owner = table_->record(shard).owner;
    if (owner == table_->self() || is_claiming(shard)) return {kind::unknown, {}, {}, true};
    auto peer = nodes_.peer(owner.node);
    if (owner.id == 0 || !peer) return {};
    return {kind::there, owner.node, std::move(peer), false};
  }

  bool is_claiming(shard_number shard) {
    const auto* core = table_->find(shard);
    return core != nullptr && core->role() != replica::role_type::follower;
  }

  // --- what the replicas ask ---

  void pump() {
    auto out = table_->take_output();
    for (auto& step : out.steps) {
      count_edits(step);
      unwritten_bytes_ += step.weight();
      steps_.push_back(std::move(step));
    }
    write();
    send(out.frames);
    for (const auto& txn : out.txns) peers_.submit(txn);
    for (const auto& one : out.committed) committed(one);
    for (const auto& one : out.notices) noticed(one.shard, one.what);
  }

  void write() {
    if (is_writing_ || steps_.empty()) return;
    is_writing_ = true;
    auto batch = std::make_shared<std::vector<shard_step>>();
    auto bytes = std::size_t{0};
    while (!steps_.empty() && (batch->empty() || bytes < options_.disk_batch_bytes_max)) {
      for (const auto& [lsn, entry] : steps_.front().entries) bytes += entry.size();
      flying_bytes_ += steps_.front().weight();
      batch->push_back(std::move(steps_.front()));
      steps_.pop_front();
    }
    steps_flying_ = batch->size();
    // However long a full disk is full.
    compat::ask(self_, disk_, caf::infinite, write_atom_v, disk_batch{std::move(batch)})
        .then([this](const disk_report& report) { written(report); },
              [this](const caf::error& reason) {
                end_process(actors::from_caf(reason));
                self_->quit(reason);
              });
  }

  void written(const disk_report& report) {
    is_writing_ = false;
    stall_.done();
    unwritten_bytes_ -= std::exchange(flying_bytes_, 0);
    steps_written_ += std::exchange(steps_flying_, 0);
    while (!waiting_steps_.empty() && waiting_steps_.front().first <= steps_written_) {
      waiting_steps_.front().second.deliver();
      waiting_steps_.pop_front();
    }
    for (const auto& one : report.shards) {
      table_->on_synced(one, actors::steady_now_ms());
      if (!one.applied) continue;
      auto found = owned_.find(one.shard);
      if (found == owned_.end()) continue;
      auto due = std::vector<waiting_apply>{};
      auto& waiting = found->second.waiting;
      auto rest = std::stable_partition(waiting.begin(), waiting.end(),
                                        [&](const waiting_apply& each) { return each.lsn > *one.applied; });
      due.assign(std::make_move_iterator(rest), std::make_move_iterator(waiting.end()));
      waiting.erase(rest, waiting.end());
      for (const auto& each : due) each.done({});
    }
    release_held();
    pump();
  }

  void send(const std::vector<std::pair<member, peer_frame>>& frames) {
    auto by_node = std::map<std::string, std::vector<actors::payload>>{};
    for (const auto& [to, frame] : frames) by_node[to.node].emplace_back(encode(frame));
    for (auto& [node, batch] : by_node) nodes_.send(node, std::move(batch));
  }

  void committed(const shard_committed& what) {
    auto found = owned_.find(what.shard);
    if (found == owned_.end()) return;
    auto& pending = found->second.pending;
    // A document is told of its last one only.
    auto last = std::unordered_map<caf::actor_addr, pending_edit>{};
    while (!pending.empty() && pending.front().lsn <= what.lsn) {
      last[pending.front().document.address()] = pending.front();
      pending.pop_front();
    }
    for (const auto& [address, edit] : last) compat::send(self_, edit.document, actors::committed_atom_v, edit.seq);
  }

  void noticed(shard_number shard, const replica_notice& what) {
    using kind = replica_notice::kind_type;
    switch (what.kind) {
      case kind::serving:
        logger().debug("shard={} is served by this node from now on, epoch={}", shard, what.at.epoch);
        load_.begin(shard, nodes_.view(), actors::steady_now_ms(), actors::unix_now_ms());
        load_hottest(shard);
        finder_.look_again(shard);
        break;
      case kind::stopped:
        logger().debug("shard={} is served by this node no longer: {}", shard, what.why);
        give_up(shard);
        break;
      case kind::moving:
        logger().info("shard={} is being moved to {}", shard, what.who.node);
        break;
      case kind::resumed:
        logger().warn("shard={} stays here: {}", shard, what.why);
        propose_held(shard, owned_[shard]);
        pump();
        break;
      case kind::state_wanted:
        if (const auto peer = nodes_.peer(what.who.node))
          compat::send(self_, receiver_, state_atom_v, state_wanted{shard, what.who.node, peer});
        break;
      case kind::config_committed:
        logger().debug("shard={} members={}", shard, what.config.members.size());
        break;
      case kind::removed:
        logger().info("shard={} has no replica on this node any more", shard);
        compat::send(self_, receiver_, actors::drop_atom_v, shard);
        break;
      case kind::damaged:
        noticed_damage(shard, what);
        break;
      case kind::unreadable:
        logger().critical("shard={} entry {} is left out: {}", shard, what.at.lsn, what.why);
        break;
      case kind::conflict:
        logger().critical("shard={} node={} contradicts what is committed at {}; refused", shard, what.who.node,
                          what.at.lsn);
        break;
    }
  }

  void noticed_damage(shard_number shard, const replica_notice& what) {
    if (what.who != table_->self()) {
      logger().error("shard={} node={} has lost what it acknowledged, and is to be built anew: {}", shard,
                     what.who.node, what.why);
      return;
    }
    // Each owner says so of each shard, again and again.
    if (std::exchange(is_damage_noticed_, true)) return;
    store_.report_damage({errc::corrupt, "the replica of shard " + std::to_string(shard) +
                                             " has lost what was on the disk: " + what.why});
  }

  // Before anybody asks for them, and so in this order: few are loaded at once.
  void load_hottest(shard_number shard) {
    const auto registry = peers_.registry();
    if (!registry) return;
    for (const auto& name : hot_.hottest(shard, options_.preloaded_max))
      compat::ask(self_, registry, disk_timeout, actors::document_atom_v, name)
          .then([](const actors::document_actor&) {}, [](const caf::error&) {});
  }

  void cool_down() {
    const auto now = actors::steady_now_ms();
    if (now - cooled_ms_ < cool_interval_ms) return;
    cooled_ms_ = now;
    hot_.cool();
  }

  // The documents of the shard end; whoever has them open looks them up again, and asks again what was not answered.
  void give_up(shard_number shard) {
    load_.end(shard);
    auto found = owned_.find(shard);
    if (found == owned_.end()) return;
    auto given_up = std::move(found->second);
    owned_.erase(found);
    for (const auto& [name, document] : given_up.documents)
      compat::send(self_, document.actor, actors::rejected_atom_v, std::uint64_t{0}, actors::make_error(moved_error()));
    for (const auto& one : given_up.waiting) one.done(moved_error());
  }

  // Documents that are open here see to their snapshots themselves. Those of other nodes would have an ever longer log
  // on this disk.
  void count_edits(const shard_step& step) {
    for (const auto& one : step.appends) {
      hot_.add(step.shard, one.document);
      auto& edits = unsnapped_[one.document];
      if (++edits < options_.document.snapshot_after_records) continue;
      unsnapped_.erase(one.document);
      auto owned = owned_.find(step.shard);
      if (owned != owned_.end() && owned->second.documents.contains(one.document)) continue;
      compat::ask(self_, snapshotter_, disk_timeout, actors::snapshot_atom_v, one.document)
          .then([](std::uint64_t) {},
                [name = one.document](const caf::error& reason) {
                  logger().warn("document={} no snapshot could be written: {}", actors::printable(name),
                                actors::from_caf(reason).message);
                });
    }
    if (unsnapped_.size() > options_.unsnapped_documents_max) unsnapped_.clear();
  }

  void tick() {
    look_at_disk();
    table_->on_tick(actors::steady_now_ms(), surroundings());
    arrange();
    give_up_disk();
    cool_down();
    balance();
    pump();
    tell_served();
    publish_status();
    finder_.look_again();
    compat::send_later(self_, shard_host_actor{self_}, std::chrono::milliseconds{options_.tick_ms},
                       actors::tick_atom_v);
  }

  table_surroundings surroundings() const {
    auto around = table_surroundings{};
    around.is_live = [this](const member& who) { return nodes_.is_live(who); };
    around.connected = nodes_.connected_members();
    around.stalled = nodes_.stalled_members();
    around.is_directory_there = nodes_.is_current();
    around.is_disk_stalled = is_disk_stalled_;
    around.is_stall_known = is_disk_stalled_ && actors::steady_now_ms() - stalled_ms_ >= options_.stall_known_ms;
    return around;
  }

  void look_at_disk() {
    const auto now = actors::steady_now_ms();
    const auto is_stalled = stall_.look(is_writing_ || !store_.writable(), now);
    if (std::exchange(is_disk_stalled_, is_stalled) == is_stalled) return;
    stalled_ms_ = now;
    counters_.disk_stalled.store(is_stalled ? 1 : 0, std::memory_order_relaxed);
    for (const auto& peer : nodes_.connected())
      compat::send(self_, peer, stall_atom_v, options_.self.node, is_disk_stalled_);
    if (is_stalled)
      logger().error(
          "this node's disk has done nothing, or had no room, for {} ms: others serve its shards until it "
          "does, where they can",
          options_.disk_stall_ms);
    else
      logger().info("this node's disk does its work again");
  }

  // A line a shard would be a thousand when a node starts.
  void tell_served() {
    const auto now = actors::steady_now_ms();
    if (now - served_told_ms_ < served_interval_ms) return;
    const auto served = std::ranges::count_if(table_->replicas(), [](const auto& one) { return one.second->serves(); });
    if (served == served_told_) return;
    served_told_ms_ = now;
    served_told_ = served;
    logger().info("this node serves {} of {} shards", served, table_->shards());
  }

  std::string status() {
    auto facts = host_facts{*table_, load_.meter(), counters_};
    facts.damage = damage_;
    for (const auto& [shard, one] : owned_) facts.documents_open += one.documents.size();
    facts.links = nodes_.states();
    const auto now = actors::steady_now_ms();
    facts.edited = std::exchange(edited_, {});
    facts.edited_ms = now - std::exchange(status_ms_, now);
    facts.changes = &changes_;
    return host_status(facts);
  }

  void publish_status() {
    const auto now = actors::steady_now_ms();
    if (!peers_.publish || now - published_ms_ < options_.status_ms) return;
    published_ms_ = now;
    peers_.publish(status());
  }

  /// Remembers what was changed and why, for whoever asks for the status.
  void note_change(shard_number shard, const placement_step& step) {
    constexpr auto kept = std::size_t{20};
    constexpr auto verbs = std::array<std::string_view, 4>{"", "add", "remove", "move"};
    changes_.push_back(boost::json::object{{"time_ms", actors::unix_now_ms()},
                                           {"shard", shard},
                                           {"change", verbs[static_cast<std::size_t>(step.kind)]},
                                           {"node", step.who.node},
                                           {"why", step.why}});
    if (changes_.size() > kept) changes_.pop_front();
  }

  shard_host_actor::pointer self_;
  std::shared_ptr<shard_table> table_;
  metrics& counters_;
  host_options options_;
  host_peers peers_;
  storage::store& store_;
  actors::fatal_handler on_fatal_;
  host_load load_;
  peer_table nodes_;
  hot_documents hot_;
  stall_clock stall_;
  learner_watch learners_;
  bool is_disk_stalled_ = false;
  std::int64_t stalled_ms_ = 0;  ///< since when it is, or is not
  std::int64_t cooled_ms_ = 0;
  document_finder<shard_host_actor::pointer> finder_;
  actors::snapshotter_actor snapshotter_;
  std::shared_ptr<std::atomic<bool>> is_over_ = std::make_shared<std::atomic<bool>>(false);
  shard_disk_actor disk_;
  shard_sender_actor sender_;
  shard_receiver_actor receiver_;
  compat::watcher watcher_;
  std::unordered_map<std::string, std::uint64_t> unsnapped_;  ///< edits of documents since their snapshots
  std::string damage_;                                        ///< what was found on this node's disk
  bool is_damage_noticed_ = false;                            ///< by the owner of a shard
  bool is_drained_ = false;                                   ///< this node, as the operator wants it
  std::map<member_id, std::int64_t> away_;                    ///< since when members are not there
  std::unordered_map<shard_number, std::int64_t> moved_ms_;
  std::int64_t arranged_ms_ = 0;
  std::int64_t published_ms_ = 0;
  std::int64_t status_ms_ = 0;                             ///< when it was told last
  std::unordered_map<std::string, std::uint64_t> edited_;  ///< documents of this node since then, and how often
  std::deque<boost::json::object> changes_;
  std::unordered_map<shard_number, owned_shard> owned_;
  std::deque<shard_step> steps_;
  bool is_writing_ = false;
  bool is_holding_ = false;          ///< edits wait for room in the disk's queue, or for a move
  std::size_t unwritten_bytes_ = 0;  ///< of all steps, those that fly among them
  std::size_t flying_bytes_ = 0;
  std::size_t steps_flying_ = 0;  ///< that are being written
  std::uint64_t steps_written_ = 0;
  std::deque<std::pair<std::uint64_t, caf::typed_response_promise<void>>> waiting_steps_;  ///< for so many steps
  std::ptrdiff_t served_told_ = 0;
  std::int64_t served_told_ms_ = 0;
};

}  // namespace

result<std::shared_ptr<shard_table>> read_shards(const storage::store& store, const host_options& options) {
  auto table = std::make_shared<shard_table>(member{options.self.member, options.self.node}, options.shards,
                                             options.replica, options.self.incarnation);
  auto stored = store.list_shards();
  if (!stored) return tl::unexpected{stored.error()};
  for (const auto& one : *stored) {
    auto entries = store.read_shard(one.shard);
    if (!entries) return tl::unexpected{entries.error()};
    if (auto restored = table->restore(one, *entries); !restored) return tl::unexpected{restored.error()};
  }
  return table;
}

shard_host_actor spawn_shard_host(caf::actor_system& system, storage::store& store, std::shared_ptr<shard_table> table,
                                  metrics& counters, host_options options, host_peers peers,
                                  actors::fatal_handler on_fatal) {
  return system.spawn<shard_host_actor::stateful_impl<shard_host_impl>>(
      std::ref(store), std::move(table), std::ref(counters), std::move(options), std::move(peers), std::move(on_fatal));
}

void init_messages() {
  caf::io::middleman::init_global_meta_objects();
  caf::init_global_meta_objects<caf::id_block::octavo_cluster>();
  caf::init_global_meta_objects<caf::id_block::octavo_cluster_handles>();
}

}  // namespace octavo::cluster
