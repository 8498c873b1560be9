// The questions about its past that a document has asked a historian and that are not answered yet: how many there are,
// and how each is refused should the document end before. Affinity: the document's actor.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "actors/metrics.hpp"
#include "actors/options.hpp"
#include "storage/result.hpp"

namespace octavo::actors {

class look_backs {
 public:
  using refusal = std::function<void(const error& why)>;

  look_backs(const document_options& options, metrics& counters)
      : document_max_(options.look_backs_max), node_max_(options.look_backs_node_max), waiting_(counters.look_backs) {}
  ~look_backs() { waiting_.fetch_sub(static_cast<std::int64_t>(open_.size()), std::memory_order_relaxed); }
  look_backs(const look_backs&) = delete;
  look_backs& operator=(const look_backs&) = delete;

  /// A number for a question that may be asked; nothing if as many wait as may, of this document or of the node.
  std::optional<std::uint64_t> add(refusal refuse) {
    if (open_.size() >= document_max_) return std::nullopt;
    if (waiting_.fetch_add(1, std::memory_order_relaxed) >= static_cast<std::int64_t>(node_max_)) {
      waiting_.fetch_sub(1, std::memory_order_relaxed);
      return std::nullopt;
    }
    open_.emplace(++last_, std::move(refuse));
    return last_;
  }

  /// The question is answered. False if it was refused before.
  bool answered(std::uint64_t number) {
    if (open_.erase(number) == 0) return false;
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    return true;
  }

  void refuse_all(const error& why) {
    waiting_.fetch_sub(static_cast<std::int64_t>(open_.size()), std::memory_order_relaxed);
    for (const auto& [number, refuse] : std::exchange(open_, {})) refuse(why);
  }

  bool empty() const { return open_.empty(); }

 private:
  std::size_t document_max_;
  std::size_t node_max_;
  std::atomic<std::int64_t>& waiting_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, refusal> open_;
};

}  // namespace octavo::actors
