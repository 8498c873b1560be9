#include "cluster/balancer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

namespace octavo::cluster {

namespace {

std::string percent(double share) {
  return std::to_string(std::lround(share * 100)) + " %";
}

}  // namespace

std::string balance_move::why() const {
  return "it took " + std::to_string(std::lround(cores * 100)) + " % of a core of a node that was " +
         percent(busy_here) + " busy, and the other one was " + percent(busy_there) + " busy";
}

std::optional<balance_move> balancer::look(std::string_view self, const std::vector<node_load>& nodes,
                                           const std::vector<shard_load>& shards) {
  const auto found = std::ranges::find(nodes, self, &node_load::node);
  if (!options_.is_on || found == nodes.end() || nodes.size() < 2) {
    over_ = 0;
    return {};
  }
  const auto& here = *found;
  auto sum = 0.0;
  for (const auto& one : nodes) sum += one.busy;
  const auto mean = sum / static_cast<double>(nodes.size());
  if (here.busy < options_.busy_min || here.busy <= options_.over_mean * mean) {
    over_ = 0;
    return {};
  }
  if (over_ < options_.rounds) ++over_;
  if (over_ < options_.rounds) return {};
  auto best = std::optional<balance_move>{};
  const auto most = here.busy * (1 - options_.gain_min);
  // Of those that help as much the one to the least busy node, and of these the one with least to it.
  auto least = std::tuple{most, std::numeric_limits<double>::max(), std::numeric_limits<double>::max()};
  for (const auto& shard : shards) {
    for (const auto& there : nodes) {
      if (&there == &here || !there.may_take) continue;
      if (std::ranges::find(shard.ready, there.node) == shard.ready.end()) continue;
      const auto busy_there = there.busy + shard.cores / there.cores;
      const auto busier = std::max(here.busy - shard.cores / here.cores, busy_there);
      const auto outcome = std::tuple{busier, busy_there, shard.cores};
      if (outcome >= least) continue;
      least = outcome;
      best = balance_move{shard.shard, there.node, shard.cores, here.busy, there.busy};
    }
  }
  if (best) over_ = 0;
  return best;
}

}  // namespace octavo::cluster
