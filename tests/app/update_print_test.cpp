#include "app/update_print.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <sstream>

#include "tests/crdt/support/builder.hpp"

using namespace octavo;
using namespace octavo::app;
using octavo::test::unit;
using octavo::test::update_builder;
namespace json = boost::json;

namespace {

update_input input_of(const update_builder& builder) {
  auto input = read_update({"it", builder.build()}, {});
  REQUIRE(input);
  return std::move(*input);
}

std::string printed(const update_builder& builder, const print_options& options = {}) {
  auto out = std::ostringstream{};
  print_update(input_of(builder), options, out);
  return out.str();
}

crdt::document document_of(const update_builder& builder) {
  auto document = crdt::document{};
  REQUIRE(document.apply_v1(builder.build()));
  return document;
}

std::string tree_of(const update_builder& builder, const print_options& options = {}) {
  auto out = std::ostringstream{};
  print_tree(document_of(builder), {}, options, out);
  return out.str();
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("text is shown in quotes, cut between characters") {
  CHECK(quoted("hi", 10) == "\"hi\"");
  CHECK(quoted("hello", 5) == "\"hello\"");
  CHECK(quoted("hello!", 5) == "\"hello\"… (6 B)");
  CHECK(quoted("ééé", 2) == "\"éé\"… (6 B)");
  CHECK(quoted(std::string(1000, 'x'), 3) == "\"xxx\"… (1000 B)");
  CHECK(quoted(std::string(1000, 'x'), SIZE_MAX).size() == 1002);
}

TEST_CASE("no content can play tricks with a terminal") {
  CHECK(quoted("\x1b[31m\n\x7f", 20) == R"("\u001b[31m\n\u007f")");
  CHECK(quoted("\xC2\x9b", 20) == R"("\u009b")");
  CHECK(quoted("a\u202eb\u2066\ufeffc", 20) == R"("a\u202eb\u2066\ufeffc")");
  CHECK(terminal_safe("é 😀 漢") == "é 😀 漢");
  CHECK(terminal_safe("\xC2") == "\\u0000");
}

TEST_CASE("an update is printed struct by struct") {
  const auto text = printed(update_builder{}
                                .block(5, 0)
                                .text("hi")
                                .skip(2)
                                .text("!", unit{5, 1}, unit{7, 0})
                                .set("map", "key", 9)
                                .erase(5, 4, 1));
  CHECK(contains(text, "3 structs of 1 client, 1 gap; 1 range of deletes with 1 unit"));
  CHECK(contains(text, "needs 7:0, 5:2-3 from elsewhere"));
  CHECK(contains(text, "5:0  2  string   \"hi\"  in root \"text\"\n"));
  CHECK(contains(text, "5:2  2  skip     not in this update\n"));
  CHECK(contains(text, "5:4  1  string   \"!\"  origin 5:1  right 7:0  [in root \"text\"]  (deleted)\n"));
  CHECK(contains(text, "5:5  1  any      9  in root \"map\" key \"key\"\n"));
  CHECK(contains(text, "deletes\n  5: 4\n"));
  auto only = print_options{};
  only.client = 5;
  only.clock = 1;
  const auto one = printed(update_builder{}.block(5, 0).text("hi").text("!", unit{5, 1}), only);
  CHECK(contains(one, "\"hi\""));
  CHECK_FALSE(contains(one, "\"!\""));
}

TEST_CASE("values keep what JSON has no word for") {
  const auto any = [](std::initializer_list<int> raw) {
    auto data = std::string{};
    for (auto each : raw) data += static_cast<char>(each);
    return data;
  };
  const auto shown = [](std::string_view run, std::uint32_t length) {
    return shown_content(crdt::content_kind::any, length, run, 100);
  };
  const auto odd = any({127, 126, 125, 0x40, 124, 0x7f, 0xc0, 0, 0, 122, 0, 0, 0, 0, 0, 0, 0, 5, 116, 2, 1, 255});
  CHECK(shown(odd, 6) == "undefined, null, -0, NaN, 5n, Uint8Array(2) 01ff");
  const auto members = content_members(crdt::content_kind::any, 6, odd);
  const auto parsed = json::parse('{' + members.substr(1) + '}');
  CHECK(json::serialize(parsed.at("values")) == R"([null,null,0,null,5,"Af8="])");
  CHECK(parsed.at("notation").as_string() == "undefined,null,-0,NaN,5n,Uint8Array(2) 01ff");
  const auto plain = any({125, 1, 118, 1, 1, 'a', 127});
  CHECK(shown(plain, 2) == R"(1, {"a":undefined})");
  CHECK_FALSE(contains(content_members(crdt::content_kind::any, 1, plain), "notation"));
}

TEST_CASE("the JSON of an update is complete, whatever the width") {
  const auto input =
      input_of(update_builder{}.block(5, 0).text(std::string(500, 'x')).gc(3).type(3 - 3).erase(5, 0, 4));
  auto options = print_options{};
  options.width = 3;
  auto out = std::ostringstream{};
  print_update_json(input, options, out);
  const auto told = json::parse(out.str());
  CHECK(told.at("struct_count").to_number<int>() == 3);
  const auto& structs = told.at("structs").as_array();
  REQUIRE(structs.size() == 3);
  CHECK(structs[0].at("text").as_string().size() == 500);
  CHECK(structs[0].at("deleted_units").to_number<int>() == 4);
  CHECK(structs[1].at("kind").as_string() == "gc");
  CHECK(structs[2].at("type").as_string() == "array");
  CHECK(structs[2].at("parent").at("root").as_string() == "list");
  CHECK(told.at("canonical").as_bool());
}

TEST_CASE("an update that is written otherwise than need be is no canonical one") {
  const auto backwards = update_builder{}.block(3, 0).text("a").block(5, 0).text("b");
  CHECK(contains(printed(backwards), "not as octavo writes it"));
  CHECK_FALSE(
      contains(printed(update_builder{}.block(5, 0).text("b").block(3, 0).text("a")), "not as octavo writes it"));
}

TEST_CASE("a document is printed as a tree") {
  auto it = update_builder{};
  it.block(5, 0).text("hello ").text("world", unit{5, 5});  // 0 to 10
  it.set("map", "answer", 42);                              // 11
  it.type(0).type(1, unit{5, 12}).child("v", unit{5, 13}, "k");
  CHECK(tree_of(it) ==
        "text \"text\"\n"
        "  \"hello world\"\n"
        "map \"map\"\n"
        "  \"answer\": 42\n"
        "array \"list\"\n"
        "  [0] array\n"
        "    [0] map\n"
        "      \"k\": \"v\"\n");
  auto ids = print_options{};
  ids.ids = true;
  CHECK(contains(tree_of(it, ids), "\"k\": \"v\"  (5:14)\n"));
}

TEST_CASE("types that nest deeply make no line without end") {
  auto deep = update_builder{};
  deep.block(5, 0).type(0);
  for (auto i = std::uint64_t{0}; i < 1500; ++i) deep.type(0, unit{5, i});
  const auto tree = tree_of(deep);
  CHECK(contains(tree, "(1501) [0] array\n"));
  CHECK(tree.size() < 1500 * 100);
  auto out = std::ostringstream{};
  print_tree_json(document_of(deep), {}, out);
  auto options = json::parse_options{};
  options.max_depth = 5000;
  CHECK_NOTHROW(json::parse(out.str(), {}, options));
}
