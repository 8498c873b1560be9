// Opening a store: its folder, its log read before RocksDB reads it, and the recovery from a damaged log. The order of
// steps in recover_wal() is what makes it safe to die in it at any point; docs/format.md tells it in prose.
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <ctime>
#include <limits>
#include <system_error>
#include <utility>

#include "storage/store_impl.hpp"

namespace octavo::storage {

namespace {

using namespace std::chrono_literals;

constexpr auto maintenance_interval = 250ms;
// What opening a store for writing takes beside room for the log's contents in tables.
constexpr std::uint64_t open_bytes = std::uint64_t{4} << 20U;
// How many documents one batch of quarantine_all() holds.
constexpr std::size_t quarantine_batch = 1000;

std::string utc_stamp() {
  const auto now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts)};
}

constexpr std::string_view set_aside_prefix = "set-aside-";

// A name for a new folder in `parent`, with the time in it.
std::string unused_name(const std::filesystem::path& parent, std::string_view prefix) {
  std::error_code problem;
  const auto stamped = std::string(prefix) + utc_stamp();
  auto name = stamped;
  for (int i = 2; std::filesystem::exists(parent / name, problem); ++i) name = stamped + "-" + std::to_string(i);
  return name;
}

// What is no part of one store: it is there before a store is made, and serves the next one.
bool stays_when_set_aside(std::string_view name) {
  return name == lock_file_name || name == "lost+found" || name == reserve_file_name ||
         name.starts_with(set_aside_prefix);
}

bool is_set_aside(const std::filesystem::path& folder) {
  return folder.filename().string().starts_with(set_aside_prefix);
}

// Whether a store that was set aside is all there: FORMAT goes last.
bool is_whole(const std::filesystem::path& aside) {
  std::error_code ignored;
  return std::filesystem::exists(aside / format_file_name, ignored);
}

std::filesystem::path folder_aside(const std::filesystem::path& path, bool whole) {
  std::error_code problem;
  for (auto it = std::filesystem::directory_iterator(path, problem);
       !problem && it != std::filesystem::directory_iterator(); it.increment(problem)) {
    if (is_set_aside(it->path()) && is_whole(it->path()) == whole) return it->path();
  }
  return {};
}

// A folder that holds nothing, or only what every file system or we ourselves put there before a store is made.
bool is_unused(const std::filesystem::path& folder) {
  std::error_code ignored;
  for (const auto& file : std::filesystem::directory_iterator(folder, ignored)) {
    const auto name = file.path().filename().string();
    if (name != std::string(format_file_name) + ".new" && !stays_when_set_aside(name)) return false;
  }
  return true;
}

std::uint64_t log_bytes_in(const std::filesystem::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code problem;
  for (auto it = std::filesystem::directory_iterator(folder, problem);
       !problem && it != std::filesystem::directory_iterator(); it.increment(problem)) {
    std::error_code ignored;
    const auto size = it->path().extension() == ".log" ? it->file_size(ignored) : 0;
    if (!ignored) bytes += size;
  }
  return bytes;
}

result<format_file> read_or_make_format(const store_options& options, std::optional<folder_lock>& lock) {
  const auto& folder = options.path;
  std::error_code problem;
  const bool may_create = options.create_if_missing && !options.read_only;
  if (!std::filesystem::is_directory(folder, problem)) {
    const auto exists = path_exists(folder);
    if (!exists) return tl::unexpected(exists.error());
    if (*exists) return fail(errc::invalid_argument, folder.string() + " is not a folder");
    if (!may_create) return fail(errc::not_found, "there is no store in " + folder.string());
    std::filesystem::create_directories(folder, problem);
    if (problem) return fail(errc::io_error, "cannot make the folder " + folder.string() + ": " + problem.message());
  }
  const auto read_format = [&]() -> result<std::optional<format_file>> {
    auto format = read_format_file(folder);
    if (!format) return tl::unexpected(format.error());
    if (!*format) {
      if (!is_unused(folder) && !std::filesystem::exists(folder / format_file_name, problem)) {
        return fail(errc::invalid_argument,
                    folder.string() + " holds other files and no octavo store; use an empty folder");
      }
      if (!may_create) return fail(errc::not_found, "there is no store in " + folder.string());
    } else if ((*format)->version != format_version) {
      return fail(errc::unknown_version, "the store in " + folder.string() + " has format " +
                                             std::to_string((*format)->version) + ", and this octavo knows format " +
                                             std::to_string(format_version) + "; use the octavo that wrote it");
    } else if (salt_of((*format)->store_id).empty()) {
      return fail(errc::corrupt, (folder / format_file_name).string() + " holds no store id");
    }
    return format;
  };
  // Before the folder is locked, so that nothing is written to one that is none of ours, and again once it is: another
  // process may have made the store in between.
  if (auto before = read_format(); !before) return tl::unexpected(before.error());
  auto locked = folder_lock::acquire(folder, options.read_only);
  if (!locked) return tl::unexpected(locked.error());
  lock.emplace(std::move(*locked));
  const auto format = read_format();
  if (!format) return tl::unexpected(format.error());
  if (*format) return **format;
  const format_file made{format_version, random_store_id(), true};
  if (made.store_id.empty()) return fail(errc::io_error, "the system gave no random bytes for the store's id");
  if (auto written = write_format_file(folder, made); !written) return tl::unexpected(written.error());
  return made;
}

}  // namespace

