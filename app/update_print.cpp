#include "app/update_print.hpp"

#include <algorithm>
#include <array>
#include <ostream>

#include "app/output.hpp"
#include "crdt/any.hpp"
#include "crdt/json.hpp"
#include "crdt/lib0.hpp"

namespace octavo::app {

using crdt::content_kind;
using crdt::none;

namespace {

constexpr auto ranges_shown = std::size_t{20};

/// Text at a width; never cut within a character.
std::string cut_at(std::string text, std::size_t width) {
  if (text.size() <= width) return text;
  auto characters = std::size_t{0};
  for (auto at = std::size_t{0}; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80) continue;
    if (characters++ < width) continue;
    text.resize(at);
    return text += "…";
  }
  return text;
}

std::string_view read_text(crdt::lib0_reader& reader) {
  auto text = bytes_view{};
  reader.var_bytes(text);
  return as_text(text);
}

/// The rest of a content, behind what was read of it.
std::string_view rest_of(const crdt::lib0_reader& reader, std::string_view content) {
  return content.substr(content.size() - reader.remaining());
}

enum class style { json, javascript };

/// A run of values as JSON, or as JavaScript writes them; stops beyond max_size.
std::string values_text(content_kind kind, std::uint32_t length, std::string_view run, style as,
                        std::string_view separator = ",", std::size_t max_size = SIZE_MAX) {
  auto reader = crdt::lib0_reader{as_bytes(run)};
  auto out = std::string{};
  for (auto i = std::uint32_t{0}; i < length && out.size() <= max_size; ++i) {
    if (i != 0) out += separator;
    if (kind == content_kind::json) {
      const auto text = read_text(reader);
      out += as == style::json && text == "undefined" ? std::string_view{"null"} : text;
    } else if (as == style::json) {
      crdt::append_any_json(reader, out);
    } else {
      crdt::append_any_notation(reader, out, max_size);
    }
  }
  return out;
}

/// Values as JSON, and how JavaScript writes them where that says more.
std::string value_members(std::string_view name, content_kind kind, std::uint32_t length, std::string_view run) {
  const auto json = values_text(kind, length, run, style::json);
  auto members = ",\"" + std::string{name} + "\":" + (name == "values" ? '[' + json + ']' : json);
  if (auto plain = values_text(kind, length, run, style::javascript); plain != json)
    members += ",\"notation\":" + json_string(plain);
  return members;
}

}  // namespace

std::string counted(std::uint64_t count, std::string_view noun) {
  return std::to_string(count) + ' ' + std::string{noun} + (count == 1 ? "" : "s");
}

std::string clocks_text(std::uint64_t from, std::uint64_t to) {
  return std::to_string(from) + (to - from > 1 ? '-' + std::to_string(to - 1) : "");
}

std::string json_string(std::string_view text) {
  auto out = std::string{};
  crdt::append_json_string(text, out);
  return out;
}

std::string terminal_safe(std::string_view text) {
  auto out = std::string{};
  const auto escape = [&](unsigned code) {
    constexpr auto digits = std::string_view{"0123456789abcdef"};
    out += "\\u";
    for (auto shift : {12U, 8U, 4U, 0U}) out += digits[(code >> shift) & 15U];
  };
  const auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U; };
  for (auto at = std::size_t{0}; at < text.size(); ++at) {
    const auto first = byte(at);
    const auto three = ((first & 15U) << 12U) | ((byte(at + 1) & 63U) << 6U) | (byte(at + 2) & 63U);
    if (first < 0x20 || first == 0x7f) {
      escape(first);
    } else if (first == 0xC2 && byte(at + 1) < 0xA0) {
      escape(byte(at + 1));  // the second set of control characters
      at += 1;
    } else if ((first & 0xF0U) == 0xE0 &&
               ((three >= 0x200B && three <= 0x200F) || (three >= 0x2028 && three <= 0x202E) ||
                (three >= 0x2060 && three <= 0x2069) || three == 0xFEFF)) {
      escape(three);  // directions, lines, and what has no width
      at += 2;
    } else {
      out += text[at];
    }
  }
  return out;
}

std::string quoted(std::string_view text, std::size_t width) {
  const auto total = text.size();
  auto part = cut_at(std::string{text.substr(0, width < total / 4 ? width * 4 + 4 : total)}, width);
  const auto was_cut = part.size() != total;
  if (was_cut && part.ends_with("…")) part.resize(part.size() - std::string_view{"…"}.size());
  return terminal_safe(json_string(part)) + (was_cut ? "… (" + human_bytes(total) + ")" : "");
}

