#include "app/json_log.hpp"

#include <doctest/doctest.h>
#include <spdlog/details/log_msg.h>

#include <boost/json.hpp>

TEST_CASE("a log line is one JSON object, whatever it says") {
  const auto formatter = octavo::app::make_json_formatter()->clone();
  const auto at = spdlog::log_clock::time_point{std::chrono::milliseconds{1'700'000'000'123}};
  const auto text = std::string{"document=\"a\nb\" said \"hello\""};
  auto out = spdlog::memory_buf_t{};
  formatter->format(spdlog::details::log_msg{at, spdlog::source_loc{}, "net", spdlog::level::warn, text}, out);
  const auto line = std::string{out.data(), out.size()};
  CHECK(line.ends_with("}\n"));
  CHECK(line.find('\n') == line.size() - 1);
  const auto parsed = boost::json::parse(line);
  CHECK(parsed.at("time").as_string() == "2023-11-14T22:13:20.123Z");
  CHECK(parsed.at("level").as_string() == "warning");
  CHECK(parsed.at("logger").as_string() == "net");
  CHECK(parsed.at("message").as_string() == text.c_str());
}
