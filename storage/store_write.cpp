// The write path of the store: room on the disk, the batch with its commit entries, and what a failure means.
#include <rocksdb/options.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>

#include "storage/codec.hpp"
#include "storage/store_impl.hpp"

namespace octavo::storage {

namespace {

using namespace std::chrono_literals;

// The free space is asked for before each commit, which costs a microsecond: RocksDB must not meet a full disk, where
// Debian's build of it, which has its assertions on, ends the process. A write smaller than this part of the reserve
// always fits while the reserve is there.
constexpr auto space_check_interval = 0ms;
constexpr std::uint64_t space_check_part = 16;
// What is less than this is never called too large; a 16th of the smallest min_free_bytes that can be set is more.
constexpr std::uint64_t large_write_bytes_min = std::uint64_t{256} << 10U;
constexpr std::size_t window_commits_max = 64;
// A flush begins at once, but for the sync of the log before; it is waited for no longer than this.
constexpr auto flush_begin_max = 5s;
// At this many documents the cache of metadata is dropped and begun anew.
constexpr std::size_t cached_documents_max = 8192;

}  // namespace

std::string quote_name(std::string_view name) {
  constexpr const char* digits = "0123456789abcdef";
  std::string text = "\"";
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      text += {'\\', 'x', digits[byte >> 4U], digits[byte & 15U]};
    } else {
      if (c == '"' || c == '\\') text.push_back('\\');
      text.push_back(c);
    }
  }
  return text + "\"";
}

error store::impl::no_space_error() const {
  return {errc::no_space, "the disk of " + options_.path.string() + " is full: " + std::to_string(free_bytes_ >> 20U) +
                              " MiB are free and " + std::to_string(required_bytes() >> 20U) +
                              " MiB are kept in reserve; edits are refused until there is room again, reading goes on"};
}

error store::impl::too_large_error(std::uint64_t bytes) const {
  return {errc::limit_exceeded,
          "the write needs " + std::to_string((bytes >> 20U) + 1) + " MiB and the disk of " + options_.path.string() +
              " has too little room for it: " + std::to_string(free_bytes_ >> 20U) + " MiB are free and " +
              std::to_string(required_bytes() >> 20U) + " MiB are kept in reserve; smaller edits go on"};
}

error store::impl::failed_error() const {
  return {errc::io_error, "the store in " + options_.path.string() + " stopped writing after a failure (" + failure_ +
                              "); restart octavo once the disk is well"};
}

void store::impl::refresh_writable() {
  writable_.store(!options_.read_only && has_space_ && !background_->is_full && !failed_ && !background_->has_failed,
                  std::memory_order_relaxed);
}

std::uint64_t store::impl::required_bytes() const {
  return options_.min_free_bytes + reserve_missing_bytes_;
}

// One large write may not use up the reserve either. It stands in the log first, and then in tables beside it.
bool store::impl::fits(std::uint64_t bytes) const {
  return bytes < options_.min_free_bytes / space_check_part || free_bytes_ >= required_bytes() + 2 * bytes;
}

// A reserve that gave way is made again before anything else may use the room. Until then has_space_ is false, so that
// the store itself never fills what the next start will need.
void store::impl::keep_reserve() {
  if (options_.read_only || options_.reserve_bytes == 0 || reserve_unsupported_ || failed_) return;
  const auto path = options_.path / reserve_file_name;
  if (allocated_bytes(path) >= options_.reserve_bytes) {
    reserve_missing_bytes_ = 0;
    return;
  }
  reserve_missing_bytes_ = options_.reserve_bytes;
  refresh_space();
  if (!has_space_) return;
  const auto made = allocate_file(path, options_.reserve_bytes);
  if (made) {
    reserve_missing_bytes_ = 0;
  } else if (made.error().code != errc::no_space) {
    reserve_unsupported_ = true;
    reserve_missing_bytes_ = 0;
    log().warn("no reserve is kept: {}; a start on a disk that is full to the last byte will be refused",
               made.error().message);
  }
  refresh_space();
}

void store::impl::refresh_space() {
  const auto free = free_space();
  space_checked_ = std::chrono::steady_clock::now();
  bytes_since_check_ = 0;
  if (!free) return;  // A disk that cannot say how full it is will say so when it is written to.
  free_bytes_ = *free;
  const bool had_space = has_space_;
  has_space_ = *free >= required_bytes();
  if (had_space && !has_space_) log().error("{}", no_space_error().message);
  if (!had_space && has_space_) log().info("there is room on the disk of {} again", options_.path.string());
}

