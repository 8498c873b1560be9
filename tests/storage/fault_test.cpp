// Full disks, failing writes and failing syncs.
#include <doctest/doctest.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <span>
#include <thread>

#include "storage/store_impl.hpp"
#include "tests/storage/fault_file_system.hpp"
#include "tests/storage/support.hpp"

using namespace octavo;
using namespace octavo::storage;
using namespace octavo::storage::testing;
using namespace std::chrono_literals;
using fault = fault_file_system::fault;

namespace {

struct faulty {
  temporary_folder folder;
  std::shared_ptr<fault_file_system> files = std::make_shared<fault_file_system>();
  std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(files);
  std::atomic<std::uint64_t> free{std::uint64_t{1} << 40U};
  store_options options = options_for(folder / "s");

  std::unique_ptr<store> open() {
    auto opened = open_store(options, {env.get(), [this]() -> result<std::uint64_t> { return free.load(); }, {}});
    if (!opened) FAIL(opened.error().message);
    return std::move(*opened);
  }
};

bool wait_until(const std::function<bool()>& condition) {
  for (int i = 0; i < 6000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

}  // namespace

TEST_CASE("below the reserve edits are refused with a clear sentence, reading goes on, and room brings writing back") {
  faulty disk;
  auto store = disk.open();
  fill(*store, "a", 1, 3);
  disk.free = disk.options.min_free_bytes - 1;
  CHECK(wait_until([&] { return !store->writable(); }));
  const auto refused = commit_one(*store, "a", 4, "a/4");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::no_space);
  CHECK(refused.error().message.find(disk.options.path.string()) != std::string::npos);
  CHECK(store->put_snapshot("a", 2, as_bytes("x"), 1).error().code == errc::no_space);
  CHECK(store->space().free_bytes == disk.options.min_free_bytes - 1);
  CHECK_FALSE(store->failed());
  check_filled(*store, "a", 3);
  disk.free = disk.options.min_free_bytes * 4;
  CHECK(wait_until([&] { return store->writable(); }));
  fill(*store, "a", 4, 5);
  check_filled(*store, "a", 5);
}

TEST_CASE("a write that is too large for what is left above the reserve fails alone, and all others go on") {
  faulty disk;
  auto store = disk.open();
  fill(*store, "a", 1, 5);
  disk.free = disk.options.min_free_bytes * 4;
  const std::string large(disk.options.min_free_bytes * 4, 'x');
  const std::vector<append> group{make_append("a", 6, "a/6"), make_append("b", 1, large)};
  for (int i = 0; i < 2; ++i) {
    const auto refused = store->commit(group);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::limit_exceeded);
    CHECK(refused.error().message.find("needs 9 MiB") != std::string::npos);
    CHECK(store->writable());
  }
  // As the log writer does then: each document alone.
  require_ok(store->commit(std::span(group).first(1)));
  CHECK(store->commit(std::span(group).last(1)).error().code == errc::limit_exceeded);
  CHECK(store->put_snapshot("a", 6, as_bytes(large), 1).error().code == errc::limit_exceeded);
  fill(*store, "a", 7, 7);
  check_filled(*store, "a", 7);
  disk.free = disk.options.min_free_bytes * 10;
  require_ok(store->commit(std::span(group).last(1)));
}

TEST_CASE("whether there is room for a write is told as the write itself finds it") {
  faulty disk;
  disk.options.min_free_bytes = std::uint64_t{32} << 20U;
  auto store = disk.open();
  const auto needed = disk.options.min_free_bytes;
  std::uint64_t last = 0;
  for (const std::uint64_t free : {needed - 1, needed, needed + 1, needed * 9 / 8, needed * 5 / 4, needed * 2}) {
    disk.free = free;
    CHECK(wait_until([&] { return store->space().free_bytes == free && store->writable() == (free >= needed); }));
    for (const std::size_t size : {100U, 1U << 20U, (2U << 20U) - 100, 2U << 20U, 3U << 20U, 8U << 20U, 20U << 20U}) {
      CAPTURE(free);
      CAPTURE(size);
      const std::string update(size, 'x');
      const append whole{"a", last + 1, 1, "", as_bytes(update)};
      const bool expected = store->has_room_for(size);
      const auto written = store->commit({&whole, 1});
      CHECK(written.has_value() == expected);
      if (written) ++last;
    }
  }
  CHECK(last > 0);
}

