#include "actors/relay.hpp"

#include <doctest/doctest.h>
#include <map>

#include "tests/actors/support/driven_document.hpp"
#include "tests/actors/support/recording_outlet.hpp"
#include "tests/crdt/support/replay.hpp"
#include "tests/support/awareness.hpp"

using namespace octavo;
using namespace octavo::actors;
using namespace octavo::test;

namespace {

constexpr auto relay_number = relay_id{77};

/// A relay with two outlets: the sessions 1 and 2 on the first, 3 on the second.
struct driven_relay {
  explicit driven_relay(const relay_options& options = {})
      : state(relay_number, options, counters, [this] { ++told; }) {
    state.enter({1, left, "ann"});
    state.enter({2, left, ""});
    state.enter({3, right, ""});
    while (!answer_all().empty()) {
    }
  }

  /// Takes what waits for the document, and answers it.
  std::vector<request> answer_all() {
    auto burst = state.next_requests();
    auto answer = document_burst{};
    for (const auto& one : burst.requests) answer.credit_bytes += one.weight();
    state.receive(std::move(answer));
    return std::move(burst.requests);
  }

  void ask(request what) { state.ask({{std::move(what)}}); }

  void flush() { state.flush(); }

  /// The relay is told that the outlets are through, if it wanted to know.
  void hear() {
    while (told_heard < told) {
      ++told_heard;
      state.flushed();
    }
  }
  void finish() {
    left->finish();
    right->finish();
    hear();
  }

  metrics counters;
  std::shared_ptr<recording_outlet> left = std::make_shared<recording_outlet>(true);
  std::shared_ptr<recording_outlet> right = std::make_shared<recording_outlet>(true);
  int told = 0;
  int told_heard = 0;
  relay_state state;
};

document_burst update_burst(bytes update, std::uint64_t seq, session_id only_from = 0) {
  auto burst = document_burst{};
  burst.update = payload{std::move(update)};
  burst.seq = seq;
  burst.edits = 1;
  burst.only_from = only_from;
  return burst;
}

/// What the document tells of presence.
document_burst presence_burst(bytes awareness) {
  auto burst = document_burst{};
  burst.presence = payload{std::move(awareness)};
  return burst;
}
/// What it answers to a question for it: to a session's, or to the relay's own.
document_burst presence_answer(bytes awareness, session_id to = 0) {
  auto burst = document_burst{};
  burst.replies.push_back({to, reply_kind::presence, 0, payload{std::move(awareness)}});
  return burst;
}

bytes several(const std::vector<crdt::awareness_entry>& entries) {
  return crdt::encode_awareness(entries);
}
const auto none = several({});

/// What the relay tells the document's next owner of presence, by session.
std::map<session_id, awareness_map> told_of_presence(driven_relay& relay) {
  auto result = std::map<session_id, awareness_map>{};
  for (const auto& what : relay.answer_all())
    if (what.kind == request_kind::presence)
      for (const auto& [client, state] : read_awareness(what.data.view())) result[what.session][client] = state;
  return result;
}

/// What all sessions have been told of presence since the last time.
awareness_map heard_of_presence(driven_relay& relay) {
  auto result = awareness_map{};
  relay.flush();
  relay.finish();
  for (const auto& one : relay.left->take().deliveries)
    for (const auto& [client, state] : read_awareness(one.presence.view())) result[client] = state;
  return result;
}

std::string shown_text(const payload& update) {
  auto document = crdt::document{};
  feed(document, update.view());
  return document.text("text");
}

}  // namespace

TEST_CASE("who enters is announced to the document with its name, once") {
  auto counters = metrics{};
  auto relay = relay_state{1, {}, counters, [] {}};
  auto out = std::make_shared<recording_outlet>();
  relay.enter({5, out, "ann"});
  relay.enter({5, out, "ann"});
  const auto asked = relay.next_requests().requests;
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].kind == request_kind::enter);
  CHECK(asked[0].session == 5);
  CHECK(as_text(asked[0].data.view()) == "ann");
}

