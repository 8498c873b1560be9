// A file system under RocksDB that fails on command, and that knows which bytes of each file have been synced, so that
// a test can have the folder as a power cut would leave it.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <string>

namespace octavo::storage::testing {

class fault_file_system : public rocksdb::FileSystemWrapper {
 public:
  enum class fault { none, no_space, io_error };

  fault_file_system() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "fault_file_system"; }

  std::atomic<fault> on_log_append{fault::none};    ///< appends to write-ahead logs; half of the data is written
  std::atomic<fault> on_log_sync{fault::none};      ///< syncs of write-ahead logs; all of the data was written
  std::atomic<fault> on_table_append{fault::none};  ///< appends to tables: flushes and compactions
  std::atomic<bool> is_full_with_next_log{false};   ///< no_space for all appends to logs once a new one is made
  std::atomic<int> log_syncs{0};
  /// Called when a write-ahead log is about to be synced, by the thread that does it, one at a time: a power cut here
  /// leaves any part of what was written since the sync before. An empty one ends that.
  void before_log_sync(std::function<void()> call) {
    const std::lock_guard guard(call_mutex_);
    before_log_sync_ = std::move(call);
  }

  /// Copies `from` to `to` as it is now: what a killed process leaves. Nothing is written or deleted meanwhile.
  void copy_as_killed(const std::filesystem::path& from, const std::filesystem::path& to) {
    copy_unsynced(from, to, [](const std::filesystem::path&, std::uint64_t, std::uint64_t) {});
  }

  /// Copies `from` to `to` with each file cut back to a length between what was synced and what was written: `keep`
  /// picks it, from 0 (only what was synced) to 1 (everything). Nothing is written anywhere meanwhile.
  void copy_after_power_cut(const std::filesystem::path& from, const std::filesystem::path& to, double keep) {
    copy_unsynced(from, to, [&](const std::filesystem::path& file, std::uint64_t synced, std::uint64_t size) {
      std::filesystem::resize_file(file, synced + static_cast<std::uint64_t>(keep * double(size - synced)));
    });
  }

  /// The same as a disk does it that writes in an order of its own: of what was not synced of a write-ahead log, any
  /// sectors or pages are there, the others are zeros or behind the file's end. Other files are cut: RocksDB reads no
  /// MANIFEST that has a hole in its end.
  void copy_after_power_cut(const std::filesystem::path& from, const std::filesystem::path& to,
                            std::mt19937_64& random) {
    copy_unsynced(from, to, [&](const std::filesystem::path& file, std::uint64_t synced, std::uint64_t size) {
      const bool is_log = file.extension() == ".log";
      if (!is_log || random() % 4 == 0) {
        size = synced + random() % (size - synced + 1);
        std::filesystem::resize_file(file, size);
      }
      if (!is_log) return;
      const std::uint64_t unit = random() % 2 == 0 ? 512 : 4096;
      const std::uint64_t lost_in = std::uint64_t{1} << (random() % 10);  // one unit in so many is lost
      std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
      for (auto at = synced; at < size;) {
        const auto end = std::min(size, (at / unit + 1) * unit);
        if (random() % lost_in == 0) {
          bytes.seekp(static_cast<std::streamoff>(at));
          bytes.write(std::string(end - at, '\0').data(), static_cast<std::streamsize>(end - at));
        }
        at = end;
      }
    });
  }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* made,
                                    rocksdb::IODebugContext* debug) override {
    const std::shared_lock running(gate_);
    std::unique_ptr<rocksdb::FSWritableFile> real;
    auto status = target()->NewWritableFile(name, options, &real, debug);
    if (!status.ok()) return status;
    note_synced(name, 0);
    if (name.ends_with(".log") && is_full_with_next_log) on_log_append = fault::no_space;
    *made = std::make_unique<file>(std::move(real), *this, name);
    return status;
  }

  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    const std::shared_lock running(gate_);
    auto status = target()->RenameFile(from, to, options, debug);
    const std::lock_guard guard(mutex_);
    if (const auto known = synced_.extract(from)) synced_[to] = known.mapped();
    return status;
  }

  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    const std::shared_lock running(gate_);
    return target()->DeleteFile(name, options, debug);
  }

 private:
  class file : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    file(std::unique_ptr<rocksdb::FSWritableFile>&& real, fault_file_system& owner, std::string name)
        : FSWritableFileOwnerWrapper(std::move(real)),
          owner_(owner),
          name_(std::move(name)),
          is_log_(name_.ends_with(".log")),
          is_table_(name_.ends_with(".sst")) {}

    using FSWritableFileOwnerWrapper::Append;
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
      const std::shared_lock running(owner_.gate_);
      auto planned = fault::none;
      if (is_log_) planned = owner_.on_log_append;
      if (is_table_) planned = owner_.on_table_append;
      if (planned == fault::none) {
        written_ += data.size();
        return FSWritableFileOwnerWrapper::Append(data, options, debug);
      }
      const rocksdb::Slice half(data.data(), data.size() / 2);
      written_ += half.size();
      static_cast<void>(FSWritableFileOwnerWrapper::Append(half, options, debug));
      return fail(planned);
    }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
      if (is_log_) {
        const std::lock_guard guard(owner_.call_mutex_);
        if (owner_.before_log_sync_) owner_.before_log_sync_();
      }
      const std::shared_lock running(owner_.gate_);
      if (is_log_) {
        ++owner_.log_syncs;
        if (const auto planned = owner_.on_log_sync.load(); planned != fault::none) return fail(planned);
      }
      const auto written = written_.load();
      auto status = FSWritableFileOwnerWrapper::Sync(options, debug);
      if (status.ok()) owner_.note_synced(name_, written);
      return status;
    }
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
      return Sync(options, debug);
    }

   private:
    static rocksdb::IOStatus fail(fault planned) {
      return planned == fault::no_space ? rocksdb::IOStatus::NoSpace("injected")
                                        : rocksdb::IOStatus::IOError("injected");
    }
    fault_file_system& owner_;
    const std::string name_;
    const bool is_log_;
    const bool is_table_;
    std::atomic<std::uint64_t> written_{0};
  };

  template <class Cut>
  void copy_unsynced(const std::filesystem::path& from, const std::filesystem::path& to, const Cut& cut) {
    const std::unique_lock stopped(gate_);
    std::filesystem::remove_all(to);
    std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
    const std::lock_guard guard(mutex_);
    for (const auto& [name, synced] : synced_) {
      const auto inside = std::filesystem::path(name).lexically_relative(from);
      if (inside.empty() || *inside.begin() == ".." || !std::filesystem::exists(to / inside)) continue;
      const auto size = std::filesystem::file_size(to / inside);
      if (size > synced) cut(to / inside, synced, size);
    }
  }

  void note_synced(const std::string& name, std::uint64_t size) {
    const std::lock_guard guard(mutex_);
    synced_[name] = size;
  }

  std::shared_mutex gate_;  ///< held shared by everything that changes files, exclusively while they are copied
  std::mutex call_mutex_;   ///< taken before gate_
  std::function<void()> before_log_sync_;
  std::mutex mutex_;
  std::map<std::string, std::uint64_t> synced_;
};

}  // namespace octavo::storage::testing
