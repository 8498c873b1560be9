// Where something listens: a host and a port, as operators write them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "storage/result.hpp"

namespace octavo::cluster {

struct host_port {
  std::string host;  ///< a name or an address, IPv6 without its brackets
  std::uint16_t port = 0;
  bool operator==(const host_port&) const = default;
};

/// HOST:PORT, an IPv6 address in brackets. errc::invalid_argument says what is wrong in it.
result<host_port> parse_host_port(std::string_view text);

/// Whether its machine says that nobody listens there; no answer within that time is none. Blocks.
bool refuses(const host_port& where, std::chrono::milliseconds within);

}  // namespace octavo::cluster
