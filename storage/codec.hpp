// Internal to storage/, and to cluster/codec.cpp: the small byte codec that keys, values and commit entries are written
// with, and CRC-32C. All integers are little-endian or LEB128 varints in values, and big-endian in keys so that they
// sort. Pure functions, usable from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace octavo::storage {

/// CRC-32C (Castagnoli) of `data`, continuing from `crc` of the bytes before it.
std::uint32_t crc32c(std::string_view data, std::uint32_t crc = 0);

void put_u32(std::string& out, std::uint32_t value);
void put_u64(std::string& out, std::uint64_t value);
void put_u64_be(std::string& out, std::uint64_t value);
void put_u32_be(std::string& out, std::uint32_t value);
void put_varint(std::string& out, std::uint64_t value);
/// A varint length and the bytes.
void put_text(std::string& out, std::string_view value);

std::uint32_t get_u32(const char* at);
std::uint64_t get_u64_be(const char* at);
std::uint32_t get_u32_be(const char* at);

/// Reads forward through bytes that may be damaged: the first failure sticks, and every read after it gives zero or
/// nothing, so that a decoder checks ok() once at its end.
class byte_reader {
 public:
  explicit byte_reader(std::string_view data) : rest_(data) {}
  std::uint8_t u8();
  std::uint32_t u32();
  std::uint64_t u64();
  std::uint64_t varint();
  std::string_view text();
  std::string_view take(std::size_t size);
  std::string_view rest() const { return rest_; }
  std::size_t size() const { return rest_.size(); }
  bool ok() const { return ok_; }
  /// All was read and nothing is left.
  bool done() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

/// Appends the checksum of `key` and `value` to `value`: a value that was moved under another key does not verify.
void seal(std::string_view key, std::string& value);
/// The value without its checksum, or nothing if the checksum does not match.
std::optional<std::string_view> unseal(std::string_view key, std::string_view value);

}  // namespace octavo::storage
