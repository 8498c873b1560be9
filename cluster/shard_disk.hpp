// Writes the steps of all replicas of a node, batch by batch, on a thread of its own: while one batch is being synced
// the next gathers with the shard host.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "actors/log_writer.hpp"
#include "cluster/shard_host.hpp"

namespace octavo::cluster {

/// For how long a disk has done nothing of what it was asked to. Time in which nobody looked counts little: then it was
/// the process that was stopped.
class stall_clock {
 public:
  explicit stall_clock(std::int64_t stall_ms) : stall_ms_(stall_ms) {}

  /// Something that was asked for is done.
  void done() { waited_ms_ = 0; }
  /// Now and then. `waits`: something has been asked for, or would be in vain. True: the disk is stalled.
  bool look(bool waits, std::int64_t now) {
    const auto passed = std::min(now - std::exchange(looked_ms_, now), look_ms_max);
    waited_ms_ = waits ? waited_ms_ + passed : 0;
    return waited_ms_ >= stall_ms_;
  }

 private:
  static constexpr auto look_ms_max = std::int64_t{500};

  std::int64_t stall_ms_;
  std::int64_t looked_ms_ = 0;
  std::int64_t waited_ms_ = 0;
};

using shard_disk_actor = caf::typed_actor<
    // INTERNAL: makes the steps of a batch durable; answered with what is.
    caf::result<disk_report>(write_atom, disk_batch),
    // INTERNAL: an update that broke its document is kept for inspection.
    caf::result<void>(actors::quarantine_atom, actors::quarantine_request)>;

/// It ends with the host. Full disks are waited for until `is_over`; any other failure is fatal, since nothing that was
/// promised or acknowledged may be missing.
shard_disk_actor spawn_shard_disk(caf::actor_system& system, const shard_host_actor& host, storage::store& store,
                                  metrics& counters, std::shared_ptr<const std::atomic<bool>> is_over,
                                  actors::fatal_handler on_fatal);

}  // namespace octavo::cluster
