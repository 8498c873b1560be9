#include "storage/database.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <vector>

namespace octavo::storage {

namespace {

constexpr std::size_t info_log_bytes_max = std::size_t{1} << 20U;
constexpr std::size_t info_log_files_max = 3;
constexpr std::size_t manifest_bytes_max = std::size_t{4} << 20U;
// Compaction that cannot go on (a damaged table, for one) must not stop writers until there are very many tables.
constexpr int level0_slowdown_files = 200;
constexpr int level0_stop_files = 1000;

const char* describe(rocksdb::BackgroundErrorReason reason) {
  switch (reason) {
    case rocksdb::BackgroundErrorReason::kFlush:
      return "flush";
    case rocksdb::BackgroundErrorReason::kCompaction:
      return "compaction";
    case rocksdb::BackgroundErrorReason::kWriteCallback:
      return "write";
    case rocksdb::BackgroundErrorReason::kMemTable:
      return "memtable";
    default:
      return "background work";
  }
}

class listener : public rocksdb::EventListener {
 public:
  explicit listener(std::shared_ptr<background_state> state) : state_(std::move(state)) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* status) override {
    if (status->IsShutdownInProgress()) return;  // the store is being closed
    ++state_->errors;
    if (reason == rocksdb::BackgroundErrorReason::kCompaction) {
      // A compaction that fails leaves the tables as they were. Were this error to stand, one damaged block of one
      // document would stop the writes of all others.
      log().error("a compaction failed and will be tried again: {}", status->ToString());
      if (status->IsCorruption()) state_->has_met_damage = true;
      *status = rocksdb::Status::OK();
      return;
    }
    if (status->IsNoSpace()) {
      state_->is_full = true;
      log().error("the disk is full ({}): {}", describe(reason), status->ToString());
    } else {
      state_->has_failed = true;
      log().critical("{} failed, nothing more will be written: {}", describe(reason), status->ToString());
    }
  }

  // The store decides itself when there is room again.
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  std::shared_ptr<background_state> state_;
};

rocksdb::DBOptions database_options(const store_options& options, rocksdb::Env* env,
                                    std::shared_ptr<background_state> background) {
  rocksdb::DBOptions db;
  if (env != nullptr) db.env = env;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.paranoid_checks = true;
  // wal_scan.cpp has read the log before RocksDB does; what RocksDB gets to see is whole up to at most a torn tail.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  db.recycle_log_file_num = 0;
  db.wal_compression = rocksdb::kNoCompression;
  db.avoid_flush_during_recovery = false;
  // All that is in memory is in the log or in tables already: closing, on a full disk for one, needs no flush.
  db.avoid_flush_during_shutdown = true;
  // The tables then always hold a prefix of the commits, over all column families.
  db.atomic_flush = true;
  db.max_total_wal_size = options.max_wal_bytes;
  db.db_write_buffer_size = options.write_buffer_bytes;
  db.max_background_jobs = std::max(2, options.background_threads);
  db.max_open_files = options.max_open_files;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  db.max_log_file_size = info_log_bytes_max;
  db.keep_log_file_num = info_log_files_max;
  db.max_manifest_file_size = manifest_bytes_max;
  db.bytes_per_sync = std::size_t{1} << 20U;
  db.listeners.push_back(std::make_shared<listener>(std::move(background)));
  return db;
}

std::vector<rocksdb::ColumnFamilyDescriptor> families(const store_options& options) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.block_size = std::size_t{16} << 10U;
  table.format_version = 5;
  table.verify_compression = true;

  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  family.write_buffer_size = options.write_buffer_bytes;
  family.max_write_buffer_number = 3;
  family.target_file_size_base = std::uint64_t{16} << 20U;
  family.max_bytes_for_level_base = std::uint64_t{64} << 20U;
  family.level_compaction_dynamic_level_bytes = true;
  family.level0_slowdown_writes_trigger = level0_slowdown_files;
  family.level0_stop_writes_trigger = level0_stop_files;
  family.soft_pending_compaction_bytes_limit = 0;
  family.hard_pending_compaction_bytes_limit = 0;
  family.paranoid_file_checks = false;
  const auto supported = rocksdb::GetSupportedCompressions();
  const auto has = [&](rocksdb::CompressionType type) {
    return std::find(supported.begin(), supported.end(), type) != supported.end();
  };
  family.compression = has(rocksdb::kLZ4Compression) ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  if (has(rocksdb::kZSTD)) family.bottommost_compression = rocksdb::kZSTD;

