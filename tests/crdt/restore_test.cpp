// The edit that restores a version. What real yjs makes of it, with all kinds of types, is in history_oracle_test.cpp.
#include <doctest/doctest.h>

#include "tests/crdt/support/log.hpp"

namespace {

using namespace octavo;
using namespace octavo::crdt;
using namespace octavo::test;

TEST_CASE("restoring any version of a random log shows it, and keeps what was inserted meanwhile") {
  const auto seed = choose_seed();
  for (std::uint64_t round = 0; round < 15; ++round) {
    CAPTURE(round);
    std::mt19937_64 random(seed * 1000 + round);
    const auto log = random_log(random, 50);
    const auto history = history_of(log.updates, random() % 10);
    for (std::size_t version = history.first_version(); version <= log.updates.size(); ++version) {
      CAPTURE(version);
      const auto update = history.restore_update(version, 99);
      REQUIRE(update);
      document present;
      document other;
      for (const auto& each : log.updates) {
        feed(present, each);
        feed(other, each);
      }
      // Somebody else types on, and does not know of it.
      const auto position = dump_view(present.canonical_dump());
      maybe_unit left;
      if (const auto at = random() % (position.units() + 1); at != 0) left = position.at(at - 1);
      maybe_unit right;
      if (!left) right = position.at(0);
      const auto meanwhile = update_builder().block(50, 0).text("<new>", left, right).build();

      feed(present, *update);
      check_sound(present);
      CHECK(halved(is_shown(present)) == halved(log.shown[version]));
      feed(present, meanwhile);
      feed(other, meanwhile);
      feed(other, *update);
      check_equal(present, other);
      CHECK(present.text("text").find("<new>") != std::string::npos);
    }
  }
}

TEST_CASE("what is in both versions is not touched") {
  history history;
  REQUIRE(history.apply(update_builder().block(1, 0).text("hello world").build(), {1, 0, ""}));
  REQUIRE(history.apply(update_builder().block(1, 11).text("!", unit{1, 10}).erase(1, 2, 3).build(), {2, 0, ""}));
  const auto update = history.restore_update(1, 9);
  REQUIRE(update);
  // "llo" goes behind what was there, and "!" away.
  CHECK(to_hex(*update) ==
        to_hex(update_builder().block(9, 0).text("llo", unit{1, 4}, unit{1, 5}).erase(1, 11, 1).build()));
}

TEST_CASE("an edit that restores needs a client of its own and a version that is there") {
  history history(3);
  REQUIRE(history.load(update_builder().block(1, 0).text("a").build()));
  CHECK(history.restore_update(3, 1).error().code == history_errc::client_in_use);
  CHECK(history.restore_update(2, 9).error().code == history_errc::before_first);
  CHECK(history.restore_update(4, 9).error().code == history_errc::after_last);
  CHECK(is_empty_update_v1(*history.restore_update(3, 9)));
}

TEST_CASE("a deleted tree comes back with all that was in it, however deep") {
  history history;
  update_builder deep;
  deep.block(1, 0).type(1);
  for (std::uint64_t i = 1; i < 1000; ++i) {
    bytes item = hex("27 00 01");
    lib0_writer writer(item);
    writer.var_uint(i - 1);
    writer.var_string("in");
    writer.u8(1);
    deep.raw(item);
  }
  deep.child("x", {1, 999}, "leaf");
  REQUIRE(history.apply(deep.build(), {1, 0, ""}));
  const auto shown = history.content().to_json();
  REQUIRE(shown.find(R"({"leaf":"x"})") != std::string::npos);
  REQUIRE(history.apply(update_builder().erase(1, 0, 1).build(), {2, 0, ""}));
  CHECK(history.content().to_json() == R"({"list":null})");
  const auto update = history.restore_update(1, 9);
  REQUIRE(update);
  REQUIRE(history.apply(*update, {3, 0, ""}));
  CHECK(history.content().to_json() == shown);
  check_sound(history.content());
}

}  // namespace
