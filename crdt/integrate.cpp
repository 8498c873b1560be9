// Integration: the YATA algorithm with two origins, as yjs runs it. An item goes between its origins; where others were
// inserted at the same place concurrently, their origins and client ids decide the order, the same on every replica.
// Source: Nicolaescu et al., "Near Real-Time Peer-to-Peer Shared Editing on Extensible Data Types" (2016), with the
// right origin that yjs added.
#include <algorithm>

#include "crdt/internal/transaction.hpp"
#include "crdt/lib0.hpp"

namespace octavo::crdt::internal {

void transaction::begin(std::uint64_t step_budget) {
  ++epoch_;
  step_budget_ = step_budget;
  failure_.reset();
  integrated_ = 0;
  units_deleted_ = 0;
  deleted_.clear();
  advances_.clear();
  advanced_clients_.clear();
  deletes_.clear();
  collected_.clear();
  store_.splits.clear();
  store_.steps = 0;
}

void transaction::note_advance(std::uint32_t client) {
  auto& log = store_.log(client);
  if (log.touched == epoch_) return;
  log.touched = epoch_;
  log.end_before = log.end();
  advances_.push_back({log.id(), log.end()});
  advanced_clients_.push_back(client);
}

bool transaction::has_room_for(const incoming& next) const {
  std::size_t bytes = next.content.size();
  if (next.origin.valid()) bytes += store_.room_to_cut(next.origin);
  if (next.right.valid()) bytes += store_.room_to_cut(next.right);
  if (next.origin.client == next.id.client)
    bytes = std::max(bytes, store_.room_to_append(next.origin, next.content.size()));
  return !store_.items.full() && store_.contents.fits(bytes);
}

bool transaction::has_room_to_erase(std::uint32_t client, std::uint32_t clock, std::uint32_t end) const {
  const std::size_t bytes = store_.room_to_cut({client, clock}) + store_.room_to_cut({client, end - 1});
  return !store_.items.full() && store_.contents.fits(bytes);
}

void transaction::integrate(const incoming& next) {
  ++store_.steps;
  ++integrated_;
  note_advance(next.id.client);
  if (next.kind == content_kind::gc) {
    append_collected(next);
    return;
  }
  if (append_to_last(next)) return;

  std::uint32_t left = nil;
  std::uint32_t right = nil;
  bool dead = false;
  if (next.origin.valid()) {
    left = store_.clean_end(next.origin);
    dead |= left == collected;
  }
  if (next.right.valid()) {
    // Mostly nothing is in between, and then nothing need be searched.
    const auto beside = left != nil && left != collected ? store_.at(left).right : nil;
    const bool starts_there = beside != nil && next.right == unit_id{store_.at(beside).client, store_.at(beside).clock};
    right = starts_there ? beside : store_.clean_start(next.right);
    dead |= right == collected;
  }
  std::uint32_t key = no_key;
  const std::uint32_t parent = dead ? nil : find_parent(next, left, right, key);
  if (parent == nil) {
    append_collected(next);
    return;
  }
  if (store_.items.full() || !store_.contents.fits(next.content.size())) store_.full = true;
  if (store_.full) {
    fail(apply_errc::document_full);
    return;
  }
  left = find_left(next, parent, key, left, right);

  const std::uint32_t added = store_.items.allocate();
  item& fresh = store_.at(added);
  fresh = item{};
  fresh.client = next.id.client;
  fresh.clock = next.id.clock;
  fresh.length = next.length;
  fresh.left = left;
  fresh.parent = parent;
  fresh.key = key & no_key;
  fresh.set_kind(next.kind == content_kind::type && nests_too_deep(parent) ? content_kind::deleted : next.kind);
  store_.set_origin(fresh, next.origin);
  store_.set_right(fresh, next.right);
  link(added);
  store_.log(next.id.client).append(next.length, added);
  set_content(added, next.content);

  const branch& owner = store_.type(parent);
  const item& linked = store_.at(added);
  if (store_.has_place(linked)) store_.positions.linked(store_, added);
  if ((owner.item != nil && store_.at(owner.item).deleted) || (!linked.listed() && linked.right != nil)) {
    delete_item(added);
  }
}

// Most edits of most documents: one client types on. The unit continues the client's last item, nothing is in between,
// and the two would be joined at the end of the transaction anyway.
bool transaction::append_to_last(const incoming& next) {
  if (next.kind != content_kind::string || next.origin.client != next.id.client ||
      next.origin.clock + 1 != next.id.clock)
    return false;
  auto& log = store_.log(next.id.client);
  const auto last = log.back().item;
  if (last == collected) return false;
  item& to = store_.at(last);
  if (to.deleted || to.kind() != content_kind::string || store_.right_of(to) != next.right) return false;
  if (to.right == nil) {
    if (next.right.valid()) return false;
  } else {
    const item& right = store_.at(to.right);
    if (next.right != unit_id{right.client, right.clock}) return false;
  }
  branch& parent = store_.type(to.parent);
  if (parent.item != nil && store_.at(parent.item).deleted) return false;
  if (!to.listed()) return false;
  store_.append_content(to, next.content);
  if (store_.full) {
    fail(apply_errc::document_full);
    return true;
  }
  to.length += next.length;
  parent.length += next.length;
  log.grow_last(next.length);
  if (parent.tree != no_tree) store_.positions.resized(store_, last);
  return true;
}

void transaction::append_collected(const incoming& next) {
  auto& log = store_.log(next.id.client);
  deleted_.add({next.id.client, next.id.clock, next.id.clock + next.length});
  if (!log.empty() && log.back().item == collected) {
    log.grow_last(next.length);
  } else {
    log.append(next.length, collected);
  }
}

std::uint32_t transaction::find_parent(const incoming& next, std::uint32_t left, std::uint32_t right,
                                       std::uint32_t& key) {
  if (!next.has_parent) {
    const std::uint32_t neighbour = left != nil ? left : right;
    if (neighbour == nil) return nil;
    key = store_.at(neighbour).key;
    return store_.at(neighbour).parent;
  }
  std::uint32_t parent = nil;
  if (next.parent_is_root) {
    parent = store_.root(next.root);
  } else {
    const auto owner = store_.item_at(next.parent);
    // A parent that is no type any more, or never was one, cannot hold anything.
    if (owner == collected || store_.at(owner).kind() != content_kind::type) return nil;
    parent = store_.at(owner).content;
  }
  if (next.has_key) {
    key = store_.names.intern(next.key);
    if (key >= no_key) {
      fail(apply_errc::document_full);
      return nil;
    }
  }
  return parent;
}

// Returns the item after which the new one belongs, or nil for the head of the list.
std::uint32_t transaction::find_left(const incoming& next, std::uint32_t parent, std::uint32_t key, std::uint32_t left,
                                     std::uint32_t right) {
  const bool adjacent = left != nil ? store_.at(left).right == right : right != nil && store_.at(right).left == nil;
  if (adjacent) return left;
  auto other = left != nil ? store_.at(left).right : store_.first_of(parent, key, store_.steps);
  if (other == nil || other == right) return left;

  // yjs keeps two sets while it scans: all items seen, and those seen since the place last moved. Numbering the scanned
  // items gives both: seen means numbered in this scan, conflicting means numbered after the last move. They are
  // written down when the first of them is asked for: where all have the same origin nobody asks.
  seen_.begin();
  auto unmarked = other;
  std::uint32_t current = 0;
  std::uint32_t last_move = 0;
  while (other != nil && other != right) {
    ++current;
    const item& rival = store_.at(other);
    const unit_id origin = store_.origin_of(rival);
    if (origin == next.origin) {
      if (store_.log(rival.client).id() < store_.log(next.id.client).id()) {
        left = other;
        last_move = current;
      } else if (store_.right_of(rival) == next.right) {
        break;
      }
    } else if (origin.valid()) {
      for (; unmarked != rival.right; unmarked = store_.at(unmarked).right) seen_.add(unmarked);
      const auto holder = store_.item_at(origin);
      const std::uint32_t number = holder == collected ? 0 : seen_.find(holder);
      if (number == 0) break;
      if (number <= last_move) {
        left = other;
        last_move = current;
      }
    } else {
      break;
    }
    other = rival.right;
    ++store_.steps;
    if (over_budget()) {
      fail(apply_errc::step_budget_exceeded);
      break;
    }
  }
  return left;
}

void transaction::link(std::uint32_t index) {
  item& fresh = store_.at(index);
  branch& parent = store_.type(fresh.parent);
  if (fresh.left != nil) {
    item& left = store_.at(fresh.left);
    fresh.right = left.right;
    left.right = index;
  } else if (fresh.listed()) {
    fresh.right = parent.start;
    parent.start = index;
  } else {
    fresh.right = store_.first_of(fresh.parent, fresh.key, store_.steps);
  }
  if (fresh.listed() && countable(fresh.kind())) parent.length += fresh.length;
  if (fresh.right != nil) {
    store_.at(fresh.right).left = index;
  } else if (!fresh.listed()) {
    // The rightmost item of a key is its value; the one before it is overwritten.
    store_.set_key_item(fresh.parent, fresh.key, index);
    if (fresh.left != nil) delete_item(fresh.left);
  }
}

void transaction::set_content(std::uint32_t index, std::string_view content) {
  item& fresh = store_.at(index);
  switch (fresh.kind()) {
    case content_kind::deleted:
      fresh.deleted = 1;
      ++store_.deleted_items;
      deleted_.add({fresh.client, fresh.clock, fresh.end()});
      // Nothing is to be collected of it, and as it is new it is looked at anyway.
      if (deleted_to != nullptr) deletes_.push_back({fresh.client, fresh.clock, fresh.end()});
      break;
    case content_kind::type:
      attach_type(index, content);
      break;
    default:
      fresh.content = store_.contents.append(content);
      fresh.content_bytes = static_cast<std::uint32_t>(content.size());
  }
}

void transaction::attach_type(std::uint32_t index, std::string_view content) {
  const std::uint32_t added = store_.new_branch();
  item& owner = store_.at(index);
  owner.content = added;
  branch& type = store_.type(added);
  type.item = index;
  type.kind = static_cast<type_kind>(content[0]);
  type.depth = store_.type(owner.parent).depth + 1;
  store_.deepest_type = std::max(store_.deepest_type, type.depth);
  if (content.size() > 1) {
    lib0_reader reader(as_bytes(content.substr(1)));
    bytes_view name;
    reader.var_bytes(name);
    type.name = store_.contents.append(as_text(name));
    type.name_bytes = static_cast<std::uint32_t>(name.size());
  }
}

}  // namespace octavo::crdt::internal
