#include "storage/files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <sstream>

namespace octavo::storage {

namespace {

tl::unexpected<error> fail_errno(const char* doing, const std::filesystem::path& path) {
  const int code = errno;
  const bool is_full = code == ENOSPC || code == EDQUOT;
  return fail(is_full ? errc::no_space : errc::io_error,
              std::string("cannot ") + doing + " " + path.string() + ": " + std::strerror(code));
}

class descriptor {
 public:
  descriptor(const std::filesystem::path& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reopen(const std::filesystem::path& path, int flags) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = ::open(path.c_str(), flags | O_CLOEXEC);
  }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// The value of a line "key value" in a small text file.
std::optional<std::string> line_value(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ') {
      return std::string(line.substr(key.size() + 1));
    }
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return std::nullopt;
}

template <class Integer>
std::optional<Integer> parse_integer(std::string_view text) {
  Integer value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_store_id(std::string_view text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

constexpr std::string_view format_title = "octavo store";
constexpr std::string_view recovery_title = "octavo recovery";
constexpr std::string_view unreadable_title = "octavo unreadable";

constexpr std::size_t large_read_bytes = std::size_t{1} << 20U;
constexpr std::size_t small_read_bytes = 4096;
// Neither zeros, which would pass for sectors that were never written, nor anything that begins a record of a log.
constexpr std::string_view filler = "[the disk did not give these 32]";

// What file systems answer for a bad sector or a failed checksum of their own.
bool is_media_error(int code) {
  return code == EIO || code == EBADMSG || code == EUCLEAN || code == ENODATA || code == EILSEQ || code == EREMOTEIO;
}

// `file` is the lock file, open, or -1.
tl::unexpected<error> in_use(const std::filesystem::path& folder, int file) {
  std::array<char, 32> text{};
  const auto size = ::pread(file, text.data(), text.size() - 1, 0);
  const auto pid = size > 0 ? parse_integer<long>(std::string_view(text.data(), std::strcspn(text.data(), "\n")))
                            : std::optional<long>{};
  return fail(errc::locked, "the store in " + folder.string() + " is in use by " +
                                (pid ? "process " + std::to_string(*pid) : std::string("another process")) +
                                "; stop it first, or use another folder");
}

}  // namespace

result<folder_lock> folder_lock::acquire(const std::filesystem::path& folder, bool read_only) {
  const auto path = folder / lock_file_name;
  descriptor file(path, O_RDWR | O_CREAT);
  const bool is_writable = file.ok();
  if (!is_writable) {
    if (!read_only || (errno != EROFS && errno != EACCES)) return fail_errno("open the lock file", path);
    // flock(2) does not mind how a file is open.
    file.reopen(path, O_RDONLY);
  }
  // The folder is locked with the file: where a reader may not make the file, it is all that there is.
  descriptor directory(folder, O_RDONLY | O_DIRECTORY);
  if (!file.ok() && !directory.ok()) return fail_errno("open the lock file", path);
  if (file.ok() && ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    return errno == EWOULDBLOCK ? in_use(folder, file.get()) : fail_errno("lock", path);
  }
  if (directory.ok() && ::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return in_use(folder, file.get());
    // Some network file systems lock no folders.
    if (!file.ok()) return fail_errno("lock", folder);
  }
  if (is_writable) {
    // The number only serves the message above; a full disk must not keep the store from being opened for reading.
    const auto pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(file.get(), 0) == 0) static_cast<void>(::pwrite(file.get(), pid.data(), pid.size(), 0) < 0);
  }
  return folder_lock(file.release(), directory.release());
}

folder_lock& folder_lock::operator=(folder_lock&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(directory_, other.directory_);
  return *this;
}

folder_lock::~folder_lock() {
  if (file_ >= 0) ::close(file_);
  if (directory_ >= 0) ::close(directory_);
}

result<bool> path_exists(const std::filesystem::path& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return fail_errno("look for", path);
}

result<std::string> read_whole_file(const std::filesystem::path& path) {
  const descriptor file(path, O_RDONLY);
  if (!file.ok()) return fail_errno("open", path);
  std::string text;
  std::vector<char> buffer(std::size_t{1} << 20U);
  while (true) {
    const auto size = ::read(file.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail_errno("read", path);
    if (size == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

result<void> sync_folder(const std::filesystem::path& folder) {
  const descriptor directory(folder, O_RDONLY | O_DIRECTORY);
  if (!directory.ok() || ::fsync(directory.get()) != 0) return fail_errno("sync the folder", folder);
  return {};
}

result<void> write_file_durably(const std::filesystem::path& path, std::string_view text) {
  auto draft = path;
  draft += ".new";
  {
    const descriptor file(draft, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file.ok() || !write_all(file.get(), text) || ::fsync(file.get()) != 0) return fail_errno("write", draft);
  }
  if (::rename(draft.c_str(), path.c_str()) != 0) return fail_errno("write", path);
  return sync_folder(path.parent_path());
}

std::string describe(const std::vector<byte_range>& unreadable) {
  constexpr std::size_t named_max = 8;
  std::string text;
  for (std::size_t i = 0; i < unreadable.size() && i < named_max; ++i) {
    text += (i == 0 ? "bytes " : ", ") + std::to_string(unreadable[i].begin) + " to " +
            std::to_string(unreadable[i].end - 1);
  }
  if (unreadable.size() > named_max) text += " and " + std::to_string(unreadable.size() - named_max) + " other ranges";
  return text + " cannot be read";
}

result<salvaged_file> salvage_file(const std::filesystem::path& path, const read_at_function& read_at) {
  const descriptor file(path, O_RDONLY);
  struct stat about {};
  if (!file.ok() || ::fstat(file.get(), &about) != 0) return fail_errno("open", path);
  salvaged_file read;
  read.data.resize(static_cast<std::size_t>(about.st_size));
  std::size_t at = 0;
  auto step = large_read_bytes;
  while (at < read.data.size()) {
    const auto size = std::min(step - at % step, read.data.size() - at);
    char* to = read.data.data() + at;
    const auto got = read_at ? read_at(path, file.get(), to, size, static_cast<off_t>(at))
                             : ::pread(file.get(), to, size, static_cast<off_t>(at));
    if (got == 0) break;  // it has become shorter
    if (got > 0) {
      at += static_cast<std::size_t>(got);
      if (at % large_read_bytes == 0) step = large_read_bytes;
      continue;
    }
    if (errno == EINTR) continue;
    if (!is_media_error(errno)) return fail_errno("read", path);
    if (step != small_read_bytes) {
      step = small_read_bytes;
      continue;
    }
    for (std::size_t i = 0; i < size; ++i) to[i] = filler[(at + i) % filler.size()];
    if (read.unreadable.empty() || read.unreadable.back().end != at) read.unreadable.push_back({at, at});
    at += size;
    read.unreadable.back().end = at;
    if (at % large_read_bytes == 0) step = large_read_bytes;
  }
  read.data.resize(at);
  return read;
}

result<std::vector<unreadable_part>> read_unreadable_file(const std::filesystem::path& folder) {
  const auto path = folder / unreadable_file_name;
  std::vector<unreadable_part> parts;
  const auto exists = path_exists(path);
  if (!exists) return tl::unexpected(exists.error());
  if (!*exists) return parts;
  const auto text = read_whole_file(path);
  if (!text) return tl::unexpected(text.error());
  if (!text->starts_with(unreadable_title)) return fail(errc::corrupt, path.string() + " cannot be understood");
  std::istringstream lines(text->substr(std::min(text->size(), unreadable_title.size() + 1)));
  for (unreadable_part part; lines >> part.file >> part.range.begin >> part.range.end;) parts.push_back(part);
  return parts;
}

result<void> write_unreadable_file(const std::filesystem::path& folder, const std::vector<unreadable_part>& parts) {
  std::string text(unreadable_title);
  text += '\n';
  for (const auto& [file, range] : parts) {
    text += file + ' ' + std::to_string(range.begin) + ' ' + std::to_string(range.end) + '\n';
  }
  return write_file_durably(folder / unreadable_file_name, text);
}

result<void> rename_durably(const std::filesystem::path& from, const std::filesystem::path& to) {
  const auto taken = path_exists(to);
  if (!taken) return tl::unexpected(taken.error());
  if (*taken) return fail(errc::already_exists, "there is something at " + to.string() + " already");
  if (::rename(from.c_str(), to.c_str()) != 0) return fail_errno("move", from);
  if (auto synced = sync_folder(to.parent_path()); !synced) return synced;
  return sync_folder(from.parent_path());
}

result<void> remove_file_durably(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno("remove", path);
  return sync_folder(path.parent_path());
}

result<std::optional<format_file>> read_format_file(const std::filesystem::path& folder) {
  const auto path = folder / format_file_name;
  const auto exists = path_exists(path);
  if (!exists) return tl::unexpected(exists.error());
  if (!*exists) return std::nullopt;
  const auto text = read_whole_file(path);
  if (!text) return tl::unexpected(text.error());
  const auto version = line_value(*text, "format");
  const auto number = version ? parse_integer<std::uint32_t>(*version) : std::nullopt;
  if (!text->starts_with(format_title) || !number) {
    return fail(errc::corrupt, path.string() + " is not the format file of an octavo store");
  }
  // Only the title and the version are promised to be the same in every version, so that the rest is not judged here.
  return format_file{*number, line_value(*text, "id").value_or(""), line_value(*text, "unfinished").has_value()};
}

result<void> write_format_file(const std::filesystem::path& folder, const format_file& format) {
  std::string text(format_title);
  text += "\nformat " + std::to_string(format.version) + "\nid " + format.store_id + "\n";
  if (format.unfinished) text += "unfinished yes\n";
  return write_file_durably(folder / format_file_name, text);
}

std::string random_store_id() {
  std::array<unsigned char, 16> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) return {};
  std::string id;
  for (const auto byte : random) {
    id.push_back("0123456789abcdef"[byte >> 4U]);
    id.push_back("0123456789abcdef"[byte & 15U]);
  }
  return id;
}

std::string salt_of(std::string_view store_id) {
  std::string salt;
  if (!is_store_id(store_id)) return salt;
  for (std::size_t i = 0; i < 16; i += 2) {
    unsigned value = 0;
    std::from_chars(store_id.data() + i, store_id.data() + i + 2, value, 16);
    salt.push_back(static_cast<char>(value));
  }
  return salt;
}

result<std::optional<recovery_file>> read_recovery_file(const std::filesystem::path& folder) {
  const auto path = folder / recovery_file_name;
  const auto exists = path_exists(path);
  if (!exists) return tl::unexpected(exists.error());
  if (!*exists) return std::nullopt;
  const auto text = read_whole_file(path);
  if (!text) return tl::unexpected(text.error());
  auto name = line_value(*text, "folder");
  if (!text->starts_with(recovery_title) || !name || name->find('/') != std::string::npos) {
    return fail(errc::corrupt, path.string() + " cannot be understood; it names the folder of an unfinished recovery");
  }
  const auto base = line_value(*text, "base");
  return recovery_file{std::move(*name), base ? parse_integer<std::uint64_t>(*base) : std::nullopt};
}

result<void> write_recovery_file(const std::filesystem::path& folder, const recovery_file& recovery) {
  std::string text(recovery_title);
  text += "\nfolder " + recovery.folder + "\n";
  if (recovery.base) text += "base " + std::to_string(*recovery.base) + "\n";
  return write_file_durably(folder / recovery_file_name, text);
}

result<void> allocate_file(const std::filesystem::path& path, std::uint64_t bytes) {
  const descriptor file(path, O_WRONLY | O_CREAT);
  if (!file.ok()) return fail_errno("make", path);
  int code = 0;
  do {
    code = ::fallocate(file.get(), 0, 0, static_cast<off_t>(bytes)) == 0 ? 0 : errno;
  } while (code == EINTR);
  if (code == 0 && ::fsync(file.get()) != 0) code = errno;
  if (code == 0) return sync_folder(path.parent_path());
  ::unlink(path.c_str());
  errno = code;
  return fail_errno("set room aside in", path);
}

std::uint64_t allocated_bytes(const std::filesystem::path& path) {
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) return 0;
  return static_cast<std::uint64_t>(file.st_blocks) * 512;
}

result<std::uint64_t> free_bytes(const std::filesystem::path& folder) {
  struct statvfs disk {};
  if (::statvfs(folder.c_str(), &disk) != 0) return fail_errno("ask for the free space of", folder);
  return std::uint64_t{disk.f_bavail} * disk.f_frsize;
}

}  // namespace octavo::storage
