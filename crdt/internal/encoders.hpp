// Writers of the two encodings of an update, for those who write one piece by piece: a list of decoded structs
// (grammar.hpp) or a store (encode.cpp). Values; one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crdt/any.hpp"
#include "crdt/internal/columns.hpp"
#include "crdt/internal/wire.hpp"
#include "crdt/update.hpp"
#include "crdt/utf8.hpp"

namespace octavo::crdt::internal {

/// A text of which the front, the back or both may be half of a surrogate pair: U+FFFD stands for that half.
struct cut_text {
  std::string_view middle;
  bool starts_in_pair = false;
  bool ends_in_pair = false;
};

/// Writes encoding 1 to the end of some bytes.
class v1_encoder {
 public:
  explicit v1_encoder(bytes& out) : writer_(out) {}

  lib0_writer& rest() { return writer_; }
  void client_id(std::uint64_t id) { writer_.var_uint(id); }
  void gc(std::uint32_t length) { write_gc_v1(writer_, length); }
  void skip(std::uint32_t length) { write_skip_v1(writer_, length); }

  void head(const item_head& head) { write_head_v1(writer_, head); }
  /// Everything that is not cut; `content` is that of decoded_struct.
  void content(content_kind kind, std::uint32_t length, std::string_view content) {
    write_content_v1(writer_, kind, length, content);
  }
  void type(type_kind kind, std::string_view name) {
    writer_.u8(static_cast<std::uint8_t>(kind));
    if (has_name(kind)) writer_.var_string(name);
  }
  void text(const cut_text& text, std::uint32_t) {
    constexpr std::size_t wide = replacement_character.size();
    writer_.var_uint(text.middle.size() + (text.starts_in_pair ? wide : 0) + (text.ends_in_pair ? wide : 0));
    if (text.starts_in_pair) writer_.raw(replacement_character);
    writer_.raw(text.middle);
    if (text.ends_in_pair) writer_.raw(replacement_character);
  }

  void begin_deletes() {}
  void deleted(std::uint32_t clock, std::uint32_t length) {
    writer_.var_uint(clock);
    writer_.var_uint(length);
  }

 private:
  lib0_writer writer_;
};

/// Writes encoding 2: gathers the columns, and joins them at the end.
class v2_encoder {
 public:
  lib0_writer& rest() { return rest_; }
  void client_id(std::uint64_t id) { clients_.write(id); }

  void gc(std::uint32_t length) {
    infos_.write(0);
    lengths_.write(length);
  }
  void skip(std::uint32_t length) {
    infos_.write(info_skip);
    rest_.var_uint(length);
  }

  void head(const item_head& head) {
    infos_.write(info_of(head));
    if (head.has_origin) left(head.origin_client, head.origin_clock);
    if (head.has_right) {
      clients_.write(head.right_client);
      right_clocks_.write(head.right_clock);
    }
    if (head.has_origin || head.has_right) return;
    parent_infos_.write(head.parent_is_root ? 1 : 0);
    if (head.parent_is_root) {
      string(head.parent_root);
    } else {
      left(head.parent_client, head.parent_clock);
    }
    if (head.has_parent_sub) string(head.key);
  }

  /// Everything that is not cut; `content` is that of decoded_struct.
  void content(content_kind kind, std::uint32_t length, std::string_view content);

  void type(type_kind kind, std::string_view name) {
    type_refs_.write(static_cast<std::uint64_t>(kind));
    if (has_name(kind)) key(name);
  }
  void text(const cut_text& text, std::uint32_t units) {
    if (text.starts_in_pair) texts_ += replacement_character;
    texts_ += text.middle;
    if (text.ends_in_pair) texts_ += replacement_character;
    text_lengths_.write(units);
  }

  void begin_deletes() { deletes_end_ = 0; }
  void deleted(std::uint32_t clock, std::uint32_t length) {
    rest_.var_uint(clock - deletes_end_);
    rest_.var_uint(length - 1);
    deletes_end_ = clock + length;
  }

  /// Appends the whole to `out`.
  void finish(bytes& out);

 private:
  void left(std::uint64_t client, std::uint32_t clock) {
    clients_.write(client);
    left_clocks_.write(clock);
  }
  void string(std::string_view value) {
    texts_ += value;
    text_lengths_.write(utf16_length(value));
  }
  // yjs has a table of keys that it does not fill, so that each key is a new one.
  void key(std::string_view value) {
    key_clocks_.write(keys_++);
    string(value);
  }

  bytes rest_data_;
  lib0_writer rest_{rest_data_};
  int_diff_opt_rle_writer key_clocks_;
  uint_opt_rle_writer clients_;
  int_diff_opt_rle_writer left_clocks_;
  int_diff_opt_rle_writer right_clocks_;
  rle_writer infos_;
  std::string texts_;
  uint_opt_rle_writer text_lengths_;
  rle_writer parent_infos_;
  uint_opt_rle_writer type_refs_;
  uint_opt_rle_writer lengths_;
  std::uint64_t keys_ = 0;
  std::uint32_t deletes_end_ = 0;
};

}  // namespace octavo::crdt::internal
