// Log lines as JSON objects, one a line.
#pragma once

#include <spdlog/formatter.h>

#include <memory>

namespace octavo::app {

/// {"time":"2026-11-24T08:15:02.123Z","level":"info","logger":"net","message":"…"}
std::unique_ptr<spdlog::formatter> make_json_formatter();

}  // namespace octavo::app
