#include <doctest/doctest.h>

#include "crdt/any.hpp"
#include "crdt/encoded_update.hpp"
#include "tests/crdt/support/builder.hpp"
#include "tests/crdt/support/replay.hpp"

namespace {

using namespace octavo;
using namespace octavo::test;
using crdt::decoded_update;
using enum crdt::update_encoding;

// The columns of an update, to be put together by hand.
struct columns {
  const char* key_clock = "";
  const char* client = "";
  const char* left_clock = "";
  const char* right_clock = "";
  const char* info = "";
  const char* string = "00";
  const char* parent_info = "";
  const char* type_ref = "";
  const char* length = "";
  const char* rest = "00 00";

  bytes build() const {
    bytes out;
    crdt::lib0_writer writer(out);
    writer.u8(0);
    for (const auto* column :
         {key_clock, client, left_clock, right_clock, info, string, parent_info, type_ref, length}) {
      writer.var_bytes(hex(column));
    }
    writer.raw(bytes_view(hex(rest)));
    return out;
  }
};

std::string code(const bytes& update, const crdt::decode_limits& limits = {}) {
  decoded_update decoded;
  const auto done = decode_update_v2(update, decoded, limits);
  if (!done) CHECK(decoded.empty());
  return done ? "fine" : std::string(to_string(done.error().code));
}

std::string to_v1(const bytes& update) {
  const auto converted = crdt::convert_update(update, v2, v1);
  return converted ? to_hex(*converted) : to_string(converted.error());
}

std::string json_of(const bytes& any) {
  crdt::lib0_reader reader(any);
  std::size_t values = 0;
  REQUIRE(skip_any(reader, values, 1000, 128));
  REQUIRE(reader.at_end());
  std::string out;
  crdt::lib0_reader again(any);
  const auto wrong = append_any_as_json_text(again, out, 100'000);
  return wrong ? std::string(to_string(*wrong)) : out;
}

std::string any_of(std::string_view json) {
  REQUIRE_FALSE(crdt::validate_json(json));
  bytes out;
  crdt::append_json_text_as_any(json, out);
  return to_hex(out);
}

// An update of one item with this content, in a list of the root "a": kind as info byte, what it has in columns.
bytes embed(const char* any) {
  const auto rest = std::string("01 01 00") + any + "00";
  return columns{.client = "05", .info = "05", .string = "01 61 01", .parent_info = "01", .rest = rest.c_str()}.build();
}

TEST_CASE("the worked example has the same bytes in both encodings as yjs writes") {
  // Client 5: the text "hi" and "!" merged, the map m.k = -0, then unit 0 deleted.
  const bytes first =
      hex("01 03 05 00 | 01 01 04 74657874 01 | 84 05 00 02 6921 | 28 01 01 6d 01 6b 01 7d 40 | 01 05 01 00 01");
  const bytes second =
      hex("00 | 00 | 02 4500 | 01 00 | 00 | 05 0100840028 | 0d 08 7465787469216d6b 04 02 4100 | 01 01 | 00 | 02 4100 | "
          "01 03 00 7d40  01 05 01 00 00");
  CHECK(to_hex(*crdt::convert_update(first, v1, v2)) == to_hex(second));
  CHECK(to_hex(*crdt::convert_update(second, v2, v1)) == to_hex(first));
}

TEST_CASE("the update that says nothing is one of encoding 2 as well") {
  const bytes nothing = hex("00 00 00 00 00 00 01 00 00 00 00 00 00");
  CHECK(to_hex(encode_update_v2(decoded_update())) == to_hex(nothing));
  decoded_update decoded;
  CHECK(decode_update_v2(nothing, decoded));
  CHECK(decoded.empty());
}

TEST_CASE("whatever is missing at the end, the update is refused") {
  const bytes whole =
      hex("00 | 00 | 02 4500 | 01 00 | 00 | 05 0100840028 | 0d 08 7465787469216d6b 04 02 4100 | 01 01 | 00 | 02 4100 | "
          "01 03 00 7d40  01 05 01 00 00");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK(code(bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))) != "fine");
  }
  auto longer = whole;
  longer.push_back(std::byte{0});
  CHECK(code(longer) == "bytes follow the end of the value");
  auto flagged = whole;
  flagged[0] = std::byte{1};
  CHECK(code(flagged) == "feature flags that are not known");
}

TEST_CASE("a few bytes that stand for billions of structs are refused at once") {
  // Empty collected structs: no column but that of lengths has anything for them, and that has one run.
  const bytes empty =
      columns{
          .client = "05", .info = "00", .length = "40 ff ff ff ff ff ff 07", .rest = "01 ff ff ff ff ff ff ff 0f 00 00"}
          .build();
  CHECK(code(empty) == "too many structs");
  crdt::decode_limits limits;
  limits.max_structs = 1000;
  const bytes thousand = columns{.client = "05", .info = "00", .length = "40 ff 0f", .rest = "01 e8 07 00 00"}.build();
  CHECK(code(thousand, limits) == "fine");
  limits.max_structs = 999;
  CHECK(code(thousand, limits) == "too many structs");
  // Items that hold something, one behind the other: their clocks pass 2^32 before long.
  const bytes full =
      columns{.client = "05", .info = "00", .length = "41 ff ff ff ff ff ff 07", .rest = "01 ff ff ff 03 00 00"}
          .build();
  CHECK(code(full, {.max_structs = 100}) == "too many structs");
}

