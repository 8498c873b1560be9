// XML as yjs prints it, which is good for comparing with yjs and for nothing else: values are not escaped, and what is
// not a string appears as JavaScript turns it into one.
#include <bit>
#include <cmath>

#include "crdt/any.hpp"
#include "crdt/internal/any_tag.hpp"
#include "crdt/internal/render.hpp"
#include "crdt/internal/wire.hpp"
#include "crdt/json.hpp"
#include "crdt/utf8.hpp"

namespace octavo::crdt::internal {

namespace {

constexpr std::string_view object_text = "[object Object]";

// The end of the JSON value that starts at `at`. The text is valid.
std::size_t value_end(std::string_view json, std::size_t at) {
  std::size_t depth = 0;
  for (; at < json.size(); ++at) {
    const char c = json[at];
    if (c == '"') {
      for (++at; json[at] != '"'; ++at)
        if (json[at] == '\\') ++at;
      if (depth == 0) return at + 1;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return at;
      if (--depth == 0) return at + 1;
    } else if (depth == 0 && (c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n')) {
      return at;
    }
  }
  return at;
}

void skip_space(std::string_view json, std::size_t& at) {
  while (at < json.size() && (json[at] == ' ' || json[at] == '\t' || json[at] == '\r' || json[at] == '\n')) ++at;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> json_members(std::string_view json) {
  std::vector<std::pair<std::string, std::string>> members;
  if (json.empty()) return members;
  if (json[0] == '"') {
    const std::string text = unescape_json_string(json);
    const std::size_t units = utf16_length(text);
    for (std::size_t i = 0; i < units; ++i) {
      const auto begin = find_utf16(text, i);
      const auto end = find_utf16(text, i + 1);
      std::string value;
      const bool half = begin.splits_pair || end.splits_pair;
      append_json_string(
          half ? replacement_character : std::string_view(text).substr(begin.byte, end.byte - begin.byte), value);
      members.emplace_back(std::to_string(i), std::move(value));
    }
    return members;
  }
  const bool object = json[0] == '{';
  if (!object && json[0] != '[') return members;
  std::size_t at = 1;
  for (;;) {
    skip_space(json, at);
    if (at >= json.size() || json[at] == '}' || json[at] == ']') return members;
    std::string key = std::to_string(members.size());
    if (object) {
      const std::size_t end = value_end(json, at);
      key = unescape_json_string(json.substr(at, end - at));
      at = end;
      skip_space(json, at);
      ++at;
      skip_space(json, at);
    }
    const std::size_t end = value_end(json, at);
    members.emplace_back(std::move(key), std::string(json.substr(at, end - at)));
    at = end;
    skip_space(json, at);
    if (at < json.size() && json[at] == ',') ++at;
  }
}

void append_js_string(std::string_view json, std::string& out) {
  if (json.empty()) return;
  if (json[0] == '"') {
    out += unescape_json_string(json);
  } else if (json[0] == '{') {
    out += object_text;
  } else if (json[0] != '[') {
    out += json;
  } else {
    // Nested arrays flatten when JavaScript joins them, so one pass over the text is enough.
    for (std::size_t at = 1; at < json.size();) {
      const char c = json[at];
      if (c == ',') out += ',';
      if (c == ',' || c == '[' || c == ']' || c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        ++at;
        continue;
      }
      const std::size_t end = value_end(json, at);
      const auto value = json.substr(at, end - at);
      if (value != "null") append_js_string(value, out);
      at = end;
    }
  }
}

namespace {

void append_js_number(double value, std::string& out) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
  } else {
    append_json_number(value, out);
  }
}

void append_js_bytes(bytes_view data, std::string& out) {
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (i != 0) out += ',';
    out += std::to_string(static_cast<unsigned>(data[i]));
  }
}

// A value as JavaScript turns it into a string. Nested arrays flatten when they are joined.
void append_any_js_string(lib0_reader& reader, std::string& out) {
  std::vector<std::uint64_t> left;  // of each array that is open
  for (;;) {
    lib0_reader value = reader;
    std::uint8_t tag = 0;
    bytes_view raw;
    std::string_view text;
    value.u8(tag);
    switch (static_cast<any_tag>(tag)) {
      case any_tag::array: {
        reader = value;
        reader.var_uint(left.emplace_back());
        if (left.back() != 0) continue;
        left.pop_back();
        break;
      }
      case any_tag::object:
        skip_checked_any(reader);
        out += object_text;
        break;
      case any_tag::bytes:
        value.var_bytes(raw);
        reader = value;
        append_js_bytes(raw, out);
        break;
      case any_tag::string:
        value.var_string(text);
        reader = value;
        out += text;
        break;
      case any_tag::float32:
        value.raw(4, raw);
        reader = value;
        append_js_number(std::bit_cast<float>(static_cast<std::uint32_t>(big_endian<4>(raw))), out);
        break;
      case any_tag::float64:
        value.raw(8, raw);
        reader = value;
        append_js_number(std::bit_cast<double>(big_endian<8>(raw)), out);
        break;
      case any_tag::null:
      case any_tag::undefined:
        reader = value;
        if (left.empty()) out += static_cast<any_tag>(tag) == any_tag::null ? "null" : "undefined";
        break;
      default:
        append_any_json(reader, out);
    }
    while (!left.empty() && --left.back() == 0) left.pop_back();
    if (left.empty()) return;
    out += ',';
  }
}

/// Prints types as XML, one frame for each type that is open.
class xml_writer {
 public:
  xml_writer(const store& data, std::string& out) : data_(data), out_(out) {}

