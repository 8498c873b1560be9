#include "cluster/shard_disk.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/spawn_options.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <chrono>
#include <thread>

#include "actors/caf_compat.hpp"
#include "actors/logger.hpp"
#include "cluster/logger.hpp"
#include "storage/store.hpp"

namespace octavo::cluster {

namespace {

/// How often a full disk is looked at.
constexpr auto full_disk_delay = std::chrono::milliseconds{500};

class shard_disk_impl {
 public:
  static inline const char* name = "octavo.shard_disk";

  shard_disk_impl(shard_disk_actor::pointer self, shard_host_actor host, storage::store& store, metrics& counters,
                  actors::fatal_handler on_fatal)
      : self_(self), host_(std::move(host)), store_(store), counters_(counters), on_fatal_(std::move(on_fatal)) {}

  shard_disk_actor::behavior_type make_behavior() {
    self_->set_exception_handler([this](const std::exception_ptr& thrown) -> caf::error {
      auto why = error{errc::internal, "the writer of the shards failed: " + actors::what_of(thrown)};
      logger().critical("{}", why.message);
      if (on_fatal_) on_fatal_(why);
      return actors::make_error(why);
    });
    watcher_.install(self_);
    watcher_.watch(self_, host_, [this](const caf::error&) { self_->quit(); });
    return {
        [this](write_atom, const disk_batch& batch) { return write(batch); },
        [this](actors::quarantine_atom, const actors::quarantine_request& what) { quarantine(what); },
    };
  }

 private:
  caf::result<disk_report> write(const disk_batch& batch) {
    auto writes = std::vector<storage::shard_write>{};
    auto edits = std::uint64_t{0};
    writes.reserve(batch.steps->size());
    for (const auto& step : *batch.steps) {
      writes.push_back(step.view());
      edits += step.appends.size();
    }
    auto started = std::chrono::steady_clock::now();
    auto written = store_.commit_shards(writes);
    auto has_no_room = [&] {
      return !written && (written.error().code == errc::no_space || written.error().code == errc::limit_exceeded);
    };
    for (auto is_told = false; has_no_room(); is_told = true) {
      // The others have a majority without us, and we catch up once there is room.
      if (!is_told) logger().error("replicas on this node wait for room on the disk: {}", written.error().message);
      std::this_thread::sleep_for(full_disk_delay);
      written = store_.commit_shards(writes);
    }
    if (!written) {
      logger().critical("a step of a replica cannot be written: {}", written.error().message);
      if (on_fatal_) on_fatal_(written.error());
      return actors::make_error(written.error());
    }
    auto took = std::chrono::steady_clock::now() - started;
    counters_.commits.fetch_add(1, std::memory_order_relaxed);
    counters_.commit_latency.record_us(
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
    counters_.edits_durable.fetch_add(edits, std::memory_order_relaxed);
    auto report = disk_report{};
    for (const auto& step : *batch.steps) {
      if (report.shards.empty() || report.shards.back().shard != step.shard || report.shards.back().life != step.life)
        report.shards.push_back({step.shard, 0, {}, step.life});
      auto& last = report.shards.back();
      last.ticket = std::max(last.ticket, step.ticket);
      if (step.applied) last.applied = step.applied;
    }
    return report;
  }

  void quarantine(const actors::quarantine_request& what) {
    counters_.edits_quarantined.fetch_add(1, std::memory_order_relaxed);
    auto stored = store_.quarantine_update(what.document, what.time_ms, what.user, what.reason, what.update.view());
    if (!stored)
      logger().error("document={} cannot keep a refused update for inspection: {}", actors::printable(what.document),
                     stored.error().message);
  }

  shard_disk_actor::pointer self_;
  shard_host_actor host_;
  compat::watcher watcher_;
  storage::store& store_;
  metrics& counters_;
  actors::fatal_handler on_fatal_;
};

}  // namespace

shard_disk_actor spawn_shard_disk(caf::actor_system& system, const shard_host_actor& host, storage::store& store,
                                  metrics& counters, actors::fatal_handler on_fatal) {
  return system.spawn<shard_disk_actor::stateful_impl<shard_disk_impl>, caf::detached>(
      host, std::ref(store), std::ref(counters), std::move(on_fatal));
}

}  // namespace octavo::cluster
