// A whole node in this process, from sessions to the disk.
#include "actors/node.hpp"

#include <doctest/doctest.h>
#include <caf/scoped_actor.hpp>

#include <vector>

#include "tests/actors/support/test_client.hpp"
#include "tests/support/awareness.hpp"

using namespace octavo;
using namespace octavo::actors;
using namespace octavo::test;

namespace {

/// Documents leave memory soon after the last session.
node_options hasty() {
  auto options = node_options{};
  options.document.idle_timeout_ms = 50;
  options.relay.linger_ms = 10;
  return options;
}

/// An update that this many steps cannot integrate.
bytes laborious(std::size_t steps) {
  auto update = update_builder{};
  update.block(7, 0);
  for (auto i = std::size_t{0}; i <= steps; ++i) update.set("map", "key" + std::to_string(i), 1);
  return update.build();
}

/// Empty, or why the document could not be deleted.
std::string drop(test_node& node, const std::string& name) {
  auto self = caf::scoped_actor{node.system()};
  auto problem = std::string{};
  compat::ask(self.ptr(), node->registry(), std::chrono::seconds{30}, drop_atom_v, name)
      .receive([] {}, [&](const caf::error& reason) { problem = from_caf(reason).message; });
  return problem;
}

}  // namespace

TEST_CASE("an edit is durable before it is acknowledged, and reaches the other session") {
  auto node = test_node{};
  auto ann = test_client{node, "notes"};
  auto ben = test_client{node, "notes"};
  REQUIRE(ben.synced());
  ann.type("hello");
  REQUIRE(ann.is_durable());
  const auto stored = node.store().load("notes");
  REQUIRE(stored);
  CHECK(stored->info.last_seq == 1);
  CHECK(stored->records.at(0).user == "ann");
  CHECK(ben.sees("hello"));
  CHECK(ann.text().empty());  // its own edit does not come back to it
}

TEST_CASE("who comes later gets everything, and both see each other's edits") {
  auto node = test_node{};
  auto ann = test_client{node, "notes"};
  ann.type("a");
  REQUIRE(ann.is_durable());
  auto ben = test_client{node, "notes"};
  CHECK(ben.sees("a"));
  ben.type("b");
  CHECK(ann.sees("b"));
  auto other = test_client{node, "other notes"};
  REQUIRE(other.synced());
  CHECK(other.text().empty());
}

TEST_CASE("a reader's edits reach nobody, and its presence everybody") {
  auto node = test_node{};
  auto ann = test_client{node, "notes"};
  auto reader = test_client{node, "notes", {"ben", false}};
  REQUIRE(ann.synced());
  reader.type("no");
  reader.say(client_input::kind_type::presence, awareness_of(5, 1, R"("here")"));
  CHECK(eventually([&] {
    for (const auto& one : ann.out().said().deliveries)
      if (read_awareness(one.presence.view()).contains(5)) return true;
    return false;
  }));
  CHECK(ann.text().empty());
  CHECK_FALSE(node.store().find("notes")->has_value());
}

TEST_CASE("the presence of a session that leaves is taken back") {
  auto node = test_node{};
  auto ann = test_client{node, "notes"};
  REQUIRE(ann.synced());
  {
    auto ben = test_client{node, "notes"};
    ben.say(client_input::kind_type::presence, awareness_of(5, 3, R"("here")"));
    REQUIRE(ben.is_durable());
  }
  CHECK(eventually([&] {
    for (const auto& one : ann.out().said().deliveries)
      if (auto all = read_awareness(one.presence.view()); all.contains(5) && all[5].second == "null") return true;
    return false;
  }));
}

