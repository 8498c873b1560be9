#include "actors/presence.hpp"

#include <algorithm>

#include "crdt/awareness.hpp"
#include "crdt/lib0.hpp"

namespace octavo::actors {

namespace {
/// How many entries, the gone ones counted, there may be for each that may be present.
constexpr auto remembered_factor = std::size_t{4};
/// What a relay tells the next owner of one session is cut into announcements of about this size.
constexpr auto announcement_bytes = std::size_t{256} << 10;
/// Twice, so that what is new at the first call is remembered for a whole interval.
constexpr auto ages_remembered = 2;

crdt::awareness_limits limits_of(const presence_limits& limits) {
  auto result = crdt::awareness_limits{};
  result.max_state_bytes = limits.state_bytes_max;
  result.max_entries = limits.states_max;
  return result;
}
}  // namespace

presence_table::verdict presence_table::announce(session_key from, bytes_view awareness, std::int64_t now_ms) {
  auto received = std::vector<crdt::awareness_entry>{};
  if (auto decoded = crdt::decode_awareness(awareness, received, limits_of(limits_)); !decoded) {
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

bool relayed_presence::say(session_id from, bytes_view awareness) {
  auto received = std::vector<crdt::awareness_entry>{};
  if (!crdt::decode_awareness(awareness, received, limits_of(limits_))) return true;
  auto& speaks = speaker_of(from);
  auto all_own = true;
  for (const auto& next : received) {
    auto found = entries_.find(next.client);
    const auto is_own = found != entries_.end() && found->second.owner == from;
    if (next.is_null()) {
      if (!is_own || next.clock < found->second.clock) continue;
      found->second.clock = next.clock;
      let_go(next.client, found->second);
      continue;
    }
    // A client may come again without a newer clock, by a new connection: here, from a node that is gone, or from one
    // whose news have not come yet. From a session that was here before it is an echo.
    const auto returns = found != entries_.end() && found->second.owner == 0 && found->second.parted_at != 0 &&
                         next.clock == found->second.clock && speaks.since > found->second.parted_at;
    if (returns || next.clock > (found == entries_.end() ? 0 : found->second.clock))
      take(from, speaks, next.client, next.clock, next.json);
    else
      all_own = all_own && is_own;
  }
  return all_own;
}

void relayed_presence::take(session_id from, speaker& speaks, std::uint64_t client, std::uint64_t clock,
                            std::string_view json) {
  // What is over a limit is left to the document; it is not known here, and so not told to the next one.
  auto found = entries_.find(client);
  const auto is_own = found != entries_.end() && found->second.owner == from;
  if (!is_own && (speaks.clients.size() >= limits_.states_per_session_max || owned_ >= limits_.states_max)) return;
  auto* one = find_or_add(client);
  if (one == nullptr) return;
  if (!is_own) {
    disown(client, *one);
    one->owner = from;
    speaks.clients.push_back(client);
    ++owned_;
  }
  one->clock = clock;
  one->json = json;
  one->parted_at = 0;
  one->is_here = true;
  one->in_doubt = false;
}

payload relayed_presence::own_part(session_id from, const payload& awareness) const {
  auto states = std::vector<crdt::awareness_entry>{};
  if (!crdt::decode_awareness(awareness.view(), states, limits_of(limits_))) return awareness;
  const auto removed = std::erase_if(states, [&](const crdt::awareness_entry& one) {
    auto found = entries_.find(one.client);
    return !one.is_null() && found != entries_.end() && found->second.owner != from;
  });
  return removed == 0 ? awareness : payload{crdt::encode_awareness(states)};
}

void relayed_presence::leave(session_id session) {
  auto found = speakers_.find(session);
  if (found == speakers_.end()) return;
  for (auto client : std::vector<std::uint64_t>{found->second.clients}) let_go(client, entries_.at(client));
  speakers_.erase(session);
}

void relayed_presence::hear(bytes_view awareness, bool late) {
  auto reader = crdt::lib0_reader{awareness};
  auto count = std::uint64_t{0};
  if (!reader.var_uint(count)) return;
  for (; count > 0; --count) {
    auto client = std::uint64_t{0};
    auto clock = std::uint64_t{0};
    auto json = bytes_view{};
    if (!reader.var_uint(client) || !reader.var_uint(clock) || !reader.var_bytes(json)) return;
    if (as_text(json) == "null")
      hear_gone(client, clock);
    else
      hear_present(client, clock, late);
  }
}

void relayed_presence::hear_present(std::uint64_t client, std::uint64_t clock, bool late) {
  auto* one = find_or_add(client);
  if (one == nullptr) return;
  if (clock > one->clock) {
    disown(client, *one);
    one->clock = clock;
  } else if (one->owner != 0) {
    return;
  } else if (!one->in_doubt && (late || one->is_here || clock < one->clock)) {
    // It may have come again, elsewhere, or else this was on its way when it left. Who is here now may repeat it.
    if (clock == one->clock && one->parted_at != 0) {
      one->is_here = true;
      part(*one);
    }
    return;
  }
  one->is_here = true;
  one->in_doubt = false;
  one->parted_at = 0;
}

void relayed_presence::hear_gone(std::uint64_t client, std::uint64_t clock) {
  auto found = entries_.find(client);
  if (found == entries_.end() || clock < found->second.clock) return;
  auto& one = found->second;
  one.clock = clock;
  one.is_here = false;
  one.in_doubt = false;
  disown(client, one);
  // A session that came after the owner's end may have come before the document told of it.
  if (one.parted_at == 0) part(one);
}

void relayed_presence::document_lost() {
  lost_ages_ = ages_remembered;
  is_settling_ = true;
  const auto lost_at = ++events_;
  for (auto& [client, one] : entries_) {
    if (one.owner != 0 || !one.is_here) continue;
    one.in_doubt = true;
    one.parted_at = lost_at;
    one.is_old = false;
  }
}

std::vector<std::pair<session_id, payload>> relayed_presence::own() const {
  auto result = std::vector<std::pair<session_id, payload>>{};
  auto states = std::vector<crdt::awareness_entry>{};
  for (const auto& [session, speaks] : speakers_) {
    auto bytes = std::size_t{0};
    for (auto client : speaks.clients) {
      const auto& one = entries_.at(client);
      states.push_back({client, one.clock, one.json});
      bytes += one.json.size();
      if (bytes < announcement_bytes && client != speaks.clients.back()) continue;
      result.emplace_back(session, payload{crdt::encode_awareness(states)});
      states.clear();
      bytes = 0;
    }
  }
  return result;
}

payload relayed_presence::take_missing() {
  is_settling_ = false;
  auto missing = std::vector<crdt::awareness_entry>{};
  for (auto& [client, one] : entries_) {
    if (!one.in_doubt) continue;
    one.is_here = false;
    one.in_doubt = false;
    part(one);
    // Yjs clients take it at the clock that they have.
    missing.push_back({client, one.clock, "null"});
  }
  return missing.empty() ? payload{} : payload{crdt::encode_awareness(missing)};
}

void relayed_presence::age() {
  if (lost_ages_ > 0) --lost_ages_;
  someone_parted_ = false;
  for (auto each = entries_.begin(); each != entries_.end();) {
    auto& one = each->second;
    const auto is_over = one.parted_at != 0 && !one.in_doubt;
    if (is_over && std::exchange(one.is_old, true)) {
      each = entries_.erase(each);
      continue;
    }
    someone_parted_ = someone_parted_ || is_over;
    ++each;
  }
}

relayed_presence::speaker& relayed_presence::speaker_of(session_id session) {
  auto& result = speakers_[session];
  if (result.since == 0) result.since = ++events_;
  return result;
}

/// Null: there are as many as there may be.
relayed_presence::entry* relayed_presence::find_or_add(std::uint64_t client) {
  if (auto found = entries_.find(client); found != entries_.end()) return &found->second;
  if (entries_.size() >= remembered_factor * limits_.states_max) return nullptr;
  return &entries_[client];
}

void relayed_presence::disown(std::uint64_t client, entry& one) {
  if (one.owner == 0) return;
  std::erase(speakers_.at(one.owner).clients, client);
  one.owner = 0;
  one.json = {};
  --owned_;
}

void relayed_presence::let_go(std::uint64_t client, entry& one) {
  disown(client, one);
  part(one);
  // The new owner may have heard of it from another node already, and have told of its end before we came.
  one.in_doubt = is_settling_;
}

void relayed_presence::part(entry& one) {
  one.parted_at = ++events_;
  one.is_old = false;
  someone_parted_ = true;
}

}  // namespace octavo::actors
