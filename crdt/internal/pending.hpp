// What waits: structs whose predecessors are missing, and deletes of units that are not there yet. Kept in the terms of
// the wire, by client and clock, so that nothing is re-merged when an update arrives; each client's first waiting
// struct is filed under the one unit that it misses, and is ready exactly when that unit is integrated. (yjs wakes by
// another rule and can stay stuck although everything has arrived.) Who is ready stays so until it is taken: waking has
// a budget, and goes on with the next update.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "crdt/update.hpp"

namespace octavo::crdt::internal {

/// A struct that owns its texts.
struct pending_struct {
  content_kind kind = content_kind::gc;
  bool has_origin = false;
  bool has_right = false;
  bool has_parent_sub = false;
  bool has_parent = false;
  bool parent_is_root = false;
  bool has_key = false;
  std::uint32_t length = 0;
  std::uint32_t depth = 0;  // at least: of the list that it will be in, in types
  std::uint32_t origin_clock = 0;
  std::uint32_t right_clock = 0;
  std::uint32_t parent_clock = 0;
  std::uint64_t origin_client = 0;
  std::uint64_t right_client = 0;
  std::uint64_t parent_client = 0;
  std::uint32_t root_bytes = 0;
  std::uint32_t key_bytes = 0;
  std::uint32_t content_bytes = 0;
  std::unique_ptr<char[]> texts;  // root, key, content

  std::string_view root() const { return {texts.get(), root_bytes}; }
  std::string_view key() const { return {texts.get() + root_bytes, key_bytes}; }
  std::string_view content() const { return {texts.get() + root_bytes + key_bytes, content_bytes}; }
};

/// A unit by its client's full id.
using wire_id = std::pair<std::uint64_t, std::uint32_t>;

class pending_set {
 public:
  using queue = std::map<std::uint32_t, pending_struct>;
  using ranges = std::map<std::uint32_t, std::uint32_t>;  // clock → end

  bool empty() const { return queues_.empty() && deletes_.empty(); }
  bool has_structs() const { return !queues_.empty(); }
  bool has_deletes() const { return !deletes_.empty(); }
  std::size_t struct_count() const { return struct_count_; }
  std::size_t delete_count() const { return delete_count_; }
  /// Clients of which structs wait.
  std::size_t client_count() const { return queues_.size(); }
  /// Memory in use; what document_options::max_pending_bytes bounds.
  std::size_t memory() const { return bytes_; }

  /// What a struct or a delete range would add to memory(), at most.
  static std::size_t cost(const decoded_update& update, const decoded_struct& each);
  static std::size_t delete_cost();

  /// Adds a struct, unless one that covers it waits already. Returns true if it was added. `depth` is what is known of
  /// how many types deep it will lie.
  bool add(const decoded_update& update, const decoded_struct& each, std::uint32_t depth);
  /// The struct with a unit, if it waits.
  const pending_struct* at(std::uint64_t client, std::uint32_t clock) const;
  /// No waiting type nests deeper, as far as can be told, nor ever did.
  std::uint32_t deepest_type() const { return deepest_type_; }
  /// True if units [clock, end) of a client all wait already.
  bool covers(std::uint64_t client, std::uint32_t clock, std::uint32_t end) const;

  /// Roots that do not exist, and will once what waits is integrated; by the numbers of their names.
  std::size_t promised_roots() const { return promised_roots_.size(); }
  bool promises_root(std::uint32_t name) const { return promised_roots_.contains(name); }
  void promise_root(std::uint32_t name) { promised_roots_.insert(name); }
  void root_made(std::uint32_t name) { promised_roots_.erase(name); }

  queue* find(std::uint64_t client);
  /// Removes the first struct of a client's queue, and the queue with the last.
  void pop(std::uint64_t client);

  /// Files a client's first struct under the unit that it misses.
  void wait(std::uint64_t client, wire_id missing);
  /// A client's log now ends at `clock`: it is ready if anything of its own waits, and so are all that wait for a unit
  /// of it below. Returns how many are.
  std::size_t advanced(std::uint64_t client, std::uint32_t clock);
  /// Says that a client's first waiting struct, or its first waiting delete, may be possible now.
  void set_ready(std::uint64_t client) { ready_.insert(client); }
  std::size_t ready_count() const { return ready_.size(); }
  /// Takes a client that is ready.
  std::optional<std::uint64_t> take_ready();

  /// Adds a range of deletes. Returns true if any of it was new.
  bool add_delete(std::uint64_t client, std::uint32_t clock, std::uint32_t end);
  /// The first part of a client's waiting deletes that lies below a clock.
  std::optional<std::pair<std::uint32_t, std::uint32_t>> first_delete(std::uint64_t client, std::uint32_t below) const;
  /// Removes what first_delete() returned.
  void pop_delete(std::uint64_t client, std::uint32_t below);
  /// The first waiting range of a client that ends above a clock, if any: for pruning.
  const ranges* deletes_of(std::uint64_t client) const;

  /// Everything as an update; the views point into this set.
  void append_to(decoded_update& out) const;

 private:
  static std::size_t size_of(const pending_struct& each);

  std::map<std::uint64_t, queue> queues_;
  std::set<std::pair<wire_id, std::uint64_t>> waiting_;  // the unit that is missing, and who misses it
  std::map<std::uint64_t, wire_id> waits_for_;
  std::map<std::uint64_t, ranges> deletes_;
  std::set<std::uint64_t> ready_;
  std::set<std::uint32_t> promised_roots_;
  std::uint32_t deepest_type_ = 0;
  std::size_t struct_count_ = 0;
  std::size_t delete_count_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace octavo::crdt::internal
