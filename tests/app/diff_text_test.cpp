#include "app/diff_text.hpp"

#include <doctest/doctest.h>

#include "tests/crdt/support/builder.hpp"
#include "tests/crdt/support/replay.hpp"

using namespace octavo;
using namespace octavo::app;
using namespace octavo::test;

namespace {

std::string compare(const crdt::history& of, std::uint64_t from, std::uint64_t to, const diff_text_options& how = {}) {
  auto diff = crdt::diff_versions(of, from, to);
  REQUIRE(diff);
  return diff_text(*diff, how);
}

}  // namespace

TEST_CASE("a difference reads as lines with who and when") {
  auto history = crdt::history{};
  REQUIRE(
      history.apply(update_builder{}.block(1, 0).text("hello world").set("map", "k", 1).set("map", "gone", 3).build(),
                    {1, 1'795'685'400'000, "ada"}));
  REQUIRE(history.apply(update_builder{}
                            .block(2, 0)
                            .text("brave ", unit{1, 5}, unit{1, 6})
                            .set("map", "k", 2, unit{1, 11})
                            .set("map", "new", 7)
                            .build(),
                        {2, 1'795'685'401'000, "ben"}));
  REQUIRE(history.apply(update_builder{}.erase(1, 0, 6).erase(1, 12, 1).build(), {3, 1'795'685'402'000, ""}));
  CHECK(compare(history, 1, 3) ==
        "map (map)\n"
        "  - gone: 3   (nobody named, 2026-11-26 09:30:02, edit 3)\n"
        "  ~ k: 1 → 2   (ben, 2026-11-26 09:30:01, edit 2)\n"
        "  + new: 7   (ben, 2026-11-26 09:30:01, edit 2)\n"
        "text (text)\n"
        "  - \"hello \"   (nobody named, 2026-11-26 09:30:02, edit 3; written by ada)\n"
        "  + \"brave \"   (ben, 2026-11-26 09:30:01, edit 2)\n"
        "    \"world\"\n");
  CHECK(compare(history, 3, 3).empty());
  CHECK(compare(history, 1, 3, {true, 40}).find("\033[31m- \"hello \"\033[0m") != std::string::npos);
}

TEST_CASE("what a document holds cannot command a terminal") {
  auto history = crdt::history{};
  REQUIRE(history.apply(update_builder{}.block(1, 0).text("a\033[2J\x07\xc2\x9b\n", {}, {}, "ro\033ot").build(),
                        {1, 1, "e\033ve"}));
  auto text = compare(history, 0, 1);
  CHECK(text.find('\033') == std::string::npos);
  CHECK(text.find('\x07') == std::string::npos);
  CHECK(text.find("\xc2\x9b") == std::string::npos);
  CHECK(text.find("\\n") != std::string::npos);
}

TEST_CASE("of what was kept only what is beside a change is shown, and cut between characters") {
  auto history = crdt::history{};
  auto text = std::string{};
  for (int i = 0; i < 100; ++i) text += "é";
  REQUIRE(history.apply(update_builder{}.block(1, 0).text(text).build(), {1, 1, "ada"}));
  REQUIRE(history.apply(update_builder{}.block(2, 0).text("x", unit{1, 99}).build(), {2, 2, "ada"}));
  auto shown = compare(history, 1, 2, {false, 9});
  CHECK(crdt::is_utf8(shown));
  CHECK(shown.find("    …éééé\"\n") != std::string::npos);
}

TEST_CASE("nested types have their way from the root above them") {
  auto history = crdt::history{};
  REQUIRE(history.apply(update_builder{}.block(1, 0).type(0).type(1, unit{1, 0}).build(), {1, 1, "ada"}));
  REQUIRE(history.apply(update_builder{}.block(2, 0).child("v", {1, 1}, "k").build(), {2, 2, "ben"}));
  CHECK(compare(history, 1, 2).starts_with("list / [0] array / [0] map\n  + k: \"v\"   (ben, "));
}
