#include "actors/log_writer.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/spawn_options.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <chrono>

#include "actors/logger.hpp"
#include "storage/store.hpp"

namespace octavo::actors {

void log_batch::add(append_request request) {
  for (const auto& record : request.records) size_bytes_ += record.update.size() + record.user.size();
  record_count_ += request.records.size();
  requests_.push_back(std::move(request));
}

void log_batch::clear() {
  requests_.clear();
  size_bytes_ = 0;
  record_count_ = 0;
}

namespace {

void collect(const append_request& request, std::vector<storage::append>& out) {
  for (const auto& record : request.records)
    out.push_back({request.document, record.seq, record.time_ms, record.user, record.update.view()});
}

}  // namespace

commit_outcome commit(storage::store& to, const log_batch& batch) {
  auto outcome = commit_outcome{std::vector<error>(batch.requests().size())};
  auto appends = std::vector<storage::append>{};
  appends.reserve(batch.record_count());
  for (const auto& request : batch.requests()) collect(request, appends);
  auto all = to.commit(appends);
  if (all) return outcome;
  // A failing disk is everybody's, and trying again is no use. Anything else is the fault of one document.
  if (all.error().code == errc::io_error || all.error().code == errc::no_space) {
    for (auto& entry : outcome.errors) entry = all.error();
    return outcome;
  }
  for (auto i = std::size_t{0}; i < batch.requests().size(); ++i) {
    appends.clear();
    collect(batch.requests()[i], appends);
    if (auto one = to.commit(appends); !one) outcome.errors[i] = one.error();
  }
  return outcome;
}

namespace {

class log_writer_impl {
 public:
  static inline const char* name = "octavo.log_writer";

  log_writer_impl(log_writer_actor::pointer self, storage::store& store, metrics& counters, const node_options& options,
                  fatal_handler on_fatal)
      : self_(self), store_(store), counters_(counters), options_(options), on_fatal_(std::move(on_fatal)) {}

  log_writer_actor::behavior_type make_behavior() {
    // Without a log nothing is durable any more.
    self_->set_exception_handler([this](const std::exception_ptr& thrown) -> caf::error {
      auto why = error{errc::internal, "the log writer failed: " + what_of(thrown)};
      logger().critical("{}", why.message);
      if (on_fatal_) on_fatal_(why);
      return make_error(why);
    });
    return {
        [this](append_atom, append_request& request) { append(std::move(request)); },
        [this](commit_atom) { commit_all(); },
        [this](quarantine_atom, const quarantine_request& what) { quarantine(what); },
        // Which document has much to do matters where there are other nodes.
        [](report_atom, const std::string&, std::uint64_t, std::uint64_t) {},
        [this](barrier_atom, const std::string&, const document_actor&) { commit_all(); },
        [this](drop_atom, const std::string& name) -> caf::result<void> {
          commit_all();
          if (auto removed = store_.remove(name); !removed) return make_error(removed.error());
          return caf::unit;
        },
    };
  }

 private:
  void append(append_request request) {
    if (request.records.empty()) return;
    auto first = batch_.empty();
    batch_.add(std::move(request));
    if (batch_.size_bytes() >= options_.commit_bytes_max)
      commit_all();
    else if (first)
      compat::send(self_, self_, commit_atom_v);  // comes after all that is in the mailbox by now
  }

  void commit_all() {
    if (batch_.empty()) return;
    auto started = std::chrono::steady_clock::now();
    auto outcome = commit(store_, batch_);
    auto took = std::chrono::steady_clock::now() - started;
    counters_.commits.fetch_add(1, std::memory_order_relaxed);
    counters_.commit_latency.record_us(
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
    counters_.log_queue_records.fetch_sub(static_cast<std::int64_t>(batch_.record_count()), std::memory_order_relaxed);
    counters_.log_queue_bytes.fetch_sub(static_cast<std::int64_t>(batch_.size_bytes()), std::memory_order_relaxed);
    for (auto i = std::size_t{0}; i < batch_.requests().size(); ++i) answer(batch_.requests()[i], outcome.errors[i]);
    batch_.clear();
  }

  void answer(const append_request& request, const error& failure) {
    if (failure.code == errc::none) {
      counters_.edits_durable.fetch_add(request.records.size(), std::memory_order_relaxed);
      compat::send(self_, request.from, committed_atom_v, request.records.back().seq);
      return;
    }
    counters_.commit_failures.fetch_add(1, std::memory_order_relaxed);
    logger().error("document={} edits from seq={} were not written: {}", printable(request.document),
                   request.records.front().seq, failure.message);
    compat::send(self_, request.from, rejected_atom_v, request.records.front().seq, make_error(failure));
    if (failure.code == errc::io_error && on_fatal_) on_fatal_(failure);
  }

  void quarantine(const quarantine_request& what) {
    counters_.edits_quarantined.fetch_add(1, std::memory_order_relaxed);
    auto stored = store_.quarantine_update(what.document, what.time_ms, what.user, what.reason, what.update.view());
    if (!stored)
      logger().error("document={} cannot keep a refused update for inspection: {}", printable(what.document),
                     stored.error().message);
  }

  log_writer_actor::pointer self_;
  storage::store& store_;
  metrics& counters_;
  node_options options_;
  fatal_handler on_fatal_;
  log_batch batch_;
};

}  // namespace

log_writer_actor spawn_log_writer(caf::actor_system& system, storage::store& store, metrics& counters,
                                  const node_options& options, fatal_handler on_fatal) {
  return system.spawn<log_writer_actor::stateful_impl<log_writer_impl>, caf::detached>(
      std::ref(store), std::ref(counters), options, std::move(on_fatal));
}

}  // namespace octavo::actors
