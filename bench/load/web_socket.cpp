#include "bench/load/web_socket.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <cstring>
#include <vector>

namespace octavo::bench {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t read_buffer_bytes = 256 * 1024;
constexpr std::size_t handshake_bytes_max = 16 * 1024;
constexpr std::uint64_t message_bytes_max = 256u << 20;

constexpr std::uint8_t fin_bit = 0x80;
constexpr std::uint8_t opcode_mask = 0x0f;
constexpr std::uint8_t opcode_continuation = 0x0;
constexpr std::uint8_t opcode_text = 0x1;
constexpr std::uint8_t opcode_binary = 0x2;
constexpr std::uint8_t opcode_close = 0x8;
constexpr std::uint8_t opcode_ping = 0x9;
constexpr std::uint8_t opcode_pong = 0xa;
constexpr std::uint8_t mask_bit = 0x80;

// Any key will do: the answer to it is not checked, as the server is one that we started.
constexpr std::string_view handshake_key = "b2N0YXZvIGxvYWQgZ2VuIQ==";

// A frame's header, as far as it is there.
struct frame_header {
  std::uint8_t opcode = 0;
  bool fin = false;
  std::uint64_t length = 0;
  std::size_t header_bytes = 0;  // 0: not all of it has arrived
};

frame_header read_header(bytes_view data) {
  if (data.size() < 2) return {};
  const auto at = [&](std::size_t i) { return std::to_integer<std::uint64_t>(data[i]); };
  frame_header header;
  header.opcode = static_cast<std::uint8_t>(at(0) & opcode_mask);
  header.fin = (at(0) & fin_bit) != 0;
  header.length = at(1) & 0x7f;
  std::size_t extra = header.length == 126 ? 2 : header.length == 127 ? 8 : 0;
  if (data.size() < 2 + extra) return {};
  if (extra > 0) header.length = 0;
  for (std::size_t i = 0; i < extra; ++i) header.length = header.length << 8 | at(2 + i);
  header.header_bytes = 2 + extra;
  return header;
}

}  // namespace

struct web_socket::state : std::enable_shared_from_this<web_socket::state> {
  state(asio::io_context& io, callbacks heard) : socket(io), notify(std::move(heard)) {}

  asio::ip::tcp::socket socket;
  callbacks notify;
  bytes outgoing;        // queued, not yet given to the kernel
  bytes in_flight;       // what a pending write reads from
  bytes partial;         // the beginning of a frame whose end has not arrived
  bytes message;         // the fragments of a message so far
  std::string response;  // of the handshake
  bool opened = false;
  bool ended = false;
  bool writing = false;

  void end(std::string_view reason) {
    if (ended) return;
    close();
    if (notify.on_closed) notify.on_closed(reason);
  }

  void close() {
    ended = true;
    opened = false;
    error_code ignored;
    socket.close(ignored);
  }

  void connect(const asio::ip::tcp::endpoint& server, std::string target) {
    auto request = "GET " + target + " HTTP/1.1\r\nHost: " + server.address().to_string() + ":" +
                   std::to_string(server.port()) +
                   "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
                   std::string(handshake_key) + "\r\n\r\n";
    socket.async_connect(server, [self = shared_from_this(), request = std::move(request)](error_code error) {
      if (self->ended) return;
      if (error) return self->end(error.message());
      error_code ignored;
      self->socket.set_option(asio::ip::tcp::no_delay(true), ignored);
      self->socket.non_blocking(true, ignored);
      const auto data = as_bytes(request);
      self->outgoing.assign(data.begin(), data.end());
      self->flush();
      self->wait_readable();
    });
  }

  void wait_readable() {
    socket.async_wait(asio::ip::tcp::socket::wait_read, [self = shared_from_this()](error_code error) {
      if (self->ended) return;
      if (error) return self->end(error.message());
      self->read_some();
    });
  }

  void read_some() {
    static thread_local std::vector<std::byte> buffer(read_buffer_bytes);
    error_code error;
    const auto size = socket.read_some(asio::buffer(buffer), error);
    if (error == asio::error::would_block) return wait_readable();
    if (error) return end(error.message());
    consume(bytes_view(buffer).first(size));
    if (!ended) wait_readable();
  }