TEST_CASE("a large key that is used again and again is bounded by what it unfolds to") {
  std::string key_hex;
  for (int i = 0; i < 1000; ++i) key_hex += "6b";
  // Root "a", then 64 formats whose key is the first one again: differences of zero.
  const auto strings = "e9 07 61" + key_hex + "01 a8 0f";
  std::string rest = "01 40 00";
  for (int i = 0; i < 64; ++i) rest += "7e";
  rest += "00";
  const bytes update = columns{.key_clock = "01 3e",
                               .client = "45 3e",
                               .left_clock = "00 03 3c",
                               .info = "06 00 86",
                               .string = strings.c_str(),
                               .parent_info = "01",
                               .rest = rest.c_str()}
                           .build();
  CHECK(code(update) == "fine");
  crdt::decode_limits limits;
  limits.max_unfolded_bytes = 50'000;
  CHECK(code(update, limits) == "input is too large");
}

TEST_CASE("a text that is cut inside a surrogate pair has U+FFFD in place of each half") {
  // "a", "x😀y" cut into "x\ud83d" and "\ude00y", as yjs writes two structs of one text.
  const bytes update = columns{.client = "45 00",
                               .left_clock = "02",
                               .info = "04 00 84",
                               .string = "07 61 78 f0 9f 98 80 79 01 42 00",
                               .parent_info = "01",
                               .rest = "01 02 00 00"}
                           .build();
  CHECK(to_v1(update) == to_hex(hex("01 02 05 00 | 04 01 01 61 04 78 efbfbd | 84 05 01 04 efbfbd 79 | 00")));
}

TEST_CASE("lengths beyond the texts, negative clocks and unknown parents are refused") {
  CHECK(code(columns{.client = "05", .info = "04", .string = "01 61 01 02", .parent_info = "01", .rest = "01 01 00 00"}
                 .build()) == "the input ends inside a value");
  CHECK(code(columns{.client = "45 00", .left_clock = "42", .info = "84", .string = "01 61 01", .rest = "01 01 05 00"}
                 .build()) == "number above 2^53-1");
  CHECK(code(columns{.client = "05", .info = "04", .string = "01 61 41 00", .parent_info = "02", .rest = "01 01 00 00"}
                 .build()) == "unknown kind of parent");
  CHECK(code(columns{.client = "05",
                     .info = "07",
                     .string = "01 61 01",
                     .parent_info = "01",
                     .type_ref = "09",
                     .rest = "01 01 00 00"}
                 .build()) == "unknown kind of shared type");
  CHECK(code(columns{.client = "05", .info = "0b", .rest = "01 01 00 00"}.build()) == "unknown kind of content");
}

TEST_CASE("delete ranges are differences, and may not pass 2^32") {
  CHECK(to_v1(columns{.rest = "00 01 05 02 03 01 02 00"}.build()) == to_hex(hex("00 01 05 02 03 02 07 01")));
  CHECK(code(columns{.rest = "00 01 05 01 00 fe ff ff ff 0f"}.build()) == "fine");
  CHECK(code(columns{.rest = "00 01 05 01 01 fe ff ff ff 0f"}.build()) == "clock or length above 2^32-1");
  CHECK(code(columns{.rest = "00 01 05 02 00 fe ff ff ff 0f 00 00"}.build()) == "clock or length above 2^32-1");
}

