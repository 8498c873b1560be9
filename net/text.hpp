// The few things that are read out of URLs and origins. By hand, since Boost.URL 1.81 accepts origins with an address
// in front of a name, and hands out views of what it has freed. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace octavo::net {

/// Replaces %xx by its byte; nothing if a % is not followed by two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text);

/// The value of a parameter of a query string, decoded (+ is a space); empty if it is not there or not well encoded.
std::string query_parameter(std::string_view query, std::string_view name);

/// The host, with its port if it has one, of an origin such as "https://notes.example:8443"; empty for anything that is
/// not scheme://host[:port] and nothing more, "null" among them.
std::string_view origin_authority(std::string_view origin);

}  // namespace octavo::net
