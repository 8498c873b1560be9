// The part of `octavo doc` that looks back: history, diff, version, restore, and show --at.
#pragma once

#include <string>

#include "app/commands.hpp"

namespace octavo::app {

/// Prints what a document held at a version. The exit code.
int show_version(const std::string& data, const std::string& name, const std::string& at, const std::string& root,
                 const std::string& format, bool json);

/// Adds the commands to `doc`.
void add_doc_history(CLI::App& doc, command& run);

}  // namespace octavo::app
