// How the protocol's values become bytes, for the wire between nodes and for the disk.
//
// A value begins with a version byte and ends with the CRC-32C of all before it; every later version is to end so too,
// so that damage is told from another version. In between, numbers are LEB128 varints in their shortest form, what is
// random (members, nonces, clients) takes eight bytes, little-endian, and texts have their length before them: a value
// has one form only, and what decodes encodes to the same bytes again.
//
// Encoders write what they are given. Decoders trust nothing: they refuse what breaks a bound or a rule of the
// protocol, and allocate no more than a small multiple of what they are given, whatever lengths it claims. What they
// refuse is errc::malformed, with a sentence that names the field, or errc::unknown_version.
//
// Pure functions, usable from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "cluster/replica_messages.hpp"
#include "cluster/shard_types.hpp"
#include "crdt/bytes.hpp"
#include "storage/result.hpp"

namespace octavo::cluster {

/// The version byte that each encoded value begins with. Do not renumber.
inline constexpr std::uint8_t codec_version = 1;

/// No encoded value is longer: the largest update of a document, a full append message before it, and what goes with
/// them.
inline constexpr std::size_t max_frame_bytes = std::size_t{72} << 20U;
inline constexpr std::size_t max_members = 9;  ///< of a shard
inline constexpr std::size_t max_node_name_bytes = 64;
inline constexpr std::size_t max_entries_per_frame = 65'536;
/// Epochs, lsns, rounds and versions go no higher, so that one can be added to any of them.
inline constexpr std::uint64_t max_count = std::uint64_t{1} << 62U;

/// What one node sends another: a message and between whom it goes.
struct peer_frame {
  std::uint32_t shard = 0;
  member from;
  member_id to = 0;  ///< a disk that was lost meanwhile is not there to read it: another one has another id
  replica_message what;
};

bytes encode(const peer_frame& frame);
/// Beyond bounds it refuses: a member with the id 0; appended entries that do not follow `prev` one by one, whose
/// epochs fall, or are later than the claim's; members that are named twice, or not at all where an entry or a message
/// is about them.
result<peer_frame> decode_frame(bytes_view data);

/// `key` goes into the checksum but not into the bytes: a value that was moved under another key does not decode.
bytes encode(const log_entry& entry, bytes_view key = {});
result<log_entry> decode_entry(bytes_view data, bytes_view key = {});

/// As for entries.
bytes encode(const replica_note& note, bytes_view key = {});
result<replica_note> decode_note(bytes_view data, bytes_view key = {});

/// Do not renumber: they are on disk and on the wire.
enum class edit_kind : std::uint8_t {
  edit = 0,     ///< of a document
  removal = 1,  ///< of a document
};

/// What the data of an edit entry is.
struct edit_record {
  edit_kind kind = edit_kind::edit;
  std::string document;      ///< as storage::is_valid_name() allows
  std::uint64_t seq = 0;     ///< in the document
  std::int64_t time_ms = 0;  ///< since 1970
  std::string user;          ///< at most storage::max_user_bytes
  std::uint64_t client = 0;  ///< whose edit it is, and its number there: they tell a retry from a new one
  std::uint64_t number = 0;
  bytes_view update;  ///< lives as long as what it was decoded from; empty for a removal
};

/// It has neither version nor checksum: the entry around it has them.
bytes encode(const edit_record& record);
result<edit_record> decode_edit(bytes_view data);

}  // namespace octavo::cluster
