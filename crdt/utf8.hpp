// UTF-8 as Yjs needs it: strict validation, lengths in UTF-16 units (the index space of every Yjs text), and cuts at a
// UTF-16 position. Pure functions, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace octavo::crdt {

/// U+FFFD in UTF-8: what each half of a surrogate pair becomes when a cut falls between them.
inline constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

namespace internal {
bool measure_utf8_slow(std::string_view text, std::size_t& utf16_units);
}

/// Checks strict UTF-8 (no overlong forms, no surrogates, nothing above U+10FFFF) and counts UTF-16 units.
inline bool measure_utf8(std::string_view text, std::size_t& utf16_units) {
  if (text.size() == 1 && static_cast<unsigned char>(text[0]) < 0x80) {
    utf16_units = 1;
    return true;
  }
  return internal::measure_utf8_slow(text, utf16_units);
}

inline bool is_utf8(std::string_view text) {
  std::size_t units = 0;
  return measure_utf8(text, units);
}

/// The length in UTF-16 units of text that is known to be valid.
std::size_t utf16_length(std::string_view valid);

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_ascii_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Where a position in UTF-16 units falls in valid text.
struct utf8_cut {
  std::size_t byte = 0;      ///< offset of the code point that the position is in front of, or inside of
  bool splits_pair = false;  ///< the position is between the halves of a surrogate pair (a code point of four bytes)
};

/// Finds a UTF-16 position; `units` must be at most the text's length.
utf8_cut find_utf16(std::string_view valid, std::size_t units);

/// Orders two valid texts by UTF-16 code units, as JavaScript's default sort does: below U+E000 it agrees with byte
/// order, above it code points outside the BMP come first.
bool utf16_less(std::string_view left, std::string_view right);

}  // namespace octavo::crdt
