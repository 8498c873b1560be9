// What an operator sees of a cluster and wants of it, by way of its directory: `octavo cluster …`. No node needs to be
// asked: the directory says where shards are, nodes say there how they are, and orders are followed by whoever owns the
// shards that they are about.
//
// One thread. Every call waits for etcd, for as long as its time-outs allow.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/etcd_client.hpp"
#include "cluster/placement.hpp"
#include "cluster/records.hpp"

namespace octavo::cluster {

/// A record of the directory that cannot be read.
struct unreadable_record {
  std::string key;
  std::string why;
};

/// The cluster as its directory shows it.
struct cluster_picture {
  cluster_meta meta;
  std::map<std::string, node_record> nodes;  ///< whose leases stand
  std::vector<shard_record> shards;          ///< by number; those that nobody has made yet have no members
  cluster_orders orders;
  std::map<std::string, std::string> statuses;  ///< by node, of look_closely(): JSON, as the node wrote it
  // What could not be read, and is missing above.
  std::map<std::string, unreadable_record> unreadable_nodes;
  std::map<shard_number, unreadable_record> unreadable_shards;
  std::optional<unreadable_record> unreadable_orders;

  std::vector<unreadable_record> unreadable() const;
  // For whoever must not leave it out: errc::malformed with the key of what could not be read.
  result<void> knows_node(const std::string& node) const;
  result<void> knows_shard(shard_number shard) const;
  result<void> knows_shards() const;
  result<void> knows_all() const;

  bool is_there(const member& who) const;
  bool is_drained(const std::string& node) const;
  std::size_t owned_by(const std::string& node) const;
  std::size_t replicas_on(const std::string& node) const;
  /// How many shards that name a node would have no majority of what is there without it.
  std::size_t in_need_of(const std::string& node) const;
  /// Who is to own a shard when everything is in its place; nobody, if there are no nodes.
  member owner_wanted(shard_number shard) const;
};

class cluster_admin {
 public:
  /// Longer than the lease of a node.
  static constexpr auto rebuild_look_after = std::chrono::milliseconds{4'000};

  /// errc::invalid_argument: the URL. Nothing is asked yet.
  static result<std::unique_ptr<cluster_admin>> connect(const std::string& url, std::string prefix = "octavo/");

  /// errc::unavailable: etcd cannot be reached; errc::not_found: it knows of no cluster; errc::malformed: nor can that
  /// be read. What else cannot be read is left out of the picture, which says so.
  result<cluster_picture> look();
  /// The same with the nodes' statuses, which they write for whoever asks: those that do so in time.
  result<cluster_picture> look_closely();
  /// Before a node leaves all that is on its disk to the others, and begins anew. `cluster_id` is that of its data.
  /// Takes a few seconds, after which nobody who has gone a moment ago is taken for one that is there.
  /// errc::unavailable: the others have not all of it, or one of them does the same just now; errc::malformed: who has
  /// a shard cannot be read; errc::invalid_argument: it is no node of this cluster.
  result<void> begin_rebuild(const std::string& node, const std::string& cluster_id,
                             std::chrono::milliseconds look_after = rebuild_look_after);
  /// Changes the orders, whatever others change at the same time: `change` may be called several times.
  /// errc::malformed: those that stand there cannot be read.
  result<void> order(const std::function<void(cluster_orders&)>& change);

 private:
  cluster_admin(std::vector<host_port> endpoints, std::string prefix);
  result<etcd_range_answer> range(const std::string& key);
  result<etcd_range_answer> range_prefix(const std::string& prefix);
  result<void> leave_word(const std::string& word);
  result<void> may_be_rebuilt(const std::string& node, const std::string& cluster_id);

  std::string prefix_;
  etcd_client etcd_;
};

}  // namespace octavo::cluster
