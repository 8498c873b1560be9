// Writing a store as updates.
#pragma once

#include <cstdint>
#include <vector>

#include "crdt/bytes.hpp"
#include "crdt/delete_set.hpp"
#include "crdt/internal/engine.hpp"
#include "crdt/lib0.hpp"
#include "crdt/state_vector.hpp"
#include "crdt/utf8.hpp"

namespace octavo::crdt::internal {

/// A place in an item's text that was looked up before. Looking up a later one goes on from there, so that cutting a
/// long text into pieces does not begin at its start each time.
struct text_place {
  std::uint32_t item = nil;
  std::uint32_t units = 0;
  std::size_t byte = 0;
};

/// Finds a UTF-16 position in the text of an item, and notes it in `near`.
utf8_cut find_in_text(const store& data, std::uint32_t index, std::uint32_t units, text_place& near);

/// Writes one client's block: its units [from, to), cut where need be. `near` is a place in the client's texts, for
/// those who write a long text piece by piece. There is one for each encoder of encoders.hpp.
template <class Encoder>
void write_block(Encoder& to_wire, const store& data, std::uint32_t client, std::uint32_t from, std::uint32_t to,
                 text_place& near);

/// A delete set as an update and a snapshot of that encoding have it.
void write_delete_set(lib0_writer& writer, const delete_set& deletes, update_encoding encoding);

/// The delete set of everything that is deleted or collected, encoded.
bytes encode_delete_set(const store& data);

/// What waits, as an update for a peer with the given state; empty if nothing waits.
bytes encode_pending(const pending_set& pending, const state_vector& since);

/// Everything that a peer with the given state lacks; see document::encode_state_as_update_v1().
bytes encode_state(const engine& from, const state_vector& since, update_encoding encoding);
std::vector<bytes> encode_chunks(const engine& from, const state_vector& since, std::size_t max_bytes);

}  // namespace octavo::crdt::internal
