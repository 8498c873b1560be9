// Shards: the steps that their replicas take, and what is kept of them. A step becomes part of one commit like any
// other, so that what the entries made of documents and the note that they did are there together or not at all.
#include <rocksdb/iterator.h>
#include <limits>

#include <algorithm>

#include "storage/codec.hpp"
#include "storage/store_impl.hpp"

namespace octavo::storage {

namespace {

std::string entry_name(std::uint32_t shard, std::uint64_t lsn) {
  return "entry " + std::to_string(lsn) + " of shard " + std::to_string(shard);
}

tl::unexpected<error> damaged(std::uint32_t shard, const std::string& what) {
  return fail(errc::corrupt, what + " of shard " + std::to_string(shard) + " does not match its checksum");
}

tl::unexpected<error> refuse_step(std::uint32_t shard, const std::string& why) {
  return fail(errc::internal, "a step of shard " + std::to_string(shard) + " cannot follow what is there: " + why);
}

std::uint64_t lsn_in(const rocksdb::Iterator& it) {
  const auto key = decode_shard_key(to_view(it.key()));
  return key && key->part == shard_part::entry ? get_u64_be(key->rest.data()) : 0;
}

}  // namespace

result<store::impl::shard_extent> store::impl::extent_of(std::uint32_t shard, const rocksdb::Snapshot* at) const {
  shard_extent extent;
  const auto read_number = [&](shard_part part, const char* what, std::uint64_t& number) -> result<void> {
    const auto key = shard_key(shard, part);
    const auto stored = db_->get(family::shards, key, at);
    if (!stored && stored.error().code == errc::not_found) return {};
    if (!stored) return tl::unexpected(stored.error());
    const auto decoded = decode_number(key, *stored);
    if (!decoded) return damaged(shard, what);
    number = *decoded;
    return {};
  };
  auto read = read_number(shard_part::applied, "the applied lsn", extent.applied);
  if (read) read = read_number(shard_part::ahead, "the lsn that documents may be ahead to", extent.ahead);
  if (!read) return tl::unexpected(read.error());
  extent.mixed = extent.ahead != 0;  // nobody knows
  const auto range =
      db_->iterate(family::shards, shard_key(shard, shard_part::entry), end_of_part(shard, shard_part::entry), at);
  auto& it = *range->it;
  it.SeekToFirst();
  if (it.Valid()) {
    extent.first = lsn_in(it);
    it.SeekToLast();
    if (it.Valid()) extent.last = lsn_in(it);
  }
  if (!it.status().ok()) return tl::unexpected(to_error(it.status(), "read shard " + std::to_string(shard)));
  if (extent.last < extent.first) return fail(errc::corrupt, "a key of shard " + std::to_string(shard) + " is damaged");
  return extent;
}

result<store::impl::shard_extent> store::impl::known_extent(std::uint32_t shard) const {
  const auto cached = extents_.find(shard);
  return cached != extents_.end() ? result<shard_extent>(cached->second) : extent_of(shard);
}

result<void> store::impl::check_as_of(std::uint32_t shard, const shard_extent& extent, std::uint64_t as_of) {
  if (extent.copying == as_of) return {};
  return fail(errc::moved, "documents as of entry " + std::to_string(as_of) + " are of no use to shard " +
                               std::to_string(shard) + " any more, which has applied entries up to " +
                               std::to_string(extent.applied));
}

result<bool> store::impl::is_mixed(std::uint32_t shard) const {
  const std::lock_guard guard(write_mutex_);
  const auto extent = known_extent(shard);
  if (!extent) return tl::unexpected(extent.error());
  return extent->mixed;
}

// The documents of the shard, those that earlier steps of the same commit made or dropped included.
result<void> store::impl::plan_clear(planned_commit& plan, std::uint32_t shard, shard_extent& extent) {
  std::vector<std::string> names;
  for (const auto& document : plan.documents) {
    if (document.info && document.info->shard == shard) names.push_back(document.name);
  }
  const auto range = db_->iterate(family::shards, shard_key(shard, shard_part::document),
                                  end_of_part(shard, shard_part::document), nullptr, true);
  auto& it = *range->it;
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    const auto key = decode_shard_key(to_view(it.key()));
    if (key && !plan.by_name.contains(key->rest)) names.emplace_back(key->rest);
  }
  if (!it.status().ok()) return tl::unexpected(to_error(it.status(), "list the documents of a shard"));
  const auto under_way =
      db_->iterate(family::shards, shard_key(shard, shard_part::copy), end_of_part(shard, shard_part::copy));
  auto& each = *under_way->it;
  std::vector<std::uint64_t> copies;
  for (each.SeekToFirst(); each.Valid(); each.Next()) {
    if (is_copy_key(to_view(each.key()))) copies.push_back(get_u64_be(each.key().data() + 5));
  }
  if (!each.status().ok()) return tl::unexpected(to_error(each.status(), "list the copies of a shard"));
  for (const auto& name : names) {
    auto planned = plan_removal(plan, name, shard);
    if (!planned && planned.error().code != errc::not_found) return planned;
  }
  for (const auto copy : copies) plan.dropped_copies.push_back(copy);
  plan.puts.emplace_back([this, shard, copies = std::move(copies)](rocksdb::WriteBatch& batch) {
    for (const auto copy : copies) put_copy_removal(batch, shard, copy);
    batch.DeleteRange((*db_)[family::shards], shard_key(shard, shard_part::note), end_of_shard(shard));
  });
  extent = {};
  return {};
}

