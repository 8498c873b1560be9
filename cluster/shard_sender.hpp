// Reads the documents of this node's replicas for other nodes that lack them (transfer.hpp), on a thread of its own. It
// holds shards as they were when a transfer began, at most max_transfers_out of them, and none for longer than
// transfer_idle after its last request.
#pragma once

#include <chrono>

#include "cluster/interfaces.hpp"

namespace octavo::storage {
class store;
}

namespace octavo::cluster {

/// Shards that are held for other nodes at once.
inline constexpr std::size_t max_transfers_out = 8;
inline constexpr auto transfer_idle = std::chrono::seconds{30};

using shard_sender_actor = caf::typed_actor<
    // An encoded transfer_request; answered with an encoded transfer_answer. errc::not_found: the transfer has ended,
    // and is to be begun anew; errc::unavailable: not now; errc::malformed.
    caf::result<actors::payload>(transfer_atom, actors::payload),
    // INTERNAL: to itself: time to end transfers that nobody goes on with.
    caf::result<void>(actors::tick_atom)>;

shard_sender_actor spawn_shard_sender(caf::actor_system& system, const storage::store& store);

}  // namespace octavo::cluster
