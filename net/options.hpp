// Every bound of the network side, with its name and default. docs/configuration.md lists them for operators.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace octavo::net {

struct tls_options {
  std::filesystem::path certificate;  ///< PEM, the chain; empty: no TLS
  std::filesystem::path key;          ///< PEM
  bool enabled() const { return !certificate.empty(); }
};

struct connection_limits {
  std::size_t connections_max = 100'000;
  std::size_t connections_per_address_max = 20'000;  ///< a proxy in front makes all clients one address
  std::size_t handshakes_max = 1'024;           ///< connections that have not become a WebSocket or sent a request yet
  std::size_t frame_bytes_max = 32u << 20;      ///< one WebSocket message; a larger one closes with 1009
  std::size_t reading_bytes_max = 256u << 20;   ///< of all clients' messages that have come in part
  std::size_t window_bytes = 1u << 20;          ///< of a client's messages that are not answered: then reading stops
  std::size_t send_queue_bytes_max = 1u << 20;  ///< beyond it the queue is not filled further, and a diff follows later
  std::size_t messages_per_s = 2'000;           ///< of one client, on average; reading waits beyond it
  std::size_t messages_burst = 10'000;          ///< that it may send at once
  std::size_t bad_messages_max = 10;            ///< malformed frames of one client before it is closed
  std::size_t http_header_bytes_max = 16U << 10;
  std::size_t http_body_bytes_max = 64U << 10;
  std::int64_t handshake_timeout_ms = 15'000;  ///< for TLS, a request, an upgrade, a closing handshake
  std::int64_t http_idle_timeout_ms = 30'000;  ///< between two requests
  std::int64_t idle_timeout_ms = 75'000;       ///< without any sign of life, pongs counted
  std::int64_t keepalive_ms = 20'000;          ///< a data frame at least so often: Yjs clients leave after 30 s without
  std::int64_t drain_ms = 30'000;              ///< over which the sockets of a node that is drained are closed
  std::int64_t send_timeout_ms = 60'000;       ///< in which a socket must take one frame
};

/// Where a document lives in a cluster.
struct document_place {
  std::uint32_t shard = 0;
  std::string owner;  ///< the node's name; empty: no node has it at the moment
};

struct net_options {
  std::string listen_address = "127.0.0.1";
  std::uint16_t listen_port = 8080;
  tls_options tls;
  bool compression = false;           ///< permessage-deflate: less traffic, more CPU and memory for each connection
  bool open_beyond_loopback = false;  ///< listen anywhere without asking for tokens
  std::size_t io_threads = 1;
  std::vector<std::string> allowed_origins;  ///< besides the server's own, such as "https://notes.example"
  std::filesystem::path web_root;            ///< the built page; empty: none
  std::string node_name = "octavo";
  connection_limits limits;
  /// Where documents live; empty: all of them here. Any thread.
  std::function<document_place(std::string_view document)> place;
};

}  // namespace octavo::net
