// Many threads on one store: what the header promises about calls from any thread. Worth most under ThreadSanitizer.
#include <doctest/doctest.h>

#include <atomic>
#include <random>
#include <thread>

#include "storage/store.hpp"
#include "tests/storage/support.hpp"
#include "tests/support/eventually.hpp"

using namespace octavo;
using namespace octavo::storage;
using namespace octavo::storage::testing;
using octavo::test::eventually;

TEST_CASE("writers, snapshots, readers and listings go on side by side") {
  temporary_folder folder;
  auto options = options_for(folder / "s");
  options.sync = sync_mode::interval;
  options.interval_ms = std::chrono::milliseconds(1);
  options.write_buffer_bytes = 256 << 10U;
  constexpr std::uint64_t updates = 300;
  constexpr int writers = 3;
  std::atomic<int> failures{0};
  {
    auto store = open_ok(options);
    std::atomic<int> running{writers};
    std::vector<std::jthread> threads;
    for (int w = 0; w < writers; ++w) {
      threads.emplace_back([&, w] {
        const auto name = "doc" + std::to_string(w);
        for (std::uint64_t seq = 1; seq <= updates; ++seq) {
          if (!commit_one(*store, name, seq, update_text(name, seq))) ++failures;
        }
        --running;
      });
    }
    threads.emplace_back([&] {
      while (running > 0) {
        for (int w = 0; w < writers; ++w) {
          const auto name = "doc" + std::to_string(w);
          const auto info = store->find(name);
          if (!info) ++failures;
          if (!info || !*info || (*info)->last_seq == 0) continue;
          if (!store->put_snapshot(name, (*info)->last_seq, as_bytes("state"), 1)) ++failures;
        }
      }
    });
    threads.emplace_back([&] {
      while (running > 0) {
        for (int w = 0; w < writers; ++w) {
          // A load is one moment of the document, whatever is written and truncated meanwhile.
          const auto whole = store->load("doc" + std::to_string(w));
          if (!whole && whole.error().code == errc::not_found) continue;
          if (!whole || whole->snapshot_seq + whole->records.size() != whole->info.last_seq) ++failures;
        }
        if (!store->list("", "", 10) || !store->stats()) ++failures;
        if (!store->writable()) ++failures;
      }
    });
    threads.clear();
    CHECK(failures == 0);
    CHECK(store->check()->problem_count == 0);
  }
  auto store = open_ok(options);
  for (int w = 0; w < writers; ++w) check_filled(*store, "doc" + std::to_string(w), updates);
}

TEST_CASE("damage where nobody reads is found, told, and told to whoever asks later") {
  temporary_folder folder;
  std::mt19937_64 random(8);
  {
    auto store = open_ok(folder / "s");
    for (int i = 0; i < 20; ++i) {
      std::string noise(20'000, '\0');
      for (auto& byte : noise) byte = static_cast<char>(random());
      require_ok(commit_one(*store, "doc" + std::to_string(i), 1, noise));
    }
    require_ok(store->compact());
  }
  auto options = options_for(folder / "s");
  options.scrub_interval_ms = std::chrono::milliseconds{10};
  auto scrubs = [](const store& store) { return store.stats()->scrubs; };
  {
    auto store = open_ok(options);
    auto told = std::atomic<int>{0};
    store->on_damage([&](const error&) { ++told; });
    CHECK(eventually([&] { return scrubs(*store) >= 2; }));
    // A table that is rewritten in between is no damage.
    for (auto seq = 2U; seq < 12; ++seq) {
      fill(*store, "other" + std::to_string(seq), 1, 20);
      require_ok(store->compact());
    }
    const auto before = scrubs(*store);
    CHECK(eventually([&] { return scrubs(*store) >= before + 2; }));
    CHECK(told == 0);
    CHECK(store->stats()->damage_found == 0);
    store->on_damage({});
  }
  for (const auto& file : files_with(folder / "s" / "db", ".sst")) {
    if (std::filesystem::file_size(file) < 100'000) continue;
    auto data = read_bytes(file);
    data[data.size() / 2] = static_cast<char>(data[data.size() / 2] ^ 1);
    write_bytes(file, data);
  }
  auto store = open_ok(options);
  CHECK(eventually([&] { return store->stats()->damage_found >= 1; }));
  auto told = std::atomic<int>{0};
  auto code = errc::none;
  store->on_damage([&](const error& what) {
    if (++told == 1) code = what.code;
  });
  CHECK(told >= 1);
  CHECK(code == errc::corrupt);
  store->on_damage({});
  CHECK_MESSAGE(store->load("other3"), "what is whole is served");
}
