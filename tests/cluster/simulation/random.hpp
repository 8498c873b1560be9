// A small random generator: one seed makes one run of the simulator, on every machine.
#pragma once

#include <cstdint>

namespace octavo::test {

/// xoshiro256** (Blackman and Vigna, 2018), seeded by SplitMix64.
class random_source {
 public:
  explicit random_source(std::uint64_t seed) {
    for (auto& word : state_) {
      auto z = seed += 0x9e3779b97f4a7c15U;
      z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
      z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
      word = z ^ (z >> 31U);
    }
  }

  std::uint64_t next() {
    auto rotated = [](std::uint64_t x, unsigned k) { return (x << k) | (x >> (64U - k)); };
    const auto result = rotated(state_[1] * 5, 7) * 9;
    const auto t = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotated(state_[3], 45);
    return result;
  }
  /// From 0 to n - 1.
  std::uint64_t below(std::uint64_t n) { return n == 0 ? 0 : next() % n; }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low + 1)));
  }
  bool chance(double probability) {
    return static_cast<double>(next() >> 11U) * (1.0 / 9007199254740992.0) < probability;
  }

 private:
  std::uint64_t state_[4];
};

}  // namespace octavo::test
