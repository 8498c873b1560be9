#include "crdt/update.hpp"

#include <doctest/doctest.h>

#include "crdt/encoded_update.hpp"
#include "tests/crdt/support/builder.hpp"
#include "tests/crdt/support/replay.hpp"

namespace {

using namespace octavo;
using namespace octavo::test;
using crdt::content_kind;
using crdt::decode_errc;
using crdt::decoded_update;

std::string code(const bytes& update, const crdt::decode_limits& limits = {}) {
  decoded_update decoded;
  const auto done = decode_update_v1(update, decoded, limits);
  if (!done) CHECK(decoded.empty());
  return done ? "fine" : to_string(done.error());
}

bytes canonical(const bytes& update) {
  decoded_update decoded;
  REQUIRE(decode_update_v1(update, decoded));
  return encode_update_v1(decoded);
}

// Client 5: the text "hi" and "!" merged, the map m.k = -0, then unit 0 deleted.
const char* const worked_example =
    "01 03 05 00 | 01 01 04 74657874 01 | 84 05 00 02 6921 | 28 01 01 6d 01 6b 01 7d 40 | 01 05 01 00 01";

TEST_CASE("the worked example decodes to its three structs and encodes to the same bytes") {
  const bytes data = hex(worked_example);
  decoded_update decoded;
  REQUIRE(decode_update_v1(data, decoded));
  REQUIRE(decoded.structs().size() == 3);
  REQUIRE(decoded.deletes().size() == 1);
  const auto& text = decoded.structs()[1];
  CHECK(text.kind == content_kind::string);
  CHECK(text.clock == 1);
  CHECK(text.length == 2);
  CHECK(text.content == "i!");
  CHECK(decoded.client_id(text.origin_client) == 5);
  CHECK(text.origin_clock == 0);
  CHECK_FALSE(text.has_right());
  const auto& key = decoded.structs()[2];
  CHECK(key.kind == content_kind::any);
  CHECK(decoded.parents()[key.parent].root == "m");
  CHECK(decoded.parents()[key.parent].key == "k");
  CHECK(decoded.deletes()[0].clock == 0);
  CHECK(to_hex(encode_update_v1(decoded)) == to_hex(data));
}

TEST_CASE("-0 survives a round trip") {
  CHECK(to_hex(canonical(hex("01 01 05 00 28 01 01 6d 01 6b 01 7d 40 00"))) ==
        "0101050028"
        "01016d016b017d4000");
}

TEST_CASE("the empty update is empty") {
  const bytes empty = hex("00 00");
  decoded_update decoded;
  REQUIRE(decode_update_v1(empty, decoded));
  CHECK(decoded.empty());
  CHECK(encode_update_v1(decoded) == empty);
  CHECK(crdt::is_empty_update_v1(empty));
  CHECK_FALSE(crdt::is_empty_update_v1(hex("00 01")));
  // An update of nothing but Skip and zero lengths says nothing either.
  CHECK(canonical(update_builder().block(1, 0).skip(7).erase(3, 4, 0).build()) == empty);
}

TEST_CASE("counts of 2^53 are not believed") {
  CHECK(code(hex("ffffffffffffff0f")).starts_with("the input ends"));
  CHECK(code(hex("01 ffffffffffffff0f 05 00")).starts_with("the input ends"));
  CHECK(code(hex("00 ffffffffffffff0f")).starts_with("the input ends"));
  CHECK(code(hex("00 01 05 ffffffffffffff0f")).starts_with("the input ends"));
  CHECK(code(hex("01 01 05 00 08 01 01 61 ffffffffffffff0f")).starts_with("the input ends"));
  CHECK(code(hex("01 01 05 00 02 01 01 61 ffffffffffffff0f")).starts_with("the input ends"));
  CHECK(code(hex("01 01 05 00 04 01 01 61 ffffffffffffff0f")).starts_with("the input ends"));
}

TEST_CASE("every prefix of an update is refused, and so is a longer one") {
  const bytes data = hex(worked_example);
  for (std::size_t size = 0; size < data.size(); ++size)
    CHECK(code(bytes(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(size))).starts_with("the input ends"));
  bytes longer = data;
  longer.push_back(std::byte{0});
  CHECK(code(longer).starts_with("bytes follow the end"));
}

TEST_CASE("clocks and lengths stay below 2^32, without overflow on the way") {
  CHECK(code(update_builder().block(1, UINT32_MAX - 2).gc(2).build()) == "fine");
  CHECK(code(update_builder().block(1, UINT32_MAX - 2).gc(3).build()).starts_with("clock or length"));
  CHECK(code(update_builder().block(1, std::uint64_t{1} << 40).gc(3).build()).starts_with("clock or length"));
  CHECK(code(update_builder().block(1, 0).gc(crdt::max_safe_integer).build()).starts_with("clock or length"));
  CHECK(code(update_builder().block(1, 0).skip(UINT32_MAX).gc(1).build()).starts_with("clock or length"));
  CHECK(code(update_builder().block(1, 5).deleted(UINT32_MAX).build()).starts_with("clock or length"));
  CHECK(code(update_builder().erase(1, UINT32_MAX, 1).build()).starts_with("clock or length"));
  CHECK(code(update_builder().erase(1, 0, UINT32_MAX).build()) == "fine");
}

TEST_CASE("an item that refers to itself or to its own future is refused") {
  const std::string refused = "item refers to itself or to its own future";
  CHECK(code(update_builder().block(1, 4).text("a", unit{1, 4}).build()).starts_with(refused));
  CHECK(code(update_builder().block(1, 4).text("a", {}, unit{1, 9}).build()).starts_with(refused));
  CHECK(code(update_builder().block(1, 4).child("a", {1, 4}).build()).starts_with(refused));
  CHECK(code(update_builder().block(1, 4).text("a", unit{1, 3}).build()) == "fine");
}

TEST_CASE("unknown kinds are refused with their place") {
  CHECK(code(hex("01 01 05 00 0b 01 01 61 00 00")) == "unknown kind of content at byte 4");
  CHECK(code(hex("01 01 05 00 1f 01 01 61 00 00")) == "unknown kind of content at byte 4");
  CHECK(code(hex("01 01 05 00 07 01 01 61 07 00")) == "unknown kind of shared type at byte 8");
  CHECK(code(hex("01 01 05 00 07 01 01 61 09 00")) == "unknown kind of shared type at byte 8");
  CHECK(code(hex("01 01 05 00 04 02 01 61 00 00")) == "unknown kind of parent at byte 5");
}

TEST_CASE("embeds and formats hold strict JSON of bounded depth") {
  const auto embed = [](const std::string& json) {
    bytes item = hex("05 01 01 61");
    crdt::lib0_writer(item).var_string(json);
    return update_builder().block(1, 0).raw(item).build();
  };
  CHECK(code(embed("{\"a\":[1,2]}")) == "fine");
  CHECK(code(embed("{\"a\":")).starts_with("invalid JSON at byte 14"));
  CHECK(code(embed(std::string(128, '[') + std::string(128, ']'))) == "fine");
  CHECK(code(embed(std::string(200000, '[') + std::string(200000, ']'))).starts_with("values are nested too deeply"));
}

TEST_CASE("a subdocument's options are an object that yjs can make a document of") {
  const auto with = [](const char* options) {
    bytes update = hex("01 01 05 00 09 01 01 61 01 67");
    for (const auto byte : hex(options)) update.push_back(byte);
    update.push_back(std::byte{0});
    return code(update);
  };
  const std::string gc = "02 6763";
  const std::string guid = "04 67756964";
  const std::string filter = "08 676346696c746572";
  CHECK(with("76 00") == "fine");
  CHECK(with(("76 01" + gc + "79").c_str()) == "fine");
  CHECK(with(("76 02" + gc + "7e" + guid + "77 01 68").c_str()) == "fine");
  for (const char* each : {"7f", "7e", "7d 01", "79", "78", "77 01 61", "75 00", "74 00"})
    CHECK(with(each) == "unknown kind of value at byte 10");
  CHECK(with(("76 01" + guid + "7e").c_str()) == "unknown kind of value at byte 17");
  CHECK(with(("76 02" + gc + "79" + guid + "7f").c_str()) == "unknown kind of value at byte 21");
  CHECK(with(("76 01" + filter + "79").c_str()) == "unknown kind of value at byte 21");

  crdt::document doc;
  feed(doc, hex("01 01 05 00 04 01 01 61 01 67 00"));
  const auto before = doc.encode_state_as_update_v1();
  CHECK_FALSE(doc.apply_v1(hex("01 01 06 00 09 01 01 61 01 67 7e 00")));
  CHECK(doc.usable());
  CHECK(doc.encode_state_as_update_v1() == before);
}

TEST_CASE("structs without length are dropped and leave the clocks alone") {
  const bytes update = update_builder()
                           .block(3, 0)
                           .gc(0)
                           .text("", {}, {})
                           .text("ab")
                           .deleted(0, unit{3, 1})
                           .text("c", unit{3, 1})
                           .build();
  decoded_update decoded;
  REQUIRE(decode_update_v1(update, decoded));
  REQUIRE(decoded.structs().size() == 2);
  CHECK(decoded.structs()[0].clock == 0);
  CHECK(decoded.structs()[1].clock == 2);
}

TEST_CASE("unsorted, overlapping and empty delete ranges come out sorted and merged, clients descending") {
  const bytes update = update_builder()
                           .erase(2, 10, 5)
                           .erase(9, 3, 1)
                           .erase(2, 0, 2)
                           .erase(2, 12, 6)
                           .erase(2, 7, 0)
                           .erase(9, 4, 2)
                           .erase(2, 2, 1)
                           .build();
  CHECK(to_hex(canonical(update)) == to_hex(hex("00 02 09 01 03 03 02 02 00 03 0a 08")));
}

TEST_CASE("several blocks of one client are all heard, and what they share counts once") {
  const bytes update =
      update_builder().block(4, 3).text("def", unit{4, 2}).block(7, 0).gc(2).block(4, 0).text("abcd").build();
  const bytes expected = update_builder().block(7, 0).gc(2).block(4, 0).text("abcd").text("ef", unit{4, 3}).build();
  CHECK(to_hex(canonical(update)) == to_hex(expected));
}

TEST_CASE("holes become Skip, bits that mean nothing are cleared and padded numbers are shortened") {
  const bytes update = update_builder().block(1, 2).gc(1).skip(3).skip(1).gc(2).skip(9).build();
  CHECK(to_hex(canonical(update)) == to_hex(hex("01 03 01 02 0001 0a04 0002 00")));
  CHECK(to_hex(canonical(hex("8100 01 05 8000 e0 8200 00"))) == to_hex(hex("01 01 05 00 00 02 00")));
  // A format whose key has a padded length.
  CHECK(to_hex(canonical(hex("01 01 05 00 06 01 01 61 8100 62 01 31 00"))) ==
        to_hex(hex("01 01 05 00 06 01 01 61 01 62 01 31 00")));
  CHECK(to_hex(canonical(hex("01 01 05 00 07 01 01 61 8300 8100 70 00"))) ==
        to_hex(hex("01 01 05 00 07 01 01 61 03 01 70 00")));
  CHECK(to_hex(canonical(hex("01 01 05 00 02 01 01 61 02 8100 31 01 32 00"))) ==
        to_hex(hex("01 01 05 00 02 01 01 61 02 01 31 01 32 00")));
  CHECK(to_hex(canonical(hex("01 01 05 00 09 01 01 61 8100 67 76 00 00"))) ==
        to_hex(hex("01 01 05 00 09 01 01 61 01 67 76 00 00")));
}

TEST_CASE("each limit on decoding has its error") {
  crdt::decode_limits limits;
  limits.max_structs = 1;
  CHECK(code(update_builder().block(1, 0).gc(1).gc(1).build(), limits).starts_with("too many structs"));
  limits = {};
  limits.max_clients = 1;
  CHECK(code(update_builder().block(1, 0).text("a", unit{2, 0}).build(), limits).starts_with("too many clients"));
  limits = {};
  limits.max_delete_ranges = 1;
  CHECK(code(update_builder().erase(1, 0, 1).erase(1, 5, 1).build(), limits).starts_with("too many delete ranges"));
  limits = {};
  limits.max_values = 0;
  CHECK(code(hex(worked_example), limits).starts_with("too many values"));
  limits = {};
  limits.max_bytes = 3;
  CHECK(code(hex(worked_example), limits).starts_with("input is too large"));
}

TEST_CASE("without limits everything that is well formed is read") {
  bytes deep = hex("01 01 05 00 08 01 01 61 01");
  for (int i = 0; i < 200; ++i) deep.insert(deep.end(), {std::byte{117}, std::byte{1}});
  deep.insert(deep.end(), {std::byte{126}, std::byte{0}});
  CHECK(code(deep).starts_with("values are nested too deeply"));
  decoded_update decoded;
  CHECK(decode_update_v1(deep, decoded, crdt::no_limits));
}

TEST_CASE("many clients are told apart") {
  update_builder builder;
  for (std::uint64_t client = 500; client > 0; --client) builder.block(client * 0x1000003, 0).gc(client);
  const bytes update = builder.build();
  decoded_update decoded;
  for (int round = 0; round < 2; ++round) {
    REQUIRE(decode_update_v1(update, decoded));
    CHECK(decoded.blocks().size() == 500);
    CHECK(encode_update_v1(decoded) == update);
  }
}

TEST_CASE("merging joins a burst of single edits into one struct") {
  std::vector<bytes> edits;
  for (std::uint64_t i = 0; i < 100; ++i)
    edits.push_back(update_builder().block(8, i).text("x", i == 0 ? maybe_unit{} : unit{8, i - 1}).build());
  std::vector<bytes_view> views(edits.begin(), edits.end());
  const auto merged = crdt::merge_updates(views);
  REQUIRE(merged);
  CHECK(to_hex(*merged) == to_hex(update_builder().block(8, 0).text(std::string(100, 'x')).build()));
  std::reverse(views.begin(), views.end());
  CHECK(*crdt::merge_updates(views) == *merged);
}

TEST_CASE("merging does not join what does not continue") {
  const auto merged = [](const bytes& a, const bytes& b) {
    const bytes_view views[] = {a, b};
    const auto out = crdt::merge_updates(views);
    REQUIRE(out);
    decoded_update decoded;
    REQUIRE(decode_update_v1(*out, decoded));
    return decoded.structs().size();
  };
  const bytes head = update_builder().block(1, 0).text("ab").build();
  CHECK(merged(head, update_builder().block(1, 2).text("c", unit{1, 1}).build()) == 1);
  CHECK(merged(head, update_builder().block(1, 2).text("c", unit{1, 0}).build()) == 2);
  CHECK(merged(head, update_builder().block(1, 2).text("c", unit{1, 1}, unit{9, 0}).build()) == 2);
  CHECK(merged(head, update_builder().block(1, 3).text("c", unit{1, 2}).build()) == 2);
  CHECK(merged(head, update_builder().block(1, 2).deleted(1, unit{1, 1}).build()) == 2);
  CHECK(merged(head, update_builder().block(1, 1).text("bc", unit{1, 0}).build()) == 1);
  CHECK(merged(update_builder().block(1, 0).set("m", "k", 1).build(),
               update_builder().block(1, 1).set("m", "k", 2, unit{1, 0}).build()) == 2);
  CHECK(merged(update_builder().block(1, 0).gc(2).build(), update_builder().block(1, 2).gc(2).build()) == 1);
}

TEST_CASE("merging cuts an overlap inside a surrogate pair to U+FFFD") {
  const bytes first = update_builder().block(1, 0).text("a\xEF\xBF\xBD").build();
  const bytes second = update_builder().block(1, 0).text("a😀b").build();
  const bytes_view views[] = {first, second};
  const auto merged = crdt::merge_updates(views);
  REQUIRE(merged);
  CHECK(to_hex(*merged) == to_hex(update_builder()
                                      .block(1, 0)
                                      .text("a\xEF\xBF\xBD\xEF\xBF\xBD"
                                            "b")
                                      .build()));
}

TEST_CASE("merging one update returns it, and a bad one is an error") {
  const bytes good = update_builder().block(1, 0).gc(1).build();
  const bytes bad = hex("01");
  const bytes_view one[] = {good};
  CHECK(*crdt::merge_updates(one) == good);
  const bytes_view two[] = {good, bad};
  CHECK(crdt::merge_updates(two).error().code == decode_errc::truncated);
  CHECK(crdt::is_empty_update_v1(*crdt::merge_updates({})));
}

}  // namespace
