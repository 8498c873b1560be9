#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "crdt/json.hpp"
#include "crdt/utf8.hpp"

namespace {

using namespace octavo::crdt;

TEST_CASE("valid JSON is accepted") {
  for (const char* good :
       {"null", " true ", "false", "0", "-0", "-1.5e+10", "1E5", "\"\"", "\"a\\u00e9\\n\\ud800\"", "[]", "{}",
        "[1,[2,{}],\"x\"]", "{\"a\":{\"b\":[null]},\"c\":1}", "\t\r\n[ 1 , 2 ]\n", "{\"\":0}"}) {
    CAPTURE(good);
    CHECK_FALSE(validate_json(good));
  }
}

TEST_CASE("what is not exactly one JSON value is refused") {
  for (const char* bad : {"",        " ",         "nul",         "nulll",      "01",
                          "-",       "1.",        ".5",          "1e",         "+1",
                          "\"",      "\"\\x\"",   "\"\\u12g4\"", "\"\\u123",   "\"a\nb\"",
                          "[",       "]",         "[1,]",        "[,1]",       "[1 2]",
                          "{\"a\"}", "{\"a\":}",  "{a:1}",       "{\"a\":1,}", "{\"a\":1 \"b\":2}",
                          "[1}",     "{\"a\":1]", "1 2",         "undefined",  "NaN",
                          "'a'",     "[1],",      "{,}",         "\"\\"}) {
    CAPTURE(bad);
    const auto wrong = validate_json(bad);
    REQUIRE(wrong);
    CHECK(wrong->code == decode_errc::bad_json);
  }
}

TEST_CASE("JSON nests to the limit and not further") {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK_FALSE(validate_json(nested(128)));
  const auto wrong = validate_json(nested(129));
  REQUIRE(wrong);
  CHECK(*wrong == decode_error{decode_errc::too_deep, 128});
  CHECK(validate_json(std::string(1000000, '['))->code == decode_errc::too_deep);
  std::size_t values = 0;
  CHECK_FALSE(validate_json(nested(1000), values, 1000));
  CHECK(values == 1000);
}

std::string number(double value) {
  std::string out;
  append_json_number(value, out);
  return out;
}

TEST_CASE("numbers print as JavaScript prints them") {
  CHECK(number(0) == "0");
  CHECK(number(-0.0) == "0");
  CHECK(number(1) == "1");
  CHECK(number(-1.5) == "-1.5");
  CHECK(number(0.1) == "0.1");
  CHECK(number(100) == "100");
  CHECK(number(123456789012345680000.0) == "123456789012345680000");
  CHECK(number(1e21) == "1e+21");
  CHECK(number(1.5e21) == "1.5e+21");
  CHECK(number(0.000001) == "0.000001");
  CHECK(number(1e-7) == "1e-7");
  CHECK(number(1.25e-9) == "1.25e-9");
  CHECK(number(5e-324) == "5e-324");
  CHECK(number(1.7976931348623157e308) == "1.7976931348623157e+308");
  CHECK(number(9007199254740991.0) == "9007199254740991");
  CHECK(number(std::nan("")) == "null");
  CHECK(number(-std::numeric_limits<double>::infinity()) == "null");
}

TEST_CASE("strings are escaped as JSON.stringify does, and back") {
  std::string out;
  append_json_string(std::string_view("a\"\\\b\f\n\r\t\0\x1f é😀/", 18), out);
  CHECK(out == "\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f é😀/\"");
  CHECK(unescape_json_string(out) == std::string_view("a\"\\\b\f\n\r\t\0\x1f é😀/", 18));
  CHECK(unescape_json_string("\"\\ud83d\\ude00\"") == "😀");
  CHECK(unescape_json_string("\"\\ud83d x\\ude00\\ud83d\"") == "\xEF\xBF\xBD x\xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(unescape_json_string("\"\\u00e9\\u20ac\\/\"") == "é€/");
}

TEST_CASE("UTF-16 positions are found in UTF-8") {
  const std::string text = "aé€😀b";
  std::size_t units = 0;
  CHECK(measure_utf8(text, units));
  CHECK(units == 6);
  CHECK(utf16_length(text) == 6);
  const std::size_t bytes[] = {0, 1, 3, 6, 6, 10, 11};
  for (std::size_t i = 0; i <= 6; ++i) {
    const auto cut = find_utf16(text, i);
    CHECK(cut.byte == bytes[i]);
    CHECK(cut.splits_pair == (i == 4));
  }
}

TEST_CASE("texts are ordered by their UTF-16 units") {
  CHECK(utf16_less("a", "b"));
  CHECK(utf16_less("a", "ab"));
  CHECK_FALSE(utf16_less("ab", "a"));
  CHECK_FALSE(utf16_less("a", "a"));
  CHECK(utf16_less("😀", "\uFFFF"));
  CHECK_FALSE(utf16_less("\uE000", "😀"));
  CHECK(utf16_less("\uD7FF", "😀"));
  CHECK(utf16_less("😀", "😁"));
}

}  // namespace
