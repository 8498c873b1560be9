// How far the learners of this node's shards get, as their owner sees it: by what they acknowledge, and by their asking
// for documents. While a shard has a learner nothing else changes about it, and a node has few changes under way at
// once: one that gets nowhere, as the disk of its node is full, or a document here is damaged, must not keep that
// place. A learner that waits for its turn, behind others of its node, or brings much over, is none of these.
//
// Plain state; affinity: the shard host. Times are milliseconds of a steady clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "cluster/shard_types.hpp"
#include "cluster/shards.hpp"
#include "cluster/transfer.hpp"

namespace octavo::cluster {

struct learner_options {
  std::int64_t stall_ms = 60'000;          ///< one that gets no further for so long is to go;
  std::int64_t drained_stall_ms = 10'000;  ///< of a node that is drained, whose shards are to leave it
  std::int64_t rest_ms = 180'000;          ///< it is not tried again for so long
  std::uint32_t transfers_max = 5;         ///< so many are taken for progress while none of them is completed
};

class learner_watch {
 public:
  /// Transfers whose shards are remembered; then those that began first are forgotten.
  static constexpr std::size_t transfers_kept = 64;

  explicit learner_watch(learner_options options) : options_(options) {}

  /// A shard has a learner from now on.
  void begin(shard_number shard, const member& who, std::int64_t now) { learners_[shard] = {who, 0, now}; }
  /// The same one, as it is now: what it has, and whether it has answered anything. True: it gets nowhere. Then it is
  /// forgotten, and rests; if it has not even answered, so does its node, for all shards of this one.
  bool is_stuck(shard_number shard, const member& who, std::uint64_t match, bool has_answered, bool is_drained,
                std::int64_t now);
  /// The shard has no learner, or this node is not its owner.
  void forget(shard_number shard) { learners_.erase(shard); }
  /// A node asks for documents of a shard of this one.
  void asked(const std::string& node, const transfer_request& request, std::int64_t now);
  /// A node has come back: what kept it may be over.
  void came_back(member_id who) { resting_nodes_.erase(who); }
  bool is_empty() const { return learners_.empty(); }
  /// Those that are not to learn this shard now.
  std::set<member_id> resting(shard_number shard, std::int64_t now);

 private:
  struct learner {
    member who;
    std::uint64_t match = 0;
    std::int64_t since_ms = 0;    ///< when it got further last
    std::uint64_t transfer = 0;   ///< its newest one
    std::uint32_t transfers = 0;  ///< so many since it acknowledged more
  };

  learner_options options_;
  std::map<shard_number, learner> learners_;
  std::deque<std::pair<std::uint64_t, shard_number>> transfers_;
  std::map<std::pair<shard_number, member_id>, std::int64_t> resting_;  ///< until when; as many as were stuck lately
  std::map<member_id, std::int64_t> resting_nodes_;                     ///< likewise
};

}  // namespace octavo::cluster
