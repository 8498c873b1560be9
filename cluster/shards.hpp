// Which shard a document belongs to. Every node must say the same, in every version: the number of shards is fixed when
// a cluster is made.
#pragma once

#include <cstdint>
#include <string_view>

namespace octavo::cluster {

using shard_number = std::uint32_t;

inline constexpr std::uint32_t default_shards = 1'024;
inline constexpr std::uint32_t max_shards = 65'536;

/// FNV-1a (Fowler, Noll and Vo), finished with the mixer of MurmurHash3 (Appleby), as FNV's low bits are poor.
constexpr std::uint64_t hash_of(std::string_view text) {
  auto hash = std::uint64_t{0xcbf29ce484222325U};
  for (auto c : text) {
    hash ^= static_cast<std::uint8_t>(c);
    hash *= 0x100000001b3U;
  }
  hash ^= hash >> 33U;
  hash *= 0xff51afd7ed558ccdU;
  hash ^= hash >> 33U;
  hash *= 0xc4ceb9fe1a85ec53U;
  return hash ^ (hash >> 33U);
}

constexpr shard_number shard_of(std::string_view document, std::uint32_t shards) {
  return static_cast<shard_number>(hash_of(document) % shards);
}

}  // namespace octavo::cluster
