#include "cluster/host_port.hpp"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

using namespace octavo;
using namespace octavo::cluster;

TEST_CASE("a host and a port are read as operators write them") {
  CHECK(*parse_host_port("10.0.0.1:7001") == host_port{"10.0.0.1", 7001});
  CHECK(*parse_host_port("[::1]:1") == host_port{"::1", 1});
  CHECK(*parse_host_port("db-1.example:65535") == host_port{"db-1.example", 65535});
  for (const auto* bad : {"", ":1", "host", "host:", "host:0", "host:65536", "host:1x", "::1:80", "[::1:80", "a b:1"}) {
    CAPTURE(bad);
    const auto read = parse_host_port(bad);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == errc::invalid_argument);
  }
}

TEST_CASE("a port that nobody listens at refuses, and one that is only silent does not") {
  auto context = boost::asio::io_context{};
  auto acceptor = boost::asio::ip::tcp::acceptor{context, {boost::asio::ip::address_v4::loopback(), 0}};
  const auto where = host_port{"127.0.0.1", acceptor.local_endpoint().port()};
  CHECK(probe(where, std::chrono::seconds{5}) == port_state::open);
  acceptor.close();
  CHECK(probe(where, std::chrono::seconds{5}) == port_state::refusing);
}
