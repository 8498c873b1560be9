#include <algorithm>

#include "crdt/any.hpp"
#include "crdt/internal/render.hpp"
#include "crdt/internal/wire.hpp"
#include "crdt/json.hpp"
#include "crdt/utf8.hpp"

namespace octavo::crdt::internal {

bool utf16_order::operator()(std::string_view left, std::string_view right) const {
  return utf16_less(left, right);
}

type_kind infer_kind(const store& data, std::uint32_t index) {
  const branch& type = data.type(index);
  if (type.kind != type_kind::root) return type.kind;
  // A value that neither text nor XML can hold makes it an array, wherever it stands.
  bool text = false;
  bool xml = false;
  for (auto at = type.start; at != nil; at = data.at(at).right) {
    const item& each = data.at(at);
    if (each.deleted) continue;
    switch (each.kind()) {
      case content_kind::string:
      case content_kind::embed:
      case content_kind::format:
        text = true;
        break;
      case content_kind::type: {
        const auto kind = data.type(each.content).kind;
        if (kind != type_kind::xml_element && kind != type_kind::xml_text && kind != type_kind::xml_hook)
          return type_kind::array;
        xml = true;
        break;
      }
      default:
        return type_kind::array;
    }
  }
  if (text) return type_kind::text;
  if (xml) return type_kind::xml_fragment;
  return live_entries(data, index).empty() ? type_kind::root : type_kind::map;
}

std::vector<std::uint32_t> live_entries(const store& data, std::uint32_t index) {
  std::vector<std::uint32_t> live;
  for (auto at = data.type(index).keys; at != nil; at = data.entries[at].next) {
    if (!data.at(data.entries[at].item).deleted) live.push_back(at);
  }
  std::sort(live.begin(), live.end(), [&](std::uint32_t a, std::uint32_t b) {
    return utf16_less(data.names.name(data.entries[a].key), data.names.name(data.entries[b].key));
  });
  return live;
}

std::string_view last_value(content_kind kind, std::string_view run, std::uint32_t length) {
  return run.substr(values_size(kind, run, length - 1));
}

void append_text(const store& data, std::uint32_t index, std::string& out) {
  for (auto at = data.type(index).start; at != nil; at = data.at(at).right) {
    const item& each = data.at(at);
    if (!each.deleted && each.kind() == content_kind::string) out += data.content_of(each);
  }
}

namespace {

/// Prints types as JSON, with a stack in place of recursion: one frame for each array or object that is open.
class json_writer {
 public:
  json_writer(const store& data, std::string& out) : data_(data), out_(out) {}

  void run(std::uint32_t index, type_kind as) {
    open(index, as);
    while (!stack_.empty()) {
      frame& top = stack_.back();
      if (top.list) {
        if (top.cursor == nil) {
          out_ += ']';
          stack_.pop_back();
          continue;
        }
        const item& each = data_.at(top.cursor);
        top.cursor = each.right;
        if (!each.deleted && countable(each.kind())) list_item(each);
      } else {
        if (top.position == top.entries.size()) {
          out_ += '}';
          stack_.pop_back();
          continue;
        }
        const map_entry& entry = data_.entries[top.entries[top.position++]];
        map_value(data_.names.name(entry.key), data_.at(entry.item));
      }
    }
  }

 private:
  struct frame {
    bool list = true;
    bool first = true;
    std::uint32_t cursor = nil;
    std::vector<std::uint32_t> entries;
    std::size_t position = 0;
  };

  void open(std::uint32_t index, type_kind as = type_kind::root) {
    std::string text;
    switch (as == type_kind::root ? infer_kind(data_, index) : as) {
      case type_kind::text:
        append_text(data_, index, text);
        append_json_string(text, out_);
        return;
      case type_kind::xml_element:
      case type_kind::xml_fragment:
      case type_kind::xml_text:
        append_xml(data_, index, text);
        append_json_string(text, out_);
        return;
      case type_kind::array:
        out_ += '[';
        stack_.push_back({true, true, data_.type(index).start, {}, 0});
        return;
      case type_kind::map:
      case type_kind::xml_hook:
        out_ += '{';
        stack_.push_back({false, true, nil, live_entries(data_, index), 0});
        return;
      case type_kind::root:
        out_ += "null";
        return;
    }
  }

  void comma() {
    if (!stack_.back().first) out_ += ',';
    stack_.back().first = false;
  }

