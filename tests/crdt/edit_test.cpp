#include "crdt/edit.hpp"

#include <doctest/doctest.h>

#include <random>

#include "tests/crdt/support/builder.hpp"
#include "tests/crdt/support/replay.hpp"

namespace {

using namespace octavo;
using namespace octavo::test;
using crdt::edit;
using crdt::edit_errc;
using crdt::type_kind;
using crdt::value;

constexpr std::uint64_t server = 4711;

std::vector<crdt::attribute> bold() {
  return {{"bold", value(true)}};
}

/// Does something in one edit, and returns the update.
template <class Change>
bytes change(crdt::document& document, Change what, std::uint64_t client = server) {
  edit edit(document, client);
  what(edit);
  auto done = edit.commit();
  REQUIRE(done);
  check_sound(document);
  return std::move(done->update);
}

bytes type_text(crdt::document& document, std::uint64_t index, std::string_view text) {
  return change(document, [&](edit& in) { REQUIRE(in.insert_text(*in.root("text", type_kind::text), index, text)); });
}

/// Whether an operation was refused for a reason.
template <class Result>
bool refused(const Result& done, edit_errc why) {
  return !done && done.error() == why;
}

TEST_CASE("an edit is one update that leads others to the same content") {
  crdt::document here;
  crdt::document there;
  feed(there, change(here, [](edit& in) {
         const auto text = *in.root("text", type_kind::text);
         REQUIRE(in.insert_text(text, 0, "Hello world"));
         REQUIRE(in.format(text, 0, 5, bold()));
         REQUIRE(in.erase(text, 5, 6));
         const auto list = *in.root("list", type_kind::array);
         const std::vector<value> values = {1, "two", value::binary(as_bytes("\1")), nullptr};
         REQUIRE(in.insert(list, 0, values));
         const auto map = *in.insert_type(list, 2, type_kind::map);
         REQUIRE(in.set(map, "key", 3.5));
         const auto nested = *in.set_type(map, "text", type_kind::text);
         REQUIRE(in.insert_text(nested, 0, "inside"));
       }));
  CHECK(here.delta_json("text") == R"([{"insert":"Hello","attributes":{"bold":true}}])");
  CHECK(here.json("list") == R"([1,"two",{"key":3.5,"text":"inside"},"AQ==",null])");
  check_equal(here, there);
}

TEST_CASE("the worked example of the two encodings is what editing writes") {
  crdt::document document;
  type_text(document, 0, "hi");
  CHECK(to_hex(change(document, [](edit& in) {
          REQUIRE(in.insert_text(*in.root("text", type_kind::text), 2, "!"));
          REQUIRE(in.set(*in.root("m", type_kind::map), "k", -0.0));
          REQUIRE(in.erase(*in.root("text", type_kind::text), 0, 1));
        })) == "0102e7240284e7240101212801016d016b017d4001e724010001");
}

TEST_CASE("an edit that does nothing makes no update") {
  crdt::document document;
  type_text(document, 0, "abc");
  const auto before = document.encode_state_as_update_v1();
  CHECK(change(document, [](edit& in) {
          const auto text = *in.root("text", type_kind::text);
          REQUIRE(in.insert_text(text, 1, ""));
          REQUIRE(in.erase(text, 1, 0));
          REQUIRE(in.format(text, 1, 2, {}));
          CHECK(in.root("never written", type_kind::map));
        }).empty());
  CHECK(document.encode_state_as_update_v1() == before);
  CHECK(document.root_names() == std::vector<std::string>{"text"});
}

TEST_CASE("what is rolled back, or never committed, leaves no trace") {
  crdt::document document;
  change(document, [](edit& in) {
    const auto list = *in.root("list", type_kind::array);
    const auto map = *in.insert_type(list, 0, type_kind::map);
    REQUIRE(in.set(map, "a", 1));
    REQUIRE(in.insert_text(*in.root("text", type_kind::text), 0, "one two"));
  });
  const auto state = document.encode_state_as_update_v1();
  const auto dump = document.canonical_dump();
  const auto stats = document.stats();
  {
    edit in(document, server);
    const auto list = *in.root("list", type_kind::array);
    const auto map = *in.child(list, 0);
    REQUIRE(in.set(map, "a", 2));
    REQUIRE(in.set(map, "b", 3));
    REQUIRE(in.remove(map, "a"));
    const auto made = *in.insert_type(list, 1, type_kind::text);
    REQUIRE(in.insert_text(made, 0, "gone"));
    REQUIRE(in.erase(list, 0, 1));
    const auto text = *in.root("text", type_kind::text);
    REQUIRE(in.insert_text(text, 7, " three"));
    REQUIRE(in.erase(text, 2, 3));
    REQUIRE(in.format(text, 1, 3, bold()));
    CHECK(in.root("new", type_kind::map));
  }
  CHECK(document.encode_state_as_update_v1() == state);
  CHECK(document.canonical_dump() == dump);
  CHECK(document.stats().items == stats.items);
  CHECK(document.stats().types == stats.types);
  CHECK(document.root_names() == std::vector<std::string>{"list", "text"});
  check_sound(document);
  type_text(document, 3, "!");
  CHECK(document.text("text") == "one! two");
}

TEST_CASE("an update is refused while an edit is open, and the edit goes on") {
  crdt::document document;
  crdt::document other;
  const auto update = type_text(other, 0, "x");
  edit in(document, server);
  const auto refusal = document.apply_v1(update);
  REQUIRE(!refusal);
  CHECK(refusal.error().apply == crdt::apply_errc::edit_open);
  REQUIRE(in.insert_text(*in.root("text", type_kind::text), 0, "abc"));
  edit second(document, server);
  CHECK(refused(second.root("text", type_kind::text), edit_errc::not_open));
  REQUIRE(in.commit());
  CHECK(refused(in.root("text", type_kind::text), edit_errc::not_open));
  CHECK(document.text("text") == "abc");
}

TEST_CASE("what cannot be done is refused with its reason and changes nothing") {
  crdt::document_options options;
  options.max_type_depth = 2;
  options.max_keys = 6;
  crdt::document document(options);
  type_text(document, 0, "abc");
  change(document, [](edit& in) {
    const auto text = *in.root("text", type_kind::text);
    const auto list = *in.root("list", type_kind::array);
    const auto map = *in.root("map", type_kind::map);
    CHECK(refused(in.insert_text(text, 4, "x"), edit_errc::out_of_range));
    CHECK(refused(in.erase(text, 2, 2), edit_errc::out_of_range));
    CHECK(refused(in.erase(text, 4, UINT64_MAX), edit_errc::out_of_range));
    CHECK(refused(in.format(text, 0, UINT64_MAX, bold()), edit_errc::out_of_range));
    CHECK(refused(in.insert_text(text, 0, "\xff"), edit_errc::bad_text));
    CHECK(refused(in.insert_text(list, 0, "x"), edit_errc::wrong_type));
    CHECK(refused(in.set(list, "k", 1), edit_errc::wrong_type));
    CHECK(refused(in.insert(map, 0, std::vector<value>{1}), edit_errc::wrong_type));
    CHECK(refused(in.insert(list, 1, std::vector<value>{1}), edit_errc::out_of_range));
    CHECK(refused(in.insert(list, 0, std::vector<value>{1, value::undefined()}), edit_errc::bad_value));
    CHECK(refused(in.insert(list, 0, std::vector<value>{value::bigint(1)}), edit_errc::bad_value));
    CHECK(refused(in.insert(list, 0, std::vector<value>{value("\xff")}), edit_errc::bad_value));
    CHECK(refused(in.insert_embed(text, 0, value::undefined()), edit_errc::bad_value));
    CHECK(refused(in.insert_document(list, 0, "guid", value(3)), edit_errc::bad_value));
    CHECK(refused(in.remove(map, "k"), edit_errc::not_found));
    CHECK(refused(in.child(map, "k"), edit_errc::not_found));
    CHECK(refused(in.child(text, 0), edit_errc::wrong_type));
    CHECK(refused(in.set(map, "\xff", 1), edit_errc::bad_text));
    CHECK(refused(in.apply_delta(text, "[{\"retain\":4}]"), edit_errc::out_of_range));
    for (const auto* delta : {"", "{}", "[1]", "[{}]", R"([{"retain":1,"delete":1}])", R"([{"retain":-1}])",
                              R"([{"insert":"a","attributes":[]}])", R"([{"delete":1.5}])"})
      CHECK_MESSAGE(refused(in.apply_delta(text, delta), edit_errc::bad_delta), delta);
    const auto one = *in.insert_type(list, 0, type_kind::array);
    const auto two = *in.insert_type(one, 0, type_kind::array);
    CHECK(refused(in.insert_type(two, 0, type_kind::array), edit_errc::type_too_deep));
    CHECK(refused(in.insert_type(*in.root("xml", type_kind::xml_fragment), 0, type_kind::map), edit_errc::wrong_type));
    REQUIRE(in.set(map, "five", 5));
    REQUIRE(in.set(map, "six", 6));
    CHECK(refused(in.set(map, "seven", 7), edit_errc::too_many_names));
    CHECK(refused(in.root("eight", type_kind::map), edit_errc::too_many_names));
    REQUIRE(in.erase(list, 0, 1));
    CHECK(refused(in.insert(two, 0, std::vector<value>{1}), edit_errc::wrong_type));
  });
  CHECK(document.text("text") == "abc");
}

TEST_CASE("an edit that asks for more work than its budget can only be taken back") {
  crdt::document_options options;
  options.step_budget = 300;
  crdt::document document(options);
  for (int i = 0; i < 200; ++i)
    change(document, [](edit& in) { REQUIRE(in.insert_embed(*in.root("text", type_kind::text), 0, value(1))); });
  const auto state = document.encode_state_as_update_v1();
  edit in(document, server);
  const auto text = *in.root("text", type_kind::text);
  REQUIRE(in.erase(text, 0, 100));
  edit_errc why{};
  for (int i = 0; i < 1000 && why == edit_errc{}; ++i) {
    if (const auto done = in.insert_embed(text, 0, value(1)); !done) why = done.error();
  }
  CHECK(why == edit_errc::step_budget_exceeded);
  CHECK(refused(in.insert_text(text, 0, "x"), edit_errc::not_open));
  CHECK(refused(in.commit(), edit_errc::not_open));
  CHECK(document.encode_state_as_update_v1() == state);
  CHECK(document.usable());
  check_sound(document);
}

TEST_CASE("a document that is full refuses and stays as it is") {
  crdt::document_options options;
  options.max_content_bytes = 4096;
  crdt::document document(options);
  type_text(document, 0, "start");
  edit in(document, server);
  const auto text = *in.root("text", type_kind::text);
  CHECK(refused(in.insert_text(text, 0, std::string(5000, 'x')), edit_errc::document_full));
  REQUIRE(in.insert_text(text, 5, " end"));
  REQUIRE(in.commit());
  CHECK(document.text("text") == "start end");
  check_sound(document);
}

TEST_CASE("no edit tears a surrogate pair") {
  crdt::document document;
  type_text(document, 0, "a😀b");
  change(document, [](edit& in) {
    const auto text = *in.root("text", type_kind::text);
    REQUIRE(in.insert_text(text, 2, "|"));
  });
  CHECK(document.text("text") == "a|😀b");
  change(document, [](edit& in) { REQUIRE(in.format(*in.root("text", type_kind::text), 3, 2, bold())); });
  CHECK(document.delta_json("text") == R"([{"insert":"a|"},{"insert":"😀b","attributes":{"bold":true}}])");
  change(document, [](edit& in) {
    const auto text = *in.root("text", type_kind::text);
    CHECK(refused(in.apply_delta(text, R"([{"retain":3},{"insert":"x"}])"), edit_errc::bad_delta));
    REQUIRE(in.erase(text, 1, 2));
  });
  CHECK(document.text("text") == "ab");
}

TEST_CASE("positions in code points and bytes become those in UTF-16 units") {
  const std::string text = "aé😀日";
  CHECK(crdt::utf16_position_of_code_point(text, 0) == 0);
  CHECK(crdt::utf16_position_of_code_point(text, 3) == 4);
  CHECK(crdt::utf16_position_of_code_point(text, 4) == 5);
  CHECK(crdt::utf16_position_of_code_point(text, 5) == std::nullopt);
  CHECK(crdt::utf16_position_of_byte(text, 3) == 2);
  CHECK(crdt::utf16_position_of_byte(text, 7) == 4);
  CHECK(crdt::utf16_position_of_byte(text, text.size()) == 5);
  CHECK(crdt::utf16_position_of_byte(text, 2) == std::nullopt);
  CHECK(crdt::utf16_position_of_byte(text, 11) == std::nullopt);
}

TEST_CASE("what waited for the editor's own next clock is woken") {
  crdt::document document;
  type_text(document, 0, "a");
  // Somebody refers to a unit that the server has not written yet.
  feed(document, update_builder().block(7, 0).text("z", unit{server, 2}).build());
  CHECK(document.stats().pending_structs == 1);
  const auto update = type_text(document, 1, "bc");
  CHECK(document.text("text") == "abcz");
  CHECK(document.stats().pending_structs == 0);
  crdt::document other;
  feed(other, document.encode_state_as_update_v1());
  check_equal(document, other);
  CHECK(update.size() < 16);
}

TEST_CASE("a type that someone embeds in a text takes no attributes of its surroundings") {
  crdt::document document;
  change(document, [](edit& in) {
    const auto text = *in.root("text", type_kind::text);
    REQUIRE(in.insert_text(text, 0, "ab", bold()));
    const auto map = *in.insert_type(text, 1, type_kind::map);
    REQUIRE(in.set(map, "k", "v"));
    CHECK(*in.child(text, 1) == map);
  });
  CHECK(
      document.delta_json("text") ==
      R"([{"insert":"a","attributes":{"bold":true}},{"insert":{"k":"v"}},{"insert":"b","attributes":{"bold":true}}])");
}

TEST_CASE("values are equal to what JSON.parse makes, and refuse what has no form") {
  CHECK(value(1) == value(1.0));
  CHECK_FALSE(value(0.0) == value(-0.0));
  CHECK(value(std::int64_t{1} << 31) == value(2147483648.0));
  CHECK(*value::from_json(R"({"a":[1,2.5,"x",null,true]})") ==
        value::object(std::vector<std::pair<std::string, value>>{
            {"a", value::array(std::vector<value>{1, 2.5, "x", nullptr, true})}}));
  CHECK(value::object(std::vector<std::pair<std::string, value>>{{"a", 1}, {"b", 2}, {"a", 3}}).to_json() ==
        R"({"a":3,"b":2})");
  CHECK(!value::from_json("{"));
  CHECK(!value::from_json("\"\xff\""));
  CHECK(value::from_any(value("x").encoded()).has_value());
  CHECK(!value::from_any(as_bytes(std::string_view("\x77\x05", 2))));
  CHECK(value::bigint(-5).to_json() == "-5");
}

// A text in which each unit has attributes of its own, as a list of what an editor shows.
TEST_CASE("random edits at random places keep the positions right") {
  const auto seed = choose_seed();
  std::mt19937_64 random(seed);
  const auto below = [&](std::uint64_t bound) { return bound == 0 ? 0 : random() % bound; };
  for (int round = 0; round < 4; ++round) {
    crdt::document here;
    crdt::document there;
    std::string model;
    for (int i = 0; i < 1500; ++i) {
      CAPTURE(i);
      const auto update = change(here, [&](edit& in) {
        const auto text = *in.root("text", type_kind::text);
        const auto at = below(model.size() + 1);
        if (below(3) != 0 || model.empty()) {
          const std::string typed(1 + below(3), static_cast<char>('a' + below(26)));
          model.insert(at, typed);
          if (below(4) == 0) {
            REQUIRE(in.insert_text(text, at, typed, bold()));
          } else {
            REQUIRE(in.insert_text(text, at, typed));
          }
        } else if (below(4) == 0) {
          const std::vector<crdt::attribute> attributes = {
              {below(2) == 0 ? "bold" : "em", below(2) == 0 ? value(true) : value()}};
          REQUIRE(in.format(text, at, below(model.size() - at + 1), attributes));
        } else {
          const auto length = below(std::min<std::uint64_t>(model.size() - at, 6) + 1);
          model.erase(at, length);
          REQUIRE(in.erase(text, at, length));
        }
      });
      if (!update.empty()) feed(there, update);
    }
    CHECK(here.text("text") == model);
    check_equal(here, there);
  }
}

TEST_CASE("a type says what it is and how long") {
  crdt::document document;
  type_text(document, 0, "a\xf0\x9f\x98\x80");
  edit edit(document, server);
  const auto text = *edit.root("text", type_kind::text);
  CHECK(*edit.length(text) == 3);
  CHECK(*edit.kind(text) == type_kind::text);
  const auto element = *edit.insert_type(*edit.root("xml", type_kind::xml_fragment), 0, type_kind::xml_element, "p");
  CHECK(*edit.kind(element) == type_kind::xml_element);
  CHECK(*edit.length(element) == 0);
  CHECK(refused(edit.length({}), edit_errc::wrong_type));
  CHECK(refused(edit.kind({}), edit_errc::wrong_type));
  for (auto code = 0; code <= static_cast<int>(edit_errc::not_open); ++code)
    CHECK(to_string(static_cast<edit_errc>(code)) != "unknown error");
}

TEST_CASE("subdocuments are listed with their options, and those that were deleted are not") {
  crdt::document document;
  change(document, [](edit& in) {
    const auto list = *in.root("list", type_kind::array);
    REQUIRE(in.insert_document(list, 0, "first"));
    REQUIRE(in.insert_document(list, 1, "second", *value::from_json(R"({"autoLoad":true})")));
    REQUIRE(in.set_document(*in.root("map", type_kind::map), "key", "third"));
  });
  change(document, [](edit& in) { REQUIRE(in.erase(*in.root("list", type_kind::array), 0, 1)); });
  const std::vector<crdt::document::subdocument> expected = {{"second", R"({"autoLoad":true})"}, {"third", "{}"}};
  CHECK(document.subdocuments() == expected);
}

TEST_CASE("positions are found in more lists than have a tree at once") {
  crdt::document document;
  constexpr int lists = 1100;  // internal::position_index::max_trees is 1024
  change(document, [](edit& in) {
    const auto all = *in.root("list", type_kind::array);
    for (int i = 0; i < lists; ++i) {
      const auto text = *in.insert_type(all, static_cast<std::uint64_t>(i), type_kind::text);
      REQUIRE(in.insert_text(text, 0, "ac"));
    }
  });
  for (int round = 0; round < 2; ++round) {
    change(document, [](edit& in) {
      const auto all = *in.root("list", type_kind::array);
      for (int i = 0; i < lists; ++i) REQUIRE(in.insert_text(*in.child(all, static_cast<std::uint64_t>(i)), 1, "b"));
    });
  }
  std::string expected = "[";
  for (int i = 0; i < lists; ++i) expected += i == 0 ? "\"abbc\"" : ",\"abbc\"";
  CHECK(document.json("list", type_kind::array) == expected + "]");
}

TEST_CASE("attributes that are objects are equal whatever the order of their members") {
  crdt::document document;
  const auto with = [](const char* json) { return std::vector<crdt::attribute>{{"a", *value::from_json(json)}}; };
  change(document, [&](edit& in) {
    const auto text = *in.root("text", type_kind::text);
    REQUIRE(in.insert_text(text, 0, "one", with(R"({"x":1,"y":[1,{"z":2}]})")));
    REQUIRE(in.insert_text(text, 3, "two", with(R"({"y":[1,{"z":2}],"x":1})")));
    REQUIRE(in.insert_text(text, 6, "three", with(R"({"y":[1,{"z":3}],"x":1})")));
  });
  CHECK(document.delta_json("text") == R"([{"insert":"onetwo","attributes":{"a":{"x":1,"y":[1,{"z":2}]}}},)"
                                       R"({"insert":"three","attributes":{"a":{"y":[1,{"z":3}],"x":1}}}])");
}

TEST_CASE("a root that something waits for is made by an edit") {
  crdt::document_options options;
  options.max_roots = 2;
  crdt::document document(options);
  // Waits for client 9, and will be in a new root.
  feed(document, update_builder().block(3, 1).text("x", {}, {}, "text").build());
  type_text(document, 0, "a");
  change(document, [](edit& in) { REQUIRE(in.set(*in.root("map", type_kind::map), "k", 1)); });
  CHECK(document.root_names().size() == 2);
  feed(document, update_builder().block(3, 0).text("y", {}, {}, "text").build());
  CHECK(document.stats().pending_structs == 0);
  check_sound(document);
}

// What every operation answers for a handle, by name; those that find something are asked where there is nothing.
std::vector<std::pair<std::string_view, std::optional<edit_errc>>> answers(edit& in, crdt::type_handle of) {
  const auto code = [](const auto& done) { return done ? std::nullopt : std::optional(done.error()); };
  const std::vector<value> values = {1};
  return {{"text", code(in.insert_text(of, 0, "x"))},
          {"text", code(in.insert_text(of, 0, "x", bold()))},
          {"text", code(in.insert_embed(of, 0, 1))},
          {"text", code(in.format(of, 0, 1, bold()))},
          {"text", code(in.apply_delta(of, R"([{"insert":"x"}])"))},
          {"array", code(in.insert(of, 0, values))},
          {"array", code(in.insert_document(of, 0, "guid"))},
          {"types", code(in.insert_type(of, 0, type_kind::xml_text))},
          {"types", code(in.erase(of, 0, 1))},
          {"keys", code(in.set(of, "k", 1))},
          {"keys", code(in.set_type(of, "k", type_kind::array))},
          {"keys", code(in.set_document(of, "k", "guid"))},
          {"keys", code(in.remove(of, "k"))}};
}

TEST_CASE("each operation is for the types that have what it changes") {
  crdt::document document;
  change(document, [](edit& in) {
    const auto xml = *in.root("xml", type_kind::xml_fragment);
    const auto list = *in.root("list", type_kind::array);
    const std::pair<crdt::type_handle, std::string_view> kinds[] = {
        {*in.root("text", type_kind::text), "text types keys"},
        {list, "array types"},
        {*in.root("map", type_kind::map), "keys"},
        {xml, "types"},
        {*in.insert_type(xml, 0, type_kind::xml_element, "p"), "types keys"},
        {*in.insert_type(xml, 0, type_kind::xml_text), "text types keys"},
        {*in.insert_type(list, 0, type_kind::xml_hook, "h"), "keys"}};
    for (const auto& [of, has] : kinds) {
      for (const auto& [what, answer] : answers(in, of)) {
        CAPTURE(has);
        CAPTURE(what);
        CHECK(answer ==
              (has.find(what) == std::string_view::npos ? std::optional(edit_errc::wrong_type) : std::nullopt));
      }
    }
    CHECK(refused(in.insert_type(list, 0, type_kind::root), edit_errc::wrong_type));
    CHECK(refused(in.set_type(kinds[2].first, "k", type_kind::root), edit_errc::wrong_type));
    CHECK(refused(in.insert_type(list, 0, type_kind::xml_element, "\xff"), edit_errc::bad_text));
    CHECK(refused(in.insert_type(list, UINT64_MAX, type_kind::array), edit_errc::out_of_range));
    CHECK(refused(in.insert_embed(kinds[0].first, UINT64_MAX, 1), edit_errc::out_of_range));
    CHECK(refused(in.insert_text(kinds[0].first, 0, "x", std::vector<crdt::attribute>{{"\xff", 1}}),
                  edit_errc::bad_value));
    CHECK(refused(in.set(kinds[2].first, "k", value("\xff")), edit_errc::bad_value));
    CHECK(refused(in.set_document(kinds[2].first, "k", "\xff"), edit_errc::bad_value));
    CHECK(refused(in.root("\xff", type_kind::map), edit_errc::bad_text));
  });
}

TEST_CASE("a handle of no type, or of one that is gone, is refused by all, and so is an edit that is over") {
  crdt::document document;
  edit in(document, 9);
  const auto list = *in.root("list", type_kind::array);
  const auto gone = *in.insert_type(list, 0, type_kind::text);
  REQUIRE(in.erase(list, 0, 1));
  for (const auto of : {gone, crdt::type_handle()}) {
    for (const auto& [what, answer] : answers(in, of)) CHECK_MESSAGE(answer == edit_errc::wrong_type, what);
    CHECK(refused(in.child(of, 0), edit_errc::wrong_type));
    CHECK(refused(in.child(of, "k"), edit_errc::wrong_type));
    CHECK(refused(in.kind(of), edit_errc::wrong_type));
    CHECK(refused(in.length(of), edit_errc::wrong_type));
  }
  REQUIRE(in.commit());
  for (const auto& [what, answer] : answers(in, list)) CHECK_MESSAGE(answer == edit_errc::not_open, what);
  CHECK(refused(in.commit(), edit_errc::not_open));
  edit nobody(document, crdt::max_safe_integer + 1);
  CHECK(refused(nobody.root("list", type_kind::array), edit_errc::not_open));
}

TEST_CASE("bounds of the document hold for edits, and leave it as it is") {
  crdt::document_options options;
  options.max_clients = 1;
  options.max_roots = 1;
  crdt::document document(options);
  type_text(document, 0, "a");
  edit second(document, 77);
  CHECK(refused(second.root("text", type_kind::text), edit_errc::too_many_clients));
  change(document, [](edit& in) { CHECK(refused(in.root("other", type_kind::map), edit_errc::too_many_names)); });
  CHECK(document.text("text") == "a");
}

TEST_CASE("positions stay right while a long list is deleted and what is left of it joins") {
  const auto seed = choose_seed();
  std::mt19937_64 random(seed);
  constexpr std::uint64_t items = 20000;
  update_builder typed;
  typed.block(1, 0).text("x");
  for (std::uint64_t clock = 1; clock < items; ++clock) {
    bytes embed;
    crdt::lib0_writer writer(embed);
    writer.u8(clock % 2 == 0 ? 0x84 : 0x85);
    writer.var_uint(1);
    writer.var_uint(clock - 1);
    writer.var_string(clock % 2 == 0 ? "x" : "1");
    typed.raw(embed);
  }
  crdt::document made;
  feed(made, typed.build());
  std::size_t step = 0;
  for (auto length = made.length("text"); length != 0; length = made.length("text")) {
    CAPTURE(step);
    const auto index = random() % length;
    const auto at = made.relative({"text", std::nullopt, index, 0});
    REQUIRE(at);
    CHECK(made.resolve(*at)->index == index);
    const auto from = random() % length;
    const auto count = std::min<std::uint64_t>(length - from, 1 + random() % 400);
    change(made, [&](edit& in) { REQUIRE(in.erase(*in.root("text", type_kind::text), from, count)); });
    const auto where = made.resolve(*at);
    REQUIRE(where);
    CHECK(where->index == (index < from ? index : index < from + count ? from : index - count));
    if (++step % 8 == 0) check_sound(made);
  }
  check_sound(made);
  CHECK(made.stats().items == 1);
}

TEST_CASE("an insert writes no marker that follows already") {
  // Client 5 left a marker that does nothing: what yjs 13.6 writes for the same insert in front of it.
  crdt::document document;
  feed(document, hex("010205000601047465787404626f6c64046e756c6c8405000361626300"));
  const auto update = change(document, [](edit& in) {
    REQUIRE(in.insert_text(*in.root("text", type_kind::text), 0, "x", std::vector<crdt::attribute>{{"bold", "x"}}));
  });
  CHECK(to_hex(update) == "0102e7240046050004626f6c6403227822c4e724000500017800");
  CHECK(document.delta_json("text") == R"([{"insert":"x","attributes":{"bold":"x"}},{"insert":"abc"}])");
}

TEST_CASE("a delta may say more than is known, and nothing at all") {
  crdt::document document;
  change(document, [](edit& in) {
    const auto text = *in.root("text", type_kind::text);
    REQUIRE(in.apply_delta(text,
                           R"([{"insert":"ab","attributes":null,"comment":{"by":["x"]}},{"retain":0},{"delete":0},)"
                           R"({"insert":""},{"insert":{"image":"i"}}])"));
    REQUIRE(in.apply_delta(text, R"([{"retain":1,"attributes":{"bold":true}},{"retain":1},{"delete":1}])"));
    REQUIRE(in.apply_delta(text, "[]"));
  });
  CHECK(document.delta_json("text") == R"([{"insert":"a","attributes":{"bold":true}},{"insert":"b"}])");
}

TEST_CASE("a client that has written all clocks there are is refused") {
  crdt::document document;
  feed(document, update_builder().block(server, 0).gc(UINT32_MAX - 3).build());
  change(document, [](edit& in) {
    const auto text = *in.root("text", type_kind::text);
    CHECK(refused(in.insert_text(text, 0, "abcd"), edit_errc::clock_overflow));
    REQUIRE(in.insert_text(text, 0, "a"));
  });
  CHECK(document.text("text") == "a");
}

TEST_CASE("what a list or a key holds that is no type has no handle") {
  crdt::document document;
  change(document, [](edit& in) {
    const auto list = *in.root("list", type_kind::array);
    const auto map = *in.root("map", type_kind::map);
    REQUIRE(in.insert(list, 0, std::vector<value>{1}));
    REQUIRE(in.set(map, "one", 1));
    REQUIRE(in.set(map, "gone", 1));
    REQUIRE(in.remove(map, "gone"));
    CHECK(refused(in.child(list, 0), edit_errc::wrong_type));
    CHECK(refused(in.child(list, 1), edit_errc::out_of_range));
    CHECK(refused(in.child(map, "one"), edit_errc::wrong_type));
    CHECK(refused(in.child(map, "gone"), edit_errc::not_found));
    CHECK(refused(in.remove(map, "gone"), edit_errc::not_found));
    CHECK(refused(in.set_document(map, "k", "guid", value(1)), edit_errc::bad_value));
    const auto text = *in.root("text", type_kind::text);
    REQUIRE(in.insert_text(text, 0, "abc"));
    const std::vector<crdt::attribute> bad = {{"k", value::undefined()}};
    CHECK(refused(in.format(text, 0, 1, bad), edit_errc::bad_value));
    CHECK(refused(in.insert_embed(text, 0, 1, bad), edit_errc::bad_value));
    CHECK(refused(in.format(text, 4, 0, bold()), edit_errc::out_of_range));
    CHECK(refused(in.format(text, 2, 2, bold()), edit_errc::out_of_range));
  });
}

TEST_CASE("a long list that is looked for by position goes with the type that has it") {
  crdt::document document;
  change(document, [](edit& in) { REQUIRE(in.set_type(*in.root("map", type_kind::map), "t", type_kind::text)); });
  // Two clients in turn, so that nothing joins.
  const auto fill = [&](auto&& find) {
    for (std::uint64_t i = 0; i < 3000; ++i) {
      edit in(document, server + i % 2);
      REQUIRE(in.insert_text(find(in), i / 2, "x"));
      REQUIRE(in.commit());
    }
    check_sound(document);
  };
  fill([](edit& in) { return *in.child(*in.root("map", type_kind::map), "t"); });
  CHECK(document.stats().items > 2000);
  change(document, [](edit& in) { REQUIRE(in.remove(*in.root("map", type_kind::map), "t")); });
  CHECK(document.stats().items == 1);
  // Another one takes its place.
  fill([](edit& in) { return *in.root("text", type_kind::text); });
  CHECK(document.length("text") == 3000);
}

TEST_CASE("what an edit appended to older text of its client is cut off again") {
  crdt::document document;
  type_text(document, 0, "ab");
  type_text(document, 2, "cd");
  CHECK(document.stats().items == 1);
  {
    edit in(document, server);
    REQUIRE(in.insert_text(*in.root("text", type_kind::text), 4, "ef"));
    REQUIRE(in.insert_text(*in.root("text", type_kind::text), 6, "gh"));
    REQUIRE(in.erase(*in.root("text", type_kind::text), 3, 2));
  }
  CHECK(document.text("text") == "abcd");
  CHECK(document.clock(server) == 4);
  CHECK(document.stats().items == 1);
  check_sound(document);
}

TEST_CASE("a document that is not usable takes no edit") {
  crdt::document_options options;
  options.step_budget = 3;
  crdt::document document(options);
  update_builder many;
  many.block(1, 0).text("a").text("b").text("c").text("d").text("e").text("f");
  REQUIRE_FALSE(document.apply_v1(many.build()));
  REQUIRE_FALSE(document.usable());
  edit in(document, server);
  CHECK(refused(in.root("text", type_kind::text), edit_errc::not_open));
}

}  // namespace
