// The durable store of one node: for each document a log of updates with gap-free sequence numbers, snapshots of the
// state, metadata, and the updates that had to be set aside. It is the only code that knows RocksDB, and no type of it
// shows here. docs/format.md describes every byte on disk.
//
// Ownership: one `store` owns its folder; a second one on the same folder, in this process or another, is refused with
// errc::locked. Names, users and byte views that are passed in are only looked at during the call.
// Threads: every member function may be called from any thread at any time. Writes (commit, put_snapshot, remove,
// quarantine…) queue behind one mutex and block for the disk; reads never wait for writes. Closing (the destructor)
// waits for background work; no other call may be running then.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/bytes.hpp"
#include "storage/result.hpp"

namespace octavo::storage {

/// A document's name is any non-empty valid UTF-8 up to this many bytes; it may hold NUL.
inline constexpr std::size_t max_name_bytes = 512;
/// The user that stands beside an update, in bytes.
inline constexpr std::size_t max_user_bytes = 512;
/// The reason that stands beside a quarantined update or document; longer ones are cut, at a character's boundary.
inline constexpr std::size_t max_reason_bytes = 2048;
/// At most this many quarantined updates are kept for each document; at the bound the oldest goes.
inline constexpr std::size_t max_quarantined_updates = 64;
/// At most this many bytes of quarantined updates are kept for each document; at the bound the oldest go. A larger
/// update is refused.
inline constexpr std::size_t max_quarantined_bytes = 8U << 20U;
/// At most this many snapshots of a document are kept while its retention asks for its history; then the one whose
/// neighbours are closest in time goes.
inline constexpr std::size_t max_kept_snapshots = 8;
/// At most this many versions of a document have names; another one is refused.
inline constexpr std::size_t max_named_versions = 64;
/// A version's label is any non-empty valid UTF-8 up to this many bytes.
inline constexpr std::size_t max_label_bytes = 256;
/// A snapshot larger than this is refused, and the state of a named version.
inline constexpr std::size_t max_snapshot_bytes = std::size_t{1} << 30U;

/// When a commit reaches the disk, and so what a power cut may take. A killed process loses nothing in any mode.
enum class sync_mode : unsigned char {
  always,    ///< before commit() returns: nothing that was acknowledged is lost
  interval,  ///< every `interval_ms`: a power cut may take the last interval_ms (and the time of one sync)
  os,        ///< when the kernel likes (typically within 30 s): a power cut may take that much
};

struct store_options {
  std::filesystem::path path;     ///< the store's folder
  bool create_if_missing = true;  ///< otherwise a missing store is errc::not_found
  bool read_only = false;         ///< nothing is written; a store that needs recovery is refused with errc::corrupt
  /// A store whose write-ahead log has lost commits that were durable, or may have, is refused with errc::corrupt and
  /// left as it was: a replica is rebuilt from the others instead. See set_store_aside(). What a crash or a power cut
  /// leaves is no loss.
  bool refuse_damage = false;
  sync_mode sync = sync_mode::always;
  std::chrono::milliseconds interval_ms{100};  ///< for sync_mode::interval
  /// Below this much free space on the disk the store refuses writes, so that RocksDB keeps room to work in.
  std::uint64_t min_free_bytes = std::uint64_t{64} << 20U;
  /// The size of the RESERVE file, which gives way where the store is opened on a disk that others filled to the last
  /// byte, and is made again once there is room beyond min_free_bytes; until then writes are refused. To be of use it
  /// is larger than max_wal_bytes, as opening writes the log's contents to tables. 0: none.
  std::uint64_t reserve_bytes = std::uint64_t{40} << 20U;
  /// How long the log (and the snapshot it starts from) is kept once a newer snapshot covers it; 0 drops it at once.
  std::chrono::milliseconds retention_ms{0};
  /// How often all tables are read to see whether they are still as they were written; 0: never. It takes a tenth of
  /// the time, so that clients get the disk, and the first time comes soon.
  std::chrono::milliseconds scrub_interval_ms{0};
  std::size_t max_update_bytes = std::size_t{64} << 20U;  ///< a larger update is errc::limit_exceeded
  std::size_t block_cache_bytes = std::size_t{16} << 20U;
  std::size_t write_buffer_bytes = std::size_t{16} << 20U;  ///< of all column families together
  std::size_t max_wal_bytes = std::size_t{32} << 20U;       ///< bounds what recovery has to read
  int background_threads = 2;
  int max_open_files = 512;
};

/// Stands for "whichever document has the name now". Those who work on what they have read pass the number of what they
/// read instead (document_info::id): where the document was removed since, also where another one took its name, the
/// call is refused with errc::not_found and changes nothing.
inline constexpr std::uint64_t any_document = 0;

/// One update to be written.
struct append {
  std::string_view document;
  std::uint64_t seq = 0;  ///< the document's last seq + 1; a new document begins with 1
  std::int64_t time_ms = 0;
  std::string_view user;
  bytes_view update;
};

/// One update as it was written.
struct record {
  std::uint64_t seq = 0;
  std::int64_t time_ms = 0;
  std::string user;
  bytes update;
};

struct document_info {
  std::string name;
  std::uint64_t id = 0;            ///< the store's own number of it; a removed and recreated document gets a new one
  std::uint64_t last_seq = 0;      ///< of the newest durable update; 0: none
  std::uint64_t snapshot_seq = 0;  ///< the newest snapshot covers updates up to this; 0: none
  std::uint64_t first_seq = 1;     ///< the log is kept from here on
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
  std::uint64_t log_records = 0;  ///< updates after the newest snapshot
  std::uint64_t log_bytes = 0;    ///< bytes of those updates
  /// Why the document is set aside because it is damaged; empty: it is not.
  std::string quarantine_reason;
  std::optional<std::uint32_t> shard;  ///< whose replica alone writes to it; nothing: it is in no shard
  bool is_quarantined() const { return !quarantine_reason.empty(); }
};

/// What load() hands out, in order; an error that a function returns ends the load and is returned by it. The views
/// live during the call only.
struct load_visitor {
  /// Once and before all others: the metadata as it is when the load begins.
  std::function<result<void>(const document_info& info)> on_info;
  /// At most once and before all updates. A document without a snapshot has none.
  std::function<result<void>(std::uint64_t seq, bytes_view state)> on_snapshot;
  std::function<result<void>(std::uint64_t seq, std::int64_t time_ms, std::string_view user, bytes_view update)>
      on_record;
};

struct loaded {
  document_info info;
  std::uint64_t snapshot_seq = 0;  ///< of the snapshot below, which is an older one when the newest is damaged
  std::optional<bytes> snapshot;
  std::vector<record> records;
};

struct quarantined_update {
  std::uint64_t number = 0;
  std::int64_t time_ms = 0;
  std::string user;
  std::string reason;
  bytes update;
};

/// A version that somebody gave a name to.
struct named_version {
  std::string label;
  std::uint64_t seq = 0;     ///< the document as it was after this update
  std::int64_t time_ms = 0;  ///< when it was named
  std::string user;          ///< who named it
  std::uint64_t state_bytes = 0;
};

struct page {
  std::vector<document_info> documents;
  bool more = false;  ///< list again with `after` = the last name
};

struct space_info {
  bool writable = false;
  std::uint64_t free_bytes = 0;
  std::uint64_t min_free_bytes = 0;
};

struct store_stats {
  std::string store_id;  ///< 32 hexadecimal digits, random, made with the store
  std::uint32_t format_version = 0;
  std::uint64_t documents = 0;
  std::uint64_t commits = 0;  ///< since the store was made
  std::uint64_t log_records_estimate = 0;
  std::uint64_t disk_bytes = 0;  ///< of tables and write-ahead logs
  std::uint64_t wal_bytes = 0;
  std::uint64_t memory_bytes = 0;       ///< RocksDB's write buffers, block cache and table readers
  std::uint64_t background_errors = 0;  ///< since this process opened it
  std::uint64_t scrubs = 0;             ///< likewise: how often all tables were read
  std::uint64_t damage_found = 0;       ///< and how often a table, or a document, was found to be damaged
  space_info space;
};

struct check_problem {
  std::string document;  ///< empty: the store itself
  std::string message;
};

struct check_report {
  std::uint64_t documents = 0;
  std::uint64_t records = 0;
  std::uint64_t snapshots = 0;
  std::uint64_t versions = 0;
  std::uint64_t quarantined_documents = 0;
  std::uint64_t quarantined_updates = 0;
  std::uint64_t shards = 0;
  std::uint64_t shard_entries = 0;
  std::uint64_t bytes = 0;
  std::vector<check_problem> problems;  ///< at most max_check_problems of them
  std::uint64_t problem_count = 0;
  bool completed = false;  ///< false when the progress callback ended it
};
inline constexpr std::size_t max_check_problems = 1000;

/// How far long work is; `total` may be an estimate. Returning false ends the work early, with no harm.
struct progress {
  std::string_view phase;
  std::uint64_t done = 0;
  std::uint64_t total = 0;
};
using progress_callback = std::function<bool(const progress&)>;

/// What open() had to do about a damaged write-ahead log.
struct recovery_report {
  std::filesystem::path folder;         ///< where the original log files are kept
  std::vector<std::string> places;      ///< "file, offset, what", one for each damage
  std::vector<std::string> documents;   ///< the names that were quarantined
  std::vector<std::uint64_t> nameless;  ///< numbers of documents whose very name was lost
  bool everything = false;              ///< all documents were quarantined, as it could not be told which were hit
  std::uint64_t lost_commits = 0;       ///< commits that were durable and could not be read
  std::uint64_t dropped_commits = 0;    ///< commits dropped because an earlier, never synced one is missing
};

// Steps and contents of shards: storage/shard_log.hpp.
struct shard_write;
struct stored_shard;
struct stored_entry;
struct client_mark;
// A shard at one moment, and copies of documents: storage/shard_copy.hpp.
class shard_view;
struct document_part;
struct document_copy;

class store {
 public:
  /// Opens or makes the store. errc::not_found, locked, unknown_version, corrupt, no_space, io_error,
  /// invalid_argument. A damaged write-ahead log is set aside and what is readable of it is kept (see recovery()),
  /// unless `refuse_damage` is set.
  static result<std::unique_ptr<store>> open(const store_options& options);
  ~store();
  store(const store&) = delete;
  store& operator=(const store&) = delete;

