// Records as a little cluster has them in etcd: nodes n1, n2, … with a disk each, and shards.
#pragma once

#include <initializer_list>
#include <string>

#include "cluster/records.hpp"

namespace octavo::test {

inline const auto some_cluster_id = std::string(32, 'c');

inline cluster::cluster_meta a_cluster(std::uint32_t shards, std::uint32_t replicas = 3) {
  return {some_cluster_id, shards, replicas, 1};
}

inline cluster::node_record a_node(int number, cluster::member_id disk) {
  auto node = cluster::node_record{};
  node.name = "n" + std::to_string(number);
  node.member = disk;
  node.peer_address = node.http_address = "127.0.0.1:1";
  node.wire_version = 1;
  node.caf_version = node.octavo_version = "1";
  return node;
}

/// On the nodes whose disks have their numbers.
inline cluster::shard_record a_shard(std::initializer_list<cluster::member_id> disks, std::uint64_t epoch = 0,
                                     cluster::member_id owner = 0) {
  auto record = cluster::shard_record{};
  record.epoch = epoch;
  if (owner != 0) record.owner = {owner, "n" + std::to_string(owner)};
  record.config.version = 1;
  for (const auto id : disks) record.config.members.push_back({id, "n" + std::to_string(id)});
  return record;
}

}  // namespace octavo::test
