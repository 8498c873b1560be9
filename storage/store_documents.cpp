// What the store does to one document besides appending: snapshots, truncation, quarantine, removal.
#include <rocksdb/iterator.h>

#include <algorithm>

#include "storage/codec.hpp"
#include "storage/store_impl.hpp"

namespace octavo::storage {

namespace {

// Up to this many records are deleted one by one; beyond that one range deletion is cheaper, though each one left in
// the tables slows reads down.
constexpr std::uint64_t point_deletes_max = 4096;

}  // namespace

void store::impl::put_info(rocksdb::WriteBatch& batch, const document_info& info, bool created) const {
  batch.Put((*db_)[family::names], to_slice(info.name), encode_info(info));
  if (!created) return;
  const auto key = id_key(info.id);
  batch.Put((*db_)[family::ids], key, encode_name(key, info.name));
}

result<std::vector<store::impl::snapshot_place>> store::impl::snapshots_of(std::uint64_t id,
                                                                           const rocksdb::Snapshot* at) const {
  std::vector<snapshot_place> places;
  const auto range = db_->iterate(family::snapshots, id_key(id), end_of_document(id), at);
  auto& it = *range->it;
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    const auto key = to_view(it.key());
    if (key.size() != 16) {
      return fail(errc::corrupt, "a key of the snapshots has " + std::to_string(key.size()) + " bytes");
    }
    const auto header = decode_snapshot_header(key, to_view(it.value()));
    places.push_back({get_u64_be(key.data() + 8), header ? header->time_ms : 0, header.has_value()});
  }
  if (!it.status().ok()) return tl::unexpected(to_error(it.status(), "list the snapshots"));
  return places;
}

result<store::impl::log_extent> store::impl::measure_log(std::uint64_t id, std::uint64_t first,
                                                         std::uint64_t last) const {
  log_extent extent;
  if (first > last) return extent;
  const auto range = db_->iterate(family::log, log_key(id, first), log_key(id, last + 1), nullptr, true);
  auto& it = *range->it;
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    const auto record = decode_record(to_view(it.key()), to_view(it.value()));
    ++extent.records;
    if (record) extent.bytes += record->update.size();
  }
  if (!it.status().ok()) return tl::unexpected(to_error(it.status(), "measure the log"));
  return extent;
}

// Deletes keys that are `prefix` and a number, from `first` to `last`.
void store::impl::delete_numbered(rocksdb::WriteBatch& batch, family which, const std::string& prefix,
                                  std::uint64_t first, std::uint64_t last) const {
  if (first > last) return;
  const auto key = [&](std::uint64_t number) {
    auto made = prefix;
    put_u64_be(made, number);
    return made;
  };
  if (last - first < point_deletes_max) {
    for (auto number = first; number <= last; ++number) batch.Delete((*db_)[which], key(number));
  } else {
    batch.DeleteRange((*db_)[which], key(first), key(last + 1));
  }
}

result<void> store::impl::delete_range(rocksdb::WriteBatch& batch, family which, std::string begin,
                                       std::string end) const {
  const auto range = db_->iterate(which, std::move(begin), std::move(end), nullptr, true);
  auto& it = *range->it;
  for (it.SeekToFirst(); it.Valid(); it.Next()) batch.Delete((*db_)[which], it.key());
  if (!it.status().ok()) return tl::unexpected(to_error(it.status(), "find what is to be dropped"));
  return {};
}

// The pieces go before the header, in batches of their own, so that other documents' commits can go between them. The
// last one is written durably, and with it all before it: the header comes with the end of the log that the snapshot
// covers, and a power cut during its sync may leave it on the disk and not what was written before it.
result<void> store::impl::write_pieces(std::uint64_t id, std::uint64_t seq, bytes_view state) {
  std::uint32_t number = 0;
  for (auto rest = as_text(state); !rest.empty();) {
    const auto piece = rest.substr(0, snapshot_chunk_bytes);
    rest.remove_prefix(piece.size());
    const auto key = piece_key(id, seq, number++);
    std::string value(piece);
    seal(key, value);
    const std::lock_guard guard(write_mutex_);
    if (auto ready = ready_to_write(value.size()); !ready) return ready;
    auto written = write({{id, 0, touch_kind::changed, {}}}, state_, rest.empty(),
                         [&](rocksdb::WriteBatch& batch) { batch.Put((*db_)[family::pieces], key, to_slice(value)); });
    if (!written) return written;
  }
  return {};
}

