// What a program asks of a document's past by message: older versions, lists, comparisons, edits as of a version, and
// bringing one back.
#include "actors/history.hpp"

#include <doctest/doctest.h>

#include <caf/scoped_actor.hpp>

#include "actors/historian.hpp"
#include "actors/look_backs.hpp"
#include "tests/actors/support/ask_document.hpp"
#include "tests/actors/support/driven_document.hpp"
#include "tests/actors/support/test_client.hpp"
#include "tests/crdt/support/replay.hpp"

using namespace octavo;
using namespace octavo::actors;
using namespace octavo::test;

namespace {

server_edit insertion(std::string user, std::uint64_t index, std::string text, std::uint64_t as_of = present) {
  auto made = edit_operation{};
  made.target.root = "text";
  made.index = index;
  made.text = std::move(text);
  return {std::move(user), {std::move(made)}, as_of};
}

/// A node with the document "notes": "one", "one two", "one two three" by ann, ben and ann.
struct notes_node : test_node {
  notes_node() {
    edit(insertion("ann", 0, "one"));
    edit(insertion("ben", 3, " two"));
    edit(insertion("ann", 7, " three"));
  }

  std::uint64_t edit(const server_edit& what) {
    auto done = try_edit(what);
    REQUIRE_MESSAGE(done, done.error().message);
    return *done;
  }
  result<std::uint64_t> try_edit(const server_edit& what) {
    return ask_document<std::uint64_t>(*this, "notes", edit_atom_v, what);
  }
  result<payload> try_read(read_format format, std::uint64_t version = present, std::string root = "text") {
    return ask_document<payload>(*this, "notes", read_atom_v, read_request{format, std::move(root), version});
  }
  std::string read(read_format format, std::uint64_t version = present, std::string root = "text") {
    auto got = try_read(format, version, std::move(root));
    REQUIRE_MESSAGE(got, got.error().message);
    return text_of(*got);
  }
};

}  // namespace

TEST_CASE("every version is read by message as it was") {
  auto node = notes_node{};
  CHECK(node.read(read_format::text) == "one two three");
  CHECK(node.read(read_format::text, 3) == "one two three");
  CHECK(node.read(read_format::text, 2) == "one two");
  CHECK(node.read(read_format::json, 1) == "\"one\"");
  CHECK(node.read(read_format::text, 0).empty());
  auto copy = crdt::document{};
  feed(copy, as_bytes(node.read(read_format::update, 2)));
  CHECK(copy.text("text") == "one two");
  const auto later = node.try_read(read_format::text, 4);
  REQUIRE_FALSE(later);
  CHECK(later.error().code == errc::not_found);
  CHECK(later.error().message.find("its last one is 3") != std::string::npos);
}

TEST_CASE("rich text is read by message as HTML, Markdown and ProseMirror's JSON") {
  auto node = notes_node{};
  auto bold = edit_operation{};
  bold.kind = edit_kind::format;
  bold.target.root = "text";
  bold.length = 3;
  bold.with("bold", true);
  node.edit({"ann", {bold}});
  CHECK(node.read(read_format::html) == "<p><strong>one</strong> two three</p>\n");
  CHECK(node.read(read_format::html, 3) == "<p>one two three</p>\n");
  CHECK(node.read(read_format::markdown) == "**one** two three\n");
  CHECK(node.read(read_format::prosemirror).starts_with(R"({"type":"doc")"));
  auto list = edit_operation{};
  list.kind = edit_kind::insert;
  list.target = {"list", crdt::type_kind::array, {}};
  list.with(1);
  node.edit({"ann", {list}});
  const auto refused = node.try_read(read_format::html, present, "list");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::invalid_argument);
  CHECK(node.try_read(read_format::html, 5, "list").error().code == errc::invalid_argument);
}

