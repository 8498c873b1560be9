// The two ways of framing the Yjs sync protocol that the servers under test speak: y-websocket's (octavo speaks it too)
// and Hocuspocus's. Turns frames into what they mean and back. Pure; shared by all clients of a run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crdt/bytes.hpp"

namespace octavo::bench {

enum class dialect { y_websocket, hocuspocus };

std::optional<dialect> dialect_named(std::string_view name);

/// What a frame from the server says. `body` looks into the frame.
struct server_message {
  enum class kind {
    other,          ///< nothing that a load generator needs
    step1,          ///< body: the server's state vector
    step2,          ///< body: an update; what the client lacked
    update,         ///< body: an update
    authenticated,  ///< Hocuspocus: the document may be used
    denied,         ///< body: the reason as text
    acknowledged,   ///< y-websocket: `number` as it was asked for; Hocuspocus: one more message was accepted
    refused,        ///< Hocuspocus: one message was not accepted
    ping,           ///< Hocuspocus: to be answered with make_pong()
  };
  kind what = kind::other;
  bytes_view body;
  std::uint64_t number = 0;
};

server_message read_frame(dialect speech, bytes_view frame);

/// The target of the WebSocket request: the document's path, or for Hocuspocus the root.
std::string request_target(dialect speech, std::string_view document);

/// Hocuspocus's first message, with no token; empty for y-websocket, which has none.
bytes make_authentication(dialect speech, std::string_view document);
bytes make_step1(dialect speech, std::string_view document, bytes_view state_vector);
bytes make_step2(dialect speech, std::string_view document, bytes_view update);
bytes make_update(dialect speech, std::string_view document, bytes_view update);
/// Asks that `number` comes back once all before it is durable (message 102). Empty for Hocuspocus, which acknowledges
/// each message unasked.
bytes make_acknowledgement_request(dialect speech, std::uint64_t number);
bytes make_pong();

}  // namespace octavo::bench
