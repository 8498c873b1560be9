// The folder's logger.
#pragma once

#include <spdlog/logger.h>

namespace octavo::net {

spdlog::logger& logger();

}  // namespace octavo::net
