// Snapshots as Yjs has them: a state vector and a delete set, which together name a version of a document without
// holding any of it. With a document that keeps what was deleted, the version itself can be built again. Values and
// pure functions; any thread, where nobody changes the document meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "crdt/bytes.hpp"
#include "crdt/delete_set.hpp"
#include "crdt/document.hpp"
#include "crdt/error.hpp"
#include "crdt/state_vector.hpp"
#include "crdt/update.hpp"

namespace octavo::crdt {

struct snapshot {
  delete_set deletes;
  state_vector state;

  /// Whether a version had a unit, and had not deleted it.
  bool shows(std::uint64_t client, std::uint32_t clock) const {
    return clock < state.clock(client) && !deletes.contains(client, clock);
  }
  friend bool operator==(const snapshot&, const snapshot&) = default;
};

/// Bounds on an encoded snapshot.
struct snapshot_limits {
  std::size_t max_bytes = std::size_t{64} << 20;
  std::size_t max_clients = std::size_t{1} << 20;
  std::size_t max_delete_ranges = std::size_t{1} << 23;
};

/// Reads a snapshot of either encoding (Y.decodeSnapshot, Y.decodeSnapshotV2). Ranges may come in any order and
/// overlap. Errors: truncated, number_too_large, clock_overflow, too_many_clients, too_many_delete_ranges, too_large,
/// trailing_bytes, with the offset.
result<snapshot> decode_snapshot(bytes_view data, update_encoding encoding = update_encoding::v1,
                                 const snapshot_limits& limits = {});

/// Writes it as Y.encodeSnapshot and Y.encodeSnapshotV2 do: the deletes, then the state.
bytes encode_snapshot(const snapshot& of, update_encoding encoding = update_encoding::v1);

/// The version that a document is at now (Y.snapshot). What waits in it is no part of it.
snapshot snapshot_of(const document& document);

/// Whether everything that an update says is part of a version (Y.snapshotContainsUpdate). Errors are those of decoding
/// the update.
result<bool> snapshot_contains_update(const snapshot& version, bytes_view update,
                                      update_encoding encoding = update_encoding::v1, const decode_limits& limits = {});

/// Why a version cannot be built from a document. The document is unchanged in any case.
enum class snapshot_errc : std::uint8_t {
  collects_garbage,  ///< the document frees what was deleted (document_options::gc), so older versions are gone
  not_contained,     ///< the version has units that the document lacks
  does_not_fit,      ///< the new document's bounds are too small for the version
};
std::string_view to_string(snapshot_errc code);

/// The state of a version as an update of encoding 1, cut out of a document that has it.
result<bytes, snapshot_errc> state_at_snapshot(const document& origin, const snapshot& version);

/// A document that holds a version (Y.createDocFromSnapshot).
result<document, snapshot_errc> document_at_snapshot(const document& origin, const snapshot& version,
                                                     const document_options& options = {});

}  // namespace octavo::crdt