TEST_CASE("requests go to the document in order, as long as its window has room") {
  auto options = relay_options{};
  options.window_bytes = 1'000;
  auto one = driven_relay{options};
  for (auto op = std::uint64_t{1}; op <= 6; ++op) one.ask(editing(1, op, bytes(336)));  // 400 with what each costs
  const auto first = one.state.next_requests().requests;
  REQUIRE(first.size() == 3);
  CHECK(first[0].op == 1);
  CHECK(first[2].op == 3);
  CHECK(one.state.next_requests().requests.empty());

  auto credit = document_burst{};
  credit.credit_bytes = 400;
  one.state.receive(std::move(credit));
  const auto second = one.state.next_requests().requests;
  REQUIRE(second.size() == 1);
  CHECK(second[0].op == 4);
  CHECK(one.state.next_requests().requests.empty());
}

TEST_CASE("a message larger than the window still goes, alone") {
  auto options = relay_options{};
  options.window_bytes = 100;
  auto one = driven_relay{options};
  one.ask(editing(1, 1, bytes(5'000)));
  one.ask(editing(1, 2, bytes(5'000)));
  CHECK(one.answer_all().size() == 1);
  CHECK(one.answer_all().size() == 1);
  CHECK(one.answer_all().empty());
}

TEST_CASE("a session that would push the queue over its bound is closed, and the others go on") {
  auto options = relay_options{};
  options.queue_bytes_max = 1'000;
  auto one = driven_relay{options};
  one.ask(editing(1, 1, bytes(800)));
  one.ask(editing(3, 1, bytes(800)));
  const auto closed = one.right->said().closings;
  REQUIRE(closed.size() == 1);
  CHECK(closed[0].session == 3);
  CHECK(closed[0].reason == close_reason::try_again);
  CHECK(one.left->said().closings.empty());
  const auto asked = one.answer_all();
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].session == 1);
  one.ask(editing(3, 2, bytes(800)));
  CHECK(one.answer_all().size() == 1);
}

TEST_CASE("what waits is counted, and the count ends at nothing") {
  auto counters = metrics{};
  {
    auto relay = relay_state{1, {}, counters, [] {}};
    relay.enter({5, std::make_shared<recording_outlet>(), ""});
    relay.ask({{editing(5, 1, bytes(100))}});
    CHECK(counters.relay_queue_bytes == 64 + 164);
    CHECK(counters.relays_open == 1);
    relay.next_requests();
    CHECK(counters.relay_queue_bytes == 0);
    relay.ask({{editing(5, 2, bytes(100))}});
  }
  CHECK(counters.relay_queue_bytes == 0);
  CHECK(counters.relays_open == 0);
}

TEST_CASE("a session that leaves is told to the document behind what it asked, and is asked nothing after") {
  auto one = driven_relay{};
  one.ask(editing(1, 1, bytes(10)));
  one.state.leave(1);
  one.ask(editing(1, 2, bytes(10)));
  one.state.leave(1);
  const auto asked = one.answer_all();
  REQUIRE(asked.size() == 2);
  CHECK(asked[0].kind == request_kind::edit);
  CHECK(asked[1].kind == request_kind::leave);
  one.state.leave(2);
  one.state.leave(3);
  CHECK_FALSE(one.state.has_sessions());
}

TEST_CASE("each outlet with sessions gets one delivery, sharing one payload") {
  auto one = driven_relay{};
  one.state.receive(update_burst(typed(100, 0, "a"), 1));
  one.flush();
  const auto left = one.left->said().deliveries;
  const auto right = one.right->said().deliveries;
  REQUIRE(left.size() == 1);
  REQUIRE(right.size() == 1);
  CHECK(left[0].relay == relay_number);
  CHECK(left[0].seq == 1);
  CHECK(left[0].update.shared() == right[0].update.shared());
  CHECK(shown_text(left[0].update) == "a");

  one.finish();
  one.state.leave(3);
  one.state.receive(update_burst(typed(100, 1, "b"), 2));
  one.flush();
  CHECK(one.left->said().deliveries.size() == 2);
  CHECK(one.right->said().deliveries.size() == 1);
}

TEST_CASE("a sole writer is left out, and nobody once there are several") {
  auto one = driven_relay{};
  one.state.receive(update_burst(typed(100, 0, "a"), 1, 2));
  one.flush();
  CHECK(one.left->take().deliveries.at(0).except == 2);
  // What gathers while the outlets are busy.
  SUBCASE("the same writer again") {
    one.state.receive(update_burst(typed(100, 1, "b"), 2, 2));
    one.state.receive(update_burst(typed(100, 2, "c"), 3, 2));
    one.finish();
    one.flush();
    CHECK(one.left->take().deliveries.at(0).except == 2);
  }
  SUBCASE("another writer, then the first") {
    one.state.receive(update_burst(typed(100, 1, "b"), 2, 2));
    one.state.receive(update_burst(typed(200, 0, "c"), 3, 1));
    one.state.receive(update_burst(typed(100, 2, "d"), 4, 2));
    one.finish();
    one.flush();
    CHECK(one.left->take().deliveries.at(0).except == 0);
  }
  SUBCASE("several, then one") {
    one.state.receive(update_burst(typed(200, 0, "b"), 2, 0));
    one.state.receive(update_burst(typed(100, 1, "c"), 3, 2));
    one.finish();
    one.flush();
    CHECK(one.left->take().deliveries.at(0).except == 0);
  }
}

TEST_CASE("while any outlet is busy nothing is sent, and what gathers becomes one") {
  auto one = driven_relay{};
  one.state.receive(update_burst(typed(100, 0, "a"), 1));
  one.flush();
  for (auto i = std::uint64_t{1}; i <= 3; ++i) {
    auto burst = update_burst(typed(100, i, "b"), 1 + i);
    burst.presence = payload{awareness_of(7, i, std::to_string(i))};
    one.state.receive(std::move(burst));
    one.flush();
  }
  CHECK(one.left->said().deliveries.size() == 1);
  one.left->finish();
  one.hear();
  CHECK(one.left->said().deliveries.size() == 1);
  one.right->finish();
  one.hear();
  const auto all = one.left->said().deliveries;
  REQUIRE(all.size() == 2);
  CHECK(all[1].seq == 4);
  CHECK(all[1].edits == 3);
  auto reader = crdt::document{};
  feed(reader, all[0].update.view());
  feed(reader, all[1].update.view());
  CHECK(reader.text("text") == "abbb");
  CHECK(read_awareness(all[1].presence.view()) == awareness_map{{7, {3, "3"}}});
  CHECK(one.right->said().deliveries.size() == 2);
}

TEST_CASE("a relay hears of outlets that are through only if it found them busy") {
  auto one = driven_relay{};
  one.state.receive(update_burst(typed(100, 0, "a"), 1));
  one.flush();
  one.finish();
  CHECK(one.told == 0);

  one.state.receive(update_burst(typed(100, 1, "b"), 2));
  one.flush();
  one.state.receive(update_burst(typed(100, 2, "c"), 3));
  one.flush();
  one.left->finish();
  CHECK(one.told == 0);
  one.right->finish();
  CHECK(one.told == 1);
  // Something else comes before the word does, and finds the way free.
  one.state.receive(update_burst(typed(100, 3, "d"), 4));
  one.flush();
  CHECK(one.left->said().deliveries.size() == 3);
  one.hear();
  CHECK(one.left->said().deliveries.size() == 3);
  one.state.receive(update_burst(typed(100, 4, "e"), 5));
  one.flush();
  CHECK(one.left->said().deliveries.size() == 3);
  one.finish();
  CHECK(one.told == 2);
  CHECK(one.left->said().deliveries.size() == 4);
}

TEST_CASE("whatever the order, nothing stays behind and the outlets get one delivery at a time") {
  auto gen = std::mt19937_64{choose_seed()};
  auto one = driven_relay{};
  auto clock = std::uint64_t{0};
  for (auto step = 0; step < 20'000; ++step) {
    switch (gen() % 4) {
      case 0:
        one.state.receive(update_burst(typed(100, clock, "x"), clock + 1));
        ++clock;
        one.flush();
        break;
      case 1:
        one.left->finish();
        break;
      case 2:
        one.right->finish();
        break;
      default:
        one.hear();
    }
  }
  one.finish();
  one.finish();
  CHECK(one.left->said().deliveries.back().seq == clock);
  CHECK(one.right->said().deliveries.back().seq == clock);
}

TEST_CASE("replies go to their session's outlet only, and to nobody who has left") {
  auto one = driven_relay{};
  auto burst = document_burst{};
  burst.replies = {{1, reply_kind::update, 0, payload::copy_of("one")},
                   {3, reply_kind::synced, 0, payload::copy_of("three")},
                   {9, reply_kind::update, 0, payload::copy_of("nobody")},
                   {1, reply_kind::synced, 0, payload::copy_of("two")}};
  one.state.receive(std::move(burst));
  one.flush();
  const auto left = one.left->said().deliveries;
  const auto right = one.right->said().deliveries;
  REQUIRE(left.size() == 1);
  REQUIRE(left[0].replies.size() == 2);
  CHECK(as_text(left[0].replies[0].data.view()) == "one");
  CHECK(as_text(left[0].replies[1].data.view()) == "two");
  REQUIRE(right.size() == 1);
  REQUIRE(right[0].replies.size() == 1);
  CHECK(right[0].replies[0].session == 3);
}

TEST_CASE("an outlet that nothing concerns is left alone") {
  auto one = driven_relay{};
  auto burst = document_burst{};
  burst.replies = {{3, reply_kind::synced, 0, payload::copy_of("three")}};
  burst.acks = {{3, 1, 10}};
  one.state.receive(std::move(burst));
  one.flush();
  CHECK(one.left->said().deliveries.empty());
  CHECK(one.right->said().deliveries.size() == 1);
}

TEST_CASE("windows are given back where their sessions are") {
  auto one = driven_relay{};
  auto burst = document_burst{};
  burst.acks = {{1, 7, 100}, {3, 2, 50}, {9, 1, 1}};
  burst.replies = {{1, reply_kind::refused, 6, payload::copy_of("full")}};
  one.state.receive(std::move(burst));
  one.flush();
  const auto left = one.left->said().deliveries.at(0);
  const auto right = one.right->said().deliveries.at(0);
  CHECK(left.replies.at(0).kind == reply_kind::refused);
  REQUIRE(left.acks.size() == 1);
  CHECK(left.acks[0].session == 1);
  CHECK(left.acks[0].bytes == 100);
  REQUIRE(right.acks.size() == 1);
  CHECK(right.acks[0].session == 3);
  CHECK(right.acks[0].bytes == 50);
}

TEST_CASE("a session that is kicked is closed with its reason and hears nothing more of it") {
  auto one = driven_relay{};
  auto burst = document_burst{};
  burst.replies = {
      {2, reply_kind::kicked, static_cast<std::uint64_t>(close_reason::bad_messages), payload::copy_of("enough")}};
  one.state.receive(std::move(burst));
  one.flush();
  const auto said = one.left->said();
  REQUIRE(said.closings.size() == 1);
  CHECK(said.closings[0].session == 2);
  CHECK(said.closings[0].reason == close_reason::bad_messages);
  CHECK(said.closings[0].text == "enough");
  CHECK(said.deliveries.empty());
}

TEST_CASE("a question for all is asked of all, with the newest state vector") {
  auto one = driven_relay{};
  one.state.receive(update_burst(typed(100, 0, "a"), 1));
  one.flush();
  for (const auto* text : {"old", "new"}) {
    auto burst = document_burst{};
    burst.ask_all = true;
    burst.state_vector = payload::copy_of(text);
    one.state.receive(std::move(burst));
  }
  one.flush();
  one.finish();
  CHECK(as_text(one.left->said().deliveries.at(1).state_vector.view()) == "new");
  CHECK(as_text(one.right->said().deliveries.at(1).state_vector.view()) == "new");
}

TEST_CASE("when the document ends all outlets with sessions close them") {
  auto one = driven_relay{};
  one.state.leave(3);
  one.state.close_all(close_reason::fault, "it broke");
  REQUIRE(one.left->said().closings.size() == 1);
  CHECK(one.left->said().closings[0].relay == relay_number);
  CHECK(one.left->said().closings[0].reason == close_reason::fault);
  CHECK(one.right->said().closings.empty());
}

TEST_CASE("when a document's owner is gone, what it has not answered is asked again, in order, behind introductions") {
  auto one = driven_relay{};
  one.ask(editing(1, 1, typed(100, 0, "a")));
  one.ask(editing(2, 1, typed(200, 0, "b")));
  CHECK(one.state.next_requests().requests.size() == 2);  // under way
  one.ask(editing(3, 1, typed(300, 0, "c")));             // and this waits
  one.state.leave(2);
  one.state.enter({4, one.right, "dan"});
  one.state.document_lost();

  const auto again = one.answer_all();
  auto introduced = std::vector<session_id>{};
  auto at = std::size_t{0};
  for (; at < again.size() && again[at].kind == request_kind::reenter; ++at) introduced.push_back(again[at].session);
  std::ranges::sort(introduced);
  // 2 has gone, and its edit still needs somebody who made it; 4 introduces itself.
  CHECK(introduced == std::vector<session_id>{1, 2, 3});
  auto rest = std::vector<std::pair<session_id, request_kind>>{};
  for (; at < again.size(); ++at) rest.emplace_back(again[at].session, again[at].kind);
  CHECK(rest == std::vector<std::pair<session_id, request_kind>>{{1, request_kind::edit},
                                                                 {2, request_kind::edit},
                                                                 {3, request_kind::edit},
                                                                 {2, request_kind::leave},
                                                                 {4, request_kind::enter},
                                                                 {0, request_kind::query_presence}});
  // What was answered is not asked again.
  one.state.document_lost();
  for (const auto& what : one.answer_all())
    if (what.session != 0) CHECK(what.kind == request_kind::reenter);
  CHECK(one.counters.relay_queue_bytes == 0);
}

TEST_CASE("the name of a session survives its document") {
  auto one = driven_relay{};
  one.state.document_lost();
  auto names = std::map<session_id, std::string>{};
  for (const auto& what : one.answer_all())
    if (what.session != 0) names[what.session] = as_text(what.data.view());
  CHECK(names == std::map<session_id, std::string>{{1, "ann"}, {2, ""}, {3, ""}});
}

TEST_CASE("a relay remembers up to where its sessions have everything") {
  auto one = driven_relay{};
  one.state.joined(5);
  CHECK(one.state.seq() == 5);
  one.state.receive(update_burst(typed(100, 0, "a"), 8));
  CHECK(one.state.seq() == 8);
  one.state.joined(3);
  CHECK(one.state.seq() == 8);
}

TEST_CASE("a session that has lagged still gets what it asked for, from whoever has the document next") {
  auto one = driven_relay{};
  one.ask(resyncing(2, 7));
  CHECK(one.state.next_requests().requests.size() == 1);
  one.state.document_lost();
  auto kinds = std::vector<request_kind>{};
  for (const auto& what : one.answer_all())
    if (what.session != 0 && what.kind != request_kind::reenter) kinds.push_back(what.kind);
  CHECK(kinds == std::vector<request_kind>{request_kind::resync});
}

TEST_CASE("a document is given credit for what the outlets have taken, in steps") {
  auto options = relay_options{};
  options.credit_step_bytes = 1'000;
  auto one = driven_relay{options};
  one.state.receive(update_burst(bytes(600), 1));
  CHECK(one.state.take_credit() == 0);  // not handed out
  one.flush();
  CHECK(one.state.take_credit() == 0);  // not worth a message
  one.state.receive(update_burst(bytes(600), 2));
  one.flush();
  CHECK(one.state.take_credit() == 0);  // the outlets are busy with the first
  one.finish();
  CHECK(one.state.take_credit() == 1'200);
  CHECK(one.state.take_credit() == 0);
  // Another document is owed nothing.
  one.state.receive(update_burst(bytes(2'000), 3));
  one.state.document_lost();
  one.finish();
  CHECK(one.state.take_credit() == 0);
}

TEST_CASE("credit is given for answers to sessions that have gone") {
  auto options = relay_options{};
  options.credit_step_bytes = 1'000;
  auto one = driven_relay{options};
  one.state.leave(2);
  auto burst = document_burst{};
  burst.replies.push_back({2, reply_kind::update, 0, payload{bytes(5'000)}});
  one.state.receive(std::move(burst));
  one.flush();
  CHECK(one.state.take_credit() == 5'000);
}

TEST_CASE("what clients said of themselves keeps its place in their windows when the document is lost") {
  auto one = driven_relay{};
  auto said = announcing(1, awareness_of(5, 1, "1"));
  said.op = 7;
  one.ask(said);
  one.state.next_requests();
  for (auto round = 0; round < 3; ++round) {
    one.state.document_lost();
    auto ops = std::vector<std::uint64_t>{};
    for (const auto& what : one.state.next_requests().requests)
      if (what.kind == request_kind::presence) ops.push_back(what.op);
    CHECK(ops == std::vector<std::uint64_t>{7, 0});
  }
}

TEST_CASE("what each session has said of itself is told to the next document, once") {
  auto one = driven_relay{};
  one.ask(announcing(1, awareness_of(5, 1, "1")));
  one.ask(announcing(1, awareness_of(6, 1, "3")));
  one.ask(announcing(1, awareness_of(5, 2, "2")));
  one.answer_all();
  one.ask(announcing(3, awareness_of(9, 1, "3")));  // nobody has answered this
  one.state.next_requests();
  one.ask(announcing(2, awareness_of(8, 1, "4")));
  one.answer_all();
  one.ask(announcing(2, awareness_of(8, 2, "null")));
  one.state.leave(3);
  for (auto round = 0; round < 3; ++round) {
    one.state.document_lost();
    CHECK(told_of_presence(one) == std::map<session_id, awareness_map>{{1, {{5, {2, "2"}}, {6, {1, "3"}}}}});
  }
}

TEST_CASE("a session's last word is another's state: at the next document each state is its own session's") {
  auto one = driven_relay{};
  one.ask(announcing(1, awareness_of(5, 1, "1")));
  one.ask(announcing(2, awareness_of(6, 1, "2")));
  one.state.receive(presence_burst(several({{5, 1, "1"}, {6, 1, "2"}, {7, 4, "3"}})));
  one.ask(announcing(1, several({{6, 1, "2"}, {7, 4, "3"}})));
  one.ask(announcing(2, several({{5, 1, "1"}, {7, 4, "3"}})));
  one.ask(announcing(3, several({{7, 4, "3"}})));
  SUBCASE("answered") {
    one.answer_all();
  }
  SUBCASE("on its way") {
    one.state.next_requests();
  }
  one.state.document_lost();
  // The one that moved on to another session of this relay, with a newer clock.
  one.ask(announcing(3, awareness_of(5, 2, "5")));
  CHECK(told_of_presence(one) ==
        std::map<session_id, awareness_map>{{1, {{5, {1, "1"}}}}, {2, {{6, {1, "2"}}}}, {3, {{5, {2, "5"}}}}});
  one.state.document_lost();
  CHECK(told_of_presence(one) == std::map<session_id, awareness_map>{{2, {{6, {1, "2"}}}}, {3, {{5, {2, "5"}}}}});
}

TEST_CASE("echoes of others do not reach a new document, and their bytes are given back") {
  auto one = driven_relay{};
  one.ask(announcing(1, awareness_of(5, 1, "1")));
  one.state.receive(presence_burst(awareness_of(7, 4, "3")));
  auto under_way = announcing(1, awareness_of(7, 4, "3"));
  under_way.op = 8;
  auto late = announcing(1, several({{7, 4, "3"}, {5, 2, "2"}}));
  late.op = 9;
  const auto before = late.weight() + under_way.weight();
  one.answer_all();
  heard_of_presence(one);
  one.ask(under_way);
  one.state.document_lost();
  one.ask(late);
  auto after = std::size_t{0};
  auto told = awareness_map{};
  for (const auto& what : one.answer_all()) {
    if (what.op != 0) after += what.weight();
    if (what.kind == request_kind::presence)
      for (const auto& [client, state] : read_awareness(what.data.view())) told[client] = state;
  }
  CHECK(told == awareness_map{{5, {2, "2"}}});
  one.flush();
  auto released = std::size_t{0};
  for (const auto& delivery : one.left->said().deliveries)
    for (const auto& each : delivery.acks) {
      CHECK(each.op == 0);
      released += each.bytes;
    }
  CHECK(before == after + released);
  // Some time later all have heard of the new document, and it hears all again.
  one.state.age_presence();
  CHECK(one.state.must_age_presence());
  one.state.age_presence();
  one.ask(announcing(1, awareness_of(5, 2, "2")));
  one.ask(announcing(2, awareness_of(5, 2, "2")));
  CHECK(told_of_presence(one).at(2) == awareness_map{{5, {2, "2"}}});
}

TEST_CASE("an owner is lost: those whom the next one does not know are gone after the grace time, and nobody else") {
  auto one = driven_relay{};
  one.ask(announcing(1, awareness_of(5, 1, "1")));
  one.state.receive(presence_answer(several({{5, 1, "1"}, {6, 3, "2"}, {7, 4, "3"}, {8, 5, "4"}, {9, 6, "5"}}), 2));
  one.state.receive(presence_burst(awareness_of(9, 6, "null")));
  one.answer_all();
  heard_of_presence(one);

  one.state.document_lost();
  one.answer_all();
  one.state.receive(presence_answer(several({{5, 1, "1"}, {6, 3, "2"}})));
  one.state.receive(presence_burst(awareness_of(8, 6, "6")));
  // All sessions are told what was said there before this relay came.
  CHECK(heard_of_presence(one) == awareness_map{{5, {1, "1"}}, {6, {3, "2"}}, {8, {6, "6"}}});
  one.state.end_presence_grace();
  CHECK(heard_of_presence(one) == awareness_map{{7, {4, "null"}}});
  one.state.end_presence_grace();
  CHECK(heard_of_presence(one).empty());
  // A late echo does not bring them back; they themselves do.
  one.ask(announcing(2, awareness_of(7, 4, "3")));
  CHECK(told_of_presence(one).empty());
  one.state.enter({4, one.right, ""});
  one.ask(announcing(4, awareness_of(7, 4, "3")));
  CHECK(told_of_presence(one) == std::map<session_id, awareness_map>{{4, {{7, {4, "3"}}}}});
}

TEST_CASE("nobody is called gone before the new document has told who is there") {
  auto one = driven_relay{};
  one.state.receive(presence_burst(several({{6, 1, "1"}, {7, 1, "2"}})));
  heard_of_presence(one);
  one.state.document_lost();
  one.state.end_presence_grace();
  CHECK(heard_of_presence(one).empty());
  // What this one had told is in doubt again with the next.
  one.state.document_lost();
  one.state.receive(presence_answer(awareness_of(6, 1, "1")));
  CHECK(heard_of_presence(one) == awareness_map{{6, {1, "1"}}});
  one.state.document_lost();
  one.state.receive(presence_answer(none));
  CHECK(heard_of_presence(one).empty());
  one.state.end_presence_grace();
  CHECK(heard_of_presence(one) == awareness_map{{6, {1, "null"}}, {7, {1, "null"}}});
}

TEST_CASE("who was on a lost node and comes back by this one is not taken away, with the clock that they had") {
  auto one = driven_relay{};
  one.state.receive(presence_burst(awareness_of(7, 4, "3")));
  heard_of_presence(one);
  one.state.document_lost();
  one.state.enter({4, one.right, ""});
  one.ask(announcing(4, awareness_of(7, 4, "3")));
  one.ask(announcing(2, awareness_of(7, 4, "3")));  // an echo, of a silent one that was here before
  CHECK(told_of_presence(one) == std::map<session_id, awareness_map>{{4, {{7, {4, "3"}}}}});
  one.state.receive(presence_answer(none));
  one.state.end_presence_grace();
  CHECK(heard_of_presence(one).empty());
}

TEST_CASE("who goes on by another node is not told to the next document by the one that they left") {
  auto one = driven_relay{};
  one.ask(announcing(1, awareness_of(5, 1, "1")));
  one.state.receive(presence_burst(awareness_of(5, 1, "1")));
  SUBCASE("with a newer clock, before the old connection is known to be gone") {
    one.state.receive(presence_burst(awareness_of(5, 2, "2")));
    one.state.document_lost();
  }
  SUBCASE("with the same clock") {
    one.state.leave(1);
    one.state.receive(presence_burst(awareness_of(5, 1, "null")));
    one.state.receive(presence_burst(awareness_of(5, 1, "1")));
    one.state.document_lost();
  }
  SUBCASE("with the same clock, while nobody has the document") {
    one.state.document_lost();
    one.answer_all();
    one.state.leave(1);
    one.state.document_lost();
  }
  heard_of_presence(one);
  CHECK(told_of_presence(one).empty());
  one.state.receive(presence_answer(none));
  one.state.receive(presence_burst(awareness_of(5, 1, "1")));
  heard_of_presence(one);
  one.state.end_presence_grace();
  CHECK(heard_of_presence(one).empty());
}

TEST_CASE("who left while their document was being lost is gone for those who stayed") {
  auto one = driven_relay{};
  one.ask(announcing(3, awareness_of(5, 1, "1")));
  one.state.receive(presence_burst(awareness_of(5, 1, "1")));
  one.answer_all();
  heard_of_presence(one);
  SUBCASE("before: the old document is not told of it any more, or nobody by it") {
    one.state.leave(3);
    one.state.document_lost();
  }
  SUBCASE("after: the next one knows that they have come and gone elsewhere meanwhile") {
    one.state.document_lost();
    one.state.leave(3);
    one.answer_all();
  }
  CHECK(told_of_presence(one).empty());
  one.state.receive(presence_answer(none));
  one.state.end_presence_grace();
  CHECK(heard_of_presence(one) == awareness_map{{5, {1, "null"}}});
}

TEST_CASE(
    "a client that comes back by a new connection is its own, before the document has said that it left and after") {
  auto one = driven_relay{};
  one.ask(announcing(1, awareness_of(5, 1, "1")));
  one.state.receive(presence_burst(awareness_of(5, 1, "1")));
  one.state.leave(1);
  SUBCASE("before") {}
  SUBCASE("after") {
    one.state.receive(presence_burst(awareness_of(5, 1, "null")));
  }
  SUBCASE("after, and an answer comes that was made before") {
    one.state.receive(presence_burst(awareness_of(5, 1, "null")));
    one.state.receive(presence_answer(awareness_of(5, 1, "1"), 2));
  }
  one.state.enter({4, one.left, ""});
  one.ask(announcing(4, awareness_of(5, 1, "1")));
  one.state.document_lost();
  CHECK(told_of_presence(one) == std::map<session_id, awareness_map>{{4, {{5, {1, "1"}}}}});
}

TEST_CASE("a state that the document has taken away is not told to the next one") {
  auto one = driven_relay{};
  one.ask(announcing(1, awareness_of(5, 2, "1")));
  one.ask(announcing(2, awareness_of(6, 2, "2")));
  one.state.receive(presence_burst(several({{5, 2, "null"}, {6, 1, "null"}})));
  one.state.document_lost();
  CHECK(told_of_presence(one) == std::map<session_id, awareness_map>{{2, {{6, {2, "2"}}}}});
}

TEST_CASE("what a relay remembers of presence is bounded, and those who have gone are forgotten") {
  auto options = relay_options{};
  options.presence.states_max = 4;
  options.presence.states_per_session_max = 2;
  auto one = driven_relay{options};
  for (auto client = std::uint64_t{1}; client <= 3; ++client) {
    one.ask(announcing(1, awareness_of(client, 1, "1")));
    one.ask(announcing(2, awareness_of(10 + client, 1, "1")));
    one.ask(announcing(3, awareness_of(20 + client, 1, "1")));
  }
  for (auto client = std::uint64_t{100}; client < 200; ++client)
    one.state.receive(presence_burst(awareness_of(client, 1, "1")));
  one.answer_all();
  one.state.document_lost();
  CHECK(told_of_presence(one) == std::map<session_id, awareness_map>{{1, {{1, {1, "1"}}, {2, {1, "1"}}}},
                                                                     {2, {{11, {1, "1"}}}},
                                                                     {3, {{21, {1, "1"}}}}});
  one.state.receive(presence_answer(none));
  one.state.end_presence_grace();
  heard_of_presence(one);
  for (auto round = 0; round < 2; ++round) {
    CHECK(one.state.must_age_presence());
    one.state.age_presence();
  }
  CHECK_FALSE(one.state.must_age_presence());
  one.state.leave(1);
  CHECK(one.state.must_age_presence());
}
