// Where settings come from: a file, the environment, and the command line, through the table in settings.cpp.
#include <toml++/toml.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <numeric>
#include <sstream>

#include "app/settings.hpp"

namespace octavo::app {

namespace {

std::vector<std::string> setting_names() {
  auto names = std::vector<std::string>{};
  for (const auto& one : all_settings()) names.push_back(one.name);
  return names;
}

const setting* find_setting(std::string_view name) {
  auto found = std::ranges::find(all_settings(), name, &setting::name);
  return found == all_settings().end() ? nullptr : &*found;
}

/// What is wrong first is reported; the rest is applied all the same, as the error itself is logged as they say.
struct first_error {
  result<void> first;
  void note(result<void> applied) {
    if (first) first = std::move(applied);
  }
};

result<std::string> read_text(const std::filesystem::path& file) {
  auto failed = std::error_code{};
  if (!std::filesystem::exists(file, failed) && !failed)
    return fail(errc::not_found, "the configuration file " + file.string() + " does not exist");
  auto in = std::ifstream{file, std::ios::binary};
  auto text = std::ostringstream{};
  errno = 0;
  // An empty file gives nothing, and a stream calls that a failure.
  if (in.is_open() && in.peek() == std::ifstream::traits_type::eof() && !in.bad()) return std::string{};
  if (!in || !(text << in.rdbuf()))
    return fail(errc::io_error, "the configuration file " + file.string() + " cannot be read" +
                                    (errno == 0 ? "" : std::string{": "} + std::strerror(errno)));
  return std::move(text).str();
}

/// Levenshtein's distance, by rows.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  auto row = std::vector<std::size_t>(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (auto i = std::size_t{1}; i <= a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i);
    for (auto j = std::size_t{1}; j <= b.size(); ++j) {
      auto above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

std::string unknown_setting(std::string_view name) {
  auto message = "there is no setting '" + std::string{name} + "'";
  if (auto meant = did_you_mean(name, setting_names()); !meant.empty()) message += "; did you mean '" + meant + "'?";
  return message;
}

}  // namespace

std::string did_you_mean(std::string_view wrong, const std::vector<std::string>& known) {
  auto best = std::string{};
  auto best_distance = std::max<std::size_t>(2, wrong.size() / 3) + 1;
  for (const auto& one : known) {
    auto distance = edit_distance(wrong, one);
    if (distance >= best_distance) continue;
    best_distance = distance;
    best = one;
  }
  return best;
}

result<void> apply_setting(serve_options& to, std::string_view name, std::string_view value) {
  const auto* known = find_setting(name);
  if (known == nullptr) return invalid(unknown_setting(name));
  if (auto applied = known->apply(to, value); !applied)
    return invalid(std::string{name} + ": '" + std::string{value} + "' cannot be meant: " + applied.error().message);
  return {};
}

result<void> apply_file(serve_options& to, const std::filesystem::path& file) {
  auto table = toml::table{};
  auto place = [&file](const toml::source_region& region) {
    return file.string() + ':' + std::to_string(region.begin.line) + ':' + std::to_string(region.begin.column) + ": ";
  };
  try {
    auto text = read_text(file);
    if (!text) return tl::unexpected{text.error()};
    table = toml::parse(*text);
  } catch (const toml::parse_error& wrong) {
    return invalid(place(wrong.source()) + std::string{wrong.description()});
  }
  auto outcome = first_error{};
  for (const auto& [key, node] : table) {
    auto name = std::string{key.str()};
    const auto& at = key.source();
    std::ranges::replace(name, '_', '-');
    auto apply_one = [&](const toml::node& value) -> result<void> {
      auto text = std::string{};
      if (auto string = value.value_exact<std::string>())
        text = *string;
      else if (auto number = value.value_exact<std::int64_t>())
        text = std::to_string(*number);
      else if (auto flag = value.value_exact<bool>())
        text = *flag ? "true" : "false";
      else
        return invalid(place(value.source()) + name + " must be a text, a number, true or false");
      auto applied = apply_setting(to, name, text);
      if (!applied) return invalid(place(at) + applied.error().message);
      return {};
    };
    const auto* list = node.as_array();
    const auto* known = find_setting(name);
    if (list == nullptr)
      outcome.note(apply_one(node));
    else if (known == nullptr)
      outcome.note(invalid(place(at) + unknown_setting(name)));
    else if (!known->adds_up)
      outcome.note(invalid(place(at) + name + " has one value, and a list holds many"));
    else
      for (const auto& value : *list) outcome.note(apply_one(value));
  }
  return outcome.first;
}

result<void> apply_environment(serve_options& to, char** environment) {
  constexpr auto prefix = std::string_view{"OCTAVO_"};
  auto outcome = first_error{};
  for (auto** entry = environment; entry != nullptr && *entry != nullptr; ++entry) {
    auto text = std::string_view{*entry};
    auto equals = text.find('=');
    if (!text.starts_with(prefix) || equals == std::string_view::npos) continue;
    auto name = std::string{text.substr(prefix.size(), equals - prefix.size())};
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return c == '_' ? '-' : std::tolower(c); });
    // These are not the server's: OCTAVO_CACHE is the setup script's, and the rest that of tests and tools.
    if (find_setting(name) == nullptr) continue;
    if (auto applied = apply_setting(to, name, text.substr(equals + 1)); !applied)
      outcome.note(
          invalid("environment variable " + std::string{text.substr(0, equals)} + ": " + applied.error().message));
  }
  return outcome.first;
}

}  // namespace octavo::app
