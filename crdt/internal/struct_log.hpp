// Everything that one client wrote, by clock: a gap-free sequence of items and collected runs. Entries lie in tiers of
// at most 512, so that a split or a merge moves little memory and a search is two short bisections; the last hit is
// remembered, as edits come in neighbourhoods. A collected run (GC) needs no item: its entry says all of it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "crdt/internal/item.hpp"

namespace octavo::crdt::internal {

/// Values of log_entry::item that are not items.
inline constexpr std::uint32_t collected = UINT32_MAX;
inline constexpr std::uint32_t absorbed = UINT32_MAX - 1;  // only during a merge

struct log_entry {
  std::uint32_t clock = 0;
  std::uint32_t item = collected;
};

/// The place of an entry; any change of the log makes it stale.
struct log_position {
  std::uint32_t tier = 0;
  std::uint32_t index = 0;
  friend bool operator==(const log_position&, const log_position&) = default;
};

class struct_log {
 public:
  static constexpr std::size_t tier_entries = 512;

  explicit struct_log(std::uint64_t id) : id_(id) {}

  std::uint64_t id() const { return id_; }
  /// The next clock: everything below it is here.
  std::uint32_t end() const { return end_; }
  bool empty() const { return tiers_.empty(); }

  const log_entry& at(log_position place) const { return tiers_[place.tier].entries[place.index]; }
  log_entry& at(log_position place) { return tiers_[place.tier].entries[place.index]; }

  log_position first() const { return {0, 0}; }
  log_position last() const {
    return {static_cast<std::uint32_t>(tiers_.size() - 1),
            static_cast<std::uint32_t>(tiers_.back().entries.size() - 1)};
  }
  const log_entry& back() const { return tiers_.back().entries.back(); }
  /// One past the last entry.
  log_position stop() const { return {static_cast<std::uint32_t>(tiers_.size()), 0}; }
  log_position next(log_position place) const {
    if (place.index + 1 < tiers_[place.tier].entries.size()) return {place.tier, place.index + 1};
    return {place.tier + 1, 0};
  }
  bool has_before(log_position place) const { return place.tier != 0 || place.index != 0; }
  log_position before(log_position place) const {
    if (place.index != 0) return {place.tier, place.index - 1};
    return {place.tier - 1, static_cast<std::uint32_t>(tiers_[place.tier - 1].entries.size() - 1)};
  }
  /// Where an entry's run ends.
  std::uint32_t end_of(log_position place) const {
    const auto following = next(place);
    return following.tier == tiers_.size() ? end_ : at(following).clock;
  }

  /// The entry that contains a clock, which must be below end().
  log_position find(std::uint32_t clock) const {
    // Edits come in neighbourhoods: at the end, or a little behind the place before.
    if (clock >= back().clock) return last();
    if (hint_.tier < tiers_.size() && hint_.index < tiers_[hint_.tier].entries.size() && at(hint_).clock <= clock) {
      const auto& entries = tiers_[hint_.tier].entries;
      const std::size_t stop = std::min(entries.size(), hint_.index + near_entries);
      for (std::size_t next = hint_.index + std::size_t{1}; next < stop; ++next) {
        if (clock >= entries[next].clock) continue;
        hint_.index = static_cast<std::uint32_t>(next - 1);
        return hint_;
      }
    }
    // Bisections without branches: which way they go cannot be foreseen.
    std::size_t low = 0;
    for (std::size_t count = tiers_.size(); count > 1;) {
      const std::size_t half = count / 2;
      low += tiers_[low + half].first <= clock ? half : 0;
      count -= half;
    }
    const auto& entries = tiers_[low].entries;
    std::size_t from = 0;
    for (std::size_t count = entries.size(); count > 1;) {
      const std::size_t half = count / 2;
      from += entries[from + half].clock <= clock ? half : 0;
      count -= half;
    }
    hint_ = {static_cast<std::uint32_t>(low), static_cast<std::uint32_t>(from)};
    return hint_;
  }

  /// How many entries there are from a place on.
  std::size_t count_from(log_position place) const {
    if (place.tier >= tiers_.size()) return 0;
    std::size_t count = tiers_[place.tier].entries.size() - place.index;
    for (std::size_t i = place.tier + 1; i < tiers_.size(); ++i) count += tiers_[i].entries.size();
    return count;
  }
  std::size_t size() const { return tiers_.empty() ? 0 : count_from(first()); }

