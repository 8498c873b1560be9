// Edits and reads that a program asks of a document by message.
#include "actors/server_edit.hpp"

#include <doctest/doctest.h>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/byte_buffer.hpp>

#include "tests/actors/support/ask_document.hpp"
#include "tests/actors/support/driven_document.hpp"
#include "tests/actors/support/test_client.hpp"
#include "tests/crdt/support/replay.hpp"

using namespace octavo;
using namespace octavo::actors;
using namespace octavo::test;

namespace {

edit_operation on_text(edit_kind kind, std::uint64_t index = 0, std::string text = {}) {
  auto made = edit_operation{};
  made.kind = kind;
  made.target.root = "text";
  made.index = index;
  made.text = std::move(text);
  return made;
}

server_edit saying(std::string text, std::uint64_t index = 0) {
  return {"robot", {on_text(edit_kind::insert_text, index, std::move(text))}};
}

/// A document with two subscribers that have a session each.
struct watched : driven_document {
  watched() {
    for (auto subscriber : {1u, 2u}) {
      state.subscribe(subscriber);
      ask(subscriber, entering(subscriber));
    }
    take();
  }

  result<std::uint64_t> edit(const server_edit& what) { return state.edit(what, 1'700'000'000'000, may_write, "full"); }
};

}  // namespace

TEST_CASE("an edit by message reaches everyone once it is durable, and the log names who made it") {
  auto one = watched{};
  const auto seq = one.edit(saying("hello"));
  REQUIRE(seq);
  CHECK(*seq == 1);
  CHECK(one.take().empty());
  const auto out = one.commit();
  REQUIRE(one.log.size() == 1);
  CHECK(one.log[0].user == "robot");
  for (auto subscriber : {1u, 2u}) {
    const auto heard = by(subscriber, out);
    REQUIRE(heard.updates.size() == 1);
    CHECK(heard.updates[0].only_from == 0);
    auto there = crdt::document{};
    feed(there, heard.updates[0].update.view());
    CHECK(there.text("text") == "hello");
  }
}

TEST_CASE("an edit by message is all or nothing") {
  auto one = watched{};
  REQUIRE(one.edit(saying("abc")));
  one.commit();
  const auto before = one.state.content().encode_state_as_update_v1();
  auto what = saying("more");
  what.operations.push_back(on_text(edit_kind::erase));
  what.operations.back().length = 100;
  const auto done = one.edit(what);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == errc::invalid_argument);
  CHECK(done.error().message == "operation 2: the position is beyond the end");
  CHECK(one.state.content().encode_state_as_update_v1() == before);
  CHECK(one.state.take_records().empty());
  CHECK(one.commit().empty());
}

TEST_CASE("an edit that changes nothing has no number of its own") {
  auto one = watched{};
  REQUIRE(one.edit(saying("abc")));
  CHECK(*one.edit(saying("")) == 1);
  CHECK(*one.edit({"robot", {}}) == 1);
  one.commit();
  CHECK(one.log.size() == 1);
}

TEST_CASE("an edit that is asked for again is done once, on this document and the next") {
  auto one = watched{};
  const auto ask = [](driven_document& of, const server_edit& what, edit_key key) {
    return of.state.edit(what, key, 1'700'000'000'000, true, "full");
  };
  const auto first = ask(one, saying("ab"), {77, 0});
  REQUIRE(first);
  CHECK(first->seq == 1);
  CHECK(first->clock == 2);
  for (auto again = 0; again < 3; ++again) CHECK(ask(one, saying("ab"), {77, 0})->clock == 2);
  const auto second = ask(one, saying("c"), {77, first->clock});
  REQUIRE(second);
  one.commit();
  CHECK(one.state.content().text("text") == "cab");
  CHECK(one.log.size() == 2);

  // Erasing leaves no trace of its own.
  auto erasing = server_edit{"robot", {on_text(edit_kind::erase)}};
  erasing.operations[0].length = 1;
  const auto third = ask(one, erasing, {77, second->clock});
  REQUIRE(third);
  CHECK(third->clock > second->clock);
  CHECK(ask(one, erasing, {77, second->clock})->clock == third->clock);
  one.commit();
  CHECK(one.state.content().text("text") == "ab");
  CHECK(one.log.size() == 3);

  // The next owner of the document knows it from the document.
  auto next = driven_document{};
  auto content = crdt::document{};
  for (const auto& record : one.log) REQUIRE(content.apply_stored_v1(record.update.view()));
  next.state.install(std::move(content), 3);
  CHECK(ask(next, erasing, {77, second->clock})->clock == third->clock);
  CHECK(next.state.content().text("text") == "ab");
  // An edit whose predecessor was lost is not taken.
  const auto gap = ask(next, saying("x"), {77, third->clock + 1});
  REQUIRE_FALSE(gap);
  CHECK(gap.error().code == errc::invalid_argument);
  auto older = saying("x");
  older.as_of = 1;
  CHECK(ask(next, older, {77, third->clock}).error().code == errc::invalid_argument);
  CHECK(ask(next, saying("x"), {0, 0}).error().code == errc::invalid_argument);
}