TEST_CASE("two hundred sessions that open one cold document at once load it once") {
  auto node = test_node{};
  {
    auto ann = test_client{node, "notes"};
    for (auto i = 0; i < 20; ++i) ann.type("x");
    REQUIRE(ann.is_durable());
  }
  node.stop();
  node.start();
  auto crowd = std::vector<std::unique_ptr<test_client>>{};
  for (auto i = 0; i < 200; ++i) crowd.push_back(std::make_unique<test_client>(node, "notes"));
  for (const auto& one : crowd) REQUIRE(one->synced());
  for (const auto& one : crowd) CHECK(one->text() == std::string(20, 'x'));
  CHECK(node.counters().documents_loaded == 1);
  CHECK(node.counters().relays_open == 1);
  CHECK(node.counters().sessions_open == 200);
}

TEST_CASE("many edits at once are committed in groups") {
  auto node = test_node{};
  auto writers = std::vector<std::unique_ptr<test_client>>{};
  for (auto i = 0; i < 20; ++i)
    writers.push_back(std::make_unique<test_client>(node, "notes " + std::to_string(i % 5)));
  for (auto round = 0; round < 20; ++round)
    for (auto& one : writers) one->type("x");
  for (auto& one : writers) REQUIRE(one->is_durable());
  CHECK(node.counters().edits_durable == 400);
  CHECK(node.counters().commits < 400);
  CHECK(node.counters().log_queue_records == 0);
  CHECK(node.counters().log_queue_bytes == 0);
}

TEST_CASE("a document that nobody has open leaves memory, and is found again by name") {
  auto node = test_node{hasty()};
  {
    auto ann = test_client{node, "notes"};
    for (auto i = 0; i < 60; ++i) ann.type("x");
    REQUIRE(ann.is_durable());
  }
  REQUIRE(eventually([&] { return node.counters().documents_open == 0; }));
  CHECK(node.counters().documents_passivated == 1);
  CHECK(node.counters().relays_open == 0);
  CHECK(node.counters().sessions_open == 0);
  CHECK(node.counters().document_bytes == 0);
  // Enough records that it left a snapshot behind.
  CHECK(node.counters().snapshots == 1);
  CHECK((*node.store().find("notes"))->snapshot_seq == 60);
  auto ben = test_client{node, "notes"};
  CHECK(ben.sees(std::string(60, 'x')));
  CHECK(node.counters().documents_loaded == 2);
}

TEST_CASE("sessions that come and go while documents leave memory lose nothing") {
  auto options = hasty();
  options.document.idle_timeout_ms = 1;
  auto node = test_node{options};
  for (auto round = 1; round <= 40; ++round) {
    auto ann = test_client{node, "notes"};
    ann.type("x");
    REQUIRE(ann.is_durable());
    auto ben = test_client{node, "notes"};
    REQUIRE(ben.synced());
    CHECK(ben.text().size() == static_cast<std::size_t>(round));
    ann.leave();
    ben.leave();
    if (round % 3 == 0) REQUIRE(eventually([&] { return node.counters().documents_open == 0; }));
  }
}

TEST_CASE("a snapshot is written while the document goes on") {
  auto options = node_options{};
  options.document.snapshot_after_records = 30;
  auto node = test_node{options};
  auto ann = test_client{node, "notes"};
  // However late the first one is written, it leaves enough for another.
  for (auto round = std::uint64_t{1}; round <= 2; ++round) {
    for (auto i = 0; i < 40; ++i) ann.type("x");
    REQUIRE(ann.is_durable());
    for (auto i = 0; i < 10; ++i) ann.type("x");
    CHECK(eventually([&] { return node.counters().snapshots >= round; }));
    REQUIRE(ann.is_durable());
  }
  CHECK(eventually([&] { return (*node.store().find("notes"))->snapshot_seq > 70; }));
  auto ben = test_client{node, "notes"};
  CHECK(ben.sees(std::string(100, 'x')));
}

