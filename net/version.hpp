// The version of this build, from the project's CMakeLists.txt.
#pragma once

#include <string_view>

namespace octavo {

inline constexpr std::string_view version = OCTAVO_VERSION;

}  // namespace octavo
