// What a node knows of its own load and of that of the others, and what follows from it: see balancer.hpp.
//
// Affinity: the shard host.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cluster/balancer.hpp"
#include "cluster/load_meter.hpp"
#include "cluster/node_view.hpp"

namespace octavo::cluster {

class host_load {
 public:
  /// `cores` that this node, `self`, may use.
  host_load(std::string self, balance_options options, double cores)
      : self_(std::move(self)), options_(options), meter_(options.interval_ms, cores), balancer_(options) {}

  const load_meter& meter() const { return meter_; }
  /// A document of a shard has worked for so long, and has sent so much.
  void add(shard_number shard, std::uint64_t busy_us, std::uint64_t bytes) { meter_.add(shard, busy_us, bytes); }
  /// This node begins to serve a shard, or does so no more. `unix_ms` is now, as is `now_ms` by the steady clock.
  void begin(shard_number shard, const node_view* view, std::int64_t now_ms, std::int64_t unix_ms);
  void end(shard_number shard) { meter_.end(shard); }
  /// Another node has said how busy it is. What cannot be is left out.
  void heard(const std::string& node, double busy, double cores, std::int64_t now_ms);
  /// The directory has changed: what this node gave away is counted here no more.
  void see(const node_view& before, const node_view& after);
  /// True once an interval, when the averages have changed.
  bool tick(std::int64_t now_ms) { return meter_.tick(now_ms, process_cpu_us()); }

  /// Once an interval: what this node gives away. `is_settled` says whether a node has been there for long enough, and
  /// `ready_for` which nodes could serve a shard of this one at once; nothing: it is not to move.
  std::optional<cluster_orders::balanced> decide(const node_view& view,
                                                 const std::function<bool(const std::string&)>& is_settled,
                                                 const std::function<std::vector<std::string>(shard_number)>& ready_for,
                                                 std::int64_t now_ms, std::int64_t unix_ms);

 private:
  /// What a node said of itself, and when. Steady milliseconds.
  struct busy_node {
    double busy = 0;
    double cores = 1;
    std::int64_t heard_ms = 0;
  };

  std::vector<node_load> nodes(const node_view& view, const std::function<bool(const std::string&)>& is_settled,
                               std::int64_t now_ms, std::int64_t unix_ms);
  bool has_just_taken(const node_view& view, const std::string& node, std::int64_t unix_ms) const;
  double cores_before(const node_view& view, shard_number shard, std::int64_t unix_ms) const;

  std::string self_;
  balance_options options_;
  load_meter meter_;
  balancer balancer_;
  std::map<std::string, busy_node> busy_;  ///< at most as many as were in a view at once
};

}  // namespace octavo::cluster
