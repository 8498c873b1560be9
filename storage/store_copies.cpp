// Copies of documents under way. All of a document is filed under its number, so that the parts of a copy are put under
// one that no document has, where nobody looks; the last commit alone makes a document of them. A key in "shards" says
// of each copy under way that it is none yet, and comes with every commit of its parts: whatever a power cut leaves of
// these, the key is there too, and the next start finds it.
#include <rocksdb/iterator.h>

#include <algorithm>

#include "storage/codec.hpp"
#include "storage/store_impl.hpp"

namespace octavo::storage {

namespace {

tl::unexpected<error> no_copy(std::uint64_t copy) {
  return fail(errc::not_found, "there is no copy " + std::to_string(copy) + " under way");
}

void put_state_header(rocksdb::WriteBatch& batch, const database& db, std::uint64_t id, const document_part& part,
                      std::uint64_t place, const snapshot_header& header) {
  if (part.kind == part_kind::snapshot) {
    const auto key = snapshot_key(id, place);
    batch.Put(db[family::snapshots], key, encode_snapshot_header(key, header));
  } else {
    const auto key = version_key(id, place & ~version_pieces);
    batch.Put(db[family::versions], key, encode_version(key, {part.seq, header, part.user, part.text}));
  }
}

void put_part(rocksdb::WriteBatch& batch, const database& db, std::uint64_t id, const document_part& part,
              const copy_progress::piece_place& place) {
  switch (part.kind) {
    case part_kind::snapshot:
    case part_kind::version:
      if (!part.data.empty()) {
        const auto key = piece_key(id, place.place, place.number);
        std::string value(as_text(part.data));
        seal(key, value);
        batch.Put(db[family::pieces], key, to_slice(value));
      }
      if (place.whole) put_state_header(batch, db, id, part, place.place, *place.whole);
      break;
    case part_kind::record: {
      const auto key = log_key(id, part.seq);
      batch.Put(db[family::log], key, encode_record(key, part.time_ms, part.user, part.data));
      break;
    }
    case part_kind::quarantined: {
      const auto key = quarantine_key(id, part.seq);
      batch.Put(db[family::quarantine], key, encode_quarantine(key, {part.time_ms, part.user, part.text, part.data}));
      break;
    }
  }
}

}  // namespace

void store::impl::put_copy_key(rocksdb::WriteBatch& batch, std::uint32_t shard, std::uint64_t copy) const {
  const auto key = shard_copy_key(shard, copy);
  batch.Put((*db_)[family::shards], key, encode_opaque(key, {}));
}

void store::impl::put_copy_removal(rocksdb::WriteBatch& batch, std::uint32_t shard, std::uint64_t copy) const {
  batch.Delete((*db_)[family::shards], shard_copy_key(shard, copy));
  // A recovery may have made a document of it, where its last commit was damaged.
  const auto document = db_->get(family::ids, id_key(copy));
  if (document || document.error().code != errc::not_found) return;
  const auto range = db_->iterate(family::log, id_key(copy), end_of_document(copy), nullptr, true);
  auto& it = *range->it;
  it.SeekToFirst();
  if (it.Valid() && it.key().size() == 16) {
    const auto first = get_u64_be(it.key().data() + 8);
    it.SeekToLast();
    if (it.Valid() && it.key().size() == 16) {
      delete_numbered(batch, family::log, id_key(copy), first, get_u64_be(it.key().data() + 8));
    }
  }
  // What cannot be read cannot be listed; a range deletion need not read.
  if (!it.status().ok()) batch.DeleteRange((*db_)[family::log], id_key(copy), end_of_document(copy));
  for (const auto which : {family::snapshots, family::pieces, family::quarantine, family::versions}) {
    auto dropped = delete_range(batch, which, id_key(copy), end_of_document(copy));
    if (!dropped) batch.DeleteRange((*db_)[which], id_key(copy), end_of_document(copy));
  }
}

result<std::vector<store::impl::copy_key>> store::impl::list_copies() const {
  std::vector<copy_key> all;
  const auto range = db_->iterate(family::shards, {}, {});
  auto& it = *range->it;
  for (it.SeekToFirst(); it.Valid();) {
    const auto key = decode_shard_key(to_view(it.key()));
    if (!key) {
      it.Next();  // the check reports it
    } else if (key->part < shard_part::copy) {
      it.Seek(shard_key(key->shard, shard_part::copy));
    } else if (key->part == shard_part::copy) {
      all.push_back({key->shard, get_u64_be(key->rest.data())});
      it.Next();
    } else {
      it.Seek(end_of_shard(key->shard));
    }
  }
  if (!it.status().ok()) return tl::unexpected(to_error(it.status(), "list the copies under way"));
  return all;
}

// Those of a store that was closed before they were finished. They harm nobody where they cannot be dropped: the next
// start tries it again.
void store::impl::drop_unfinished_copies() {
  if (options_.read_only) return;
  const std::lock_guard guard(write_mutex_);
  const auto all = list_copies();
  if (!all) return log().warn("copies that were not finished may be left: {}", all.error().message);
  for (const auto& [shard, copy] : *all) {
    result<void> dropped = ready_to_write(0);
    if (dropped) dropped = remove_copy(shard, copy);
    if (!dropped) return log().warn("a copy that was not finished is left: {}", dropped.error().message);
  }
  if (!all->empty()) log().info("dropped {} copies of documents that were not finished", all->size());
}

// Not synced: where a power cut takes this, the next start does it again.
result<void> store::impl::remove_copy(std::uint32_t shard, std::uint64_t copy) {
  return write({{copy, 0, touch_kind::changed, {}}, {shards_touched, 0, touch_kind::changed, {}}}, state_, false,
               [&](rocksdb::WriteBatch& batch) { put_copy_removal(batch, shard, copy); });
}

result<std::uint64_t> store::impl::begin_copy(std::uint32_t shard, std::optional<std::uint64_t> as_of) {
  const std::lock_guard guard(write_mutex_);
  if (auto ready = ready_to_write(0); !ready) return tl::unexpected(ready.error());
  if (copies_.size() >= max_copies) {
    return fail(errc::limit_exceeded,
                std::to_string(copies_.size()) + " copies of documents are under way, and no more may be (max_copies)");
  }
  auto next = state_;
  const auto number = next.next_id++;
  // Every commit that follows says which number is next, so that this one need not be synced for itself.
  auto written = write({{shards_touched, 0, touch_kind::changed, {}}}, next, false,
                       [&](rocksdb::WriteBatch& batch) { put_copy_key(batch, shard, number); });
  if (!written) return tl::unexpected(written.error());
  copies_.insert_or_assign(number, copy_under_way{shard, as_of, state_.commit, {}});
  return number;
}

result<void> store::impl::add_to_copy(std::uint64_t copy, std::span<const document_part> parts) {
  const std::lock_guard guard(write_mutex_);
  const auto found = copies_.find(copy);
  if (found == copies_.end()) return no_copy(copy);
  if (parts.empty()) return {};
  auto progress = found->second.progress;
  std::vector<copy_progress::piece_place> places;
  places.reserve(parts.size());
  std::uint64_t bytes = 0;
  for (const auto& part : parts) {
    const auto taken = progress.take(part);
    if (!taken) return tl::unexpected(taken.error());
    places.push_back(*taken);
    bytes += part.data.size() + part.user.size() + part.text.size();
  }
  if (auto ready = ready_to_write(bytes); !ready) return ready;
  auto written =
      write({{copy, progress.last_record(), touch_kind::changed, {}}, {shards_touched, 0, touch_kind::changed, {}}},
            state_, false, [&](rocksdb::WriteBatch& batch) {
              put_copy_key(batch, found->second.shard, copy);
              for (std::size_t i = 0; i < parts.size(); ++i) put_part(batch, *db_, copy, parts[i], places[i]);
            });
  if (!written) return written;
  found->second.progress = std::move(progress);
  found->second.commit = state_.commit;
  return {};
}

// The parts are on the disk before the commit that makes a document of them is written: a power cut during its sync may
// leave it there and not what was written before it, and the document that it replaces would be gone.
result<void> store::impl::finish_copy(std::uint64_t copy, const document_copy& what) {
  const std::lock_guard guard(write_mutex_);
  const auto found = copies_.find(copy);
  if (found == copies_.end()) return no_copy(copy);
  const auto shard = found->second.shard;
  if (const auto as_of = found->second.as_of) {
    const auto extent = known_extent(shard);
    if (!extent) return tl::unexpected(extent.error());
    if (auto fits = check_as_of(shard, *extent, *as_of); !fits) return fits;
  }
  auto info = found->second.progress.finish(what);
  if (!info) {
    drop_copy_locked(copy);
    return tl::unexpected(error{info.error().code, quote_name(what.name) + ": " + info.error().message});
  }
  if (auto ready = ready_to_write(0); !ready) return ready;
  if (options_.sync == sync_mode::always && synced_through_ < found->second.commit) {
    auto synced = write({{shards_touched, 0, touch_kind::changed, {}}}, state_, true,
                        [&](rocksdb::WriteBatch& batch) { put_copy_key(batch, shard, copy); });
    if (!synced) return synced;
  }
  planned_commit plan(state_);
  plan.touches_shards = true;
  auto present = pending(plan, what.name);
  if (!present && present.error().code != errc::corrupt) return tl::unexpected(present.error());
  if (!present || (*present)->info) {
    // One that no shard has yet gives way as well, as it would have joined the first that writes to it.
    const bool is_free = present && !(*present)->info->shard;
    auto planned = plan_removal(plan, what.name, is_free ? std::nullopt : std::optional(shard));
    if (!planned) return planned;
    present = pending(plan, what.name);
    if (!present) return tl::unexpected(present.error());
  }
  auto& document = **present;
  document.info = std::move(*info);
  document.info->id = copy;
  document.info->shard = shard;
  document.is_changed = document.is_new = document.joins_shard = true;
  ++plan.next.documents;
  plan.puts.emplace_back(
      [&](rocksdb::WriteBatch& batch) { batch.Delete((*db_)[family::shards], shard_copy_key(shard, copy)); });
  auto written = carry_out(std::move(plan));
  if (written) copies_.erase(copy);
  return written;
}

void store::impl::drop_copy(std::uint64_t copy) {
  const std::lock_guard guard(write_mutex_);
  drop_copy_locked(copy);
}

// Where the disk is full its parts stay until the next start, and nobody sees them.
void store::impl::drop_copy_locked(std::uint64_t copy) {
  const auto found = copies_.extract(copy);
  if (found.empty()) return;
  result<void> dropped = ready_to_write(0);
  if (dropped) dropped = remove_copy(found.mapped().shard, copy);
  if (!dropped) log().warn("what was copied of a document is left until the next start: {}", dropped.error().message);
}

}  // namespace octavo::storage