// Pieces that were written while their document was removed must not stay behind.
result<void> store::impl::drop_pieces_of_removed(std::uint64_t id) {
  std::vector<touched> items{{id, 0, touch_kind::removed, {}}};
  result<void> collected;
  return write(std::move(items), state_, false, [&](rocksdb::WriteBatch& batch) {
    collected = delete_range(batch, family::pieces, id_key(id), end_of_document(id));
  });
}

result<void> store::impl::put_snapshot(std::string_view name, std::uint64_t seq, bytes_view state, std::int64_t time_ms,
                                       std::uint64_t wanted_id) {
  if (state.size() > max_snapshot_bytes) {
    return fail(errc::limit_exceeded, "the state of " + quote_name(name) + " has " + std::to_string(state.size()) +
                                          " bytes; the limit (max_snapshot_bytes) is " +
                                          std::to_string(max_snapshot_bytes));
  }
  const std::lock_guard one_at_a_time(snapshot_mutex_);
  std::uint64_t id = 0;
  {
    const std::lock_guard guard(write_mutex_);
    const auto found = lookup(name);
    if (!found) return tl::unexpected(found.error());
    if (!*found || is_another(**found, wanted_id)) return no_document(name);
    const auto& info = **found;
    if (info.is_quarantined()) {
      return fail(errc::quarantined, "the document " + quote_name(name) + " is set aside: " + info.quarantine_reason);
    }
    if (seq == 0 || seq > info.last_seq) {
      return fail(errc::internal, "a snapshot of " + quote_name(name) + " cannot cover update " + std::to_string(seq) +
                                      ", as its last one is " + std::to_string(info.last_seq));
    }
    if (seq <= info.snapshot_seq) return {};
    if (auto ready = ready_to_write(state.size()); !ready) return ready;
    id = info.id;
  }
  if (auto written = write_pieces(id, seq, state); !written) return written;

  const std::lock_guard guard(write_mutex_);
  const auto found = lookup(name);
  if (!found) return tl::unexpected(found.error());
  if (!*found || (*found)->id != id) {
    if (auto dropped = drop_pieces_of_removed(id); !dropped) return dropped;
    return no_document(name);
  }
  if (auto ready = ready_to_write(0); !ready) return ready;
  auto info = **found;
  auto places = snapshots_of(id);
  if (!places) return tl::unexpected(places.error());
  const auto after = measure_log(id, seq + 1, info.last_seq);
  if (!after) return tl::unexpected(after.error());

  snapshot_header header;
  header.time_ms = time_ms;
  header.state_bytes = state.size();
  header.pieces = static_cast<std::uint32_t>((state.size() + snapshot_chunk_bytes - 1) / snapshot_chunk_bytes);
  header.state_crc = crc32c(as_text(state));
  const auto header_key = snapshot_key(id, seq);

  // The log and the snapshots before the newest snapshot that is old enough are past their retention. The log that is
  // kept always begins right behind a snapshot, so that every state since then can be built again.
  // One whose header is damaged is no beginning of anything: it goes with those before it.
  std::erase_if(*places, [&](const auto& place) { return place.seq >= seq || !place.is_readable; });
  places->push_back({seq, time_ms, true});
  std::uint64_t base = 0;
  for (const auto& place : *places) {
    if (place.time_ms <= time_ms - options_.retention_ms.count()) base = std::max(base, place.seq);
  }
  std::erase_if(*places, [&](const auto& place) { return place.seq < base; });
  std::vector<std::uint64_t> thinned;
  while (places->size() > max_kept_snapshots) {
    std::size_t closest = 1;
    for (std::size_t i = 1; i + 1 < places->size(); ++i) {
      const auto gap = [&](std::size_t k) { return (*places)[k + 1].time_ms - (*places)[k - 1].time_ms; };
      if (gap(i) < gap(closest)) closest = i;
    }
    thinned.push_back((*places)[closest].seq);
    places->erase(places->begin() + static_cast<std::ptrdiff_t>(closest));
  }

  const auto first = info.first_seq;
  info.snapshot_seq = seq;
  info.log_records = after->records;
  info.log_bytes = after->bytes;
  info.first_seq = std::max(first, base + 1);
  result<void> collected;
  auto written = write({{id, info.last_seq, touch_kind::changed, {}}}, state_, true, [&](rocksdb::WriteBatch& batch) {
    batch.Put((*db_)[family::snapshots], header_key, encode_snapshot_header(header_key, header));
    const auto drop = [&](result<void> dropped) {
      if (!dropped) collected = std::move(dropped);
    };
    delete_numbered(batch, family::log, id_key(id), first, base);
    // Pieces of a snapshot that was never finished go with those before them.
    if (base > 0) {
      drop(delete_range(batch, family::snapshots, id_key(id), snapshot_key(id, base)));
      drop(delete_range(batch, family::pieces, id_key(id), piece_key(id, base, 0)));
    }
    for (const auto old : thinned) {
      batch.Delete((*db_)[family::snapshots], snapshot_key(id, old));
      drop(delete_range(batch, family::pieces, piece_key(id, old, 0), piece_key(id, old + 1, 0)));
    }
    put_info(batch, info, false);
  });
  if (!written) return written;
  cache(info);
  if (!collected) log().error("an old snapshot could not be dropped: {}", collected.error().message);
  return {};
}

