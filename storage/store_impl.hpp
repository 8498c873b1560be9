// Internal to storage/: the store itself behind store.hpp. One mutex orders all writes (RocksDB would order them
// anyway, and commit numbers need it); reads go to RocksDB without it. A maintenance thread syncs under
// sync_mode::interval, looks for room on a full disk and keeps `writable` current.
#pragma once

#include <rocksdb/write_batch.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "storage/commit_entry.hpp"
#include "storage/copy_progress.hpp"
#include "storage/database.hpp"
#include "storage/files.hpp"
#include "storage/shard_copy.hpp"
#include "storage/shard_log.hpp"
#include "storage/store.hpp"
#include "storage/wal_recovery.hpp"

namespace octavo::storage {

/// What tests put in the place of the system.
struct store_hooks {
  rocksdb::Env* env = nullptr;                        ///< null: the system's
  std::function<result<std::uint64_t>()> free_space;  ///< empty: the disk's
  read_at_function read_at;  ///< of write-ahead logs before RocksDB reads them; empty: pread(2)
};

/// store::open() with hooks.
result<std::unique_ptr<store>> open_store(const store_options& options, store_hooks hooks);

struct text_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

class store::impl {
 public:
  impl(const store_options& options, store_hooks hooks, folder_lock lock, format_file format);
  ~impl();
  static std::unique_ptr<store> make_store(std::unique_ptr<impl> made) {
    return std::unique_ptr<store>(new store(std::move(made)));
  }

  // Opening: store_open.cpp.
  result<void> start();

  // Writing: store_write.cpp, store_documents.cpp, store_versions.cpp, store_shards.cpp.
  result<void> commit(std::span<const append> appends);
  result<void> commit_shards(std::span<const shard_write> writes);
  result<void> put_snapshot(std::string_view name, std::uint64_t seq, bytes_view state, std::int64_t time_ms,
                            std::uint64_t wanted_id);
  result<void> put_version(std::string_view name, std::string_view label, std::uint64_t seq, bytes_view state,
                           std::int64_t time_ms, std::string_view user, std::uint64_t wanted_id);
  result<void> remove_version(std::string_view name, std::string_view label);
  result<void> quarantine_update(std::string_view name, std::int64_t time_ms, std::string_view user,
                                 std::string_view reason, bytes_view update, std::uint64_t wanted_id);
  result<void> set_quarantine_reason(std::string_view name, std::string_view reason, std::uint64_t wanted_id);
  result<void> remove(std::string_view name);

  // Copies of documents: store_copies.cpp.
  result<std::uint64_t> begin_copy(std::uint32_t shard, std::optional<std::uint64_t> as_of);
  result<void> add_to_copy(std::uint64_t copy, std::span<const document_part> parts);
  result<void> finish_copy(std::uint64_t copy, const document_copy& what);
  void drop_copy(std::uint64_t copy);
  result<bool> is_mixed(std::uint32_t shard) const;

  // Reading: store_read.cpp.
  result<std::optional<document_info>> find(std::string_view name, const rocksdb::Snapshot* at = nullptr) const;
  result<document_info> load(std::string_view name, const load_visitor& visitor) const;
  result<std::vector<record>> read_log(std::string_view name, std::uint64_t from_seq, std::size_t max_records,
                                       std::size_t max_bytes) const;
  result<document_info> load_range(std::string_view name, std::uint64_t from, std::uint64_t to,
                                   const load_visitor& visitor) const;            // store_versions.cpp
  result<std::vector<named_version>> list_versions(std::string_view name) const;  // store_versions.cpp
  result<std::vector<quarantined_update>> list_quarantine(std::string_view name) const;
  result<page> list(std::string_view prefix, std::string_view after, std::size_t limit) const;

  // Reading: store_shards.cpp, and shard_view.cpp.
  result<std::vector<stored_shard>> list_shards() const;
  result<std::vector<stored_entry>> read_shard(std::uint32_t shard, const rocksdb::Snapshot* at = nullptr) const;
  result<std::vector<client_mark>> read_marks(std::uint32_t shard) const;
  result<page> list_shard_documents(std::uint32_t shard, std::string_view after, std::size_t limit,
                                    const rocksdb::Snapshot* at = nullptr) const;
  result<std::unique_ptr<shard_view>> view_shard(std::uint32_t shard) const;

