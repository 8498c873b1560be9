// Relative positions: a place in a list that stays where it is while others edit around it, since it names a unit and
// not a number. What editors send as cursors in presence states, and comments keep. As in Yjs (RelativePosition).
// Values, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crdt/bytes.hpp"
#include "crdt/error.hpp"
#include "crdt/update.hpp"

namespace octavo::crdt {

/// A unit of a client's log.
struct unit_reference {
  std::uint64_t client = 0;
  std::uint64_t clock = 0;
  friend bool operator==(const unit_reference&, const unit_reference&) = default;
};

struct relative_position {
  /// The unit at which the position is; without one it is an end of the type.
  std::optional<unit_reference> item;
  /// The type, where it is a root …
  std::optional<std::string> root;
  /// … or the unit that holds it, where it is nested.
  std::optional<unit_reference> type;
  /// Not below 0: the position belongs to the unit behind it, and moves with that, or is the type's end. Below: it
  /// belongs to the unit in front of it, or is the type's beginning.
  std::int64_t association = 0;

  friend bool operator==(const relative_position&, const relative_position&) = default;
};

/// Where a relative position is now.
struct absolute_position {
  /// The type: a root by its name, or the unit that holds it.
  std::optional<std::string> root;
  std::optional<unit_reference> type;
  std::uint64_t index = 0;  ///< in visible units
  std::int64_t association = 0;
};

/// The form that travels: of item, root and type only the first that there is.
bytes encode_relative_position(const relative_position& position);
/// Errors: truncated, number_too_large, bad_utf8, bad_parent (no kind of position), trailing_bytes.
result<relative_position> decode_relative_position(bytes_view data);

/// {"type":{"client":1,"clock":2},"tname":"body","item":{…},"assoc":0}, of which item, tname and type may be missing.
std::string to_json(const relative_position& position);
/// Reads that form. bad_json with the offset where it is none; members that are not known are passed over.
result<relative_position> relative_position_from_json(std::string_view json);

}  // namespace octavo::crdt
