// One item: a run of units of one client with its place in a list. 48 bytes: links are 32-bit indices into the
// document's slab, clients and keys are interned, content lies in the arena. The client of an origin fits 16 bits
// except in documents of more than 65,533 clients, where the pair moves to a side table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <type_traits>

#include "crdt/update.hpp"

namespace octavo::crdt::internal {

/// No item, no branch.
inline constexpr std::uint32_t nil = UINT32_MAX;

/// The id of a unit: an interned client and a clock.
struct unit_id {
  std::uint32_t client = nil;
  std::uint32_t clock = 0;
  bool valid() const { return client != nil; }
  friend bool operator==(const unit_id&, const unit_id&) = default;
};

/// The key of items that are in a list and not under a key.
inline constexpr std::uint32_t no_key = (1U << 24) - 1;

/// Values of origin_client and right_client that are not clients.
inline constexpr std::uint16_t client_absent = 0xFFFF;
inline constexpr std::uint16_t client_wide = 0xFFFE;

struct item {
  std::uint32_t client;
  std::uint32_t clock;
  std::uint32_t length;
  std::uint32_t left;
  std::uint32_t right;
  std::uint32_t origin_clock;  // an index into the side table if the client is wide
  std::uint32_t right_clock;
  std::uint16_t origin_client;
  std::uint16_t right_client;
  std::uint32_t parent;
  std::uint32_t content;  // offset in the arena, or a branch if the kind is type
  std::uint32_t content_bytes;
  std::uint32_t key : 24;
  std::uint32_t kind_bits : 4;
  std::uint32_t deleted : 1;
  std::uint32_t keep : 1;   // exempt from collection: for the history to come
  std::uint32_t roomy : 1;  // the arena has room up to roomy_capacity(content_bytes)
  std::uint32_t spare : 1;

  std::uint32_t end() const { return clock + length; }
  content_kind kind() const { return static_cast<content_kind>(kind_bits); }
  void set_kind(content_kind kind) { kind_bits = static_cast<std::uint32_t>(kind) & 15; }
  bool listed() const { return key == no_key; }
};
static_assert(sizeof(item) == 48 && std::is_trivially_copyable_v<item>);

/// Whether units of a kind count in the length of a list.
constexpr bool countable(content_kind kind) {
  return kind != content_kind::deleted && kind != content_kind::format && kind != content_kind::gc;
}

/// Whether items of a kind can be cut and joined.
constexpr bool joinable(content_kind kind) {
  return kind == content_kind::string || kind == content_kind::any || kind == content_kind::json ||
         kind == content_kind::deleted;
}

/// Whether the content lies in the arena.
constexpr bool in_arena(content_kind kind) {
  return kind != content_kind::deleted && kind != content_kind::type;
}

/// The tree of a list that has none.
inline constexpr std::uint16_t no_tree = 0xFFFF;

/// A shared type: a list and a set of keys. Roots have no item.
struct branch {
  std::uint32_t item = nil;   // nil: a root
  std::uint32_t start = nil;  // first item of the list
  std::uint32_t keys = nil;   // first of the map entries
  std::uint32_t last_key = nil;
  std::uint32_t name = 0;  // root: interned name; else offset in the arena
  std::uint32_t name_bytes = 0;
  std::uint32_t depth = 0;
  type_kind kind = type_kind::root;
  bool used = true;
  mutable std::uint16_t tree = no_tree;  // of the list's positions (position_index.hpp), a cache
  std::uint64_t length = 0;              // visible units of the list
};

/// The last item of a key's list, whose last unit is the key's value.
struct map_entry {
  std::uint32_t branch = nil;
  std::uint32_t key = no_key;
  std::uint32_t item = nil;
  std::uint32_t next = nil;
};

/// Items by index, in one buffer that is reallocated as it grows; freed items are reused.
class slab {
 public:
  slab() = default;
  slab(const slab&) = delete;
  slab& operator=(const slab&) = delete;
  ~slab() { std::free(data_); }

  item& operator[](std::uint32_t index) { return data_[index]; }
  const item& operator[](std::uint32_t index) const { return data_[index]; }

  std::size_t used() const { return size_ - free_count_; }
  std::size_t size() const { return size_; }
  /// How many items more fit without moving everything.
  std::size_t room() const { return capacity_ - size_; }
  std::size_t memory() const { return capacity_ * sizeof(item); }
  bool full() const { return free_ == nil && size_ >= nil - 64; }

  /// A new item, uninitialized. Invalidates references.
  std::uint32_t allocate() {
    if (free_ != nil) {
      const std::uint32_t index = free_;
      free_ = data_[index].right;
      --free_count_;
      return index;
    }
    if (size_ == capacity_) reserve(capacity_ + capacity_ / 4 + 4);
    return static_cast<std::uint32_t>(size_++);
  }

  void release(std::uint32_t index) {
    data_[index].client = nil;
    data_[index].right = free_;
    free_ = index;
    ++free_count_;
  }

  void reserve(std::size_t capacity) {
    if (capacity <= capacity_) return;
    auto* moved = static_cast<item*>(std::realloc(static_cast<void*>(data_), capacity * sizeof(item)));
    if (moved == nullptr) throw std::bad_alloc();
    data_ = moved;
    capacity_ = capacity;
  }

  /// Room for that many items more than are used.
  void reserve_more(std::size_t more) {
    if (more > free_count_) reserve(size_ + more - free_count_);
  }

  bool is_free(std::uint32_t index) const { return data_[index].client == nil; }

  /// Forgets the freed items and everything from `size` on: all items below it must be in use, and none above.
  void truncate(std::size_t size) {
    size_ = size;
    free_ = nil;
    free_count_ = 0;
  }

  /// Gives back the room behind the last item.
  void trim() {
    if (capacity_ == size_) return;
    if (size_ == 0) {
      std::free(data_);
      data_ = nullptr;
    } else if (auto* moved = static_cast<item*>(std::realloc(static_cast<void*>(data_), size_ * sizeof(item)))) {
      data_ = moved;
    } else {
      return;
    }
    capacity_ = size_;
  }

 private:
  item* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::size_t free_count_ = 0;
  std::uint32_t free_ = nil;
};

}  // namespace octavo::crdt::internal
