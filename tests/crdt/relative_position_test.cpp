// Relative positions by hand; that they are those of yjs in every place of random documents is edit_oracle_test's.
#include "crdt/relative_position.hpp"

#include <doctest/doctest.h>

#include "crdt/document.hpp"
#include "crdt/edit.hpp"
#include "tests/crdt/support/replay.hpp"

namespace {

using namespace octavo;
using namespace octavo::test;
using crdt::absolute_position;
using crdt::document;
using crdt::relative_position;
using crdt::unit_reference;

// Client 7: a map "m" with a text under "t", which holds "abc".
document nested() {
  document made;
  feed(made, hex("010207002701016d017402040007000361626300"));
  return made;
}

absolute_position in_type(std::uint64_t index, std::int64_t association = 0) {
  return {std::nullopt, unit_reference{7, 0}, index, association};
}

relative_position from_json(std::string_view json) {
  auto read = crdt::relative_position_from_json(json);
  REQUIRE(read);
  return *read;
}

TEST_CASE("a position in a nested type names the type where it has no unit") {
  const document made = nested();
  const auto end = made.relative(in_type(3));
  REQUIRE(end);
  CHECK_FALSE(end->item);
  CHECK(end->type == unit_reference{7, 0});
  CHECK(to_hex(crdt::encode_relative_position(*end)) == "02070000");
  CHECK(crdt::to_json(*end) == R"({"type":{"client":7,"clock":0},"assoc":0})");
  const auto beginning = made.relative(in_type(0, -1));
  REQUIRE(beginning);
  CHECK(to_hex(crdt::encode_relative_position(*beginning)) == "02070041");
  const auto inside = made.relative(in_type(1));
  REQUIRE(inside);
  CHECK(inside->item == unit_reference{7, 2});
  CHECK(to_hex(crdt::encode_relative_position(*inside)) == "00070200");
  for (const auto* each : {&*end, &*beginning, &*inside}) {
    const auto read = crdt::decode_relative_position(crdt::encode_relative_position(*each));
    REQUIRE(read);
    const auto place = made.resolve(*read);
    REQUIRE(place);
    CHECK(place->type == unit_reference{7, 0});
    CHECK_FALSE(place->root);
    CHECK(place->index == (each == &*end ? 3u : each == &*beginning ? 0u : 1u));
    CHECK(from_json(crdt::to_json(*each)) == *each);
  }
}

TEST_CASE("a position that is not there is nothing") {
  document made = nested();
  CHECK_FALSE(made.relative(in_type(4)));
  CHECK_FALSE(made.relative({std::nullopt, std::nullopt, 0, 0}));
  CHECK_FALSE(made.relative({std::nullopt, unit_reference{8, 0}, 0, 0}));
  CHECK_FALSE(made.relative({std::nullopt, unit_reference{7, 9}, 0, 0}));
  CHECK_FALSE(made.relative({std::nullopt, unit_reference{7, 1}, 0, 0}));  // a text's unit is no type
  CHECK_FALSE(made.relative({std::string("nobody wrote here"), std::nullopt, 1, 0}));
  CHECK(made.relative({std::string("nobody wrote here"), std::nullopt, 0, 0}));
  CHECK_FALSE(made.resolve({}));
  CHECK_FALSE(made.resolve({std::nullopt, std::nullopt, unit_reference{8, 0}, 0}));
  CHECK_FALSE(made.resolve({unit_reference{8, 0}, std::nullopt, std::nullopt, 0}));
  CHECK_FALSE(made.resolve({unit_reference{7, 4}, std::nullopt, std::nullopt, 0}));
  CHECK(made.resolve({std::nullopt, std::string("nobody wrote here"), std::nullopt, 0})->index == 0);
  // The text is taken out of the map: what was in it is collected, and its places are gone.
  const auto inside = made.relative(in_type(1));
  const auto end = made.relative(in_type(3));
  REQUIRE(inside);
  feed(made, hex("000107010001"));
  CHECK_FALSE(made.resolve(*inside));
  CHECK_FALSE(made.resolve(*end));
  CHECK_FALSE(made.relative(in_type(0)));
}

TEST_CASE("without collection a place in a type that was deleted is the type's beginning") {
  crdt::document_options options;
  options.gc = false;
  document made(options);
  feed(made, hex("010207002701016d017402040007000361626300"));
  const auto inside = made.relative(in_type(2));
  REQUIRE(inside);
  feed(made, hex("000107010001"));
  const auto place = made.resolve(*inside);
  REQUIRE(place);
  CHECK(place->type == unit_reference{7, 0});
  CHECK(place->index == 0);
}

TEST_CASE("positions as JSON may have members that nobody knows, and nulls") {
  const auto read = from_json(
      R"({"type":{"client":7,"clock":0,"more":[1,{"a":null}]},"tname":null,"item":null,"assoc":null,"other":{"x":[]}})");
  CHECK(read == relative_position{std::nullopt, std::nullopt, unit_reference{7, 0}, 0});
  CHECK(from_json(R"({"tname":"t","assoc":-1})") == relative_position{std::nullopt, "t", std::nullopt, -1});
  for (const auto* bad : {"", "null", "[]", "{", R"({"assoc":0})", R"({"tname":1})", R"({"item":1})",
                          R"({"item":{"client":1}})", R"({"item":{"client":1,"clock":-1}})",
                          R"({"item":{"client":-1,"clock":1}})", R"({"item":{"client":1,"clock":1.5}})",
                          R"({"item":{"client":"1","clock":1}})", R"({"item":{"client":9007199254740992,"clock":1}})",
                          R"({"tname":"t","assoc":"0"})", R"({"tname":"t","assoc":0.5})"}) {
    const auto refused = crdt::relative_position_from_json(bad);
    CAPTURE(bad);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == crdt::decode_errc::bad_json);
  }
}

TEST_CASE("positions that are cut short, or of no kind, are refused") {
  for (const auto* whole : {"0007020a", "010174", "02070041"}) {
    const bytes data = hex(whole);
    for (std::size_t size = 0; size < data.size(); ++size) {
      // Old versions of yjs wrote no association.
      const bool complete = size + 1 == data.size() && std::string_view(whole) != "010174";
      CAPTURE(whole);
      CAPTURE(size);
      CHECK(bool(crdt::decode_relative_position(bytes_view(data).first(size))) == complete);
    }
  }
  const auto code_of = [](std::string_view data) { return crdt::decode_relative_position(hex(data)).error().code; };
  CHECK(code_of("0307") == crdt::decode_errc::bad_parent);
  CHECK(code_of("0007020000") == crdt::decode_errc::trailing_bytes);
  CHECK(code_of("0101ff00") == crdt::decode_errc::bad_utf8);
  CHECK(code_of("00ffffffffffffffff7f0000") == crdt::decode_errc::number_too_large);
}

}  // namespace
