// The protocols of the cluster's actors, as actors/interfaces.hpp has those of documents.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/interfaces.hpp"
#include "cluster/replica.hpp"
#include "cluster/shard_table.hpp"

namespace octavo::cluster {

struct disk_batch;
struct disk_report;
struct record_update;
struct txn_answer;
struct node_view;
struct state_wanted;
struct state_fetched;

/// Who speaks: sent when a node connects to another one, and refused with a reason where the two cannot work together.
struct hello {
  std::string cluster_id;
  std::string node;
  member_id member = 0;  ///< 0: a program that owns no shards
  std::uint64_t incarnation = 0;
  std::uint32_t wire_version = 0;
  std::string caf_version;

  template <class Inspector>
  friend bool inspect(Inspector& f, hello& x) {
    return f.object(x).fields(f.field("cluster_id", x.cluster_id), f.field("node", x.node), f.field("member", x.member),
                              f.field("incarnation", x.incarnation), f.field("wire_version", x.wire_version),
                              f.field("caf_version", x.caf_version));
  }
};

/// What nodes say to each other, but for CAF's own; another version cannot be worked with.
inline constexpr std::uint32_t wire_version = 5;

}  // namespace octavo::cluster

// Do not reorder: nodes of one cluster must number these alike.
CAF_BEGIN_TYPE_ID_BLOCK(octavo_cluster, caf::id_block::octavo_handles::end)

CAF_ADD_TYPE_ID(octavo_cluster, (octavo::cluster::hello))
CAF_ADD_TYPE_ID(octavo_cluster, (std::vector<octavo::actors::payload>))
CAF_ADD_TYPE_ID(octavo_cluster, (octavo::cluster::disk_batch))
CAF_ADD_TYPE_ID(octavo_cluster, (octavo::cluster::disk_report))
CAF_ADD_TYPE_ID(octavo_cluster, (octavo::cluster::record_update))
CAF_ADD_TYPE_ID(octavo_cluster, (octavo::cluster::txn_answer))
CAF_ADD_TYPE_ID(octavo_cluster, (std::shared_ptr<const octavo::cluster::node_view>))
CAF_ADD_TYPE_ID(octavo_cluster, (octavo::cluster::state_wanted))
CAF_ADD_TYPE_ID(octavo_cluster, (octavo::cluster::state_fetched))

CAF_ADD_ATOM(octavo_cluster, octavo::cluster, hello_atom)
CAF_ADD_ATOM(octavo_cluster, octavo::cluster, frames_atom)
CAF_ADD_ATOM(octavo_cluster, octavo::cluster, write_atom)
CAF_ADD_ATOM(octavo_cluster, octavo::cluster, record_atom)
CAF_ADD_ATOM(octavo_cluster, octavo::cluster, txn_atom)
CAF_ADD_ATOM(octavo_cluster, octavo::cluster, nodes_atom)
CAF_ADD_ATOM(octavo_cluster, octavo::cluster, link_atom)
CAF_ADD_ATOM(octavo_cluster, octavo::cluster, transfer_atom)
CAF_ADD_ATOM(octavo_cluster, octavo::cluster, state_atom)
CAF_ADD_ATOM(octavo_cluster, octavo::cluster, suspect_atom)
CAF_ADD_ATOM(octavo_cluster, octavo::cluster, busy_atom)
CAF_ADD_ATOM(octavo_cluster, octavo::cluster, damage_atom)
CAF_ADD_ATOM(octavo_cluster, octavo::cluster, stall_atom)

