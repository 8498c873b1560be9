// How `serve` speaks: lines of a log on standard error, for people or as JSON.
#pragma once

#include "app/settings.hpp"
#include "storage/result.hpp"

namespace octavo::app {

/// Sets up the default logger; once.
void start_logging(const log_options& options);

/// Says why nothing is served: as every command says it, or as a line of the log where that is JSON. Logging has been
/// started. Returns the exit code.
int refuse_to_serve(const error& why, const log_options& options);

}  // namespace octavo::app
