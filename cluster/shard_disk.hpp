// Writes the steps of all replicas of a node, batch by batch, on a thread of its own: while one batch is being synced
// the next gathers with the shard host.
#pragma once

#include "actors/log_writer.hpp"
#include "cluster/shard_host.hpp"

namespace octavo::cluster {

using shard_disk_actor = caf::typed_actor<
    // INTERNAL: makes the steps of a batch durable; answered with what is.
    caf::result<disk_report>(write_atom, disk_batch),
    // INTERNAL: an update that broke its document is kept for inspection.
    caf::result<void>(actors::quarantine_atom, actors::quarantine_request)>;

/// It ends with the host. Full disks are waited for; any other failure is fatal, since nothing that was promised or
/// acknowledged may be missing.
shard_disk_actor spawn_shard_disk(caf::actor_system& system, const shard_host_actor& host, storage::store& store,
                                  metrics& counters, actors::fatal_handler on_fatal);

}  // namespace octavo::cluster
