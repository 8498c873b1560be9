// Loading a whole state into an empty document, struct by struct, against applying the same update as a list.
#include <doctest/doctest.h>

#include <algorithm>

#include "crdt/internal/engine.hpp"
#include "tests/crdt/support/builder.hpp"
#include "tests/crdt/support/replay.hpp"
#include "tests/crdt/support/replica.hpp"

namespace {

using namespace octavo;
using namespace octavo::test;
using crdt::document;
using crdt::internal::engine;

/// Whether an update is loaded, and not left to be applied.
bool is_loaded(bytes_view update, const crdt::decode_limits& limits = {}, const crdt::document_options& options = {},
               engine::source from = engine::source::peer) {
  return engine(options).load_v1(update, limits, from).has_value();
}

/// A document that has an update by the other way.
document applied(bytes_view update, const crdt::document_options& options = {}) {
  document made(options);
  crdt::decoded_update decoded;
  REQUIRE(decode_update_v1(update, decoded));
  REQUIRE(made.apply(decoded));
  return made;
}

void check_same(bytes_view update, const crdt::document_options& options = {}) {
  CAPTURE(to_hex(update));
  const document listed = applied(update, options);
  document loaded(options);
  const auto report = feed(loaded, update);
  check_sound(loaded);
  check_equal(loaded, listed);
  CHECK(to_hex(loaded.encode_state_as_update_v1()) == to_hex(listed.encode_state_as_update_v1()));
  CHECK(loaded.root_names() == listed.root_names());
  const auto left = loaded.stats();
  const auto right = listed.stats();
  CHECK(left.structs == right.structs);
  CHECK(left.items == right.items);
  CHECK(left.deleted_items == right.deleted_items);
  CHECK(left.types == right.types);
  CHECK(left.names == right.names);
  CHECK(left.content_bytes == right.content_bytes);
  CHECK(left.pending_structs == right.pending_structs);
  CHECK(left.pending_delete_ranges == right.pending_delete_ranges);
  CHECK(report.pending_bytes == left.pending_bytes);
}

TEST_CASE("a state loads as it would apply, whatever clients wrote it together") {
  const auto seed = choose_seed();
  for (std::uint64_t round = 0; round < 60; ++round) {
    CAPTURE(round);
    std::mt19937_64 random(seed * 1000 + round);
    crdt::document_options options;
    options.gc = round % 2 == 0;
    document written(options);
    const std::size_t edits = 1 + random() % 120;
    for (std::size_t i = 0; i < edits; ++i) feed(written, next_edit(written, 1 + random() % 5, random));
    const bytes state = written.encode_state_as_update_v1();
    CHECK(is_loaded(state));
    check_same(state, options);
    document loaded(options);
    const auto report = feed(loaded, state);
    document listed(options);
    crdt::decoded_update decoded;
    REQUIRE(decode_update_v1(state, decoded));
    const auto expected = listed.apply(decoded);
    REQUIRE(expected);
    CHECK(report.changed == expected->changed);
    CHECK(report.structs_integrated == expected->structs_integrated);
    CHECK(report.units_deleted == expected->units_deleted);
    CHECK(std::ranges::equal(report.advances, expected->advances));
    // It goes on like any other.
    const bytes more = next_edit(written, 9, random);
    feed(written, more);
    feed(loaded, more);
    check_equal(loaded, written);
  }
}

TEST_CASE("blocks that hang on each other in turn are loaded in one walk") {
  const bytes crossed = update_builder()
                            .block(9, 0)
                            .text("a")
                            .text("c", unit{3, 0})
                            .block(3, 0)
                            .text("b", unit{9, 0})
                            .text("d", unit{9, 1})
                            .erase(3, 0, 1)
                            .build();
  CHECK(is_loaded(crossed));
  check_same(crossed);
  document made;
  feed(made, crossed);
  CHECK(made.text("text") == "acd");
}

TEST_CASE("what is out of the ordinary is applied, not loaded") {
  const auto is_left = [](const update_builder& update) {
    const bytes data = update.build();
    CHECK_FALSE(is_loaded(data));
    check_same(data);
  };
  // Something is missing, of the client itself or of another.
  is_left(update_builder().block(5, 3).text("later", unit{5, 2}));
  is_left(update_builder().block(5, 0).text("a").skip(2).text("b", unit{5, 2}));
  is_left(update_builder().block(5, 0).text("a").text("b", unit{7, 0}).erase(5, 0, 1));
  is_left(update_builder().block(9, 0).text("a", unit{5, 0}).block(5, 0).text("b", unit{9, 0}));
  is_left(update_builder().block(9, 0).text("a", unit{5, 4}).block(5, 0).text("b"));
  is_left(update_builder().block(9, 0).child("x", {5, 0}));
  // The order of blocks is not the usual one.
  is_left(update_builder().block(3, 0).text("a").block(5, 0).text("b"));
  is_left(update_builder().block(5, 0).text("a").block(5, 1).text("b", unit{5, 0}));
  is_left(update_builder().block(5, 0));
  // Deletes may wait, and structs without length and trailing holes be there.
  const bytes waiting = update_builder().block(5, 0).text("abc").skip(3).erase(5, 1, 7).erase(8, 0, 1).build();
  CHECK(is_loaded(waiting));
  check_same(waiting);
  const bytes hollow = update_builder().block(5, 0).text("").text("abc").deleted(0).deleted(2, unit{5, 2}).build();
  CHECK(is_loaded(hollow));
  check_same(hollow);
}

TEST_CASE("a state that is cut short leaves the document empty, with the error of the other way") {
  document written;
  std::mt19937_64 random(choose_seed());
  for (int i = 0; i < 40; ++i) feed(written, next_edit(written, 1 + random() % 3, random));
  const bytes state = written.encode_state_as_update_v1();
  for (std::size_t size = 0; size < state.size(); ++size) {
    document made;
    const auto cut = bytes_view(state).first(size);
    crdt::decoded_update decoded;
    const auto expected = decode_update_v1(cut, decoded);
    REQUIRE_FALSE(expected);
    const auto done = made.apply_v1(cut);
    REQUIRE_FALSE(done);
    REQUIRE(done.error().decode.has_value());
    CHECK(*done.error().decode == expected.error());
    CHECK(made.usable());
    CHECK(made.root_names().empty());
    feed(made, state);
    check_equal(made, written);
  }
}

TEST_CASE("damaged states are refused, or read, as they would be by the other way") {
  document written;
  std::mt19937_64 random(choose_seed());
  for (int i = 0; i < 30; ++i) feed(written, next_edit(written, 1 + random() % 3, random));
  const bytes state = written.encode_state_as_update_v1();
  crdt::decoded_update decoded;
  for (std::size_t at = 0; at < state.size(); ++at) {
    for (const unsigned flip : {0x01U, 0x10U, 0x80U, 0xffU}) {
      bytes damaged = state;
      damaged[at] ^= static_cast<std::byte>(flip);
      CAPTURE(at);
      CAPTURE(flip);
      document made;
      const auto done = made.apply_v1(damaged);
      if (const auto expected = decode_update_v1(damaged, decoded); !expected) {
        REQUIRE_FALSE(done);
        REQUIRE(done.error().decode.has_value());
        CHECK(*done.error().decode == expected.error());
        continue;
      }
      document listed;
      const auto expected = listed.apply(decoded);
      REQUIRE(bool(done) == bool(expected));
      if (!done) {
        CHECK(done.error().apply == expected.error());
        continue;
      }
      check_equal(made, listed);
      check_sound(made);
      CHECK(to_hex(made.encode_state_as_update_v1()) == to_hex(listed.encode_state_as_update_v1()));
    }
  }
}

TEST_CASE("bounds hold for what is loaded, and not for what is our own") {
  update_builder update;
  for (std::uint64_t client = 40; client-- > 0;) update.block(client, 0).type(0).type(0, unit{client, 0});
  const bytes state = update.build();
  const auto refused = [&](const crdt::document_options& options) {
    CHECK_FALSE(is_loaded(state, {}, options));
    CHECK(is_loaded(state, {}, options, engine::source::stored));
    document made(options);
    const auto done = made.apply_v1(state);
    REQUIRE_FALSE(done);
    REQUIRE(done.error().apply.has_value());
    return *done.error().apply;
  };
  crdt::document_options options;
  options.max_clients = 39;
  CHECK(refused(options) == crdt::apply_errc::too_many_clients);
  options = {};
  options.max_type_depth = 1;
  CHECK(refused(options) == crdt::apply_errc::type_too_deep);
  options = {};
  options.max_roots = 0;
  CHECK(refused(options) == crdt::apply_errc::too_many_names);
  options = {};
  options.max_keys = 0;
  CHECK(refused(options) == crdt::apply_errc::too_many_names);
  options = {};
  options.step_budget = 20;
  CHECK(refused(options) == crdt::apply_errc::step_budget_exceeded);

  const auto undecoded = [&](const crdt::decode_limits& limits, bytes_view data) {
    CHECK_FALSE(is_loaded(data, limits));
    const auto done = document().apply_v1(data, limits);
    REQUIRE_FALSE(done);
    REQUIRE(done.error().decode.has_value());
    return done.error().decode->code;
  };
  crdt::decode_limits limits;
  limits.max_bytes = state.size() - 1;
  CHECK(undecoded(limits, state) == crdt::decode_errc::too_large);
  limits = {};
  limits.max_structs = 79;
  CHECK(undecoded(limits, state) == crdt::decode_errc::too_many_structs);
  limits = {};
  limits.max_clients = 39;
  CHECK(undecoded(limits, state) == crdt::decode_errc::too_many_clients);
  limits = {};
  limits.max_delete_ranges = 1;
  const bytes erased = update_builder().block(5, 0).text("abcd").erase(5, 0, 1).erase(5, 2, 1).build();
  CHECK(undecoded(limits, erased) == crdt::decode_errc::too_many_delete_ranges);
  limits = {};
  limits.max_values = 1;
  CHECK(undecoded(limits, update_builder().block(5, 0).set("map", "a", 1).set("map", "b", 2).build()) ==
        crdt::decode_errc::too_many_values);
}

}  // namespace
