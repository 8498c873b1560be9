// The logs of shards: what a replica's steps leave, also after a restart, a killed process, a power cut and damage.
#include "storage/shard_log.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>
#include <utility>

#include "storage/codec.hpp"
#include "storage/commit_entry.hpp"
#include "storage/store_impl.hpp"
#include "storage/wal_scan.hpp"
#include "tests/storage/fault_file_system.hpp"
#include "tests/storage/shard_support.hpp"
#include "tests/storage/support.hpp"

using namespace octavo;
using namespace octavo::storage;
using namespace octavo::storage::testing;

namespace {

using names = std::vector<std::string>;
using marks = std::vector<client_mark>;

}  // namespace

TEST_CASE("a shard's log, note, marks and documents are there as they were written, also after a restart") {
  temporary_folder folder;
  const auto path = folder / "s";
  const auto check_all = [](const store& store) {
    check_log(store, 7, 1, 4, 2);
    check_log(store, 0xffffffff, 1, 1, 0);
    CHECK(as_text(shard_in(store, 7).note) == std::string_view("promise\0!", 9));
    CHECK(shard_in(store, 0xffffffff).note.empty());
    CHECK(*store.read_marks(7) == marks{{9, 1, 1}, {3, 5, 2}});
    CHECK(store.read_marks(8)->empty());
    CHECK(documents_of(store, 7) == names{"a", "b", std::string("b\0c", 3)});
    CHECK(documents_of(store, 7, "a", 1) == names{"b"});
    CHECK(documents_of(store, 7, "b") == names{std::string("b\0c", 3)});
    CHECK(store.list_shard_documents(7, "a", 1)->more);
    CHECK_FALSE(store.list_shard_documents(7, "a", 2)->more);
    CHECK(documents_of(store, 8).empty());
    check_filled(store, "a", 3);
    check_filled(store, "b", 1);
    CHECK((*store.find("none"))->shard == std::nullopt);
    check_sound(store);
    const auto report = store.check();
    CHECK(report->shards == 2);
    CHECK(report->shard_entries == 5);
  };
  {
    auto store = open_ok(path);
    fill(*store, "none", 1, 2);
    CHECK(store->list_shards()->empty());
    CHECK(store->read_shard(7)->empty());
    require_ok(step(7).note("draft").entries(1, 3).in(*store));
    require_ok(step(7)
                   .note(std::string_view("promise\0!", 9))
                   .entries(4, 4)
                   .edit("a", 1, 2)
                   .edit("b", 1, 1)
                   .edit("a", 3, 3)
                   .edit(std::string("b\0c", 3), 1, 1)
                   .mark(3, 5, 2)
                   .mark(9, 1, 1)
                   .applied(2)
                   .in(*store));
    require_ok(step(0xffffffff).entries(1, 1).in(*store));
    check_all(*store);
    copy_store(path, folder / "killed");
  }
  check_all(*open_ok(path));
  check_all(*open_ok(folder / "killed"));
  auto reading = options_for(path);
  reading.read_only = true;
  auto store = open_ok(reading);
  check_all(*store);
  CHECK(step(7).entries(5, 5).in(*store).error().code == errc::forbidden);
}

TEST_CASE("entries are truncated, put and dropped, also in one step, and only as they may be") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  require_ok(step(1).entries(1, 6).in(*store));
  require_ok(step(1).truncate_after(4).in(*store));
  check_log(*store, 1, 1, 4, 0);
  require_ok(step(1).truncate_after(2).entries(3, 8).applied(3).drop_until(2).in(*store));
  check_log(*store, 1, 3, 8, 3);

  const auto refused = [&](step& what) {
    const auto outcome = what.in(*store);
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == errc::internal);
    CHECK(outcome.error().message.find("shard 1 ") != std::string::npos);
    check_log(*store, 1, 3, 8, 3);
  };
  refused(step(1).entries(8, 8));
  refused(step(1).entries(10, 10));
  refused(step(1).truncate_after(2));
  refused(step(1).drop_until(4));
  refused(step(1).applied(2));
  refused(step(1).applied(9));
  // What comes before the part that is refused is not done either.
  refused(step(1).note("x").entries(9, 9).edit("a", 1, 1).applied(2));
  CHECK(shard_in(*store, 1).note.empty());
  CHECK_FALSE(*store->find("a"));

  require_ok(step(1).truncate_after(100).in(*store));
  check_log(*store, 1, 3, 8, 3);
  require_ok(step(1).applied(8).drop_until(8).in(*store));
  check_log(*store, 1, 0, 0, 8);
  CHECK(step(1).entries(8, 8).in(*store).error().code == errc::internal);
  require_ok(step(1).entries(9, 9).in(*store));
  check_log(*store, 1, 9, 9, 8);
  // Documents that came from elsewhere: the log goes on behind them.
  require_ok(step(1).truncate_after(20).drop_until(20).applied(20).in(*store));
  check_log(*store, 1, 0, 0, 20);
  store.reset();
  store = open_ok(folder / "s");
  check_log(*store, 1, 0, 0, 20);
  require_ok(step(1).entries(21, 22).in(*store));
  check_log(*store, 1, 21, 22, 20);
  check_sound(*store);
}

