// The tags of `any`, and its numbers of fixed width.
#pragma once

#include <cstddef>
#include <cstdint>

#include "crdt/bytes.hpp"

namespace octavo::crdt::internal {

/// The tags of the wire. Do not renumber.
enum class any_tag : std::uint8_t {
  bytes = 116,
  array = 117,
  object = 118,
  string = 119,
  true_value = 120,
  false_value = 121,
  bigint = 122,
  float64 = 123,
  float32 = 124,
  integer = 125,
  null = 126,
  undefined = 127,
};

template <std::size_t Size>
std::uint64_t big_endian(bytes_view data) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < Size; ++i) value = (value << 8) | static_cast<std::uint64_t>(data[i]);
  return value;
}

}  // namespace octavo::crdt::internal
