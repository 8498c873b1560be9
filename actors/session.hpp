// A session: one client's connection as the actors see it. It knows who the client is and what it may do, and numbers
// what the client asks. What the client receives does not pass through here: the relay hands it to the outlets.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/metrics.hpp"

namespace octavo::actors {

/// Who the client is and what it may do.
struct client_identity {
  std::string user;  ///< as the token says; empty: nobody in particular
  bool may_write = true;
};

/// The session without its messages. Affinity: its actor.
class session_state {
 public:
  session_state(session_id id, client_identity who) : id_(id), who_(std::move(who)) {}

  /// What the document must be asked for what the client sent: its nth input is the op n.
  request input(client_input what);

  /// Asks for all that came after `seq`.
  request resync(std::uint64_t seq) const { return {id_, request_kind::resync, 0, seq, {}}; }

  session_id id() const { return id_; }
  const client_identity& who() const { return who_; }

 private:
  session_id id_;
  client_identity who_;
  std::uint64_t last_op_ = 0;
};

/// Spawns the session's actor. It asks the registry for the document's relay and enters it; until then what the client
/// sends waits here, bounded by the connection's window.
session_actor spawn_session(caf::actor_system& system, registry_actor registry, std::string document, session_id id,
                            client_identity who, outlet_ptr out, metrics& counters);

}  // namespace octavo::actors
