// The registry: which documents and relays are open on this node, by name. It makes them when they are first asked
// for, so that however many ask at once there is one of each, and lets them go when they ask to leave.
#pragma once

#include <functional>

#include "actors/interfaces.hpp"
#include "actors/metrics.hpp"
#include "actors/options.hpp"

namespace octavo::storage {
class store;
}

namespace octavo::actors {

/// What every document of the node shares.
struct registry_peers {
  log_writer_actor log_writer;
  loader_actor loader;
  snapshotter_actor snapshotter;
  historian_actor historian;  ///< for what is read
  historian_actor reviser;    ///< for what becomes an edit
};

/// Makes the directory once the registry exists, since each needs the other: on one node it answers with the
/// registry's own documents.
using directory_factory = std::function<directory_actor(caf::actor_system&, const registry_actor&)>;

registry_actor spawn_registry(caf::actor_system& system, registry_peers peers, directory_factory make_directory,
                              node_options options, const storage::store& disk, metrics& counters);

}  // namespace octavo::actors
