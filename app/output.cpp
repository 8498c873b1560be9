#include "app/output.hpp"

#include <unistd.h>

#include <array>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <utility>

#include "actors/logger.hpp"

namespace octavo::app {

int exit_code_of(const error& what) {
  if (what.code == errc::none) return exit_ok;
  if (what.code == errc::invalid_argument) return exit_usage;
  return exit_errors_from + static_cast<int>(what.code);
}

int report(const error& what, bool json) {
  if (json) {
    auto text = boost::json::serialize(boost::json::object{{"error", to_string(what.code)}, {"message", what.message}});
    std::fprintf(stderr, "%s\n", text.c_str());
  } else {
    std::fprintf(stderr, "octavo: %s\n", what.message.c_str());
  }
  return exit_code_of(what);
}

int finish_output(bool json) {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit_ok;
  auto why = errno == 0 ? std::string{} : std::string{": "} + std::strerror(errno);
  return report({errc::io_error, "not all of it could be written to standard output" + why}, json);
}

void print_json(const boost::json::value& value) {
  auto text = boost::json::serialize(value);
  std::printf("%s\n", text.c_str());
}

progress_line::progress_line(bool quiet) : enabled_(!quiet && isatty(STDERR_FILENO) != 0) {}

progress_line::~progress_line() {
  if (shown_) std::fprintf(stderr, "\r\033[K");
}

void progress_line::tell(std::string_view what) {
  std::fprintf(stderr, "%s%.*s\n", std::exchange(shown_, false) ? "\r\033[K" : "", static_cast<int>(what.size()),
               what.data());
}

void progress_line::show(std::string_view phase, std::uint64_t done, std::uint64_t total) {
  if (!enabled_) return;
  shown_ = true;
  std::fprintf(stderr, "\r\033[K%.*s %llu of %llu", static_cast<int>(phase.size()), phase.data(),
               static_cast<unsigned long long>(done), static_cast<unsigned long long>(total));
  std::fflush(stderr);
}

std::string human_bytes(std::uint64_t bytes) {
  constexpr auto units = std::array{"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  auto unit = std::size_t{0};
  while (value >= 1024 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  auto text = std::array<char, 32>{};
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return text.data();
}

std::string human_time(std::int64_t unix_ms) {
  if (unix_ms == 0) return "-";
  auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  auto parts = std::tm{};
  gmtime_r(&seconds, &parts);
  auto text = std::array<char, 32>{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return text.data();
}

std::string printable_name(std::string_view name) {
  auto quoted = actors::printable(name);
  auto inner = std::string_view{quoted}.substr(1, quoted.size() - 2);
  return inner == name ? std::string{name} : quoted;
}

}  // namespace octavo::app