  // Care: store_check.cpp.
  result<check_report> check(const progress_callback& on_progress) const;
  result<store_stats> stats() const;
  void on_damage(std::function<void(const error&)> tell);
  void report_damage(const error& what) const;
  result<void> compact(const progress_callback& on_progress);

  bool writable() const { return writable_.load(std::memory_order_relaxed); }
  bool failed() const { return failed_.load(std::memory_order_relaxed) || background_->has_failed; }
  space_info space() const;
  bool has_room_for(std::uint64_t bytes) const { return writable() && fits(bytes); }
  const std::optional<recovery_report>& recovery() const { return recovery_; }

 private:
  friend class store_checker;

  struct snapshot_place {
    std::uint64_t seq = 0;
    std::int64_t time_ms = 0;
    bool is_readable = false;  ///< its header is; the time is known only then
  };
  struct log_extent {
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
  };
  struct shard_extent {
    std::uint64_t applied = 0;
    std::uint64_t ahead = 0;  ///< greater than `applied`, or 0
    std::uint64_t first = 0;  ///< lsn of the first entry; 0: there are none
    std::uint64_t last = 0;
    std::optional<std::uint64_t> copying;  ///< documents as of this lsn are on their way
    bool mixed = false;                    ///< see store::is_mixed()
    std::uint64_t end() const { return first == 0 ? applied : last; }
  };
  // A document as it will be after the steps that were planned so far.
  struct pending_document {
    std::string name;
    std::optional<document_info> info;  ///< nothing: there is none of that name
    bool is_changed = false;
    bool is_new = false;       ///< this commit makes it
    bool joins_shard = false;  ///< its shard's index does not hold it yet
  };
  // A commit of several steps, put together before anything is written. The steps look here for what those before them
  // do, and at the store for the rest; `puts` are what they put into the batch, in their order.
  struct planned_commit {
    explicit planned_commit(const store_state& state) : next(state) {}
    store_state next;
    std::deque<pending_document> documents;
    std::unordered_map<std::string_view, pending_document*> by_name;
    std::vector<touched> removed;
    std::map<std::uint32_t, shard_extent> shards;
    bool touches_shards = false;                ///< also where no extent changes
    std::vector<std::uint64_t> dropped_copies;  ///< that are under way no longer
    std::vector<std::function<void(rocksdb::WriteBatch&)>> puts;
  };
  struct copy_under_way {
    std::uint32_t shard = 0;
    std::optional<std::uint64_t> as_of;
    std::uint64_t commit = 0;  ///< the newest with parts of it
    copy_progress progress;
  };
  struct copy_key {
    std::uint32_t shard = 0;
    std::uint64_t copy = 0;
  };
  // A commit that the next ones still name, so that its loss can be told from them.
  struct window_commit {
    std::uint64_t commit = 0;
    std::size_t bytes = 0;
    std::vector<touched> items;
  };

  // store_open.cpp
  result<void> make_room_to_open(std::uint64_t needed);
  result<std::uint64_t> free_space() const;
  result<void> open_database();
  result<void> load_state();
  result<void> prepare_wal(std::uint64_t& newest);
  result<void> refuse_log(const wal_scan& scan, const std::string& what_now) const;
  result<void> may_recover(const std::filesystem::path& logs, const read_at_function& read_at) const;
  result<void> recover_wal(const wal_scan* found);
  result<std::string> set_logs_aside(const wal_scan& scan);
  result<void> apply_plan(const wal_scan& scan, const recovery_plan& plan);
  result<void> examine(const touched& item);
  result<void> quarantine_all();
  result<void> note_loss(const recovery_plan& plan);
  result<void> refuse_loss() const;
  result<void> finish_recovery(const std::filesystem::path& folder);
  std::string damage_reason() const;
  void maintain(const std::stop_token& stop);
  void keep_scrubbing(const std::stop_token& stop);
  void verify_table(const std::string& path) const;
  rocksdb::Status read_table(const std::string& path) const;
  bool is_live(const std::string& path) const;

