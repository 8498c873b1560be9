// What a shard was at one moment, and its documents in parts. Each read begins anew from a cursor that says all there
// is to know: a view keeps nothing between two of them but the moment.
#include <rocksdb/iterator.h>

#include <algorithm>

#include "storage/codec.hpp"
#include "storage/shard_copy.hpp"
#include "storage/store_impl.hpp"

namespace octavo::storage {

namespace {

// What a part takes beside its bytes.
constexpr std::size_t part_overhead_bytes = 64;

// One page of a document's parts, as they lie on the disk, kind by kind.
class part_reader {
 public:
  part_reader(const database& db, const rocksdb::Snapshot* at, const document_info& info, std::size_t max_bytes)
      : db_(db), at_(at), info_(info), max_bytes_(max_bytes) {}

  result<part_page> read_all(part_cursor from) {
    for (;;) {
      if (auto read = read_kind(from); !read) return tl::unexpected(read.error());
      if (page_.next || from.kind == part_kind::quarantined) return std::move(page_);
      from = {static_cast<part_kind>(static_cast<std::uint8_t>(from.kind) + 1), 0, 0, 0};
    }
  }

  result<part_page> read_records(std::uint64_t first) {
    if (auto read = add_records(first); !read) return tl::unexpected(read.error());
    return std::move(page_);
  }

 private:
  result<void> read_kind(const part_cursor& from) {
    switch (from.kind) {
      case part_kind::snapshot:
        return add_snapshots(from);
      case part_kind::record:
        return add_records(from.seq);
      case part_kind::version:
        return add_versions(from);
      case part_kind::quarantined:
        return add_quarantined(from.seq);
    }
    return no_such_cursor();
  }

  tl::unexpected<error> no_such_cursor() const {
    return fail(errc::invalid_argument, "reading " + quote_name(info_.name) + " cannot go on where it should");
  }
  tl::unexpected<error> damaged(const std::string& what) const {
    return fail(errc::corrupt, what + " of " + quote_name(info_.name) + " is damaged or missing");
  }

  // Whether a part of so many bytes goes into this page; otherwise the next one begins with it.
  bool take(std::size_t bytes, const part_cursor& place) {
    bytes += part_overhead_bytes;
    if (!page_.parts.empty() && taken_bytes_ + bytes > max_bytes_) {
      page_.next = place;
      return false;
    }
    taken_bytes_ += bytes;
    return true;
  }

  std::unique_ptr<database::range> iterate(family which, std::uint64_t first) const {
    return db_.iterate(which, log_key(info_.id, first), end_of_document(info_.id), at_, true);
  }

  // The pieces of one state from the cursor on. `part` is what all of them carry.
  result<void> add_pieces(part_cursor from, std::uint64_t place, const snapshot_header& header, document_part part,
                          const std::string& what) {
    const bool is_inside = from.offset < header.state_bytes || from.offset == 0;
    if (!is_inside || from.offset % snapshot_chunk_bytes != 0) return no_such_cursor();
    part.state_bytes = header.state_bytes;
    do {
      const auto length = std::min<std::uint64_t>(snapshot_chunk_bytes, header.state_bytes - from.offset);
      if (!take(length + part.user.size() + part.text.size(), from)) return {};
      part.offset = from.offset;
      part.data.clear();
      if (length > 0) {
        const auto key = piece_key(info_.id, place, static_cast<std::uint32_t>(from.offset / snapshot_chunk_bytes));
        const auto sealed = db_.get(family::pieces, key, at_, true);
        if (!sealed && sealed.error().code != errc::not_found) return tl::unexpected(sealed.error());
        const auto piece = sealed ? unseal(key, *sealed) : std::nullopt;
        if (!piece || piece->size() != length) return damaged(what);
        const auto view = as_bytes(*piece);
        part.data.assign(view.begin(), view.end());
        from.crc = crc32c(*piece, from.crc);
      }
      from.offset += length;
      if (from.offset == header.state_bytes && from.crc != header.state_crc) return damaged(what);
      page_.parts.push_back(part);
    } while (from.offset < header.state_bytes);
    return {};
  }

  result<void> add_snapshots(const part_cursor& from) {
    const auto range = iterate(family::snapshots, from.seq);
    auto& it = *range->it;
    auto wanted = from;
    for (it.SeekToFirst(); it.Valid(); it.Next(), wanted = {}) {
      const auto key = to_view(it.key());
      const auto header = decode_snapshot_header(key, to_view(it.value()));
      if (!header || key.size() != 16) return damaged("the header of a snapshot");
      const auto seq = get_u64_be(key.data() + 8);
      if (wanted.offset > 0 && wanted.seq != seq) return no_such_cursor();
      document_part part;
      part.kind = part_kind::snapshot;
      part.seq = seq;
      part.time_ms = header->time_ms;
      auto added = add_pieces({part_kind::snapshot, seq, wanted.offset, wanted.crc}, seq, *header, std::move(part),
                              "the snapshot at update " + std::to_string(seq));
      if (!added || page_.next) return added;
    }
    return read_through(it, "the snapshots");
  }

