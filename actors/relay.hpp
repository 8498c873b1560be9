// A relay: the local side of one document on one node. Inwards it gathers what its sessions ask into bursts, with at
// most a window of bytes that the document has not answered. Outwards it hands each burst to the I/O threads that have
// sessions of it, once a thread. While they are still busy with the last one, what follows is merged, so that slow
// sockets make bursts larger and never the queue longer.
#pragma once

#include <map>
#include <unordered_map>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/metrics.hpp"
#include "actors/options.hpp"

namespace octavo::actors {

/// The relay without its messages. Affinity: its actor.
class relay_state {
 public:
  relay_state(relay_id id, relay_options options, metrics& counters);
  ~relay_state();
  relay_state(const relay_state&) = delete;
  relay_state& operator=(const relay_state&) = delete;

  // --- sessions ---
  void enter(const session_start& session);
  void leave(session_id session);
  bool has_sessions() const { return !sessions_.empty(); }

  // --- towards the document ---
  /// Queues what sessions ask. A session that this would push over the relay's bound is closed instead.
  void ask(relay_burst burst);
  /// What may be sent now; empty if nothing waits or the window is full.
  relay_burst next_requests();

  // --- towards the sessions ---
  /// What the sessions' actors must be told of a burst.
  struct notice {
    session_actor to;
    ack what;
    bool refused = false;
    std::string reason;
  };
  std::vector<notice> receive(document_burst burst);
  /// Hands out what has gathered, unless outlets are busy. `done` is called once for each outlet that got something.
  void flush(const std::function<void()>& done);
  void flushed() { --busy_outlets_; }

  void close_all(close_reason reason, const std::string& text);

 private:
  struct member {
    session_actor actor;
    std::size_t outlet;
  };
  struct exit {
    outlet_ptr out;
    std::size_t sessions = 0;
  };
  struct gathered {
    std::vector<reply> replies;
    std::vector<payload> updates;
    std::vector<payload> presence;
    payload state_vector;
    std::uint64_t seq = 0;
    std::uint64_t edits = 0;
    session_id only_from = 0;
    bool several_writers = false;
    bool empty() const { return replies.empty() && updates.empty() && presence.empty() && state_vector.empty(); }
  };

  std::size_t outlet_index(const outlet_ptr& out);

  counted_open open_;
  relay_id id_;
  relay_options options_;
  metrics& counters_;
  std::unordered_map<session_id, member> sessions_;
  std::vector<exit> outlets_;
  std::vector<request> queue_;
  std::size_t queue_bytes_ = 0;
  std::size_t unanswered_bytes_ = 0;
  gathered out_;
  std::size_t busy_outlets_ = 0;
};

/// Spawns the relay of a document. It looks the document up in the directory and joins it; when the document fails,
/// all its sessions are closed and it ends.
relay_actor spawn_relay(caf::actor_system& system, std::string document, relay_id id, directory_actor directory,
                        registry_actor registry, relay_options options, metrics& counters);

}  // namespace octavo::actors
