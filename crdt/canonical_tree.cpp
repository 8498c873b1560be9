// From the vocabularies of editors to Tiptap's. Names that mean the same are translated by tables; what needs more is
// BlockNote's structure, which keeps lists flat and nests by groups, and Quill's, which has lines with formats.
#include <algorithm>
#include <array>

#include "crdt/internal/render.hpp"
#include "crdt/json.hpp"
#include "crdt/rich_tree.hpp"

namespace octavo::crdt {

namespace {

using name_pair = std::pair<std::string_view, std::string_view>;

constexpr std::array node_names = {
    name_pair{"bullet_list", "bulletList"},
    name_pair{"ordered_list", "orderedList"},
    name_pair{"list_item", "listItem"},
    name_pair{"code_block", "codeBlock"},
    name_pair{"horizontal_rule", "horizontalRule"},
    name_pair{"hard_break", "hardBreak"},
    name_pair{"table_row", "tableRow"},
    name_pair{"table_cell", "tableCell"},
    name_pair{"table_header", "tableHeader"},
    name_pair{"tableParagraph", "paragraph"},
    name_pair{"divider", "horizontalRule"},
    name_pair{"task_list", "taskList"},
    name_pair{"task_item", "taskItem"},
};
constexpr std::array mark_names = {
    name_pair{"strong", "bold"},
    name_pair{"em", "italic"},
    name_pair{"strikethrough", "strike"},
};
// BlockNote's kinds of blocks that are items of lists, and the list and item that they become.
struct list_names {
  std::string_view block, list, item;
};
constexpr std::array block_lists = {
    list_names{"bulletListItem", "bulletList", "listItem"},
    list_names{"toggleListItem", "bulletList", "listItem"},
    list_names{"numberedListItem", "orderedList", "listItem"},
    list_names{"checkListItem", "taskList", "taskItem"},
};

template <std::size_t Size>
std::string_view translated(const std::array<name_pair, Size>& table, std::string_view name) {
  for (const auto& [from, to] : table)
    if (from == name) return to;
  return name;
}

const list_names* list_of(std::string_view block) {
  for (const auto& each : block_lists)
    if (each.block == block) return &each;
  return nullptr;
}

// An object with one member, as JSON.
std::string object_of(std::string_view name, std::string_view json) {
  return "{" + json_string(name) + ":" + std::string(json) + "}";
}

// Translates marks, each once however often it occurs.
class mark_translator {
 public:
  mark_translator(const rich_tree& from, rich_tree& to) : from_(from), to_(to) {
    numbers_.assign(from.mark_count(), no_node);
  }

  std::uint32_t operator()(std::uint32_t number) {
    auto& known = numbers_[number];
    if (known == no_node) known = translate(from_.mark(number));
    return known;
  }

  std::vector<std::uint32_t> operator()(const std::vector<std::uint32_t>& marks) {
    std::vector<std::uint32_t> out;
    out.reserve(marks.size());
    for (const auto each : marks) out.push_back((*this)(each));
    return out;
  }

 private:
  std::uint32_t translate(const rich_mark& mark) {
    const auto name = translated(mark_names, mark.name);
    const std::string_view json = mark.json;
    const bool object = !json.empty() && json[0] == '{';
    if (object) {
      // BlockNote's styles have their value in a member of that name.
      const bool text = name == "textColor";
      if (!text && name != "backgroundColor") return to_.mark(name, json);
      const auto value = json_member(json, "stringValue");
      return to_.mark("textStyle", object_of(text ? "color" : "backgroundColor", value.empty() ? "null" : value));
    }
    // From here on Quill's: a format's value is mostly not an object.
    if (name == "link") return to_.mark("link", object_of("href", json));
    if (name == "color") return to_.mark("textStyle", object_of("color", json));
    if (name == "background") return to_.mark("textStyle", object_of("backgroundColor", json));
    if (name == "font") return to_.mark("textStyle", object_of("fontFamily", json));
    if (name == "size") return to_.mark("textStyle", object_of("fontSize", json));
    if (name == "script") return to_.mark(json == "\"sub\"" ? "subscript" : "superscript", "{}");
    if (json == "true") return to_.mark(name, "{}");
    return to_.mark(name, object_of("value", json));
  }

