// From a store to a tree. Texts are read as yjs reads them into a delta, elements as its toArray() and getAttributes().
#include <algorithm>
#include <charconv>
#include <map>

#include "crdt/any.hpp"
#include "crdt/export.hpp"
#include "crdt/internal/access.hpp"
#include "crdt/internal/engine.hpp"
#include "crdt/internal/render.hpp"
#include "crdt/json.hpp"
#include "crdt/lib0.hpp"

namespace octavo::crdt {

std::string_view to_string(export_errc code) {
  switch (code) {
    case export_errc::not_rich_text:
      return "it holds values, and no text or XML";
    case export_errc::unsupported_content:
      return "its XML holds values, arrays or maps, which no ProseMirror document does";
    case export_errc::too_large:
      return "the result would be too large";
  }
  return "unknown error";
}

namespace internal {

namespace {

// Objects of JavaScript show keys that are array indices first, in their order.
std::optional<std::uint32_t> array_index(std::string_view key) {
  if (key.empty() || key.size() > 10 || (key.size() > 1 && key[0] == '0')) return {};
  std::uint32_t value = 0;
  const auto end = key.data() + key.size();
  if (const auto read = std::from_chars(key.data(), end, value); read.ec != std::errc{} || read.ptr != end) return {};
  if (value == UINT32_MAX) return {};
  return value;
}

bool is_base64(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=';
}

// y-prosemirror stores marks that may overlap as name--hash, with eight characters of base64. What it takes for the
// name begins after the last line break.
std::string_view mark_name(std::string_view key) {
  constexpr std::size_t suffix = 10;
  if (key.size() < suffix || key.substr(key.size() - suffix, 2) != "--") return key;
  for (const char c : key.substr(key.size() - suffix + 2))
    if (!is_base64(c)) return key;
  auto name = key.substr(0, key.size() - suffix);
  for (const std::string_view line_end : {"\n", "\r", "\xE2\x80\xA8", "\xE2\x80\xA9"})
    if (const auto at = name.rfind(line_end); at != std::string_view::npos) name.remove_prefix(at + line_end.size());
  return name;
}

// The formats in force, in the order in which JavaScript's Map has them: a key keeps its place until it is deleted.
class format_set {
 public:
  void apply(std::string_view key, std::string_view value, std::uint32_t mark) {
    const auto at = places_.find(key);
    if (value == "null") {
      if (at == places_.end()) return;
      marks_.erase(at->second);
      places_.erase(at);
    } else if (at == places_.end()) {
      marks_.emplace(next_, entry{std::string(key), mark});
      places_.emplace(key, next_++);
    } else {
      marks_[at->second].mark = mark;
    }
  }

  std::size_t size() const { return marks_.size(); }

  std::vector<std::uint32_t> marks() const {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> indexed;
    std::vector<std::uint32_t> marks;
    for (const auto& [place, each] : marks_) {
      if (each.key == "__proto__") continue;
      if (const auto index = array_index(each.key)) {
        indexed.emplace_back(*index, each.mark);
      } else {
        marks.push_back(each.mark);
      }
    }
    std::sort(indexed.begin(), indexed.end());
    for (std::size_t i = 0; i < indexed.size(); ++i)
      marks.insert(marks.begin() + static_cast<std::ptrdiff_t>(i), indexed[i].second);
    return marks;
  }

 private:
  struct entry {
    std::string key;
    std::uint32_t mark;
  };
  std::map<std::string, std::uint64_t, std::less<>> places_;
  std::map<std::uint64_t, entry> marks_;
  std::uint64_t next_ = 0;
};

class tree_reader {
 public:
  tree_reader(const store& data, std::size_t max_bytes) : data_(data), left_(max_bytes) {}

  export_result<rich_tree> run(std::uint32_t branch, bool text) {
    if (text) {
      tree_.at(rich_tree::root).content = text_root;
      open_text(branch, rich_tree::root);
    } else {
      stack_.push_back({data_.type(branch).start, rich_tree::root, false, {}, {}});
    }
    while (!stack_.empty() && !failure_) {
      frame& top = stack_.back();
      if (top.cursor == nil) {
        flush(top);
        stack_.pop_back();
        continue;
      }
      const item& each = data_.at(top.cursor);
      top.cursor = each.right;
      if (each.deleted) continue;
      if (top.text) {
        text_item(top, each);
      } else if (countable(each.kind())) {
        child(top.node, each);
      }
    }
    if (failure_) return *failure_;
    return std::move(tree_);
  }

 private:
  struct frame {
    std::uint32_t cursor;
    std::uint32_t node;
    bool text;
    std::string run;  // text that is not in the tree yet
    format_set formats;
  };

  // Everything that ends up in memory is charged: about what it takes in any of the formats.
  bool charge(std::size_t size) {
    if (size > left_) {
      failure_ = export_errc::too_large;
      return false;
    }
    left_ -= size;
    return true;
  }

