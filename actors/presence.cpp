#include "actors/presence.hpp"

#include <algorithm>

#include "crdt/awareness.hpp"

namespace octavo::actors {

namespace {
/// How many entries, the gone ones counted, there may be for each that may be present.
constexpr auto remembered_factor = std::size_t{4};
}  // namespace

presence_table::verdict presence_table::announce(session_key from, bytes_view awareness, std::int64_t now_ms) {
  auto limits = crdt::awareness_limits{};
  limits.max_state_bytes = limits_.state_bytes_max;
  limits.max_entries = limits_.states_max;
  auto received = std::vector<crdt::awareness_entry>{};
  if (auto decoded = crdt::decode_awareness(awareness, received, limits); !decoded) {
    using enum crdt::decode_errc;
    auto code = decoded.error().code;
    return code == too_large || code == too_many_entries || code == entry_too_large ? verdict::refused
                                                                                    : verdict::malformed;
  }
  auto result = verdict::known;
  for (const auto& next : received) {
    auto found = entries_.find(next.client);
    if (next.is_null()) {
      // A peer that has not heard of somebody for 30 s says that they are gone. That is for us to decide.
      if (found == entries_.end() || found->second.json.empty() || found->second.owner != from) continue;
      if (next.clock < found->second.clock) continue;
      found->second.clock = next.clock;
      remove(next.client, found->second, now_ms);
      result = std::max(result, verdict::taken);
      continue;
    }
    // We took the state back when its socket went; the same client may come again without a newer clock.
    auto returns = found != entries_.end() && found->second.json.empty() && next.clock == found->second.clock;
    auto known_clock = found == entries_.end() ? 0 : found->second.clock;
    if (next.clock <= known_clock && !returns) {
      continue;
    }
    auto& mine = announced_[from];
    auto owned = std::find(mine.begin(), mine.end(), next.client) != mine.end();
    if (!owned && mine.size() >= limits_.states_per_session_max) {
      result = verdict::refused;
      continue;
    }
    if (found == entries_.end()) {
      // Clients that have gone are remembered for a while; they may not keep others out.
      if (present_ >= limits_.states_max || entries_.size() >= remembered_factor * limits_.states_max) {
        result = verdict::refused;
        continue;
      }
      found = entries_.emplace(next.client, entry{}).first;
    }
    auto& one = found->second;
    if (one.json.empty()) ++present_;
    one.clock = next.clock;
    one.json = next.json;
    one.owner = from;
    one.renewed_ms = now_ms;
    if (!owned) mine.push_back(next.client);
    mark_changed(next.client, one);
    if (result != verdict::refused) result = verdict::taken;
  }
  return result;
}

void presence_table::leave(session_key session, std::int64_t now_ms) {
  auto found = announced_.find(session);
  if (found == announced_.end()) return;
  for (auto client : found->second) {
    auto one = entries_.find(client);
    if (one == entries_.end() || one->second.owner != session || one->second.json.empty()) continue;
    remove(client, one->second, now_ms);
  }
  announced_.erase(found);
}

void presence_table::expire(std::int64_t now_ms) {
  for (auto one = entries_.begin(); one != entries_.end();) {
    auto overdue = now_ms - one->second.renewed_ms > limits_.expiry_ms;
    if (overdue && !one->second.json.empty()) {
      remove(one->first, one->second, now_ms);
      ++one;
    } else if (overdue && !one->second.changed) {
      // Long gone. Its clock was kept so that a late message could not bring it back.
      if (auto mine = announced_.find(one->second.owner); mine != announced_.end())
        std::erase(mine->second, one->first);
      one = entries_.erase(one);
    } else {
      ++one;
    }
  }
}

payload presence_table::take_changes() {
  if (changed_.empty()) return {};
  auto changes = std::vector<crdt::awareness_entry>{};
  changes.reserve(changed_.size());
  for (auto client : changed_) {
    auto& one = entries_.at(client);
    one.changed = false;
    changes.push_back({client, one.clock, one.json.empty() ? std::string_view{"null"} : std::string_view{one.json}});
  }
  changed_.clear();
  return payload{crdt::encode_awareness(changes)};
}

payload presence_table::all() const {
  auto states = std::vector<crdt::awareness_entry>{};
  states.reserve(present_);
  for (const auto& [client, one] : entries_)
    if (!one.json.empty()) states.push_back({client, one.clock, one.json});
  return payload{crdt::encode_awareness(states)};
}

void presence_table::mark_changed(std::uint64_t client, entry& one) {
  if (one.changed) return;
  one.changed = true;
  changed_.push_back(client);
}

void presence_table::remove(std::uint64_t client, entry& one, std::int64_t now_ms) {
  one.json.clear();
  one.json.shrink_to_fit();
  one.renewed_ms = now_ms;
  --present_;
  mark_changed(client, one);
}

}  // namespace octavo::actors