TEST_CASE("a node that stops takes what it was sent, says so, and finds all of it again") {
  auto node = test_node{};
  auto acknowledged = std::size_t{0};
  {
    auto ann = test_client{node, "notes"};
    auto ben = test_client{node, "other"};
    REQUIRE(ann.synced());
    ben.type("b");
    REQUIRE(ben.is_durable());
    ann.type("a");
    REQUIRE(ann.is_durable());
    for (auto i = 0; i < 500; ++i) ann.type("a");
    REQUIRE(node->stop(std::chrono::seconds{60}));
    CHECK(ann.closed() == close_reason::going_away);
    CHECK(ben.closed() == close_reason::going_away);
    acknowledged = (*node.store().find("notes"))->last_seq;
  }
  CHECK(node.stop());
  node.start();
  auto ann = test_client{node, "notes"};
  REQUIRE(ann.synced());
  CHECK(acknowledged >= 1);
  CHECK(ann.text() == std::string(acknowledged, 'a'));
  auto ben = test_client{node, "other"};
  CHECK(ben.sees("b"));
}

TEST_CASE("after a restart every document is there") {
  auto node = test_node{};
  {
    auto writers = std::vector<std::unique_ptr<test_client>>{};
    for (auto i = 0; i < 30; ++i) writers.push_back(std::make_unique<test_client>(node, "doc " + std::to_string(i)));
    for (auto i = 0; i < 30; ++i) writers[static_cast<std::size_t>(i)]->type("text " + std::to_string(i));
    for (auto& one : writers) REQUIRE(one->is_durable());
  }
  CHECK(node.stop());
  node.start();
  for (auto i = 0; i < 30; ++i) {
    auto reader = test_client{node, "doc " + std::to_string(i)};
    CHECK(reader.sees("text " + std::to_string(i)));
  }
}

TEST_CASE("a document that is deleted closes its sessions, and a new one of its name is empty") {
  auto node = test_node{};
  auto ann = test_client{node, "notes"};
  auto other = test_client{node, "other"};
  ann.type("gone");
  other.type("kept");
  REQUIRE(ann.is_durable());
  REQUIRE(other.is_durable());
  CHECK(drop(node, "notes").empty());
  CHECK(ann.closed() == close_reason::deleted);
  CHECK(other.is_open());
  CHECK_FALSE(node.store().find("notes")->has_value());
  auto ben = test_client{node, "notes"};
  REQUIRE(ben.synced());
  CHECK(ben.text().empty());
  ben.type("new");
  REQUIRE(ben.is_durable());
  CHECK(node.store().load("notes")->records.size() == 1);
}

TEST_CASE("deleting what does not exist says so") {
  auto node = test_node{};
  CHECK_FALSE(drop(node, "nothing").empty());
}

TEST_CASE("an update that breaks its document closes that document's sessions alone, and it opens without it") {
  auto options = node_options{};
  options.document.update_steps_max = 100;
  auto node = test_node{options};
  auto ann = test_client{node, "notes"};
  auto evil = test_client{node, "notes", {"eve", true}};
  auto other = test_client{node, "other"};
  ann.type("safe");
  REQUIRE(ann.is_durable());
  REQUIRE(evil.sees("safe"));
  evil.send(laborious(100));
  CHECK(evil.closed() == close_reason::update_refused);
  CHECK(ann.closed() == close_reason::fault);
  CHECK(other.is_open());
  CHECK(node.counters().documents_failed == 1);

  auto ben = test_client{node, "notes"};
  CHECK(ben.sees("safe"));
  ben.type("!");
  CHECK(ben.is_durable());
  const auto kept = node.store().list_quarantine("notes");
  REQUIRE(kept);
  REQUIRE(kept->size() == 1);
  CHECK(kept->front().user == "eve");
  CHECK(kept->front().update.size() > 100);
  other.type("unharmed");
  CHECK(other.is_durable());
}

TEST_CASE("a document that is set aside is refused with its reason, and others open") {
  auto node = test_node{};
  REQUIRE(storage::testing::commit_one(node.store(), "damaged", 1, "x"));
  REQUIRE(node.store().set_quarantined("damaged", "a test"));
  auto ann = test_client{node, "damaged"};
  CHECK(ann.closed() == close_reason::fault);
  auto ben = test_client{node, "fine"};
  CHECK(ben.synced());
}

