#include "bench/load/crowd.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <utility>

namespace octavo::bench {

bool run_until(boost::asio::io_context& io, steady_clock::time_point deadline, const std::function<bool()>& done) {
  using namespace std::chrono_literals;
  while (!done()) {
    const auto now = steady_clock::now();
    if (now >= deadline) return false;
    io.restart();
    io.run_one_until(std::min(deadline, now + 10ms));
  }
  return true;
}

crowd::crowd(boost::asio::io_context& io, const target& where, client_events& listener)
    : io_(io), target_(where), listener_(listener) {}

crowd::~crowd() {
  *alive_ = false;
}

document_client& crowd::add(std::string document) {
  clients_.push_back(std::make_unique<document_client>(io_, target_, *this, clients_.size(), std::move(document)));
  was_synced_.push_back(false);
  return *clients_.back();
}

bool crowd::open_all(std::size_t at_once, std::chrono::milliseconds limit) {
  next_ = 0;
  synced_ = 0;
  opening_ = true;
  std::fill(was_synced_.begin(), was_synced_.end(), false);
  while (next_ < std::min(at_once, clients_.size())) open_next();
  const bool all = run_until(io_, steady_clock::now() + limit, [this] { return synced_ == clients_.size(); });
  opening_ = false;
  return all;
}

void crowd::close_all() {
  for (auto& client : clients_) client->close();
}

void crowd::open_next() {
  if (next_ < clients_.size()) clients_[next_++]->open();
}

void crowd::on_synced(document_client& client) {
  if (!was_synced_[client.index()]) {
    was_synced_[client.index()] = true;
    ++synced_;
    if (opening_) open_next();
  }
  listener_.on_synced(client);
}

void crowd::on_closed(document_client& client, std::string_view reason) {
  last_reason_ = reason;
  if (was_synced_[client.index()]) return listener_.on_closed(client, reason);
  ++refused_;
  if (!opening_) return;
  auto timer = std::make_shared<boost::asio::steady_timer>(io_, retry_delay);
  timer->async_wait([this, timer, alive = alive_, index = client.index()](const boost::system::error_code& error) {
    if (!error && *alive && opening_) clients_[index]->open();
  });
}

}  // namespace octavo::bench
