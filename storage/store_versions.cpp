// Versions of a document: building any that is still kept, and those that have names. A named version has a state of
// its own, which no retention drops: so it needs neither the log nor a snapshot, and both go as they would without it.
#include <rocksdb/iterator.h>

#include <algorithm>

#include "storage/codec.hpp"
#include "storage/store_impl.hpp"

namespace octavo::storage {

namespace {

tl::unexpected<error> gone(const document_info& info, std::uint64_t seq) {
  return fail(errc::not_found, "version " + std::to_string(seq) + " of " + quote_name(info.name) +
                                   " is gone: the log is kept from " + std::to_string(info.first_seq) +
                                   " on; raise the retention, or name the versions that are to stay");
}

}  // namespace

result<std::vector<store::impl::version_place>> store::impl::versions_of(const document_info& info,
                                                                         const rocksdb::Snapshot* at) const {
  std::vector<version_place> places;
  const auto range = db_->iterate(family::versions, id_key(info.id), end_of_document(info.id), at);
  auto& it = *range->it;
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    const auto key = to_view(it.key());
    const auto view = decode_version(key, to_view(it.value()));
    if (!view) {
      return fail(errc::corrupt, "a named version of " + quote_name(info.name) + " does not match its checksum");
    }
    places.push_back(
        {get_u64_be(key.data() + 8),
         {std::string(view->label), view->seq, view->state.time_ms, std::string(view->user), view->state.state_bytes},
         view->state});
  }
  if (!it.status().ok()) return tl::unexpected(to_error(it.status(), "list the named versions"));
  return places;
}

// All states of a document that are stored, the newest first.
result<std::vector<store::impl::base>> store::impl::bases_of(const document_info& info,
                                                             const rocksdb::Snapshot* at) const {
  std::vector<base> all;
  const auto snapshots = snapshots_of(info.id, at);
  if (!snapshots) return tl::unexpected(snapshots.error());
  for (const auto& each : *snapshots) all.push_back({each.seq, 0});
  const auto versions = versions_of(info, at);
  if (!versions) return tl::unexpected(versions.error());
  for (const auto& each : *versions) all.push_back({each.version.seq, each.n});
  std::stable_sort(all.begin(), all.end(), [](const base& left, const base& right) { return left.seq > right.seq; });
  return all;
}

// Reads the first of them that can be read; nothing if there are none. The error is that of the first.
result<std::optional<std::uint64_t>> store::impl::load_base(const document_info& info,
                                                            const std::vector<base>& candidates, bytes& state,
                                                            const rocksdb::Snapshot* at) const {
  std::optional<error> damage;
  for (const auto& each : candidates) {
    state.clear();
    result<void> read;
    if (each.n == 0) {
      read = load_snapshot(info.id, each.seq, state, at);
    } else {
      const auto key = version_key(info.id, each.n);
      const auto value = db_->get(family::versions, key, at);
      if (!value) return tl::unexpected(value.error());
      const auto view = decode_version(key, *value);
      const auto what = "the named version at update " + std::to_string(each.seq) + " of " + quote_name(info.name);
      if (view) {
        read = load_pieces(info.id, version_pieces | each.n, view->state, what, state, at);
      } else {
        read = fail(errc::corrupt, what + " is damaged (its header)");
      }
    }
    if (read) return each.seq;
    if (read.error().code != errc::corrupt) return tl::unexpected(read.error());
    log().warn("{}; another state is looked for", read.error().message);
    if (!damage) damage = read.error();
  }
  if (damage) return tl::unexpected(*damage);
  return std::nullopt;
}

