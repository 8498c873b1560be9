// Internal to storage/: the few plain files beside the database (FORMAT, RECOVERY, the lock), and file operations that
// are durable when they return. Usable from any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "storage/result.hpp"

namespace octavo::storage {

/// The store's folder while it is open: an flock on `<folder>/lock`, which names the process in it.
class folder_lock {
 public:
  /// errc::locked with the other process's number and the path, or io_error. With `read_only` a folder that cannot be
  /// written to is locked through the folder itself.
  static result<folder_lock> acquire(const std::filesystem::path& folder, bool read_only);
  folder_lock(folder_lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  folder_lock& operator=(folder_lock&& other) noexcept;
  ~folder_lock();

 private:
  explicit folder_lock(int fd) : fd_(fd) {}
  int fd_;
};

inline constexpr const char* lock_file_name = "lock";
inline constexpr const char* format_file_name = "FORMAT";
inline constexpr const char* recovery_file_name = "RECOVERY";
inline constexpr const char* reserve_file_name = "RESERVE";

/// What the FORMAT file says.
struct format_file {
  std::uint32_t version = 0;
  std::string store_id;     ///< 32 hexadecimal digits
  bool unfinished = false;  ///< the store is being made: its database may be missing
};
/// Nothing if there is none; errc::corrupt if it cannot be understood.
result<std::optional<format_file>> read_format_file(const std::filesystem::path& folder);
result<void> write_format_file(const std::filesystem::path& folder, const format_file& format);
/// 32 hexadecimal digits from the system's random source.
std::string random_store_id();
/// The first eight bytes of a store id, as bytes: see commit_entry.hpp.
std::string salt_of(std::string_view store_id);

/// Notes that a recovery is under way, so that it is finished by the next open() if this process dies in it.
struct recovery_file {
  std::string folder;                 ///< the name of the folder with the original logs
  std::optional<std::uint64_t> base;  ///< the newest commit in the tables when it began
};
result<std::optional<recovery_file>> read_recovery_file(const std::filesystem::path& folder);
result<void> write_recovery_file(const std::filesystem::path& folder, const recovery_file& recovery);

/// The file is there whole or not at all, also after a power cut.
result<void> write_file_durably(const std::filesystem::path& path, std::string_view text);
result<void> copy_file_durably(const std::filesystem::path& from, const std::filesystem::path& to);
result<void> remove_file_durably(const std::filesystem::path& path);
result<void> sync_folder(const std::filesystem::path& folder);
result<std::string> read_whole_file(const std::filesystem::path& path);

/// Makes a file that takes up this much of the disk, or nothing. errc::no_space; errc::io_error where the file system
/// cannot set room aside.
result<void> allocate_file(const std::filesystem::path& path, std::uint64_t bytes);
/// Bytes of the disk that a file takes up; 0 if there is none. Holes do not count.
std::uint64_t allocated_bytes(const std::filesystem::path& path);

/// Bytes that this process may still write to the disk of `folder`.
result<std::uint64_t> free_bytes(const std::filesystem::path& folder);

}  // namespace octavo::storage
