// Damage to the write-ahead log, done to the bytes of real stores. The one rule that every case
// checks: each document either has all of its acknowledged updates or is set aside; none is silently short.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <random>
#include <set>

#include "storage/codec.hpp"
#include "storage/files.hpp"
#include "storage/format.hpp"
#include "storage/store.hpp"
#include "storage/store_impl.hpp"
#include "storage/wal_recovery.hpp"
#include "storage/wal_scan.hpp"
#include "tests/storage/support.hpp"
#include "tests/support/pace.hpp"

using namespace octavo;
using namespace octavo::storage;
using namespace octavo::storage::testing;
using octavo::test::stride_of_places;

namespace {

const std::vector<std::string> names = {"alpha", "beta", "gamma", "delta", "epsilon"};

// A store whose log holds `commits` commits over five documents, copied while it is open, and what was acknowledged.
struct killed_store {
  temporary_folder folder;
  std::filesystem::path path = folder / "killed";
  std::map<std::string, std::uint64_t> acknowledged;
  std::string salt;

  explicit killed_store(int commits, std::size_t padding = 0) {
    const auto live = folder / "live";
    auto store = open_ok(live);
    for (int i = 0; i < commits; ++i) {
      // Mostly one document a commit, sometimes two.
      std::vector<std::pair<std::string, std::string>> texts;
      for (int k = 0; k < (i % 4 == 3 ? 2 : 1); ++k) {
        const auto& name = names[static_cast<std::size_t>(i + k) % names.size()];
        const auto seq = ++acknowledged[name];
        texts.emplace_back(name, update_text(name, seq) + std::string(padding, '.'));
      }
      std::vector<append> group;
      for (const auto& [name, text] : texts) group.push_back(make_append(name, acknowledged[name], text));
      require_ok(store->commit(group));
    }
    copy_store(live, path);
    const auto format = read_format_file(path);
    require_ok(format);
    salt = salt_of((*format)->store_id);
  }

  wal_scan scan(bool keep = true) const {
    auto read = scan_wal(path / "db", salt, keep);
    require_ok(read);
    return std::move(*read);
  }

  // Flips a bit in the log's commit of that index. Returns what the log holds then.
  std::string damage_commit(std::size_t index) const {
    auto data = read_bytes(log_of(path));
    const auto at = scan().commits[index].offset + 50;
    data[at] = static_cast<char>(data[at] ^ 1);
    write_bytes(log_of(path), data);
    return data;
  }
};

// Opens the store and checks the rule. Returns the names of documents that were set aside.
std::set<std::string> open_and_check(const std::filesystem::path& path,
                                     const std::map<std::string, std::uint64_t>& acknowledged) {
  auto store = open_ok(path);
  std::set<std::string> aside;
  for (const auto& [name, last] : acknowledged) {
    const auto info = store->find(name);
    require_ok(info);
    const auto nameless = store->recovery() ? store->recovery()->nameless.size() : 0;
    if (!*info) {
      INFO("the document " << name << " vanished");
      CHECK(nameless > 0);
      continue;
    }
    if ((*info)->is_quarantined()) {
      aside.insert(name);
      continue;
    }
    const auto whole = store->load(name);
    if (!whole) FAIL(name << ": " << whole.error().message);
    CHECK(whole->info.last_seq == last);
    for (const auto& record : whole->records) {
      CHECK(as_text(record.update).starts_with(update_text(name, record.seq)));
    }
    // It serves: the next edit goes in.
    require_ok(commit_one(*store, name, last + 1, "next"));
  }
  return aside;
}

}  // namespace

TEST_CASE("a log without damage is clean, and every commit is read from it") {
  const killed_store store(40);
  const auto scan = store.scan();
  CHECK(scan.state == wal_state::clean);
  CHECK(scan.damages.empty());
  REQUIRE(scan.commits.size() == 40);
  for (std::size_t i = 0; i < scan.commits.size(); ++i) {
    CHECK(scan.commits[i].entry.commit == i + 1);
    CHECK(scan.commits[i].entry.previous == i);
    CHECK(scan.commits[i].entry.synced);
  }
}