  // store_write.cpp; all with write_mutex_ held.
  result<void> ready_to_write(std::uint64_t bytes);
  void refresh_space();
  void keep_reserve();
  std::uint64_t required_bytes() const;  // without the mutex, as fits()
  bool fits(std::uint64_t bytes) const;
  void refresh_writable();
  bool resume();
  rocksdb::Status prepare_for_full_disk();
  result<void> write(std::vector<touched> items, const store_state& next, bool durable,
                     const std::function<void(rocksdb::WriteBatch&)>& fill);
  commit_entry next_entry(std::vector<touched> items, bool synced) const;
  void remember(std::uint64_t commit, std::size_t bytes, std::vector<touched> items);
  error no_space_error() const;
  error too_large_error(std::uint64_t bytes) const;
  error failed_error() const;
  result<std::optional<document_info>> lookup(std::string_view name);
  void cache(const document_info& info);
  result<void> sync_interval();
  result<std::uint64_t> check_appends(std::span<const append> appends, std::size_t update_bytes_max) const;
  pending_document& add_pending(planned_commit& plan, std::string_view name, std::optional<document_info> info) const;
  result<pending_document*> pending(planned_commit& plan, std::string_view name);
  result<void> plan_append(planned_commit& plan, const append& item, std::optional<std::uint32_t> shard,
                           bool may_be_ahead = false);
  result<void> carry_out(planned_commit plan);

  // store_shards.cpp
  result<void> plan_shard(planned_commit& plan, const shard_write& step);
  result<void> plan_clear(planned_commit& plan, std::uint32_t shard, shard_extent& extent);
  result<void> plan_entries(planned_commit& plan, const shard_write& step, shard_extent& extent) const;
  void plan_ahead(planned_commit& plan, std::uint32_t shard, std::uint64_t ahead, shard_extent& extent) const;
  result<shard_extent> known_extent(std::uint32_t shard) const;
  static result<void> check_as_of(std::uint32_t shard, const shard_extent& extent, std::uint64_t as_of);
  result<shard_extent> extent_of(std::uint32_t shard, const rocksdb::Snapshot* at = nullptr) const;
  result<stored_shard> shard_at(std::uint32_t shard, const rocksdb::Snapshot* at) const;

  // store_copies.cpp; but for the first, with write_mutex_ held.
  void drop_unfinished_copies();
  result<std::vector<copy_key>> list_copies() const;
  result<void> remove_copy(std::uint32_t shard, std::uint64_t copy);
  void drop_copy_locked(std::uint64_t copy);
  void put_copy_key(rocksdb::WriteBatch& batch, std::uint32_t shard, std::uint64_t copy) const;
  void put_copy_removal(rocksdb::WriteBatch& batch, std::uint32_t shard, std::uint64_t copy) const;

  // store_documents.cpp
  result<std::vector<snapshot_place>> snapshots_of(std::uint64_t id, const rocksdb::Snapshot* at = nullptr) const;
  result<log_extent> measure_log(std::uint64_t id, std::uint64_t first, std::uint64_t last) const;
  void delete_numbered(rocksdb::WriteBatch& batch, family which, const std::string& prefix, std::uint64_t first,
                       std::uint64_t last) const;
  result<std::uint64_t> number_of(std::string_view name) const;
  result<void> delete_range(rocksdb::WriteBatch& batch, family which, std::string begin, std::string end) const;
  void put_info(rocksdb::WriteBatch& batch, const document_info& info, bool created) const;
  result<void> plan_removal(planned_commit& plan, std::string_view name, std::optional<std::uint32_t> shard);
  void put_removal(rocksdb::WriteBatch& batch, const document_info& info, bool is_readable) const;
  result<void> write_pieces(std::uint64_t id, std::uint64_t seq, bytes_view state);
  result<void> drop_pieces_of_removed(std::uint64_t id);

