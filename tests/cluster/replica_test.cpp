// Single steps of the protocol, where they can be read. What many of them make together is the simulation's business.
#include "cluster/replica.hpp"

#include <doctest/doctest.h>

using namespace octavo;
using namespace octavo::cluster;

namespace {

const auto ann = member{1, "ann"};
const auto bob = member{2, "bob"};
const auto cid = member{3, "cid"};
const auto dan = member{4, "dan"};

shared_bytes text(std::string_view what) {
  auto view = as_bytes(what);
  return std::make_shared<const bytes>(view.begin(), view.end());
}

shard_record free_shard() {
  auto result = shard_record{};
  result.config = {1, {ann, bob, cid}};
  return result;
}

/// A replica with a disk that syncs when it is told to.
struct driven {
  explicit driven(const member& self, replica_disk disk = {}, replica_options options = {})
      : core(self, options, std::move(disk), self.id) {
    core.on_record(free_shard());
  }

  /// What has come out since; it is kept until the next call.
  const replica_output& step() {
    out = core.take_output();
    for (const auto& one : out.writes) ticket = one.ticket;
    return out;
  }
  /// The same before and behind a sync of the disk.
  const replica_output& sync() {
    auto before = step();
    core.on_synced(ticket, now);
    step();
    out.writes.insert(out.writes.begin(), before.writes.begin(), before.writes.end());
    out.messages.insert(out.messages.begin(), before.messages.begin(), before.messages.end());
    out.notices.insert(out.notices.begin(), before.notices.begin(), before.notices.end());
    return out;
  }
  template <class Message>
  std::vector<std::pair<member, Message>> sent() const {
    auto result = std::vector<std::pair<member, Message>>{};
    for (const auto& one : out.messages)
      if (const auto* what = std::get_if<Message>(&one.what)) result.emplace_back(one.to, *what);
    return result;
  }
  bool noticed(replica_notice::kind_type kind) const {
    return std::ranges::any_of(out.notices, [&](const auto& one) { return one.kind == kind; });
  }
  /// Has the directory agree to a claim.
  void claim() {
    core.claim(now);
    REQUIRE(step().txns.size() == 1);
    core.on_txn(out.txns[0].id, txn_outcome::done, {}, now);
    sync();
  }
  /// Makes it the owner, with bob's promise and acknowledgement.
  void own() {
    claim();
    core.on_message(bob, promise_message{core.claim_ballot(), {}, 0}, now);
    sync();
    core.on_message(bob, appended_message{core.claim_ballot(), 1, core.last().lsn, 0}, now);
    step();
    REQUIRE(core.serves());
  }

  replica core;
  replica_output out;
  std::uint64_t ticket = 0;
  std::int64_t now = 1'000;
};

log_entry edit(std::uint64_t lsn, std::uint64_t epoch, std::string_view what) {
  return {lsn, epoch, entry_kind::edit, text(what), {}};
}

}  // namespace

TEST_CASE("a claim asks the directory, then for promises, and serves once a majority has its first entry") {
  auto one = driven{ann};
  one.core.claim(one.now);
  REQUIRE(one.step().txns.size() == 1);
  CHECK(one.out.txns[0].wanted.epoch == 1);
  CHECK(one.out.txns[0].wanted.owner == ann);
  CHECK(one.out.messages.empty());
  one.core.on_txn(one.out.txns[0].id, txn_outcome::done, {}, one.now);
  one.sync();
  CHECK(one.core.role() == replica::role_type::preparing);
  const auto claim = one.core.claim_ballot();
  one.core.on_message(bob, promise_message{claim, {}, 0}, one.now);
  one.step();
  CHECK(one.core.role() == replica::role_type::owner);
  CHECK(!one.core.serves());
  REQUIRE(one.sent<append_message>().size() == 2);
  CHECK(one.sent<append_message>()[0].second.entries[0].kind == entry_kind::epoch_start);
  one.core.on_message(bob, appended_message{claim, 1, 1, 0}, one.now);
  CHECK(!one.core.serves());  // its own disk has not synced, and bob alone is no majority
  one.sync();
  CHECK(one.core.serves());
  CHECK(one.noticed(replica_notice::kind_type::serving));
}