bool store::impl::resume() {
  if (!background_->is_full) return true;
  // RocksDB writes its memory, which holds what was acknowledged and nothing else, to tables, and begins a new log: the
  // log whose tail is in doubt is not used again.
  const auto status = db_->db().Resume();
  if (!status.ok()) {
    log().warn("the store cannot resume writing yet: {}", status.ToString());
    return false;
  }
  background_->is_full = false;
  log().info("the store in {} writes again", options_.path.string());
  return true;
}

result<void> store::impl::ready_to_write(std::uint64_t bytes) {
  if (options_.read_only) return fail(errc::forbidden, "the store was opened for reading only");
  if (background_->has_failed && !failed_) {
    failed_ = true;
    failure_ = "background work failed; the log has the details";
  }
  if (failed_) return tl::unexpected(failed_error());
  bytes_since_check_ += bytes;
  if (!has_space_ || bytes_since_check_ > options_.min_free_bytes / space_check_part ||
      std::chrono::steady_clock::now() - space_checked_ > space_check_interval) {
    refresh_space();
  }
  const bool ready = has_space_ && resume();
  refresh_writable();
  if (!ready) return tl::unexpected(no_space_error());
  if (fits(bytes)) return {};
  // That is its own fault, as smaller ones go on; where even a small one does not fit, it is everybody's.
  return tl::unexpected(bytes < large_write_bytes_min ? no_space_error() : too_large_error(2 * bytes));
}

commit_entry store::impl::next_entry(std::vector<touched> items, bool synced) const {
  commit_entry entry;
  entry.synced = synced;
  entry.sync_always = options_.sync == sync_mode::always;
  entry.commit = next_commit_;
  entry.previous = state_.commit;
  entry.synced_through = synced_through_;
  entry.window_first = window_.empty() ? state_.commit + 1 : window_.front().commit;
  entry.own = std::move(items);
  std::unordered_map<std::uint64_t, std::size_t> seen;
  for (const auto& commit : window_) {
    for (const auto& item : commit.items) {
      const auto [at, is_new] = seen.emplace(item.id, entry.window.size());
      if (is_new) {
        entry.window.push_back(item);
        continue;
      }
      auto& known = entry.window[at->second];
      known.seq = std::max(known.seq, item.seq);
      if (item.kind == touch_kind::removed || known.kind == touch_kind::changed) known.kind = item.kind;
    }
  }
  return entry;
}

void store::impl::remember(std::uint64_t commit, std::size_t bytes, std::vector<touched> items) {
  window_.push_back({commit, bytes, std::move(items)});
  window_bytes_ += bytes;
  while (window_.size() > 1 &&
         (window_.size() > window_commits_max || window_bytes_ - window_.front().bytes >= window_bytes_min)) {
    window_bytes_ -= window_.front().bytes;
    window_.pop_front();
  }
}

// What Resume() needs after a full disk, which may be met by the very next write. It begins a new log only where there
// is something in memory for the tables, and right after a start or a flush there is not: the log whose tail is in
// doubt would be written on, and RocksDB, which remembers its error, fails then for good or ends the process. So the
// state as it is goes to memory first, and not to the log. And a flush that was asked for and has not begun by then is
// forgotten by RocksDB's schedule, and Resume() waits forever.
rocksdb::Status store::impl::prepare_for_full_disk() {
  rocksdb::WriteOptions how;
  how.disableWAL = true;
  // An empty write begins a new log, and a flush, where they are due, so that the next one does not.
  rocksdb::WriteBatch nothing;
  auto status = db_->db().Write(how, &nothing);
  const auto figure = [&](const std::string& name) { return db_->property(family::base, name.c_str()); };
  if (!status.ok() || figure(rocksdb::DB::Properties::kNumEntriesActiveMemTable) > 0) return status;
  status = db_->db().Put(how, (*db_)[family::base], to_slice(state_key), encode_state(state_));
  const auto end = std::chrono::steady_clock::now() + flush_begin_max;
  while (status.ok() && figure(rocksdb::DB::Properties::kMemTableFlushPending) > 0 && !background_->is_full &&
         !background_->has_failed && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(100us);
  }
  return status;
}

