// One line of text as Markdown: marks as delimiters where CommonMark is sure to read them as such, as HTML elsewhere;
// everything else escaped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "crdt/rich_tree.hpp"

namespace octavo::crdt::internal {

/// Where the text stands: in a cell and in a heading there are no line breaks, and in a cell the bar divides.
enum class markdown_place : std::uint8_t { paragraph, heading, cell };

/// Appends the text of a run of siblings, from `first` to before `end`, with all that is below them; blocks among that
/// follow each other with line breaks between. In a paragraph the lines end with "\n", but for the last.
std::string markdown_inline(const rich_tree& tree, std::uint32_t first, std::uint32_t end, markdown_place place);

/// The longest run of a character.
std::size_t longest_run(std::string_view text, char of);

/// Text for the info string of a fence.
std::string markdown_info(std::string_view text);

}  // namespace octavo::crdt::internal
