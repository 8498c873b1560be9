// Internal to storage/: decides what to do about a damaged write-ahead log: which of its commits are applied, and which
// documents may have lost an acknowledged update. Pure: it works on what wal_scan.hpp read, and the store carries it
// out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/wal_scan.hpp"

namespace octavo::storage {

struct recovery_plan {
  std::vector<std::size_t> apply;   ///< of wal_scan::commits, in the order in which they are to be applied
  std::vector<touched> suspects;    ///< what the lost commits touched; each is looked at, and set aside if it lost any
  std::vector<std::string> places;  ///< the damages, as a person reads them
  bool everything = false;          ///< lost commits whose documents are unknown: every document may be concerned
  std::uint64_t lost_commits = 0;   ///< were durable and cannot be read
  std::uint64_t dropped_commits = 0;  ///< readable, and dropped behind one that was never synced and is missing
  std::uint64_t newest_commit = 0;    ///< no number up to this may be used again
};

/// `base` is the newest commit that the tables hold. The scan must have been made with `keep`.
recovery_plan plan_recovery(const wal_scan& scan, std::uint64_t base);

}  // namespace octavo::storage