  /// Writes all appends of all documents in one batch: all or nothing, and durable when it returns under
  /// sync_mode::always. A document comes into being with its first append.
  /// errc::internal: a seq is not its document's last + 1, or the document is a shard's. errc::quarantined: a document
  /// is set aside.
  /// errc::invalid_argument, limit_exceeded: a name, user or update is not acceptable, or this write alone is too large
  /// for the room that is left above min_free_bytes. In all of these nothing was written, the store goes on (and stays
  /// writable()), and the writer can find the culprit by committing each document alone.
  /// errc::no_space: nothing was acknowledged and nothing was applied; the store recovers once there is room. Should
  /// the process end before that, the updates may yet be there: load() tells the true last seq.
  /// errc::io_error: the write or its sync failed; whether the updates are on disk is unknown, and every further write
  /// fails: the caller ends the process.
  result<void> commit(std::span<const append> appends);

  /// The metadata of one document, or nothing if there is none of that name.
  result<std::optional<document_info>> find(std::string_view name) const;

  /// Hands out the newest snapshot that can be read and then every update after it, in order, up to the last one.
  /// errc::not_found, or errc::corrupt with the place when a checksum or the sequence is broken. Works on quarantined
  /// documents too, as far as they can be read. Returns the metadata as it was when the load began.
  result<document_info> load(std::string_view name, const load_visitor& visitor) const;
  /// The same with everything in memory.
  result<loaded> load(std::string_view name) const;

