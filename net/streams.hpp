// The streams that connections are made of.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/role.hpp>

#include <chrono>
#include <memory>
#include <vector>

namespace octavo::net {

/// A TCP socket of an I/O thread. It is a class of its own so that Beast ends its WebSockets our way: see
/// async_teardown.
// The concrete executor saves a virtual call on each operation.
class tcp_socket
    : public boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type> {
 public:
  using base = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;
  using base::base;
  tcp_socket(base&& other) : base(std::move(other)) {}
};

/// So long and so much is read of a peer that goes on sending after the end of its WebSocket.
inline constexpr auto drain_patience = std::chrono::seconds{5};
inline constexpr std::size_t drain_bytes_max = std::size_t{256} << 20;

/// Reads and forgets what a socket still brings, until its peer ends it too, and closes it.
class drain_operation {
 public:
  explicit drain_operation(tcp_socket& socket)
      : socket_(&socket), state_(std::make_shared<state>(socket.get_executor())) {}

  template <class Self>
  void operator()(Self& self, boost::system::error_code failed = {}, std::size_t bytes = 0) {
    if (!started_) {
      started_ = true;
      socket_->shutdown(boost::asio::socket_base::shutdown_send, failed);
      state_->timer.expires_after(drain_patience);
      // The socket lives as long as this operation, and the operation holds the state.
      state_->timer.async_wait(
          [socket = socket_, alive = std::weak_ptr{state_}](const boost::system::error_code& cancelled) {
            auto ignored = boost::system::error_code{};
            if (!cancelled && !alive.expired()) socket->close(ignored);
          });
    }
    state_->drained += bytes;
    if (!failed && state_->drained < drain_bytes_max) {
      auto into = boost::asio::buffer(state_->buffer);
      socket_->async_read_some(into, std::move(self));
      return;
    }
    auto ignored = boost::system::error_code{};
    socket_->close(ignored);
    state_.reset();
    self.complete(failed == boost::asio::error::eof ? boost::system::error_code{} : failed);
  }

 private:
  struct state {
    explicit state(const tcp_socket::executor_type& executor) : timer(executor), buffer(std::size_t{16} << 10) {}
    boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                      tcp_socket::executor_type>
        timer;
    std::vector<char> buffer;
    std::size_t drained = 0;
  };

  tcp_socket* socket_;
  std::shared_ptr<state> state_;
  bool started_ = false;
};

/// How Beast ends a WebSocket over such a socket. Its own way, in Boost 1.81, reads once and closes, so that a client
/// which is still sending meets a reset before it has read why.
template <class Handler>
void async_teardown(boost::beast::role_type /*we are always the server*/, tcp_socket& socket, Handler&& handler) {
  boost::asio::async_compose<Handler, void(boost::system::error_code)>(drain_operation{socket}, handler, socket);
}

}  // namespace octavo::net
