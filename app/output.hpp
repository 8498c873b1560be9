// How commands speak: results on standard output, everything else on standard error, exit codes that scripts can tell
// apart.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "storage/result.hpp"

namespace octavo::app {

// Exit codes: 0 done, 2 wrong usage or configuration, 3 incomplete input, 10 + errc for other errors, 70 below. Do not
// renumber.
inline constexpr int exit_ok = 0;
inline constexpr int exit_usage = 2;
inline constexpr int exit_incomplete = 3;  ///< done, but what was given lacks something: `update render`
inline constexpr int exit_errors_from = 10;
inline constexpr int exit_fatal = 70;  ///< `serve`: the disk failed under us, and a new start goes on (EX_SOFTWARE)

int exit_code_of(const error& what);

/// Prints the error (as JSON with `json`) to standard error and returns its exit code.
int report(const error& what, bool json);

/// Whether all that was printed has reached standard output: the exit code, or errc::io_error reported.
int finish_output(bool json);

/// Prints a JSON value and a newline to standard output.
void print_json(const boost::json::value& value);

/// A progress line on standard error, redrawn in place; silent unless that is a terminal.
class progress_line {
 public:
  explicit progress_line(bool quiet);
  ~progress_line();
  void show(std::string_view phase, std::uint64_t done, std::uint64_t total);
  /// A line of its own, that stays; also where there is no terminal.
  void tell(std::string_view what);

 private:
  bool shown_ = false;
  bool enabled_;
};

/// "12.3 MiB"
std::string human_bytes(std::uint64_t bytes);
/// "2026-11-24 08:15:02" in UTC
std::string human_time(std::int64_t unix_ms);
/// A name for a terminal: control characters escaped.
std::string printable_name(std::string_view name);

}  // namespace octavo::app
