#include "actors/relay.hpp"

#include <caf/actor_cast.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/logger.hpp"
#include "actors/merge.hpp"
#include "crdt/awareness.hpp"

namespace octavo::actors {

namespace {
/// In whose name the relay asks for itself.
constexpr auto nobody = session_id{0};
}  // namespace

relay_state::relay_state(relay_id id, relay_options options, metrics& counters, std::function<void()> tell_flushed)
    : open_(counters.relays_open),
      id_(id),
      options_(options),
      counters_(counters),
      presence_(options.presence),
      gate_(std::make_shared<delivery_gate>(std::move(tell_flushed))) {}

relay_state::~relay_state() {
  counters_.relay_queue_bytes.fetch_sub(static_cast<std::int64_t>(queue_bytes_), std::memory_order_relaxed);
}

std::size_t relay_state::outlet_index(const outlet_ptr& out) {
  for (auto i = std::size_t{0}; i < outlets_.size(); ++i)
    if (outlets_[i].out == out) return i;
  outlets_.push_back({out, 0});
  return outlets_.size() - 1;
}

void relay_state::enter(const session_start& session) {
  auto index = outlet_index(session.out);
  auto added = sessions_.emplace(session.id, present_session{index, payload::copy_of(session.user)});
  if (!added.second) return;
  ++outlets_[index].sessions;
  presence_.enter(session.id);
  enqueue({session.id, request_kind::enter, 0, 0, added.first->second.user});
}

void relay_state::enqueue(request what) {
  queue_bytes_ += what.weight();
  counters_.relay_queue_bytes.fetch_add(static_cast<std::int64_t>(what.weight()), std::memory_order_relaxed);
  queue_.push_back(std::move(what));
}

void relay_state::leave(session_id session) {
  auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  --outlets_[found->second.outlet].sessions;
  // The name is for the next document, should this one be gone before it has answered all that the session asked.
  auto leaving = request{session, request_kind::leave, 0, 0, std::move(found->second.user)};
  sessions_.erase(found);
  presence_.leave(session);
  enqueue(std::move(leaving));
}

void relay_state::document_lost() {
  auto again = std::vector<request>{};
  again.reserve(unanswered_.size() + queue_.size());
  std::ranges::move(unanswered_, std::back_inserter(again));
  std::ranges::move(queue_, std::back_inserter(again));
  counters_.relay_queue_bytes.fetch_sub(static_cast<std::int64_t>(queue_bytes_), std::memory_order_relaxed);
  unanswered_.clear();
  queue_.clear();
  queue_bytes_ = unanswered_bytes_ = 0;
  auto introduced = std::unordered_map<session_id, payload>{};
  for (const auto& [id, session] : sessions_) introduced.emplace(id, session.user);
  for (const auto& one : again)
    if (one.kind == request_kind::leave) introduced.emplace(one.session, one.data);
  // Those who just come are introduced by what they ask.
  for (const auto& one : again)
    if (one.kind == request_kind::enter) introduced.erase(one.session);
  // What this relay asked itself it asks anew; what clients asked is counted in their windows.
  std::erase_if(again, [](const request& one) {
    return one.kind == request_kind::reenter || one.session == nobody ||
           (one.kind == request_kind::presence && one.op == 0);
  });
  for (auto& [id, user] : introduced) enqueue({id, request_kind::reenter, 0, 0, std::move(user)});
  const auto nothing_said = payload{crdt::encode_awareness({})};
  for (auto& one : again) {
    if (one.kind == request_kind::presence) shorten(one, nothing_said);
    enqueue(std::move(one));
  }
  // The next document knows nobody. Clients renew what they said of themselves only after a while, and what they said
  // last is mostly an echo of others, which would become theirs there.
  presence_.document_lost();
  for (auto& [id, states] : presence_.own()) enqueue({id, request_kind::presence, 0, 0, std::move(states)});
  // What others said there before we joined it.
  enqueue({nobody, request_kind::query_presence, 0, 0, {}});
  grace_is_over_ = has_heard_all_ = false;
  out_.weight = credit_ = 0;
}

void relay_state::say(request& what) {
  if (presence_.say(what.session, what.data.view()) || !presence_.lost_lately()) return;
  // The new owner may not have heard yet of those that this repeats, or never will, and would take them for its own.
  shorten(what, presence_.own_part(what.session, what.data));
}

void relay_state::shorten(request& what, payload shorter) {
  if (shorter.size() >= what.data.size()) return;
  // Nobody else gives back of the client's window what the document is not sent.
  out_.acks.push_back({what.session, 0, what.data.size() - shorter.size()});
  what.data = std::move(shorter);
}

void relay_state::end_presence_grace() {
  grace_is_over_ = true;
  take_missing();
}

// Who is here has to be known before anybody is called gone.
void relay_state::take_missing() {
  if (!grace_is_over_ || !has_heard_all_) return;
  grace_is_over_ = false;
  if (auto missing = presence_.take_missing(); !missing.empty()) out_.presence.push_back(std::move(missing));
}

void relay_state::ask(relay_burst burst) {
  for (auto& one : burst.requests) {
    auto found = sessions_.find(one.session);
    if (found == sessions_.end()) continue;
    auto weight = one.weight();
    if (queue_bytes_ + weight > options_.queue_bytes_max) {
      outlets_[found->second.outlet].out->close(one.session, close_reason::try_again,
                                                "the document has more edits waiting than it may; try again");
      continue;
    }
    if (one.kind == request_kind::presence) say(one);
    enqueue(std::move(one));
  }
}

relay_burst relay_state::next_requests() {
  auto burst = relay_burst{};
  auto taken = std::size_t{0};
  auto bytes = std::size_t{0};
  // One request always goes, however large it is: a window smaller than a message must not stop the document.
  while (taken < queue_.size() && (unanswered_bytes_ == 0 ? taken == 0 || bytes < options_.window_bytes
                                                          : unanswered_bytes_ + bytes < options_.window_bytes)) {
    bytes += queue_[taken].weight();
    ++taken;
  }
  if (taken == 0) return burst;
  burst.requests.assign(std::make_move_iterator(queue_.begin()),
                        std::make_move_iterator(queue_.begin() + static_cast<std::ptrdiff_t>(taken)));
  unanswered_.insert(unanswered_.end(), burst.requests.begin(), burst.requests.end());
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(taken));
  queue_bytes_ -= bytes;
  unanswered_bytes_ += bytes;
  counters_.relay_queue_bytes.fetch_sub(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
  return burst;
}

std::uint64_t relay_state::take_credit() {
  return credit_ < options_.credit_step_bytes ? 0 : std::exchange(credit_, 0);
}

void relay_state::receive(document_burst burst) {
  out_.weight += burst.weight();
  auto credit = std::min<std::size_t>(unanswered_bytes_, burst.credit_bytes);
  unanswered_bytes_ -= credit;
  while (!unanswered_.empty() && credit >= unanswered_.front().weight()) {
    credit -= unanswered_.front().weight();
    unanswered_.pop_front();
  }
  for (auto& what : burst.replies) {
    // A reply waits until the edits before it are durable, and what has changed since is told at once.
    if (what.kind == reply_kind::presence) presence_.hear(what.data.view(), true);
    if (what.kind == reply_kind::presence && what.session == nobody) {
      has_heard_all_ = true;
      out_.presence.push_back(std::move(what.data));
      continue;
    }
    auto found = sessions_.find(what.session);
    if (found == sessions_.end()) continue;
    if (what.kind == reply_kind::kicked)
      outlets_[found->second.outlet].out->close(what.session, static_cast<close_reason>(what.seq),
                                                std::string{as_text(what.data.view())});
    else
      out_.replies.push_back(std::move(what));
  }
  out_.acks.insert(out_.acks.end(), burst.acks.begin(), burst.acks.end());
  if (!burst.update.empty()) {
    if (!out_.updates.empty() && out_.only_from != burst.only_from) out_.several_writers = true;
    out_.only_from = burst.only_from;
    out_.updates.push_back(std::move(burst.update));
    out_.seq = burst.seq;
    seq_ = std::max(seq_, burst.seq);
    out_.edits += burst.edits;
  }
  if (!burst.presence.empty()) {
    presence_.hear(burst.presence.view(), false);
    out_.presence.push_back(std::move(burst.presence));
  }
  take_missing();
  if (burst.ask_all) out_.state_vector = std::move(burst.state_vector);
}

void relay_state::flush() {
  // What is for sessions that have gone has been taken in all the same.
  if (out_.empty()) credit_ += std::exchange(out_.weight, 0);
  if (out_.empty() || !gate_->is_open()) return;
  auto what = std::exchange(out_, {});
  credit_ += what.weight;
  auto common = delivery{};
  common.relay = id_;
  common.update = merge_updates(std::move(what.updates));
  common.presence = merge_presence(std::move(what.presence));
  common.state_vector = std::move(what.state_vector);
  common.seq = what.seq;
  common.edits = what.edits;
  common.except = what.several_writers ? 0 : what.only_from;
  common.done = [gate = gate_] { gate->end(); };
  auto for_all = !common.update.empty() || !common.presence.empty() || !common.state_vector.empty();
  auto replies = std::vector<std::vector<reply>>(outlets_.size());
  auto acks = std::vector<std::vector<ack>>(outlets_.size());
  for (auto& one : what.replies)
    if (auto found = sessions_.find(one.session); found != sessions_.end())
      replies[found->second.outlet].push_back(std::move(one));
  for (const auto& one : what.acks)
    if (auto found = sessions_.find(one.session); found != sessions_.end()) acks[found->second.outlet].push_back(one);
  for (auto i = std::size_t{0}; i < outlets_.size(); ++i) {
    if (outlets_[i].sessions == 0 || (!for_all && replies[i].empty() && acks[i].empty())) continue;
    auto mine = common;
    mine.replies = std::move(replies[i]);
    mine.acks = std::move(acks[i]);
    gate_->begin();
    outlets_[i].out->deliver(std::move(mine));
  }
}

void relay_state::flushed() {
  gate_->told();
  flush();
}

void relay_state::close_all(close_reason reason, const std::string& text) {
  for (auto& one : outlets_)
    if (one.sessions != 0) one.out->close_all(id_, reason, text);
}

namespace {

/// How a document's end looks to those who had it open.
close_reason reason_of(errc code) {
  switch (code) {
    case errc::not_found:
      return close_reason::deleted;
    case errc::none:
      return close_reason::going_away;
    case errc::unavailable:
    case errc::moved:
    case errc::no_space:
    case errc::limit_exceeded:
      return close_reason::try_again;
    default:
      return close_reason::fault;
  }
}

/// The same in words. What we know more (paths, other documents' names) is for the log.
const char* client_text(errc code) {
  switch (code) {
    case errc::none:
      return "the document was closed";
    case errc::not_found:
      return "the document was deleted";
    case errc::no_space:
      return "the server's disk is full; try again later";
    case errc::limit_exceeded:
      return "the server has as many documents open as it may; try again later";
    case errc::unavailable:
    case errc::moved:
      return "the document cannot be opened just now; try again";
    case errc::corrupt:
    case errc::quarantined:
      return "the document is damaged and was set aside; the server's log says more";
    default:
      return "the document failed; it opens again from what is stored";
  }
}

class relay_impl {
 public:
  static inline const char* name = "octavo.relay";

