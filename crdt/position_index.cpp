#include "crdt/internal/position_index.hpp"

#include <algorithm>
#include <bit>

#include "crdt/internal/store.hpp"
#include "crdt/lib0.hpp"

namespace octavo::crdt::internal {

namespace {

std::uint32_t visible_units(const item& each) {
  return each.deleted || !countable(each.kind()) ? 0 : each.length;
}

constexpr std::uint32_t bit(std::size_t slot) {
  return std::uint32_t{1} << slot;
}

// The bits of the slots below one.
constexpr std::uint32_t below(std::size_t slot) {
  return bit(slot) - 1;
}

// Makes room in a mask for a slot.
constexpr std::uint32_t open_slot(std::uint32_t mask, std::size_t slot) {
  return (mask & below(slot)) | ((mask & ~below(slot)) << 1);
}

constexpr std::uint32_t close_slot(std::uint32_t mask, std::size_t slot) {
  return (mask & below(slot)) | ((mask >> 1) & ~below(slot));
}

void set_bit(std::uint32_t& mask, std::size_t slot, bool to) {
  mask = to ? mask | bit(slot) : mask & ~bit(slot);
}

}  // namespace

std::size_t position_index::key_bit(const store& data, std::uint32_t marker) const {
  lib0_reader reader(as_bytes(data.content_of(data.at(marker))));
  bytes_view raw;
  reader.var_bytes(raw);
  const auto key = as_text(raw);
  const auto known = std::find(keys_.begin(), keys_.end(), key);
  if (known != keys_.end()) return static_cast<std::size_t>(known - keys_.begin());
  if (keys_.size() == shared_key) return shared_key;
  keys_.emplace_back(key);
  return keys_.size() - 1;
}

std::uint32_t position_index::new_leaf() {
  if (free_leaves_.empty()) {
    leaves_.emplace_back();
    return static_cast<std::uint32_t>(leaves_.size() - 1);
  }
  const auto id = free_leaves_.back();
  free_leaves_.pop_back();
  leaves_[id] = leaf{};
  return id;
}

std::uint32_t position_index::new_node() {
  if (free_nodes_.empty()) {
    nodes_.emplace_back();
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }
  const auto id = free_nodes_.back();
  free_nodes_.pop_back();
  nodes_[id] = node{};
  return id;
}

void position_index::put(const store& data, leaf& in, std::size_t slot, std::uint32_t index) {
  const item& each = data.at(index);
  in.items[slot] = index;
  in.units[slot] = visible_units(each);
  set_bit(in.alive, slot, !each.deleted);
  set_bit(in.formats, slot, !each.deleted && each.kind() == content_kind::format);
}

position_index::sums position_index::sums_of(const store& data, const leaf& of) const {
  sums sum;
  for (std::size_t slot = 0; slot < of.count; ++slot) sum.units += of.units[slot];
  sum.alive = static_cast<std::uint32_t>(std::popcount(of.alive));
  for (auto left = of.formats; left != 0; left &= left - 1)
    sum.formats |= std::uint64_t{1} << key_bit(data, of.items[static_cast<std::size_t>(std::countr_zero(left))]);
  return sum;
}

position_index::sums position_index::sums_of(const node& of) {
  sums sum;
  for (std::size_t slot = 0; slot < of.count; ++slot) {
    sum.units += of.sum[slot].units;
    sum.alive += of.sum[slot].alive;
    sum.formats |= of.sum[slot].formats;
  }
  return sum;
}

position_index::sums position_index::sums_of_child(const store& data, std::uint32_t child, std::uint32_t height) const {
  return height == 0 ? sums_of(data, leaves_[child]) : sums_of(nodes_[child]);
}

void position_index::set_parent(std::uint32_t child, std::uint32_t height, std::uint32_t parent) {
  if (height == 0) {
    leaves_[child].parent = parent;
  } else {
    nodes_[child].parent = parent;
  }
}

void position_index::build(const store& data, std::uint32_t index) {
  const branch& list = data.type(index);
  if (list.tree != no_tree) return;
  if (trees_.size() - free_trees_.size() == max_trees) drop_all(data);
  leaf_of_.resize(data.items.size(), nil);
  // Leaves and nodes are left with room, so that the first insert somewhere does not split them.
  constexpr std::size_t filled_leaf = leaf_items * 3 / 4;
  constexpr std::size_t filled_node = node_children * 3 / 4;
  std::vector<std::uint32_t> level;
  for (auto at = list.start; at != nil; at = data.at(at).right) {
    if (level.empty() || leaves_[level.back()].count == filled_leaf) level.push_back(new_leaf());
    leaf& last = leaves_[level.back()];
    put(data, last, last.count++, at);
    leaf_of_[at] = level.back();
  }
  if (level.empty()) level.push_back(new_leaf());
  tree made;
  made.branch = index;
  made.formats = std::any_of(level.begin(), level.end(), [&](std::uint32_t id) { return leaves_[id].formats != 0; });
  while (level.size() > 1) {
    std::vector<std::uint32_t> above;
    for (const auto child : level) {
      if (above.empty() || nodes_[above.back()].count == filled_node) above.push_back(new_node());
      node& last = nodes_[above.back()];
      last.sum[last.count] = sums_of_child(data, child, made.height);
      last.child[last.count++] = child;
      set_parent(child, made.height, above.back());
    }
    level.swap(above);
    ++made.height;
  }
  made.root = level.front();
  if (free_trees_.empty()) {
    list.tree = static_cast<std::uint16_t>(trees_.size());
    trees_.push_back(made);
  } else {
    list.tree = free_trees_.back();
    free_trees_.pop_back();
    trees_[list.tree] = made;
  }
}

void position_index::free_below(std::uint32_t root, std::uint32_t height) {
  if (height == 0) {
    free_leaves_.push_back(root);
    return;
  }
  // As deep as the tree is high.
  for (std::size_t slot = 0; slot < nodes_[root].count; ++slot) free_below(nodes_[root].child[slot], height - 1);
  free_nodes_.push_back(root);
}

void position_index::drop(const branch& of) {
  if (of.tree == no_tree) return;
  const auto gone = of.tree;
  free_below(trees_[gone].root, trees_[gone].height);
  trees_[gone] = tree{};
  free_trees_.push_back(gone);
  of.tree = no_tree;
}

void position_index::drop_all(const store& data) {
  if (trees_.empty()) return;
  for (const auto& each : trees_) {
    if (each.branch != nil) data.type(each.branch).tree = no_tree;
  }
  *this = position_index();
}

position_index::place position_index::at(const branch& list, std::uint64_t unit) const {
  const tree& in = trees_[list.tree];
  std::uint32_t id = in.root;
  for (auto height = in.height; height > 0; --height) {
    const node& here = nodes_[id];
    std::size_t slot = 0;
    while (unit >= here.sum[slot].units) unit -= here.sum[slot++].units;
    id = here.child[slot];
  }
  const leaf& here = leaves_[id];
  std::size_t slot = 0;
  while (unit >= here.units[slot]) unit -= here.units[slot++];
  return {here.items[slot], static_cast<std::uint32_t>(unit)};
}

std::size_t position_index::slot_in_leaf(const leaf& of, std::uint32_t item) const {
  return static_cast<std::size_t>(std::find(of.items.begin(), of.items.begin() + of.count, item) - of.items.begin());
}

std::size_t position_index::slot_in_parent(std::uint32_t parent, std::uint32_t child) const {
  const auto& children = nodes_[parent].child;
  return static_cast<std::size_t>(std::find(children.begin(), children.end(), child) - children.begin());
}

std::uint64_t position_index::units_before(std::uint32_t item) const {
  std::uint32_t child = leaf_of_[item];
  const leaf& here = leaves_[child];
  std::uint64_t units = 0;
  for (std::size_t slot = slot_in_leaf(here, item); slot-- > 0;) units += here.units[slot];
  for (auto above = here.parent; above != nil; above = nodes_[above].parent) {
    for (std::size_t slot = slot_in_parent(above, child); slot-- > 0;) units += nodes_[above].sum[slot].units;
    child = above;
  }
  return units;
}

std::uint32_t position_index::next_alive(std::uint32_t item) const {
  std::uint32_t child = leaf_of_[item];
  const leaf& here = leaves_[child];
  const auto slot = slot_in_leaf(here, item);
  const std::uint32_t behind = here.alive & ~(below(slot) | bit(slot));
  if (behind != 0) return here.items[static_cast<std::size_t>(std::countr_zero(behind))];
  std::uint32_t height = 0;  // of the child
  for (auto above = here.parent; above != nil; above = nodes_[above].parent, ++height) {
    const node& in = nodes_[above];
    for (std::size_t next = slot_in_parent(above, child) + 1; next < in.count; ++next) {
      if (in.sum[next].alive == 0) continue;
      child = in.child[next];
      for (; height > 0; --height) {
        const node& down = nodes_[child];
        std::size_t first = 0;
        while (down.sum[first].alive == 0) ++first;
        child = down.child[first];
      }
      const leaf& found = leaves_[child];
      return found.items[static_cast<std::size_t>(std::countr_zero(found.alive))];
    }
    child = above;
  }
  return nil;
}

std::uint32_t position_index::last(const branch& list) const {
  const tree& in = trees_[list.tree];
  std::uint32_t id = in.root;
  for (auto height = in.height; height > 0; --height) id = nodes_[id].child[nodes_[id].count - 1];
  const leaf& here = leaves_[id];
  return here.count == 0 ? nil : here.items[here.count - 1];
}

// The markers among the first slots of a leaf, the last ones first.
void position_index::markers_of_leaf(const store& data, const leaf& of, std::uint32_t slots, std::uint64_t& seen,
                                     std::vector<std::uint32_t>& markers) const {
  for (auto left = of.formats & slots; left != 0;) {
    const auto slot = static_cast<std::size_t>(31 - std::countl_zero(left));
    left &= below(slot);
    const auto key = key_bit(data, of.items[slot]);
    const std::uint64_t mask = std::uint64_t{1} << key;
    if ((seen & mask) != 0) continue;
    if (key != shared_key) seen |= mask;
    markers.push_back(of.items[slot]);
  }
}

void position_index::markers_below(const store& data, std::uint32_t child, std::uint32_t height, std::uint64_t& seen,
                                   std::vector<std::uint32_t>& markers) const {
  if (height == 0) {
    markers_of_leaf(data, leaves_[child], UINT32_MAX, seen, markers);
    return;
  }
  const node& here = nodes_[child];
  for (std::size_t slot = here.count; slot-- > 0;) {
    // As deep as the tree is high.
    if ((here.sum[slot].formats & ~seen) != 0) markers_below(data, here.child[slot], height - 1, seen, markers);
  }
}

void position_index::formats_after(const store& data, std::uint32_t item, std::vector<std::uint32_t>& markers) const {
  markers.clear();
  std::uint64_t seen = 0;
  std::uint32_t child = leaf_of_[item];
  const leaf& here = leaves_[child];
  const auto slot = slot_in_leaf(here, item);
  markers_of_leaf(data, here, below(slot) | bit(slot), seen, markers);
  std::uint32_t height = 0;
  for (auto above = here.parent; above != nil; above = nodes_[above].parent, ++height) {
    const node& in = nodes_[above];
    for (std::size_t before = slot_in_parent(above, child); before-- > 0;) {
      if ((in.sum[before].formats & ~seen) != 0) markers_below(data, in.child[before], height, seen, markers);
    }
    child = above;
  }
  std::reverse(markers.begin(), markers.end());
}

void position_index::update_above(const store& data, std::uint32_t child, bool formats_changed, std::int64_t units,
                                  std::int32_t alive) {
  std::uint64_t formats = formats_changed ? sums_of(data, leaves_[child]).formats : 0;
  for (auto above = leaves_[child].parent; above != nil; above = nodes_[above].parent) {
    node& in = nodes_[above];
    sums& sum = in.sum[slot_in_parent(above, child)];
    sum.units += static_cast<std::uint64_t>(units);
    sum.alive += static_cast<std::uint32_t>(alive);
    if (formats_changed) {
      formats_changed = sum.formats != formats;
      sum.formats = formats;
      if (formats_changed) formats = sums_of(in).formats;
    }
    child = above;
  }
}

// Puts a new child behind another, splitting nodes upwards where they are full. `height` is that of the two children.
void position_index::add_child(const store& data, tree& in, std::uint32_t left, std::uint32_t added,
                               std::uint32_t height) {
  for (;;) {
    std::uint32_t parent = height == 0 ? leaves_[left].parent : nodes_[left].parent;
    if (parent == nil) {
      parent = new_node();
      node& root = nodes_[parent];
      root.count = 2;
      root.child[0] = left;
      root.child[1] = added;
      root.sum[0] = sums_of_child(data, left, height);
      root.sum[1] = sums_of_child(data, added, height);
      set_parent(left, height, parent);
      set_parent(added, height, parent);
      in.root = parent;
      ++in.height;
      return;
    }
    std::uint32_t sibling = nil;
    if (nodes_[parent].count == node_children) {
      sibling = new_node();
      node& full = nodes_[parent];
      node& upper = nodes_[sibling];
      constexpr std::size_t half = node_children / 2;
      std::copy(full.child.begin() + half, full.child.end(), upper.child.begin());
      std::copy(full.sum.begin() + half, full.sum.end(), upper.sum.begin());
      full.count = half;
      upper.count = node_children - half;
      for (std::size_t slot = 0; slot < upper.count; ++slot) set_parent(upper.child[slot], height, sibling);
    }
    const auto home = height == 0 ? leaves_[left].parent : nodes_[left].parent;
    node& to = nodes_[home];
    const auto slot = slot_in_parent(home, left);
    std::copy_backward(to.child.begin() + static_cast<std::ptrdiff_t>(slot) + 1, to.child.begin() + to.count,
                       to.child.begin() + to.count + 1);
    std::copy_backward(to.sum.begin() + static_cast<std::ptrdiff_t>(slot) + 1, to.sum.begin() + to.count,
                       to.sum.begin() + to.count + 1);
    ++to.count;
    to.child[slot + 1] = added;
    to.sum[slot] = sums_of_child(data, left, height);
    to.sum[slot + 1] = sums_of_child(data, added, height);
    set_parent(added, height, home);
    if (sibling == nil) return;
    left = parent;
    added = sibling;
    ++height;
  }
}

void position_index::split_leaf(const store& data, tree& in, std::uint32_t id) {
  const auto added = new_leaf();
  leaf& full = leaves_[id];
  leaf& upper = leaves_[added];
  constexpr std::size_t half = leaf_items / 2;
  std::copy(full.items.begin() + half, full.items.end(), upper.items.begin());
  std::copy(full.units.begin() + half, full.units.end(), upper.units.begin());
  upper.count = leaf_items - half;
  upper.alive = full.alive >> half;
  upper.formats = full.formats >> half;
  full.count = half;
  full.alive &= below(half);
  full.formats &= below(half);
  for (std::size_t slot = 0; slot < upper.count; ++slot) leaf_of_[upper.items[slot]] = added;
  add_child(data, in, id, added, 0);
}

position_index::tree& position_index::tree_of(const store& data, std::uint32_t item) {
  return trees_[data.type(data.at(item).parent).tree];
}

void position_index::linked(const store& data, std::uint32_t index) {
  tree& in = tree_of(data, index);
  if (leaf_of_.size() < data.items.size()) leaf_of_.resize(data.items.size() + data.items.size() / 4, nil);
  const auto left = data.at(index).left;
  std::uint32_t id = in.root;
  if (left != nil) {
    id = leaf_of_[left];
  } else {
    for (auto height = in.height; height > 0; --height) id = nodes_[id].child[0];
  }
  if (leaves_[id].count == leaf_items) {
    split_leaf(data, in, id);
    if (left != nil) id = leaf_of_[left];
  }
  leaf& to = leaves_[id];
  const std::size_t slot = left == nil ? 0 : slot_in_leaf(to, left) + 1;
  const auto from = static_cast<std::ptrdiff_t>(slot);
  std::copy_backward(to.items.begin() + from, to.items.begin() + to.count, to.items.begin() + to.count + 1);
  std::copy_backward(to.units.begin() + from, to.units.begin() + to.count, to.units.begin() + to.count + 1);
  to.alive = open_slot(to.alive, slot);
  to.formats = open_slot(to.formats, slot);
  ++to.count;
  put(data, to, slot, index);
  leaf_of_[index] = id;
  in.formats |= (to.formats & bit(slot)) != 0;
  update_above(data, id, (to.formats & bit(slot)) != 0, to.units[slot], (to.alive & bit(slot)) != 0 ? 1 : 0);
}

void position_index::remove_child(tree& in, std::uint32_t parent, std::uint32_t child) {
  for (;;) {
    node& from = nodes_[parent];
    const auto slot = static_cast<std::ptrdiff_t>(slot_in_parent(parent, child));
    std::copy(from.child.begin() + slot + 1, from.child.begin() + from.count, from.child.begin() + slot);
    std::copy(from.sum.begin() + slot + 1, from.sum.begin() + from.count, from.sum.begin() + slot);
    --from.count;
    if (from.count != 0 || in.root == parent) break;
    child = parent;
    parent = from.parent;
    free_nodes_.push_back(child);
  }
  // A root with one child is no root that is needed.
  while (in.height > 0 && nodes_[in.root].count == 1) {
    const auto old = in.root;
    in.root = nodes_[old].child[0];
    --in.height;
    set_parent(in.root, in.height, nil);
    free_nodes_.push_back(old);
  }
}

void position_index::unlinked(const store& data, std::uint32_t index) {
  tree& in = tree_of(data, index);
  const auto id = leaf_of_[index];
  leaf& from = leaves_[id];
  const auto slot = slot_in_leaf(from, index);
  const auto units = from.units[slot];
  const bool alive = (from.alive & bit(slot)) != 0;
  const bool format = (from.formats & bit(slot)) != 0;
  const auto at = static_cast<std::ptrdiff_t>(slot);
  std::copy(from.items.begin() + at + 1, from.items.begin() + from.count, from.items.begin() + at);
  std::copy(from.units.begin() + at + 1, from.units.begin() + from.count, from.units.begin() + at);
  from.alive = close_slot(from.alive, slot);
  from.formats = close_slot(from.formats, slot);
  --from.count;
  update_above(data, id, format, -static_cast<std::int64_t>(units), alive ? -1 : 0);
  if (from.parent == nil) return;
  if (from.count == 0) {
    free_leaves_.push_back(id);
    remove_child(in, from.parent, id);
    return;
  }
  // Neighbours that have become small are joined, so that many joined items do not leave many leaves.
  const auto parent = from.parent;
  const auto place = slot_in_parent(parent, id);
  if (from.count > leaf_items / 4 || place + 1 >= nodes_[parent].count) return;
  const auto next_id = nodes_[parent].child[place + 1];
  leaf& next = leaves_[next_id];
  if (from.count + next.count > leaf_items / 2) return;
  std::copy(next.items.begin(), next.items.begin() + next.count, from.items.begin() + from.count);
  std::copy(next.units.begin(), next.units.begin() + next.count, from.units.begin() + from.count);
  from.alive |= next.alive << from.count;
  from.formats |= next.formats << from.count;
  for (std::size_t i = 0; i < next.count; ++i) leaf_of_[next.items[i]] = id;
  from.count += next.count;
  nodes_[parent].sum[place] = sums_of(data, from);
  free_leaves_.push_back(next_id);
  remove_child(in, parent, next_id);
}

void position_index::resized(const store& data, std::uint32_t index) {
  const auto id = leaf_of_[index];
  leaf& in = leaves_[id];
  const auto slot = slot_in_leaf(in, index);
  const auto units = in.units[slot];
  const auto alive = static_cast<std::int32_t>((in.alive >> slot) & 1);
  const auto formats = in.formats;
  put(data, in, slot, index);
  if (formats != in.formats) tree_of(data, index).formats = true;
  const auto alive_now = static_cast<std::int32_t>((in.alive >> slot) & 1);
  update_above(data, id, formats != in.formats, std::int64_t{in.units[slot]} - std::int64_t{units}, alive_now - alive);
}

void position_index::moved(std::uint32_t from, std::uint32_t to) {
  const auto id = leaf_of_[from];
  leaves_[id].items[slot_in_leaf(leaves_[id], from)] = to;
  leaf_of_[to] = id;
}

std::size_t position_index::memory() const {
  std::size_t bytes = leaves_.capacity() * sizeof(leaf) + nodes_.capacity() * sizeof(node);
  bytes += (free_leaves_.capacity() + free_nodes_.capacity() + leaf_of_.capacity()) * sizeof(std::uint32_t);
  bytes += trees_.capacity() * sizeof(tree) + free_trees_.capacity() * sizeof(std::uint16_t);
  for (const auto& each : keys_) bytes += sizeof(std::string) + each.capacity();
  return bytes;
}

bool position_index::agrees(const store& data, const branch& list) const {
  const tree& in = trees_[list.tree];
  std::vector<std::pair<std::uint32_t, std::uint32_t>> open = {{in.root, in.height}};
  auto expected = list.start;
  while (!open.empty()) {
    const auto [id, height] = open.back();
    open.pop_back();
    if (height > 0) {
      const node& here = nodes_[id];
      if (here.count == 0) return false;
      for (std::size_t slot = here.count; slot-- > 0;) {
        const auto child = here.child[slot];
        const auto sum = sums_of_child(data, child, height - 1);
        if (sum.units != here.sum[slot].units || sum.alive != here.sum[slot].alive ||
            sum.formats != here.sum[slot].formats)
          return false;
        if ((height == 1 ? leaves_[child].parent : nodes_[child].parent) != id) return false;
        open.emplace_back(child, height - 1);
      }
      continue;
    }
    const leaf& here = leaves_[id];
    if (here.count < leaf_items && ((here.alive | here.formats) & ~below(here.count)) != 0) return false;
    for (std::size_t slot = 0; slot < here.count; ++slot) {
      if (expected == nil || here.items[slot] != expected || leaf_of_[expected] != id) return false;
      const item& each = data.at(expected);
      if (here.units[slot] != visible_units(each) || ((here.alive >> slot) & 1) == each.deleted) return false;
      const bool marker = !each.deleted && each.kind() == content_kind::format;
      if (((here.formats >> slot) & 1) != static_cast<std::uint32_t>(marker)) return false;
      expected = each.right;
    }
  }
  return expected == nil;
}

}  // namespace octavo::crdt::internal
