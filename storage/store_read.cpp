// The read path of the store. Each read that takes more than one step works on one RocksDB snapshot, so that a commit
// or a truncation in between does not show.
#include <rocksdb/iterator.h>

#include <algorithm>

#include "storage/codec.hpp"
#include "storage/store_impl.hpp"

namespace octavo::storage {

namespace {

std::string update_name(std::string_view name, std::uint64_t seq) {
  return "update " + std::to_string(seq) + " of " + quote_name(name);
}

}  // namespace

result<std::optional<document_info>> store::impl::find(std::string_view name, const rocksdb::Snapshot* at) const {
  const auto value = db_->get(family::names, name, at);
  if (!value) {
    if (value.error().code == errc::not_found) return std::nullopt;
    return tl::unexpected(value.error());
  }
  auto info = decode_info(name, *value);
  if (!info) return fail(errc::corrupt, "the metadata of " + quote_name(name) + " is damaged");
  return info;
}

result<void> store::impl::load_snapshot(std::uint64_t id, std::uint64_t seq, bytes& state,
                                        const rocksdb::Snapshot* at) const {
  const auto what = "the snapshot at update " + std::to_string(seq) + " of document " + std::to_string(id);
  const auto header_key = snapshot_key(id, seq);
  const auto value = db_->get(family::snapshots, header_key, at);
  if (!value) return tl::unexpected(value.error());
  const auto header = decode_snapshot_header(header_key, *value);
  if (!header) return fail(errc::corrupt, what + " is damaged (its header)");
  return load_pieces(id, seq, *header, what, state, at);
}

result<void> store::impl::load_pieces(std::uint64_t id, std::uint64_t place, const snapshot_header& header,
                                      const std::string& what, bytes& state, const rocksdb::Snapshot* at) const {
  const auto damaged = [&](const std::string& part) {
    return fail(errc::corrupt, what + " is damaged (" + part + ")");
  };
  std::uint32_t crc = 0;
  for (std::uint32_t number = 0; number < header.pieces; ++number) {
    const auto key = piece_key(id, place, number);
    const auto sealed = db_->get(family::pieces, key, at, true);
    if (!sealed && sealed.error().code != errc::not_found) return tl::unexpected(sealed.error());
    const auto piece = sealed ? unseal(key, *sealed) : std::nullopt;
    if (!piece || piece->size() > header.state_bytes - state.size()) {
      return damaged("piece " + std::to_string(number));
    }
    crc = crc32c(*piece, crc);
    const auto view = as_bytes(*piece);
    state.insert(state.end(), view.begin(), view.end());
  }
  if (state.size() != header.state_bytes || crc != header.state_crc) {
    return damaged("its pieces do not make up the whole");
  }
  return {};
}

result<void> store::impl::load_records(const document_info& info, std::uint64_t after, std::uint64_t last,
                                       const load_visitor& visitor, const rocksdb::Snapshot* at) const {
  auto expected = after + 1;
  const auto range = db_->iterate(family::log, log_key(info.id, expected), log_key(info.id, last + 1), at, true);
  auto& it = *range->it;
  // It stops at the last update instead of looking for one more: the next block may be another document's, and damaged.
  for (it.SeekToFirst(); expected <= last && it.Valid(); ++expected) {
    const auto record = decode_record(to_view(it.key()), to_view(it.value()));
    if (!record) return fail(errc::corrupt, update_name(info.name, expected) + " does not match its checksum");
    if (record->seq != expected) {
      return fail(errc::corrupt, update_name(info.name, expected) + " is missing: the log goes on with " +
                                     std::to_string(record->seq));
    }
    if (visitor.on_record) {
      auto taken = visitor.on_record(record->seq, record->time_ms, record->user, record->update);
      if (!taken) return taken;
    }
    if (expected < last) it.Next();
  }
  if (!it.status().ok()) {
    return tl::unexpected(to_error(it.status(), "read " + update_name(info.name, expected)));
  }
  if (expected != last + 1) {
    return fail(errc::corrupt, update_name(info.name, expected) +
                                   " is missing: the log ends before it, and should end with " + std::to_string(last));
  }
  return {};
}

result<document_info> store::impl::load(std::string_view name, const load_visitor& visitor) const {
  const pinned at(*db_);
  auto found = find(name, at.get());
  if (!found) return tl::unexpected(found.error());
  if (!*found) return fail(errc::not_found, "there is no document " + quote_name(name));
  auto info = std::move(**found);
  if (visitor.on_info) {
    auto taken = visitor.on_info(info);
    if (!taken) return tl::unexpected(taken.error());
  }
  const auto places = snapshots_of(info.id, at.get());
  if (!places) return tl::unexpected(places.error());

  // A damaged snapshot is no loss as long as an older one, or the beginning, is there with all updates since.
  bytes state;
  std::optional<error> damage;
  std::uint64_t base = 0;
  for (auto place = places->rbegin(); place != places->rend() && base == 0; ++place) {
    state.clear();
    auto read = load_snapshot(info.id, place->seq, state, at.get());
    if (read) {
      base = place->seq;
    } else if (read.error().code != errc::corrupt) {
      return tl::unexpected(read.error());
    } else if (!damage) {
      damage = read.error();
    }
  }
  if (damage || base < info.snapshot_seq) {
    // Before anything is handed out: is the log there from this older place on?
    if (base + 1 < info.first_seq || base > info.last_seq) {
      if (damage) return tl::unexpected(*damage);
      return fail(errc::corrupt, "the snapshot at update " + std::to_string(info.snapshot_seq) + " of " +
                                     quote_name(name) + " is missing");
    }
    log().warn("{}; document {} is loaded from update {} on instead",
               damage ? damage->message : "a snapshot is missing", info.id, base);
  }
  if (base > 0 && visitor.on_snapshot) {
    auto taken = visitor.on_snapshot(base, state);
    if (!taken) return tl::unexpected(taken.error());
  }
  state = {};
  auto read = load_records(info, base, info.last_seq, visitor, at.get());
  if (!read) return tl::unexpected(read.error());
  return info;
}

result<std::vector<record>> store::impl::read_log(std::string_view name, std::uint64_t from_seq,
                                                  std::size_t max_records, std::size_t max_bytes) const {
  const pinned at(*db_);
  const auto found = find(name, at.get());
  if (!found) return tl::unexpected(found.error());
  if (!*found) return fail(errc::not_found, "there is no document " + quote_name(name));
  const auto& info = **found;
  std::vector<record> records;
  std::size_t taken_bytes = 0;
  if (from_seq > info.last_seq) return records;
  auto expected = std::max(from_seq, info.first_seq);
  const auto range =
      db_->iterate(family::log, log_key(info.id, expected), log_key(info.id, info.last_seq + 1), at.get());
  auto& it = *range->it;
  for (it.SeekToFirst(); it.Valid() && records.size() < max_records; ++expected) {
    const auto view = decode_record(to_view(it.key()), to_view(it.value()));
    if (!view || view->seq != expected) {
      return fail(errc::corrupt, update_name(name, expected) + " is missing or does not match its checksum");
    }
    taken_bytes += view->update.size();
    if (!records.empty() && taken_bytes > max_bytes) break;
    records.push_back(
        {view->seq, view->time_ms, std::string(view->user), bytes(view->update.begin(), view->update.end())});
    if (expected == info.last_seq) break;
    it.Next();
  }
  if (!it.status().ok()) return tl::unexpected(to_error(it.status(), "read " + update_name(name, expected)));
  return records;
}

result<std::vector<quarantined_update>> store::impl::list_quarantine(std::string_view name) const {
  const pinned at(*db_);
  const auto found = find(name, at.get());
  if (!found) return tl::unexpected(found.error());
  if (!*found) return fail(errc::not_found, "there is no document " + quote_name(name));
  std::vector<quarantined_update> list;
  const auto id = (*found)->id;
  const auto range = db_->iterate(family::quarantine, id_key(id), end_of_document(id), at.get());
  auto& it = *range->it;
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    const auto key = to_view(it.key());
    const auto view = decode_quarantine(key, to_view(it.value()));
    if (!view || key.size() != 16) {
      return fail(errc::corrupt, "a quarantined update of " + quote_name(name) + " does not match its checksum");
    }
    list.push_back({get_u64_be(key.data() + 8), view->time_ms, std::string(view->user), std::string(view->reason),
                    bytes(view->update.begin(), view->update.end())});
  }
  if (!it.status().ok()) return tl::unexpected(to_error(it.status(), "list the quarantine"));
  return list;
}

document_info info_or_damage(std::string_view name, std::string_view value) {
  if (auto info = decode_info(name, value)) return std::move(*info);
  document_info info;
  info.name = name;
  info.quarantine_reason = "its metadata is damaged";
  return info;
}

result<page> store::impl::list(std::string_view prefix, std::string_view after, std::size_t limit) const {
  page found;
  // Names sort by bytes: what comes behind `after` begins with its successor, itself and a zero byte.
  std::string begin(prefix);
  if (after >= prefix) begin = std::string(after) + '\0';
  const auto range = db_->iterate(family::names, std::move(begin), {});
  auto& it = *range->it;
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    const auto name = to_view(it.key());
    if (!name.starts_with(prefix)) break;
    if (found.documents.size() == limit) {
      found.more = true;
      break;
    }
    found.documents.push_back(info_or_damage(name, to_view(it.value())));
  }
  if (!it.status().ok()) return tl::unexpected(to_error(it.status(), "list the documents"));
  return found;
}

}  // namespace octavo::storage
