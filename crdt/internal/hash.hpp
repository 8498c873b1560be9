// Hash functions and the one hash table of crdt/. Ids and keys come from clients who may choose them to collide, so
// every hash is seeded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace octavo::crdt::internal {

/// Spreads a 64-bit value over all bits (the finalizer of SplitMix64).
constexpr std::uint64_t mix(std::uint64_t value) {
  value ^= value >> 30;
  value *= 0xbf58476d1ce4e5b9ULL;
  value ^= value >> 27;
  value *= 0x94d049bb133111ebULL;
  value ^= value >> 31;
  return value;
}

inline std::uint64_t hash_text(std::string_view text, std::uint64_t seed) {
  std::uint64_t hash = mix(seed ^ text.size());
  while (text.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), 8);
    hash = mix(hash ^ word);
    text.remove_prefix(8);
  }
  std::uint64_t tail = 0;
  if (!text.empty()) std::memcpy(&tail, text.data(), text.size());
  return mix(hash ^ tail ^ 0x9e3779b97f4a7c15ULL);
}

/// 64-bit keys to 32-bit values, open addressing with linear probing. `missing` is not a legal value.
class flat_map {
 public:
  static constexpr std::uint32_t missing = UINT32_MAX;

  explicit flat_map(std::uint64_t seed) : seed_(seed) {}

  std::uint32_t find(std::uint64_t key) const {
    if (slots_.empty()) return missing;
    for (std::size_t at = home(key);; at = next(at)) {
      if (slots_[at].value == missing) return missing;
      if (slots_[at].key() == key) return slots_[at].value;
    }
  }

  /// Adds a key or replaces its value.
  void set(std::uint64_t key, std::uint32_t value) {
    if ((size_ + 1) * 4 > slots_.size() * 3) grow();
    for (std::size_t at = home(key);; at = next(at)) {
      if (slots_[at].value == missing) {
        slots_[at] = slot(key, value);
        ++size_;
        return;
      }
      if (slots_[at].key() == key) {
        slots_[at].value = value;
        return;
      }
    }
  }

  void erase(std::uint64_t key) {
    if (slots_.empty()) return;
    std::size_t at = home(key);
    while (slots_[at].value != missing && slots_[at].key() != key) at = next(at);
    if (slots_[at].value == missing) return;
    // Later members of the probe sequence move into the gap, so that no tombstones gather.
    std::size_t gap = at;
    for (at = next(gap); slots_[at].value != missing; at = next(at)) {
      const std::size_t wanted = home(slots_[at].key());
      const std::size_t mask = slots_.size() - 1;
      if (((at - wanted) & mask) >= ((at - gap) & mask)) {
        slots_[gap] = slots_[at];
        gap = at;
      }
    }
    slots_[gap].value = missing;
    --size_;
  }

  std::size_t size() const { return size_; }
  std::size_t memory() const { return slots_.capacity() * sizeof(slot); }

 private:
  struct slot {
    slot() = default;
    slot(std::uint64_t key, std::uint32_t new_value)
        : low(static_cast<std::uint32_t>(key)), high(static_cast<std::uint32_t>(key >> 32)), value(new_value) {}
    std::uint64_t key() const { return (std::uint64_t{high} << 32) | low; }
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    std::uint32_t value = missing;
  };

  std::size_t home(std::uint64_t key) const { return mix(key ^ seed_) & (slots_.size() - 1); }
  std::size_t next(std::size_t at) const { return (at + 1) & (slots_.size() - 1); }

  void grow() {
    std::vector<slot> old(slots_.empty() ? 4 : slots_.size() * 2);
    old.swap(slots_);
    for (const auto& each : old) {
      if (each.value == missing) continue;
      std::size_t at = home(each.key());
      while (slots_[at].value != missing) at = next(at);
      slots_[at] = each;
    }
  }

  std::vector<slot> slots_;
  std::size_t size_ = 0;
  std::uint64_t seed_;
};

}  // namespace octavo::crdt::internal
