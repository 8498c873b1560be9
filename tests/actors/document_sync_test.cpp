// What a document tells those who join, who lagged, who are here and who left.
#include <doctest/doctest.h>

#include "tests/actors/support/driven_document.hpp"
#include "tests/crdt/support/replay.hpp"
#include "tests/support/awareness.hpp"

using namespace octavo;
using namespace octavo::actors;
using namespace octavo::test;

namespace {

/// One subscriber with the sessions 1 and 2, and `letters` one-letter edits of session 1, all durable.
struct written : driven_document {
  explicit written(std::uint64_t letters, const document_options& options = {}) : driven_document(options) {
    state.subscribe(1);
    ask(1, entering(1), entering(2));
    for (auto i = std::uint64_t{0}; i < letters; ++i)
      ask(1, editing(1, i + 1, typed(100, i, std::string(1, static_cast<char>('a' + i % 26)))));
    commit();
  }

  std::vector<payload> resync(std::uint64_t seq) {
    ask(1, resyncing(2, seq));
    const auto got = by(1, take());
    auto updates = std::vector<payload>{};
    for (const auto& one : got.of(reply_kind::update)) updates.push_back(one.data);
    REQUIRE_FALSE(got.replies.empty());
    CHECK(got.replies.back().kind == reply_kind::resynced);
    CHECK(got.replies.back().seq == state.seq());
    CHECK(got.of(reply_kind::synced).empty());
    return updates;
  }
};

/// The first unit of a client that the updates hold, and the unit behind the last.
std::pair<std::uint32_t, std::uint32_t> units(const std::vector<payload>& updates) {
  auto first = UINT32_MAX;
  auto end = std::uint32_t{0};
  auto decoded = crdt::decoded_update{};
  for (const auto& one : updates) {
    REQUIRE(crdt::decode_update_v1(one.view(), decoded));
    for (const auto& each : decoded.structs()) {
      first = std::min(first, each.clock);
      end = std::max(end, each.end());
    }
  }
  return {first, end};
}

}  // namespace

TEST_CASE("a resync holds exactly what came after the number that was delivered") {
  auto one = written{10};
  CHECK(units(one.resync(4)) == std::pair{4u, 10u});
  CHECK(units(one.resync(9)) == std::pair{9u, 10u});
  CHECK(one.counters.resyncs == 2);
}

TEST_CASE("a resync of somebody who has everything holds no edit") {
  auto one = written{10};
  CHECK(units(one.resync(10)).second == 0);
}

TEST_CASE("a resync tells of deletes as well") {
  auto one = written{3};
  one.ask(1, editing(1, 9, update_builder{}.erase(100, 0, 2).build()));
  one.commit();
  auto reader = crdt::document{};
  for (auto i = 0u; i < 3; ++i) feed(reader, one.log[i].update.view());
  for (const auto& update : one.resync(3)) feed(reader, update.view());
  check_equal(reader, one.state.content());
}

TEST_CASE("a resync waits for the disk like anything else") {
  auto one = written{3};
  one.ask(1, editing(1, 4, typed(100, 3, "x")), resyncing(2, 1));
  CHECK(one.take().empty());
  CHECK_FALSE(by(1, one.commit()).of(reply_kind::resynced).empty());
}

TEST_CASE("beyond the history, and for a number that never was, a resync is the whole state") {
  auto options = document_options{};
  options.resync_history_max = 4;
  auto one = written{10, options};
  CHECK(units(one.resync(7)) == std::pair{7u, 10u});
  CHECK(units(one.resync(6)) == std::pair{6u, 10u});
  CHECK(units(one.resync(5)) == std::pair{0u, 10u});
  CHECK(units(one.resync(0)) == std::pair{0u, 10u});
  CHECK(units(one.resync(11)) == std::pair{0u, 10u});
}

TEST_CASE("the history of a document from the store begins with what it holds") {
  auto content = crdt::document{};
  feed(content, typed(100, 0, "abc"));
  auto one = driven_document{};
  one.state.install(std::move(content), 3);
  one.state.subscribe(1);
  one.ask(1, entering(1), editing(1, 1, typed(100, 3, "d")));
  one.commit();
  CHECK(one.state.seq() == 4);
  CHECK(one.state.state_after(3).clock(100) == 3);
  CHECK(one.state.state_after(2).empty());
}

