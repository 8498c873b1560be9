// The directory of a node that is alone: every document lives here.
#pragma once

#include "actors/interfaces.hpp"

namespace octavo::cluster {

/// Answers every question with the registry's own document.
actors::directory_actor spawn_single_node_directory(caf::actor_system& system, const actors::registry_actor& registry);

}  // namespace octavo::cluster
