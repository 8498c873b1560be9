// ContentJSON, in which yjs before 13 kept values, and which its documents still have: as yjs 13.6 reads, cuts and
// converts it. The bytes are what yjs writes for the same update.
#include <doctest/doctest.h>

#include "crdt/document.hpp"
#include "crdt/encoded_update.hpp"
#include "crdt/snapshot.hpp"
#include "tests/crdt/support/replay.hpp"

namespace {

using namespace octavo;
using namespace octavo::test;
using crdt::document;
using crdt::type_kind;
using crdt::update_encoding;

// Client 5: the list [1, undefined, {"a":[true]}, "x"], then in a map the key "k" set to "old" and {"z":null} in one
// item, and "u" to undefined.
constexpr std::string_view old_values =
    "010305000201046c69737404013109756e646566696e65640c7b2261223a5b747275655d7d032278222201036d6170016b0205226f6c64220a"
    "7b227a223a6e756c6c7d2201036d617001750109756e646566696e656400";

TEST_CASE("values of old documents read as yjs reads them") {
  document made;
  feed(made, hex(old_values));
  check_sound(made);
  CHECK(made.json("list", type_kind::array) == R"([1,null,{"a":[true]},"x"])");
  CHECK(made.json("map", type_kind::map) == R"({"k":{"z":null}})");
  CHECK(made.length("list") == 4);
  CHECK(to_hex(made.encode_state_as_update_v1()) == old_values);
}

TEST_CASE("values of old documents are converted as yjs converts them") {
  const std::string_view converted =
      "000001050000030200224a3d6c69737431756e646566696e65647b2261223a5b747275655d7d2278226d61706b226f6c64227b227a223a6e"
      "75"
      "6c6c7d6d617075756e646566696e65640401090c430001050a0301090101000304020101030000";
  document made;
  feed(made, hex(old_values));
  CHECK(to_hex(made.encode_state_as_update_v2()) == converted);
  const auto forth = crdt::convert_update(hex(old_values), update_encoding::v1, update_encoding::v2);
  REQUIRE(forth);
  CHECK(to_hex(*forth) == converted);
  const auto back = crdt::convert_update(hex(converted), update_encoding::v2, update_encoding::v1);
  REQUIRE(back);
  CHECK(to_hex(*back) == old_values);
  // What is no JSON is refused in either encoding, and so is a text that ends too early.
  bytes broken = hex(converted);
  broken[std::string_view("000001050000030200224a3d6c697374").size() / 2] = std::byte{'{'};
  CHECK_FALSE(crdt::convert_update(broken, update_encoding::v2, update_encoding::v1));
}

TEST_CASE("values of old documents are cut where a peer has the first of them") {
  document made;
  feed(made, hex(old_values));
  crdt::state_vector since;
  since.set(5, 2);
  CHECK(
      to_hex(made.encode_state_as_update_v1(since)) ==
      "01030502820501020c7b2261223a5b747275655d7d032278222201036d6170016b0205226f6c64220a7b227a223a6e756c6c7d2201036d61"
      "7001750109756e646566696e656400");
  since.set(5, 5);
  CHECK(to_hex(made.encode_state_as_update_v2(since)) ==
        "000002450001080003a200221c177b227a223a6e756c6c7d6d617075756e646566696e65640a03010901010002410001020500");
  // A peer that has two of the four takes the rest of the item.
  const bytes two = hex("010105000201046c69737402013109756e646566696e656400");
  document late;
  feed(late, two);
  feed(late, hex(old_values));
  check_sound(late);
  check_equal(late, made);
  CHECK(to_hex(late.encode_state_as_update_v1()) == old_values);
  // So it is with an update, without a document.
  const auto rest = crdt::diff_update(hex(old_values), since);
  REQUIRE(rest);
  crdt::decoded_update decoded;
  REQUIRE(decode_update_v1(*rest, decoded));
  CHECK(decoded.structs().front().content == "\x0a{\"z\":null}");
}

TEST_CASE("deletes in the middle of values of old documents leave the others") {
  crdt::document_options kept;
  kept.gc = false;
  document made;
  document keeping(kept);
  for (auto* each : {&made, &keeping}) {
    feed(*each, hex(old_values));
    feed(*each, hex("000105010102"));
    check_sound(*each);
    CHECK(each->json("list", type_kind::array) == R"([1,"x"])");
  }
  CHECK(
      to_hex(made.encode_state_as_update_v1()) ==
      "010505000201046c6973740101318105000282050201032278222201036d6170016b0205226f6c64220a7b227a223a6e756c6c7d2201036d"
      "617001750109756e646566696e65640105010102");
  const crdt::snapshot before{crdt::delete_set(), keeping.state()};
  const auto then = crdt::document_at_snapshot(keeping, before);
  REQUIRE(then);
  CHECK(then->json("list", type_kind::array) == R"([1,null,{"a":[true]},"x"])");
}

TEST_CASE("values of old documents in XML, and as yjs prints them there") {
  document made;
  feed(made, hex("0102 0500 0701 03786d6c 030170 22000500 016b 01 077b227a223a317d 00"));
  CHECK(made.xml("xml") == "<p k=\"[object Object]\"></p>");
  check_sound(made);
}

TEST_CASE("attributes of every kind print as yjs prints them in XML") {
  // An element with attributes that hold ContentString, ContentJSON, an embed, bytes, a subdocument, a text, a map, and
  // an array of numbers and bytes.
  document made;
  feed(made, hex("010c0500070103786d6c0301702400050001730378797a22000500016101165b312c5b322c6e756c6c5d2c2278222c2074727"
                 "5655d220005"
                 "00016f01077b2261223a317d2200050001750109756e646566696e6564250005000165077b2269223a317d230005000162030"
                 "10203290005"
                 "000164046775696476002700050001740227000500016d012800050001790175047c7f800000740209087701717e0400050a0"
                 "2686900"));
  CHECK(
      made.xml("xml") ==
      "<p a=\"1,2,,x,true\" b=\"1,2,3\" d=\"[object Object]\" e=\"[object Object]\" m=\"[object Object]\" o=\"[object "
      "Object]\" s=\"z\" t=\"hi\" u=\"undefined\" y=\"Infinity,9,8,q,\"></p>");
  check_sound(made);
}

TEST_CASE("what does not belong between elements prints as yjs prints it there") {
  // In an element: a string, a text, values, a map and a text of XML.
  document made;
  feed(made,
       hex("01070500070103786d6c0303444956040005000261628705020204000503026869880503027d01770178870507018705080600"));
  CHECK(made.xml("xml") == "<div>abhi1x[object Object]</div>");
  // ContentJSON, bytes, an embed and a subdocument.
  document more;
  feed(more, hex("01050500070103786d6c0301700200050003013103227822077b2261223a317d83050303010203850504077b2269223a317d8"
                 "905050467"
                 "756964760000"));
  CHECK(more.xml("xml") == "<p>1x[object Object]1,2,3[object Object][object Object]</p>");
}

}  // namespace
