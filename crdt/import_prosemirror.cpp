// The JSON of ProseMirror as a tree. The text is checked as a whole first; then one pass reads it, with a stack of its
// own for nodes that nest.
#include "crdt/import.hpp"
#include "crdt/internal/render.hpp"
#include "crdt/json.hpp"

namespace octavo::crdt {

namespace {

// Moves over valid JSON.
class json_cursor {
 public:
  explicit json_cursor(std::string_view text) : text_(text) {}

  std::size_t offset() const { return at_; }

  char peek() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  /// Steps over a character if it comes next.
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  /// The text of the value that comes next.
  std::string_view value() {
    peek();
    const auto from = at_;
    std::size_t depth = 0;
    do {
      const char c = text_[at_];
      if (c == '"') {
        for (++at_; text_[at_] != '"'; ++at_)
          if (text_[at_] == '\\') ++at_;
        ++at_;
      } else if (c == '{' || c == '[') {
        ++depth;
        ++at_;
      } else if (c == '}' || c == ']') {
        --depth;
        ++at_;
      } else if (depth == 0) {
        while (at_ < text_.size() && std::string_view(",]} \t\r\n").find(text_[at_]) == std::string_view::npos) ++at_;
      } else {
        ++at_;
      }
    } while (depth != 0);
    return text_.substr(from, at_ - from);
  }

