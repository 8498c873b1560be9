// What a node of a cluster says of itself, for whoever looks: `octavo cluster status`, and the metrics of its shards.
//
// Pure functions.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/metrics.hpp"
#include "cluster/load_meter.hpp"
#include "cluster/shard_table.hpp"

namespace octavo::cluster {

struct host_facts {
  const shard_table& table;
  const load_meter& meter;
  metrics& counters;
  std::uint64_t documents_open = 0;
  std::string damage{};                                     ///< of the disk, in words
  std::vector<std::pair<std::string, bool>> links{};        ///< to nodes, and whether they are connected
  std::unordered_map<std::string, std::uint64_t> edited{};  ///< documents, and how often within `edited_ms`
  std::int64_t edited_ms = 0;
  const std::deque<boost::json::object>* changes = nullptr;  ///< the latest last
};

/// Whether the members of a shard, or its owner, are just being changed.
bool is_changing(const replica& core);

/// A JSON object; docs/cluster.md lists the fields. Brings the gauges of `counters` up to date.
std::string host_status(const host_facts& facts);

}  // namespace octavo::cluster