  // It stops at the last one instead of looking for one more: see store::impl::load_records().
  result<void> add_records(std::uint64_t first) {
    auto expected = std::max(first, info_.first_seq);
    if (expected > info_.last_seq) return {};
    const auto range = iterate(family::log, expected);
    auto& it = *range->it;
    for (it.SeekToFirst(); it.Valid(); it.Next()) {
      const auto record = decode_record(to_view(it.key()), to_view(it.value()));
      if (!record || record->seq != expected) break;
      if (!take(record->update.size() + record->user.size(), {part_kind::record, expected, 0, 0})) return {};
      auto& part = page_.parts.emplace_back();
      part.kind = part_kind::record;
      part.seq = expected;
      part.time_ms = record->time_ms;
      part.user = record->user;
      part.data.assign(record->update.begin(), record->update.end());
      if (expected == info_.last_seq) return {};
      ++expected;
    }
    if (auto read = read_through(it, "the updates"); !read) return read;
    return damaged("update " + std::to_string(expected));
  }

  result<void> add_versions(const part_cursor& from) {
    const auto range = iterate(family::versions, from.seq);
    auto& it = *range->it;
    auto wanted = from;
    for (it.SeekToFirst(); it.Valid(); it.Next(), wanted = {}) {
      const auto key = to_view(it.key());
      const auto view = decode_version(key, to_view(it.value()));
      if (!view) return damaged("a named version");
      const auto n = get_u64_be(key.data() + 8);
      if (wanted.offset > 0 && wanted.seq != n) return no_such_cursor();
      document_part part;
      part.kind = part_kind::version;
      part.seq = view->seq;
      part.time_ms = view->state.time_ms;
      part.user = view->user;
      part.text = view->label;
      auto added = add_pieces({part_kind::version, n, wanted.offset, wanted.crc}, version_pieces | n, view->state,
                              std::move(part), "the version " + quote_name(view->label));
      if (!added || page_.next) return added;
    }
    return read_through(it, "the named versions");
  }

  result<void> add_quarantined(std::uint64_t first) {
    const auto range = iterate(family::quarantine, first);
    auto& it = *range->it;
    for (it.SeekToFirst(); it.Valid(); it.Next()) {
      const auto key = to_view(it.key());
      const auto view = decode_quarantine(key, to_view(it.value()));
      if (!view || key.size() != 16) return damaged("a quarantined update");
      const auto number = get_u64_be(key.data() + 8);
      if (!take(view->update.size() + view->user.size() + view->reason.size(),
                {part_kind::quarantined, number, 0, 0})) {
        return {};
      }
      auto& part = page_.parts.emplace_back();
      part.kind = part_kind::quarantined;
      part.seq = number;
      part.time_ms = view->time_ms;
      part.user = view->user;
      part.text = view->reason;
      part.data.assign(view->update.begin(), view->update.end());
    }
    return read_through(it, "the quarantine");
  }

  result<void> read_through(const rocksdb::Iterator& it, const std::string& what) const {
    if (it.status().ok()) return {};
    return tl::unexpected(to_error(it.status(), "read " + what + " of " + quote_name(info_.name)));
  }

  const database& db_;
  const rocksdb::Snapshot* at_;
  const document_info& info_;
  const std::size_t max_bytes_;
  std::size_t taken_bytes_ = 0;
  part_page page_;
};

}  // namespace

class shard_view::impl {
 public:
  impl(const store::impl& from, database& base) : owner(from), db(base), at(base) {}

  const store::impl& owner;
  database& db;
  const pinned at;
  stored_shard shard;
};

shard_view::shard_view(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
shard_view::~shard_view() = default;

const stored_shard& shard_view::shard() const {
  return impl_->shard;
}

result<std::vector<stored_entry>> shard_view::entries() const {
  return impl_->owner.read_shard(impl_->shard.shard, impl_->at.get());
}

result<page> shard_view::list(std::string_view after, std::size_t limit) const {
  return impl_->owner.list_shard_documents(impl_->shard.shard, after, limit, impl_->at.get());
}

result<part_page> shard_view::read(std::string_view name, std::uint64_t after_seq, part_cursor cursor,
                                   std::size_t max_bytes) const {
  const auto found = impl_->owner.find(name, impl_->at.get());
  if (!found) return tl::unexpected(found.error());
  if (!*found || (*found)->shard != impl_->shard.shard) return no_document(name);
  const auto& info = **found;
  part_reader reader(impl_->db, impl_->at.get(), info, max_bytes);
  if (after_seq == 0) return reader.read_all(cursor);
  if (after_seq + 1 < info.first_seq) {
    return fail(errc::not_found, "the log of " + quote_name(name) + " is kept from update " +
                                     std::to_string(info.first_seq) + " on, and those after " +
                                     std::to_string(after_seq) + " are asked for");
  }
  const auto first = cursor.kind == part_kind::record ? cursor.seq : 0;
  return after_seq < info.last_seq ? reader.read_records(std::max(first, after_seq + 1)) : part_page{};
}

result<std::unique_ptr<shard_view>> store::impl::view_shard(std::uint32_t shard) const {
  auto made = std::make_unique<shard_view::impl>(*this, *db_);
  const auto range =
      db_->iterate(family::shards, shard_key(shard, shard_part::note), end_of_shard(shard), made->at.get());
  auto& it = *range->it;
  it.SeekToFirst();
  // Copies under way are nothing yet.
  if (it.Valid() && is_copy_key(to_view(it.key()))) it.Seek(end_of_part(shard, shard_part::copy));
  if (!it.status().ok()) return tl::unexpected(to_error(it.status(), "read shard " + std::to_string(shard)));
  if (!it.Valid()) return fail(errc::not_found, "there is nothing of shard " + std::to_string(shard) + " here");
  auto found = shard_at(shard, made->at.get());
  if (!found) return tl::unexpected(found.error());
  made->shard = std::move(*found);
  return std::make_unique<shard_view>(std::move(made));
}

}  // namespace octavo::storage
