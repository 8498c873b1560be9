#include "crdt/internal/pending.hpp"

#include <algorithm>
#include <cstring>

namespace octavo::crdt::internal {

namespace {

// What a node of std::map costs beside its value: links, colour, and the allocator's header.
constexpr std::size_t node_bytes = 48;
// A client's share of the queues and of the lists of waiters.
constexpr std::size_t struct_overhead = 4 * node_bytes;

}  // namespace

std::size_t pending_set::size_of(const pending_struct& each) {
  return struct_overhead + sizeof(pending_struct) + each.root_bytes + each.key_bytes + each.content_bytes;
}

std::size_t pending_set::cost(const decoded_update& update, const decoded_struct& each) {
  std::size_t bytes = struct_overhead + sizeof(pending_struct) + each.content.size();
  if (each.parent != none)
    bytes += update.parents()[each.parent].root.size() + update.parents()[each.parent].key.size();
  return bytes;
}

std::size_t pending_set::delete_cost() {
  return 2 * node_bytes + sizeof(ranges::value_type);
}

bool pending_set::covers(std::uint64_t client, std::uint32_t clock, std::uint32_t end) const {
  const auto found = queues_.find(client);
  if (found == queues_.end()) return false;
  auto at = found->second.upper_bound(clock);
  if (at == found->second.begin()) return false;
  --at;
  for (std::uint32_t reach = clock; at != found->second.end() && at->first <= reach; ++at) {
    reach = std::max(reach, at->first + at->second.length);
    if (reach >= end) return true;
  }
  return false;
}

const pending_struct* pending_set::at(std::uint64_t client, std::uint32_t clock) const {
  const auto found = queues_.find(client);
  if (found == queues_.end()) return nullptr;
  const auto after = found->second.upper_bound(clock);
  if (after == found->second.begin()) return nullptr;
  const auto& [first, each] = *std::prev(after);
  return clock - first < each.length ? &each : nullptr;
}

bool pending_set::add(const decoded_update& update, const decoded_struct& each, std::uint32_t depth) {
  const std::uint64_t client = update.client_id(each.client);
  if (covers(client, each.clock, each.end())) return false;
  pending_struct next;
  next.kind = each.kind;
  next.length = each.length;
  next.depth = depth;
  if (each.kind == content_kind::type) deepest_type_ = std::max(deepest_type_, depth + 1);
  next.has_parent_sub = each.has_parent_sub;
  next.has_origin = each.has_origin();
  next.has_right = each.has_right();
  if (next.has_origin) next.origin_client = update.client_id(each.origin_client);
  if (next.has_right) next.right_client = update.client_id(each.right_client);
  next.origin_clock = each.origin_clock;
  next.right_clock = each.right_clock;
  std::string_view root;
  std::string_view key;
  if (each.parent != none) {
    const auto& parent = update.parents()[each.parent];
    next.has_parent = true;
    next.parent_is_root = parent.client == none;
    next.has_key = parent.has_key;
    if (!next.parent_is_root) next.parent_client = update.client_id(parent.client);
    next.parent_clock = parent.clock;
    root = parent.root;
    key = parent.key;
  }
  next.root_bytes = static_cast<std::uint32_t>(root.size());
  next.key_bytes = static_cast<std::uint32_t>(key.size());
  next.content_bytes = static_cast<std::uint32_t>(each.content.size());
  next.texts = std::make_unique_for_overwrite<char[]>(root.size() + key.size() + each.content.size());
  char* to = next.texts.get();
  for (const auto text : {root, key, each.content}) {
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    to += text.size();
  }
  auto& queue = queues_[client];
  // No waiting struct lies within another: then of all that begin before a unit the last one reaches furthest, and
  // covers() needs no other.
  for (auto at = queue.lower_bound(each.clock); at != queue.end() && at->first < each.end();) {
    if (at->first + at->second.length > each.end()) break;
    bytes_ -= size_of(at->second);
    --struct_count_;
    at = queue.erase(at);
  }
  bytes_ += size_of(next);
  ++struct_count_;
  queue.emplace(each.clock, std::move(next));
  return true;
}

pending_set::queue* pending_set::find(std::uint64_t client) {
  const auto found = queues_.find(client);
  return found == queues_.end() ? nullptr : &found->second;
}

void pending_set::pop(std::uint64_t client) {
  const auto found = queues_.find(client);
  auto& queue = found->second;
  bytes_ -= size_of(queue.begin()->second);
  --struct_count_;
  queue.erase(queue.begin());
  if (!queue.empty()) return;
  queues_.erase(found);
  const auto filed = waits_for_.find(client);
  if (filed == waits_for_.end()) return;
  waiting_.erase({filed->second, client});
  waits_for_.erase(filed);
}

void pending_set::wait(std::uint64_t client, wire_id missing) {
  const auto [filed, fresh] = waits_for_.try_emplace(client, missing);
  if (!fresh) {
    if (filed->second == missing) return;
    waiting_.erase({filed->second, client});
    filed->second = missing;
  }
  waiting_.emplace(missing, client);
}

std::size_t pending_set::advanced(std::uint64_t client, std::uint32_t clock) {
  std::size_t count = 0;
  if (queues_.contains(client) || deletes_.contains(client)) {
    set_ready(client);
    ++count;
  }
  auto each = waiting_.lower_bound({{client, 0}, 0});
  for (; each != waiting_.end() && each->first.first == client && each->first.second < clock; ++count) {
    set_ready(each->second);
    waits_for_.erase(each->second);
    each = waiting_.erase(each);
  }
  return count;
}

std::optional<std::uint64_t> pending_set::take_ready() {
  if (ready_.empty()) return std::nullopt;
  const std::uint64_t client = *ready_.begin();
  ready_.erase(ready_.begin());
  return client;
}

bool pending_set::add_delete(std::uint64_t client, std::uint32_t clock, std::uint32_t end) {
  auto& known = deletes_[client];
  auto at = known.upper_bound(clock);
  if (at != known.begin() && std::prev(at)->second >= clock) {
    --at;
    if (at->second >= end) return false;
    clock = at->first;
  }
  while (at != known.end() && at->first <= end) {
    end = std::max(end, at->second);
    at = known.erase(at);
    --delete_count_;
    bytes_ -= delete_cost();
  }
  known.emplace(clock, end);
  ++delete_count_;
  bytes_ += delete_cost();
  return true;
}

std::optional<std::pair<std::uint32_t, std::uint32_t>> pending_set::first_delete(std::uint64_t client,
                                                                                 std::uint32_t below) const {
  const auto found = deletes_.find(client);
  if (found == deletes_.end()) return std::nullopt;
  const auto [clock, end] = *found->second.begin();
  if (clock >= below) return std::nullopt;
  return std::pair{clock, std::min(end, below)};
}

void pending_set::pop_delete(std::uint64_t client, std::uint32_t below) {
  const auto found = deletes_.find(client);
  const auto first = found->second.begin();
  const std::uint32_t end = first->second;
  found->second.erase(first);
  --delete_count_;
  bytes_ -= delete_cost();
  if (end > below) {
    found->second.emplace(below, end);
    ++delete_count_;
    bytes_ += delete_cost();
  }
  if (found->second.empty()) deletes_.erase(found);
}

const pending_set::ranges* pending_set::deletes_of(std::uint64_t client) const {
  const auto found = deletes_.find(client);
  return found == deletes_.end() ? nullptr : &found->second;
}

void pending_set::append_to(decoded_update& out) const {
  for (const auto& [client, queue] : queues_) {
    for (const auto& [clock, each] : queue) {
      decoded_struct next;
      next.client = out.intern(client);
      next.clock = clock;
      next.length = each.length;
      next.kind = each.kind;
      next.has_parent_sub = each.has_parent_sub;
      next.content = each.content();
      if (each.has_origin) next.origin_client = out.intern(each.origin_client);
      if (each.has_right) next.right_client = out.intern(each.right_client);
      next.origin_clock = each.origin_clock;
      next.right_clock = each.right_clock;
      if (!each.has_parent) {
        out.add_struct(next);
        continue;
      }
      decoded_parent parent;
      if (!each.parent_is_root) parent.client = out.intern(each.parent_client);
      parent.clock = each.parent_clock;
      parent.root = each.root();
      parent.has_key = each.has_key;
      parent.key = each.key();
      out.add_struct(next, &parent);
    }
  }
  for (const auto& [client, ranges] : deletes_) {
    for (const auto& [clock, end] : ranges) out.add_delete({out.intern(client), clock, end - clock});
  }
}

}  // namespace octavo::crdt::internal