  void run(std::uint32_t index) {
    open(index, type_kind::xml_fragment);
    while (!stack_.empty()) {
      if (stack_.back().cursor == nil) {
        close_run();
        out_ += stack_.back().suffix;
        stack_.pop_back();
        continue;
      }
      const item& each = data_.at(stack_.back().cursor);
      stack_.back().cursor = each.right;
      if (each.deleted) continue;
      if (stack_.back().formatted) {
        formatted_item(each);
      } else {
        plain_item(each);
      }
    }
  }

 private:
  struct frame {
    std::uint32_t cursor = nil;
    bool formatted = false;
    bool in_run = false;
    std::string suffix;
    attribute_map attributes;
  };

  // A root says nothing of what it is: it is taken for `root_kind`.
  void open(std::uint32_t index, type_kind root_kind) {
    const branch& type = data_.type(index);
    const auto kind = type.kind == type_kind::root ? root_kind : type.kind;
    frame next;
    next.cursor = type.start;
    switch (kind) {
      case type_kind::xml_element: {
        std::string name(data_.contents.view(type.name, type.name_bytes));
        for (char& c : name)
          if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        out_ += '<';
        out_ += name;
        for (const auto entry : live_entries(data_, index)) attribute(data_.entries[entry]);
        out_ += '>';
        next.suffix = "</" + name + ">";
        break;
      }
      case type_kind::xml_text:
        next.formatted = true;
        break;
      case type_kind::xml_fragment:
        break;
      case type_kind::text:
        append_text(data_, index, out_);
        return;
      default:
        out_ += object_text;
        return;
    }
    stack_.push_back(std::move(next));
  }

