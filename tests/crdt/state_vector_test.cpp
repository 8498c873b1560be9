#include "crdt/state_vector.hpp"

#include <doctest/doctest.h>

#include "crdt/lib0.hpp"
#include "tests/crdt/support/replay.hpp"

namespace {

using namespace octavo;
using namespace octavo::crdt;
using namespace octavo::test;

TEST_CASE("a state vector is written with its clients descending") {
  state_vector state;
  state.set(5, 3);
  state.set(max_safe_integer, 1);
  state.set(9, 0);
  CHECK(to_hex(encode_state_vector(state)) == "02ffffffffffffff0f010503");
  const auto read = decode_state_vector(encode_state_vector(state));
  REQUIRE(read);
  CHECK(*read == state);
  CHECK(read->clock(5) == 3);
  CHECK(read->clock(6) == 0);
}

TEST_CASE("a state vector takes any order, keeps the last of duplicates and drops zeroes") {
  const auto read = decode_state_vector(hex("04 0501 0702 0509 0800"));
  REQUIRE(read);
  CHECK(read->size() == 2);
  CHECK(read->clock(5) == 9);
  CHECK(read->clock(7) == 2);
}

TEST_CASE("a count of entries is not believed") {
  CHECK(decode_state_vector(hex("ffffffffffffff0f 0101")).error().code == decode_errc::truncated);
  CHECK(decode_state_vector(hex("02 0101 05")).error().code == decode_errc::truncated);
  CHECK(decode_state_vector(hex("01 0101 00")).error().code == decode_errc::trailing_bytes);
  CHECK(decode_state_vector(hex("02 0101 0201"), 1).error().code == decode_errc::too_many_clients);
  CHECK(decode_state_vector({}).error().code == decode_errc::truncated);
  CHECK(decode_state_vector(hex("00"))->empty());
}

}  // namespace
