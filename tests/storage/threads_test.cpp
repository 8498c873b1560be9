// Many threads on one store: what the header promises about calls from any thread. Worth most under ThreadSanitizer.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "storage/store.hpp"
#include "tests/storage/support.hpp"

using namespace octavo;
using namespace octavo::storage;
using namespace octavo::storage::testing;

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