TEST_CASE("a long log goes as a whole") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  require_ok(step(1).entries(1, 6000).in(*store));
  require_ok(step(2).entries(1, 3).in(*store));
  require_ok(step(1).truncate_after(5000).in(*store));
  require_ok(step(1).applied(4990).drop_until(4990).in(*store));
  check_log(*store, 1, 4991, 5000, 4990);
  check_log(*store, 2, 1, 3, 0);
}

TEST_CASE("several steps of several shards are one commit, and later ones see what earlier ones did") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  const auto before = store->stats()->commits;
  const std::vector<step> steps{step(1).entries(1, 2).edit("a", 1, 2), step(2).entries(1, 1).edit("b", 1, 1),
                                step(1).entries(3, 3).edit("a", 3, 3).applied(3),
                                step(2).edit("c", 1, 1).remove("b").remove("was never there")};
  std::vector<shard_write> writes;
  for (const auto& one : steps) writes.push_back(one.write);
  require_ok(store->commit_shards(writes));
  CHECK(store->stats()->commits == before + 1);
  CHECK(store->stats()->documents == 2);
  check_log(*store, 1, 1, 3, 3);
  check_filled(*store, "a", 3);
  CHECK(documents_of(*store, 2) == names{"c"});
  CHECK_FALSE(*store->find("b"));
  check_sound(*store);

  // Removed, and made again, in one commit: it is another document then.
  const auto id = (*store->find("c"))->id;
  const auto again = step(2).remove("c");
  const auto made = step(2).edit("c", 1, 4);
  const std::vector<shard_write> both{again.write, made.write};
  require_ok(store->commit_shards(both));
  check_filled(*store, "c", 4);
  CHECK((*store->find("c"))->id != id);
  CHECK(store->stats()->documents == 2);
  check_sound(*store);
  store.reset();
  store = open_ok(folder / "s");
  check_filled(*store, "c", 4);
  CHECK(store->stats()->documents == 2);
  check_sound(*store);
}

TEST_CASE("a document is written to by its shard alone, and a wrong seq leaves everything as it was") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  fill(*store, "old", 1, 2);
  require_ok(step(1).edit("a", 1, 1).in(*store));
  const auto refused = [&](const result<void>& outcome, std::string_view name) {
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == errc::internal);
    CHECK(outcome.error().message.find("\"" + std::string(name) + "\"") != std::string::npos);
  };
  refused(step(1).note("x").entries(1, 1).edit("b", 1, 1).edit("a", 3, 3).in(*store), "a");
  CHECK_FALSE(*store->find("b"));
  check_log(*store, 1, 0, 0, 0);
  refused(step(2).edit("a", 2, 2).in(*store), "a");
  refused(step(2).remove("a").in(*store), "a");
  refused(commit_one(*store, "a", 2, "x"), "a");
  check_filled(*store, "a", 1);
  // One that no shard has joins the first that writes to it.
  require_ok(step(2).edit("old", 3, 3).in(*store));
  CHECK(documents_of(*store, 2) == names{"old"});
  check_filled(*store, "old", 3);
  refused(step(1).edit("old", 4, 4).in(*store), "old");
  CHECK(step(1).edit("", 1, 1).in(*store).error().code == errc::invalid_argument);
  require_ok(store->set_quarantined("a", "for a test"));
  // Its replicas go on elsewhere, and so does its log here.
  require_ok(step(1).edit("a", 2, 2).in(*store));
  CHECK((*store->find("a"))->is_quarantined());
  // Snapshots and removals work as for any other.
  require_ok(store->put_snapshot("old", 2, as_bytes("state"), 1));
  check_filled(*store, "old", 3);
  CHECK(documents_of(*store, 2) == names{"old"});
  require_ok(store->remove("old"));
  CHECK(documents_of(*store, 2).empty());
  check_log(*store, 2, 0, 0, 0);
}

