// How the documents of a shard come to a replica that lags further behind than the owner's log goes, or that is new:
// what one node asks for and another one answers. Whoever lacks them asks, page by page:
//
//   open   the other one holds its documents as they are at this moment, and says where in the log that is
//   list   which documents there are, by name
//   fetch  parts of those that are wanted: all of a document, or only its edits behind those that are there already
//   close  the moment is let go; it is so too when nothing is asked for a while
//
// What has come stays, so that a transfer that is begun anew goes on where it was: then most of it is there already.
//
// Plain values; pure functions, usable from any thread. As in codec.hpp, what is refused is errc::malformed or
// errc::unknown_version.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "cluster/shard_types.hpp"
#include "cluster/shards.hpp"
#include "storage/result.hpp"
#include "storage/shard_copy.hpp"

namespace octavo::cluster {

/// Documents of one list, and wanted ones of one fetch.
inline constexpr std::size_t max_transfer_documents = 512;
/// Of the parts in one answer, but for a single large one.
inline constexpr std::size_t transfer_bytes = std::size_t{1} << 20U;
inline constexpr std::size_t max_transfer_parts = 65'536;

struct transfer_open {
  shard_number shard = 0;
};

struct transfer_list {
  std::string after;  ///< names that sort behind it; empty: from the first on
};

struct wanted_document {
  std::string name;
  std::uint64_t after_seq = 0;  ///< edits up to there are here; 0: the whole document is wanted
};

struct transfer_fetch {
  std::vector<wanted_document> wanted;
  storage::part_cursor cursor;  ///< in the first of them
};

struct transfer_close {};

struct transfer_request {
  std::uint64_t transfer = 0;  ///< random; one number for all requests of a transfer
  /// Do not reorder: the index is on the wire.
  std::variant<transfer_open, transfer_list, transfer_fetch, transfer_close> what;
};

struct transfer_opened {
  log_base base;            ///< the documents hold the log up to there,
  std::uint64_t ahead = 0;  ///< and some of them, perhaps, up to here, if that is more
};

struct transfer_listed {
  std::vector<storage::document_copy> documents;  ///< by name, in the order of bytes
  bool more = false;
};

struct fetched_part {
  std::uint64_t wanted = 0;  ///< of which document: its index in the request
  storage::document_part part;
};

struct transfer_fetched {
  std::vector<fetched_part> parts;
  std::uint64_t done = 0;       ///< so many of the wanted documents, from the first on, have all their parts now
  storage::part_cursor cursor;  ///< where the next one goes on
};

struct transfer_closed {};

/// Do not reorder: the index is on the wire.
using transfer_answer = std::variant<transfer_opened, transfer_listed, transfer_fetched, transfer_closed>;

bytes encode(const transfer_request& request);
result<transfer_request> decode_transfer_request(bytes_view data);
bytes encode(const transfer_answer& answer);
result<transfer_answer> decode_transfer_answer(bytes_view data);

/// What becomes of a replica's documents, so that they are as another one's.
struct copy_plan {
  std::vector<std::string> gone;
  std::vector<wanted_document> wanted;
  std::vector<storage::document_copy> copies;  ///< what they are over there, in the order of `wanted`
};
/// Of documents whose names are in the same range on both sides. `is_mixed`: ours cannot be told by their numbers, see
/// storage::store::is_mixed().
copy_plan plan_copies(const std::map<std::string, storage::document_info>& ours,
                      std::vector<storage::document_copy> theirs, bool is_mixed);

/// Where in its log a replica's documents stand: what is on its disk, read at one moment. errc::corrupt;
/// errc::unavailable: it is no replica (any more).
result<log_base> base_of(const storage::stored_shard& shard, const std::vector<storage::stored_entry>& entries);

}  // namespace octavo::cluster