  void consume(bytes_view data) {
    if (!opened) {
      response.append(as_text(data));
      const auto end_of_header = response.find("\r\n\r\n");
      if (end_of_header == std::string::npos) {
        if (response.size() > handshake_bytes_max) end("the answer to the handshake does not end");
        return;
      }
      if (response.compare(0, 12, "HTTP/1.1 101") != 0) return end(response.substr(0, response.find('\r')));
      opened = true;
      const auto rest = std::exchange(response, {}).substr(end_of_header + 4);
      if (notify.on_open) notify.on_open();
      if (!ended && !rest.empty()) consume_frames(as_bytes(rest));
      return;
    }
    if (partial.empty()) return consume_frames(data);
    partial.insert(partial.end(), data.begin(), data.end());
    // Parse from a local buffer, since what is left over goes to `partial` again.
    const auto header = read_header(partial);
    if (header.header_bytes == 0 || partial.size() < header.header_bytes + header.length) return;
    const auto whole = std::exchange(partial, {});
    consume_frames(whole);
  }

  void consume_frames(bytes_view data) {
    while (!data.empty() && !ended) {
      const auto header = read_header(data);
      if (header.length > message_bytes_max) return end("a message is too large");
      if (header.header_bytes == 0 || data.size() - header.header_bytes < header.length) {
        partial.assign(data.begin(), data.end());
        return;
      }
      const auto size = static_cast<std::size_t>(header.length);
      consume_frame(header, data.subspan(header.header_bytes, size));
      data = data.subspan(header.header_bytes + size);
    }
  }

  void consume_frame(const frame_header& header, bytes_view payload) {
    switch (header.opcode) {
      case opcode_text:
      case opcode_binary:
      case opcode_continuation:
        if (header.fin && message.empty()) return notify.on_message(payload);
        if (message.size() + payload.size() > message_bytes_max) return end("a message is too large");
        message.insert(message.end(), payload.begin(), payload.end());
        if (header.fin) notify.on_message(std::exchange(message, {}));
        return;
      case opcode_ping:
        queue(opcode_pong, payload);
        flush();
        return;
      case opcode_close: {
        std::string reason = "closed by the server";
        if (payload.size() >= 2) {
          const auto code = std::to_integer<unsigned>(payload[0]) << 8 | std::to_integer<unsigned>(payload[1]);
          reason += " with " + std::to_string(code) + " " + std::string(as_text(payload.subspan(2)));
        }
        return end(reason);
      }
      default:
        return;
    }
  }

  void queue(std::uint8_t opcode, bytes_view payload) {
    const auto size = payload.size();
    outgoing.push_back(static_cast<std::byte>(fin_bit | opcode));
    int extra = size < 126 ? 0 : size <= 0xffff ? 2 : 8;
    outgoing.push_back(static_cast<std::byte>(mask_bit | (extra == 0 ? size : extra == 2 ? 126 : 127)));
    for (int i = extra - 1; i >= 0; --i) outgoing.push_back(static_cast<std::byte>(size >> (8 * i)));
    // A mask of zeros is allowed, and leaves the payload as it is: masks protect proxies, and here are none.
    outgoing.insert(outgoing.end(), 4, std::byte{0});
    outgoing.insert(outgoing.end(), payload.begin(), payload.end());
  }

  void flush() {
    if (writing || ended || outgoing.empty() || !socket.is_open()) return;
    error_code error;
    const auto size = socket.write_some(asio::buffer(outgoing), error);
    if (error && error != asio::error::would_block) {
      // Whoever called flush() is in the middle of something: the news comes from the event loop. What the server had
      // sent before is read first.
      return wait_for_the_end();
    }
    if (size == outgoing.size()) return outgoing.clear();
    outgoing.erase(outgoing.begin(), outgoing.begin() + static_cast<std::ptrdiff_t>(size));
    writing = true;
    in_flight.swap(outgoing);
    asio::async_write(socket, asio::buffer(in_flight), [self = shared_from_this()](error_code failure, std::size_t) {
      self->writing = false;
      self->in_flight.clear();
      if (self->ended) return;
      if (failure) return self->wait_for_the_end();
      self->flush();
    });
  }

  // The other side does not listen any more. The pending read sees its end after all that it still said.
  void wait_for_the_end() { outgoing.clear(); }
};

web_socket::web_socket(asio::io_context& io, callbacks notify)
    : io_(io), notify_(std::move(notify)), state_(std::make_shared<state>(io_, notify_)) {}

web_socket::~web_socket() {
  state_->notify = {};
  state_->close();
}

void web_socket::open(const asio::ip::tcp::endpoint& server, const std::string& target) {
  if (state_->ended) state_ = std::make_shared<state>(io_, notify_);
  state_->connect(server, target);
}

void web_socket::queue(bytes_view message) {
  state_->queue(opcode_binary, message);
}
void web_socket::flush() {
  state_->flush();
}
std::size_t web_socket::queued_bytes() const {
  return state_->outgoing.size() + state_->in_flight.size();
}
bool web_socket::is_open() const {
  return state_->opened;
}
void web_socket::close() {
  state_->close();
}

}  // namespace octavo::bench