result<void> store::impl::quarantine_update(std::string_view name, std::int64_t time_ms, std::string_view user,
                                            std::string_view reason, bytes_view update, std::uint64_t wanted_id) {
  if (!is_valid_name(name)) return fail(errc::invalid_argument, "not a document's name");
  if (update.size() > max_quarantined_bytes) {
    return fail(errc::limit_exceeded, "an update of " + std::to_string(update.size()) +
                                          " bytes is too large to be kept (max_quarantined_bytes)");
  }
  const std::lock_guard guard(write_mutex_);
  if (auto ready = ready_to_write(update.size()); !ready) return ready;
  auto found = lookup(name);
  if (!found) return tl::unexpected(found.error());
  if (wanted_id != any_document && (!*found || is_another(**found, wanted_id))) return no_document(name);
  auto next = state_;
  document_info info;
  const bool created = !*found;
  if (created) {
    info.name = name;
    info.id = next.next_id++;
    info.created_ms = time_ms;
    info.updated_ms = time_ms;
    ++next.documents;
  } else {
    info = std::move(**found);
  }

  struct kept {
    std::string key;
    std::size_t bytes = 0;
  };
  std::deque<kept> all;
  std::size_t bytes = update.size();
  std::uint64_t number = 1;
  const auto range = db_->iterate(family::quarantine, id_key(info.id), end_of_document(info.id));
  for (range->it->SeekToFirst(); range->it->Valid(); range->it->Next()) {
    const auto key = to_view(range->it->key());
    all.push_back({std::string(key), range->it->value().size()});
    bytes += all.back().bytes;
    if (key.size() == 16) number = get_u64_be(key.data() + 8) + 1;
  }
  if (!range->it->status().ok()) return tl::unexpected(to_error(range->it->status(), "list the quarantine"));

  const auto key = quarantine_key(info.id, number);
  auto written = write(
      {{info.id, info.last_seq, created ? touch_kind::created : touch_kind::changed,
        created ? info.name : std::string()}},
      next, true, [&](rocksdb::WriteBatch& batch) {
        for (; !all.empty() && (all.size() >= max_quarantined_updates || bytes > max_quarantined_bytes);
             all.pop_front()) {
          batch.Delete((*db_)[family::quarantine], all.front().key);
          bytes -= all.front().bytes;
        }
        batch.Put((*db_)[family::quarantine], key,
                  encode_quarantine(
                      key, {time_ms, cut_utf8(user, max_user_bytes), cut_utf8(reason, max_reason_bytes), update}));
        if (created) put_info(batch, info, true);
      });
  if (written && created) cache(info);
  return written;
}

