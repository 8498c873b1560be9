// Which nodes ought to have the replicas of a shard, and what its owner does next to get there: one step at a time, so
// that at any moment at most one member is being changed. Nodes are ordered for each shard by a hash of both
// (rendezvous hashing; Thaler and Ravishankar, 1998): all nodes come to the same order without asking each other, each
// gets its share, and one more or less moves only its own share.
//
// Pure functions, usable from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/shard_types.hpp"
#include "cluster/shards.hpp"

namespace octavo::cluster {

/// A node as the directory shows it.
struct placement_node {
  member who;
  bool is_draining = false;
  std::int64_t there_ms = 0;  ///< for how long it has been there without a break
  bool is_resting = false;    ///< it got nowhere with a replica lately (learner_watch.hpp), and is given no other
};

/// A member's place in the order of a shard's nodes: the least comes first.
std::uint64_t placement_weight(shard_number shard, member_id id);

/// The first nodes in the shard's order, at most `replicas` of them; four survive no more than three, and so it is
/// three (two keep an edit where one is lost, though nobody can edit until it is back). The first of all is to be the
/// owner: the node `pinned`, if it is there. Nodes that are being drained come last: they are named where there are too
/// few others.
std::vector<member> wanted_members(shard_number shard, const std::vector<placement_node>& nodes, std::uint32_t replicas,
                                   std::string_view pinned = {});

struct placement_options {
  std::uint32_t replicas = 3;
  /// A member whose node has been away for so long is replaced, if there is a node to take its place.
  std::int64_t replace_ms = 60'000;
  /// A node that came gets replicas and shards once it has been there for so long.
  std::int64_t settle_ms = 5'000;
};

/// What an owner knows of a member of its shard.
struct placed_member {
  member who;
  std::int64_t away_ms = 0;  ///< for how long its node has been away; 0: it is there
  bool has_all = false;      ///< its log lacks little
  bool is_removed = false;   ///< its disk is no part of the cluster any more
  bool is_damaged = false;   ///< it has lost what it acknowledged
};

struct placement_step {
  enum class kind_type : std::uint8_t { none, add, remove, move };
  kind_type kind = kind_type::none;
  member who;  ///< who becomes a member, is one no longer, or becomes the owner
  std::string_view why;
};

/// What the owner `self` does next about a shard whose members are `members`. A lost member is removed before another
/// is added: of four members with one lost all others would be needed. One that is only in the wrong place goes after
/// its replacement has come, and so does one that is damaged: it is named where there are too few others.
placement_step next_step(shard_number shard, const member& self, const std::vector<placed_member>& members,
                         const std::vector<placement_node>& nodes, const placement_options& options,
                         std::string_view pinned = {});

}  // namespace octavo::cluster