result<std::unique_ptr<store>> open_store(const store_options& options, store_hooks hooks) {
  if (options.path.empty()) return fail(errc::invalid_argument, "a store needs a folder");
  std::optional<folder_lock> lock;
  auto format = read_or_make_format(options, lock);
  if (!format) return tl::unexpected(format.error());
  auto made = std::make_unique<store::impl>(options, std::move(hooks), std::move(*lock), std::move(*format));
  if (auto started = made->start(); !started) return tl::unexpected(started.error());
  return store::impl::make_store(std::move(made));
}

std::filesystem::path store_set_aside(const std::filesystem::path& path) {
  return folder_aside(path, true);
}

std::filesystem::path store_half_aside(const std::filesystem::path& path) {
  return folder_aside(path, false);
}

result<void> write_beside_store(const std::filesystem::path& path, const std::string& name, std::string_view line) {
  return write_file_durably(path / name, std::string(line) + '\n');
}

std::string read_beside_store(const std::filesystem::path& path, const std::string& name) {
  const auto text = read_whole_file(path / name);
  return text ? text->substr(0, text->find('\n')) : std::string();
}

// The database goes first and FORMAT last. In between, FORMAT without a database does not open, and RECOVERY never goes
// before the database whose logs it says are gone.
result<std::filesystem::path> set_store_aside(const std::filesystem::path& path) {
  const auto format = path / format_file_name;
  const auto exists = path_exists(format);
  if (!exists) return tl::unexpected(exists.error());
  if (!*exists) return fail(errc::not_found, "there is no store in " + path.string());
  const auto lock = folder_lock::acquire(path, false);
  if (!lock) return tl::unexpected(lock.error());

  std::vector<std::filesystem::path> parts;
  auto folder = store_half_aside(path);
  std::error_code problem;
  for (auto it = std::filesystem::directory_iterator(path, problem);
       !problem && it != std::filesystem::directory_iterator(); it.increment(problem)) {
    if (!stays_when_set_aside(it->path().filename().string()) && it->path() != format) parts.push_back(it->path());
  }
  if (problem) return fail(errc::io_error, "cannot list " + path.string() + ": " + problem.message());
  std::sort(parts.begin(), parts.end(), [&](const auto& left, const auto& right) {
    return std::pair(left.filename() != "db", left) < std::pair(right.filename() != "db", right);
  });
  parts.push_back(format);
  if (folder.empty()) {
    folder = path / unused_name(path, set_aside_prefix);
    std::filesystem::create_directory(folder, problem);
    if (problem) return fail(errc::io_error, "cannot make the folder " + folder.string() + ": " + problem.message());
  }
  for (const auto& part : parts) {
    if (auto moved = rename_durably(part, folder / part.filename()); !moved) return tl::unexpected(moved.error());
  }
  log().warn("the store in {} was set aside; it is kept in {}", path.string(), folder.string());
  return folder;
}

store::impl::impl(const store_options& options, store_hooks hooks, folder_lock lock, format_file format)
    : options_(options),
      hooks_(std::move(hooks)),
      lock_(std::move(lock)),
      format_(std::move(format)),
      salt_(salt_of(format_.store_id)),
      folder_(options.path / "db") {}

