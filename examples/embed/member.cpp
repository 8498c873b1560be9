// A program that is a member of a cluster and owns no shards: it writes its standard input to a document, line by line,
// wherever that lives and however often it moves, and tells what that says after each edit of anybody
// (conversation.hpp).
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <iostream>

#include "actors/node.hpp"
#include "cluster/guest.hpp"
#include "cluster/shard_host.hpp"
#include "conversation.hpp"

int main(int argc, char** argv) {
  using namespace octavo;
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
  return converse(system, (*here)->directory(), argv[2], "member");
}
