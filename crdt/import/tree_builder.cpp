#include "crdt/import/tree_builder.hpp"

#include <algorithm>
#include <array>

#include "crdt/internal/markup.hpp"
#include "crdt/json.hpp"
#include "crdt/utf8.hpp"

namespace octavo::import {

namespace {

using crdt::no_node;

bool is_text_block(std::string_view name) {
  static constexpr std::array<std::string_view, 3> names = {"paragraph", "heading", "codeBlock"};
  return is_one_of(name, names);
}

bool is_item(std::string_view name) {
  return name == "listItem" || name == "taskItem";
}

bool is_list(std::string_view name) {
  return name == "bulletList" || name == "orderedList" || name == "taskList";
}

bool is_cell(std::string_view name) {
  return name == "tableCell" || name == "tableHeader";
}

// Nodes that must have at least one block in them.
bool wants_blocks(std::string_view name) {
  return name == "doc" || name == "blockquote" || is_item(name) || is_cell(name);
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

using name_pair = std::pair<std::string_view, std::string_view>;
constexpr std::array basic_names = {name_pair{"bulletList", "bullet_list"},
                                    name_pair{"orderedList", "ordered_list"},
                                    name_pair{"listItem", "list_item"},
                                    name_pair{"codeBlock", "code_block"},
                                    name_pair{"horizontalRule", "horizontal_rule"},
                                    name_pair{"hardBreak", "hard_break"},
                                    name_pair{"tableRow", "table_row"},
                                    name_pair{"tableCell", "table_cell"},
                                    name_pair{"tableHeader", "table_header"},
                                    name_pair{"bold", "strong"},
                                    name_pair{"italic", "em"}};

std::string_view basic_name(std::string_view name) {
  for (const auto& [from, to] : basic_names)
    if (from == name) return to;
  return name;
}

}  // namespace

tree_builder::tree_builder(const options& options) : options_(options) {
  nodes_.push_back({crdt::rich_tree::root, no_node});
}

bool tree_builder::deepen() {
  // Frames that stand for nothing count, too: they are on a parser's stack.
  if (!failure_ && std::max(nodes_.size(), frames_.size()) > options_.max_depth) failure_ = crdt::import_errc::too_deep;
  if (!failure_ && tree_.size() >= options_.max_nodes) failure_ = crdt::import_errc::too_many_nodes;
  return !failure_;
}

std::uint32_t tree_builder::add(std::string_view name, std::vector<crdt::rich_attribute> attributes) {
  const auto before = tree_.at(top()).last_child;
  const auto node = tree_.add_element(top(), name);
  tree_.at(node).attributes = std::move(attributes);
  nodes_.push_back({node, before});
  line_start_ = true;
  space_ = false;
  return node;
}

// Ends the innermost node. What its schema wants is added, what would be against it is taken out.
void tree_builder::pop() {
  const open_node closed = nodes_.back();
  // A copy: what is added moves the nodes.
  const std::string name(top_name());
  const bool empty = tree_.at(closed.node).first_child == no_node;
  if (is_text_block(name)) space_ = false;
  if (empty && wants_blocks(name)) tree_.add_element(closed.node, "paragraph");
  const bool gone = empty && (is_list(name) || name == "table" || name == "tableRow" || closed.emptied);
  nodes_.pop_back();
  if (!gone) return;
  auto& parent = tree_.at(top());
  parent.last_child = closed.before;
  if (closed.before == no_node) {
    parent.first_child = no_node;
  } else {
    tree_.at(closed.before).next = no_node;
  }
}

void tree_builder::shrink_to(std::size_t size) {
  while (nodes_.size() > size) pop();
}

void tree_builder::end_text() {
  if (is_text_block(top_name())) pop();
}

// Makes the innermost open node one that can hold a block.
void tree_builder::make_room_for_block(std::string_view name) {
  end_text();
  // A list or row that was only there for items and cells ends with them.
  while (nodes_.back().implied && (is_list(top_name()) || top_name() == "tableRow")) pop();
  if (is_list(top_name())) {
    // A block among items belongs to the last of them.
    const auto item = tree_.at(top()).last_child;
    if (item == no_node) {
      const bool task = tree_.is(top(), "taskList");
      add_implied(task ? "taskItem" : "listItem");
      if (task) tree_.at(top()).attributes = {{"checked", "false"}};
    } else {
      nodes_.push_back({item, no_node, true});
    }
  }
  if (tree_.is(top(), "table")) add_implied("tableRow");
  if (tree_.is(top(), "tableRow")) {
    add_implied("tableCell");
    tree_.at(top()).attributes = {{"colspan", "1"}, {"rowspan", "1"}};
  }
  if (is_item(top_name()) && name != "paragraph" && tree_.at(top()).first_child == no_node) {
    add("paragraph");
    pop();
  }
}

void tree_builder::add_implied(std::string_view name) {
  add(name);
  nodes_.back().implied = true;
}

// Adds a node that close() ends.
void tree_builder::add_opened(std::string_view name, std::vector<crdt::rich_attribute> attributes) {
  frames_.back() = nodes_.size();
  add(name, std::move(attributes));
}

void tree_builder::open(std::string_view name, std::vector<crdt::rich_attribute> attributes) {
  if (!deepen()) return;
  frames_.push_back(0);
  if (name == "taskList" && !has(name)) name = "bulletList";
  if (is_item(name)) return open_item(name, std::move(attributes));
  if (name == "tableRow" || is_cell(name)) {
    if (has("table") && open_table_part(name, std::move(attributes))) return;
    return divide();
  }
  if (!has(name) && name != "paragraph") {
    // The text of a block stays together, what is around blocks vanishes.
    if (!is_text_block(name)) return divide();
    name = "paragraph";
    attributes.clear();
  }
  make_room_for_block(name);
  add_opened(name, std::move(attributes));
}

// Ends the text that is open; the frame that was opened last stands for nothing else.
void tree_builder::divide() {
  end_text();
  frames_.back() = nodes_.size();
}

void tree_builder::open_item(std::string_view name, std::vector<crdt::rich_attribute> attributes) {
  end_text();
  while (nodes_.back().implied && is_item(top_name())) pop();
  const bool task = name == "taskItem" && has("taskList");
  if (!is_list(top_name())) {
    make_room_for_block("list");
    add_implied(task ? "taskList" : "bulletList");
  }
  if (task && tree_.is(top(), "bulletList")) replace_list("taskList");
  if (!task && tree_.is(top(), "taskList") && tree_.at(top()).first_child == no_node) replace_list("bulletList");
  if (!tree_.is(top(), "taskList")) return add_opened("listItem", {});
  if (!task) attributes = {{"checked", "false"}};
  add_opened("taskItem", std::move(attributes));
}

// A list is what its items are: with none yet it changes its kind, else another begins.
void tree_builder::replace_list(std::string_view name) {
  if (tree_.at(top()).first_child == no_node) {
    tree_.at(top()).content = name;
    return;
  }
  const bool implied = nodes_.back().implied;
  pop();
  add(name);
  nodes_.back().implied = implied;
}

bool tree_builder::open_table_part(std::string_view name, std::vector<crdt::rich_attribute> attributes) {
  // The innermost table, unless this is in one of its cells.
  std::size_t at = nodes_.size();
  while (at > 0 && !tree_.is(nodes_[at - 1].node, "table") && !tree_.is(nodes_[at - 1].node, "tableRow")) {
    if (wants_blocks(tree_.at(nodes_[at - 1].node).content)) return false;
    --at;
  }
  if (at == 0) return false;
  shrink_to(at);
  if (name == "tableRow") {
    if (tree_.is(top(), "tableRow")) pop();
    add_opened(name, {});
    return true;
  }
  if (tree_.is(top(), "table")) add_implied("tableRow");
  for (const auto* span : {"colspan", "rowspan"}) {
    const bool given =
        std::any_of(attributes.begin(), attributes.end(), [&](const auto& each) { return each.name == span; });
    if (!given) attributes.push_back({span, "1"});
  }
  add_opened(name, std::move(attributes));
  return true;
}

void tree_builder::open_division() {
  if (!deepen()) return;
  frames_.push_back(0);
  divide();
}

void tree_builder::close() {
  if (failure_ || frames_.empty()) return;
  shrink_to(std::min(nodes_.size(), frames_.back()));
  frames_.pop_back();
}

std::size_t tree_builder::begin_mark(std::string_view name, std::string_view json) {
  marks_known_ = false;
  if (has(name)) open_marks_.push_back({next_mark_, std::string(name), std::string(json)});
  return next_mark_++;
}

void tree_builder::end_mark(std::size_t number) {
  const auto at = std::find_if(open_marks_.rbegin(), open_marks_.rend(),
                               [&](const open_mark& each) { return each.number == number; });
  if (at == open_marks_.rend()) return;
  open_marks_.erase(std::next(at).base());
  marks_known_ = false;
}

std::string_view tree_builder::mark_name(std::string_view name) const {
  return options_.schema == schema::prosemirror_basic ? basic_name(name) : name;
}

const std::vector<std::uint32_t>& tree_builder::marks() {
  if (marks_known_) return marks_;
  marks_known_ = true;
  marks_.clear();
  // Of one name the innermost counts; styles add up.
  std::map<std::string_view, const open_mark*> last;
  std::map<std::string, std::string> style;
  for (const auto& each : open_marks_) {
    last[each.name] = &each;
    if (each.name != "textStyle") continue;
    for (const auto* member : {"color", "backgroundColor", "fontFamily", "fontSize"})
      if (auto value = crdt::json_member(each.json, member); !value.empty()) style[member] = std::move(value);
  }
  // Tiptap's code excludes all other marks.
  const bool only_code = last.contains("code") && options_.schema == schema::tiptap;
  for (const auto& [name, each] : last) {
    if (only_code && name != "code") continue;
    if (name != "textStyle") {
      marks_.push_back(tree_.mark(mark_name(name), each->json));
      continue;
    }
    std::string json;
    for (const auto& [member, value] : style) {
      json += json.empty() ? '{' : ',';
      json += '"';
      json += member;
      json += "\":";
      json += value;
    }
    if (!json.empty()) marks_.push_back(tree_.mark(name, json + '}'));
  }
  return marks_;
}

void tree_builder::make_room_for_text() {
  if (is_text_block(top_name())) return;
  make_room_for_block("paragraph");
  add("paragraph");
}

void tree_builder::add_text(std::string_view text, const std::vector<std::uint32_t>& marks) {
  if (text.empty() || !deepen()) return;
  const auto last = tree_.at(top()).last_child;
  if (last != no_node && tree_.at(last).kind == crdt::rich_kind::text && tree_.at(last).marks == marks) {
    tree_.at(last).content += text;
  } else {
    tree_.add_text(top(), text, marks);
  }
  line_start_ = false;
}

void tree_builder::flush_space() {
  if (space_) add_text(" ", space_marks_);
  space_ = false;
}

void tree_builder::text(std::string_view text) {
  if (failure_ || text.empty()) return;
  make_room_for_text();
  flush_space();
  add_text(text, in_code() ? std::vector<std::uint32_t>{} : marks());
}

void tree_builder::flowing_text(std::string_view text) {
  if (in_code()) return this->text(text);
  while (!text.empty() && !failure_) {
    std::size_t at = 0;
    while (at < text.size() && is_space(text[at])) ++at;
    if (at > 0) {
      // Between blocks it is nothing at all.
      if (is_text_block(top_name()) && !line_start_ && !space_) {
        space_ = true;
        space_marks_ = marks();
      }
      text.remove_prefix(at);
      continue;
    }
    while (at < text.size() && !is_space(text[at])) ++at;
    this->text(text.substr(0, at));
    text.remove_prefix(at);
  }
}

void tree_builder::line_break() {
  if (failure_) return;
  if (in_code()) return text("\n");
  if (!has("hardBreak")) return text(" ");
  make_room_for_text();
  if (!deepen()) return;
  tree_.add_element(top(), "hardBreak");
  space_ = false;
  line_start_ = true;
}

void tree_builder::rule() {
  if (!deepen()) return;
  make_room_for_block("horizontalRule");
  if (!has("horizontalRule")) return;
  add("horizontalRule");
  pop();
}

void tree_builder::image(std::string_view address, std::string_view alt, std::string_view title,
                         std::vector<crdt::rich_attribute> more) {
  const auto source = crdt::internal::safe_address(address, crdt::internal::address_use::image);
  if (source.empty() || !has("image") || in_code()) return text(alt);
  if (!deepen()) return;
  std::vector<crdt::rich_attribute> attributes = {{"src", crdt::json_string(source)}};
  if (!alt.empty()) attributes.push_back({"alt", crdt::json_string(alt)});
  if (!title.empty()) attributes.push_back({"title", crdt::json_string(title)});
  std::move(more.begin(), more.end(), std::back_inserter(attributes));
  if (options_.schema == schema::prosemirror_basic) {
    make_room_for_text();
    flush_space();
    tree_.at(tree_.add_element(top(), "image")).attributes = std::move(attributes);
    line_start_ = false;
    return;
  }
  // Tiptap's images are blocks: a paragraph that had nothing but one is none.
  if (is_text_block(top_name())) {
    const bool first_of_item = nodes_.size() > 1 && is_item(tree_.at(nodes_[nodes_.size() - 2].node).content) &&
                               tree_.at(nodes_[nodes_.size() - 2].node).first_child == top();
    nodes_.back().emptied = !first_of_item;
  }
  make_room_for_block("image");
  add("image", std::move(attributes));
  pop();
}

void tree_builder::mention(std::string_view id, std::string_view label) {
  if (failure_) return;
  if (!has("mention") || in_code()) return text("@" + std::string(label.empty() ? id : label));
  make_room_for_text();
  flush_space();
  if (!deepen()) return;
  const auto node = tree_.add_element(top(), "mention");
  tree_.set_string(node, "id", id);
  if (!label.empty()) tree_.set_string(node, "label", label);
  line_start_ = false;
}

void tree_builder::check_task(bool done) {
  for (auto at = nodes_.rbegin(); at != nodes_.rend(); ++at) {
    if (is_cell(tree_.at(at->node).content) || tree_.is(at->node, "listItem")) return;
    if (!tree_.is(at->node, "taskItem")) continue;
    tree_.set(at->node, "checked", done ? "true" : "false");
    return;
  }
}

void tree_builder::set_language(std::string_view language) {
  if (in_code() && !language.empty()) tree_.set_string(top(), "language", language);
}

void tree_builder::trim_code() {
  if (!in_code()) return;
  const auto last = tree_.at(top()).last_child;
  if (last == no_node) return;
  auto& text = tree_.at(last).content;
  if (text.ends_with('\n')) text.pop_back();
}

crdt::rich_tree tree_builder::finish() {
  shrink_to(1);
  if (tree_.at(crdt::rich_tree::root).first_child == no_node) tree_.add_element(crdt::rich_tree::root, "paragraph");
  if (options_.schema == schema::prosemirror_basic) rename();
  return std::move(tree_);
}

void tree_builder::rename() {
  for (std::uint32_t node = 1; node < tree_.size(); ++node) {
    auto& each = tree_.at(node);
    if (each.kind != crdt::rich_kind::element) continue;
    if (each.content == "codeBlock") each.attributes.clear();
    if (each.content == "orderedList")
      for (auto& attribute : each.attributes)
        if (attribute.name == "start") attribute.name = "order";
    each.content = basic_name(each.content);
  }
}

options completed(const options& given) {
  auto full = given;
  if (full.schema == schema::prosemirror_basic)
    for (const auto* name :
         {"taskList", "table", "strike", "underline", "highlight", "textStyle", "subscript", "superscript", "mention"})
      full.without.insert(name);
  return full;
}

std::string without_nul(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '\0') {
      out += crdt::replacement_character;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace octavo::import