  const rich_tree& from_;
  rich_tree& to_;
  std::vector<std::uint32_t> numbers_;
};

// Elements that hold blocks: text that lies there without a paragraph gets one.
bool holds_blocks(const rich_tree& tree, std::uint32_t node) {
  static constexpr std::array<std::string_view, 11> names = {"doc",       "blockquote",  "bulletList", "orderedList",
                                                             "listItem",  "taskList",    "taskItem",   "table",
                                                             "tableCell", "tableHeader", "tableRow"};
  return tree.at(node).kind == rich_kind::element &&
         std::find(names.begin(), names.end(), tree.at(node).content) != names.end();
}

/// The tree of an XML fragment in Tiptap's vocabulary; one frame for each level that is open.
class tree_translator {
 public:
  explicit tree_translator(const rich_tree& from) : from_(from), marks_(from, to_) {}

  rich_tree run() {
    open(rich_tree::root, rich_tree::root);
    while (!stack_.empty()) {
      const auto node = stack_.back().next;
      if (node == no_node) {
        stack_.pop_back();
        continue;
      }
      stack_.back().next = from_.at(node).next;
      child(node);
    }
    return std::move(to_);
  }

 private:
  struct frame {
    std::uint32_t next;                // of the children, the one to come
    std::uint32_t into;                // in the new tree
    std::uint32_t list = no_node;      // that BlockNote's items at this level go to
    bool item = false;                 // these are the parts of one of BlockNote's items
    const list_names* kind = nullptr;  // of the list
  };

  void open(std::uint32_t node, std::uint32_t into, bool item = false) {
    stack_.push_back({from_.at(node).first_child, into, no_node, item, nullptr});
  }

  void child(std::uint32_t number) {
    const rich_node& node = from_.at(number);
    const auto into = stack_.back().into;
    const bool item = stack_.back().item;
    if (node.kind == rich_kind::group) {
      if (node.first_child != no_node)
        open(number, holds_blocks(to_, into) ? to_.add_element(into, "paragraph") : into);
      return;
    }
    if (node.kind != rich_kind::element) {
      rich_node copy;
      copy.kind = node.kind;
      copy.content = node.content;
      copy.marked = node.marked;
      copy.marks = marks_(node.marks);
      to_.add(into, std::move(copy));
      return;
    }
    if (node.content == "blockContainer") return container(number);
    stack_.back().list = no_node;
    // What is nested below a block that is no item stays together.
    const bool nested = from_.is(node.parent, "blockContainer") && !item;
    if (node.content == "blockGroup" && !nested) return open(number, into);
    if (item && list_of(node.content) != nullptr) return open(number, add(number, into, "paragraph"));
    element(number, into);
  }

  // One of BlockNote's blocks: its content and, perhaps, a group of others that are nested below.
  void container(std::uint32_t number) {
    const auto first = from_.at(number).first_child;
    const auto* kind =
        first != no_node && from_.at(first).kind == rich_kind::element ? list_of(from_.at(first).content) : nullptr;
    frame& top = stack_.back();
    if (kind == nullptr) {
      top.list = no_node;
      return open(number, top.into);
    }
    const bool restarts = kind->list == "orderedList" && from_.integer_of(first, "start").has_value();
    if (top.list == no_node || top.kind->list != kind->list || restarts) {
      top.list = to_.add_element(top.into, kind->list);
      if (restarts) to_.set(top.list, "start", from_.json_of(first, "start"));
      top.kind = kind;
    }
    const auto item = to_.add_element(top.list, kind->item);
    if (kind->list == "taskList") to_.set(item, "checked", from_.is_true(first, "checked") ? "true" : "false");
    open(number, item, true);
  }

  // Adds an element with its attributes, by Tiptap's names for them.
  std::uint32_t add(std::uint32_t number, std::uint32_t into, std::string_view name) {
    const auto node = to_.add_element(into, name);
    for (const auto& each : from_.at(number).attributes) attribute(node, each);
    return node;
  }

  void attribute(std::uint32_t node, const rich_attribute& each) {
    if (each.json.empty()) return;
    std::string_view name = each.name;
    if (name == "order" && to_.is(node, "orderedList")) name = "start";
    if (name == "params" && to_.is(node, "codeBlock")) name = "language";
    if (name == "textAlignment") name = "textAlign";
    const bool is_default = each.json == "\"default\"" || (name == "textAlign" && each.json == "\"left\"");
    if ((name == "textColor" || name == "backgroundColor" || name == "textAlign") && is_default) return;
    to_.at(node).attributes.push_back({std::string(name), each.json});
  }