result<void> store::impl::plan_entries(planned_commit& plan, const shard_write& step, shard_extent& extent) const {
  const auto shard = step.shard;
  const auto drop = [&](std::uint64_t first, std::uint64_t last) {
    plan.puts.emplace_back([this, shard, first, last](rocksdb::WriteBatch& batch) {
      delete_numbered(batch, family::shards, shard_key(shard, shard_part::entry), first, last);
    });
  };
  if (step.truncate_after && *step.truncate_after < extent.end()) {
    const auto last = *step.truncate_after;
    if (last < extent.applied) {
      return refuse_step(shard, "entries up to " + std::to_string(extent.applied) + " are applied, and those after " +
                                    std::to_string(last) + " would be truncated");
    }
    drop(std::max(last + 1, extent.first), extent.last);
    extent.last = last;
    if (extent.first > last) extent.first = extent.last = 0;
  }
  for (const auto& entry : step.entries) {
    if (entry.lsn != extent.end() + 1) {
      return refuse_step(shard, "entry " + std::to_string(entry.lsn) + " does not follow the last one, " +
                                    std::to_string(extent.end()));
    }
    if (extent.first == 0) extent.first = entry.lsn;
    extent.last = entry.lsn;
    plan.puts.emplace_back([this, shard, &entry](rocksdb::WriteBatch& batch) {
      const auto key = shard_entry_key(shard, entry.lsn);
      batch.Put((*db_)[family::shards], key, encode_opaque(key, entry.data));
    });
  }
  const auto applied = step.applied.value_or(extent.applied);
  if (applied < extent.applied) {
    return refuse_step(shard, "entries up to " + std::to_string(extent.applied) + " are applied, and " +
                                  std::to_string(applied) + " would be the last of them");
  }
  if (step.drop_until) {
    if (*step.drop_until > applied) {
      return refuse_step(shard, "entries up to " + std::to_string(*step.drop_until) +
                                    " would be dropped, and they are applied only up to " + std::to_string(applied));
    }
    if (extent.first != 0 && *step.drop_until >= extent.first) {
      drop(extent.first, std::min(*step.drop_until, extent.last));
      extent.first = *step.drop_until + 1;
      if (extent.first > extent.last) extent.first = extent.last = 0;
    }
  }
  if (extent.first != 0 && applied > extent.last) {
    return refuse_step(shard, "entries up to " + std::to_string(applied) + " would be applied, and the last one is " +
                                  std::to_string(extent.last));
  }
  extent.applied = applied;
  return {};
}

// It says nothing any more once `applied` has come that far.
void store::impl::plan_ahead(planned_commit& plan, std::uint32_t shard, std::uint64_t ahead,
                             shard_extent& extent) const {
  if (ahead <= extent.applied) ahead = 0;
  if (ahead == extent.ahead) return;
  extent.ahead = ahead;
  plan.puts.emplace_back([this, shard, ahead](rocksdb::WriteBatch& batch) {
    const auto key = shard_key(shard, shard_part::ahead);
    if (ahead == 0) {
      batch.Delete((*db_)[family::shards], key);
    } else {
      batch.Put((*db_)[family::shards], key, encode_number(key, ahead));
    }
  });
}

