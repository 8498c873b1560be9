#include "actors/document.hpp"

#include <doctest/doctest.h>

#include "tests/actors/support/driven_document.hpp"
#include "tests/crdt/support/replay.hpp"
#include "tests/support/awareness.hpp"

using namespace octavo;
using namespace octavo::actors;
using namespace octavo::test;

namespace {

/// What the text says once these updates are applied, in this order.
std::string merged_text(const std::vector<payload>& updates) {
  auto document = crdt::document{};
  for (const auto& one : updates) feed(document, one.view());
  return document.text("text");
}

/// Two subscribers with two sessions each: 1 and 2, 3 and 4.
struct two_relays : driven_document {
  explicit two_relays(const document_options& options = {}) : driven_document(options) {
    for (auto subscriber : {1u, 2u}) {
      state.subscribe(subscriber);
      ask(subscriber, entering(subscriber * 2 - 1, "ann"), entering(subscriber * 2, "ben"));
    }
    take();
  }
};

}  // namespace

TEST_CASE("a session that enters is asked for what the document lacks") {
  auto one = driven_document{};
  one.state.subscribe(1);
  one.ask(1, entering(5));
  const auto got = by(1, one.take());
  REQUIRE(got.replies.size() == 1);
  CHECK(got.replies[0].kind == reply_kind::state_vector);
  CHECK(got.replies[0].session == 5);
  CHECK(to_hex(got.replies[0].data.view()) == "00");
}

TEST_CASE("a session whose user no log would take does not get in") {
  auto one = driven_document{};
  one.state.subscribe(1);
  for (const auto kind : {request_kind::enter, request_kind::reenter}) {
    one.ask(1, request{5, kind, 0, 0, payload::copy_of(std::string(513, 'a'))});
    const auto got = by(1, one.take());
    REQUIRE(got.replies.size() == 1);
    CHECK(got.replies[0].kind == reply_kind::kicked);
    CHECK(got.replies[0].seq == static_cast<std::uint64_t>(close_reason::bad_messages));
  }
}

TEST_CASE("nothing that shows an edit leaves before the edit is durable") {
  auto one = two_relays{};
  one.ask(1, editing(1, 1, typed(100, 0, "a")));
  one.ask(2, syncing(3, 1));
  one.ask(2, entering(5));
  one.ask(1, resyncing(2, 0));
  CHECK(one.take().empty());
  const auto records = one.state.take_records();
  REQUIRE(records.size() == 1);
  CHECK(one.take().empty());

  one.state.committed(records[0].seq);
  const auto all = one.take();
  CHECK(by(1, all).updates.size() == 1);
  CHECK(by(1, all).acked(1) == 1);
  CHECK(by(2, all).acked(3) == 1);
  CHECK(by(2, all).of(reply_kind::synced).size() == 1);
  CHECK(by(2, all).of(reply_kind::state_vector).size() == 1);
  CHECK(by(1, all).of(reply_kind::resynced).size() == 1);
}

TEST_CASE("each edit opens the gate for itself alone") {
  auto one = two_relays{};
  one.ask(1, editing(1, 1, typed(100, 0, "a")), editing(1, 2, typed(100, 1, "b")));
  one.ask(2, syncing(3, 9));
  one.state.take_records();
  one.state.committed(1);
  const auto first = one.take();
  REQUIRE(by(2, first).updates.size() == 1);
  CHECK(merged_text({by(2, first).updates[0].update}) == "a");
  CHECK(by(1, first).acked(1) == 1);
  CHECK(by(2, first).replies.empty());
  one.state.committed(2);
  const auto second = one.take();
  CHECK(by(1, second).acked(1) == 2);
  CHECK(merged_text({by(2, second).of(reply_kind::synced)[0].data}) == "ab");
}

