#include "cluster/learner_watch.hpp"

#include <doctest/doctest.h>

using namespace octavo::cluster;

namespace {

const auto ann = member{1, "ann"};
const auto bob = member{2, "bob"};
constexpr auto step_ms = std::int64_t{1'000};

/// An owner that looks once a second.
struct watched {
  bool is_stuck(shard_number shard, const member& who, std::uint64_t match = 0, bool has_answered = true) {
    return all.is_stuck(shard, who, match, has_answered, is_drained, now);
  }
  /// A fetch of a transfer, which is opened if it is a new one.
  void fetch(const member& who, shard_number shard, std::uint64_t transfer) {
    if (transfer != last) all.asked(who.node, {transfer, transfer_open{shard}}, now);
    last = transfer;
    all.asked(who.node, {transfer, transfer_fetch{}}, now);
  }
  bool rests(shard_number shard, const member& who) { return all.resting(shard, now).contains(who.id); }

  learner_options options;
  learner_watch all{options};
  bool is_drained = false;
  std::int64_t now = 100'000;
  std::uint64_t last = 0;
};

}  // namespace

TEST_CASE("a learner that acknowledges nothing for long goes, and rests") {
  auto one = watched{};
  one.all.begin(7, ann, one.now);
  for (const auto match : {5u, 6u, 6u}) {
    one.now += one.options.stall_ms - 1;
    CHECK(!one.is_stuck(7, ann, match));
  }
  one.now += 1;
  CHECK(one.is_stuck(7, ann, 6));
  CHECK(one.rests(7, ann));
  CHECK(!one.rests(7, bob));
  CHECK(!one.rests(6, ann));
  CHECK(!one.rests(8, ann));
  one.now += one.options.rest_ms;
  CHECK(!one.rests(7, ann));
}

TEST_CASE("a node whose learner has not even answered gets no other one until it comes back, or has rested") {
  auto one = watched{};
  one.all.begin(7, ann, one.now);
  one.now += one.options.stall_ms;
  REQUIRE(one.is_stuck(7, ann, 0, false));
  CHECK(one.rests(7, ann));
  CHECK(one.rests(8, ann));
  CHECK(!one.rests(8, bob));
  SUBCASE("it comes back") {
    one.all.came_back(ann.id);
    CHECK(!one.rests(8, ann));
  }
  SUBCASE("it has rested") {
    one.now += one.options.rest_ms;
    CHECK(!one.rests(8, ann));
  }
}

TEST_CASE("a learner that brings much over stays, and so does one of the same node that waits behind it") {
  auto one = watched{};
  one.all.begin(7, ann, one.now);
  one.all.begin(8, ann, one.now);
  one.all.begin(9, bob, one.now);
  auto bob_is_stuck = false;
  for (auto i = 0; i < 1'000; ++i, one.now += step_ms) {
    one.fetch(ann, 7, 77);
    REQUIRE(!one.is_stuck(7, ann));
    REQUIRE(!one.is_stuck(8, ann));
    bob_is_stuck = bob_is_stuck || one.is_stuck(9, bob);
  }
  CHECK(bob_is_stuck);
}

TEST_CASE("a learner whose transfers fail again and again goes") {
  auto one = watched{};
  one.all.begin(7, ann, one.now);
  auto transfer = std::uint64_t{1};
  const auto begun = one.now;
  for (; !one.is_stuck(7, ann); one.now += step_ms) {
    one.fetch(ann, 7, transfer++);
    REQUIRE(one.now - begun < 2 * one.options.stall_ms);
  }
  CHECK(one.now - begun >= one.options.stall_ms);
  // One that is completed in between is acknowledged.
  one.all.begin(7, ann, one.now);
  for (auto i = std::uint64_t{1}; i < 1'000; ++i, one.now += step_ms) {
    one.fetch(ann, 7, transfer++);
    REQUIRE(!one.is_stuck(7, ann, i / 4));
  }
}

TEST_CASE("a transfer that is refused at once is no progress") {
  auto one = watched{};
  one.all.begin(7, ann, one.now);
  auto transfer = std::uint64_t{1};
  for (auto i = 0; i < one.options.stall_ms / step_ms; ++i, one.now += step_ms) {
    REQUIRE(!one.is_stuck(7, ann));
    one.all.asked(ann.node, {transfer, transfer_open{7}}, one.now);
    one.all.asked(ann.node, {transfer++, transfer_close{}}, one.now);
  }
  CHECK(one.is_stuck(7, ann));
}

TEST_CASE("a node that is drained waits for its learners for less long") {
  auto one = watched{};
  one.is_drained = true;
  one.all.begin(7, ann, one.now);
  one.now += one.options.drained_stall_ms - 1;
  CHECK(!one.is_stuck(7, ann));
  one.now += 1;
  CHECK(one.is_stuck(7, ann));
}

TEST_CASE("a learner that is one anew begins anew") {
  auto one = watched{};
  one.all.begin(7, ann, one.now);
  one.now += one.options.stall_ms - 1;
  one.all.forget(7);
  CHECK(one.all.is_empty());
  one.all.begin(7, ann, one.now);
  one.now += 1;
  CHECK(!one.is_stuck(7, ann));
}
