#include "cluster/shard_receiver.hpp"

#include <algorithm>
#include <caf/event_based_actor.hpp>
#include <caf/spawn_options.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <random>

#include "actors/caf_compat.hpp"
#include "actors/clock.hpp"
#include "actors/logger.hpp"
#include "cluster/logger.hpp"
#include "storage/store.hpp"

namespace octavo::cluster {

namespace {

/// Longer than the disk of the other node should ever need for a megabyte.
constexpr auto answer_timeout = std::chrono::seconds{30};
/// A transfer is not begun anew for so long after it has ended, however often it is offered: one that failed will fail
/// again, and after one that did not the log goes on.
constexpr auto rest_ms = std::int64_t{1'000};
/// Documents of this node that are looked at together.
constexpr auto listed_at_once = std::size_t{512};

class shard_receiver_impl {
 public:
  static inline const char* name = "octavo.shard_receiver";

  shard_receiver_impl(shard_receiver_actor::pointer self, shard_host_actor host, storage::store& store)
      : self_(self), host_(std::move(host)), store_(store) {}

  shard_receiver_actor::behavior_type make_behavior() {
    watcher_.install(self_);
    watcher_.watch(self_, host_, [this](const caf::error&) { self_->quit(); });
    return {
        [this](state_atom, state_wanted& what) {
          // The owner offers every shard that lags, and so no more wait than there are shards.
          const auto waits = [&](const state_wanted& one) { return one.shard == what.shard; };
          if ((is_running_ && now_.shard == what.shard) || std::any_of(waiting_.begin(), waiting_.end(), waits)) return;
          if (auto ended = ended_ms_.find(what.shard);
              ended != ended_ms_.end() && actors::steady_now_ms() - ended->second < rest_ms)
            return;
          waiting_.push_back(std::move(what));
          next();
        },
        [this](actors::drop_atom, shard_number shard) {
          std::erase_if(waiting_, [&](const state_wanted& one) { return one.shard == shard; });
          if (is_running_ && now_.shard == shard) end("the replica was removed");
        },
    };
  }

 private:
  void next() {
    if (is_running_ || waiting_.empty()) return;
    now_ = std::move(waiting_.front());
    waiting_.pop_front();
    is_running_ = true;
    transfer_ = (std::uint64_t{random_()} << 32U) | random_();
    after_.clear();
    documents_ = bytes_ = 0;
    started_ms_ = actors::steady_now_ms();
    ask<transfer_opened>(transfer_open{now_.shard}, [this](transfer_opened& answer) { opened(answer); });
  }

  /// Asks the other node. Answers to an earlier transfer are for nobody.
  template <class Answer, class What, class Then>
  void ask(What what, Then then) {
    auto request = transfer_request{transfer_, std::move(what)};
    compat::ask(self_, now_.from, answer_timeout, transfer_atom_v, actors::payload{encode(request)})
        .then(
            [this, transfer = transfer_, then](const actors::payload& data) {
              if (!is_running_ || transfer != transfer_) return;
              auto answer = decode_transfer_answer(data.view());
              if (!answer) return end(answer.error().message);
              auto* wanted = std::get_if<Answer>(&*answer);
              if (wanted == nullptr) return end("it answers something else than was asked");
              then(*wanted);
            },
            [this, transfer = transfer_](const caf::error& reason) {
              if (is_running_ && transfer == transfer_) end(actors::from_caf(reason).message);
            });
  }

  void opened(const transfer_opened& answer) {
    at_ = answer.base;
    // Before the first document is ahead of the replica's log: it may get those entries from its log after all.
    compat::ask(self_, host_, answer_timeout, state_atom_v, now_.shard, at_.at.lsn, std::max(at_.at.lsn, answer.ahead))
        .then(
            [this, transfer = transfer_] {
              if (is_running_ && transfer == transfer_) list();
            },
            [this, transfer = transfer_](const caf::error& reason) {
              if (is_running_ && transfer == transfer_) end(actors::from_caf(reason).message);
            });
  }

  void list() {
    ask<transfer_listed>(transfer_list{after_}, [this](transfer_listed& answer) { listed(answer); });
  }

  // Compares what is there with what is here, both by name.
  void listed(transfer_listed& answer) {
    for (auto last = std::string_view{after_}; const auto& one : answer.documents) {
      if (one.name <= last) return end("its list of documents is out of order");
      last = one.name;
    }
    if (answer.documents.empty() && answer.more) return end("its list of documents is empty, and goes on");
    const auto last = answer.more ? answer.documents.back().name : std::string{};
    auto ours = std::map<std::string, storage::document_info>{};
    for (auto from = after_;;) {
      auto page = store_.list_shard_documents(now_.shard, from, listed_at_once);
      if (!page) return end(page.error().message);
      for (auto& one : page->documents) {
        if (answer.more && one.name > last) break;
        auto name = one.name;
        ours.emplace(std::move(name), std::move(one));
      }
      if (!page->more || page->documents.empty() || (answer.more && page->documents.back().name > last)) break;
      from = page->documents.back().name;
    }
    const auto mixed = store_.is_mixed(now_.shard);
    if (!mixed) return end(mixed.error().message);
    auto plan = plan_copies(ours, std::move(answer.documents), *mixed);
    auto gone = write();
    gone.removals.assign(plan.gone.begin(), plan.gone.end());
    if (!gone.removals.empty())
      if (auto removed = store_.commit_shards({&gone, 1}); !removed) return end(removed.error().message);
    wanted_ = std::move(plan.wanted);
    copies_ = std::move(plan.copies);
    after_ = last;
    more_ = answer.more;
    done_ = 0;
    cursor_ = {};
    fetch();
  }

  void fetch() {
    if (done_ == wanted_.size()) {
      if (more_)
        list();
      else
        finish();
      return;
    }
    auto what = transfer_fetch{{wanted_.begin() + static_cast<std::ptrdiff_t>(done_), wanted_.end()}, cursor_};
    ask<transfer_fetched>(std::move(what), [this](transfer_fetched& answer) { fetched(answer); });
  }

  void fetched(transfer_fetched& answer) {
    const auto asked = wanted_.size() - done_;
    if (answer.done > asked || (answer.done == 0 && answer.parts.empty()))
      return end("its answer holds nothing that was asked for");
    auto edits = write();
    auto part = answer.parts.begin();
    for (auto i = std::uint64_t{0}; i <= answer.done && i < asked; ++i) {
      const auto& wanted = wanted_[done_ + i];
      const auto first = part;
      while (part != answer.parts.end() && part->wanted == i) ++part;
      for (auto one = first; one != part; ++one) bytes_ += one->part.data.size();
      if (i == answer.done && first == part) break;
      if (auto taken = take(wanted, copies_[done_ + i], first, part, i < answer.done, edits); !taken)
        return end(taken.error().message);
    }
    if (part != answer.parts.end()) return end("its answer holds parts of other documents");
    if (!edits.appends.empty())
      if (auto written = store_.commit_shards({&edits, 1}); !written) return end(written.error().message);
    documents_ += answer.done;
    done_ += answer.done;
    cursor_ = answer.cursor;
    fetch();
  }

  /// Of documents as they are at the other node. Where the log has led this replica on meanwhile the store refuses it.
  storage::shard_write write() const {
    auto step = storage::shard_write{};
    step.shard = now_.shard;
    step.as_of = at_.at.lsn;
    return step;
  }

  using part_iterator = std::vector<fetched_part>::iterator;

  result<void> take(const wanted_document& wanted, const storage::document_copy& what, part_iterator from,
                    part_iterator to, bool is_whole, storage::shard_write& edits) {
    if (wanted.after_seq != 0) {
      for (auto one = from; one != to; ++one)
        edits.appends.push_back({wanted.name, one->part.seq, one->part.time_ms, one->part.user, one->part.data});
      return {};
    }
    if (copy_ == 0) {
      auto begun = store_.begin_copy(now_.shard, at_.at.lsn);
      if (!begun) return tl::unexpected{begun.error()};
      copy_ = *begun;
    }
    auto parts = std::vector<storage::document_part>{};
    for (auto one = from; one != to; ++one) parts.push_back(std::move(one->part));
    if (auto added = store_.add_to_copy(copy_, parts); !added) return added;
    if (!is_whole) return {};
    auto finished = store_.finish_copy(copy_, what);
    if (finished) copy_ = 0;
    return finished;
  }

  void finish() {
    ask<transfer_closed>(transfer_close{}, [](transfer_closed&) {});
    ended_ms_[now_.shard] = actors::steady_now_ms();
    logger().info("shard={} has its documents from {}: documents={} bytes={} ms={} lsn={}", now_.shard, now_.node,
                  documents_, bytes_, actors::steady_now_ms() - started_ms_, at_.at.lsn);
    compat::send(self_, host_, state_atom_v, state_fetched{now_.shard, at_});
    is_running_ = false;
    next();
  }

  void end(const std::string& why) {
    logger().warn("shard={} documents cannot be fetched from {} for now: {}", now_.shard, now_.node, why);
    if (copy_ != 0) store_.drop_copy(std::exchange(copy_, 0));
    ask<transfer_closed>(transfer_close{}, [](transfer_closed&) {});
    ended_ms_[now_.shard] = actors::steady_now_ms();
    is_running_ = false;
    next();
  }

  shard_receiver_actor::pointer self_;
  shard_host_actor host_;
  storage::store& store_;
  compat::watcher watcher_;
  std::random_device random_;
  std::deque<state_wanted> waiting_;
  std::map<shard_number, std::int64_t> ended_ms_;  ///< when a transfer ended last

  // Of the transfer that is under way.
  bool is_running_ = false;
  state_wanted now_;
  std::uint64_t transfer_ = 0;
  log_base at_;
  std::string after_;  ///< the last name that was listed
  bool more_ = false;
  std::vector<wanted_document> wanted_;  ///< of the names that were listed last, and
  std::vector<storage::document_copy> copies_;
  std::size_t done_ = 0;  ///< so many of them are here
  storage::part_cursor cursor_;
  std::uint64_t copy_ = 0;  ///< the store's number of one that has come in part; 0: none
  std::uint64_t documents_ = 0;
  std::uint64_t bytes_ = 0;
  std::int64_t started_ms_ = 0;
};

}  // namespace

shard_receiver_actor spawn_shard_receiver(caf::actor_system& system, const shard_host_actor& host,
                                          storage::store& store) {
  return system.spawn<shard_receiver_actor::stateful_impl<shard_receiver_impl>, caf::detached>(host, std::ref(store));
}

}  // namespace octavo::cluster
