// A way around a fault of md4c 0.4.8, Debian 12's parser of Markdown.
#pragma once

#include <cstddef>
#include <string_view>

namespace octavo::import {

/// How many line feeds to put in front of a text in Markdown, where they say nothing, so that md4c reads its lists
/// right; 0 for most texts, at most 255.
///
/// At a blank line within an item of a list, md4c asks whether the item is empty so far: whether the last record of its
/// block buffer opens an item. That record may also be a line of text, of which it then takes the low byte of the
/// offset for a kind of block. Where that byte is the number of the kind "item", what follows the blank line is taken
/// out of the list (`md_analyze_line()`, the check for "two blank lines" of md4c's issue 6). Line feeds in front move
/// all offsets. If no number of them spares every such line (there must be hundreds of them), it is the one that spares
/// the most. Linear in the text.
std::size_t line_feeds_in_front(std::string_view text);

}  // namespace octavo::import
