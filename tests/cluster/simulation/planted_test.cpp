// The simulator must find what is wrong: here the protocol is built with bugs in it, one at a time.
#include <doctest/doctest.h>

#include "cluster/planted.hpp"
#include "tests/cluster/simulation/simulation.hpp"

using namespace octavo;
using namespace octavo::test;

namespace {

constexpr auto seeds_max = std::uint64_t{10'000};

struct planted_case {
  cluster::bug which;
  std::string name;
};

const planted_case cases[] = {
    {cluster::bug::ack_before_sync, "ack before sync"},
    {cluster::bug::promise_before_sync, "promise before sync"},
    {cluster::bug::ignored_promise, "ignored promise"},
    {cluster::bug::ballot_without_owner, "an epoch promised twice"},
    {cluster::bug::commits_older_epoch, "entries of older epochs are counted"},
    {cluster::bug::no_prev_check, "no check of what stands before"},
    {cluster::bug::keeps_conflicts, "conflicting entries stay"},
    {cluster::bug::old_majority, "the old majority while members change"},
    {cluster::bug::shorter_log_owns, "a shorter log becomes the owner's"},
    {cluster::bug::forgets_removal, "a removed replica votes"},
    {cluster::bug::keeps_what_it_learned, "who learned from an owner that is gone keeps what it got"},
    {cluster::bug::resumes_as_owner, "an owner resumes after the move"},
    {cluster::bug::revision_as_epoch, "the directory's revision is the epoch"},
    {cluster::bug::no_dedup, "no de-duplication"},
    {cluster::bug::dedup_lost_in_transfer, "de-duplication is lost with a copy of the documents"},
    {cluster::bug::truncated_recovery, "a damaged log is opened up to the damage"},
    {cluster::bug::wiped_disk_keeps_its_name, "an empty disk votes for the lost one"},
};

}  // namespace

TEST_CASE("each planted bug is found, by a seed that finds it again") {
  for (const auto& one : cases) {
    CAPTURE(one.name);
    cluster::planted_bug = one.which;
    auto found = std::uint64_t{0};
    auto result = simulation_result{};
    for (auto seed = std::uint64_t{1}; seed <= seeds_max && found == 0; ++seed) {
      result = simulate(seed);
      if (!result.violation.empty()) found = seed;
    }
    CHECK(found != 0);
    MESSAGE(one.name << ": seed " << found << ", step " << result.step << ": " << result.violation.substr(0, 100));
    const auto again = simulate(found);
    CHECK(again.step == result.step);
    CHECK(again.violation == result.violation);
    // And it is the bug that was found, not the simulator.
    cluster::planted_bug = cluster::bug::none;
    CHECK(simulate(found).violation == "");
  }
}
