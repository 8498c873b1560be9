#include "cluster/single_node.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/caf_compat.hpp"

namespace octavo::cluster {

namespace {

class single_node_directory {
 public:
  static inline const char* name = "octavo.single_node_directory";

  single_node_directory(actors::directory_actor::pointer self, const actors::registry_actor& registry)
      : self_(self), registry_(registry) {}

  actors::directory_actor::behavior_type make_behavior() {
    // The registry holds us and we hold it: its end must be ours.
    watcher_.install(self_);
    watcher_.watch(self_, registry_, [this](const caf::error&) { self_->quit(); });
    return {
        [this](actors::locate_atom, std::string& name) {
          return compat::pass_on(self_, registry_, actors::document_atom_v, std::move(name));
        },
    };
  }

 private:
  actors::directory_actor::pointer self_;
  actors::registry_actor registry_;
  compat::watcher watcher_;
};

}  // namespace

actors::directory_actor spawn_single_node_directory(caf::actor_system& system, const actors::registry_actor& registry) {
  return system.spawn<actors::directory_actor::stateful_impl<single_node_directory>>(registry);
}

}  // namespace octavo::cluster
