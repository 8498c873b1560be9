#include "actors/snapshot_count.hpp"

#include <doctest/doctest.h>

using octavo::actors::snapshot_count;

TEST_CASE("a snapshot is due after so many durable records, or so many of their bytes") {
  auto records = snapshot_count{10, 1'000};
  records.committed(9, 90);
  CHECK(records.records() == 9);
  CHECK_FALSE(records.is_due());
  records.committed(10, 10);
  CHECK(records.is_due());
  auto bytes = snapshot_count{10, 1'000};
  bytes.committed(1, 999);
  CHECK_FALSE(bytes.is_due());
  bytes.committed(2, 1);
  CHECK(bytes.is_due());
}

TEST_CASE("a document that is loaded goes on with what its log holds behind the last snapshot") {
  auto one = snapshot_count{10, 1'000};
  one.found(100, 9, 500);
  CHECK(one.records() == 9);
  CHECK_FALSE(one.is_due());
  one.committed(101, 1);
  CHECK(one.is_due());
}

TEST_CASE("what became durable while a snapshot was written counts for the next one") {
  auto one = snapshot_count{10, 1'000};
  one.committed(10, 600);
  one.begun();
  CHECK(one.is_running());
  CHECK_FALSE(one.is_due());
  one.committed(20, 600);
  CHECK_FALSE(one.is_due());
  SUBCASE("it has what there was when it was asked for") {
    CHECK(one.written(10));
    CHECK(one.records() == 10);
    CHECK(one.is_due());
  }
  SUBCASE("it has some of it") {
    CHECK(one.written(15));
    CHECK(one.records() == 5);
    CHECK_FALSE(one.is_due());
    one.committed(21, 400);
    CHECK(one.is_due());
  }
  SUBCASE("it has more than is known to be durable here") {
    CHECK(one.written(22));
    CHECK(one.records() == 0);
    CHECK_FALSE(one.is_due());
    one.committed(22, 5'000);
    CHECK_FALSE(one.is_due());
  }
  CHECK_FALSE(one.is_running());
}

TEST_CASE("a snapshot that has nothing new, or failed, is not begun again at once") {
  auto one = snapshot_count{10, 1'000};
  one.found(100, 0, 0);
  one.committed(110, 100);
  one.begun();
  CHECK_FALSE_MESSAGE(one.written(100), "the store has not applied yet what is durable");
  CHECK_MESSAGE(one.is_due(), "with the next edit");
  one.begun();
  one.failed();
  CHECK(one.records() == 0);
  CHECK_FALSE(one.is_due());
  one.committed(120, 100);
  CHECK(one.is_due());
}
