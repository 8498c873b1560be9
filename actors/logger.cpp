#include "actors/logger.hpp"

#include <spdlog/spdlog.h>

namespace octavo::actors {

spdlog::logger& logger() {
  static auto instance = [] {
    auto existing = spdlog::get("actors");
    return existing ? existing : spdlog::default_logger()->clone("actors");
  }();
  return *instance;
}

std::string printable(std::string_view name) {
  constexpr auto length_max = std::size_t{120};
  constexpr auto hex = std::string_view{"0123456789abcdef"};
  auto out = std::string{'"'};
  for (auto character : name.substr(0, length_max)) {
    auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    } else {
      if (character == '"' || character == '\\') out += '\\';
      out += character;
    }
  }
  if (name.size() > length_max) out += "…";
  out += '"';
  return out;
}

}  // namespace octavo::actors
