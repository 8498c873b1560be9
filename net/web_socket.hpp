// The WebSocket streams of connections, plain and TLS, by Boost.Beast. Included only where connections are made: Beast
// costs much to compile.
#pragma once

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/buffers_cat.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "net/connection.hpp"
#include "net/io_thread.hpp"
#include "net/streams.hpp"

namespace octavo::net {

using tls_stream = boost::asio::ssl::stream<tcp_socket>;

inline tcp_socket& socket_of(tcp_socket& stream) {
  return stream;
}
inline tcp_socket& socket_of(tls_stream& stream) {
  return stream.next_layer();
}

/// What must happen once the WebSocket is open.
struct opening {
  std::string document;
  actors::client_identity who;
  std::int64_t expires_s = 0;
  /// Not normal: the client is told by a close code, which a browser hides if the handshake itself fails.
  actors::close_reason refusal = actors::close_reason::normal;
  std::string refusal_text;
};

template <class Stream>
class web_socket final : public connection {
 public:
  web_socket(io_thread& thread, const dialect& speaks, std::string peer, Stream stream)
      : connection(thread, speaks, std::move(peer)), stream_(std::move(stream)) {}

  void accept(const boost::beast::http::request<boost::beast::http::string_body>& request, opening what) {
    namespace websocket = boost::beast::websocket;
    const auto& options = thread_.options();
    const auto& limits = options.limits;
    auto timeout = websocket::stream_base::timeout{};
    timeout.handshake_timeout = std::chrono::milliseconds{limits.handshake_timeout_ms};
    // Silence is the connection's own business: Beast would take a pause in our reading for one of the peer's.
    timeout.idle_timeout = websocket::stream_base::none();
    timeout.keep_alive_pings = false;
    stream_.set_option(timeout);
    stream_.control_callback([this](websocket::frame_type, boost::beast::string_view) { heard(); });
    if (options.compression) {
      auto deflate = websocket::permessage_deflate{};
      deflate.server_enable = true;
      // Small windows: each connection keeps two of these for as long as it lives.
      deflate.server_max_window_bits = 11;
      deflate.client_max_window_bits = 11;
      deflate.memLevel = 4;
      deflate.msg_size_threshold = 256;
      stream_.set_option(deflate);
    }
    auto protocols = request[boost::beast::http::field::sec_websocket_protocol];
    auto protocol = std::string{protocols.substr(0, protocols.find(','))};
    stream_.set_option(websocket::stream_base::decorator([protocol](websocket::response_type& response) {
      // A client that offers subprotocols refuses an answer without one.
      if (!protocol.empty()) response.set(boost::beast::http::field::sec_websocket_protocol, protocol);
    }));
    stream_.read_message_max(limits.frame_bytes_max);
    stream_.binary(true);
    stream_.auto_fragment(false);
    // The request is only needed until the handshake is written.
    auto kept = std::make_shared<boost::beast::http::request<boost::beast::http::string_body>>(request);
    stream_.async_accept(*kept, [self = shared(), kept, what = std::move(what)](
                                    const boost::system::error_code& failed) { self->accepted(failed, what); });
  }

 protected:
  void async_read() override {
    // In parts, so that what a message claims to be takes no memory before it has come, and that those who say nothing
    // wait with a small buffer.
    constexpr auto first_part_bytes_max = std::size_t{512};
    constexpr auto part_bytes_max = std::size_t{64} << 10;
    const auto bytes_max = read_buffer_.size() == 0 ? first_part_bytes_max : part_bytes_max;
    stream_.async_read_some(read_buffer_, bytes_max,
                            [self = shared()](const boost::system::error_code& failed, std::size_t) {
                              if (failed)
                                self->read_failed();
                              else if (self->stream_.is_message_done())
                                self->read_done(self->stream_.got_binary());
                              else
                                self->read_part();
                            });
  }

  void async_write(const out_frame& frame) override {
    auto body = frame.body.view();
    auto buffers = std::array{boost::asio::const_buffer{frame.prefix.data(), frame.prefix.size()},
                              boost::asio::const_buffer{body.data(), body.size()}};
    stream_.async_write(buffers, [self = shared()](const boost::system::error_code& failed, std::size_t bytes) {
      if (failed)
        self->write_failed();
      else
        self->written(bytes);
    });
  }

  void async_close(std::uint16_t code, std::string_view text) override {
    auto reason = boost::beast::websocket::close_reason{static_cast<boost::beast::websocket::close_code>(code),
                                                        boost::beast::string_view{text.data(), text.size()}};
    stream_.async_close(reason, [self = shared()](const boost::system::error_code&) {
      self->gone();
      self->close_socket();
    });
  }

  void async_ping() override {
    if (std::exchange(pinging_, true)) return;  // Beast takes one at a time
    stream_.async_ping({}, [self = shared()](const boost::system::error_code&) { self->pinging_ = false; });
  }

  void close_socket() override {
    auto ignored = boost::system::error_code{};
    socket_of(stream_.next_layer()).close(ignored);
  }

  std::uint64_t unsent_bytes() override {
    auto& socket = socket_of(stream_.next_layer());
    auto bytes = 0;
    if (!socket.is_open() || ::ioctl(socket.native_handle(), SIOCOUTQ, &bytes) != 0) return 0;
    return static_cast<std::uint64_t>(bytes);
  }

 private:
  std::shared_ptr<web_socket> shared() { return std::static_pointer_cast<web_socket>(shared_from_this()); }

  void accepted(const boost::system::error_code& failed, const opening& what) {
    if (failed) return;
    if (what.refusal != actors::close_reason::normal) {
      close(what.refusal, what.refusal_text);
      return;
    }
    start(what.document, what.who, what.expires_s);
  }

  boost::beast::websocket::stream<Stream> stream_;
  bool pinging_ = false;
};

}  // namespace octavo::net
