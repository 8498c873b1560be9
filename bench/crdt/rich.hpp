#pragma once

#include <cstdint>

namespace octavo::bench {

/// Builds and edits a text of so many runs, plain and with a format each; prints one line of JSON for either.
void measure_rich(std::uint32_t runs);

}  // namespace octavo::bench
