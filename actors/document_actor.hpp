// The actor around document_state: loads the document, joins it to its relays, the log writer, the loader, the
// snapshotter and the historian, and lives as long as somebody has it open, and a while longer.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/metrics.hpp"
#include "actors/options.hpp"

namespace octavo::storage {
class store;
}

namespace octavo::actors {

/// Whom a document works with. All handles are of this node.
struct document_peers {
  log_writer_actor log_writer;
  loader_actor loader;
  snapshotter_actor snapshotter;
  historian_actor historian;  ///< for what is read
  historian_actor reviser;    ///< for what becomes an edit
  registry_actor registry;
};

/// Spawns the actor of a document. Only the registry does so, which makes sure that there is one. `disk` tells whether
/// edits can be taken at all; it and `counters` outlive the actor system.
document_actor spawn_document(caf::actor_system& system, std::string name, document_peers peers,
                              document_options options, const storage::store& disk, metrics& counters);

}  // namespace octavo::actors