result<document_info> store::impl::load_range(std::string_view name, std::uint64_t from, std::uint64_t to,
                                              const load_visitor& visitor) const {
  const pinned at(*db_);
  auto found = find(name, at.get());
  if (!found) return tl::unexpected(found.error());
  if (!*found) return no_document(name);
  const auto& info = **found;
  if (from > to) return fail(errc::invalid_argument, "a range of versions goes from the older to the newer one");
  if (to > info.last_seq) {
    return fail(errc::not_found, quote_name(name) + " has no version " + std::to_string(to) + " yet: its last one is " +
                                     std::to_string(info.last_seq));
  }
  const auto bases = bases_of(info, at.get());
  if (!bases) return tl::unexpected(bases.error());

  // What can be built on a state: itself, and what follows it as far as the log behind it is there.
  const auto log_follows = [&](std::uint64_t seq) { return seq + 1 >= info.first_seq; };
  std::vector<base> candidates;
  for (const auto& each : *bases)
    if (each.seq == from || (each.seq < from && log_follows(each.seq))) candidates.push_back(each);
  bytes state;
  std::uint64_t seq = 0;
  bool has_state = false;
  const bool from_nothing = from == 0 || log_follows(0);
  if (!from_nothing && candidates.empty()) return gone(info, from);
  auto loaded = load_base(info, candidates, state, at.get());
  if (!loaded && (!from_nothing || loaded.error().code != errc::corrupt)) return tl::unexpected(loaded.error());
  if (loaded && *loaded) {
    seq = **loaded;
    has_state = true;
  }

  bytes behind;
  std::optional<std::uint64_t> jump;
  if (seq < to && !log_follows(seq)) {
    // The state that the log begins behind, or the next one that can be read.
    candidates.clear();
    for (auto each = bases->rbegin(); each != bases->rend(); ++each)
      if (each->seq > seq && each->seq <= to && (each->seq == to || log_follows(each->seq)))
        candidates.push_back(*each);
    if (candidates.empty()) return gone(info, to);
    auto next = load_base(info, candidates, behind, at.get());
    if (!next) return tl::unexpected(next.error());
    jump = *next;
  }

  if (visitor.on_info) {
    if (auto taken = visitor.on_info(info); !taken) return tl::unexpected(taken.error());
  }
  if (has_state && visitor.on_snapshot) {
    if (auto taken = visitor.on_snapshot(seq, state); !taken) return tl::unexpected(taken.error());
  }
  if (jump) {
    seq = *jump;
    if (visitor.on_snapshot) {
      if (auto taken = visitor.on_snapshot(seq, behind); !taken) return tl::unexpected(taken.error());
    }
  }
  state = {};
  behind = {};
  if (seq < to) {
    if (auto read = load_records(info, seq, to, visitor, at.get()); !read) return tl::unexpected(read.error());
  }
  return info;
}

result<void> store::impl::may_be_named(const document_info& info, std::string_view label, std::uint64_t seq,
                                       const std::vector<version_place>& versions) const {
  if (seq > info.last_seq) {
    return fail(errc::invalid_argument, quote_name(info.name) + " has no version " + std::to_string(seq) +
                                            " yet: its last one is " + std::to_string(info.last_seq));
  }
  for (const auto& each : versions) {
    if (each.version.label != label) continue;
    return fail(errc::already_exists, quote_name(info.name) + " has a version " + quote_name(label) +
                                          " already, at update " + std::to_string(each.version.seq));
  }
  if (versions.size() >= max_named_versions) {
    return fail(errc::limit_exceeded, quote_name(info.name) + " has " + std::to_string(versions.size()) +
                                          " named versions, and no more are kept (max_named_versions): remove one");
  }
  return {};
}

