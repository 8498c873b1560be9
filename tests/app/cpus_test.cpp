#include "app/cpus.hpp"

#include <doctest/doctest.h>
#include <sched.h>

using namespace octavo::app;

TEST_CASE("a quota is rounded up to whole CPUs, and no quota is no bound") {
  CHECK(cpus_of_quota("200000 100000") == 2);
  CHECK(cpus_of_quota("150000 100000\n") == 2);
  CHECK(cpus_of_quota("10000 100000") == 1);
  CHECK(cpus_of_quota("max 100000") == 0);
  CHECK(cpus_of_quota("") == 0);
  CHECK(cpus_of_quota("nonsense") == 0);
  CHECK(cpus_of_quota("100000 0") == 0);
  CHECK(cpus_of_quota("x 100000") == 0);
}

TEST_CASE("the process counts the CPUs that it may use, not those that exist") {
  auto before = cpu_set_t{};
  REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  CHECK(usable_cpus() >= 1);
  CHECK(usable_cpus() <= static_cast<std::size_t>(CPU_COUNT(&before)));
  auto one = cpu_set_t{};
  for (auto cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &before)) {
      CPU_SET(cpu, &one);
      break;
    }
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
  CHECK(usable_cpus() == 1);
  sched_setaffinity(0, sizeof before, &before);
}
