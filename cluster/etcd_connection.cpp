#include "cluster/etcd_connection.hpp"

#include <netinet/tcp.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <utility>

namespace octavo::cluster::etcd {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// A watch may be silent for days. A peer whose machine is gone is noticed after about this time all the same.
constexpr auto quiet_s_max = 10;
constexpr auto probe_interval_s = 3;
constexpr auto probes_max = 3;

void notice_death(asio::ip::tcp::socket& socket) {
  auto ignored = error_code{};
  socket.set_option(asio::socket_base::keep_alive{true}, ignored);
  const auto set = [&](int name, int value) {
    ::setsockopt(socket.native_handle(), IPPROTO_TCP, name, &value, sizeof value);
  };
  set(TCP_KEEPIDLE, quiet_s_max);
  set(TCP_KEEPINTVL, probe_interval_s);
  set(TCP_KEEPCNT, probes_max);
}

}  // namespace

connection::connection(asio::io_context& context, const host_port& to, std::size_t index_of_it)
    : endpoint(to), index(index_of_it), socket(context), resolver(context), timer(context) {}

void connection::open(steady_time until, std::function<void(error_code)> done) {
  done_ = std::move(done);
  timer.expires_at(until);
  timer.async_wait([self = shared_from_this()](error_code cancelled) {
    if (!cancelled) self->opened(asio::error::timed_out);
  });
  auto no_address = error_code{};
  const auto address = asio::ip::make_address(endpoint.host, no_address);
  if (!no_address) {
    socket.async_connect({address, endpoint.port},
                         [self = shared_from_this()](error_code failed) { self->opened(failed); });
    return;
  }
  resolver.async_resolve(
      endpoint.host, std::to_string(endpoint.port),
      [self = shared_from_this()](error_code failed, const asio::ip::tcp::resolver::results_type& found) {
        if (!self->done_) return;
        if (failed) return self->opened(failed);
        asio::async_connect(self->socket, found, [self](error_code refused, const asio::ip::tcp::endpoint& /*where*/) {
          self->opened(refused);
        });
      });
}

void connection::opened(error_code failed) {
  auto done = std::exchange(done_, {});
  if (!done) return;
  timer.cancel();
  if (failed) {
    close();
  } else {
    auto ignored = error_code{};
    socket.set_option(asio::ip::tcp::no_delay{true}, ignored);
    notice_death(socket);
  }
  done(failed);
}

void connection::close() {
  auto ignored = error_code{};
  done_ = {};
  resolver.cancel();
  timer.cancel();
  socket.close(ignored);
}

bool connection::is_quiet() {
  auto byte = char{};
  auto failed = error_code{};
  socket.non_blocking(true, failed);
  if (failed || buffer.size() != 0) return false;
  socket.receive(asio::buffer(&byte, 1), asio::socket_base::message_peek, failed);
  return failed == asio::error::would_block;
}

void connection::prepare(const std::string& target, std::string body) {
  namespace http = boost::beast::http;
  const auto host = endpoint.host.find(':') == std::string::npos ? endpoint.host : '[' + endpoint.host + ']';
  request = {http::verb::post, target, 11};
  request.set(http::field::host, host + ':' + std::to_string(endpoint.port));
  request.set(http::field::content_type, "application/json");
  request.body() = std::move(body);
  request.prepare_payload();
}

}  // namespace octavo::cluster::etcd
