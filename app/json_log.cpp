#include "app/json_log.hpp"

#include <spdlog/details/log_msg.h>
#include <spdlog/pattern_formatter.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace octavo::app {

namespace {

class json_formatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    auto time = spdlog::memory_buf_t{};
    time_.format(message, time);
    auto level = spdlog::level::to_string_view(message.level);
    auto line = boost::json::serialize(boost::json::object{
        {"time", boost::json::string_view{time.data(), time.size()}},
        {"level", boost::json::string_view{level.data(), level.size()}},
        {"logger", boost::json::string_view{message.logger_name.data(), message.logger_name.size()}},
        {"message", boost::json::string_view{message.payload.data(), message.payload.size()}}});
    line += '\n';
    out.append(line.data(), line.data() + line.size());
  }

  std::unique_ptr<formatter> clone() const override { return std::make_unique<json_formatter>(); }

 private:
  spdlog::pattern_formatter time_{"%Y-%m-%dT%H:%M:%S.%eZ", spdlog::pattern_time_type::utc, ""};
};

}  // namespace

std::unique_ptr<spdlog::formatter> make_json_formatter() {
  return std::make_unique<json_formatter>();
}

}  // namespace octavo::app
