// Writing a store as updates of encoding 1.
#pragma once

#include <cstdint>
#include <vector>

#include "crdt/bytes.hpp"
#include "crdt/internal/engine.hpp"
#include "crdt/lib0.hpp"
#include "crdt/state_vector.hpp"

namespace octavo::crdt::internal {

/// Writes the units [from, to) of an item as one struct.
void write_item(lib0_writer& writer, const store& data, std::uint32_t index, std::uint32_t from, std::uint32_t to);

/// Writes one client's block: its units [from, to), cut where need be.
void write_block(lib0_writer& writer, const store& data, std::uint32_t client, std::uint32_t from, std::uint32_t to);

/// The delete set of everything that is deleted or collected, encoded.
bytes encode_delete_set(const store& data);

/// What waits, as an update for a peer with the given state; empty if nothing waits.
bytes encode_pending(const pending_set& pending, const state_vector& since);

bytes encode_state(const engine& from, const state_vector& since);
std::vector<bytes> encode_chunks(const engine& from, const state_vector& since, std::size_t max_bytes);

}  // namespace octavo::crdt::internal
