// From a tree to the update that makes it, with the structure that y-prosemirror would give it: an XML element for each
// element, an XML text for texts that follow each other, marks as formats, attributes under keys.
#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "crdt/any.hpp"
#include "crdt/import.hpp"
#include "crdt/internal/sha256.hpp"
#include "crdt/json.hpp"
#include "crdt/lib0.hpp"
#include "crdt/update.hpp"
#include "crdt/utf8.hpp"

namespace octavo::crdt {

std::string_view to_string(import_errc code) {
  switch (code) {
    case import_errc::bad_client:
      return "the client id is above 2^53-1";
    case import_errc::bad_root:
      return "the name of the root is not UTF-8";
    case import_errc::bad_utf8:
      return "it is not UTF-8";
    case import_errc::bad_json:
      return "it is not JSON";
    case import_errc::bad_document:
      return "it is no ProseMirror document: an object with type and content, whose nodes are the same, or texts";
    case import_errc::too_large:
      return "it is too large";
    case import_errc::too_deep:
      return "it is nested too deeply";
    case import_errc::too_many_nodes:
      return "it has too many nodes";
  }
  return "unknown error";
}

std::string to_string(const import_error& error) {
  std::string text(to_string(error.code));
  if (error.offset != 0) text += " (at byte " + std::to_string(error.offset) + ")";
  return text;
}

namespace {

// The name under which y-prosemirror keeps a mark that may overlap others of its type.
std::string hashed_name(const rich_mark& mark) {
  std::string json = "{\"type\":" + json_string(mark.name);
  if (mark.json != "{}") json += ",\"attrs\":" + mark.json;
  json += '}';
  bytes encoded;
  append_json_text_as_any(json, encoded);
  auto digest = internal::sha256(encoded);
  constexpr std::size_t kept = 6;
  for (std::size_t i = kept; i < digest.size(); ++i) digest[i % kept] ^= digest[i];
  std::string name = mark.name + "--";
  append_base64(bytes_view(digest).first(kept), name);
  return name;
}

/// Writes structs one after the other, each right of the one before it in its list.
class struct_writer {
 public:
  explicit struct_writer(const import_options& options) : options_(options) {
    client_ = update_.intern(options.client);
  }

  /// Where a list ends.
  struct list {
    std::uint32_t parent = none;  // clock of the type; none: the root
    std::uint32_t last = none;    // clock of the last unit
  };

  bool full() const { return full_; }

  /// Appends an item to a list; returns its clock.
  std::uint32_t append(list& to, content_kind kind, std::string content, std::size_t length = 1) {
    decoded_struct next;
    next.kind = kind;
    next.content = keep(std::move(content));
    if (to.last != none) {
      next.origin_client = client_;
      next.origin_clock = to.last;
    }
    const auto clock = add(next, length, to.parent, {}, to.last == none);
    to.last = clock_ - 1;
    return clock;
  }

  /// Sets an attribute of a type to a JSON value.
  void set(std::uint32_t type, std::string_view name, std::string_view json) {
    decoded_struct next;
    next.kind = content_kind::any;
    next.has_parent_sub = true;
    bytes value;
    append_json_text_as_any(json, value);
    next.content = keep(std::string(as_text(value)));
    add(next, 1, type, name, true);
  }

  bytes finish() {
    update_.normalize();
    return encode_update_v1(update_);
  }

 private:
  std::string_view keep(std::string text) { return kept_.emplace_back(std::move(text)); }

  std::uint32_t add(decoded_struct& next, std::size_t length, std::uint32_t parent, std::string_view key,
                    bool with_parent) {
    if (length > UINT32_MAX - clock_) {
      full_ = true;
      return clock_;
    }
    next.client = client_;
    next.clock = clock_;
    next.length = static_cast<std::uint32_t>(length);
    decoded_parent of;
    if (parent == none) {
      of.root = options_.root;
    } else {
      of.client = client_;
      of.clock = parent;
    }
    of.has_key = next.has_parent_sub;
    of.key = key;
    update_.add_struct(next, with_parent ? &of : nullptr);
    clock_ += next.length;
    return next.clock;
  }