  relay_impl(relay_actor::pointer self, std::string document, relay_id id, directory_actor directory,
             registry_actor registry, relay_options options, metrics& counters)
      : self_(self),
        name_(std::move(document)),
        id_(id),
        directory_(std::move(directory)),
        registry_(std::move(registry)),
        options_(options),
        state_(id, options, counters, [relay = relay_actor{self}] { compat::tell(relay, flushed_atom_v); }) {}

  relay_actor::behavior_type make_behavior() {
    watcher_.install(self_);
    self_->set_exception_handler([this](const std::exception_ptr& thrown) -> caf::error { return failed(thrown); });
    locate();
    linger();  // whoever asked for this relay may be gone before it has entered
    return {
        [this](document_burst& burst) {
          // A document that this relay has turned away from may not know it yet.
          if (!document_ || self_->current_sender() != caf::actor_cast<caf::strong_actor_ptr>(document_)) return;
          state_.receive(std::move(burst));
          state_.flush();
          send_credit();
          send_requests();
          age_presence();
        },
        [this](enter_atom, const session_start& session) {
          state_.enter(session);
          schedule_requests();
        },
        [this](relay_burst& burst) {
          state_.ask(std::move(burst));
          schedule_requests();
        },
        [this](leave_atom, session_id session) {
          state_.leave(session);
          schedule_requests();
          age_presence();
          if (!state_.has_sessions()) linger();
        },
        [this](flush_atom) {
          flush_scheduled_ = false;
          send_requests();
        },
        [this](flushed_atom) {
          state_.flushed();
          send_credit();
        },
        [this](tick_atom) { retire(); },
        [this](stop_atom) { end(close_reason::going_away, "the node is stopping"); },
    };
  }

