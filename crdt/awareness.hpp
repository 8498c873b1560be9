// Presence ("awareness") payloads of the Yjs protocols: a list of (client, clock, JSON state). The server relays the
// JSON as text and never builds a tree of it. Views point into the decoded input. Values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "crdt/bytes.hpp"
#include "crdt/error.hpp"
#include "crdt/json.hpp"

namespace octavo::crdt {

/// Bounds on one presence message.
struct awareness_limits {
  std::size_t max_bytes = std::size_t{1} << 20;
  std::size_t max_entries = 4096;
  std::size_t max_state_bytes = std::size_t{64} << 10;
  std::size_t max_depth = default_max_depth;
};

/// One client's state. `json` is "null" when the client has gone.
struct awareness_entry {
  std::uint64_t client = 0;
  std::uint64_t clock = 0;
  std::string_view json;

  bool is_null() const { return json == "null"; }
  friend bool operator==(const awareness_entry&, const awareness_entry&) = default;
};

/// Reads a payload into `out` (cleared first, capacity kept). Entries keep their order. JSON whitespace around a null
/// is dropped, so that is_null() is exact. Errors: as decode_errc says; `out` is then unspecified.
result<void> decode_awareness(bytes_view data, std::vector<awareness_entry>& out, const awareness_limits& limits = {});

/// Appends the encoded form.
void encode_awareness(std::span<const awareness_entry> entries, bytes& out);
bytes encode_awareness(std::span<const awareness_entry> entries);

/// True if `next` replaces `known` of the same client: a higher clock, or the same clock and null.
bool supersedes(const awareness_entry& next, const awareness_entry& known);

/// Merges entries in place: of each client the one that supersedes all others stays, at the place where the client
/// first occurred.
void merge_awareness(std::vector<awareness_entry>& entries);

}  // namespace octavo::crdt
