#include "net/connection.hpp"

#include <doctest/doctest.h>

using namespace octavo::net;
using namespace std::chrono_literals;

TEST_CASE("a client may send a burst at once, and then waits as long as one message takes") {
  const auto start = steady_time{};
  auto rate = rate_limiter{100, 10, start};
  for (auto i = 0; i < 10; ++i) CHECK(rate.take(start) == 0ms);
  const auto wait = rate.take(start);
  CHECK(wait >= 10ms);
  CHECK(wait <= 11ms);
  CHECK(rate.take(start + wait) >= 9ms);
}

TEST_CASE("what was not used comes back, up to a burst") {
  const auto start = steady_time{};
  auto rate = rate_limiter{100, 10, start};
  for (auto i = 0; i < 10; ++i) rate.take(start);
  for (auto i = 0; i < 5; ++i) CHECK(rate.take(start + 50ms) == 0ms);
  CHECK(rate.take(start + 50ms) > 0ms);
  for (auto i = 0; i < 10; ++i) CHECK(rate.take(start + 1h) == 0ms);
  CHECK(rate.take(start + 1h) > 0ms);
}
