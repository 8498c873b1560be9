// A program that has a node of its own, without a network: it opens a store, asks for a document's actor and prints the
// document as JSON. While it runs, the store is its own: no server can have it open.
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <cstdlib>
#include <iostream>

#include "actors/node.hpp"
#include "cluster/single_node.hpp"
#include "crdt/document.hpp"
#include "storage/store.hpp"

int main(int argc, char** argv) {
  using namespace octavo;
  using namespace std::chrono_literals;
  if (argc != 3) {
    std::cerr << "usage: embedded_node DATA_FOLDER DOCUMENT\n";
    return 2;
  }
  // octavo's loggers take after the default one, which writes to standard output unless it is replaced.
  spdlog::set_default_logger(spdlog::stderr_logger_mt("embedded_node"));
  auto options = storage::store_options{};
  options.path = argv[1];
  options.retention_ms = 10min;  // so far back can be looked, and edits be made as of what was seen
  auto store = storage::store::open(options);
  if (!store) {
    std::cerr << store.error().message << '\n';
    return 1;
  }
  // The order matters: the node ends before the actor system, and that before the store.
  actors::init_messages();
  auto config = caf::actor_system_config{};
  auto system = caf::actor_system{config};
  // A disk that failed cannot be survived: what was acknowledged is on it, and the process must end.
  auto node =
      actors::node{system, **store, {}, cluster::spawn_single_node_directory, [](const error&) { std::abort(); }};

  auto self = caf::scoped_actor{system};
  auto failed = [](const caf::error& why) { std::cerr << actors::from_caf(why).message << '\n'; };
  auto found = actors::document_actor{};
  compat::ask(self.ptr(), node.registry(), 10s, actors::document_atom_v, std::string{argv[2]})
      .receive([&](const actors::document_actor& document) { found = document; }, failed);
  if (!found) return 1;
  // The answer waits until everything in it is durable, like all that a document says.
  auto status = 1;
  compat::ask(self.ptr(), found, 10s, actors::state_atom_v)
      .receive(
          [&](const actors::payload& state) {
            auto document = crdt::document{};
            if (!document.apply_v1(state.view())) return;
            std::cout << document.to_json() << '\n';
            status = 0;
          },
          failed);
  node.stop(10s);
  return status;
}
