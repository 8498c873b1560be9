// "Tell me when this is durable": when a document sends a marker back, and when it must not.
#include <doctest/doctest.h>

#include "tests/actors/support/driven_document.hpp"
#include "tests/crdt/support/replay.hpp"

using namespace octavo;
using namespace octavo::actors;
using namespace octavo::test;

namespace {

using list = std::vector<std::string>;

request marking(session_id session, std::string_view text) {
  return {session, request_kind::marker, 0, 0, payload::copy_of(text)};
}

request answering(session_id session, std::uint64_t op, bytes update) {
  return {session, request_kind::answer, op, 0, payload{std::move(update)}};
}

list markers(const bursts& all) {
  auto result = list{};
  for (const auto& one : by(1, all).of(reply_kind::durable)) result.emplace_back(as_text(one.data.view()));
  return result;
}

/// One subscriber with the sessions 1 and 2.
struct marked : driven_document {
  marked() {
    state.subscribe(1);
    ask(1, entering(1), entering(2));
    take();
  }
};

}  // namespace

TEST_CASE("a marker comes back at once if nothing is on its way") {
  auto one = marked{};
  one.ask(1, marking(1, "m"));
  CHECK(markers(one.take()) == list{"m"});
}

TEST_CASE("a marker comes back once all that was asked before it is durable, and not earlier") {
  auto one = marked{};
  one.ask(1, editing(1, 1, typed(100, 0, "a")), marking(1, "after a"));
  one.ask(1, editing(1, 2, typed(100, 1, "b")), marking(1, "1"), marking(1, "2"));
  CHECK(markers(one.take()).empty());
  one.state.committed(1);
  CHECK(markers(one.take()) == list{"after a"});
  CHECK(markers(one.commit()) == list{"1", "2"});
  CHECK(markers(one.commit()).empty());
}

TEST_CASE("a marker after an edit that was known already waits for that edit as well") {
  auto one = marked{};
  one.ask(1, editing(1, 1, typed(100, 0, "a")));
  one.ask(1, editing(2, 1, typed(100, 0, "a")), marking(2, "m"));
  CHECK(markers(one.take()).empty());
  CHECK(markers(one.commit()) == list{"m"});
}

TEST_CASE("a marker's bytes are given back to the window with it") {
  auto one = marked{};
  one.ask(1, editing(1, 1, typed(100, 0, "a")), marking(1, "m"));
  CHECK(by(1, one.take()).acks.empty());
  const auto got = by(1, one.commit());
  REQUIRE(got.acks.size() == 1);
  CHECK(got.acks[0].bytes == editing(1, 1, typed(100, 0, "a")).weight() + 1 + request::request_overhead_bytes);
}

TEST_CASE("after a refusal nothing counts as durable until the client has sent all that the document lacks") {
  auto one = marked{};
  one.may_write = false;
  one.ask(1, editing(1, 1, typed(100, 0, "a")), marking(1, "after a"));
  CHECK(markers(one.commit()).empty());
  one.may_write = true;
  one.ask(1, editing(1, 2, typed(100, 1, "b")), marking(1, "after b"));
  one.ask(1, marking(2, "of another"));
  CHECK(markers(one.commit()) == list{"of another"});
  one.ask(1, answering(1, 3, typed(100, 0, "ab")));
  CHECK(markers(one.take()).empty());
  // The last one stands for those before it.
  CHECK(markers(one.commit()) == list{"after b"});
  one.ask(1, marking(1, "later"));
  CHECK(markers(one.take()) == list{"later"});
}

TEST_CASE("an answer that is itself refused ends nothing, and one that holds nothing new does") {
  auto one = marked{};
  one.may_write = false;
  one.ask(1, editing(1, 1, typed(100, 0, "a")));
  one.ask(1, answering(1, 2, typed(100, 0, "a")), marking(1, "m"));
  CHECK(markers(one.commit()).empty());
  one.may_write = true;
  one.ask(1, editing(2, 1, typed(100, 0, "a")));
  one.ask(1, answering(1, 3, typed(100, 0, "a")));
  CHECK(markers(one.commit()) == list{"m"});
}

TEST_CASE("an answer from before the refusal ends nothing") {
  auto one = marked{};
  one.ask(1, answering(1, 1, update_builder{}.build()));
  one.may_write = false;
  one.ask(1, editing(1, 2, typed(100, 0, "a")), marking(1, "m"));
  CHECK(markers(one.commit()).empty());
}

TEST_CASE("a malformed edit holds markers back as well") {
  auto one = marked{};
  one.ask(1, editing(1, 1, hex("ff")), marking(1, "m"));
  CHECK(markers(one.commit()).empty());
}

TEST_CASE("a reader that wrote something is never told that it is durable") {
  auto one = marked{};
  auto offering = [](std::uint64_t op, bytes update) {
    return request{1, request_kind::offer, op, 0, payload{std::move(update)}};
  };
  one.ask(1, editing(2, 1, typed(100, 0, "a")), offering(1, typed(100, 0, "a")), marking(1, "known"));
  CHECK(markers(one.commit()) == list{"known"});
  one.ask(1, offering(2, typed(200, 0, "new")), marking(1, "m"));
  CHECK(markers(one.commit()).empty());
  one.ask(1, offering(3, typed(100, 0, "a")), marking(1, "m"));
  CHECK(markers(one.commit()).empty());
}
