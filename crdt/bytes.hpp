// The byte types that all of octavo shares. An update, a state vector or a snapshot is `bytes` where it is owned and
// `bytes_view` where it is looked at; what many readers share is an immutable `shared_bytes`.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace octavo {

using bytes = std::vector<std::byte>;
using bytes_view = std::span<const std::byte>;
using shared_bytes = std::shared_ptr<const bytes>;

/// Looks at text as bytes; the view lives as long as the text.
inline bytes_view as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// Looks at bytes as text, without any check of their encoding.
inline std::string_view as_text(bytes_view data) {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

}  // namespace octavo
