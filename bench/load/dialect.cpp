#include "bench/load/dialect.hpp"

#include "bench/load/yjs_text.hpp"

namespace octavo::bench {

namespace {

constexpr std::uint64_t message_sync = 0;
constexpr std::uint64_t message_auth = 2;
constexpr std::uint64_t message_sync_reply = 4;   // Hocuspocus
constexpr std::uint64_t message_sync_status = 8;  // Hocuspocus
constexpr std::uint64_t message_ping = 9;         // Hocuspocus
constexpr std::uint64_t message_pong = 10;        // Hocuspocus
constexpr std::uint64_t message_durable = 102;    // Y-Sweet and octavo
constexpr std::uint64_t sync_step1 = 0;
constexpr std::uint64_t sync_step2 = 1;
constexpr std::uint64_t sync_update = 2;
constexpr std::uint64_t auth_denied = 1;
constexpr std::uint64_t auth_granted = 2;

// A Hocuspocus server sends pings only to a client that tells a version.
constexpr std::string_view hocuspocus_version = "4.7.0";

using kind = server_message::kind;

bytes start_frame(dialect speech, std::string_view document) {
  bytes out;
  if (speech == dialect::hocuspocus) append_buffer(out, as_bytes(document));
  return out;
}

bytes make_sync(dialect speech, std::string_view document, std::uint64_t step, bytes_view body) {
  auto out = start_frame(speech, document);
  append_varuint(out, message_sync);
  append_varuint(out, step);
  append_buffer(out, body);
  return out;
}

server_message read_sync(byte_reader& in) {
  const auto step = in.varuint();
  const auto body = in.buffer();
  if (!in.ok()) return {};
  switch (step) {
    case sync_step1:
      return {kind::step1, body};
    case sync_step2:
      return {kind::step2, body};
    case sync_update:
      return {kind::update, body};
    default:
      return {};
  }
}

server_message read_hocuspocus(bytes_view frame) {
  if (frame.size() == 1) {
    return std::to_integer<std::uint64_t>(frame[0]) == message_ping ? server_message{kind::ping, {}} : server_message{};
  }
  byte_reader in(frame);
  in.buffer();  // the document's name
  switch (in.varuint()) {
    case message_sync:
    case message_sync_reply:
      return read_sync(in);
    case message_sync_status:
      return {in.varuint() == 1 ? kind::acknowledged : kind::refused, {}};
    case message_auth: {
      const auto answer = in.varuint();
      if (answer == auth_granted) return {kind::authenticated, {}};
      if (answer == auth_denied) return {kind::denied, in.buffer()};
      return {};
    }
    default:
      return {};
  }
}

server_message read_y_websocket(bytes_view frame) {
  byte_reader in(frame);
  switch (in.varuint()) {
    case message_sync:
      return in.ok() ? read_sync(in) : server_message{};
    case message_auth:
      return in.varuint() == 0 ? server_message{kind::denied, in.buffer()} : server_message{};
    case message_durable: {
      byte_reader body(in.buffer());
      const auto number = body.varuint();
      return body.ok() ? server_message{kind::acknowledged, {}, number} : server_message{};
    }
    default:
      return {};
  }
}

}  // namespace

std::optional<dialect> dialect_named(std::string_view name) {
  if (name == "y-websocket") return dialect::y_websocket;
  if (name == "hocuspocus") return dialect::hocuspocus;
  return std::nullopt;
}

server_message read_frame(dialect speech, bytes_view frame) {
  return speech == dialect::hocuspocus ? read_hocuspocus(frame) : read_y_websocket(frame);
}

std::string request_target(dialect speech, std::string_view document) {
  return speech == dialect::hocuspocus ? "/" : "/" + std::string(document);
}

bytes make_authentication(dialect speech, std::string_view document) {
  if (speech != dialect::hocuspocus) return {};
  auto out = start_frame(speech, document);
  append_varuint(out, message_auth);
  append_varuint(out, 0);
  append_buffer(out, {});
  append_buffer(out, as_bytes(hocuspocus_version));
  return out;
}

bytes make_step1(dialect speech, std::string_view document, bytes_view state_vector) {
  return make_sync(speech, document, sync_step1, state_vector);
}

bytes make_step2(dialect speech, std::string_view document, bytes_view update) {
  return make_sync(speech, document, sync_step2, update);
}

bytes make_update(dialect speech, std::string_view document, bytes_view update) {
  return make_sync(speech, document, sync_update, update);
}

bytes make_acknowledgement_request(dialect speech, std::uint64_t number) {
  if (speech == dialect::hocuspocus) return {};
  bytes body;
  append_varuint(body, number);
  bytes out;
  append_varuint(out, message_durable);
  append_buffer(out, body);
  return out;
}

bytes make_pong() {
  return {static_cast<std::byte>(message_pong)};
}

}  // namespace octavo::bench
