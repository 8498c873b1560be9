// What the writers of HTML and Markdown share: escaping, and the judging of addresses and styles.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crdt/rich_tree.hpp"

namespace octavo::crdt::internal {

/// Appends text that an HTML parser reads back as it is; NUL, which it knows not, as U+FFFD.
void append_html_text(std::string_view text, std::string& out);
/// Appends ` name="value"`.
void append_html_attribute(std::string_view name, std::string_view value, std::string& out);

/// Where an address is to be used. A link may lead to other programs, an image may carry its data.
enum class address_use : std::uint8_t { link, image };

/// An address that runs nothing when it is followed or shown, as it is but for characters that browsers skip; empty if
/// it is none of these. Relative ones are fine.
std::string safe_address(std::string_view address, address_use use);

/// A value that can stand in a style without reaching out of it or loading anything; else empty.
std::string_view safe_style_value(std::string_view value);

/// Whether an element stands within a line of text.
bool is_inline_element(const rich_tree& tree, std::uint32_t node);
/// Whether an element holds lines of text, and not blocks.
bool is_text_block(std::string_view name);

/// What a mention shows.
std::string mention_text(const rich_tree& tree, std::uint32_t node);

/// The place of a mark when several nest; what has a lower one is outside.
int mark_rank(std::string_view name);

/// The elements that blocks of other media become: their address, and a text for a link to it.
bool is_medium(std::string_view name);
std::string medium_address(const rich_tree& tree, std::uint32_t node);
std::string medium_text(const rich_tree& tree, std::uint32_t node);

}  // namespace octavo::crdt::internal
