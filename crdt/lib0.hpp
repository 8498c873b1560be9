// The primitives that every Yjs format is written in (npm package lib0): variable-length numbers, strings and byte
// arrays. The reader is bounded by its input and checks everything; its first error sticks, so a caller may read
// several values and ask once. Views that it returns point into the input. Values, no shared state: any thread.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "crdt/bytes.hpp"
#include "crdt/error.hpp"
#include "crdt/utf8.hpp"

namespace octavo::crdt {

/// The largest number that JavaScript holds exactly, and the largest that lib0 reads.
inline constexpr std::uint64_t max_safe_integer = (std::uint64_t{1} << 53) - 1;

/// A varuint of up to 2^53-1 takes eight bytes; padded forms (80 00 for 0) are accepted up to this many.
inline constexpr int max_varuint_bytes = 10;

/// A signed lib0 integer. The sign is kept apart since -0 exists and is not 0.
struct lib0_int {
  std::uint64_t magnitude = 0;
  bool negative = false;

  friend bool operator==(const lib0_int&, const lib0_int&) = default;
};

/// Reads lib0 values from a view. All functions return false at the first error and ever after.
class lib0_reader {
 public:
  explicit lib0_reader(bytes_view data)
      : begin_(reinterpret_cast<const unsigned char*>(data.data())), cursor_(begin_), end_(begin_ + data.size()) {}
  /// Reads a part of the data, [from, to); offsets count from the front of all of it.
  lib0_reader(bytes_view data, std::size_t from, std::size_t to)
      : begin_(reinterpret_cast<const unsigned char*>(data.data())), cursor_(begin_ + from), end_(begin_ + to) {}

  bool failed() const { return failed_; }
  /// What went wrong first; only meaningful if failed().
  decode_error error() const { return error_; }
  std::size_t offset() const { return static_cast<std::size_t>(cursor_ - begin_); }
  std::size_t remaining() const { return static_cast<std::size_t>(end_ - cursor_); }
  bool at_end() const { return cursor_ == end_; }

  /// Everything between two offsets of the input.
  std::string_view between(std::size_t from, std::size_t to) const {
    return {reinterpret_cast<const char*>(begin_) + from, to - from};
  }

  /// Records an error at the present offset, unless there is one already. Always returns false.
  bool fail(decode_errc code) { return fail_at(code, offset()); }
  bool fail_at(decode_errc code, std::size_t at) {
    if (!failed_) {
      failed_ = true;
      error_ = {code, at};
      end_ = cursor_;
    }
    return false;
  }

  bool u8(std::uint8_t& out) {
    if (cursor_ == end_) return fail(decode_errc::truncated);
    out = *cursor_++;
    return true;
  }

  /// A number up to 2^53-1.
  bool var_uint(std::uint64_t& out) {
    if (cursor_ != end_ && *cursor_ < 0x80) {
      out = *cursor_++;
      return true;
    }
    return var_uint_slow(out);
  }

  /// Steps over a number without reading it: whether it is one of the allowed is not looked at.
  bool skip_var_uint() {
    if (const auto stops = stops_ahead(); stops != 0) {
      cursor_ += std::countr_zero(stops) / 8 + 1;
      return true;
    }
    std::uint64_t ignored = 0;
    return var_uint(ignored);
  }

  /// A number that must fit 32 bits; a clock or a length.
  bool var_u32(std::uint32_t& out) {
    if (cursor_ != end_ && *cursor_ < 0x80) {
      out = *cursor_++;
      return true;
    }
    const std::size_t at = offset();
    std::uint64_t wide = 0;
    if (!var_uint_slow(wide)) return false;
    if (wide > UINT32_MAX) return fail_at(decode_errc::clock_overflow, at);
    out = static_cast<std::uint32_t>(wide);
    return true;
  }

  /// A signed number whose magnitude is at most 2^53-1.
  bool var_int(lib0_int& out);

