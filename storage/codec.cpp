#include "storage/codec.hpp"

#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace octavo::storage {

static_assert(std::endian::native == std::endian::little, "the loads and stores below are little-endian");

namespace {

using crc_tables = std::array<std::array<std::uint32_t, 256>, 8>;

// "Slicing-by-8" (Kounavis and Berry, 2005): eight tables take eight bytes a step.
constexpr crc_tables make_tables() {
  constexpr std::uint32_t polynomial = 0x82f63b78;
  crc_tables tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? polynomial : 0);
    tables[0][i] = crc;
  }
  for (std::uint32_t i = 0; i < 256; ++i) {
    for (std::size_t slice = 1; slice < 8; ++slice) {
      const std::uint32_t before = tables[slice - 1][i];
      tables[slice][i] = (before >> 8U) ^ tables[0][before & 0xffU];
    }
  }
  return tables;
}

constexpr crc_tables tables = make_tables();

std::uint32_t crc32c_portable(const char* at, std::size_t size, std::uint32_t crc) {
  while (size >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    word ^= crc;
    crc = 0;
    for (std::size_t slice = 0; slice < 8; ++slice) crc ^= tables[7 - slice][(word >> (8 * slice)) & 0xffU];
    at += 8;
    size -= 8;
  }
  for (; size > 0; --size, ++at) crc = (crc >> 8U) ^ tables[0][(crc ^ static_cast<unsigned char>(*at)) & 0xffU];
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(const char* at, std::size_t size, std::uint32_t crc) {
  std::uint64_t wide = crc;
  for (; size >= 8; size -= 8, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  crc = static_cast<std::uint32_t>(wide);
  for (; size > 0; --size, ++at) crc = _mm_crc32_u8(crc, static_cast<unsigned char>(*at));
  return crc;
}
#endif

}  // namespace

std::uint32_t crc32c(std::string_view data, std::uint32_t crc) {
#if defined(__x86_64__)
  static const bool has_sse42 = __builtin_cpu_supports("sse4.2") != 0;
  if (has_sse42) return ~crc32c_sse42(data.data(), data.size(), ~crc);
#endif
  return ~crc32c_portable(data.data(), data.size(), ~crc);
}

void put_u32(std::string& out, std::uint32_t value) {
  out.append(reinterpret_cast<const char*>(&value), 4);
}
void put_u64(std::string& out, std::uint64_t value) {
  out.append(reinterpret_cast<const char*>(&value), 8);
}

void put_u64_be(std::string& out, std::uint64_t value) {
  put_u64(out, __builtin_bswap64(value));
}
void put_u32_be(std::string& out, std::uint32_t value) {
  put_u32(out, __builtin_bswap32(value));
}

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) out.push_back(static_cast<char>(value | 0x80U));
  out.push_back(static_cast<char>(value));
}

void put_text(std::string& out, std::string_view value) {
  put_varint(out, value.size());
  out.append(value);
}

std::uint32_t get_u32(const char* at) {
  std::uint32_t value = 0;
  std::memcpy(&value, at, 4);
  return value;
}

std::uint64_t get_u64_be(const char* at) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, 8);
  return __builtin_bswap64(value);
}

std::uint32_t get_u32_be(const char* at) {
  return __builtin_bswap32(get_u32(at));
}

std::string_view byte_reader::take(std::size_t size) {
  if (!ok_ || size > rest_.size()) {
    ok_ = false;
    rest_ = {};
    return {};
  }
  const auto taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

std::uint8_t byte_reader::u8() {
  const auto taken = take(1);
  return taken.empty() ? 0 : static_cast<std::uint8_t>(taken[0]);
}

std::uint32_t byte_reader::u32() {
  const auto taken = take(4);
  return taken.empty() ? 0 : get_u32(taken.data());
}

std::uint64_t byte_reader::u64() {
  const auto taken = take(8);
  std::uint64_t value = 0;
  if (!taken.empty()) std::memcpy(&value, taken.data(), 8);
  return value;
}

std::uint64_t byte_reader::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const auto taken = take(1);
    if (taken.empty()) return 0;
    const auto byte = static_cast<unsigned char>(taken[0]);
    if (shift == 63 && byte > 1) break;
    value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
    if (byte < 0x80) return value;
  }
  take(rest_.size() + 1);  // more than 64 bits: fail
  return 0;
}

std::string_view byte_reader::text() {
  const auto size = varint();
  return ok_ ? take(size) : std::string_view{};
}

void seal(std::string_view key, std::string& value) {
  put_u32(value, crc32c(value, crc32c(key)));
}

std::optional<std::string_view> unseal(std::string_view key, std::string_view value) {
  if (value.size() < 4) return std::nullopt;
  const auto body = value.substr(0, value.size() - 4);
  if (get_u32(value.data() + body.size()) != crc32c(body, crc32c(key))) return std::nullopt;
  return body;
}

}  // namespace octavo::storage