  void attribute(const map_entry& entry) {
    const item& value = data_.at(entry.item);
    const auto content = data_.content_of(value);
    out_ += ' ';
    out_ += data_.names.name(entry.key);
    out_ += "=\"";
    switch (value.kind()) {
      case content_kind::any: {
        const auto last = last_value(value.kind(), content, value.length);
        lib0_reader reader(as_bytes(last));
        append_any_js_string(reader, out_);
        break;
      }
      case content_kind::json: {
        lib0_reader reader(as_bytes(last_value(value.kind(), content, value.length)));
        bytes_view text;
        reader.var_bytes(text);
        append_js_string(as_text(text), out_);
        break;
      }
      case content_kind::string: {
        // The last unit of the run is the key's value.
        const auto last = find_utf16(content, value.length - 1);
        out_ += last.splits_pair ? replacement_character : content.substr(last.byte);
        break;
      }
      case content_kind::binary:
        append_js_bytes(as_bytes(content), out_);
        break;
      case content_kind::type:
        // An attribute that is a text shows it; other types have no text form in yjs, and nothing nests from here.
        if (data_.type(value.content).kind == type_kind::text) {
          append_text(data_, value.content, out_);
        } else {
          out_ += object_text;
        }
        break;
      default:
        out_ += object_text;
    }
    out_ += '"';
  }

  void plain_item(const item& each) {
    switch (each.kind()) {
      case content_kind::type:
        open(each.content, type_kind::xml_fragment);
        break;
      case content_kind::string:
        out_ += data_.content_of(each);
        break;
      // Nobody puts values between elements, but a list may have them, and then yjs prints them.
      case content_kind::any: {
        lib0_reader reader(as_bytes(data_.content_of(each)));
        for (std::uint32_t i = 0; i < each.length; ++i) append_any_js_string(reader, out_);
        break;
      }
      case content_kind::json: {
        lib0_reader reader(as_bytes(data_.content_of(each)));
        for (std::uint32_t i = 0; i < each.length; ++i) {
          bytes_view text;
          reader.var_bytes(text);
          append_js_string(as_text(text), out_);
        }
        break;
      }
      case content_kind::binary:
        append_js_bytes(as_bytes(data_.content_of(each)), out_);
        break;
      case content_kind::embed:
        append_js_string(data_.content_of(each), out_);
        break;
      case content_kind::doc:
        out_ += object_text;
        break;
      default:
        break;
    }
  }

  void formatted_item(const item& each) {
    frame& top = stack_.back();
    switch (each.kind()) {
      case content_kind::string:
        if (!top.in_run) out_ += opening_tags(top.attributes);
        top.in_run = true;
        out_ += data_.content_of(each);
        break;
      case content_kind::format:
        close_run();
        apply_format(data_, each, top.attributes);
        break;
      case content_kind::embed:
        close_run();
        out_ += opening_tags(top.attributes);
        append_js_string(data_.content_of(each), out_);
        out_ += closing_tags(top.attributes);
        break;
      case content_kind::type: {
        close_run();
        out_ += opening_tags(top.attributes);
        const std::string closing = closing_tags(top.attributes);
        const std::size_t depth = stack_.size();
        open(each.content, type_kind::xml_fragment);
        if (stack_.size() > depth) {
          stack_.back().suffix += closing;
        } else {
          out_ += closing;
        }
        break;
      }
      default:
        break;
    }
  }

  void close_run() {
    frame& top = stack_.back();
    if (top.in_run) out_ += closing_tags(top.attributes);
    top.in_run = false;
  }

  static std::string opening_tags(const attribute_map& attributes) {
    std::string tags;
    for (const auto& [name, value] : attributes) {
      tags += '<';
      tags += name;
      attribute_map members;
      for (auto& [key, member] : json_members(value)) members.insert_or_assign(key, member);
      for (const auto& [key, member] : members) {
        tags += ' ';
        tags += key;
        tags += "=\"";
        append_js_string(member, tags);
        tags += '"';
      }
      tags += '>';
    }
    return tags;
  }

  static std::string closing_tags(const attribute_map& attributes) {
    std::string tags;
    for (auto at = attributes.rbegin(); at != attributes.rend(); ++at) tags += "</" + at->first + ">";
    return tags;
  }

  const store& data_;
  std::string& out_;
  std::vector<frame> stack_;
};

}  // namespace

void append_xml(const store& data, std::uint32_t index, std::string& out) {
  xml_writer(data, out).run(index);
}

}  // namespace octavo::crdt::internal
