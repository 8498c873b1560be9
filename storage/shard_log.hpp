// What a replica of a shard keeps on this disk: the entries of its log that have not gone into documents for long, a
// note, and which documents are the shard's. The store knows neither what an entry means nor what a replica is; it
// keeps each step whole, in the order of its commits, beside the documents that the step changes.
//
// Plain values. Views are only looked at during the call that they are passed to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/store.hpp"

namespace octavo::storage {

/// An entry to be written. Its lsn (log sequence number) counts from 1, without gaps.
struct shard_entry {
  std::uint64_t lsn = 0;
  bytes_view data;
};

/// An entry as it was written.
struct stored_entry {
  std::uint64_t lsn = 0;
  bytes data;
};

/// The last thing that a client did, by which one that is sent again is told.
struct client_mark {
  std::uint64_t client = 0;
  std::uint64_t number = 0;  ///< the client's own
  std::uint64_t lsn = 0;     ///< of the entry that it became
  bool operator==(const client_mark&) const = default;
};

/// One step of a replica. Its parts are done in the order in which they stand here, so that entries may be put and
/// dropped at once, and documents that are cleared be made anew.
///
/// What must hold, or the call is refused with errc::internal: entries follow the last one that is there, or `applied`
/// where there is none; none that is applied is truncated, and none that is not is dropped; `applied` never goes back,
/// and does not pass the last entry unless all of them go. So the log always begins at applied + 1 or before.
struct shard_write {
  std::uint32_t shard = 0;
  /// The entries, the note, `applied`, `ahead`, the marks, all documents of the shard and copies under way go.
  bool clear = false;
  std::optional<bytes_view> note;               ///< replaces the one before
  std::optional<std::uint64_t> truncate_after;  ///< entries with a greater lsn go
  std::vector<shard_entry> entries;             ///< are put behind the last one
  std::optional<std::uint64_t> drop_until;      ///< entries up to this lsn go
  /// Documents may hold entries up to this lsn already, as they are being copied from another replica: in a step whose
  /// `applied` does not pass it, this one among them, an update that does not follow its document's last one is left
  /// out instead of being refused. A step that passes it is held to all of its updates, and so is one without
  /// `applied`. The greatest that was given stays until `applied` reaches it, or the shard is cleared.
  std::optional<std::uint64_t> ahead;
  /// Documents are about to be replaced by what they are in another replica at this lsn, with steps and copies that are
  /// `as_of` it. That ends with the next step that has `applied` or clears the shard, and when the store is closed.
  std::optional<std::uint64_t> copying;
  /// What is done to documents here is part of that. Where it has ended, by the log that went on, they would be set
  /// back: the call is refused with errc::moved, and nothing is done.
  std::optional<std::uint64_t> as_of;
  /// Updates of documents of this shard, as for store::commit(). A document that no shard has joins this one.
  std::vector<append> appends;
  std::vector<std::string_view> removals;  ///< documents that go; one that is not there is no error
  std::vector<client_mark> marks;          ///< each replaces the client's one before
  std::vector<std::uint64_t> forgotten_clients;
  std::optional<std::uint64_t> applied;  ///< the documents hold all entries up to this one
};

/// A shard of which there is anything.
struct stored_shard {
  std::uint32_t shard = 0;
  bytes note;  ///< empty: none was written
  std::uint64_t applied = 0;
  std::uint64_t first_lsn = 0;  ///< 0 while there are no entries, as is last_lsn
  std::uint64_t last_lsn = 0;
  std::uint64_t ahead = 0;  ///< documents may hold entries up to this one already; 0: up to `applied` only
};

}  // namespace octavo::storage
