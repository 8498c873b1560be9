// The data of one document: items in a slab, a log per client, types, keys, names and contents. Everything is an index
// into a vector, so that the whole goes away with a few frees. The store keeps the structure sound; what an edit means
// is the transaction's business (transaction.hpp), and what may be asked of it is in encode.hpp and render.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "crdt/document.hpp"
#include "crdt/internal/arena.hpp"
#include "crdt/internal/hash.hpp"
#include "crdt/internal/item.hpp"
#include "crdt/internal/name_pool.hpp"
#include "crdt/internal/position_index.hpp"
#include "crdt/internal/struct_log.hpp"

namespace octavo::crdt::internal {

class store {
 public:
  store(std::uint64_t hash_seed, std::size_t max_content_bytes)
      : contents(max_content_bytes),
        names(hash_seed),
        client_index_(hash_seed),
        root_index_(hash_seed),
        entry_index_(hash_seed) {}

  // --- clients and logs

  std::uint32_t find_client(std::uint64_t id) const { return client_index_.find(id); }
  std::uint32_t intern_client(std::uint64_t id);
  struct_log& log(std::uint32_t client) { return logs_[client]; }
  const struct_log& log(std::uint32_t client) const { return logs_[client]; }
  std::size_t client_count() const { return logs_.size(); }
  std::uint32_t clock_of(std::uint64_t id) const {
    const auto client = find_client(id);
    return client == flat_map::missing ? 0 : logs_[client].end();
  }
  /// Interned clients in descending order of their ids, as the wire wants them.
  const std::vector<std::uint32_t>& clients_descending() const;

  // --- items

  item& at(std::uint32_t index) { return items[index]; }
  const item& at(std::uint32_t index) const { return items[index]; }

  unit_id origin_of(const item& of) const { return unpack(of.origin_client, of.origin_clock); }
  unit_id right_of(const item& of) const { return unpack(of.right_client, of.right_clock); }
  void set_origin(item& of, unit_id id) { pack(id, of.origin_client, of.origin_clock); }
  void set_right(item& of, unit_id id) { pack(id, of.right_client, of.right_clock); }

  /// The item that contains a unit, or `collected`. The unit must exist.
  std::uint32_t item_at(unit_id id) const {
    const auto& log = logs_[id.client];
    return log.at(log.find(id.clock)).item;
  }

  /// The item that starts with a unit; splits one if need be. `collected` if the unit is.
  std::uint32_t clean_start(unit_id id);
  /// The item that ends with a unit; splits one if need be. `collected` if the unit is.
  std::uint32_t clean_end(unit_id id);
  /// Cuts an item in two; `place` is its entry. Returns the right part.
  std::uint32_t split(log_position place, std::uint32_t index, std::uint32_t units);

  std::string_view content_of(const item& of) const { return contents.view(of.content, of.content_bytes); }

  /// Joins two items of a client's log that follow each other, if they continue each other. The caller drops the right
  /// one's entry.
  bool try_join(std::uint32_t left, std::uint32_t right);
  /// Makes an item's content longer.
  void append_content(item& to, std::string_view more);
  /// How many bytes more the arena may need to cut the item of a unit, or to make it longer: at most.
  std::size_t room_to_cut(unit_id id) const;
  std::size_t room_to_append(unit_id id, std::size_t size) const;
  /// Gives back what an item holds in the arena.
  void free_content(item& of);

  // --- types

  branch& type(std::uint32_t index) { return branches[index]; }
  const branch& type(std::uint32_t index) const { return branches[index]; }
  std::uint32_t new_branch();
  void free_branch(std::uint32_t index);
  /// The root of a name, made if need be.
  std::uint32_t root(std::string_view name);
  std::uint32_t find_root(std::string_view name) const;
  const std::vector<std::uint32_t>& roots() const { return roots_; }
  /// Forgets the roots that were made last, which hold nothing: so many are left.
  void forget_roots(std::size_t left);

  // --- keys

  /// The last item of a key's list, or nil.
  std::uint32_t key_item(std::uint32_t branch, std::uint32_t key) const;
  void set_key_item(std::uint32_t branch, std::uint32_t key, std::uint32_t item);
  /// Forgets a key whose only item goes.
  void forget_key(std::uint32_t branch, std::uint32_t key);

  /// The first item of a list or of a key's list.
  std::uint32_t first_of(std::uint32_t branch, std::uint32_t key, std::uint64_t& steps) const;

  // --- positions

  /// Whether a change of this item must be told to the positions.
  bool has_place(const item& of) const { return of.listed() && branches[of.parent].tree != no_tree; }
  /// The tree of a list, made if need be.
  const position_index& positions_of(std::uint32_t branch) const {
    positions.build(*this, branch);
    return positions;
  }

  /// Moves contents to a fresh arena if much of the present one is waste.
  void compact_contents();

  /// After a transaction: moves items into the places of freed ones if most are free, so that their memory can go;
  /// after a big one it gives back as well what room was taken in vain. Makes indices of items stale.
  void release_room(bool after_big);

  std::size_t memory() const;

  // What belongs together is used together: these are the store's parts, open to the code of this folder.
  slab items;
  arena contents;
  std::vector<branch> branches;
  std::vector<map_entry> entries;
  name_pool names;
  mutable position_index positions;
  std::size_t deleted_items = 0;
  /// No type nests deeper, nor ever did.
  std::uint32_t deepest_type = 0;
  /// Work done since the transaction began.
  std::uint64_t steps = 0;
  /// Splits of the running transaction, where the right parts start.
  std::vector<unit_id> splits;
  /// Set when 32 bits are not enough any more.
  bool full = false;

 private:
  unit_id unpack(std::uint16_t client, std::uint32_t clock) const {
    if (client < client_wide) return {client, clock};
    if (client == client_absent) return {};
    return wide_ids_[clock];
  }
  void pack(unit_id id, std::uint16_t& client, std::uint32_t& clock);
  void move_item(std::uint32_t from, std::uint32_t to);
  void split_string(item& left, item& right, std::uint32_t units);

  std::vector<struct_log> logs_;
  flat_map client_index_;
  mutable std::vector<std::uint32_t> descending_;
  std::vector<std::uint32_t> roots_;
  flat_map root_index_;
  flat_map entry_index_;
  std::vector<std::uint32_t> free_branches_;
  std::uint32_t free_entry_ = nil;
  std::vector<unit_id> wide_ids_;
};

}  // namespace octavo::crdt::internal
