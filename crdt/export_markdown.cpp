// A tree in Tiptap's vocabulary as Markdown: the blocks. Their text is markdown_inline.cpp's business.
#include <algorithm>
#include <array>

#include "crdt/export.hpp"
#include "crdt/internal/markdown_inline.hpp"
#include "crdt/internal/markup.hpp"
#include "crdt/json.hpp"

namespace octavo::crdt {

namespace {

using internal::markdown_inline;
using internal::markdown_place;

bool is_list(std::string_view name) {
  return name == "bulletList" || name == "orderedList" || name == "taskList";
}

// Text that nobody sees. A comment would be a block of HTML, which ends where lists do not.
constexpr std::string_view nothing = "<span></span>";

class markdown_writer {
 public:
  markdown_writer(const rich_tree& tree, std::size_t max_bytes) : tree_(tree), max_bytes_(max_bytes) {}

  export_result<std::string> run() {
    // A list is as loose as the lists in it: what is inside has higher numbers.
    tight_.resize(tree_.size());
    for (auto node = static_cast<std::uint32_t>(tree_.size()); node-- > 0;)
      if (tree_.at(node).kind == rich_kind::element && is_list(tree_.at(node).content)) tight_[node] = is_tight(node);
    open(rich_tree::root);
    while (!stack_.empty()) {
      if (full_ || out_.size() > max_bytes_) return export_errc::too_large;
      const auto node = stack_.back().next;
      if (node == no_node) {
        close();
      } else {
        block(node);
      }
    }
    return std::move(out_);
  }

 private:
  // What an open block puts in front of each line: list items have something of their own in front of the first.
  struct margin {
    std::string first, rest;
    bool started = false;
  };
  struct frame {
    std::uint32_t node;
    std::uint32_t next;  // of the children, the one to come
    bool has_margin = false;
    bool tight = false;       // no empty lines between the blocks
    bool begun = false;       // a block was written
    std::int64_t number = 0;  // of the next item
    char marker = 0;          // of this list
    char last_marker = 0;     // of the list that ends where we are, which another must not continue
  };

  void open(std::uint32_t node) {
    frame next{node, tree_.at(node).first_child};
    // What is no block of its own continues the one around it.
    if (!stack_.empty()) {
      next.tight = stack_.back().tight;
      next.begun = stack_.back().begun;
      next.last_marker = stack_.back().last_marker;
    }
    stack_.push_back(next);
  }

  void open_with_margin(std::uint32_t node, std::string first, std::string rest) {
    open(node);
    stack_.back().has_margin = true;
    stack_.back().begun = false;
    stack_.back().tight = false;
    stack_.back().last_marker = 0;
    margins_.push_back({std::move(first), std::move(rest)});
  }

  void close() {
    const frame top = stack_.back();
    stack_.pop_back();
    if (top.has_margin) {
      // An item with nothing in it is still one. Within others some parsers do not see it, unless there is something.
      if (!margins_.back().started) line(margins_.size() > 1 ? nothing : "");
      margins_.pop_back();
      if (!stack_.empty()) stack_.back().begun = true;
    } else if (!stack_.empty()) {
      stack_.back().begun = stack_.back().begun || top.begun;
      stack_.back().last_marker = top.marker != 0 ? top.marker : top.last_marker;
    }
  }

  // Writes one line behind the margins of all that is open.
  void line(std::string_view text) {
    for (auto& each : margins_) {
      out_ += each.started ? each.rest : each.first;
      each.started = true;
    }
    out_ += text;
    if (text.empty())
      while (!out_.empty() && out_.back() == ' ') out_.pop_back();
    out_ += '\n';
  }

  void lines(std::string_view text) {
    for (;;) {
      const auto end = text.find('\n');
      line(text.substr(0, end));
      if (end == std::string_view::npos) return;
      text.remove_prefix(end + 1);
    }
  }

  // What stands between the last block and the next.
  void separate() {
    frame& top = stack_.back();
    if (top.begun && !top.tight) line({});
    top.begun = true;
  }

  void block(std::uint32_t node) {
    if (internal::is_inline_element(tree_, node) || tree_.is(node, "image") ||
        (internal::is_medium(tree_.at(node).content) && tree_.at(node).kind == rich_kind::element))
      return inline_run(node);
    frame& top = stack_.back();
    top.next = tree_.at(node).next;
    const std::string_view name = tree_.at(node).content;
    if (is_nothing(node)) return;
    if (is_list(name)) return list(node);
    if (name == "listItem" || name == "taskItem") return item(node);
    if (is_transparent(node)) return open(node);
    top.last_marker = 0;
    if (internal::is_text_block(name)) return text_block(node);
    if (name == "codeBlock") return code_block(node);
    if (name == "table") return table(node);
    if (name == "horizontalRule") {
      separate();
      return line("___");
    }
    if (name == "blockquote") {
      separate();
      return open_with_margin(node, "> ", "> ");
    }
    unknown(node);
  }