  const import_options& options_;
  decoded_update update_;
  std::deque<std::string> kept_;  // contents: the update borrows them
  std::uint32_t client_ = 0;
  std::uint32_t clock_ = 0;
  bool full_ = false;
};

std::string type_content(type_kind kind, std::string_view name = {}) {
  bytes content;
  lib0_writer writer(content);
  writer.u8(static_cast<std::uint8_t>(kind));
  if (kind == type_kind::xml_element) writer.var_string(name);
  return std::string(as_text(content));
}

std::string format_content(std::string_view key, std::string_view json) {
  bytes content;
  lib0_writer writer(content);
  writer.var_string(key);
  writer.var_string(json);
  return std::string(as_text(content));
}

class tree_encoder {
 public:
  tree_encoder(const rich_tree& tree, const import_options& options) : tree_(tree), writer_(options) {
    std::set<std::string_view> overlapping(options.overlapping_marks.begin(), options.overlapping_marks.end());
    for (std::uint32_t node = 0; node < tree.size(); ++node) find_overlaps(node, overlapping);
    for (std::uint32_t mark = 0; mark < tree.mark_count(); ++mark)
      keys_.push_back(overlapping.contains(tree.mark(mark).name) ? hashed_name(tree.mark(mark)) : tree.mark(mark).name);
  }

  import_result<bytes> run() {
    stack_.push_back({tree_.at(rich_tree::root).first_child, {}});
    while (!stack_.empty() && !writer_.full()) {
      const auto node = stack_.back().next;
      if (node == no_node) {
        stack_.pop_back();
      } else if (tree_.at(node).kind == rich_kind::element) {
        stack_.back().next = tree_.at(node).next;
        element(node);
      } else {
        text(node);
      }
    }
    if (writer_.full()) return import_error{import_errc::too_large};
    return writer_.finish();
  }

 private:
  struct frame {
    std::uint32_t next;
    struct_writer::list list;
  };

  void find_overlaps(std::uint32_t node, std::set<std::string_view>& overlapping) const {
    std::map<std::string_view, std::uint32_t> seen;
    for (const auto number : tree_.at(node).marks) {
      const auto& name = tree_.mark(number).name;
      const auto [at, fresh] = seen.try_emplace(name, number);
      if (!fresh && at->second != number) overlapping.insert(name);
    }
  }

  void element(std::uint32_t number) {
    const rich_node& node = tree_.at(number);
    const auto type =
        writer_.append(stack_.back().list, content_kind::type, type_content(type_kind::xml_element, node.content));
    for (const auto& each : node.attributes)
      if (!each.json.empty() && each.json != "null" && each.name != "ychange") writer_.set(type, each.name, each.json);
    stack_.push_back({node.first_child, {type, none}});
  }

  // Texts that follow each other, a group's among them, are one shared text, if there is a character in them.
  void text(std::uint32_t first) {
    struct_writer::list list;
    auto node = first;
    for (; node != no_node && tree_.at(node).kind != rich_kind::element; node = tree_.at(node).next) {
      if (tree_.at(node).kind != rich_kind::group) {
        run(list, node);
        continue;
      }
      for (auto each = tree_.at(node).first_child; each != no_node; each = tree_.at(each).next) run(list, each);
    }
    format(list, {});
    stack_.back().next = node;
  }

  void run(struct_writer::list& list, std::uint32_t number) {
    const rich_node& node = tree_.at(number);
    if (node.content.empty()) return;
    if (list.parent == none)
      list.parent = writer_.append(stack_.back().list, content_kind::type, type_content(type_kind::xml_text));
    format(list, node.marks);
    if (node.kind == rich_kind::text) {
      writer_.append(list, content_kind::string, node.content, utf16_length(node.content));
    } else {
      writer_.append(list, content_kind::embed, node.content);
    }
  }

