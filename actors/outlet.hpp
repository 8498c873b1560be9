// Where a relay's output leaves the actors: one outlet per I/O thread. net/ implements it for sockets, tests for
// recording. This is the only way out for what a session receives, so that the order of one session's frames is the
// order of the calls. All functions are thread-safe and never block.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/messages.hpp"

namespace octavo::actors {

/// A document on this node, as its connections are grouped by; unique within a run.
using relay_id = std::uint64_t;

/// What one I/O thread must send after a burst.
struct delivery {
  relay_id relay = 0;
  std::vector<reply> replies;  ///< for single sessions, first
  payload update;              ///< for all sessions of the relay but `except`
  std::uint64_t seq = 0;       ///< the last sequence number in `update`
  std::uint64_t edits = 0;
  session_id except = 0;
  payload presence;            ///< for all sessions of the relay
  payload state_vector;        ///< not empty: ask all sessions of the relay for what the server lacks
  std::vector<ack> acks;       ///< windows of single sessions, last: so many bytes of each are free again
  std::function<void()> done;  ///< called on the I/O thread once all writes are under way; may be empty
};

class outlet {
 public:
  virtual ~outlet() = default;

  virtual void deliver(delivery what) = 0;

  /// Adds a session to those that receive the relay's broadcasts.
  virtual void attach(session_id session, relay_id relay) = 0;

  virtual void close(session_id session, close_reason reason, std::string text) = 0;

  /// Closes all sessions of a relay.
  virtual void close_all(relay_id relay, close_reason reason, std::string text) = 0;
};

using outlet_ptr = std::shared_ptr<outlet>;

}  // namespace octavo::actors
