#include "actors/loader.hpp"

#include <caf/spawn_options.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <chrono>
#include <deque>
#include <set>

#include "actors/clock.hpp"
#include "actors/document.hpp"
#include "actors/logger.hpp"
#include "storage/store.hpp"

namespace octavo::actors {

namespace {

/// One attempt to rebuild a document, leaving out records that are known to break it.
struct rebuild {
  explicit rebuild(const document_options& options) : content(document_state::content_options(options)) {}

  /// None: applied. Otherwise why not.
  std::string apply(std::uint64_t seq, bytes_view update) {
    // What is stored was within the limits when it was taken, edit by edit; a snapshot holds the sum of all.
    auto applied = content.apply_stored_v1(update);
    if (applied) {
      for (const auto& one : applied->advances) clocks.push_back({seq, one.client, one.clock_before});
      return {};
    }
    const auto& why = applied.error();
    return why.decode ? to_string(*why.decode) : std::string{to_string(*why.apply)};
  }

  /// What came before can be told by nobody.
  void begin_clocks(std::uint64_t seq) {
    clocks.clear();
    clocks_from_seq = seq;
  }

  crdt::document content;
  std::vector<clock_step> clocks;
  std::uint64_t clocks_from_seq = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};

tl::unexpected<error> quarantined_error(const std::string& reason) {
  return fail(errc::quarantined,
              "the document was set aside because it is damaged (" + reason + "); see `octavo store check`");
}

/// Puts a record that breaks its document into the quarantine, once; false if it is not there afterwards.
bool keep_for_inspection(storage::store& store, const std::string& name, std::uint64_t id, std::uint64_t seq,
                         std::int64_t time_ms, std::string_view user, const std::string& why, bytes_view update) {
  const auto label = "seq " + std::to_string(seq) + ": ";
  if (auto kept = store.list_quarantine(name))
    for (const auto& one : *kept)
      if (one.reason.starts_with(label)) return true;
  auto kept = store.quarantine_update(name, time_ms, user, label + why, update, id);
  if (!kept)
    logger().error("document={} cannot keep a refused update for inspection: {}", printable(name),
                   kept.error().message);
  return kept.has_value();
}

/// `id` is any_document and becomes the store's number of what was read: the name may be another document's by the time
/// the caller writes.
result<loaded_document> read_document(storage::store& store, const std::string& name, const document_options& options,
                                      std::uint64_t& id) {
  // One that is set aside need not be read to be refused, however often clients come back for it.
  if (auto known = store.find(name); known && *known && (*known)->is_quarantined())
    return quarantined_error((*known)->quarantine_reason);
  auto bad_records = std::set<std::uint64_t>{};
  auto lost_copies = false;
  while (true) {
    auto attempt = rebuild{options};
    auto broken_seq = std::uint64_t{0};
    auto is_as_written = false;  // what cannot be read: not the disk's fault
    auto visitor = storage::load_visitor{};
    visitor.on_info = [&](const storage::document_info& info) -> result<void> {
      if (id != info.id) {
        // What was found before was another document's, which was removed and made anew in between.
        bad_records.clear();
        lost_copies = false;
      }
      id = info.id;
      return {};
    };
    visitor.on_snapshot = [&](std::uint64_t seq, bytes_view state) -> result<void> {
      if (auto why = attempt.apply(seq, state); !why.empty()) {
        is_as_written = true;
        return fail(errc::corrupt, "the snapshot at seq " + std::to_string(seq) + " cannot be read: " + why);
      }
      attempt.begin_clocks(seq);
      return {};
    };
    visitor.on_record = [&](std::uint64_t seq, std::int64_t time_ms, std::string_view user,
                            bytes_view update) -> result<void> {
      ++attempt.records;
      attempt.bytes += update.size();
      if (bad_records.contains(seq)) {
        attempt.begin_clocks(seq);
        return {};
      }
      if (attempt.clocks.size() > options.resync_history_max) attempt.begin_clocks(seq - 1);
      auto why = attempt.apply(seq, update);
      if (why.empty()) return {};
      bad_records.insert(seq);
      logger().error("document={} seq={} a stored update breaks the document and is left out: {}", printable(name), seq,
                     why);
      if (!keep_for_inspection(store, name, id, seq, time_ms, user, why, update)) lost_copies = true;
      if (attempt.content.usable()) return {};
      broken_seq = seq;
      return fail(errc::internal, "a record broke the document");
    };
    auto info = store.load(name, visitor);
    if (broken_seq != 0) continue;  // once more from the start, without that record
    if (!info) {
      if (info.error().code == errc::not_found)
        return loaded_document{std::make_shared<crdt::document>(document_state::content_options(options))};
      if (info.error().code == errc::corrupt) {
        logger().error("document={} is damaged and set aside: {}", printable(name), info.error().message);
        if (!is_as_written) store.report_damage(info.error());
        if (auto marked = store.set_quarantined(name, info.error().message, id); !marked)
          logger().error("document={} cannot be marked as damaged: {}", printable(name), marked.error().message);
      }
      return tl::unexpected{info.error()};
    }
    if (info->is_quarantined()) return quarantined_error(info->quarantine_reason);
    auto result = loaded_document{std::make_shared<crdt::document>(std::move(attempt.content)), info->last_seq,
                                  attempt.records, attempt.bytes, lost_copies};
    result.clocks = std::move(attempt.clocks);
    result.clocks_from_seq = attempt.clocks_from_seq;
    return result;
  }
}

}  // namespace

result<loaded_document> read_document(storage::store& store, const std::string& name, const document_options& options) {
  auto id = storage::any_document;
  return read_document(store, name, options, id);
}

result<std::uint64_t> write_snapshot(storage::store& store, const std::string& name, const document_options& options) {
  auto id = storage::any_document;
  auto document = read_document(store, name, options, id);
  if (!document) return tl::unexpected{document.error()};
  if (document->records_since_snapshot == 0) return document->seq;
  if (document->holds_only_copies)
    return fail(errc::unavailable, "the log holds the only copy of an update that could not be applied");
  auto state = document->content->encode_state_as_update_v1();
  if (auto written = store.put_snapshot(name, document->seq, state, unix_now_ms(), id); !written)
    return tl::unexpected{written.error()};
  return document->seq;
}

namespace {

/// Runs a piece of work whose exceptions must not end the actor that others rely on.
template <class Work>
auto guarded(Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::exception& thrown) {
    logger().error("reading the store failed: {}", thrown.what());
    return fail(errc::internal, std::string{"reading the store failed: "} + thrown.what());
  }
}

class loader_impl {
 public:
  static inline const char* name = "octavo.loader";

