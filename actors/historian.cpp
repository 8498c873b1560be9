#include "actors/historian.hpp"

#include <algorithm>
#include <caf/spawn_options.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <deque>

#include "actors/clock.hpp"
#include "actors/document.hpp"
#include "actors/logger.hpp"
#include "actors/versions.hpp"
#include "crdt/diff.hpp"

namespace octavo::actors {

namespace {

/// Longer than any history.
constexpr auto longest_gap_ms = std::int64_t{1} << 50;

result<storage::document_info> info_of(const storage::store& store, const std::string& name) {
  auto found = store.find(name);
  if (!found) return tl::unexpected{found.error()};
  if (!*found) return fail(errc::not_found, "there is no document of this name, or nothing of it is durable yet");
  return std::move(**found);
}

/// The version that a request means.
result<std::uint64_t> resolve(const storage::store& store, const std::string& name, std::uint64_t version) {
  if (version != present) return version;
  auto info = info_of(store, name);
  if (!info) return tl::unexpected{info.error()};
  return info->last_seq;
}

crdt::history_options history_options_of(const document_options& options) {
  auto made = crdt::history_options{};
  made.document = document_state::content_options(options);
  made.max_edits = options.history_edits_max;
  return made;
}

}  // namespace

result<payload> read_version(const storage::store& store, const std::string& name, const read_request& what,
                             const document_options& options) {
  auto version = resolve(store, name, what.version);
  if (!version) return tl::unexpected{version.error()};
  auto document = document_at(store, name, *version, document_state::content_options(options));
  if (!document) return tl::unexpected{document.error()};
  auto text = read(*document, what, options.read_bytes_max);
  if (!text) return tl::unexpected{text.error()};
  return payload{std::move(*text)};
}

result<history_listing> list_history(const storage::store& store, const std::string& name, const history_request& what,
                                     const document_options& options) {
  auto info = info_of(store, name);
  if (!info) return tl::unexpected{info.error()};
  auto versions = store.list_versions(name);
  if (!versions) return tl::unexpected{versions.error()};
  auto listing = history_listing{};
  listing.first_seq = info->first_seq;
  listing.last_seq = info->last_seq;
  for (auto& each : *versions)
    listing.versions.push_back({std::move(each.label), each.seq, each.time_ms, std::move(each.user)});
  auto limit = std::min<std::uint64_t>(what.limit, options.history_entries_max);
  auto newest = std::deque<log_entry>{};
  auto keep = [&](const log_entry& entry) {
    newest.push_back(entry);
    if (newest.size() <= limit) return;
    newest.pop_front();
    listing.more = true;
  };
  auto gap_ms = std::clamp<std::int64_t>(what.gap_ms, -1, longest_gap_ms);
  auto done =
      list_entries(store, name, std::max(what.from, info->first_seq), std::min(what.to, info->last_seq), gap_ms, keep);
  if (!done) return tl::unexpected{done.error()};
  listing.entries.assign(std::make_move_iterator(newest.begin()), std::make_move_iterator(newest.end()));
  return listing;
}

result<payload> compare_versions(const storage::store& store, const std::string& name, const diff_request& what,
                                 const document_options& options) {
  auto from = resolve(store, name, what.from);
  auto to = resolve(store, name, what.to);
  if (!from || !to) return tl::unexpected{from ? to.error() : from.error()};
  if (*from > *to) std::swap(*from, *to);
  auto history = history_between(store, name, *from, *to, history_options_of(options));
  if (!history) return tl::unexpected{history.error()};
  if (!what.root.empty()) {
    auto roots = history->content().root_names();
    if (std::ranges::find(roots, what.root) == roots.end())
      return fail(errc::not_found, "the document has no root " + printable(what.root));
  }
  auto compared = diff_versions(*history, *from, *to);
  if (!compared) return fail(errc::internal, to_string(compared.error()));
  if (!what.root.empty()) crdt::keep_root(*compared, what.root);
  auto text = std::string{};
  crdt::append_diff_json(*compared, text);
  if (text.size() > options.read_bytes_max)
    return fail(errc::limit_exceeded, too_large_to_read(options.read_bytes_max));
  return payload::copy_of(text);
}

namespace {

result<payload> restore(const storage::store& store, const std::string& name, std::uint64_t version,
                        const document_options& options) {
  auto now = resolve(store, name, present);
  if (!now) return tl::unexpected{now.error()};
  if (version == present) version = *now;
  if (version > *now)
    return fail(errc::not_found,
                "there is no version " + std::to_string(version) + " yet: the last one is " + std::to_string(*now));
  auto history = history_between(store, name, version, *now, history_options_of(options));
  if (!history) return tl::unexpected{history.error()};
  auto update = restoring_update(*history, version);
  if (!update) return tl::unexpected{update.error()};
  return payload{std::move(*update)};
}

class historian_impl {
 public:
  static inline const char* name = "octavo.historian";

  historian_impl(historian_actor::pointer, const storage::store& store, document_options options)
      : store_(store), options_(options) {}

  historian_actor::behavior_type make_behavior() {
    return {
        [this](version_atom, const look_back& from, std::uint64_t version) {
          return answer<older_document>(from, [&]() -> result<older_document> {
            auto older = document_at(store_, from.document, version, document_state::content_options(options_));
            if (!older) return tl::unexpected{older.error()};
            return older_document{std::make_shared<crdt::document>(std::move(*older))};
          });
        },
        [this](read_atom, const look_back& from, const read_request& what) {
          return answer<payload>(from, [&] { return read_version(store_, from.document, what, options_); });
        },
        [this](history_atom, const look_back& from, const history_request& what) {
          return answer<history_listing>(from, [&] { return list_history(store_, from.document, what, options_); });
        },
        [this](diff_atom, const look_back& from, const diff_request& what) {
          return answer<payload>(from, [&] { return compare_versions(store_, from.document, what, options_); });
        },
        [this](restore_atom, const look_back& from, std::uint64_t version) {
          return answer<payload>(from, [&] { return restore(store_, from.document, version, options_); });
        },
    };
  }

 private:
  /// What a piece of work makes. Its exceptions must not end the actor that others rely on.
  template <class T, class Work>
  caf::result<T> answer(const look_back& from, Work work) {
    // Nobody waits for it any more.
    if (steady_now_ms() > from.until_ms) return make_error(error{errc::unavailable, "too many look back: ask later"});
    try {
      auto made = work();
      if (!made) return make_error(made.error());
      return std::move(*made);
    } catch (const std::exception& thrown) {
      logger().error("looking back failed: {}", thrown.what());
      return make_error(error{errc::internal, std::string{"looking back failed: "} + thrown.what()});
    }
  }

  const storage::store& store_;
  document_options options_;
};

}  // namespace

historian_actor spawn_historian(caf::actor_system& system, const storage::store& store, document_options options) {
  return system.spawn<historian_actor::stateful_impl<historian_impl>, caf::detached>(std::cref(store), options);
}

}  // namespace octavo::actors
