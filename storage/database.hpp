// Internal to storage/: RocksDB as the store uses it: its options, its column families, its errors as ours, and what
// its background threads report. The store owns one `database`; its functions may be called from any thread.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/status.h>
#include <spdlog/logger.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "storage/format.hpp"
#include "storage/result.hpp"

namespace octavo::storage {

/// The column families, in the order in which they are opened and were added. A store that was made before the last
/// ones gets them when it is opened for writing.
enum class family : std::uint8_t { base = 0, names, ids, log, snapshots, pieces, quarantine, versions, shards };
inline constexpr std::size_t family_count = 9;
/// The first that older stores may lack.
inline constexpr family first_later_family = family::versions;
/// Their names on disk; docs/format.md.
inline constexpr std::array<const char*, family_count> family_names = {
    "default", "names", "ids", "log", "snapshots", "pieces", "quarantine", "versions", "shards"};

/// What background work has run into; shared with RocksDB's threads.
struct background_state {
  std::atomic<std::uint64_t> errors{0};
  std::atomic<bool> is_full{false};     ///< stopped for want of space: Resume() once there is some
  std::atomic<bool> has_failed{false};  ///< stopped for good
  std::atomic<bool> has_met_damage{false};
};

class database {
 public:
  /// Opens or makes the database in `folder`. `env` may be null: the system's.
  static result<std::unique_ptr<database>> open(const std::filesystem::path& folder, const store_options& options,
                                                rocksdb::Env* env, std::shared_ptr<background_state> background);
  ~database();
  database(const database&) = delete;
  database& operator=(const database&) = delete;

  rocksdb::DB& db() { return *db_; }
  rocksdb::ColumnFamilyHandle* operator[](family which) const { return handles_[static_cast<std::size_t>(which)]; }
  /// False of a family that an older store has not got, while it is open for reading only; it reads as empty.
  bool has(family which) const { return (*this)[which] != nullptr; }
  /// The value of a key; errc::not_found, corrupt, io_error. With `scan` what is read is not kept in the cache.
  result<std::string> get(family which, std::string_view key, const rocksdb::Snapshot* at = nullptr,
                          bool scan = false) const;
  /// An iterator over [begin, end) of a column family, which keep the two keys alive themselves.
  struct range {
    std::string begin;
    std::string end;
    rocksdb::Slice lower;
    rocksdb::Slice upper;
    std::unique_ptr<rocksdb::Iterator> it;  ///< over nothing where the family is not there
  };
  std::unique_ptr<range> iterate(family which, std::string begin, std::string end,
                                 const rocksdb::Snapshot* at = nullptr, bool scan = false) const;
  /// Writes everything that is in memory to tables and waits for it.
  result<void> flush();
  std::uint64_t property(family which, const char* name) const;

 private:
  database() = default;
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, family_count> handles_{};
};

/// A moment of the database, for reads that take several steps.
class pinned {
 public:
  explicit pinned(database& db) : db_(db), snapshot_(db.db().GetSnapshot()) {}
  pinned(const pinned&) = delete;
  pinned& operator=(const pinned&) = delete;
  ~pinned() { db_.db().ReleaseSnapshot(snapshot_); }
  const rocksdb::Snapshot* get() const { return snapshot_; }

 private:
  database& db_;
  const rocksdb::Snapshot* snapshot_;
};

/// RocksDB's status as our error; `doing` completes "cannot …".
error to_error(const rocksdb::Status& status, const std::string& doing);

inline rocksdb::Slice to_slice(std::string_view text) {
  return {text.data(), text.size()};
}
inline std::string_view to_view(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

/// The logger "storage".
spdlog::logger& log();

}  // namespace octavo::storage