 private:
  static constexpr auto locate_timeout = std::chrono::seconds{60};
  static constexpr auto retry_delay = std::chrono::milliseconds{50};
  static constexpr auto retry_delay_max = std::chrono::milliseconds{400};

  void locate() {
    compat::ask(self_, directory_, locate_timeout, locate_atom_v, name_)
        .then([this](const document_actor& found) { join(found); },
              [this](const caf::error& reason) { try_again_or_end(from_caf(reason)); });
  }

  // A question to another node has no answer when the connection breaks, and so the document is watched from here on.
  void join(const document_actor& found) {
    joining_ = found;
    watcher_.watch(self_, found, [this, found](const caf::error& reason) {
      if (joining_ != found) return document_down(found, reason);
      joining_ = nullptr;
      try_again_or_end(lost_while_joining(reason));
    });
    auto answer = [this, found](std::uint64_t seq) {
      if (joining_ != found) return;
      joining_ = nullptr;
      document_ = found;
      // What came after is on its way; before the first document there was nothing to miss.
      if (!had_document_)
        state_.joined(seq);
      else
        wait_for_others();
      had_document_ = true;
      searching_since_.reset();
      retry_delay_ = retry_delay;
      send_requests();
    };
    auto refusal = [this, found](const caf::error& reason) {
      if (joining_ != found) return;
      joining_ = nullptr;
      watcher_.unwatch(self_, found);
      try_again_or_end(from_caf(reason));
    };
    if (had_document_)
      compat::ask(self_, found, locate_timeout, join_atom_v, subscriber_actor{self_}, state_.seq())
          .then(answer, refusal);
    else
      compat::ask(self_, found, locate_timeout, join_atom_v, subscriber_actor{self_}).then(answer, refusal);
  }