std::string shown_content(content_kind kind, std::uint32_t length, std::string_view content, std::size_t width) {
  auto reader = crdt::lib0_reader{as_bytes(content)};
  auto out = std::string{};
  // A character takes up to four bytes; what is behind that is cut in any case.
  const auto bound = width > SIZE_MAX / 4 ? SIZE_MAX : width * 4;
  switch (kind) {
    case content_kind::gc:
    case content_kind::deleted:
      return {};
    case content_kind::json:
    case content_kind::any:
      out = values_text(kind, length, content, style::javascript, ", ", bound);
      break;
    case content_kind::binary:
      out = counted(content.size(), "byte") + ' ';
      crdt::append_hex(as_bytes(content.substr(0, bound)), out);
      break;
    case content_kind::string:
      return quoted(content, width);
    case content_kind::embed:
      out = content.substr(0, bound);
      break;
    case content_kind::format:
      out = json_string(read_text(reader)) + '=';
      out += read_text(reader).substr(0, bound);
      break;
    case content_kind::type: {
      auto type = std::uint8_t{0};
      reader.u8(type);
      out = name_of(static_cast<crdt::type_kind>(type));
      if (!reader.at_end()) out.append(" <").append(read_text(reader)).append(">");
      break;
    }
    case content_kind::doc:
      out = "guid " + json_string(read_text(reader)) + ' ';
      crdt::append_any_notation(reader, out, bound);
      break;
  }
  return terminal_safe(cut_at(std::move(out), width));
}

std::string content_members(content_kind kind, std::uint32_t length, std::string_view content) {
  auto reader = crdt::lib0_reader{as_bytes(content)};
  auto out = std::string{};
  switch (kind) {
    case content_kind::gc:
    case content_kind::deleted:
      break;
    case content_kind::json:
    case content_kind::any:
      return value_members("values", kind, length, content);
    case content_kind::binary:
      out = ",\"base64\":\"";
      crdt::append_base64(as_bytes(content), out);
      out += '"';
      break;
    case content_kind::string:
      return ",\"text\":" + json_string(content);
    case content_kind::embed:
      return ",\"value\":" + std::string{content};
    case content_kind::format:
      out = ",\"format\":{\"key\":" + json_string(read_text(reader)) + ",\"value\":";
      out.append(read_text(reader)).append("}");
      break;
    case content_kind::type: {
      auto type = std::uint8_t{0};
      reader.u8(type);
      out = ",\"type\":\"" + std::string{name_of(static_cast<crdt::type_kind>(type))} + '"';
      if (!reader.at_end()) out += ",\"name\":" + json_string(read_text(reader));
      break;
    }
    case content_kind::doc:
      out = ",\"guid\":" + json_string(read_text(reader));
      return out + value_members("options", content_kind::any, 1, rest_of(reader, content));
  }
  return out;
}

std::string shown_ranges(const std::vector<crdt::clock_range>& ranges) {
  auto out = std::string{};
  for (auto i = std::size_t{0}; i < std::min(ranges.size(), ranges_shown); ++i) {
    const auto& each = ranges[i];
    out += (i == 0 ? "" : ", ") + std::to_string(each.client) + ':' + clocks_text(each.from, each.to);
  }
  if (ranges.size() > ranges_shown) out += " and " + std::to_string(ranges.size() - ranges_shown) + " more";
  return out;
}

std::string ranges_json(const std::vector<crdt::clock_range>& ranges) {
  auto out = std::string{'['};
  for (const auto& each : ranges) {
    if (out.size() > 1) out += ',';
    out += "{\"client\":" + std::to_string(each.client) + ",\"from\":" + std::to_string(each.from) +
           ",\"to\":" + std::to_string(each.to) + '}';
  }
  return out + ']';
}

std::string shown_waiting(const waiting_report& waiting) {
  auto out = std::string{};
  if (waiting.structs != 0) out = counted(waiting.structs, "struct") + " (" + shown_ranges(waiting.waiting) + ")";
  if (waiting.delete_ranges != 0)
    out += (out.empty() ? "" : " and ") + counted(waiting.delete_ranges, "range") + " of deletes";
  out += waiting.structs + waiting.delete_ranges == 1 ? " waits" : " wait";
  return out + " for what is missing: " + shown_ranges(waiting.missing);
}

std::string waiting_json(const waiting_report& waiting) {
  return "{\"structs\":" + std::to_string(waiting.structs) +
         ",\"delete_ranges\":" + std::to_string(waiting.delete_ranges) + ",\"clocks\":" + ranges_json(waiting.waiting) +
         ",\"missing\":" + ranges_json(waiting.missing) + '}';
}

}  // namespace octavo::app