TEST_CASE("a value is printed as JSON.stringify prints what lib0 reads") {
  CHECK(json_of(hex("7e")) == "null");
  CHECK(json_of(hex("7d 40")) == "0");  // -0
  CHECK(json_of(hex("7d 41")) == "-1");
  CHECK(json_of(hex("7c 7f800000")) == "null");  // Infinity
  CHECK(json_of(hex("7b 3fb999999999999a")) == "0.1");
  CHECK(json_of(hex("77 02 6122")) == R"("a\"")");
  CHECK(json_of(hex("75 03 7d01 7f 78")) == "[1,null,true]");
  CHECK(json_of(hex("75 00")) == "[]");
  CHECK(json_of(hex("76 00")) == "{}");
  CHECK(json_of(hex("74 03 01ff00")) == R"({"0":1,"1":255,"2":0})");
  // Numbers first and in order; "01" is none. Of two equal keys the last value, in the place of the first.
  CHECK(json_of(hex("76 05 | 0162 7d01 | 0139 7d02 | 0130 7d03 | 02 3031 7d04 | 0162 76 01 0161 7d05")) ==
        R"({"0":3,"9":2,"b":{"a":5},"01":4})");
  // What has no value is left out, also if it had one before.
  CHECK(json_of(hex("76 03 | 0161 7f | 0162 7d01 | 0163 7d02")) == R"({"b":1,"c":2})");
  CHECK(json_of(hex("76 03 | 0161 7d01 | 0162 7d02 | 0161 7f")) == R"({"b":2})");
  CHECK(json_of(hex("76 02 | 09 5f5f70726f746f5f5f 76 01 0161 7d01 | 0162 7d02")) == R"({"b":2})");
  // Unless the object has no prototype any more, or one that has none.
  CHECK(json_of(hex("76 02 | 09 5f5f70726f746f5f5f 7e | 09 5f5f70726f746f5f5f 7d01")) == R"({"__proto__":1})");
  CHECK(json_of(
            hex("76 02 | 09 5f5f70726f746f5f5f 76 02 0161 7e 09 5f5f70726f746f5f5f 7e | 09 5f5f70726f746f5f5f 7d01")) ==
        R"({"__proto__":1})");
  CHECK(json_of(hex("76 02 | 09 5f5f70726f746f5f5f 76 01 0161 7e | 09 5f5f70726f746f5f5f 7d01")) == "{}");
  CHECK(json_of(hex("7f")) == "unknown kind of value");
  CHECK(json_of(hex("75 01 7a 0000000000000001")) == "unknown kind of value");  // a bigint
}

TEST_CASE("JSON becomes the value that lib0 writes for what JSON.parse reads") {
  CHECK(any_of("null") == "7e");
  CHECK(any_of(" true ") == "78");
  CHECK(any_of("-0") == "7d40");
  CHECK(any_of("-0.0e5") == "7d40");
  CHECK(any_of("2147483647") == to_hex(hex("7d bf ff ff ff 0f")));
  CHECK(any_of("2147483648") == to_hex(hex("7c 4f000000")));
  CHECK(any_of("1.0") == "7d01");
  CHECK(any_of("1e2") == to_hex(hex("7d a4 01")));
  CHECK(any_of("0.5") == to_hex(hex("7c 3f000000")));
  CHECK(any_of("0.1") == to_hex(hex("7b 3fb999999999999a")));
  CHECK(any_of("1e999") == to_hex(hex("7c 7f800000")));
  CHECK(any_of("-123456789e9999999999999999999999") == to_hex(hex("7c ff800000")));
  CHECK(any_of("1e-999") == "7d00");
  CHECK(any_of("-0.00001e-320") == "7d40");
  CHECK(any_of("5e-324") == to_hex(hex("7b 0000000000000001")));
  CHECK(any_of(R"("a\u00e9\ud83d\ude00")") == to_hex(hex("77 07 61 c3a9 f09f9880")));
  CHECK(any_of(R"("\ud83d")") == to_hex(hex("77 03 efbfbd")));
  CHECK(any_of("[ ]") == "7500");
  CHECK(any_of("{ }") == "7600");
  CHECK(any_of(R"([1, [true, {"a" : []}], "x"])") == to_hex(hex("75 03 7d01 | 75 02 78 76 01 0161 7500 | 77 0178")));
  CHECK(any_of(R"({"b":1,"9":2,"0":3,"01":4,"\u0062":{"a":5}})") ==
        to_hex(hex("76 04 | 0130 7d03 | 0139 7d02 | 0162 76 01 0161 7d05 | 02 3031 7d04")));
  CHECK(any_of(R"({"__proto__":1})") == to_hex(hex("76 01 09 5f5f70726f746f5f5f 7d01")));
}

TEST_CASE("embeds without a JSON text are refused") {
  CHECK(to_v1(embed("7d 07")) == to_hex(hex("01 01 05 00 05 01 01 61 01 37 00")));
  CHECK(code(embed("7f")) == "unknown kind of value");
  CHECK(code(embed("7a 0000000000000001")) == "unknown kind of value");
}

TEST_CASE("what takes a number of bytes of JSON has the bound of the text, not of the bytes") {
  std::string any = "74 c0 84 3d";  // a million bytes
  for (int i = 0; i < 1'000'000; ++i) any += "00";
  crdt::decode_limits limits;
  limits.max_unfolded_bytes = 3'000'000;
  CHECK(code(embed(any.c_str()), limits) == "input is too large");
}

TEST_CASE("an update of encoding 2 that is longer than it may be is refused before it is read") {
  const bytes data = hex("00 00 00 00 00 00 01 00 00 00 00 00 00");
  crdt::decode_limits limits;
  limits.max_bytes = data.size() - 1;
  crdt::decoded_update decoded;
  const auto refused = decode_update_v2(data, decoded, limits);
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == crdt::decode_error{crdt::decode_errc::too_large, limits.max_bytes});
  limits.max_bytes = data.size();
  CHECK(decode_update_v2(data, decoded, limits));
}

}  // namespace