TEST_CASE("a commit that is told late does not close the gate again") {
  auto one = two_relays{};
  one.ask(1, editing(1, 1, typed(100, 0, "a")), editing(1, 2, typed(100, 1, "b")));
  one.state.take_records();
  one.state.committed(2);
  one.state.committed(1);
  CHECK(one.state.committed_seq() == 2);
  CHECK_FALSE(one.state.has_uncommitted());
}

TEST_CASE("what needs no durability is answered at once") {
  auto one = two_relays{};
  one.ask(1, syncing(1, 1), request{1, request_kind::query_presence, 2, 0, {}});
  const auto got = by(1, one.take());
  CHECK(got.acked(1) == 2);
  REQUIRE(got.of(reply_kind::synced).size() == 1);
  CHECK(to_hex(got.of(reply_kind::synced)[0].data.view()) == "0000");
  CHECK(got.of(reply_kind::presence).size() == 1);
}

TEST_CASE("edits become records with gap-free numbers, the writer's name and our own encoding") {
  auto one = two_relays{};
  one.ask(1, editing(1, 1, typed(100, 0, "a")), editing(2, 1, typed(200, 0, "b")));
  const auto records = one.state.take_records();
  REQUIRE(records.size() == 2);
  CHECK(records[0].seq == 1);
  CHECK(records[1].seq == 2);
  CHECK(records[0].user == "ann");
  CHECK(records[1].user == "ben");
  CHECK(records[0].time_ms == 1'700'000'000'000);
  CHECK(merged_text({records[0].update, records[1].update}) == one.state.content().text("text"));
}

TEST_CASE("all edits of a burst arrive as one update, without an echo to a sole writer") {
  auto one = two_relays{};
  one.ask(1, editing(1, 1, typed(100, 0, "a")), editing(1, 2, typed(100, 1, "b")), editing(1, 3, typed(100, 2, "c")));
  const auto all = one.commit();
  for (auto subscriber : {1u, 2u}) {
    const auto got = by(subscriber, all);
    REQUIRE(got.updates.size() == 1);
    CHECK(merged_text({got.updates[0].update}) == "abc");
    CHECK(got.updates[0].seq == 3);
    CHECK(got.updates[0].edits == 3);
  }
  CHECK(by(1, all).updates[0].only_from == 1);
  // Behind another subscriber the session 1 is somebody else.
  CHECK(by(2, all).updates[0].only_from == 0);
  CHECK(by(1, all).updates[0].update.shared() == by(2, all).updates[0].update.shared());
}

TEST_CASE("edits of several writers go to all of them") {
  auto one = two_relays{};
  SUBCASE("behind one subscriber") {
    one.ask(1, editing(1, 1, typed(100, 0, "a")), editing(2, 1, typed(200, 0, "b")));
  }
  SUBCASE("with the same session number behind two") {
    one.ask(1, entering(7), editing(7, 1, typed(100, 0, "a")));
    one.ask(2, entering(7), editing(7, 1, typed(200, 0, "b")));
  }
  const auto all = one.commit();
  CHECK(by(1, all).updates.at(0).only_from == 0);
  CHECK(by(2, all).updates.at(0).only_from == 0);
}

TEST_CASE("a burst beyond its bound is split, in order, and acknowledgements stay behind their edits") {
  auto options = document_options{};
  options.burst_bytes_max = 100;
  auto one = two_relays{options};
  const auto piece = std::string(60, 'x');
  for (auto i = 0u; i < 4; ++i) one.ask(1, editing(1, i + 1, typed(100, i * 60, piece)));
  const auto all = one.commit();
  const auto got = by(2, all);
  REQUIRE(got.updates.size() == 4);
  auto seen = std::uint64_t{0};
  for (const auto& burst : got.updates) {
    CHECK(burst.seq == ++seen);
    CHECK(burst.update.size() < 200);
  }
  seen = 0;
  for (const auto& [to, burst] : all) {
    if (to != 1) continue;
    if (!burst.update.empty()) seen = burst.seq;
    for (const auto& each : burst.acks) CHECK(each.op <= seen);
  }
  CHECK(by(1, all).acked(1) == 4);
}