  // Whether an element is nothing but what is in it.
  bool is_transparent(std::uint32_t node) const {
    static constexpr std::array<std::string_view, 4> names = {"codeBlock", "table", "horizontalRule", "blockquote"};
    const std::string_view name = tree_.at(node).content;
    if (internal::is_text_block(name) || std::find(names.begin(), names.end(), name) != names.end()) return false;
    return tree_.at(node).first_child != no_node || tree_.at(node).attributes.empty();
  }

  // Text and the like that stand among blocks: a paragraph, up to the next block.
  void inline_run(std::uint32_t first) {
    auto end = first;
    do {
      end = tree_.at(end).next;
    } while (end != no_node && internal::is_inline_element(tree_, end));
    stack_.back().next = end;
    stack_.back().last_marker = 0;
    paragraph(first, end);
  }

  void paragraph(std::uint32_t first, std::uint32_t end) {
    auto text = markdown_inline(tree_, first, end, markdown_place::paragraph);
    // Markdown has no empty paragraphs.
    if (text.empty()) return;
    // A tag with nothing behind it would make a block of HTML, of the lines below too.
    if (text == "<br>") text += nothing;
    separate();
    lines(text);
  }

  void text_block(std::uint32_t node) {
    if (!tree_.is(node, "heading")) return paragraph(tree_.at(node).first_child, no_node);
    separate();
    const auto level = std::clamp<std::int64_t>(tree_.integer_of(node, "level").value_or(1), 1, 6);
    const auto text = markdown_inline(tree_, tree_.at(node).first_child, no_node, markdown_place::heading);
    line(std::string(static_cast<std::size_t>(level), '#') + (text.empty() ? "" : " ") + text);
  }

  void code_block(std::uint32_t node) {
    std::string text;
    for (auto each = tree_.following(node, node); each != no_node; each = tree_.following(each, node)) {
      if (tree_.at(each).kind != rich_kind::element) text += tree_.at(each).content;
      if (tree_.is(each, "hardBreak")) text += '\n';
    }
    // Lines end at carriage returns, too: what follows would be without a margin.
    std::string code;
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (text[at] == '\r') {
        if (at + 1 == text.size() || text[at + 1] != '\n') code += '\n';
      } else {
        code += text[at];
      }
    }
    separate();
    const std::string fence(std::max<std::size_t>(3, internal::longest_run(code, '`') + 1), '`');
    line(fence + internal::markdown_info(tree_.text_of(node, "language").value_or("")));
    if (!code.empty()) lines(code);
    line(fence);
  }

  // --- lists

  // A block that cannot be written without an empty line in front if it follows a line of text.
  bool needs_space(std::uint32_t node) const {
    if (tree_.at(node).kind != rich_kind::element || !is_list(tree_.at(node).content) || !tight_[node]) return true;
    if (tree_.is(node, "orderedList") && number_of(node) != 1) return true;
    return !begins_with_text(tree_.at(node).first_child);
  }

  // The first of its blocks that will be written; no_node if there is none.
  std::uint32_t first_block(std::uint32_t item) const {
    auto first = tree_.at(item).first_child;
    while (first != no_node && is_nothing(first)) first = tree_.at(first).next;
    return first;
  }

  bool begins_with_text(std::uint32_t item) const {
    const auto first = first_block(item);
    return first != no_node && tree_.is(first, "paragraph");
  }

  std::int64_t number_of(std::uint32_t list) const {
    return std::clamp<std::int64_t>(tree_.integer_of(list, "start").value_or(1), 0, 999'999'999);
  }

  bool is_tight(std::uint32_t list) const {
    for (auto item = tree_.at(list).first_child; item != no_node; item = tree_.at(item).next) {
      bool first = true;
      for (auto each = tree_.at(item).first_child; each != no_node; each = tree_.at(each).next) {
        if (is_nothing(each)) continue;
        if (first ? !tree_.is(each, "paragraph") : needs_space(each)) return false;
        first = false;
      }
    }
    return true;
  }

