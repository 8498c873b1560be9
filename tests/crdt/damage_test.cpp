// An update that has every kind of content, damaged at every place, in both encodings.
#include <doctest/doctest.h>

#include "crdt/document.hpp"
#include "crdt/edit.hpp"
#include "crdt/encoded_update.hpp"
#include "tests/crdt/support/builder.hpp"
#include "tests/crdt/support/replay.hpp"

namespace {

using namespace octavo;
using namespace octavo::test;
using crdt::type_kind;
using crdt::update_encoding;
using crdt::value;

bytes all_kinds(update_encoding encoding) {
  crdt::document document;
  feed(document, hex("010105000201046c69737402013109756e646566696e656400"));  // ContentJSON
  crdt::edit edit(document, 9);
  const auto text = *edit.root("text", type_kind::text);
  const auto list = *edit.root("list", type_kind::array);
  const auto map = *edit.root("map", type_kind::map);
  const auto xml = *edit.root("xml", type_kind::xml_fragment);
  REQUIRE(edit.insert_text(text, 0, "ab\xF0\x9F\x98\x80", std::vector<crdt::attribute>{{"bold", true}}));
  REQUIRE(edit.insert_embed(text, 1, *value::from_json(R"({"a":[1,null,"x"]})")));
  const std::vector<value> values = {1, -2.5, "x", value::binary(hex("0001")),
                                     value::from_json(R"({"k":[true]})").value()};
  REQUIRE(edit.insert(list, 1, values));
  REQUIRE(edit.insert_document(list, 0, "guid"));
  REQUIRE(edit.set(map, "big", value::bigint(INT64_MIN)));
  REQUIRE(edit.set(map, "none", value::undefined()));
  REQUIRE(edit.set(*edit.set_type(map, "nested", type_kind::map), "k", 1.1));
  const auto paragraph = *edit.insert_type(xml, 0, type_kind::xml_element, "p");
  REQUIRE(edit.set(paragraph, "class", "c"));
  REQUIRE(edit.insert_text(*edit.insert_type(paragraph, 0, type_kind::xml_text), 0, "in it"));
  REQUIRE(edit.insert_type(list, 0, type_kind::xml_hook, "hook"));
  REQUIRE(edit.erase(text, 0, 1));
  REQUIRE(edit.commit());
  feed(document, update_builder().block(7, 0).text("x", unit{9, 0}, unit{9, 1}).gc(3).deleted(2, unit{9, 0}).build());
  // What waits behind a hole is in the state, and so is a Skip.
  feed(document, update_builder().block(7, 9).text("late").erase(3, 1, 2).build());
  return encoding == update_encoding::v1 ? document.encode_state_as_update_v1() : document.encode_state_as_update_v2();
}

TEST_CASE("whatever is missing at the end of an update of every kind, it is refused") {
  for (const auto encoding : {update_encoding::v1, update_encoding::v2}) {
    const bytes whole = all_kinds(encoding);
    crdt::decoded_update decoded;
    REQUIRE(decode_update(whole, encoding, decoded));
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const auto refused = decode_update(bytes_view(whole).first(size), encoding, decoded);
      CAPTURE(size);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().offset <= size);
      CHECK(decoded.empty());
    }
  }
}

TEST_CASE("whatever byte of an update of every kind is another one, it is refused or can be written again") {
  for (const auto encoding : {update_encoding::v1, update_encoding::v2}) {
    const bytes whole = all_kinds(encoding);
    crdt::decoded_update decoded;
    std::size_t read = 0;
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (unsigned flip = 1; flip < 256; flip = flip == 128 ? 255 : flip * 2) {
        bytes damaged = whole;
        damaged[at] ^= static_cast<std::byte>(flip);
        CAPTURE(at);
        CAPTURE(flip);
        const auto done = decode_update(damaged, encoding, decoded);
        if (!done) {
          CHECK(done.error().offset <= damaged.size());
          continue;
        }
        ++read;
        for (const auto other : {update_encoding::v1, update_encoding::v2}) {
          const bytes again = other == update_encoding::v1 ? encode_update_v1(decoded) : encode_update_v2(decoded);
          crdt::decoded_update second;
          REQUIRE(decode_update(again, other, second, crdt::no_limits));
          CHECK(encode_update_v1(second) == encode_update_v1(decoded));
        }
        crdt::document made;
        if (made.apply(decoded)) check_sound(made);
      }
    }
    CHECK(read > whole.size());
  }
}

}  // namespace