TEST_CASE("while the reserve is missing, there is room for a write only beyond it") {
  faulty disk;
  disk.options.reserve_bytes = std::uint64_t{64} << 20U;
  disk.free = disk.options.min_free_bytes + (std::uint64_t{32} << 20U);
  auto store = disk.open();
  CHECK_FALSE(store->has_room_for(100));
  CHECK_FALSE(store->has_room_for(4U << 20U));
  CHECK(commit_one(*store, "a", 1, "x").error().code == errc::no_space);
}

TEST_CASE(
    "a disk that is full in the middle of a write leaves nothing acknowledged, nothing applied, and is recovered "
    "from") {
  for (const bool at_sync : {false, true}) {
    for (const auto mode : {sync_mode::always, sync_mode::os}) {
      if (at_sync && mode == sync_mode::os) continue;
      CAPTURE(at_sync);
      faulty disk;
      disk.options.sync = mode;
      auto store = disk.open();
      fill(*store, "a", 1, 5);
      fill(*store, "b", 1, 2);
      (at_sync ? disk.files->on_log_sync : disk.files->on_log_append) = fault::no_space;
      disk.files->on_table_append = fault::no_space;
      const auto refused = commit_one(*store, "a", 6, "never acknowledged");
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code == errc::no_space);
      CHECK_FALSE(store->writable());
      CHECK_FALSE(store->failed());
      CHECK(commit_one(*store, "b", 3, "b/3").error().code == errc::no_space);
      check_filled(*store, "a", 5);
      check_filled(*store, "b", 2);

      // Killed now: the unacknowledged update may or may not be there, all others are.
      const auto killed = disk.folder / "killed";
      disk.files->copy_as_killed(disk.options.path, killed);
      {
        auto after = open_ok(killed);
        CHECK_FALSE(after->recovery());
        const auto whole = after->load("a");
        require_ok(whole);
        CHECK(whole->info.last_seq >= 5);
        CHECK(whole->info.last_seq <= 6);
        check_filled(*after, "b", 2);
        require_ok(commit_one(*after, "a", whole->info.last_seq + 1, "goes on"));
      }

      disk.files->on_log_sync = fault::none;
      disk.files->on_log_append = fault::none;
      disk.files->on_table_append = fault::none;
      CHECK(wait_until([&] { return store->writable(); }));
      check_filled(*store, "a", 5);
      fill(*store, "a", 6, 10);
      fill(*store, "b", 3, 3);
      check_filled(*store, "a", 10);
      disk.files->copy_as_killed(disk.options.path, killed);
      store.reset();
      for (const auto& path : {disk.options.path, killed}) {
        auto again = open_ok(path);
        CHECK_FALSE(again->recovery());
        check_filled(*again, "a", 10);
        check_filled(*again, "b", 3);
        CHECK(again->check()->problem_count == 0);
      }
    }
  }
}