  /// Hands out what is needed to build every version from `from` to `to`: a state at `from` or before, and the updates
  /// after it up to `to`. Where the log of a part of that time is gone, the state behind the gap is handed out as a
  /// further snapshot, so that `from` and whatever is behind the gap can be built, and what the updates did in between
  /// is known as a whole. `from` is at least 0, at most `to`; `to` is at most the last seq.
  /// errc::not_found: there is no such document or no such update yet, or nothing of `from` or `to` is kept any more.
  /// errc::corrupt, as load().
  result<document_info> load_range(std::string_view name, std::uint64_t from, std::uint64_t to,
                                   const load_visitor& visitor) const;
  /// The same for one version.
  result<document_info> load_at(std::string_view name, std::uint64_t seq, const load_visitor& visitor) const {
    return load_range(name, seq, seq, visitor);
  }

  /// Updates from `from_seq` on that the log still holds, at most `max_records` and about `max_bytes` (at least one).
  /// errc::not_found, corrupt.
  result<std::vector<record>> read_log(std::string_view name, std::uint64_t from_seq, std::size_t max_records,
                                       std::size_t max_bytes) const;

  /// Stores the state as it is after update `seq` (at most the last one), then drops the log and the older snapshots
  /// that the retention allows. `time_ms` is now. Durable when it returns under sync_mode::always. A snapshot that is
  /// not newer than the newest is ignored. Errors as for commit(), and errc::not_found.
  result<void> put_snapshot(std::string_view name, std::uint64_t seq, bytes_view state, std::int64_t time_ms,
                            std::uint64_t id = any_document);

