// Which documents of a shard were edited lately. Every replica sees all edits, and so the node that takes a shard over
// knows without being told what to load first.
//
// Affinity: whoever owns it (the shard host).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "cluster/shards.hpp"

namespace octavo::cluster {

class hot_documents {
 public:
  /// Of all shards together; edits of others are not counted until some have cooled down.
  explicit hot_documents(std::size_t documents_max) : documents_max_(documents_max) {}

  /// A document was edited once more.
  void add(shard_number shard, const std::string& document);
  /// Halves all counts, and forgets what is at nothing.
  void cool();
  /// At most so many documents of a shard, the hottest first.
  std::vector<std::string> hottest(shard_number shard, std::size_t count) const;
  std::size_t size() const { return documents_; }

 private:
  std::size_t documents_max_;
  std::size_t documents_ = 0;
  std::unordered_map<shard_number, std::unordered_map<std::string, std::uint32_t>> edits_;
};

}  // namespace octavo::cluster