TEST_CASE("a disk that is full at the first write of all, or of a new log, is recovered from like any other") {
  for (const bool at_sync : {false, true}) {
    CAPTURE(at_sync);
    faulty disk;
    disk.options.write_buffer_bytes = 256 << 10U;
    const std::string update(20'000, 'u');
    std::uint64_t last = 0;
    const auto resume = [&](store& store) {
      disk.files->is_full_with_next_log = false;
      disk.files->on_log_append = fault::none;
      disk.files->on_log_sync = fault::none;
      CHECK(wait_until([&] { return store.writable(); }));
      CHECK_FALSE(store.failed());
      for (int i = 0; i < 3; ++i) require_ok(commit_one(store, "a", ++last, update));
      CHECK(store.load("a")->records.size() == last);
    };
    for (int start = 0; start < 2; ++start) {
      auto store = disk.open();
      (at_sync ? disk.files->on_log_sync : disk.files->on_log_append) = fault::no_space;
      CHECK(commit_one(*store, "a", last + 1, update).error().code == errc::no_space);
      resume(*store);
      require_ok(store->compact());
      (at_sync ? disk.files->on_log_sync : disk.files->on_log_append) = fault::no_space;
      CHECK(commit_one(*store, "a", last + 1, update).error().code == errc::no_space);
      resume(*store);
      if (at_sync) continue;
      disk.files->is_full_with_next_log = true;
      result<void> outcome;
      for (int i = 0; i < 100 && (outcome = commit_one(*store, "a", last + 1, update)); ++i) ++last;
      REQUIRE_FALSE(outcome);
      CHECK(outcome.error().code == errc::no_space);
      resume(*store);
    }
    auto again = open_ok(disk.options.path);
    CHECK_FALSE(again->recovery());
    CHECK(again->load("a")->records.size() == last);
    CHECK(again->check()->problem_count == 0);
  }
}

TEST_CASE("a failed write or sync ends all writing, is never retried, and never becomes an acknowledgement") {
  for (const bool at_sync : {false, true}) {
    CAPTURE(at_sync);
    faulty disk;
    auto store = disk.open();
    fill(*store, "a", 1, 5);
    (at_sync ? disk.files->on_log_sync : disk.files->on_log_append) = fault::io_error;
    const auto refused = commit_one(*store, "a", 6, "never acknowledged");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::io_error);
    CHECK(store->failed());
    CHECK_FALSE(store->writable());
    disk.files->on_log_sync = fault::none;
    disk.files->on_log_append = fault::none;
    const int syncs = disk.files->log_syncs;
    for (int i = 0; i < 3; ++i) {
      CHECK(commit_one(*store, "a", 6, "again").error().code == errc::io_error);
      CHECK(commit_one(*store, "b", 1, "b/1").error().code == errc::io_error);
    }
    CHECK(store->put_snapshot("a", 5, {}, 1).error().code == errc::io_error);
    std::this_thread::sleep_for(600ms);
    CHECK_FALSE(store->writable());
    CHECK(disk.files->log_syncs == syncs);
    check_filled(*store, "a", 5);
    disk.files->copy_after_power_cut(disk.options.path, disk.folder / "cut", 0);
    store.reset();
    check_filled(*open_ok(disk.folder / "cut"), "a", 5);
    auto again = open_ok(disk.options.path);
    const auto whole = again->load("a");
    require_ok(whole);
    CHECK(whole->info.last_seq >= 5);
    CHECK_FALSE(again->recovery());
  }
}

TEST_CASE("every commit is synced under always, none under os, and within the interval under interval") {
  {
    faulty disk;
    auto store = disk.open();
    for (std::uint64_t seq = 1; seq <= 10; ++seq) {
      require_ok(commit_one(*store, "a", seq, update_text("a", seq)));
      disk.files->copy_after_power_cut(disk.options.path, disk.folder / "cut", 0);
      check_filled(*open_ok(disk.folder / "cut"), "a", seq);
    }
  }
  {
    faulty disk;
    disk.options.sync = sync_mode::os;
    auto store = disk.open();
    fill(*store, "a", 1, 10);
    CHECK(disk.files->log_syncs == 0);
  }
  {
    faulty disk;
    disk.options.sync = sync_mode::interval;
    disk.options.interval_ms = 20ms;
    auto store = disk.open();
    fill(*store, "a", 1, 10);
    CHECK(wait_until([&] {
      disk.files->copy_after_power_cut(disk.options.path, disk.folder / "cut", 0);
      const auto left = open_ok(disk.folder / "cut")->load("a");
      return left && left->info.last_seq == 10;
    }));
    check_filled(*open_ok(disk.folder / "cut"), "a", 10);
    disk.files->on_log_sync = fault::io_error;
    fill(*store, "a", 11, 11);
    CHECK(wait_until([&] { return store->failed(); }));
    CHECK(commit_one(*store, "a", 12, "x").error().code == errc::io_error);
  }
}

