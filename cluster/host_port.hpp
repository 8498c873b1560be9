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

enum class port_state : std::uint8_t {
  open,
  refusing,  ///< the machine says that nobody listens there
  silent,    ///< no answer in time, no such machine, or no way to it
};
/// Tries to connect. Blocks for so long at the most, and for as long as a name takes to be looked up.
port_state probe(const host_port& where, std::chrono::milliseconds within);

}  // namespace octavo::cluster
