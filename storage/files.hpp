// Internal to storage/: the few plain files beside the database (FORMAT, RECOVERY, the lock), and file operations that
// are durable when they return. Usable from any thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/result.hpp"

namespace octavo::storage {

/// The store's folder while it is open: an flock on `<folder>/lock`, which names the process in it, and on the folder.
class folder_lock {
 public:
  /// errc::locked with the other process's number and the path, or io_error. With `read_only` the file need not be
  /// there nor be writable.
  static result<folder_lock> acquire(const std::filesystem::path& folder, bool read_only);
  folder_lock(folder_lock&& other) noexcept
      : file_(std::exchange(other.file_, -1)), directory_(std::exchange(other.directory_, -1)) {}
  folder_lock& operator=(folder_lock&& other) noexcept;
  ~folder_lock();

 private:
  folder_lock(int file, int directory) : file_(file), directory_(directory) {}
  int file_;
  int directory_;
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

/// Whether something is there. errc::io_error where that cannot be found out, as in a folder that may not be searched.
result<bool> path_exists(const std::filesystem::path& path);

/// The file is there whole or not at all, also after a power cut.
result<void> write_file_durably(const std::filesystem::path& path, std::string_view text);
/// Within one file system. errc::already_exists: something is at `to`.
result<void> rename_durably(const std::filesystem::path& from, const std::filesystem::path& to);
result<void> remove_file_durably(const std::filesystem::path& path);
result<void> sync_folder(const std::filesystem::path& folder);
result<std::string> read_whole_file(const std::filesystem::path& path);

/// Reads as pread(2) does from the file at `path`, which is open as `fd`; tests put a failing disk in its place.
using read_at_function =
    std::function<ssize_t(const std::filesystem::path& path, int fd, char* to, std::size_t size, off_t at)>;

/// The bytes of a file from `begin` up to, and without, `end`.
struct byte_range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};
/// "bytes 4096 to 8191 cannot be read"
std::string describe(const std::vector<byte_range>& unreadable);

/// A file as far as the disk gives it.
struct salvaged_file {
  std::string data;                    ///< as long as the file; a text that says so stands for what cannot be read
  std::vector<byte_range> unreadable;  ///< in order, neighbours joined
};
/// Reads around bad sectors, in steps of 4 KiB. errc::io_error where it is something else that fails. An empty
/// `read_at` is pread(2).
result<salvaged_file> salvage_file(const std::filesystem::path& path, const read_at_function& read_at = {});

/// Stands beside copies of files that could not be read as a whole, and says which of their bytes are filled in.
inline constexpr const char* unreadable_file_name = "UNREADABLE";
struct unreadable_part {
  std::string file;  ///< its name in that folder
  byte_range range;
};
/// Nothing if there is no such file.
result<std::vector<unreadable_part>> read_unreadable_file(const std::filesystem::path& folder);
result<void> write_unreadable_file(const std::filesystem::path& folder, const std::vector<unreadable_part>& parts);

/// Makes a file that takes up this much of the disk, or nothing. errc::no_space; errc::io_error where the file system
/// cannot set room aside.
result<void> allocate_file(const std::filesystem::path& path, std::uint64_t bytes);
/// Bytes of the disk that a file takes up; 0 if there is none. Holes do not count.
std::uint64_t allocated_bytes(const std::filesystem::path& path);

/// Bytes that this process may still write to the disk of `folder`.
result<std::uint64_t> free_bytes(const std::filesystem::path& folder);

}  // namespace octavo::storage