TEST_CASE("a power cut at any sync of a snapshot leaves every acknowledged edit, whatever reached the disk") {
  const auto seed = seed_of_run();
  MESSAGE("OCTAVO_SEED=" << seed);
  std::mt19937_64 random(seed);
  faulty disk;
  disk.options.write_buffer_bytes = 4U << 20U;  // so that the log is changed in between, too
  auto store = disk.open();
  fill(*store, "b", 1, 3);
  std::string state(5 * snapshot_chunk_bytes / 2, '\0');
  for (auto& byte : state) byte = static_cast<char>(random() % 255 + 1);
  std::uint64_t last = 0;
  for (int round = 0; round < 3; ++round) {
    fill(*store, "a", last + 1, last + 3);
    last += 3;
    int cuts = 0;
    disk.files->before_log_sync([&] {
      for (int i = 0; i < 4; ++i, ++cuts) {
        disk.files->copy_after_power_cut(disk.options.path, disk.folder / ("cut" + std::to_string(cuts)), random);
      }
    });
    require_ok(store->put_snapshot("a", last - 1, as_bytes(state), round));
    disk.files->before_log_sync({});
    REQUIRE(cuts > 0);
    for (int cut = 0; cut < cuts; ++cut) {
      CAPTURE(seed);
      CAPTURE(round);
      CAPTURE(cut);
      auto options = disk.options;
      options.path = disk.folder / ("cut" + std::to_string(cut));
      auto after = open_ok(options);
      if (after->recovery()) {
        CHECK(after->recovery()->documents.empty());
        CHECK(after->recovery()->lost_commits == 0);
        CHECK_FALSE(after->recovery()->everything);
      }
      check_filled(*after, "a", last);
      check_filled(*after, "b", 3);
      fill(*after, "a", last + 1, last + 1);
      require_ok(after->put_snapshot("a", last + 1, as_bytes(state), round));
      const auto report = after->check();
      require_ok(report);
      CHECK(report->problem_count == 0);
      after.reset();
      std::filesystem::remove_all(options.path);
    }
  }
}

