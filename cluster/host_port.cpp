#include "cluster/host_port.hpp"

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <charconv>

namespace octavo::cluster {

namespace {

constexpr auto host_bytes_max = std::size_t{255};

bool is_host(std::string_view host, bool bracketed) {
  return !host.empty() && host.size() <= host_bytes_max && std::ranges::all_of(host, [&](char one) {
    return (one >= '0' && one <= '9') || (one >= 'a' && one <= 'z') || (one >= 'A' && one <= 'Z') || one == '.' ||
           one == '-' || one == '_' || (bracketed && (one == ':' || one == '%'));
  });
}

}  // namespace

result<host_port> parse_host_port(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return fail(errc::invalid_argument, "'" + std::string{text} + "' is no address with a port: " + std::string{why});
  };
  const auto bracketed = text.starts_with('[');
  const auto bracket = text.find(']');
  if (bracketed && bracket == std::string_view::npos) return refuse("the closing bracket of its address is missing");
  const auto colon = bracketed ? bracket + 1 : text.find(':');
  if (colon >= text.size() || text[colon] != ':') return refuse("HOST:PORT is needed, such as 10.0.0.1:7001");
  const auto host = bracketed ? text.substr(1, bracket - 1) : text.substr(0, colon);
  const auto digits = text.substr(colon + 1);
  if (!bracketed && digits.find(':') != std::string_view::npos)
    return refuse("an IPv6 address goes in brackets, such as [::1]:7001");
  if (!is_host(host, bracketed)) return refuse("its host is no name and no address");
  auto port = std::uint16_t{0};
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || failed != std::errc{} || end != digits.data() + digits.size() || port == 0)
    return refuse("its port is no number from 1 to 65535");
  return host_port{std::string{host}, port};
}

port_state probe(const host_port& where, std::chrono::milliseconds within) {
  namespace asio = boost::asio;
  auto failed = boost::system::error_code{};
  auto context = asio::io_context{};
  auto resolver = asio::ip::tcp::resolver{context};
  const auto found = resolver.resolve(where.host, std::to_string(where.port), failed);
  if (failed) return port_state::silent;
  failed = asio::error::timed_out;
  auto socket = asio::ip::tcp::socket{context};
  asio::async_connect(socket, found,
                      [&](boost::system::error_code why, const asio::ip::tcp::endpoint& /*which*/) { failed = why; });
  context.run_for(within);
  if (!failed) return port_state::open;
  return failed == asio::error::connection_refused ? port_state::refusing : port_state::silent;
}

}  // namespace octavo::cluster