TEST_CASE("what is known already is acknowledged, and makes neither record nor broadcast") {
  auto one = two_relays{};
  one.ask(1, editing(1, 1, typed(100, 0, "abc")));
  one.commit();
  SUBCASE("the same again") {
    one.ask(2, editing(3, 1, typed(100, 0, "abc")));
  }
  SUBCASE("a part of it") {
    one.ask(2, editing(3, 1, typed(100, 0, "ab")));
  }
  SUBCASE("nothing at all") {
    one.ask(2, editing(3, 1, hex("0000")));
  }
  CHECK(one.state.take_records().empty());
  const auto all = one.take();
  CHECK(by(2, all).acked(3) == 1);
  CHECK(by(1, all).updates.empty());
  CHECK(one.state.seq() == 1);
  CHECK(one.counters.edits_known == 1);
}

TEST_CASE("of an update that is partly known only the rest is logged") {
  auto one = two_relays{};
  one.ask(1, editing(1, 1, typed(100, 0, "abc")));
  one.commit();
  one.ask(2, editing(3, 1, typed(100, 0, "abcde")));
  const auto records = one.state.take_records();
  REQUIRE(records.size() == 1);
  auto decoded = crdt::decoded_update{};
  REQUIRE(crdt::decode_update_v1(records[0].update.view(), decoded));
  REQUIRE(decoded.structs().size() == 1);
  CHECK(decoded.structs()[0].clock == 3);
  CHECK(decoded.structs()[0].content == "de");
}

TEST_CASE("an edit that waits for another is logged and broadcast like any other") {
  auto one = two_relays{};
  one.ask(1, editing(1, 1, typed(100, 1, "b")));
  CHECK(by(2, one.commit()).updates.size() == 1);
  CHECK(one.state.content().text("text").empty());
  one.ask(2, editing(3, 1, typed(100, 0, "a")));
  one.commit();
  CHECK(one.state.content().text("text") == "ab");
  CHECK(one.log.size() == 2);
}

TEST_CASE("a malformed update changes nothing, is never called durable, and too many end the session") {
  auto options = document_options{};
  options.bad_messages_max = 3;
  auto one = two_relays{options};
  one.ask(1, editing(1, 1, hex("01 01 64 00 04 01")), editing(1, 2, hex("ff")));
  auto got = by(1, one.take());
  CHECK(got.of(reply_kind::kicked).empty());
  CHECK(got.of(reply_kind::refused).size() == 2);
  CHECK(one.state.seq() == 0);
  CHECK(one.counters.bad_messages == 2);
  one.ask(1, request{1, request_kind::sync, 3, 0, payload{hex("05")}});
  got = by(1, one.take());
  REQUIRE(got.of(reply_kind::kicked).size() == 1);
  CHECK(got.of(reply_kind::kicked)[0].session == 1);
  CHECK(got.of(reply_kind::kicked)[0].seq == static_cast<std::uint64_t>(close_reason::bad_messages));
  CHECK_FALSE(got.of(reply_kind::kicked)[0].data.empty());
}

TEST_CASE("malformed presence counts as a bad message") {
  auto one = two_relays{};
  one.ask(1, announcing(1, hex("02 07")));
  CHECK(one.counters.bad_messages == 1);
}

TEST_CASE("an update over the size limit is refused with its reason") {
  auto options = document_options{};
  options.update_bytes_max = 20;
  auto one = two_relays{options};
  one.ask(1, editing(1, 7, typed(100, 0, std::string(50, 'x'))));
  const auto refused = by(1, one.take()).of(reply_kind::refused);
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].seq == 7);
  CHECK(as_text(refused[0].data.view()).find("large") != std::string_view::npos);
}

