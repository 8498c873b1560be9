// What tests do with documents again and again: apply, compare, deliver in a random order.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include "crdt/document.hpp"

namespace octavo::test {

/// Bytes of hexadecimal text; spaces and bars are for the reader.
inline bytes hex(std::string_view text) {
  bytes out;
  int high = -1;
  for (const char c : text) {
    if (c == ' ' || c == '|') continue;
    const int value = c <= '9' ? c - '0' : c - 'a' + 10;
    if (high < 0) {
      high = value;
    } else {
      out.push_back(static_cast<std::byte>(high * 16 + value));
      high = -1;
    }
  }
  return out;
}

inline std::string to_hex(bytes_view data) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const auto byte : data) {
    out += digits[static_cast<int>(byte) >> 4];
    out += digits[static_cast<int>(byte) & 15];
  }
  return out;
}

/// Applies an update that must be good.
inline crdt::apply_report feed(crdt::document& to, bytes_view update) {
  auto done = to.apply_v1(update);
  if (!done) {
    const auto& error = done.error();
    FAIL("update refused: " << (error.decode ? crdt::to_string(*error.decode) : std::string(to_string(*error.apply))));
  }
  return *done;
}

inline void check_sound(const crdt::document& document) {
  const auto fault = document.check_integrity();
  if (fault) FAIL_CHECK(*fault);
}

/// The seed of a random test: from the environment for a replay, else from the machine; printed either way.
inline std::uint64_t choose_seed() {
  const char* given = std::getenv("OCTAVO_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}() % 100000;
  MESSAGE("OCTAVO_SEED=" << seed << " replays this test");
  return seed;
}

/// Same content, same state, same deletes, same order of everything.
inline void check_equal(const crdt::document& left, const crdt::document& right) {
  CHECK(left.state() == right.state());
  CHECK(left.canonical_dump() == right.canonical_dump());
  CHECK(left.to_json() == right.to_json());
}

}  // namespace octavo::test
