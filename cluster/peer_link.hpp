// The way to one other node: connects, and connects again; sends frames, at most a window of bytes unanswered. What
// does not fit is dropped: replicas send again what is not answered. A thread of its own, since connecting blocks.
//
// Of two nodes the one with the lesser name dials, and says with its hello where it is reached itself; the other one
// waits for that; programs without shards always dial. Were both to dial, CAF would take the second connection for one
// too many, and its TLS module drops the one that is in use with it.
#pragma once

#include "cluster/interfaces.hpp"
#include "cluster/peer_certs.hpp"

namespace caf {
class actor_system_config;
}

namespace octavo::cluster {

/// What CAF must know before there is an actor system: its modules for other nodes, with TLS if there are certificates,
/// and when a node counts as silent. errc::invalid_argument: the certificates.
result<void> configure_links(const peer_tls_options& tls, caf::actor_system_config& config);

/// The version of CAF that this program runs with, as nodes tell each other.
std::string caf_version();

struct link_options {
  hello self;
  bool uses_tls = false;
  std::size_t window_bytes = 8u << 20;
  std::size_t queue_bytes_max = 64u << 20;
};

using peer_link_actor = caf::typed_actor<
    // INTERNAL: frames for the node, each encoded.
    caf::result<void>(frames_atom, std::vector<actors::payload>),
    // INTERNAL: to itself: try to connect.
    caf::result<void>(link_atom),
    // INTERNAL: the node is at another address, or has been restarted.
    caf::result<void>(link_atom, std::string, std::uint64_t),
    // INTERNAL: the node has dialed this one, and is reached so.
    caf::result<void>(hello_atom, hello, peer_actor)>;

/// The owner is told with link_atom when the node is connected, and when it is not any more. The link ends with it.
peer_link_actor spawn_peer_link(caf::actor_system& system, const link_owner_actor& owner, const link_options& options,
                                std::string node, std::string address, std::uint64_t incarnation);

}  // namespace octavo::cluster
