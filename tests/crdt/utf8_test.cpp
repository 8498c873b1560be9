#include "crdt/utf8.hpp"

#include <doctest/doctest.h>

#include <string>

#include "crdt/json.hpp"
#include "crdt/value.hpp"

namespace {

using namespace octavo;

TEST_CASE("UTF-8 is what the standard says, at each border and wherever it stands") {
  struct sample {
    std::string_view text;
    bool good;
    std::size_t units;
  };
  // Unicode 15, table 3-7: the first and last of each row, and what lies just beyond.
  const sample samples[] = {{"\x7F", true, 1},
                            {"\x80", false, 0},
                            {"\xC1\xBF", false, 0},
                            {"\xC2\x80", true, 1},
                            {"\xDF\xBF", true, 1},
                            {"\xC2", false, 0},
                            {"\xC2\x7F", false, 0},
                            {"\xC2\xC0", false, 0},
                            {"\xE0\x9F\xBF", false, 0},
                            {"\xE0\xA0\x80", true, 1},
                            {"\xE0\xA0", false, 0},
                            {"\xE1\x80\x7F", false, 0},
                            {"\xED\x9F\xBF", true, 1},
                            {"\xED\xA0\x80", false, 0},
                            {"\xED\xBF\xBF", false, 0},
                            {"\xEE\x80\x80", true, 1},
                            {"\xEF\xBF\xBF", true, 1},
                            {"\xE1\x7F\x80", false, 0},
                            {"\xF0\x8F\xBF\xBF", false, 0},
                            {"\xF0\x90\x80\x80", true, 2},
                            {"\xF0\x90\x80", false, 0},
                            {"\xF1\x80\x80", false, 0},
                            {"\xF4\x8F\xBF\xBF", true, 2},
                            {"\xF4\x90\x80\x80", false, 0},
                            {"\xF1\x80\x7F\x80", false, 0},
                            {"\xF1\x80\x80\xC0", false, 0},
                            {"\xF5\x80\x80\x80", false, 0},
                            {"\xFF", false, 0}};
  for (const auto& each : samples) {
    for (std::size_t before = 0; before < 20; ++before) {
      for (const std::size_t after : {std::size_t{0}, std::size_t{1}, std::size_t{17}}) {
        std::string text(before, 'a');
        text += each.text;
        text.append(after, 'z');
        CAPTURE(before);
        CAPTURE(after);
        CAPTURE(&each - samples);
        CHECK(crdt::is_utf8(text) == each.good);
        std::size_t units = 0;
        CHECK(crdt::measure_utf8(text, units) == each.good);
        if (each.good) CHECK(units == before + each.units + after);
        if (each.good) CHECK(crdt::utf16_length(text) == units);
      }
    }
  }
}

TEST_CASE("escapes of JSON are read in either case, pairs together and halves as U+FFFD") {
  const std::pair<std::string_view, std::string_view> texts[] = {
      {R"("\u00e9\u00E9\uABCD\uabcd")", "\xC3\xA9\xC3\xA9\xEA\xAF\x8D\xEA\xAF\x8D"},
      {R"("\uD83D\uDE00\ud83d\ude00")", "\xF0\x9F\x98\x80\xF0\x9F\x98\x80"},
      {R"("\uD83Dx")", "\xEF\xBF\xBDx"},
      {R"("\uDE00\uD83D")", "\xEF\xBF\xBD\xEF\xBF\xBD"},
      {R"("\uD83D\u0041")",
       "\xEF\xBF\xBD"
       "A"},
      {R"("\uD83D\uE000")", "\xEF\xBF\xBD\xEE\x80\x80"},
      {R"("\uD83D\n")", "\xEF\xBF\xBD\n"},
      {R"("\"\\\/\b\f\n\r\t")", "\"\\/\b\f\n\r\t"}};
  for (const auto& [json, text] : texts) {
    CAPTURE(json);
    std::size_t values = 0;
    CHECK_FALSE(crdt::validate_json(json, values, 10));
    CHECK(crdt::unescape_json_string(json) == text);
    const auto read = crdt::value::from_json(json);
    REQUIRE(read);
    CHECK(*read == crdt::value(text));
  }
  for (const auto* bad : {R"("\u00g0")", R"("\u00G0")", R"("\u00")", R"("\x")", R"({"a")", R"({"a" 1})", R"({a:1})",
                          "tru", "fals", "nul", "[", "[1", "-", "1.", "1e", "01", "+1"}) {
    CAPTURE(bad);
    std::size_t values = 0;
    CHECK(crdt::validate_json(bad, values, 10));
    CHECK_FALSE(crdt::value::from_json(bad));
  }
  for (const auto* spaced : {" 1", "\t1\n", "\r1 ", "{ \"a\"\t:\r1\n}", "1e5", "1E+5", "1.5e-3", "1e400", "1e-400",
                             "1e99999999999999999999"}) {
    CAPTURE(spaced);
    CHECK(crdt::value::from_json(spaced));
  }
  CHECK(crdt::value::from_json("null")->is_null());
  CHECK_FALSE(crdt::value(0).is_null());
}

}  // namespace