TEST_CASE("clearing a shard takes everything of it and nothing else, and it can begin anew in the same step") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  for (const std::uint32_t shard : {0U, 1U, 2U}) {
    const auto name = std::string(1, static_cast<char>('a' + shard));
    require_ok(step(shard)
                   .note("n")
                   .entries(1, 5)
                   .edit(name, 1, 3)
                   .edit(name + "2", 1, 1)
                   .mark(1, 1, 1)
                   .applied(2)
                   .in(*store));
  }
  require_ok(store->put_snapshot("b", 2, as_bytes("state"), 1));
  SUBCASE("and it is gone") {
    require_ok(step(1).clear().in(*store));
    CHECK(store->list_shards()->size() == 2);
    CHECK(documents_of(*store, 1).empty());
    CHECK(store->read_marks(1)->empty());
    CHECK(store->stats()->documents == 4);
    check_log(*store, 1, 0, 0, 0);
  }
  SUBCASE("and it begins anew") {
    require_ok(step(1).clear().note("again").edit("b", 1, 1).applied(9).mark(7, 7, 7).in(*store));
    require_ok(step(1).entries(10, 10).in(*store));
    check_log(*store, 1, 10, 10, 9);
    CHECK(as_text(shard_in(*store, 1).note) == "again");
    CHECK(documents_of(*store, 1) == names{"b"});
    CHECK(*store->read_marks(1) == marks{{7, 7, 7}});
    check_filled(*store, "b", 1);
  }
  SUBCASE("with what a step before it in the same commit did") {
    const auto first = step(1).entries(6, 6).edit("b", 4, 4).edit("new", 1, 1).mark(5, 5, 5).remove("b2");
    const auto second = step(1).clear();
    const std::vector<shard_write> both{first.write, second.write};
    require_ok(store->commit_shards(both));
    CHECK(store->list_shards()->size() == 2);
    CHECK_FALSE(*store->find("new"));
    CHECK_FALSE(*store->find("b"));
    CHECK(store->stats()->documents == 4);
  }
  for (int open = 0; open < 2; ++open) {
    check_log(*store, 0, 1, 5, 2);
    check_log(*store, 2, 1, 5, 2);
    CHECK(documents_of(*store, 2) == names{"c", "c2"});
    check_filled(*store, "c", 3);
    check_sound(*store);
    store.reset();
    store = open_ok(folder / "s");
  }
}

TEST_CASE("marks replace one another and are forgotten") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  require_ok(step(1).mark(1, 1, 1).mark(2, 1, 2).mark(3, 1, 3).in(*store));
  auto forget = step(1).mark(1, 2, 4);
  forget.write.forgotten_clients = {2, 99};
  require_ok(forget.in(*store));
  CHECK(*store->read_marks(1) == marks{{3, 1, 3}, {1, 2, 4}});
}

