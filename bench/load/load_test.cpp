// A benchmark that counts wrongly is worse than none: what the load generator counts, checked against updates that Yjs
// itself wrote.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "bench/load/dialect.hpp"
#include "bench/load/histogram.hpp"
#include "bench/load/yjs_text.hpp"

namespace octavo::bench {

namespace {

bytes from_hex(std::string_view hex) {
  bytes out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<std::byte>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

// "client clock length" for each run.
std::vector<std::string> runs_of(bytes_view update) {
  std::vector<std::string> out;
  const bool read = visit_runs(update, [&](const clock_run& run) {
    out.push_back(std::to_string(run.client) + " " + std::to_string(run.clock) + " " + std::to_string(run.length));
  });
  if (!read) out.emplace_back("malformed");
  return out;
}

using names = std::vector<std::string>;

}  // namespace

TEST_CASE("the runs of a merged update of two clients are read, with UTF-16 lengths") {
  const auto update =
      from_hex("02010700c40501050202796f030500010104746578740184050002c3a984050108f09f988078656e640105010001");
  CHECK(runs_of(update) == names{"7 0 2", "5 0 8"});
}

TEST_CASE("holes in a merged update are not counted") {
  const auto update = from_hex("010505000401047465787401680a0184050104f09f98800a0184050403656e6400");
  CHECK(runs_of(update) == names{"5 0 1", "5 2 2", "5 5 3"});
}

TEST_CASE("what the generator types is read back by it") {
  CHECK(runs_of(make_typing(9, 0, "x")) == names{"9 0 1"});
  CHECK(runs_of(make_typing(std::uint64_t{1} << 40, 300, "words")) == names{"1099511627776 300 5"});
  CHECK(runs_of(make_empty_update()).empty());
}

TEST_CASE("an update cut off anywhere in its structs is malformed") {
  const auto update = make_typing(9, 5, "words");
  // The last byte is the delete set, which is not read.
  for (std::size_t size = 0; size + 1 < update.size(); ++size) {
    CHECK(runs_of(bytes_view(update).first(size)).back() == "malformed");
  }
}

TEST_CASE("a state vector knows its client") {
  CHECK(clocks_known(make_state_vector(7, 500), 7) == 500);
  CHECK(clocks_known(make_state_vector(7, 500), 8) == 0);
  CHECK(clocks_known(make_state_vector(0, 0), 7) == 0);
}

TEST_CASE("frames of both dialects are read for what they are") {
  const auto update = make_typing(9, 0, "x");
  for (const auto speech : {dialect::y_websocket, dialect::hocuspocus}) {
    const auto frame = make_update(speech, "doc", update);
    const auto message = read_frame(speech, frame);
    CHECK(message.what == server_message::kind::update);
    CHECK(as_text(message.body) == as_text(update));
  }
  const auto echo = read_frame(dialect::y_websocket, make_acknowledgement_request(dialect::y_websocket, 300));
  CHECK(echo.what == server_message::kind::acknowledged);
  CHECK(echo.number == 300);
  CHECK(read_frame(dialect::hocuspocus, from_hex("03646f630801")).what == server_message::kind::acknowledged);
  CHECK(read_frame(dialect::hocuspocus, from_hex("03646f630800")).what == server_message::kind::refused);
}

TEST_CASE("quantiles are within a thirty-second of the truth") {
  histogram latencies;
  for (std::uint64_t value = 1; value <= 100'000; ++value) latencies.record(value);
  for (const double quantile : {0.001, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto exact = quantile * 100'000;
    const auto found = static_cast<double>(latencies.quantile_us(quantile, 100'000));
    CHECK(found >= exact);
    CHECK(found <= exact * (1 + 1.0 / 32));
  }
}

TEST_CASE("events that never happened count as the slowest") {
  histogram latencies;
  for (int i = 0; i < 98; ++i) latencies.record(1000);
  CHECK(latencies.quantile_us(0.98, 100) < 1100);
  CHECK(latencies.quantile_us(0.99, 100) == histogram::never_us);
}

TEST_CASE("latencies beyond the largest bucket are counted") {
  histogram latencies;
  latencies.record(~std::uint64_t{0});
  CHECK(latencies.total() == 1);
  CHECK(latencies.quantile_us(1, 1) >= (std::uint64_t{1} << 39));
}

}  // namespace octavo::bench
