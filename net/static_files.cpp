#include "net/static_files.hpp"

#include <openssl/sha.h>

#include <array>
#include <fstream>
#include <sstream>

namespace octavo::net {

namespace {

struct type_of_ending {
  std::string_view ending;
  std::string_view type;
};

constexpr auto types = std::array{
    type_of_ending{".html", "text/html; charset=utf-8"},
    type_of_ending{".js", "text/javascript; charset=utf-8"},
    type_of_ending{".css", "text/css; charset=utf-8"},
    type_of_ending{".json", "application/json"},
    type_of_ending{".webmanifest", "application/manifest+json"},
    type_of_ending{".svg", "image/svg+xml"},
    type_of_ending{".png", "image/png"},
    type_of_ending{".ico", "image/x-icon"},
    type_of_ending{".woff2", "font/woff2"},
    type_of_ending{".txt", "text/plain; charset=utf-8"},
};

std::string_view type_of(std::string_view name) {
  for (const auto& one : types)
    if (name.ends_with(one.ending)) return one.type;
  return "application/octet-stream";
}

std::string etag_of(const std::string& content) {
  auto digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>{};
  SHA256(reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest.data());
  constexpr auto hex = std::string_view{"0123456789abcdef"};
  constexpr auto shown_bytes = std::size_t{12};
  auto tag = std::string{'"'};
  for (auto i = std::size_t{0}; i < shown_bytes; ++i) {
    tag += hex[digest[i] >> 4];
    tag += hex[digest[i] & 15];
  }
  return tag + '"';
}

}  // namespace

result<static_files> static_files::read(const std::filesystem::path& root) {
  auto failed = std::error_code{};
  if (!std::filesystem::is_directory(root, failed))
    return fail(errc::not_found,
                "the page's folder " + root.string() + " does not exist (build it: scripts/serve does)");
  auto result = static_files{};
  auto total = std::size_t{0};
  for (auto entry = std::filesystem::recursive_directory_iterator{root, failed};
       !failed && entry != std::filesystem::recursive_directory_iterator{}; entry.increment(failed)) {
    if (!entry->is_regular_file(failed)) continue;
    auto in = std::ifstream{entry->path(), std::ios::binary};
    if (!in) return fail(errc::io_error, "cannot read " + entry->path().string());
    auto text = std::ostringstream{};
    text << in.rdbuf();
    auto file = static_file{};
    file.content = std::move(text).str();
    total += file.content.size();
    if (total > bytes_max) return fail(errc::limit_exceeded, "the page in " + root.string() + " is larger than 64 MiB");
    auto name = '/' + std::filesystem::relative(entry->path(), root, failed).generic_string();
    file.type = type_of(name);
    file.etag = etag_of(file.content);
    file.immutable = name.starts_with("/assets/");  // Vite puts a hash into these names
    result.files_.emplace(std::move(name), std::move(file));
  }
  if (failed) return fail(errc::io_error, "cannot read the page's folder " + root.string() + ": " + failed.message());
  return result;
}

const static_file* static_files::find(std::string_view path) const {
  auto found = files_.find(path);
  return found == files_.end() ? nullptr : &found->second;
}

}  // namespace octavo::net
