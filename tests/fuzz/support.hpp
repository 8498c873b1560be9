// What fuzz targets share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "crdt/bytes.hpp"

namespace octavo::fuzz {

/// Ends the program where something does not hold, so that the fuzzer keeps the input.
inline void require(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

/// Ends the program where a document's structure is not sound, and says in what.
template <class Document>
void require_sound(const Document& document, const char* what) {
  const auto fault = document.check_integrity();
  require(!fault, fault ? fault->c_str() : what);
}

inline bytes_view view(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const std::byte*>(data), size};
}

/// Takes an input apart: numbers one byte at a time, then zeroes.
class number_source {
 public:
  explicit number_source(bytes_view data) : data_(data) {}
  bool empty() const { return at_ >= data_.size(); }
  std::uint64_t operator()() { return empty() ? 0 : static_cast<std::uint64_t>(data_[at_++]); }

 private:
  bytes_view data_;
  std::size_t at_ = 0;
};

}  // namespace octavo::fuzz