TEST_CASE("nothing is promised or acknowledged before it is on disk") {
  auto one = driven{bob};
  const auto claim = ballot{1, ann.id, 77};
  one.core.on_message(ann, prepare_message{claim}, one.now);
  CHECK(one.step().messages.empty());
  CHECK(one.out.writes.at(0).promised == claim);
  one.sync();
  CHECK(one.sent<promise_message>().size() == 1);

  one.core.on_message(ann, append_message{claim, 1, {}, {edit(1, 1, "a")}, 0, 0}, one.now);
  CHECK(one.step().messages.empty());
  REQUIRE(one.sync().messages.size() == 1);
  CHECK(one.sent<appended_message>()[0].second.match == 1);
  CHECK(one.out.committed.empty());
}

TEST_CASE("an epoch is promised to one claim only") {
  auto one = driven{bob};
  one.core.on_message(ann, prepare_message{{5, ann.id, 1}}, one.now);
  one.sync();
  CHECK(one.sent<promise_message>().size() == 1);
  one.core.on_message(ann, prepare_message{{5, ann.id, 1}}, one.now);  // the same again
  one.step();
  CHECK(one.sent<promise_message>().size() == 1);
  for (const auto& [who, other] :
       {std::pair{ann, ballot{5, ann.id, 2}}, {cid, ballot{5, cid.id, 1}}, {cid, ballot{4, cid.id, 1}}}) {
    one.core.on_message(who, prepare_message{other}, one.now);
    one.step();
    REQUIRE(one.sent<refusal_message>().size() == 1);
    CHECK(one.sent<refusal_message>()[0].second.promised == ballot{5, ann.id, 1});
  }
  // Nor does it take entries of them; and nobody speaks for another.
  one.core.on_message(cid, append_message{{4, cid.id, 1}, 1, {}, {edit(1, 4, "x")}, 1, 0}, one.now);
  one.core.on_message(cid, append_message{{9, ann.id, 1}, 1, {}, {edit(1, 9, "x")}, 1, 0}, one.now);
  one.step();
  CHECK(one.out.writes.empty());
  CHECK(one.core.last() == position{});
}

TEST_CASE("a claimer whose log is shorter than a voter's hands the claim to it") {
  auto one = driven{ann};
  one.claim();
  one.core.on_message(bob, promise_message{one.core.claim_ballot(), {1, 9}, 0}, one.now);
  one.step();
  CHECK(one.core.role() == replica::role_type::preparing);  // cid may yet be a supporter
  one.core.on_message(cid, promise_message{one.core.claim_ballot(), {1, 9}, 0}, one.now);
  one.step();
  CHECK(one.core.role() == replica::role_type::follower);
  CHECK(one.sent<nominate_message>().size() == 1);
}

TEST_CASE("an unknown outcome is asked for again, and our own record is known by its nonce") {
  auto one = driven{ann};
  one.core.claim(one.now);
  one.step();
  const auto txn = one.out.txns.at(0);
  one.core.on_txn(txn.id, txn_outcome::unknown, {}, one.now);
  CHECK(one.step().txns.empty());
  one.core.on_tick(one.now + 10);
  REQUIRE(one.step().txns.size() == 1);
  CHECK(one.out.txns[0].wanted == txn.wanted);
  SUBCASE("it had been done") {
    one.core.on_txn(txn.id, txn_outcome::refused, txn.wanted, one.now);
    CHECK(one.core.role() == replica::role_type::preparing);
  }
  SUBCASE("somebody else was first") {
    auto other = txn.wanted;
    other.owner = bob;
    one.core.on_txn(txn.id, txn_outcome::refused, other, one.now);
    CHECK(one.core.role() == replica::role_type::follower);
    CHECK(one.core.record() == other);
  }
  SUBCASE("the same member claimed it before it was restarted") {
    auto other = txn.wanted;
    ++other.nonce;
    one.core.on_txn(txn.id, txn_outcome::refused, other, one.now);
    CHECK(one.core.role() == replica::role_type::follower);
  }
}

TEST_CASE("an owner that hears of a later claim commits nothing more") {
  auto one = driven{ann};
  one.own();
  REQUIRE(one.core.propose(text("a"), one.now));
  one.sync();
  one.core.on_message(bob, refusal_message{one.core.claim_ballot(), {2, cid.id, 5}}, one.now);
  one.step();
  CHECK(one.noticed(replica_notice::kind_type::stopped));
  CHECK(!one.core.propose(text("b"), one.now));
  // An acknowledgement that comes late is no longer counted.
  one.core.on_message(cid, appended_message{one.core.claim_ballot(), 99, 2, 0}, one.now);
  CHECK(one.step().committed.empty());
  CHECK(one.core.commit() == 1);
}