TEST_CASE("a full disk refuses a step, which is then as if it had not been tried") {
  temporary_folder folder;
  std::atomic<std::uint64_t> free{std::uint64_t{1} << 40U};
  const auto files = std::make_shared<fault_file_system>();
  const auto env = rocksdb::NewCompositeEnv(files);
  auto opened = open_store(options_for(folder / "s"), {env.get(), [&]() -> result<std::uint64_t> { return free; }, {}});
  require_ok(opened);
  auto& store = **opened;
  require_ok(step(1).entries(1, 2).edit("a", 1, 1).applied(1).in(store));
  free = 0;
  CHECK(step(1).entries(3, 3).in(store).error().code == errc::no_space);
  free = std::uint64_t{1} << 40U;
  files->on_log_sync = fault_file_system::fault::no_space;
  CHECK(step(1).entries(3, 3).edit("a", 2, 2).applied(2).in(store).error().code == errc::no_space);
  files->on_log_sync = fault_file_system::fault::none;
  check_log(store, 1, 1, 2, 1);
  for (int i = 0; i < 600 && !store.writable(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  require_ok(step(1).entries(3, 4).edit("a", 2, 2).applied(2).in(store));
  check_log(store, 1, 1, 4, 2);
  check_filled(store, "a", 2);
  files->on_log_sync = fault_file_system::fault::io_error;
  CHECK(step(1).entries(5, 5).in(store).error().code == errc::io_error);
  CHECK(store.failed());
}

TEST_CASE("a power cut at any sync leaves entries, note, applied and documents of one moment") {
  const auto seed = seed_of_run();
  MESSAGE("OCTAVO_SEED=" << seed);
  std::mt19937_64 random(seed);
  temporary_folder folder;
  const auto files = std::make_shared<fault_file_system>();
  const auto env = rocksdb::NewCompositeEnv(files);
  auto options = options_for(folder / "s");
  options.write_buffer_bytes = 256U << 10U;
  auto opened = open_store(options, {env.get(), {}, {}});
  require_ok(opened);
  auto& store = **opened;
  // Step n of a shard: entry n is put, the note says n, entry n - 1 becomes update n - 1 of "d" and marks its client,
  // and entries before the last three go.
  const std::string padding(8000, 'p');
  for (std::uint64_t n = 1; n <= 60; ++n) {
    bool cut = false;
    if (random() % 3 == 0) {
      files->before_log_sync([&] {
        if (!std::exchange(cut, true)) files->copy_after_power_cut(options.path, folder / "cut", random);
      });
    }
    auto one = step(1);
    one.note(std::to_string(n) + padding).entries(n, n);
    if (n > 1) one.edit("d", n - 1, n - 1).applied(n - 1).mark(n % 2, n - 1, n - 1);
    if (n > 4) one.drop_until(n - 4);
    require_ok(one.in(store));
    files->before_log_sync({});
    if (!cut) continue;
    CAPTURE(seed);
    CAPTURE(n);
    {
      auto after_options = options_for(folder / "cut");
      after_options.refuse_damage = true;
      auto after = open_ok(after_options);
      const auto shard = shard_in(*after, 1);
      const auto reached = shard.last_lsn;
      CHECK(reached + 1 >= n);
      CHECK(reached <= n);
      if (reached > 0) {
        CHECK(as_text(shard.note) == std::to_string(reached) + padding);
        check_log(*after, 1, reached > 4 ? reached - 3 : 1, reached, reached - 1);
      }
      if (reached > 1) {
        check_filled(*after, "d", reached - 1);
        CHECK(after->read_marks(1)->back() == client_mark{reached % 2, reached - 1, reached - 1});
      }
      check_sound(*after);
      require_ok(step(1).entries(reached + 1, reached + 1).in(*after));
    }
    std::filesystem::remove_all(folder / "cut");
  }
}

namespace {

// A store whose log holds eight commits of one shard, and the offset of each.
struct killed_replica {
  temporary_folder folder;
  std::filesystem::path path = folder / "killed";
  std::vector<std::uint64_t> offsets;
  std::string data;

  killed_replica() {
    const auto live = folder / "live";
    auto store = open_ok(live);
    for (std::uint64_t n = 1; n <= 8; ++n) {
      if (n == 3) {
        fill(*store, "none", 1, 1);  // of no shard
      } else {
        require_ok(step(1).entries(n > 3 ? n - 1 : n, n > 3 ? n - 1 : n).in(*store));
      }
    }
    copy_store(live, path);
    const auto format = read_format_file(path);
    const auto scan = scan_wal(path / "db", salt_of((*format)->store_id), true);
    require_ok(scan);
    REQUIRE(scan->commits.size() == 8);
    for (const auto& commit : scan->commits) offsets.push_back(commit.offset);
    data = read_bytes(log_of(path));
  }
  void damage(std::size_t index) {
    auto damaged = data;
    damaged[offsets[index] + 40] = static_cast<char>(damaged[offsets[index] + 40] ^ 1);
    write_bytes(log_of(path), damaged);
  }
  result<std::unique_ptr<store>> open_strictly() const {
    auto options = options_for(path);
    options.refuse_damage = true;
    return store::open(options);
  }
};

std::map<std::string, std::string> contents(const std::filesystem::path& folder) {
  std::map<std::string, std::string> all;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
    const auto name = file.path().lexically_relative(folder).string();
    if (name != "lock") all[name] = file.is_regular_file() ? read_bytes(file.path()) : "";
  }
  return all;
}

}  // namespace

TEST_CASE("a store that refuses damage opens with a torn tail, and not with a damaged log, which stays as it is") {
  killed_replica replica;
  SUBCASE("torn") {
    write_bytes(log_of(replica.path), std::string_view(replica.data).substr(0, replica.data.size() - 20));
    const auto opened = replica.open_strictly();
    require_ok(opened);
    check_log(**opened, 1, 1, 6, 0);
    CHECK_FALSE((*opened)->recovery());
  }
  SUBCASE("damaged in the middle, and set aside") {
    replica.damage(4);
    const auto before = contents(replica.path);
    for (int i = 0; i < 2; ++i) {
      const auto refused = replica.open_strictly();
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code == errc::corrupt);
      CHECK(refused.error().message.find("offset " + std::to_string(replica.offsets[4])) != std::string::npos);
      CHECK(contents(replica.path) == before);
    }
    const auto id = (*read_format_file(replica.path))->store_id;
    const auto aside = set_store_aside(replica.path);
    require_ok(aside);
    CHECK(aside->parent_path() == replica.path);
    CHECK(contents(*aside) == before);
    CHECK(set_store_aside(replica.path).error().code == errc::not_found);
    CHECK(store_set_aside(replica.path) == *aside);
    {
      const auto fresh = replica.open_strictly();
      require_ok(fresh);
      CHECK((*fresh)->stats()->store_id != id);
      CHECK((*fresh)->list_shards()->empty());
      CHECK(set_store_aside(replica.path).error().code == errc::locked);
    }
    CHECK(contents(*aside) == before);
    // A second time on the same day: beside the first.
    const auto second = set_store_aside(replica.path);
    require_ok(second);
    CHECK(*second != *aside);
    CHECK(contents(*aside) == before);
    require_ok(replica.open_strictly());
  }
  SUBCASE("setting it aside was interrupted") {
    replica.damage(4);
    const auto before = contents(replica.path);
    std::filesystem::create_directory(replica.path / "set-aside-x");
    std::filesystem::rename(replica.path / "db", replica.path / "set-aside-x" / "db");
    CHECK(replica.open_strictly().error().code == errc::corrupt);
    CHECK(store::open(options_for(replica.path)).error().code == errc::corrupt);
    CHECK(store_set_aside(replica.path).empty());
    CHECK(store_half_aside(replica.path) == replica.path / "set-aside-x");
    const auto aside = set_store_aside(replica.path);
    require_ok(aside);
    CHECK(aside->filename() == "set-aside-x");
    CHECK(contents(*aside) == before);
    CHECK(store_half_aside(replica.path).empty());
    require_ok(replica.open_strictly());
  }
}

