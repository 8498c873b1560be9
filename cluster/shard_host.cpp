#include "cluster/shard_host.hpp"

#include <algorithm>
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
#include <unordered_map>

#include "actors/caf_compat.hpp"
#include "actors/clock.hpp"
#include "actors/loader.hpp"
#include "actors/logger.hpp"
#include "cluster/logger.hpp"
#include "cluster/peer_link.hpp"
#include "cluster/shard_disk.hpp"
#include "storage/store.hpp"

namespace octavo::cluster {

namespace {

constexpr auto disk_timeout = std::chrono::hours{24};
constexpr auto locate_timeout = std::chrono::seconds{10};
constexpr auto served_interval_ms = std::int64_t{1'000};

error moved_error() {
  return {errc::moved, "another node has the document's shard, or nobody for a moment: look it up again"};
}

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
        snapshotter_(actors::spawn_snapshotter(self->system(), store, options_.document, counters)),
        disk_(spawn_shard_disk(self->system(), shard_host_actor{self}, store, counters, std::move(on_fatal))) {}

  shard_host_actor::behavior_type make_behavior() {
    watcher_.install(self_);
    // It is nobody else's.
    self_->attach_functor([snapshotter = snapshotter_] { compat::end(snapshotter); });
    tick();
    return {
        [this](hello_atom, const hello& theirs) { return introduce(theirs); },
        [this](frames_atom, const std::vector<actors::payload>& frames) { take_in(frames); },
        [this](actors::document_atom, const std::string& name) -> caf::result<actors::document_actor> {
          if (!table_->serves(shard_of(name))) return actors::make_error(moved_error());
          return compat::pass_on(self_, peers_.registry(), actors::document_atom_v, name);
        },
        [this](actors::append_atom, actors::append_request& request) { append(std::move(request)); },
        [](actors::commit_atom) {},
        [this](actors::quarantine_atom, const actors::quarantine_request& what) {
          compat::send(self_, disk_, actors::quarantine_atom_v, what);
        },
        [this](actors::barrier_atom, const std::string& name, const actors::document_actor& document) {
          return barrier(name, document);
        },
        [this](actors::drop_atom, const std::string& name) { return drop(name); },
        [this](actors::locate_atom, const std::string& name) { return locate(name); },
        [this](record_atom, const record_update& update) {
          for (const auto& [shard, record] : update.records) table_->on_record(shard, record);
          pump();
        },
        [this](txn_atom, const txn_answer& answer) {
          table_->on_txn(answer.shard, answer.id, answer.outcome, answer.current, actors::steady_now_ms());
          pump();
        },
        [this](nodes_atom, const std::shared_ptr<const node_view>& view) { see(view); },
        [this](link_atom, const std::string& node, const peer_actor& peer) { linked(node, peer); },
        [this](actors::tick_atom) { tick(); },
        [this](status_atom) { return status(); },
    };
  }

 private:
  struct link {
    peer_link_actor actor;
    peer_actor peer;  ///< while connected
    member_id member = 0;
    std::string address;
    std::uint64_t incarnation = 0;
  };

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
    std::vector<actors::append_request> held;  ///< while the shard is about to move
    std::vector<waiting_apply> waiting;
    std::unordered_map<std::string, open_document> documents;
  };

  shard_number shard_of(std::string_view name) const { return table_->shard_of_document(name); }

  // --- other nodes ---

  caf::result<hello> introduce(const hello& theirs) {
    auto refuse = [](std::string why) { return actors::make_error(error{errc::invalid_argument, std::move(why)}); };
    const auto& ours = options_.self;
    if (theirs.cluster_id != ours.cluster_id)
      return refuse("it belongs to cluster " + theirs.cluster_id + ", and " + ours.node + " to " + ours.cluster_id);
    if (theirs.wire_version != ours.wire_version)
      return refuse("it speaks version " + std::to_string(theirs.wire_version) + " between nodes, and " + ours.node +
                    " version " + std::to_string(ours.wire_version) + ": let them run the same octavo");
    if (theirs.caf_version != ours.caf_version)
      return refuse("it is built with CAF " + theirs.caf_version + ", and " + ours.node + " with " + ours.caf_version);
    if (theirs.node == ours.node) return refuse("it has the name of this node, " + ours.node);
    return ours;
  }

