// S1 and S2: an open loop. Edits are due at fixed times whatever the server does, and an edit's latency counts from
// when it was due: a server that falls behind cannot slow the load down and so look better than it is.

#include <unistd.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/array.hpp>
#include <cmath>
#include <random>
#include <stdexcept>
#include <unordered_set>
#include <vector>

#include "bench/load/crowd.hpp"
#include "bench/load/histogram.hpp"
#include "bench/load/process.hpp"
#include "bench/load/scenarios.hpp"
#include "bench/load/yjs_text.hpp"

namespace octavo::bench {

using namespace std::chrono_literals;

namespace {

// The load is handed out this often; it adds so much to a latency at most.
constexpr auto tick = 1ms;
// A stage ends early when so many seconds of edits are on their way.
constexpr double backlog_s_max = 2;
// How long the last edits of a stage may take to arrive.
constexpr auto drain_limit = 1000ms;
constexpr auto open_limit = 60s;
constexpr auto quiet_limit = 20s;
constexpr std::size_t open_at_once = 128;

struct stage_result {
  double rate = 0;
  bool good = false;
  double edits_per_s = 0;
  double deliveries_per_s = 0;
  double p50_ms = 0;
  double p99_ms = 0;  // negative: so many edits did not arrive
  double generator_cores = 0;
  double server_cores = 0;
  std::string trouble;

  boost::json::object to_json() const {
    boost::json::object out{{"rate", rate},
                            {"good", good},
                            {"edits_per_s", edits_per_s},
                            {"deliveries_per_s", deliveries_per_s},
                            {"p50_ms", p50_ms},
                            {"p99_ms", p99_ms},
                            {"generator_cores", generator_cores},
                            {"server_cores", server_cores}};
    if (!trouble.empty()) out["trouble"] = trouble;
    return out;
  }
};

class ramp final : public client_events {
 public:
  ramp(const target& where, const ramp_options& options) : target_(where), options_(options) {}

  boost::json::object run() {
    const auto deadline = steady_clock::now() + options_.limit;
    reset();
    boost::json::array stages;
    stage_result best;
    double bad_rate = 0;
    int refinements = options_.refinements;
    for (double rate = options_.first_rate; steady_clock::now() < deadline;) {
      auto result = run_stage(rate);
      stages.push_back(result.to_json());
      if (!result.good) {
        // One hiccup of the machine's is not the server's limit: a rate is too high when it fails twice.
        reset();
        result = run_stage(rate);
        stages.push_back(result.to_json());
      }
      if (result.good) {
        best = result;
      } else {
        bad_rate = rate;
        reset();
      }
      if (bad_rate == 0) {
        rate *= options_.factor;
        continue;
      }
      if (best.rate == 0 || refinements-- == 0) break;
      rate = std::sqrt(best.rate * bad_rate);
    }
    auto out = best.to_json();
    out["limit_found"] = bad_rate > 0;
    out["holes"] = holes_;
    out["stages"] = std::move(stages);
    return out;
  }

 private:
  struct writer {
    std::uint64_t clock = 0;
    std::vector<std::uint32_t> due_us;  // of each clock, since start_
  };

  std::size_t clients_per_document() const { return options_.writers + options_.readers; }

  // Fresh documents and fresh connections: after a failed stage the old ones are full of edits that nobody waits for.
  void reset() {
    crowd_.reset();
    io_.restart();
    io_.poll();
    if (options_.server > 0) wait_until_quiet(options_.server, quiet_limit);
    ++generation_;
    start_ = steady_clock::now();
    first_client_ = (std::uint64_t{std::random_device{}()} << 16) + 1;
    writers_.assign(options_.documents * options_.writers, {});
    next_.assign(options_.documents * clients_per_document() * options_.writers, 0);
    crowd_ = std::make_unique<crowd>(io_, target_, *this);
    for (std::size_t document = 0; document < options_.documents; ++document) {
      const auto name = options_.prefix + "-" + std::to_string(generation_) + "-" + std::to_string(document);
      for (std::size_t i = 0; i < clients_per_document(); ++i) crowd_->add(name);
    }
    if (!crowd_->open_all(open_at_once, open_limit)) {
      throw std::runtime_error("only " + std::to_string(crowd_->synced()) + " of " + std::to_string(crowd_->size()) +
                               " clients were synchronized: " + crowd_->last_reason());
    }
  }

  std::uint32_t now_us() const {
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - start_).count());
  }