TEST_CASE("an owner without a majority steps down, and says so in the directory") {
  auto one = driven{ann};
  one.own();
  REQUIRE(one.core.propose(text("a"), one.now));
  one.sync();
  one.core.on_tick(one.now + replica_options{}.majority_ms - 1);
  CHECK(one.core.serves());
  one.core.on_tick(one.now + replica_options{}.majority_ms);
  one.step();
  CHECK(one.noticed(replica_notice::kind_type::stopped));
  REQUIRE(one.out.txns.size() == 1);
  CHECK(one.out.txns[0].wanted.owner == member{});
}

TEST_CASE("a replica that may not claim does so for nobody, and lets go of what the directory says that it owns") {
  auto one = driven{ann};
  one.core.allow_claims(false);
  const auto claim = ballot{1, bob.id, 77};
  one.core.on_message(bob, prepare_message{claim}, one.now);
  one.sync();
  one.core.claim(one.now);
  one.core.on_message(bob, nominate_message{free_shard()}, one.now);
  one.core.on_message(bob, handoff_message{claim, {}}, one.now);
  one.core.let_go();
  CHECK(one.step().txns.empty());
  auto mine = free_shard();
  mine.epoch = 3;
  mine.owner = ann;
  one.core.on_record(mine);
  one.core.let_go();
  REQUIRE(one.step().txns.size() == 1);
  CHECK(one.out.txns[0].wanted.owner == member{});
  CHECK(one.out.txns[0].wanted.epoch == 3);
  one.core.on_txn(one.out.txns[0].id, txn_outcome::done, {}, one.now);
  one.core.allow_claims(true);
  one.core.claim(one.now);
  CHECK(one.step().txns.size() == 1);
}

TEST_CASE("what an owner was telling the directory when it stepped down is taken back") {
  auto one = driven{ann};
  one.own();
  REQUIRE(one.core.add(dan, one.now));
  one.sync();
  one.core.on_message(dan, appended_message{one.core.claim_ballot(), 50, 1, 1}, one.now);
  one.sync();
  const auto lsn = one.core.last().lsn;
  for (const auto& who : {bob, dan})
    one.core.on_message(who, appended_message{one.core.claim_ballot(), 51, lsn, 1}, one.now);
  REQUIRE(one.step().txns.size() == 1);
  const auto told = one.out.txns[0];
  REQUIRE(told.wanted.owner == ann);
  one.core.step_down("it is cut off");
  CHECK(one.step().txns.empty());
  SUBCASE("it was heard") {
    one.core.on_txn(told.id, txn_outcome::done, {}, one.now);
  }
  SUBCASE("it was not, as something else stood there") {
    auto other = told.expected;
    other.config.version = 7;
    one.core.on_txn(told.id, txn_outcome::refused, other, one.now);
    one.core.let_go();
  }
  REQUIRE(one.step().txns.size() == 1);
  CHECK(one.out.txns[0].wanted.owner == member{});
}

