// Internal to storage/: every key and value of the store as bytes, in the form that docs/format.md describes. Change
// nothing here without a new format version. Pure functions, usable from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/shard_log.hpp"
#include "storage/store.hpp"

namespace octavo::storage {

/// The version of everything on disk, written in the FORMAT file. A store of another version is refused.
inline constexpr std::uint32_t format_version = 1;
/// The version byte that each value begins with. Do not renumber.
inline constexpr std::uint8_t value_version = 1;
/// A snapshot is stored in pieces of this size, so that no block of a table gets much larger.
inline constexpr std::size_t snapshot_chunk_bytes = std::size_t{1} << 20U;

/// Keys of the column family "default".
inline constexpr std::string_view state_key = "state";
inline constexpr std::string_view store_id_key = "id";
inline constexpr std::string_view loss_key = "loss";

std::string id_key(std::uint64_t id);                           ///< "ids": the document's number
std::string log_key(std::uint64_t id, std::uint64_t seq);       ///< "log"
std::string quarantine_key(std::uint64_t id, std::uint64_t n);  ///< "quarantine"
std::string snapshot_key(std::uint64_t id, std::uint64_t seq);  ///< "snapshots": the header
/// "pieces": of the snapshot's state, numbered from 0. They are kept apart from the headers, so that a damaged block of
/// a table does not hide the other snapshots.
std::string piece_key(std::uint64_t id, std::uint64_t seq, std::uint32_t piece);

/// "versions": a named version, numbered from 1 for each document.
std::string version_key(std::uint64_t id, std::uint64_t n);
/// "pieces": of a named version's state. They lie behind those of all snapshots, where no retention reaches.
inline constexpr std::uint64_t version_pieces = std::uint64_t{1} << 63U;
inline std::string version_piece_key(std::uint64_t id, std::uint64_t n, std::uint32_t piece) {
  return piece_key(id, version_pieces | n, piece);
}

/// "shards": what is kept of a shard, as the byte behind its number in the key. Do not renumber.
enum class shard_part : std::uint8_t { note = 1, applied = 2, mark = 3, entry = 4, document = 5, copy = 6, ahead = 7 };
std::string shard_key(std::uint32_t shard, shard_part part);
std::string shard_mark_key(std::uint32_t shard, std::uint64_t client);
std::string shard_entry_key(std::uint32_t shard, std::uint64_t lsn);
std::string shard_document_key(std::uint32_t shard, std::string_view name);
std::string shard_copy_key(std::uint32_t shard, std::uint64_t copy);
/// Behind all keys of a part, and of a shard.
std::string end_of_part(std::uint32_t shard, shard_part part);
std::string end_of_shard(std::uint32_t shard);
/// A key of "shards" taken apart; `rest` is a view into it.
struct shard_key_view {
  std::uint32_t shard = 0;
  shard_part part = shard_part::note;
  std::string_view rest;
};
std::optional<shard_key_view> decode_shard_key(std::string_view key);

/// What the store as a whole knows; rewritten by each commit.
struct store_state {
  std::uint64_t commit = 0;     ///< the number of the newest commit
  std::uint64_t next_id = 1;    ///< the number that the next new document gets
  std::uint64_t documents = 0;  ///< how many there are
};
std::string encode_state(const store_state& state);
std::optional<store_state> decode_state(std::string_view value);

std::string encode_info(const document_info& info);
std::optional<document_info> decode_info(std::string_view name, std::string_view value);

std::string encode_name(std::string_view key, std::string_view name);
std::optional<std::string_view> decode_name(std::string_view key, std::string_view value);

/// Bytes of which the store knows nothing more: a shard's note, an entry.
std::string encode_opaque(std::string_view key, bytes_view data);
std::optional<bytes_view> decode_opaque(std::string_view key, std::string_view value);

/// A number alone.
std::string encode_number(std::string_view key, std::uint64_t number);
std::optional<std::uint64_t> decode_number(std::string_view key, std::string_view value);

/// The key must be one of shard_mark_key().
std::string encode_mark(std::string_view key, const client_mark& mark);
std::optional<client_mark> decode_mark(std::string_view key, std::string_view value);

/// A record as views into the value it was decoded from.
struct record_view {
  std::uint64_t seq = 0;
  std::int64_t time_ms = 0;
  std::string_view user;
  bytes_view update;
};
std::string encode_record(std::string_view key, std::int64_t time_ms, std::string_view user, bytes_view update);
/// The key must be one of log_key().
std::optional<record_view> decode_record(std::string_view key, std::string_view value);

struct snapshot_header {
  std::int64_t time_ms = 0;
  std::uint64_t state_bytes = 0;
  std::uint32_t pieces = 0;
  std::uint32_t state_crc = 0;
};
std::string encode_snapshot_header(std::string_view key, const snapshot_header& header);
std::optional<snapshot_header> decode_snapshot_header(std::string_view key, std::string_view value);

/// Of a named version; the header of its state with it.
struct version_view {
  std::uint64_t seq = 0;
  snapshot_header state;  ///< its time is when the version was named
  std::string_view user;
  std::string_view label;
};
std::string encode_version(std::string_view key, const version_view& view);
std::optional<version_view> decode_version(std::string_view key, std::string_view value);

struct quarantine_view {
  std::int64_t time_ms = 0;
  std::string_view user;
  std::string_view reason;
  bytes_view update;
};
std::string encode_quarantine(std::string_view key, const quarantine_view& view);
std::optional<quarantine_view> decode_quarantine(std::string_view key, std::string_view value);

/// `text` cut to at most `limit` bytes, at a character's boundary.
std::string_view cut_utf8(std::string_view text, std::size_t limit);
bool is_valid_utf8(std::string_view text);

}  // namespace octavo::storage
