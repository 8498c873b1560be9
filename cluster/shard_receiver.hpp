// Fetches the documents of shards whose replicas here lack more than the owner's log holds (transfer.hpp), one shard
// after the other, on a thread of its own. What fails is not tried again by itself: the owner offers its documents
// again and again.
#pragma once

#include "cluster/interfaces.hpp"
#include "cluster/transfer.hpp"

namespace octavo::storage {
class store;
}

namespace octavo::cluster {

/// Documents that another node offers.
struct state_wanted {
  shard_number shard = 0;
  std::string node;
  peer_actor from;
};

/// The documents on this disk hold the log up to here, by what has come.
struct state_fetched {
  shard_number shard = 0;
  log_base at;
};

using shard_receiver_actor = caf::typed_actor<
    // Fetches a shard's documents, unless that is under way; the host is told by state_atom once they are here.
    caf::result<void>(state_atom, state_wanted),
    // INTERNAL: the replica is no more: what is under way for it ends.
    caf::result<void>(actors::drop_atom, shard_number)>;

/// It ends with the host.
shard_receiver_actor spawn_shard_receiver(caf::actor_system& system, const shard_host_actor& host,
                                          storage::store& store);

}  // namespace octavo::cluster
