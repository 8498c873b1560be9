// Presence on three nodes whose document moves and whose nodes die, seen by clients that do as Yjs does: they take
// newer clocks, repeat to the server all that they take, and never let anybody take their own state away.
#include <doctest/doctest.h>

#include <array>
#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>

#include "actors/relay.hpp"
#include "tests/actors/support/driven_document.hpp"
#include "tests/actors/support/recording_outlet.hpp"
#include "tests/crdt/support/replay.hpp"
#include "tests/support/awareness.hpp"

using namespace octavo;
using namespace octavo::actors;
using namespace octavo::test;

namespace {

using client_id = std::uint64_t;

struct person {
  std::uint64_t clock = 1;
  std::size_t at = 0;
  session_id session = 0;  ///< 0: not here
  /// They came again by another connection, and news of the old one may be under way; then, until they stir, others may
  /// not take them, whose clock is not newer.
  bool returned = false;
  bool settled = true;
  std::map<client_id, std::pair<std::uint64_t, bool>> seen;  ///< clock, and whether they are here
  std::deque<payload> inbox;
};

struct node {
  std::shared_ptr<recording_outlet> out = std::make_shared<recording_outlet>();
  std::unique_ptr<relay_state> relay;
  std::optional<subscriber_id> joined;
  bool in_grace = false;
  std::deque<relay_burst> to_document;
  std::deque<document_burst> to_relay;
};

class world {
 public:
  explicit world(std::uint64_t seed) : gen_(seed) {
    new_document();
    for (auto& one : nodes_) start(one);
    for (auto i = 0; i < 5; ++i) come();
  }

  void step() {
    switch (gen_() % 24) {
      case 0:
        return come();
      case 1:
        return go(somebody());
      case 2:
        return come_back();
      case 3:
      case 4:
        return stir(somebody());
      case 5:
        if (gen_() % 4 == 0) lose_document();
        return;
      case 6:
        if (gen_() % 6 == 0) kill(gen_() % nodes_.size());
        return;
      default:
        run_one();
    }
  }

  /// All that is under way arrives.
  void settle() {
    for (auto& one : nodes_) join(one);
    while (is_busy()) run_one();
  }

  void check() {
    settle();
    auto here = std::set<client_id>{};
    for (const auto& [id, one] : people_)
      if (one.session != 0) here.insert(id);
    // Who comes now is told at once of exactly those who are here.
    for (auto id : newcomer_is_told()) CHECK_MESSAGE(here.contains(id), id << " is told of and not here");
    for (auto id : here) {
      const auto is_told = newcomer_is_told().contains(id) || people_[id].returned;
      CHECK_MESSAGE(is_told, id << " is here and not told of");
    }
    for (auto& one : nodes_)
      if (std::exchange(one.in_grace, false)) {
        one.relay->end_presence_grace();
        flush(one);
      }
    settle();
    CHECK(newcomer_is_told() == here);
    for (auto& [id, one] : people_) {
      if (one.session == 0) continue;
      one.settled = true;
      for (const auto& [other, state] : one.seen)
        if (state.second) CHECK_MESSAGE(here.contains(other), id << " sees " << other << ", who has gone");
      for (auto other : here) {
        const auto is_seen = other == id || one.seen[other].second || people_[other].returned;
        CHECK_MESSAGE(is_seen, id << " does not see " << other);
      }
    }
    if (gen_() % 2 == 0)
      for (auto& one : nodes_) one.relay->age_presence();
  }

 private:
  std::set<client_id> newcomer_is_told() {
    auto all = std::set<client_id>{};
    document_->ask(watcher, request{1, request_kind::query_presence, 0, 0, {}});
    for (const auto& one : deliver_bursts())
      for (const auto& [id, state] : read_awareness(one.data.view())) all.insert(id);
    return all;
  }

  void new_document() {
    auto options = document_options{};
    options.presence.interval_ms = 0;
    document_ = std::make_unique<driven_document>(options);
    document_->state.subscribe(watcher);
  }
  void start(node& one) {
    one = {};
    one.relay = std::make_unique<relay_state>(1, relay_options{}, counters_, [] {});
    join(one);
  }
  void join(node& one) {
    if (one.joined) return;
    one.joined = ++last_subscriber_;
    document_->state.subscribe(*one.joined);
    send_requests(one);
  }
  void lose_document() {
    new_document();
    for (auto& one : nodes_) {
      if (!one.joined) continue;
      one.joined.reset();
      one.to_document.clear();
      one.to_relay.clear();
      one.relay->document_lost();
      one.in_grace = true;
    }
    for (auto& one : nodes_)
      if (gen_() % 2 == 0) join(one);
  }
  void kill(std::size_t at) {
    for (auto& [id, one] : people_)
      if (one.session != 0 && one.at == at) disconnect(one);
    if (gen_() % 2 == 0) {
      nodes_[at].joined.reset();
      lose_document();
    } else if (nodes_[at].joined) {
      document_->state.unsubscribe(*nodes_[at].joined, document_->now_ms);
    }
    start(nodes_[at]);
  }

  // --- people ---

