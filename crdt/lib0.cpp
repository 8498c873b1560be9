#include "crdt/lib0.hpp"

namespace octavo::crdt {

bool lib0_reader::var_uint_slow(std::uint64_t& out) {
  const std::size_t at = offset();
  if (const auto stops = stops_ahead(); stops != 0) {
    // All up to the first byte that ends a number, then the groups of seven bits moved together, by pairs.
    std::uint64_t word = 0;
    std::memcpy(&word, cursor_, sizeof(word));
    word &= (stops ^ (stops - 1)) & 0x7f7f'7f7f'7f7f'7f7f;
    word = (word & 0x007f'007f'007f'007f) | ((word & 0x7f00'7f00'7f00'7f00) >> 1);
    word = (word & 0x0000'3fff'0000'3fff) | ((word & 0x3fff'0000'3fff'0000) >> 2);
    word = (word & 0x0000'0000'0fff'ffff) | ((word & 0x0fff'ffff'0000'0000) >> 4);
    if (word > max_safe_integer) return fail_at(decode_errc::number_too_large, at);
    cursor_ += std::countr_zero(stops) / 8 + 1;
    out = word;
    return true;
  }
  std::uint64_t value = 0;
  for (int i = 0; i < max_varuint_bytes; ++i) {
    if (cursor_ == end_) return fail(decode_errc::truncated);
    const std::uint64_t byte = *cursor_++;
    const std::uint64_t bits = byte & 0x7f;
    // Seven groups hold 49 bits and the eighth four more; anything above must be padding.
    if (i == 7 ? bits > 0x0f : i > 7 && bits != 0) return fail_at(decode_errc::number_too_large, at);
    if (i <= 7) value |= bits << (7 * i);
    if (byte < 0x80) {
      out = value;
      return true;
    }
  }
  return fail_at(decode_errc::number_too_large, at);
}

bool lib0_reader::var_int(lib0_int& out) {
  const std::size_t at = offset();
  std::uint8_t first = 0;
  if (!u8(first)) return false;
  out.negative = (first & 0x40) != 0;
  out.magnitude = first & 0x3f;
  if (first < 0x80) return true;
  int shift = 6;
  for (int i = 1; i < max_varuint_bytes; ++i, shift += 7) {
    std::uint8_t byte = 0;
    if (!u8(byte)) return false;
    const std::uint64_t bits = byte & 0x7f;
    if (shift == 48 ? bits > 0x1f : shift > 48 && bits != 0) return fail_at(decode_errc::number_too_large, at);
    if (shift <= 48) out.magnitude |= bits << shift;
    if (byte < 0x80) return true;
  }
  return fail_at(decode_errc::number_too_large, at);
}

}  // namespace octavo::crdt
