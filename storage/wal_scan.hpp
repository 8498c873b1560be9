// Internal to storage/: reads RocksDB's write-ahead log files before RocksDB does, and judges them. RocksDB's own
// recovery cannot be trusted with that: in every mode it takes a damaged length in the last block for a torn tail and a
// zeroed header for padding, and drops what follows without a word. This reader only knows the log's physical layout
// (blocks of 32 KiB, records of a 7-byte header and a payload) and our commit entries. It writes nothing and depends on
// nothing but files. Not thread-safe; used while a store opens.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "storage/commit_entry.hpp"
#include "storage/files.hpp"
#include "storage/result.hpp"

namespace octavo::storage {

/// A whole commit that was read.
struct scanned_commit {
  std::size_t file = 0;
  std::uint64_t offset = 0;
  commit_entry entry;
  std::string batch;  ///< RocksDB's serialized WriteBatch; only when asked for
};

/// A stretch of a log file that is no undamaged record, and cannot be explained as padding.
struct wal_damage {
  std::size_t file = 0;
  std::uint64_t offset = 0;
  std::uint64_t end = 0;
  std::string what;
  /// What an interrupted write leaves: the file ends early, or whole sectors of it were never written. It says nothing
  /// about whether commits follow it.
  bool looks_torn = false;
  /// Commit entries inside that are undamaged themselves, of batches all of whose bytes are there.
  std::vector<commit_entry> entries;
  /// Behind the last of these batches there are more bytes, and no interrupted write explains them.
  bool ends_unexplained = false;
};

enum class wal_state : std::uint8_t {
  clean,           ///< every byte is accounted for
  torn_tail,       ///< the last write was interrupted; RocksDB drops it by itself
  needs_recovery,  ///< anything else
};

struct wal_scan {
  std::vector<std::filesystem::path> files;  ///< in the order they were written
  std::vector<scanned_commit> commits;       ///< in the order of files and offsets
  std::vector<wal_damage> damages;
  wal_state state = wal_state::clean;
};

/// Reads all "*.log" files of a folder. With `keep` the commits' batches and lists of documents are kept, otherwise
/// dropped to save memory. `salt` is that of the store's commit entries. What the disk does not give is damage, also
/// where an UNREADABLE file in the folder says so of a copy. errc::io_error.
result<wal_scan> scan_wal(const std::filesystem::path& folder, std::string_view salt, bool keep,
                          const read_at_function& read_at = {});

/// The "*.log" files of a folder in the order in which they were written. errc::io_error.
result<std::vector<std::filesystem::path>> wal_files(const std::filesystem::path& folder);

/// Whether a commit entry inside shows that commits after `newest`, the last one that can be read, were on disk before
/// the damage: then it is no interrupted write, however it looks.
bool proves_loss(const wal_damage& damage, std::uint64_t newest);

/// "000012.log, offset 345: checksum mismatch"
std::string describe(const wal_scan& scan, const wal_damage& damage);

}  // namespace octavo::storage
