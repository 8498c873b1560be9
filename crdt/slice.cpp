#include "crdt/internal/slice.hpp"

#include "crdt/any.hpp"
#include "crdt/internal/wire.hpp"
#include "crdt/json.hpp"
#include "crdt/utf8.hpp"

namespace octavo::crdt::internal {

void append_text_slice(const store& data, std::uint32_t index, std::uint32_t from, std::uint32_t to, text_place& near,
                       std::string& out) {
  const auto text = data.content_of(data.at(index));
  const auto begin = find_in_text(data, index, from, near);
  const auto end = find_in_text(data, index, to, near);
  // Both halves of a pair are cut off where the slice lies inside of it.
  const std::size_t first = begin.byte + (begin.splits_pair ? 4 : 0);
  if (begin.splits_pair) out += replacement_character;
  if (first < end.byte) out += text.substr(first, end.byte - first);
  if (end.splits_pair) out += replacement_character;
}

std::string_view value_reader::next() {
  if (kind_ != content_kind::any && kind_ != content_kind::json) return left_;
  const auto size = values_size(kind_, left_, 1);
  const auto value = left_.substr(0, size);
  left_.remove_prefix(size);
  return value;
}

void append_unit_json(content_kind kind, std::string_view unit, std::string& out) {
  lib0_reader reader(as_bytes(unit));
  switch (kind) {
    case content_kind::any:
      append_any_json(reader, out);
      return;
    case content_kind::json: {
      bytes_view text;
      reader.var_bytes(text);
      out += as_text(text) == "undefined" ? std::string_view("null") : as_text(text);
      return;
    }
    case content_kind::string:
      append_json_string(unit, out);
      return;
    case content_kind::embed:
      out += unit;
      return;
    case content_kind::binary:
      out += '"';
      append_base64(as_bytes(unit), out);
      out += '"';
      return;
    case content_kind::doc: {
      bytes_view guid;
      reader.var_bytes(guid);
      out += "{\"guid\":";
      append_json_string(as_text(guid), out);
      out += '}';
      return;
    }
    default:
      out += "null";
  }
}

}  // namespace octavo::crdt::internal
