// S4 and S5: what is on disk, how fast it gets there, and what is missing after a kill.

#include <signal.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/array.hpp>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include "bench/load/crowd.hpp"
#include "bench/load/scenarios.hpp"
#include "bench/load/yjs_text.hpp"

namespace octavo::bench {

using namespace std::chrono_literals;

namespace {

constexpr auto open_limit = 30s;
// The trace's writer does not queue more than this ahead of the kernel.
constexpr std::size_t queued_bytes_max = 256 * 1024;
constexpr std::uint64_t trace_client = 1;

// Per client of the document, up to which clock all was received.
class received_clocks {
 public:
  void add(bytes_view update) {
    visit_runs(update, [this](const clock_run& run) {
      auto& next = next_[run.client];
      if (run.clock <= next) next = std::max(next, run.clock + run.length);
    });
  }
  std::uint64_t of(std::uint64_t client) const {
    const auto found = next_.find(client);
    return found == next_.end() ? 0 : found->second;
  }

 private:
  std::unordered_map<std::uint64_t, std::uint64_t> next_;
};

class recording_events final : public client_events {
 public:
  explicit recording_events(std::size_t clients) : seen(clients), acknowledged(clients, 0) {}

  std::vector<received_clocks> seen;        // per client
  std::vector<std::uint64_t> acknowledged;  // per client: how many of its edits
  std::size_t closed = 0;
  std::string last_reason;

 private:
  void on_update(document_client& client, bytes_view update) override { seen[client.index()].add(update); }
  void on_acknowledged(document_client& client, std::uint64_t number) override {
    acknowledged[client.index()] = std::max(acknowledged[client.index()], number);
  }
  void on_closed(document_client&, std::string_view reason) override {
    ++closed;
    last_reason = reason;
  }
};

bytes read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const auto data = as_bytes(text);
  return {data.begin(), data.end()};
}

std::vector<bytes_view> split_trace(bytes_view file, std::size_t updates_max) {
  byte_reader in(file);
  std::vector<bytes_view> updates;
  for (auto count = in.varuint(); count > 0 && in.ok() && updates.size() < updates_max; --count) {
    updates.push_back(in.buffer());
  }
  if (!in.ok() || updates.empty()) throw std::runtime_error("the trace is not a file of updates");
  return updates;
}

std::uint64_t random_client() {
  return (std::uint64_t{std::random_device{}()} << 16) + 1;
}

double ms_since(steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(steady_clock::now() - start).count();
}

}  // namespace

boost::json::object run_trace_write(const target& where, const trace_options& options) {
  const auto file = read_file(options.file);
  const auto updates = split_trace(file, options.updates_max);
  received_clocks whole;
  for (const auto update : updates) whole.add(update);

  boost::asio::io_context io{1};
  recording_events events(2);
  crowd clients(io, where, events);
  auto& writer = clients.add(options.document);
  clients.add(options.document);
  if (!clients.open_all(2, open_limit)) throw std::runtime_error("cannot open the document: " + clients.last_reason());

  // The last edit is one by a client of its own: whoever has it has been sent all before.
  const auto marker = random_client();
  const auto start = steady_clock::now();
  std::size_t sent = 0;
  const auto done = [&] {
    while (sent <= updates.size() && writer.queued_bytes() < queued_bytes_max) {
      for (int burst = 0; burst < 64 && sent <= updates.size(); ++burst, ++sent) {
        writer.send_edit(sent < updates.size() ? updates[sent] : bytes_view(make_typing(marker, 0, "x")));
      }
      writer.flush();
    }
    return events.seen[1].of(marker) > 0 || events.closed > 0;
  };
  const bool complete = run_until(io, start + options.limit, done) && events.closed == 0;
  const auto elapsed_ms = ms_since(start);
  boost::json::object out{{"updates", sent},
                          {"complete", complete},
                          {"updates_per_s", static_cast<double>(sent) * 1e3 / elapsed_ms},
                          {"seconds", elapsed_ms / 1e3},
                          {"clocks", whole.of(trace_client)},
                          {"clocks_seen_by_reader", events.seen[1].of(trace_client)},
                          {"marker_client", marker}};
  if (events.closed > 0) out["trouble"] = "a connection was lost: " + events.last_reason;
  return out;
}

