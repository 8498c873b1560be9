#include "crdt/history.hpp"

#include <doctest/doctest.h>

#include "crdt/diff.hpp"
#include "tests/crdt/support/log.hpp"

namespace {

using namespace octavo;
using namespace octavo::crdt;
using namespace octavo::test;

TEST_CASE("every version of a random log shows what the document showed then") {
  const auto seed = choose_seed();
  for (std::uint64_t round = 0; round < 20; ++round) {
    CAPTURE(round);
    std::mt19937_64 random(seed * 1000 + round);
    const auto log = random_log(random, 60);
    const std::size_t from = random() % 30;
    const auto history = history_of(log.updates, from);
    check_sound(history.content());
    CHECK(history.first_version() == from);
    CHECK(history.last_version() == log.updates.size());
    document straight(history.content().options());
    for (std::size_t version = 0; version <= log.updates.size(); ++version) {
      CAPTURE(version);
      if (version != 0) feed(straight, log.updates[version - 1]);
      const auto made = history.document_at(version);
      if (version < from) {
        CHECK(made.error().code == history_errc::before_first);
        continue;
      }
      REQUIRE(made);
      CHECK(halved(is_shown(*made)) == halved(log.shown[version]));
      CHECK(*history.snapshot_at(version) == snapshot_of(straight));
    }
    CHECK(history.snapshot_at(log.updates.size() + 1).error().code == history_errc::after_last);
  }
}

TEST_CASE("a history on top of a state that was collected shows all versions since") {
  const auto seed = choose_seed();
  std::mt19937_64 random(seed);
  const auto log = random_log(random, 80);
  document collected;
  for (std::size_t i = 0; i < 40; ++i) feed(collected, log.updates[i]);
  history history(40);
  REQUIRE(history.load(collected.encode_state_as_update_v1()));
  for (std::size_t i = 40; i < 80; ++i) REQUIRE(history.apply(log.updates[i], {i + 1, 0, ""}));
  for (std::size_t version = 40; version <= 80; ++version) {
    CAPTURE(version);
    CHECK(halved(is_shown(*history.document_at(version))) == halved(log.shown[version]));
  }
}

TEST_CASE("numbers may leave some out, and a version between two edits is that of the earlier one") {
  history history;
  REQUIRE(history.apply(update_builder().block(1, 0).text("a").build(), {10, 0, "ada"}));
  REQUIRE(history.apply(update_builder().block(1, 1).text("b", unit{1, 0}).build(), {20, 0, "ada"}));
  CHECK(history.edits() == 2);
  CHECK(history.document_at(9)->text("text").empty());
  CHECK(history.document_at(10)->text("text") == "a");
  CHECK(history.document_at(19)->text("text") == "a");
  CHECK(history.document_at(20)->text("text") == "ab");
}

TEST_CASE("what is out of order or broken is refused") {
  history history(5);
  const auto good = update_builder().block(1, 0).text("a").build();
  CHECK(history.load(hex("01")).error().code == history_errc::undecodable);
  REQUIRE(history.load(good));
  CHECK(history.apply(good, {5, 0, ""}).error().code == history_errc::out_of_order);
  const auto broken = history.apply(hex("05"), {6, 0, ""});
  REQUIRE_FALSE(broken);
  CHECK(to_string(broken.error()) == "an update of the log cannot be read: the input ends inside a value at byte 1");
  REQUIRE(history.apply(good, {6, 0, ""}));
  CHECK(history.load(good).error().code == history_errc::out_of_order);
  CHECK(history.last_version() == 6);

  history_options options;
  options.max_edits = 1;
  crdt::history small(0, options);
  REQUIRE(small.apply(good, {1, 0, ""}));
  CHECK(small.apply(good, {2, 0, ""}).error().code == history_errc::too_many_edits);
}

TEST_CASE("what waits in the state that a history begins with is nobody's, and what it waits for is its edit's") {
  document before;
  feed(before, update_builder().block(1, 0).text("a").block(2, 1).text("y", unit{2, 0}).build());
  REQUIRE(before.stats().pending_structs == 1);
  history history(7);
  REQUIRE(history.load(before.encode_state_as_update_v1()));
  REQUIRE(history.apply(update_builder().block(2, 0).text("x", unit{1, 0}).build(), {8, 80, "ada"}));
  CHECK(history.content().text("text") == "axy");
  CHECK(history.document_at(7)->text("text") == "a");
  CHECK(history.document_at(8)->text("text") == "axy");
  const auto diff = diff_versions(history, 7, 8);
  REQUIRE(diff);
  std::string who;
  for (const auto& run : diff->types.front().list)
    who += run.content + ":" + (run.inserted ? run.inserted->user : "-") + " ";
  CHECK(who == "a:- x:ada y:- ");
  // It can be moved.
  crdt::history moved(std::move(history));
  crdt::history other;
  other = std::move(moved);
  CHECK(other.content().text("text") == "axy");
}

}  // namespace