store::impl::~impl() {
  if (scrubber_.joinable()) {
    scrubber_.request_stop();
    scrubber_.join();
  }
  if (maintenance_.joinable()) {
    maintenance_.request_stop();
    maintenance_.join();
  }
  if (db_ && !options_.read_only && !failed_ && options_.sync != sync_mode::always) {
    const auto status = db_->db().SyncWAL();
    if (!status.ok()) log().error("the last sync failed: {}", status.ToString());
  }
}

result<std::uint64_t> store::impl::free_space() const {
  return hooks_.free_space ? hooks_.free_space() : free_bytes(options_.path);
}

// Debian's RocksDB, with its assertions on, may end the process where opening runs into a full disk: it must not begin.
result<void> store::impl::make_room_to_open(std::uint64_t needed) {
  if (options_.read_only) return {};
  needed += open_bytes;
  auto free = free_space();
  if (!free || *free >= needed) return {};
  const auto reserve = options_.path / reserve_file_name;
  if (allocated_bytes(reserve) > 0) {
    log().error("the disk of {} is full: its reserve of {} MiB makes room to open the store", options_.path.string(),
                allocated_bytes(reserve) >> 20U);
    if (auto removed = remove_file_durably(reserve); !removed) return removed;
    free = free_space();
    if (!free || *free >= needed) return {};
  }
  return fail(errc::no_space, "the disk of " + options_.path.string() + " has " + std::to_string(*free >> 10U) +
                                  " KiB free, and opening the store takes " + std::to_string(needed >> 10U) +
                                  " KiB; nothing was changed: make room and start again");
}

result<void> store::impl::start() {
  if (auto room = make_room_to_open(log_bytes_in(folder_)); !room) return room;
  std::uint64_t newest = 0;
  if (auto ready = prepare_wal(newest); !ready) return ready;
  if (!db_) {
    if (auto opened = open_database(); !opened) return opened;
  }
  if (auto loaded = load_state(); !loaded) return loaded;
  if (state_.commit < newest) {
    return fail(errc::corrupt, "the log of " + folder_.string() + " holds commit " + std::to_string(newest) +
                                   ", but only " + std::to_string(state_.commit) + " could be recovered");
  }
  if (options_.refuse_damage) {
    if (auto whole = refuse_loss(); !whole) return whole;
  }
  refresh_space();
  keep_reserve();
  refresh_writable();
  drop_unfinished_copies();
  log().info("opened the store in {}: {} documents, commit {}", options_.path.string(), state_.documents,
             state_.commit);
  maintenance_ = std::jthread([this](const std::stop_token& stop) { maintain(stop); });
  if (options_.scrub_interval_ms > 0ms && !options_.read_only)
    scrubber_ = std::jthread([this](const std::stop_token& stop) { keep_scrubbing(stop); });
  return {};
}

result<void> store::impl::open_database() {
  std::error_code problem;
  if (!format_.unfinished && !std::filesystem::exists(folder_ / "CURRENT", problem)) {
    return fail(errc::corrupt, "the database of the store is missing in " + folder_.string());
  }
  auto opened = database::open(folder_, options_, hooks_.env, background_);
  if (!opened) return tl::unexpected(opened.error());
  db_ = std::move(*opened);
  auto id = db_->get(family::base, store_id_key);
  if (id) {
    if (*id == format_.store_id) {
      if (!format_.unfinished || options_.read_only) return {};
      return write_format_file(options_.path, {format_.version, format_.store_id, false});
    }
    return fail(errc::corrupt, "the database in " + folder_.string() + " belongs to the store " + *id + ", but " +
                                   format_file_name + " says " + format_.store_id);
  }
  if (id.error().code != errc::not_found) return tl::unexpected(id.error());
  if (!format_.unfinished || options_.read_only) {
    return fail(errc::corrupt, "the database in " + folder_.string() + " holds no store id");
  }
  rocksdb::WriteOptions how;
  // The log only holds commits; the id goes to a table at once.
  how.disableWAL = true;
  const auto status = db_->db().Put(how, (*db_)[family::base], to_slice(store_id_key), format_.store_id);
  if (!status.ok()) return tl::unexpected(to_error(status, "write the store's id"));
  if (auto flushed = db_->flush(); !flushed) return flushed;
  return write_format_file(options_.path, {format_.version, format_.store_id, false});
}

