#include "actors/session.hpp"

#include <doctest/doctest.h>

using namespace octavo;
using namespace octavo::actors;
using kind = client_input::kind_type;

namespace {

request said(session_state& to, kind what, std::string_view data = {}) {
  return to.input({what, payload::copy_of(data)});
}

}  // namespace

TEST_CASE("what a client says goes to the document in order and numbered") {
  auto one = session_state{42, {"ann", true}};
  const auto sync = said(one, kind::sync, "vector");
  const auto answer = said(one, kind::answer, "answer");
  const auto presence = said(one, kind::presence, "here");
  const auto edit = said(one, kind::edit, "edit");
  const auto query = said(one, kind::query_presence);
  const auto marker = said(one, kind::marker, "m");
  CHECK(sync.kind == request_kind::sync);
  CHECK(sync.op == 1);
  CHECK(answer.kind == request_kind::answer);
  CHECK(answer.op == 2);
  CHECK(presence.kind == request_kind::presence);
  CHECK(presence.op == 3);
  CHECK(edit.kind == request_kind::edit);
  CHECK(edit.op == 4);
  CHECK(as_text(edit.data.view()) == "edit");
  CHECK(query.kind == request_kind::query_presence);
  CHECK(query.op == 5);
  CHECK(marker.op == 6);
  CHECK(marker.kind == request_kind::marker);
  CHECK(as_text(marker.data.view()) == "m");
  for (const auto& each : {sync, answer, presence, edit, query, marker}) CHECK(each.session == 42);
}

TEST_CASE("a reader's edits are only offered; all else passes") {
  auto one = session_state{42, {"ben", false}};
  CHECK(said(one, kind::edit, "edit").kind == request_kind::offer);
  CHECK(said(one, kind::answer, "answer").kind == request_kind::offer);
  CHECK(said(one, kind::sync, "vector").kind == request_kind::sync);
  CHECK(said(one, kind::presence, "here").kind == request_kind::presence);
  CHECK(said(one, kind::query_presence).kind == request_kind::query_presence);
  CHECK(said(one, kind::marker, "m").kind == request_kind::marker);
}

TEST_CASE("a resync names the last number that was delivered") {
  const auto one = session_state{42, {"ann", true}};
  const auto asked = one.resync(17);
  CHECK(asked.kind == request_kind::resync);
  CHECK(asked.seq == 17);
  CHECK(asked.session == 42);
  CHECK(asked.op == 0);
}
