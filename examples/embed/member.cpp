// A program that is a member of a cluster and owns no shards: it appends its standard input to a document, line by
// line, wherever that lives and however often it moves, and tells what the document says after each edit of anybody.
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <iostream>

#include "actors/follower.hpp"
#include "actors/node.hpp"
#include "cluster/guest.hpp"
#include "cluster/shard_host.hpp"

namespace {

using namespace octavo;

/// Has a copy of the document, and prints its text whenever that changes.
actors::subscriber_actor::behavior_type reader(actors::subscriber_actor::pointer) {
  return {[copy = std::make_shared<crdt::document>()](const actors::document_burst& burst) {
    if (!burst.update.empty() && copy->apply_v1(burst.update.view()))
      std::cout << burst.seq << ": " << copy->text("text") << std::endl;
  }};
}

actors::server_edit saying(const std::string& line) {
  auto what = actors::edit_operation{};
  what.kind = actors::edit_kind::insert_text;
  what.target.root = "text";
  what.text = line;
  return {"member", {what}};
}

}  // namespace

int main(int argc, char** argv) {
  using namespace std::chrono_literals;
  if (argc != 3 && argc != 6) {
    std::cerr << "usage: member ETCD_URL DOCUMENT [CERTIFICATE KEY CA]\n";
    return 2;
  }
  spdlog::set_default_logger(spdlog::stderr_logger_mt("member"));
  auto options = cluster::guest_options{};
  options.name = "member";
  options.etcd = argv[1];
  if (argc == 6) options.tls = {argv[3], argv[4], argv[5]};
  actors::init_messages();
  cluster::init_messages();
  auto config = caf::actor_system_config{};
  if (auto configured = cluster::guest::configure(options, config); !configured) {
    std::cerr << configured.error().message << '\n';
    return 1;
  }
  auto system = caf::actor_system{config};
  auto here = cluster::guest::join(system, options);
  if (!here) {
    std::cerr << here.error().message << '\n';
    return 1;
  }
  const auto document = actors::spawn_follower(system, (*here)->directory(), argv[2], system.spawn(reader), {});

  auto self = caf::scoped_actor{system};
  auto status = 0;
  for (auto line = std::string{}; status == 0 && std::getline(std::cin, line);)
    compat::ask(self.ptr(), document, 30s, actors::edit_atom_v, saying(line))
        .receive([](std::uint64_t) {},
                 [&](const caf::error& why) {
                   std::cerr << actors::from_caf(why).message << '\n';
                   status = 1;
                 });
  // What an answer shows is on the disks of a majority.
  compat::ask(self.ptr(), document, 30s, actors::read_atom_v, actors::read_request{actors::read_format::json, {}})
      .receive([](const actors::payload& json) { std::cout << as_text(json.view()) << '\n'; },
               [&](const caf::error&) { status = 1; });
  compat::end(document);
  return status;
}
