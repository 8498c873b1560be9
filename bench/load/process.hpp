// What the kernel tells of a process: its memory and the CPU time that it took. For the server under test, by its id,
// and for the generator itself. Linux's /proc.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>

namespace octavo::bench {

/// The proportional share of memory of a process in bytes (Pss); 0 when it cannot be read.
std::uint64_t memory_bytes(pid_t process);

/// User and system time of a process since its start; 0 when it cannot be read.
std::chrono::microseconds cpu_time(pid_t process);

/// Which part of one core a process took since the meter was made.
class cpu_meter {
 public:
  explicit cpu_meter(pid_t process);
  double cores() const;

 private:
  pid_t process_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::microseconds start_cpu_;
};

/// Returns when the process takes less than a twentieth of a core over half a second, or after `limit`; says whether it
/// got quiet.
bool wait_until_quiet(pid_t process, std::chrono::milliseconds limit);

}  // namespace octavo::bench
