// Versions of a document: which can still be built, and those that have names and stay.
#include <doctest/doctest.h>
#include <rocksdb/db.h>

#include <random>

#include "storage/store_impl.hpp"
#include "tests/storage/fault_file_system.hpp"
#include "tests/storage/support.hpp"

using namespace octavo;
using namespace octavo::storage;
using namespace octavo::storage::testing;
using namespace std::chrono_literals;

namespace {

// What a load hands out, in order: "s7" for a state at 7, "8" for an update.
struct handed {
  std::vector<std::string> order;
  std::vector<std::string> states;
};

result<handed> hand_out(const store& from, std::string_view name, std::uint64_t first, std::uint64_t last) {
  handed out;
  load_visitor visitor;
  visitor.on_snapshot = [&](std::uint64_t seq, bytes_view state) -> result<void> {
    out.order.push_back("s" + std::to_string(seq));
    out.states.emplace_back(as_text(state));
    return {};
  };
  visitor.on_record = [&](std::uint64_t seq, std::int64_t, std::string_view, bytes_view update) -> result<void> {
    CHECK(as_text(update) == update_text(name, seq));
    out.order.push_back(std::to_string(seq));
    return {};
  };
  const auto loaded = from.load_range(name, first, last, visitor);
  if (!loaded) return tl::unexpected(loaded.error());
  return out;
}

using order = std::vector<std::string>;

std::string big_state(std::uint64_t seed) {
  std::string state(2 * snapshot_chunk_bytes + 100, '\0');
  std::mt19937_64 random(seed);
  for (auto& byte : state) byte = static_cast<char>(random() % 255 + 1);
  return state;
}

std::vector<std::string> labels(const store& of, std::string_view name) {
  const auto list = of.list_versions(name);
  require_ok(list);
  std::vector<std::string> all;
  for (const auto& each : *list) all.push_back(each.label);
  return all;
}

}  // namespace

TEST_CASE("any version that the log reaches is loaded from the nearest state before it") {
  temporary_folder folder;
  auto options = options_for(folder / "s");
  options.retention_ms = 1000ms;
  auto store = open_ok(options);
  fill(*store, "a", 1, 4);
  CHECK(hand_out(*store, "a", 0, 0)->order.empty());
  CHECK(hand_out(*store, "a", 2, 2)->order == order{"1", "2"});
  require_ok(store->put_snapshot("a", 3, as_bytes("three"), 1000));
  fill(*store, "a", 5, 8);
  require_ok(store->put_snapshot("a", 6, as_bytes("six"), 1500));
  CHECK(hand_out(*store, "a", 2, 2)->order == order{"1", "2"});
  CHECK(hand_out(*store, "a", 3, 3)->order == order{"s3"});
  CHECK(hand_out(*store, "a", 5, 5)->order == order{"s3", "4", "5"});
  CHECK(hand_out(*store, "a", 8, 8)->order == order{"s6", "7", "8"});
  CHECK(hand_out(*store, "a", 4, 8)->order == order{"s3", "4", "5", "6", "7", "8"});
  CHECK(hand_out(*store, "a", 0, 2)->order == order{"1", "2"});

  // The snapshot at 3 is past its retention, and is now what the log begins behind.
  fill(*store, "a", 9, 9);
  require_ok(store->put_snapshot("a", 9, as_bytes("nine"), 2100));
  const auto early = hand_out(*store, "a", 2, 2);
  REQUIRE_FALSE(early);
  CHECK(early.error().code == errc::not_found);
  CHECK(early.error().message ==
        "version 2 of \"a\" is gone: the log is kept from 4 on; raise the retention, or name the versions that are to "
        "stay");
  CHECK(hand_out(*store, "a", 3, 5)->order == order{"s3", "4", "5"});
  // The empty document needs no log, and what is behind a gap is known as a whole.
  CHECK(hand_out(*store, "a", 0, 0)->order.empty());
  CHECK(hand_out(*store, "a", 0, 5)->order == order{"s3", "4", "5"});
  CHECK_FALSE(hand_out(*store, "a", 0, 2));
  const auto late = hand_out(*store, "a", 4, 10);
  REQUIRE_FALSE(late);
  CHECK(late.error().message == "\"a\" has no version 10 yet: its last one is 9");
  CHECK(hand_out(*store, "b", 0, 0).error().code == errc::not_found);
  CHECK(hand_out(*store, "a", 5, 4).error().code == errc::invalid_argument);
}

