#include "actors/session.hpp"

#include <doctest/doctest.h>

#include "tests/actors/support/recording_outlet.hpp"

using namespace octavo;
using namespace octavo::actors;
using namespace octavo::test;
using kind = client_input::kind_type;

namespace {

struct driven_session {
  explicit driven_session(client_identity who = {"ann", true}, session_options options = {})
      : state(42, std::move(who), out, options) {}

  void say(kind what, std::string_view data = {}) { state.input({what, payload::copy_of(data)}, asked); }

  /// The markers that came back since the last call.
  std::vector<std::string> echoes() {
    auto result = std::vector<std::string>{};
    for (const auto& one : out->take().echoes) {
      CHECK(one.first == 42);
      result.push_back(one.second);
    }
    return result;
  }

  std::shared_ptr<recording_outlet> out = std::make_shared<recording_outlet>();
  session_state state;
  std::vector<request> asked;
};

using list = std::vector<std::string>;

}  // namespace

TEST_CASE("what a client says goes to the document in order and numbered") {
  auto one = driven_session{};
  one.say(kind::sync, "vector");
  one.say(kind::answer, "answer");
  one.say(kind::presence, "here");
  one.say(kind::edit, "edit");
  one.say(kind::query_presence);
  REQUIRE(one.asked.size() == 5);
  CHECK(one.asked[0].kind == request_kind::sync);
  CHECK(one.asked[0].op == 1);
  CHECK(one.asked[1].kind == request_kind::edit);
  CHECK(one.asked[1].op == 2);
  CHECK(one.asked[2].kind == request_kind::presence);
  CHECK(one.asked[2].op == 0);
  CHECK(one.asked[3].op == 3);
  CHECK(as_text(one.asked[3].data.view()) == "edit");
  CHECK(one.asked[4].kind == request_kind::query_presence);
  for (const auto& request : one.asked) CHECK(request.session == 42);
  CHECK(one.out->said().released.empty());
}

TEST_CASE("a reader's edits are only offered; all else passes") {
  auto one = driven_session{{"ben", false}};
  one.say(kind::edit, "edit");
  one.say(kind::answer, "answer");
  one.say(kind::sync, "vector");
  one.say(kind::presence, "here");
  one.say(kind::query_presence);
  REQUIRE(one.asked.size() == 5);
  CHECK(one.asked[0].kind == request_kind::offer);
  CHECK(one.asked[1].kind == request_kind::offer);
  for (const auto& request : one.asked) CHECK(request.kind != request_kind::edit);
}

TEST_CASE("a reader that wrote something is never told that it is durable") {
  auto one = driven_session{{"ben", false}};
  one.say(kind::marker, "first");
  CHECK(one.echoes() == list{"first"});
  one.say(kind::answer, "edit");
  one.say(kind::marker, "second");
  one.state.refused(1);
  one.state.acked(1, 0);
  CHECK(one.echoes().empty());
  one.say(kind::answer, "all");
  one.state.acked(99, 0);
  CHECK(one.echoes().empty());
}

TEST_CASE("a reader that offers nothing new is answered like anybody") {
  auto one = driven_session{{"ben", false}};
  one.say(kind::answer, "known");
  one.say(kind::marker, "m");
  CHECK(one.echoes().empty());
  one.state.acked(1, 0);
  CHECK(one.echoes() == list{"m"});
}

TEST_CASE("a marker comes back at once if nothing is on its way") {
  auto one = driven_session{};
  one.say(kind::marker, "m");
  CHECK(one.echoes() == list{"m"});
}

TEST_CASE("a marker comes back once all that was sent before it is answered, and not earlier") {
  auto one = driven_session{};
  one.say(kind::edit, "a");
  one.say(kind::marker, "after a");
  one.say(kind::edit, "b");
  one.say(kind::marker, "after b");
  CHECK(one.echoes().empty());
  one.state.acked(0, 500);
  CHECK(one.echoes().empty());
  one.state.acked(1, 0);
  CHECK(one.echoes() == list{"after a"});
  one.state.acked(1, 0);
  CHECK(one.echoes().empty());
  one.state.acked(2, 0);
  CHECK(one.echoes() == list{"after b"});
}

TEST_CASE("markers come back in the order in which they were sent") {
  auto one = driven_session{};
  one.say(kind::edit, "a");
  one.say(kind::marker, "1");
  one.say(kind::edit, "b");
  one.say(kind::marker, "2");
  one.say(kind::marker, "3");
  one.state.acked(2, 0);
  CHECK(one.echoes() == list{"1", "2", "3"});
}

TEST_CASE("an acknowledgement that comes late takes nothing back") {
  auto one = driven_session{};
  one.say(kind::edit, "a");
  one.say(kind::edit, "b");
  one.state.acked(2, 0);
  one.state.acked(1, 0);
  one.say(kind::marker, "m");
  CHECK(one.echoes() == list{"m"});
}

TEST_CASE("answered bytes are given back to the window, and a marker's at once") {
  auto one = driven_session{};
  one.say(kind::edit, "abc");
  one.say(kind::marker, "m");
  CHECK(one.out->take().released_bytes() == 1 + request::request_overhead_bytes);
  one.state.acked(0, 0);
  CHECK(one.out->take().released.empty());
  one.state.acked(1, 67);
  CHECK(one.out->take().released_bytes() == 67);
}

TEST_CASE("after a refusal nothing counts as durable until the client has answered the server's question") {
  auto one = driven_session{};
  one.say(kind::edit, "a");
  one.say(kind::marker, "after a");
  one.state.refused(1);
  one.state.acked(1, 0);
  CHECK(one.echoes().empty());
  one.say(kind::edit, "b");
  one.say(kind::marker, "after b");
  one.state.acked(2, 0);
  CHECK(one.echoes().empty());
  one.say(kind::answer, "a and b");
  CHECK(one.echoes().empty());
  one.state.acked(3, 0);
  CHECK(one.echoes() == list{"after a", "after b"});
}

TEST_CASE("an answer that is itself refused ends nothing") {
  auto one = driven_session{};
  one.say(kind::edit, "a");
  one.state.refused(1);
  one.say(kind::answer, "a");
  one.say(kind::marker, "m");
  one.state.refused(2);
  one.state.acked(2, 0);
  CHECK(one.echoes().empty());
  one.say(kind::answer, "a");
  one.state.acked(3, 0);
  CHECK(one.echoes() == list{"m"});
}

TEST_CASE("an answer from before the refusal ends nothing") {
  auto one = driven_session{};
  one.say(kind::answer, "");
  one.say(kind::edit, "a");
  one.say(kind::marker, "m");
  one.state.refused(2);
  one.state.acked(2, 0);
  CHECK(one.echoes().empty());
}

TEST_CASE("only so many markers wait, and the newest are kept") {
  auto options = session_options{};
  options.markers_max = 3;
  auto one = driven_session{{"ann", true}, options};
  one.say(kind::edit, "a");
  for (const auto* text : {"1", "2", "3", "4", "5"}) one.say(kind::marker, text);
  one.state.acked(1, 0);
  CHECK(one.echoes() == list{"3", "4", "5"});
}

TEST_CASE("a resync names the last number that was delivered") {
  auto one = driven_session{};
  const auto asked = one.state.resync(17);
  CHECK(asked.kind == request_kind::resync);
  CHECK(asked.seq == 17);
  CHECK(asked.session == 42);
  CHECK(asked.op == 0);
}
