// What a cluster's node does about a disk that gives something else than was written: it leaves word of it in its
// folder, ends once the other nodes have all that it has, and begins anew with an empty store at its next start. The
// damaged one is kept, and while it is there the same does not happen again.
#pragma once

#include <chrono>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "app/settings.hpp"

namespace octavo::app {

class damaged_disk {
 public:
  explicit damaged_disk(const serve_options& options);
  ~damaged_disk();
  damaged_disk(const damaged_disk&) = delete;
  damaged_disk& operator=(const damaged_disk&) = delete;

  /// What is known of the disk: found by this run, or by one before it.
  std::optional<error> known() const;
  /// Whether a person ought to look: damage is known, or a store was set aside.
  bool wants_a_look() const;
  /// Leaves word, for this run and for the next one. Any thread.
  void note(const error& what);
  /// The other nodes seem to be there. Asks the directory whether they have everything, and that nobody else begins
  /// anew at the same time; if so the process ends. Returns at once, and does nothing while it was asked a moment ago.
  /// Any thread.
  void give_up();
  /// Sets the store, which must not be open, aside. errc::unavailable: not now, since others lack what it has, or do
  /// the same; errc::corrupt: one was set aside before, and a person ought to look. Nothing is changed then.
  result<void> begin_anew(const error& damage) const;

 private:
  result<void> may_begin_anew() const;
  void ask();

  std::filesystem::path data_;
  std::string etcd_;
  std::string node_;
  mutable std::mutex mutex_;
  bool is_asking_ = false;
  std::chrono::steady_clock::time_point asked_{};
  std::string told_;  ///< why not, when it was said last
  std::thread thread_;
};

/// The cluster that a node's data belongs to; empty: none yet. It stands beside the store, and while setting that aside
/// is interrupted it may have gone before.
std::string read_binding(const std::filesystem::path& data);
/// Durable when it returns: documents that come after it are never without it.
result<void> write_binding(const std::filesystem::path& data, const std::string& cluster_id);

}  // namespace octavo::app
