#include "bench/load/histogram.hpp"

#include <algorithm>
#include <cmath>

namespace octavo::bench {

std::size_t histogram::bucket_of(std::uint64_t value) {
  value = std::min(value, (std::uint64_t{1} << value_bits_max) - 1);
  if (value < (1u << sub_bits)) return static_cast<std::size_t>(value);
  const int shift = std::bit_width(value) - 1 - sub_bits;
  // The leading bit of the mantissa is always set and merges into the row's number.
  return (static_cast<std::size_t>(shift) << sub_bits) + static_cast<std::size_t>(value >> shift);
}

std::uint64_t histogram::upper_bound_of(std::size_t bucket) {
  if (bucket < (2u << sub_bits)) return bucket;
  const auto shift = (bucket >> sub_bits) - 1;
  const auto mantissa = bucket - (shift << sub_bits);
  return ((std::uint64_t{mantissa} + 1) << shift) - 1;
}

std::uint64_t histogram::quantile_us(double quantile, std::uint64_t population) const {
  const auto rank = static_cast<std::uint64_t>(std::ceil(quantile * static_cast<double>(population)));
  if (rank == 0) return 0;
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) {
    seen += counts_[bucket];
    if (seen >= rank) return upper_bound_of(bucket);
  }
  return never_us;
}

}  // namespace octavo::bench
