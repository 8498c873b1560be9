// A program that hosts documents inside its own actor system, without a network: it opens a store, appends its standard
// input to a document, line by line, and tells what the document says after each edit. While it runs, the store is its
// own: no server can have it open.
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <cstdlib>
#include <iostream>

#include "actors/follower.hpp"
#include "actors/node.hpp"
#include "cluster/single_node.hpp"
#include "storage/store.hpp"

namespace {

using namespace octavo;

/// Has a copy of the document, and prints its text whenever that changes.
actors::subscriber_actor::behavior_type reader(actors::subscriber_actor::pointer) {
  return {[copy = std::make_shared<crdt::document>()](const actors::document_burst& burst) {
    if (!burst.update.empty() && copy->apply_v1(burst.update.view()))
      std::cout << burst.seq << ": " << copy->text("text") << '\n';
  }};
}

actors::server_edit saying(const std::string& line) {
  auto what = actors::edit_operation{};
  what.kind = actors::edit_kind::insert_text;
  what.target.root = "text";
  what.text = line;
  return {"host", {what}};
}

}  // namespace

int main(int argc, char** argv) {
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
  const auto document = actors::spawn_follower(system, directory, argv[2], system.spawn(reader), {});

  auto self = caf::scoped_actor{system};
  auto status = 0;
  for (auto line = std::string{}; status == 0 && std::getline(std::cin, line);)
    compat::ask(self.ptr(), document, 10s, actors::edit_atom_v, saying(line))
        .receive([](std::uint64_t) {},
                 [&](const caf::error& why) {
                   std::cerr << actors::from_caf(why).message << '\n';
                   status = 1;
                 });
  // What an answer shows is durable.
  compat::ask(self.ptr(), document, 10s, actors::read_atom_v, actors::read_request{actors::read_format::json, {}})
      .receive([](const actors::payload& json) { std::cout << as_text(json.view()) << '\n'; },
               [&](const caf::error&) { status = 1; });
  compat::end(document);
  node.stop(10s);
  return status;
}
