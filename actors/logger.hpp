// The folder's logger, and how a document's name is written into a line of it.
#pragma once

#include <spdlog/logger.h>

#include <string>
#include <string_view>

namespace octavo::actors {

spdlog::logger& logger();

/// The name in quotes, with control characters and quotes escaped, cut after 120 bytes: names come from strangers.
std::string printable(std::string_view name);

}  // namespace octavo::actors
