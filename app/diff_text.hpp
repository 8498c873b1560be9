// A difference of two versions as a person reads it on a terminal. Pure; whatever a document holds, what is printed has
// no control characters but line ends.
#pragma once

#include <string>

#include "crdt/diff.hpp"

namespace octavo::app {

struct diff_text_options {
  bool color = false;
  /// How much of what was kept is shown beside a change, in bytes of text.
  std::size_t context = 40;
};

/// One line for each run that changed, with who and when, below the root and the type that it is in.
std::string diff_text(const crdt::version_diff& diff, const diff_text_options& options = {});

/// Text with control characters escaped, lines ends too.
std::string without_controls(std::string_view text);

}  // namespace octavo::app
