// The y-websocket dialect, as docs/protocols.md tells it.
#include "crdt/lib0.hpp"
#include "net/dialect.hpp"

namespace octavo::net {

namespace {

using actors::client_input;
using actors::close_reason;
using actors::payload;

/// First number of a frame. Do not renumber: the clients know these.
enum class message : std::uint64_t { sync = 0, awareness = 1, auth = 2, query_awareness = 3, marker = 102 };
enum class sync_message : std::uint64_t { step1 = 0, step2 = 1, update = 2 };

/// A marker holds a client's own count; there is no reason for more than a few bytes.
constexpr std::size_t marker_bytes_max = 1024;

void append_varuint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>((value & 0x7f) | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

out_frame framed(std::initializer_list<std::uint64_t> numbers, payload body) {
  auto frame = out_frame{};
  for (auto number : numbers) append_varuint(frame.prefix, number);
  append_varuint(frame.prefix, body.size());
  frame.body = std::move(body);
  return frame;
}

out_frame sync_frame(sync_message kind, payload body) {
  return framed({static_cast<std::uint64_t>(message::sync), static_cast<std::uint64_t>(kind)}, std::move(body));
}

class y_websocket_dialect final : public dialect {
 public:
  parsed_frame parse(bytes_view frame) const override {
    auto reader = crdt::lib0_reader{frame};
    auto kind = std::uint64_t{0};
    if (!reader.var_uint(kind)) return {{}, "an empty frame"};
    switch (static_cast<message>(kind)) {
      case message::sync:
        return parse_sync(reader);
      case message::awareness:
        return with_buffer(reader, client_input::kind_type::presence);
      case message::query_awareness:
        // Y-Sweet's client answers a query with a query that carries its own states.
        if (!reader.at_end()) return with_buffer(reader, client_input::kind_type::presence);
        return {client_input{client_input::kind_type::query_presence, {}}, {}};
      case message::marker: {
        auto ignored = bytes_view{};
        if (frame.size() > marker_bytes_max || !reader.var_bytes(ignored) || !reader.at_end())
          return {{}, "a malformed marker"};
        return {client_input{client_input::kind_type::marker, payload::copy_of(frame)}, {}};
      }
      case message::auth:
        return {};  // only servers have something to say here
    }
    return {{}, "a message of an unknown type"};
  }

  out_frame state_vector(payload data) const override { return sync_frame(sync_message::step1, std::move(data)); }
  out_frame update(payload data) const override { return sync_frame(sync_message::update, std::move(data)); }
  out_frame synced(payload data) const override { return sync_frame(sync_message::step2, std::move(data)); }
  out_frame presence(payload data) const override {
    return framed({static_cast<std::uint64_t>(message::awareness)}, std::move(data));
  }
  out_frame echo(payload marker) const override { return {{}, std::move(marker)}; }
  out_frame refused(std::string_view why) const override {
    return framed({static_cast<std::uint64_t>(message::auth), 0}, payload::copy_of(why));
  }
  out_frame keepalive() const override { return {std::string{"\x01\x01\x00", 3}, {}}; }

  std::uint16_t close_code(close_reason reason) const override {
    // The provider never comes back after 4400 to 4499, and retries after all others.
    switch (reason) {
      case close_reason::normal:
        return 1000;
      case close_reason::fault:
        return 1011;
      case close_reason::try_again:
        return 1013;
      case close_reason::going_away:
        return 1012;
      case close_reason::bad_messages:
        return 1008;
      case close_reason::update_refused:
        return 4400;
      case close_reason::unauthenticated:
        return 4401;
      case close_reason::forbidden:
        return 4403;
      case close_reason::deleted:
        return 4404;
    }
    return 1011;
  }

 private:
  static parsed_frame parse_sync(crdt::lib0_reader& reader) {
    auto kind = std::uint64_t{0};
    if (!reader.var_uint(kind)) return {{}, "a sync message without a kind"};
    switch (static_cast<sync_message>(kind)) {
      case sync_message::step1:
        return with_buffer(reader, client_input::kind_type::sync);
      case sync_message::step2:
        return with_buffer(reader, client_input::kind_type::answer);
      case sync_message::update:
        return with_buffer(reader, client_input::kind_type::edit);
    }
    return {{}, "a sync message of an unknown kind"};
  }

  static parsed_frame with_buffer(crdt::lib0_reader& reader, client_input::kind_type kind) {
    auto data = bytes_view{};
    if (!reader.var_bytes(data)) return {{}, "a frame that ends too early"};
    if (!reader.at_end()) return {{}, "a frame with bytes after its message"};
    return {client_input{kind, payload::copy_of(data)}, {}};
  }
};

}  // namespace

const dialect& y_websocket() {
  static const auto instance = y_websocket_dialect{};
  return instance;
}

}  // namespace octavo::net
