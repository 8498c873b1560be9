// What can be told of a decoded update without a document: which parent its items have, what of it is deleted, and
// what it needs that is not in it. Pure functions.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "crdt/document.hpp"
#include "crdt/encoded_update.hpp"
#include "crdt/state_vector.hpp"
#include "crdt/update.hpp"

namespace octavo::app {

/// "string", "xml_element": as the commands print them.
std::string_view name_of(crdt::content_kind kind);
std::string_view name_of(crdt::type_kind kind);

/// Finds structs by id.
class struct_index {
 public:
  explicit struct_index(const crdt::decoded_update& update);

  /// The index of the struct that holds a unit; crdt::none if the update has it not.
  std::uint32_t find(std::uint32_t client, std::uint32_t clock) const;

 private:
  const crdt::decoded_update& update_;
  std::vector<std::uint32_t> blocks_;  // by client
};

/// The parent of each struct, as an index into the update's parents: its own, or that of a neighbour from which it has
/// it, as far as neighbours are in the update. none: not known from the update, or a collected struct.
std::vector<std::uint32_t> parents_of(const crdt::decoded_update& update, const struct_index& index);

/// How many units of each struct the update's own delete set deletes.
std::vector<std::uint32_t> deleted_units_of(const crdt::decoded_update& update);

/// The holes between the structs of each client, in the order of blocks. What is before the first struct is none.
std::vector<crdt::clock_range> gaps_of(const crdt::decoded_update& update);

/// What somebody with that state still lacks before all of the update can be integrated: units in front of structs,
/// in holes, and those that structs and deletes refer to. Sorted by client, descending, and clock; merged.
std::vector<crdt::clock_range> needs_of(const crdt::decoded_update& update, const crdt::state_vector& state);

/// What of a document's updates waits for others.
struct waiting_report {
  std::size_t structs = 0;
  std::size_t delete_ranges = 0;
  std::vector<crdt::clock_range> waiting;  ///< the structs, by client
  std::vector<crdt::clock_range> missing;  ///< what would have to come first
  bool empty() const { return structs == 0 && delete_ranges == 0; }
};

waiting_report waiting_in(const crdt::document& document);

}  // namespace octavo::app
