// Counts latencies in buckets whose width grows with the value, so that millions of them cost a fixed 16 KiB and every
// quantile is known to within 1/32 of its value. Owned and used by one thread.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace octavo::bench {

class histogram {
 public:
  /// Counts one latency, in microseconds; beyond about 2^40 it is counted as that.
  void record(std::uint64_t value_us) {
    ++counts_[bucket_of(value_us)];
    ++total_;
  }

  std::uint64_t total() const { return total_; }

  /// The latency in microseconds that `quantile` (0 to 1) of `population` events did not exceed. The population may be
  /// larger than what was recorded: events that never happened are counted as slower than all others, and the result
  /// is then `never_us` where they fill the quantile.
  std::uint64_t quantile_us(double quantile, std::uint64_t population) const;

  static constexpr std::uint64_t never_us = ~std::uint64_t{0};

 private:
  // 2^sub_bits buckets for each power of two.
  static constexpr int sub_bits = 5;
  static constexpr int value_bits_max = 40;
  static constexpr std::size_t bucket_count = std::size_t{value_bits_max - sub_bits + 2} << sub_bits;

  static std::size_t bucket_of(std::uint64_t value);
  static std::uint64_t upper_bound_of(std::size_t bucket);

  std::array<std::uint64_t, bucket_count> counts_{};
  std::uint64_t total_ = 0;
};

}  // namespace octavo::bench
