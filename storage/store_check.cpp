// Looking after a store: the full check, figures, and compaction.
#include <rocksdb/convenience.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "storage/codec.hpp"
#include "storage/store_impl.hpp"

namespace octavo::storage {

namespace {

// The progress callback is called after this many documents.
constexpr std::uint64_t progress_every = 64;

}  // namespace

// Walks the index of numbers and, beside it, everything that is filed under them; what belongs to no document is left
// over and reported. Then the shards, whose indexes must name the same documents as these name shards.
class store_checker {
 public:
  store_checker(const store::impl& store, const progress_callback& on_progress)
      : store_(store), db_(*store.db_), on_progress_(on_progress) {}

  result<check_report> run() {
    const auto copies = store_.list_copies();
    if (!copies) problem("", copies.error().message);
    if (copies)
      for (const auto& each : *copies) copies_.insert(each.copy);
    report_.completed = check_documents() && check_names() && check_strays() && check_shards() && check_tables();
    return std::move(report_);
  }

 private:
  void problem(std::string_view document, std::string message) {
    ++report_.problem_count;
    if (report_.problems.size() < max_check_problems) {
      report_.problems.push_back({std::string(document), std::move(message)});
    }
  }

  bool go_on(std::string_view phase, std::uint64_t done, std::uint64_t total) const {
    return !on_progress_ || on_progress_({phase, done, total});
  }

  bool check_documents() {
    const auto total = db_.property(family::ids, "rocksdb.estimate-num-keys");
    const auto range = db_.iterate(family::ids, {}, {}, nullptr, true);
    auto& it = *range->it;
    for (it.SeekToFirst(); it.Valid(); it.Next()) {
      if (report_.documents % progress_every == 0 && !go_on("documents", report_.documents, total)) return false;
      const auto key = to_view(it.key());
      const auto name = decode_name(key, to_view(it.value()));
      if (!name || key.size() != 8) {
        problem("", "an entry of the index of numbers is damaged");
        continue;
      }
      ++report_.documents;
      check_document(get_u64_be(key.data()), *name);
    }
    if (!it.status().ok()) problem("", to_error(it.status(), "read the index of numbers").message);
    return go_on("documents", report_.documents, report_.documents);
  }

  void check_document(std::uint64_t id, std::string_view name) {
    const auto found = store_.find(name);
    if (!found) return problem(name, found.error().message);
    if (!*found) return problem(name, "it is in the index of numbers, but has no metadata");
    const auto& info = **found;
    if (info.id != id) return problem(name, "its metadata carries another number");
    if (info.is_quarantined()) {
      ++report_.quarantined_documents;
      problem(name, "it is set aside: " + info.quarantine_reason);
    }
    if (info.shard) check_is_indexed(info);
    check_snapshots(info);
    check_versions(info);
    check_log(info);
    const auto updates = store_.list_quarantine(name);
    if (!updates) return problem(name, updates.error().message);
    report_.quarantined_updates += updates->size();
  }

  void check_snapshots(const document_info& info) {
    const auto places = store_.snapshots_of(info.id);
    if (!places) return problem(info.name, places.error().message);
    if ((places->empty() ? 0 : places->back().seq) != info.snapshot_seq) {
      problem(info.name, "its newest snapshot is not the one that the metadata names");
    }
    for (const auto& place : *places) {
      bytes state;
      const auto read = store_.load_snapshot(info.id, place.seq, state, nullptr);
      ++report_.snapshots;
      report_.bytes += state.size();
      if (!read) problem(info.name, read.error().message);
    }
  }

  void check_versions(const document_info& info) {
    const auto places = store_.versions_of(info);
    if (!places) return problem(info.name, places.error().message);
    for (const auto& place : *places) {
      bytes state;
      const auto what = "the version " + quote_name(place.version.label);
      const auto read = store_.load_pieces(info.id, version_pieces | place.n, place.state, what, state, nullptr);
      ++report_.versions;
      report_.bytes += state.size();
      if (!read) problem(info.name, read.error().message);
      if (place.version.seq > info.last_seq) problem(info.name, what + " is of an update that is not there");
    }
  }

