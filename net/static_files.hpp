// The built page, read into memory once. Names with a hash in them never change; everything else is asked for anew.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "storage/result.hpp"

namespace octavo::net {

struct static_file {
  std::string content;
  std::string_view type;  ///< such as "text/html; charset=utf-8"
  std::string etag;       ///< with quotes
  bool immutable = false;
};

class static_files {
 public:
  /// The page as a whole may be this large.
  static constexpr std::size_t bytes_max = std::size_t{64} << 20;

  /// Reads all files below a folder. errc::not_found, io_error, limit_exceeded.
  static result<static_files> read(const std::filesystem::path& root);

  /// A file by its URL path, such as "/assets/index-3f2a.js"; null if there is none. Only names that were read can be
  /// found, so that no path leads out of the folder.
  const static_file* find(std::string_view path) const;
  bool empty() const { return files_.empty(); }

 private:
  std::map<std::string, static_file, std::less<>> files_;
};

}  // namespace octavo::net