TEST_CASE("beyond the memory budget a document waits until an idle one has left") {
  auto options = node_options{};
  options.memory_budget_bytes = 1;
  options.relay.linger_ms = 10;
  auto node = test_node{options};
  auto ann = test_client{node, "first"};
  REQUIRE(ann.synced());
  REQUIRE(eventually([&] { return node.counters().document_bytes > 0; }));
  {
    auto ben = test_client{node, "second"};
    CHECK(ben.closed() == close_reason::try_again);
  }
  ann.leave();
  CHECK(eventually([&] { return node.counters().documents_open == 0; }));
  auto cleo = test_client{node, "second"};
  CHECK(cleo.synced());
}

TEST_CASE("a document that somebody has come back to makes no room for others") {
  auto options = node_options{};
  options.open_documents_max = 1;
  options.relay.linger_ms = 10;
  auto node = test_node{options};
  {
    auto ann = test_client{node, "first"};
    REQUIRE(ann.synced());
  }
  REQUIRE(eventually([&] { return node.counters().relays_open == 0; }));
  auto ann = test_client{node, "first"};
  REQUIRE(ann.synced());
  auto ben = test_client{node, "second"};
  CHECK(ben.closed() == close_reason::try_again);
  CHECK(node.counters().documents_loaded == 1);
}

TEST_CASE("a node lists documents by prefix, in pages") {
  auto node = test_node{};
  for (const auto* name : {"a/1", "a/2", "a/3", "b/1"}) {
    auto ann = test_client{node, name};
    ann.type("x");
    REQUIRE(ann.is_durable());
  }
  const auto first = node->list("a/", "", 2);
  REQUIRE(first);
  REQUIRE(first->documents.size() == 2);
  CHECK(first->more);
  CHECK(first->documents[0].name == "a/1");
  CHECK(first->documents[0].seq == 1);
  const auto second = node->list("a/", first->documents.back().name, 2);
  REQUIRE(second);
  REQUIRE(second->documents.size() == 1);
  CHECK(second->documents[0].name == "a/3");
  CHECK_FALSE(second->more);
}

TEST_CASE("a session that is gone before it has found its document leaves nothing behind") {
  auto node = test_node{hasty()};
  for (auto i = 0; i < 50; ++i) test_client{node, "doc " + std::to_string(i)}.leave();
  CHECK(eventually([&] { return node.counters().relays_open == 0 && node.counters().documents_open == 0; }));
}

TEST_CASE("a document ends though its snapshot is being written: when it breaks, and when the node stops") {
  auto options = node_options{};
  options.document.update_steps_max = 100;
  options.document.snapshot_after_records = 1;
  auto node = test_node{options};
  for (auto i = 0; i < 20; ++i) {
    const auto name = "broken " + std::to_string(i);
    auto ann = test_client{node, name};
    REQUIRE(ann.synced());
    ann.type("safe");
    ann.send(laborious(100));
    CHECK(ann.closed() == close_reason::update_refused);
    // Whoever comes while it is ending is closed with it, and comes back as any client does.
    auto found = false;
    for (auto attempt = 0; attempt < 10 && !found; ++attempt) {
      auto ben = test_client{node, name};
      REQUIRE(eventually([&] { return ben.text() == "safe" || !ben.is_open(); }));
      found = ben.text() == "safe";
    }
    CHECK(found);
  }
  auto clients = std::vector<std::unique_ptr<test_client>>{};
  for (auto i = 0; i < 50; ++i) {
    clients.push_back(std::make_unique<test_client>(node, "stopped " + std::to_string(i)));
    clients.back()->type("kept");
  }
  for (auto& one : clients) REQUIRE(one->is_durable());
  CHECK(node->stop(std::chrono::seconds{60}));
  for (auto& one : clients) CHECK(one->closed() == close_reason::going_away);
}