TEST_CASE("a line beside a store is there whole or as it was, and goes aside with the store") {
  killed_replica replica;
  CHECK(read_beside_store(replica.path, "PART-OF").empty());
  require_ok(write_beside_store(replica.path, "PART-OF", "something"));
  require_ok(write_beside_store(replica.path, "PART-OF", "another thing"));
  CHECK(read_bytes(replica.path / "PART-OF") == "another thing\n");
  CHECK(read_beside_store(replica.path, "PART-OF") == "another thing");
  CHECK_FALSE(std::filesystem::exists(replica.path / "PART-OF.new"));
  // Where the draft cannot be written, nothing is lost of what was there.
  std::filesystem::create_directory(replica.path / "PART-OF.new");
  CHECK(write_beside_store(replica.path, "PART-OF", "a third").error().code == errc::io_error);
  CHECK(read_beside_store(replica.path, "PART-OF") == "another thing");
  std::filesystem::remove(replica.path / "PART-OF.new");
  CHECK(write_beside_store(replica.path / "nowhere", "PART-OF", "a third").error().code == errc::io_error);
  const auto aside = set_store_aside(replica.path);
  require_ok(aside);
  CHECK(read_beside_store(replica.path, "PART-OF").empty());
  CHECK(read_beside_store(*aside, "PART-OF") == "another thing");
}