TEST_CASE("a log torn at any byte of its last record loses that record alone") {
  killed_store store(12);
  const auto scan = store.scan();
  const auto last = scan.commits.back().offset;
  const auto log = log_of(store.path);
  const auto data = read_bytes(log);
  // The last commit was never acknowledged then.
  for (const auto& item : scan.commits.back().entry.own) --store.acknowledged[names[item.id - 1]];
  const auto copy = store.folder / "copy";
  // Both ends are always looked at.
  auto sizes = std::set<std::size_t>{last, data.size() - 1};
  for (auto size = last + seed_of_run() % stride_of_places; size < data.size(); size += stride_of_places)
    sizes.insert(size);
  for (const auto size : sizes) {
    CAPTURE(size);
    copy_store(store.path, copy);
    write_bytes(log_of(copy), std::string_view(data).substr(0, size));
    CHECK(open_and_check(copy, store.acknowledged).empty());
    CHECK_FALSE(std::filesystem::exists(copy / "RECOVERY"));
  }
}

TEST_CASE("a torn record of several blocks is dropped wherever it was cut") {
  killed_store store(6, 100'000);
  const auto scan = store.scan();
  const auto last = scan.commits.back().offset;
  const auto data = read_bytes(log_of(store.path));
  for (const auto& item : scan.commits.back().entry.own) --store.acknowledged[names[item.id - 1]];
  const auto copy = store.folder / "copy";
  for (auto size = last + 1; size < data.size(); size += 4999 * std::min<std::size_t>(stride_of_places, 4)) {
    copy_store(store.path, copy);
    SUBCASE("the file ends") {
      write_bytes(log_of(copy), std::string_view(data).substr(0, size));
    }
    SUBCASE("the file goes on with zeros") {
      write_bytes(log_of(copy), data.substr(0, size) + std::string(data.size() - size, '\0'));
    }
    SUBCASE("one sector in the middle was never written") {
      auto torn = data;
      const auto sector = std::min((size / 512 + 1) * 512, (data.size() - 512) / 512 * 512);
      std::fill_n(torn.begin() + static_cast<std::ptrdiff_t>(sector), 512, '\0');
      write_bytes(log_of(copy), torn);
    }
    SUBCASE("the sector that it begins in was not written again") {
      auto torn = data;
      std::fill(torn.begin() + static_cast<std::ptrdiff_t>(last),
                torn.begin() + static_cast<std::ptrdiff_t>((last / 512 + 1) * 512), '\0');
      write_bytes(log_of(copy), torn);
    }
    SUBCASE("one page in the middle was never written") {
      auto torn = data;
      const auto page = std::min(size / 4096 * 4096 + 4096, (data.size() - 4096) / 4096 * 4096);
      std::fill_n(torn.begin() + static_cast<std::ptrdiff_t>(page), 4096, '\0');
      write_bytes(log_of(copy), torn);
    }
    CHECK(open_and_check(copy, store.acknowledged).empty());
  }
}

TEST_CASE("with any one byte of the log damaged, every lost commit's documents are known") {
  const killed_store store(40);
  const auto whole = store.scan();
  const auto log = log_of(store.path);
  const auto data = read_bytes(log);
  const auto seed = seed_of_run();
  MESSAGE("OCTAVO_SEED=" << seed);
  std::mt19937_64 random(seed);
  int unknown = 0;
  for (auto at = seed % stride_of_places; at < data.size(); at += stride_of_places) {
    auto damaged = data;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (random() % 8)));
    write_bytes(log, damaged);
    const auto scan = store.scan();
    CAPTURE(at);
    CHECK(scan.state == wal_state::needs_recovery);
    const auto plan = plan_recovery(scan, 0);
    std::set<std::uint64_t> applied;
    for (const auto i : plan.apply) applied.insert(scan.commits[i].entry.commit);
    std::set<std::uint64_t> suspects;
    for (const auto& item : plan.suspects) suspects.insert(item.id);
    CHECK(applied.size() + 1 >= whole.commits.size());
    unknown += plan.everything ? 1 : 0;
    for (const auto& commit : whole.commits) {
      if (applied.contains(commit.entry.commit)) continue;
      for (const auto& item : commit.entry.own) CHECK(suspects.contains(item.id));
    }
  }
  CHECK(unknown == 0);
}