result<void> store::impl::plan_shard(planned_commit& plan, const shard_write& step) {
  const auto shard = step.shard;
  auto known = plan.shards.find(shard);
  if (known == plan.shards.end()) {
    auto extent = known_extent(shard);
    // One that is damaged can be cleared.
    if (!extent && !(step.clear && extent.error().code == errc::corrupt)) return tl::unexpected(extent.error());
    known = plan.shards.emplace(shard, extent.value_or(shard_extent{})).first;
  }
  auto& extent = known->second;
  if (step.as_of)
    if (auto fits = check_as_of(shard, extent, *step.as_of); !fits) return fits;
  if (step.clear) {
    if (auto cleared = plan_clear(plan, shard, extent); !cleared) return cleared;
  }
  const auto put = [&](std::string key, std::string value) {
    plan.puts.emplace_back([this, key = std::move(key), value = std::move(value)](rocksdb::WriteBatch& batch) {
      batch.Put((*db_)[family::shards], key, to_slice(value));
    });
  };
  if (step.note) {
    const auto key = shard_key(shard, shard_part::note);
    put(key, encode_opaque(key, *step.note));
  }
  if (auto planned = plan_entries(plan, step, extent); !planned) return planned;
  const auto ahead = std::max(extent.ahead, step.ahead.value_or(0));
  plan_ahead(plan, shard, ahead, extent);
  if (step.applied) {
    extent.mixed = extent.ahead != 0;
    extent.copying.reset();
  }
  if (step.copying) extent.copying = step.copying;
  const bool may_be_ahead = step.applied && *step.applied <= ahead;
  for (const auto& item : step.appends) {
    if (auto planned = plan_append(plan, item, shard, may_be_ahead); !planned) return planned;
  }
  for (const auto name : step.removals) {
    auto planned = plan_removal(plan, name, shard);
    if (!planned && planned.error().code != errc::not_found) return planned;
  }
  for (const auto& mark : step.marks) {
    const auto key = shard_mark_key(shard, mark.client);
    put(key, encode_mark(key, mark));
  }
  for (const auto client : step.forgotten_clients) {
    plan.puts.emplace_back([this, key = shard_mark_key(shard, client)](rocksdb::WriteBatch& batch) {
      batch.Delete((*db_)[family::shards], key);
    });
  }
  if (step.applied) {
    const auto key = shard_key(shard, shard_part::applied);
    put(key, encode_number(key, *step.applied));
  }
  return {};
}

result<void> store::impl::commit_shards(std::span<const shard_write> writes) {
  if (writes.empty()) return {};
  std::uint64_t bytes = 0;
  for (const auto& step : writes) {
    const auto appended = check_appends(step.appends, std::numeric_limits<std::size_t>::max());
    if (!appended) return tl::unexpected(appended.error());
    bytes += *appended + (step.note ? step.note->size() : 0);
    for (const auto& entry : step.entries) bytes += entry.data.size();
  }
  const std::lock_guard guard(write_mutex_);
  if (auto ready = ready_to_write(bytes); !ready) return ready;
  planned_commit plan(state_);
  for (const auto& step : writes) {
    if (auto planned = plan_shard(plan, step); !planned) return planned;
  }
  return carry_out(std::move(plan));
}

result<stored_shard> store::impl::shard_at(std::uint32_t number, const rocksdb::Snapshot* at) const {
  stored_shard shard;
  shard.shard = number;
  const auto note_key = shard_key(number, shard_part::note);
  const auto stored = db_->get(family::shards, note_key, at);
  if (stored) {
    const auto note = decode_opaque(note_key, *stored);
    if (!note) return damaged(number, "the note");
    shard.note.assign(note->begin(), note->end());
  } else if (stored.error().code != errc::not_found) {
    return tl::unexpected(stored.error());
  }
  const auto extent = extent_of(number, at);
  if (!extent) return tl::unexpected(extent.error());
  shard.applied = extent->applied;
  shard.ahead = extent->ahead;
  shard.first_lsn = extent->first;
  shard.last_lsn = extent->last;
  return shard;
}

