#include "net/text.hpp"

#include <algorithm>

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

}  // namespace octavo::net
