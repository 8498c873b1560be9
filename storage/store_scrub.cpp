// Looks for damage where nobody reads: a table that a bit of which has changed is noticed when it is needed, which may
// be years later, when the other copies are gone.
#include <rocksdb/metadata.h>
#include <rocksdb/sst_file_reader.h>

#include <algorithm>

#include "storage/store_impl.hpp"

namespace octavo::storage {

namespace {

using namespace std::chrono_literals;

constexpr auto first_scrub_after = 1min;
/// Of the time that a scrub takes it reads this part, so that clients get the disk.
constexpr auto pauses_for_each_read = 9;
constexpr auto pause_max = std::chrono::milliseconds{10s};

}  // namespace

void store::impl::on_damage(std::function<void(const error&)> tell) {
  const std::lock_guard guard(damage_mutex_);
  tell_damage_ = std::move(tell);
  if (tell_damage_ && damage_) tell_damage_(*damage_);
}

void store::impl::report_damage(const error& what) const {
  const std::lock_guard guard(damage_mutex_);
  ++damage_found_;
  if (!damage_) damage_ = what;
  if (tell_damage_) tell_damage_(what);
}

void store::impl::keep_scrubbing(const std::stop_token& stop) {
  auto sleep = [&](std::chrono::milliseconds time) {
    std::unique_lock lock(scrub_mutex_);
    scrub_wake_.wait_for(lock, stop, time, [] { return false; });
  };
  sleep(std::min<std::chrono::milliseconds>(options_.scrub_interval_ms, first_scrub_after));
  while (!stop.stop_requested()) {
    std::vector<rocksdb::LiveFileMetaData> files;
    db_->db().GetLiveFilesMetaData(&files);
    for (const auto& file : files) {
      if (stop.stop_requested()) return;
      const auto began = std::chrono::steady_clock::now();
      verify_table(file.db_path + file.name);
      const auto took = std::chrono::steady_clock::now() - began;
      sleep(std::min(std::chrono::ceil<std::chrono::milliseconds>(took * pauses_for_each_read), pause_max));
    }
    if (stop.stop_requested()) return;
    ++scrubs_;
    log().info("read all {} tables of the store in {}, to see whether they are as they were written", files.size(),
               options_.path.string());
    sleep(options_.scrub_interval_ms);
  }
}

void store::impl::verify_table(const std::string& path) const {
  auto status = read_table(path);
  // Once more, for what passes: a bit of the memory, or a disk that was busy.
  if (!status.ok()) status = read_table(path);
  // A table goes when it has been rewritten into others.
  if (status.ok() || !is_live(path)) return;
  auto what = to_error(status, "verify the table " + path);
  what.code = errc::corrupt;  // a sector that cannot be read is no better
  log().error("a table of the store is damaged: {}; octavo store check tells which documents are hit", what.message);
  report_damage(what);
}

// Past the system's cache, which may hold what the disk has lost, where the file system allows that.
rocksdb::Status store::impl::read_table(const std::string& path) const {
  auto options = db_->db().GetOptions((*db_)[family::base]);
  for (const bool is_direct : {true, false}) {
    options.use_direct_reads = is_direct;
    rocksdb::SstFileReader reader(options);
    auto status = reader.Open(path);
    const bool is_unsupported = status.IsInvalidArgument() || status.IsNotSupported() ||
                                status.ToString().find("Invalid argument") != std::string::npos;  // EINVAL of open()
    if (is_direct && is_unsupported) continue;
    return status.ok() ? reader.VerifyChecksum() : status;
  }
  return {};
}

bool store::impl::is_live(const std::string& path) const {
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->db().GetLiveFilesMetaData(&files);
  return std::any_of(files.begin(), files.end(), [&](const auto& file) { return file.db_path + file.name == path; });
}

}  // namespace octavo::storage