TEST_CASE("whatever stretch of the log is destroyed, no document is silently short") {
  const auto seed = seed_of_run();
  MESSAGE("OCTAVO_SEED=" << seed);
  std::mt19937_64 random(seed);
  const killed_store store(120);
  const auto data = read_bytes(log_of(store.path));
  const auto last_entry = find_entries(data, store.salt).back().offset;
  const auto copy = store.folder / "copy";
  for (int round = 0; round < 60; ++round) {
    copy_store(store.path, copy);
    auto damaged = data;
    const std::size_t size = std::size_t{1} << (random() % 14);
    const auto begin = random() % data.size();
    const auto kind = random() % 3;
    for (auto at = begin; at < std::min(begin + size, data.size()); ++at) {
      damaged[at] = kind == 0 ? static_cast<char>(random()) : kind == 1 ? '\0' : static_cast<char>(damaged[at] ^ 0x10);
    }
    // That is how a torn tail looks: zeros to the end, or whole sectors of them and no entry behind them to prove more.
    if (kind == 1 && damaged.find_last_not_of('\0') < begin) continue;
    if (kind == 1 && size >= 512 && begin + size > last_entry) continue;
    CAPTURE(seed);
    CAPTURE(round);
    CAPTURE(begin);
    CAPTURE(size);
    CAPTURE(kind);
    write_bytes(log_of(copy), damaged);
    const auto aside = open_and_check(copy, store.acknowledged);
    if (damaged != data) CHECK(!aside.empty());
    // The second time it is an ordinary store, and what was set aside still is.
    auto again = open_ok(copy);
    CHECK_FALSE(again->recovery());
    for (const auto& name : aside) CHECK((*again->find(name))->is_quarantined());
  }
}

TEST_CASE("a damaged record in the middle sets its document aside, with the place, and no other") {
  const killed_store store(40);
  const auto scan = store.scan();
  const auto& hit = scan.commits[20];
  REQUIRE(hit.entry.own.size() == 1);
  const auto& name = names[hit.entry.own[0].id - 1];
  const auto log = log_of(store.path);
  auto data = read_bytes(log);
  const auto original = data;
  data[hit.offset + 100] = static_cast<char>(data[hit.offset + 100] ^ 1);
  SUBCASE("a bit of the payload") {}
  SUBCASE("the whole record is zeros, which RocksDB would skip without a word") {
    data = original;
    std::fill(data.begin() + static_cast<std::ptrdiff_t>(hit.offset),
              data.begin() + static_cast<std::ptrdiff_t>(scan.commits[21].offset), '\0');
  }
  SUBCASE("the length, which RocksDB would take for a torn tail") {
    data = original;
    data[hit.offset + 5] = '\x7f';
  }
  write_bytes(log, data);
  {
    auto options = options_for(store.path);
    options.read_only = true;
    const auto refused = store::open(options);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::corrupt);
    CHECK(refused.error().message.find("offset " + std::to_string(hit.offset)) != std::string::npos);
  }
  auto opened = open_ok(store.path);
  REQUIRE(opened->recovery());
  const auto& report = *opened->recovery();
  CHECK(report.documents == std::vector<std::string>{name});
  CHECK(report.lost_commits == 1);
  CHECK_FALSE(report.everything);
  const auto info = **opened->find(name);
  CHECK(info.quarantine_reason.find("offset " + std::to_string(hit.offset)) != std::string::npos);
  CHECK(info.quarantine_reason.find(log.filename().string()) != std::string::npos);
  CHECK(info.quarantine_reason.find("update " + std::to_string(hit.entry.own[0].seq)) != std::string::npos);
  CHECK(opened->load(name).error().code == errc::corrupt);
  // The original is kept, byte by byte.
  CHECK(read_bytes(report.folder / log.filename()) == data);
  CHECK(read_bytes(report.folder / "README.txt").find(name) != std::string::npos);
  for (const auto& other : names) {
    if (other != name) check_filled(*opened, other, store.acknowledged.at(other));
  }
  opened.reset();
  CHECK(open_and_check(store.path, store.acknowledged) == std::set<std::string>{name});
}

TEST_CASE("a damaged last record that was complete is no torn tail") {
  const killed_store store(20);
  const auto scan = store.scan();
  const auto& last = scan.commits.back();
  std::set<std::string> expected;
  for (const auto& item : last.entry.own) expected.insert(names[item.id - 1]);
  auto data = read_bytes(log_of(store.path));
  SUBCASE("a bit in the middle") {
    data[data.size() - 60] = static_cast<char>(data[data.size() - 60] ^ 4);
  }
  SUBCASE("a length that reaches beyond the end") {
    data[last.offset + 5] = '\x10';
  }
  SUBCASE("the checksum") {
    data[last.offset] = static_cast<char>(data[last.offset] ^ 4);
  }
  SUBCASE("all of it: then it could be any document") {
    for (auto at = last.offset; at < data.size(); ++at) data[at] = static_cast<char>(at * 7 + 11);
    expected = {names.begin(), names.end()};
  }
  write_bytes(log_of(store.path), data);
  CHECK(open_and_check(store.path, store.acknowledged) == expected);
}