TEST_CASE("what waits for others is bounded, and beyond that an edit is refused without harm") {
  auto options = document_options{};
  options.pending_bytes_max = 2'000;
  auto one = two_relays{options};
  one.ask(1, editing(1, 1, typed(100, 50, std::string(5'000, 'x'))));
  CHECK(by(1, one.take()).of(reply_kind::refused).size() == 1);
  CHECK_FALSE(one.state.broken());
  one.ask(1, editing(1, 2, typed(100, 0, "a")));
  one.commit();
  CHECK(one.state.content().text("text") == "a");
}

TEST_CASE("on a full disk edits are refused and everything else goes on") {
  auto one = two_relays{};
  one.ask(1, editing(1, 1, typed(100, 0, "a")));
  one.commit();
  one.may_write = false;
  one.ask(1, editing(1, 2, typed(100, 1, "b")), syncing(2, 1), announcing(2, awareness_of(7, 1, "{}")));
  const auto got = by(1, one.take());
  REQUIRE(got.of(reply_kind::refused).size() == 1);
  CHECK(got.of(reply_kind::refused)[0].seq == 2);
  CHECK(as_text(got.of(reply_kind::refused)[0].data.view()) == "the disk is full");
  CHECK(merged_text({got.of(reply_kind::synced).at(0).data}) == "a");
  CHECK(got.presence.size() == 1);
  CHECK(one.state.take_records().empty());
  CHECK(one.state.has_refused());
  CHECK(one.counters.edits_refused == 1);
}

TEST_CASE("once there is room again every session is asked for what was refused, but not for what is on its way") {
  auto one = two_relays{};
  one.ask(1, editing(1, 1, typed(100, 0, "a")));
  one.may_write = false;
  one.ask(1, editing(1, 2, typed(100, 1, "b")));
  CHECK_FALSE(one.state.ask_again(false));
  CHECK(one.state.has_refused());
  CHECK(one.state.ask_again(true));
  CHECK_FALSE(one.state.has_refused());
  CHECK(by(2, one.take()).asked_all == false);
  const auto all = one.commit();
  CHECK(by(1, all).asked_all);
  CHECK(by(2, all).asked_all);
  const auto& asked = all.back().second.state_vector;
  CHECK(crdt::decode_state_vector(asked.view())->clock(100) == 1);
  CHECK(one.take().empty());
}

TEST_CASE("the question comes though edits never cease") {
  auto one = two_relays{};
  one.may_write = false;
  one.ask(1, editing(1, 1, typed(100, 0, "a")));
  one.may_write = true;
  one.ask(2, editing(3, 1, typed(300, 0, "x")));
  CHECK(one.state.ask_again(true));
  one.ask(2, editing(3, 2, typed(300, 1, "y")));
  one.state.committed(1);
  CHECK(by(1, one.take()).asked_all);
}

TEST_CASE("on a full disk an edit that holds nothing new is answered as ever") {
  auto one = two_relays{};
  one.ask(1, editing(1, 1, typed(100, 0, "a")));
  one.commit();
  one.may_write = false;
  one.ask(2, request{3, request_kind::answer, 1, 0, payload{typed(100, 0, "a")}});
  const auto got = by(2, one.take());
  CHECK(got.of(reply_kind::refused).empty());
  CHECK(got.acked(3) == 1);
  CHECK_FALSE(one.state.has_refused());
}

TEST_CASE("what did not fit is asked for once it does") {
  auto options = document_options{};
  options.content_bytes_max = 40'000;
  auto one = two_relays{options};
  one.ask(1, editing(1, 1, typed(100, 0, std::string(20'000, 'x'))));
  one.ask(1, editing(1, 2, typed(100, 20'000, std::string(30'000, 'y'))));
  CHECK(by(1, one.commit()).of(reply_kind::refused).size() == 1);
  CHECK(one.state.has_refused());
  CHECK_FALSE(one.state.ask_again(true));
  one.ask(2, editing(3, 1, update_builder{}.erase(100, 0, 20'000).build()));
  one.commit();
  CHECK(one.state.ask_again(true));
  CHECK(by(1, one.take()).asked_all);
  one.ask(1, request{1, request_kind::answer, 3, 0, payload{typed(100, 20'000, std::string(30'000, 'y'))}});
  CHECK(by(1, one.commit()).of(reply_kind::refused).empty());
  CHECK_FALSE(one.state.has_refused());
}

TEST_CASE("an update that breaks the document is reported, neither logged nor acknowledged, and ends the burst") {
  auto options = document_options{};
  options.update_steps_max = 20;
  auto one = two_relays{options};
  auto many = update_builder{};
  many.block(100, 0);
  for (auto i = 0; i < 50; ++i) many.set("map", "key" + std::to_string(i), 1);
  one.ask(1, editing(1, 1, typed(200, 0, "a")), editing(2, 1, many.build()), editing(1, 2, typed(200, 1, "b")));
  REQUIRE(one.state.broken());
  CHECK(one.state.broken()->user == "ben");
  CHECK(one.state.broken()->from == session_key{1, 2});
  CHECK(one.state.broken()->update.size() > 50);
  CHECK_FALSE(one.state.broken()->reason.empty());
  const auto records = one.state.take_records();
  REQUIRE(records.size() == 1);
  CHECK(merged_text({records[0].update}) == "a");
  one.state.committed(one.state.seq());
  const auto got = by(1, one.take());
  CHECK(got.acked(1) == 1);
  CHECK(got.acked(2) == 0);
}

TEST_CASE("what others have left to wait cannot break the document of the one whose edit wakes it") {
  auto one = two_relays{};
  const auto chain = [](std::uint64_t client, unit origin) {
    constexpr auto array_type = std::uint8_t{0};
    auto update = update_builder{};
    update.block(client, 0).type_after(array_type, origin);
    for (auto clock = std::uint64_t{0}; clock < 1'499; ++clock) update.type(array_type, unit{client, clock});
    return update.build();
  };
  one.ask(1, editing(1, 1, typed(200, 0, "a")));
  one.ask(2, editing(3, 1, chain(67, {68, 0})), editing(3, 2, chain(66, {200, 1})),
          editing(3, 3, update_builder{}.block(68, 0).child("between", {66, 1'499}).build()));
  one.ask(1, editing(1, 2, typed(200, 1, "b")));
  CHECK_FALSE(one.state.broken());
  CHECK(by(1, one.commit()).acked(1) == 2);
  CHECK(one.state.content().text("text") == "ab");
  CHECK(one.state.content().stats().pending_structs == 0);
}

TEST_CASE("credit is given for every byte that was asked, and one acknowledgement stands for many") {
  auto one = two_relays{};
  auto asked = std::uint64_t{0};
  for (auto op = std::uint64_t{1}; op <= 10; ++op) {
    auto what = editing(1 + op % 2, op, typed(100 + op % 2, (op - 1) / 2, "x"));
    asked += what.weight();
    one.ask(1, std::move(what));
  }
  const auto got = by(1, one.commit());
  CHECK(got.credit_bytes == asked);
  REQUIRE(got.acks.size() == 2);
  CHECK(got.acks[0].bytes + got.acks[1].bytes == asked);
  CHECK(got.acked(1) == 10);
  CHECK(got.acked(2) == 9);
}

TEST_CASE("a document that is as large as it may be takes deletes and nothing else, and says so") {
  auto options = document_options{};
  options.content_bytes_max = 1;
  auto one = driven_document{options};
  one.state.subscribe(1);
  auto content = crdt::document{};
  REQUIRE(content.apply_v1(typed(100, 0, "abc")));
  one.state.install(std::move(content), 1);
  one.ask(1, entering(1), editing(1, 1, typed(100, 3, "d")));
  const auto refused = by(1, one.commit()).of(reply_kind::refused);
  REQUIRE(refused.size() == 1);
  CHECK(as_text(refused[0].data.view()).find("document-bytes-max") != std::string_view::npos);
  CHECK(one.state.seq() == 1);
  one.ask(1, editing(1, 2, update_builder{}.erase(100, 0, 1).build()));
  CHECK(by(1, one.commit()).acked(1) == 2);
  CHECK(one.state.seq() == 2);
  CHECK(one.state.content().text("text") == "bc");
}

TEST_CASE("one edit cannot pass the bound on a document's memory") {
  auto options = document_options{};
  options.content_bytes_max = 1u << 20;
  auto one = driven_document{options};
  one.state.subscribe(1);
  auto many = update_builder{};
  many.block(200, 0);
  for (auto i = 0; i < 50'000; ++i) many.text("x");
  one.ask(1, entering(1), editing(1, 1, typed(100, 0, "abc")), editing(1, 2, many.build()));
  const auto refused = by(1, one.commit()).of(reply_kind::refused);
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].seq == 2);
  CHECK(as_text(refused[0].data.view()).find("document-bytes-max") != std::string_view::npos);
  // Many small ones neither, and what deletes free is free for others.
  one.ask(1, editing(1, 3, update_builder{}.block(300, 0).type(0).build()));
  for (auto clock = std::uint64_t{1}; clock < 30'000; ++clock)
    one.ask(1, editing(1, 3 + clock, update_builder{}.block(300, clock).child("x", {300, 0}).build()));
  one.commit();
  // Buffers grow by a quarter at a time.
  CHECK(one.state.content().stats().memory_bytes <= options.content_bytes_max / 4 * 5);
  const auto reached = one.state.content().clock(300);
  CHECK(reached > 10'000);
  CHECK(reached < 30'000);
  one.ask(1, editing(1, 40'000, update_builder{}.erase(300, 0, 1).build()),
          editing(1, 40'001, typed(400, 0, "fits again")));
  CHECK(by(1, one.commit()).of(reply_kind::refused).empty());
}

TEST_CASE("an edit has at most so many structs, and a client may bring a document of a million items") {
  auto options = document_options{};
  options.update_structs_max = 10;
  auto tight = driven_document{options};
  tight.state.subscribe(1);
  const auto items = [](std::size_t count) {
    auto update = update_builder{};
    update.block(100, 0);
    for (auto i = std::size_t{0}; i < count; ++i) update.text("x");
    return update.build();
  };
  tight.ask(1, entering(1), editing(1, 1, items(11)));
  CHECK(by(1, tight.commit()).of(reply_kind::refused).size() == 1);
  tight.ask(1, editing(1, 2, items(10)));
  CHECK(tight.state.content().clock(100) == 10);

  constexpr auto million = std::size_t{1'100'000};
  auto usual = driven_document{};
  usual.state.subscribe(1);
  const auto offline = items(million);
  CHECK(offline.size() > 9u << 20);
  usual.ask(1, entering(1), editing(1, 1, offline));
  CHECK(by(1, usual.commit()).of(reply_kind::refused).empty());
  CHECK(usual.state.content().clock(100) == million);
}

TEST_CASE("what a reader offers is known, or refused") {
  auto one = driven_document{};
  one.state.subscribe(1);
  one.ask(1, entering(1), entering(2), editing(1, 1, typed(100, 0, "abc")),
          editing(1, 2, update_builder{}.erase(100, 1, 1).build()));
  one.commit();
  const auto offering = [](std::uint64_t op, bytes update) {
    return request{2, request_kind::offer, op, 0, payload{std::move(update)}};
  };
  one.ask(1, offering(1, update_builder{}.erase(100, 1, 1).build()), offering(2, typed(100, 0, "abc")));
  auto got = by(1, one.commit());
  CHECK(got.of(reply_kind::refused).empty());
  CHECK(got.acked(2) == 2);
  one.ask(1, offering(3, typed(200, 0, "new")));
  got = by(1, one.commit());
  REQUIRE(got.of(reply_kind::refused).size() == 1);
  CHECK(got.of(reply_kind::refused)[0].seq == 3);
  CHECK(one.state.seq() == 2);
  CHECK(one.state.content().text("text") == "ac");
}