result<void> store::impl::set_quarantine_reason(std::string_view name, std::string_view reason,
                                                std::uint64_t wanted_id) {
  const std::lock_guard guard(write_mutex_);
  if (auto ready = ready_to_write(0); !ready) return ready;
  auto found = lookup(name);
  if (!found) return tl::unexpected(found.error());
  if (!*found || is_another(**found, wanted_id)) return no_document(name);
  auto info = std::move(**found);
  // The first reason names the place of the damage; whoever trips over it later knows less.
  if (info.is_quarantined() && !reason.empty()) return {};
  info.quarantine_reason = cut_utf8(reason, max_reason_bytes);
  auto written = write({{info.id, info.last_seq, touch_kind::changed, {}}}, state_, true,
                       [&](rocksdb::WriteBatch& batch) { put_info(batch, info, false); });
  if (written) cache(info);
  return written;
}

// Where the metadata of a document cannot be read, its number stands in the index of numbers alone. errc::not_found.
result<std::uint64_t> store::impl::number_of(std::string_view name) const {
  const auto range = db_->iterate(family::ids, {}, {}, nullptr, true);
  auto& it = *range->it;
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    const auto key = to_view(it.key());
    const auto found = decode_name(key, to_view(it.value()));
    if (found && *found == name && key.size() == 8) return get_u64_be(key.data());
  }
  if (!it.status().ok()) return tl::unexpected(to_error(it.status(), "read the index of numbers"));
  return no_document(name);
}

void store::impl::put_removal(rocksdb::WriteBatch& batch, const document_info& info, bool is_readable) const {
  batch.Delete((*db_)[family::names], to_slice(info.name));
  batch.Delete((*db_)[family::ids], id_key(info.id));
  if (info.shard) batch.Delete((*db_)[family::shards], shard_document_key(*info.shard, info.name));
  if (is_readable) {
    delete_numbered(batch, family::log, id_key(info.id), info.first_seq, info.last_seq);
  } else {
    batch.DeleteRange((*db_)[family::log], id_key(info.id), end_of_document(info.id));
  }
  for (const auto which : {family::snapshots, family::pieces, family::quarantine, family::versions}) {
    auto dropped = delete_range(batch, which, id_key(info.id), end_of_document(info.id));
    if (!dropped) {
      // What cannot be read cannot be listed; a range deletion need not read.
      batch.DeleteRange((*db_)[which], id_key(info.id), end_of_document(info.id));
    }
  }
}

// Drops everything of a document, also of one whose metadata cannot be read; then `shard` says whose it is.
// errc::not_found.
result<void> store::impl::plan_removal(planned_commit& plan, std::string_view name,
                                       std::optional<std::uint32_t> shard) {
  auto found = pending(plan, name);
  const bool is_readable = found.has_value();
  if (!is_readable) {
    if (found.error().code != errc::corrupt) return tl::unexpected(found.error());
    const auto number = number_of(name);
    if (!number && number.error().code != errc::not_found) return tl::unexpected(number.error());
    log().warn("the document {} is removed, and its metadata cannot be read: {}", quote_name(name),
               found.error().message);
    // Without a number only the name can go; `check` tells what is filed under a number that no document has.
    document_info info;
    info.name = name;
    info.id = number.value_or(0);
    info.shard = shard;
    found = &add_pending(plan, name, std::move(info));
  }
  auto& document = **found;
  if (!document.info) return no_document(name);
  auto& info = *document.info;
  // One that only has a refused update, which is kept for a look, is no shard's yet.
  if (shard && info.shard && info.shard != shard) {
    return fail(errc::internal, "shard " + std::to_string(*shard) + " wants to remove the document " +
                                    quote_name(name) + ", which is none of its own");
  }
  if (info.id != 0) plan.removed.push_back({info.id, info.last_seq, touch_kind::removed, {}});
  plan.next.documents -= std::min<std::uint64_t>(plan.next.documents, 1);
  plan.puts.emplace_back(
      [this, info, is_readable](rocksdb::WriteBatch& batch) { put_removal(batch, info, is_readable); });
  document.info.reset();
  document.is_changed = document.is_new = document.joins_shard = false;
  return {};
}

result<void> store::impl::remove(std::string_view name) {
  const std::lock_guard guard(write_mutex_);
  if (auto ready = ready_to_write(0); !ready) return ready;
  planned_commit plan(state_);
  if (auto planned = plan_removal(plan, name, std::nullopt); !planned) return planned;
  return carry_out(std::move(plan));
}

}  // namespace octavo::storage
