#include "crdt/encoded_update.hpp"

#include <doctest/doctest.h>

#include "tests/crdt/support/builder.hpp"
#include "tests/crdt/support/replay.hpp"

namespace {

using namespace octavo;
using namespace octavo::test;
using crdt::state_vector;
using enum crdt::update_encoding;

// Client 9 has written from 3 to 9 with a gap, client 5 from the front; something of client 7 is deleted.
bytes example() {
  return update_builder()
      .block(9, 3)
      .text("abc", unit{9, 2})
      .skip(1)
      .text("de", unit{9, 6})
      .block(5, 0)
      .text("hello")
      .gc(2)
      .skip(1)
      .text("!", unit{5, 7})
      .erase(7, 1, 2)
      .build();
}

TEST_CASE("a state is counted up to the first gap, and only from the first unit on") {
  const auto state = crdt::state_vector_of_update(example());
  REQUIRE(state);
  CHECK(*state == state_vector({{5, 7}}));
  CHECK(*crdt::state_vector_of_update(*crdt::convert_update(example(), v1, v2), v2) == *state);
  CHECK(crdt::state_vector_of_update(hex("01")).error().code == crdt::decode_errc::truncated);
}

TEST_CASE("the clocks that an update holds of each client are told, deletes left aside") {
  const auto ranges = crdt::clock_ranges_of_update(example());
  REQUIRE(ranges);
  CHECK(*ranges == std::vector<crdt::clock_range>{{9, 3, 9}, {5, 0, 9}});
}

TEST_CASE("a difference has what a state lacks, cut where need be, and all of the deletes") {
  const auto rest = crdt::diff_update(example(), state_vector({{9, 4}, {5, 2}}));
  REQUIRE(rest);
  CHECK(to_hex(*rest) == to_hex(update_builder()
                                    .block(9, 4)
                                    .text("bc", unit{9, 3})
                                    .skip(1)
                                    .text("de", unit{9, 6})
                                    .block(5, 2)
                                    .text("llo", unit{5, 1})
                                    .gc(2)
                                    .skip(1)
                                    .text("!", unit{5, 7})
                                    .erase(7, 1, 2)
                                    .build()));
  const auto deletes = crdt::diff_update(example(), state_vector({{9, 100}, {5, 9}}));
  CHECK(to_hex(*deletes) == to_hex(hex("00 01 07 01 01 02")));
  CHECK(*crdt::diff_update(example(), {}) == example());
  CHECK(*crdt::convert_update(*crdt::diff_update(*crdt::convert_update(example(), v1, v2), state_vector({{9, 4}}), v2),
                              v2, v1) == *crdt::diff_update(example(), state_vector({{9, 4}})));
}

TEST_CASE("a conversion there and back changes nothing, and one to the same encoding brings into order") {
  CHECK(*crdt::convert_update(*crdt::convert_update(example(), v1, v2), v2, v1) == example());
  const bytes padded = hex("01 81 00 05 00 04 01 01 61 01 62 00");
  CHECK(to_hex(*crdt::convert_update(padded, v1, v1)) == to_hex(hex("01 01 05 00 04 01 01 61 01 62 00")));
}

}  // namespace