  /// Adds a run at the end.
  void append(std::uint32_t length, std::uint32_t item) {
    if (tiers_.empty() || tiers_.back().entries.size() == tier_entries) tiers_.push_back({end_, {}});
    auto& entries = tiers_.back().entries;
    make_room(entries);
    entries.push_back({end_, item});
    end_ += length;
  }

  /// Makes the last run longer.
  void grow_last(std::uint32_t length) { end_ += length; }

  /// Adds an entry behind a place: the right part of a split.
  void insert_after(log_position place, log_entry entry) {
    auto& entries = tiers_[place.tier].entries;
    if (entries.size() < tier_entries) {
      make_room(entries);
      entries.insert(entries.begin() + place.index + 1, entry);
      return;
    }
    const std::size_t half = tier_entries / 2;
    tier upper{entries[half].clock, {entries.begin() + half, entries.end()}};
    entries.resize(half);
    tiers_.insert(tiers_.begin() + place.tier + 1, std::move(upper));
    if (place.index >= half) place = {place.tier + 1, static_cast<std::uint32_t>(place.index - half)};
    auto& target = tiers_[place.tier].entries;
    make_room(target);
    target.insert(target.begin() + place.index + 1, entry);
  }

  /// Takes the last entry away.
  void drop_last() {
    auto& entries = tiers_.back().entries;
    end_ = entries.back().clock;
    entries.pop_back();
    if (entries.empty()) tiers_.pop_back();
  }

  void erase(log_position place) {
    auto& entries = tiers_[place.tier].entries;
    entries.erase(entries.begin() + place.index);
    tidy(place.tier);
  }

  /// Drops the absorbed entries of the tiers from one place to another.
  void sweep(log_position from, log_position to) {
    for (std::size_t tier = to.tier + 1; tier-- > from.tier;) {
      std::erase_if(tiers_[tier].entries, [](const log_entry& each) { return each.item == absorbed; });
      tidy(tier);
    }
    if (tiers_.capacity() > 4 * tiers_.size() + 16) tiers_.shrink_to_fit();
  }

  /// Gives back the room that tiers have and do not use.
  void trim() {
    for (auto& each : tiers_) each.entries.shrink_to_fit();
    tiers_.shrink_to_fit();
  }

  std::size_t memory() const {
    std::size_t bytes = tiers_.capacity() * sizeof(tier);
    for (const auto& each : tiers_) bytes += each.entries.capacity() * sizeof(log_entry);
    return bytes;
  }

  // Notes of the running transaction: when it first touched this log, and the end before.
  std::uint64_t touched = 0;
  std::uint32_t end_before = 0;

 private:
  struct tier {
    std::uint32_t first = 0;
    std::vector<log_entry> entries;
  };

  // So many entries from the last hit on are looked at one by one: about a line of the cache.
  static constexpr std::size_t near_entries = 8;

  // Room for one more. A vector would double what it has, also beyond what a tier ever holds.
  static void make_room(std::vector<log_entry>& entries) {
    if (entries.size() == entries.capacity())
      entries.reserve(std::min(tier_entries, entries.size() + entries.size() / 2 + 2));
  }

  // Keeps a tier's first clock right, and joins tiers that have become small, so that merging does not leave many.
  void tidy(std::size_t index) {
    if (tiers_[index].entries.empty()) {
      tiers_.erase(tiers_.begin() + static_cast<std::ptrdiff_t>(index));
      return;
    }
    tiers_[index].first = tiers_[index].entries.front().clock;
    const auto join = [&](std::size_t left) {
      auto& into = tiers_[left].entries;
      auto& from = tiers_[left + 1].entries;
      if (into.size() + from.size() > tier_entries / 2) return;
      into.insert(into.end(), from.begin(), from.end());
      tiers_.erase(tiers_.begin() + static_cast<std::ptrdiff_t>(left) + 1);
    };
    if (index + 1 < tiers_.size()) join(index);
    if (index > 0 && index < tiers_.size()) join(index - 1);
  }

  std::uint64_t id_;
  std::uint32_t end_ = 0;
  mutable log_position hint_;
  std::vector<tier> tiers_;
};

}  // namespace octavo::crdt::internal
