// SHA-256 (FIPS 180-4), for the names that y-prosemirror gives to marks. Not for secrets.
#pragma once

#include <array>
#include <cstddef>

#include "crdt/bytes.hpp"

namespace octavo::crdt::internal {

std::array<std::byte, 32> sha256(bytes_view data);

}  // namespace octavo::crdt::internal