  void take_in(const std::vector<actors::payload>& frames) {
    for (const auto& one : frames) {
      auto frame = decode_frame(one.view());
      if (!frame) {
        ++frames_refused_;
        logger().error("a frame of {} bytes from another node is refused: {}", one.size(), frame.error().message);
        continue;
      }
      table_->on_frame(*frame, actors::steady_now_ms());
    }
    pump();
  }

  void see(const std::shared_ptr<const node_view>& view) {
    view_ = view;
    for (const auto& [name, node] : view->nodes) {
      if (name == options_.self.node) continue;
      auto& one = links_[name];
      one.member = node.member;
      if (one.actor && (one.address != node.peer_address || one.incarnation != node.incarnation)) {
        compat::send(self_, one.actor, link_atom_v, node.peer_address, node.incarnation);
      } else if (!one.actor) {
        one.actor = spawn_peer_link(self_->system(), shard_host_actor{self_}, options_, name, node.peer_address,
                                    node.incarnation);
      }
      one.address = node.peer_address;
      one.incarnation = node.incarnation;
    }
  }

  void linked(const std::string& node, const peer_actor& peer) {
    auto found = links_.find(node);
    if (found == links_.end()) return;
    found->second.peer = peer;
    if (peer) table_->on_reconnect(found->second.member);
    pump();
  }

  bool is_live(const member& who) const {
    if (!view_) return true;
    if (who.id == options_.self.member) return true;
    auto found = view_->nodes.find(who.node);
    // Where the directory cannot be asked nobody can be said to be gone.
    return !view_->is_current || (found != view_->nodes.end() && found->second.member == who.id);
  }

  // --- documents ---

  void append(actors::append_request request) {
    const auto shard = shard_of(request.document);
    auto& one = owned_[shard];
    const auto* core = table_->find(shard);
    if (core != nullptr && core->serves() && !core->takes_proposals()) {
      one.held.push_back(std::move(request));
      return;
    }
    if (propose(shard, one, request)) pump();
  }

  bool propose(shard_number shard, owned_shard& one, const actors::append_request& request) {
    auto open = one.documents.find(request.document);
    const auto is_open = open != one.documents.end() && open->second.actor == request.from;
    for (const auto& record : request.records) {
      const auto bytes = record.update.size() + record.user.size();
      counters_.log_queue_records.fetch_sub(1, std::memory_order_relaxed);
      counters_.log_queue_bytes.fetch_sub(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
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
      one.pending.push_back({*lsn, request.from, record.seq});
    }
    return true;
  }

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
    const auto from_here = self_->current_sender() && self_->current_sender()->node() == self_->system().node();
    if (!table_->serves(shard)) {
      const auto found = links_.find(table_->record(shard).owner.node);
      if (!from_here || found == links_.end() || !found->second.peer) return actors::make_error(moved_error());
      return compat::pass_on(self_, found->second.peer, actors::drop_atom_v, name);
    }
    if (!from_here) return compat::pass_on(self_, peers_.registry(), actors::drop_atom_v, name);
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

  caf::result<actors::document_actor> locate(const std::string& name) {
    const auto shard = shard_of(name);
    if (table_->serves(shard)) return compat::pass_on(self_, peers_.registry(), actors::document_atom_v, name);
    const auto& owner = table_->record(shard).owner;
    auto found = links_.find(owner.node);
    if (owner.id == 0 || found == links_.end() || !found->second.peer) return actors::make_error(moved_error());
    auto promise = self_->make_response_promise<actors::document_actor>();
    compat::ask(self_, found->second.peer, locate_timeout, actors::document_atom_v, name)
        .then([promise](const actors::document_actor& document) mutable { promise.deliver(document); },
              [promise](caf::error& reason) mutable { promise.deliver(std::move(reason)); });
    return promise;
  }

  // --- what the replicas ask ---

  void pump() {
    auto out = table_->take_output();
    for (auto& step : out.steps) {
      count_edits(step);
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
      batch->push_back(std::move(steps_.front()));
      steps_.pop_front();
    }
    compat::ask(self_, disk_, disk_timeout, write_atom_v, disk_batch{std::move(batch)})
        .then([this](const disk_report& report) { written(report); },
              [this](const caf::error& reason) { self_->quit(reason); });
  }

  void written(const disk_report& report) {
    is_writing_ = false;
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
    pump();
  }

  void send(const std::vector<std::pair<member, peer_frame>>& frames) {
    auto by_node = std::map<std::string, std::vector<actors::payload>>{};
    for (const auto& [to, frame] : frames) by_node[to.node].emplace_back(encode(frame));
    for (auto& [node, batch] : by_node)
      if (auto found = links_.find(node); found != links_.end() && found->second.actor)
        compat::send(self_, found->second.actor, frames_atom_v, std::move(batch));
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
        break;
      case kind::stopped:
        logger().debug("shard={} is served by this node no longer: {}", shard, what.why);
        give_up(shard);
        break;
      case kind::moving:
        logger().info("shard={} is being moved to {}", shard, what.who.node);
        break;
      case kind::resumed: {
        logger().warn("shard={} stays here: {}", shard, what.why);
        auto& one = owned_[shard];
        for (const auto& request : std::exchange(one.held, {})) propose(shard, one, request);
        pump();
        break;
      }
      case kind::state_wanted:
        logger().error("shard={} lags further behind {} than its log goes", shard, what.who.node);
        break;
      case kind::config_committed:
        logger().debug("shard={} members={}", shard, what.config.members.size());
        break;
      case kind::removed:
        logger().info("shard={} has no replica on this node any more", shard);
        break;
      case kind::damaged:
        logger().error("shard={} node={} has less in its log than it acknowledged: {}", shard, what.who.node, what.why);
        break;
      case kind::conflict:
        logger().critical("shard={} node={} contradicts what is committed at {}; refused", shard, what.who.node,
                          what.at.lsn);
        break;
    }
  }

