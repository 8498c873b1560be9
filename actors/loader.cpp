#include "actors/loader.hpp"

#include <caf/spawn_options.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <chrono>
#include <set>

#include "actors/document.hpp"
#include "actors/logger.hpp"
#include "storage/store.hpp"

namespace octavo::actors {

namespace {

std::int64_t unix_now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// One attempt to rebuild a document, leaving out records that are known to break it.
struct rebuild {
  explicit rebuild(const document_options& options) : content(document_state::content_options(options)) {
    limits.max_bytes = std::max<std::size_t>(limits.max_bytes, options.update_bytes_max);
  }

  /// None: applied. Otherwise why not.
  std::string apply(bytes_view update) {
    auto applied = content.apply_v1(update, limits);
    if (applied) return {};
    const auto& why = applied.error();
    return why.decode ? to_string(*why.decode) : std::string{to_string(*why.apply)};
  }

  crdt::document content;
  crdt::decode_limits limits;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};

}  // namespace

result<loaded_document> read_document(storage::store& store, const std::string& name, const document_options& options) {
  auto bad_records = std::set<std::uint64_t>{};
  while (true) {
    auto attempt = rebuild{options};
    auto broken_seq = std::uint64_t{0};
    auto visitor = storage::load_visitor{};
    visitor.on_snapshot = [&](std::uint64_t seq, bytes_view state) -> result<void> {
      if (auto why = attempt.apply(state); !why.empty())
        return fail(errc::corrupt, "the snapshot at seq " + std::to_string(seq) + " cannot be read: " + why);
      return {};
    };
    visitor.on_record = [&](std::uint64_t seq, std::int64_t time_ms, std::string_view user,
                            bytes_view update) -> result<void> {
      ++attempt.records;
      attempt.bytes += update.size();
      if (bad_records.contains(seq)) return {};
      auto why = attempt.apply(update);
      if (why.empty()) return {};
      bad_records.insert(seq);
      logger().error("document={} seq={} a stored update breaks the document and is left out: {}", printable(name), seq,
                     why);
      if (auto kept = store.quarantine_update(name, time_ms, user, "seq " + std::to_string(seq) + ": " + why, update);
          !kept)
        logger().error("document={} cannot keep a refused update for inspection: {}", printable(name),
                       kept.error().message);
      if (attempt.content.usable()) return {};
      broken_seq = seq;
      return fail(errc::internal, "a record broke the document");
    };
    auto info = store.load(name, visitor);
    if (broken_seq != 0) continue;  // once more from the start, without that record
    if (!info) {
      if (info.error().code == errc::not_found)
        return loaded_document{std::make_shared<crdt::document>(document_state::content_options(options)), 0, 0, 0};
      if (info.error().code == errc::corrupt) {
        logger().error("document={} is damaged and set aside: {}", printable(name), info.error().message);
        if (auto marked = store.set_quarantined(name, info.error().message); !marked)
          logger().error("document={} cannot be marked as damaged: {}", printable(name), marked.error().message);
      }
      return tl::unexpected{info.error()};
    }
    if (info->is_quarantined())
      return fail(errc::quarantined, "the document was set aside because it is damaged (" + info->quarantine_reason +
                                         "); see `octavo store check`");
    return loaded_document{std::make_shared<crdt::document>(std::move(attempt.content)), info->last_seq,
                           attempt.records, attempt.bytes};
  }
}

result<std::uint64_t> write_snapshot(storage::store& store, const std::string& name, const document_options& options) {
  auto document = read_document(store, name, options);
  if (!document) return tl::unexpected{document.error()};
  if (document->records_since_snapshot == 0) return document->seq;
  auto state = document->content->encode_state_as_update_v1();
  if (auto written = store.put_snapshot(name, document->seq, state, unix_now_ms()); !written)
    return tl::unexpected{written.error()};
  return document->seq;
}

namespace {

class loader_impl {
 public:
  static inline const char* name = "octavo.loader";

  loader_impl(loader_actor::pointer, storage::store& store, document_options options)
      : store_(store), options_(options) {}

  loader_actor::behavior_type make_behavior() {
    return {
        [this](load_atom, const std::string& document) -> caf::result<loaded_document> {
          auto loaded = read_document(store_, document, options_);
          if (!loaded) return make_error(loaded.error());
          return std::move(*loaded);
        },
    };
  }

 private:
  storage::store& store_;
  document_options options_;
};

class snapshotter_impl {
 public:
  static inline const char* name = "octavo.snapshotter";

  snapshotter_impl(snapshotter_actor::pointer, storage::store& store, document_options options, metrics& counters)
      : store_(store), options_(options), counters_(counters) {}

  snapshotter_actor::behavior_type make_behavior() {
    return {
        [this](snapshot_atom, const std::string& document) -> caf::result<std::uint64_t> {
          auto covered = write_snapshot(store_, document, options_);
          if (!covered) return make_error(covered.error());
          counters_.snapshots.fetch_add(1, std::memory_order_relaxed);
          return *covered;
        },
    };
  }

 private:
  storage::store& store_;
  document_options options_;
  metrics& counters_;
};

}  // namespace

loader_actor spawn_loader(caf::actor_system& system, storage::store& store, document_options options) {
  return system.spawn<loader_actor::stateful_impl<loader_impl>, caf::detached>(std::ref(store), options);
}

snapshotter_actor spawn_snapshotter(caf::actor_system& system, storage::store& store, document_options options,
                                    metrics& counters) {
  return system.spawn<snapshotter_actor::stateful_impl<snapshotter_impl>, caf::detached>(std::ref(store), options,
                                                                                         std::ref(counters));
}

}  // namespace octavo::actors
