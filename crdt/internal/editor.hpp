// What an edit does to the store, in the store's terms: finding positions, making items between neighbours, deleting
// them, and the formats of texts. Works on the transaction that is running; one for each operation of crdt::edit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crdt/edit.hpp"
#include "crdt/internal/engine.hpp"

namespace octavo::crdt::internal {

/// Attributes in an order, keys to JSON texts; "null" stands for none.
class format_list {
 public:
  using entry = std::pair<std::string, std::string>;

  /// The JSON text of a key, "null" if it has none.
  std::string_view get(std::string_view key) const;
  bool has(std::string_view key) const { return find(key) != entries_.size(); }
  /// A key that is there keeps its place.
  void set(std::string_view key, std::string_view json);
  void erase(std::string_view key);
  /// What a marker does: sets an attribute, or takes it away if it says null.
  void apply(std::string_view key, std::string_view json);
  bool empty() const { return entries_.empty(); }
  const std::vector<entry>& entries() const { return entries_; }

 private:
  std::size_t find(std::string_view key) const;
  std::vector<entry> entries_;
};

/// Whether two attributes mean the same: as texts, or member by member.
bool equal_json(std::string_view left, std::string_view right);

/// A place between two neighbours of a list, with the formats that are in force there.
struct text_cursor {
  std::uint32_t left = nil;
  std::uint32_t right = nil;
  std::uint64_t index = 0;  // visible units in front
  format_list formats;
  std::uint32_t inserted = nil;  // by the last insert_text()
};

class editor {
 public:
  editor(engine& on, std::uint32_t client) : data_(on.data), engine_(on), client_(client) {}

  /// Whether content of so many units and bytes can be written, and markers of these formats around it.
  std::optional<edit_errc> check_room(std::uint64_t units, std::size_t bytes, const format_list& formats) const;
  /// The same for a name.
  std::optional<edit_errc> check_name(std::string_view name) const;
  /// Whether the transaction had to stop half-way.
  bool stopped() const;

  /// Makes an item in a list, between two neighbours. Returns the item that holds its last unit.
  std::uint32_t create(std::uint32_t branch, std::uint32_t left, std::uint32_t right, content_kind kind,
                       std::uint32_t units, std::string_view content);
  /// Makes an item under a key.
  std::uint32_t create(std::uint32_t branch, std::string_view key, content_kind kind, std::string_view content);

  /// The place behind so many visible units, of a text in front of the pair that it would tear if it is to be rounded.
  text_cursor seek(std::uint32_t branch, std::uint64_t index, bool round = false);
  /// A range that takes in the pairs that it touches. Both ends must be within the list.
  void round_range(std::uint32_t branch, std::uint64_t& begin, std::uint64_t& end) const;
  std::uint64_t round_down(std::uint32_t branch, std::uint64_t index) const;

  /// Given attributes, and null for all others that are in force.
  format_list exactly(const text_cursor& at, const format_list& given) const;
  void insert_text(std::uint32_t branch, text_cursor& at, content_kind kind, std::uint32_t units,
                   std::string_view content, const format_list& wanted);
  void format_text(std::uint32_t branch, text_cursor& at, std::uint64_t length, const format_list& wanted);
  /// Deletes so many visible units, of a list of any kind.
  void erase_text(std::uint32_t branch, text_cursor& at, std::uint64_t length);

 private:
  void name_parent(incoming& of, std::uint32_t branch) const;
  void load_formats(std::uint32_t branch, text_cursor& at) const;
  void forward(text_cursor& at) const;
  void skip_deleted(std::uint32_t branch, text_cursor& at) const;
  format_list::entry marker(std::uint32_t index) const;
  void pass_fitting_markers(std::uint32_t branch, text_cursor& at, const format_list& wanted) const;
  format_list open_formats(std::uint32_t branch, text_cursor& at, const format_list& wanted);
  void close_formats(std::uint32_t branch, text_cursor& at, format_list negated);
  void insert_marker(std::uint32_t branch, text_cursor& at, std::string_view key, std::string_view json);
  void clean_gap(std::uint32_t branch, std::uint32_t start, std::uint32_t current, const format_list& before,
                 format_list& now);
  std::uint32_t cut_item(std::uint32_t index, std::uint32_t units);
  bool splits_pair(std::uint32_t index, std::uint32_t units) const;
  bool inside_pair(std::uint32_t branch, std::uint64_t index) const;

  store& data_;
  engine& engine_;
  std::uint32_t client_;
};

}  // namespace octavo::crdt::internal
