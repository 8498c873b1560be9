// A delete set says which units are deleted: ranges of clocks per client. Deletes have no ids of their own, so this is
// all that is known of them. A value; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace octavo::crdt {

/// Ranges in descending order of client ids and ascending order of clocks, as Yjs writes them; never empty, and with
/// gaps between those of one client.
class delete_set {
 public:
  struct range {
    std::uint64_t client = 0;
    std::uint32_t clock = 0;
    std::uint32_t length = 0;
    std::uint32_t end() const { return clock + length; }
    friend bool operator==(const range&, const range&) = default;
  };

  delete_set() = default;

  /// Takes ranges in any order, also empty ones and such that overlap; none may pass clock 2^32-1.
  explicit delete_set(std::vector<range> ranges);

  std::span<const range> ranges() const { return ranges_; }
  /// The ranges of one client.
  std::span<const range> of(std::uint64_t client) const;
  /// How many clients there are.
  std::size_t clients() const;
  bool empty() const { return ranges_.empty(); }

  bool contains(std::uint64_t client, std::uint32_t clock) const;
  /// Whether all units of a range are in it.
  bool contains(const range& units) const;

  friend bool operator==(const delete_set&, const delete_set&) = default;

 private:
  std::vector<range> ranges_;
};

}  // namespace octavo::crdt