  /// A length-prefixed run of bytes.
  bool var_bytes(bytes_view& out) {
    std::uint64_t size = 0;
    if (!var_uint(size)) return false;
    if (size > remaining()) return fail(decode_errc::truncated);
    out = {reinterpret_cast<const std::byte*>(cursor_), static_cast<std::size_t>(size)};
    cursor_ += size;
    return true;
  }

  /// A length-prefixed text of strict UTF-8; a byte order mark is kept, NUL is legal.
  bool var_string(std::string_view& out) {
    bytes_view raw;
    if (!var_bytes(raw)) return false;
    out = as_text(raw);
    if (!is_utf8(out)) return fail_at(decode_errc::bad_utf8, offset() - raw.size());
    return true;
  }

  /// A length-prefixed text, and its length in UTF-16 units.
  bool var_string(std::string_view& out, std::size_t& utf16_units) {
    bytes_view raw;
    if (!var_bytes(raw)) return false;
    out = as_text(raw);
    if (!measure_utf8(out, utf16_units)) return fail_at(decode_errc::bad_utf8, offset() - raw.size());
    return true;
  }

  /// A fixed number of bytes.
  bool raw(std::size_t size, bytes_view& out) {
    if (size > remaining()) return fail(decode_errc::truncated);
    out = {reinterpret_cast<const std::byte*>(cursor_), size};
    cursor_ += size;
    return true;
  }

  /// Succeeds if nothing is left.
  bool expect_end() { return at_end() && !failed_ ? true : fail(decode_errc::trailing_bytes); }

 private:
  bool var_uint_slow(std::uint64_t& out);

  // The top bits of those of the next eight bytes that end a number; 0 if none does, or there are no eight.
  std::uint64_t stops_ahead() const {
    if constexpr (std::endian::native != std::endian::little) return 0;
    std::uint64_t word = 0;
    if (remaining() < sizeof(word)) return 0;
    std::memcpy(&word, cursor_, sizeof(word));
    return ~word & 0x8080'8080'8080'8080;
  }

  const unsigned char* begin_;
  const unsigned char* cursor_;
  const unsigned char* end_;
  decode_error error_;
  bool failed_ = false;
};

/// Appends lib0 values to bytes that someone else owns.
class lib0_writer {
 public:
  explicit lib0_writer(bytes& out) : out_(out) {}

  std::size_t size() const { return out_.size(); }
  void u8(std::uint8_t value) { out_.push_back(static_cast<std::byte>(value)); }

  /// A number up to 2^53-1 in its shortest form.
  void var_uint(std::uint64_t value) {
    if (value < 0x80) {
      u8(static_cast<std::uint8_t>(value));
      return;
    }
    std::byte buffer[max_varuint_bytes];
    int size = 0;
    while (value >= 0x80) {
      buffer[size++] = static_cast<std::byte>((value & 0x7f) | 0x80);
      value >>= 7;
    }
    buffer[size++] = static_cast<std::byte>(value);
    out_.insert(out_.end(), buffer, buffer + size);
  }

  void var_int(lib0_int value) {
    const std::uint8_t sign = value.negative ? 0x40 : 0;
    std::uint64_t rest = value.magnitude >> 6;
    u8(static_cast<std::uint8_t>((value.magnitude & 0x3f) | sign | (rest != 0 ? 0x80 : 0)));
    if (rest != 0) var_uint(rest);
  }

  void raw(std::string_view data) {
    const auto view = as_bytes(data);
    out_.insert(out_.end(), view.begin(), view.end());
  }
  void raw(bytes_view data) { out_.insert(out_.end(), data.begin(), data.end()); }

  void var_string(std::string_view text) {
    var_uint(text.size());
    raw(text);
  }
  void var_bytes(bytes_view data) {
    var_uint(data.size());
    raw(data);
  }

 private:
  bytes& out_;
};

/// How many bytes var_uint() writes for a value.
constexpr std::size_t var_uint_size(std::uint64_t value) {
  std::size_t size = 1;
  while (value >= 0x80) {
    value >>= 7;
    ++size;
  }
  return size;
}

}  // namespace octavo::crdt