  client_id somebody() {
    auto one = people_.begin();
    std::advance(one, gen_() % people_.size());
    return one->first;
  }
  void come() {
    if (people_.size() < 12) connect(++last_client_);
  }
  void connect(client_id id) {
    auto& one = people_[id];
    one.at = gen_() % nodes_.size();
    one.session = ++last_session_;
    sessions_[one.session] = id;
    nodes_[one.at].relay->enter({one.session, nodes_[one.at].out, ""});
    tell(one, awareness_of(id, one.clock, "1"));
  }
  void disconnect(person& one) {
    sessions_.erase(one.session);
    one.session = 0;
    one.returned = true;
    one.settled = false;
    one.inbox.clear();
    one.seen.clear();
  }
  void go(client_id id) {
    auto& one = people_[id];
    if (one.session == 0) return;
    auto& at = nodes_[one.at];
    if (gen_() % 2 == 0) {
      tell(one, awareness_of(id, ++one.clock, "null"));
      ++one.clock;
    }
    at.relay->leave(one.session);
    disconnect(one);
    send_requests(at);
  }
  void come_back() {
    const auto id = somebody();
    if (people_[id].session != 0) return;
    people_[id].clock += gen_() % 2;
    connect(id);
  }
  void stir(client_id id) {
    auto& one = people_[id];
    if (one.session == 0) return;
    one.returned = one.returned && !one.settled;
    tell(one, awareness_of(id, ++one.clock, "1"));
  }
  void tell(const person& one, bytes awareness) {
    nodes_[one.at].relay->ask({{announcing(one.session, std::move(awareness))}});
    send_requests(nodes_[one.at]);
  }
  void hear(client_id id, const payload& news) {
    auto& me = people_[id];
    auto entries = std::vector<crdt::awareness_entry>{};
    REQUIRE(crdt::decode_awareness(news.view(), entries));
    auto echo = std::vector<crdt::awareness_entry>{};
    for (const auto& next : entries) {
      if (next.client == id) {
        if (next.clock < me.clock || (next.clock == me.clock && !next.is_null())) continue;
        me.clock = next.clock + (next.is_null() ? 1 : 0);
        echo.push_back({id, me.clock, "1"});
        continue;
      }
      auto& known = me.seen[next.client];
      if (next.clock < known.first || (next.clock == known.first && !(next.is_null() && known.second))) continue;
      const auto& other = people_[next.client];
      const auto flickers = next.is_null() && known.second && other.session != 0 && !other.returned;
      CHECK_MESSAGE(!flickers, next.client << " is here, and goes for " << id);
      known = {next.clock, !next.is_null()};
      echo.push_back(next);
    }
    if (!echo.empty()) tell(me, crdt::encode_awareness(echo));
  }

  // --- what is under way ---

  void send_requests(node& one) {
    if (!one.joined) return;
    if (auto burst = one.relay->next_requests(); !burst.requests.empty()) one.to_document.push_back(std::move(burst));
  }
  void flush(node& one) {
    one.relay->flush();
    for (const auto& what : one.out->take().deliveries) {
      for (const auto& each : what.replies)
        if (auto found = sessions_.find(each.session); found != sessions_.end() && each.kind == reply_kind::presence)
          people_[found->second].inbox.push_back(each.data);
      if (what.presence.empty()) continue;
      for (auto& [id, each] : people_)
        if (each.session != 0 && &nodes_[each.at] == &one) each.inbox.push_back(what.presence);
    }
  }
  /// Returns what the watcher is answered.
  std::vector<reply> deliver_bursts() {
    auto answers = std::vector<reply>{};
    ++document_->now_ms;
    for (auto& [to, burst] : document_->commit()) {
      if (to == watcher) answers = burst.replies;
      for (auto& one : nodes_)
        if (one.joined == to) one.to_relay.push_back(std::move(burst));
    }
    return answers;
  }
  bool is_busy() const {
    for (const auto& one : nodes_)
      if (!one.to_document.empty() || !one.to_relay.empty()) return true;
    for (const auto& [id, one] : people_)
      if (!one.inbox.empty()) return true;
    return document_->state.due_ms().has_value();
  }
  void run_one() {
    auto& one = nodes_[gen_() % nodes_.size()];
    if (gen_() % 4 == 0) join(one);
    if (auto id = somebody(); !people_[id].inbox.empty()) {
      const auto news = people_[id].inbox.front();
      people_[id].inbox.pop_front();
      hear(id, news);
    }
    if (!one.to_document.empty() && gen_() % 2 == 0) {
      document_->state.handle(*one.joined, one.to_document.front(), {1'700'000'000'000, document_->now_ms}, true, "");
      one.to_document.pop_front();
    }
    if (gen_() % 2 == 0) deliver_bursts();
    if (!one.to_relay.empty() && gen_() % 2 == 0) {
      one.relay->receive(std::move(one.to_relay.front()));
      one.to_relay.pop_front();
      flush(one);
      send_requests(one);
    }
  }

  static constexpr auto watcher = subscriber_id{1};
  std::mt19937_64 gen_;
  metrics counters_;
  std::unique_ptr<driven_document> document_;
  std::array<node, 3> nodes_;
  std::map<client_id, person> people_;
  std::map<session_id, client_id> sessions_;
  subscriber_id last_subscriber_ = watcher;
  session_id last_session_ = 0;
  client_id last_client_ = 0;
};

}  // namespace

TEST_CASE("wherever a document goes and whoever goes with it, all see those who are here and nobody flickers") {
  const auto seed = choose_seed();
  for (auto run = std::uint64_t{0}; run < 40; ++run) {
    CAPTURE(run);
    auto all = world{seed + run};
    for (auto round = 0; round < 10; ++round) {
      for (auto step = 0; step < 150; ++step) all.step();
      all.check();
    }
  }
}