  std::string key() {
    auto name = unescape_json_string(value());
    take(':');
    return name;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

class document_reader {
 public:
  document_reader(std::string_view json, const import_options& options) : in_(json), options_(options) {}

  import_result<rich_tree> run() {
    if (!in_.take('{')) return import_error{import_errc::bad_document, in_.offset()};
    stack_.push_back({rich_tree::root, frame_kind::node});
    while (!stack_.empty() && !error_) {
      if (stack_.back().kind == frame_kind::node) {
        member();
      } else {
        child();
      }
    }
    if (error_) return *error_;
    return std::move(tree_);
  }

 private:
  enum class frame_kind : std::uint8_t { node, content, group };
  struct frame {
    std::uint32_t node;
    frame_kind kind;
    bool typed = false;  // the node's type was read
    bool text = false;
    bool embed = false;
    std::string characters;
  };

  void fail(import_errc code, std::size_t offset) {
    if (!error_) error_ = import_error{code, offset};
  }

  bool count() {
    if (++nodes_ <= options_.max_nodes) return true;
    fail(import_errc::too_many_nodes, in_.offset());
    return false;
  }

  // A member of the node that is open, or its end.
  void member() {
    if (in_.take('}')) return close();
    in_.take(',');
    const auto name = in_.key();
    const auto at = in_.offset();
    if (name == "content" && in_.peek() == '[') {
      in_.take('[');
      stack_.push_back({stack_.back().node, frame_kind::content});
      return;
    }
    const auto value = in_.value();
    frame& top = stack_.back();
    if (name == "type") {
      if (value[0] != '"') return fail(import_errc::bad_document, at);
      const auto type = unescape_json_string(value);
      top.typed = true;
      top.text = type == "text";
      if (top.node != rich_tree::root) tree_.at(top.node).content = type;
    } else if (name == "text") {
      // So y-prosemirror shows what is embedded in a text.
      top.embed = value[0] == '{';
      if (value[0] != '"' && !top.embed) return fail(import_errc::bad_document, at);
      if (top.embed && !shallow(value, at)) return;
      top.characters = top.embed ? std::string(value) : unescape_json_string(value);
    } else if (name == "attrs") {
      attributes(value, at);
    } else if (name == "marks") {
      marks(value, at);
    } else if (name == "content" && value != "null") {
      fail(import_errc::bad_document, at);
    }
  }

  void close() {
    frame& top = stack_.back();
    rich_node& node = tree_.at(top.node);
    const bool root = top.node == rich_tree::root;
    if (!top.typed || (top.text && (root || node.first_child != no_node)))
      return fail(import_errc::bad_document, in_.offset());
    if (top.text) {
      node.kind = top.embed ? rich_kind::embed : rich_kind::text;
      node.content = std::move(top.characters);
      node.attributes.clear();
    } else {
      // y-prosemirror keeps no marks of nodes.
      node.marks.clear();
    }
    if (root && in_.peek() != '\0') return fail(import_errc::bad_document, in_.offset());
    stack_.pop_back();
  }

  // An entry of the list of children that is open, or its end.
  void child() {
    if (in_.take(']')) {
      stack_.pop_back();
      return;
    }
    in_.take(',');
    const auto parent = stack_.back().node;
    if (in_.take('{')) {
      if (stack_.size() > 2 * options_.max_depth) return fail(import_errc::too_deep, in_.offset());
      if (!count()) return;
      stack_.push_back({tree_.add(parent, {}), frame_kind::node});
    } else if (stack_.back().kind == frame_kind::content && in_.take('[')) {
      // So y-prosemirror writes texts at the top.
      rich_node group;
      group.kind = rich_kind::group;
      stack_.push_back({tree_.add(parent, std::move(group)), frame_kind::group});
    } else {
      fail(import_errc::bad_document, in_.offset());
    }
  }

  bool shallow(std::string_view value, std::size_t at) {
    std::size_t values = 0;
    const auto error = validate_json(value, values, default_max_depth - 2);
    if (error) fail(import_errc::too_deep, at + error->offset);
    return !error;
  }

  void attributes(std::string_view value, std::size_t at) {
    if (value == "null") return;
    if (value[0] != '{') return fail(import_errc::bad_document, at);
    if (!shallow(value, at)) return;
    auto& node = tree_.at(stack_.back().node);
    if (stack_.back().node == rich_tree::root) return;
    std::map<std::string, std::size_t> places;
    for (auto& [name, json] : internal::json_members(value)) {
      if (!count()) return;
      const auto [place, fresh] = places.try_emplace(name, node.attributes.size());
      if (fresh) {
        node.attributes.push_back({name, std::move(json)});
      } else {
        node.attributes[place->second].json = std::move(json);
      }
    }
  }

  void marks(std::string_view value, std::size_t at) {
    if (value == "null") return;
    if (value[0] != '[') return fail(import_errc::bad_document, at);
    if (!shallow(value, at)) return;
    for (const auto& [index, mark] : internal::json_members(value)) {
      if (!count()) return;
      std::string name;
      std::string attributes = "{}";
      for (auto& [key, json] : internal::json_members(mark)) {
        if (key == "type") name = json[0] == '"' ? unescape_json_string(json) : std::string();
        if (key == "attrs" && json != "null") attributes = std::move(json);
      }
      if (name.empty()) return fail(import_errc::bad_document, at);
      tree_.at(stack_.back().node).marks.push_back(tree_.mark(name, attributes));
    }
    tree_.at(stack_.back().node).marked = !tree_.at(stack_.back().node).marks.empty();
  }

  json_cursor in_;
  const import_options& options_;
  rich_tree tree_;
  std::vector<frame> stack_;
  std::size_t nodes_ = 0;
  std::optional<import_error> error_;
};

}  // namespace

import_result<bytes> import_prosemirror_json(std::string_view json, const import_options& options) {
  if (const auto error = check_import(json, options)) return *error;
  std::size_t values = 0;
  // Each node is an object in a list.
  if (const auto error = validate_json(json, values, 2 * options.max_depth + default_max_depth)) {
    const bool deep = error->code == decode_errc::too_deep;
    return import_error{deep ? import_errc::too_deep : import_errc::bad_json, error->offset};
  }
  auto tree = document_reader(json, options).run();
  if (!tree) return tree.error();
  return encode_rich_tree(*tree, options);
}

}  // namespace octavo::crdt
