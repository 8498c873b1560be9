// One transaction on a store: integrates structs, deletes ranges, and at the end collects what was deleted and joins
// what fits together. The order of these steps is that of yjs, so that a document that saw the same updates has the
// same structs. Belongs to one document; its vectors are kept between transactions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "crdt/document.hpp"
#include "crdt/internal/scan_marks.hpp"
#include "crdt/internal/store.hpp"

namespace octavo::crdt::internal {

/// A struct whose dependencies are all integrated, in the store's terms.
struct incoming {
  unit_id id;
  std::uint32_t length = 0;
  unit_id origin;
  unit_id right;
  content_kind kind = content_kind::gc;
  bool has_parent = false;
  bool parent_is_root = false;
  std::string_view root;
  unit_id parent;
  bool has_key = false;
  std::string_view key;
  std::string_view content;
};

/// Units [clock, end) of an interned client.
struct unit_range {
  std::uint32_t client;
  std::uint32_t clock;
  std::uint32_t end;
};

/// The units that a transaction deleted, or brought as deleted; as long as they are few.
class deleted_notes {
 public:
  /// More ranges than these are not merged: walking over all structs is not much slower then.
  static constexpr std::size_t max_ranges = 256;

  bool empty() const { return ranges_.empty() && complete_; }
  bool complete() const { return complete_; }
  const std::vector<unit_range>& ranges() const { return ranges_; }
  std::size_t memory() const { return ranges_.capacity() * sizeof(unit_range); }

  void add(const unit_range& of) {
    if (!complete_) return;
    if (!ranges_.empty() && ranges_.back().client == of.client && ranges_.back().end == of.clock) {
      ranges_.back().end = of.end;
    } else if (ranges_.size() < max_ranges) {
      ranges_.push_back(of);
    } else {
      ranges_.clear();
      complete_ = false;
    }
  }

  void add_all(const deleted_notes& of) {
    if (!of.complete_) {
      ranges_.clear();
      complete_ = false;
    }
    for (const auto& each : of.ranges_) add(each);
  }

  void clear() {
    ranges_.clear();
    complete_ = true;
  }

 private:
  std::vector<unit_range> ranges_;
  bool complete_ = true;
};

class transaction {
 public:
  using range = unit_range;

  transaction(store& on, const document_options& options) : store_(on), options_(options), seen_(options.hash_seed) {}

  /// The work that follows may take so many steps.
  void begin(std::uint64_t step_budget);
  /// Whatever follows may take what it needs: the caller looks at the steps in between.
  void lift_budget() { step_budget_ = UINT64_MAX; }
  /// Integrates a struct whose clock is the client's next one. A type that would nest too deep is integrated as
  /// deleted, as if its deletion had come with it; what its writers put into it is collected like the children of any
  /// other.
  void integrate(const incoming& next);
  /// Whether integrating it cannot fill the document.
  bool has_room_for(const incoming& next) const;
  /// Deletes what is not yet deleted of [clock, end) of a client, all of it below the client's end.
  void erase(std::uint32_t client, std::uint32_t clock, std::uint32_t end);
  /// Whether that cannot fill the document.
  bool has_room_to_erase(std::uint32_t client, std::uint32_t clock, std::uint32_t end) const;
  /// Deletes one item, and all that is in it.
  void delete_item(std::uint32_t index);
  /// Collects and joins. After a failure it does nothing.
  void finish();
  /// In place of finish(): takes everything back, as long as all structs were of one client, with neighbours that are
  /// alive or deleted but not collected.
  void rollback();

  /// Stops the transaction, whatever follows.
  void stop(apply_errc code) { fail(code); }
  /// Set when the transaction had to stop half-way; the store must be discarded.
  std::optional<apply_errc> failure() const { return failure_; }
  bool over_budget() const { return store_.steps > step_budget_; }

  std::uint64_t structs_integrated() const { return integrated_; }
  std::uint64_t units_deleted() const { return units_deleted_; }
  const std::vector<clock_advance>& advances() const { return advances_; }
  /// What was deleted until now, in the order of deletion; finish() forgets it.
  const std::vector<range>& deletes() const { return deletes_; }
  /// By what the set of deleted units grew, collected structs included.
  const deleted_notes& deleted() const { return deleted_; }

  /// Where finish() leaves what the transaction deleted, in the order of deletion, for those who keep a history.
  std::vector<unit_range>* deleted_to = nullptr;

  /// Scratch that is kept.
  std::size_t memory() const {
    return advances_.capacity() * sizeof(clock_advance) +
           (deletes_.capacity() + collected_.capacity()) * sizeof(range) +
           (advanced_clients_.capacity() + work_.capacity()) * sizeof(std::uint32_t) + seen_.memory() +
           deleted_.memory();
  }

 private:
  bool append_to_last(const incoming& next);
  void append_collected(const incoming& next);
  std::uint32_t find_parent(const incoming& next, std::uint32_t left, std::uint32_t right, std::uint32_t& key);
  std::uint32_t find_left(const incoming& next, std::uint32_t branch, std::uint32_t key, std::uint32_t left,
                          std::uint32_t right);
  void link(std::uint32_t index);
  void set_content(std::uint32_t index, std::string_view content);
  void attach_type(std::uint32_t index, std::string_view content);
  bool nests_too_deep(std::uint32_t parent) const { return store_.type(parent).depth >= options_.max_type_depth; }
  void note_advance(std::uint32_t client);
  void unlink(std::uint32_t index);
  void revive(const range& of);
  void delete_children(std::uint32_t branch);
  void collect(const range& of);
  void collect_item(std::uint32_t index);
  void collect_child(std::uint32_t index);
  void join(const range& of);
  void fail(apply_errc code) {
    if (!failure_) failure_ = code;
  }

  store& store_;
  const document_options& options_;
  std::uint64_t epoch_ = 0;
  std::uint64_t step_budget_ = 0;
  std::optional<apply_errc> failure_;
  std::uint64_t integrated_ = 0;
  std::uint64_t units_deleted_ = 0;
  deleted_notes deleted_;
  std::vector<clock_advance> advances_;
  std::vector<std::uint32_t> advanced_clients_;
  std::vector<range> deletes_;       // in the order of deletion
  std::vector<range> collected_;     // children of dead types
  std::vector<std::uint32_t> work_;  // items or types still to be visited, in place of recursion
  scan_marks seen_;                  // in the running search for a place; see find_left()
};

}  // namespace octavo::crdt::internal