  std::vector<rocksdb::ColumnFamilyDescriptor> all;
  all.reserve(std::size(family_names));
  for (const auto* name : family_names) all.emplace_back(name, family);
  return all;
}

// Writing makes a family that is missing. Reading may not, and does without the later ones.
void drop_missing(std::vector<rocksdb::ColumnFamilyDescriptor>& wanted, const rocksdb::DBOptions& settings,
                  const std::filesystem::path& folder) {
  std::vector<std::string> names;
  const auto listed = rocksdb::DB::ListColumnFamilies(settings, folder.string(), &names);
  if (!listed.ok()) return;  // opening will say why
  const auto first = wanted.begin() + static_cast<std::ptrdiff_t>(first_later_family);
  wanted.erase(
      std::remove_if(first, wanted.end(),
                     [&](const auto& one) { return std::find(names.begin(), names.end(), one.name) == names.end(); }),
      wanted.end());
}

}  // namespace

spdlog::logger& log() {
  static const auto logger = [] {
    if (auto existing = spdlog::get("storage")) return existing;
    return spdlog::default_logger()->clone("storage");
  }();
  return *logger;
}

error to_error(const rocksdb::Status& status, const std::string& doing) {
  errc code = errc::io_error;
  if (status.IsNoSpace()) code = errc::no_space;
  if (status.IsCorruption()) code = errc::corrupt;
  if (status.IsNotFound()) code = errc::not_found;
  if (status.IsInvalidArgument() || status.IsNotSupported()) code = errc::internal;
  return {code, "cannot " + doing + ": " + status.ToString()};
}

result<std::unique_ptr<database>> database::open(const std::filesystem::path& folder, const store_options& options,
                                                 rocksdb::Env* env, std::shared_ptr<background_state> background) {
  const auto settings = database_options(options, env, std::move(background));
  std::unique_ptr<database> opened(new database);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  auto wanted = families(options);
  if (options.read_only) drop_missing(wanted, settings, folder);
  const auto status = options.read_only ? rocksdb::DB::OpenForReadOnly(settings, folder.string(), wanted, &handles, &db)
                                        : rocksdb::DB::Open(settings, folder.string(), wanted, &handles, &db);
  if (!status.ok()) return tl::unexpected(to_error(status, "open the database in " + folder.string()));
  opened->db_.reset(db);
  for (std::size_t i = 0; i < handles.size(); ++i) {
    const auto name = std::find(family_names.begin(), family_names.end(), wanted[i].name);
    opened->handles_[static_cast<std::size_t>(name - family_names.begin())] = handles[i];
  }
  return opened;
}

database::~database() {
  if (!db_) return;
  for (auto* handle : handles_)
    if (handle != nullptr) static_cast<void>(db_->DestroyColumnFamilyHandle(handle));
  const auto status = db_->Close();
  if (!status.ok()) log().warn("closing the database: {}", status.ToString());
}

result<std::string> database::get(family which, std::string_view key, const rocksdb::Snapshot* at, bool scan) const {
  if (!has(which)) return fail(errc::not_found, "there is nothing of that kind in this store");
  rocksdb::ReadOptions read;
  read.fill_cache = !scan;
  read.snapshot = at;
  std::string value;
  const auto status = db_->Get(read, (*this)[which], to_slice(key), &value);
  if (!status.ok()) {
    return tl::unexpected(to_error(status, std::string("read from ") + family_names[static_cast<std::size_t>(which)]));
  }
  return value;
}

std::unique_ptr<database::range> database::iterate(family which, std::string begin, std::string end,
                                                   const rocksdb::Snapshot* at, bool scan) const {
  auto made = std::make_unique<range>();
  made->begin = std::move(begin);
  made->end = std::move(end);
  made->lower = made->begin;
  made->upper = made->end;
  rocksdb::ReadOptions read;
  read.snapshot = at;
  read.iterate_lower_bound = &made->lower;
  if (!made->end.empty()) read.iterate_upper_bound = &made->upper;
  read.fill_cache = !scan;
  made->it.reset(has(which) ? db_->NewIterator(read, (*this)[which]) : rocksdb::NewEmptyIterator());
  return made;
}

result<void> database::flush() {
  const std::vector<rocksdb::ColumnFamilyHandle*> all(handles_.begin(), handles_.end());
  const auto status = db_->Flush(rocksdb::FlushOptions(), all);
  if (!status.ok()) return tl::unexpected(to_error(status, "write the tables"));
  return {};
}

std::uint64_t database::property(family which, const char* name) const {
  std::uint64_t value = 0;
  if (has(which)) db_->GetIntProperty((*this)[which], name, &value);
  return value;
}

}  // namespace octavo::storage
