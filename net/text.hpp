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

/// An origin as browsers send it: small letters, no default port ("HTTPS://Notes.example:443" is
/// "https://notes.example"). Nothing if it is not scheme://host[:port].
std::optional<std::string> origin_as_sent(std::string_view origin);

/// As in storage/: the store would refuse longer ones.
inline constexpr std::size_t name_bytes_max = 512;

/// Why no address can lead to a document of this name, as a sentence; empty if one can. The slashes that a path begins
/// with belong to the address.
std::string unreachable_because(std::string_view name);

}  // namespace octavo::net