  stage_result run_stage(double rate) {
    const auto begin_us = now_us() + 5000;
    const auto warm_up_us = static_cast<std::uint32_t>(options_.warm_up / 1us);
    const auto stage_us = static_cast<std::uint32_t>(options_.stage / 1us);
    const auto edits = static_cast<std::uint64_t>(rate * (warm_up_us + stage_us) / 1e6);
    measure_from_us_ = begin_us + warm_up_us;
    latencies_ = {};
    delivered_ = 0;
    trouble_.clear();
    const cpu_meter generator(getpid());
    const cpu_meter server(options_.server);

    const auto receivers = clients_per_document() - 1;
    std::uint64_t sent = 0;
    std::uint64_t measured = 0;
    boost::asio::steady_timer timer(io_);
    std::function<void(boost::system::error_code)> on_tick = [&](boost::system::error_code error) {
      if (error || sent == edits || !trouble_.empty()) return;
      const auto now = now_us();
      for (; sent < edits; ++sent) {
        const auto due_us = begin_us + static_cast<std::uint32_t>(static_cast<double>(sent) * 1e6 / rate);
        if (due_us > now) break;
        if (due_us >= measure_from_us_) ++measured;
        send_edit(sent % writers_.size(), due_us);
      }
      flush_writers();
      if (static_cast<double>(sent * receivers - delivered_) > backlog_s_max * rate * static_cast<double>(receivers)) {
        trouble_ = "the server fell behind by more than 2 s";
        return;
      }
      timer.expires_at(timer.expiry() + tick);
      timer.async_wait(on_tick);
    };
    timer.expires_after(0ms);
    timer.async_wait(on_tick);
    const auto end = start_ + std::chrono::microseconds(begin_us + warm_up_us + stage_us);
    run_until(io_, end + 1s, [&] { return sent == edits || !trouble_.empty(); });
    timer.cancel();
    const auto generator_cores = generator.cores();
    const auto server_cores = server.cores();
    if (trouble_.empty() && sent < edits) trouble_ = "the generator could not send so many edits";
    if (trouble_.empty() &&
        !run_until(io_, steady_clock::now() + drain_limit, [&] { return delivered_ >= sent * receivers; })) {
      trouble_ = "edits did not arrive within 1 s of the end";
    }
    return summarize(rate, measured * receivers, generator_cores, server_cores);
  }

  stage_result summarize(double rate, std::uint64_t expected, double generator_cores, double server_cores) const {
    const auto to_ms = [](std::uint64_t us) { return us == histogram::never_us ? -1 : static_cast<double>(us) / 1e3; };
    const auto stage_s = std::chrono::duration<double>(options_.stage).count();
    stage_result result;
    result.rate = rate;
    result.p50_ms = to_ms(latencies_.quantile_us(0.5, expected));
    result.p99_ms = to_ms(latencies_.quantile_us(0.99, expected));
    result.deliveries_per_s = static_cast<double>(latencies_.total()) / stage_s;
    result.edits_per_s = result.deliveries_per_s / static_cast<double>(clients_per_document() - 1);
    result.generator_cores = generator_cores;
    result.server_cores = server_cores;
    result.trouble = trouble_;
    const auto limit_ms = static_cast<double>(options_.latency_max / 1ms);
    result.good = trouble_.empty() && result.p99_ms >= 0 && result.p99_ms <= limit_ms;
    return result;
  }

  void send_edit(std::size_t index, std::uint32_t due_us) {
    auto& from = writers_[index];
    from.due_us.push_back(due_us);
    auto& client = (*crowd_)[client_of(index)];
    client.send_edit(make_typing(first_client_ + index, from.clock++, "x"));
    dirty_.insert(&client);
  }

  // Several edits of one client that were due in one tick leave in one write, as frames of their own.
  void flush_writers() {
    for (auto* client : dirty_) client->flush();
    dirty_.clear();
  }

  std::size_t client_of(std::size_t writer_index) const {
    return writer_index / options_.writers * clients_per_document() + writer_index % options_.writers;
  }

  void on_update(document_client& client, bytes_view update) override {
    const auto now = now_us();
    const auto document = client.index() / clients_per_document();
    const bool read = visit_runs(update, [&](const clock_run& run) {
      const auto index = run.client - first_client_;
      if (index >= writers_.size() || index / options_.writers != document) return;
      if (client_of(index) == client.index()) return;  // the writer's own edit, echoed
      auto& next = next_[client.index() * options_.writers + index % options_.writers];
      const auto end = run.clock + run.length;
      if (end <= next) return;
      if (run.clock > next) holes_ += run.clock - next;
      const auto& due_us = writers_[index].due_us;
      for (auto clock = std::max(run.clock, next); clock < end && clock < due_us.size(); ++clock) {
        ++delivered_;
        if (due_us[clock] >= measure_from_us_) latencies_.record(now > due_us[clock] ? now - due_us[clock] : 0);
      }
      next = end;
    });
    if (!read) trouble_ = "an update came that cannot be read";
  }

  void on_closed(document_client&, std::string_view reason) override {
    trouble_ = "a connection was lost: " + std::string(reason);
  }

  const target& target_;
  const ramp_options& options_;
  boost::asio::io_context io_{1};
  std::unique_ptr<crowd> crowd_;
  std::vector<writer> writers_;
  std::vector<std::uint64_t> next_;  // per client and writer of its document: the clock that it has not seen yet
  std::unordered_set<document_client*> dirty_;
  histogram latencies_;
  steady_clock::time_point start_;
  std::uint32_t measure_from_us_ = 0;
  std::uint64_t first_client_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t holes_ = 0;
  int generation_ = 0;
  std::string trouble_;
};

}  // namespace

boost::json::object run_ramp(const target& where, const ramp_options& options) {
  if (options.writers == 0 || options.documents == 0 || options.writers + options.readers < 2) {
    throw std::runtime_error("a document needs a writer and another client");
  }
  return ramp(where, options).run();
}

}  // namespace octavo::bench