  // The documents of the shard end; whoever has them open looks them up again, and asks again what was not answered.
  void give_up(shard_number shard) {
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
    table_->on_tick(actors::steady_now_ms(), [this](const member& who) { return is_live(who); });
    pump();
    tell_served();
    compat::send_later(self_, shard_host_actor{self_}, std::chrono::milliseconds{options_.tick_ms},
                       actors::tick_atom_v);
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
    auto shards = boost::json::array{};
    auto served = std::uint64_t{0};
    for (const auto& [number, core] : table_->replicas()) {
      if (!core->serves()) continue;
      ++served;
      auto replicas = boost::json::array{};
      for (const auto& who : core->config().members)
        replicas.push_back({{"node", who.node},
                            {"lag", core->commit() - std::min(core->commit(), core->match_of(who.id).value_or(0))}});
      auto found = owned_.find(number);
      shards.push_back({{"shard", number},
                        {"epoch", core->claim_ballot().epoch},
                        {"commit", core->commit()},
                        {"documents", found == owned_.end() ? 0 : found->second.documents.size()},
                        {"replicas", std::move(replicas)}});
    }
    auto links = boost::json::object{};
    for (const auto& [node, one] : links_) links[node] = one.peer ? "connected" : "lost";
    return boost::json::serialize(boost::json::object{{"node", options_.self.node},
                                                      {"cluster", options_.self.cluster_id},
                                                      {"served", served},
                                                      {"links", std::move(links)},
                                                      {"frames_refused", frames_refused_},
                                                      {"shards", std::move(shards)}});
  }

  shard_host_actor::pointer self_;
  std::shared_ptr<shard_table> table_;
  metrics& counters_;
  host_options options_;
  host_peers peers_;
  storage::store& store_;
  actors::snapshotter_actor snapshotter_;
  shard_disk_actor disk_;
  compat::watcher watcher_;
  std::unordered_map<std::string, std::uint64_t> unsnapped_;  ///< edits of documents since their snapshots
  std::map<std::string, link> links_;
  std::shared_ptr<const node_view> view_;
  std::unordered_map<shard_number, owned_shard> owned_;
  std::deque<shard_step> steps_;
  bool is_writing_ = false;
  std::uint64_t frames_refused_ = 0;
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