CAF_END_TYPE_ID_BLOCK(octavo_cluster)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(octavo::cluster::disk_batch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(octavo::cluster::disk_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(octavo::cluster::record_update)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(octavo::cluster::txn_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::shared_ptr<const octavo::cluster::node_view>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(octavo::cluster::state_wanted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(octavo::cluster::state_fetched)

namespace octavo::cluster {

/// What a node offers the others; it is published at its peer port.
using peer_actor = caf::typed_actor<
    // Introduces a node, and gives its own peer_actor (which a type cannot name itself). Answered with who this is;
    // errc::invalid_argument: they cannot work together, and why.
    caf::result<hello>(hello_atom, hello, caf::strong_actor_ptr),
    // Frames for replicas of this node, each encoded. Answered once they are taken in, which is the sender's credit.
    caf::result<void>(frames_atom, std::vector<actors::payload>),
    // The actor of a document whose shard this node owns. errc::moved: it does not.
    caf::result<actors::document_actor>(actors::document_atom, std::string),
    // Deletes a document whose shard this node owns, and closes its sessions. errc::moved: it does not.
    caf::result<void>(actors::drop_atom, std::string),
    // An encoded transfer_request for documents of a replica of this node; see shard_sender_actor.
    caf::result<actors::payload>(transfer_atom, actors::payload),
    // The connection to a node (by name and incarnation) was reset, and its port refuses: its process seems to have
    // ended. Whoever sees the same itself need not wait for the node's lease to run out.
    caf::result<void>(suspect_atom, std::string, std::uint64_t),
    // How busy a node is (by name): the share of its cores, from 0 to 1, and how many these are.
    caf::result<void>(busy_atom, std::string, double, double),
    // Whether a node's disk (by the node's name) is stalled: it hangs or is full, and the node can serve nothing more.
    caf::result<void>(stall_atom, std::string, bool)>;

}  // namespace octavo::cluster

// Handles that messages carry. Do not reorder.
CAF_BEGIN_TYPE_ID_BLOCK(octavo_cluster_handles, caf::id_block::octavo_cluster::end)

CAF_ADD_TYPE_ID(octavo_cluster_handles, (octavo::cluster::peer_actor))

CAF_END_TYPE_ID_BLOCK(octavo_cluster_handles)

namespace octavo::cluster {

/// Who is told what the directory (etcd) knows.
using directory_listener_actor = caf::typed_actor<
    // INTERNAL: what the directory says of shards.
    caf::result<void>(record_atom, record_update),
    // INTERNAL: what became of a transaction.
    caf::result<void>(txn_atom, txn_answer),
    // INTERNAL: who is there.
    caf::result<void>(nodes_atom, std::shared_ptr<const node_view>)>;

/// Who is told of the way to another node.
using link_owner_actor = caf::typed_actor<
    // INTERNAL: a node is connected (it has a peer handle, and its disk's id), or no longer.
    caf::result<void>(link_atom, std::string, peer_actor, member_id),
    // See peer_actor.
    caf::result<void>(suspect_atom, std::string, std::uint64_t)>;

/// The replicas of this node, behind one mailbox: the log that its documents write to, the directory that its relays
/// ask, and what the other nodes talk to.
using shard_host_actor = caf::typed_actor<
    // What a peer takes: see peer_actor.
    caf::result<hello>(hello_atom, hello, caf::strong_actor_ptr),
    caf::result<void>(frames_atom, std::vector<actors::payload>),
    caf::result<actors::document_actor>(actors::document_atom, std::string),
    caf::result<void>(actors::drop_atom, std::string), caf::result<actors::payload>(transfer_atom, actors::payload),
    caf::result<void>(suspect_atom, std::string, std::uint64_t),
    caf::result<void>(busy_atom, std::string, double, double), caf::result<void>(stall_atom, std::string, bool),
    // What a log writer takes: see actors::log_writer_actor.
    caf::result<void>(actors::append_atom, actors::append_request), caf::result<void>(actors::commit_atom),
    caf::result<void>(actors::quarantine_atom, actors::quarantine_request),
    caf::result<void>(actors::report_atom, std::string, std::uint64_t, std::uint64_t),
    caf::result<void>(actors::barrier_atom, std::string, actors::document_actor),
    // What a directory takes: see actors::directory_actor.
    caf::result<actors::document_actor>(actors::locate_atom, std::string),
    // From the membership: see directory_listener_actor.
    caf::result<void>(record_atom, record_update), caf::result<void>(txn_atom, txn_answer),
    caf::result<void>(nodes_atom, std::shared_ptr<const node_view>),
    // From links: see link_owner_actor.
    caf::result<void>(link_atom, std::string, peer_actor, member_id),
    // INTERNAL: from the receiver: documents of a shard are about to become as they are elsewhere at an lsn, and some
    // of them perhaps as at a later one. Answered once that is on disk. errc::moved: the log leads there as well.
    caf::result<void>(state_atom, shard_number, std::uint64_t, std::uint64_t),
    // INTERNAL: this node's disk is damaged (in words): its replicas are to be rebuilt, once the others can do without.
    caf::result<void>(damage_atom, std::string),
    // INTERNAL: from the receiver: documents of a shard are here.
    caf::result<void>(state_atom, state_fetched),
    // INTERNAL: to itself: time for what waits on the clock.
    caf::result<void>(actors::tick_atom)>;

}  // namespace octavo::cluster
