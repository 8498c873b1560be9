// How much of the machine this process may use.
#pragma once

#include <cstddef>
#include <string_view>

namespace octavo::app {

/// The CPUs that the process may use, at least 1: those that its affinity names, or fewer where a control group's quota
/// says so.
std::size_t usable_cpus();

/// The CPUs of a cgroup v2 `cpu.max` text ("200000 100000"), rounded up; 0 if it sets no bound.
std::size_t cpus_of_quota(std::string_view cpu_max);

}  // namespace octavo::app
