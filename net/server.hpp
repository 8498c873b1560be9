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

/// What a server needs of its surroundings: an address, which is bound and not listened to yet, certificate, key and
/// page. It is made before there is a node, so that what is wrong with them touches no store.
class server_setup {
 public:
  /// errc::invalid_argument (address, certificate, key, an open server beyond loopback), not_found (page), unavailable
  /// (port in use), io_error.
  static result<server_setup> make(const net_options& options, access_policy access);
  server_setup(server_setup&&) noexcept;
  server_setup& operator=(server_setup&&) noexcept;
  ~server_setup();

  struct parts;

 private:
  friend class server;
  explicit server_setup(std::unique_ptr<parts> parts);
  std::unique_ptr<parts> parts_;
};

class server {
 public:
  /// Listens; nothing is accepted before start(). errc::unavailable (port in use), io_error. `node` and `options`,
  /// which are those that the setup was made with, outlive the server.
  static result<std::unique_ptr<server>> open(actors::node& node, const net_options& options, server_setup setup);
  /// Both in one, with the errors of both.
  static result<std::unique_ptr<server>> open(actors::node& node, const net_options& options, access_policy access);
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  void start();
  /// The node is to become empty: /readyz says so, and connections are closed one after the other (1012), over
  /// connection_limits::drain_ms. Who comes back all the same is let in. False: no more. Any thread.
  void set_draining(bool is_draining);
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
