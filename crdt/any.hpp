// `any`: lib0's encoding of a JavaScript value. A document keeps such values as the bytes that they came in, checked
// once; these functions check them and print them as JSON. Iterative whatever the nesting. Pure functions, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crdt/lib0.hpp"

namespace octavo::crdt {

/// Moves the reader past one value and checks it. Adds the number of values seen, nested ones counted, to `values`;
/// more than max_values is too_many_values, deeper than max_depth is too_deep. Bytes under the key "__proto__" are
/// bad_any, as no JavaScript peer could write the object again.
bool skip_any(lib0_reader& reader, std::size_t& values, std::size_t max_values, std::size_t max_depth);

/// Moves past one value that has been checked before.
void skip_checked_any(lib0_reader& reader);

/// As skip_any() for the options of a subdocument, which yjs hands to the constructor of a document: it asks the value
/// for members, so it must be an object; a "gcFilter" would have to be a function, and a "guid", which takes the place
/// of the one in front of the options, a string. Anything else, bad_any, would throw in every client that gets to see
/// it.
bool skip_doc_options(lib0_reader& reader, std::size_t& values, std::size_t max_values, std::size_t max_depth);

/// True if the next value is `undefined`; the reader does not move.
bool next_any_is_undefined(lib0_reader reader);

/// Prints one checked value as JSON.stringify would: undefined is null in arrays and left out of objects, a bigint is
/// its digits, bytes are base64 in a string. At the top undefined is null.
void append_any_json(lib0_reader& reader, std::string& out);

/// Prints one checked value for a person, as JavaScript writes it: undefined, NaN and -0 as such, a bigint with its n,
/// bytes as Uint8Array(3) 0a0b0c. May stop anywhere once `out` is longer than max_size; the reader is of no use then.
void append_any_notation(lib0_reader& reader, std::string& out, std::size_t max_size = SIZE_MAX);

/// Appends one checked value as the text that JSON.stringify makes of what lib0 reads: members without a value and
/// __proto__ are left out, of one key the last counts, keys that are numbers come first, bytes are an object of
/// numbers. Returns what is wrong with it if JSON.stringify would refuse it (bad_any: a bigint, or undefined at the
/// top), or if the text passes max_size (too_large); `out` is unspecified then.
std::optional<decode_errc> append_any_as_json_text(lib0_reader& reader, std::string& out, std::size_t max_size);

/// Appends valid JSON as the value that lib0 writes for what JSON.parse makes of it.
void append_json_text_as_any(std::string_view valid_json, bytes& out);

/// Appends a JavaScript number as lib0 writes it: an integer of 32 bits or less, else the shortest float that holds it.
void append_number_as_any(double value, bytes& out);

/// Appends bytes as base64 with padding.

/// Appends bytes as base64 with padding, or as hexadecimal digits.
void append_base64(bytes_view data, std::string& out);
void append_hex(bytes_view data, std::string& out);

}  // namespace octavo::crdt
