// The way to one other node: connects, and connects again; sends frames, at most a window of bytes unanswered. What
// does not fit is dropped: replicas send again what is not answered. A thread of its own, since connecting blocks.
//
// Of two nodes the one with the lesser name dials, and says with its hello where it is reached itself; the other one
// waits for that. Were both to dial, CAF would take the second connection for one too many, and its TLS module drops
// the one that is in use with it.
#pragma once

#include "cluster/shard_host.hpp"

namespace octavo::cluster {

using peer_link_actor = caf::typed_actor<
    // INTERNAL: frames for the node, each encoded.
    caf::result<void>(frames_atom, std::vector<actors::payload>),
    // INTERNAL: to itself: try to connect.
    caf::result<void>(link_atom),
    // INTERNAL: the node is at another address, or has been restarted.
    caf::result<void>(link_atom, std::string, std::uint64_t),
    // INTERNAL: the node has dialed this one, and is reached so.
    caf::result<void>(hello_atom, hello, peer_actor)>;

/// The host is told with link_atom when the node is connected, and when it is not any more.
peer_link_actor spawn_peer_link(caf::actor_system& system, const shard_host_actor& host, const host_options& options,
                                std::string node, std::string address, std::uint64_t incarnation);

}  // namespace octavo::cluster
