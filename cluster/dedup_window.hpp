// Which of a shard's edits a client has had taken, so that one which it sends again, because it heard no answer from an
// owner that is gone, is not taken twice. A client here is a relay or a program: whoever numbers its edits from 1 and
// sends them in that order. It is part of what a log's entries make, like the documents: replicas that have applied the
// same entries hold the same window.
//
// Pure; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace octavo::cluster {

class dedup_window {
 public:
  /// Of more clients than this the one that wrote longest ago is forgotten.
  static constexpr std::size_t default_clients_max = 4'096;

  struct mark {
    std::uint64_t client = 0;
    std::uint64_t number = 0;  ///< of the client's newest edit
    std::uint64_t lsn = 0;     ///< where it is in the log
    bool operator==(const mark&) const = default;
  };

  explicit dedup_window(std::size_t clients_max = default_clients_max) : clients_max_(clients_max) {}

  /// The newest edit of a client that is in the log; nothing if none is remembered.
  std::optional<mark> newest(std::uint64_t client) const;
  /// An edit was taken. Lsns ascend; a number that is not greater than the client's newest changes nothing.
  void note(const mark& taken);
  /// In the order of their lsns; a window that notes them in this order is equal.
  std::vector<mark> marks() const;
  std::size_t size() const { return by_client_.size(); }

 private:
  std::size_t clients_max_;
  std::unordered_map<std::uint64_t, mark> by_client_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> by_lsn_;  ///< lsn, client
};

}  // namespace octavo::cluster
