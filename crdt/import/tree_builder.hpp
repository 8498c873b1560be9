// Puts what a parser says, in whatever nesting, into a tree that the schema of Tiptap admits: text is in paragraphs,
// items in lists and begin with a paragraph, blocks are never inside a line of text. One owner; the parsers feed it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/import/import.hpp"
#include "crdt/rich_tree.hpp"

namespace octavo::import {

template <std::size_t Size>
bool is_one_of(std::string_view name, const std::array<std::string_view, Size>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// An element of HTML, and the mark that it is.
struct tag_mark {
  std::string_view tag, mark;
};

class tree_builder {
 public:
  explicit tree_builder(const options& options);

  /// The first limit that was passed; what is said from then on is ignored.
  std::optional<crdt::import_errc> failure() const { return failure_; }

  /// Opens a block by Tiptap's name, or what stands for it; close() ends it, in the reverse order. Attributes are those
  /// of the element, as JSON.
  void open(std::string_view name, std::vector<crdt::rich_attribute> attributes = {});
  /// Opens a block that has no node of its own, and only divides text.
  void open_division();
  void close();

  /// A mark that holds from now on; its number ends it. Marks need not nest.
  std::size_t begin_mark(std::string_view name, std::string_view json = "{}");
  void end_mark(std::size_t number);

  /// Text as it is. In code it is taken without marks.
  void text(std::string_view text);
  /// Text of HTML, whose white space is one space or, at the ends of a block, nothing; in code it is as it is.
  void flowing_text(std::string_view text);

  void line_break();
  void rule();
  void image(std::string_view address, std::string_view alt, std::string_view title,
             std::vector<crdt::rich_attribute> more = {});
  void mention(std::string_view id, std::string_view label);

  /// Says whether the task that is open is done.
  void check_task(bool done);
  bool in_code() const { return tree_.is(top(), "codeBlock"); }
  void set_language(std::string_view language);
  /// Says that something nests too deeply that only the parser knows of.
  void nests_too_deep() {
    if (!failure_) failure_ = crdt::import_errc::too_deep;
  }
  /// Removes a line break at the end of the code that is open.
  void trim_code();

  /// The tree, in the names of the schema that was asked for. Ends everything.
  crdt::rich_tree finish();

 private:
  struct open_node {
    std::uint32_t node;
    std::uint32_t before;  // its sibling
    bool implied = false;  // nobody opened it, something in it needed it
    bool emptied = false;  // what it held was moved out of it: without anything else it goes, too
  };
  struct open_mark {
    std::size_t number;
    std::string name;
    std::string json;
  };

  std::uint32_t top() const { return nodes_.back().node; }
  std::string_view top_name() const { return tree_.at(top()).content; }
  bool has(std::string_view name) const { return !options_.without.contains(name); }
  bool deepen();
  std::uint32_t add(std::string_view name, std::vector<crdt::rich_attribute> attributes = {});
  void pop();
  void shrink_to(std::size_t size);
  void end_text();
  void make_room_for_block(std::string_view name);
  void add_implied(std::string_view name);
  void add_opened(std::string_view name, std::vector<crdt::rich_attribute> attributes);
  void divide();
  void open_item(std::string_view name, std::vector<crdt::rich_attribute> attributes);
  void replace_list(std::string_view name);
  bool open_table_part(std::string_view name, std::vector<crdt::rich_attribute> attributes);
  void make_room_for_text();
  void add_text(std::string_view text, const std::vector<std::uint32_t>& marks);
  void flush_space();
  const std::vector<std::uint32_t>& marks();
  std::string_view mark_name(std::string_view name) const;
  void rename();

  const options& options_;
  crdt::rich_tree tree_;
  std::vector<open_node> nodes_;     // the document first
  std::vector<std::size_t> frames_;  // by open block: how many nodes were open around it
  std::vector<open_mark> open_marks_;
  std::vector<std::uint32_t> marks_;  // of text that comes now, if they are known
  bool marks_known_ = false;
  std::size_t next_mark_ = 0;
  bool space_ = false;  // white space that counts only if something follows
  std::vector<std::uint32_t> space_marks_;
  bool line_start_ = true;  // white space here counts not
  std::optional<crdt::import_errc> failure_;
};

/// The options with what their schema implies: prosemirror-schema-basic lacks much.
options completed(const options& given);

/// Text that both parsers take: NUL becomes U+FFFD, a byte order mark goes.
std::string without_nul(std::string_view text);

/// Reads HTML into a builder; in a part of Markdown, which is UTF-8 without NUL, and within the limits of bytes.
void read_html(std::string_view text, std::size_t max_depth, tree_builder& to);

/// The character that HTML has a name for, without & and ;. Empty if there is none.
std::string named_character(std::string_view name);

/// A code point as UTF-8; U+FFFD if it is none.
std::string utf8_of(std::uint32_t code);

}  // namespace octavo::import