TEST_CASE("an edit as of a version is carried onto the present one, for whoever knows no more than what it saw") {
  auto node = notes_node{};
  auto watcher = test_client{node, "notes"};
  REQUIRE(watcher.synced());
  // In "one", of which it says that it is at the beginning and at the end.
  CHECK(node.edit(insertion("old", 3, "!", 1)) == 4);
  CHECK(node.edit(insertion("old", 0, ">", 1)) == 5);
  const auto text = node.read(read_format::text);
  // Two that typed at one end: the one with the higher client id is behind.
  CHECK(text == ">one two three!");
  CHECK(watcher.sees(text));
  // As of what is the present one.
  node.edit(insertion("new", text.size(), ".", 5));
  CHECK(node.read(read_format::text) == text + ".");
  // All of it or nothing, and with the place.
  const auto beyond = node.try_edit(insertion("old", 4, "x", 1));
  REQUIRE_FALSE(beyond);
  CHECK(beyond.error().message == "operation 1: the position is beyond the end");
  CHECK(node.try_edit(insertion("old", 0, "x", 100)).error().code == errc::not_found);
  CHECK(node.read(read_format::text) == text + ".");
  // The log names who made it.
  const auto listing = ask_document<history_listing>(node, "notes", history_atom_v, history_request{});
  REQUIRE(listing);
  CHECK(listing->entries.back().user == "new");
}

TEST_CASE("an edit as of a version that takes nothing new has no number") {
  auto node = notes_node{};
  auto erase = edit_operation{};
  erase.kind = edit_kind::erase;
  erase.target.root = "text";
  erase.length = 3;
  CHECK(node.edit({"ann", {erase}}) == 4);
  CHECK(node.edit({"ann", {erase}, 1}) == 4);
  CHECK(node.read(read_format::text) == " two three");
}

TEST_CASE("who edited a document is listed by message, with the versions that have names") {
  auto node = notes_node{};
  REQUIRE(node.store().put_version("notes", "first draft", 2, as_bytes("state"), 1, "ben"));
  auto listing = ask_document<history_listing>(node, "notes", history_atom_v, history_request{});
  REQUIRE(listing);
  CHECK(listing->first_seq == 1);
  CHECK(listing->last_seq == 3);
  CHECK_FALSE(listing->more);
  REQUIRE(listing->entries.size() == 2);
  CHECK(listing->entries[0].user == "ben");
  CHECK(listing->entries[0].characters_inserted == 4);
  CHECK(listing->entries[1].user == "ann");
  CHECK(listing->entries[1].edits == 2);
  REQUIRE(listing->versions.size() == 1);
  CHECK(listing->versions[0].label == "first draft");
  auto request = history_request{};
  request.gap_ms = -1;
  request.limit = 2;
  listing = ask_document<history_listing>(node, "notes", history_atom_v, request);
  REQUIRE(listing);
  CHECK(listing->more);
  REQUIRE(listing->entries.size() == 2);
  CHECK(listing->entries[1].first_seq == 3);
  const auto nothing = ask_document<history_listing>(node, "nothing", history_atom_v, history_request{});
  REQUIRE_FALSE(nothing);
  CHECK(nothing.error().code == errc::not_found);
}

TEST_CASE("two versions are compared by message") {
  auto node = notes_node{};
  const auto compare = [&](const diff_request& what) {
    return ask_document<payload>(node, "notes", diff_atom_v, what);
  };
  const auto changed = compare({1, present, "text"});
  REQUIRE(changed);
  const auto json = text_of(*changed);
  CHECK(json.find("\" two\"") != std::string::npos);
  CHECK(json.find("\"ben\"") != std::string::npos);
  CHECK(json.find("\" three\"") != std::string::npos);
  CHECK(compare({3, 1, "text"}));
  CHECK(compare({0, 3, "nowhere"}).error().code == errc::not_found);
  CHECK(compare({0, 4, {}}).error().code == errc::not_found);
}