  void list_item(const item& each) {
    const auto content = data_.content_of(each);
    lib0_reader reader(as_bytes(content));
    switch (each.kind()) {
      case content_kind::any:
        for (std::uint32_t i = 0; i < each.length; ++i) {
          comma();
          append_any_json(reader, out_);
        }
        return;
      case content_kind::json:
        for (std::uint32_t i = 0; i < each.length; ++i) {
          comma();
          const auto text = text_of(reader);
          out_ += text == "undefined" ? std::string_view("null") : text;
        }
        return;
      case content_kind::string:
        for (std::uint32_t i = 0; i < each.length; ++i) {
          comma();
          append_json_string(unit(content, i), out_);
        }
        return;
      default:
        comma();
        single(each);
    }
  }

  // The visible form of one UTF-16 unit; the halves of a pair have none of their own.
  static std::string_view unit(std::string_view content, std::uint32_t at) {
    const auto begin = find_utf16(content, at);
    const auto end = find_utf16(content, at + 1);
    if (begin.splits_pair || end.splits_pair) return replacement_character;
    return content.substr(begin.byte, end.byte - begin.byte);
  }

  void single(const item& each) {
    const auto content = data_.content_of(each);
    switch (each.kind()) {
      case content_kind::type:
        open(each.content);
        return;
      case content_kind::embed:
        out_ += content;
        return;
      case content_kind::binary:
        out_ += '"';
        append_base64(as_bytes(content), out_);
        out_ += '"';
        return;
      case content_kind::doc: {
        lib0_reader reader(as_bytes(content));
        out_ += "{\"guid\":";
        append_json_string(text_of(reader), out_);
        out_ += '}';
        return;
      }
      default:
        out_ += "null";
    }
  }

  void map_value(std::string_view key, const item& each) {
    const auto content = data_.content_of(each);
    std::string_view value;
    if (each.kind() == content_kind::any || each.kind() == content_kind::json)
      value = last_value(each.kind(), content, each.length);
    lib0_reader reader(as_bytes(value));
    if (each.kind() == content_kind::any && next_any_is_undefined(reader)) return;
    if (each.kind() == content_kind::json) {
      value = text_of(reader);
      if (value == "undefined") return;
    }
    comma();
    append_json_string(key, out_);
    out_ += ':';
    switch (each.kind()) {
      case content_kind::any:
        append_any_json(reader, out_);
        return;
      case content_kind::json:
        out_ += value;
        return;
      case content_kind::string:
        append_json_string(unit(content, each.length - 1), out_);
        return;
      default:
        single(each);
    }
  }

  const store& data_;
  std::string& out_;
  std::vector<frame> stack_;
};

}  // namespace

void append_json(const store& data, std::uint32_t index, std::string& out, type_kind as) {
  json_writer(data, out).run(index, as);
}

void apply_format(const store& data, const item& marker, attribute_map& attributes) {
  lib0_reader reader(as_bytes(data.content_of(marker)));
  const auto key = text_of(reader);
  const auto value = text_of(reader);
  if (value == "null") {
    attributes.erase(std::string(key));
  } else {
    attributes.insert_or_assign(std::string(key), std::string(value));
  }
}

std::string attributes_json(const attribute_map& attributes) {
  std::string out;
  for (const auto& [key, value] : attributes) {
    out += out.empty() ? '{' : ',';
    append_json_string(key, out);
    out += ':';
    out += value;
  }
  if (!out.empty()) out += '}';
  return out;
}

void append_delta(const store& data, std::uint32_t index, std::string& out) {
  attribute_map attributes;
  std::string in_force;  // the attributes as JSON, empty if there are none
  std::string run;       // text that is not written yet, and the attributes that it has
  std::string run_attributes;
  bool first = true;
  const auto write = [&](std::string_view insert, const std::string& with) {
    if (!first) out += ',';
    first = false;
    out += "{\"insert\":";
    out += insert;
    if (!with.empty()) {
      out += ",\"attributes\":";
      out += with;
    }
    out += '}';
  };
  const auto flush = [&] {
    if (run.empty()) return;
    std::string insert;
    append_json_string(run, insert);
    write(insert, run_attributes);
    run.clear();
  };
  out += '[';
  for (auto at = data.type(index).start; at != nil; at = data.at(at).right) {
    const item& each = data.at(at);
    if (each.deleted) continue;
    switch (each.kind()) {
      case content_kind::string:
        if (in_force != run_attributes) flush();
        run_attributes = in_force;
        run += data.content_of(each);
        break;
      case content_kind::format:
        apply_format(data, each, attributes);
        in_force = attributes_json(attributes);
        break;
      case content_kind::embed:
        flush();
        write(data.content_of(each), in_force);
        break;
      case content_kind::type: {
        flush();
        std::string insert;
        append_json(data, each.content, insert);
        write(insert, in_force);
        break;
      }
      default:
        break;
    }
  }
  flush();
  out += ']';
}

}  // namespace octavo::crdt::internal
