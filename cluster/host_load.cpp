#include "cluster/host_load.hpp"

#include <algorithm>

namespace octavo::cluster {

namespace {

/// Whoever has not said for so many intervals how busy it is takes part in no balance. Other nodes may have another
/// interval, and so it is never less than this.
constexpr auto busy_intervals_max = 3;
constexpr auto busy_ms_min = std::int64_t{30'000};
/// A shard's load on the node that it came from is believed for so long.
constexpr auto balanced_ms_max = std::int64_t{60'000};

}  // namespace

void host_load::begin(shard_number shard, const node_view* view, std::int64_t now_ms, std::int64_t unix_ms) {
  meter_.begin(shard, now_ms, view == nullptr ? 0 : cores_before(*view, shard, unix_ms));
}

// What the node that gave it away has measured of it; 0 for all other shards.
double host_load::cores_before(const node_view& view, shard_number shard, std::int64_t unix_ms) const {
  const auto found = view.balance.find(shard);
  if (found == view.balance.end() || found->second.node != self_) return 0;
  if (!is_recent(found->second, unix_ms, balanced_ms_max, options_.clock_skew_ms_max)) return 0;
  return std::min(found->second.core_percent / 100.0, meter_.cores());
}

void host_load::heard(const std::string& node, double busy, double cores, std::int64_t now_ms) {
  // It divides by what came from elsewhere.
  if (!(busy >= 0) || !(cores > 0)) return;
  busy_[node] = {std::min(busy, 1.0), cores, now_ms};
}

void host_load::see(const node_view& before, const node_view& after) {
  for (const auto& [shard, one] : after.balance) {
    const auto known = before.balance.find(shard);
    if (one.from == self_ && (known == before.balance.end() || known->second != one)) meter_.leaves(shard);
  }
  std::erase_if(busy_, [&](const auto& one) { return !after.nodes.contains(one.first); });
}

std::optional<cluster_orders::balanced> host_load::decide(
    const node_view& view, const std::function<bool(const std::string&)>& is_settled,
    const std::function<std::vector<std::string>(shard_number)>& ready_for, std::int64_t now_ms, std::int64_t unix_ms) {
  auto shards = std::vector<shard_load>{};
  for (const auto& [shard, load] : meter_.shards()) {
    if (load.cores <= 0 || now_ms - load.since_ms < options_.rest_ms || view.pins.contains(shard)) continue;
    if (auto ready = ready_for(shard); !ready.empty()) shards.push_back({shard, load.cores, std::move(ready)});
  }
  const auto move = balancer_.look(self_, nodes(view, is_settled, now_ms, unix_ms), shards);
  if (!move) return {};
  return cluster_orders::balanced{move->shard, self_, move->to, unix_ms, static_cast<std::uint32_t>(move->cores * 100),
                                  move->why()};
}

std::vector<node_load> host_load::nodes(const node_view& view,
                                        const std::function<bool(const std::string&)>& is_settled, std::int64_t now_ms,
                                        std::int64_t unix_ms) {
  auto nodes = std::vector<node_load>{{self_, meter_.busy(), meter_.cores(), false}};
  const auto heard_ms_max = std::max(busy_ms_min, busy_intervals_max * options_.interval_ms);
  for (const auto& [node, said] : busy_) {
    const auto found = view.nodes.find(node);
    if (found == view.nodes.end() || now_ms - said.heard_ms > heard_ms_max) continue;
    const auto may_take = is_settled(node) && !found->second.draining && !has_just_taken(view, node, unix_ms);
    nodes.push_back({node, said.busy, said.cores, may_take});
  }
  return nodes;
}

// What it was given a moment ago does not show yet in what it says of itself.
bool host_load::has_just_taken(const node_view& view, const std::string& node, std::int64_t unix_ms) const {
  return std::ranges::any_of(view.balance, [&](const auto& one) {
    return one.second.node == node &&
           is_recent(one.second, unix_ms, busy_intervals_max * options_.interval_ms, options_.clock_skew_ms_max);
  });
}

}  // namespace octavo::cluster