  // store_versions.cpp
  struct version_place {
    std::uint64_t n = 0;
    named_version version;
    snapshot_header state;
  };
  result<std::vector<version_place>> versions_of(const document_info& info,
                                                 const rocksdb::Snapshot* at = nullptr) const;
  struct base {
    std::uint64_t seq = 0;
    std::uint64_t n = 0;  ///< of the named version whose state it is; 0: a snapshot's
  };
  result<std::vector<base>> bases_of(const document_info& info, const rocksdb::Snapshot* at) const;
  result<std::optional<std::uint64_t>> load_base(const document_info& info, const std::vector<base>& candidates,
                                                 bytes& state, const rocksdb::Snapshot* at) const;
  result<void> may_be_named(const document_info& info, std::string_view label, std::uint64_t seq,
                            const std::vector<version_place>& versions) const;

  // store_read.cpp
  result<void> load_snapshot(std::uint64_t id, std::uint64_t seq, bytes& state, const rocksdb::Snapshot* at) const;
  result<void> load_pieces(std::uint64_t id, std::uint64_t place, const snapshot_header& header,
                           const std::string& what, bytes& state, const rocksdb::Snapshot* at) const;
  result<void> load_records(const document_info& info, std::uint64_t after, std::uint64_t last,
                            const load_visitor& visitor, const rocksdb::Snapshot* at) const;

  const store_options options_;
  const store_hooks hooks_;
  folder_lock lock_;
  const format_file format_;
  const std::string salt_;
  const std::filesystem::path folder_;  ///< the database's
  std::shared_ptr<background_state> background_ = std::make_shared<background_state>();
  std::unique_ptr<database> db_;
  std::optional<recovery_report> recovery_;
  std::string recovery_folder_;

  std::mutex snapshot_mutex_;  ///< taken before write_mutex_: one snapshot is written at a time
  mutable std::mutex write_mutex_;
  store_state state_;
  std::uint64_t next_commit_ = 1;     ///< differs from state_.commit + 1 after a failed write
  std::uint64_t synced_through_ = 0;  ///< commits up to this are on disk
  std::deque<window_commit> window_;
  std::size_t window_bytes_ = 0;
  std::unordered_map<std::string, document_info, text_hash, std::equal_to<>> cache_;
  std::unordered_map<std::uint32_t, shard_extent> extents_;   ///< of shards that were written to; as many as there are
  std::unordered_map<std::uint64_t, copy_under_way> copies_;  ///< at most max_copies
  bool has_space_ = true;
  std::atomic<std::uint64_t> reserve_missing_bytes_{0};  ///< the RESERVE file's size while it is not there
  bool reserve_unsupported_ = false;
  std::chrono::steady_clock::time_point space_checked_{};
  std::uint64_t bytes_since_check_ = 0;
  std::string failure_;

  std::atomic<std::uint64_t> free_bytes_{0};
  std::atomic<bool> writable_{false};
  std::atomic<bool> failed_{false};
  std::condition_variable_any wake_;
  std::mutex wake_mutex_;
  std::jthread maintenance_;

  mutable std::mutex damage_mutex_;
  std::function<void(const error&)> tell_damage_;
  mutable std::optional<error> damage_;  ///< the first that was found
  mutable std::atomic<std::uint64_t> damage_found_{0};
  std::atomic<std::uint64_t> scrubs_{0};
  std::condition_variable_any scrub_wake_;
  std::mutex scrub_mutex_;
  std::jthread scrubber_;
};

/// The next key after all keys that begin with this document's number.
inline std::string end_of_document(std::uint64_t id) {
  return id_key(id + 1);
}

/// Stands among the documents that a commit touched for whatever it wrote of shards; no document has this number.
inline constexpr std::uint64_t shards_touched = 0;

/// Whether a key of "shards" is that of a copy under way, which is nothing yet.
inline bool is_copy_key(std::string_view key) {
  const auto view = decode_shard_key(key);
  return view && view->part == shard_part::copy;
}

/// A name as it is written in messages: quoted, and control bytes escaped.
std::string quote_name(std::string_view name);

/// What is listed for a name: its metadata, or that it is damaged.
document_info info_or_damage(std::string_view name, std::string_view value);

/// The error for a name that no document has.
inline tl::unexpected<error> no_document(std::string_view name) {
  return fail(errc::not_found, "there is no document " + quote_name(name));
}

/// Whether a document is another one than the caller means, which took the name.
inline bool is_another(const document_info& info, std::uint64_t wanted_id) {
  return wanted_id != any_document && wanted_id != info.id;
}

}  // namespace octavo::storage
