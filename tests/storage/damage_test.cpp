// Damage to the tables and to what they hold, done to the bytes of real stores: it costs the documents that it is in,
// and no other.
#include <doctest/doctest.h>

#include <random>

#include "storage/database.hpp"
#include "storage/format.hpp"
#include "storage/store.hpp"
#include "tests/storage/support.hpp"

using namespace octavo;
using namespace octavo::storage;
using namespace octavo::storage::testing;

TEST_CASE("damage in a table stops the documents of that block alone, and the check finds it") {
  temporary_folder folder;
  std::mt19937_64 random(7);
  const int count = 60;
  {
    auto store = open_ok(folder / "s");
    for (int i = 0; i < count; ++i) {
      std::string noise(20'000, '\0');
      for (auto& byte : noise) byte = static_cast<char>(random());
      require_ok(commit_one(*store, "doc" + std::to_string(i), 1, noise));
    }
    require_ok(store->compact());
  }
  std::filesystem::path largest;
  for (const auto& file : files_with(folder / "s" / "db", ".sst")) {
    if (largest.empty() || std::filesystem::file_size(file) > std::filesystem::file_size(largest)) largest = file;
  }
  auto data = read_bytes(largest);
  REQUIRE(data.size() > 1'000'000);
  data[data.size() / 2] = static_cast<char>(data[data.size() / 2] ^ 1);
  write_bytes(largest, data);
  auto store = open_ok(folder / "s");
  int damaged = 0;
  for (int i = 0; i < count; ++i) {
    const auto name = "doc" + std::to_string(i);
    const auto whole = store->load(name);
    if (!whole) {
      ++damaged;
      CHECK(whole.error().code == errc::corrupt);
      CHECK(whole.error().message.find(largest.filename().string()) != std::string::npos);
      require_ok(store->set_quarantined(name, whole.error().message));
    } else {
      require_ok(commit_one(*store, name, 2, "more"));
    }
  }
  CHECK(damaged == 1);
  const auto report = store->check();
  require_ok(report);
  CHECK(report->problem_count >= 2);
  CHECK(report->documents == static_cast<std::uint64_t>(count));
  // Background work trips over the block and goes on serving.
  static_cast<void>(store->compact());
  CHECK(store->writable());
  fill(*store, "afterwards", 1, 10);
  check_filled(*store, "afterwards", 10);
}

TEST_CASE("an older snapshot stands in for a damaged one while its log is kept") {
  temporary_folder folder;
  auto options = options_for(folder / "s");
  options.retention_ms = std::chrono::hours(1);
  std::mt19937_64 random(3);
  std::string noise(200'000, '\0');
  for (auto& byte : noise) byte = static_cast<char>(random());
  const auto good = noise.substr(0, 50'000);
  {
    auto store = open_ok(options);
    fill(*store, "a", 1, 10);
    require_ok(store->put_snapshot("a", 4, as_bytes(good), 1000));
    require_ok(store->put_snapshot("a", 8, as_bytes(noise), 2000));
    require_ok(store->compact());
  }
  bool hit = false;
  for (const auto& file : files_with(folder / "s" / "db", ".sst")) {
    auto data = read_bytes(file);
    const auto at = data.find(noise.substr(100'000, 64));
    if (at == std::string::npos) continue;
    data[at] = static_cast<char>(data[at] ^ 1);
    write_bytes(file, data);
    hit = true;
  }
  REQUIRE(hit);
  auto store = open_ok(options);
  const auto whole = store->load("a");
  require_ok(whole);
  CHECK(whole->snapshot_seq == 4);
  CHECK(as_text(*whole->snapshot) == good);
  CHECK(whole->records.size() == 6);
  CHECK(store->check()->problem_count > 0);
}

namespace {

// Puts a value into the database of a closed store, below all that would check it.
void put_raw(const std::filesystem::path& store, family which, const std::string& key, const std::string& value) {
  auto opened = database::open(store / "db", options_for(store), nullptr, std::make_shared<background_state>());
  require_ok(opened);
  REQUIRE((*opened)->db().Put(rocksdb::WriteOptions(), (**opened)[which], key, value).ok());
  require_ok((*opened)->flush());
}

}  // namespace

TEST_CASE("a document whose metadata is damaged can be removed, and its name used again") {
  temporary_folder folder;
  {
    auto store = open_ok(folder / "s");
    fill(*store, "a", 1, 5);
    fill(*store, "b", 1, 5);
    require_ok(store->put_snapshot("a", 3, as_bytes("state"), 1));
    require_ok(store->quarantine_update("a", 1, "ann", "why", as_bytes("odd")));
  }
  put_raw(folder / "s", family::names, "a", "garbage");
  auto store = open_ok(folder / "s");
  REQUIRE(store->find("a").error().code == errc::corrupt);
  require_ok(store->remove("a"));
  CHECK_FALSE(*store->find("a"));
  CHECK(store->remove("a").error().code == errc::not_found);
  const auto report = store->check();
  require_ok(report);
  CHECK(report->problem_count == 0);
  CHECK(report->documents == 1);
  CHECK(store->stats()->documents == 1);
  fill(*store, "a", 1, 2);
  check_filled(*store, "a", 2);
  check_filled(*store, "b", 5);
}

TEST_CASE("a snapshot with a damaged header does not end the log and the good snapshots before it") {
  temporary_folder folder;
  auto options = options_for(folder / "s");
  options.retention_ms = std::chrono::hours(1);
  std::uint64_t id = 0;
  {
    auto store = open_ok(options);
    fill(*store, "a", 1, 30);
    require_ok(store->put_snapshot("a", 10, as_bytes("ten"), 10'000'000));
    require_ok(store->put_snapshot("a", 20, as_bytes("twenty"), 10'001'000));
    id = (*store->find("a"))->id;
  }
  put_raw(options.path, family::snapshots, snapshot_key(id, 20), "garbage");
  auto store = open_ok(options);
  require_ok(store->put_snapshot("a", 25, as_bytes("twenty-five"), 10'002'000));
  CHECK((*store->find("a"))->first_seq == 1);
  const auto records = store->read_log("a", 1, 100, 100'000);
  require_ok(records);
  CHECK(records->size() == 30);
  CHECK(store->check()->snapshots == 3);
  // Once the ones before it are past their time, it goes with them.
  require_ok(store->put_snapshot("a", 30, as_bytes("thirty"), 20'000'000));
  CHECK((*store->find("a"))->first_seq == 26);
  CHECK(store->check()->problem_count == 0);
  CHECK(store->check()->snapshots == 2);
}