boost::json::object run_cold_open(const target& where, const cold_options& options) {
  boost::asio::io_context io{1};
  recording_events events(1);
  document_client client(io, where, events, 0, options.document);
  const auto start = steady_clock::now();
  client.open();
  double synced_ms = 0;
  const bool complete = run_until(io, start + options.limit, [&] {
    if (synced_ms == 0 && client.synced()) synced_ms = ms_since(start);
    const auto& seen = events.seen[0];
    return (seen.of(trace_client) >= options.clocks &&
            (options.marker_client == 0 || seen.of(options.marker_client) > 0)) ||
           events.closed > 0;
  });
  return {{"complete", complete && events.closed == 0},
          {"milliseconds", ms_since(start)},
          {"synced_ms", synced_ms},
          {"clocks", events.seen[0].of(trace_client)}};
}

boost::json::object run_kill(const target& where, const kill_options& options) {
  boost::asio::io_context io{1};
  recording_events events(options.writers + options.readers);
  crowd clients(io, where, events);
  for (std::size_t i = 0; i < options.writers + options.readers; ++i) clients.add(options.document);
  if (!clients.open_all(clients.size(), open_limit)) {
    throw std::runtime_error("cannot open the document: " + clients.last_reason());
  }

  const auto first_client = random_client();
  std::vector<std::uint64_t> sent(options.writers, 0);
  const auto start = steady_clock::now();
  std::uint64_t edits = 0;
  run_until(io, start + options.after, [&] {
    const auto due = static_cast<std::uint64_t>(ms_since(start) * options.rate / 1e3);
    for (; edits < due; ++edits) {
      const auto writer = edits % options.writers;
      clients[writer].send_edit(make_typing(first_client + writer, sent[writer], "x"), sent[writer] + 1);
      ++sent[writer];
      clients[writer].flush();
    }
    return events.closed > 0;
  });
  if (events.closed > 0) throw std::runtime_error("a connection was lost before the kill: " + events.last_reason);
  if (kill(options.server, SIGKILL) != 0) throw std::runtime_error("cannot kill the server");
  // What the kernel still holds for the clients has been shown to them.
  run_until(io, steady_clock::now() + 5s, [&] { return events.closed == clients.size(); });

  boost::json::array writers;
  std::uint64_t acknowledged_edits = 0;
  for (std::size_t writer = 0; writer < options.writers; ++writer) {
    auto acknowledged = events.acknowledged[writer];
    for (std::size_t other = 0; other < clients.size(); ++other) {
      if (other != writer) acknowledged = std::max(acknowledged, events.seen[other].of(first_client + writer));
    }
    acknowledged_edits += acknowledged;
    writers.push_back(
        boost::json::object{{"client", first_client + writer}, {"sent", sent[writer]}, {"acknowledged", acknowledged}});
  }
  return {{"edits", edits}, {"acknowledged", acknowledged_edits}, {"writers", std::move(writers)}};
}

boost::json::object run_verify(const target& where, const std::string& document, const boost::json::object& expected) {
  boost::asio::io_context io{1};
  recording_events events(1);
  document_client client(io, where, events, 0, document);
  client.open();
  const auto lost = [&] {
    std::uint64_t missing = 0;
    for (const auto& value : expected.at("writers").as_array()) {
      const auto& writer = value.as_object();
      const auto acknowledged = writer.at("acknowledged").to_number<std::uint64_t>();
      const auto found = events.seen[0].of(writer.at("client").to_number<std::uint64_t>());
      missing += acknowledged > found ? acknowledged - found : 0;
    }
    return missing;
  };
  // A server that synchronizes before it has loaded sends the rest later: it is given time for that.
  run_until(io, steady_clock::now() + 5s, [&] { return client.synced() && lost() == 0; });
  if (!client.synced()) throw std::runtime_error("cannot open the document after the restart: " + events.last_reason);
  return {{"acknowledged", expected.at("acknowledged")}, {"lost", lost()}};
}

}  // namespace octavo::bench
