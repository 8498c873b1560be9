#include "crdt/delete_set.hpp"

#include <algorithm>

namespace octavo::crdt {

namespace {

bool before(const delete_set::range& left, const delete_set::range& right) {
  return left.client != right.client ? left.client > right.client : left.clock < right.clock;
}

}  // namespace

delete_set::delete_set(std::vector<range> ranges) : ranges_(std::move(ranges)) {
  if (!std::is_sorted(ranges_.begin(), ranges_.end(), before)) std::sort(ranges_.begin(), ranges_.end(), before);
  std::size_t kept = 0;
  for (const auto& each : ranges_) {
    if (each.length == 0) continue;
    if (kept != 0 && ranges_[kept - 1].client == each.client && each.clock <= ranges_[kept - 1].end()) {
      auto& last = ranges_[kept - 1];
      last.length = std::max(last.end(), each.end()) - last.clock;
    } else {
      ranges_[kept++] = each;
    }
  }
  ranges_.resize(kept);
}

std::span<const delete_set::range> delete_set::of(std::uint64_t client) const {
  const auto first = std::partition_point(ranges_.begin(), ranges_.end(),
                                          [client](const range& each) { return each.client > client; });
  const auto last =
      std::partition_point(first, ranges_.end(), [client](const range& each) { return each.client == client; });
  return {first, last};
}

std::size_t delete_set::clients() const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < ranges_.size(); ++i) count += i == 0 || ranges_[i].client != ranges_[i - 1].client;
  return count;
}

bool delete_set::contains(std::uint64_t client, std::uint32_t clock) const {
  return contains(range{client, clock, 1});
}

bool delete_set::contains(const range& units) const {
  if (units.length == 0) return true;
  const auto ours = of(units.client);
  const auto after =
      std::partition_point(ours.begin(), ours.end(), [&](const range& each) { return each.clock <= units.clock; });
  return after != ours.begin() && std::prev(after)->end() >= units.end();
}

}  // namespace octavo::crdt
