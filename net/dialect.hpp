// A dialect: how one kind of client writes its messages into WebSocket frames. Parsing turns a frame into what the
// session understands; encoding puts a few bytes before a payload that all receivers share. Stateless, and so one
// object serves all connections.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "actors/interfaces.hpp"

namespace octavo::net {

/// A frame on its way out: the prefix is the connection's own, the payload may be shared by thousands.
struct out_frame {
  std::string prefix;
  actors::payload body;
  std::size_t size() const { return prefix.size() + body.size(); }
};

struct parsed_frame {
  /// What the session must hear; nothing for a message that needs no answer.
  std::optional<actors::client_input> input;
  /// Empty, or what is wrong with the frame.
  std::string_view error;
};

class dialect {
 public:
  virtual ~dialect() = default;

  /// Reads one frame. The input owns its bytes.
  virtual parsed_frame parse(bytes_view frame) const = 0;

  virtual out_frame state_vector(actors::payload data) const = 0;
  virtual out_frame update(actors::payload data) const = 0;
  virtual out_frame synced(actors::payload data) const = 0;
  virtual out_frame presence(actors::payload data) const = 0;
  virtual out_frame echo(actors::payload marker) const = 0;
  /// An edit was not taken; the connection stays.
  virtual out_frame refused(std::string_view why) const = 0;
  /// A harmless data frame for clients that leave when they hear nothing.
  virtual out_frame keepalive() const = 0;
  virtual std::uint16_t close_code(actors::close_reason reason) const = 0;
};

/// What the stock provider y-websocket speaks, and message 102 of Y-Sweet: "tell me when this is durable".
const dialect& y_websocket();

}  // namespace octavo::net
