// The items seen in one search for a place between concurrent inserts, numbered in the order of the search. A small
// hash table that is as large as the search is long, whatever the document holds. It is not emptied between searches:
// what an earlier one has left is a free slot to the next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "crdt/internal/hash.hpp"

namespace octavo::crdt::internal {

class scan_marks {
 public:
  explicit scan_marks(std::uint64_t seed) : seed_(seed) {}

  /// Forgets all items.
  void begin() {
    forgotten_ += count_;
    count_ = 0;
    if (forgotten_ < UINT32_MAX / 2) return;
    slots_.assign(slots_.size(), slot{});
    forgotten_ = 0;
  }

  /// Numbers an item that was not seen since begin(), from 1 on.
  std::uint32_t add(std::uint32_t item) {
    if ((std::size_t{count_} + 1) * 2 > slots_.size()) grow();
    ++count_;
    place(item) = {item, forgotten_ + count_};
    return count_;
  }

  /// The number of an item, 0 if it was not seen.
  std::uint32_t find(std::uint32_t item) {
    if (count_ == 0) return 0;
    const slot& found = place(item);
    return is_free(found) ? 0 : found.number - forgotten_;
  }

  /// Gives back the memory of a long search.
  void release(std::size_t kept_bytes) {
    if (memory() <= kept_bytes) return;
    slots_ = {};
    forgotten_ = 0;
    count_ = 0;
  }

  std::size_t memory() const { return slots_.capacity() * sizeof(slot); }

 private:
  struct slot {
    std::uint32_t item = 0;
    std::uint32_t number = 0;  // counted on from search to search
  };

  bool is_free(const slot& each) const { return each.number <= forgotten_; }

  // Where an item is, or would be. Half of the slots are free at least.
  slot& place(std::uint32_t item) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = mix(item ^ seed_) & mask;
    while (!is_free(slots_[at]) && slots_[at].item != item) at = (at + 1) & mask;
    return slots_[at];
  }

  void grow() {
    std::vector<slot> old(slots_.empty() ? 16 : slots_.size() * 2);
    old.swap(slots_);
    for (const auto& each : old) {
      if (!is_free(each)) place(each.item) = each;
    }
  }

  std::vector<slot> slots_;
  std::uint32_t forgotten_ = 0;  // numbers up to this one are of earlier searches
  std::uint32_t count_ = 0;
  std::uint64_t seed_;
};

}  // namespace octavo::crdt::internal