  // Other nodes tell the new document of their sessions as soon as they have found it.
  void wait_for_others() {
    self_->run_delayed(std::chrono::milliseconds{options_.presence_grace_ms}, [this, losses = losses_] {
      if (losses != losses_) return;
      state_.end_presence_grace();
      state_.flush();
      send_credit();
    });
  }

  void age_presence() {
    if (ageing_ || !state_.must_age_presence()) return;
    ageing_ = true;
    self_->run_delayed(std::chrono::milliseconds{options_.presence_memory_ms}, [this] {
      ageing_ = false;
      state_.age_presence();
      age_presence();
    });
  }

  static error lost_while_joining(const caf::error& reason) {
    auto why = from_caf(reason);
    if (why.code == errc::none || why.code == errc::internal) why.code = errc::unavailable;
    return why;
  }

  // A document that is just leaving memory refuses to be joined; a moment later the directory has a new one. Where its
  // node is gone it takes until another one has claimed it.
  void try_again_or_end(const error& why) {
    auto now = std::chrono::steady_clock::now();
    if (!searching_since_) searching_since_ = now;
    if ((why.code != errc::unavailable && why.code != errc::moved) ||
        now - *searching_since_ > std::chrono::milliseconds{options_.locate_ms}) {
      end(reason_of(why.code), client_text(why.code));
      return;
    }
    self_->run_delayed(retry_delay_, [this] { locate(); });
    retry_delay_ = std::min(2 * retry_delay_, retry_delay_max);
  }

