// One accepted socket until it becomes a WebSocket or has had its last request answered: TLS, requests with their
// limits and deadlines, the upgrade. Affinity: its I/O thread.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "net/io_thread.hpp"
#include "net/routes.hpp"
#include "net/streams.hpp"

namespace octavo::net {

/// Counts what is open, over all I/O threads; given up by its destruction.
class admission {
 public:
  virtual ~admission() = default;
  /// The socket is past its handshake: it has sent a whole request.
  virtual void settled() = 0;
  /// It is not, and others wait for its place.
  virtual bool is_in_the_way() const = 0;
};

/// Serves a socket on the thread that it belongs to. `tls` is null for plain connections.
void serve_http(io_thread& thread, const routes& answers, tcp_socket socket, boost::asio::ssl::context* tls,
                std::string peer, std::shared_ptr<admission> place);

}  // namespace octavo::net