TEST_CASE("a version is brought back by message, as an edit like any other") {
  auto node = notes_node{};
  auto watcher = test_client{node, "notes"};
  REQUIRE(watcher.sees("one two three"));
  const auto seq = ask_document<std::uint64_t>(node, "notes", restore_atom_v, std::uint64_t{1}, std::string{"eve"});
  REQUIRE_MESSAGE(seq, seq.error().message);
  CHECK(*seq == 4);
  CHECK(watcher.sees("one"));
  CHECK(node.store().load("notes")->records.back().user == "eve");
  // Once more changes nothing.
  CHECK(*ask_document<std::uint64_t>(node, "notes", restore_atom_v, std::uint64_t{1}, std::string{"eve"}) == 4);
  CHECK(*ask_document<std::uint64_t>(node, "notes", restore_atom_v, std::uint64_t{3}, std::string{"eve"}) == 5);
  CHECK(watcher.sees("one two three"));
}

TEST_CASE("of edits as of one version the later one counts, and texts come in their order") {
  auto node = notes_node{};
  auto set = edit_operation{};
  set.kind = edit_kind::set;
  set.target = {"map", crdt::type_kind::map, {}};
  set.key = "status";
  const auto setting = [&](const char* to, std::uint64_t as_of) {
    auto what = set;
    what.with(to);
    return server_edit{"robot", {what}, as_of};
  };
  node.edit(setting("draft", present));
  for (const auto* to : {"review", "final", "printed"}) node.edit(setting(to, 4));
  CHECK(node.read(read_format::json, present, "map") == R"({"status":"printed"})");
  // Whoever types at the end again and again, as of what it once saw, is not reversed.
  for (const auto* word : {"1", "2", "3"}) node.edit(insertion("robot", 13, word, 4));
  CHECK(node.read(read_format::text) == "one two three123");
}

TEST_CASE("an edit as of the empty document needs no document, and one as of a version waits until it is loaded") {
  auto node = test_node{};
  const auto in = [&](const std::string& name, const server_edit& what) {
    return ask_document<std::uint64_t>(node, name, edit_atom_v, what);
  };
  CHECK(*in("new", insertion("ann", 0, "a", 0)) == 1);
  CHECK(*in("new", insertion("ann", 0, "b", 0)) == 2);
  node.stop();
  node.start();
  CHECK(*in("new", insertion("ann", 1, "c", 1)) == 3);
  node.stop();
  node.start();
  CHECK(*in("new", insertion("ann", 0, "d", 0)) == 4);
  CHECK(in("new", insertion("ann", 0, "e", 5)).error().code == errc::not_found);
}

TEST_CASE("questions about older versions are bounded, and each makes room for another") {
  auto options = node_options{};
  options.document.look_backs_max = 1;
  auto node = test_node{options};
  REQUIRE(ask_document<std::uint64_t>(node, "notes", edit_atom_v, insertion("ann", 0, "one")));
  const auto ask = [&](std::uint64_t version) {
    return ask_document<payload>(node, "notes", read_atom_v, read_request{read_format::text, "text", version});
  };
  CHECK(ask(1));
  CHECK(ask(100).error().code == errc::not_found);
  CHECK(ask(1));
  CHECK(node->counters().look_backs == 0);
}

TEST_CASE("a question too many about older versions is refused, and none is forgotten when the document ends") {
  auto counters = metrics{};
  auto options = document_options{};
  options.look_backs_max = 2;
  options.look_backs_node_max = 3;
  auto refused = std::vector<std::string>{};
  const auto refuse = [&](const error& why) { refused.push_back(why.message); };
  {
    auto one = look_backs{options, counters};
    auto other = look_backs{options, counters};
    const auto first = one.add(refuse);
    REQUIRE(first);
    REQUIRE(one.add(refuse));
    CHECK_FALSE(one.add(refuse));
    REQUIRE(other.add(refuse));
    CHECK_FALSE(other.add(refuse));
    CHECK(counters.look_backs == 3);
    CHECK(one.answered(*first));
    CHECK_FALSE(one.answered(*first));
    REQUIRE(other.add(refuse));
    one.refuse_all({errc::not_found, "gone"});
    CHECK(refused == std::vector<std::string>{"gone"});
    CHECK(one.empty());
    CHECK(counters.look_backs == 2);
  }
  CHECK(counters.look_backs == 0);
}

