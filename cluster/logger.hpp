// The logger of everything in cluster/.
#pragma once

#include <spdlog/logger.h>

namespace octavo::cluster {

spdlog::logger& logger();

}  // namespace octavo::cluster
