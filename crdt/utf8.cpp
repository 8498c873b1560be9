#include "crdt/utf8.hpp"

#include <algorithm>
#include <cstring>

namespace octavo::crdt {

namespace {

bool is_continuation(unsigned char byte) {
  return (byte & 0xC0) == 0x80;
}

// The number of leading ASCII bytes, eight at a time.
std::size_t ascii_prefix(const char* data, std::size_t size) {
  std::size_t at = 0;
  while (at + 8 <= size) {
    std::uint64_t word = 0;
    std::memcpy(&word, data + at, 8);
    if ((word & 0x8080808080808080ULL) != 0) break;
    at += 8;
  }
  while (at < size && static_cast<unsigned char>(data[at]) < 0x80) ++at;
  return at;
}

}  // namespace

bool internal::measure_utf8_slow(std::string_view text, std::size_t& utf16_units) {
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  const std::size_t size = text.size();
  std::size_t at = 0;
  std::size_t units = 0;
  while (at < size) {
    const unsigned char lead = data[at];
    if (lead < 0x80) {
      const std::size_t run = ascii_prefix(text.data() + at, size - at);
      at += run;
      units += run;
      continue;
    }
    if (lead < 0xC2) return false;
    if (lead < 0xE0) {
      if (size - at < 2 || !is_continuation(data[at + 1])) return false;
      at += 2;
      units += 1;
    } else if (lead < 0xF0) {
      if (size - at < 3 || !is_continuation(data[at + 1]) || !is_continuation(data[at + 2])) return false;
      if (lead == 0xE0 && data[at + 1] < 0xA0) return false;
      if (lead == 0xED && data[at + 1] >= 0xA0) return false;
      at += 3;
      units += 1;
    } else {
      if (lead > 0xF4 || size - at < 4) return false;
      if (!is_continuation(data[at + 1]) || !is_continuation(data[at + 2]) || !is_continuation(data[at + 3]))
        return false;
      if (lead == 0xF0 && data[at + 1] < 0x90) return false;
      if (lead == 0xF4 && data[at + 1] >= 0x90) return false;
      at += 4;
      units += 2;
    }
  }
  utf16_units = units;
  return true;
}

std::size_t utf16_length(std::string_view valid) {
  std::size_t units = 0;
  for (const char c : valid) {
    const auto byte = static_cast<unsigned char>(c);
    units += !is_continuation(byte);
    units += byte >= 0xF0;
  }
  return units;
}

utf8_cut find_utf16(std::string_view valid, std::size_t units) {
  const auto* data = reinterpret_cast<const unsigned char*>(valid.data());
  std::size_t at = 0;
  std::size_t seen = 0;
  while (seen < units && at < valid.size()) {
    const unsigned char lead = data[at];
    if (lead < 0x80) {
      const std::size_t want = std::min(units - seen, valid.size() - at);
      const std::size_t run = ascii_prefix(valid.data() + at, want);
      at += run;
      seen += run;
    } else if (lead < 0xE0) {
      at += 2;
      seen += 1;
    } else if (lead < 0xF0) {
      at += 3;
      seen += 1;
    } else {
      if (seen + 1 == units) return {at, true};
      at += 4;
      seen += 2;
    }
  }
  return {at, false};
}

bool utf16_less(std::string_view left, std::string_view right) {
  const std::size_t common = std::min(left.size(), right.size());
  std::size_t at = 0;
  while (at < common && left[at] == right[at]) ++at;
  if (at == common) return left.size() < right.size();
  auto a = static_cast<unsigned char>(left[at]);
  auto b = static_cast<unsigned char>(right[at]);
  // In UTF-16 a surrogate (D800..DFFF, UTF-8 lead F0 and above) sorts below U+E000..U+FFFF (leads EE and EF). Where the
  // first different byte is a lead of that kind, the order of bytes and the order of units are opposite.
  const bool a_pair = a >= 0xF0;
  const bool b_pair = b >= 0xF0;
  if (a_pair != b_pair) {
    const unsigned char other = a_pair ? b : a;
    if (other == 0xEE || other == 0xEF) return a_pair;
  }
  return a < b;
}

}  // namespace octavo::crdt