  void check_log(const document_info& info) {
    load_visitor count;
    store::impl::log_extent since;
    count.on_record = [&](std::uint64_t seq, std::int64_t, std::string_view, bytes_view update) -> result<void> {
      ++report_.records;
      report_.bytes += update.size();
      if (seq > info.snapshot_seq) ++since.records, since.bytes += update.size();
      return {};
    };
    const auto read = store_.load_records(info, info.first_seq - 1, info.last_seq, count, nullptr);
    if (!read) return problem(info.name, read.error().message);
    if (info.first_seq > info.snapshot_seq + 1) problem(info.name, "updates before its log are in no snapshot");
    if (since.records != info.log_records || since.bytes != info.log_bytes) {
      problem(info.name, "its metadata counts the log wrongly");
    }
  }

  // The other direction: every name must be in the index of numbers.
  bool check_names() {
    std::uint64_t done = 0;
    const auto range = db_.iterate(family::names, {}, {}, nullptr, true);
    auto& it = *range->it;
    for (it.SeekToFirst(); it.Valid(); it.Next()) {
      if (++done % progress_every == 0 && !go_on("names", done, report_.documents)) return false;
      const auto name = to_view(it.key());
      const auto info = decode_info(name, to_view(it.value()));
      if (!info) {
        problem(name, "its metadata is damaged");
        continue;
      }
      const auto key = id_key(info->id);
      const auto stored = db_.get(family::ids, key);
      const auto back = stored ? decode_name(key, *stored) : std::nullopt;
      if (!back || *back != name) problem(name, "it is missing in the index of numbers");
    }
    if (!it.status().ok()) problem("", to_error(it.status(), "read the names").message);
    return true;
  }

  // What is filed under a number that no document has.
  bool check_strays() {
    for (const auto which : {family::log, family::snapshots, family::pieces, family::quarantine, family::versions}) {
      const auto range = db_.iterate(which, {}, {}, nullptr, true);
      auto& it = *range->it;
      for (it.SeekToFirst(); it.Valid();) {
        if (!go_on("strays", 0, 0)) return false;
        const auto key = to_view(it.key());
        if (key.size() < 8) {
          problem("", std::string("a key of ") + family_names[static_cast<std::size_t>(which)] + " is too short");
          it.Next();
          continue;
        }
        const auto id = get_u64_be(key.data());
        const auto stored = db_.get(family::ids, id_key(id));
        if (!stored && stored.error().code == errc::not_found && !copies_.contains(id)) {
          problem("", std::string("there are ") + family_names[static_cast<std::size_t>(which)] + " of document " +
                          std::to_string(id) + ", which does not exist");
        }
        if (id == ~std::uint64_t{0}) break;
        it.Seek(id_key(id + 1));
      }
      if (!it.status().ok()) problem("", to_error(it.status(), "read the tables").message);
    }
    return true;
  }

  void check_is_indexed(const document_info& info) {
    const auto key = shard_document_key(*info.shard, info.name);
    const auto stored = db_.get(family::shards, key);
    if (!stored && stored.error().code != errc::not_found) return problem(info.name, stored.error().message);
    const auto number = stored ? decode_number(key, *stored) : std::nullopt;
    if (!number || *number != info.id) {
      problem(info.name, "it is missing in the index of shard " + std::to_string(*info.shard));
    }
  }

  bool check_shards() {
    const auto total = db_.property(family::shards, "rocksdb.estimate-num-keys");
    std::uint64_t done = 0;
    std::optional<std::uint32_t> current;
    const auto range = db_.iterate(family::shards, {}, {}, nullptr, true);
    auto& it = *range->it;
    for (it.SeekToFirst(); it.Valid(); it.Next(), ++done) {
      if (done % progress_every == 0 && !go_on("shards", done, total)) return false;
      const auto key = decode_shard_key(to_view(it.key()));
      if (!key) {
        problem("", "a key of the shards is damaged");
        continue;
      }
      if (current != key->shard && key->part != shard_part::copy) {
        current = key->shard;
        ++report_.shards;
        // It reads all entries and what they must follow.
        const auto entries = store_.read_shard(key->shard);
        if (!entries) problem("", entries.error().message);
      }
      check_shard_value(*key, to_view(it.key()), to_view(it.value()));
    }
    if (!it.status().ok()) problem("", to_error(it.status(), "read the shards").message);
    return true;
  }

