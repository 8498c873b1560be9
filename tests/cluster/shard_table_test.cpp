// The replicas of three nodes, with disks and a network in memory: what stands between the protocol and the documents.
#include "cluster/shard_table.hpp"

#include <doctest/doctest.h>
#include <deque>

using namespace octavo;
using namespace octavo::cluster;

namespace {

constexpr auto shards = std::uint32_t{4};

member who(std::size_t i) {
  return {i + 1, "n" + std::to_string(i + 1)};
}

/// What a node's disk holds of one shard, as storage/ keeps it.
struct stored {
  bytes note;
  std::map<std::uint64_t, bytes> entries;
  std::uint64_t applied = 0;
  std::uint64_t ahead = 0;
  std::map<std::string, std::vector<std::string>> documents;

  void perform(const shard_step& step) {
    if (step.clear) *this = {};
    if (step.note) note = *step.note;
    if (step.truncate_after) entries.erase(entries.upper_bound(*step.truncate_after), entries.end());
    for (const auto& [lsn, entry] : step.entries) entries[lsn] = entry;
    if (step.drop_until) entries.erase(entries.begin(), entries.upper_bound(*step.drop_until));
    if (step.ahead) ahead = std::max(ahead, *step.ahead);
    for (const auto& one : step.appends) {
      auto& document = documents[one.document];
      if (step.applied && *step.applied <= ahead && one.seq != document.size() + 1) continue;
      CHECK(one.seq == document.size() + 1);
      document.emplace_back(as_text(one.update));
    }
    for (const auto& name : step.removals) documents.erase(name);
    if (step.applied) applied = *step.applied;
  }
};

struct three_nodes {
  three_nodes() {
    for (auto i = std::size_t{0}; i < 3; ++i) start(i);
  }