TEST_CASE("a named version stays when the log and the snapshots of its time are gone") {
  temporary_folder folder;
  const auto state = big_state(1);
  {
    auto store = open_ok(folder / "s");
    fill(*store, "a", 1, 10);
    require_ok(store->put_version("a", "first draft", 4, as_bytes(state), 1000, "ann"));
    require_ok(store->put_version("a", "nothing", 0, {}, 1001, ""));
    require_ok(store->put_snapshot("a", 8, as_bytes("eight"), 2000));
    require_ok(store->put_snapshot("a", 10, as_bytes("ten"), 3000));
    fill(*store, "a", 11, 12);
  }
  auto store = open_ok(folder / "s");
  const auto list = store->list_versions("a");
  require_ok(list);
  REQUIRE(list->size() == 2);
  CHECK((*list)[0].label == "nothing");
  CHECK((*list)[0].seq == 0);
  CHECK((*list)[1].label == "first draft");
  CHECK((*list)[1].seq == 4);
  CHECK((*list)[1].time_ms == 1000);
  CHECK((*list)[1].user == "ann");
  CHECK((*list)[1].state_bytes == state.size());

  const auto at = hand_out(*store, "a", 4, 4);
  require_ok(at);
  CHECK(at->order == order{"s4"});
  CHECK(at->states == std::vector<std::string>{state});
  CHECK_FALSE(hand_out(*store, "a", 5, 5));
  // From it to the present: what happened in between is known as a whole.
  CHECK(hand_out(*store, "a", 4, 12)->order == order{"s4", "s10", "11", "12"});
  CHECK(hand_out(*store, "a", 0, 4)->order == order{"s0", "s4"});
  // What loads the present is not concerned.
  CHECK(store->load("a")->snapshot_seq == 10);
  const auto report = store->check();
  require_ok(report);
  CHECK(report->problem_count == 0);
  CHECK(report->versions == 2);

  require_ok(store->remove_version("a", "first draft"));
  CHECK(labels(*store, "a") == std::vector<std::string>{"nothing"});
  CHECK_FALSE(hand_out(*store, "a", 4, 4));
  CHECK(store->remove_version("a", "first draft").error().code == errc::not_found);
  CHECK(store->check()->bytes < state.size());
}

TEST_CASE("the names of versions are checked and bounded") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  fill(*store, "a", 1, 3);
  CHECK(store->put_version("b", "x", 1, {}, 0, "").error().code == errc::not_found);
  CHECK(store->put_version("a", "x", 4, {}, 0, "").error().code == errc::invalid_argument);
  CHECK(store->put_version("a", "", 1, {}, 0, "").error().code == errc::invalid_argument);
  CHECK(store->put_version("a", "\xff", 1, {}, 0, "").error().code == errc::invalid_argument);
  CHECK(store->put_version("a", std::string(max_label_bytes + 1, 'l'), 1, {}, 0, "").error().code ==
        errc::invalid_argument);
  CHECK(store->put_version("a", "x", 1, {}, 0, std::string(max_user_bytes + 1, 'u')).error().code ==
        errc::limit_exceeded);
  require_ok(store->put_version("a", std::string(max_label_bytes, 'l'), 1, {}, 0, std::string(max_user_bytes, 'u')));
  const auto twice = store->put_version("a", std::string(max_label_bytes, 'l'), 2, {}, 0, "");
  CHECK(twice.error().code == errc::already_exists);
  for (std::size_t i = 1; i < max_named_versions; ++i)
    require_ok(store->put_version("a", "version " + std::to_string(i), 2, as_bytes("s"), 0, ""));
  const auto one_more = store->put_version("a", "one more", 2, {}, 0, "");
  REQUIRE_FALSE(one_more);
  CHECK(one_more.error().code == errc::limit_exceeded);
  CHECK(one_more.error().message.find("max_named_versions") != std::string::npos);
  require_ok(store->remove_version("a", "version 5"));
  require_ok(store->put_version("a", "one more", 2, as_bytes("s"), 0, ""));
  CHECK(labels(*store, "a").size() == max_named_versions);
  CHECK(store->check()->problem_count == 0);
}