  void check_shard_value(const shard_key_view& key, std::string_view whole_key, std::string_view value) {
    const auto of_shard = " of shard " + std::to_string(key.shard);
    switch (key.part) {
      case shard_part::note:
        if (!decode_opaque(whole_key, value)) problem("", "the note" + of_shard + " is damaged");
        break;
      case shard_part::mark:
        if (!decode_mark(whole_key, value)) problem("", "the mark of a client" + of_shard + " is damaged");
        break;
      case shard_part::entry:
        ++report_.shard_entries;
        report_.bytes += value.size();
        break;
      case shard_part::applied:
      case shard_part::ahead:
        break;  // read_shard() has looked at it
      case shard_part::copy:
        if (!decode_opaque(whole_key, value)) problem("", "the key of a copy" + of_shard + " is damaged");
        break;
      case shard_part::document: {
        const auto found = store_.find(key.rest);
        if (!found) return;  // said with the document
        const auto number = decode_number(whole_key, value);
        if (!number) return problem(key.rest, "its entry in the index" + of_shard + " is damaged");
        if (!*found || (*found)->id != *number || (*found)->shard != key.shard) {
          problem(key.rest, "the index" + of_shard + " names it, and there is no such document of that shard");
        }
        break;
      }
    }
  }

  bool check_tables() {
    if (!go_on("tables", 0, 1)) return false;
    const auto status = db_.db().VerifyChecksum();
    if (!status.ok()) problem("", to_error(status, "verify the tables").message);
    return go_on("tables", 1, 1);
  }

  const store::impl& store_;
  database& db_;
  const progress_callback& on_progress_;
  check_report report_;
  std::unordered_set<std::uint64_t> copies_;  ///< that are under way, or were when the store was closed
};

result<check_report> store::impl::check(const progress_callback& on_progress) const {
  // Documents change while they are looked at; what a writer changes in between would look like damage.
  const std::lock_guard guard(write_mutex_);
  return store_checker(*this, on_progress).run();
}

result<store_stats> store::impl::stats() const {
  store_stats figures;
  figures.store_id = format_.store_id;
  figures.format_version = format_.version;
  {
    const std::lock_guard guard(write_mutex_);
    figures.documents = state_.documents;
    figures.commits = state_.commit;
  }
  figures.log_records_estimate = db_->property(family::log, "rocksdb.estimate-num-keys");
  figures.memory_bytes = db_->property(family::base, "rocksdb.block-cache-usage");
  for (std::size_t i = 0; i < family_count; ++i) {
    const auto which = static_cast<family>(i);
    figures.disk_bytes += db_->property(which, "rocksdb.total-sst-files-size");
    figures.memory_bytes += db_->property(which, "rocksdb.cur-size-all-mem-tables");
    figures.memory_bytes += db_->property(which, "rocksdb.estimate-table-readers-mem");
  }
  std::error_code problem;
  for (auto it = std::filesystem::directory_iterator(folder_, problem);
       !problem && it != std::filesystem::directory_iterator(); it.increment(problem)) {
    if (it->path().extension() != ".log") continue;
    std::error_code ignored;  // a log file may be dropped at any time
    const auto size = it->file_size(ignored);
    if (!ignored) figures.wal_bytes += size;
  }
  figures.disk_bytes += figures.wal_bytes;
  figures.background_errors = background_->errors;
  figures.scrubs = scrubs_;
  figures.damage_found = damage_found_;
  figures.space = space();
  return figures;
}

result<void> store::impl::compact(const progress_callback& on_progress) {
  if (options_.read_only) return fail(errc::forbidden, "the store was opened for reading only");
  {
    const std::lock_guard guard(write_mutex_);  // see prepare_for_full_disk()
    if (auto flushed = db_->flush(); !flushed) return flushed;
  }
  for (std::size_t i = 0; i < family_count; ++i) {
    if (on_progress && !on_progress({family_names[i], i, family_count})) return {};
    rocksdb::CompactRangeOptions how;
    how.exclusive_manual_compaction = false;
    how.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    const auto status = db_->db().CompactRange(how, (*db_)[static_cast<family>(i)], nullptr, nullptr);
    if (!status.ok()) return tl::unexpected(to_error(status, "compact the tables"));
  }
  if (on_progress) on_progress({"done", family_count, family_count});
  return {};
}

}  // namespace octavo::storage