TEST_CASE("an edit that only erases leaves its mark in roots of all kinds, and nobody sees it") {
  for (auto kind :
       {crdt::type_kind::text, crdt::type_kind::array, crdt::type_kind::map, crdt::type_kind::xml_fragment}) {
    auto one = watched{};
    auto filling = edit_operation{};
    filling.target = {"root", kind, {}};
    auto erasing = filling;
    erasing.length = 1;
    erasing.kind = edit_kind::erase;
    if (kind == crdt::type_kind::text) {
      filling.text = "a";
    } else if (kind == crdt::type_kind::array) {
      filling.kind = edit_kind::insert;
      filling.with(crdt::value{1});
    } else if (kind == crdt::type_kind::map) {
      filling.kind = edit_kind::set;
      filling.key = erasing.key = "key";
      filling.with(crdt::value{1});
      erasing.kind = edit_kind::remove;
    } else {
      filling.kind = edit_kind::insert_type;
      filling.type = crdt::type_kind::xml_element;
      filling.text = "p";
    }
    REQUIRE(one.edit({"robot", {filling}}));
    const auto full = one.state.content().to_json();
    const auto done = one.state.edit({"robot", {erasing}}, edit_key{5, 0}, 1'700'000'000'000, true, "full");
    REQUIRE(done);
    CHECK(done->clock != 0);
    const auto empty = one.state.content().to_json();
    CHECK(empty != full);
    CHECK(empty.find("mark") == std::string::npos);
    CHECK(one.state.edit({"robot", {erasing}}, edit_key{5, 0}, 1'700'000'000'000, true, "full")->clock == done->clock);
  }
}

TEST_CASE("what cannot be meant is refused with its place") {
  auto one = watched{};
  const auto refusal = [&](edit_operation what) {
    const auto done = one.edit({"robot", {std::move(what)}});
    return done ? std::string{"taken"} : std::string{to_string(done.error().code)} + ": " + done.error().message;
  };
  auto lost = on_text(edit_kind::insert_text);
  lost.target.path = {path_step::at("nowhere")};
  CHECK(refusal(lost) == "not_found: operation 1: there is no type at key \"nowhere\": there is no such key");
  auto empty = on_text(edit_kind::insert_embed);
  CHECK(refusal(empty) == "invalid_argument: operation 1: the operation takes one value");
  empty.values = {"\x01"};
  CHECK(refusal(empty).starts_with("malformed: operation 1: a value cannot be read: "));
  auto format = on_text(edit_kind::format);
  format.attributes = {{"bold", ""}};
  CHECK(refusal(format).starts_with("malformed: operation 1: an attribute cannot be read: "));
  one.may_write = false;
  CHECK(refusal(on_text(edit_kind::insert_text, 0, "a")) == "no_space: full");
  CHECK(one.state.seq() == 0);
}