  // Nothing will be written for it: Markdown has no empty paragraphs, and no lists without items.
  bool is_nothing(std::uint32_t node) const {
    const rich_node& each = tree_.at(node);
    return each.kind == rich_kind::element && each.first_child == no_node &&
           (each.content == "paragraph" || is_list(each.content));
  }

  void list(std::uint32_t node) {
    // A list right behind another of its kind has another marker, or it would continue that.
    const char last = stack_.back().last_marker;
    separate();
    stack_.back().begun = false;
    open(node);
    frame& top = stack_.back();
    top.tight = tight_[node];
    top.number = number_of(node);
    if (tree_.is(node, "orderedList")) {
      top.marker = last == '.' ? ')' : '.';
    } else {
      top.marker = last == '-' ? '*' : '-';
    }
  }

  void item(std::uint32_t node) {
    separate();
    frame& list = stack_.back();
    const bool tight = list.tight;
    std::string marker(1, list.marker == 0 ? '-' : list.marker);
    if (list.marker == '.' || list.marker == ')')
      marker = std::to_string(std::min<std::int64_t>(list.number++, 999'999'999)) + marker;
    marker += ' ';
    const std::string rest(marker.size(), ' ');
    if (tree_.is(node, "taskItem")) marker += tree_.is_true(node, "checked") ? "[x] " : "[ ] ";
    open_with_margin(node, marker, rest);
    stack_.back().tight = tight;
    // Only text can follow a box, and a list right behind another's marker is not read alike by all parsers.
    const auto first = first_block(node);
    const bool list_first =
        first != no_node && tree_.at(first).kind == rich_kind::element && is_list(tree_.at(first).content);
    if (tree_.is(node, "taskItem") ? begins_with_text(node) : !list_first) return;
    line(nothing);
    stack_.back().begun = true;
  }

  // --- tables

  void table(std::uint32_t node) {
    std::size_t columns = 0;
    for_rows(node, [&](std::uint32_t row) {
      std::size_t cells = 0;
      for (auto cell = tree_.at(row).first_child; cell != no_node; cell = tree_.at(cell).next) ++cells;
      columns = std::max(columns, cells);
    });
    if (columns == 0) return;
    separate();
    bool head = true;
    for_rows(node, [&](std::uint32_t row) {
      if (full_) return;
      std::string text = "|";
      std::size_t cells = 0;
      for (auto cell = tree_.at(row).first_child; cell != no_node; cell = tree_.at(cell).next, ++cells)
        text += " " + markdown_inline(tree_, cell, tree_.at(cell).next, markdown_place::cell) + " |";
      // Rows may be shorter than the first one, which says how many columns there are.
      for (; head && cells < columns; ++cells) text += " |";
      full_ = out_.size() + text.size() > max_bytes_;
      if (full_) return;
      line(text);
      if (!head) return;
      head = false;
      text = "|";
      for (std::size_t i = 0; i < columns; ++i) text += " --- |";
      line(text);
    });
  }

  template <class Function>
  void for_rows(std::uint32_t table, Function function) const {
    for (auto row = tree_.at(table).first_child; row != no_node; row = tree_.at(row).next)
      if (tree_.is(row, "tableRow")) function(row);
  }

  // An element that has values only, and no name that we know: HTML keeps it.
  void unknown(std::uint32_t node) {
    separate();
    std::string text = "<div";
    internal::append_html_attribute("data-type", tree_.at(node).content, text);
    std::string values;
    for (const auto& each : tree_.at(node).attributes) {
      if (each.json.empty()) continue;
      values += values.empty() ? '{' : ',';
      append_json_string(each.name, values);
      values += ':';
      values += each.json;
    }
    if (!values.empty()) internal::append_html_attribute("data-attrs", values + '}', text);
    // A line break or an empty line would end it.
    std::replace(text.begin(), text.end(), '\n', ' ');
    line(text + "></div>");
  }

  const rich_tree& tree_;
  std::size_t max_bytes_;
  std::string out_;
  bool full_ = false;  // something was left out, as it would pass max_bytes_
  std::vector<frame> stack_;
  std::vector<margin> margins_;
  std::vector<bool> tight_;  // by node: of a list, whether it has no empty lines
};

}  // namespace

export_result<std::string> markdown(const document& from, std::string_view root, const export_options& options) {
  auto tree = read_rich_tree(from, root, options);
  if (!tree) return tree.error();
  return markdown_writer(canonical_tree(*tree), options.max_bytes).run();
}

}  // namespace octavo::crdt
