// A server on a port of its own before a whole node, and an editor that speaks y-websocket to it.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "crdt/document.hpp"
#include "net/server.hpp"
#include "tests/actors/support/driven_document.hpp"
#include "tests/actors/support/test_node.hpp"
#include "tests/crdt/support/replay.hpp"
#include "tests/net/support/web_client.hpp"

namespace octavo::test {

class test_server {
 public:
  explicit test_server(net::net_options given = {}, net::access_policy access = net::access_policy::open(),
                       const actors::node_options& node_options = {})
      : options_(std::move(given)), node_(node_options) {
    options_.listen_port = 0;
    auto opened = net::server::open(*node_, options_, std::move(access));
    if (!opened) FAIL(opened.error().message);
    server_ = std::move(*opened);
    server_->start();
  }
  ~test_server() { stop(); }
  test_server(const test_server&) = delete;
  test_server& operator=(const test_server&) = delete;

  void stop() {
    if (!server_) return;
    server_->stop_accepting();
    CHECK(node_->stop(std::chrono::seconds{30}));
    server_->stop(std::chrono::seconds{5});
    server_.reset();
    node_.stop();
  }

  std::uint16_t port() const { return server_->port(); }
  net::server& operator*() { return *server_; }
  test_node& node() { return node_; }
  metrics& counters() { return node_.counters(); }

 private:
  net::net_options options_;
  test_node node_;
  std::unique_ptr<net::server> server_;
};

class test_editor {
 public:
  test_editor(test_server& server, const std::string& target, const web_client_options& options = {})
      : socket_(server.port(), target, options), writer_(next_writer()) {
    if (socket_.status() == 101) socket_.send(hex("00 00 01 00"));
  }

  web_client& socket() { return socket_; }
  const crdt::document& document() const { return document_; }
  std::string text() const { return document_.text("text"); }
  std::size_t update_frames() const { return update_frames_; }

  /// Types at the end of this editor's own text.
  void type(std::string_view text) {
    const auto update = typed(writer_, clock_, text);
    clock_ += text.size();
    auto frame = bytes{std::byte{0}, std::byte{2}};
    crdt::lib0_writer{frame}.var_bytes(update);
    feed(document_, update);
    CHECK(socket_.send(frame));
  }

  /// Reads until something is so.
  template <class Condition>
  bool until(Condition holds) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
      auto frame = socket_.receive(
          std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()));
      if (!frame) return holds();
      take(*frame);
    }
    return true;
  }
  bool sees(std::string_view text) {
    return until([&] { return this->text() == text; });
  }
  bool synced() {
    return until([this] { return synced_; });
  }
  /// Asks to be told once all that was sent before is durable, and waits for it.
  bool is_durable() {
    const auto marker = bytes{std::byte{0x66}, std::byte{1}, static_cast<std::byte>(++markers_)};
    socket_.send(marker);
    return until([&] { return echoed_ == marker; });
  }

 private:
  static std::uint64_t next_writer() {
    static auto last = std::uint64_t{5'000};
    return ++last;
  }

  void take(const bytes& frame) {
    auto reader = crdt::lib0_reader{frame};
    auto kind = std::uint64_t{0};
    auto sync = std::uint64_t{0};
    auto data = bytes_view{};
    REQUIRE(reader.var_uint(kind));
    if (kind == 102) echoed_ = frame;
    if (kind != 0) return;
    REQUIRE(reader.var_uint(sync));
    REQUIRE(reader.var_bytes(data));
    CHECK(reader.at_end());  // one message a frame
    if (sync == 0) return;
    feed(document_, data);
    if (sync == 1) synced_ = true;
    if (sync == 2) ++update_frames_;
  }

  web_client socket_;
  std::uint64_t writer_;
  std::uint64_t clock_ = 0;
  crdt::document document_;
  std::size_t update_frames_ = 0;
  bytes echoed_;
  std::uint8_t markers_ = 0;
  bool synced_ = false;
};

}  // namespace octavo::test
