// An outlet that remembers what it was told.
#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "actors/outlet.hpp"

namespace octavo::test {

class recording_outlet : public actors::outlet {
 public:
  struct closing {
    actors::session_id session = 0;  ///< 0: all of the relay
    actors::relay_id relay = 0;
    actors::close_reason reason = actors::close_reason::normal;
    std::string text;
  };
  struct log {
    std::vector<actors::delivery> deliveries;
    std::vector<std::pair<actors::session_id, actors::relay_id>> attached;
    std::vector<std::pair<actors::session_id, std::uint64_t>> released;
    std::vector<std::pair<actors::session_id, std::string>> echoes;
    std::vector<closing> closings;
    std::uint64_t released_bytes() const {
      auto total = std::uint64_t{0};
      for (const auto& one : released) total += one.second;
      return total;
    }
  };

  /// `busy`: deliveries are not called done by themselves, as if the sockets were still writing.
  explicit recording_outlet(bool busy = false) : busy_(busy) {}

  void deliver(actors::delivery what) override {
    auto done = busy_ ? std::function<void()>{} : what.done;
    {
      auto lock = std::lock_guard{mutex_};
      log_.deliveries.push_back(std::move(what));
    }
    if (done) done();
  }
  void attach(actors::session_id session, actors::relay_id relay) override {
    auto lock = std::lock_guard{mutex_};
    log_.attached.emplace_back(session, relay);
  }
  void release(actors::session_id session, std::uint64_t bytes) override {
    auto lock = std::lock_guard{mutex_};
    log_.released.emplace_back(session, bytes);
  }
  void echo(actors::session_id session, actors::payload marker) override {
    auto lock = std::lock_guard{mutex_};
    log_.echoes.emplace_back(session, as_text(marker.view()));
  }
  void close(actors::session_id session, actors::close_reason reason, std::string text) override {
    auto lock = std::lock_guard{mutex_};
    log_.closings.push_back({session, 0, reason, std::move(text)});
  }
  void close_all(actors::relay_id relay, actors::close_reason reason, std::string text) override {
    auto lock = std::lock_guard{mutex_};
    log_.closings.push_back({0, relay, reason, std::move(text)});
  }

  /// A copy of what was said so far.
  log said() const {
    auto lock = std::lock_guard{mutex_};
    return log_;
  }
  /// What was said since the last take().
  log take() {
    auto lock = std::lock_guard{mutex_};
    return std::exchange(log_, {});
  }

 private:
  bool busy_;
  mutable std::mutex mutex_;
  log log_;
};

}  // namespace octavo::test
