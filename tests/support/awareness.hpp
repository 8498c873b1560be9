// Awareness payloads, written and read the way tests speak of them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crdt/awareness.hpp"

namespace octavo::test {

/// One client's state; "null" says that it has gone.
inline bytes awareness_of(std::uint64_t client, std::uint64_t clock, std::string_view json) {
  const auto one = crdt::awareness_entry{client, clock, json};
  return crdt::encode_awareness({&one, 1});
}

/// client → (clock, JSON); empty for what is no awareness payload.
using awareness_map = std::map<std::uint64_t, std::pair<std::uint64_t, std::string>>;

inline awareness_map read_awareness(bytes_view data) {
  auto limits = crdt::awareness_limits{};
  limits.max_bytes = limits.max_entries = limits.max_state_bytes = std::size_t{64} << 20;
  auto entries = std::vector<crdt::awareness_entry>{};
  if (data.empty() || !crdt::decode_awareness(data, entries, limits)) return {};
  auto result = awareness_map{};
  for (const auto& one : entries) result[one.client] = {one.clock, std::string{one.json}};
  return result;
}

}  // namespace octavo::test
