// Where the units of a list are, by number: a B+-tree for each list that was asked for a position, whose leaves hold
// the list's items in order. Positions, the item at a position and the formats in force there cost O(log n), and so
// does keeping the tree with each change. A cache: it can be dropped at any time, and is built again when it is asked
// for. It belongs to one store, which tells it of every change to a list that has a tree (branch::tree).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "crdt/internal/item.hpp"

namespace octavo::crdt::internal {

class store;

class position_index {
 public:
  /// So many lists have trees at most; one more makes all others be built anew when they are asked again.
  static constexpr std::size_t max_trees = 1024;

  /// A visible unit: its item, and which of the item's units it is.
  struct place {
    std::uint32_t item = nil;
    std::uint32_t offset = 0;
  };

  /// Makes the tree of a list if there is none.
  void build(const store& data, std::uint32_t branch);
  /// Forgets the tree of a list, or all of them.
  void drop(const branch& of);
  void drop_all(const store& data);

  // The list must have a tree for all of these.

  /// The visible unit of a number, which must be below the list's length.
  place at(const branch& list, std::uint64_t unit) const;
  /// How many visible units are in front of an item.
  std::uint64_t units_before(std::uint32_t item) const;
  /// The nearest item behind one that is not deleted, or nil.
  std::uint32_t next_alive(std::uint32_t item) const;
  /// The last item of a list, deleted or not, or nil.
  std::uint32_t last(const branch& list) const;
  /// The formatting markers in force behind an item, in the order of their places: of each key the last that is not
  /// deleted. Keys beyond a certain number may come more than once, and then the last one counts.
  void formats_after(const store& data, std::uint32_t item, std::vector<std::uint32_t>& markers) const;
  /// False if the list never had a formatting marker that was not deleted, since its tree was made.
  bool has_formats(const branch& list) const { return trees_[list.tree].formats; }

  /// An item has come into its list.
  void linked(const store& data, std::uint32_t item);
  /// An item leaves its list; it is still linked.
  void unlinked(const store& data, std::uint32_t item);
  /// The length of an item changed, or whether it is deleted.
  void resized(const store& data, std::uint32_t item);
  /// An item has another number.
  void moved(std::uint32_t from, std::uint32_t to);

  std::size_t memory() const;
  /// Whether a tree is what it would be if it were built now; for tests.
  bool agrees(const store& data, const branch& list) const;

 private:
  static constexpr std::size_t leaf_items = 32;
  static constexpr std::size_t node_children = 16;
  // Keys are numbered for the masks below; those that find no number share the last bit.
  static constexpr std::size_t shared_key = 63;

  struct leaf {
    std::uint32_t parent = nil;
    std::uint32_t count = 0;
    std::uint32_t alive = 0;    // a bit for each item that is not deleted
    std::uint32_t formats = 0;  // a bit for each of these that is a formatting marker
    std::array<std::uint32_t, leaf_items> items{};
    std::array<std::uint32_t, leaf_items> units{};
  };

  /// What a node knows of what is below it.
  struct sums {
    std::uint64_t units = 0;
    std::uint64_t formats = 0;  // a bit for each key of a formatting marker that is not deleted
    std::uint32_t alive = 0;
  };

  struct node {
    std::uint32_t parent = nil;
    std::uint32_t count = 0;
    std::array<std::uint32_t, node_children> child{};
    std::array<sums, node_children> sum{};
  };

  struct tree {
    std::uint32_t root = nil;
    std::uint32_t height = 0;  // 0: the root is a leaf
    std::uint32_t branch = nil;
    bool formats = false;  // whether there ever was a formatting marker that was not deleted
  };

  tree& tree_of(const store& data, std::uint32_t item);
  std::uint32_t new_leaf();
  std::uint32_t new_node();
  void put(const store& data, leaf& in, std::size_t slot, std::uint32_t item);
  sums sums_of(const store& data, const leaf& of) const;
  static sums sums_of(const node& of);
  std::size_t slot_in_parent(std::uint32_t parent, std::uint32_t child) const;
  std::size_t slot_in_leaf(const leaf& of, std::uint32_t item) const;
  void update_above(const store& data, std::uint32_t leaf_id, bool formats_changed, std::int64_t units,
                    std::int32_t alive);
  void split_leaf(const store& data, tree& in, std::uint32_t leaf_id);
  void add_child(const store& data, tree& in, std::uint32_t left, std::uint32_t added, std::uint32_t height);
  void set_parent(std::uint32_t child, std::uint32_t height, std::uint32_t parent);
  sums sums_of_child(const store& data, std::uint32_t child, std::uint32_t height) const;
  void remove_child(tree& in, std::uint32_t parent, std::uint32_t child);
  void free_below(std::uint32_t root, std::uint32_t height);
  std::size_t key_bit(const store& data, std::uint32_t marker) const;
  void markers_of_leaf(const store& data, const leaf& of, std::uint32_t up_to, std::uint64_t& seen,
                       std::vector<std::uint32_t>& markers) const;
  void markers_below(const store& data, std::uint32_t child, std::uint32_t height, std::uint64_t& seen,
                     std::vector<std::uint32_t>& markers) const;

  std::vector<leaf> leaves_;
  std::vector<node> nodes_;
  std::vector<std::uint32_t> free_leaves_;
  std::vector<std::uint32_t> free_nodes_;
  std::vector<tree> trees_;  // by branch::tree
  std::vector<std::uint16_t> free_trees_;
  std::vector<std::uint32_t> leaf_of_;     // by item; only that of items in lists with trees means anything
  mutable std::vector<std::string> keys_;  // of formatting markers; their numbers are the bits of masks
};

}  // namespace octavo::crdt::internal