TEST_CASE("every operation can be asked for by message") {
  auto one = watched{};
  const auto in = [](edit_kind kind, std::string root, crdt::type_kind as, std::vector<path_step> path = {}) {
    auto made = edit_operation{};
    made.kind = kind;
    made.target = {std::move(root), as, std::move(path)};
    return made;
  };
  auto what = server_edit{"robot", {}};
  auto& all = what.operations;
  all.push_back(on_text(edit_kind::insert_text, 0, "bold plain"));
  all.push_back(on_text(edit_kind::format));
  all.back().length = 4;
  all.back().with("bold", true);
  all.push_back(on_text(edit_kind::insert_embed, 4).with(*crdt::value::from_json(R"({"image":"x"})")));
  all.push_back(on_text(edit_kind::insert_text, 11, "!").with("em", true));
  all.back().exact = true;
  all.push_back(on_text(edit_kind::apply_delta, 0, R"([{"retain":12},{"insert":"?"}])"));
  all.push_back(on_text(edit_kind::erase, 5));
  all.back().length = 1;
  all.push_back(in(edit_kind::insert, "list", crdt::type_kind::array).with(1).with("two"));
  all.push_back(in(edit_kind::insert_type, "list", crdt::type_kind::array));
  all.push_back(in(edit_kind::set, "list", crdt::type_kind::array, {path_step::at(0)}).with(3));
  all.back().key = "three";
  all.push_back(in(edit_kind::set_type, "list", crdt::type_kind::array, {path_step::at(0)}));
  all.back().key = "text";
  all.back().type = crdt::type_kind::text;
  all.push_back(in(edit_kind::insert_text, "list", crdt::type_kind::array, {path_step::at(0), path_step::at("text")}));
  all.back().text = "deep";
  all.push_back(in(edit_kind::insert_document, "list", crdt::type_kind::array));
  all.back().index = 3;
  all.back().text = "guid";
  all.push_back(in(edit_kind::set_document, "map", crdt::type_kind::map));
  all.back().key = "doc";
  all.back().text = "other";
  all.push_back(in(edit_kind::set, "map", crdt::type_kind::map).with(1));
  all.back().key = "gone";
  all.push_back(in(edit_kind::remove, "map", crdt::type_kind::map));
  all.back().key = "gone";

  // As it crosses to another node.
  auto system = test_node{};
  auto buffer = caf::byte_buffer{};
  auto sink = caf::binary_serializer{system.system(), buffer};
  REQUIRE(sink.apply(what));
  auto received = server_edit{};
  auto source = caf::binary_deserializer{system.system(), buffer};
  REQUIRE(source.apply(received));
  const auto done = one.edit(received);
  REQUIRE_MESSAGE(done, done.error().message);
  one.commit();
  const auto& content = one.state.content();
  CHECK(content.delta_json("text") ==
        R"([{"insert":"bold","attributes":{"bold":true}},{"insert":{"image":"x"}},{"insert":"plain"},)"
        R"({"insert":"!","attributes":{"em":true}},{"insert":"?"}])");
  CHECK(content.json("list") == R"([{"text":"deep","three":3},1,"two",{"guid":"guid"}])");
  CHECK(content.json("map") == R"({"doc":{"guid":"other"}})");
  CHECK(content.check_integrity() == std::nullopt);
}

TEST_CASE("a document that is loaded anew writes under another client id") {
  auto one = watched{};
  REQUIRE(one.edit(saying("a")));
  one.commit();
  const auto first = one.state.content().state().entries();
  auto content = crdt::document{};
  feed(content, one.state.content().encode_state_as_update_v1());
  one.state.install(std::move(content), 1);
  REQUIRE(one.edit(saying("b", 1)));
  CHECK(one.state.content().state().entries().size() == first.size() + 1);
  CHECK(one.state.content().text("text") == "ab");
}

TEST_CASE("a node makes edits and reads by message, and clients see them") {
  auto node = test_node{};
  auto ann = test_client{node, "notes"};
  ann.type("hello");
  REQUIRE(ann.is_durable());
  auto ben = test_client{node, "notes"};
  REQUIRE(ben.synced());
  const auto seq = ask_document<std::uint64_t>(node, "notes", edit_atom_v, saying("robot: "));
  REQUIRE_MESSAGE(seq, seq.error().message);
  CHECK(*seq == 2);
  CHECK(node.store().load("notes")->info.last_seq == 2);
  CHECK(ben.sees("robot: hello"));
  const auto read = [&](read_format format) {
    const auto got = ask_document<payload>(node, "notes", read_atom_v, read_request{format, "text"});
    REQUIRE(got);
    return text_of(*got);
  };
  CHECK(read(read_format::text) == "robot: hello");
  CHECK(read(read_format::json) == "\"robot: hello\"");
  CHECK(read(read_format::delta) == R"([{"insert":"robot: hello"}])");
  auto copy = crdt::document{};
  feed(copy, as_bytes(read(read_format::update)));
  CHECK(copy.apply_v2(as_bytes(read(read_format::update_v2))));
  CHECK(copy.text("text") == "robot: hello");
  const auto refused = ask_document<std::uint64_t>(node, "notes", edit_atom_v, saying("x", 1000));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "operation 1: the position is beyond the end");
}

TEST_CASE("an edit of a document that nobody has open loads it first") {
  auto node = test_node{};
  CHECK(*ask_document<std::uint64_t>(node, "new", edit_atom_v, saying("a")) == 1);
  node.stop();
  node.start();
  CHECK(*ask_document<std::uint64_t>(node, "new", edit_atom_v, saying("b", 1)) == 2);
  const auto text = ask_document<payload>(node, "new", read_atom_v, read_request{read_format::text, "text"});
  CHECK(text_of(*text) == "ab");
}