  void start(std::size_t i) {
    auto options = replica_options{};
    options.compact_entries_min = 1;
    options.log_bytes_max = log_bytes_max;
    unwritten[i].clear();
    tables[i] = std::make_unique<shard_table>(who(i), shards, options, 1'000 + i + lives++);
    for (const auto& [shard, disk] : disks[i]) {
      auto entries = std::vector<storage::stored_entry>{};
      for (const auto& [lsn, data] : disk.entries) entries.push_back({lsn, data});
      auto what = storage::stored_shard{shard, disk.note, disk.applied, 0, 0, disk.ahead};
      REQUIRE(tables[i]->restore(what, entries));
    }
    for (auto shard = shard_number{0}; shard < shards; ++shard) tables[i]->on_record(shard, records[shard]);
  }

  /// Everything that comes out goes where it belongs, until nothing does.
  void settle() {
    for (auto is_quiet = false; !is_quiet;) {
      is_quiet = true;
      for (auto i = std::size_t{0}; i < 3; ++i) {
        if (!tables[i]) continue;
        auto out = tables[i]->take_output();
        for (auto& step : out.steps) unwritten[i].push_back(std::move(step));
        while (!stalled[i] && !unwritten[i].empty()) {
          is_quiet = false;
          const auto step = std::move(unwritten[i].front());
          unwritten[i].pop_front();
          disks[i][step.shard].perform(step);
          tables[i]->on_synced({step.shard, step.ticket, step.applied, step.life}, now);
        }
        for (auto& [to, frame] : out.frames) {
          if (!reaches(i, to.id - 1)) continue;
          is_quiet = false;
          auto& target = tables[to.id - 1];
          auto decoded = decode_frame(encode(frame));
          REQUIRE(decoded);
          if (target) target->on_frame(*decoded, now);
        }
        for (const auto& txn : out.txns) {
          is_quiet = false;
          auto& record = records[txn.shard];
          const auto fits = record == txn.what.expected;
          if (fits) record = txn.what.wanted;
          tables[i]->on_txn(txn.shard, txn.what.id, fits ? txn_outcome::done : txn_outcome::refused, record, now);
          for (auto& other : tables)
            if (other) other->on_record(txn.shard, record);
        }
        for (const auto& one : out.notices)
          if (one.what.kind == replica_notice::kind_type::state_wanted) wanted.emplace_back(i, one.shard);
        for (const auto& one : out.committed) committed[one.shard] = one.lsn;
      }
    }
  }

  bool reaches(std::size_t from, std::size_t to) const { return tables[to] && !cut_off[from] && !cut_off[to]; }

  table_surroundings around(std::size_t i) const {
    auto result = table_surroundings{};
    result.is_live = [this](const member& node) { return tables[node.id - 1] != nullptr; };
    for (auto other = std::size_t{0}; other < 3; ++other)
      if (other != i && reaches(i, other)) {
        result.connected.insert(who(other).id);
        if (stalled[other]) result.stalled.insert(who(other).id);
      }
    result.is_directory_there = directory_there;
    result.is_disk_stalled = result.is_stall_known = stalled[i];
    return result;
  }

  void pass(std::int64_t ms) {
    for (auto end = now + ms; now < end; now += 50) {
      for (auto i = std::size_t{0}; i < 3; ++i)
        if (tables[i]) tables[i]->on_tick(now, around(i));
      settle();
    }
  }

  bool serves(std::size_t i, shard_number shard) { return tables[i] && tables[i]->takes_proposals(shard); }
  std::vector<std::uint64_t> epochs() const {
    auto result = std::vector<std::uint64_t>{};
    for (const auto& one : records) result.push_back(one.epoch);
    return result;
  }

  /// Somebody has typed in "notes", and all have it. Returns its shard.
  shard_number begin(std::string_view text) {
    pass(2'000);
    REQUIRE(type("notes", 1, text));
    pass(500);
    return shard_of("notes", shards);
  }

  std::size_t owner(shard_number shard) { return records[shard].owner.id - 1; }

  result<std::uint64_t> type(const std::string& document, std::uint64_t seq, std::string_view text) {
    const auto shard = shard_of(document, shards);
    auto lsn =
        tables[owner(shard)]->propose(shard, {edit_kind::edit, document, seq, 5, "ann", 0, 0, as_bytes(text)}, now);
    settle();
    return lsn;
  }

  std::int64_t now = 0;
  std::size_t log_bytes_max = 4u << 20U;
  std::vector<std::pair<std::size_t, shard_number>> wanted;  ///< who wants documents of which shard
  std::uint64_t lives = 0;
  std::vector<shard_record> records =
      std::vector<shard_record>(shards, shard_record{0, {}, 0, {1, {who(0), who(1), who(2)}}});
  std::array<std::unique_ptr<shard_table>, 3> tables;
  std::array<bool, 3> cut_off{};  ///< from the others, and not from the directory
  std::array<bool, 3> stalled{};  ///< disks
  std::array<std::deque<shard_step>, 3> unwritten;
  bool directory_there = true;
  std::array<std::map<shard_number, stored>, 3> disks;
  std::map<shard_number, std::uint64_t> committed;
};

}  // namespace

TEST_CASE("every shard finds an owner, and edits reach the documents of all replicas") {
  auto all = three_nodes{};
  all.pass(2'000);
  for (auto shard = shard_number{0}; shard < shards; ++shard)
    REQUIRE(all.tables[all.owner(shard)]->takes_proposals(shard));
  const auto shard = shard_of("notes", shards);
  REQUIRE(all.type("notes", 1, "a"));
  const auto lsn = all.type("notes", 2, "b");
  REQUIRE(lsn);
  CHECK(all.committed[shard] == *lsn);
  all.pass(500);
  for (auto& disk : all.disks) CHECK(disk[shard].documents["notes"] == std::vector<std::string>{"a", "b"});
  // Nobody else takes edits of it.
  const auto other = (all.owner(shard) + 1) % 3;
  CHECK(!all.tables[other]->propose(shard, {edit_kind::edit, "notes", 3, 5, "", 0, 0, as_bytes("c")}, all.now));
}

TEST_CASE("when an owner is gone another one has its documents, and it catches up when it is back") {
  auto all = three_nodes{};
  all.pass(2'000);
  const auto shard = shard_of("notes", shards);
  REQUIRE(all.type("notes", 1, "a"));
  const auto gone = all.owner(shard);
  all.tables[gone] = nullptr;
  all.pass(3'000);
  REQUIRE(all.owner(shard) != gone);
  REQUIRE(all.type("notes", 2, "b"));
  CHECK(all.committed[shard] >= 2);
  all.start(gone);
  all.tables[all.owner(shard)]->on_reconnect(gone + 1);
  all.pass(3'000);
  CHECK(all.disks[gone][shard].documents["notes"] == std::vector<std::string>{"a", "b"});
}

TEST_CASE(
    "an owner that nobody types to stops serving once it is cut off from the others, and claims nothing until then") {
  auto all = three_nodes{};
  const auto shard = all.begin("a");
  const auto cut = all.owner(shard);
  const auto epoch = all.records[shard].epoch;
  // A link that was silent for a moment is no reason.
  for (auto i = 0; i < 3; ++i) {
    all.cut_off[cut] = true;
    all.pass(2'000);
    CHECK(all.serves(cut, shard));
    all.cut_off[cut] = false;
    all.pass(100);
  }
  CHECK(all.records[shard].epoch == epoch);
  all.cut_off[cut] = true;
  all.pass(replica_options{}.majority_ms);
  CHECK(all.serves(cut, shard));
  all.pass(1'000);
  CHECK(!all.serves(cut, shard));
  // The others know, though its lease stands, and it does not get in their way.
  const auto next = all.owner(shard);
  REQUIRE(next != cut);
  CHECK(all.serves(next, shard));
  all.pass(10'000);
  CHECK(all.records[shard].epoch == epoch + 1);
  REQUIRE(all.type("notes", 2, "b"));
  all.cut_off[cut] = false;
  all.pass(3'000);
  CHECK(all.disks[cut][shard].documents["notes"] == std::vector<std::string>{"a", "b"});
}

TEST_CASE("when an owner's disk hangs another node serves its shards, and it takes none until the disk works") {
  auto all = three_nodes{};
  const auto shard = all.begin("a");
  const auto hung = all.owner(shard);
  const auto epoch = all.records[shard].epoch;
  all.stalled[hung] = true;
  all.pass(1'000);
  const auto next = all.owner(shard);
  REQUIRE(next != hung);
  CHECK(!all.serves(hung, shard));
  CHECK(all.serves(next, shard));
  REQUIRE(all.type("notes", 2, "b"));
  all.pass(10'000);
  CHECK(all.records[shard].epoch == epoch + 1);
  // It does not look as if it had all, though the shard is young, and is not given the shard back.
  const auto back = placement_step{placement_step::kind_type::move, who(hung), "it comes first"};
  CHECK(!all.tables[next]->arrange(shard, back, all.now));
  all.stalled[hung] = false;
  all.pass(3'000);
  CHECK(all.disks[hung][shard].documents["notes"] == std::vector<std::string>{"a", "b"});
  REQUIRE(all.tables[next]->arrange(shard, back, all.now));
  all.pass(500);
  CHECK(all.serves(hung, shard));
}

TEST_CASE("an owner whose disk hangs serves on for as long as nobody else could") {
  auto all = three_nodes{};
  const auto shard = all.begin("a");
  const auto hung = all.owner(shard);
  const auto other = (hung + 1) % 3;
  all.stalled[hung] = true;
  SUBCASE("the others are no majority") {
    all.tables[other] = nullptr;
    all.pass(10'000);
    CHECK(all.serves(hung, shard));
    all.start(other);
  }
  SUBCASE("the directory is away") {
    all.directory_there = false;
    all.pass(10'000);
    CHECK(all.serves(hung, shard));
    all.directory_there = true;
  }
  SUBCASE("the disk of another one hangs as well, or all do") {
    const auto epoch = all.records[shard].epoch;
    all.stalled[other] = true;
    all.pass(10'000);
    CHECK(all.serves(hung, shard));
    all.stalled[(hung + 2) % 3] = true;
    all.pass(10'000);
    CHECK(all.serves(hung, shard));
    CHECK(all.records[shard].epoch == epoch);
    all.stalled[other] = all.stalled[(hung + 2) % 3] = false;
  }
  all.pass(1'000);
  CHECK(!all.serves(hung, shard));
  CHECK(all.serves(all.owner(shard), shard));
}

TEST_CASE("nodes that do not reach each other claim nothing, and once they do each shard is its first member's") {
  auto all = three_nodes{};
  all.cut_off = {true, true, true};
  all.pass(10'000);
  CHECK(all.epochs() == std::vector<std::uint64_t>(shards, 0));
  for (auto is_again : {false, true}) {
    all.cut_off = {};
    all.pass(2'000);
    CHECK(all.epochs() == std::vector<std::uint64_t>(shards, is_again ? 2 : 1));
    for (auto shard = shard_number{0}; shard < shards; ++shard) {
      const auto first = std::ranges::min(all.records[shard].config.members, {},
                                          [shard](const member& one) { return placement_weight(shard, one.id); });
      CHECK(all.records[shard].owner == first);
      CHECK(all.serves(all.owner(shard), shard));
    }
    all.cut_off = {true, true, true};
    all.pass(10'000);
    for (auto shard = shard_number{0}; shard < shards; ++shard)
      for (auto i = std::size_t{0}; i < 3; ++i) CHECK(!all.serves(i, shard));
  }
}

TEST_CASE("a node that starts where it is cut off leaves to the others what it owned") {
  auto all = three_nodes{};
  all.pass(2'000);
  const auto shard = shard_of("notes", shards);
  const auto cut = all.owner(shard);
  all.cut_off[cut] = true;
  all.start(cut);
  REQUIRE(all.owner(shard) == cut);
  all.pass(replica_options{}.majority_ms + 1'000);
  CHECK(all.owner(shard) != cut);
  CHECK(all.serves(all.owner(shard), shard));
}

TEST_CASE("a shard with one replica, or on one node, always has its majority") {
  auto all = three_nodes{};
  for (auto shard = shard_number{0}; shard < shards; ++shard) all.records[shard].config.members = {who(shard % 3)};
  for (auto i = std::size_t{0}; i < 3; ++i) {
    all.tables[i] = nullptr;
    all.disks[i].clear();
    all.start(i);
  }
  all.cut_off = {true, true, true};
  all.pass(10'000);
  for (auto shard = shard_number{0}; shard < shards; ++shard) CHECK(all.serves(shard % 3, shard));
  CHECK(all.epochs() == std::vector<std::uint64_t>(shards, 1));
}

TEST_CASE("all nodes stop and start, and what was committed is there") {
  auto all = three_nodes{};
  all.pass(2'000);
  for (auto seq = std::uint64_t{1}; seq <= 20; ++seq) REQUIRE(all.type("notes", seq, std::to_string(seq)));
  for (auto i = std::size_t{0}; i < 3; ++i) all.start(i);
  all.pass(3'000);
  const auto shard = shard_of("notes", shards);
  REQUIRE(all.tables[all.owner(shard)]->takes_proposals(shard));
  REQUIRE(all.type("notes", 21, "21"));
  all.pass(500);
  for (auto& disk : all.disks) CHECK(disk[shard].documents["notes"].size() == 21);
}

TEST_CASE("a replica that lags too far gets the documents, and goes on with the log from there") {
  auto all = three_nodes{};
  all.log_bytes_max = 500;
  for (auto i = std::size_t{0}; i < 3; ++i) all.start(i);
  all.pass(2'000);
  const auto shard = shard_of("notes", shards);
  const auto owner = all.owner(shard);
  const auto late = (owner + 1) % 3;
  REQUIRE(all.type("notes", 1, "1"));
  all.pass(500);
  all.tables[late].reset();
  for (auto seq = std::uint64_t{2}; seq <= 100; ++seq) REQUIRE(all.type("notes", seq, std::to_string(seq)));
  all.pass(500);
  all.start(late);
  all.pass(3'000);
  REQUIRE(!all.wanted.empty());
  CHECK(all.wanted.back() == std::pair{late, shard});
  CHECK(all.disks[late][shard].documents["notes"].size() == 1);
  // What the receiver does.
  const auto& source = all.disks[owner][shard];
  const auto at = all.tables[owner]->find(shard)->state_at(source.applied);
  REQUIRE(all.tables[late]->begin_state(shard, at.at.lsn, at.at.lsn));
  all.settle();
  all.disks[late][shard].documents = source.documents;
  REQUIRE(all.type("notes", 101, "101"));
  all.tables[late]->on_state(shard, at, all.now);
  all.pass(1'000);
  REQUIRE(all.type("notes", 102, "102"));
  all.pass(500);
  for (auto& disk : all.disks) CHECK(disk[shard].documents["notes"].size() == 102);
  CHECK(all.disks[late][shard].applied == all.disks[owner][shard].applied);
  // And it counts: with another one gone there is still a majority.
  all.tables[(owner + 2) % 3].reset();
  REQUIRE(all.type("notes", 103, "103"));
  all.pass(500);
  CHECK(all.disks[late][shard].documents["notes"].size() == 103);
}

TEST_CASE("documents that are ahead of the log, as a transfer was broken off, take from it what they lack") {
  auto all = three_nodes{};
  const auto shard = all.begin("1");
  const auto owner = all.owner(shard);
  const auto late = (owner + 1) % 3;
  const auto lsn = all.tables[owner]->find(shard)->commit();
  REQUIRE(all.tables[late]->begin_state(shard, lsn + 3, lsn + 3));
  all.settle();
  all.disks[late][shard].documents["notes"] = {"1", "2", "3"};
  for (auto is_restarted : {false, true}) {
    // It is known after a start too.
    if (is_restarted) all.start(late);
    // All of them come in one go, those that are there and those that are not.
    for (auto seq = std::uint64_t{2}; seq <= 7; ++seq)
      (void)all.tables[owner]->propose(
          shard, {edit_kind::edit, "notes", seq + (is_restarted ? 6 : 0), 5, "", 0, 0, as_bytes("x")}, all.now);
    all.settle();
    all.pass(500);
    const auto count = is_restarted ? 13u : 7u;
    for (auto& disk : all.disks) CHECK(disk[shard].documents["notes"].size() == count);
  }
}

TEST_CASE("a shard goes on when the directory has lost its record together with its owner") {
  auto all = three_nodes{};
  const auto shard = all.begin("a");
  const auto gone = all.owner(shard);
  all.tables[gone] = nullptr;
  all.records[shard] = {};
  const auto next = (gone + 1) % 3;
  all.start(next);
  for (auto& one : all.tables)
    if (one) one->on_record(shard, {});
  all.pass(5'000);
  REQUIRE(all.records[shard].owner.id != 0);
  CHECK(all.records[shard].owner.id != gone + 1);
  REQUIRE(all.type("notes", 2, "b"));
  all.pass(500);
  CHECK(all.disks[next][shard].documents["notes"] == std::vector<std::string>{"a", "b"});
  CHECK(all.records[shard].config.members.size() == 3);
}

TEST_CASE("documents of a transfer that came too late are not taken") {
  auto all = three_nodes{};
  const auto shard = all.begin("1");
  const auto owner = all.owner(shard);
  auto& late = *all.tables[(owner + 1) % 3];
  const auto commit = late.find(shard)->commit();
  // The log leads there as well.
  CHECK(late.begin_state(shard, commit, commit + 5).error().code == errc::moved);
  CHECK(late.begin_state(shards, 5, 5).error().code == errc::moved);
  CHECK(late.take_output().steps.empty());
  // Nobody has begun it, or the replica was removed since.
  auto at = all.tables[owner]->find(shard)->state_at(commit);
  at.at.lsn = commit + 5;
  late.on_state(shard, at, all.now);
  CHECK(late.take_output().steps.empty());
  CHECK(late.find(shard)->commit() == commit);
  CHECK(late.begin_state(shard, commit + 4, commit + 4));
  CHECK(late.take_output().steps.size() == 1);
  late.on_state(shard, at, all.now);
  CHECK(late.find(shard)->commit() == commit);
  // And what was begun is.
  at.at.lsn = commit + 4;
  late.on_state(shard, at, all.now);
  CHECK(late.find(shard)->commit() == commit + 4);
}

TEST_CASE("an edit that no replica could read does not get into the log") {
  auto all = three_nodes{};
  all.pass(2'000);
  auto propose = [&](const std::string& document, const std::string& user) {
    const auto shard = shard_of(document, shards);
    return all.tables[all.owner(shard)]->propose(shard, {edit_kind::edit, document, 1, 5, user, 0, 0, as_bytes("x")},
                                                 all.now);
  };
  for (const auto& name : {std::string{}, std::string{"\xff"}, std::string(513, 'a')}) {
    CAPTURE(name);
    const auto refused = propose(name, "ann");
    REQUIRE(!refused);
    CHECK(refused.error().code == errc::invalid_argument);
  }
  CHECK(propose("notes", std::string(513, 'a')).error().code == errc::invalid_argument);
  CHECK(propose(std::string(512, 'a'), std::string(512, 'a')));
}

TEST_CASE("a document that is removed and made anew in one go is the new one everywhere") {
  auto all = three_nodes{};
  all.pass(2'000);
  const auto shard = shard_of("notes", shards);
  REQUIRE(all.type("notes", 1, "old"));
  auto& owner = *all.tables[all.owner(shard)];
  auto removal = edit_record{};
  removal.kind = edit_kind::removal;
  removal.document = "notes";
  REQUIRE(owner.propose(shard, removal, all.now));
  REQUIRE(owner.propose(shard, {edit_kind::edit, "notes", 1, 5, "", 0, 0, as_bytes("new")}, all.now));
  all.pass(500);
  for (auto& disk : all.disks) CHECK(disk[shard].documents["notes"] == std::vector<std::string>{"new"});
}

TEST_CASE("what another node sends for a disk that is gone is not for this one") {
  auto all = three_nodes{};
  auto frame = peer_frame{0, who(1), 99, prepare_message{{7, 2, 1}}};
  all.tables[0]->on_frame(frame, 0);
  CHECK(all.tables[0]->find(0)->promised().epoch == 0);
  frame.to = 1;
  frame.shard = shards;
  all.tables[0]->on_frame(frame, 0);
  frame.shard = 0;
  all.tables[0]->on_frame(frame, 0);
  CHECK(all.tables[0]->find(0)->promised().epoch == 7);
}

TEST_CASE("a copy that was broken off is given back after a restart, once its owner has nothing to do with it") {
  auto options = replica_options{};
  options.give_back_ms = 1'000;
  auto table = shard_table{who(3), shards, options, 1};
  auto what = storage::stored_shard{};
  what.shard = 2;
  what.ahead = 9;
  REQUIRE(table.restore(what, {}));
  const auto record = shard_record{5, who(0), 1, {1, {who(0), who(1), who(2)}}};
  table.on_record(2, record);
  auto around = table_surroundings{};
  around.is_live = [](const member&) { return true; };
  table.on_tick(10'000, around);
  CHECK(table.take_output().frames.empty());
  table.on_tick(20'000, around);
  const auto asked = table.take_output().frames;
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].first == who(0));
  const auto* question = std::get_if<membership_message>(&asked[0].second.what);
  REQUIRE(question != nullptr);
  table.on_frame({2, who(0), who(3).id, removed_message{{5, who(0).id, 1}, 1, record.config, question->question}},
                 20'000);
  const auto steps = table.take_output().steps;
  CHECK(std::ranges::any_of(steps, [](const shard_step& step) { return step.shard == 2 && step.clear; }));
  CHECK(!table.find(2)->is_copy());
}

TEST_CASE("a damaged note or entry is refused, with its shard") {
  auto table = shard_table{who(0), shards, {}, 1};
  auto what = storage::stored_shard{};
  what.shard = 2;
  what.note = bytes(20);
  auto refused = table.restore(what, {});
  REQUIRE(!refused);
  CHECK(refused.error().message.find("shard 2") == 0);
  what.note.clear();
  CHECK(!table.restore(what, {{1, bytes(9)}}));
  what.shard = shards;
  CHECK(!table.restore(what, {}));
}

TEST_CASE("every node says the same of where a document belongs") {
  // Of another value a cluster would lose its documents.
  CHECK(hash_of("") == hash_of(std::string_view{}));
  CHECK(shard_of("notes", 1'024) == 403);
  CHECK(shard_of("", 1'024) == 294);
}
