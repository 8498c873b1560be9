#include "crdt/tree.hpp"

#include <doctest/doctest.h>

#include <string>

#include "crdt/any.hpp"
#include "crdt/document.hpp"
#include "tests/crdt/support/builder.hpp"
#include "tests/crdt/support/replay.hpp"

using namespace octavo;
using namespace octavo::crdt;
using octavo::test::unit;
using octavo::test::update_builder;

namespace {

/// Writes down what it hears of, one word for each thing.
class recorder final : public tree_visitor {
 public:
  void begin_type(const tree_place& place, type_kind kind, std::string_view name) override {
    put(place, "type " + std::to_string(static_cast<int>(kind)) + (name.empty() ? "" : ' ' + std::string(name)) + " {");
    deepest = std::max(deepest, ++depth);
  }
  void end_type() override {
    heard += "} ";
    --depth;
  }
  void content(const tree_place& place, content_kind kind, std::string_view content) override {
    put(place, std::to_string(static_cast<int>(kind)) + '/' + std::to_string(place.length) +
                   (kind == content_kind::string ? ' ' + std::string(content) : ""));
  }

  std::string heard;
  int depth = 0;
  int deepest = 0;

 private:
  void put(const tree_place& place, const std::string& what) {
    if (place.has_key) heard += std::string(place.key) + '=';
    heard += what + '@' + std::to_string(place.client) + ':' + std::to_string(place.clock) +
             std::string(place.attributes) + ' ';
  }
};

std::string heard_of(const document& document, std::string_view root) {
  recorder visitor;
  document.visit(root, visitor);
  CHECK(visitor.depth == 0);
  return visitor.heard;
}

}  // namespace

TEST_CASE("a visitor hears of keys, then of the list, and not of what is deleted") {
  document it;
  REQUIRE(it.apply_v1(update_builder{}
                          .block(5, 0)
                          .type(3 - 2)                          // 0
                          .child("value", unit{5, 0}, "b")      // 1 to 5: the last unit is what shows
                          .child("other", unit{5, 0}, "a")      // 6 to 10
                          .child("gone", unit{5, 0}, "c")       // 11 to 14
                          .type(0, unit{5, 0})                  // 15
                          .text("xyz", unit{5, 0}, {}, "list")  // 16 to 18
                          .erase(5, 11, 4)
                          .erase(5, 17, 1)
                          .build()));
  CHECK(heard_of(it, "list") == "type 1 {@5:0 a=4/1 r@5:10 b=4/1 e@5:5 type 0 {@5:15 } } 4/1 x@5:16 4/1 z@5:18 ");
  CHECK(heard_of(it, "nothing").empty());
}

TEST_CASE("a visitor is told the formatting that is in force") {
  const auto format = [](std::string_view value) {
    bytes raw;
    lib0_writer writer(raw);
    writer.u8(0x80 | 6);
    return std::pair(raw, std::string(value));
  };
  const auto marker = [&](std::uint64_t after, std::string_view value) {
    auto [raw, text] = format(value);
    lib0_writer writer(raw);
    writer.var_uint(5);
    writer.var_uint(after);
    writer.var_string("bold");
    writer.var_string(text);
    return raw;
  };
  document it;
  REQUIRE(it.apply_v1(update_builder{}
                          .block(5, 0)
                          .text("a")
                          .raw(marker(0, "true"))
                          .text("b", unit{5, 1})
                          .raw(marker(2, "null"))
                          .text("c", unit{5, 3})
                          .build()));
  CHECK(heard_of(it, "text") == "4/1 a@5:0 4/1 b@5:2{\"bold\":true} 4/1 c@5:4 ");
}

TEST_CASE("a walk through types that nest as deep as they may needs no deep stack") {
  update_builder deep;
  deep.block(5, 0).type(0);
  for (std::uint64_t i = 0; i < 1990; ++i) deep.type(0, unit{5, i});
  document it;
  REQUIRE(it.apply_v1(deep.build()));
  recorder visitor;
  it.visit("list", visitor);
  CHECK(visitor.deepest == 1991);
}

TEST_CASE("a value is written as JavaScript has it, as far as it is wanted") {
  bytes raw;
  lib0_writer writer(raw);
  writer.u8(117);
  writer.var_uint(3);
  writer.u8(127);
  writer.u8(118);
  writer.var_uint(1);
  writer.var_string("k");
  writer.u8(127);
  writer.u8(125);
  writer.var_int({0, true});
  std::string whole;
  lib0_reader reader(raw);
  append_any_notation(reader, whole);
  CHECK(whole == "[undefined,{\"k\":undefined},-0]");
  CHECK(reader.at_end());
  std::string part;
  lib0_reader again(raw);
  append_any_notation(again, part, 4);
  CHECK(part == "[undefined");
  std::string hex;
  append_hex(bytes_view(raw).first(2), hex);
  CHECK(hex == "7503");
}
TEST_CASE("a value that JSON has no word for is written in the notation of a program") {
  const auto shown = [](std::string_view raw) {
    const bytes data = octavo::test::hex(raw);
    lib0_reader reader(data);
    std::string out;
    append_any_notation(reader, out);
    return out;
  };
  CHECK(shown("7c7fc00000") == "NaN");
  CHECK(shown("7c7f800000") == "Infinity");
  CHECK(shown("7bfff0000000000000") == "-Infinity");
  CHECK(shown("7b8000000000000000") == "-0");
  CHECK(shown("7b3ff8000000000000") == "1.5");
  CHECK(shown("74020908") == "Uint8Array(2) 0908");
  CHECK(shown("7400") == "Uint8Array(0)");
  CHECK(shown("7a8000000000000000") == "-9223372036854775808n");
}

TEST_CASE("a visitor is shown the last value of each key, of whatever kind") {
  // ContentJSON of two values, a text that ends in half a pair after a cut, a type, and two values in one item.
  document it;
  REQUIRE(
      it.apply_v1(octavo::test::hex("010405002201036d6170016a020131027b7d"
                                    "2401036d6170017302c3a9"
                                    "2701036d6170017401"
                                    "2801036d6170017602"
                                    "7d017d0200")));
  CHECK(heard_of(it, "map") == "j=2/1@5:1 s=4/1 é@5:2 t=type 1 {@5:3 } v=8/1@5:5 ");
}
