// A tree as the JSON of ProseMirror.
#include "crdt/export.hpp"
#include "crdt/json.hpp"

namespace octavo::crdt {

namespace {

class json_printer {
 public:
  json_printer(const rich_tree& tree, std::size_t max_bytes) : tree_(tree), max_bytes_(max_bytes) {}

  export_result<std::string> run() {
    out_ = "{\"type\":\"doc\",\"content\":[";
    std::uint32_t node = tree_.at(rich_tree::root).first_child;
    // Goes through the tree by its links: down to children, on to siblings, up where there are none.
    while (node != no_node) {
      if (out_.size() > max_bytes_) return export_errc::too_large;
      if (open(node)) {
        node = tree_.at(node).first_child;
        continue;
      }
      while (node != rich_tree::root && tree_.at(node).next == no_node) {
        node = tree_.at(node).parent;
        if (node != rich_tree::root) close(node);
      }
      if (node == rich_tree::root) break;
      node = tree_.at(node).next;
    }
    out_ += "]}";
    if (out_.size() > max_bytes_) return export_errc::too_large;
    return std::move(out_);
  }

 private:
  bool is_top(std::uint32_t node) const { return tree_.at(node).parent == rich_tree::root; }

  void comma() {
    if (out_.back() != '[') out_ += ',';
  }

  // Returns whether it has children that come next.
  bool open(std::uint32_t number) {
    const rich_node& node = tree_.at(number);
    switch (node.kind) {
      case rich_kind::group:
        // y-prosemirror joins the list of a text's runs to those around it, except at the top.
        if (is_top(number)) {
          comma();
          out_ += '[';
          if (node.first_child == no_node) out_ += ']';
        }
        return node.first_child != no_node;
      case rich_kind::element:
        comma();
        element(node);
        if (node.first_child == no_node) out_ += '}';
        return node.first_child != no_node;
      default:
        comma();
        run(node);
        return false;
    }
  }

  void close(std::uint32_t number) {
    if (tree_.at(number).kind == rich_kind::element) {
      out_ += "]}";
    } else if (is_top(number)) {
      out_ += ']';
    }
  }

  void element(const rich_node& node) {
    out_ += "{\"type\":";
    append_json_string(node.content, out_);
    if (!node.attributes.empty()) {
      out_ += ",\"attrs\":{";
      bool first = true;
      for (const auto& each : node.attributes) {
        if (each.json.empty()) continue;
        if (!first) out_ += ',';
        first = false;
        append_json_string(each.name, out_);
        out_ += ':';
        out_ += each.json;
      }
      out_ += '}';
    }
    if (node.first_child != no_node) out_ += ",\"content\":[";
  }

  void run(const rich_node& node) {
    out_ += "{\"type\":\"text\",\"text\":";
    if (node.kind == rich_kind::text) {
      append_json_string(node.content, out_);
    } else {
      out_ += node.content;
    }
    if (node.marked) {
      out_ += ",\"marks\":[";
      for (const auto number : node.marks) {
        comma();
        out_ += "{\"type\":";
        append_json_string(tree_.mark(number).name, out_);
        out_ += ",\"attrs\":";
        out_ += tree_.mark(number).json;
        out_ += '}';
        if (out_.size() > max_bytes_) return;
      }
      out_ += ']';
    }
    out_ += '}';
  }

  const rich_tree& tree_;
  std::size_t max_bytes_;
  std::string out_;
};

}  // namespace

export_result<std::string> prosemirror_json(const document& from, std::string_view root,
                                            const export_options& options) {
  auto tree = read_rich_tree(from, root, options);
  if (!tree) return tree.error();
  if (tree->is(rich_tree::root, text_root)) return json_printer(canonical_tree(*tree), options.max_bytes).run();
  return json_printer(*tree, options.max_bytes).run();
}

}  // namespace octavo::crdt
