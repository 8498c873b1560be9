#include "bench/load/process.hpp"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <thread>

namespace octavo::bench {

using namespace std::chrono_literals;

namespace {

std::string proc_path(pid_t process, const char* file) {
  return "/proc/" + std::to_string(process) + "/" + file;
}

}  // namespace

std::uint64_t memory_bytes(pid_t process) {
  std::ifstream in(proc_path(process, "smaps_rollup"));
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("Pss:")) continue;
    std::istringstream fields(line.substr(4));
    std::uint64_t kib = 0;
    fields >> kib;
    return kib * 1024;
  }
  return 0;
}

std::chrono::microseconds cpu_time(pid_t process) {
  std::ifstream in(proc_path(process, "stat"));
  std::string line;
  std::getline(in, line);
  // The second field is the program's name in brackets and may hold anything.
  const auto after_name = line.rfind(')');
  if (after_name == std::string::npos) return 0us;
  std::istringstream fields(line.substr(after_name + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  std::int64_t user_ticks = 0;
  std::int64_t system_ticks = 0;
  fields >> user_ticks >> system_ticks;
  return std::chrono::microseconds((user_ticks + system_ticks) * 1'000'000 / sysconf(_SC_CLK_TCK));
}

cpu_meter::cpu_meter(pid_t process)
    : process_(process), start_(std::chrono::steady_clock::now()), start_cpu_(cpu_time(process)) {}

double cpu_meter::cores() const {
  const auto elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const auto cpu = std::chrono::duration<double>(cpu_time(process_) - start_cpu_).count();
  return elapsed > 0 ? cpu / elapsed : 0;
}

bool wait_until_quiet(pid_t process, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < deadline) {
    const cpu_meter meter(process);
    std::this_thread::sleep_for(500ms);
    if (meter.cores() < 0.05) return true;
  }
  return false;
}

}  // namespace octavo::bench