TEST_CASE("a document that goes refuses what was asked of its past, or has answered it") {
  auto node = notes_node{};
  auto self = caf::scoped_actor{node.system()};
  auto document = actors::document_actor{};
  compat::ask(self.ptr(), node->registry(), std::chrono::seconds{30}, document_atom_v, std::string{"notes"})
      .receive([&](const actors::document_actor& found) { document = found; }, [](const caf::error&) {});
  REQUIRE(document);
  auto asked = compat::ask(self.ptr(), document, std::chrono::seconds{30}, edit_atom_v, insertion("old", 0, "x", 1));
  compat::ask(self.ptr(), node->registry(), std::chrono::seconds{30}, drop_atom_v, std::string{"notes"})
      .receive([] {}, [](const caf::error& reason) { FAIL(to_string(reason)); });
  auto said = std::string{"nothing"};
  asked.receive([&](std::uint64_t) { said = "done"; },
                [&](const caf::error& reason) { said = to_string(from_caf(reason).code); });
  CHECK_MESSAGE((said == "done" || said == "not_found" || said == "unavailable"), said);
  // The name is free again, and nothing of the old document is in it.
  CHECK(node.try_edit(insertion("new", 0, "fresh", 0)));
  CHECK(node.read(read_format::text) == "fresh");
}

TEST_CASE("what the store would not write is refused before it is done") {
  auto node = notes_node{};
  const auto name = std::string(storage::max_user_bytes + 1, 'x');
  CHECK(node.try_edit(insertion(name, 0, "x")).error().code == errc::limit_exceeded);
  CHECK(node.try_edit(insertion(name, 0, "x", 1)).error().code == errc::limit_exceeded);
  CHECK(ask_document<std::uint64_t>(node, "notes", restore_atom_v, std::uint64_t{1}, name).error().code ==
        errc::limit_exceeded);
  CHECK(ask_document<std::uint64_t>(node, "notes", restore_atom_v, std::uint64_t{9}, std::string{}).error().code ==
        errc::not_found);
  CHECK(node.read(read_format::text) == "one two three");
  CHECK(node->counters().documents_failed == 0);
}

TEST_CASE("an update of the server's own is refused where a client's is") {
  auto one = driven_document{};
  REQUIRE(one.state.edit(insertion("ann", 0, "one"), 1, true, "full"));
  auto older = crdt::document{};
  const auto before = one.state.content().encode_state_as_update_v1();
  CHECK(one.state.edit_as_of(older, insertion("ann", 0, "x"), 1, false, "full").error().code == errc::no_space);
  const auto update = [] {
    auto other = driven_document{};
    REQUIRE(other.state.edit(insertion("ben", 0, "two"), 1, true, "full"));
    return other.state.content().encode_state_as_update_v1();
  }();
  CHECK(one.state.merge(update, "ben", 1, false, "full").error().message == "full");
  CHECK(one.state.content().encode_state_as_update_v1() == before);
  CHECK(*one.state.merge(update, "ben", 1, true, "full") == 2);
  CHECK(*one.state.merge(update, "ben", 1, true, "full") == 2);
  CHECK(one.state.merge(as_bytes("no update"), "ben", 1, true, "full").error().code == errc::internal);
  CHECK(one.state.content().text("text").size() == 6);
}

TEST_CASE("an answer is bounded") {
  auto store = notes_node{};
  auto options = document_options{};
  options.read_bytes_max = 5;
  const auto large = read_version(store.store(), "notes", {read_format::text, "text", 2}, options);
  REQUIRE_FALSE(large);
  CHECK(large.error().code == errc::limit_exceeded);
  CHECK(read_version(store.store(), "notes", {read_format::text, "text", 1}, options));
  CHECK(compare_versions(store.store(), "notes", {}, options).error().code == errc::limit_exceeded);
  options.history_edits_max = 1;
  options.read_bytes_max = 1000;
  CHECK(compare_versions(store.store(), "notes", {}, options).error().code == errc::limit_exceeded);
}
