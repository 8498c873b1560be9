#include "cluster/shard_arranger.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "actors/clock.hpp"
#include "cluster/host_status.hpp"
#include "cluster/logger.hpp"

namespace octavo::cluster {

void shard_arranger::tick(std::int64_t now, bool is_drained) {
  if (now - looked_ms_ < options_.interval_ms) return;
  looked_ms_ = now;
  if (!nodes_.is_shown()) return;
  nodes_.forget_gone([this](const std::string& node) { return is_member(node); });
  auto nodes = placement_nodes(now);
  auto changing = std::size_t{0};
  for (const auto& [shard, core] : table_.replicas())
    if (core->serves() && is_changing(*core)) ++changing;
  for (const auto& [shard, core] : table_.replicas()) {
    if (!core->serves() || !core->learner()) learners_.forget(shard);
    if (!core->serves()) continue;
    const auto members = placed_members(*core, now);
    if (const auto learner = core->learner()) {
      see_to_learner(shard, *core, *learner, now, is_drained);
      continue;
    }
    if (changing >= options_.changes_at_once_max || is_changing(*core)) continue;
    if (take_next_step(shard, members, nodes, now)) ++changing;
  }
  away_ = std::exchange(still_away_, {});
}

bool shard_arranger::take_next_step(shard_number shard, const std::vector<placed_member>& members,
                                    std::vector<placement_node>& nodes, std::int64_t now) {
  const auto& view = *nodes_.view();
  const auto pin = view.pins.find(shard);
  const auto moved = pin == view.pins.end() ? view.balance.find(shard) : view.balance.end();
  const auto is_balanced = moved != view.balance.end();
  const auto pinned = pin != view.pins.end() ? std::string_view{pin->second}
                      : is_balanced          ? std::string_view{moved->second.node}
                                             : std::string_view{};
  const auto resting = learners_.resting(shard, now);
  for (auto& one : nodes) one.is_resting = resting.contains(one.who.id);
  auto step = next_step(shard, table_.self(), members, nodes, options_.placement, pinned);
  if (step.kind == placement_step::kind_type::none) return false;
  if (is_balanced && step.who.node == pinned) step.why = moved->second.why;
  auto& moved_ms = moved_ms_[shard];
  const auto is_move = step.kind == placement_step::kind_type::move;
  if (is_move && moved_ms != 0 && now - moved_ms < options_.rest_ms) return false;
  if (!table_.arrange(shard, step, now)) return false;
  note(shard, step);
  if (is_move) {
    moved_ms = now;
    counters_.shard_moves.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  const auto is_added = step.kind == placement_step::kind_type::add;
  if (is_added) learners_.begin(shard, step.who, now);
  logger().info("shard={} node={} {}: {}", shard, step.who.node, is_added ? "gets a replica" : "loses its replica",
                step.why);
  return true;
}

// One that does not become a member goes: it keeps the shard from all other changes.
void shard_arranger::see_to_learner(shard_number shard, const replica& core, const member& who, std::int64_t now,
                                    bool is_drained) {
  auto step = placement_step{placement_step::kind_type::remove, who, "it has gone"};
  if (nodes_.is_live(who)) {
    const auto match = core.match_of(who.id).value_or(0);
    if (!learners_.is_stuck(shard, who, match, core.has_answered(who.id), is_drained, now)) return;
    step.why = "it gets nowhere";
  }
  if (!table_.arrange(shard, step, now)) return;
  logger().warn("shard={} node={} gets no replica for now: {}", shard, who.node, step.why);
  note(shard, step);
}

std::vector<std::string> shard_arranger::ready_for(shard_number shard) const {
  auto ready = std::vector<std::string>{};
  const auto* core = table_.find(shard);
  if (core == nullptr || !core->serves() || is_changing(*core)) return ready;
  for (const auto& who : core->config().members)
    if (who != table_.self() && nodes_.is_live(who) && !is_removed(who) && core->has_all(who.id))
      ready.push_back(who.node);
  return ready;
}

bool shard_arranger::is_member(const std::string& node) const {
  return std::ranges::any_of(table_.replicas(), [&](const auto& one) {
    const auto& core = *one.second;
    return (core.learner() && core.learner()->node == node) ||
           std::ranges::any_of(core.config().members, [&](const member& who) { return who.node == node; });
  });
}

std::vector<placement_node> shard_arranger::placement_nodes(std::int64_t now) const {
  const auto& view = *nodes_.view();
  auto nodes = std::vector<placement_node>{};
  for (const auto& [name, node] : view.nodes) {
    const auto disk = nodes_.disk_of(name, node.member);
    if (!view.removed.contains(disk)) nodes.push_back({{disk, name}, node.draining, nodes_.there_ms(name, now)});
  }
  return nodes;
}

std::vector<placed_member> shard_arranger::placed_members(const replica& core, std::int64_t now) {
  auto members = std::vector<placed_member>{};
  for (const auto& who : core.config().members) {
    auto one = placed_member{who, 0, who == table_.self() || core.has_all(who.id)};
    one.is_removed = is_removed(who);
    one.is_damaged = core.is_damaged(who.id);
    if (!nodes_.is_live(who)) {
      auto found = away_.find(who.id);
      const auto since = still_away_.emplace(who.id, found == away_.end() ? now : found->second).first->second;
      one.away_ms = std::max<std::int64_t>(1, now - since);
    }
    members.push_back(std::move(one));
  }
  return members;
}

void shard_arranger::note(shard_number shard, const placement_step& step) {
  constexpr auto verbs = std::array<std::string_view, 4>{"", "add", "remove", "move"};
  changes_.push_back(boost::json::object{{"time_ms", actors::unix_now_ms()},
                                         {"shard", shard},
                                         {"change", verbs[static_cast<std::size_t>(step.kind)]},
                                         {"node", step.who.node},
                                         {"why", step.why}});
  if (changes_.size() > changes_kept) changes_.pop_front();
}

}  // namespace octavo::cluster