TEST_CASE("all that join at the same version share one encoding of the state") {
  auto one = written{5};
  one.ask(1, syncing(1, 9), syncing(2, 9));
  const auto first = by(1, one.take()).of(reply_kind::synced);
  REQUIRE(first.size() == 2);
  CHECK(first[0].data.shared() == first[1].data.shared());
  one.ask(1, editing(1, 10, typed(100, 5, "x")), syncing(1, 11));
  const auto later = by(1, one.commit()).of(reply_kind::synced);
  REQUIRE(later.size() == 1);
  CHECK(later[0].data.shared() != first[0].data.shared());
  CHECK(units({later[0].data}) == std::pair{0u, 6u});
}

TEST_CASE("a large state is answered in chunks, the last of which says that it is the last") {
  auto options = document_options{};
  options.sync_chunk_bytes = 100;
  auto one = written{0, options};
  auto clock = std::uint64_t{0};
  for (auto client = std::uint64_t{1}; client <= 20; ++client)
    one.ask(1, editing(1, ++clock, update_builder{}.block(client, 0).text(std::string(60, 'x')).build()));
  one.commit();
  one.ask(1, syncing(2, 1));
  const auto got = by(1, one.take());
  CHECK(got.replies.size() > 5);
  auto reader = crdt::document{};
  for (const auto& each : got.replies) {
    CHECK(each.data.size() < 300);
    CHECK((each.kind == reply_kind::synced) == (&each == &got.replies.back()));
    feed(reader, each.data.view());
  }
  check_equal(reader, one.state.content());
}

TEST_CASE("a sync with a state vector is answered with what is missing") {
  auto one = written{10};
  auto since = crdt::state_vector{};
  since.set(100, 8);
  one.ask(1, syncing(2, 1, since));
  CHECK(units({by(1, one.take()).of(reply_kind::synced).at(0).data}) == std::pair{8u, 10u});
}

TEST_CASE("presence goes to everybody at once when it is rare, and gathered when it is not") {
  auto options = document_options{};
  options.presence.interval_ms = 25;
  auto one = driven_document{options};
  one.state.subscribe(1);
  one.state.subscribe(2);
  one.ask(1, entering(1), announcing(1, awareness_of(7, 1, "1")));
  CHECK(one.state.due_ms() == one.now_ms);
  auto all = one.take();
  CHECK(read_awareness(by(2, all).presence.at(0).view()) == awareness_map{{7, {1, "1"}}});
  CHECK(by(1, all).presence.at(0).shared() == by(2, all).presence.at(0).shared());

  const auto sent_ms = one.now_ms;
  one.now_ms += 10;
  one.ask(1, announcing(1, awareness_of(7, 2, "2")));
  one.ask(1, announcing(1, awareness_of(7, 3, "3")));
  CHECK(one.state.due_ms() == sent_ms + 25);
  CHECK(by(2, one.take()).presence.empty());
  one.now_ms = sent_ms + 24;
  CHECK(by(2, one.take()).presence.empty());
  one.now_ms = sent_ms + 25;
  all = one.take();
  CHECK(read_awareness(by(2, all).presence.at(0).view()) == awareness_map{{7, {3, "3"}}});
  CHECK_FALSE(one.state.due_ms());
}

TEST_CASE("presence does not wait for the disk") {
  auto one = written{0};
  one.ask(1, editing(1, 1, typed(100, 0, "a")), announcing(1, awareness_of(7, 1, "1")));
  const auto got = by(1, one.take());
  CHECK(got.presence.size() == 1);
  CHECK(got.updates.empty());
}

TEST_CASE("who enters later sees who is here") {
  auto one = written{0};
  one.ask(1, announcing(1, awareness_of(7, 1, "1")));
  one.take();
  one.ask(1, entering(3));
  const auto got = by(1, one.take());
  REQUIRE(got.of(reply_kind::presence).size() == 1);
  CHECK(read_awareness(got.of(reply_kind::presence)[0].data.view()) == awareness_map{{7, {1, "1"}}});
}

