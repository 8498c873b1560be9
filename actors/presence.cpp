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
  auto& speaks = speakers_[from];
  if (speaks.since == 0) speaks.since = ++events_;
  auto result = verdict::known;
  for (const auto& next : received) {
    auto found = entries_.find(next.client);
    if (next.is_null()) {
      // A peer that has not heard of somebody for 30 s says that they are gone. That is for us to decide.
      if (found == entries_.end() || found->second.json.empty() || found->second.owner != from) continue;
      if (next.clock < found->second.clock) continue;
      found->second.clock = next.clock;
      remove(next.client, found->second, now_ms);
      if (result != verdict::refused) result = verdict::taken;
      continue;
    }
    // We took the state back when its socket went; the same client may come again without a newer clock, by a new
    // connection. From one that was here before it is an echo that crossed with the news.
    auto returns = found != entries_.end() && found->second.json.empty() && next.clock == found->second.clock &&
                   speaks.since > found->second.gone_at;
    auto known_clock = found == entries_.end() ? 0 : found->second.clock;
    if (next.clock <= known_clock && !returns) {
      continue;
    }
    auto& mine = speaks.clients;
    auto owned = std::find(mine.begin(), mine.end(), next.client) != mine.end();
    if (!owned && mine.size() >= limits_.states_per_session_max) {
      result = verdict::refused;
      continue;
    }
    // Clients that have gone are remembered for a while; that is bounded as well.
    auto is_new = found == entries_.end();
    if ((is_new || found->second.json.empty()) && present_ >= limits_.states_max) {
      result = verdict::refused;
      continue;
    }
    if (is_new && entries_.size() >= remembered_factor * limits_.states_max) {
      result = verdict::refused;
      continue;
    }
    if (is_new) found = entries_.emplace(next.client, entry{}).first;
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
  auto found = speakers_.find(session);
  if (found == speakers_.end()) return;
  for (auto client : found->second.clients) {
    auto one = entries_.find(client);
    if (one == entries_.end() || one->second.owner != session || one->second.json.empty()) continue;
    remove(client, one->second, now_ms);
  }
  speakers_.erase(found);
}

void presence_table::expire(std::int64_t now_ms) {
  for (auto one = entries_.begin(); one != entries_.end();) {
    auto overdue = now_ms - one->second.renewed_ms > limits_.expiry_ms;
    if (overdue && !one->second.json.empty()) {
      remove(one->first, one->second, now_ms);
      ++one;
    } else if (overdue && !one->second.changed) {
      // Long gone. Its clock was kept so that a late message could not bring it back.
      if (auto mine = speakers_.find(one->second.owner); mine != speakers_.end())
        std::erase(mine->second.clients, one->first);
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

const payload& presence_table::all() const {
  if (!all_.empty()) return all_;
  auto states = std::vector<crdt::awareness_entry>{};
  states.reserve(present_);
  for (const auto& [client, one] : entries_)
    if (!one.json.empty()) states.push_back({client, one.clock, one.json});
  all_ = payload{crdt::encode_awareness(states)};
  return all_;
}

payload presence_table::all_and_gone() const {
  auto states = std::vector<crdt::awareness_entry>{};
  states.reserve(entries_.size());
  for (const auto& [client, one] : entries_)
    states.push_back({client, one.clock, one.json.empty() ? std::string_view{"null"} : std::string_view{one.json}});
  return payload{crdt::encode_awareness(states)};
}

void presence_table::mark_changed(std::uint64_t client, entry& one) {
  all_ = {};
  if (one.changed) return;
  one.changed = true;
  changed_.push_back(client);
}

void presence_table::remove(std::uint64_t client, entry& one, std::int64_t now_ms) {
  one.json.clear();
  one.json.shrink_to_fit();
  one.renewed_ms = now_ms;
  one.gone_at = ++events_;
  --present_;
  mark_changed(client, one);
}

}  // namespace octavo::actors
