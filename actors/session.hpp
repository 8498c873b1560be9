// A session: one client's connection as the actors see it. It knows who the client is and what it may do, numbers what
// the client asks, and holds back "tell me when this is durable" until it is. What the client receives does not pass
// through here: the relay hands it to the outlets.
#pragma once

#include <deque>

#include "actors/interfaces.hpp"
#include "actors/metrics.hpp"
#include "actors/options.hpp"

namespace octavo::actors {

/// Who the client is and what it may do.
struct client_identity {
  std::string user;  ///< as the token says; empty: nobody in particular
  bool may_write = true;
};

/// The session without its messages. Affinity: its actor.
class session_state {
 public:
  session_state(session_id id, client_identity who, outlet_ptr out, session_options options);

  /// Takes one thing that the client sent. What the relay must hear is added to `out`.
  void input(client_input what, std::vector<request>& out);

  /// All asked up to `op` is answered (0: nothing more than before), and `bytes` of the window are free.
  void acked(std::uint64_t op, std::uint64_t bytes);

  /// The edit `op` was not taken: nothing counts as durable until the client has sent all that the server lacks.
  void refused(std::uint64_t op);

  /// Asks for all that came after `seq`.
  request resync(std::uint64_t seq);

  session_id id() const { return id_; }
  const client_identity& who() const { return who_; }
  const outlet_ptr& out() const { return out_; }

 private:
  struct marker {
    std::uint64_t op;
    payload data;
  };

  void echo_what_is_durable();

  session_id id_;
  client_identity who_;
  outlet_ptr out_;
  session_options options_;
  std::uint64_t last_op_ = 0;
  std::uint64_t acked_op_ = 0;
  std::uint64_t answer_op_ = 0;   ///< the last `answer` that the client sent; of a reader 0, as it never heals
  std::uint64_t refused_op_ = 0;  ///< the last edit that was not taken; 0: all were
  std::deque<marker> markers_;
};

/// Spawns the session's actor. It asks the registry for the document's relay and enters it; until then what the client
/// sends waits here, bounded by the connection's window.
session_actor spawn_session(caf::actor_system& system, registry_actor registry, std::string document, session_id id,
                            client_identity who, outlet_ptr out, session_options options, metrics& counters);

}  // namespace octavo::actors
