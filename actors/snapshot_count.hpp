// What of a document is durable and in no snapshot yet, and so whether one is due.
//
// Plain state; affinity: the document's actor.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

namespace octavo::actors {

class snapshot_count {
 public:
  snapshot_count(std::uint64_t records_max, std::uint64_t bytes_max)
      : records_max_(records_max), bytes_max_(bytes_max) {}

  /// As the document was loaded: durable up to `seq`, of which the last `records` with `bytes` are in no snapshot.
  void found(std::uint64_t seq, std::uint64_t records, std::uint64_t bytes) {
    committed_ = seq;
    covered_ = seq - std::min(records, seq);
    bytes_ = bytes;
  }
  /// Everything up to `seq` is durable, with `bytes` that were not before.
  void committed(std::uint64_t seq, std::uint64_t bytes) {
    committed_ = seq;
    bytes_ += bytes;
  }

  void begun() {
    is_running_ = true;
    bytes_before_ = bytes_;
  }
  /// It has all up to `covered`, which may be more than is known here to be durable. False: it has no more than the one
  /// before it, and another one now would not either.
  bool written(std::uint64_t covered) {
    is_running_ = false;
    // Some of what came since may be in it as well, and is counted once more.
    bytes_ -= std::exchange(bytes_before_, 0);
    return std::exchange(covered_, std::max(covered_, covered)) < covered;
  }
  /// Not at once again: the log has everything, and a snapshot only saves time.
  void failed() {
    is_running_ = false;
    bytes_ = bytes_before_ = 0;
    covered_ = std::max(covered_, committed_);
  }

  bool is_running() const { return is_running_; }
  std::uint64_t records() const { return committed_ - std::min(covered_, committed_); }
  bool is_due() const { return !is_running_ && records() > 0 && (records() >= records_max_ || bytes_ >= bytes_max_); }

 private:
  std::uint64_t records_max_;
  std::uint64_t bytes_max_;
  std::uint64_t committed_ = 0;
  std::uint64_t covered_ = 0;
  std::uint64_t bytes_ = 0;         ///< of records that are durable and not covered, or were not when they were counted
  std::uint64_t bytes_before_ = 0;  ///< of those, what was there when the snapshot was asked for
  bool is_running_ = false;
};

}  // namespace octavo::actors
