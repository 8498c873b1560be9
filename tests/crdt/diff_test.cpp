#include "crdt/diff.hpp"

#include <doctest/doctest.h>

#include "crdt/json.hpp"
#include "crdt/lib0.hpp"
#include "tests/crdt/support/log.hpp"

namespace {

using namespace octavo;
using namespace octavo::crdt;
using namespace octavo::test;

std::string diff_json(const history& of, std::uint64_t from, std::uint64_t to, const diff_options& options = {}) {
  const auto diff = diff_versions(of, from, to, options);
  REQUIRE(diff);
  std::string out;
  append_diff_json(*diff, out);
  return out;
}

bytes text_at(std::uint64_t client, std::uint64_t clock, std::string_view text, maybe_unit left = {},
              maybe_unit right = {}) {
  return update_builder().block(client, clock).text(text, left, right).build();
}

TEST_CASE("a difference of text says who inserted and who deleted, and when") {
  history history;
  REQUIRE(history.apply(text_at(1, 0, "hello world"), {1, 1000, "ada"}));
  REQUIRE(history.apply(text_at(2, 0, "brave ", unit{1, 5}, unit{1, 6}), {2, 2000, "ben"}));
  REQUIRE(history.apply(update_builder().erase(1, 0, 6).build(), {3, 3000, "eve"}));
  CHECK(history.content().text("text") == "brave world");
  CHECK(diff_json(history, 1, 3) ==
        R"({"from":1,"to":3,"roots":[{"kind":"text","name":"text","list":[)"
        R"({"op":"delete","text":"hello ","client":1,)"
        R"("inserted":{"user":"ada","first_seq":1,"last_seq":1,"first_ms":1000,"last_ms":1000},)"
        R"("by":{"user":"eve","first_seq":3,"last_seq":3,"first_ms":3000,"last_ms":3000}},)"
        R"({"op":"insert","text":"brave ","client":2,)"
        R"("by":{"user":"ben","first_seq":2,"last_seq":2,"first_ms":2000,"last_ms":2000}},)"
        R"({"op":"keep","text":"world"}]}]})");
  // The older version comes first, whatever the order.
  CHECK(diff_json(history, 3, 1) == diff_json(history, 1, 3));
  CHECK(diff_json(history, 2, 2) == R"({"from":2,"to":2,"roots":[]})");
}

TEST_CASE("edits of one user that follow each other soon are one run") {
  history history;
  for (std::uint64_t i = 0; i < 4; ++i) {
    maybe_unit left;
    if (i != 0) left = unit{1, i - 1};
    const std::int64_t time = static_cast<std::int64_t>(i) * 1000 + (i == 3 ? 1'000'000 : 0);
    REQUIRE(history.apply(text_at(1, i, std::string(1, static_cast<char>('a' + i)), left), {i + 1, time, "ada"}));
  }
  const auto runs = [&](const diff_options& options) {
    return diff_versions(history, 0, 4, options)->types.front().list;
  };
  const auto soon = runs({});
  REQUIRE(soon.size() == 2);
  CHECK(soon[0].content == "abc");
  CHECK(*soon[0].inserted == attribution{"ada", 1, 3, 0, 2000});
  CHECK(soon[1].content == "d");
  CHECK(runs({-1}).size() == 4);
  CHECK(runs({10'000'000}).size() == 1);
}

TEST_CASE("a change of formats says what it was, what it is and who did it") {
  // Before: "abc" in bold. After: "bc" in red, and not bold.
  history history;
  REQUIRE(history.apply(update_builder()
                            .block(1, 0)
                            .raw(hex("06 01 04 74657874 04 626f6c64 04 74727565"))
                            .text("abc", unit{1, 0})
                            .raw(hex("86 01 03 04 626f6c64 04 6e756c6c"))
                            .build(),
                        {1, 10, "ada"}));
  REQUIRE(history.apply(update_builder()
                            .block(2, 0)
                            .raw(hex("c6 01 01 01 02 05 636f6c6f72 05 2272656422"))  // color "red" behind "a"
                            .raw(hex("c6 02 00 01 02 04 626f6c64 04 6e756c6c"))      // bold null
                            .build(),
                        {2, 20, "ben"}));
  CHECK(history.content().delta_json("text") ==
        R"([{"insert":"a","attributes":{"bold":true}},{"insert":"bc","attributes":{"color":"red"}}])");
  CHECK(
      diff_json(history, 1, 2) ==
      R"({"from":1,"to":2,"roots":[{"kind":"text","name":"text","list":[)"
      R"({"op":"keep","text":"a","attributes":{"bold":true}},)"
      R"({"op":"keep","text":"bc","attributes":{"color":"red"},"formats":[)"
      R"({"key":"bold","before":true,"by":{"user":"ben","first_seq":2,"last_seq":2,"first_ms":20,"last_ms":20}},)"
      R"({"key":"color","after":"red","by":{"user":"ben","first_seq":2,"last_seq":2,"first_ms":20,"last_ms":20}}]}]}]})");
}

TEST_CASE("a difference of keys says the old value and the new one") {
  history history(0);
  REQUIRE(history.load(update_builder().block(1, 0).set("map", "a", 1).set("map", "b", 2).build()));
  REQUIRE(history.apply(update_builder().block(2, 0).set("map", "a", 5, unit{1, 0}).set("map", "c", 7).build(),
                        {3, 30, "ada"}));
  REQUIRE(history.apply(update_builder().erase(1, 1, 1).build(), {4, 40, "ben"}));
  CHECK(history.content().to_json() == R"({"map":{"a":5,"c":7}})");
  const auto by = [](const char* user, int seq) {
    const auto number = std::to_string(seq);
    return R"("by":{"user":")" + std::string(user) + R"(","first_seq":)" + number + R"(,"last_seq":)" + number +
           R"(,"first_ms":)" + number + R"(0,"last_ms":)" + number + "0}";
  };
  CHECK(diff_json(history, 0, 4) == R"({"from":0,"to":4,"roots":[{"kind":"map","name":"map","keys":[)"
                                    R"({"key":"a","op":"insert","before":1,"after":5,"client":2,)" +
                                        by("ada", 3) + R"(},{"key":"b","op":"delete","before":2,)" + by("ben", 4) +
                                        R"(},{"key":"c","op":"insert","after":7,"client":2,)" + by("ada", 3) + "}]}]}");
}

TEST_CASE("nested types are compared where they lie") {
  history history;
  // A list with an array and a map, the map with a text under a key.
  REQUIRE(history.apply(update_builder()
                            .block(1, 0)
                            .type(0)
                            .type_after(1, {1, 0})
                            .child("old", {1, 1}, "note")
                            .child("x", {1, 0})
                            .build(),
                        {1, 10, "ada"}));
  REQUIRE(history.apply(update_builder().block(2, 0).child("y", {1, 0}).build(), {2, 20, "ben"}));
  REQUIRE(history.apply(update_builder().erase(1, 1, 1).build(), {3, 30, "eve"}));
  const auto diff = diff_versions(history, 1, 3);
  REQUIRE(diff);
  REQUIRE(diff->types.size() == 3);
  CHECK(diff->types[0].list.size() == 2);
  CHECK(diff->types[0].list[0].what == change::keep);
  CHECK(diff->types[0].list[1].what == change::remove);
  CHECK(diff->types[1].owner == 0);
  CHECK(diff->types[1].changed);
  CHECK(diff->types[1].list.size() == 2);
  REQUIRE(diff->types[2].keys.size() == 1);
  CHECK(diff->types[2].keys[0].what == change::remove);
  CHECK(diff->types[2].keys[0].by->user == "eve");
  const auto json = diff_json(history, 1, 3);
  CHECK_FALSE(validate_json(json));
  CHECK(json.find(R"("type":{"kind":"map","keys":[{"key":"note","op":"delete","before":"d",)") != std::string::npos);
}

TEST_CASE("types that nest as deep as they may are compared and written without a stack") {
  history history;
  update_builder deep;
  deep.block(1, 0).type(0);
  for (std::uint64_t i = 1; i < 2000; ++i) deep.type(0, unit{1, i - 1});
  REQUIRE(history.apply(deep.build(), {1, 0, "ada"}));
  REQUIRE(history.apply(update_builder().block(2, 0).child("x", {1, 1999}).build(), {2, 0, "ben"}));
  for (const std::uint64_t from : {0, 1}) {
    const auto json = diff_json(history, from, 2);
    std::size_t values = 0;
    CHECK_FALSE(validate_json(json, values, 10'000));
    CHECK(values > 4000);
  }
}

TEST_CASE("what had to wait belongs to the edit that carried it, and shows with the one that it waited for") {
  history history;
  REQUIRE(history.apply(text_at(1, 1, "b", unit{1, 0}), {1, 10, "late"}));
  REQUIRE(history.apply(text_at(1, 0, "a"), {2, 20, "first"}));
  CHECK(history.content().text("text") == "ab");
  CHECK(history.document_at(1)->text("text").empty());
  const auto list = diff_versions(history, 1, 2)->types.front().list;
  REQUIRE(list.size() == 2);
  CHECK(list[0].inserted->user == "first");
  CHECK(list[1].content == "b");
  CHECK(list[1].inserted->user == "late");
}

TEST_CASE("a difference is cut down to one root, with all that is in it") {
  history history;
  REQUIRE(history.apply(text_at(1, 0, "hello"), {1, 1000, "ada"}));
  REQUIRE(history.apply(update_builder().block(2, 0).type(2).child("in it", unit{2, 0}).build(), {2, 2000, "ben"}));
  auto diff = diff_versions(history, 0, 2);
  REQUIRE(diff);
  keep_root(*diff, "list");
  std::string out;
  append_diff_json(*diff, out);
  CHECK(out.find("in it") != std::string::npos);
  CHECK(out.find("hello") == std::string::npos);
  keep_root(*diff, "nowhere");
  for (const auto& each : diff->types) CHECK_FALSE(each.changed);
}

TEST_CASE("of much that waited each part belongs to the edit that carried it first") {
  history history;
  // The units of client 1 come from behind: 6 and 7, then 3 to 5, 4 to 7 again, and 0 to 2 by which all are there.
  REQUIRE(history.apply(text_at(1, 6, "gh", unit{1, 5}), {1, 10, "ada"}));
  REQUIRE(history.apply(text_at(1, 3, "def", unit{1, 2}), {2, 20, "ben"}));
  REQUIRE(history.apply(text_at(1, 4, "efgh", unit{1, 3}), {3, 30, "eve"}));
  REQUIRE(history.apply(text_at(1, 9, "j", unit{1, 8}), {4, 40, "zoe"}));
  REQUIRE(history.apply(text_at(1, 0, "abc"), {5, 50, "joe"}));
  CHECK(history.content().text("text") == "abcdefgh");
  REQUIRE(history.apply(text_at(1, 8, "i", unit{1, 7}), {6, 60, "kim"}));
  CHECK(history.content().text("text") == "abcdefghij");
  std::string who;
  const auto diff = diff_versions(history, 0, 6);
  REQUIRE(diff);
  for (const auto& run : diff->types.front().list) who += run.content + ":" + run.inserted->user + " ";
  CHECK(who == "abc:joe def:ben gh:ada i:kim j:zoe ");
}

TEST_CASE("a difference shows values of every kind, and halves of pairs as U+FFFD") {
  history history;
  const std::string pair =
      "a\xF0\x9F\x98\x80"
      "b";
  REQUIRE(history.apply(text_at(1, 0, pair), {1, 10, "ada"}));
  REQUIRE(history.apply(update_builder().erase(1, 2, 1).build(), {2, 20, "ben"}));
  // A list of ContentJSON, a text under a key, an embed and a subdocument.
  REQUIRE(history.apply(hex("010105000201046c69737402013109756e646566696e656400"), {3, 30, "ada"}));
  REQUIRE(history
              .apply(hex("0105060005016d6170"
                         "00"),
                     {4, 40, "ada"})
              .has_value() == false);
  bytes mixed;
  lib0_writer writer(mixed);
  for (const int number : {1, 5, 7, 0}) writer.var_uint(static_cast<std::uint64_t>(number));
  const auto head = [&](std::uint8_t info, std::string_view root, std::string_view key) {
    writer.u8(info);
    writer.u8(1);
    writer.var_string(root);
    if (!key.empty()) writer.var_string(key);
  };
  head(0x24, "map", "text");
  writer.var_string("xyz");
  head(0x25, "map", "embed");
  writer.var_string(R"({"a":1})");
  head(0x23, "map", "binary");
  writer.var_string("abc");
  head(0x29, "map", "doc");
  writer.var_string("guid");
  writer.u8(118);
  writer.u8(0);
  head(0x22, "map", "old");
  writer.var_uint(1);
  writer.var_string("undefined");
  writer.u8(0);
  REQUIRE(history.apply(mixed, {5, 50, "ada"}));
  const auto json = diff_json(history, 0, 5);
  CAPTURE(json);
  std::size_t values = 0;
  CHECK_FALSE(validate_json(json, values, 100));
  for (const auto* part : {R"("z")", R"({"a":1})", R"("YWJj")", R"({"guid":"guid"})", R"([1,null])"})
    CHECK_MESSAGE(json.find(part) != std::string::npos, part);
  CHECK(json.find("\xEF\xBF\xBD") != std::string::npos);
}

}  // namespace
