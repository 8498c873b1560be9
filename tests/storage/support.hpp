// What the storage tests share: a folder that goes away, short ways to write and read, copies of a store as a crash
// would leave it, and edits of its files.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/store.hpp"

namespace octavo::storage::testing {

/// In memory where there is room for it: what these tests do to files does not need a disk, and hundreds of syncs do.
class temporary_folder {
 public:
  temporary_folder() {
    std::error_code problem;
    const auto memory = std::filesystem::space("/dev/shm", problem);
    const bool has_room = !problem && memory.available > (std::uintmax_t{256} << 20U);
    const auto root = has_room ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path();
    auto pattern = (root / "octavo-storage-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline store_options options_for(const std::filesystem::path& path) {
  store_options options;
  options.path = path;
  options.min_free_bytes = std::uint64_t{1} << 20U;
  options.reserve_bytes = 0;
  return options;
}

inline std::unique_ptr<store> open_ok(const store_options& options) {
  auto opened = store::open(options);
  if (!opened) FAIL(opened.error().message);
  return std::move(*opened);
}
inline std::unique_ptr<store> open_ok(const std::filesystem::path& path) {
  return open_ok(options_for(path));
}

template <class T>
void require_ok(const result<T>& outcome) {
  if (!outcome) FAIL(outcome.error().message);
}

inline append make_append(std::string_view document, std::uint64_t seq, std::string_view update) {
  return {document, seq, 1'700'000'000'000 + static_cast<std::int64_t>(seq), "ann", as_bytes(update)};
}

inline result<void> commit_one(store& store, std::string_view document, std::uint64_t seq, std::string_view update) {
  const append item = make_append(document, seq, update);
  return store.commit({&item, 1});
}

/// Updates 1 … count, "<document>/<seq>" each.
inline std::string update_text(std::string_view document, std::uint64_t seq) {
  return std::string(document) + "/" + std::to_string(seq);
}
inline void fill(store& store, std::string_view document, std::uint64_t first, std::uint64_t last) {
  for (auto seq = first; seq <= last; ++seq) {
    require_ok(commit_one(store, document, seq, update_text(document, seq)));
  }
}

/// The document holds updates up to `last`, each as fill() wrote it.
inline void check_filled(const store& store, std::string_view document, std::uint64_t last) {
  const auto whole = store.load(document);
  require_ok(whole);
  CHECK(whole->info.last_seq == last);
  CHECK(whole->snapshot_seq + whole->records.size() == last);
  for (const auto& record : whole->records) CHECK(as_text(record.update) == update_text(document, record.seq));
}

inline std::vector<std::filesystem::path> files_with(const std::filesystem::path& folder, std::string_view extension) {
  std::vector<std::filesystem::path> found;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() == extension) found.push_back(file.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// The newest write-ahead log of a store.
inline std::filesystem::path log_of(const std::filesystem::path& store) {
  const auto found = files_with(store / "db", ".log");
  REQUIRE(!found.empty());
  return found.back();
}

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_bytes(const std::filesystem::path& path, std::string_view data) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(data.data(), static_cast<std::streamsize>(data.size()));
  REQUIRE(out.good());
}

/// The folder as it is now, while the store may be open: what a killed process leaves. Only for a store that nothing is
/// written to or deleted from meanwhile, not by RocksDB's own threads either; see fault_file_system::copy_as_killed.
inline void copy_store(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::filesystem::remove_all(to);
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

inline std::uint64_t seed_of_run() {
  if (const char* given = std::getenv("OCTAVO_SEED")) return std::strtoull(given, nullptr, 10);
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

}  // namespace octavo::storage::testing
