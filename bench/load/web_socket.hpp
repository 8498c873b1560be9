// A WebSocket client that costs as little as it can, so that the server and not the generator is the limit: one shared
// read buffer for all sockets of a thread, frames parsed in place, many frames in one write. It is deliberately not
// built on Beast's stream, which the server under test uses: a fault there would otherwise be on both sides.
//
// Owned by its document_client; all calls and callbacks on the thread that runs the io_context. Not to be destroyed
// inside one of its own callbacks.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "crdt/bytes.hpp"

namespace octavo::bench {

class web_socket {
 public:
  struct callbacks {
    std::function<void()> on_open;
    /// One whole message; the view ends with the call.
    std::function<void(bytes_view)> on_message;
    /// The socket is gone, after open or instead of it; called at most once, and not after close() by oneself.
    std::function<void(std::string_view reason)> on_closed;
  };

  web_socket(boost::asio::io_context& io, callbacks notify);
  ~web_socket();
  web_socket(const web_socket&) = delete;
  web_socket& operator=(const web_socket&) = delete;

  /// Connects and asks for `target`; on_open or on_closed follows. Once closed it may be opened anew.
  void open(const boost::asio::ip::tcp::endpoint& server, const std::string& target);

  /// Queues one binary message; it leaves at the next flush().
  void queue(bytes_view message);
  /// Writes what is queued: at once as far as the kernel takes it, and the rest when it can.
  void flush();
  /// Bytes that the kernel has not taken yet.
  std::size_t queued_bytes() const;

  bool is_open() const;
  /// Ends the connection without a word, as a client does whose machine went away.
  void close();

 private:
  struct state;
  boost::asio::io_context& io_;
  callbacks notify_;
  // Shared with the handlers of pending operations, which may come after this object is gone.
  std::shared_ptr<state> state_;
};

}  // namespace octavo::bench
