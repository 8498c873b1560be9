#include "actors/follower.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>

#include "actors/clock.hpp"
#include "actors/logger.hpp"

namespace octavo::actors {

namespace {

constexpr auto answer_timeout = std::chrono::seconds{60};
constexpr auto retry_delay = std::chrono::milliseconds{50};
constexpr auto retry_delay_max = std::chrono::milliseconds{400};
/// Client ids of edits are below it; see edit_key.
constexpr auto client_bits = 52U;

class follower_impl {
 public:
  static inline const char* name = "octavo.follower";

  follower_impl(follower_actor::pointer self, directory_actor directory, std::string document, subscriber_actor reader,
                follower_options options)
      : self_(self),
        directory_(std::move(directory)),
        name_(std::move(document)),
        reader_(std::move(reader)),
        options_(options) {
    auto random = std::random_device{};
    key_.client = 1 + (((std::uint64_t{random()} << 32U) | random()) >> (64U - client_bits));
  }

  follower_actor::behavior_type make_behavior() {
    watcher_.install(self_);
    if (reader_) watcher_.watch(self_, reader_, [this](const caf::error& reason) { end(from_caf(reason)); });
    locate();
    return {
        [this](document_burst& burst) {
          // A document that this follower has turned away from may not know it yet.
          if (!document_ || self_->current_sender() != caf::actor_cast<caf::strong_actor_ptr>(document_)) return;
          take(std::move(burst));
        },
        [this](edit_atom, server_edit& what) -> caf::result<std::uint64_t> {
          if (edits_.size() >= options_.edits_max)
            return make_error(error{errc::limit_exceeded, "too many edits wait for the document: ask later"});
          auto promise = self_->make_response_promise<std::uint64_t>();
          edits_.push_back({std::move(what), promise});
          send_edit();
          return promise;
        },
        [this](read_atom, const read_request& what) -> caf::result<payload> {
          if (reads_.size() >= options_.edits_max)
            return make_error(error{errc::limit_exceeded, "too many questions wait for the document: ask later"});
          auto promise = self_->make_response_promise<payload>();
          reads_.push_back(std::make_shared<waiting_read>(what, promise));
          read(reads_.back());
          return promise;
        },
    };
  }

 private:
  struct waiting_edit {
    server_edit what;
    caf::typed_response_promise<std::uint64_t> promise;
  };
  struct waiting_read {
    waiting_read(read_request what, caf::typed_response_promise<payload> promise)
        : what(std::move(what)), promise(std::move(promise)) {}
    read_request what;
    caf::typed_response_promise<payload> promise;
    bool is_answered = false;
  };

  // --- where the document is ---

  void locate() {
    compat::ask(self_, directory_, answer_timeout, locate_atom_v, name_)
        .then([this](const document_actor& found) { join(found); },
              [this](const caf::error& reason) { try_again_or_end(from_caf(reason)); });
  }

  void join(const document_actor& found) {
    // A question to another node has no answer when the connection breaks, and so the document is watched from here on.
    joining_ = found;
    watcher_.watch(self_, found, [this, found](const caf::error& reason) {
      if (document_ == found || joining_ == found) lost(from_caf(reason));
    });
    if (!reader_) {
      joined(found);
      return;
    }
    compat::ask(self_, found, answer_timeout, join_atom_v, subscriber_actor{self_}, seq_)
        .then(
            [this, found](std::uint64_t) {
              if (joining_ == found) joined(found);
            },
            [this, found](const caf::error& reason) {
              if (joining_ != found) return;
              joining_ = nullptr;
              watcher_.unwatch(self_, found);
              try_again_or_end(from_caf(reason));
            });
  }

  void joined(const document_actor& found) {
    document_ = found;
    joining_ = nullptr;
    ++round_;
    credit_ = 0;
    searching_since_ms_.reset();
    retry_delay_ = retry_delay;
    send_edit();
    for (const auto& one : reads_) read(one);
  }

  void try_again_or_end(const error& why) {
    const auto now = steady_now_ms();
    if (!searching_since_ms_) searching_since_ms_ = now;
    if ((why.code != errc::unavailable && why.code != errc::moved && why.code != errc::none) ||
        now - *searching_since_ms_ > options_.locate_ms) {
      end(why);
      return;
    }
    self_->run_delayed(retry_delay_, [this] { locate(); });
    retry_delay_ = std::min(2 * retry_delay_, retry_delay_max);
  }

  /// The document's actor is gone.
  void lost(const error& why) {
    for (const auto& one : {document_, joining_})
      if (one) watcher_.unwatch(self_, one);
    document_ = joining_ = nullptr;
    ++round_;
    is_editing_ = false;
    if (why.code == errc::not_found) {
      end(why);
      return;
    }
    logger().info("document={} is looked up again: {}", printable(name_), why.message);
    try_again_or_end(why.code == errc::internal ? error{errc::unavailable, why.message} : why);
  }

