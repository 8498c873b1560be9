// Reading encoding 1 of updates: one stream, structs first, delete set last.
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/any.hpp"
#include "crdt/internal/grammar.hpp"
#include "crdt/internal/wire.hpp"
#include "crdt/json.hpp"
#include "crdt/update.hpp"

namespace octavo::crdt::internal {

/// Reads encoding 1. A struct takes at least two bytes, so no count is believed beyond what the input can hold.
class v1_decoder : public update_decoder<v1_decoder> {
 public:
  v1_decoder(bytes_view data, decoded_update& out, const decode_limits& limits)
      : update_decoder(out, limits), reader_(data) {}

  result<void> run() {
    if (reader_.remaining() > limits_.max_bytes) return decode_error{decode_errc::too_large, limits_.max_bytes};
    if (!body() || !reader_.expect_end()) return reader_.error();
    return {};
  }

 protected:
  lib0_reader reader_;

 private:
  friend update_decoder;

  static constexpr std::size_t min_block_bytes = 3;
  lib0_reader& rest() { return reader_; }
  bool admit(std::uint64_t structs) {
    return structs <= reader_.remaining() / 2 || reader_.fail(decode_errc::truncated);
  }
  bool client_id(std::uint64_t& out) { return reader_.var_uint(out); }
  bool left_clock(std::uint32_t& out) { return reader_.var_u32(out); }
  bool right_clock(std::uint32_t& out) { return reader_.var_u32(out); }
  bool info(std::uint8_t& out) { return reader_.u8(out); }
  bool parent_info(std::uint64_t& out) { return reader_.var_uint(out); }
  bool string(std::string_view& out) { return reader_.var_string(out); }
  bool gc_length(std::uint32_t& out) { return reader_.var_u32(out); }
  void begin_deletes() {}
  bool delete_clock(std::uint32_t& out) { return reader_.var_u32(out); }
  bool delete_length(std::uint32_t& out) { return reader_.var_u32(out); }

  // Reads a text that must be JSON and counts its values.
  bool json_text(std::string_view& out, bool undefined_allowed) {
    if (!reader_.var_string(out)) return false;
    if (undefined_allowed && out == "undefined") return true;
    return check_json(out, reader_.offset() - out.size());
  }

  // The bytes since `from`; rewritten if their length prefixes are longer than need be, so that what is stored and sent
  // on is canonical.
  std::string_view canonical(std::size_t from, std::string_view first, std::string_view second) {
    const auto wire = reader_.between(from, reader_.offset());
    const std::size_t wanted =
        var_uint_size(first.size()) + first.size() + var_uint_size(second.size()) + second.size();
    if (wire.size() == wanted) return wire;
    bytes rewritten;
    lib0_writer writer(rewritten);
    writer.var_string(first);
    writer.var_string(second);
    return own(as_text(rewritten));
  }

  bool content(decoded_struct& next) {
    const std::size_t from = reader_.offset();
    switch (next.kind) {
      case content_kind::gc:
        return false;
      case content_kind::deleted:
        return reader_.var_u32(next.length);
      case content_kind::json:
      case content_kind::any:
        return values(next);
      case content_kind::binary: {
        bytes_view raw;
        if (!reader_.var_bytes(raw)) return false;
        next.content = as_text(raw);
        return true;
      }
      case content_kind::string: {
        std::size_t units = 0;
        if (!reader_.var_string(next.content, units)) return false;
        if (units > UINT32_MAX) return reader_.fail_at(decode_errc::clock_overflow, from);
        next.length = static_cast<std::uint32_t>(units);
        return true;
      }
      case content_kind::embed:
        return json_text(next.content, false);
      case content_kind::format: {
        std::string_view key;
        std::string_view value;
        if (!reader_.var_string(key) || !json_text(value, false)) return false;
        next.content = canonical(from, key, value);
        return true;
      }
      case content_kind::type:
        return type(next, from);
      case content_kind::doc: {
        std::string_view guid;
        if (!reader_.var_string(guid)) return false;
        const std::size_t options = reader_.offset();
        if (!skip_doc_options(reader_, value_count(), limits_.max_values, limits_.max_depth)) return false;
        next.content = reader_.between(from, reader_.offset());
        if (options - from != var_uint_size(guid.size()) + guid.size()) {
          bytes rewritten;
          lib0_writer(rewritten).var_string(guid);
          next.content = own(as_text(rewritten), reader_.between(options, reader_.offset()));
        }
        return true;
      }
    }
    return false;
  }

  bool values(decoded_struct& next) {
    std::uint64_t length = 0;
    if (!count(length, 1)) return false;
    if (length > UINT32_MAX) return reader_.fail(decode_errc::clock_overflow);
    const std::size_t from = reader_.offset();
    bool padded = false;
    for (std::uint64_t i = 0; i < length; ++i) {
      if (next.kind == content_kind::any) {
        if (!skip_any(reader_, value_count(), limits_.max_values, limits_.max_depth)) return false;
      } else {
        const std::size_t start = reader_.offset();
        std::string_view text;
        if (!json_text(text, true)) return false;
        padded |= reader_.offset() - start != var_uint_size(text.size()) + text.size();
      }
    }
    next.length = static_cast<std::uint32_t>(length);
    next.content = reader_.between(from, reader_.offset());
    if (padded) {
      lib0_reader again(as_bytes(next.content));
      bytes rewritten;
      lib0_writer writer(rewritten);
      for (std::uint64_t i = 0; i < length; ++i) {
        bytes_view text;
        again.var_bytes(text);
        writer.var_bytes(text);
      }
      next.content = own(as_text(rewritten));
    }
    return true;
  }

  bool type(decoded_struct& next, std::size_t from) {
    std::uint64_t kind = 0;
    if (!reader_.var_uint(kind)) return false;
    if (kind > static_cast<std::uint64_t>(type_kind::xml_text))
      return reader_.fail_at(decode_errc::bad_type_kind, from);
    const bool padded = reader_.offset() - from != 1;
    const auto type = static_cast<type_kind>(kind);
    const bool named = type == type_kind::xml_element || type == type_kind::xml_hook;
    std::string_view name;
    if (named && !reader_.var_string(name)) return false;
    next.content = reader_.between(from, reader_.offset());
    if (padded || (named && next.content.size() != 1 + var_uint_size(name.size()) + name.size())) {
      bytes rewritten;
      lib0_writer writer(rewritten);
      writer.var_uint(kind);
      if (named) writer.var_string(name);
      next.content = own(as_text(rewritten));
    }
    return true;
  }
};

}  // namespace octavo::crdt::internal
