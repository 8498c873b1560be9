// The commands. Each adds itself to the command line with its options, help and examples, and sets `run` to what must
// be done; main() calls it once everything is parsed.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace octavo::app {

/// Returns the exit code.
using command = std::function<int()>;

void add_serve(CLI::App& program, command& run);
void add_doc(CLI::App& program, command& run);
void add_store(CLI::App& program, command& run);
void add_cluster(CLI::App& program, command& run);
void add_token(CLI::App& program, command& run);
void add_update(CLI::App& program, command& run);

}  // namespace octavo::app
