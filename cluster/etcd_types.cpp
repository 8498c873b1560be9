#include "cluster/etcd_types.hpp"

#include <algorithm>

namespace octavo::cluster {

namespace {

constexpr auto scheme = std::string_view{"etcd://"};

}  // namespace

result<std::vector<host_port>> parse_etcd_url(std::string_view url) {
  if (!url.starts_with(scheme))
    return fail(errc::invalid_argument,
                "'" + std::string{url} + "' does not begin with etcd://, as in etcd://10.0.0.1:2379,10.0.0.2:2379");
  auto endpoints = std::vector<host_port>{};
  for (auto rest = url.substr(scheme.size());;) {
    const auto comma = rest.find(',');
    auto one = parse_host_port(rest.substr(0, comma));
    if (!one) return fail(errc::invalid_argument, "an endpoint of etcd: " + one.error().message);
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
