// Copies of documents that do not come to their end: nothing of them stays, after a restart, a killed process and a
// power cut either, and those that do are whole.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "storage/store_impl.hpp"
#include "tests/storage/copy_support.hpp"
#include "tests/storage/fault_file_system.hpp"

using namespace octavo;
using namespace octavo::storage;
using namespace octavo::storage::testing;

using namespace std::chrono_literals;

TEST_CASE("no more copies are under way than are allowed, and none of a store that is only read") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  std::vector<std::uint64_t> copies;
  for (std::size_t i = 0; i < max_copies; ++i) copies.push_back(begun(*store, 1));
  CHECK(store->begin_copy(1).error().code == errc::limit_exceeded);
  store->drop_copy(copies[5]);
  const auto more = begun(*store, 2);
  CHECK(more > copies.back());
  CHECK(store->begin_copy(1).error().code == errc::limit_exceeded);
  require_ok(step(1).clear().in(*store));
  begun(*store, 1);
  CHECK(store->list_shards()->empty());
  store.reset();
  auto reading = options_for(folder / "s");
  reading.read_only = true;
  store = open_ok(reading);
  CHECK(store->begin_copy(1).error().code == errc::forbidden);
  check_sound(*store);
}

TEST_CASE("copies that were not finished are gone after a restart, and nobody saw them before") {
  temporary_folder folder;
  const auto options = with_history(folder / "s");
  std::array<std::uint64_t, 3> copies{};
  std::vector<std::string> rich;
  {
    const auto files = std::make_shared<fault_file_system>();
    const auto env = rocksdb::NewCompositeEnv(files);
    auto opened = open_store(options, {env.get(), {}, {}});
    require_ok(opened);
    const auto store = std::move(*opened);
    make_rich(*store, "a");
    rich = everything_of(*store, "a");
    const auto view = view_of(*store, 1);
    auto parts = parts_of(*view, "a");
    copies = {begun(*store, 1), begun(*store, 7), begun(*store, 1)};
    require_ok(store->add_to_copy(copies[0], parts));
    parts.resize(2);
    require_ok(store->add_to_copy(copies[1], parts));
    CHECK(store->list({}, {}, 9)->documents.size() == 1);
    CHECK(store->list_shards()->size() == 1);
    CHECK(store->view_shard(7).error().code == errc::not_found);
    CHECK(store->check()->shards == 1);
    check_sound(*store);
    SUBCASE("in the log") {}
    SUBCASE("in tables") {
      require_ok(store->compact());
    }
    files->copy_as_killed(options.path, folder / "killed");
  }
  for (const auto& path : {options.path, folder / "killed"}) {
    auto reading = with_history(path);
    reading.read_only = true;
    {
      auto store = open_ok(reading);
      check_sound(*store);
      CHECK(store->list_shards()->size() == 1);
    }
    reading.read_only = false;
    {
      auto store = open_ok(reading);
      for (const auto copy : copies) CHECK(store->add_to_copy(copy, {}).error().code == errc::not_found);
      CHECK(begun(*store, 1) > copies.back());
      CHECK(everything_of(*store, "a") == rich);
      check_sound(*store);
    }
    for (const auto copy : copies) CHECK(keys_under(reading, copy) == 0);
  }
}

TEST_CASE("clearing a shard takes the copies of it that are under way and no others") {
  temporary_folder folder;
  const auto options = options_for(folder / "s");
  std::uint64_t gone = 0;
  {
    auto store = open_ok(options);
    require_ok(step(1).note("n").edit("a", 1, 2).in(*store));
    gone = begun(*store, 1);
    const auto other = begun(*store, 2);
    require_ok(store->add_to_copy(gone, std::vector{record_part(1)}));
    require_ok(store->add_to_copy(other, std::vector{record_part(1)}));
    // One that is refused takes nothing.
    CHECK(step(1).clear().edit("x", 2, 2).in(*store).error().code == errc::internal);
    require_ok(store->add_to_copy(gone, std::vector{record_part(2)}));

    require_ok(step(1).clear().note("again").in(*store));
    CHECK(store->add_to_copy(gone, std::vector{record_part(3)}).error().code == errc::not_found);
    CHECK(store->finish_copy(gone, {"a", 2, 1, 1, 1, {}}).error().code == errc::not_found);
    check_sound(*store);
    require_ok(store->add_to_copy(other, std::vector{record_part(2)}));
    require_ok(store->finish_copy(other, {"b", 2, 1, 1, 1, {}}));
    require_ok(copy_parts(*store, 1, {record_part(1)}, {"a", 1, 1, 1, 1, {}}));
    CHECK(store->load("b")->records.size() == 2);
    CHECK(store->load("a")->records.size() == 1);
    check_sound(*store);
  }
  CHECK(keys_under(options, gone) == 0);
}

