#include "cluster/learner_watch.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace octavo::cluster {

bool learner_watch::is_stuck(shard_number shard, const member& who, std::uint64_t match, bool has_answered,
                             bool is_drained, std::int64_t now) {
  if (auto known = learners_.find(shard); known == learners_.end() || known->second.who != who) begin(shard, who, now);
  auto& one = learners_[shard];
  if (match > one.match) {
    one.match = match;
    one.since_ms = now;
    one.transfers = 0;
  }
  if (now - one.since_ms < (is_drained ? options_.drained_stall_ms : options_.stall_ms)) return false;
  resting_[{shard, who.id}] = now + options_.rest_ms;
  if (!has_answered) resting_nodes_[who.id] = now + options_.rest_ms;
  learners_.erase(shard);
  return true;
}

// A node fetches the documents of one shard after the other: while it gets on with one, its others wait for that. One
// that fails again and again, as a document cannot be read here or written there, gets on with nothing.
void learner_watch::asked(const std::string& node, const transfer_request& request, std::int64_t now) {
  if (const auto* open = std::get_if<transfer_open>(&request.what)) {
    transfers_.emplace_back(request.transfer, open->shard);
    if (transfers_.size() > transfers_kept) transfers_.pop_front();
    return;
  }
  if (std::holds_alternative<transfer_close>(request.what)) return;
  const auto known = std::ranges::find(transfers_, request.transfer, &std::pair<std::uint64_t, shard_number>::first);
  for (auto& [shard, one] : learners_) {
    if (one.who.node != node) continue;
    if (known != transfers_.end() && known->second == shard) {
      if (std::exchange(one.transfer, request.transfer) != request.transfer) ++one.transfers;
      if (one.transfers > options_.transfers_max) continue;
    }
    one.since_ms = now;
  }
}

std::set<member_id> learner_watch::resting(shard_number shard, std::int64_t now) {
  std::erase_if(resting_, [now](const auto& one) { return one.second <= now; });
  std::erase_if(resting_nodes_, [now](const auto& one) { return one.second <= now; });
  auto result = std::set<member_id>{};
  for (const auto& [who, until_ms] : resting_nodes_) result.insert(who);
  for (auto one = resting_.lower_bound({shard, 0}); one != resting_.end() && one->first.first == shard; ++one)
    result.insert(one->first.second);
  return result;
}

}  // namespace octavo::cluster
