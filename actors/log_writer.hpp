// The log writer: takes edits of all documents, writes what has gathered in one synced batch, and tells each document
// how far it is durable. While one batch is being synced the next gathers in the mailbox, so that the disk's latency
// sets the size of a group and not the number of edits a second.
//
// It runs detached, since a sync blocks its thread. Its mailbox is bounded from outside: a client has at most a window
// of edits that are not durable, a relay at most another.
#pragma once

#include <functional>

#include "actors/interfaces.hpp"
#include "actors/metrics.hpp"
#include "actors/options.hpp"

namespace octavo::storage {
class store;
}

namespace octavo::actors {

/// Called when the disk failed in a way that cannot be survived (a failed sync is never retried). Must not return to
/// serving: the process ends, and what was acknowledged is on disk.
using fatal_handler = std::function<void(const error&)>;

/// What gathers between two commits.
class log_batch {
 public:
  void add(append_request request);
  bool empty() const { return requests_.empty(); }
  std::size_t size_bytes() const { return size_bytes_; }
  std::size_t record_count() const { return record_count_; }
  const std::vector<append_request>& requests() const { return requests_; }
  void clear();

 private:
  std::vector<append_request> requests_;
  std::size_t size_bytes_ = 0;
  std::size_t record_count_ = 0;
};

/// Writes a batch as one commit. If a document's records are refused because another document's are wrong, each
/// document's are tried alone, so that one bug cannot stop the others.
struct commit_outcome {
  /// One entry a request of the batch, in order: none, or why its records were not written.
  std::vector<error> errors;
};
commit_outcome commit(storage::store& to, const log_batch& batch);

/// Spawns the log writer. `store` and `counters` outlive the actor system.
log_writer_actor spawn_log_writer(caf::actor_system& system, storage::store& store, metrics& counters,
                                  const node_options& options, fatal_handler on_fatal);

}  // namespace octavo::actors
