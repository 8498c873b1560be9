// The two clocks: the time of day, which records carry and which may be set, and one that does not jump, for presence,
// intervals and waits. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>

namespace octavo::actors {

/// Milliseconds since the Unix epoch.
inline std::int64_t unix_now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

/// Milliseconds since some moment before the process began.
inline std::int64_t steady_now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace octavo::actors
