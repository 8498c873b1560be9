#include "cluster/logger.hpp"

#include <spdlog/spdlog.h>

namespace octavo::cluster {

spdlog::logger& logger() {
  static auto instance = [] {
    auto existing = spdlog::get("cluster");
    return existing ? existing : spdlog::default_logger()->clone("cluster");
  }();
  return *instance;
}

}  // namespace octavo::cluster
