// Copies of a shard's documents, from one replica to another that lacks so much that its log cannot lead it on: a view
// of the shard as it is at one moment, which hands its documents out in parts, and the values that the other store puts
// together again (store::begin_copy(), add_to_copy(), finish_copy()). States are handed on in pieces as they lie on the
// disk, so that neither side ever holds one as a whole.
//
// Plain values, and one class, which is used by one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/shard_log.hpp"
#include "storage/store.hpp"

namespace octavo::storage {

/// At most this many copies of documents are under way in a store; another one is refused with errc::limit_exceeded.
inline constexpr std::size_t max_copies = 64;

/// What a document consists of beside its metadata, in the order in which a copy carries it. Do not renumber: they are
/// on the wire.
enum class part_kind : std::uint8_t { snapshot = 1, record = 2, version = 3, quarantined = 4 };

/// A part of a document; of a state (snapshot, version) one piece: 1 MiB (snapshot_chunk_bytes), the last one what is
/// left. An empty state is one empty piece. All pieces of a state carry the same but for `offset` and `data`.
struct document_part {
  part_kind kind = part_kind::record;
  std::uint64_t seq = 0;  ///< record: its own; snapshot, version: of the state; quarantined: its number
  std::int64_t time_ms = 0;
  std::string user;               ///< record, version, quarantined
  std::string text;               ///< version: the label; quarantined: the reason
  std::uint64_t state_bytes = 0;  ///< snapshot, version: of the whole state
  std::uint64_t offset = 0;       ///< snapshot, version: where `data` begins in it
  bytes data;
  bool operator==(const document_part&) const = default;
};

/// A document's metadata as a copy carries it. What the store can count itself (records since the snapshot…) is not in
/// it.
struct document_copy {
  std::string name;
  std::uint64_t last_seq = 0;
  std::uint64_t first_seq = 1;
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
  std::string quarantine_reason;
};

/// Where reading goes on. A default one is the beginning. Only the view's own are of use; any other is refused, or
/// gives other parts than one wants, and does no harm.
struct part_cursor {
  part_kind kind = part_kind::snapshot;
  std::uint64_t seq = 0;     ///< of a version its number in the store
  std::uint64_t offset = 0;  ///< in a state
  std::uint32_t crc = 0;     ///< CRC-32C of the state up to there
  bool operator==(const part_cursor&) const = default;
};

struct part_page {
  std::vector<document_part> parts;
  std::optional<part_cursor> next;  ///< nothing: that was all
};

/// A shard as it was when this was made (store::view_shard()), whatever is written since. The store keeps what was
/// dropped since as long as this is there. Ends before the store does. One thread at a time.
class shard_view {
 public:
  class impl;
  explicit shard_view(std::unique_ptr<impl> made);
  shard_view(const shard_view&) = delete;
  shard_view& operator=(const shard_view&) = delete;
  ~shard_view();

  const stored_shard& shard() const;
  /// As store::read_shard().
  result<std::vector<stored_entry>> entries() const;
  /// As store::list_shard_documents().
  result<page> list(std::string_view after, std::size_t limit) const;
  /// Parts of a document from `cursor` on, about max_bytes of them (at least one). `after_seq` 0: all there is of it.
  /// Otherwise only the records behind after_seq, of which there may be none.
  /// errc::not_found: no such document in this shard then, or the log no longer goes back to after_seq + 1.
  /// errc::invalid_argument: the cursor is none of this document. errc::corrupt: what was handed out of the state of
  /// which this is a piece is damaged too, perhaps.
  result<part_page> read(std::string_view name, std::uint64_t after_seq, part_cursor cursor,
                         std::size_t max_bytes) const;

 private:
  std::unique_ptr<impl> impl_;
};

}  // namespace octavo::storage
