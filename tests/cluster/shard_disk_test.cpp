#include "cluster/shard_disk.hpp"

#include <doctest/doctest.h>

using namespace octavo::cluster;

TEST_CASE("a disk is stalled once it has done nothing of what it was asked to for long enough") {
  auto clock = stall_clock{1'000};
  auto now = std::int64_t{100'000};
  auto look = [&](bool waits, std::int64_t after_ms) { return clock.look(waits, now += after_ms); };
  CHECK(!look(false, 50));
  for (auto i = 0; i < 19; ++i) CHECK(!look(true, 50));
  CHECK(look(true, 50));
  CHECK(look(true, 50));
  // It does something, slowly.
  for (auto i = 0; i < 100; ++i) {
    clock.done();
    CHECK(!look(true, 200));
  }
  // Nothing was asked of it for a moment.
  for (auto i = 0; i < 100; ++i) CHECK(!look(i % 10 != 0, 100));
  CHECK(!look(false, 50));
  // The process was stopped, and not the disk.
  CHECK(!look(true, 60'000));
}