  /// Gives a version a name and keeps its state, which the caller has built, until the name is removed, whatever the
  /// retention. `seq` is at most the last one; 0 is the empty document. Durable when it returns under
  /// sync_mode::always. errc::not_found; errc::already_exists: the document has a version of that label;
  /// errc::limit_exceeded: max_named_versions, or the state is too large; errc::invalid_argument: the label or the seq;
  /// and those of commit().
  result<void> put_version(std::string_view name, std::string_view label, std::uint64_t seq, bytes_view state,
                           std::int64_t time_ms, std::string_view user, std::uint64_t id = any_document);
  /// In the order of their seqs; those of one seq as they were named. errc::not_found, corrupt.
  result<std::vector<named_version>> list_versions(std::string_view name) const;
  /// Drops a name and the state that it kept. errc::not_found: the document or the label.
  result<void> remove_version(std::string_view name, std::string_view label);

  /// Keeps an update that broke its document, for inspection; the document is made if there is none and `id` is
  /// any_document.
  result<void> quarantine_update(std::string_view name, std::int64_t time_ms, std::string_view user,
                                 std::string_view reason, bytes_view update, std::uint64_t id = any_document);
  /// Oldest first. errc::not_found, corrupt.
  result<std::vector<quarantined_update>> list_quarantine(std::string_view name) const;
  /// Sets a document aside because it is damaged: commits to it are refused from then on. One that is set aside already
  /// keeps its first reason. errc::not_found.
  result<void> set_quarantined(std::string_view name, std::string_view reason, std::uint64_t id = any_document);
  result<void> clear_quarantined(std::string_view name);

  /// Does the steps of replicas, in order, in one batch: all or nothing, and durable when it returns under
  /// sync_mode::always. Errors as for commit(), but that neither the size of an update nor a document's being set aside
  /// keeps a replica from what the others have; errc::internal also where a step cannot follow what is there.
  result<void> commit_shards(std::span<const shard_write> writes);
  /// All shards of which there is anything, by number. errc::corrupt.
  result<std::vector<stored_shard>> list_shards() const;
  /// All entries of a shard, in order. errc::corrupt: one is missing or does not match its checksum.
  result<std::vector<stored_entry>> read_shard(std::uint32_t shard) const;
  /// In the order of their lsns. errc::corrupt.
  result<std::vector<client_mark>> read_marks(std::uint32_t shard) const;
  /// Documents of a shard whose names sort (by bytes) behind `after`, at most `limit` of them. errc::corrupt: one that
  /// the shard should have is not there.
  result<page> list_shard_documents(std::uint32_t shard, std::string_view after, std::size_t limit) const;

  /// A shard as it is now. errc::not_found: there is nothing of it here. errc::corrupt.
  result<std::unique_ptr<shard_view>> view_shard(std::uint32_t shard) const;

