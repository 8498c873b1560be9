// Bytes as text, the way that people find them in logs, consoles and databases: hexadecimal, base64, lists of numbers.
// Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/bytes.hpp"
#include "storage/result.hpp"

namespace octavo::app {

/// How bytes are written. `list` is what JavaScript prints of them: Uint8Array(2) [0, 0], [0,0], 0,0, <Buffer 00 00>,
/// {"0":0,"1":0}.
enum class input_form { raw, hex, base64, list };

std::string_view to_string(input_form form);

/// One way to read what was given.
struct reading {
  input_form form = input_form::raw;
  result<bytes> data;
};

/// The ways to read it, the likeliest first; never none. Without a form: text that can only be meant as a list is that
/// alone, then hexadecimal digits, base64, the bytes themselves. What is asked for is the only one.
std::vector<reading> readings(bytes_view given, std::optional<input_form> form);

/// Bytes in a form, ready to be written; text ends with a newline. There is no writing as a list.
std::string written(bytes_view data, input_form form);

}  // namespace octavo::app