namespace {

// A small file system of its own; not there where it cannot be had.
class small_disk {
 public:
  explicit small_disk(const char* size) : path_(folder_ / "disk") {
    std::filesystem::create_directory(path_);
    is_mounted_ = ::geteuid() == 0 && ::mount("tmpfs", path_.c_str(), "tmpfs", 0, size) == 0;
    if (!is_mounted_) MESSAGE("SKIPPED: mounting a small file system takes root");
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;
  ~small_disk() {
    if (is_mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  explicit operator bool() const { return is_mounted_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  temporary_folder folder_;
  std::filesystem::path path_;
  bool is_mounted_ = false;
};

// Takes every byte that is left.
void fill_disk(const std::filesystem::path& ballast) {
  std::ofstream file(ballast, std::ios::binary);
  const std::string page(4096, 'b');
  while (file.write(page.data(), static_cast<std::streamsize>(page.size())).flush()) {
  }
}

}  // namespace

TEST_CASE("a store is opened on a disk that is full to the last byte: its reserve gives way, and comes back") {
  const small_disk disk("size=32m");
  if (!disk) return;
  auto options = options_for(disk / "s");
  options.reserve_bytes = std::uint64_t{12} << 20U;
  options.max_wal_bytes = std::uint64_t{4} << 20U;
  {
    const auto store = open_ok(options);
    fill(*store, "a", 1, 300);
  }
  const auto reserve = options.path / reserve_file_name;
  CHECK(allocated_bytes(reserve) == options.reserve_bytes);
  fill_disk(disk / "ballast");
  CHECK(free_bytes(options.path).value() == 0);

  auto store = open_ok(options);
  CHECK(allocated_bytes(reserve) == 0);
  check_filled(*store, "a", 300);
  CHECK_FALSE(store->writable());
  CHECK(commit_one(*store, "a", 301, "x").error().code == errc::no_space);
  // The room that the reserve gave is not for edits: the next start needs it.
  CHECK(store->space().free_bytes > options.min_free_bytes);
  store.reset();
  store = open_ok(options);
  check_filled(*store, "a", 300);

  std::filesystem::remove(disk / "ballast");
  CHECK(wait_until([&] { return store->writable(); }));
  CHECK(allocated_bytes(reserve) == options.reserve_bytes);
  fill(*store, "a", 301, 310);
  check_filled(*store, "a", 310);
}

TEST_CASE("without a reserve, a full disk keeps a store from being opened, says so, and nothing is changed") {
  const small_disk disk("size=16m");
  if (!disk) return;
  const auto options = options_for(disk / "s");
  fill(*open_ok(options), "a", 1, 10);
  fill_disk(disk / "ballast");
  const auto refused = store::open(options);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::no_space);
  CHECK(refused.error().message.find("make room") != std::string::npos);
  auto reading = options;
  reading.read_only = true;
  check_filled(*open_ok(reading), "a", 10);
  std::filesystem::remove(disk / "ballast");
  check_filled(*open_ok(options), "a", 10);
}

TEST_CASE("a recovery does not begin where there is no room for the copy of the log beside its contents") {
  faulty disk;
  const auto killed = disk.folder / "killed";
  {
    auto store = disk.open();
    for (std::uint64_t seq = 1; seq <= 20; ++seq) require_ok(commit_one(*store, "a", seq, std::string(100'000, 'u')));
    disk.files->copy_as_killed(disk.options.path, killed);
  }
  const auto log = log_of(killed);
  auto data = read_bytes(log);
  disk.options.path = killed;
  disk.free = data.size() * 3 / 2 + (std::uint64_t{4} << 20U);
  data[data.size() / 2] = static_cast<char>(data[data.size() / 2] ^ 1);
  write_bytes(log, data);
  const auto refused =
      open_store(disk.options, {disk.env.get(), [&]() -> result<std::uint64_t> { return disk.free.load(); }, {}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::no_space);
  for (const auto& file : std::filesystem::directory_iterator(killed))
    CHECK_FALSE(file.path().filename().string().starts_with("damaged-"));
  CHECK(read_bytes(log) == data);
  disk.free = data.size() * 3 + (std::uint64_t{4} << 20U);
  CHECK(disk.open()->recovery());
}

TEST_CASE("a small disk really runs full, and writing resumes when a file on it goes") {
  const small_disk disk("size=28m");
  if (!disk) return;
  for (const std::uint64_t reserve : {std::uint64_t{8} << 20U, std::uint64_t{0}}) {
    CAPTURE(reserve);
    auto options = options_for(disk / ("s" + std::to_string(reserve)));
    options.min_free_bytes = reserve;
    auto store = open_ok(options);
    write_bytes(disk / "ballast", std::string(14 << 20, 'b'));
    const std::string update(100'000, 'u');
    std::uint64_t last = 0;
    result<void> outcome;
    while ((outcome = commit_one(*store, "a", last + 1, update))) {
      ++last;
      REQUIRE(last < 1000);
    }
    CHECK(outcome.error().code == errc::no_space);
    CHECK(last > 10);
    CHECK_FALSE(store->failed());
    const auto whole = store->load("a");
    require_ok(whole);
    CHECK(whole->records.size() == last);
    std::filesystem::remove(disk / "ballast");
    CHECK(wait_until([&] { return store->writable(); }));
    require_ok(commit_one(*store, "a", last + 1, update));
    CHECK(store->check()->problem_count == 0);
    store.reset();
    CHECK(open_ok(options)->load("a")->records.size() == last + 1);
    std::filesystem::remove_all(options.path);
  }
}
