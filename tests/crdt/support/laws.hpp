// The laws that every set of updates must obey, whatever the order, grouping or repetition in which they arrive.
#pragma once

#include "tests/crdt/support/cases.hpp"
#include "tests/crdt/support/replay.hpp"

namespace octavo::test {

/// Counts what happened, so that a test can tell that it tested something.
struct law_counters {
  std::size_t documents = 0;
  std::size_t updates = 0;
  std::size_t same_bytes = 0;
  std::size_t waited = 0;
};

/// Checks a document against what yjs shows.
void check_views(const crdt::document& document, const oracle_case& expected);

/// Applies a case in every way and checks each outcome.
void check_laws(const oracle_case& of, std::mt19937_64& random, law_counters& counters);

}  // namespace octavo::test