result<void> store::impl::load_state() {
  const auto value = db_->get(family::base, state_key);
  if (value) {
    const auto state = decode_state(*value);
    if (!state) return fail(errc::corrupt, "the state of the store in " + folder_.string() + " is damaged");
    state_ = *state;
  } else if (value.error().code != errc::not_found) {
    return tl::unexpected(value.error());
  }
  next_commit_ = state_.commit + 1;
  synced_through_ = state_.commit;  // what was recovered has gone to tables, and those are synced
  return {};
}

result<void> store::impl::refuse_log(const wal_scan& scan, const std::string& what_now) const {
  std::string places;
  for (const auto& damage : scan.damages) places += (places.empty() ? "" : "; ") + describe(scan, damage);
  if (places.empty()) places = "commits are missing between the log files";
  return fail(errc::corrupt,
              "the log of the store in " + folder_.string() + " is damaged (" + places + "); " + what_now);
}

// Looks at the log that a recovery would work from, before it begins. Not every one is refused under refuse_damage:
// what a power cut leaves while a snapshot is written, whose pieces are not synced, takes one too, and nothing is lost
// then. Were that refused, one cut could take the stores of all replicas.
result<void> store::impl::may_recover(const std::filesystem::path& logs, const read_at_function& read_at) const {
  if (!options_.refuse_damage) return {};
  const auto scan = scan_wal(logs, salt_, true, read_at);
  if (!scan) return tl::unexpected(scan.error());
  // The tables hold all that comes before these logs, or more.
  auto base = scan->commits.empty() ? std::numeric_limits<std::uint64_t>::max() : scan->commits.front().entry.previous;
  bool looks_torn = true;
  for (const auto& damage : scan->damages) {
    looks_torn = looks_torn && damage.looks_torn;
    for (const auto& entry : damage.entries) base = std::min(base, entry.previous);
  }
  const auto plan = plan_recovery(*scan, base);
  if (looks_torn && plan.lost_commits == 0 && !plan.everything) return {};
  return refuse_log(*scan, "it is left as it is");
}

// Reads the log, and opens the database itself where a recovery has to be done. `newest` is the newest commit that the
// database must hold once it is open.
result<void> store::impl::prepare_wal(std::uint64_t& newest) {
  std::error_code problem;
  const auto unfinished = read_recovery_file(options_.path);
  if (!unfinished) return tl::unexpected(unfinished.error());
  if (*unfinished) {
    if (options_.read_only) {
      return fail(errc::corrupt, "the recovery of the store in " + options_.path.string() +
                                     " was interrupted; open it for writing to finish it");
    }
    recovery_folder_ = (*unfinished)->folder;
    if (auto allowed = may_recover(options_.path / recovery_folder_, {}); !allowed) return allowed;
    return recover_wal(nullptr);
  }
  if (!std::filesystem::exists(folder_, problem)) return {};
  const auto scan = scan_wal(folder_, salt_, false, hooks_.read_at);
  if (!scan) return tl::unexpected(scan.error());
  for (const auto& commit : scan->commits) newest = std::max(newest, commit.entry.commit);
  if (scan->state == wal_state::clean) return {};
  if (scan->state == wal_state::torn_tail) {
    log().info("the last write to {} was interrupted ({}); it was not acknowledged, and is dropped", folder_.string(),
               describe(*scan, scan->damages.front()));
    auto opened = open_database();
    if (opened || opened.error().code != errc::corrupt || options_.read_only) return opened;
    db_.reset();
  }
  if (options_.read_only) {
    return refuse_log(*scan, "open it for writing to set the damaged documents aside");
  }
  if (auto allowed = may_recover(folder_, hooks_.read_at); !allowed) return allowed;
  newest = 0;
  return recover_wal(&*scan);
}