TEST_CASE("a document that is removed takes its versions with it, and a new one of its name has none") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  fill(*store, "a", 1, 3);
  const auto id = (*store->find("a"))->id;
  require_ok(store->put_version("a", "x", 2, as_bytes(big_state(2)), 0, ""));
  require_ok(store->remove("a"));
  CHECK(store->list_versions("a").error().code == errc::not_found);
  fill(*store, "a", 1, 1);
  CHECK(labels(*store, "a").empty());
  CHECK(store->put_version("a", "y", 1, {}, 0, "", id).error().code == errc::not_found);
  const auto report = store->check();
  CHECK(report->problem_count == 0);
  CHECK(report->versions == 0);
  CHECK(report->bytes < 100);
}

TEST_CASE("damage to a named version is found by the check, the log stands in for it, and its name can go") {
  temporary_folder folder;
  const auto path = folder / "s";
  const auto state = big_state(3);
  {
    auto store = open_ok(path);
    fill(*store, "a", 1, 3);
    require_ok(store->put_version("a", "x", 2, as_bytes(state), 0, ""));
    require_ok(store->compact());
  }
  // A byte in the middle of the state, where it is in a table.
  for (const auto& table : files_with(path / "db", ".sst")) {
    auto data = read_bytes(table);
    const auto at = data.find(state.substr(500'000, 64));
    if (at == std::string::npos) continue;
    data[at] = static_cast<char>(data[at] ^ 1);
    write_bytes(table, data);
  }
  auto store = open_ok(path);
  const auto report = store->check();
  require_ok(report);
  CHECK(report->problem_count > 0);
  CHECK(labels(*store, "a") == std::vector<std::string>{"x"});
  // The log still leads there.
  CHECK(hand_out(*store, "a", 2, 2)->order == order{"1", "2"});
  check_filled(*store, "a", 3);
  require_ok(store->remove_version("a", "x"));
  CHECK(labels(*store, "a").empty());
}

TEST_CASE("a store from before there were versions opens, and gets them when it is opened for writing") {
  temporary_folder folder;
  const auto options = options_for(folder / "s");
  {
    auto store = open_ok(options);
    fill(*store, "a", 1, 3);
  }
  {
    auto background = std::make_shared<background_state>();
    auto db = database::open(options.path / "db", options, nullptr, background);
    require_ok(db);
    REQUIRE((*db)->db().DropColumnFamily((**db)[family::versions]).ok());
  }
  auto reading = options;
  reading.read_only = true;
  {
    auto store = open_ok(reading);
    check_filled(*store, "a", 3);
    CHECK(labels(*store, "a").empty());
    CHECK(hand_out(*store, "a", 2, 3)->order == order{"1", "2", "3"});
    CHECK(store->check()->problem_count == 0);
    require_ok(store->stats());
  }
  {
    auto store = open_ok(options);
    check_filled(*store, "a", 3);
    require_ok(store->put_version("a", "x", 2, as_bytes("two"), 0, ""));
    fill(*store, "a", 4, 4);
  }
  auto store = open_ok(reading);
  CHECK(labels(*store, "a") == std::vector<std::string>{"x"});
  CHECK(hand_out(*store, "a", 2, 2)->states == std::vector<std::string>{"two"});
  CHECK(store->check()->problem_count == 0);
}

TEST_CASE("a damaged log takes the name of a version or its state, and no document with it") {
  temporary_folder folder;
  const auto live = folder / "live";
  const auto path = folder / "killed";
  {
    auto store = open_ok(live);
    fill(*store, "a", 1, 3);                                              // commits 1–3
    require_ok(store->put_version("a", "x", 2, as_bytes("two"), 0, ""));  // 4: the state, 5: the entry
    fill(*store, "a", 4, 5);                                              // 6, 7
    copy_store(live, path);
  }
  const auto format = read_format_file(path);
  const auto scan = scan_wal(path / "db", salt_of((*format)->store_id), true);
  require_ok(scan);
  REQUIRE(scan->commits.size() == 7);
  std::size_t lost = 0;
  SUBCASE("the name") {
    lost = 5;
  }
  SUBCASE("the state") {
    lost = 4;
  }
  auto data = read_bytes(log_of(path));
  const auto at = scan->commits[lost - 1].offset + 40;
  data[at] = static_cast<char>(data[at] ^ 1);
  write_bytes(log_of(path), data);
  auto store = open_ok(path);
  REQUIRE(store->recovery());
  CHECK(store->recovery()->lost_commits == 1);
  CHECK(store->recovery()->documents.empty());
  check_filled(*store, "a", 5);
  CHECK(hand_out(*store, "a", 2, 2)->order == order{"1", "2"});
  const auto report = store->check();
  require_ok(report);
  if (lost == 5) {
    CHECK(labels(*store, "a").empty());
    CHECK(report->problem_count == 0);
    require_ok(store->put_version("a", "x", 2, as_bytes("two"), 0, ""));
  } else {
    CHECK(labels(*store, "a") == std::vector<std::string>{"x"});
    REQUIRE(report->problems.size() == 1);
    CHECK(report->problems[0].message == "the version \"x\" is damaged (piece 0)");
    require_ok(store->remove_version("a", "x"));
  }
  CHECK(store->check()->problem_count == 0);
}

TEST_CASE("a power cut at any sync of the naming of a version leaves it whole or not at all") {
  const auto seed = seed_of_run();
  MESSAGE("OCTAVO_SEED=" << seed);
  std::mt19937_64 random(seed);
  temporary_folder folder;
  const auto files = std::make_shared<fault_file_system>();
  const auto env = rocksdb::NewCompositeEnv(files);
  auto options = options_for(folder / "s");
  options.write_buffer_bytes = 4U << 20U;
  auto opened = open_store(options, {env.get(), {}, {}});
  require_ok(opened);
  auto& store = **opened;
  fill(store, "a", 1, 5);
  for (int round = 0; round < 3; ++round) {
    const auto state = big_state(seed + static_cast<std::uint64_t>(round));
    int cuts = 0;
    files->before_log_sync([&] {
      for (int i = 0; i < 4; ++i, ++cuts)
        files->copy_after_power_cut(options.path, folder / ("cut" + std::to_string(cuts)), random);
    });
    const auto label = "round " + std::to_string(round);
    require_ok(store.put_version("a", label, 3, as_bytes(state), round, "ann"));
    files->before_log_sync({});
    REQUIRE(cuts > 0);
    for (int cut = 0; cut < cuts; ++cut) {
      CAPTURE(seed);
      CAPTURE(round);
      CAPTURE(cut);
      const auto path = folder / ("cut" + std::to_string(cut));
      auto after = open_ok(path);
      check_filled(*after, "a", 5);
      const auto named = after->list_versions("a");
      require_ok(named);
      CHECK(named->size() >= static_cast<std::size_t>(round));
      for (const auto& each : *named) CHECK(each.label.starts_with("round "));
      CHECK(after->check()->problem_count == 0);
      // What was left of it is in nobody's way.
      if (named->size() == static_cast<std::size_t>(round))
        require_ok(after->put_version("a", label, 3, as_bytes(std::string("again")), 9, "ann"));
      CHECK(after->check()->problem_count == 0);
      after.reset();
      std::filesystem::remove_all(path);
    }
  }
}
