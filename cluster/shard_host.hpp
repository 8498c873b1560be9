// The actor behind which a node's replicas are. It stands where a single node has its log writer and its directory:
// documents append to it, and are told once a majority has their edits on disk; relays ask it where a document lives;
// the other nodes talk to it.
//
// Its mailbox is bounded from outside: documents by the windows of relays, other nodes by the credit of their links,
// the directory by the number of shards.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/log_writer.hpp"
#include "actors/metrics.hpp"
#include "cluster/balancer.hpp"
#include "cluster/document_finder.hpp"
#include "cluster/interfaces.hpp"
#include "cluster/node_view.hpp"
#include "cluster/shard_arranger.hpp"

namespace octavo::storage {
class store;
}

namespace octavo::cluster {

/// Steps for the disk, in order, of all shards.
struct disk_batch {
  std::shared_ptr<const std::vector<shard_step>> steps;
};

/// What of them is durable, by shard.
struct disk_report {
  std::vector<shard_synced> shards;
};

struct txn_answer {
  shard_number shard = 0;
  std::uint64_t id = 0;
  txn_outcome outcome = txn_outcome::unknown;
  std::optional<shard_record> current;
};

struct host_options {
  hello self;
  std::uint32_t shards = default_shards;
  bool uses_tls = false;  ///< towards other nodes; CAF's configuration has the certificates
  replica_options replica;
  std::int64_t tick_ms = 50;
  finder_options finder;
  /// Of frames on their way to one node; what comes while there is no room is dropped, as the protocol sends it again.
  std::size_t link_window_bytes = 8u << 20;
  std::size_t link_queue_bytes_max = 64u << 20;
  std::size_t disk_batch_bytes_max = 8u << 20;  ///< of steps that go into one synced write
  /// Of steps that are not written yet. Beyond it entries of other nodes are not taken in, as the protocol sends them
  /// again, and edits of this node's documents wait.
  std::size_t disk_queue_bytes_max = 64u << 20;
  /// A disk that has done nothing for so long, or has had no room, is stalled. The others are told, and so long after
  /// that, if enough of theirs are not, what this node owns goes to them.
  std::int64_t disk_stall_ms = 5'000;
  std::int64_t stall_known_ms = 2'000;
  /// How documents are loaded for the snapshots of those that another node has open.
  actors::document_options document;
  arranger_options arranger;
  balance_options balance;
  double cores = 1;                               ///< that the process may use
  std::int64_t status_ms = 1'000;                 ///< how often the node says how it is
  std::size_t unsnapped_documents_max = 100'000;  ///< whose edits since their snapshots are counted
  std::size_t hot_documents_max = 20'000;         ///< of all replicas, that were edited lately
  std::size_t preloaded_max = 32;                 ///< of these, for each shard that this node takes over
};

struct host_peers {
  /// The registry of this node's documents, which comes later than the host. Any thread.
  std::function<actors::registry_actor()> registry;
  /// Takes transactions for the directory, and answers with txn_atom. Any thread.
  std::function<void(const shard_txn&)> submit;
  /// Has a shard of this node moved for its load, if nothing speaks against it. Any thread.
  std::function<void(cluster_orders::balanced)> balance;
  /// The disk is damaged, and the other nodes seem to have all that is on it. Called again and again; any thread.
  std::function<void()> damaged;
  /// Is told when the operator wants this node empty, and when not any more. Any thread.
  std::function<void(bool)> drained;
  /// Takes what this node has to say of itself, as JSON. Any thread.
  std::function<void(std::string)> publish;
};

/// What the disk holds of shards, read before the host starts. errc::corrupt: the store is to be set aside.
result<std::shared_ptr<shard_table>> read_shards(const storage::store& store, const host_options& options);

/// `store` and `counters` outlive the actor system. `table` is what read_shards() gave, and is the host's from then on.
shard_host_actor spawn_shard_host(caf::actor_system& system, storage::store& store, std::shared_ptr<shard_table> table,
                                  metrics& counters, host_options options, host_peers peers,
                                  actors::fatal_handler on_fatal);

/// Registers the cluster's message types with CAF, beside actors::init_messages().
void init_messages();

}  // namespace octavo::cluster