TEST_CASE("a full disk refuses parts and the end of a copy, which goes on once there is room") {
  temporary_folder folder;
  std::atomic<std::uint64_t> free{std::uint64_t{1} << 40U};
  const auto files = std::make_shared<fault_file_system>();
  const auto env = rocksdb::NewCompositeEnv(files);
  auto opened = open_store(options_for(folder / "s"), {env.get(), [&]() -> result<std::uint64_t> { return free; }, {}});
  require_ok(opened);
  auto& store = **opened;
  const auto wait_for_room = [&] {
    for (int i = 0; i < 600 && !store.writable(); ++i) std::this_thread::sleep_for(10ms);
  };
  require_ok(step(1).edit("a", 1, 1).in(store));
  const auto copy = begun(store, 1);
  require_ok(store.add_to_copy(copy, std::vector{record_part(1), record_part(2)}));
  const document_copy what{"a", 3, 1, 1, 1, {}};
  free = 0;
  CHECK(store.begin_copy(1).error().code == errc::no_space);
  CHECK(store.add_to_copy(copy, std::vector{record_part(3)}).error().code == errc::no_space);
  free = std::uint64_t{1} << 40U;
  require_ok(store.add_to_copy(copy, std::vector{record_part(3)}));
  free = 0;
  CHECK(store.finish_copy(copy, what).error().code == errc::no_space);
  free = std::uint64_t{1} << 40U;
  files->on_log_sync = fault_file_system::fault::no_space;
  CHECK(store.finish_copy(copy, what).error().code == errc::no_space);
  files->on_log_sync = fault_file_system::fault::none;
  check_filled(store, "a", 1);
  wait_for_room();
  require_ok(store.finish_copy(copy, what));
  CHECK(store.load("a")->records.size() == 3);
  check_sound(store);
  // One that is dropped while the disk is full leaves its parts until the next start.
  const auto left = begun(store, 1);
  require_ok(store.add_to_copy(left, std::vector{record_part(1)}));
  free = 0;
  store.drop_copy(left);
  CHECK(store.add_to_copy(left, std::vector{record_part(2)}).error().code == errc::not_found);
  check_sound(store);
  opened->reset();
  check_sound(*open_ok(folder / "s"));
  CHECK(keys_under(options_for(folder / "s"), left) == 0);
}

TEST_CASE("a power cut at any sync leaves the old document or its copy, and no pieces of copies") {
  const auto seed = seed_of_run();
  MESSAGE("OCTAVO_SEED=" << seed);
  std::mt19937_64 random(seed);
  temporary_folder folder;
  auto from = open_ok(with_history(folder / "from"));
  make_rich(*from, "a");
  const auto copied = everything_of(*from, "a");
  const auto view = view_of(*from, 1);
  for (int round = 0; round < 12; ++round) {
    const auto files = std::make_shared<fault_file_system>();
    const auto env = rocksdb::NewCompositeEnv(files);
    auto options = with_history(folder / "s");
    options.write_buffer_bytes = random() % 2 == 0 ? 256U << 10U : 16U << 20U;
    auto opened = open_store(options, {env.get(), {}, {}});
    require_ok(opened);
    auto& store = **opened;
    require_ok(step(1).edit("a", 1, 3).in(store));
    const auto old = everything_of(store, "a");
    int cuts = 0;
    bool is_finishing = false;
    std::vector<bool> was_finishing;
    files->before_log_sync([&] {
      files->copy_after_power_cut(options.path, folder / ("cut" + std::to_string(cuts++)), random);
      was_finishing.push_back(is_finishing);
    });
    const auto copy = begun(store, 1);
    std::optional<part_cursor> next = part_cursor{};
    const auto max_bytes = std::size_t{1} << (random() % 23);
    while (next) {
      const auto page = view->read("a", 0, *next, max_bytes);
      require_ok(page);
      require_ok(store.add_to_copy(copy, page->parts));
      next = page->next;
      if (random() % 8 == 0) require_ok(step(2).note("n").in(store));
    }
    is_finishing = true;
    require_ok(store.finish_copy(copy, metadata_of(info_in(*view, "a"))));
    files->before_log_sync({});
    CHECK(cuts >= 2);
    opened->reset();
    for (int i = 0; i < cuts; ++i) {
      CAPTURE(seed);
      CAPTURE(round);
      CAPTURE(i);
      auto strict = with_history(folder / ("cut" + std::to_string(i)));
      strict.refuse_damage = true;
      for (int open = 0; open < 2; ++open) {
        auto after = open_ok(strict);
        const auto found = everything_of(*after, "a");
        CHECK((found == old || (was_finishing[i] && found == copied)));
        CHECK(documents_of(*after, 1) == std::vector<std::string>{"a"});
        check_sound(*after);
      }
      std::filesystem::remove_all(strict.path);
    }
    std::filesystem::remove_all(options.path);
  }
}

