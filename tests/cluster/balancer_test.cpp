#include "cluster/balancer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "cluster/host_load.hpp"

using namespace octavo;
using namespace octavo::cluster;

namespace {

constexpr auto interval_ms = std::int64_t{10'000};

std::vector<node_load> three(double a, double b, double c) {
  return {{"n1", a, 2, true}, {"n2", b, 2, true}, {"n3", c, 2, true}};
}

const auto both = std::vector<std::string>{"n2", "n3"};

/// What a balancer says at the last of so many looks that are all alike.
std::optional<balance_move> after(balancer& of, int looks, const std::vector<node_load>& nodes,
                                  const std::vector<shard_load>& shards) {
  auto said = std::optional<balance_move>{};
  for (auto i = 0; i < looks; ++i) said = of.look("n1", nodes, shards);
  return said;
}

/// Nodes and documents that do as much as they are told to, measured and balanced as nodes do it.
class little_cluster {
 public:
  little_cluster(std::size_t nodes, double cores) : cores_(cores) {
    for (auto i = std::size_t{0}; i < nodes; ++i) nodes_.emplace_back();
  }
  void put(shard_number shard, std::size_t at, double wanted) {
    wanted_[shard] = wanted;
    at_[shard] = at;
    nodes_[at].meter.begin(shard, now_ms_, 0);
  }
  void want(shard_number shard, double cores) { wanted_[shard] = cores; }
  double busy(std::size_t at) const {
    auto sum = 0.0;
    for (const auto& [shard, where] : at_)
      if (where == at) sum += wanted_.at(shard);
    return std::min(cores_, sum) / cores_;
  }
  double busiest() const {
    auto most = 0.0;
    for (auto i = std::size_t{0}; i < nodes_.size(); ++i) most = std::max(most, busy(i));
    return most;
  }
  std::size_t moves() const { return moves_; }
  std::size_t at(shard_number shard) const { return at_.at(shard); }

  void round() {
    now_ms_ += interval_ms;
    for (auto i = std::size_t{0}; i < nodes_.size(); ++i) {
      auto& node = nodes_[i];
      for (const auto& [shard, where] : at_)
        if (where == i) node.meter.add(shard, us_of(wanted_[shard]), 0);
      node.used_us += us_of(busy(i) * cores_);
      node.meter.tick(now_ms_, node.used_us);
    }
    auto loads = std::vector<node_load>{};
    for (auto i = std::size_t{0}; i < nodes_.size(); ++i)
      loads.push_back({"n" + std::to_string(i), nodes_[i].meter.busy(), cores_, true});
    for (auto i = std::size_t{0}; i < nodes_.size(); ++i) decide(i, loads);
  }

 private:
  struct node {
    load_meter meter{interval_ms, 4};
    balancer decides{{}};
    std::uint64_t used_us = 0;
    std::int64_t taken_ms = -1'000'000;
  };

  static std::uint64_t us_of(double cores) { return static_cast<std::uint64_t>(cores * interval_ms * 1e3); }

  void decide(std::size_t i, const std::vector<node_load>& loads) {
    auto shards = std::vector<shard_load>{};
    auto seen = loads;
    for (auto each = std::size_t{0}; each < nodes_.size(); ++each)
      seen[each].may_take = now_ms_ - nodes_[each].taken_ms >= 3 * interval_ms;
    for (const auto& [shard, load] : nodes_[i].meter.shards()) {
      if (now_ms_ - load.since_ms < balance_options{}.rest_ms) continue;
      auto one = shard_load{shard, load.cores, {}};
      for (const auto& each : loads) one.ready.push_back(each.node);
      shards.push_back(std::move(one));
    }
    const auto move = nodes_[i].decides.look(loads[i].node, seen, shards);
    if (!move) return;
    ++moves_;
    const auto to = static_cast<std::size_t>(std::stoul(move->to.substr(1)));
    nodes_[i].meter.leaves(move->shard);
    nodes_[i].meter.end(move->shard);
    nodes_[to].meter.begin(move->shard, now_ms_, move->cores);
    nodes_[to].taken_ms = now_ms_;
    at_[move->shard] = to;
  }

  double cores_;
  std::vector<node> nodes_;
  std::map<shard_number, double> wanted_;
  std::map<shard_number, std::size_t> at_;
  std::int64_t now_ms_ = 1'000;
  std::size_t moves_ = 0;
};

}  // namespace

TEST_CASE("a busy node gives away what makes the busier of the two least busy, at the third look") {
  auto of = balancer{{}};
  const auto shards = std::vector<shard_load>{{7, 0.2, both}, {8, 0.6, both}, {9, 1.5, both}};
  CHECK_FALSE(after(of, 2, three(0.9, 0.2, 0.1), shards));
  const auto move = of.look("n1", three(0.9, 0.2, 0.1), shards);
  REQUIRE(move);
  CHECK_MESSAGE(move->shard == 8, "with 9 the other one would be as busy");
  CHECK(move->to == "n3");
  CHECK(move->why() == "it took 60 % of a core of a node that was 90 % busy, and the other one was 10 % busy");
  CHECK_MESSAGE(!of.look("n1", three(0.9, 0.2, 0.1), shards), "then the count begins anew");
}

TEST_CASE("nothing is given away without need, or without use") {
  const auto shards = std::vector<shard_load>{{8, 0.6, both}};
  const auto never = [&](const char* why, const std::vector<node_load>& nodes, const std::vector<shard_load>& given) {
    CAPTURE(why);
    auto of = balancer{{}};
    CHECK_FALSE(after(of, 10, nodes, given));
  };
  never("it is not half busy", three(0.45, 0, 0), shards);
  never("all are about as busy", three(0.9, 0.8, 0.85), shards);
  never("the others are as busy", three(0.9, 0.88, 0.89), shards);
  never("nobody has a replica that lacks little", three(0.9, 0.1, 0.1), {{8, 0.6, {}}});
  never("it would gain too little", three(0.9, 0.1, 0.1), {{8, 0.05, both}});
  never("the other one would be as busy", three(0.9, 0.1, 0.1), {{8, 1.7, both}});
  never("nobody may take it", {{"n1", 0.9, 2, true}, {"n2", 0.1, 2, false}, {"n3", 0.1, 2, false}}, shards);
  never("it is alone", {{"n1", 0.9, 2, true}}, shards);
  auto off = balancer{balance_options{.is_on = false}};
  CHECK_FALSE(after(off, 10, three(0.9, 0.1, 0.1), shards));
  auto of = balancer{{}};
  for (auto i = 0; i < 6; ++i) {
    CHECK_FALSE_MESSAGE(after(of, 2, three(0.9, 0.1, 0.1), shards), "a look in between at which it is not busy counts");
    CHECK_FALSE(of.look("n1", three(0.3, 0.1, 0.1), shards));
  }
}

TEST_CASE("a node whose neighbour is as busy, or busier and cannot give, gives to a third one") {
  const auto shards = std::vector<shard_load>{{8, 0.6, both}};
  for (const auto second : {0.9, 0.93, 1.0}) {
    auto of = balancer{{}};
    const auto move = after(of, 3, three(0.9, second, 0.05), shards);
    REQUIRE(move);
    CHECK(move->to == "n3");
  }
}

TEST_CASE("cores of different machines are told apart") {
  auto of = balancer{{}};
  const auto nodes = std::vector<node_load>{{"n1", 0.9, 2, true}, {"n2", 0.2, 1, true}, {"n3", 0.3, 16, true}};
  const auto move = after(of, 3, nodes, {{8, 0.6, both}});
  REQUIRE(move);
  CHECK_MESSAGE(move->to == "n3", "it is busier, and has more cores");
}

TEST_CASE("a meter's averages follow what is done, and know at once what has left and what has come") {
  auto meter = load_meter{interval_ms, 2};
  CHECK_FALSE_MESSAGE(meter.tick(1'000, 5'000'000), "what was before does not count");
  meter.begin(3, 1'000, 0);
  auto now_ms = std::int64_t{1'000};
  auto used_us = std::uint64_t{5'000'000};
  for (auto i = 0; i < 30; ++i) {
    meter.add(3, 5'000'000, 20'000);
    used_us += 12'000'000;
    CHECK_FALSE(meter.tick(now_ms + interval_ms - 1, used_us));
    CHECK(meter.tick(now_ms += interval_ms, used_us));
  }
  CHECK(meter.busy() == doctest::Approx(0.6).epsilon(0.001));
  CHECK(meter.shards().at(3).cores == doctest::Approx(0.5).epsilon(0.001));
  CHECK(meter.shards().at(3).bytes_per_s == doctest::Approx(2'000).epsilon(0.001));
  meter.leaves(3);
  CHECK(meter.busy() == doctest::Approx(0.35).epsilon(0.001));
  meter.end(3);
  CHECK(meter.shards().empty());
  meter.begin(4, now_ms, 0.9);
  CHECK(meter.busy() == doctest::Approx(0.8).epsilon(0.001));
  meter.add(5, 1'000'000, 0);
  meter.tick(now_ms += interval_ms, used_us);
  CHECK_MESSAGE(meter.shards().size() == 1, "of a shard that went nothing is kept");
  CHECK(meter.busy() < 0.8);
}

TEST_CASE("a node gives to those that it has heard of, that are settled, and that were given nothing just now") {
  constexpr auto unix_ms = std::int64_t{1'800'000'000'000};
  auto view = node_view{};
  for (const auto* name : {"n1", "n2", "n3"}) view.nodes[name] = {};
  auto now_ms = std::int64_t{1'000};
  auto settled = std::set<std::string>{"n1", "n2", "n3"};
  const auto options = balance_options{.busy_min = 0, .over_mean = 0, .rounds = 1};

  auto taken = node_view{};
  taken.balance[7] = {7, "n2", "n1", unix_ms, 150, "it was hot"};
  auto other = host_load{"n1", options, 2};
  other.begin(7, &taken, now_ms, unix_ms + 1'000);
  CHECK_MESSAGE(other.meter().busy() == doctest::Approx(0.75), "what comes is as busy as it was");
  auto wrong = host_load{"n1", options, 2};
  wrong.begin(7, &taken, now_ms, unix_ms - 600'000);
  CHECK_MESSAGE(wrong.meter().busy() == doctest::Approx(0), "what is from a time to come is not believed");
  other.heard("n2", 0.1, 2, now_ms);
  other.heard("n3", 0.2, 2, now_ms);
  other.heard("n4", 0.0, 2, now_ms);
  const auto decide_there = [&](const node_view& of, std::int64_t at_unix_ms) {
    return other.decide(
        of, [&](const std::string& node) { return settled.contains(node); }, [&](shard_number) { return both; }, now_ms,
        at_unix_ms);
  };
  taken.nodes = view.nodes;
  const auto later_ms = unix_ms + 600'000;
  CHECK_MESSAGE(!decide_there(taken, later_ms), "it rests");
  now_ms += options.rest_ms;
  CHECK_MESSAGE(!decide_there(taken, later_ms), "what was said too long ago is nothing");
  other.heard("n2", 0.1, 2, now_ms);
  other.heard("n3", 0.2, 2, now_ms);
  other.heard("n2", -1, 2, now_ms);
  other.heard("n2", 0.3, 0, now_ms);
  // It would be as busy there as it is here; with half of its work it is another matter.
  CHECK_FALSE(decide_there(taken, later_ms));
  auto small = host_load{"n1", options, 2};
  auto half = taken;
  half.balance[7].core_percent = 60;
  half.balance[8] = {8, "n2", "n1", unix_ms, 60, "it was hot"};
  for (const auto shard : {7U, 8U}) small.begin(shard, &half, now_ms, unix_ms);
  now_ms += options.rest_ms;
  const auto decide_small = [&] {
    small.heard("n2", 0.1, 2, now_ms);
    small.heard("n3", 0.2, 2, now_ms);
    return small.decide(
        half, [&](const std::string& node) { return settled.contains(node); }, [&](shard_number) { return both; },
        now_ms, later_ms);
  };
  const auto first = decide_small();
  REQUIRE(first);
  CHECK(first->node == "n2");
  CHECK(first->from == "n1");
  CHECK(first->core_percent == 60);
  CHECK(first->unix_ms == later_ms);
  half.balance[5] = {5, "n3", "n2", later_ms - 1'000, 10, "it was hot"};
  REQUIRE(decide_small());
  CHECK_MESSAGE(decide_small()->node == "n3", "n2 was given something a second ago");
  half.balance[5].unix_ms = later_ms + 2 * options.clock_skew_ms_max;
  REQUIRE(decide_small());
  CHECK_MESSAGE(decide_small()->node == "n3", "its clock may be ahead by so much, and ours behind");
  half.balance[5].unix_ms += 1;
  REQUIRE(decide_small());
  CHECK_MESSAGE(decide_small()->node == "n2", "nobody waits until a time that some clock has made up comes");
  half.balance[5].unix_ms = INT64_MAX;
  REQUIRE(decide_small());
  CHECK(decide_small()->node == "n2");
  half.balance[5].unix_ms = later_ms - 1'000;
  half.nodes["n3"].draining = true;
  CHECK_FALSE(decide_small());
  half.nodes["n3"].draining = false;
  settled.erase("n3");
  CHECK_FALSE(decide_small());
  settled.insert("n3");
  half.pins[7] = half.pins[8] = "n1";
  CHECK_MESSAGE(!decide_small(), "what the operator keeps here stays");
  half.pins.clear();
  const auto before = small.meter().busy();
  auto after = half;
  after.balance[first->shard] = *first;
  small.see(half, after);
  CHECK_MESSAGE(small.meter().busy() == doctest::Approx(before - 0.3), "what goes is counted here no more");
  small.see(after, after);
  CHECK(small.meter().busy() == doctest::Approx(before - 0.3));
}

TEST_CASE("loads that stay come to rest, evenly, and nothing goes to and fro") {
  const auto* given = std::getenv("OCTAVO_SEED");
  const auto seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  INFO("OCTAVO_SEED=", seed);
  auto random = std::mt19937_64{seed};
  const auto below = [&](std::size_t bound) { return random() % bound; };
  for (auto run = 0; run < 100; ++run) {
    CAPTURE(run);
    auto cluster = little_cluster{below(5) + 2, 4};
    const auto shards = below(40) + 1;
    for (auto shard = shard_number{0}; shard < shards; ++shard)
      cluster.put(shard, below(3) == 0 ? below(2) : 0, static_cast<double>(below(100)) / 100);
    const auto before = cluster.busiest();
    for (auto i = 0; i < 600; ++i) cluster.round();
    const auto moves = cluster.moves();
    const auto rested = cluster.busiest();
    CHECK(rested <= before + 1e-9);
    CHECK(moves <= shards * 2);
    for (auto i = 0; i < 100; ++i) cluster.round();
    CHECK_MESSAGE(cluster.moves() == moves, "it has come to rest");
  }
}

TEST_CASE("a load that comes and goes faster than it is looked at moves nothing to and fro") {
  auto cluster = little_cluster{3, 4};
  for (auto shard = shard_number{0}; shard < 6; ++shard) cluster.put(shard, shard % 3, 0.5);
  for (auto i = 0; i < 300; ++i) {
    cluster.want(0, i % 2 == 0 ? 3.0 : 0.1);
    cluster.want(1, i % 2 == 0 ? 0.1 : 3.0);
    cluster.round();
  }
  CHECK(cluster.moves() <= 6);
}
