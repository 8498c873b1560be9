// JSON as text: strict validation without building a tree, and the notation of JavaScript's JSON.stringify for what the
// renderers write. Pure functions, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crdt/error.hpp"

namespace octavo::crdt {

/// How deep `any` and JSON values may nest. JavaScript peers accept more and then fail to encode the document.
inline constexpr std::size_t default_max_depth = 128;

/// Checks that text is one JSON value (RFC 8259, as JSON.parse takes it) and nothing else. The text must be valid UTF-8
/// already. Adds the number of values seen to `values`. Returns nothing if it is fine, else bad_json or too_deep with
/// the offset in the text. Needs no memory.
std::optional<decode_error> validate_json(std::string_view text, std::size_t& values,
                                          std::size_t max_depth = default_max_depth);
std::optional<decode_error> validate_json(std::string_view text);

/// Appends text as a JSON string with quotes, escaped as JSON.stringify does.
void append_json_string(std::string_view valid_utf8, std::string& out);

/// Appends a number as JavaScript prints it: shortest digits that round-trip. NaN and infinities become null.
void append_json_number(double value, std::string& out);

/// The text of a valid JSON string token (with its quotes), unescaped; lone surrogates become U+FFFD.
std::string unescape_json_string(std::string_view token);

}  // namespace octavo::crdt