  /// Begins a copy of a document of the shard, which nobody sees before it is finished. Returns its number. One that is
  /// not finished when the store is closed is dropped when it is opened for writing, and one of a shard that is
  /// cleared with it. The document is copied as another replica has it at the lsn `as_of`: see finish_copy().
  /// errc::limit_exceeded: max_copies; and those of commit().
  result<std::uint64_t> begin_copy(std::uint32_t shard, std::optional<std::uint64_t> as_of = {});
  /// Adds parts, in the order in which shard_view::read() gives them. Not durable before finish_copy().
  /// errc::not_found: no such copy; errc::invalid_argument: out of order, or what a document cannot have; and those of
  /// commit(). Nothing is added then, and the copy can go on.
  result<void> add_to_copy(std::uint64_t copy, std::span<const document_part> parts);
  /// The copy becomes the document of that name of the shard, in the place of one that is there, which goes in the same
  /// commit. Durable when it returns under sync_mode::always.
  /// errc::not_found: no such copy; errc::invalid_argument: the parts do not make the document that `what` says; the
  /// copy is dropped then. errc::moved: see shard_write::as_of; errc::internal: another shard has the document; and
  /// those of commit(): the copy stays.
  result<void> finish_copy(std::uint64_t copy, const document_copy& what);
  /// Whether the log has gone on while documents of the shard were ahead of it: what they hold cannot be told by their
  /// numbers then, until `applied` reaches `ahead`. True where nobody knows any more. errc::corrupt.
  result<bool> is_mixed(std::uint32_t shard) const;
  /// One that is not there is no error.
  void drop_copy(std::uint64_t copy);

  /// Documents whose names begin with `prefix` and sort (by bytes) behind `after`, at most `limit` of them.
  result<page> list(std::string_view prefix, std::string_view after, std::size_t limit) const;

  /// Drops everything of a document, also of one whose metadata cannot be read. errc::not_found.
  result<void> remove(std::string_view name);

  /// False while the disk is (nearly) full or the store has failed. One atomic load.
  bool writable() const;
  /// True once a write or sync failed for another reason than space: no write will succeed again.
  bool failed() const;
  space_info space() const;
  /// Whether a write of this many bytes would find room as things are, by the same figures as the write itself: false
  /// where it would be refused with errc::no_space or limit_exceeded. The free space is as it was last asked for, which
  /// is no longer ago than the last write or 250 ms. A few atomic loads.
  bool has_room_for(std::uint64_t bytes) const;

  /// What open() found and did about a damaged log, if anything.
  const std::optional<recovery_report>& recovery() const;

  /// Reads and verifies everything: every checksum, the sequence of every log, snapshots, the indexes, and RocksDB's
  /// own files. Problems are in the report; an error means that the check itself could not be done. Writers wait until
  /// it is done.
  result<check_report> check(const progress_callback& on_progress = {}) const;
  result<store_stats> stats() const;
  /// Who is told that what the disk gives is not what was written (errc::corrupt); what was found before is told at
  /// once. Called on any thread, under a lock: it must not come back here. Nothing: nobody.
  void on_damage(std::function<void(const error&)> tell);
  /// Somebody who has read of the store has found damage.
  void report_damage(const error& what) const;
  /// Rewrites the tables without what was dropped.
  result<void> compact(const progress_callback& on_progress = {});

  class impl;

 private:
  explicit store(std::unique_ptr<impl> impl);
  std::unique_ptr<impl> impl_;
};

/// Moves a store that will not open, as a whole, to a folder `set-aside-<UTC time>` inside of its own, so that open()
/// makes a new store with an id of its own at the path. Nothing is deleted; RESERVE stays where it is and serves on.
/// Where this is interrupted, another call goes on with the same folder, and until then the store does not open.
/// Returns that folder. errc::locked: it is open; errc::not_found: there is no store; errc::io_error, no_space.
result<std::filesystem::path> set_store_aside(const std::filesystem::path& path);
/// A folder in which a store of this path was set aside, and is whole; empty: there is none.
std::filesystem::path store_set_aside(const std::filesystem::path& path);
/// The folder in which setting the store aside was interrupted, with what has gone there; empty: there is none.
std::filesystem::path store_half_aside(const std::filesystem::path& path);

/// A line that whoever uses a store leaves in its folder, such as what it is a part of; set_store_aside() takes it
/// along with all else. It is there whole or as it was before, also after a power cut. `name` is none of the store's
/// own. errc::io_error, no_space.
result<void> write_beside_store(const std::filesystem::path& path, const std::string& name, std::string_view line);
/// Empty: there is none, or it cannot be read.
std::string read_beside_store(const std::filesystem::path& path, const std::string& name);

/// Whether a version may have this label: non-empty valid UTF-8, at most max_label_bytes.
bool is_valid_label(std::string_view label);
/// Whether a document may have this name: non-empty valid UTF-8, at most max_name_bytes.
bool is_valid_name(std::string_view name);

}  // namespace octavo::storage
