// How thorough an exhaustive test is in this build. A sanitizer makes it many times slower and sees the same code in
// each round: it takes a part of the rounds, another one in each run; the release build takes them all.
#pragma once

#include <cstddef>

namespace octavo::test {

/// Every how many of the possible places a test looks at.
inline constexpr auto stride_of_places = std::size_t{
#ifdef OCTAVO_SANITIZED
    11
#else
    1
#endif
};

}  // namespace octavo::test
