// Something that listens where an etcd should, reads requests, and does with each connection what the test says.
#pragma once

#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cluster/etcd_types.hpp"

namespace octavo::test {

class false_etcd {
 public:
  using socket_type = boost::asio::ip::tcp::socket;
  /// What to do about a request that was read; false: the connection is closed.
  using script = std::function<bool(socket_type&, const std::string& target, const std::string& body)>;

  explicit false_etcd(script then)
      : then_(std::move(then)), acceptor_(context_, {boost::asio::ip::address_v4::loopback(), 0}) {
    accepting_ = std::thread{[this] { accept(); }};
  }
  ~false_etcd() {
    stopping_ = true;
    // Wakes accept(), which closing the acceptor from here would not.
    auto ignored = boost::system::error_code{};
    socket_type{context_}.connect(acceptor_.local_endpoint(), ignored);
    accepting_.join();
    {
      auto lock = std::lock_guard{mutex_};
      for (auto& one : sockets_) one->shutdown(socket_type::shutdown_both, ignored);
    }
    for (auto& one : threads_) one.join();
  }
  false_etcd(const false_etcd&) = delete;
  false_etcd& operator=(const false_etcd&) = delete;

  cluster::host_port endpoint() const { return {"127.0.0.1", acceptor_.local_endpoint().port()}; }
  std::size_t requests() const { return requests_; }
  std::size_t connections() const { return connections_; }

  static bool send(socket_type& to, std::string_view data) {
    auto failed = boost::system::error_code{};
    boost::asio::write(to, boost::asio::buffer(data), failed);
    return !failed;
  }
  static std::string answer(std::string_view body, std::string_view status = "200 OK") {
    return "HTTP/1.1 " + std::string{status} +
           "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string{body};
  }
  /// Blocks until the client, or the end of the test, closes the connection.
  static bool hang(socket_type& on) {
    auto byte = char{};
    auto failed = boost::system::error_code{};
    boost::asio::read(on, boost::asio::buffer(&byte, 1), failed);
    return false;
  }

 private:
  void accept() {
    while (!stopping_) {
      auto socket = std::make_unique<socket_type>(context_);
      auto failed = boost::system::error_code{};
      acceptor_.accept(*socket, failed);
      if (failed || stopping_) continue;
      ++connections_;
      auto* const mine = socket.get();
      auto lock = std::lock_guard{mutex_};
      sockets_.push_back(std::move(socket));
      threads_.emplace_back([this, mine] { serve(*mine); });
    }
  }
  void serve(socket_type& socket) {
    namespace http = boost::beast::http;
    auto failed = boost::system::error_code{};
    auto buffer = boost::beast::flat_buffer{};
    while (!stopping_) {
      auto request = http::request<http::string_body>{};
      http::read(socket, buffer, request, failed);
      if (failed) break;
      ++requests_;
      if (!then_(socket, std::string{request.target()}, request.body())) break;
    }
    socket.shutdown(socket_type::shutdown_both, failed);
  }

  script then_;
  boost::asio::io_context context_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> requests_{0};
  std::atomic<std::size_t> connections_{0};
  std::mutex mutex_;
  std::vector<std::unique_ptr<socket_type>> sockets_;
  std::vector<std::thread> threads_;
  std::thread accepting_;
};

}  // namespace octavo::test
