#include "tests/cluster/simulation/simulation.hpp"

#include <doctest/doctest.h>
#include <chrono>
#include <cstdlib>

#include "tests/support/pace.hpp"

using namespace octavo::test;

namespace {

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const auto* given = std::getenv(name);
  return given == nullptr ? otherwise : std::strtoull(given, nullptr, 10);
}

}  // namespace

// OCTAVO_SEED=n replays one run, and prints each of its steps; OCTAVO_SEEDS=n makes so many, as for a night.
TEST_CASE("whatever befalls a cluster, what was acknowledged is there, once, in one order") {
  if (std::getenv("OCTAVO_SEED") != nullptr) {
    const auto seed = number_from("OCTAVO_SEED", 0);
    const auto result = simulate(seed, true);
    MESSAGE("OCTAVO_SEED=" << seed << " ends at step " << result.step << ", " << result.at_ms << " ms");
    CHECK(result.violation == "");
    return;
  }
  const auto seeds = number_from("OCTAVO_SEEDS", 33'000 / stride_of_places);
  // Every run of the tests takes other seeds.
  const auto first = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  auto counts = simulation_counts{};
  for (auto seed = first; seed < first + seeds; ++seed) {
    const auto result = simulate(seed);
    counts += result.counts;
    CAPTURE(seed);
    CAPTURE(result.step);
    CAPTURE(result.at_ms);
    REQUIRE(result.violation == "");
  }
  MESSAGE(counts.runs << " seeds from " << first << ": " << counts.edits << " edits acknowledged, " << counts.faults()
                      << " faults survived (" << counts.crashes << " crashes, " << counts.pauses << " pauses, "
                      << counts.cuts << " cuts, " << counts.lost_messages << " messages lost, " << counts.torn_messages
                      << " torn, " << counts.lost_disks << " disks lost, " << counts.damaged_logs << " logs damaged, "
                      << counts.unknown_txns << " answers of the directory lost, " << counts.restores
                      << " times restored from a backup, " << counts.forgotten << " records lost), " << counts.owners
                      << " owners, " << counts.moved << " of " << counts.moves << " moves done, " << counts.members
                      << " changes of members, " << counts.transfers << " replicas built from others");
  // A simulator in which nothing happens finds nothing.
  CHECK(counts.edits > 20 * seeds);
  CHECK(counts.crashes > seeds);
  CHECK(counts.moved > seeds / 20);
  CHECK(counts.members > seeds / 2);
  CHECK(counts.transfers > seeds / 4);
  CHECK(counts.repeated > seeds);
  CHECK(counts.forgotten > seeds / 20);
  CHECK(counts.torn_messages > counts.coded_runs);
  CHECK(counts.coded_runs > seeds / 16);
}

TEST_CASE("a seed is one run, step by step") {
  for (auto seed = std::uint64_t{1}; seed <= 20; ++seed) {
    const auto once = simulate(seed);
    const auto again = simulate(seed);
    CHECK(once.step == again.step);
    CHECK(once.at_ms == again.at_ms);
    CHECK(once.counts.edits == again.counts.edits);
    CHECK(once.counts.retries == again.counts.retries);
  }
}
