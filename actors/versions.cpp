#include "actors/versions.hpp"

#include <random>

namespace octavo::actors {

namespace {

std::string reason_of(const crdt::document::bytes_error& error) {
  return error.decode ? to_string(*error.decode) : std::string{to_string(*error.apply)};
}

tl::unexpected<error> broken(std::uint64_t seq, const std::string& why) {
  return fail(errc::corrupt, "the update at seq " + std::to_string(seq) + " cannot be applied: " + why);
}

}  // namespace

result<crdt::document> document_at(const storage::store& store, const std::string& name, std::uint64_t seq,
                                   const crdt::document_options& options) {
  auto content = crdt::document{options};
  auto apply = [&content](std::uint64_t at, bytes_view update) -> result<void> {
    auto applied = content.apply_stored_v1(update);
    if (!applied) return broken(at, reason_of(applied.error()));
    return {};
  };
  auto visitor = storage::load_visitor{};
  visitor.on_snapshot = apply;
  visitor.on_record = [&](std::uint64_t at, std::int64_t, std::string_view, bytes_view update) {
    return apply(at, update);
  };
  if (auto loaded = store.load_at(name, seq, visitor); !loaded) return tl::unexpected{loaded.error()};
  return content;
}

result<crdt::history> history_between(const storage::store& store, const std::string& name, std::uint64_t from,
                                      std::uint64_t to, const crdt::history_options& options) {
  auto made = crdt::history{from, options};
  auto taken = [&options](std::uint64_t seq, const auto& done) -> result<void> {
    if (done) return {};
    if (done.error().code == crdt::history_errc::too_many_edits)
      return fail(errc::limit_exceeded, "there are more than " + std::to_string(options.max_edits) +
                                            " edits between the two versions, and no more are looked through: choose "
                                            "one that is closer to the other");
    if (done.error().apply == crdt::apply_errc::document_full)
      return fail(errc::limit_exceeded, "with all that was deleted the history is larger than a document may be");
    return broken(seq, to_string(done.error()));
  };
  auto visitor = storage::load_visitor{};
  visitor.on_snapshot = [&](std::uint64_t seq, bytes_view state) -> result<void> {
    if (seq <= from) return taken(seq, made.load(state));
    return taken(seq, made.apply(state, {seq, 0, {}}));
  };
  visitor.on_record = [&](std::uint64_t seq, std::int64_t time_ms, std::string_view user,
                          bytes_view update) -> result<void> {
    if (seq <= from) return taken(seq, made.load(update));
    return taken(seq, made.apply(update, {seq, time_ms, user}));
  };
  if (auto loaded = store.load_range(name, from, to, visitor); !loaded) return tl::unexpected{loaded.error()};
  return made;
}

result<bytes> restoring_update(const crdt::history& history, std::uint64_t version) {
  constexpr auto tries = 100;
  auto random = std::random_device{};
  for (auto i = 0; i < tries; ++i) {
    auto update = history.restore_update(version, random());
    if (update) return std::move(*update);
    if (update.error().code == crdt::history_errc::client_in_use) continue;
    auto too_large = update.error().code == crdt::history_errc::too_large;
    return fail(too_large ? errc::limit_exceeded : errc::invalid_argument, to_string(update.error()));
  }
  return fail(errc::internal, "no client id is free");
}

}  // namespace octavo::actors
