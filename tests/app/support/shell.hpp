// The built program, run as people and scripts run it, in a folder that goes away.
#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/actors/support/driven_document.hpp"
#include "tests/storage/support.hpp"

namespace octavo::test {

struct outcome {
  int exit_code = -1;
  std::string out;
  std::string err;
  boost::json::value parsed() const { return boost::json::parse(out); }
};

inline std::string shell_word(std::string_view word) {
  auto text = std::string{'\''};
  for (auto c : word) text += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return text + '\'';
}

class shell {
 public:
  template <class... Words>
  outcome octavo(const Words&... words) const {
    auto command = shell_word(OCTAVO_PROGRAM);
    ((command += ' ' + shell_word(words)), ...);
    command +=
        " < /dev/null > " + shell_word((folder / "out").string()) + " 2> " + shell_word((folder / "err").string());
    const auto status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, storage::testing::read_bytes(folder / "out"),
            storage::testing::read_bytes(folder / "err")};
  }

  /// A file of these bytes; its path.
  std::string file(std::string_view name, bytes_view content) const {
    storage::testing::write_bytes(folder / name, as_text(content));
    return (folder / name).string();
  }

  std::string data() const { return (folder / "data").string(); }

  /// A store with the document `notes`: "hello world" in two edits.
  void make_store() const {
    REQUIRE(octavo("doc", "import", "--data", data(), "notes", file("a", typed(1, 0, "hello "))).exit_code == 0);
    REQUIRE(octavo("doc", "import", "--data", data(), "notes", file("b", typed(1, 6, "world"))).exit_code == 0);
  }

  storage::testing::temporary_folder folder;
};

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace octavo::test