// Copies the log files, as far as they can be read, into a folder of their own and notes that.
result<std::string> store::impl::set_logs_aside(const wal_scan& scan) {
  std::error_code problem;
  auto name = unused_name(options_.path, "damaged-");
  std::filesystem::create_directory(options_.path / name, problem);
  if (problem) return fail(errc::io_error, "cannot make the folder " + name + ": " + problem.message());
  std::vector<unreadable_part> unreadable;
  for (const auto& file : scan.files) {
    const auto read = salvage_file(file, hooks_.read_at);
    if (!read) return tl::unexpected(read.error());
    auto copied = write_file_durably(options_.path / name / file.filename(), read->data);
    if (!copied) return tl::unexpected(copied.error());
    for (const auto& range : read->unreadable) unreadable.push_back({file.filename().string(), range});
  }
  if (!unreadable.empty()) {
    auto listed = write_unreadable_file(options_.path / name, unreadable);
    if (!listed) return tl::unexpected(listed.error());
  }
  if (auto synced = sync_folder(options_.path); !synced) return tl::unexpected(synced.error());
  if (auto noted = write_recovery_file(options_.path, {name, std::nullopt}); !noted)
    return tl::unexpected(noted.error());
  return name;
}

// From here on the RECOVERY file names the folder, and until it is gone the log in the database's folder holds nothing
// that is not in that folder too: it may be dropped and made again as often as need be.
result<void> store::impl::recover_wal(const wal_scan* found) {
  // The copy takes the place of the log, which is written once more and then goes to tables.
  const auto bytes = log_bytes_in(found != nullptr ? folder_ : options_.path / recovery_folder_);
  if (auto room = make_room_to_open(2 * bytes); !room) return room;
  if (found != nullptr) {
    auto name = set_logs_aside(*found);
    if (!name) return tl::unexpected(name.error());
    recovery_folder_ = std::move(*name);
  }
  const auto folder = options_.path / recovery_folder_;
  log().error("the log of the store in {} is damaged; its files are kept in {}", options_.path.string(),
              folder.string());
  // The copies are read before the originals go: whoever made room since then may have taken them.
  const auto scan = scan_wal(folder, salt_, true);
  if (!scan || scan->files.empty()) {
    return fail(errc::corrupt, "the recovery of the store in " + options_.path.string() + " was interrupted, and " +
                                   folder.string() + ", which holds the logs that it works from, " +
                                   (scan ? "holds none" : "cannot be read (" + scan.error().message + ")") +
                                   "; put it back. Nothing was changed");
  }
  const auto leftover = wal_files(folder_);
  if (!leftover) return tl::unexpected(leftover.error());
  for (const auto& file : *leftover) {
    if (auto removed = remove_file_durably(file); !removed) return removed;
  }
  if (auto opened = open_database(); !opened) return opened;
  if (auto loaded = load_state(); !loaded) return loaded;
  const auto noted = read_recovery_file(options_.path);
  if (!noted) return tl::unexpected(noted.error());
  auto base = state_.commit;
  if (*noted && (*noted)->base) {
    base = *(*noted)->base;
  } else if (auto written = write_recovery_file(options_.path, {recovery_folder_, base}); !written) {
    return written;
  }
  const auto plan = plan_recovery(*scan, base);
  if (auto applied = apply_plan(*scan, plan); !applied) return applied;
  return finish_recovery(folder);
}

result<void> store::impl::apply_plan(const wal_scan& scan, const recovery_plan& plan) {
  for (const auto i : plan.apply) {
    rocksdb::WriteBatch batch(scan.commits[i].batch);
    const auto status = db_->db().Write(rocksdb::WriteOptions(), &batch);
    if (!status.ok()) return tl::unexpected(to_error(status, "apply the log again"));
  }
  if (auto loaded = load_state(); !loaded) return loaded;
  if (auto flushed = db_->flush(); !flushed) return flushed;
  state_.commit = std::max(state_.commit, plan.newest_commit);
  next_commit_ = state_.commit + 1;

  recovery_.emplace();
  recovery_->folder = options_.path / recovery_folder_;
  recovery_->places = plan.places;
  if (recovery_->places.empty()) recovery_->places.emplace_back("commits are missing between the log files");
  recovery_->everything = plan.everything;
  recovery_->lost_commits = plan.lost_commits;
  recovery_->dropped_commits = plan.dropped_commits;
  for (const auto& item : plan.suspects) {
    if (auto examined = examine(item); !examined) return examined;
  }
  if (auto noted = note_loss(plan); !noted) return noted;
  return plan.everything ? quarantine_all() : result<void>{};
}

