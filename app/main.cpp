// octavo's one program.
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <span>

#include "app/commands.hpp"
#include "app/logging.hpp"
#include "app/output.hpp"
#include "app/private_files.hpp"
#include "app/settings.hpp"
#include "net/version.hpp"

namespace {

using namespace octavo::app;

void collect_names(const CLI::App& app, std::vector<std::string>& names) {
  for (const auto* option : app.get_options())
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  for (const auto* sub : app.get_subcommands({})) names.push_back(sub->get_name());
}

/// The innermost command that was named.
const CLI::App* named_command(const CLI::App& program) {
  const auto* current = &program;
  while (!current->get_subcommands().empty()) current = current->get_subcommands().front();
  return current;
}

/// How errors are to be said. It is asked of the words themselves, since a command line may be wrong.
struct speech {
  bool json = false;      ///< --json
  bool json_log = false;  ///< --log-json
};

speech asked_speech(int argc, char** argv) {
  auto words = std::span{argv, static_cast<std::size_t>(argc)};
  auto says = [&words](std::string_view flag) {
    return std::ranges::any_of(words, [flag](const char* word) { return flag == word; });
  };
  return {says("--json"), says("--log-json")};
}

/// Says what was meant, where a word is like one that exists.
int usage_error(const CLI::App& program, const CLI::ParseError& wrong, const speech& how) {
  auto message = std::string{wrong.what()};
  const auto* where = named_command(program);
  auto names = std::vector<std::string>{};
  collect_names(*where, names);
  for (const auto& word : where->remaining()) {
    auto bare = word.substr(0, word.find('='));
    // A name that exists is no slip: it is what follows it that is wrong.
    if (std::ranges::find(names, bare) != names.end()) continue;
    if (auto meant = did_you_mean(bare, names); !meant.empty())
      message.append("\nDid you mean ").append(meant).append(" instead of ").append(bare).append("?");
  }
  message += "\nSee: octavo";
  for (const auto* part = &program; !part->get_subcommands().empty();) {
    part = part->get_subcommands().front();
    message += ' ' + part->get_name();
  }
  message += " --help";
  const auto error = octavo::error{octavo::errc::invalid_argument, std::move(message)};
  if (!how.json_log) return report(error, how.json);
  auto log = log_options{};
  log.json = true;
  start_logging(log);
  return refuse_to_serve(error, log);
}

int run_program(int argc, char** argv, const speech& how) {
  auto program =
      CLI::App{"octavo: a server for documents that many people edit at once, for every Yjs editor.", "octavo"};
  program.set_version_flag("--version", std::string{octavo::version});
  program.require_subcommand(1);
  program.footer(
      "Examples:\n"
      "  octavo serve                              a node on http://127.0.0.1:8080, data in ./data\n"
      "  octavo doc list --data DIR                what is stored\n"
      "  octavo token --secret-file F --doc notes  a token for one document\n"
      "  octavo update inspect notes.yjs           what is in a Yjs update\n"
      "Exit codes: 0 done, 2 wrong usage or configuration, 3 and more as docs/operations.md lists.");
  auto run = command{};
  add_serve(program, run);
  add_doc(program, run);
  add_store(program, run);
  add_cluster(program, run);
  add_token(program, run);
  add_update(program, run);
  try {
    program.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // help, version
    program.exit(asked);
    return finish_output(false);
  } catch (const CLI::ParseError& wrong) {
    return usage_error(program, wrong, how);
  }
  // Commands speak for themselves; only what is wrong is logged. `serve` sets up its own logging.
  spdlog::set_default_logger(spdlog::stderr_logger_mt("tool"));
  spdlog::set_level(spdlog::level::warn);
  const auto code = run();
  return code == exit_ok ? finish_output(how.json) : code;
}

}  // namespace

int main(int argc, char** argv) {
  make_files_private();
  const auto how = asked_speech(argc, argv);
  try {
    return run_program(argc, argv, how);
  } catch (const std::exception& failed) {
    return report({octavo::errc::internal, std::string{"unexpected: "} + failed.what()}, how.json);
  }
}
