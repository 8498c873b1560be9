#include "crdt/rich_tree.hpp"

#include <charconv>
#include <cmath>

#include "crdt/internal/render.hpp"
#include "crdt/json.hpp"

namespace octavo::crdt {

rich_tree::rich_tree() {
  rich_node document;
  document.content = "doc";
  nodes_.push_back(std::move(document));
}

std::uint32_t rich_tree::add(std::uint32_t parent, rich_node node) {
  const auto number = static_cast<std::uint32_t>(nodes_.size());
  node.parent = parent;
  rich_node& above = nodes_[parent];
  if (above.last_child == no_node) {
    above.first_child = number;
  } else {
    nodes_[above.last_child].next = number;
  }
  above.last_child = number;
  nodes_.push_back(std::move(node));
  return number;
}

std::uint32_t rich_tree::add_element(std::uint32_t parent, std::string_view name) {
  rich_node node;
  node.content = name;
  return add(parent, std::move(node));
}

std::uint32_t rich_tree::add_text(std::uint32_t parent, std::string_view text, std::vector<std::uint32_t> marks) {
  rich_node node;
  node.kind = rich_kind::text;
  node.content = text;
  node.marked = !marks.empty();
  node.marks = std::move(marks);
  return add(parent, std::move(node));
}

std::uint32_t rich_tree::mark(std::string_view name, std::string_view json) {
  const auto next = static_cast<std::uint32_t>(marks_.size());
  const auto [at, fresh] = mark_numbers_.try_emplace({std::string(name), std::string(json)}, next);
  if (fresh) marks_.push_back({std::string(name), std::string(json)});
  return at->second;
}

std::uint32_t rich_tree::following(std::uint32_t node, std::uint32_t within, bool over) const {
  if (!over && nodes_[node].first_child != no_node) return nodes_[node].first_child;
  for (; node != within; node = nodes_[node].parent)
    if (nodes_[node].next != no_node) return nodes_[node].next;
  return no_node;
}

void rich_tree::set(std::uint32_t node, std::string_view name, std::string_view json) {
  for (auto& each : nodes_[node].attributes)
    if (each.name == name) {
      each.json = json;
      return;
    }
  nodes_[node].attributes.push_back({std::string(name), std::string(json)});
}

void rich_tree::set_string(std::uint32_t node, std::string_view name, std::string_view value) {
  set(node, name, json_string(value));
}

std::string_view rich_tree::json_of(std::uint32_t node, std::string_view name) const {
  for (const auto& each : nodes_[node].attributes)
    if (each.name == name) return each.json;
  return {};
}

std::optional<std::string> rich_tree::text_of(std::uint32_t node, std::string_view name) const {
  return json_to_text(json_of(node, name));
}

std::optional<std::int64_t> rich_tree::integer_of(std::uint32_t node, std::string_view name) const {
  return json_to_integer(json_of(node, name));
}

std::optional<std::string> json_to_text(std::string_view json) {
  if (json.empty() || json == "null" || json[0] == '{' || json[0] == '[') return {};
  if (json[0] == '"') return unescape_json_string(json);
  return std::string(json);
}

std::optional<std::int64_t> json_to_integer(std::string_view json) {
  // Some editors keep numbers as strings.
  const auto text = json_to_text(json);
  if (!text) return {};
  double value = 0;
  const auto end = text->data() + text->size();
  if (const auto read = std::from_chars(text->data(), end, value); read.ec != std::errc{} || read.ptr != end) return {};
  if (!(std::abs(value) < 1e15)) return {};
  return static_cast<std::int64_t>(value);
}

std::string json_member(std::string_view json, std::string_view name) {
  std::string found;
  if (json.empty() || json[0] != '{') return found;
  for (auto& [key, value] : internal::json_members(json))
    if (key == name) found = std::move(value);
  return found;
}

std::string json_string(std::string_view text) {
  std::string json;
  append_json_string(text, json);
  return json;
}

}  // namespace octavo::crdt