  void element(std::uint32_t number, std::uint32_t into) {
    const rich_node& node = from_.at(number);
    const auto name = translated(node_names, node.content);
    if (name == "quote") {
      // BlockNote's quotes hold text, Tiptap's paragraphs.
      const auto quote = to_.add_element(into, "blockquote");
      return open(number, add(number, quote, "paragraph"));
    }
    if (const auto* list = list_of(name)) {
      // Only to be found in a container; whoever put it elsewhere meant a list all the same.
      const auto item = to_.add_element(to_.add_element(into, list->list), list->item);
      return open(number, add(number, item, "paragraph"));
    }
    const auto copy = add(number, into, name);
    if (name == "image" && !from_.json_of(number, "url").empty()) {
      to_.set(copy, "src", from_.json_of(number, "url"));
      const auto caption = from_.text_of(number, "caption").value_or("");
      if (!caption.empty()) to_.set_string(copy, "title", caption);
      to_.set_string(copy, "alt", caption.empty() ? from_.text_of(number, "name").value_or("") : caption);
    }
    open(number, copy);
  }

  const rich_tree& from_;
  rich_tree to_;
  mark_translator marks_;
  std::vector<frame> stack_;
};

/// The lines of a Quill text as blocks. A line's formats are those of the line break at its end.
class line_translator {
 public:
  explicit line_translator(const rich_tree& from) : from_(from), marks_(from, to_) {}

  rich_tree run() {
    const auto group = from_.at(rich_tree::root).first_child;
    if (group == no_node) return std::move(to_);
    for (auto run = from_.at(group).first_child; run != no_node; run = from_.at(run).next) {
      const rich_node& node = from_.at(run);
      if (node.kind == rich_kind::text) {
        text(node);
      } else {
        embed(node);
      }
    }
    if (!line_.empty()) end_line({});
    return std::move(to_);
  }

 private:
  struct formats {
    std::string_view header, list, align, table, code;
    bool quote = false;
    std::int64_t indent = 0;
    bool right_to_left = false;
  };
  struct open_list {
    std::int64_t indent;
    std::string_view kind;
    std::uint32_t list;
    std::uint32_t item;
  };

  void text(const rich_node& run) {
    std::optional<formats> of_line;
    std::string_view rest = run.content;
    for (;;) {
      const auto at = rest.find('\n');
      piece(rich_kind::text, rest.substr(0, at), run);
      if (at == std::string_view::npos) return;
      if (!of_line) of_line = line_formats(run);
      end_line(*of_line);
      rest.remove_prefix(at + 1);
    }
  }

  void piece(rich_kind kind, std::string_view content, const rich_node& run) {
    if (content.empty()) return;
    rich_node next;
    next.kind = kind;
    next.content = content;
    next.marks = marks_(run.marks);
    next.marked = !next.marks.empty();
    line_.push_back(std::move(next));
  }

  // Quill's embeds are objects with one member, their kind.
  void embed(const rich_node& run) {
    const auto members = internal::json_members(run.content);
    if (members.empty() || run.content[0] != '{') return piece(rich_kind::embed, run.content, run);
    const auto& [kind, value] = members.front();
    rich_node next;
    next.marks = marks_(run.marks);
    next.content = kind;
    if (kind == "image" || kind == "video") {
      next.attributes.push_back({"src", value});
      // What others keep as attributes Quill keeps as formats.
      next.marks.clear();
      for (const auto number : run.marks) {
        const auto& mark = from_.mark(number);
        if (mark.name == "alt" || mark.name == "width" || mark.name == "height") {
          next.attributes.push_back({mark.name, mark.json});
        } else {
          next.marks.push_back(marks_(number));
        }
      }
    } else if (kind == "formula") {
      next.attributes.push_back({"latex", value});
    } else if (kind == "mention" && value.starts_with('{')) {
      for (auto& [name, member] : internal::json_members(value))
        next.attributes.push_back({name == "value" ? "label" : name, std::move(member)});
    } else {
      return piece(rich_kind::embed, run.content, run);
    }
    line_.push_back(std::move(next));
  }

  formats line_formats(const rich_node& run) const {
    formats found;
    for (const auto number : run.marks) {
      const rich_mark& mark = from_.mark(number);
      if (mark.name == "header") found.header = mark.json;
      if (mark.name == "list") found.list = mark.json;
      if (mark.name == "align") found.align = mark.json;
      if (mark.name == "table") found.table = mark.json;
      if (mark.name == "code-block" && mark.json != "false") found.code = mark.json;
      if (mark.name == "blockquote") found.quote = mark.json == "true";
      if (mark.name == "indent") found.indent = json_to_integer(mark.json).value_or(0);
      if (mark.name == "direction") found.right_to_left = mark.json == "\"rtl\"";
    }
    return found;
  }