TEST_CASE("an idle owner asks for nothing, whatever the time") {
  auto one = driven{ann};
  one.own();
  one.core.on_message(bob, appended_message{one.core.claim_ballot(), 9, 1, 1}, one.now);
  one.core.on_message(cid, appended_message{one.core.claim_ballot(), 9, 1, 1}, one.now);
  one.step();
  CHECK(one.core.is_idle());
  for (auto i = 1; i < 10; ++i) one.core.on_tick(one.now + i * 10'000);
  CHECK(one.step().messages.empty());
  CHECK(one.core.serves());
  one.core.on_reconnect(bob.id);
  one.core.on_tick(one.now + 200'000);
  one.step();
  CHECK(one.sent<append_message>().size() == 1);
}

TEST_CASE("a majority of four is three, from the moment the entry is in the log") {
  auto one = driven{ann};
  one.own();
  REQUIRE(one.core.add(dan, one.now));
  CHECK(!one.core.add(member{5, "eve"}, one.now));
  one.sync();
  one.core.on_message(dan, appended_message{one.core.claim_ballot(), 50, 1, 1}, one.now);
  one.sync();
  CHECK(one.core.config().members.size() == 4);
  const auto lsn = one.core.last().lsn;
  one.core.on_message(bob, appended_message{one.core.claim_ballot(), 51, lsn, 1}, one.now);
  one.step();
  CHECK(one.core.commit() < lsn);
  one.core.on_message(dan, appended_message{one.core.claim_ballot(), 52, lsn, 1}, one.now);
  one.step();
  CHECK(one.core.commit() == lsn);
  CHECK(one.noticed(replica_notice::kind_type::config_committed));
  CHECK(one.out.txns.at(0).wanted.config.version == 2);
}

TEST_CASE("a follower undoes what conflicts, and never what is committed") {
  auto disk = replica_disk{};
  disk.promised = {1, ann.id, 1};
  disk.log = {edit(1, 1, "a"), edit(2, 1, "b"), edit(3, 1, "c")};
  disk.applied = 1;
  auto one = driven{bob, disk};
  const auto claim = ballot{2, cid.id, 1};
  one.core.on_message(cid, append_message{claim, 1, {2, 3}, {edit(4, 2, "d")}, 0, 0}, one.now);
  one.sync();
  REQUIRE(one.sent<mismatch_message>().size() == 1);
  CHECK(one.sent<mismatch_message>()[0].second.hint == 1);
  one.core.on_message(cid, append_message{claim, 2, {1, 1}, {edit(2, 2, "B")}, 0, 0}, one.now);
  one.step();
  CHECK(one.out.writes.at(0).truncate_after == 1);
  CHECK(one.core.last() == position{2, 2});
  one.core.on_message(cid, append_message{claim, 3, {}, {edit(1, 2, "A")}, 0, 0}, one.now);
  one.step();
  CHECK(one.noticed(replica_notice::kind_type::conflict));
  CHECK(one.core.last() == position{2, 2});
}

TEST_CASE("a follower that lost what it acknowledged is told to set its disk aside") {
  auto one = driven{ann};
  one.own();
  REQUIRE(one.core.propose(text("a"), one.now));
  one.sync();
  const auto claim = one.core.claim_ballot();
  one.core.on_message(bob, appended_message{claim, 5, 2, 1}, one.now);
  one.step();
  // What was sent before that may be answered late, and says nothing.
  one.core.on_message(bob, mismatch_message{claim, 2, 1, 0}, one.now);
  one.step();
  CHECK(!one.noticed(replica_notice::kind_type::damaged));
  one.core.on_message(bob, mismatch_message{claim, 1'000, 2, 0}, one.now);
  one.step();
  CHECK(one.noticed(replica_notice::kind_type::damaged));
  CHECK(one.sent<damaged_message>().size() == 1);
  CHECK(one.core.is_damaged(bob.id));
  CHECK(!one.core.is_damaged(cid.id));
  // It is told again, as the word may be lost.
  one.core.on_message(cid, appended_message{claim, 1'001, 2, 2}, one.now);
  one.core.on_tick(one.now + replica_options{}.retry_max_ms);
  one.step();
  REQUIRE(one.sent<damaged_message>().size() == 1);
  CHECK(one.sent<damaged_message>()[0].first == bob);
  CHECK(!one.noticed(replica_notice::kind_type::damaged));
}

TEST_CASE("only the owner that a replica follows says that it has lost something") {
  auto one = driven{bob};
  const auto claim = ballot{1, ann.id, 77};
  one.core.on_message(ann, prepare_message{claim}, one.now);
  one.sync();
  one.core.on_message(cid, damaged_message{claim}, one.now);
  one.core.on_message(ann, damaged_message{{1, ann.id, 78}}, one.now);
  one.step();
  CHECK(!one.noticed(replica_notice::kind_type::damaged));
  one.core.on_message(ann, damaged_message{claim}, one.now);
  one.step();
  REQUIRE(one.noticed(replica_notice::kind_type::damaged));
  CHECK(one.out.notices[0].who == bob);
  CHECK(one.out.notices[0].at == position{});
}

TEST_CASE("while the disk hangs no more answers wait than there is to say, and at most so many") {
  auto one = driven{bob};
  const auto claim = ballot{1, ann.id, 77};
  auto hear = [&](std::uint64_t round, std::uint64_t lsn) {
    auto what = append_message{claim, round, {lsn == 1 ? 0u : 1u, lsn - 1}, {edit(lsn, 1, "a")}, lsn - 1, 0};
    one.core.on_message(ann, what, one.now);
    one.step();
    CHECK(one.out.messages.empty());
  };
  SUBCASE("one that was sent again and again is answered once, by what is known now") {
    for (auto round = std::uint64_t{1}; round <= 100; ++round) {
      one.core.on_message(ann, prepare_message{claim}, one.now);
      one.step();
    }
    for (auto round = std::uint64_t{1}; round <= 100; ++round) hear(round, 1);
    one.core.on_message(ann, append_message{claim, 101, {1, 7}, {}, 0, 0}, one.now);
    one.core.on_message(ann, append_message{claim, 102, {1, 7}, {}, 0, 0}, one.now);
    one.sync();
    CHECK(one.sent<promise_message>().size() == 1);
    REQUIRE(one.sent<appended_message>().size() == 1);
    CHECK(one.sent<appended_message>()[0].second.round == 100);
    CHECK(one.sent<appended_message>()[0].second.match == 1);
    REQUIRE(one.sent<mismatch_message>().size() == 1);
    CHECK(one.sent<mismatch_message>()[0].second.round == 102);
  }
  SUBCASE("an answer does not wait for a later write than the one it is about") {
    hear(1, 1);
    const auto first = one.ticket;
    hear(2, 2);
    hear(3, 1);
    one.core.on_synced(first, one.now);
    one.step();
    REQUIRE(one.sent<appended_message>().size() == 1);
    CHECK(one.sent<appended_message>()[0].second.match == 1);
  }
  SUBCASE("of many the last one tells it all") {
    const auto most = replica_options{}.waiting_max;
    for (auto lsn = std::uint64_t{1}; lsn <= 4 * most; ++lsn) hear(lsn, lsn);
    one.sync();
    CHECK(one.sent<appended_message>().size() == most);
    CHECK(one.sent<appended_message>().back().second.match == 4 * most);
  }
}

TEST_CASE("an owner believes no answer to what it has not sent") {
  auto one = driven{ann};
  one.own();
  const auto claim = one.core.claim_ballot();
  SUBCASE("a place behind the end of the log") {
    one.core.on_message(bob, mismatch_message{claim, 1'000, 500, 499}, one.now);
    REQUIRE(one.core.propose(text("a"), one.now));
    one.step();
    const auto sent = one.sent<append_message>();
    CHECK(std::ranges::any_of(sent, [](const auto& each) { return each.first == bob && each.second.prev.lsn == 1; }));
  }
  SUBCASE("the beginning is missing") {
    one.core.on_message(cid, mismatch_message{claim, 1'000, 0, 0}, one.now);
    one.step();
    CHECK(!one.noticed(replica_notice::kind_type::damaged));
  }
  SUBCASE("entries that nobody has seen yet are acknowledged") {
    REQUIRE(one.core.propose(text("a"), one.now));
    for (const auto& who : {bob, cid}) one.core.on_message(who, appended_message{claim, 1'000, 2, 0}, one.now);
    one.step();
    CHECK(one.core.commit() == 1);
  }
  SUBCASE("more is committed than there is") {
    one.core.on_message(bob, appended_message{claim, 1'000, 1, 1'000'000}, one.now);
    one.core.on_tick(one.now + 2 * replica_options{}.commit_delay_ms);
    one.step();
    const auto sent = one.sent<append_message>();
    CHECK(std::ranges::any_of(sent, [](const auto& each) { return each.first == bob && each.second.commit == 1; }));
  }
}

TEST_CASE("a move waits for what was taken, and is given up in time") {
  auto one = driven{ann};
  one.own();
  CHECK(!one.core.move_to(dan.id, one.now));
  CHECK(!one.core.move_to(ann.id, one.now));
  REQUIRE(one.core.propose(text("a"), one.now));
  one.sync();
  REQUIRE(one.core.move_to(bob.id, one.now));
  one.step();
  CHECK(one.sent<handoff_message>().empty());
  CHECK(!one.core.propose(text("b"), one.now));
  one.core.on_message(bob, appended_message{one.core.claim_ballot(), 9, 2, 1}, one.now);
  one.core.on_tick(one.now + 1);
  one.step();
  REQUIRE(one.sent<handoff_message>().size() == 1);
  CHECK(one.sent<handoff_message>()[0].second.last == position{1, 2});
  SUBCASE("the next owner claims") {
    one.core.on_message(bob, prepare_message{{2, bob.id, 1}}, one.now);
    one.sync();
    CHECK(one.noticed(replica_notice::kind_type::stopped));
    CHECK(one.core.role() == replica::role_type::follower);
    CHECK(one.sent<promise_message>().size() == 1);
  }
  SUBCASE("it does not") {
    one.core.on_tick(one.now + replica_options{}.handoff_ms);
    one.step();
    CHECK(one.noticed(replica_notice::kind_type::resumed));
    CHECK(one.core.propose(text("b"), one.now));
  }
}

TEST_CASE("a removed replica keeps the promise and the news, and votes for nobody who knows less") {
  auto disk = replica_disk{};
  disk.promised = {1, ann.id, 1};
  disk.base.config = {1, {ann, bob, cid}};
  disk.log = {edit(1, 1, "a")};
  auto one = driven{bob, disk};
  one.core.on_message(ann, removed_message{{1, ann.id, 1}, 7, {3, {ann, cid, dan}}, 0}, one.now);
  one.sync();
  CHECK(one.noticed(replica_notice::kind_type::removed));
  CHECK(one.core.is_removed());
  CHECK(one.core.last() == position{});
  one.core.claim(one.now);
  CHECK(one.step().txns.empty());
  one.core.on_message(cid, prepare_message{{2, cid.id, 1}}, one.now);
  one.sync();
  REQUIRE(one.sent<promise_message>().size() == 1);
  CHECK(one.sent<promise_message>()[0].second.removed_version == 3);
}

TEST_CASE("whoever learned from an owner that is gone asks whether it is a member, and believes only the answer") {
  const auto members = shard_config{1, {ann, bob, cid}};
  const auto claim = ballot{2, bob.id, 1};
  auto disk = replica_disk{};
  SUBCASE("it has a log") {
    disk.promised = {1, ann.id, 1};
    disk.base.config = members;
    disk.log = {edit(1, 1, "a")};
    // It may have heard that it was to be a member, and nobody else did.
    SUBCASE("in which it is none") {}
    SUBCASE("in which it is one") {
      disk.log.push_back(
          {2, 1, entry_kind::config, {}, std::make_shared<const shard_config>(shard_config{2, {ann, bob, cid, dan}})});
    }
  }
  SUBCASE("it has documents, as a copy was broken off") {
    disk.has_copied = true;
  }
  auto one = driven{dan, disk};
  auto round = std::uint64_t{7};
  const auto removed = [&](std::uint64_t question) {
    one.core.on_message(bob, removed_message{claim, ++round, members, question}, one.now);
    one.sync();
    return one.noticed(replica_notice::kind_type::removed);
  };
  const auto question = [&] {
    one.core.on_tick(one.now += 10'000);
    one.step();
    return one.sent<membership_message>().empty() ? 0 : one.sent<membership_message>()[0].second.question;
  };
  CHECK(question() == 0);  // nobody owns the shard
  one.core.on_record({2, bob, 1, members});
  CHECK(question() == 0);  // from here on it waits for the word of an owner
  one.now += 1'000'000;
  const auto first = question();
  REQUIRE(first != 0);
  one.core.on_tick(one.now += 100);
  CHECK(one.step().messages.empty());
  CHECK(question() == first);
  if (one.core.config().version == 0) {
    // Where nothing is known of members, any are news.
    CHECK(removed(0));
  } else {
    CHECK(!removed(0));
    CHECK(!removed(first ^ 2U));
    // Now it learns again.
    one.core.on_message(bob, append_message{claim, ++round, {}, {}, 0, 0}, one.now);
    one.sync();
    CHECK(!removed(first));
    one.now += 1'000'000;
    const auto second = question();
    CHECK(second != first);
    CHECK(removed(second));
  }
  CHECK(one.core.last() == position{});
  CHECK(question() == 0);
}

TEST_CASE("what came from an owner is kept for a while, unless the members have changed since") {
  auto disk = replica_disk{};
  SUBCASE("a log") {
    disk.promised = {1, ann.id, 1};
    disk.base.config = {1, {ann, bob, cid}};
    disk.log = {edit(1, 1, "a")};
  }
  SUBCASE("documents") {
    disk.has_copied = true;
  }
  auto one = driven{dan, disk, {.give_back_ms = 60'000}};
  auto asks = [&](std::int64_t after_ms) {
    one.core.on_tick(one.now += after_ms);
    one.step();
    return !one.sent<membership_message>().empty();
  };
  one.core.on_record({2, bob, 1, {1, {ann, bob, cid}}});
  CHECK(!asks(30'000));
  CHECK(!asks(50'000));
  one.core.on_message(bob, offer_state_message{{2, bob.id, 1}, 1, {2, 9}}, one.now);
  CHECK(!asks(50'000));
  CHECK(asks(20'000));
  CHECK(asks(10'000));
  one.core.on_message(bob, offer_state_message{{2, bob.id, 1}, 2, {2, 9}}, one.now);
  CHECK(!asks(10'000));
  // Of documents alone it is not known of which members they are.
  one.core.on_record({2, bob, 1, {2, {bob, cid}}});
  CHECK(asks(10'000) == (one.core.config().version != 0));
}

TEST_CASE("an owner tells whoever asks that it is no member, once that is sure, and unless it teaches it") {
  auto one = driven{ann};
  one.own();
  one.core.on_message(cid, membership_message{5}, one.now);
  CHECK(one.step().messages.empty());
  one.core.on_message(dan, membership_message{5}, one.now);
  one.step();
  REQUIRE(one.sent<removed_message>().size() == 1);
  CHECK(one.sent<removed_message>()[0].first == dan);
  CHECK(one.sent<removed_message>()[0].second.question == 5);
  REQUIRE(one.core.add(dan, one.now));
  one.core.on_message(dan, membership_message{5}, one.now);
  one.step();
  CHECK(one.sent<removed_message>().empty());
  REQUIRE(one.core.remove(dan.id, one.now));
  REQUIRE(one.core.remove(cid.id, one.now));
  one.sync();
  one.core.on_message(cid, membership_message{6}, one.now);
  one.step();
  CHECK(one.sent<removed_message>().empty());
  one.core.on_message(bob, appended_message{one.core.claim_ballot(), 100, one.core.last().lsn, 0}, one.now);
  one.step();
  one.core.on_message(cid, membership_message{6}, one.now);
  one.step();
  REQUIRE(one.sent<removed_message>().size() == 1);
  CHECK(one.sent<removed_message>()[0].second.config == shard_config{2, {ann, bob}});
}

TEST_CASE("the promise of one that was removed counts for those whose log tells that it was taken back") {
  auto with_members = [](std::uint64_t lsn, shard_config members) {
    auto result = log_entry{lsn, 1, entry_kind::config, {}, {}};
    result.config = std::make_shared<const shard_config>(std::move(members));
    return result;
  };
  auto disk = replica_disk{};
  disk.promised = {1, dan.id, 1};
  disk.base.config = {2, {ann, bob, cid, dan}};
  disk.log = {edit(1, 1, "a"), with_members(2, {3, {ann, cid, dan}})};
  const auto version = [&] { return disk.log.back().config->version; };
  SUBCASE("it was") {
    disk.log.push_back(with_members(3, {4, {ann, bob, cid, dan}}));
    auto one = driven{ann, disk};
    one.claim();
    one.core.on_message(cid, promise_message{one.core.claim_ballot(), {1, 3}, 0}, one.now);
    CHECK(one.core.role() == replica::role_type::preparing);
    SUBCASE("with less in its log") {
      one.core.on_message(bob, promise_message{one.core.claim_ballot(), {1, 1}, version() - 1}, one.now);
      CHECK(one.core.role() == replica::role_type::owner);
    }
    SUBCASE("with more in its log") {
      one.core.on_message(bob, promise_message{one.core.claim_ballot(), {1, 4}, version() - 1}, one.now);
      CHECK(one.core.role() == replica::role_type::preparing);
    }
    SUBCASE("and removed again since") {
      one.core.on_message(bob, promise_message{one.core.claim_ballot(), {}, version() + 1}, one.now);
      CHECK(one.core.role() == replica::role_type::follower);
    }
  }
  SUBCASE("another was removed in its place by a log that ended there, and would own without what came after") {
    disk.log.back() = with_members(2, {3, {ann, bob, cid}});
    auto one = driven{ann, disk};
    one.claim();
    one.core.on_message(bob, promise_message{one.core.claim_ballot(), {}, version()}, one.now);
    CHECK(one.core.role() == replica::role_type::follower);
  }
}
