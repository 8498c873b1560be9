#include "cluster/shard_host.hpp"

#include <algorithm>
#include <atomic>
#include <caf/event_based_actor.hpp>
#include <caf/init_global_meta_objects.hpp>
#include <caf/io/middleman.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <unordered_map>

#include "actors/caf_compat.hpp"
#include "actors/clock.hpp"
#include "actors/loader.hpp"
#include "actors/logger.hpp"
#include "cluster/disk_queue.hpp"
#include "cluster/document_finder.hpp"
#include "cluster/host_load.hpp"
#include "cluster/host_status.hpp"
#include "cluster/hot_documents.hpp"
#include "cluster/logger.hpp"
#include "cluster/owned_documents.hpp"
#include "cluster/peer_table.hpp"
#include "cluster/shard_arranger.hpp"
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
        arranger_(options_.arranger, *table_, nodes_, counters_),
        documents_(self, watcher_, *table_, store, counters_),
        queue_(options_.disk_batch_bytes_max),
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
          return documents_.barrier(name, document);
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
      arranger_.came_back(who);
      if (is_disk_stalled_) compat::send(self_, peer, stall_atom_v, options_.self.node, true);
    } else {
      finder_.lost(node);
    }
    pump();
    finder_.look_again();
  }

  // Those who ask for documents get on.
  void note_transfer(const actors::payload& asked) {
    if (!arranger_.has_learners() || !self_->current_sender()) return;
    const auto node = nodes_.node_at(self_->current_sender()->node());
    if (node.empty()) return;
    if (auto request = decode_transfer_request(asked.view())) arranger_.asked(node, *request, actors::steady_now_ms());
  }

  caf::result<void> begin_state(shard_number shard, std::uint64_t as_of, std::uint64_t ahead) {
    if (auto begun = table_->begin_state(shard, as_of, ahead); !begun) return actors::make_error(begun.error());
    pump();
    auto promise = self_->make_response_promise<void>();
    // It goes to the disk behind all that was applied without knowing of it.
    queue_.when_written([promise]() mutable { promise.deliver(); });
    return promise;
  }

  bool is_from_here() const {
    return self_->current_sender() && self_->current_sender()->node() == self_->system().node();
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
    if (!nodes_.is_shown() || is_drained_ || !peers_.balance) return;
    auto is_settled = [&](const std::string& node) {
      return nodes_.there_ms(node, now) >= options_.arranger.placement.settle_ms;
    };
    auto move = load_.decide(
        *nodes_.view(), is_settled, [this](shard_number shard) { return arranger_.ready_for(shard); }, now,
        actors::unix_now_ms());
    if (!move) return;
    logger().info("shard={} node={} is to serve it: {}", move->shard, move->node, move->why);
    peers_.balance(std::move(*move));
  }

  // --- documents ---

  void append(actors::append_request request) {
    if (documents_.append(std::move(request), is_disk_behind())) pump();
  }

  bool is_disk_behind() const { return queue_.bytes() >= options_.disk_queue_bytes_max; }

  // Asked by this node's registry once the document's actor has ended, or by another node, whose registry has none:
  // then ours is asked, which comes back here.
  caf::result<void> drop(const std::string& name) {
    const auto shard = shard_of(name);
    if (!table_->takes_proposals(shard)) {
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
    documents_.when_applied(shard, *lsn, [promise](const error& why) mutable {
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
    if (table_->takes_proposals(shard)) return {kind::here, {}, {}, false};
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
      queue_.push(std::move(step));
    }
    write();
    send(out.frames);
    for (const auto& txn : out.txns) peers_.submit(txn);
    for (const auto& one : out.committed) documents_.committed(one);
    for (const auto& one : out.notices) noticed(one.shard, one.what);
  }

  void write() {
    auto batch = queue_.next_batch();
    if (!batch) return;
    // However long a full disk is full.
    compat::ask(self_, disk_, caf::infinite, write_atom_v, disk_batch{std::move(batch)})
        .then([this](const disk_report& report) { written(report); },
              [this](const caf::error& reason) {
                end_process(actors::from_caf(reason));
                self_->quit(reason);
              });
  }

  void written(const disk_report& report) {
    stall_.done();
    queue_.written();
    for (const auto& one : report.shards) {
      table_->on_synced(one, actors::steady_now_ms());
      if (one.applied) documents_.applied(one.shard, *one.applied);
    }
    if (!is_disk_behind()) documents_.release_held();
    pump();
  }

  void send(const std::vector<std::pair<member, peer_frame>>& frames) {
    auto by_node = std::map<std::string, std::vector<actors::payload>>{};
    for (const auto& [to, frame] : frames) by_node[to.node].emplace_back(encode(frame));
    for (auto& [node, batch] : by_node) nodes_.send(node, std::move(batch));
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
        load_.end(shard);
        documents_.give_up(shard);
        break;
      case kind::moving:
        logger().info("shard={} is being moved to {}", shard, what.who.node);
        break;
      case kind::resumed:
        logger().warn("shard={} stays here: {}", shard, what.why);
        documents_.release_held(shard);
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

  // Documents that are open here see to their snapshots themselves. Those of other nodes would have an ever longer log
  // on this disk.
  void count_edits(const shard_step& step) {
    for (const auto& one : step.appends) {
      hot_.add(step.shard, one.document);
      auto& edits = unsnapped_[one.document];
      if (++edits < options_.document.snapshot_after_records) continue;
      unsnapped_.erase(one.document);
      if (documents_.is_open(step.shard, one.document)) continue;
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
    arranger_.tick(actors::steady_now_ms(), is_drained_);
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
    const auto is_stalled = stall_.look(queue_.is_writing() || !store_.writable(), now);
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
    facts.documents_open = documents_.open_count();
    facts.links = nodes_.states();
    const auto now = actors::steady_now_ms();
    facts.edited = documents_.take_edited();
    facts.edited_ms = now - std::exchange(status_ms_, now);
    facts.changes = &arranger_.changes();
    return host_status(facts);
  }

  void publish_status() {
    const auto now = actors::steady_now_ms();
    if (!peers_.publish || now - published_ms_ < options_.status_ms) return;
    published_ms_ = now;
    peers_.publish(status());
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
  compat::watcher watcher_;
  shard_arranger arranger_;
  owned_documents documents_;
  disk_queue queue_;
  bool is_disk_stalled_ = false;
  std::int64_t stalled_ms_ = 0;  ///< since when it is, or is not
  std::int64_t cooled_ms_ = 0;
  document_finder<shard_host_actor::pointer> finder_;
  actors::snapshotter_actor snapshotter_;
  std::shared_ptr<std::atomic<bool>> is_over_ = std::make_shared<std::atomic<bool>>(false);
  shard_disk_actor disk_;
  shard_sender_actor sender_;
  shard_receiver_actor receiver_;
  std::unordered_map<std::string, std::uint64_t> unsnapped_;  ///< edits of documents since their snapshots
  std::string damage_;                                        ///< what was found on this node's disk
  bool is_damage_noticed_ = false;                            ///< by the owner of a shard
  bool is_drained_ = false;                                   ///< this node, as the operator wants it
  std::int64_t published_ms_ = 0;
  std::int64_t status_ms_ = 0;  ///< when it was told last
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
