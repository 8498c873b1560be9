// A rich text as a tree of nodes: what export.hpp and import.hpp turn into a format and make of one. It is
// ProseMirror's model, with values as JSON text: elements with a name and attributes, and texts with marks. Two
// vocabularies of names occur in it: a document's own, and Tiptap's, to which canonical_tree() translates those of
// other editors, so that a format has to know one only. A value without shared state; one owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace octavo::crdt {

/// A name and its value as JSON text. An empty value stands for JavaScript's `undefined`.
struct rich_attribute {
  std::string name;
  std::string json;
};

/// What a text is marked as: a name and, as JSON text, the mark's attributes, mostly an object.
struct rich_mark {
  std::string name;
  std::string json;
};

enum class rich_kind : std::uint8_t {
  element,  ///< a node with a name, attributes and children
  text,     ///< a run of text with the same marks
  embed,    ///< something within a text that is none, such as an object of an editor's
  group,    ///< texts and embeds that one shared text holds
};

/// Stands for "no node".
inline constexpr std::uint32_t no_node = UINT32_MAX;

/// The name of the root of a tree that was read from a text with formats, as Quill writes it; else it is "doc".
inline constexpr std::string_view text_root = "text";

struct rich_node {
  rich_kind kind = rich_kind::element;
  /// Whether a text has marks, be they such that JavaScript cannot show (__proto__).
  bool marked = false;
  std::uint32_t parent = no_node;
  std::uint32_t first_child = no_node;
  std::uint32_t last_child = no_node;
  std::uint32_t next = no_node;
  /// An element's name, a text's characters, an embed's JSON text.
  std::string content;
  std::vector<rich_attribute> attributes;
  std::vector<std::uint32_t> marks;  ///< numbers of the tree's marks
};

/// The tree: nodes by number, of which 0 is the document.
class rich_tree {
 public:
  static constexpr std::uint32_t root = 0;

  rich_tree();

  std::size_t size() const { return nodes_.size(); }
  rich_node& at(std::uint32_t node) { return nodes_[node]; }
  const rich_node& at(std::uint32_t node) const { return nodes_[node]; }

  /// Appends a node to the children of another. Invalidates references to nodes.
  std::uint32_t add(std::uint32_t parent, rich_node node);
  std::uint32_t add_element(std::uint32_t parent, std::string_view name);
  std::uint32_t add_text(std::uint32_t parent, std::string_view text, std::vector<std::uint32_t> marks = {});

  /// The number of a mark; equal marks have the same.
  std::uint32_t mark(std::string_view name, std::string_view json);
  const rich_mark& mark(std::uint32_t number) const { return marks_[number]; }
  std::size_t mark_count() const { return marks_.size(); }

  /// The node after this one in the order of the document, without its children if `over` is set, within a subtree;
  /// no_node at its end.
  std::uint32_t following(std::uint32_t node, std::uint32_t within, bool over = false) const;

  bool is(std::uint32_t node, std::string_view name) const {
    return nodes_[node].kind == rich_kind::element && nodes_[node].content == name;
  }

  /// Sets an attribute, given as JSON text or as a string.
  void set(std::uint32_t node, std::string_view name, std::string_view json);
  void set_string(std::uint32_t node, std::string_view name, std::string_view value);

  /// The JSON text of an attribute; empty if there is none.
  std::string_view json_of(std::uint32_t node, std::string_view name) const;
  /// An attribute as text: a string's characters, a number's digits; nothing for null and what has no text.
  std::optional<std::string> text_of(std::uint32_t node, std::string_view name) const;
  std::optional<std::int64_t> integer_of(std::uint32_t node, std::string_view name) const;
  bool is_true(std::uint32_t node, std::string_view name) const { return json_of(node, name) == "true"; }

 private:
  std::vector<rich_node> nodes_;
  std::vector<rich_mark> marks_;
  std::map<std::pair<std::string, std::string>, std::uint32_t> mark_numbers_;
};

/// A JSON text as text: a string's characters, a number's digits, "true" and "false"; nothing for the rest.
std::optional<std::string> json_to_text(std::string_view json);
std::optional<std::int64_t> json_to_integer(std::string_view json);
/// A member of a JSON object as JSON text; empty if there is none.
std::string json_member(std::string_view json, std::string_view name);
/// A JSON string of a text.
std::string json_string(std::string_view text);

/// The same content in Tiptap's vocabulary: the names of prosemirror-schema-basic, prosemirror-schema-list and
/// BlockNote are translated, BlockNote's groups become nested lists, a Quill text becomes blocks. What nobody knows
/// stays as it is. Linear time, no recursion.
rich_tree canonical_tree(const rich_tree& tree);

}  // namespace octavo::crdt
