// Asking the real y-prosemirror: a file in between, and the script that node runs (prosemirror.mjs).
#pragma once

#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>

namespace octavo::test {

/// A file of its own, which goes with this.
class scratch_file {
 public:
  explicit scratch_file(const char* name)
      : path_(std::filesystem::temp_directory_path() /
              (std::string(name) + "-" + std::to_string(std::random_device{}()))) {}
  scratch_file(const scratch_file&) = delete;
  scratch_file& operator=(const scratch_file&) = delete;
  ~scratch_file() { std::filesystem::remove(path_); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

inline int y_prosemirror(const std::string& arguments) {
  return std::system(
      (std::string("'") + OCTAVO_NODE + "' '" + OCTAVO_PROSEMIRROR + "' '" + OCTAVO_EDITORS + "' " + arguments)
          .c_str());
}

}  // namespace octavo::test