// A promise or an entry that is lost can be told from nothing that is left, so that the loss is noted for good. Where
// it is not known what was lost, it concerns the shards if there are any.
result<void> store::impl::note_loss(const recovery_plan& plan) {
  if (plan.lost_commits == 0 && !plan.everything) return {};
  bool concerns_shards =
      options_.refuse_damage || std::any_of(plan.suspects.begin(), plan.suspects.end(),
                                            [](const touched& item) { return item.id == shards_touched; });
  if (plan.everything && !concerns_shards) {
    const auto range = db_->iterate(family::shards, {}, {});
    range->it->SeekToFirst();
    if (!range->it->status().ok()) return tl::unexpected(to_error(range->it->status(), "look for shards"));
    concerns_shards = range->it->Valid();
  }
  if (!concerns_shards) return {};
  return write({}, state_, true, [&](rocksdb::WriteBatch& batch) {
    batch.Put((*db_)[family::base], to_slice(loss_key), encode_number(loss_key, next_commit_));
  });
}

result<void> store::impl::refuse_loss() const {
  const auto noted = db_->get(family::base, loss_key);
  if (!noted && noted.error().code == errc::not_found) return {};
  if (!noted) return tl::unexpected(noted.error());
  return fail(errc::corrupt, "the store in " + options_.path.string() +
                                 " was recovered from a damaged log once, and commits of its shards were lost; it is "
                                 "left as it is");
}

std::string store::impl::damage_reason() const {
  std::string places;
  for (const auto& place : recovery_->places) {
    // A reason is bounded; a log with very many damaged places is told from its first ones.
    if (places.size() > max_reason_bytes / 4) {
      places += "; and more";
      break;
    }
    places += (places.empty() ? "" : "; ") + place;
  }
  return "the log is damaged at " + places + "; the original files are in " + recovery_->folder.string();
}

// Looks at one document that a lost commit touched: what is there of it, and is anything missing?
result<void> store::impl::examine(const touched& item) {
  std::string name = item.name;
  if (const auto stored = db_->get(family::ids, id_key(item.id))) {
    if (const auto decoded = decode_name(id_key(item.id), *stored)) name = *decoded;
  } else if (item.kind == touch_kind::removed || item.kind == touch_kind::changed) {
    return {};
  }
  if (name.empty()) {
    recovery_->nameless.push_back(item.id);
    return {};
  }
  const auto found = find(name);
  if (!found && found.error().code != errc::corrupt) return tl::unexpected(found.error());
  document_info info;
  const bool exists = found && *found;
  if (exists && (*found)->id != item.id) return {};  // removed since, and made anew under the same name
  if (exists) {
    info = **found;
  } else {
    info.name = name;
    info.id = item.id;
  }

  // Its metadata may be as old as the commit before the lost one: what is really there counts.
  const auto places = snapshots_of(item.id);
  if (!places) return tl::unexpected(places.error());
  info.snapshot_seq = places->empty() ? 0 : places->back().seq;
  info.first_seq = places->empty() ? 1 : places->front().seq + 1;
  // It is whole if all updates are there behind the newest snapshot that can be read.
  std::uint64_t base = 0;
  for (auto place = places->rbegin(); place != places->rend() && base == 0; ++place) {
    bytes state;
    if (load_snapshot(item.id, place->seq, state, nullptr)) base = place->seq;
  }
  info.last_seq = item.kind == touch_kind::removed ? info.last_seq : std::max(info.last_seq, item.seq);
  auto expected = base + 1;
  {
    const auto range = db_->iterate(family::log, log_key(item.id, base + 1), end_of_document(item.id), nullptr, true);
    for (range->it->SeekToFirst(); range->it->Valid(); range->it->Next(), ++expected) {
      const auto record = decode_record(to_view(range->it->key()), to_view(range->it->value()));
      if (!record || record->seq != expected) break;
    }
  }
  std::string missing;
  if (expected <= info.last_seq) missing = "update " + std::to_string(expected) + " is missing: ";
  if (item.kind == touch_kind::removed) missing = "it was removed, and that was lost: ";
  const auto extent = measure_log(item.id, info.snapshot_seq + 1, info.last_seq);
  if (extent) info.log_records = extent->records, info.log_bytes = extent->bytes;
  if (!missing.empty() && !info.is_quarantined()) {
    info.quarantine_reason = cut_utf8(missing + damage_reason(), max_reason_bytes);
    recovery_->documents.push_back(name);
    log().error("the document {} is set aside: {}", quote_name(name), info.quarantine_reason);
  }
  auto next = state_;
  if (!exists) ++next.documents;
  next.next_id = std::max(next.next_id, item.id + 1);
  return write({{item.id, info.last_seq, touch_kind::changed, {}}}, next, true,
               [&](rocksdb::WriteBatch& batch) { put_info(batch, info, true); });
}

