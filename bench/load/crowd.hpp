// Many clients on one event loop: opened a bounded number at a time, tried again when refused, waited for together.
// Owns its clients; single-threaded.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/document_client.hpp"

namespace octavo::bench {

using steady_clock = std::chrono::steady_clock;

/// Runs the loop until `done()` holds, which is asked after each event; false when `deadline` came first.
bool run_until(boost::asio::io_context& io, steady_clock::time_point deadline, const std::function<bool()>& done);

class crowd : public client_events {
 public:
  /// `listener` hears of updates, acknowledgements and connections lost after they were synchronized.
  crowd(boost::asio::io_context& io, const target& where, client_events& listener);
  ~crowd() override;

  document_client& add(std::string document);
  document_client& operator[](std::size_t index) { return *clients_[index]; }
  std::size_t size() const { return clients_.size(); }

  /// Opens all clients, at most `at_once` that are not yet synchronized at any time, and waits for them. One that is
  /// refused is tried again after `retry_delay`. False when `limit` is over first.
  bool open_all(std::size_t at_once, std::chrono::milliseconds limit);
  void close_all();

  std::size_t synced() const { return synced_; }
  /// Connections that ended before they were synchronized, and the last reason.
  std::size_t refused() const { return refused_; }
  const std::string& last_reason() const { return last_reason_; }

 private:
  static constexpr std::chrono::milliseconds retry_delay{200};

  void on_synced(document_client& client) override;
  void on_update(document_client& client, bytes_view update) override { listener_.on_update(client, update); }
  void on_acknowledged(document_client& client, std::uint64_t number) override {
    listener_.on_acknowledged(client, number);
  }
  void on_closed(document_client& client, std::string_view reason) override;
  void open_next();

  boost::asio::io_context& io_;
  const target& target_;
  client_events& listener_;
  std::vector<std::unique_ptr<document_client>> clients_;
  std::vector<bool> was_synced_;
  std::size_t next_ = 0;
  std::size_t synced_ = 0;
  std::size_t refused_ = 0;
  bool opening_ = false;
  std::string last_reason_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace octavo::bench