TEST_CASE(
    "a store that was recovered and may have lost steps of a shard is refused for good; one without shards is not") {
  killed_replica replica;
  bool is_refused = true;
  SUBCASE("a step") {
    replica.damage(4);
  }
  SUBCASE("the first step of all") {
    replica.damage(0);
  }
  SUBCASE("an edit, and no shards") {
    const auto live = replica.folder / "live";
    std::filesystem::remove_all(live);
    auto store = open_ok(live);
    fill(*store, "none", 1, 5);
    copy_store(live, replica.path);
    auto data = read_bytes(log_of(replica.path));
    data[data.size() / 2] = static_cast<char>(data[data.size() / 2] ^ 1);
    write_bytes(log_of(replica.path), data);
    is_refused = false;
  }
  {
    auto store = open_ok(replica.path);
    REQUIRE(store->recovery());
    CHECK(store->recovery()->lost_commits == 1);
    CHECK(store->recovery()->nameless.empty());
    CHECK(store->recovery()->documents.size() == (is_refused ? 0 : 1));
  }
  for (int i = 0; i < 2; ++i) {
    const auto opened = replica.open_strictly();
    CHECK(opened.has_value() != is_refused);
    if (!opened) CHECK(opened.error().code == errc::corrupt);
  }
  auto reading = options_for(replica.path);
  reading.read_only = true;
  open_ok(reading);
}

TEST_CASE("a power cut while a snapshot is written is no damage, also to a store that refuses it") {
  const auto seed = seed_of_run();
  MESSAGE("OCTAVO_SEED=" << seed);
  std::mt19937_64 random(seed);
  temporary_folder folder;
  const auto files = std::make_shared<fault_file_system>();
  const auto env = rocksdb::NewCompositeEnv(files);
  const auto options = options_for(folder / "s");
  auto opened = open_store(options, {env.get(), {}, {}});
  require_ok(opened);
  auto& store = **opened;
  std::string state(2'500'000, ' ');
  for (auto& c : state) c = static_cast<char>(random());
  int recoveries = 0;
  for (std::uint64_t n = 1; n <= 4; ++n) {
    require_ok(step(1).entries(n, n).edit("d", n, n).applied(n).in(store));
    int cuts = 0;
    files->before_log_sync([&] {
      for (int i = 0; i < 3; ++i, ++cuts)
        files->copy_after_power_cut(options.path, folder / ("cut" + std::to_string(cuts)), random);
    });
    require_ok(store.put_snapshot("d", n, as_bytes(state), 1));
    files->before_log_sync({});
    for (int i = 0; i < cuts; ++i) {
      CAPTURE(seed);
      CAPTURE(n);
      CAPTURE(i);
      auto strict = options_for(folder / ("cut" + std::to_string(i)));
      strict.refuse_damage = true;
      for (int open = 0; open < 2; ++open) {
        auto after = open_ok(strict);
        recoveries += after->recovery() ? 1 : 0;
        check_log(*after, 1, 1, n, n);
        CHECK(after->load("d")->info.last_seq == n);
        check_sound(*after);
      }
      std::filesystem::remove_all(strict.path);
    }
  }
  MESSAGE("recoveries: " << recoveries);
}

