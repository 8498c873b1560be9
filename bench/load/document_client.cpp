#include "bench/load/document_client.hpp"

#include <utility>

#include "bench/load/yjs_text.hpp"

namespace octavo::bench {

document_client::document_client(boost::asio::io_context& io, const target& where, client_events& events,
                                 std::size_t index, std::string document)
    : target_(where),
      events_(events),
      index_(index),
      document_(std::move(document)),
      socket_(io, {.on_open = [this] { on_open(); },
                   .on_message = [this](bytes_view frame) { on_message(frame); },
                   .on_closed =
                       [this](std::string_view reason) {
                         synced_ = false;
                         events_.on_closed(*this, reason);
                       }}) {}

void document_client::knows(std::uint64_t known_client, std::uint64_t known_clocks, const bytes* known_update) {
  known_client_ = known_client;
  known_clocks_ = known_clocks;
  known_update_ = known_update;
}

void document_client::open() {
  socket_.open(target_.server, request_target(target_.speech, document_));
}

void document_client::close() {
  socket_.close();
  synced_ = false;
}

void document_client::on_open() {
  unacknowledged_.clear();
  if (const auto authentication = make_authentication(target_.speech, document_); !authentication.empty()) {
    socket_.queue(authentication);
  }
  socket_.queue(make_step1(target_.speech, document_, make_state_vector(known_client_, known_clocks_)));
  socket_.flush();
}

void document_client::answer_step1(bytes_view state_vector) {
  const bool lacks_ours = known_update_ != nullptr && clocks_known(state_vector, known_client_) < known_clocks_;
  socket_.queue(make_step2(target_.speech, document_, lacks_ours ? bytes_view(*known_update_) : make_empty_update()));
  if (target_.speech == dialect::hocuspocus) unacknowledged_.push_back(0);
  socket_.flush();
}

void document_client::send_edit(bytes_view update, std::uint64_t number) {
  socket_.queue(make_update(target_.speech, document_, update));
  if (target_.speech == dialect::hocuspocus) {
    unacknowledged_.push_back(number);
  } else if (number > 0) {
    socket_.queue(make_acknowledgement_request(target_.speech, number));
  }
}

void document_client::on_message(bytes_view frame) {
  const auto message = read_frame(target_.speech, frame);
  using kind = server_message::kind;
  switch (message.what) {
    case kind::step1:
      return answer_step1(message.body);
    case kind::step2:
      events_.on_update(*this, message.body);
      if (!std::exchange(synced_, true)) events_.on_synced(*this);
      return;
    case kind::update:
      return events_.on_update(*this, message.body);
    case kind::acknowledged: {
      auto number = message.number;
      if (target_.speech == dialect::hocuspocus) {
        if (unacknowledged_.empty()) return;
        number = unacknowledged_.front();
        unacknowledged_.pop_front();
      }
      if (number > 0) events_.on_acknowledged(*this, number);
      return;
    }
    case kind::refused:
      if (!unacknowledged_.empty()) unacknowledged_.pop_front();
      return;
    case kind::ping:
      socket_.queue(make_pong());
      return socket_.flush();
    case kind::denied:
      socket_.close();
      synced_ = false;
      return events_.on_closed(*this, "denied: " + std::string(as_text(message.body)));
    case kind::authenticated:
    case kind::other:
      return;
  }
}

}  // namespace octavo::bench