TEST_CASE("a session that leaves takes its presence along, and a subscriber that leaves those of all its sessions") {
  auto one = driven_document{};
  one.state.subscribe(1);
  one.state.subscribe(2);
  one.ask(1, entering(1), entering(2), announcing(1, awareness_of(7, 1, "1")), announcing(2, awareness_of(8, 1, "2")));
  one.ask(2, entering(1), announcing(1, awareness_of(9, 1, "3")), entering(2), announcing(2, awareness_of(10, 1, "4")));
  one.take();
  one.now_ms += 100;
  one.ask(2, leaving(2));
  CHECK(read_awareness(by(2, one.take()).presence.at(0).view()) == awareness_map{{10, {1, "null"}}});
  one.now_ms += 100;
  one.state.unsubscribe(1, one.now_ms);
  const auto all = one.take();
  CHECK(by(1, all).presence.empty());
  CHECK(read_awareness(by(2, all).presence.at(0).view()) == awareness_map{{7, {1, "null"}}, {8, {1, "null"}}});
}

TEST_CASE("presence that is not renewed goes, and everybody hears of it") {
  auto one = written{0};
  one.ask(1, announcing(1, awareness_of(7, 1, "1")));
  one.take();
  one.now_ms += 40'000;
  one.state.expire_presence(one.now_ms);
  CHECK(read_awareness(by(1, one.take()).presence.at(0).view()) == awareness_map{{7, {1, "null"}}});
}

TEST_CASE("a subscriber that has gone gets nothing of what was on its way, and its edits stay") {
  auto one = driven_document{};
  one.state.subscribe(1);
  one.state.subscribe(2);
  one.ask(1, entering(1), editing(1, 1, typed(100, 0, "a")), syncing(1, 2));
  one.state.unsubscribe(1, one.now_ms);
  const auto all = one.commit();
  CHECK(by(1, all).replies.empty());
  CHECK(by(1, all).updates.empty());
  CHECK(by(2, all).updates.size() == 1);
  CHECK(one.log.size() == 1);
}

