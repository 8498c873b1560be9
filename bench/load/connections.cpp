// S3 and S6: what connections cost when they say nothing, and when they all come back at once.

#include <stdexcept>

#include "bench/load/crowd.hpp"
#include "bench/load/process.hpp"
#include "bench/load/scenarios.hpp"
#include "bench/load/yjs_text.hpp"

namespace octavo::bench {

using namespace std::chrono_literals;

namespace {

double seconds_since(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

// Each document's text is the work of one client, which every run can name.
constexpr std::uint64_t first_author = 1'000'000;

std::string storm_document(const storm_options& options, std::size_t index) {
  return options.prefix + "-" + std::to_string(index);
}

class lost_connections final : public client_events {
 public:
  std::size_t count = 0;

 private:
  void on_closed(document_client&, std::string_view) override { ++count; }
};

}  // namespace

boost::json::object run_idle(const target& where, const idle_options& options) {
  boost::asio::io_context io{1};
  lost_connections lost;
  crowd clients(io, where, lost);
  for (std::size_t i = 0; i < options.connections; ++i) {
    clients.add(options.prefix + "-" + std::to_string(i / options.per_document));
  }
  const auto before = memory_bytes(options.server);
  const auto start = steady_clock::now();
  const bool all = clients.open_all(options.at_once, options.limit);
  const auto opened_s = seconds_since(start);
  run_until(io, steady_clock::now() + options.settle, [] { return false; });
  const auto after = memory_bytes(options.server);
  const auto open = clients.synced() - lost.count;
  boost::json::object out{{"connections", open},
                          {"complete", all && lost.count == 0},
                          {"connections_per_s", static_cast<double>(clients.synced()) / opened_s},
                          {"memory_before_bytes", before},
                          {"memory_after_bytes", after},
                          {"lost", lost.count},
                          {"refused", clients.refused()},
                          {"last_reason", clients.last_reason()}};
  if (open > 0 && after > before) out["bytes_per_connection"] = (after - before) / open;
  return out;
}

boost::json::object run_fill(const target& where, const storm_options& options) {
  boost::asio::io_context io{1};
  lost_connections lost;
  crowd clients(io, where, lost);
  for (std::size_t i = 0; i < options.documents; ++i) clients.add(storm_document(options, i));
  if (!clients.open_all(options.documents, options.limit)) {
    throw std::runtime_error("cannot open the documents: " + clients.last_reason());
  }
  const std::string text(options.characters, 'x');
  for (std::size_t i = 0; i < options.documents; ++i) {
    clients[i].send_edit(make_typing(first_author + i, 0, text));
    clients[i].flush();
  }
  // Hocuspocus stores a document 2 s after its last edit; the others are done sooner.
  run_until(io, steady_clock::now() + 4s, [] { return false; });
  return {{"documents", options.documents}, {"lost", lost.count}};
}

boost::json::object run_storm(const target& where, const storm_options& options) {
  boost::asio::io_context io{1};
  lost_connections lost;
  const std::string text(options.characters, 'x');
  std::vector<bytes> known;
  for (std::size_t i = 0; i < options.documents; ++i) known.push_back(make_typing(first_author + i, 0, text));

  crowd clients(io, where, lost);
  for (std::size_t i = 0; i < options.clients; ++i) {
    const auto document = i % options.documents;
    clients.add(storm_document(options, document)).knows(first_author + document, options.characters, &known[document]);
  }
  const auto start = steady_clock::now();
  const bool all = clients.open_all(options.clients, options.limit);
  return {{"clients", clients.synced()},
          {"complete", all},
          {"seconds", seconds_since(start)},
          {"refused", clients.refused()},
          {"last_reason", clients.last_reason()}};
}

}  // namespace octavo::bench
