#include "crdt/internal/store.hpp"

#include <algorithm>

#include "crdt/internal/wire.hpp"
#include "crdt/utf8.hpp"

namespace octavo::crdt::internal {

namespace {

// Scanning this many bytes of content counts as one step.
constexpr std::size_t bytes_per_step = 64;

// Reading this many values does: they may be as short as a byte, and each is looked at.
constexpr std::size_t values_per_step = 4;

// Below this much waste the arena is left alone.
constexpr std::size_t smallest_waste = 4096;

// So many items that are free, or for which there is room, are left alone.
constexpr std::size_t smallest_room = 64;

std::uint64_t entry_id(std::uint32_t branch, std::uint32_t key) {
  return (std::uint64_t{branch} << 32) | key;
}

}  // namespace

std::uint32_t store::intern_client(std::uint64_t id) {
  const auto known = client_index_.find(id);
  if (known != flat_map::missing) return known;
  const auto added = static_cast<std::uint32_t>(logs_.size());
  logs_.emplace_back(id);
  client_index_.set(id, added);
  return added;
}

const std::vector<std::uint32_t>& store::clients_descending() const {
  if (descending_.size() != logs_.size()) {
    const auto above = [&](std::uint32_t a, std::uint32_t b) { return logs_[a].id() > logs_[b].id(); };
    // Those that are new since the last time are few: sorting all of them again would cost as much as all are.
    const auto known = static_cast<std::ptrdiff_t>(descending_.size());
    for (auto next = static_cast<std::uint32_t>(descending_.size()); next < logs_.size(); ++next)
      descending_.push_back(next);
    std::sort(descending_.begin() + known, descending_.end(), above);
    std::inplace_merge(descending_.begin(), descending_.begin() + known, descending_.end(), above);
  }
  return descending_;
}

void store::pack(unit_id id, std::uint16_t& client, std::uint32_t& clock) {
  if (!id.valid()) {
    client = client_absent;
    clock = 0;
  } else if (id.client < client_wide) {
    client = static_cast<std::uint16_t>(id.client);
    clock = id.clock;
  } else {
    client = client_wide;
    clock = static_cast<std::uint32_t>(wide_ids_.size());
    wide_ids_.push_back(id);
  }
}

std::uint32_t store::clean_start(unit_id id) {
  const auto& log = logs_[id.client];
  const auto place = log.find(id.clock);
  const auto entry = log.at(place);
  if (entry.item == collected || entry.clock == id.clock) return entry.item;
  return split(place, entry.item, id.clock - entry.clock);
}

std::uint32_t store::clean_end(unit_id id) {
  const auto& log = logs_[id.client];
  const auto place = log.find(id.clock);
  const auto entry = log.at(place);
  if (entry.item == collected) return collected;
  if (items[entry.item].end() != id.clock + 1) split(place, entry.item, id.clock + 1 - entry.clock);
  return entry.item;
}

std::uint32_t store::split(log_position place, std::uint32_t index, std::uint32_t units) {
  if (items.full()) full = true;
  const std::uint32_t added = items.allocate();
  item& left = items[index];
  item& right = items[added];
  right = left;
  right.clock += units;
  right.length -= units;
  set_origin(right, {left.client, right.clock - 1});
  right.left = index;
  left.length = units;
  left.right = added;
  if (right.right != nil) {
    items[right.right].left = added;
  } else if (!right.listed()) {
    set_key_item(right.parent, right.key, added);
  }
  if (right.deleted) ++deleted_items;
  if (left.roomy) {
    // The room behind the content belongs to neither part.
    contents.free(roomy_capacity(left.content_bytes) - left.content_bytes);
    left.roomy = 0;
    right.roomy = 0;
  }
  switch (left.kind()) {
    case content_kind::string:
      split_string(left, right, units);
      break;
    case content_kind::any:
    case content_kind::json: {
      std::size_t values = 0;
      const auto size = static_cast<std::uint32_t>(values_size(left.kind(), content_of(left), units, values));
      steps += size / bytes_per_step + values / values_per_step;
      right.content += size;
      right.content_bytes -= size;
      left.content_bytes = size;
      break;
    }
    default:
      break;
  }
  if (has_place(left)) {
    positions.resized(*this, index);
    positions.linked(*this, added);
  }
  logs_[left.client].insert_after(place, {right.clock, added});
  splits.push_back({left.client, right.clock});
  ++steps;
  return added;
}

void store::split_string(item& left, item& right, std::uint32_t units) {
  if (left.content_bytes == left.length + right.length) {
    right.content += units;
    right.content_bytes -= units;
    left.content_bytes = units;
    return;
  }
  const auto cut = find_utf16(content_of(left), units);
  steps += cut.byte / bytes_per_step;
  const auto at = static_cast<std::uint32_t>(cut.byte);
  if (!cut.splits_pair) {
    right.content += at;
    right.content_bytes -= at;
    left.content_bytes = at;
    return;
  }
  // As in yjs both halves of the pair become U+FFFD, three bytes each in the place of four: the left one fits where the
  // pair was, the right part moves to the end of the arena.
  constexpr auto wide = static_cast<std::uint32_t>(replacement_character.size());
  const std::uint32_t rest = left.content_bytes - at - 4;
  if (!contents.fits(rest + wide)) {
    full = true;
    right.content_bytes = 0;
    return;
  }
  const std::uint32_t moved = contents.extend(rest + wide);
  std::memcpy(contents.at(moved), replacement_character.data(), wide);
  std::memcpy(contents.at(moved + wide), contents.at(left.content + at + 4), rest);
  std::memcpy(contents.at(left.content + at), replacement_character.data(), wide);
  contents.free(rest + 1);
  right.content = moved;
  right.content_bytes = rest + wide;
  left.content_bytes = at + wide;
  steps += rest / bytes_per_step;
}

void store::append_content(item& to, std::string_view more) {
  const auto size = static_cast<std::uint32_t>(more.size());
  if (size == 0) return;
  const std::uint32_t end = to.content + to.content_bytes;
  if (!to.roomy && end < contents.size() && more.data() == contents.at(end)) {
    // Two parts of what was one content before a split.
    to.content_bytes += size;
    return;
  }
  if (to.roomy && to.content_bytes + size <= roomy_capacity(to.content_bytes)) {
    std::memmove(contents.at(end), more.data(), size);
    to.content_bytes += size;
    return;
  }
  // `more` may lie in the arena itself, which moves when it grows.
  const bool inside = more.data() >= contents.at(0) && more.data() < contents.at(0) + contents.size();
  const std::size_t inside_at = inside ? static_cast<std::size_t>(more.data() - contents.at(0)) : 0;
  const std::uint32_t wanted = to.content_bytes + size;
  if (!contents.fits(std::size_t{roomy_capacity(wanted)} + size)) {
    full = true;
    return;
  }
  if (!to.roomy && end == contents.size()) {
    contents.extend(size);
    std::memmove(contents.at(end), inside ? contents.at(static_cast<std::uint32_t>(inside_at)) : more.data(), size);
    to.content_bytes = wanted;
    return;
  }
  const std::uint32_t old_room = to.roomy ? roomy_capacity(to.content_bytes) : to.content_bytes;
  const std::uint32_t moved = contents.extend(roomy_capacity(wanted));
  std::memcpy(contents.at(moved), contents.at(to.content), to.content_bytes);
  std::memcpy(contents.at(moved) + to.content_bytes,
              inside ? contents.at(static_cast<std::uint32_t>(inside_at)) : more.data(), size);
  contents.free(old_room);
  steps += wanted / bytes_per_step;
  to.content = moved;
  to.content_bytes = wanted;
  to.roomy = 1;
}

std::size_t store::room_to_cut(unit_id id) const {
  const auto index = item_at(id);
  if (index == collected || items[index].kind() != content_kind::string) return 0;
  return items[index].content_bytes + replacement_character.size();
}

std::size_t store::room_to_append(unit_id id, std::size_t size) const {
  const auto index = item_at(id);
  if (index == collected || !in_arena(items[index].kind())) return 0;
  return std::size_t{roomy_capacity(items[index].content_bytes + static_cast<std::uint32_t>(size))} + size;
}

void store::free_content(item& of) {
  contents.free(of.roomy ? roomy_capacity(of.content_bytes) : of.content_bytes);
  of.content = 0;
  of.content_bytes = 0;
  of.roomy = 0;
}

bool store::try_join(std::uint32_t left_index, std::uint32_t right_index) {
  item& left = items[left_index];
  item& right = items[right_index];
  if (left.kind_bits != right.kind_bits || left.deleted != right.deleted || left.right != right_index) return false;
  if (!joinable(left.kind()) || right_of(left) != right_of(right)) return false;
  if (origin_of(right) != unit_id{left.client, right.clock - 1}) return false;
  if (left.kind() != content_kind::deleted) {
    const auto size = right.content_bytes;
    const bool adjacent = left.content + left.content_bytes == right.content && !left.roomy;
    // Two items do as well as one, where there is no room to join them.
    if (!adjacent && !contents.fits(room_to_append({left.client, left.clock}, size))) return false;
    append_content(left, content_of(right));
    if (!adjacent) {
      contents.free(right.roomy ? roomy_capacity(size) : size);
    } else if (right.roomy) {
      contents.free(roomy_capacity(size) - size);
    }
  }
  const bool has_tree = has_place(left);
  if (has_tree) positions.unlinked(*this, right_index);
  left.length += right.length;
  left.keep |= right.keep;
  left.right = right.right;
  if (right.right != nil) {
    items[right.right].left = left_index;
  } else if (!right.listed()) {
    set_key_item(left.parent, left.key, left_index);
  }
  if (right.deleted) --deleted_items;
  items.release(right_index);
  if (has_tree) positions.resized(*this, left_index);
  ++steps;
  return true;
}

std::uint32_t store::new_branch() {
  if (!free_branches_.empty()) {
    const auto index = free_branches_.back();
    free_branches_.pop_back();
    branches[index] = branch{};
    return index;
  }
  branches.emplace_back();
  return static_cast<std::uint32_t>(branches.size() - 1);
}

void store::free_branch(std::uint32_t index) {
  branch& gone = branches[index];
  for (std::uint32_t at = gone.keys; at != nil;) {
    entry_index_.erase(entry_id(index, entries[at].key));
    const auto next = entries[at].next;
    entries[at] = map_entry{};
    entries[at].next = free_entry_;
    free_entry_ = at;
    at = next;
  }
  contents.free(gone.name_bytes);
  positions.drop(gone);
  gone = branch{};
  gone.used = false;
  free_branches_.push_back(index);
}

std::uint32_t store::find_root(std::string_view name) const {
  const auto id = names.find(name);
  return id == name_pool::missing ? nil : root_index_.find(id);
}

std::uint32_t store::root(std::string_view name) {
  const auto id = names.intern(name);
  const auto known = root_index_.find(id);
  if (known != flat_map::missing) return known;
  const auto added = new_branch();
  branches[added].name = id;
  root_index_.set(id, added);
  roots_.push_back(added);
  return added;
}

std::uint32_t store::key_item(std::uint32_t branch, std::uint32_t key) const {
  const auto entry = entry_index_.find(entry_id(branch, key));
  return entry == flat_map::missing ? nil : entries[entry].item;
}

void store::set_key_item(std::uint32_t branch, std::uint32_t key, std::uint32_t item) {
  const auto known = entry_index_.find(entry_id(branch, key));
  if (known != flat_map::missing) {
    entries[known].item = item;
    return;
  }
  std::uint32_t added = free_entry_;
  if (added != nil) {
    free_entry_ = entries[added].next;
  } else {
    added = static_cast<std::uint32_t>(entries.size());
    entries.emplace_back();
  }
  entries[added] = {branch, key, item, nil};
  entry_index_.set(entry_id(branch, key), added);
  auto& owner = branches[branch];
  if (owner.keys == nil) {
    owner.keys = added;
  } else {
    entries[owner.last_key].next = added;
  }
  owner.last_key = added;
}

void store::forget_key(std::uint32_t index, std::uint32_t key) {
  const auto gone = entry_index_.find(entry_id(index, key));
  if (gone == flat_map::missing) return;
  entry_index_.erase(entry_id(index, key));
  auto& owner = branches[index];
  std::uint32_t before = nil;
  for (auto at = owner.keys; at != gone; at = entries[at].next) before = at;
  (before == nil ? owner.keys : entries[before].next) = entries[gone].next;
  if (owner.last_key == gone) owner.last_key = before;
  entries[gone] = map_entry{};
  entries[gone].next = free_entry_;
  free_entry_ = gone;
}

void store::forget_roots(std::size_t left) {
  while (roots_.size() > left) {
    root_index_.erase(branches[roots_.back()].name);
    free_branch(roots_.back());
    roots_.pop_back();
  }
}

std::uint32_t store::first_of(std::uint32_t branch, std::uint32_t key, std::uint64_t& counted) const {
  if (key == no_key) return branches[branch].start;
  auto first = key_item(branch, key);
  while (first != nil && items[first].left != nil) {
    first = items[first].left;
    ++counted;
  }
  return first;
}

void store::compact_contents() {
  if (contents.waste() < smallest_waste || contents.waste() * 4 < contents.size()) return;
  arena fresh(contents.max_bytes());
  fresh.reserve(contents.size() - contents.waste());
  for (std::uint32_t index = 0; index < items.size(); ++index) {
    item& each = items[index];
    if (each.client == nil || !in_arena(each.kind())) continue;
    each.content = fresh.append(content_of(each));
    each.roomy = 0;
  }
  for (auto& each : branches) {
    if (!each.used || each.kind == type_kind::root) continue;
    each.name = fresh.append(contents.view(each.name, each.name_bytes));
  }
  contents.swap(fresh);
}

void store::move_item(std::uint32_t from, std::uint32_t to) {
  item& moved = items[to];
  moved = items[from];
  if (moved.left != nil) {
    items[moved.left].right = to;
  } else if (moved.listed()) {
    branches[moved.parent].start = to;
  }
  if (moved.right != nil) {
    items[moved.right].left = to;
  } else if (!moved.listed()) {
    set_key_item(moved.parent, moved.key, to);
  }
  if (moved.kind() == content_kind::type) branches[moved.content].item = to;
  if (has_place(moved)) positions.moved(from, to);
  auto& log = logs_[moved.client];
  log.at(log.find(moved.clock)).item = to;
}

void store::release_room(bool after_big) {
  if (items.size() - items.used() > items.used() + smallest_room) {
    // Places fill from below, with what comes last: as many moves as there are items beyond the new end.
    const auto kept = static_cast<std::uint32_t>(items.used());
    std::uint32_t to = 0;
    for (auto from = static_cast<std::uint32_t>(items.size()); from-- > kept;) {
      if (items.is_free(from)) continue;
      while (!items.is_free(to)) ++to;
      move_item(from, to);
    }
    items.truncate(kept);
    items.trim();
  }
  // Only what a big update has taken: the room of ordinary growth would have to be taken again by the next edit.
  if (!after_big) return;
  if (items.room() > items.size() / 8 + smallest_room) items.trim();
  for (auto& each : logs_) each.trim();
  if (contents.capacity() - contents.size() > contents.size() / 8 + smallest_room * sizeof(item)) contents.trim();
}

std::size_t store::memory() const {
  std::size_t bytes = items.memory() + contents.capacity() + names.memory();
  bytes += branches.capacity() * sizeof(branch) + entries.capacity() * sizeof(map_entry);
  bytes += client_index_.memory() + root_index_.memory() + entry_index_.memory();
  bytes += logs_.capacity() * sizeof(struct_log) + wide_ids_.capacity() * sizeof(unit_id);
  bytes += (descending_.capacity() + roots_.capacity() + free_branches_.capacity()) * sizeof(std::uint32_t);
  bytes += splits.capacity() * sizeof(unit_id) + positions.memory();
  for (const auto& each : logs_) bytes += each.memory();
  return bytes;
}

}  // namespace octavo::crdt::internal
