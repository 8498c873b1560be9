// One WebSocket connection: what is queued for it, what it may still ask, and when it is given up. The stream itself
// (plain or TLS) is in the derived class; everything here is the same for both.
//
// Affinity: its I/O thread. It lives as long as one of its operations is under way.
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "actors/interfaces.hpp"
#include "actors/session.hpp"
#include "net/dialect.hpp"
#include "net/options.hpp"

namespace octavo::net {

class io_thread;

using steady_time = std::chrono::steady_clock::time_point;

/// Lets a client send so much on average, and so much at once.
class rate_limiter {
 public:
  rate_limiter(double per_s, double burst, steady_time now) : per_s_(per_s), burst_(burst), tokens_(burst), at_(now) {}

  /// Takes one; the answer is how long to wait before taking the next.
  std::chrono::milliseconds take(steady_time now) {
    auto elapsed_s = std::chrono::duration<double>(now - at_).count();
    at_ = now;
    tokens_ = std::min(burst_, tokens_ + elapsed_s * per_s_) - 1;
    if (tokens_ >= 0) return std::chrono::milliseconds{0};
    return std::chrono::milliseconds{static_cast<std::int64_t>(-tokens_ / per_s_ * 1000) + 1};
  }

 private:
  double per_s_;
  double burst_;
  double tokens_;
  steady_time at_;
};

class connection : public std::enable_shared_from_this<connection> {
 public:
  connection(io_thread& thread, const dialect& speaks, std::string peer);
  virtual ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  /// Keeps something alive for as long as the connection: its place among those that may be open.
  void hold(std::shared_ptr<void> place) { held_ = std::move(place); }

  actors::session_id id() const { return id_; }
  actors::relay_id relay() const { return relay_; }

  /// The WebSocket is open: from here on the session exists and frames are read. `expires_s`: when the token ends.
  void start(const std::string& document, actors::client_identity who, std::int64_t expires_s);

  // --- what the actors say; called by the I/O thread ---
  void attached(actors::relay_id relay) { relay_ = relay; }
  void receive(const actors::reply& what);
  void receive_update(const actors::payload& update, std::uint64_t seq, actors::session_id except);
  void receive_presence(const actors::payload& presence);
  void receive_question(const actors::payload& state_vector);
  void release(const actors::ack& answered);
  void close(actors::close_reason reason, std::string_view text);

  /// Looks at what waits on the clock; called about once a second.
  void check(steady_time now, std::int64_t now_s);

 protected:
  // --- the derived stream ---
  /// Reads a part of a message into the buffer, or all of it.
  virtual void async_read() = 0;
  /// Writes the front of the queue, and calls written() when it is gone.
  virtual void async_write(const out_frame& frame) = 0;
  virtual void async_close(std::uint16_t code, std::string_view text) = 0;
  virtual void async_ping() = 0;
  /// Closes the socket without a word; all that is under way on it ends with an error.
  virtual void close_socket() = 0;
  /// Bytes that the peer's system has not taken yet.
  virtual std::uint64_t unsent_bytes() = 0;

  // --- what the derived stream says ---
  void read_part();
  void read_done(bool is_binary);
  void written(std::size_t bytes);
  /// The peer has shown a sign of life that is no message.
  void heard();
  void read_failed();
  void write_failed();
  /// The connection is over, whichever way.
  void gone();

  boost::beast::flat_buffer read_buffer_;
  io_thread& thread_;

 private:
  void read_next();
  void listen();
  /// What is counted of this connection now; the node's gauges follow.
  void count_unanswered(std::uint64_t bytes);
  void count_reading(std::size_t bytes);
  void pass_on(actors::client_input what);
  void pass_question();
  void enqueue(out_frame frame);
  void write_next();
  void bad_message(std::string_view what);
  void ask_for_what_was_missed();
  bool is_stuck(steady_time now);
  bool is_silent(steady_time now);
  void abort();

  const dialect& dialect_;
  std::string peer_;
  std::shared_ptr<void> held_;
  actors::session_id id_;
  actors::relay_id relay_ = 0;
  actors::session_actor session_;
  std::deque<out_frame> queue_;
  std::size_t queue_bytes_ = 0;
  std::size_t reading_bytes_ = 0;  ///< of a message that has come in part
  std::uint64_t unanswered_bytes_ = 0;
  std::uint64_t asked_ = 0;     ///< messages that the session was given
  std::uint64_t answered_ = 0;  ///< so many of them are answered
  std::uint64_t question_ = 0;  ///< the last of them that asked for much
  std::optional<actors::client_input> held_sync_;
  std::optional<actors::client_input> held_query_;
  std::uint64_t delivered_seq_ = 0;  ///< the last edit that is delivered or in the queue
  std::int64_t expires_s_ = 0;
  steady_time last_sent_;
  steady_time last_heard_;
  steady_time last_ping_;
  steady_time write_progress_;      ///< when the peer last took something of what is being written
  std::uint64_t unsent_bytes_ = 0;  ///< as it was then
  steady_time last_refusal_;
  steady_time paused_until_;
  rate_limiter rate_;
  std::size_t bad_messages_ = 0;
  bool lagging_ = false;    ///< edits after delivered_seq_ were dropped
  bool resyncing_ = false;  ///< and have been asked for
  bool reading_ = false;
  bool writing_ = false;
  bool closing_ = false;
  bool gone_ = false;
};

using connection_ptr = std::shared_ptr<connection>;

}  // namespace octavo::net
