// The server: listens, and hands each accepted socket to one of the I/O threads, the one with the fewest connections.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "actors/node.hpp"
#include "net/access.hpp"
#include "net/options.hpp"
#include "storage/result.hpp"

namespace octavo::net {

class server {
 public:
  /// Binds and listens; nothing is accepted before start(). errc::invalid_argument (address, certificate, key),
  /// unavailable (port in use), io_error. `node` and `options` outlive the server.
  static result<std::unique_ptr<server>> open(actors::node& node, const net_options& options, access_policy access);
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  void start();
  /// Accepts nothing more; open connections go on.
  void stop_accepting();
  /// Waits until all connections are closed, at most so long, and then drops the rest.
  void stop(std::chrono::milliseconds patience);

  std::uint16_t port() const;
  std::string url() const;

  class impl;

 private:
  explicit server(std::unique_ptr<impl> impl);
  std::unique_ptr<impl> impl_;
};

}  // namespace octavo::net
