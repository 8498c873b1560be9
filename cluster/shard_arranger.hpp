// Sees to it that the shards of this node get to where they ought to be: asks for the next step of each
// (placement.hpp), begins it, and gives up what gets nowhere (learner_watch.hpp). A few shards change at once.
//
// Affinity: the shard host, whose part it is. Times are milliseconds of a steady clock, unless they say otherwise.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/metrics.hpp"
#include "cluster/learner_watch.hpp"
#include "cluster/peer_table.hpp"
#include "cluster/placement.hpp"
#include "cluster/shard_table.hpp"

namespace octavo::cluster {

struct arranger_options {
  placement_options placement;
  learner_options learner;
  std::size_t changes_at_once_max = 8;  ///< shards of this node whose members or owner change
  std::int64_t interval_ms = 250;       ///< how often it is looked whether shards are where they ought to be
  std::int64_t rest_ms = 5'000;         ///< between two changes of a shard's owner
};

class shard_arranger {
 public:
  /// Changes that are remembered, for whoever asks for the status.
  static constexpr std::size_t changes_kept = 20;

  /// All outlive it.
  shard_arranger(arranger_options options, shard_table& table, peer_table& nodes, metrics& counters)
      : options_(options), table_(table), nodes_(nodes), counters_(counters), learners_(options.learner) {}

  /// Begins what is to change, at most once an interval. While the directory is not known for sure nothing is changed,
  /// nor while it does not show this node, which is about to end, or will have a lease again in a moment: it would find
  /// its own shards in the wrong place, and end in the midst of what it began.
  void tick(std::int64_t now, bool is_drained);
  /// A node has come back, with this disk.
  void came_back(member_id who) { learners_.came_back(who); }
  bool has_learners() const { return !learners_.is_empty(); }
  /// A node asks for documents of a shard of this one, and so gets on.
  void asked(const std::string& node, const transfer_request& request, std::int64_t now) {
    learners_.asked(node, request, now);
  }
  /// The nodes that could serve a shard of this node at once.
  std::vector<std::string> ready_for(shard_number shard) const;
  /// What was changed and why, the latest last: "time_ms" (of the epoch), "shard", "change", "node", "why".
  const std::deque<boost::json::object>& changes() const { return changes_; }

 private:
  /// Whether the operator has taken its disk out of the cluster.
  bool is_removed(const member& who) const { return nodes_.view() && nodes_.view()->removed.contains(who.id); }
  /// Whether a node has a replica of a shard that has one here.
  bool is_member(const std::string& node) const;
  std::vector<placement_node> placement_nodes(std::int64_t now) const;
  std::vector<placed_member> placed_members(const replica& core, std::int64_t now);
  void see_to_learner(shard_number shard, const replica& core, const member& who, std::int64_t now, bool is_drained);
  /// Whether a step was begun.
  bool take_next_step(shard_number shard, const std::vector<placed_member>& members, std::vector<placement_node>& nodes,
                      std::int64_t now);
  void note(shard_number shard, const placement_step& step);

  arranger_options options_;
  shard_table& table_;
  peer_table& nodes_;
  metrics& counters_;
  learner_watch learners_;
  std::map<member_id, std::int64_t> away_;        ///< since when members were not there when it was looked last
  std::map<member_id, std::int64_t> still_away_;  ///< the same, as it is just found
  std::unordered_map<shard_number, std::int64_t> moved_ms_;
  std::int64_t looked_ms_ = 0;
  std::deque<boost::json::object> changes_;
};

}  // namespace octavo::cluster
