// What a history knows of each unit: the edit that showed it, the edit that carried it, the edit that deleted it. Edits
// are numbered in the order of the log; number 0 stands for all that was there before the first.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "crdt/history.hpp"
#include "crdt/internal/access.hpp"

namespace octavo::crdt::internal {

/// No edit: a unit that was never deleted.
inline constexpr std::uint32_t never = UINT32_MAX;

/// A run of units of which the same is known.
struct unit_span {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::uint32_t shown = 0;        ///< the edit from which on it was there
  std::uint32_t author = 0;       ///< the edit that carried it
  std::uint32_t deleted = never;  ///< the edit from which on it was gone

  bool visible(std::uint32_t at) const { return shown <= at && deleted > at; }
};

/// What is known of the units of one client.
class client_marks {
 public:
  /// Units from the last end on, up to `end`.
  void insert(std::uint32_t end, std::uint32_t shown, std::uint32_t author);
  /// Units that were not deleted before.
  void erase(std::uint32_t clock, std::uint32_t end, std::uint32_t edit);
  /// Brings deletes into order; before the functions below.
  void sort();

  /// How many units a version has.
  std::uint32_t clock_at(std::uint32_t edit) const;
  /// Appends what a version had deleted.
  void deletes_at(std::uint32_t edit, std::uint64_t client, std::vector<delete_set::range>& out) const;

  /// Calls f(unit_span) for each run of [from, to), all of which must be known.
  template <class Function>
  void spans(std::uint32_t from, std::uint32_t to, const Function& f) const {
    auto shown = std::partition_point(inserts_.begin(), inserts_.end(),
                                      [from](const insert_mark& each) { return each.end <= from; });
    auto gone = std::partition_point(deletes_.begin(), deletes_.end(),
                                     [from](const delete_mark& each) { return each.end <= from; });
    while (from < to) {
      const bool dead = gone != deletes_.end() && gone->clock <= from;
      unit_span span{from, std::min(to, shown->end), shown->shown, shown->author, dead ? gone->edit : never};
      if (gone != deletes_.end()) span.to = std::min(span.to, dead ? gone->end : gone->clock);
      f(span);
      from = span.to;
      if (from == shown->end) ++shown;
      if (dead && from == gone->end) ++gone;
    }
  }

 private:
  struct insert_mark {
    std::uint32_t end;
    std::uint32_t shown;
    std::uint32_t author;
  };
  struct delete_mark {
    std::uint32_t clock;
    std::uint32_t end;
    std::uint32_t edit;
  };

  std::vector<insert_mark> inserts_;  // one begins where the one before ends
  std::vector<delete_mark> deletes_;
  bool sorted_ = true;
};

class history_data {
 public:
  history_data(std::uint64_t first_version, const history_options& options);
  static const history_data& of(const history& history) { return *history.data_; }

  struct edit_row {
    std::uint64_t seq;
    std::int64_t time_ms;
    std::uint32_t user;
  };

  result<void, history_error> load(bytes_view state);
  result<apply_report, history_error> apply(bytes_view update, const logged_edit& by);

  /// The number of the last edit of a version.
  result<std::uint32_t, history_error> edit_at(std::uint64_t version) const;
  logged_edit edit_of(std::uint32_t number) const {
    const auto& row = edits[number];
    return {row.seq, row.time_ms, users[row.user]};
  }
  snapshot snapshot_at(std::uint32_t edit) const;

  const store& data() const { return document_access::of(content).data; }
  /// Calls f(unit_span) for each run of an item's units; clocks are those of the client.
  template <class Function>
  void spans(const item& of, const Function& f) const {
    marks_[of.client].spans(of.clock, of.end(), f);
  }

  /// A unit of a key's list, which is its value in a version; no item: it has none.
  struct key_value {
    std::uint32_t item = nil;
    std::uint32_t unit = 0;  ///< counted in the item
    unit_span span;
    friend bool operator==(const key_value& left, const key_value& right) {
      return left.item == right.item && left.unit == right.unit;
    }
  };
  key_value value_at(const map_entry& entry, std::uint32_t edit) const;

  /// Brings everything into the order that the functions above need.
  void prepare() const;

  document content;
  std::vector<edit_row> edits;  // the first stands for what was there before
  std::vector<std::string> users;

 private:
  // Units of a client that an edit carried and that have to wait.
  struct waiting_run {
    std::uint32_t from;
    std::uint32_t to;
    std::uint32_t edit;
  };

  void mark_first() const;
  std::uint32_t intern_user(std::string_view user);
  void note_waiting(const decoded_update& update, std::uint32_t edit);
  static void insert_waited(std::uint32_t from, std::uint32_t end, std::uint32_t edit, std::vector<waiting_run>& runs,
                            client_marks& known);
  void note_advance(const clock_advance& of, std::uint32_t edit);
  client_marks& marks(std::uint32_t client) const;

  history_options options_;
  std::unordered_map<std::string, std::uint32_t> user_index_;
  mutable std::vector<client_marks> marks_;  // by the store's numbers of clients
  mutable bool first_marked_ = false;
  std::unordered_map<std::uint64_t, std::vector<waiting_run>> waiting_;
  std::vector<unit_range> deleted_;
};

}  // namespace octavo::crdt::internal
