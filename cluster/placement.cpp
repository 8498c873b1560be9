#include "cluster/placement.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace octavo::cluster {

namespace {

using kind = placement_step::kind_type;

const placement_node* node_named(const std::vector<placement_node>& nodes, std::string_view name) {
  const auto found = std::ranges::find_if(nodes, [&](const auto& one) { return one.who.node == name; });
  return found == nodes.end() ? nullptr : &*found;
}

bool holds(const std::vector<member>& list, const member& who) {
  return std::ranges::find(list, who) != list.end();
}

bool is_member(const std::vector<placed_member>& members, const member& who) {
  return std::ranges::any_of(members, [&](const auto& one) { return one.who == who; });
}

}  // namespace

std::uint64_t placement_weight(shard_number shard, member_id id) {
  return hash_of(std::to_string(shard) + "/" + std::to_string(id));
}

std::vector<member> wanted_members(shard_number shard, const std::vector<placement_node>& nodes, std::uint32_t replicas,
                                   std::string_view pinned) {
  auto order = nodes;
  std::ranges::sort(order, {}, [&](const placement_node& one) {
    return std::tuple{one.is_draining, one.who.node != pinned, placement_weight(shard, one.who.id)};
  });
  auto wanted = std::vector<member>{};
  for (auto& one : order) wanted.push_back(std::move(one.who));
  auto count = std::min<std::size_t>(wanted.size(), replicas);
  if (count % 2 == 0 && count > 2) --count;
  wanted.resize(count);
  return wanted;
}

placement_step next_step(shard_number shard, const member& self, const std::vector<placed_member>& members,
                         const std::vector<placement_node>& nodes, const placement_options& options,
                         std::string_view pinned) {
  // Nobody comes to a node that may be gone again in a moment.
  auto settled = std::vector<placement_node>{};
  for (const auto& one : nodes) {
    const auto known = std::ranges::find(members, one.who, &placed_member::who);
    if (known == members.end() && one.there_ms < options.settle_ms) continue;
    settled.push_back(one);
    // These are the last resort.
    if (known == members.end() ? one.is_resting : known->is_damaged) settled.back().is_draining = true;
  }
  const auto wanted = wanted_members(shard, settled, options.replicas, pinned);
  const auto newcomer = std::ranges::find_if(wanted, [&](const member& one) {
    return !is_member(members, one) && !node_named(settled, one.node)->is_resting;
  });
  const auto has_newcomer = newcomer != wanted.end();

  for (const auto& one : members) {
    if (one.who == self) continue;
    if (one.is_removed) return {kind::remove, one.who, "it was taken out of the cluster"};
    if (one.away_ms == 0) continue;
    const auto* node = node_named(nodes, one.who.node);
    // An etcd that was restored from an old copy shows nodes with disks that they do not have any more, for a moment.
    if (node != nullptr && node->who.id != one.who.id && node->there_ms >= options.settle_ms)
      return {kind::remove, one.who, "its node has come back with another disk"};
    if (one.away_ms >= options.replace_ms && has_newcomer)
      return {kind::remove, one.who, "its node has been away for too long"};
  }
  const auto all_there = std::ranges::all_of(members, [](const auto& one) { return one.away_ms == 0; });
  if (has_newcomer && members.size() <= wanted.size()) {
    // With somebody away there is one member less to lose: places are only filled then, and not changed.
    if (members.size() < wanted.size() || all_there)
      return {kind::add, *newcomer,
              members.size() < wanted.size() ? "the shard has too few replicas" : "the shard is to be there"};
  }
  // One that is about to go gives its shards to whoever is there.
  const auto* here = node_named(nodes, self.node);
  const auto goes = here != nullptr && here->is_draining;
  const auto first_ready = [&]() -> const member* {
    for (const auto& one : wanted) {
      const auto found = std::ranges::find_if(members, [&](const auto& each) { return each.who == one; });
      if (one == self) return &one;
      const auto* node = node_named(nodes, one.node);
      const auto is_settled = node != nullptr && node->who == one && (goes || node->there_ms >= options.settle_ms);
      if (is_settled && found != members.end() && found->away_ms == 0 && found->has_all && !found->is_damaged)
        return &one;
    }
    return nullptr;
  }();
  if (first_ready != nullptr && *first_ready != self && !has_newcomer)
    return {kind::move, *first_ready,
            first_ready->node == pinned ? "it was ordered there"
            : goes                      ? "the node that owns it is being drained"
                                        : "it comes first in the shard's order"};
  // While somebody is away nobody goes: it may be that one who ought to be there.
  if (members.size() > wanted.size() && all_there) {
    const placed_member* last = nullptr;
    for (const auto& one : members) {
      if (one.who == self || holds(wanted, one.who)) continue;
      // One that is there, and that the directory does not show, is not in the wrong place: nobody has said so.
      const auto* node = node_named(nodes, one.who.node);
      if (node == nullptr || node->who != one.who) continue;
      if (last == nullptr || placement_weight(shard, one.who.id) > placement_weight(shard, last->who.id)) last = &one;
    }
    if (last != nullptr) return {kind::remove, last->who, "the shard has its replicas elsewhere"};
  }
  return {};
}

}  // namespace octavo::cluster
