#include "crdt/snapshot.hpp"

#include <doctest/doctest.h>

#include "tests/crdt/support/builder.hpp"
#include "tests/crdt/support/replay.hpp"

namespace {

using namespace octavo;
using namespace octavo::crdt;
using namespace octavo::test;

document_options keeping() {
  document_options options;
  options.gc = false;
  return options;
}

TEST_CASE("a delete set is sorted and merged, whatever it is made from") {
  const delete_set set({{5, 9, 2}, {7, 1, 0}, {5, 3, 4}, {9, 0, 1}, {5, 6, 3}});
  REQUIRE(set.ranges().size() == 2);
  CHECK(set.ranges()[0] == delete_set::range{9, 0, 1});
  CHECK(set.ranges()[1] == delete_set::range{5, 3, 8});
  CHECK(set.clients() == 2);
  CHECK(set.contains(5, 10));
  CHECK_FALSE(set.contains(5, 11));
  CHECK_FALSE(set.contains(5, 2));
  CHECK_FALSE(set.contains(7, 1));
  CHECK(set.contains({5, 4, 7}));
  CHECK_FALSE(set.contains({5, 4, 8}));
  CHECK(set.of(7).empty());
}

TEST_CASE("a snapshot is written as yjs writes it") {
  snapshot of;
  of.deletes = delete_set({{5, 3, 4}, {5, 300, 1}, {9, 0, 1}});
  of.state = state_vector({{5, 400}, {9, 2}});
  CHECK(to_hex(encode_snapshot(of)) == "020901000105020304ac0201020902059003");
  CHECK(to_hex(encode_snapshot(of, update_encoding::v2)) == "020901000005020303a50200020902059003");
  for (const auto encoding : {update_encoding::v1, update_encoding::v2}) {
    const auto read = decode_snapshot(encode_snapshot(of, encoding), encoding);
    REQUIRE(read);
    CHECK(*read == of);
  }
}

TEST_CASE("a damaged snapshot is refused with the place") {
  const auto refused = [](std::string_view text, update_encoding encoding = update_encoding::v1) {
    const auto read = decode_snapshot(hex(text), encoding);
    REQUIRE_FALSE(read);
    return read.error();
  };
  CHECK(refused("") == decode_error{decode_errc::truncated, 0});
  CHECK(refused("00") == decode_error{decode_errc::truncated, 1});
  CHECK(refused("01 05 01 03") == decode_error{decode_errc::truncated, 3});
  CHECK(refused("ffffffff0f 0501") == decode_error{decode_errc::truncated, 5});
  CHECK(refused("01 05 ffffffff0f 0102") == decode_error{decode_errc::truncated, 7});
  CHECK(refused("01 05 01 ffffffff0f 01 00") == decode_error{decode_errc::clock_overflow, 3});
  CHECK(refused("01 05 02 ffffffff0e 00 ffffffff0e 00 00", update_encoding::v2).code == decode_errc::clock_overflow);
  CHECK(refused("00 00 00") == decode_error{decode_errc::trailing_bytes, 2});
  CHECK(decode_snapshot(hex("02 0501 0001 0601 0001 00"), update_encoding::v1, {100, 1, 100}).error() ==
        decode_error{decode_errc::too_many_clients, 0});
  CHECK(decode_snapshot(hex("01 0502 0001 0501 00"), update_encoding::v1, {100, 9, 1}).error() ==
        decode_error{decode_errc::too_many_delete_ranges, 2});
  CHECK(decode_snapshot(hex("00 02 0501 0601"), update_encoding::v1, {100, 1, 1}).error() ==
        decode_error{decode_errc::too_many_clients, 1});
  CHECK(decode_snapshot(hex("00 00"), update_encoding::v1, {1, 1, 1}).error() ==
        decode_error{decode_errc::too_large, 1});
}

TEST_CASE("a document is cut to a version without being changed") {
  document origin(keeping());
  feed(origin, update_builder().block(1, 0).text("hello 😀").build());
  const auto early = snapshot_of(origin);
  feed(origin, update_builder().block(1, 8).text(" and on", unit{1, 7}).erase(1, 1, 4).build());
  feed(origin, update_builder().block(2, 0).text("before ", {}, unit{1, 0}).build());
  const auto state = origin.encode_state_as_update_v1();
  CHECK(origin.text("text") == "before h 😀 and on");

  const auto then = document_at_snapshot(origin, early);
  REQUIRE(then);
  CHECK(then->text("text") == "hello 😀");
  CHECK(snapshot_of(*then) == early);
  CHECK(origin.encode_state_as_update_v1() == state);

  // Cut where the struct was joined, also inside of what it shows.
  auto middle = early;
  middle.state.set(1, 3);
  CHECK(document_at_snapshot(origin, middle)->text("text") == "hel");
  CHECK(document_at_snapshot(origin, {})->text("text").empty());
}

TEST_CASE("a version that cannot be built says why") {
  document collecting;
  feed(collecting, update_builder().block(1, 0).text("a").build());
  CHECK(document_at_snapshot(collecting, snapshot_of(collecting)).error() == snapshot_errc::collects_garbage);
  document origin(keeping());
  feed(origin, update_builder().block(1, 0).text("abc").build());
  snapshot beyond;
  beyond.state.set(1, 4);
  CHECK(document_at_snapshot(origin, beyond).error() == snapshot_errc::not_contained);
  beyond.state.set(1, std::uint64_t{1} << 40);
  CHECK(state_at_snapshot(origin, beyond).error() == snapshot_errc::not_contained);
  beyond = {};
  beyond.state.set(2, 1);
  CHECK(state_at_snapshot(origin, beyond).error() == snapshot_errc::not_contained);
  document_options small;
  small.max_content_bytes = 2;
  CHECK(document_at_snapshot(origin, snapshot_of(origin), small).error() == snapshot_errc::does_not_fit);
}

TEST_CASE("a version contains an update if it has its structs and its deletes") {
  document origin(keeping());
  feed(origin, update_builder().block(1, 0).text("abc").erase(1, 1, 1).build());
  const auto version = snapshot_of(origin);
  CHECK(*snapshot_contains_update(version, update_builder().block(1, 1).text("bc", unit{1, 0}).build()));
  CHECK(*snapshot_contains_update(version, update_builder().erase(1, 1, 1).build()));
  CHECK_FALSE(*snapshot_contains_update(version, update_builder().erase(1, 1, 2).build()));
  CHECK_FALSE(*snapshot_contains_update(version, update_builder().block(1, 2).text("cd", unit{1, 1}).build()));
  CHECK_FALSE(*snapshot_contains_update(version, update_builder().block(2, 0).text("x").build()));
  CHECK_FALSE(snapshot_contains_update(version, hex("01")));
}

}  // namespace
