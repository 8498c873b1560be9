// When a node gives one of its shards to another node because it has too much to do, and which. Each node decides for
// itself, from what all say of themselves, and only where both it and the other one are less busy afterwards than it is
// now; so loads that stay come to rest, and two never push work to and fro.
//
// Pure: no clock, no actors. One thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/shards.hpp"

namespace octavo::cluster {

struct balance_options {
  bool is_on = true;
  std::int64_t interval_ms =
      10'000;                     ///< between two looks; a node's and a shard's load are averages over three of them
  double busy_min = 0.5;          ///< a node gives nothing away below this share of its cores,
  double over_mean = 1.25;        ///< nor while it is not so many times as busy as the nodes are on average,
  unsigned rounds = 3;            ///< nor before it was both at so many looks in a row
  double gain_min = 0.05;         ///< the busier one of the two must be less busy by this share of what it was
  std::int64_t rest_ms = 60'000;  ///< for so long a shard stays on a node that began to serve it
  std::int64_t clock_skew_ms_max = 10'000;  ///< of a machine's clock and etcd's
};

/// What a node says of itself.
struct node_load {
  std::string node;
  double busy = 0;       ///< the share of its cores that its process uses, from 0 to 1
  double cores = 1;      ///< that it may use
  bool may_take = true;  ///< it is not being drained, and has been there for long enough
};

/// A shard that the deciding node owns.
struct shard_load {
  shard_number shard = 0;
  double cores = 0;                ///< that its documents keep busy
  std::vector<std::string> ready;  ///< nodes that could serve it at once: they have a replica that lacks little
};

struct balance_move {
  shard_number shard = 0;
  std::string to;
  double cores = 0;      ///< of the shard
  double busy_here = 0;  ///< shares of cores before the move
  double busy_there = 0;
  std::string why() const;  ///< a sentence for the operator, without the nodes' names
};

class balancer {
 public:
  explicit balancer(balance_options options) : options_(options) {}

  /// Once an interval: what `self`, which is one of `nodes`, gives away. `shards` are those that may go now. After a
  /// move the count of looks begins anew.
  std::optional<balance_move> look(std::string_view self, const std::vector<node_load>& nodes,
                                   const std::vector<shard_load>& shards);

 private:
  balance_options options_;
  unsigned over_ = 0;  ///< looks in a row at which this node had too much to do
};

}  // namespace octavo::cluster
