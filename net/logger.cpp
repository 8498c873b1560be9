#include "net/logger.hpp"

#include <spdlog/spdlog.h>

namespace octavo::net {

spdlog::logger& logger() {
  static auto instance = [] {
    auto existing = spdlog::get("net");
    return existing ? existing : spdlog::default_logger()->clone("net");
  }();
  return *instance;
}

}  // namespace octavo::net