  void end(const error& why) {
    const auto reason = make_error(why.code == errc::none ? error{errc::unavailable, "the follower has ended"} : why);
    for (auto& one : edits_) one.promise.deliver(reason);
    for (const auto& one : reads_) one->promise.deliver(reason);
    edits_.clear();
    reads_.clear();
    if (document_ && reader_) compat::send(self_, document_, part_atom_v, subscriber_actor{self_});
    self_->quit(reason);
  }

  // --- what the document says ---

  void take(document_burst burst) {
    seq_ = std::max(seq_, burst.seq);
    const auto weight = burst.weight();
    if (burst.update.empty() && burst.presence.empty()) {
      give_credit(weight);
      return;
    }
    bursts_.emplace_back(round_, weight, std::move(burst));
    hand_on();
  }

  void hand_on() {
    if (is_reading_ || bursts_.empty()) return;
    is_reading_ = true;
    auto [round, weight, burst] = std::move(bursts_.front());
    bursts_.pop_front();
    compat::ask(self_, reader_, std::chrono::milliseconds{options_.read_ms}, std::move(burst))
        .then(
            [this, from = round, bytes = weight] {
              is_reading_ = false;
              if (from == round_) give_credit(bytes);
              hand_on();
            },
            [this](const caf::error& reason) { end(from_caf(reason)); });
  }

  void give_credit(std::uint64_t bytes) {
    credit_ += bytes;
    if (!document_ || credit_ < options_.credit_step_bytes) return;
    compat::send(self_, document_, credit_atom_v, subscriber_actor{self_}, std::exchange(credit_, 0));
  }

  // --- what the program asks ---

  /// One after the other: each says how far the ones before it have come.
  void send_edit() {
    if (!document_ || is_editing_ || edits_.empty()) return;
    is_editing_ = true;
    compat::ask(self_, document_, answer_timeout, edit_atom_v, edits_.front().what, key_)
        .then(
            [this, round = round_](const edit_done& done) {
              if (round != round_) return;
              key_.clock = done.clock;
              answered([&](auto& promise) { promise.deliver(done.seq); });
            },
            [this, round = round_](const caf::error& reason) {
              if (round != round_) return;
              const auto why = from_caf(reason);
              if (is_passing(why))
                self_->run_delayed(retry_delay_max, [this, round] { send_edit_again(round); });
              else
                answered([&](auto& promise) { promise.deliver(make_error(why)); });
            });
  }

  void send_edit_again(std::uint64_t round) {
    if (round != round_) return;
    is_editing_ = false;
    send_edit();
  }

  template <class Deliver>
  void answered(Deliver deliver) {
    is_editing_ = false;
    deliver(edits_.front().promise);
    edits_.pop_front();
    send_edit();
  }

  void read(const std::shared_ptr<waiting_read>& one) {
    if (!document_ || one->is_answered) return;
    compat::ask(self_, document_, answer_timeout, read_atom_v, one->what)
        .then([this, one](payload& answer) { answer_read(one, std::move(answer)); },
              [this, one, round = round_](const caf::error& reason) {
                const auto why = from_caf(reason);
                if (!is_passing(why))
                  answer_read(one, make_error(why));
                else if (round == round_)
                  self_->run_delayed(retry_delay_max, [this, one, round] {
                    if (round == round_) read(one);
                  });
              });
  }

  template <class Answer>
  void answer_read(const std::shared_ptr<waiting_read>& one, Answer answer) {
    if (std::exchange(one->is_answered, true)) return;
    one->promise.deliver(std::move(answer));
    std::erase(reads_, one);
  }

  /// Asked again in a moment, or by then of another one, it may be answered; if the document is gone its end tells.
  static bool is_passing(const error& why) { return why.code == errc::unavailable || why.code == errc::moved; }

  follower_actor::pointer self_;
  directory_actor directory_;
  std::string name_;
  subscriber_actor reader_;
  follower_options options_;
  compat::watcher watcher_;
  document_actor document_;
  document_actor joining_;   ///< has been asked to let this follower in
  std::uint64_t round_ = 0;  ///< of documents: what an earlier one says of edits is not believed
  std::uint64_t seq_ = 0;    ///< the reader has, or is about to have, all edits up to it
  std::uint64_t credit_ = 0;
  bool is_reading_ = false;
  bool is_editing_ = false;
  std::deque<std::tuple<std::uint64_t, std::uint64_t, document_burst>> bursts_;  ///< the document's window bounds them
  edit_key key_;
  std::deque<waiting_edit> edits_;  ///< the first one is with the document
  std::vector<std::shared_ptr<waiting_read>> reads_;
  std::optional<std::int64_t> searching_since_ms_;
  std::chrono::milliseconds retry_delay_ = retry_delay;
};

}  // namespace

follower_actor spawn_follower(caf::actor_system& system, directory_actor directory, std::string document,
                              subscriber_actor reader, follower_options options) {
  return system.spawn<follower_actor::stateful_impl<follower_impl>>(std::move(directory), std::move(document),
                                                                    std::move(reader), options);
}

}  // namespace octavo::actors
