#include <doctest/doctest.h>

#include "crdt/any.hpp"
#include "crdt/lib0.hpp"
#include "tests/crdt/support/replay.hpp"

namespace {

using namespace octavo;
using namespace octavo::test;
using crdt::decode_errc;
using crdt::lib0_int;
using crdt::lib0_reader;
using crdt::lib0_writer;

std::string written_uint(std::uint64_t value) {
  bytes out;
  lib0_writer(out).var_uint(value);
  return to_hex(out);
}

std::string written_int(lib0_int value) {
  bytes out;
  lib0_writer(out).var_int(value);
  return to_hex(out);
}

TEST_CASE("varuint writes the shortest form and reads it back") {
  const std::pair<std::uint64_t, const char*> known[] = {{0, "00"},
                                                         {127, "7f"},
                                                         {128, "8001"},
                                                         {16383, "ff7f"},
                                                         {16384, "808001"},
                                                         {1u << 31, "8080808008"},
                                                         {UINT32_MAX, "ffffffff0f"},
                                                         {crdt::max_safe_integer, "ffffffffffffff0f"}};
  for (const auto& [value, expected] : known) {
    CHECK(written_uint(value) == expected);
    CHECK(crdt::var_uint_size(value) == hex(expected).size());
    const bytes data = hex(expected);
    lib0_reader reader(data);
    std::uint64_t read = 1;
    CHECK(reader.var_uint(read));
    CHECK(read == value);
    CHECK(reader.at_end());
  }
}

TEST_CASE("varuint accepts padding up to ten bytes and nothing above 2^53-1") {
  std::uint64_t value = 7;
  bytes data = hex("8000");
  CHECK(lib0_reader(data).var_uint(value));
  CHECK(value == 0);
  data = hex("81808080808080808000");
  CHECK(lib0_reader(data).var_uint(value));
  CHECK(value == 1);
  for (const char* bad : {"ffffffffffffff1f", "ffffffffffffffff01", "8180808080808080808000", "80808080808080808001"}) {
    data = hex(bad);
    lib0_reader reader(data);
    CHECK_FALSE(reader.var_uint(value));
    CHECK(reader.error().code == decode_errc::number_too_large);
    CHECK(reader.error().offset == 0);
  }
  data = hex("8080");
  lib0_reader reader(data);
  CHECK_FALSE(reader.var_uint(value));
  CHECK(reader.error() == crdt::decode_error{decode_errc::truncated, 2});
}

TEST_CASE("varuint reads the same whether or not eight bytes are ahead") {
  std::vector<std::uint64_t> values = {0, 1, crdt::max_safe_integer, crdt::max_safe_integer - 1};
  for (int bits = 1; bits <= 53; ++bits) {
    values.push_back((std::uint64_t{1} << bits) - 1);
    if (bits < 53) values.push_back(std::uint64_t{1} << bits);
    if (bits < 53) values.push_back((std::uint64_t{0x15'5555'5555'5555} >> (52 - bits)) | 1);
  }
  for (const auto value : values) {
    for (const std::size_t after : {std::size_t{0}, std::size_t{3}, std::size_t{8}}) {
      for (const auto filler : {std::byte{0}, std::byte{0x7f}, std::byte{0xff}}) {
        bytes data;
        lib0_writer(data).var_uint(value);
        const auto size = data.size();
        data.insert(data.end(), after, filler);
        lib0_reader reader(data);
        std::uint64_t read = 1;
        CHECK(reader.var_uint(read));
        CHECK(read == value);
        CHECK(reader.offset() == size);
        lib0_reader skipping(data);
        CHECK(skipping.skip_var_uint());
        CHECK(skipping.offset() == size);
      }
    }
  }
  // Too large, padded, and cut off, with enough behind it.
  const bytes large = hex("ffffffffffffff1f0000000000000000");
  lib0_reader reader(large);
  std::uint64_t read = 0;
  CHECK_FALSE(reader.var_uint(read));
  CHECK(reader.error() == crdt::decode_error{decode_errc::number_too_large, 0});
  const bytes padded = hex("80808080800000000000000000000000");
  CHECK(lib0_reader(padded).var_uint(read));
  CHECK(read == 0);
  const bytes endless = hex("808080808080808080808080");
  lib0_reader never(endless);
  CHECK_FALSE(never.skip_var_uint());
  CHECK(never.failed());
}

TEST_CASE("varint keeps the sign of zero") {
  const std::pair<lib0_int, const char*> known[] = {{{0, false}, "00"},
                                                    {{0, true}, "40"},
                                                    {{63, false}, "3f"},
                                                    {{64, false}, "8001"},
                                                    {{64, true}, "c001"},
                                                    {{8191, true}, "ff7f"},
                                                    {{crdt::max_safe_integer, false}, "bfffffffffffff1f"},
                                                    {{crdt::max_safe_integer, true}, "ffffffffffffff1f"}};
  for (const auto& [value, expected] : known) {
    if (value.magnitude != crdt::max_safe_integer) CHECK(written_int(value) == expected);
    const bytes data = hex(written_int(value));
    lib0_reader reader(data);
    lib0_int read;
    CHECK(reader.var_int(read));
    CHECK(read == value);
    CHECK(reader.at_end());
  }
  const bytes large = hex("bfffffffffffffff01");
  lib0_int value;
  CHECK_FALSE(lib0_reader(large).var_int(value));
}

TEST_CASE("strings are strict UTF-8, keep a byte order mark and may hold NUL") {
  std::string_view text;
  std::size_t units = 0;
  bytes data = hex("06 efbbbf 00 61 62");
  lib0_reader reader(data);
  CHECK(reader.var_string(text, units));
  CHECK(text == std::string_view("\xEF\xBB\xBF\0ab", 6));
  CHECK(units == 4);
  for (const char* bad :
       {"01 80", "02 c080", "02 c1bf", "03 e08080", "03 eda080", "03 edbfbf", "04 f0808080", "04 f4908080",
        "04 f5808080", "01 ff", "02 c320", "03 e28220", "01 c3", "02 e282", "03 f09f98"}) {
    data = hex(bad);
    lib0_reader strict(data);
    CHECK_FALSE(strict.var_string(text));
    CHECK(strict.error().code == decode_errc::bad_utf8);
    CHECK(strict.error().offset == 1);
  }
  data = hex("05 6162");
  lib0_reader cut(data);
  CHECK_FALSE(cut.var_string(text));
  CHECK(cut.error().code == decode_errc::truncated);
}

TEST_CASE("the first error of a reader sticks") {
  const bytes data = hex("ffffffffffffffffffff 05");
  lib0_reader reader(data);
  std::uint64_t value = 0;
  std::uint8_t byte = 0;
  CHECK_FALSE(reader.var_uint(value));
  CHECK_FALSE(reader.u8(byte));
  CHECK_FALSE(reader.var_uint(value));
  CHECK(reader.remaining() == 0);
  CHECK(reader.error().code == decode_errc::number_too_large);
}

std::string any_json(const char* data_hex) {
  const bytes data = hex(data_hex);
  lib0_reader check(data);
  std::size_t values = 0;
  if (!crdt::skip_any(check, values, 1000, 128) || !check.at_end()) return to_string(check.error());
  lib0_reader reader(data);
  std::string out;
  crdt::append_any_json(reader, out);
  CHECK(reader.at_end());
  return out;
}

TEST_CASE("any values print as JSON.stringify prints them") {
  CHECK(any_json("7f") == "null");
  CHECK(any_json("7e") == "null");
  CHECK(any_json("79") == "false");
  CHECK(any_json("78") == "true");
  CHECK(any_json("7d 40") == "0");
  CHECK(any_json("7d 45") == "-5");
  CHECK(any_json("7c 3f000000") == "0.5");
  CHECK(any_json("7c 7f800000") == "null");
  CHECK(any_json("7b 3fb999999999999a") == "0.1");
  CHECK(any_json("7a ffffffffffffffff") == "-1");
  CHECK(any_json("77 02 2261") == "\"\\\"a\"");
  CHECK(any_json("74 04 00010203") == "\"AAECAw==\"");
  CHECK(any_json("75 03 7d01 7f 75 00") == "[1,null,[]]");
  CHECK(any_json("76 03 0161 7f 0162 76 00 0163 7d01") == "{\"b\":{},\"c\":1}");
}

TEST_CASE("any values that are malformed are refused with their place") {
  CHECK(any_json("01") == "unknown kind of value at byte 0");
  CHECK(any_json("75 02 78 80") == "unknown kind of value at byte 3");
  CHECK(any_json("75 05 78").starts_with("the input ends"));
  CHECK(any_json("76 ffffffffffffff0f").starts_with("the input ends"));
  CHECK(any_json("7b 00").starts_with("the input ends"));
  CHECK(any_json("77 02 c080") == "invalid UTF-8 at byte 2");
  CHECK(any_json("76 01 09 5f5f70726f746f5f5f 74 01 61") == "unknown kind of value at byte 12");
  CHECK(any_json("76 01 09 5f5f70726f746f5f5f 77 01 61") == R"({"__proto__":"a"})");
}

TEST_CASE("any values nest to the limit and not further, however deep the bytes go") {
  for (const std::size_t depth : {128u, 129u, 200000u}) {
    bytes data;
    lib0_writer writer(data);
    for (std::size_t i = 0; i < depth; ++i) {
      writer.u8(117);
      writer.u8(1);
    }
    writer.u8(126);
    lib0_reader reader(data);
    std::size_t values = 0;
    const bool good = crdt::skip_any(reader, values, SIZE_MAX, 128);
    CHECK(good == (depth == 128));
    if (!good) CHECK(reader.error() == crdt::decode_error{decode_errc::too_deep, 256});
  }
}

TEST_CASE("a budget of values bounds any") {
  const bytes data = hex("75 03 7e 7e 7e");
  lib0_reader reader(data);
  std::size_t values = 0;
  CHECK_FALSE(crdt::skip_any(reader, values, 3, 128));
  CHECK(reader.error().code == decode_errc::too_many_values);
}

TEST_CASE("varint stops at 2^53-1, padded or not") {
  lib0_int value;
  for (const char* bad : {"bfffffffffffff3f", "ffffffffffffff7f", "bfffffffffffffff01", "80808080808080808080808001",
                          "80808080808080808080"}) {
    const bytes data = hex(bad);
    lib0_reader reader(data);
    CHECK_FALSE(reader.var_int(value));
    CHECK(reader.failed());
  }
  const bytes padded = hex("81808080808080808000");
  CHECK(lib0_reader(padded).var_int(value));
  CHECK(value == lib0_int{1, false});
  for (std::size_t size = 0; size < 4; ++size) {
    const bytes cut = hex("80808080");
    lib0_reader reader(bytes_view(cut).first(size));
    CHECK_FALSE(reader.var_int(value));
    CHECK(reader.error() == crdt::decode_error{decode_errc::truncated, size});
  }
}

}  // namespace
