#include "crdt/awareness.hpp"

#include <doctest/doctest.h>

#include "crdt/lib0.hpp"
#include "tests/crdt/support/replay.hpp"

namespace {

using namespace octavo;
using namespace octavo::crdt;
using namespace octavo::test;

bytes payload(std::initializer_list<awareness_entry> entries) {
  return encode_awareness(std::vector<awareness_entry>(entries));
}

TEST_CASE("presence is read and written") {
  const bytes data = payload({{max_safe_integer, 7, "{\"user\":{\"name\":\"é\"}}"}, {1, 0, "null"}});
  std::vector<awareness_entry> entries;
  REQUIRE(decode_awareness(data, entries));
  REQUIRE(entries.size() == 2);
  CHECK(entries[0] == awareness_entry{max_safe_integer, 7, "{\"user\":{\"name\":\"é\"}}"});
  CHECK(entries[1].is_null());
  CHECK(encode_awareness(entries) == data);
}

TEST_CASE("white space around a null does not hide it") {
  std::vector<awareness_entry> entries;
  const bytes data = payload({{1, 2, " null\n"}});
  REQUIRE(decode_awareness(data, entries));
  CHECK(entries[0].is_null());
}

TEST_CASE("presence is bounded and its JSON strict") {
  std::vector<awareness_entry> entries;
  awareness_limits limits;
  limits.max_entries = 2;
  limits.max_state_bytes = 8;
  limits.max_bytes = 64;
  const auto code = [&](const bytes& data) {
    const auto done = decode_awareness(data, entries, limits);
    return done ? std::string("fine") : to_string(done.error());
  };
  CHECK(code(payload({{1, 1, "{}"}, {2, 1, "{}"}})) == "fine");
  CHECK(code(payload({{1, 1, "1"}, {2, 1, "1"}, {3, 1, "1"}})) == "too many presence entries at byte 0");
  CHECK(code(payload({{1, 1, "\"1234567\""}})) == "presence state is too large at byte 4");
  CHECK(code(payload({{1, 1, "{\"a\":}"}})) == "invalid JSON at byte 9");
  CHECK(code(payload({{1, 1, ""}})) == "invalid JSON at byte 4");
  CHECK(code(bytes(65)) == "input is too large at byte 64");
  CHECK(code(hex("ffffffffffffff0f")).starts_with("the input ends"));
  CHECK(code(hex("01 01 01 02 c080")) == "invalid UTF-8 at byte 4");
  CHECK(code(hex("00 00")) == "bytes follow the end of the value at byte 1");
  limits.max_state_bytes = 1000;
  limits.max_bytes = 2000;
  const std::string deep = std::string(129, '[') + std::string(129, ']');
  CHECK(code(payload({{1, 1, deep}})).starts_with("values are nested too deeply"));
}

TEST_CASE("merging keeps of each client what supersedes the rest") {
  std::vector<awareness_entry> entries = {{1, 5, "1"},    {2, 1, "2"}, {1, 4, "3"},
                                          {1, 5, "null"}, {2, 3, "4"}, {1, 5, "5"}};
  merge_awareness(entries);
  REQUIRE(entries.size() == 2);
  CHECK(entries[0] == awareness_entry{1, 5, "null"});
  CHECK(entries[1] == awareness_entry{2, 3, "4"});
}

}  // namespace
