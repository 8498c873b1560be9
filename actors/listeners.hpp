// Who is told of a document's edits, and how much of what it was told it has not taken in yet. A subscriber that is
// slow, or far away, must not make the document's node hold what it has not read: once a window of bytes is on its way
// it gets no more edits, and what it asks waits; when it has caught up, it is given in one piece what it lacks.
//
// Affinity: the document's actor.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "actors/messages.hpp"

namespace octavo::actors {

/// The number of a subscriber (a relay) within one document's run.
using subscriber_id = std::uint32_t;

/// A session as a document knows it: a session id is only unique behind one subscriber.
struct session_key {
  subscriber_id subscriber = 0;
  session_id session = 0;

  friend bool operator==(const session_key&, const session_key&) = default;
};

struct session_key_hash {
  std::size_t operator()(const session_key& key) const {
    return std::hash<std::uint64_t>{}(key.session * 0x9e3779b97f4a7c15ull + key.subscriber);
  }
};

struct listener {
  subscriber_id id = 0;
  std::size_t unanswered_bytes = 0;  ///< that were sent, or wait at the gate, and are not taken in yet
  /// It has all edits up to this one, and was not given those after it for want of room.
  std::optional<std::uint64_t> behind_since;
  bool is_catching_up = false;  ///< what it lacks waits at the gate
  bool lacks_presence = false;  ///< changes of presence were not sent
  std::vector<request> held;    ///< what it asks until there is room for answers; its own window bounds them
};

class listeners {
 public:
  explicit listeners(std::size_t window_bytes) : window_bytes_(window_bytes) {}

  void add(subscriber_id id) { all_.push_back({id, 0, {}, false, false, {}}); }
  void remove(subscriber_id id) {
    std::erase_if(all_, [id](const listener& one) { return one.id == id; });
  }
  /// Null: it has gone.
  listener* find(subscriber_id id) {
    auto found = std::ranges::find(all_, id, &listener::id);
    return found == all_.end() ? nullptr : &*found;
  }
  bool has_room(const listener& one) const { return one.unanswered_bytes < window_bytes_; }
  bool empty() const { return all_.empty(); }
  auto begin() { return all_.begin(); }
  auto end() { return all_.end(); }

 private:
  std::size_t window_bytes_;
  std::vector<listener> all_;
};

}  // namespace octavo::actors
