// The scenarios of the benchmark, one function each, as the command line names them. Each runs to its end on the
// calling thread and returns what it measured as JSON; a scenario that cannot be carried out throws std::runtime_error.
#pragma once

#include <sys/types.h>

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <string>

#include "bench/load/document_client.hpp"

namespace octavo::bench {

/// Raises the rate of edits over `documents` × (`writers` + `readers`) clients until the 99th percentile of the time
/// from when an edit was due to when another client has it passes the limit (S1, S2).
struct ramp_options {
  std::string prefix;  ///< document names begin with it
  std::size_t documents = 1;
  std::size_t writers = 10;
  std::size_t readers = 90;
  double first_rate = 200;  ///< edits a second over all writers
  double factor = 1.5;      ///< from one stage to the next
  int refinements = 2;      ///< halvings between the last good and the first bad rate
  std::chrono::milliseconds warm_up{1000};
  std::chrono::milliseconds stage{3000};
  std::chrono::milliseconds latency_max{100};
  std::chrono::milliseconds limit{180000};  ///< for the whole ramp
  pid_t server = 0;
};
boost::json::object run_ramp(const target& where, const ramp_options& options);

/// Opens connections that then say nothing (S3).
struct idle_options {
  std::string prefix;
  std::size_t connections = 10'000;
  std::size_t per_document = 10;
  std::size_t at_once = 256;
  std::chrono::milliseconds settle{5000};
  std::chrono::milliseconds limit{120000};
  pid_t server = 0;
};
boost::json::object run_idle(const target& where, const idle_options& options);

/// Sends a recorded editing session, one update a message, as fast as the server takes them (S4, first half).
struct trace_options {
  std::string document;
  std::string file;  ///< varuint count, then each update with its length before it
  std::size_t updates_max = SIZE_MAX;
  std::chrono::milliseconds limit{240000};
};
boost::json::object run_trace_write(const target& where, const trace_options& options);

/// Opens a document once and waits for `client` clocks (S4, second half).
struct cold_options {
  std::string document;
  std::uint64_t clocks = 0;         ///< of client 1, that the document must have
  std::uint64_t marker_client = 0;  ///< the client whose one edit was the last
  std::chrono::milliseconds limit{120000};
};
boost::json::object run_cold_open(const target& where, const cold_options& options);

/// Writes until `after`, then kills the server with SIGKILL, and returns what had been acknowledged by then (S5).
struct kill_options {
  std::string document;
  std::size_t writers = 5;
  std::size_t readers = 5;
  double rate = 200;  ///< edits a second over all writers
  std::chrono::milliseconds after{1500};
  pid_t server = 0;
};
boost::json::object run_kill(const target& where, const kill_options& options);

/// Opens the document afresh and counts which of the edits that `expected` (the result of run_kill) names are missing.
boost::json::object run_verify(const target& where, const std::string& document, const boost::json::object& expected);

/// Fills documents and, in another run after a restart of the server, comes back to all of them at once (S6).
struct storm_options {
  std::string prefix;
  std::size_t documents = 20;
  std::size_t clients = 2000;
  std::size_t characters = 50'000;  ///< in each document
  std::chrono::milliseconds limit{120000};
};
boost::json::object run_fill(const target& where, const storm_options& options);
boost::json::object run_storm(const target& where, const storm_options& options);

}  // namespace octavo::bench
