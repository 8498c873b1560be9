// What the encodings of updates share: the names of bits, the head of an item, and the cutting of runs of values.
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/any.hpp"
#include "crdt/lib0.hpp"
#include "crdt/update.hpp"

namespace octavo::crdt::internal {

// Bits of the info byte. Do not renumber.
inline constexpr std::uint8_t info_origin = 0x80;
inline constexpr std::uint8_t info_right = 0x40;
inline constexpr std::uint8_t info_parent_sub = 0x20;
inline constexpr std::uint8_t info_kind_mask = 0x1f;
inline constexpr std::uint8_t info_skip = 10;

/// How many bytes the first `count` values of a checked run of `any` or JSON take. Adds the number of values that had
/// to be read, those nested in `any` counted, to `values_read`.
inline std::size_t values_size(content_kind kind, std::string_view run, std::uint32_t count, std::size_t& values_read) {
  lib0_reader reader(as_bytes(run));
  if (kind == content_kind::any) {
    for (std::uint32_t i = 0; i < count; ++i) skip_any(reader, values_read, SIZE_MAX, SIZE_MAX);
    return reader.offset();
  }
  values_read += count;
  for (std::uint32_t i = 0; i < count; ++i) {
    bytes_view text;
    reader.var_bytes(text);
  }
  return reader.offset();
}

inline std::size_t values_size(content_kind kind, std::string_view run, std::uint32_t count) {
  std::size_t values_read = 0;
  return values_size(kind, run, count, values_read);
}

/// Whether a type has a name on the wire.
inline bool has_name(type_kind kind) {
  return kind == type_kind::xml_element || kind == type_kind::xml_hook;
}

/// An item's place as the wire has it; client ids in full.
struct item_head {
  content_kind kind = content_kind::deleted;
  bool has_origin = false;
  bool has_right = false;
  bool has_parent_sub = false;
  bool parent_is_root = false;
  std::uint64_t origin_client = 0;
  std::uint32_t origin_clock = 0;
  std::uint64_t right_client = 0;
  std::uint32_t right_clock = 0;
  std::uint64_t parent_client = 0;
  std::uint32_t parent_clock = 0;
  std::string_view parent_root;
  std::string_view key;
};

/// The info byte of an item.
inline std::uint8_t info_of(const item_head& head) {
  std::uint8_t info = static_cast<std::uint8_t>(head.kind);
  if (head.has_origin) info |= info_origin;
  if (head.has_right) info |= info_right;
  if (head.has_parent_sub) info |= info_parent_sub;
  return info;
}

inline void write_head_v1(lib0_writer& writer, const item_head& head) {
  writer.u8(info_of(head));
  if (head.has_origin) {
    writer.var_uint(head.origin_client);
    writer.var_uint(head.origin_clock);
  }
  if (head.has_right) {
    writer.var_uint(head.right_client);
    writer.var_uint(head.right_clock);
  }
  if (head.has_origin || head.has_right) return;
  if (head.parent_is_root) {
    writer.u8(1);
    writer.var_string(head.parent_root);
  } else {
    writer.u8(0);
    writer.var_uint(head.parent_client);
    writer.var_uint(head.parent_clock);
  }
  if (head.has_parent_sub) writer.var_string(head.key);
}

inline void write_content_v1(lib0_writer& writer, content_kind kind, std::uint32_t length, std::string_view content) {
  switch (kind) {
    case content_kind::gc:
    case content_kind::deleted:
      writer.var_uint(length);
      break;
    case content_kind::json:
    case content_kind::any:
      writer.var_uint(length);
      writer.raw(content);
      break;
    case content_kind::binary:
    case content_kind::string:
    case content_kind::embed:
      writer.var_string(content);
      break;
    case content_kind::format:
    case content_kind::type:
    case content_kind::doc:
      writer.raw(content);
      break;
  }
}

inline void write_gc_v1(lib0_writer& writer, std::uint32_t length) {
  writer.u8(0);
  writer.var_uint(length);
}

inline void write_skip_v1(lib0_writer& writer, std::uint32_t length) {
  writer.u8(info_skip);
  writer.var_uint(length);
}

}  // namespace octavo::crdt::internal