result<void> store::impl::write(std::vector<touched> items, const store_state& next, bool durable,
                                const std::function<void(rocksdb::WriteBatch&)>& fill) {
  const bool synced = durable && options_.sync == sync_mode::always;
  auto entry = next_entry(items, synced);
  const auto head = encode_entry(entry, salt_);
  rocksdb::WriteBatch draft;
  draft.PutLogData(to_slice(head));
  fill(draft);
  auto state = next;
  state.commit = entry.commit;
  draft.Put((*db_)[family::base], to_slice(state_key), encode_state(state));
  entry.is_head = false;
  if (draft.GetDataSize() <= window_bytes_min) {
    entry.window_first = entry.commit;
    entry.window.clear();
  }
  const auto tail = encode_entry(entry, salt_);
  draft.PutLogData(to_slice(tail));
  std::string data = draft.Data();
  if (data.size() > std::numeric_limits<std::uint32_t>::max() / 2) {
    return fail(errc::limit_exceeded, "a batch of " + std::to_string(data.size()) + " bytes is too large");
  }
  const auto bytes = static_cast<std::uint32_t>(data.size());
  const auto zeros = longest_zeros(data);
  set_totals(data.data() + head_offset(head.size()), head.size(), bytes, zeros);
  set_totals(data.data() + data.size() - tail.size(), tail.size(), bytes, zeros);
  rocksdb::WriteBatch batch(std::move(data));

  rocksdb::WriteOptions how;
  how.sync = synced;
  auto status = prepare_for_full_disk();
  if (status.ok()) status = db_->db().Write(how, &batch);
  if (status.ok()) {
    state_ = state;
    next_commit_ = state.commit + 1;
    if (synced) synced_through_ = state.commit;
    remember(state.commit, bytes, std::move(items));
    // RocksDB would only do this with the next write, and there may be none before the next start has to read it all.
    if (bytes > options_.max_wal_bytes) {
      if (auto flushed = db_->flush(); !flushed)
        log().warn("a large write stays in the log: {}", flushed.error().message);
    }
    return {};
  }
  // The log may hold this batch or a part of it, so that its number is not used again.
  ++next_commit_;
  cache_.clear();
  extents_.clear();
  if (status.IsNoSpace()) {
    background_->is_full = true;
    log().error("the disk of {} is full: {}", options_.path.string(), status.ToString());
    refresh_writable();
    return tl::unexpected(no_space_error());
  }
  failed_ = true;
  failure_ = status.ToString();
  refresh_writable();
  log().critical("writing to the store in {} failed: {}", options_.path.string(), failure_);
  return tl::unexpected(failed_error());
}

result<void> store::impl::sync_interval() {
  std::uint64_t through = 0;
  {
    const std::lock_guard guard(write_mutex_);
    if (failed_ || background_->is_full || synced_through_ >= state_.commit) return {};
    through = state_.commit;
  }
  const auto status = db_->db().SyncWAL();
  const std::lock_guard guard(write_mutex_);
  if (status.ok()) {
    synced_through_ = std::max(synced_through_, through);
    return {};
  }
  if (status.IsNoSpace()) {
    background_->is_full = true;
  } else {
    failed_ = true;
    failure_ = status.ToString();
    log().critical("syncing the store in {} failed: {}", options_.path.string(), failure_);
  }
  refresh_writable();
  return tl::unexpected(to_error(status, "sync the log"));
}

result<std::optional<document_info>> store::impl::lookup(std::string_view name) {
  if (const auto cached = cache_.find(name); cached != cache_.end()) return cached->second;
  return find(name);
}

void store::impl::cache(const document_info& info) {
  if (cache_.size() >= cached_documents_max) cache_.clear();
  cache_.insert_or_assign(info.name, info);
}

// Their bytes, if all are acceptable. What a shard's log holds was acceptable where it was taken, and may not be
// refused here: replicas would differ.
result<std::uint64_t> store::impl::check_appends(std::span<const append> appends, std::size_t update_bytes_max) const {
  std::uint64_t bytes = 0;
  for (const auto& item : appends) {
    if (!is_valid_name(item.document)) {
      return fail(errc::invalid_argument, "a document's name is 1 to " + std::to_string(max_name_bytes) +
                                              " bytes of UTF-8; this one is " +
                                              quote_name(item.document.substr(0, 64)));
    }
    if (item.user.size() > max_user_bytes) {
      return fail(errc::limit_exceeded, "the user of an update to " + quote_name(item.document) + " has " +
                                            std::to_string(item.user.size()) +
                                            " bytes; the limit (max_user_bytes) is " + std::to_string(max_user_bytes));
    }
    if (item.update.size() > update_bytes_max) {
      return fail(errc::limit_exceeded,
                  "an update to " + quote_name(item.document) + " has " + std::to_string(item.update.size()) +
                      " bytes; the limit (max_update_bytes) is " + std::to_string(update_bytes_max));
    }
    bytes += item.update.size() + item.user.size();
  }
  return bytes;
}

store::impl::pending_document& store::impl::add_pending(planned_commit& plan, std::string_view name,
                                                        std::optional<document_info> info) const {
  // A deque leaves its elements where they are, and with them the names that the map looks at.
  auto& document = plan.documents.emplace_back();
  document.name = name;
  document.info = std::move(info);
  plan.by_name.emplace(document.name, &document);
  return document;
}

