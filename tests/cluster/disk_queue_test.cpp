// In which order steps go to the disk, in batches of what size, and who is told when.
#include "cluster/disk_queue.hpp"

#include <doctest/doctest.h>

using namespace octavo;
using namespace octavo::cluster;

namespace {

shard_step step_of(std::uint64_t lsn, std::size_t size) {
  auto step = shard_step{};
  step.entries.emplace_back(lsn, bytes(size));
  return step;
}

std::uint64_t first_lsn(const shard_step& step) {
  return step.entries.front().first;
}

}  // namespace

TEST_CASE("steps are written in their order, one batch at a time, none larger than it may be but by its last step") {
  auto queue = disk_queue{100};
  CHECK(queue.next_batch() == nullptr);
  auto weight = std::size_t{0};
  for (const auto lsn : {1, 2, 3, 4}) {
    auto step = step_of(static_cast<std::uint64_t>(lsn), lsn == 4 ? 1'000 : 60);
    weight += step.weight();
    queue.push(std::move(step));
  }
  CHECK(queue.bytes() == weight);
  const auto first = queue.next_batch();
  REQUIRE(first);
  REQUIRE(first->size() == 2);
  CHECK(first_lsn((*first)[0]) == 1);
  CHECK(first_lsn((*first)[1]) == 2);
  // What is being written is not on the disk.
  CHECK(queue.is_writing());
  CHECK(queue.bytes() == weight);
  CHECK(queue.next_batch() == nullptr);
  queue.written();
  CHECK_FALSE(queue.is_writing());
  CHECK(queue.bytes() == weight - (*first)[0].weight() - (*first)[1].weight());
  const auto second = queue.next_batch();
  REQUIRE(second);
  REQUIRE(second->size() == 2);
  CHECK(first_lsn((*second)[1]) == 4);
  queue.written();
  CHECK(queue.bytes() == 0);
  CHECK(queue.next_batch() == nullptr);
}

TEST_CASE("whoever waits for what has been pushed is told once that is written, and not before") {
  auto queue = disk_queue{10};
  auto told = std::vector<int>{};
  queue.when_written([&] { told.push_back(0); });
  CHECK_MESSAGE(told == std::vector<int>{0}, "nothing is to be written");
  told.clear();
  queue.push(step_of(1, 10));
  REQUIRE(queue.next_batch());
  // One step is being written, one waits.
  queue.push(step_of(2, 10));
  queue.when_written([&] { told.push_back(2); });
  queue.push(step_of(3, 10));
  queue.when_written([&] { told.push_back(3); });
  queue.written();
  CHECK(told.empty());
  REQUIRE(queue.next_batch());
  queue.written();
  CHECK(told == std::vector<int>{2});
  REQUIRE(queue.next_batch());
  queue.written();
  CHECK(told == std::vector<int>{2, 3});
}
