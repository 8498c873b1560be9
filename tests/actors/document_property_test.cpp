// Random edits of several sessions over two subscribers, with commits at random times and clients that lag. Each client
// knows only what it typed and what it was sent.
#include <doctest/doctest.h>

#include <map>
#include <random>

#include "tests/actors/support/driven_document.hpp"
#include "tests/crdt/support/replay.hpp"
#include "tests/crdt/support/replica.hpp"

using namespace octavo;
using namespace octavo::actors;
using namespace octavo::test;

namespace {

struct client {
  client(session_key at, std::uint64_t number) : where(at), id(number) {}

  session_key where;
  std::uint64_t id;
  std::uint64_t ops = 0;
  crdt::document sees;
  std::uint64_t delivered_seq = 0;
  bool lagging = false;
  bool asked = false;
};

class world {
 public:
  explicit world(std::uint64_t seed) : random_(seed), one_(options_of(random_)) {
    for (auto subscriber : {1u, 2u}) {
      one_.state.subscribe(subscriber);
      for (auto session : {1u, 2u, 3u}) enter({subscriber, session});
    }
  }

  void step() {
    auto& who = clients_[random_() % clients_.size()];
    switch (random_() % 10) {
      case 0:
        who.lagging = true;
        break;
      case 1:
        if (who.lagging && !who.asked) {
          who.asked = true;
          one_.ask(who.where.subscriber, resyncing(who.where.session, who.delivered_seq));
        }
        break;
      case 2:
      case 3:
        commit();
        break;
      case 4:
        one_.ask(who.where.subscriber, syncing(who.where.session, ++who.ops, who.sees.state()));
        break;
      default:
        type(who);
    }
    hand_out(one_.take());
  }

  /// Everybody catches up, and must then see the same.
  void settle() {
    commit();
    for (auto& who : clients_)
      if (who.lagging && !who.asked) one_.ask(who.where.subscriber, resyncing(who.where.session, who.delivered_seq));
    commit();
    for (const auto& who : clients_) {
      check_equal(who.sees, one_.state.content());
      CHECK(acked_[key(who.where)] == who.ops);
    }
    check_equal(durable_, one_.state.content());
    check_sound(one_.state.content());
  }

  std::size_t edits() const { return one_.state.seq(); }
  std::size_t resyncs() const { return one_.counters.resyncs; }

 private:
  static document_options options_of(std::mt19937_64& random) {
    auto options = document_options{};
    options.burst_bytes_max = 20 + random() % 200;
    options.resync_history_max = 5 + random() % 30;
    options.sync_chunk_bytes = 50 + random() % 500;
    return options;
  }

  static std::pair<std::uint32_t, std::uint64_t> key(session_key who) { return {who.subscriber, who.session}; }

  void enter(session_key where) {
    clients_.emplace_back(where, 1000 + clients_.size());
    one_.ask(where.subscriber, entering(where.session), syncing(where.session, ++clients_.back().ops));
  }

  void type(client& who) {
    auto update = next_edit(who.sees, who.id, random_);
    feed(who.sees, update);
    one_.ask(who.where.subscriber, editing(who.where.session, ++who.ops, std::move(update)));
  }

  /// Some of what is not durable becomes so.
  void commit() {
    for (auto& record : one_.state.take_records()) unwritten_.push_back(std::move(record));
    auto count = unwritten_.empty() ? 0 : 1 + random_() % unwritten_.size();
    auto last = one_.state.committed_seq();
    for (auto i = std::size_t{0}; i < count; ++i) {
      CHECK(unwritten_[i].seq == last + 1);
      last = unwritten_[i].seq;
      feed(durable_, unwritten_[i].update.view());
    }
    unwritten_.erase(unwritten_.begin(), unwritten_.begin() + static_cast<std::ptrdiff_t>(count));
    one_.state.committed(last);
    hand_out(one_.take());
    if (settled_ && !unwritten_.empty()) commit();
  }

  void hand_out(const bursts& all) {
    for (const auto& [subscriber, burst] : all) {
      for (const auto& reply : burst.replies) answer(find({subscriber, reply.session}), reply);
      for (auto& who : clients_)
        if (who.where.subscriber == subscriber && !burst.update.empty()) deliver(who, burst);
      for (const auto& one : burst.acks) {
        auto& acked = acked_[{subscriber, one.session}];
        acked = std::max(acked, one.op);
      }
    }
  }

  client& find(session_key where) {
    return *std::find_if(clients_.begin(), clients_.end(), [&](const client& one) { return one.where == where; });
  }

  /// Never shows an edit beyond what is durable.
  void see(client& who, bytes_view update) {
    auto decoded = crdt::decoded_update{};
    REQUIRE(crdt::decode_update_v1(update, decoded));
    durable_.prune(decoded);
    CHECK_MESSAGE(decoded.empty(), "an edit was shown that is not durable");
    feed(who.sees, update);
  }

  void answer(client& who, const reply& what) {
    if (what.kind == reply_kind::update || what.kind == reply_kind::synced) see(who, what.data.view());
    if (what.kind == reply_kind::resynced) {
      who.lagging = who.asked = false;
      who.delivered_seq = std::max(who.delivered_seq, what.seq);
    }
  }

  void deliver(client& who, const document_burst& burst) {
    if (who.lagging) return;
    CHECK(burst.seq > 0);
    who.delivered_seq = burst.seq;
    if (burst.only_from != who.where.session) see(who, burst.update.view());
  }

  std::mt19937_64 random_;
  driven_document one_;
  std::vector<client> clients_;
  std::vector<log_record> unwritten_;
  crdt::document durable_;
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint64_t> acked_;

 public:
  bool settled_ = false;
};

}  // namespace

TEST_CASE("clients that hear only what bursts deliver converge, and never see what is not durable") {
  const auto seed = choose_seed();
  auto edits = std::size_t{0};
  auto resyncs = std::size_t{0};
  for (auto round = std::uint64_t{0}; round < 40; ++round) {
    CAPTURE(seed);
    CAPTURE(round);
    auto one = world{seed * 1000 + round};
    for (auto i = 0; i < 150; ++i) one.step();
    one.settled_ = true;
    one.settle();
    edits += one.edits();
    resyncs += one.resyncs();
  }
  CHECK(edits > 1000);
  CHECK(resyncs > 50);
}
