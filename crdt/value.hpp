// A value as documents hold them in lists and under keys: what JavaScript has as null, booleans, numbers, strings,
// arrays and plain objects, and beyond JSON undefined, bigints and bytes. Immutable. Small ones need no memory of their
// own. Kept as the bytes that lib0 writes for it (`any`), so that putting one into a document copies bytes.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "crdt/bytes.hpp"
#include "crdt/error.hpp"

namespace octavo::crdt {

class value {
 public:
  /// null
  value() : value(nullptr) {}
  value(std::nullptr_t);
  template <std::same_as<bool> Bool>
  value(Bool flag) : value(boolean(flag)) {}
  /// A JavaScript number: integers beyond 2^53 lose digits. -0 is kept.
  value(double number);
  template <class Integer>
  requires(std::integral<Integer> && !std::same_as<Integer, bool>) value(Integer number)
      : value(static_cast<double>(number)) {}
  /// Text. It must be UTF-8: a value that has other text in it is refused by all who take values.
  value(std::string_view text);
  value(const char* text) : value(std::string_view(text)) {}
  value(const std::string& text) : value(std::string_view(text)) {}

  static value boolean(bool flag);
  static value undefined();
  static value bigint(std::int64_t number);
  static value binary(bytes_view data);
  static value array(std::span<const value> values);
  /// Members in this order; of one key the last counts. Keys must be UTF-8, as text must.
  static value object(std::span<const std::pair<std::string, value>> members);
  /// What JSON.parse makes of a text. Errors: bad_utf8, bad_json, too_deep, with the offset.
  static result<value> from_json(std::string_view json);
  /// A value in lib0's encoding. Errors: those of decoding, trailing_bytes.
  static result<value> from_any(bytes_view encoded);

  /// lib0's encoding.
  bytes_view encoded() const { return as_bytes(encoded_); }
  /// JSON.stringify's text; undefined is null, a bigint its digits, bytes are base64 in a string.
  std::string to_json() const;

  bool is_null() const;
  bool is_undefined() const;
  bool is_bigint() const;
  /// The bytes of a binary value; nothing else has some.
  bool is_binary(bytes_view& data) const;

  friend bool operator==(const value&, const value&) = default;

 private:
  struct raw {};
  value(raw, std::string encoded) : encoded_(std::move(encoded)) {}

  std::string encoded_;
};

}  // namespace octavo::crdt
