// `octavo serve --cluster`: what makes a node a member of a cluster. It joins the directory, gives the node its shard
// host where a single one has its log writer and its directory, and opens the peer port.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "actors/node.hpp"
#include "app/settings.hpp"

namespace caf {
class actor_system_config;
}

namespace octavo::app {

class cluster_node {
 public:
  /// What CAF must know before there is an actor system: the modules for other nodes, and when one of them counts as
  /// silent. errc::invalid_argument: the certificates.
  static result<void> configure(const serve_options& options, caf::actor_system_config& config);

  /// Joins; see cluster::membership::join(). The store is this node's.
  static result<std::unique_ptr<cluster_node>> join(const serve_options& options, storage::store& store);
  ~cluster_node();
  cluster_node(const cluster_node&) = delete;
  cluster_node& operator=(const cluster_node&) = delete;

  /// For the node's construction.
  actors::log_factory log();
  actors::directory_factory directory();
  /// The node is there: opens the peer port and takes part. errc::io_error: the port.
  result<void> start(caf::actor_system& system);
  /// Where a document lives. Any thread.
  net::document_place place(std::string_view document);
  /// Who is told that the node is to become empty, or not any more; nothing: nobody. What was so before is told at
  /// once. Called on any thread; it must not block.
  void on_drain(std::function<void(bool)> tell);
  /// Takes no part any more; the others need not wait for the lease.
  void leave();
  /// One line about it.
  std::string description() const;

 private:
  class impl;
  explicit cluster_node(std::unique_ptr<impl> made);
  std::unique_ptr<impl> impl_;
};

}  // namespace octavo::app