  // Ends the formats that are in force and no longer wanted, and begins those that are, in the order given: that is the
  // order in which marks of one type are found again.
  void format(struct_writer::list& list, const std::vector<std::uint32_t>& marks) {
    std::map<std::string_view, std::string_view> wanted;
    for (const auto mark : marks)
      if (tree_.mark(mark).name != "ychange") wanted.insert_or_assign(keys_[mark], tree_.mark(mark).json);
    for (const auto& [key, json] : formats_)
      if (!wanted.contains(key)) writer_.append(list, content_kind::format, format_content(key, "null"));
    for (const auto mark : marks) {
      const auto at = wanted.find(keys_[mark]);
      if (at == wanted.end() || at->second != tree_.mark(mark).json) continue;
      const auto [known, fresh] = formats_.try_emplace(at->first, at->second);
      if (!fresh && known->second == at->second) continue;
      known->second = at->second;
      writer_.append(list, content_kind::format, format_content(at->first, at->second));
    }
    formats_ = std::move(wanted);
  }

  const rich_tree& tree_;
  struct_writer writer_;
  std::vector<std::string> keys_;  // by mark
  std::vector<frame> stack_;
  std::map<std::string_view, std::string_view> formats_;  // in force
};

std::optional<import_error> check_options(std::size_t size, const import_options& options) {
  if (options.client > max_safe_integer) return import_error{import_errc::bad_client};
  if (!is_utf8(options.root)) return import_error{import_errc::bad_root};
  if (size > options.max_bytes) return import_error{import_errc::too_large};
  return {};
}

std::size_t first_bad_byte(std::string_view text) {
  // The longest prefix that is valid, by halving: a prefix may end inside a character, so it counts as valid if it is
  // without up to three bytes.
  std::size_t good = 0;
  std::size_t bad = text.size();
  const auto starts_well = [&](std::size_t size) {
    for (std::size_t cut = 0; cut < 4 && cut <= size; ++cut)
      if (is_utf8(text.substr(0, size - cut))) return true;
    return false;
  };
  while (bad - good > 1) {
    const auto middle = good + (bad - good) / 2;
    (starts_well(middle) ? good : bad) = middle;
  }
  while (!is_utf8(text.substr(0, good))) --good;
  return good;
}

std::string with_plain_line_ends(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\r') {
      out += text[at];
    } else if (at + 1 == text.size() || text[at + 1] != '\n') {
      out += '\n';
    }
  }
  return out;
}

}  // namespace

import_result<bytes> encode_rich_tree(const rich_tree& tree, const import_options& options) {
  if (const auto error = check_options(0, options)) return *error;
  return tree_encoder(tree, options).run();
}

std::optional<import_error> check_import(std::string_view input, const import_options& options) {
  if (const auto error = check_options(input.size(), options)) return error;
  if (!is_utf8(input)) return import_error{import_errc::bad_utf8, first_bad_byte(input)};
  return {};
}

import_result<bytes> import_text(std::string_view text, const import_options& options, text_form form) {
  if (const auto error = check_import(text, options)) return *error;
  const auto plain = with_plain_line_ends(text);
  if (form == text_form::text) {
    struct_writer writer(options);
    struct_writer::list list;
    if (!plain.empty()) writer.append(list, content_kind::string, plain, utf16_length(plain));
    if (writer.full()) return import_error{import_errc::too_large};
    return writer.finish();
  }
  rich_tree tree;
  std::string_view rest = plain;
  for (;;) {
    const auto end = rest.find('\n');
    const auto paragraph = tree.add_element(rich_tree::root, "paragraph");
    if (!rest.substr(0, end).empty()) tree.add_text(paragraph, rest.substr(0, end));
    if (tree.size() > options.max_nodes) return import_error{import_errc::too_many_nodes};
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
    // A line break at the end ends the last line and begins none.
    if (rest.empty()) break;
  }
  return encode_rich_tree(tree, options);
}

}  // namespace octavo::crdt