  loader_impl(loader_actor::pointer, storage::store& store, document_options options)
      : store_(store), options_(options) {}

  loader_actor::behavior_type make_behavior() {
    return {
        [this](load_atom, const std::string& document) -> caf::result<loaded_document> {
          auto loaded = guarded([&] { return read_document(store_, document, options_); });
          if (!loaded) return make_error(loaded.error());
          return std::move(*loaded);
        },
    };
  }

 private:
  storage::store& store_;
  document_options options_;
};

/// Gives each load to a loader that is free, so that a slow document holds up one of them and not half of all names.
class loader_pool_impl {
 public:
  static inline const char* name = "octavo.loader_pool";

  loader_pool_impl(loader_actor::pointer self, std::vector<loader_actor> loaders)
      : self_(self), free_(std::move(loaders)) {}

  loader_actor::behavior_type make_behavior() {
    return {
        [this](load_atom, const std::string& document) -> caf::result<loaded_document> {
          auto promise = self_->make_response_promise<loaded_document>();
          // There is one actor of a document at a time: who asked for the same before has given up.
          for (auto& one : waiting_) {
            if (one.document != document) continue;
            one.promise.deliver(make_error(error{errc::unavailable, "the document is being loaded anew"}));
            one.promise = promise;
            return promise;
          }
          waiting_.push_back({document, promise});
          hand_out();
          return promise;
        },
    };
  }

 private:
  /// Longer than any load; those who wait have their own patience.
  static constexpr auto load_timeout = std::chrono::hours{24};

  struct job {
    std::string document;
    caf::typed_response_promise<loaded_document> promise;
  };

  void hand_out() {
    while (!free_.empty() && !waiting_.empty()) {
      auto loader = std::move(free_.back());
      free_.pop_back();
      auto next = std::move(waiting_.front());
      waiting_.pop_front();
      compat::ask(self_, loader, load_timeout, load_atom_v, next.document)
          .then(
              [this, loader, promise = next.promise](loaded_document& what) mutable {
                promise.deliver(std::move(what));
                done(loader);
              },
              [this, loader, promise = next.promise](caf::error& reason) mutable {
                promise.deliver(std::move(reason));
                done(loader);
              });
    }
  }

  void done(const loader_actor& loader) {
    free_.push_back(loader);
    hand_out();
  }

  loader_actor::pointer self_;
  std::vector<loader_actor> free_;
  std::deque<job> waiting_;
};

class snapshotter_impl {
 public:
  static inline const char* name = "octavo.snapshotter";

  snapshotter_impl(snapshotter_actor::pointer, storage::store& store, document_options options, metrics& counters)
      : store_(store), options_(options), counters_(counters) {}

  snapshotter_actor::behavior_type make_behavior() {
    return {
        [this](snapshot_atom, const std::string& document) -> caf::result<std::uint64_t> {
          auto covered = guarded([&] { return write_snapshot(store_, document, options_); });
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

loader_actor spawn_loader_pool(caf::actor_system& system, std::vector<loader_actor> loaders) {
  return system.spawn<loader_actor::stateful_impl<loader_pool_impl>>(std::move(loaders));
}

snapshotter_actor spawn_snapshotter(caf::actor_system& system, storage::store& store, document_options options,
                                    metrics& counters) {
  return system.spawn<snapshotter_actor::stateful_impl<snapshotter_impl>, caf::detached>(std::ref(store), options,
                                                                                         std::ref(counters));
}

}  // namespace octavo::actors
