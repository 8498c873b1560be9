// How much a node has to do, and which of its shards make it so: moving averages, over three intervals, of the
// processor time of its process and of its documents' actors, and of the bytes that these send. An average decays as
// exp(-t / (3 intervals)).
//
// Affinity: whoever owns it (the shard host).
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "cluster/shards.hpp"

namespace octavo::cluster {

class load_meter {
 public:
  struct shard {
    double cores = 0;           ///< that its documents keep busy
    double bytes_per_s = 0;     ///< that they send
    std::int64_t since_ms = 0;  ///< when this node began to serve it
  };

  /// `cores` that the process may use, more than 0.
  load_meter(std::int64_t interval_ms, double cores) : interval_ms_(interval_ms), cores_(cores) {}

  /// This node serves a shard from now on, which kept so many cores busy on another one.
  void begin(shard_number which, std::int64_t now_ms, double cores_elsewhere);
  void end(shard_number which) { shards_.erase(which); }
  /// A document has worked for so long, and has sent so much.
  void add(shard_number which, std::uint64_t busy_us, std::uint64_t bytes);
  /// Takes in the processor time that the process has used since it began. True once an interval, when the averages
  /// have changed.
  bool tick(std::int64_t now_ms, std::uint64_t process_us);
  /// A shard is about to go: what it took is counted here no more, though the average would show it for a while.
  void leaves(shard_number which);

  /// The share of the cores that is used, from 0 to 1.
  double busy() const { return cores_used_ / cores_; }
  double cores() const { return cores_; }
  const std::unordered_map<shard_number, shard>& shards() const { return shards_; }

 private:
  struct work {
    std::uint64_t busy_us = 0;
    std::uint64_t bytes = 0;
  };

  std::int64_t interval_ms_;
  double cores_;
  double cores_used_ = 0;
  std::int64_t ticked_ms_ = 0;                      ///< 0: never
  std::uint64_t process_us_ = 0;                    ///< at that time
  std::unordered_map<shard_number, shard> shards_;  ///< that this node serves
  std::unordered_map<shard_number, work> since_;    ///< what they have done since then
};

/// The processor time that this process has used, of all its threads, in µs.
std::uint64_t process_cpu_us();

}  // namespace octavo::cluster
