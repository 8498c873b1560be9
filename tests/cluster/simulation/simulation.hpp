// A whole cluster in one thread, driven by one seed: replicas of a shard on several nodes, their disks, the network,
// the directory, clients that type and send again what was not acknowledged, and an operator who moves the shard,
// changes its members and replaces lost disks. Time is a number. Every fault that the seed asks for is one that a
// cluster must survive, and after every step the promises of docs/cluster.md are checked against a log that the
// simulator keeps.
//
// One run in eight, or so, passes every message and what lies on the disks through the codec.
//
// Faults: messages lost, late, doubled, out of order; where they are bytes, with one of them changed; cuts in one
// direction or both; crashes that lose what was not synced; pauses; disks lost for good; damaged logs; a directory that
// is slow, down, answers "unknown", carries out late what it was asked, and is restored from a backup.
#pragma once

#include <cstdint>
#include <string>

namespace octavo::test {

struct simulation_counts {
  std::uint64_t runs = 0;
  std::uint64_t coded_runs = 0;  ///< in which messages and disks are bytes
  std::uint64_t steps = 0;
  std::uint64_t edits = 0;  ///< acknowledged
  std::uint64_t retries = 0;
  std::uint64_t repeated = 0;  ///< edits that came again and were told from new ones
  std::uint64_t owners = 0;
  std::uint64_t crashes = 0;
  std::uint64_t pauses = 0;
  std::uint64_t cuts = 0;
  std::uint64_t lost_messages = 0;
  std::uint64_t torn_messages = 0;  ///< with a byte changed on their way
  std::uint64_t lost_disks = 0;
  std::uint64_t damaged_logs = 0;
  std::uint64_t moves = 0;    ///< begun
  std::uint64_t moved = 0;    ///< done
  std::uint64_t members = 0;  ///< changes
  std::uint64_t transfers = 0;
  std::uint64_t unknown_txns = 0;
  std::uint64_t restores = 0;   ///< of the directory
  std::uint64_t forgotten = 0;  ///< records that it lost
  std::uint64_t faults() const {
    return crashes + pauses + cuts + lost_messages + torn_messages + lost_disks + damaged_logs + unknown_txns +
           restores + forgotten;
  }
  simulation_counts& operator+=(const simulation_counts& other);
};

struct simulation_result {
  std::string violation;   ///< empty: every promise was kept
  std::int64_t at_ms = 0;  ///< when it was broken
  std::uint64_t step = 0;
  simulation_counts counts;
};

/// Runs one seed. `trace` prints each step to standard error.
simulation_result simulate(std::uint64_t seed, bool trace = false);

}  // namespace octavo::test
