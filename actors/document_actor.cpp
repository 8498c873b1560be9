#include "actors/document_actor.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <chrono>
#include <ctime>
#include <deque>
#include <functional>
#include <optional>
#include <unordered_map>

#include "actors/clock.hpp"
#include "actors/document.hpp"
#include "actors/logger.hpp"
#include "actors/look_backs.hpp"
#include "actors/snapshot_count.hpp"
#include "storage/store.hpp"

namespace octavo::actors {

namespace {

constexpr auto load_timeout = std::chrono::minutes{5};
constexpr auto snapshot_timeout = std::chrono::minutes{5};
constexpr auto registry_timeout = std::chrono::minutes{1};
constexpr auto look_back_timeout = std::chrono::minutes{5};
/// How often presence is looked after, and whether a full disk has room again.
constexpr auto least_idle_time = std::chrono::milliseconds{10};
constexpr auto housekeeping_interval = std::chrono::seconds{2};
/// A document with fewer records than this since its snapshot is quick to load as it is.
constexpr auto snapshot_before_leaving_records = std::uint64_t{50};
/// The registry is told of a document's size after so many edits or bytes of edits, if it changed by so much.
constexpr auto report_step_edits = std::uint64_t{256};
constexpr auto report_step_bytes_taken = std::uint64_t{1} << 20;
constexpr auto report_step_bytes = std::size_t{16} << 10;
/// Nor is anybody told that it has worked before it has done so for so long, and not more often than this.
constexpr auto work_told_us = std::int64_t{1'000};
constexpr auto work_told_interval_ms = std::int64_t{500};

constexpr auto disk_full = std::string_view{"the server's disk is full: edits are not taken until there is room"};

/// Adds the processor time that this thread uses while it lives to a sum. Of several at once the first one counts.
class at_work {
 public:
  explicit at_work(std::int64_t& sum_ns, bool& is_counting)
      : sum_ns_(sum_ns), is_counting_(is_counting), counts_(!is_counting), from_ns_(counts_ ? thread_ns() : 0) {
    is_counting_ = true;
  }
  ~at_work() {
    if (!counts_) return;
    sum_ns_ += thread_ns() - from_ns_;
    is_counting_ = false;
  }
  at_work(const at_work&) = delete;
  at_work& operator=(const at_work&) = delete;

 private:
  static std::int64_t thread_ns() {
    auto now = timespec{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1'000'000'000 + now.tv_nsec;
  }

  std::int64_t& sum_ns_;
  bool& is_counting_;
  bool counts_;
  std::int64_t from_ns_;
};

class document_impl {
 public:
  static inline const char* name = "octavo.document";

  document_impl(document_actor::pointer self, std::string document, document_peers peers, document_options options,
                const storage::store& disk, metrics& counters)
      : open_(counters.documents_open),
        self_(self),
        name_(std::move(document)),
        peers_(std::move(peers)),
        options_(options),
        disk_(disk),
        counters_(counters),
        state_(options, counters),
        look_backs_(options, counters),
        snapshots_(options.snapshot_after_records, options.snapshot_after_bytes) {}

  document_actor::behavior_type make_behavior() {
    watcher_.install(self_);
    self_->set_exception_handler([this](const std::exception_ptr& thrown) -> caf::error { return failed(thrown); });
    load();
    return {
        [this](join_atom, const subscriber_actor& who) { return join(who, std::nullopt); },
        [this](join_atom, const subscriber_actor& who, std::uint64_t since) { return join(who, since); },
        [this](part_atom, const subscriber_actor& who) {
          hear_out(who);
          part(who.address());
        },
        [this](const relay_burst& burst, const subscriber_actor& from) { handle(burst, from); },
        [this](credit_atom, const subscriber_actor& from, std::uint64_t bytes) { credit(from, bytes); },
        [this](state_atom) {
          return read({read_format::update, {}, present});
        },
        [this](edit_atom, const server_edit& what) { return edit(what); },
        [this](edit_atom, const server_edit& what, const edit_key& key) -> caf::result<edit_done> {
          if (is_going()) return make_error(leaving_error());
          return answer_when_durable<edit_done>([this, what, key] {
            return state_.edit(what, key, unix_now_ms(), disk_.has_room_for(what.weight()), disk_full);
          });
        },
        [this](read_atom, const read_request& what) { return read(what); },
        [this](history_atom, const history_request& what) {
          return look_back_for<history_listing>(history_atom_v, what);
        },
        [this](diff_atom, const diff_request& what) { return look_back_for<payload>(diff_atom_v, what); },
        [this](restore_atom, std::uint64_t version, const std::string& user) { return restore(version, user); },
        [this](stop_atom) {
          return stop(error{errc::none, {}});
        },
        [this](drop_atom) {
          return stop(error{errc::not_found, "the document was deleted"});
        },
        [this](committed_atom, std::uint64_t seq) { committed(seq); },
        [this](rejected_atom, std::uint64_t, const caf::error& reason) { rejected(from_caf(reason)); },
        [this](tick_atom) {
          const auto working = work();
          tick_scheduled_ = false;
          pump();
        },
        [this](passivate_atom) { leave_if_alone(); },
    };
  }

 private:
  using clock = std::chrono::steady_clock;

  // --- loading ---

  void load() {
    loading_.emplace(counters_.documents_loading);
    // An earlier actor of this document may have failed with edits on their way to the log: they count, or are
    // refused, before we look.
    compat::ask(self_, peers_.log_writer, load_timeout, barrier_atom_v, name_, document_actor{self_})
        .then([this] { load_from_store(); }, [this](const caf::error& reason) { load_failed(from_caf(reason)); });
  }

  void load_from_store() {
    compat::ask(self_, peers_.loader, load_timeout, load_atom_v, name_)
        .then([this](const loaded_document& what) { loaded(what); },
              [this](const caf::error& reason) { load_failed(from_caf(reason)); });
  }

  void loaded(const loaded_document& what) {
    const auto working = work();
    loading_.reset();
    counters_.documents_loaded.fetch_add(1, std::memory_order_relaxed);
    state_.install(std::move(*what.content), what.seq, what.clocks, what.clocks_from_seq);
    snapshots_.found(what.seq, what.records_since_snapshot, what.bytes_since_snapshot);
    loaded_ = true;
    for (auto& one : waiting_joins_) {
      add_subscriber(one.who, one.since);
      one.answer.deliver(state_.seq());
    }
    waiting_joins_.clear();
    for (auto& one : std::exchange(questions_, {})) one.ask();
    deliver_answers();
    pump();
    if (ending_) {
      end_when_durable();
      return;
    }
    report();
    if (!state_.has_subscribers()) schedule_idle();
  }

  void load_failed(const error& why) {
    loading_.reset();
    if (why.code != errc::moved) {
      counters_.documents_failed.fetch_add(1, std::memory_order_relaxed);
      logger().error("document={} cannot be loaded: {}", printable(name_), why.message);
    }
    for (auto& one : waiting_joins_) one.answer.deliver(make_error(why));
    for (auto& one : questions_) one.refuse(why);
    for (auto& one : waiting_stops_) one.deliver();
    self_->quit(make_error(why));
  }

  // --- subscribers ---

  caf::result<std::uint64_t> join(const subscriber_actor& who, std::optional<std::uint64_t> since) {
    const auto working = work();
    if (leaving_ || ending_) return make_error(error{errc::unavailable, "the document is leaving memory"});
    if (!loaded_) {
      auto promise = self_->make_response_promise<std::uint64_t>();
      waiting_joins_.push_back({who, since, promise});
      return promise;
    }
    add_subscriber(who, since);
    // Before anybody is told anything: what is in use makes no room for others.
    report();
    // What follows the answer is what the subscriber lacks.
    compat::send(self_, document_actor{self_}, tick_atom_v);
    return state_.seq();
  }

  void add_subscriber(const subscriber_actor& who, std::optional<std::uint64_t> since) {
    // One that comes again has not heard what was said meanwhile.
    if (auto known = subscribers_.find(who.address()); known != subscribers_.end()) {
      watcher_.unwatch(self_, known->second.handle);
      state_.unsubscribe(known->second.id, steady_now_ms());
      handles_.erase(known->second.id);
      subscribers_.erase(known);
    }
    subscribers_.emplace(who.address(), subscriber{next_subscriber_, who});
    handles_.emplace(next_subscriber_, who);
    state_.subscribe(next_subscriber_);
    if (since) state_.bring_up(next_subscriber_, *since);
    ++next_subscriber_;
    watcher_.watch(self_, who, [this, address = who.address()](const caf::error&) { part(address); });
  }

  void part(const caf::actor_addr& who) {
    auto found = subscribers_.find(who);
    if (found == subscribers_.end()) return;
    watcher_.unwatch(self_, found->second.handle);
    state_.unsubscribe(found->second.id, steady_now_ms());
    handles_.erase(found->second.id);
    subscribers_.erase(found);
    pump();
    if (!state_.has_subscribers()) {
      report();
      schedule_idle();
    }
  }

  // --- edits ---

  void handle(const relay_burst& burst, const subscriber_actor& from) {
    const auto working = work();
    auto found = subscribers_.find(from.address());
    if (found == subscribers_.end() || ending_) return;
    auto may_write = has_room_for(burst);
    if (!may_write && reason_refused_.empty()) {
      auto space = disk_.space();
      reason_refused_ = "the server's disk is full (" + std::to_string(space.free_bytes >> 20) +
                        " MiB free): edits are not taken until there is room; they stay with you until then";
      logger().error("document={} edits are refused: {}", printable(name_), reason_refused_);
    }
    state_.handle(found->second.id, burst, {unix_now_ms(), steady_now_ms()}, may_write, reason_refused_);
    pump();
  }

  /// What a subscriber asked last is not lost with it.
  void hear_out(const subscriber_actor& who) {
    for (auto found = subscribers_.find(who.address()); found != subscribers_.end() && !ending_;) {
      const auto held = state_.credit(found->second.id, UINT64_MAX);
      if (held.requests.empty()) return;
      handle(held, who);
    }
  }

  void credit(const subscriber_actor& from, std::uint64_t bytes) {
    const auto working = work();
    auto found = subscribers_.find(from.address());
    if (found == subscribers_.end() || ending_) return;
    if (auto held = state_.credit(found->second.id, bytes); !held.requests.empty())
      handle(held, from);
    else
      pump();
  }

  // What the store would refuse must not be applied: the document would have to be loaded anew.
  bool has_room_for(const relay_burst& burst) const {
    auto bytes = std::uint64_t{0};
    for (const auto& one : burst.requests) bytes += one.data.size();
    return disk_.has_room_for(bytes);
  }

  void committed(std::uint64_t seq) {
    const auto working = work();
    state_.committed(seq);
    auto now = clock::now();
    auto bytes = std::uint64_t{0};
    for (; !in_flight_.empty() && in_flight_.front().seq <= seq; in_flight_.pop_front()) {
      const auto& one = in_flight_.front();
      counters_.edit_latency.record_us(
          static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now - one.since).count()));
      bytes += one.bytes;
    }
    snapshots_.committed(seq, bytes);
    deliver_answers();
    pump();
    snapshot_if_due();
    if (ending_) end_when_durable();
  }

  void rejected(const error& why) {
    // What is in memory is ahead of the disk now. Nobody has seen it; the clients still have it and offer it again.
    if (why.code == errc::moved) {
      logger().info("document={} seq={} goes to another node", printable(name_), state_.committed_seq());
    } else {
      counters_.documents_failed.fetch_add(1, std::memory_order_relaxed);
      logger().error("document={} seq={} is loaded anew: {}", printable(name_), state_.committed_seq(), why.message);
    }
    look_backs_.refuse_all(why);
    for (auto& one : waiting_stops_) one.deliver();
    self_->quit(make_error(why));
  }

  /// Sends out what the state has made, and sees to what waits on the clock.
  void pump() {
    if (!loaded_) return;
    if (auto records = state_.take_records(); !records.empty()) {
      auto now = clock::now();
      auto bytes = std::size_t{0};
      for (const auto& record : records) bytes += record.update.size() + record.user.size();
      in_flight_.push_back({records.back().seq, now, bytes});
      counters_.log_queue_records.fetch_add(static_cast<std::int64_t>(records.size()), std::memory_order_relaxed);
      counters_.log_queue_bytes.fetch_add(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
      compat::send(self_, peers_.log_writer, append_atom_v,
                   append_request{name_, document_actor{self_}, std::move(records)});
      report();
    }
    for (auto& [id, burst] : state_.take_bursts(steady_now_ms()))
      if (auto found = handles_.find(id); found != handles_.end()) {
        sent_bytes_ += burst.weight();
        compat::send(self_, found->second, std::move(burst));
      }
    tell_work();
    if (state_.broken() && !ending_) set_aside(*state_.broken());
    schedule_gathered();
    if (state_.has_presence() || state_.has_refused()) schedule_housekeeping();
  }

  void set_aside(const broken_update& what) {
    counters_.documents_failed.fetch_add(1, std::memory_order_relaxed);
    logger().error("document={} user={} an update of {} bytes broke the document and was set aside: {}",
                   printable(name_), printable(what.user), what.update.size(), what.reason);
    compat::send(self_, peers_.log_writer, quarantine_atom_v,
                 quarantine_request{name_, unix_now_ms(), what.user, what.reason, what.update});
    if (auto found = handles_.find(what.from.subscriber); found != handles_.end()) {
      auto burst = document_burst{};
      burst.replies.push_back({what.from.session, reply_kind::kicked,
                               static_cast<std::uint64_t>(close_reason::update_refused),
                               payload::copy_of("your edit could not be integrated and was set aside")});
      compat::send(self_, found->second, std::move(burst));
    }
    end({errc::internal, "an update broke the document; it opens again without it"});
  }

  // --- time ---

  at_work work() { return at_work{worked_ns_, is_counting_}; }

  /// Tells the log, behind which is whoever decides where the document is to be, how much there was to do.
  void tell_work() {
    const auto worked_us = worked_ns_ / 1'000;
    if (worked_us < work_told_us) return;
    const auto now_ms = steady_now_ms();
    if (now_ms - work_told_ms_ < work_told_interval_ms) return;
    work_told_ms_ = now_ms;
    worked_ns_ = 0;
    compat::send(self_, peers_.log_writer, report_atom_v, name_, static_cast<std::uint64_t>(worked_us),
                 std::exchange(sent_bytes_, 0));
  }

  void schedule_gathered() {
    auto due = state_.due_ms();
    if (!due || (tick_scheduled_ && *due >= tick_due_ms_)) return;
    tick_scheduled_ = true;
    tick_due_ms_ = *due;
    auto delay = std::max<std::int64_t>(1, *due - steady_now_ms());
    compat::send_later(self_, self_, std::chrono::milliseconds{delay}, tick_atom_v);
  }

  void schedule_housekeeping() {
    if (housekeeping_scheduled_) return;
    housekeeping_scheduled_ = true;
    self_->run_delayed(housekeeping_interval, [this] {
      housekeeping_scheduled_ = false;
      state_.expire_presence(steady_now_ms());
      if (state_.has_refused() && state_.ask_again(disk_.writable())) {
        logger().info("document={} there is room again: clients are asked for what was refused", printable(name_));
        reason_refused_.clear();
      }
      pump();
    });
  }

  void schedule_idle() {
    auto round = ++idle_round_;
    // Not at once, even if an operator wants that: it may have to wait for the disk.
    auto delay = std::max(std::chrono::milliseconds{options_.idle_timeout_ms}, least_idle_time);
    self_->run_delayed(delay, [this, round] {
      if (round == idle_round_) leave_if_alone();
    });
  }

  void report() {
    // Not for every keystroke: adding up a document's memory has its price.
    auto idle = !state_.has_subscribers();
    if (idle == reported_idle_ && reported_seq_ != 0 && state_.seq() - reported_seq_ < report_step_edits &&
        state_.bytes_taken() - reported_bytes_taken_ < report_step_bytes_taken)
      return;
    reported_seq_ = state_.seq();
    reported_bytes_taken_ = state_.bytes_taken();
    auto bytes = state_.memory_bytes();
    auto grown = bytes > reported_bytes_ ? bytes - reported_bytes_ : reported_bytes_ - bytes;
    if (grown < report_step_bytes && idle == reported_idle_ && reported_bytes_ != 0) return;
    reported_bytes_ = bytes;
    reported_idle_ = idle;
    compat::send(self_, peers_.registry, report_atom_v, document_report{name_, bytes, idle});
  }

  // --- snapshots and the end ---

  void snapshot_if_due() {
    if (!leaving_ && !ending_ && snapshots_.is_due()) snapshot([](bool) {});
  }

  /// `done` is told whether another one right now might have more.
  template <class Done>
  void snapshot(Done done) {
    snapshots_.begun();
    auto finish = [this, done](bool has_more) {
      done(has_more);
      if (ending_) end_when_durable();
    };
    compat::ask(self_, peers_.snapshotter, snapshot_timeout, snapshot_atom_v, name_)
        .then(
            [this, finish](std::uint64_t covered) {
              const auto has_more = snapshots_.written(covered);
              finish(has_more);
              // What has come meanwhile may be worth another one, and nothing may come after it.
              if (has_more) snapshot_if_due();
            },
            [this, finish](const caf::error& reason) {
              logger().warn("document={} no snapshot could be written: {}", printable(name_), from_caf(reason).message);
              snapshots_.failed();
              finish(false);
            });
  }

  void leave_if_alone() {
    if (!loaded_ || leaving_ || ending_ || state_.has_subscribers()) return;
    if (state_.has_uncommitted() || snapshots_.is_running() || !look_backs_.empty()) {
      schedule_idle();
      return;
    }
    // The snapshot comes first, while the document can still be joined: many may be waiting for the disk.
    if (snapshots_.records() >= snapshot_before_leaving_records) {
      snapshot([this](bool has_more) {
        // One that failed is not asked for again.
        if (has_more || snapshots_.records() == 0)
          leave_if_alone();
        else
          schedule_idle();
      });
      return;
    }
    leaving_ = true;  // joins are refused from here on, so that nothing can happen between the question and the end
    compat::ask(self_, peers_.registry, registry_timeout, passivate_atom_v, name_)
        .then(
            [this] {
              counters_.documents_passivated.fetch_add(1, std::memory_order_relaxed);
              self_->quit();
            },
            [this](const caf::error&) {
              leaving_ = false;
              schedule_idle();
            });
  }

  caf::result<void> stop(error why) {
    auto promise = self_->make_response_promise<void>();
    waiting_stops_.push_back(promise);
    end(std::move(why));
    return promise;
  }

  /// Takes nothing more, and ends once all that was taken is durable.
  void end(error why) {
    if (!ending_) {
      ending_ = true;
      end_reason_ = std::move(why);
    }
    if (loaded_) end_when_durable();
  }

  void end_when_durable() {
    auto for_good = end_reason_.code == errc::none;
    // A document that ends for a failure does not wait for its snapshot: the next one reads the log.
    if (state_.has_uncommitted() || (snapshots_.is_running() && for_good) || ended_) return;
    if (for_good && snapshots_.records() >= snapshot_before_leaving_records && !final_snapshot_done_) {
      final_snapshot_done_ = true;
      snapshot([](bool) {});  // and then on
      return;
    }
    ended_ = true;
    look_backs_.refuse_all(for_good ? leaving_error() : end_reason_);
    for (auto& one : waiting_stops_) one.deliver();
    if (for_good)
      self_->quit();
    else
      self_->quit(make_error(end_reason_));
  }

  caf::error failed(const std::exception_ptr& thrown) {
    auto text = what_of(thrown);
    counters_.documents_failed.fetch_add(1, std::memory_order_relaxed);
    logger().error("document={} failed: {}", printable(name_), text);
    look_backs_.refuse_all({errc::unavailable, "the document failed and is loaded anew: " + text});
    return make_error(error{errc::internal, "the document failed: " + text});
  }

  // --- reading, and edits of programs ---

  static error leaving_error() { return {errc::unavailable, "the document is leaving memory: ask for it again"}; }
  bool is_going() const { return state_.broken() || ending_ || leaving_; }

  caf::result<payload> read(const read_request& what) {
    if (what.version != present) return look_back_for<payload>(read_atom_v, what);
    if (state_.broken()) return make_error(error{errc::unavailable, "the document is loaded anew"});
    return answer_when_durable<payload>([this, what]() -> result<payload> {
      auto made = actors::read(state_.content(), what, options_.read_bytes_max);
      if (!made) return tl::unexpected{made.error()};
      return payload{std::move(*made)};
    });
  }

  caf::result<std::uint64_t> edit(const server_edit& what) {
    if (is_going()) return make_error(leaving_error());
    if (what.as_of == present) return answer_when_durable<std::uint64_t>([this, what] { return make(what); });
    auto promise = self_->make_response_promise<std::uint64_t>();
    when_loaded(promise, [this, promise, what] { edit_as_of(promise, what); });
    return promise;
  }

  result<std::uint64_t> make(const server_edit& what) {
    return state_.edit(what, unix_now_ms(), disk_.has_room_for(what.weight()), disk_full);
  }

  result<std::uint64_t> make(const server_edit& what, crdt::document& older) {
    return state_.edit_as_of(older, what, unix_now_ms(), disk_.has_room_for(what.weight()), disk_full);
  }

  // --- looking back ---

  void edit_as_of(const caf::typed_response_promise<std::uint64_t>& promise, const server_edit& what) {
    if (is_going()) return refuse(promise, leaving_error());
    // What is known to be the present version needs no looking back, nor does the empty document.
    if (what.as_of == state_.committed_seq() && !state_.has_uncommitted())
      return answer_when_durable(promise, [this, what] { return make(what); });
    if (what.as_of == 0)
      return answer_when_durable(promise, [this, what] {
        auto nothing = crdt::document{document_state::content_options(options_)};
        return make(what, nothing);
      });
    if (auto fit = state_.may_edit(what, disk_.has_room_for(what.weight()), disk_full); !fit)
      return refuse(promise, fit.error());
    auto use = [this, promise, what](const older_document& older) {
      if (is_going()) return refuse(promise, leaving_error());
      answer_when_durable(promise, [this, what, older] { return make(what, *older.content); });
    };
    ask_past<older_document>(peers_.reviser, promise, std::move(use), version_atom_v, what.as_of);
  }

  caf::result<std::uint64_t> restore(std::uint64_t version, const std::string& user) {
    if (is_going()) return make_error(leaving_error());
    auto promise = self_->make_response_promise<std::uint64_t>();
    auto use = [this, promise, user](const payload& update) {
      if (is_going()) return refuse(promise, leaving_error());
      answer_when_durable(promise, [this, user, update] {
        return state_.merge(update.view(), user, unix_now_ms(), disk_.has_room_for(update.size()), disk_full);
      });
    };
    ask_past<payload>(peers_.reviser, promise, std::move(use), restore_atom_v, version);
    return promise;
  }

  /// What the historian answers, as it is: it knows of nothing but what is durable.
  template <class T, class Atom, class Question>
  caf::result<T> look_back_for(Atom atom, const Question& question) {
    auto promise = self_->template make_response_promise<T>();
    auto use = [promise](T& answer) mutable { promise.deliver(std::move(answer)); };
    ask_past<T>(peers_.historian, promise, std::move(use), atom, question);
    return promise;
  }

  /// Asks a historian, once the document is loaded; `use` gets the answer, unless the document ends before.
  template <class Answer, class T, class Use, class Atom, class Question>
  void ask_past(const historian_actor& whom, const caf::typed_response_promise<T>& promise, Use use, Atom atom,
                const Question& question) {
    when_loaded(promise, [this, whom, promise, use = std::move(use), atom, question]() mutable {
      if (leaving_ || ending_) return refuse(promise, leaving_error());
      auto number = look_backs_.add([promise](const error& why) { refuse(promise, why); });
      if (!number)
        return refuse(promise,
                      {errc::unavailable, "too many questions about older versions wait already: ask again later"});
      auto until_ms = steady_now_ms() + std::chrono::milliseconds{look_back_timeout}.count();
      compat::ask(self_, whom, look_back_timeout, atom, look_back{name_, until_ms}, question)
          .then(
              [this, number = *number, use = std::move(use)](Answer& answer) mutable {
                if (look_backs_.answered(number)) use(answer);
              },
              [this, number = *number, promise = promise](caf::error& reason) mutable {
                if (look_backs_.answered(number)) promise.deliver(std::move(reason));
              });
    });
  }

  // --- answers ---

  /// A promise is a handle: its copies answer the same question.
  template <class T>
  static void refuse(caf::typed_response_promise<T> promise, const error& why) {
    promise.deliver(make_error(why));
  }

  bool has_too_many_questions() const { return questions_.size() + answers_.size() >= options_.answers_max; }
  static error too_many_questions() {
    return {errc::unavailable, "too many questions wait for this document: ask again later"};
  }

  /// Does something now or, where the document is not loaded yet, then.
  template <class T, class Ask>
  void when_loaded(const caf::typed_response_promise<T>& promise, Ask ask) {
    if (loaded_) return ask();
    if (has_too_many_questions()) return refuse(promise, too_many_questions());
    questions_.push_back({std::move(ask), [promise](const error& why) { refuse(promise, why); }});
  }

  /// An answer shows edits, and so waits for the disk like any other output; and before that for the document itself.
  template <class T, class Make>
  caf::result<T> answer_when_durable(Make make) {
    auto promise = self_->template make_response_promise<T>();
    when_loaded(promise, [this, promise, make = std::move(make)] { answer_when_durable(promise, make); });
    return promise;
  }

  template <class T, class Make>
  void answer_when_durable(caf::typed_response_promise<T> promise, Make make) {
    const auto working = work();
    if (has_too_many_questions()) return refuse(promise, too_many_questions());
    auto made = make();
    if (made)
      answers_.push_back({state_.seq(), [promise, what = std::move(*made)]() mutable { promise.deliver(what); }});
    else
      refuse(promise, made.error());
    deliver_answers();
    pump();
  }

  void deliver_answers() {
    while (!answers_.empty() && answers_.front().seq <= state_.committed_seq()) {
      answers_.front().deliver();
      answers_.pop_front();
    }
  }

  /// Asked before the document was loaded.
  struct question {
    std::function<void()> ask;
    std::function<void(const error&)> refuse;
  };

  struct answer {
    std::uint64_t seq = 0;
    std::function<void()> deliver;
  };

  struct waiting_join {
    subscriber_actor who;
    std::optional<std::uint64_t> since;
    caf::typed_response_promise<std::uint64_t> answer;
  };
  /// Records that are on their way to the log, up to this one.
  struct flight {
    std::uint64_t seq = 0;
    clock::time_point since;
    std::uint64_t bytes = 0;
  };
  struct subscriber {
    subscriber_id id;
    subscriber_actor handle;
  };

  counted_open open_;
  std::optional<counted_open> loading_;
  document_actor::pointer self_;
  std::string name_;
  document_peers peers_;
  document_options options_;
  const storage::store& disk_;
  metrics& counters_;
  document_state state_;
  look_backs look_backs_;
  compat::watcher watcher_;
  std::unordered_map<caf::actor_addr, subscriber> subscribers_;
  std::unordered_map<subscriber_id, subscriber_actor> handles_;
  subscriber_id next_subscriber_ = 1;
  std::vector<waiting_join> waiting_joins_;
  std::vector<question> questions_;
  std::deque<answer> answers_;
  std::vector<caf::typed_response_promise<void>> waiting_stops_;
  std::deque<flight> in_flight_;
  snapshot_count snapshots_;
  std::string reason_refused_;
  std::int64_t worked_ns_ = 0;    ///< of processor time, and
  std::uint64_t sent_bytes_ = 0;  ///< what went to subscribers, since that was told last
  std::int64_t work_told_ms_ = 0;
  bool is_counting_ = false;
  error end_reason_;
  std::size_t reported_bytes_ = 0;
  std::uint64_t reported_seq_ = 0;
  std::uint64_t reported_bytes_taken_ = 0;
  std::uint64_t idle_round_ = 0;
  bool reported_idle_ = false;
  bool loaded_ = false;
  bool leaving_ = false;
  bool ending_ = false;
  bool ended_ = false;
  bool final_snapshot_done_ = false;
  bool tick_scheduled_ = false;
  std::int64_t tick_due_ms_ = 0;
  bool housekeeping_scheduled_ = false;
};

}  // namespace

document_actor spawn_document(caf::actor_system& system, std::string name, document_peers peers,
                              document_options options, const storage::store& disk, metrics& counters) {
  return system.spawn<document_actor::stateful_impl<document_impl>>(std::move(name), std::move(peers), options,
                                                                    std::cref(disk), std::ref(counters));
}

}  // namespace octavo::actors