TEST_CASE("zeros that an edit holds itself do not make damage pass for a torn tail, and a torn one is still known") {
  temporary_folder folder;
  const auto live = folder / "live";
  const auto path = folder / "killed";
  const auto edit = std::string(3000, 'x') + std::string(3 * 4096, '\0') + std::string(60'000, 'y');
  {
    auto store = open_ok(live);
    fill(*store, "a", 1, 3);
    require_ok(commit_one(*store, "a", 4, edit));
    copy_store(live, path);
  }
  auto data = read_bytes(log_of(path));
  const auto at = data.find(std::string(100, 'y')) + 10'000;
  SUBCASE("a flipped bit") {
    data[at] = static_cast<char>(data[at] ^ 1);
    write_bytes(log_of(path), data);
    auto store = open_ok(path);
    REQUIRE(store->recovery());
    CHECK(store->recovery()->documents == std::vector<std::string>{"a"});
    CHECK((*store->find("a"))->is_quarantined());
  }
  SUBCASE("pages that were never written") {
    std::fill_n(data.begin() + static_cast<std::ptrdiff_t>(at / 4096 * 4096), 4 * 4096, '\0');
    write_bytes(log_of(path), data);
    auto store = open_ok(path);
    if (store->recovery()) CHECK(store->recovery()->documents.empty());
    check_filled(*store, "a", 3);
  }
}

TEST_CASE("a lost creation, a lost removal and a lost snapshot are each noticed or harmless") {
  temporary_folder folder;
  const auto live = folder / "live";
  const auto path = folder / "killed";
  std::size_t lost = 0;
  {
    auto store = open_ok(live);
    fill(*store, "kept", 1, 3);                                        // commits 1–3
    fill(*store, "created", 1, 1);                                     // 4
    fill(*store, "removed", 1, 2);                                     // 5, 6
    require_ok(store->remove("removed"));                              // 7
    require_ok(store->put_snapshot("kept", 2, as_bytes("state"), 1));  // 8: the state, 9: the header
    fill(*store, "kept", 4, 5);                                        // 10, 11
    copy_store(live, path);
  }
  const auto format = read_format_file(path);
  const auto scan = scan_wal(path / "db", salt_of((*format)->store_id), true);
  require_ok(scan);
  REQUIRE(scan->commits.size() == 11);
  std::string aside;
  SUBCASE("the creation") {
    lost = 4, aside = "created";
  }
  SUBCASE("the removal") {
    lost = 7, aside = "removed";
  }
  SUBCASE("the snapshot's header") {
    lost = 9;
  }
  SUBCASE("the snapshot's state, when the log before it is gone") {
    lost = 8;
    aside = "kept";
  }
  auto data = read_bytes(log_of(path));
  const auto at = scan->commits[lost - 1].offset + 40;
  data[at] = static_cast<char>(data[at] ^ 1);
  write_bytes(log_of(path), data);
  auto store = open_ok(path);
  REQUIRE(store->recovery());
  CHECK(store->recovery()->lost_commits == 1);
  if (aside.empty()) {
    CHECK(store->recovery()->documents.empty());
    CHECK((*store->find("kept"))->snapshot_seq == 0);
  } else {
    CHECK(store->recovery()->documents == std::vector<std::string>{aside});
    CHECK((*store->find(aside))->is_quarantined());
  }
  if (aside != "kept") {
    check_filled(*store, "kept", 5);
    require_ok(store->put_snapshot("kept", 5, as_bytes("again"), 1));
  }
  fill(*store, "fresh", 1, 1);
  CHECK((*store->find("fresh"))->id >= 4);
}

TEST_CASE("edits behind a piece of a snapshot, which was not synced itself, are not lost in silence") {
  temporary_folder folder;
  const auto live = folder / "live";
  const auto path = folder / "killed";
  const std::string state(snapshot_chunk_bytes + 10, 's');  // two pieces
  {
    auto store = open_ok(live);
    fill(*store, "a", 1, 3);                                      // commits 1–3
    fill(*store, "b", 1, 2);                                      // 4, 5
    require_ok(store->put_snapshot("a", 2, as_bytes(state), 1));  // 6, 7: the pieces, 8: the header
    fill(*store, "b", 3, 4);                                      // 9, 10
    require_ok(store->put_snapshot("b", 3, as_bytes(state), 1));  // 11, 12: the pieces, 13: the header
    copy_store(live, path);
  }
  const auto format = read_format_file(path);
  const auto scan = scan_wal(path / "db", salt_of((*format)->store_id), true);
  require_ok(scan);
  REQUIRE(scan->commits.size() == 13);
  REQUIRE_FALSE(scan->commits[5].entry.synced);
  REQUIRE(scan->commits[6].entry.synced);
  REQUIRE_FALSE(scan->commits[10].entry.synced);
  auto data = read_bytes(log_of(path));
  const auto destroy = [&](std::size_t begin, std::size_t end) {
    for (auto at = begin; at < end; ++at) data[at] = static_cast<char>(at * 7 + 11);
  };
  std::vector<std::string> expected;
  bool everything = false;
  SUBCASE("all behind the piece is beyond recognition") {
    destroy(scan->commits[6].offset, data.size());
    expected = {"a", "b"};
    everything = true;
  }
  SUBCASE("a piece behind them still names them") {
    data.resize(scan->commits[11].offset);
    destroy(scan->commits[8].offset, scan->commits[10].offset);
    const auto at = scan->commits[10].offset + 5000;
    data[at] = static_cast<char>(data[at] ^ 1);
    expected = {"b"};
  }
  write_bytes(log_of(path), data);
  auto store = open_ok(path);
  REQUIRE(store->recovery());
  CHECK(store->recovery()->everything == everything);
  CHECK(store->recovery()->documents == expected);
  for (const auto& name : expected) CHECK((*store->find(name))->is_quarantined());
}

namespace {

// A commit of one document, as a scan would have read it.
scanned_commit scanned(std::uint64_t commit, std::uint64_t previous, std::uint64_t synced_through, bool synced = true) {
  scanned_commit made;
  made.offset = commit * 1000;
  made.entry.commit = commit;
  made.entry.previous = previous;
  made.entry.synced_through = synced_through;
  made.entry.window_first = commit;
  made.entry.synced = synced;
  made.entry.sync_always = true;
  made.entry.own = {{commit, 1, synced ? touch_kind::created : touch_kind::changed, "d" + std::to_string(commit)}};
  return made;
}

std::vector<std::uint64_t> applied(const wal_scan& scan, const recovery_plan& plan) {
  std::vector<std::uint64_t> numbers;
  for (const auto i : plan.apply) numbers.push_back(scan.commits[i].entry.commit);
  return numbers;
}

}  // namespace

TEST_CASE("pieces of a snapshot that a power cut took do not take the commits behind them, nor any document") {
  wal_scan scan;
  scan.files = {"000001.log"};
  scan.commits = {scanned(1, 0, 0), scanned(4, 3, 1, false), scanned(5, 4, 1)};  // 2, 3 and 4 are pieces
  const auto plan = plan_recovery(scan, 0);
  CHECK(applied(scan, plan) == std::vector<std::uint64_t>{1, 4, 5});
  CHECK(plan.lost_commits == 0);
  CHECK(plan.dropped_commits == 0);
  CHECK(plan.suspects.empty());
  CHECK_FALSE(plan.everything);
}

TEST_CASE("a commit that was refused and stands whole in the log is not applied by a recovery") {
  wal_scan scan;
  scan.files = {"000001.log", "000002.log"};
  scan.commits = {scanned(1, 0, 0), scanned(2, 1, 1), scanned(3, 2, 2), scanned(5, 2, 2), scanned(6, 5, 5)};
  scan.commits[2].entry.own[0].kind = touch_kind::removed;
  auto plan = plan_recovery(scan, 0);
  CHECK(applied(scan, plan) == std::vector<std::uint64_t>{1, 2, 5, 6});
  CHECK(plan.lost_commits == 0);
  // Nor where what is before it has gone to tables.
  plan = plan_recovery(scan, 2);
  CHECK(applied(scan, plan) == std::vector<std::uint64_t>{5, 6});
  CHECK(plan.newest_commit == 6);
  // The last one may have been acknowledged.
  scan.commits.resize(3);
  CHECK(applied(scan, plan_recovery(scan, 0)) == std::vector<std::uint64_t>{1, 2, 3});
  // A gap behind the one that is taken back is still seen.
  scan.commits = {scanned(1, 0, 0), scanned(3, 2, 2), scanned(5, 2, 2)};
  scan.commits[1].entry.previous = 1;
  plan = plan_recovery(scan, 0);
  CHECK(applied(scan, plan) == std::vector<std::uint64_t>{1, 5});
  CHECK(plan.lost_commits == 1);
  CHECK(plan.everything);
}

TEST_CASE("damage that takes an edit and the head of a large commit behind it sets the edit's document aside alone") {
  temporary_folder folder;
  const auto live = folder / "live";
  const auto path = folder / "killed";
  {
    auto store = open_ok(live);
    fill(*store, "a", 1, 2);                                                                           // 1, 2
    fill(*store, "b", 1, 2);                                                                           // 3, 4
    require_ok(store->put_snapshot("a", 1, as_bytes(std::string(snapshot_chunk_bytes * 2, 's')), 1));  // 5, 6, 7
    fill(*store, "c", 1, 1);                                                                           // 8
    copy_store(live, path);
  }
  const auto format = read_format_file(path);
  const auto scan = scan_wal(path / "db", salt_of((*format)->store_id), true);
  require_ok(scan);
  REQUIRE(scan->commits.size() == 8);
  auto data = read_bytes(log_of(path));
  for (auto at = scan->commits[3].offset; at < scan->commits[4].offset + 2000; ++at) {
    data[at] = static_cast<char>(at * 7 + 11);
  }
  write_bytes(log_of(path), data);
  auto store = open_ok(path);
  REQUIRE(store->recovery());
  CHECK_FALSE(store->recovery()->everything);
  CHECK(store->recovery()->lost_commits == 2);
  // The piece that is lost was one of a snapshot which has ended a's log.
  CHECK(std::set<std::string>(store->recovery()->documents.begin(), store->recovery()->documents.end()) ==
        std::set<std::string>{"a", "b"});
  check_filled(*store, "c", 1);
}

TEST_CASE("pages of zeros before a tail that can be read are no interrupted write") {
  const killed_store store(120);
  const auto scan = store.scan();
  auto data = read_bytes(log_of(store.path));
  // Most of the last 8 KiB is gone; the tail entry of the last commit says that those before it were synced.
  const auto last = scan.commits.back().offset;
  const auto begin = scan.commits[80].offset + 100;
  REQUIRE(last > begin + 8192);
  std::fill(data.begin() + static_cast<std::ptrdiff_t>(begin), data.begin() + static_cast<std::ptrdiff_t>(last + 20),
            '\0');
  write_bytes(log_of(store.path), data);
  CHECK(store.scan().state == wal_state::needs_recovery);
  CHECK(open_and_check(store.path, store.acknowledged) == std::set<std::string>{names.begin(), names.end()});
}

TEST_CASE("a bad sector in the log is damage like any other, and the copy says what is filled in") {
  const killed_store store(60, 200);
  const auto log = log_of(store.path);
  const auto data = read_bytes(log);
  REQUIRE(data.size() > 4 * 4096);
  byte_range bad{8192, 12288};
  SUBCASE("in the middle") {}
  SUBCASE("at the end, where it must not pass for an interrupted write") {
    bad = {data.size() / 4096 * 4096, data.size()};
  }
  store_hooks hooks;
  hooks.read_at = [&](const std::filesystem::path& path, int fd, char* to, std::size_t size, off_t at) -> ssize_t {
    const auto begin = static_cast<std::uint64_t>(at);
    if (path == log && begin < bad.end && begin + size > bad.begin) {
      errno = EIO;
      return -1;
    }
    return ::pread(fd, to, size, at);
  };
  auto options = options_for(store.path);
  options.read_only = true;
  const auto refused = open_store(options, hooks);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::corrupt);
  options.read_only = false;

  const auto range = "bytes " + std::to_string(bad.begin) + " to " + std::to_string(bad.end - 1);
  std::filesystem::path aside;
  {
    const auto opened = open_store(options, hooks);
    require_ok(opened);
    REQUIRE((*opened)->recovery());
    const auto& report = *(*opened)->recovery();
    CHECK(report.lost_commits > 0);
    CHECK_FALSE(report.documents.empty());
    REQUIRE(report.places.size() == 1);
    CHECK(report.places[0].find(range + " cannot be read") != std::string::npos);
    aside = report.folder;
    CHECK(read_bytes(aside / "README.txt").find(log.filename().string() + ", " + range) != std::string::npos);
    const auto copy = read_bytes(aside / log.filename());
    REQUIRE(copy.size() == data.size());
    CHECK(copy.substr(0, bad.begin) == data.substr(0, bad.begin));
    CHECK(copy.substr(bad.begin, bad.end - bad.begin).find('\0') == std::string::npos);
    CHECK(copy.substr(bad.end) == data.substr(bad.end));
  }
  const auto expected = open_and_check(store.path, store.acknowledged);
  CHECK_FALSE(expected.empty());

  // Where the process ends right after the copy was made, the next open knows from the copy what is filled in.
  const auto scan = scan_wal(aside, store.salt, true);
  require_ok(scan);
  CHECK(scan->state == wal_state::needs_recovery);
  REQUIRE(scan->damages.size() == 1);
  CHECK(scan->damages[0].what == range + " cannot be read");
  CHECK_FALSE(scan->damages[0].looks_torn);
}