  void end_line(formats of) {
    // A line has one of these kinds, but two who set it at the same time leave it both. It ends what is open of others.
    if (!of.code.empty()) of.list = {};
    if (!of.code.empty() || !of.list.empty()) of.table = {};
    if (!of.code.empty() || !of.list.empty() || !of.table.empty()) of.quote = false;
    if (of.list.empty()) lists_.clear();
    if (of.code.empty()) code_ = no_node;
    if (!of.quote) quote_ = no_node;
    if (of.table.empty()) table_ = no_node;
    if (!of.code.empty()) {
      code_line(of);
    } else if (!of.list.empty()) {
      fill(to_.add_element(list_item(of), "paragraph"), of);
    } else if (!of.table.empty()) {
      fill(to_.add_element(to_.add_element(table_row(of), "tableCell"), "paragraph"), of);
    } else {
      if (of.quote && quote_ == no_node) quote_ = to_.add_element(rich_tree::root, "blockquote");
      const auto parent = of.quote ? quote_ : rich_tree::root;
      const auto block = to_.add_element(parent, of.header.empty() ? "paragraph" : "heading");
      if (!of.header.empty()) to_.set(block, "level", std::to_string(json_to_integer(of.header).value_or(1)));
      if (of.indent > 0) to_.set(block, "indent", std::to_string(of.indent));
      fill(block, of);
    }
  }

  void fill(std::uint32_t block, const formats& of) {
    if (!of.align.empty()) to_.set(block, "textAlign", of.align);
    if (of.right_to_left) to_.set(block, "dir", "\"rtl\"");
    for (auto& each : line_) to_.add(block, std::move(each));
    line_.clear();
  }

  // Lines of code that follow each other are one block.
  void code_line(const formats& of) {
    std::string text;
    for (const auto& each : line_) {
      text += each.content;
      if (each.kind == rich_kind::element)
        for (const auto& value : each.attributes) text += " " + json_to_text(value.json).value_or("");
    }
    line_.clear();
    if (code_ != no_node && code_language_ == of.code) {
      to_.at(to_.at(code_).first_child).content += "\n" + text;
      return;
    }
    code_ = to_.add_element(rich_tree::root, "codeBlock");
    code_language_ = of.code;
    if (of.code != "true" && of.code != "\"plain\"") to_.set(code_, "language", of.code);
    to_.add_text(code_, text);
  }

  std::uint32_t list_item(const formats& of) {
    const bool task = of.list == "\"checked\"" || of.list == "\"unchecked\"";
    const std::string_view kind = task ? "taskList" : of.list == "\"ordered\"" ? "orderedList" : "bulletList";
    while (!lists_.empty() && lists_.back().indent > of.indent) lists_.pop_back();
    if (!lists_.empty() && lists_.back().indent == of.indent && lists_.back().kind != kind) lists_.pop_back();
    if (lists_.empty() || lists_.back().indent < of.indent) {
      const auto parent = lists_.empty() ? rich_tree::root : lists_.back().item;
      lists_.push_back({of.indent, kind, to_.add_element(parent, kind), no_node});
    }
    auto& list = lists_.back();
    list.item = to_.add_element(list.list, task ? "taskItem" : "listItem");
    if (task) to_.set(list.item, "checked", of.list == "\"checked\"" ? "true" : "false");
    return list.item;
  }

  std::uint32_t table_row(const formats& of) {
    if (table_ == no_node) {
      table_ = to_.add_element(rich_tree::root, "table");
      row_ = no_node;
    }
    if (row_ == no_node || row_name_ != of.table) row_ = to_.add_element(table_, "tableRow");
    row_name_ = of.table;
    return row_;
  }

  const rich_tree& from_;
  rich_tree to_;
  mark_translator marks_;
  std::vector<rich_node> line_;  // what stands in the line so far
  std::vector<open_list> lists_;
  std::uint32_t code_ = no_node;
  std::string_view code_language_;
  std::uint32_t quote_ = no_node;
  std::uint32_t table_ = no_node;
  std::uint32_t row_ = no_node;
  std::string_view row_name_;
};

}  // namespace

rich_tree canonical_tree(const rich_tree& tree) {
  if (tree.is(rich_tree::root, text_root)) return line_translator(tree).run();
  return tree_translator(tree).run();
}

}  // namespace octavo::crdt
