// A node: one store, one actor system and the actors that make documents of them. The front (net/, or a program that
// embeds octavo) opens sessions on it; everything else happens by messages.
//
// Thread-safe, but for construction and destruction.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/log_writer.hpp"
#include "actors/metrics.hpp"
#include "actors/options.hpp"
#include "actors/registry.hpp"
#include "actors/session.hpp"

namespace octavo::storage {
class store;
}

namespace octavo::actors {

/// Registers octavo's message types with CAF. Call it once, before the first actor system is made.
void init_messages();

/// One document in a listing.
struct document_summary {
  std::string name;
  std::uint64_t seq = 0;
  std::int64_t updated_ms = 0;
  std::uint64_t log_bytes = 0;
  bool quarantined = false;
};

struct document_listing {
  std::vector<document_summary> documents;
  bool more = false;  ///< list again after the last name
};

/// Makes what a node's documents write to; a node that is alone takes spawn_log_writer().
using log_factory =
    std::function<log_writer_actor(caf::actor_system&, storage::store&, metrics&, const node_options&, fatal_handler)>;

class node {
 public:
  /// `store` outlives the node, and the node outlives the actor system's last message to it: destroy in that order.
  node(caf::actor_system& system, storage::store& store, const node_options& options, directory_factory directory,
       fatal_handler on_fatal, const log_factory& log = spawn_log_writer);
  ~node();
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  /// A client has connected. What it sends goes to the handle; what it must receive comes through `out`.
  session_actor open_session(std::string document, session_id id, client_identity who, outlet_ptr out);
  session_id next_session_id();

  /// Documents whose names begin with `prefix`, sorted by bytes, after the name `after`; at most `limit`. Reads the
  /// store: not for an I/O thread that others wait for, except for short pages.
  result<document_listing> list(std::string_view prefix, std::string_view after, std::size_t limit) const;

  /// Whether edits can be taken: false on a full disk.
  bool writable() const;

  /// Ends all documents in good order: what was taken is made durable, then sessions are closed. False if that took
  /// longer than `patience`; nothing that was acknowledged is lost even so.
  bool stop(std::chrono::milliseconds patience);

  metrics& counters() { return *counters_; }
  /// For whoever has given it a log whose actors end with the system only: they count as long as they live.
  std::shared_ptr<metrics> share_counters() const { return counters_; }
  const registry_actor& registry() const { return registry_; }

 private:
  caf::actor_system& system_;
  storage::store& store_;
  node_options options_;
  std::shared_ptr<metrics> counters_;
  registry_actor registry_;
  log_writer_actor log_writer_;
  std::vector<loader_actor> loaders_;
  loader_actor loader_pool_;
  snapshotter_actor snapshotter_;
  historian_actor historian_;
  historian_actor reviser_;
  std::atomic<session_id> last_session_{0};
};

}  // namespace octavo::actors