result<store::impl::pending_document*> store::impl::pending(planned_commit& plan, std::string_view name) {
  if (const auto known = plan.by_name.find(name); known != plan.by_name.end()) return known->second;
  auto found = lookup(name);
  if (!found) return tl::unexpected(found.error());
  return &add_pending(plan, name, std::move(*found));
}

// `item` must live until the plan is carried out. A document of a shard is written to by the shard's replica alone:
// another writer's update would be one that the other replicas lack. Where documents may be ahead of the log, what does
// not follow is left out: they hold it already, or it goes with a removal that is still to come.
result<void> store::impl::plan_append(planned_commit& plan, const append& item, std::optional<std::uint32_t> shard,
                                      bool may_be_ahead) {
  auto found = pending(plan, item.document);
  if (!found) return tl::unexpected(found.error());
  auto& document = **found;
  const bool is_others = document.info && document.info->shard && document.info->shard != shard;
  const auto last = document.info ? document.info->last_seq : 0;
  if (may_be_ahead && !is_others && item.seq != last + 1) return {};
  if (!document.info) {
    auto& made = document.info.emplace();
    made.name = document.name;
    made.id = plan.next.next_id++;
    made.created_ms = item.time_ms;
    ++plan.next.documents;
    document.is_new = true;
  }
  auto& info = *document.info;
  // One that is set aside on this disk may be well on the others, and its log goes on as theirs does.
  if (info.is_quarantined() && !shard) {
    return fail(errc::quarantined,
                "the document " + quote_name(info.name) + " is set aside: " + info.quarantine_reason);
  }
  if (info.shard && info.shard != shard) {
    return fail(errc::internal, "the document " + quote_name(info.name) + " belongs to shard " +
                                    std::to_string(*info.shard) + ", and " +
                                    (shard ? "shard " + std::to_string(*shard) : "somebody without a shard") +
                                    " wants to write to it");
  }
  if (item.seq != info.last_seq + 1) {
    return fail(errc::internal, "update " + std::to_string(item.seq) + " of " + quote_name(info.name) +
                                    " does not follow its last one, " + std::to_string(info.last_seq) +
                                    ": is somebody else writing to it?");
  }
  document.is_changed = true;
  document.joins_shard = document.joins_shard || info.shard != shard;
  info.shard = shard;
  info.last_seq = item.seq;
  info.updated_ms = item.time_ms;
  ++info.log_records;
  info.log_bytes += item.update.size();
  plan.puts.emplace_back([this, id = info.id, &item](rocksdb::WriteBatch& batch) {
    const auto key = log_key(id, item.seq);
    batch.Put((*db_)[family::log], key, encode_record(key, item.time_ms, item.user, item.update));
  });
  return {};
}

result<void> store::impl::carry_out(planned_commit plan) {
  auto items = std::move(plan.removed);
  for (const auto& document : plan.documents) {
    if (!document.is_changed || !document.info) continue;
    items.push_back({document.info->id, document.info->last_seq,
                     document.is_new ? touch_kind::created : touch_kind::appended,
                     document.is_new ? document.name : std::string()});
  }
  if (plan.touches_shards || !plan.shards.empty()) items.push_back({shards_touched, 0, touch_kind::changed, {}});
  auto written = write(std::move(items), plan.next, true, [&](rocksdb::WriteBatch& batch) {
    for (const auto& put : plan.puts) put(batch);
    for (const auto& document : plan.documents) {
      if (!document.is_changed || !document.info) continue;
      put_info(batch, *document.info, document.is_new);
      if (!document.joins_shard) continue;
      const auto key = shard_document_key(*document.info->shard, document.name);
      batch.Put((*db_)[family::shards], key, encode_number(key, document.info->id));
    }
  });
  if (!written) return written;
  for (const auto& document : plan.documents) {
    if (document.info) {
      cache(*document.info);
    } else if (const auto cached = cache_.find(document.name); cached != cache_.end()) {
      cache_.erase(cached);
    }
  }
  for (const auto copy : plan.dropped_copies) copies_.erase(copy);
  for (const auto& [shard, extent] : plan.shards) extents_.insert_or_assign(shard, extent);
  return {};
}

result<void> store::impl::commit(std::span<const append> appends) {
  if (appends.empty()) return {};
  const auto bytes = check_appends(appends, options_.max_update_bytes);
  if (!bytes) return tl::unexpected(bytes.error());
  const std::lock_guard guard(write_mutex_);
  if (auto ready = ready_to_write(*bytes); !ready) return ready;
  planned_commit plan(state_);
  for (const auto& item : appends) {
    if (auto planned = plan_append(plan, item, std::nullopt); !planned) return planned;
  }
  return carry_out(std::move(plan));
}

}  // namespace octavo::storage
