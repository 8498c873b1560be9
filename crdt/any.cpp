#include "crdt/any.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "crdt/internal/any_tag.hpp"
#include "crdt/json.hpp"

namespace octavo::crdt {

namespace {

using internal::big_endian;
using tag = internal::any_tag;

struct level {
  std::uint64_t left = 0;
  bool object = false;
  bool first = true;
};

}  // namespace

bool skip_any(lib0_reader& reader, std::size_t& values, std::size_t max_values, std::size_t max_depth) {
  // The common scalars must not pay for the stack of levels.
  std::vector<level> stack;
  for (;;) {
    std::string_view key;
    if (!stack.empty()) {
      --stack.back().left;
      if (stack.back().object && !reader.var_string(key)) return false;
    }
    if (++values > max_values) return reader.fail(decode_errc::too_many_values);
    const std::size_t at = reader.offset();
    std::uint8_t raw_tag = 0;
    if (!reader.u8(raw_tag)) return false;
    bytes_view raw;
    std::string_view text;
    lib0_int number;
    std::uint64_t count = 0;
    switch (static_cast<tag>(raw_tag)) {
      case tag::undefined:
      case tag::null:
      case tag::true_value:
      case tag::false_value:
        break;
      case tag::integer:
        if (!reader.var_int(number)) return false;
        break;
      case tag::float32:
        if (!reader.raw(4, raw)) return false;
        break;
      case tag::float64:
      case tag::bigint:
        if (!reader.raw(8, raw)) return false;
        break;
      case tag::string:
        if (!reader.var_string(text)) return false;
        break;
      case tag::bytes:
        // JavaScript would make the bytes the prototype of the object, which then passes for bytes itself: reading its
        // other members may throw, and writing it does.
        if (key == "__proto__") return reader.fail_at(decode_errc::bad_any, at);
        if (!reader.var_bytes(raw)) return false;
        break;
      case tag::object:
      case tag::array: {
        const bool object = static_cast<tag>(raw_tag) == tag::object;
        if (!reader.var_uint(count)) return false;
        // A member takes at least a byte, with its key two.
        if (count > reader.remaining() / (object ? 2 : 1)) return reader.fail(decode_errc::truncated);
        if (stack.size() >= max_depth) return reader.fail_at(decode_errc::too_deep, at);
        stack.push_back({count, object, true});
        break;
      }
      default:
        return reader.fail_at(decode_errc::bad_any, at);
    }
    while (!stack.empty() && stack.back().left == 0) stack.pop_back();
    if (stack.empty()) return true;
  }
}

void skip_checked_any(lib0_reader& reader) {
  std::size_t values = 0;
  skip_any(reader, values, SIZE_MAX, SIZE_MAX);
}

bool skip_doc_options(lib0_reader& reader, std::size_t& values, std::size_t max_values, std::size_t max_depth) {
  const std::size_t at = reader.offset();
  lib0_reader members = reader;
  if (!skip_any(reader, values, max_values, max_depth)) return false;
  std::uint8_t raw_tag = 0;
  members.u8(raw_tag);
  if (static_cast<tag>(raw_tag) != tag::object) return reader.fail_at(decode_errc::bad_any, at);
  std::uint64_t count = 0;
  members.var_uint(count);
  for (; count != 0; --count) {
    std::string_view key;
    members.var_string(key);
    const std::size_t value_at = members.offset();
    lib0_reader peek = members;
    peek.u8(raw_tag);
    if (key == "gcFilter" || (key == "guid" && static_cast<tag>(raw_tag) != tag::string))
      return reader.fail_at(decode_errc::bad_any, value_at);
    skip_checked_any(members);
  }
  return true;
}

bool next_any_is_undefined(lib0_reader reader) {
  std::uint8_t raw_tag = 0;
  return reader.u8(raw_tag) && static_cast<tag>(raw_tag) == tag::undefined;
}

namespace {

enum class notation : std::uint8_t { json, javascript };

void append_number(double value, notation as, std::string& out) {
  if (as == notation::json || (std::isfinite(value) && (value != 0 || !std::signbit(value))))
    return append_json_number(value, out);
  out += std::isnan(value) ? "NaN" : value == 0 ? "-0" : value > 0 ? "Infinity" : "-Infinity";
}

void append_bytes(bytes_view data, notation as, std::size_t max_size, std::string& out) {
  if (as == notation::json) {
    out += '"';
    append_base64(data, out);
    out += '"';
    return;
  }
  out += "Uint8Array(" + std::to_string(data.size()) + ')';
  if (!data.empty()) out += ' ';
  append_hex(data.first(std::min(data.size(), max_size)), out);
}

// Stops once `out` is longer than max_size.
void append_any(lib0_reader& reader, notation as, std::string& out, std::size_t max_size) {
  std::vector<level> stack;
  while (out.size() <= max_size) {
    while (!stack.empty() && stack.back().left == 0) {
      out += stack.back().object ? '}' : ']';
      stack.pop_back();
      if (stack.empty()) return;
    }
    if (!stack.empty()) {
      level& top = stack.back();
      --top.left;
      if (top.object) {
        std::string_view key;
        if (!reader.var_string(key)) return;
        if (as == notation::json && next_any_is_undefined(reader)) {
          skip_checked_any(reader);
          continue;
        }
        if (!top.first) out += ',';
        append_json_string(key, out);
        out += ':';
      } else if (!top.first) {
        out += ',';
      }
      top.first = false;
    }
    std::uint8_t raw_tag = 0;
    if (!reader.u8(raw_tag)) return;
    bytes_view raw;
    std::string_view text;
    lib0_int number;
    std::uint64_t count = 0;
    switch (static_cast<tag>(raw_tag)) {
      case tag::true_value:
        out += "true";
        break;
      case tag::false_value:
        out += "false";
        break;
      case tag::integer:
        if (!reader.var_int(number)) return;
        if (number.negative && (number.magnitude != 0 || as == notation::javascript)) out += '-';
        out += std::to_string(number.magnitude);
        break;
      case tag::float32:
        if (!reader.raw(4, raw)) return;
        append_number(std::bit_cast<float>(static_cast<std::uint32_t>(big_endian<4>(raw))), as, out);
        break;
      case tag::float64:
        if (!reader.raw(8, raw)) return;
        append_number(std::bit_cast<double>(big_endian<8>(raw)), as, out);
        break;
      case tag::bigint:
        if (!reader.raw(8, raw)) return;
        out += std::to_string(static_cast<std::int64_t>(big_endian<8>(raw)));
        if (as == notation::javascript) out += 'n';
        break;
      case tag::string:
        if (!reader.var_string(text)) return;
        append_json_string(text, out);
        break;
      case tag::bytes:
        if (!reader.var_bytes(raw)) return;
        append_bytes(raw, as, max_size, out);
        break;
      case tag::object:
      case tag::array: {
        const bool object = static_cast<tag>(raw_tag) == tag::object;
        if (!reader.var_uint(count)) return;
        out += object ? '{' : '[';
        stack.push_back({count, object, true});
        break;
      }
      case tag::undefined:
        out += as == notation::javascript ? "undefined" : "null";
        break;
      default:
        out += "null";
        break;
    }
    if (stack.empty()) return;
  }
}

}  // namespace

void append_any_json(lib0_reader& reader, std::string& out) {
  append_any(reader, notation::json, out, SIZE_MAX);
}

void append_any_notation(lib0_reader& reader, std::string& out, std::size_t max_size) {
  append_any(reader, notation::javascript, out, max_size);
}

void append_hex(bytes_view data, std::string& out) {
  static constexpr char digits[] = "0123456789abcdef";
  for (const auto each : data) {
    out += digits[static_cast<std::uint8_t>(each) >> 4];
    out += digits[static_cast<std::uint8_t>(each) & 15];
  }
}

void append_base64(bytes_view data, std::string& out) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::size_t at = 0;
  while (at < data.size()) {
    const std::size_t left = data.size() - at;
    std::uint32_t word = static_cast<std::uint32_t>(data[at]) << 16;
    if (left > 1) word |= static_cast<std::uint32_t>(data[at + 1]) << 8;
    if (left > 2) word |= static_cast<std::uint32_t>(data[at + 2]);
    out += digits[word >> 18];
    out += digits[(word >> 12) & 63];
    out += left > 1 ? digits[(word >> 6) & 63] : '=';
    out += left > 2 ? digits[word & 63] : '=';
    at += 3;
  }
}

}  // namespace octavo::crdt
