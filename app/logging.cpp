#include "app/logging.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "app/json_log.hpp"
#include "app/output.hpp"

namespace octavo::app {

void start_logging(const log_options& options) {
  auto logger = spdlog::stderr_logger_mt("octavo");
  logger->set_level(spdlog::level::from_str(options.level));
  if (options.json)
    logger->set_formatter(make_json_formatter());
  else
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %n %v", spdlog::pattern_time_type::utc);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(logger);
}

int refuse_to_serve(const error& why, const log_options& options) {
  if (!options.json) return report(why, false);
  spdlog::critical("{}", why.message);
  return exit_code_of(why);
}

}  // namespace octavo::app