result<std::vector<stored_shard>> store::impl::list_shards() const {
  const pinned at(*db_);
  std::vector<stored_shard> list;
  const auto range = db_->iterate(family::shards, {}, {}, at.get());
  auto& it = *range->it;
  for (it.SeekToFirst(); it.Valid();) {
    const auto key = decode_shard_key(to_view(it.key()));
    if (!key) return fail(errc::corrupt, "a key of the shards is damaged");
    if (key->part == shard_part::copy) {  // it is nothing yet
      it.Seek(end_of_part(key->shard, shard_part::copy));
      continue;
    }
    auto shard = shard_at(key->shard, at.get());
    if (!shard) return tl::unexpected(shard.error());
    list.push_back(std::move(*shard));
    it.Seek(end_of_shard(list.back().shard));
  }
  if (!it.status().ok()) return tl::unexpected(to_error(it.status(), "list the shards"));
  return list;
}

result<std::vector<stored_entry>> store::impl::read_shard(std::uint32_t shard, const rocksdb::Snapshot* at) const {
  const pinned now(*db_);
  if (at == nullptr) at = now.get();
  const auto extent = extent_of(shard, at);
  if (!extent) return tl::unexpected(extent.error());
  std::vector<stored_entry> entries;
  if (extent->first == 0) return entries;
  const auto is_missing = [&](std::uint64_t lsn) {
    return fail(errc::corrupt, entry_name(shard, lsn) + " is missing");
  };
  if (extent->first > extent->applied + 1) return is_missing(extent->applied + 1);
  if (extent->last < extent->applied) return is_missing(extent->last + 1);
  auto expected = extent->first;
  const auto range =
      db_->iterate(family::shards, shard_entry_key(shard, expected), end_of_part(shard, shard_part::entry), at, true);
  auto& it = *range->it;
  for (it.SeekToFirst(); it.Valid(); it.Next(), ++expected) {
    if (lsn_in(it) != expected) return is_missing(expected);
    const auto data = decode_opaque(to_view(it.key()), to_view(it.value()));
    if (!data) return fail(errc::corrupt, entry_name(shard, expected) + " does not match its checksum");
    entries.push_back({expected, bytes(data->begin(), data->end())});
  }
  if (!it.status().ok()) return tl::unexpected(to_error(it.status(), "read " + entry_name(shard, expected)));
  return entries;
}

result<std::vector<client_mark>> store::impl::read_marks(std::uint32_t shard) const {
  std::vector<client_mark> marks;
  const auto range =
      db_->iterate(family::shards, shard_key(shard, shard_part::mark), end_of_part(shard, shard_part::mark));
  auto& it = *range->it;
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    const auto mark = decode_mark(to_view(it.key()), to_view(it.value()));
    if (!mark) return damaged(shard, "the mark of a client");
    marks.push_back(*mark);
  }
  if (!it.status().ok()) return tl::unexpected(to_error(it.status(), "read the marks of clients"));
  std::stable_sort(marks.begin(), marks.end(),
                   [](const client_mark& left, const client_mark& right) { return left.lsn < right.lsn; });
  return marks;
}

result<page> store::impl::list_shard_documents(std::uint32_t shard, std::string_view after, std::size_t limit,
                                               const rocksdb::Snapshot* at) const {
  const pinned now(*db_);
  if (at == nullptr) at = now.get();
  page found;
  auto begin = shard_document_key(shard, after);
  if (!after.empty()) begin.push_back('\0');
  const auto range = db_->iterate(family::shards, std::move(begin), end_of_part(shard, shard_part::document), at);
  auto& it = *range->it;
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    const auto key = decode_shard_key(to_view(it.key()));
    if (!key) return fail(errc::corrupt, "a key of shard " + std::to_string(shard) + " is damaged");
    if (found.documents.size() == limit) {
      found.more = true;
      break;
    }
    const auto value = db_->get(family::names, key->rest, at);
    if (!value && value.error().code == errc::not_found) {
      return fail(errc::corrupt,
                  "the document " + quote_name(key->rest) + " of shard " + std::to_string(shard) + " has no metadata");
    }
    if (!value) return tl::unexpected(value.error());
    found.documents.push_back(info_or_damage(key->rest, *value));
  }
  if (!it.status().ok()) return tl::unexpected(to_error(it.status(), "list the documents of a shard"));
  return found;
}

}  // namespace octavo::storage