  void open_text(std::uint32_t branch, std::uint32_t parent) {
    rich_node group;
    group.kind = rich_kind::group;
    const auto node = tree_.add(parent, std::move(group));
    stack_.push_back({data_.type(branch).start, node, true, {}, {}});
  }

  void child(std::uint32_t parent, const item& each) {
    const auto kind = each.kind() == content_kind::type ? data_.type(each.content).kind : type_kind::root;
    if (kind == type_kind::xml_text) {
      if (charge(16)) open_text(each.content, parent);
      return;
    }
    if (kind != type_kind::xml_element) {
      failure_ = export_errc::unsupported_content;
      return;
    }
    const branch& type = data_.type(each.content);
    const auto name = data_.contents.view(type.name, type.name_bytes);
    if (!charge(name.size() + 16)) return;
    const auto node = tree_.add_element(parent, name);
    for (const auto entry : live_entries(data_, each.content)) attribute(node, data_.entries[entry]);
    stack_.push_back({type.start, node, false, {}, {}});
  }

  void attribute(std::uint32_t node, const map_entry& entry) {
    const auto name = data_.names.name(entry.key);
    // JavaScript takes it for the object's prototype, and does not show it.
    if (name == "__proto__") return;
    auto json = attribute_value(data_.at(entry.item));
    if (charge(name.size() + json.size() + 8))
      tree_.at(node).attributes.push_back({std::string(name), std::move(json)});
  }

  std::string attribute_value(const item& value) {
    std::string json;
    const auto content = data_.content_of(value);
    switch (value.kind()) {
      case content_kind::any: {
        const auto last = last_value(value.kind(), content, value.length);
        lib0_reader reader(as_bytes(last));
        if (next_any_is_undefined(reader)) return json;
        lib0_reader again = reader;
        if (append_any_as_json_text(reader, json, SIZE_MAX)) {
          json.clear();
          append_any_json(again, json);
        }
        return json;
      }
      case content_kind::json: {
        lib0_reader reader(as_bytes(last_value(value.kind(), content, value.length)));
        const auto text = text_of(reader);
        return text == "undefined" ? std::string() : std::string(text);
      }
      case content_kind::string: {
        const auto last = find_utf16(content, value.length - 1);
        append_json_string(last.splits_pair ? replacement_character : content.substr(last.byte), json);
        return json;
      }
      case content_kind::embed:
        return std::string(content);
      case content_kind::type:
        append_json(data_, value.content, json);
        return json;
      case content_kind::binary:
        json += '"';
        append_base64(as_bytes(content), json);
        json += '"';
        return json;
      case content_kind::doc:
        return "{}";
      default:
        return json;
    }
  }

  void text_item(frame& top, const item& each) {
    switch (each.kind()) {
      case content_kind::string:
        if (charge(data_.content_of(each).size())) top.run += data_.content_of(each);
        return;
      case content_kind::format: {
        flush(top);
        lib0_reader reader(as_bytes(data_.content_of(each)));
        const auto key = text_of(reader);
        const auto value = text_of(reader);
        if (!charge(key.size() + value.size())) return;
        top.formats.apply(key, value, value == "null" ? 0 : tree_.mark(mark_name(key), value));
        return;
      }
      case content_kind::embed:
      case content_kind::type: {
        flush(top);
        std::string json;
        if (each.kind() == content_kind::embed) {
          json = data_.content_of(each);
        } else {
          append_json(data_, each.content, json);
        }
        if (charge(json.size())) add_run(top, rich_kind::embed, std::move(json));
        return;
      }
      default:
        return;
    }
  }

  void flush(frame& top) {
    if (top.run.empty()) return;
    add_run(top, rich_kind::text, std::move(top.run));
    top.run.clear();
  }

  void add_run(const frame& top, rich_kind kind, std::string content) {
    if (!charge(16 * (1 + top.formats.size()))) return;
    rich_node run;
    run.kind = kind;
    run.content = std::move(content);
    run.marked = top.formats.size() != 0;
    run.marks = top.formats.marks();
    tree_.add(top.node, std::move(run));
  }

  const store& data_;
  std::size_t left_;
  rich_tree tree_;
  std::vector<frame> stack_;
  std::optional<export_errc> failure_;
};

}  // namespace

}  // namespace internal

export_result<rich_tree> read_rich_tree(const document& from, std::string_view root, const export_options& options) {
  auto kind = options.as == type_kind::root ? from.root_kind(root) : options.as;
  const auto& data = internal::document_access::of(from).data;
  const auto branch = data.find_root(root);
  if (branch == internal::nil) return rich_tree{};
  if (kind == type_kind::root) kind = type_kind::xml_fragment;
  // A text with types embedded in it looks like an array.
  if (kind == type_kind::array && options.as == type_kind::root && !from.text(root).empty()) kind = type_kind::text;
  if (kind != type_kind::text && kind != type_kind::xml_fragment) return export_errc::not_rich_text;
  return internal::tree_reader(data, options.max_bytes).run(branch, kind == type_kind::text);
}

}  // namespace octavo::crdt
