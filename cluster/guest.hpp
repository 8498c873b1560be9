// A program with an actor system of its own that takes part in a cluster without owning shards or having a disk: it
// finds documents by name, wherever they are, and talks to their actors by typed messages (actors/interfaces.hpp).
//
//   auto config = caf::actor_system_config{};
//   actors::init_messages(), cluster::init_messages();
//   guest::configure(options, config);
//   auto system = caf::actor_system{config};
//   auto here = guest::join(system, options);       // (*here)->directory() answers locate_atom
//
// A guest reads etcd and dials the nodes; nobody dials it. Whoever is let in by its certificate can do all that a node
// can: it is a part of the cluster and no client.
#pragma once

#include <memory>
#include <string>

#include "actors/interfaces.hpp"
#include "cluster/document_finder.hpp"
#include "cluster/peer_certs.hpp"

namespace caf {
class actor_system_config;
}

namespace octavo::cluster {

struct guest_options {
  std::string name = "guest";  ///< for the nodes' logs
  std::string etcd;            ///< where the cluster's etcd is, such as etcd://10.0.0.1:2379
  std::string prefix = "octavo/";
  peer_tls_options tls;  ///< as the nodes have it
  finder_options finder;
  std::int64_t clock_skew_ms_max = 10'000;  ///< between this machine's clock and etcd's
};

class guest {
 public:
  /// What CAF must know before there is an actor system. errc::invalid_argument: the certificates.
  static result<void> configure(const guest_options& options, caf::actor_system_config& config);

  /// Reads what etcd knows, and begins to connect. The system outlives the guest. errc::not_found: there is no cluster;
  /// errc::unavailable: etcd cannot be reached; errc::invalid_argument: the nodes cannot work with this program.
  static result<std::unique_ptr<guest>> join(caf::actor_system& system, const guest_options& options);
  ~guest();
  guest(const guest&) = delete;
  guest& operator=(const guest&) = delete;

  /// Finds the actor of a document, for finder_options::find_ms while nobody has it: then errc::moved.
  const actors::directory_actor& directory() const { return directory_; }

 private:
  class impl;
  explicit guest(std::unique_ptr<impl> made);
  std::unique_ptr<impl> impl_;
  actors::directory_actor directory_;
};

}  // namespace octavo::cluster
