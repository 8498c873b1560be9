// The cluster as its directory was read last, and as the operator and the nodes themselves want it.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "cluster/records.hpp"
#include "cluster/shards.hpp"

namespace octavo::cluster {

/// The nodes whose leases stand.
struct node_view {
  struct entry {
    std::uint64_t incarnation = 0;
    member_id member = 0;
    std::string peer_address;  ///< host:port
    bool draining = false;
  };
  std::map<std::string, entry> nodes;
  std::map<shard_number, std::string> pins;  ///< nodes that are to own a shard, as the operator wants it
  std::map<shard_number, cluster_orders::balanced> balance;  ///< likewise for their load; a pin outweighs it
  std::set<member_id> removed;                               ///< disks that the operator has taken out of the cluster
  /// False: the directory cannot be reached, and the nodes are as they were when it last could be.
  bool is_current = false;
};

}  // namespace octavo::cluster
