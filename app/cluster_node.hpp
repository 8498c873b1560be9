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

namespace octavo::storage {
class store;
}

namespace octavo::app {

class cluster_node {
 public:
  /// What CAF must know before there is an actor system: the modules for other nodes, and when one of them counts as
  /// silent. errc::invalid_argument: the certificates.
  static result<void> configure(const serve_options& options, caf::actor_system_config& config);

  /// Opens the node's store. One that is damaged, or was found to be so by a run before this one, is set aside where
  /// the other nodes have all that is on it, and a new one takes its place, which gets everything from them. One that
  /// cannot be set aside is opened as it is, if that is possible; otherwise see damaged_disk::begin_anew().
  static result<std::unique_ptr<storage::store>> open_store(const serve_options& options);
  /// Sets a store that is closed aside, and opens a new one in its place; see damaged_disk::begin_anew().
  static result<std::unique_ptr<storage::store>> open_anew(const serve_options& options, const error& damage);

  /// Joins; see cluster::membership::join(). The store is this node's. errc::corrupt: what it keeps of shards is
  /// damaged.
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
  /// The disk is damaged: as soon as the others can do without this node the process ends, and begins anew when it is
  /// started again. Any thread.
  void damaged(const error& what);
  /// Leaves word of damage for the next start, where the process ends at once. Any thread.
  void note_damage(const error& what);
  /// Damage is known, or a store that was set aside is still there.
  bool wants_a_look() const;
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
