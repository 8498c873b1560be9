// One thread that runs the sockets of its connections, and the outlet through which relays reach them. What actors
// hand in gathers in a list; the thread is woken once for however much has gathered, and everything a relay says goes
// to all of its connections here in one go.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

#include "actors/node.hpp"
#include "net/connection.hpp"
#include "net/options.hpp"

namespace octavo::net {

/// Something with a deadline that the thread looks at once a second: a handshake, a request.
class watched {
 public:
  virtual ~watched() = default;
  /// False when it need not be looked at any more.
  virtual bool check(steady_time now) = 0;
};

class io_thread {
 public:
  io_thread(actors::node& node, const net_options& options);
  ~io_thread();
  io_thread(const io_thread&) = delete;
  io_thread& operator=(const io_thread&) = delete;

  void start();
  /// Ends the thread; connections that are still open are dropped. The outlet remains, and does nothing.
  void stop();

  /// Closes the connections that are open now, evenly over this time, as of a node that goes; those that come meanwhile
  /// stay. Zero: those that are left stay too. Any thread.
  void drain(std::chrono::milliseconds over);

  boost::asio::io_context& context() { return context_; }
  actors::node& node() { return node_; }
  const net_options& options() const { return options_; }
  const actors::outlet_ptr& as_outlet() const { return outlet_; }
  std::size_t connection_count() const { return connection_count_.load(std::memory_order_relaxed); }

  // --- on the thread itself ---
  steady_time now() const { return std::chrono::steady_clock::now(); }
  void add(connection_ptr one);
  void remove(connection& one);
  void watch(std::weak_ptr<watched> one) { watched_.push_back(std::move(one)); }
  void after(std::chrono::milliseconds delay, std::function<void()> what);

 private:
  struct attach_command {
    actors::session_id session;
    actors::relay_id relay;
  };
  struct close_command {
    actors::session_id session;  ///< 0: all of the relay
    actors::relay_id relay;
    actors::close_reason reason;
    std::string text;
  };
  using command = std::variant<actors::delivery, attach_command, close_command>;

  /// The side that actors hold; it outlives the thread, and drops what comes too late.
  class outlet;

  void run_commands();
  void run(actors::delivery& what);
  void run(const attach_command& what);
  void run(const close_command& what);
  connection* find(actors::session_id session);
  void leave_group(connection& one);
  void schedule_check();
  /// How the sockets that were there when a drain began are closed, evenly.
  struct drain_plan {
    std::uint64_t number = 0;
    std::chrono::steady_clock::time_point since;
    std::chrono::milliseconds over{};
    double sockets = 0;
    double head_start = 0;  ///< of a socket
  };
  void drain_some(const drain_plan& plan);

  actors::node& node_;
  const net_options& options_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer check_timer_;
  std::shared_ptr<outlet> own_outlet_;
  actors::outlet_ptr outlet_;
  std::unordered_map<actors::session_id, connection_ptr> connections_;
  std::unordered_map<actors::relay_id, std::vector<connection*>> relays_;
  std::vector<std::weak_ptr<watched>> watched_;
  std::vector<actors::session_id> draining_;  ///< that are to be closed
  std::uint64_t drain_ = 0;                   ///< the number of the latest one
  std::mt19937 random_{std::random_device{}()};
  std::atomic<std::size_t> connection_count_{0};
  std::thread thread_;
};

}  // namespace octavo::net
