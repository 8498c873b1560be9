#include "app/cpus.hpp"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

namespace octavo::app {

std::size_t cpus_of_quota(std::string_view cpu_max) {
  auto in = std::istringstream{std::string{cpu_max}};
  auto quota = std::string{};
  auto period_us = std::uint64_t{0};
  if (!(in >> quota >> period_us) || quota == "max" || period_us == 0) return 0;
  auto quota_us = std::uint64_t{0};
  if (!(std::istringstream{quota} >> quota_us)) return 0;
  return static_cast<std::size_t>((quota_us + period_us - 1) / period_us);
}

std::size_t usable_cpus() {
  auto usable = std::size_t{std::max(1u, std::thread::hardware_concurrency())};
  auto set = cpu_set_t{};
  if (sched_getaffinity(0, sizeof set, &set) == 0) usable = static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
  auto text = std::string{};
  if (std::getline(std::ifstream{"/sys/fs/cgroup/cpu.max"}, text))
    if (auto quota = cpus_of_quota(text); quota != 0) usable = std::min(usable, quota);
  return std::max<std::size_t>(1, usable);
}

}  // namespace octavo::app