TEST_CASE("a session that asks the same thousands of times at once is answered once, and all of it is given back") {
  auto one = written{10};
  auto since = crdt::state_vector{};
  since.set(100, 3);
  auto burst = relay_burst{};
  for (auto op = std::uint64_t{1}; op <= 5'000; ++op) {
    burst.requests.push_back(syncing(2, op, since));
    burst.requests.push_back({2, request_kind::query_presence, 0, 0, {}});
  }
  burst.requests.push_back(syncing(1, 11));
  auto weight = std::uint64_t{0};
  for (const auto& each : burst.requests) weight += each.weight();
  one.state.handle(1, burst, {0, one.now_ms}, true, {});
  const auto got = by(1, one.take());
  CHECK(got.of(reply_kind::synced).size() == 2);
  CHECK(got.of(reply_kind::presence).size() == 1);
  CHECK(got.acked(2) == 5'000);
  CHECK(got.acked(1) == 11);
  CHECK(got.credit_bytes == weight);
}

TEST_CASE("what a client did not send is not given back to its window") {
  auto one = written{3};
  one.ask(1, entering(3), resyncing(2, 1), leaving(3));
  const auto got = by(1, one.take());
  CHECK(got.acks.empty());
  CHECK(got.credit_bytes > 0);
}

TEST_CASE("a resync also tells who left while the client could not be told") {
  auto one = written{0};
  one.ask(1, announcing(1, awareness_of(7, 1, "1")));
  one.take();
  one.ask(1, leaving(1));
  one.now_ms += 100;
  one.take();
  one.ask(1, resyncing(2, 0));
  const auto told = by(1, one.take()).of(reply_kind::presence);
  REQUIRE(told.size() == 1);
  CHECK(read_awareness(told[0].data.view()) == awareness_map{{7, {1, "null"}}});
}

TEST_CASE("a subscriber that comes from another actor of the document is given what it lacks, once for all") {
  auto one = written{10};
  one.state.subscribe(2);
  one.state.bring_up(2, 4);
  one.ask(1, editing(1, 11, typed(100, 10, "z")));
  const auto got = by(2, one.commit());
  REQUIRE(got.updates.size() == 2);
  CHECK(units({got.updates[0].update}) == std::pair{4u, 10u});
  CHECK(got.updates[0].seq == 10);
  CHECK(got.updates[0].only_from == 0);
  CHECK(units({got.updates[1].update}) == std::pair{10u, 11u});
  CHECK(got.updates[1].seq == 11);
  // Whoever has everything is given nothing.
  one.state.subscribe(3);
  one.state.bring_up(3, 11);
  CHECK(by(3, one.take()).updates.empty());
}

TEST_CASE("what a loaded document's log tells of its clocks serves those who come from the last owner") {
  auto one = written{10};
  auto again = driven_document{};
  auto content = crdt::document{};
  auto clocks = std::vector<clock_step>{};
  for (const auto& record : one.log) {
    const auto applied = content.apply_stored_v1(record.update.view());
    REQUIRE(applied);
    if (record.seq > 3)
      for (const auto& step : applied->advances) clocks.push_back({record.seq, step.client, step.clock_before});
  }
  again.state.install(std::move(content), 10, clocks, 3);
  again.state.subscribe(1);
  again.state.bring_up(1, 6);
  CHECK(units({by(1, again.take()).updates.at(0).update}) == std::pair{6u, 10u});
  // Further back it is the whole.
  again.state.subscribe(2);
  again.state.bring_up(2, 2);
  CHECK(units({by(2, again.take()).updates.at(0).update}) == std::pair{0u, 10u});
}

TEST_CASE("nothing counts as durable for a session of the last owner until it has told what it has") {
  auto one = written{1};
  auto again = request{5, request_kind::reenter, 0, 0, payload::copy_of("eve")};
  auto marker = request{5, request_kind::marker, 1, 0, payload::copy_of("m")};
  auto answer = request{5, request_kind::answer, 2, 0, payload{typed(500, 0, "e")}};
  one.ask(1, again, marker);
  auto got = by(1, one.commit());
  CHECK(got.of(reply_kind::state_vector).size() == 1);
  CHECK(got.of(reply_kind::durable).empty());
  one.ask(1, answer);
  got = by(1, one.commit());
  CHECK(got.of(reply_kind::durable).size() == 1);
  CHECK(one.log.back().user == "eve");
}

TEST_CASE("somebody who comes from the last owner takes nothing from those who are here") {
  auto one = written{2};
  one.state.subscribe(2);
  one.ask(1, editing(1, 3, typed(100, 2, "c")));
  one.state.subscribe(3);
  one.state.bring_up(3, 1);
  one.ask(1, editing(1, 4, typed(100, 3, "d")));
  // All of it becomes durable at once, and so goes out together.
  const auto all = one.commit();
  auto updates_of = [&](subscriber_id subscriber) {
    auto updates = std::vector<payload>{};
    const auto got = by(subscriber, all);
    for (const auto& burst : got.updates) updates.push_back(burst.update);
    return updates;
  };
  CHECK(updates_of(1).size() == 2);
  CHECK(units(updates_of(1)) == std::pair{2u, 4u});
  CHECK(updates_of(2).size() == 2);
  CHECK(units(updates_of(2)) == std::pair{2u, 4u});
  CHECK(units(updates_of(3)) == std::pair{1u, 4u});
}

TEST_CASE("who comes from another actor in the middle of a commit hears nothing before what it lacks") {
  auto one = written{10};
  one.ask(1, editing(1, 11, typed(100, 10, "k")), editing(1, 12, typed(100, 11, "l")));
  const auto first = one.state.take_records();
  REQUIRE(first.size() == 2);
  one.state.subscribe(2);
  one.state.bring_up(2, 4);
  one.state.committed(11);
  CHECK(by(2, one.take()).updates.empty());
  one.state.committed(12);
  const auto got = by(2, one.take());
  REQUIRE(got.updates.size() == 1);
  CHECK(units({got.updates[0].update}) == std::pair{4u, 12u});
  CHECK(got.updates[0].seq == 12);
  one.ask(1, editing(1, 13, typed(100, 12, "m")));
  CHECK(by(2, one.commit()).updates.at(0).edits == 1);
}