TEST_CASE("random documents, copied in random pieces with interruptions, are the same in the end") {
  const auto seed = seed_of_run();
  MESSAGE("OCTAVO_SEED=" << seed);
  std::mt19937_64 random(seed);
  const auto below = [&](std::uint64_t limit) { return random() % limit; };
  temporary_folder folder;
  const auto from_options = with_history(folder / "from");
  auto to_options = with_history(folder / "to");
  const auto files = std::make_shared<fault_file_system>();
  const auto env = rocksdb::NewCompositeEnv(files);
  const auto open_to = [&] {
    auto opened = open_store(to_options, {env.get(), {}, {}});
    require_ok(opened);
    return std::move(*opened);
  };
  auto from = open_ok(from_options);
  auto to = open_to();
  std::int64_t now = 1000;
  std::map<std::string, std::uint64_t> last;
  const auto change = [&] {
    const auto name = "doc" + std::to_string(below(4));
    now += static_cast<std::int64_t>(below(700));
    auto& seq = last[name];
    switch (below(10)) {
      default: {
        const auto count = 1 + below(9);
        require_ok(step(3).edit(name, seq + 1, seq + count).in(*from));
        seq += count;
        break;
      }
      case 0:
      case 1:
        if (seq == 0) break;
        require_ok(from->put_snapshot(name, 1 + below(seq),
                                      as_bytes(state_of(below(3) == 0 ? below(3'000'000) : 50, seq)), now));
        break;
      case 2:
        if (seq == 0 || from->list_versions(name)->size() > 5) break;
        require_ok(from->put_version(name, std::to_string(now) + "/" + std::to_string(random()), below(seq + 1),
                                     as_bytes(state_of(below(4) == 0 ? below(2'500'000) : 20, seq)), now, "ann"));
        break;
      case 3:
        if (seq == 0) break;
        require_ok(from->quarantine_update(name, now, "bob", "why", as_bytes(state_of(below(90), seq))));
        break;
      case 4:
        if (seq == 0 || below(3) != 0) break;
        require_ok(step(3).remove(name).in(*from));
        seq = 0;
        break;
      case 5:
        if (seq == 0) break;
        if (const auto versions = from->list_versions(name); !versions->empty())
          require_ok(from->remove_version(name, versions->front().label));
        break;
    }
  };
  const auto reopen = [&] {
    if (below(2) == 0) {  // killed
      files->copy_as_killed(to_options.path, folder / "killed");
      to.reset();
      std::filesystem::remove_all(to_options.path);
      std::filesystem::rename(folder / "killed", to_options.path);
    }
    to.reset();
    to = open_to();
  };
  for (int round = 0; round < 15; ++round) {
    CAPTURE(seed);
    CAPTURE(round);
    for (auto count = 5 + below(20); count > 0; --count) change();
    if (!from->view_shard(3)) continue;
    const auto view = view_of(*from, 3);
    std::map<std::string, std::vector<std::string>> expected;
    for (const auto& name : documents_of(*from, 3)) expected[name] = everything_of(*from, name);
    for (auto count = below(10); count > 0; --count) change();
    // What the other shard's replica has and this one has not any more.
    for (const auto& name : documents_of(*to, 3))
      if (!expected.contains(name)) require_ok(step(3).remove(name).in(*to));
    for (const auto& [name, lines] : expected) {
      bool is_done = false;
      while (!is_done) {
        const auto copy = begun(*to, 3);
        const auto max_bytes = std::size_t{1} << below(24);
        std::optional<part_cursor> next = part_cursor{};
        bool is_interrupted = false;
        while (next && !is_interrupted) {
          const auto page = view->read(name, 0, *next, max_bytes);
          require_ok(page);
          require_ok(to->add_to_copy(copy, page->parts));
          next = page->next;
          if (below(60) != 0) continue;
          is_interrupted = true;
          below(2) == 0 ? to->drop_copy(copy) : reopen();
        }
        if (is_interrupted) continue;
        require_ok(to->finish_copy(copy, metadata_of(info_in(*view, name))));
        is_done = true;
      }
    }
    if (below(3) == 0) reopen();
    CHECK(documents_of(*to, 3).size() == expected.size());
    for (const auto& [name, lines] : expected) CHECK(everything_of(*to, name) == lines);
    check_sound(*to);
  }
}
