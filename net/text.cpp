#include "net/text.hpp"

#include <algorithm>
#include <charconv>

#include "crdt/utf8.hpp"

namespace octavo::net {

namespace {

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
  auto out = std::string{};
  out.reserve(text.size());
  for (auto i = std::size_t{0}; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    auto high = hex_value(text[i + 1]);
    auto low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string query_parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    auto end = query.find('&');
    auto pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    auto equals = pair.find('=');
    if (equals == std::string_view::npos || percent_decode(pair.substr(0, equals)) != name) continue;
    auto value = std::string{pair.substr(equals + 1)};
    std::ranges::replace(value, '+', ' ');
    return percent_decode(value).value_or(std::string{});
  }
  return {};
}

std::string_view origin_authority(std::string_view origin) {
  auto mark = origin.find("://");
  if (mark == std::string_view::npos || mark == 0) return {};
  if (!std::ranges::all_of(origin.substr(0, mark),
                           [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '+'; }))
    return {};
  auto authority = origin.substr(mark + 3);
  // What may stand in a host name, or between the brackets of an address; above all no '/', '@', '?' and '#'.
  auto fits = [](char c) {
    return is_letter(c) || is_digit(c) || c == '.' || c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
  };
  return std::ranges::all_of(authority, fits) ? authority : std::string_view{};
}

std::optional<std::string> origin_as_sent(std::string_view origin) {
  auto authority = origin_authority(origin);
  auto scheme = std::string{origin.substr(0, origin.find("://"))};
  auto colon = authority.rfind(':');
  auto is_port = colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  auto host = std::string{authority.substr(0, is_port ? colon : authority.size())};
  if (host.empty() || (!host.starts_with('[') && host.find(':') != std::string::npos)) return std::nullopt;
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  std::ranges::transform(scheme, scheme.begin(), lower);
  std::ranges::transform(host, host.begin(), lower);
  auto sent = scheme + "://" + host;
  if (!is_port) return sent;
  auto digits = authority.substr(colon + 1);
  auto port = std::uint16_t{0};
  auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (failed != std::errc{} || end != digits.data() + digits.size() || port == 0) return std::nullopt;
  if ((scheme == "http" && port == 80) || (scheme == "https" && port == 443)) return sent;
  return sent + ':' + std::to_string(port);
}

std::string unreachable_because(std::string_view name) {
  if (name.empty()) return "a document needs a name";
  if (name.starts_with('/')) return "no document's name begins with a slash: those belong to the address";
  if (name.size() > name_bytes_max)
    return "the document's name is longer than " + std::to_string(name_bytes_max) + " bytes";
  if (!crdt::is_utf8(name)) return "the document's name is not valid UTF-8";
  return {};
}

}  // namespace octavo::net
