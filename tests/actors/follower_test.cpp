// A program's way to a document that moves, fails and comes back, while it edits.
#include "actors/follower.hpp"

#include <doctest/doctest.h>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <atomic>
#include <mutex>
#include <thread>

#include "tests/actors/support/test_client.hpp"

using namespace octavo;
using namespace octavo::actors;
using namespace octavo::test;

namespace {

/// What a reader has been told; any thread.
struct told {
  std::mutex mutex;
  crdt::document copy;
  std::uint64_t seq = 0;
  std::size_t bursts = 0;

  std::string text() {
    const std::lock_guard guard(mutex);
    return copy.text("text");
  }
};

subscriber_actor spawn_reader(caf::actor_system& system, const std::shared_ptr<told>& what) {
  return system.spawn([what](subscriber_actor::pointer) -> subscriber_actor::behavior_type {
    return {[what](const document_burst& burst) {
      const std::lock_guard guard(what->mutex);
      CHECK(burst.seq >= what->seq);
      what->seq = burst.seq;
      ++what->bursts;
      if (!burst.update.empty()) CHECK(what->copy.apply_v1(burst.update.view()));
    }};
  });
}

server_edit saying(std::string text) {
  auto what = edit_operation{};
  what.kind = edit_kind::insert_text;
  what.target.root = "text";
  what.text = std::move(text);
  return {"robot", {what}};
}

/// Ends the document's actor as the loss of its node would, as far as others can tell.
void lose(test_node& node, const std::string& name) {
  auto self = caf::scoped_actor{node.system()};
  compat::ask(self.ptr(), node->registry(), std::chrono::seconds{30}, document_atom_v, name)
      .receive(
          [](const document_actor& found) {
            compat::tell(found, rejected_atom_v, std::uint64_t{0}, make_error(error{errc::moved, "it moves"}));
          },
          [](const caf::error&) { FAIL("the document cannot be opened"); });
}

struct following {
  explicit following(test_node& node, const std::string& name, follower_options options = {})
      : self(node.system()),
        follower(spawn_follower(node.system(), cluster::spawn_single_node_directory(node.system(), node->registry()),
                                name, spawn_reader(node.system(), heard), options)) {}
  ~following() { compat::end(follower); }

  result<std::uint64_t> edit(const server_edit& what) {
    auto answer = result<std::uint64_t>{};
    compat::ask(self.ptr(), follower, std::chrono::seconds{30}, edit_atom_v, what)
        .receive([&](std::uint64_t seq) { answer = seq; },
                 [&](const caf::error& why) { answer = tl::unexpected{from_caf(why)}; });
    return answer;
  }

  std::shared_ptr<told> heard = std::make_shared<told>();
  caf::scoped_actor self;
  follower_actor follower;
};

}  // namespace

TEST_CASE("a follower hears all that a document holds, and then each edit") {
  auto node = test_node{};
  auto ann = test_client{node, "notes"};
  ann.type("a");
  REQUIRE(ann.is_durable());
  auto one = following{node, "notes"};
  CHECK(eventually([&] { return one.heard->text() == "a"; }));
  CHECK(*one.edit(saying("b")) == 2);
  CHECK(eventually([&] { return one.heard->text() == "ba"; }));
  auto ben = test_client{node, "notes"};
  CHECK(ben.sees("ba"));
}

TEST_CASE("a document that is lost again and again takes each edit once, and its follower hears all") {
  auto node = test_node{};
  auto one = following{node, "notes"};
  auto done = std::atomic<int>{0};
  // Where loading takes longer than the document lives nothing would ever be taken: then it is given more time.
  auto breaking = std::jthread{[&](const std::stop_token& stop) {
    constexpr auto shortest = std::chrono::milliseconds{5};
    auto pause = shortest;
    for (auto before = done.load(); !stop.stop_requested(); before = done.load()) {
      lose(node, "notes");
      std::this_thread::sleep_for(pause);
      pause = done == before ? std::min(2 * pause, 200 * shortest) : shortest;
    }
  }};
  auto wanted = std::string{};
  for (auto i = 0; i < 200; ++i) {
    const auto letter = std::string(1, static_cast<char>('a' + i % 26));
    REQUIRE(one.edit(saying(letter)));
    wanted = letter + wanted;
    ++done;
  }
  breaking.request_stop();
  breaking.join();
  CHECK(eventually([&] { return one.heard->text() == wanted; }));
  auto read = std::string{};
  compat::ask(one.self.ptr(), one.follower, std::chrono::seconds{30}, read_atom_v,
              read_request{read_format::text, "text"})
      .receive([&](const payload& text) { read = as_text(text.view()); }, [](const caf::error&) {});
  CHECK(read == wanted);
}

TEST_CASE("a follower says what is wrong with an edit, and goes on") {
  auto node = test_node{};
  auto one = following{node, "notes"};
  auto bad = saying("x");
  bad.operations[0].index = 5;
  CHECK(one.edit(bad).error().code == errc::invalid_argument);
  CHECK(*one.edit(saying("y")) == 1);
}

TEST_CASE("a follower ends with its document, and with a document that nobody has") {
  auto node = test_node{};
  auto one = following{node, "notes"};
  REQUIRE(one.edit(saying("a")));
  auto watching = caf::scoped_actor{node.system()};
  watching->monitor(one.follower);
  compat::ask(one.self.ptr(), node->registry(), std::chrono::seconds{30}, drop_atom_v, std::string{"notes"})
      .receive([] {}, [](const caf::error&) { FAIL("it cannot be deleted"); });
  watching->receive([](const caf::down_msg& down) { CHECK(from_caf(down.reason).code == errc::not_found); });

  auto hasty = follower_options{};
  hasty.locate_ms = 100;
  const auto nowhere = node.system().spawn([](directory_actor::pointer) -> directory_actor::behavior_type {
    return {[](locate_atom, const std::string&) -> caf::result<document_actor> {
      return make_error(error{errc::moved, "nobody has it"});
    }};
  });
  const auto lost = spawn_follower(node.system(), nowhere, "notes", {}, hasty);
  compat::ask(one.self.ptr(), lost, std::chrono::seconds{30}, edit_atom_v, saying("b"))
      .receive([](std::uint64_t) { FAIL("nobody has the document"); },
               [](const caf::error& why) { CHECK(from_caf(why).code == errc::moved); });
}
