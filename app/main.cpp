// octavo's one program.
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "app/commands.hpp"
#include "app/output.hpp"
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

/// Says what was meant, where a word is like one that exists.
int usage_error(const CLI::App& program, const CLI::ParseError& wrong) {
  std::cerr << "octavo: " << wrong.what() << '\n';
  const auto* where = named_command(program);
  auto names = std::vector<std::string>{};
  collect_names(*where, names);
  for (const auto& word : where->remaining()) {
    auto bare = word.substr(0, word.find('='));
    if (auto meant = did_you_mean(bare, names); !meant.empty())
      std::cerr << "Did you mean " << meant << " instead of " << bare << "?\n";
  }
  std::cerr << "See: octavo";
  for (const auto* part = &program; !part->get_subcommands().empty();) {
    part = part->get_subcommands().front();
    std::cerr << ' ' << part->get_name();
  }
  std::cerr << " --help\n";
  return exit_usage;
}

int run_program(int argc, char** argv) {
  auto program =
      CLI::App{"octavo: a server for documents that many people edit at once, for every Yjs editor.", "octavo"};
  program.set_version_flag("--version", std::string{octavo::version});
  program.require_subcommand(1);
  program.footer(
      "Examples:\n"
      "  octavo serve                              a node on http://127.0.0.1:8080, data in ./data\n"
      "  octavo doc list --data DIR                what is stored\n"
      "  octavo token --secret-file F --doc notes  a token for one document\n"
      "Exit codes: 0 done, 2 wrong usage or configuration, 10 and more as docs/operations.md lists.");
  auto run = command{};
  add_serve(program, run);
  add_doc(program, run);
  add_store(program, run);
  add_token(program, run);
  try {
    program.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return program.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return program.exit(help);
  } catch (const CLI::CallForVersion& asked) {
    return program.exit(asked);
  } catch (const CLI::ParseError& wrong) {
    return usage_error(program, wrong);
  }
  // Commands speak for themselves; only what is wrong is logged. `serve` sets up its own logging.
  spdlog::set_default_logger(spdlog::stderr_logger_mt("tool"));
  spdlog::set_level(spdlog::level::warn);
  return run();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run_program(argc, argv);
  } catch (const std::exception& failed) {
    std::fprintf(stderr, "octavo: unexpected: %s\n", failed.what());
    return exit_errors_from + static_cast<int>(octavo::errc::internal);
  }
}