TEST_CASE("a disk that fails in another way than by a bad sector keeps the store from being opened") {
  const killed_store store(5);
  store_hooks hooks;
  hooks.read_at = [](const std::filesystem::path&, int, char*, std::size_t, off_t) -> ssize_t {
    errno = EACCES;
    return -1;
  };
  const auto refused = open_store(options_for(store.path), hooks);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::io_error);
  CHECK(open_and_check(store.path, store.acknowledged).empty());
}

TEST_CASE("a recovery that was interrupted anywhere is finished by the next open") {
  const killed_store store(40);
  store.damage_commit(10);
  const auto done = store.folder / "done";
  copy_store(store.path, done);
  const auto expected = open_and_check(done, store.acknowledged);
  REQUIRE(expected.size() == 1);
  std::map<std::string, std::uint64_t> after = store.acknowledged;
  const auto note = [](const std::filesystem::path& path, const std::string& more) {
    write_bytes(path / "RECOVERY", "octavo recovery\nfolder damaged-x\n" + more);
  };
  const auto path = store.folder / "interrupted";
  SUBCASE("right after the note") {
    copy_store(store.path, path);
    copy_store(store.path / "db", path / "damaged-x");
    note(path, "");
  }
  SUBCASE("after the log was dropped") {
    copy_store(store.path, path);
    copy_store(store.path / "db", path / "damaged-x");
    std::filesystem::remove(log_of(path));
    note(path, "base 0\n");
  }
  SUBCASE("when all was done but for the note") {
    copy_store(store.path, path);
    { auto opened = open_ok(path); }
    std::filesystem::rename(files_with(path, "").empty() ? path : [&] {
      for (const auto& file : std::filesystem::directory_iterator(path)) {
        if (file.path().filename().string().starts_with("damaged-2")) return file.path();
      }
      return path;
    }(), path / "damaged-x");
    note(path, "base 0\n");
  }
  {
    auto options = options_for(path);
    options.read_only = true;
    CHECK(store::open(options).error().code == errc::corrupt);
  }
  CHECK(open_and_check(path, after) == expected);
  CHECK_FALSE(std::filesystem::exists(path / "RECOVERY"));
}

TEST_CASE("a recovery whose copies of the log were taken away changes nothing, and goes on once they are back") {
  const killed_store store(20);
  const auto data = store.damage_commit(10);
  write_bytes(store.path / "RECOVERY", "octavo recovery\nfolder damaged-x\n");
  SUBCASE("the folder is gone") {}
  SUBCASE("the folder is empty") {
    std::filesystem::create_directory(store.path / "damaged-x");
  }
  for (int i = 0; i < 2; ++i) {
    const auto refused = store::open(options_for(store.path));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::corrupt);
    CHECK(refused.error().message.find("damaged-x") != std::string::npos);
    CHECK(read_bytes(log_of(store.path)) == data);
  }
  std::filesystem::remove(store.path / "damaged-x");
  copy_store(store.path / "db", store.path / "damaged-x");
  CHECK(open_and_check(store.path, store.acknowledged).size() == 1);
}
