// The steps of all replicas of a node that are not on its disk yet: one batch of them is being written, the others
// wait for it in their order.
//
// Plain state; affinity: the shard host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "cluster/shard_table.hpp"

namespace octavo::cluster {

class disk_queue {
 public:
  explicit disk_queue(std::size_t batch_bytes_max) : batch_bytes_max_(batch_bytes_max) {}

  void push(shard_step step) {
    bytes_ += step.weight();
    steps_.push_back(std::move(step));
  }

  /// The next steps to write, until written() says that they are; null while others are being written, or if there are
  /// none. By its last step a batch may be larger than it is to be.
  std::shared_ptr<const std::vector<shard_step>> next_batch() {
    if (is_writing() || steps_.empty()) return nullptr;
    auto batch = std::make_shared<std::vector<shard_step>>();
    auto entry_bytes = std::size_t{0};
    while (!steps_.empty() && (batch->empty() || entry_bytes < batch_bytes_max_)) {
      for (const auto& [lsn, entry] : steps_.front().entries) entry_bytes += entry.size();
      flying_bytes_ += steps_.front().weight();
      batch->push_back(std::move(steps_.front()));
      steps_.pop_front();
    }
    flying_ = batch->size();
    return batch;
  }

  void written() {
    bytes_ -= std::exchange(flying_bytes_, 0);
    written_ += std::exchange(flying_, 0);
    while (!waiting_.empty() && waiting_.front().first <= written_) {
      auto done = std::move(waiting_.front().second);
      waiting_.pop_front();
      done();
    }
  }

  /// Calls once all that has been pushed by now is written; at once if it is.
  void when_written(std::function<void()> done) {
    if (steps_.empty() && !is_writing()) {
      done();
      return;
    }
    waiting_.emplace_back(written_ + steps_.size() + flying_, std::move(done));
  }

  bool is_writing() const { return flying_ > 0; }
  /// Of all steps that are not written, those among them that are being written.
  std::size_t bytes() const { return bytes_; }

 private:
  std::size_t batch_bytes_max_;
  std::deque<shard_step> steps_;
  std::size_t bytes_ = 0;
  std::size_t flying_ = 0;  ///< steps that are being written
  std::size_t flying_bytes_ = 0;
  std::uint64_t written_ = 0;                                            ///< steps, ever
  std::deque<std::pair<std::uint64_t, std::function<void()>>> waiting_;  ///< each for so many
};

}  // namespace octavo::cluster