result<void> store::impl::quarantine_all() {
  log().error("it cannot be told which documents of {} are concerned: all of them are set aside",
              options_.path.string());
  const auto reason =
      std::string(cut_utf8("it cannot be told whether updates of it were lost: " + damage_reason(), max_reason_bytes));
  const auto range = db_->iterate(family::names, {}, {}, nullptr, true);
  auto& it = *range->it;
  it.SeekToFirst();
  while (it.Valid()) {
    std::vector<document_info> infos;
    for (; it.Valid() && infos.size() < quarantine_batch; it.Next()) {
      auto info = decode_info(to_view(it.key()), to_view(it.value()));
      if (!info || info->is_quarantined()) continue;
      info->quarantine_reason = reason;
      recovery_->documents.push_back(info->name);
      infos.push_back(std::move(*info));
    }
    auto written = write({}, state_, true, [&](rocksdb::WriteBatch& batch) {
      for (const auto& info : infos) put_info(batch, info, false);
    });
    if (!written) return written;
  }
  if (!it.status().ok()) return tl::unexpected(to_error(it.status(), "list the documents"));
  return {};
}

result<void> store::impl::finish_recovery(const std::filesystem::path& folder) {
  std::string text = "octavo found this log damaged when it opened the store, and kept the original files here.\n\n";
  for (const auto& place : recovery_->places) text += "damaged: " + place + "\n";
  const auto unreadable = read_unreadable_file(folder);
  if (!unreadable) return tl::unexpected(unreadable.error());
  for (const auto& [file, range] : *unreadable) {
    text += "not given by the disk, and filled in here: " + file + ", bytes " + std::to_string(range.begin) + " to " +
            std::to_string(range.end - 1) + "\n";
  }
  text += "\ncommits that were durable and could not be read: " + std::to_string(recovery_->lost_commits) + "\n";
  if (recovery_->dropped_commits > 0) {
    text += "commits dropped, as an earlier one that was never synced is missing: " +
            std::to_string(recovery_->dropped_commits) + "\n";
  }
  for (const auto& name : recovery_->documents) text += "set aside: " + quote_name(name) + "\n";
  for (const auto id : recovery_->nameless) text += "lost with its name: document " + std::to_string(id) + "\n";
  if (auto written = write_file_durably(folder / "README.txt", text); !written) return written;
  // The marks go to tables, so that they do not hang on the log while RECOVERY goes.
  if (auto flushed = db_->flush(); !flushed) return flushed;
  log().warn("recovered the store in {}: {} commits lost, {} documents set aside", options_.path.string(),
             recovery_->lost_commits, recovery_->documents.size());
  return remove_file_durably(options_.path / recovery_file_name);
}

void store::impl::maintain(const std::stop_token& stop) {
  const bool syncs = options_.sync == sync_mode::interval && !options_.read_only;
  const auto pause =
      syncs ? std::min<std::chrono::milliseconds>(std::max(options_.interval_ms, 1ms), maintenance_interval)
            : std::chrono::milliseconds(maintenance_interval);
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(wake_mutex_);
      wake_.wait_for(lock, stop, pause, [] { return false; });
    }
    if (syncs) {
      if (auto synced = sync_interval(); !synced) log().error("{}", synced.error().message);
    }
    if (background_->has_met_damage.exchange(false))
      report_damage({errc::corrupt, "a compaction met a table that is damaged; the log says which"});
    const std::lock_guard guard(write_mutex_);
    if (std::chrono::steady_clock::now() - space_checked_ >= maintenance_interval) refresh_space();
    if (has_space_ && !failed_ && !options_.read_only) resume();
    keep_reserve();
    refresh_writable();
  }
}

space_info store::impl::space() const {
  return {writable(), free_bytes_, required_bytes()};
}

}  // namespace octavo::storage
