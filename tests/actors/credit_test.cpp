// What a document does for subscribers that take in less than it has to tell, and for crowds.
#include <doctest/doctest.h>

#include "tests/actors/support/driven_document.hpp"
#include "tests/crdt/support/replay.hpp"
#include "tests/support/awareness.hpp"

using namespace octavo;
using namespace octavo::actors;
using namespace octavo::test;

namespace {

constexpr auto window = std::size_t{1'000};

document_options narrow() {
  auto options = document_options{};
  options.subscriber_window_bytes = window;
  return options;
}

/// Two subscribers with a session each. The second one takes in nothing by itself.
struct uneven : driven_document {
  explicit uneven(const document_options& options = narrow()) : driven_document(options) {
    for (auto subscriber : {1u, 2u}) {
      state.subscribe(subscriber);
      ask(subscriber, entering(subscriber));
    }
    hear(take());
  }

  /// Session 1 types, and it becomes durable.
  void type(std::size_t letters) {
    ask(1, editing(1, ++op, typed(100, clock, std::string(letters, 'x'))));
    clock += letters;
    hear(commit());
  }

  void hear(const bursts& all) {
    for (const auto& [to, burst] : all) {
      got[to].push_back(burst);
      if (to == 1)
        state.credit(1, burst.weight());
      else
        owed += burst.weight();
      if (!burst.update.empty()) feed(copy[to], burst.update.view());
    }
  }

  relay_burst pay() {
    auto held = state.credit(2, std::exchange(owed, 0));
    hear(commit());
    return held;
  }

  std::uint64_t op = 0;
  std::uint64_t clock = 0;
  std::size_t owed = 0;
  std::map<subscriber_id, std::vector<document_burst>> got;
  std::map<subscriber_id, crdt::document> copy;
};

}  // namespace

TEST_CASE("a subscriber that takes nothing in gets no more than its window, and then what it lacks in one piece") {
  auto one = uneven{};
  for (auto i = 0; i < 100; ++i) one.type(100);
  CHECK(one.copy[1].text("text").size() == 10'000);
  CHECK(one.owed < window + 200);
  const auto bursts_before = one.got[2].size();
  CHECK(one.counters.subscribers_behind == 1);
  one.pay();
  CHECK(one.copy[2].text("text") == one.copy[1].text("text"));
  CHECK(one.got[2].size() == bursts_before + 1);
  CHECK(one.got[2].back().seq == one.state.seq());
  // From there on it is told everything again, until the window is full.
  one.pay();
  one.type(10);
  CHECK(one.copy[2].text("text") == one.copy[1].text("text"));
  CHECK(one.got[2].back().edits == 1);
}

TEST_CASE("who has caught up while edits were on their way to the disk misses none of them") {
  auto one = uneven{};
  for (auto i = 0; i < 20; ++i) one.type(100);
  // An edit that is not durable yet, and the credit comes.
  one.ask(1, editing(1, ++one.op, typed(100, one.clock, "y")));
  const auto waiting = one.state.take_records();
  one.state.credit(2, std::exchange(one.owed, 0));
  one.hear(one.take());
  CHECK(one.copy[2].text("text").size() < 1'900);  // nothing is shown before it is durable
  one.ask(1, editing(1, ++one.op, typed(100, one.clock + 1, "z")));
  one.hear(one.commit());
  // What it lacked has filled the window again, and so the last letter waits for credit once more.
  CHECK(one.copy[2].text("text").size() == 2'001);
  one.pay();
  CHECK(one.copy[2].text("text") == one.copy[1].text("text"));
  CHECK(one.copy[2].text("text").size() == 2'002);
}

TEST_CASE("what such a subscriber asks waits until there is room for answers, and none of it is lost") {
  auto one = uneven{};
  for (auto i = 0; i < 20; ++i) one.type(100);
  one.ask(2, syncing(2, 1), editing(2, 2, typed(200, 0, "mine")));
  one.hear(one.commit());
  CHECK(by(2, {{2, one.got[2].back()}}).acked(2) == 0);
  CHECK(one.state.content().text("text").find("mine") == std::string::npos);
  // What comes later keeps its place behind it.
  one.ask(2, editing(2, 3, typed(200, 4, "!")));
  const auto held = one.pay();
  REQUIRE(held.requests.size() == 3);
  CHECK(held.requests[0].op == 1);
  CHECK(held.requests[2].op == 3);
  one.got[2].clear();
  one.state.handle(2, held, {0, one.now_ms}, true, {});
  one.hear(one.commit());
  // The answer to the question fills the window, and so the rest waits once more.
  auto rest = one.pay();
  while (!rest.requests.empty()) {
    one.state.handle(2, rest, {0, one.now_ms}, true, {});
    one.hear(one.commit());
    rest = one.pay();
  }
  CHECK(one.state.content().text("text").find("mine!") != std::string::npos);
  auto acked = std::uint64_t{0};
  for (const auto& burst : one.got[2])
    for (const auto& each : burst.acks) acked = std::max(acked, each.op);
  CHECK(acked == 3);
}

TEST_CASE("presence that such a subscriber missed is told when it has caught up, with those who went") {
  auto one = uneven{};
  one.ask(1, announcing(1, awareness_of(7, 1, "1")));
  one.now_ms += 1'000;
  one.hear(one.take());
  for (auto i = 0; i < 20; ++i) one.type(100);
  one.got[2].clear();
  one.ask(1, announcing(1, awareness_of(8, 1, "2")));
  one.ask(1, announcing(1, awareness_of(7, 2, "null")));
  one.now_ms += 1'000;
  one.hear(one.take());
  for (const auto& burst : one.got[2]) CHECK(burst.presence.empty());
  one.pay();
  one.pay();
  auto told = awareness_map{};
  for (const auto& burst : one.got[2])
    if (!burst.presence.empty()) told = read_awareness(burst.presence.view());
  CHECK(told == awareness_map{{7, {2, "null"}}, {8, {1, "2"}}});
}

TEST_CASE("to a crowd edits are told in gathered broadcasts, and acknowledged at once") {
  auto options = document_options{};
  options.crowd_sessions = 3;
  options.crowd_interval_ms = 30;
  auto one = uneven{options};
  one.ask(2, entering(3), entering(4));
  one.hear(one.take());
  one.now_ms += 1'000;
  one.got.clear();
  one.type(1);
  CHECK(one.got[2].size() == 1);
  for (auto i = 0; i < 10; ++i) {
    ++one.now_ms;
    one.type(1);
    CHECK(by(1, {{1, one.got[1].back()}}).acked(1) == one.op);
  }
  CHECK(one.got[2].size() == 1);
  REQUIRE(one.state.due_ms());
  CHECK(*one.state.due_ms() == one.now_ms + 20);
  one.now_ms = *one.state.due_ms();
  one.hear(one.take());
  CHECK(one.got[2].size() == 2);
  CHECK(one.got[2].back().edits == 10);
  CHECK(one.copy[2].text("text").size() == 11);
  CHECK_FALSE(one.state.due_ms());
}

TEST_CASE("what is gathered for a crowd has a bound, and comes before what somebody lacked") {
  auto options = narrow();
  options.crowd_sessions = 1;
  options.burst_bytes_max = 500;
  auto one = uneven{options};
  one.now_ms += 1'000;
  one.type(1);
  for (auto i = 0; i < 10; ++i) one.type(100);
  CHECK(one.got[1].size() > 2);
  one.state.subscribe(3);
  one.state.bring_up(3, 0);
  one.hear(one.take());
  CHECK(one.copy[3].text("text") == one.state.content().text("text"));
  one.now_ms += 1'000;
  one.hear(one.take());
  one.pay();
  one.pay();
  CHECK(one.copy[1].text("text") == one.state.content().text("text"));
  CHECK(one.copy[2].text("text") == one.state.content().text("text"));
}
