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
    std::vector<closing> closings;
    /// The markers that came back, in order.
    std::vector<std::string> echoes() const {
      auto result = std::vector<std::string>{};
      for (const auto& delivery : deliveries)
        for (const auto& reply : delivery.replies)
          if (reply.kind == actors::reply_kind::durable) result.emplace_back(as_text(reply.data.view()));
      return result;
    }
  };

  /// `busy`: deliveries are not called done before finish(), as if the sockets were still writing.
  explicit recording_outlet(bool busy = false) : busy_(busy) {}

  void deliver(actors::delivery what) override {
    auto done = what.done;
    {
      auto lock = std::lock_guard{mutex_};
      log_.deliveries.push_back(std::move(what));
      if (busy_) unfinished_.push_back(std::exchange(done, {}));
    }
    if (done) done();
  }
  void finish() {
    auto lock = std::unique_lock{mutex_};
    const auto all = std::exchange(unfinished_, {});
    lock.unlock();
    for (const auto& done : all) done();
  }
  void attach(actors::session_id session, actors::relay_id relay) override {
    auto lock = std::lock_guard{mutex_};
    log_.attached.emplace_back(session, relay);
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
  std::vector<std::function<void()>> unfinished_;
};

}  // namespace octavo::test
