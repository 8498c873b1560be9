// Finds the actor of a document: here, or at the node that owns its shard. Where nobody does at the moment, as the
// shard moves or its owner has gone, the question waits for a moment: the answer is mostly a few milliseconds away.
// Part of the actor that is asked, and used by it alone.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <caf/typed_response_promise.hpp>

#include "actors/caf_compat.hpp"
#include "actors/clock.hpp"
#include "cluster/interfaces.hpp"
#include "cluster/shards.hpp"

namespace octavo::cluster {

/// For whoever asks for a document at a node that does not have it.
error moved_error();

struct finder_options {
  std::int64_t find_ms = 1'000;       ///< a question waits for so long for an owner
  std::size_t waiting_max = 100'000;  ///< such questions; one more is answered at once: with errc::moved
};

/// Who has a shard, as far as is known here.
struct shard_place {
  enum class kind_type : std::uint8_t {
    here,
    there,    ///< at `node`, which is connected
    unknown,  ///< nobody, or a node that cannot be reached; that may change any moment
  };
  kind_type kind = kind_type::unknown;
  std::string node;
  peer_actor peer;
  bool is_coming_here = false;  ///< unknown: this node is about to own it
};

template <class Self>
class document_finder {
 public:
  using promise_type = caf::typed_response_promise<actors::document_actor>;

  /// `place` tells who has a shard; `here` is asked for documents of shards that this node has.
  document_finder(Self self, finder_options options, std::function<shard_place(shard_number)> place,
                  std::function<actors::registry_actor()> here)
      : self_(self), options_(options), place_(std::move(place)), here_(std::move(here)) {}

  /// Answers the message that the actor is handling. One that comes from another node is never sent on to a third.
  caf::result<actors::document_actor> find(shard_number shard, const std::string& name, bool is_from_here) {
    auto promise = self_->template make_response_promise<actors::document_actor>();
    auto one = std::make_shared<question>(name, is_from_here, actors::steady_now_ms() + options_.find_ms, promise);
    if (!answer(shard, one)) wait(shard, std::move(one));
    return promise;
  }

  /// Something has changed about a shard, or time has passed.
  void look_again(shard_number shard) {
    auto found = waiting_.find(shard);
    if (found == waiting_.end()) return;
    auto questions = std::move(found->second);
    waiting_.erase(found);
    waiting_count_ -= questions.size();
    for (auto& one : questions)
      if (!one->is_answered && !answer(shard, one)) wait(shard, std::move(one));
  }

  void look_again() {
    auto shards = std::vector<shard_number>{};
    for (const auto& [shard, questions] : waiting_) shards.push_back(shard);
    for (auto shard : shards) look_again(shard);
  }

  /// A node is not connected any more: what it was asked waits for the next owner.
  void lost(const std::string& node) {
    auto found = asked_.find(node);
    if (found == asked_.end()) return;
    for (auto& [shard, one] : std::exchange(found->second, {})) wait(shard, std::move(one));
  }

 private:
  struct question {
    question(std::string name, bool is_from_here, std::int64_t until_ms, promise_type promise)
        : name(std::move(name)), is_from_here(is_from_here), until_ms(until_ms), promise(std::move(promise)) {}
    std::string name;
    bool is_from_here;
    std::int64_t until_ms;
    bool is_answered = false;
    promise_type promise;
  };
  /// Of a document, by the node that owns it.
  static constexpr auto load_timeout = std::chrono::seconds{60};

  static void refuse(question& one, const error& why) {
    if (!std::exchange(one.is_answered, true)) one.promise.deliver(actors::make_error(why));
  }

  /// False: it cannot be said yet.
  bool answer(shard_number shard, const std::shared_ptr<question>& one) {
    const auto place = place_(shard);
    if (place.kind == shard_place::kind_type::here) {
      one->is_answered = true;
      compat::ask(self_, here_(), load_timeout, actors::document_atom_v, one->name)
          .then([one](const actors::document_actor& document) { one->promise.deliver(document); },
                [one](caf::error& reason) { one->promise.deliver(std::move(reason)); });
      return true;
    }
    if (!one->is_from_here && !place.is_coming_here) {
      refuse(*one, moved_error());
      return true;
    }
    if (place.kind == shard_place::kind_type::unknown) return false;
    auto& asked = asked_[place.node];
    std::erase_if(asked, [](const auto& each) { return each.second->is_answered; });
    asked.emplace_back(shard, one);
    compat::ask(self_, place.peer, load_timeout, actors::document_atom_v, one->name)
        .then(
            [one](const actors::document_actor& document) {
              if (!std::exchange(one->is_answered, true)) one->promise.deliver(document);
            },
            [this, shard, one](const caf::error& reason) {
              if (one->is_answered) return;
              const auto why = actors::from_caf(reason);
              if (why.code == errc::moved)
                wait(shard, one);
              else
                refuse(*one, why);
            });
    return true;
  }

  void wait(shard_number shard, std::shared_ptr<question> one) {
    if (one->is_answered) return;
    if (actors::steady_now_ms() >= one->until_ms || waiting_count_ >= options_.waiting_max) {
      refuse(*one, moved_error());
      return;
    }
    ++waiting_count_;
    waiting_[shard].push_back(std::move(one));
  }

  Self self_;
  finder_options options_;
  std::function<shard_place(shard_number)> place_;
  std::function<actors::registry_actor()> here_;
  std::map<shard_number, std::vector<std::shared_ptr<question>>> waiting_;  ///< while nobody owns the shard
  std::size_t waiting_count_ = 0;
  std::map<std::string, std::vector<std::pair<shard_number, std::shared_ptr<question>>>> asked_;  ///< of a node
};

}  // namespace octavo::cluster
