// One connection to an endpoint of etcd. Private to the client; all of it happens on the client's I/O thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "cluster/etcd_types.hpp"

namespace octavo::cluster::etcd {

using steady_time = std::chrono::steady_clock::time_point;

struct connection : std::enable_shared_from_this<connection> {
  connection(boost::asio::io_context& context, const host_port& endpoint, std::size_t index);

  /// Calls once, with an error when nobody answers until then, and not at all after close().
  void open(steady_time until, std::function<void(boost::system::error_code)> done);
  void close();
  /// Whether nothing has come since its last answer, not even its end.
  bool is_quiet();
  /// Makes `request` a POST.
  void prepare(const std::string& target, std::string body);

  const host_port& endpoint;
  const std::size_t index;  ///< of the endpoint among the options'
  boost::asio::ip::tcp::socket socket;
  boost::asio::ip::tcp::resolver resolver;
  boost::asio::steady_timer timer;
  boost::beast::flat_buffer buffer;
  boost::beast::http::request<boost::beast::http::string_body> request;

 private:
  void opened(boost::system::error_code failed);

  std::function<void(boost::system::error_code)> done_;
};

}  // namespace octavo::cluster::etcd
