// A program that hosts documents inside its own actor system, without a network: it opens a store, writes its standard
// input to a document, line by line, and tells what that says after each edit (conversation.hpp). While it runs, the
// store is its own: no server can have it open.
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <cstdlib>
#include <iostream>

#include "actors/node.hpp"
#include "cluster/single_node.hpp"
#include "conversation.hpp"
#include "storage/store.hpp"

int main(int argc, char** argv) {
  using namespace octavo;
  using namespace std::chrono_literals;
  if (argc != 3) {
    std::cerr << "usage: host DATA_FOLDER DOCUMENT\n";
    return 2;
  }
  // octavo's loggers take after the default one, which writes to standard output unless it is replaced.
  spdlog::set_default_logger(spdlog::stderr_logger_mt("host"));
  auto options = storage::store_options{};
  options.path = argv[1];
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
  const auto directory = cluster::spawn_single_node_directory(system, node.registry());
  const auto status = converse(system, directory, argv[2], "host");
  node.stop(10s);
  return status;
}