TEST_CASE("the check finds entries that are missing or damaged, and indexes that do not fit the documents") {
  temporary_folder folder;
  const auto options = options_for(folder / "s");
  {
    auto store = open_ok(options);
    require_ok(step(1).note("n").entries(1, 5).edit("a", 1, 1).edit("b", 1, 1).mark(1, 1, 1).applied(1).in(*store));
    require_ok(store->compact());
  }
  std::string expected;
  std::string document;
  {
    auto db = database::open(options.path / "db", options, nullptr, std::make_shared<background_state>());
    require_ok(db);
    auto* shards = (**db)[family::shards];
    const rocksdb::WriteOptions how;
    auto& raw = (*db)->db();
    const auto spoil = [&](const std::string& key) {
      auto value = *(*db)->get(family::shards, key);
      value[0] = static_cast<char>(value[0] ^ 1);
      REQUIRE(raw.Put(how, shards, key, value).ok());
    };
    SUBCASE("an entry is missing") {
      REQUIRE(raw.Delete(how, shards, shard_entry_key(1, 3)).ok());
      expected = "entry 3 of shard 1 is missing";
    }
    SUBCASE("the first entries are missing") {
      REQUIRE(raw.Delete(how, shards, shard_entry_key(1, 1)).ok());
      REQUIRE(raw.Delete(how, shards, shard_entry_key(1, 2)).ok());
      expected = "entry 2 of shard 1 is missing";
    }
    SUBCASE("an entry is damaged") {
      spoil(shard_entry_key(1, 4));
      expected = "entry 4 of shard 1 does not match its checksum";
    }
    SUBCASE("the note") {
      spoil(shard_key(1, shard_part::note));
      expected = "the note of shard 1 is damaged";
    }
    SUBCASE("a mark") {
      spoil(shard_mark_key(1, 1));
      expected = "the mark of a client of shard 1 is damaged";
    }
    SUBCASE("a document is not in the index") {
      REQUIRE(raw.Delete(how, shards, shard_document_key(1, "b")).ok());
      expected = "it is missing in the index of shard 1";
      document = "b";
    }
    SUBCASE("the index has one that is not there") {
      const auto key = shard_document_key(1, "c");
      REQUIRE(raw.Put(how, shards, key, encode_number(key, 3)).ok());
      expected = "the index of shard 1 names it, and there is no such document of that shard";
      document = "c";
    }
    SUBCASE("a key of no known kind") {
      REQUIRE(raw.Put(how, shards, std::string("\0\0\0\1\x9", 5), "x").ok());
      expected = "a key of the shards is damaged";
    }
    REQUIRE((*db)->flush());
  }
  auto reading = options;
  reading.read_only = true;
  auto store = open_ok(reading);
  const auto report = store->check();
  require_ok(report);
  REQUIRE(report->problems.size() == 1);
  CHECK(report->problems[0].message == expected);
  CHECK(report->problems[0].document == document);
  if (expected.starts_with("entry")) CHECK(store->read_shard(1).error().code == errc::corrupt);
  if (document == "c") CHECK(store->list_shard_documents(1, "", 9).error().code == errc::corrupt);
  // Whatever it is, the shard can be cleared and begun anew.
  store.reset();
  store = open_ok(options);
  require_ok(step(1).clear().in(*store));
  if (expected.starts_with("it is missing")) return;  // whose is it?
  CHECK(store->list_shards()->empty());
  CHECK(store->check()->problem_count == 0);
}

TEST_CASE("a store from before there were shards opens, and gets them when it is opened for writing") {
  temporary_folder folder;
  const auto options = options_for(folder / "s");
  {
    auto store = open_ok(options);
    fill(*store, "a", 1, 3);
  }
  {
    auto db = database::open(options.path / "db", options, nullptr, std::make_shared<background_state>());
    require_ok(db);
    REQUIRE((*db)->db().DropColumnFamily((**db)[family::shards]).ok());
    SUBCASE("but versions") {}
    SUBCASE("nor versions") {
      REQUIRE((*db)->db().DropColumnFamily((**db)[family::versions]).ok());
    }
  }
  auto reading = options;
  reading.read_only = true;
  {
    auto store = open_ok(reading);
    check_filled(*store, "a", 3);
    CHECK(store->list_shards()->empty());
    CHECK(store->read_shard(1)->empty());
    CHECK(store->read_marks(1)->empty());
    CHECK(documents_of(*store, 1).empty());
    check_sound(*store);
  }
  {
    auto store = open_ok(options);
    require_ok(step(1).entries(1, 2).edit("a", 4, 4).in(*store));
  }
  auto store = open_ok(reading);
  check_log(*store, 1, 1, 2, 0);
  check_filled(*store, "a", 4);
  CHECK(documents_of(*store, 1) == names{"a"});
  check_sound(*store);
}

TEST_CASE("a document of which there is only a refused update can be removed by any shard") {
  temporary_folder folder;
  auto store = open_ok(options_for(folder / "store"));
  require_ok(store->quarantine_update("a", 1, "mallory", "it broke", as_bytes("x")));
  require_ok(step(1).remove("a").in(*store));
  CHECK_FALSE(*store->find("a"));
  check_sound(*store);
}