result<void> store::impl::put_version(std::string_view name, std::string_view label, std::uint64_t seq,
                                      bytes_view state, std::int64_t time_ms, std::string_view user,
                                      std::uint64_t wanted_id) {
  if (!is_valid_label(label)) {
    return fail(errc::invalid_argument, "a version's label is 1 to " + std::to_string(max_label_bytes) +
                                            " bytes of UTF-8; this one is " + quote_name(label.substr(0, 64)));
  }
  if (user.size() > max_user_bytes) {
    return fail(errc::limit_exceeded, "the user of a version has " + std::to_string(user.size()) +
                                          " bytes; the limit (max_user_bytes) is " + std::to_string(max_user_bytes));
  }
  if (state.size() > max_snapshot_bytes) {
    return fail(errc::limit_exceeded, "the state of " + quote_name(name) + " has " + std::to_string(state.size()) +
                                          " bytes; the limit (max_snapshot_bytes) is " +
                                          std::to_string(max_snapshot_bytes));
  }
  // Snapshots and versions are written one at a time, so that nobody else takes the number meanwhile.
  const std::lock_guard one_at_a_time(snapshot_mutex_);
  std::uint64_t id = 0;
  std::uint64_t n = 1;
  {
    const std::lock_guard guard(write_mutex_);
    const auto found = lookup(name);
    if (!found) return tl::unexpected(found.error());
    if (!*found || is_another(**found, wanted_id)) return no_document(name);
    const auto versions = versions_of(**found);
    if (!versions) return tl::unexpected(versions.error());
    if (auto allowed = may_be_named(**found, label, seq, *versions); !allowed) return allowed;
    if (auto ready = ready_to_write(state.size()); !ready) return ready;
    id = (*found)->id;
    if (!versions->empty()) n = versions->back().n + 1;
  }
  if (auto written = write_pieces(id, version_pieces | n, state); !written) return written;

  const std::lock_guard guard(write_mutex_);
  const auto found = lookup(name);
  if (!found) return tl::unexpected(found.error());
  if (!*found || is_another(**found, id)) {
    if (auto dropped = drop_pieces_of_removed(id); !dropped) return dropped;
    return no_document(name);
  }
  if (auto ready = ready_to_write(0); !ready) return ready;
  version_view view;
  view.seq = seq;
  view.state.time_ms = time_ms;
  view.state.state_bytes = state.size();
  view.state.pieces = static_cast<std::uint32_t>((state.size() + snapshot_chunk_bytes - 1) / snapshot_chunk_bytes);
  view.state.state_crc = crc32c(as_text(state));
  view.user = user;
  view.label = label;
  const auto key = version_key(id, n);
  result<void> collected;
  auto written =
      write({{id, (*found)->last_seq, touch_kind::changed, {}}}, state_, true, [&](rocksdb::WriteBatch& batch) {
        batch.Put((*db_)[family::versions], key, encode_version(key, view));
        // Whatever lies behind is left from a version that was never finished.
        collected =
            delete_range(batch, family::pieces, version_piece_key(id, n, view.state.pieces), end_of_document(id));
      });
  if (!written) return written;
  if (!collected) log().error("what was left of a version could not be dropped: {}", collected.error().message);
  return {};
}

result<std::vector<named_version>> store::impl::list_versions(std::string_view name) const {
  const pinned at(*db_);
  const auto found = find(name, at.get());
  if (!found) return tl::unexpected(found.error());
  if (!*found) return no_document(name);
  auto places = versions_of(**found, at.get());
  if (!places) return tl::unexpected(places.error());
  std::vector<named_version> list;
  for (auto& each : *places) list.push_back(std::move(each.version));
  std::stable_sort(list.begin(), list.end(),
                   [](const named_version& left, const named_version& right) { return left.seq < right.seq; });
  return list;
}

result<void> store::impl::remove_version(std::string_view name, std::string_view label) {
  // Not while another one is written, which would take the number, and with it the pieces.
  const std::lock_guard one_at_a_time(snapshot_mutex_);
  const std::lock_guard guard(write_mutex_);
  if (auto ready = ready_to_write(0); !ready) return ready;
  const auto found = lookup(name);
  if (!found) return tl::unexpected(found.error());
  if (!*found) return no_document(name);
  const auto id = (*found)->id;
  const auto places = versions_of(**found);
  if (!places) return tl::unexpected(places.error());
  const auto place = std::find_if(places->begin(), places->end(),
                                  [label](const version_place& each) { return each.version.label == label; });
  if (place == places->end()) {
    return fail(errc::not_found, quote_name(name) + " has no version " + quote_name(label));
  }
  // By their numbers, and not by looking for them: pieces that are damaged must go as well.
  return write({{id, (*found)->last_seq, touch_kind::changed, {}}}, state_, true, [&](rocksdb::WriteBatch& batch) {
    batch.Delete((*db_)[family::versions], version_key(id, place->n));
    for (std::uint32_t piece = 0; piece < place->state.pieces; ++piece)
      batch.Delete((*db_)[family::pieces], version_piece_key(id, place->n, piece));
  });
}

}  // namespace octavo::storage
