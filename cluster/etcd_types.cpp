#include "cluster/etcd_types.hpp"

#include <algorithm>
#include <charconv>

namespace octavo::cluster {

namespace {

constexpr auto scheme = std::string_view{"etcd://"};
constexpr auto host_bytes_max = std::size_t{255};

bool is_host(std::string_view host, bool bracketed) {
  return !host.empty() && host.size() <= host_bytes_max && std::ranges::all_of(host, [&](char one) {
    return (one >= '0' && one <= '9') || (one >= 'a' && one <= 'z') || (one >= 'A' && one <= 'Z') || one == '.' ||
           one == '-' || one == '_' || (bracketed && (one == ':' || one == '%'));
  });
}

result<etcd_endpoint> parse_endpoint(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return fail(errc::invalid_argument, "'" + std::string{text} + "' is no endpoint of etcd: " + std::string{why});
  };
  const auto bracketed = text.starts_with('[');
  const auto bracket = text.find(']');
  if (bracketed && bracket == std::string_view::npos) return refuse("the closing bracket of its address is missing");
  const auto colon = bracketed ? bracket + 1 : text.find(':');
  if (colon >= text.size() || text[colon] != ':') return refuse("host:port is needed, such as 10.0.0.1:2379");
  const auto host = bracketed ? text.substr(1, bracket - 1) : text.substr(0, colon);
  const auto digits = text.substr(colon + 1);
  if (!bracketed && digits.find(':') != std::string_view::npos)
    return refuse("an IPv6 address goes in brackets, such as [::1]:2379");
  if (!is_host(host, bracketed)) return refuse("its host is no name and no address");
  auto port = std::uint16_t{0};
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || failed != std::errc{} || end != digits.data() + digits.size() || port == 0)
    return refuse("its port is no number from 1 to 65535");
  return etcd_endpoint{std::string{host}, port};
}

}  // namespace

result<std::vector<etcd_endpoint>> parse_etcd_url(std::string_view url) {
  if (!url.starts_with(scheme))
    return fail(errc::invalid_argument,
                "'" + std::string{url} + "' does not begin with etcd://, as in etcd://10.0.0.1:2379,10.0.0.2:2379");
  auto endpoints = std::vector<etcd_endpoint>{};
  for (auto rest = url.substr(scheme.size());;) {
    const auto comma = rest.find(',');
    auto one = parse_endpoint(rest.substr(0, comma));
    if (!one) return tl::unexpected{std::move(one.error())};
    if (std::ranges::find(endpoints, *one) != endpoints.end())
      return fail(errc::invalid_argument,
                  "'" + std::string{rest.substr(0, comma)} + "' is named twice among the endpoints of etcd");
    if (endpoints.size() == etcd_endpoints_max)
      return fail(errc::invalid_argument,
                  "more than " + std::to_string(etcd_endpoints_max) + " endpoints of etcd are named");
    endpoints.push_back(std::move(*one));
    if (comma == std::string_view::npos) return endpoints;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace octavo::cluster
