#include "actors/log_entries.hpp"

#include <doctest/doctest.h>

#include "tests/crdt/support/builder.hpp"

using namespace octavo;
using namespace octavo::actors;

namespace {

struct gathered {
  std::vector<log_entry> entries;
  log_grouper grouper;
  explicit gathered(std::int64_t gap_ms)
      : grouper(gap_ms, [this](const log_entry& each) { entries.push_back(each); }) {}
};

}  // namespace

TEST_CASE("edits of one user without a long pause are one entry, also among those of others") {
  auto log = gathered{1000};
  log.grouper.add(1, 10'000, "ada", {5, 0, 0});
  log.grouper.add(2, 10'500, "ben", {1, 0, 2});
  log.grouper.add(3, 11'000, "ada", {2, 1, 0});
  CHECK(log.entries.empty());
  log.grouper.add(4, 11'900, "ada", {0, 0, 4});
  // Ben is quiet for long enough.
  REQUIRE(log.entries.size() == 1);
  CHECK(log.entries[0].user == "ben");
  CHECK(log.entries[0].units_deleted == 2);
  log.grouper.add(5, 12'901, "ada", {1, 0, 0});
  REQUIRE(log.entries.size() == 2);
  CHECK(log.entries[1].user == "ada");
  CHECK(log.entries[1].first_seq == 1);
  CHECK(log.entries[1].last_seq == 4);
  CHECK(log.entries[1].first_ms == 10'000);
  CHECK(log.entries[1].last_ms == 11'900);
  CHECK(log.entries[1].edits == 3);
  CHECK(log.entries[1].characters_inserted == 7);
  CHECK(log.entries[1].values_inserted == 1);
  CHECK(log.entries[1].units_deleted == 4);
  log.grouper.finish();
  REQUIRE(log.entries.size() == 3);
  CHECK(log.entries[2].first_seq == 5);
}

TEST_CASE("no more users than max_open_entries are kept in mind") {
  auto log = gathered{1'000'000'000};
  for (std::uint64_t i = 0; i <= max_open_entries; ++i)
    log.grouper.add(i + 1, static_cast<std::int64_t>(i), "user " + std::to_string(i), {});
  REQUIRE(log.entries.size() == 1);
  CHECK(log.entries[0].user == "user 0");
  log.grouper.finish();
  CHECK(log.entries.size() == max_open_entries + 1);
}

TEST_CASE("the size of an update is read off its bytes") {
  auto builder = test::update_builder{};
  auto update = builder.block(1, 0)
                    .text("a😀b")
                    .set("map", "k", 1)
                    .type(1)
                    .deleted(7, test::unit{1, 0})
                    .erase(2, 5, 3)
                    .erase(3, 0, 1)
                    .build();
  auto size = measure_update(update);
  REQUIRE(size);
  CHECK(size->characters == 4);
  CHECK(size->values == 2);
  CHECK(size->deleted == 4);
  CHECK(measure_update(as_bytes("\x01")).error().code == errc::malformed);
}