  void document_down(const document_actor& which, const caf::error& reason) {
    if (document_ != which) return;
    auto why = from_caf(reason);
    // One on another node is gone as its node is, or ends with it; what it was told is asked again, from whoever has it
    // next.
    const auto is_remote = document_.node() != self_->system().node();
    if (why.code == errc::moved || (is_remote && (why.code == errc::unavailable || why.code == errc::none))) {
      logger().info("document={} is looked up again: {}", printable(name_), why.message);
      document_ = nullptr;
      ++losses_;
      state_.document_lost();
      age_presence();
      locate();
      return;
    }
    if (why.code != errc::none) logger().warn("document={} ended: {}", printable(name_), why.message);
    document_ = nullptr;
    end(reason_of(why.code), client_text(why.code));
  }

  void end(close_reason reason, const std::string& text) {
    state_.close_all(reason, text);
    if (document_) compat::send(self_, document_, part_atom_v, subscriber_actor{self_});
    compat::send(self_, registry_, retire_atom_v, name_, id_);
    self_->quit();
  }

  void schedule_requests() {
    if (flush_scheduled_) return;
    if (!compat::has_mail(self_)) {
      send_requests();
      return;
    }
    // Comes after what other sessions have asked by now, so that a busy document gets one burst of all of it.
    flush_scheduled_ = true;
    compat::send(self_, self_, flush_atom_v);
  }

  void send_credit() {
    if (!document_) return;
    if (const auto bytes = state_.take_credit(); bytes != 0)
      compat::send(self_, document_, credit_atom_v, subscriber_actor{self_}, bytes);
  }

  void send_requests() {
    if (!document_) return;
    if (auto burst = state_.next_requests(); !burst.requests.empty())
      compat::send(self_, document_, std::move(burst), subscriber_actor{self_});
  }

  caf::error failed(const std::exception_ptr& thrown) {
    auto why = error{errc::internal, "a relay failed: " + what_of(thrown)};
    logger().error("document={} {}", printable(name_), why.message);
    state_.close_all(close_reason::fault, client_text(errc::internal));
    return make_error(why);
  }

  void linger() { compat::send_later(self_, self_, std::chrono::milliseconds{options_.linger_ms}, tick_atom_v); }

  void retire() {
    if (state_.has_sessions() || retiring_) return;
    retiring_ = true;
    // Once the registry has answered it sends no new session here; one that came before keeps us.
    compat::ask(self_, registry_, locate_timeout, retire_atom_v, name_, id_)
        .then([this] { leave_if_alone(); }, [this](const caf::error&) { leave_if_alone(); });
  }

  void leave_if_alone() {
    retiring_ = false;
    if (state_.has_sessions()) return;
    if (document_) {
      send_requests();
      compat::send(self_, document_, part_atom_v, subscriber_actor{self_});
    }
    self_->quit();
  }

  relay_actor::pointer self_;
  std::string name_;
  relay_id id_;
  directory_actor directory_;
  registry_actor registry_;
  relay_options options_;
  relay_state state_;
  compat::watcher watcher_;
  document_actor document_;
  document_actor joining_;  ///< has been asked to let this relay in
  bool had_document_ = false;
  std::uint64_t losses_ = 0;  ///< of documents
  bool ageing_ = false;       ///< age_presence() is scheduled
  std::optional<std::chrono::steady_clock::time_point> searching_since_;
  std::chrono::milliseconds retry_delay_ = retry_delay;
  bool flush_scheduled_ = false;
  bool retiring_ = false;
};

}  // namespace

relay_actor spawn_relay(caf::actor_system& system, std::string document, relay_id id, directory_actor directory,
                        registry_actor registry, relay_options options, metrics& counters) {
  return system.spawn<relay_actor::stateful_impl<relay_impl>>(std::move(document), id, std::move(directory),
                                                              std::move(registry), options, std::ref(counters));
}

}  // namespace octavo::actors
