// What a node hears of its directory, and in which order: with an etcd that can be stopped between two steps.
#include "cluster/membership.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <mutex>
#include <set>

#include <spdlog/sinks/ringbuffer_sink.h>

#include "actors/caf_compat.hpp"
#include "actors/node.hpp"
#include "cluster/logger.hpp"
#include "tests/cluster/support/false_directory.hpp"
#include "tests/cluster/support/some_records.hpp"
#include "tests/support/eventually.hpp"

using namespace octavo;
using namespace octavo::cluster;
using test::a_cluster;
using test::a_node;
using test::a_shard;
using test::eventually;
using test::false_directory;

namespace {

const auto prefix = std::string{"octavo/"};
constexpr auto never_ms = std::int64_t{3'600'000};

std::string words(const shard_record& record) {
  return record == shard_record{} ? "nothing" : "epoch " + std::to_string(record.epoch);
}

/// What a host was told, in words and in order.
class heard {
 public:
  void add(std::string what) {
    const auto guard = std::lock_guard{mutex_};
    told_.push_back(std::move(what));
  }
  std::size_t size() const {
    const auto guard = std::lock_guard{mutex_};
    return told_.size();
  }
  /// The last that begins like this.
  std::string last(std::string_view begin) const {
    const auto guard = std::lock_guard{mutex_};
    for (auto at = told_.rbegin(); at != told_.rend(); ++at)
      if (at->starts_with(begin)) return *at;
    return {};
  }
  bool contains(std::string_view what, std::size_t from = 0) const { return find(what, from).has_value(); }
  /// Where it was told first, from there on.
  std::optional<std::size_t> find(std::string_view what, std::size_t from = 0) const {
    const auto guard = std::lock_guard{mutex_};
    for (auto at = from; at < told_.size(); ++at)
      if (told_[at] == what) return at;
    return {};
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> told_;
};

directory_listener_actor::behavior_type listen(directory_listener_actor::pointer, const std::shared_ptr<heard>& to) {
  return {
      [to](record_atom, const record_update& update) {
        for (const auto& [shard, record] : update.records)
          to->add("shard " + std::to_string(shard) + " " + words(record));
      },
      [to](txn_atom, const txn_answer& answer) {
        constexpr const char* outcomes[] = {"done", "refused", "unknown"};
        to->add("txn " + std::to_string(answer.id) + " " + outcomes[static_cast<int>(answer.outcome)] +
                (answer.current ? ", " + words(*answer.current) : ""));
      },
      [to](nodes_atom, const std::shared_ptr<const node_view>& view) {
        auto text = std::string{"nodes"};
        for (const auto& [name, one] : view->nodes) text += " " + name;
        to->add(std::move(text));
      },
  };
}

struct listener_config : caf::actor_system_config {
  listener_config() {
    static auto once = std::once_flag{};
    std::call_once(once, [] { actors::init_messages(), cluster::init_messages(); });
    set("caf.scheduler.max-threads", 2);
  }
};

/// One that only looks. `reread_ms` 0: all the time.
membership_options looking(const host_port& etcd, std::int64_t reread_ms) {
  auto options = membership_options{};
  options.endpoints = {etcd};
  options.prefix = prefix;
  options.is_observer = true;
  options.self = a_node(9, 9);
  options.renew_ms = 2;
  options.reread_ms = reread_ms;
  options.request_timeout_ms = 30'000;
  return options;
}

/// A membership, and whoever it tells.
class observer {
 public:
  explicit observer(membership_options options) {
    auto joined = membership::join(std::move(options));
    if (!joined) FAIL(joined.error().message);
    seen_ = std::move(*joined);
  }
  observer(const host_port& etcd, std::int64_t reread_ms) : observer(looking(etcd, reread_ms)) {}
  ~observer() {
    seen_.reset();
    compat::end(actor_);
  }
  observer(const observer&) = delete;
  observer& operator=(const observer&) = delete;

  void start() { seen_->start(actor_); }
  membership& operator*() { return *seen_; }
  membership* operator->() { return seen_.get(); }
  const heard& told() const { return *told_; }
  void submit(std::uint64_t id, const shard_record& expected, const shard_record& wanted) {
    seen_->submit({0, {id, expected, wanted}});
  }

 private:
  std::shared_ptr<heard> told_ = std::make_shared<heard>();
  listener_config config_;
  caf::actor_system system_{config_};
  directory_listener_actor actor_ = system_.spawn(listen, told_);
  std::unique_ptr<membership> seen_;
};

/// What is logged while it is there. It comes before whoever logs, and goes after.
class log_lines {
 public:
  log_lines() { logger().sinks().push_back(sink_); }
  ~log_lines() { logger().sinks().pop_back(); }
  log_lines(const log_lines&) = delete;
  log_lines& operator=(const log_lines&) = delete;

  std::size_t count(std::string_view part) const {
    auto found = std::size_t{0};
    for (const auto& line : sink_->last_formatted())
      if (line.find(part) != std::string::npos) ++found;
    return found;
  }

 private:
  std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> sink_ = std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(1'000);
};

/// Two nodes and a shard on the first.
void fill(false_directory& etcd) {
  etcd.put(meta_key(prefix), *encode(a_cluster(1)));
  for (const auto number : {1, 2})
    etcd.put(node_key(prefix, "n" + std::to_string(number)), *encode(a_node(number, static_cast<member_id>(number))));
  etcd.put(shard_key(prefix, 0), *encode(a_shard({1, 2}, 1, 1)));
}

}  // namespace

TEST_CASE("of a key only what is later than all that was heard of it is news") {
  auto book = revision_book{};
  CHECK(book.newest() == 0);
  CHECK(book.take("a", 5));
  CHECK_FALSE(book.take("a", 5));
  CHECK_FALSE(book.take("a", 4));
  CHECK_MESSAGE(book.take("b", 3), "each key has its own");
  CHECK(book.take("a", 6));
  CHECK(book.newest() == 6);
  CHECK(book.is_known_after("a", 5));
  CHECK_FALSE(book.is_known_after("a", 6));
  CHECK_FALSE(book.is_known_after("c", 0));
  book.take_all(5);
  CHECK_MESSAGE(book.is_known_after("a", 5), "a range does not take back what is later");
  CHECK_FALSE(book.take("b", 5));
  CHECK_FALSE(book.take("c", 5));
  CHECK(book.take("c", 6));
  CHECK_FALSE(book.take("a", 6));
  book.take_all(9);
  CHECK(book.newest() == 9);
  CHECK_FALSE(book.is_known_after("a", 5));
  CHECK_FALSE(book.take("a", 9));
  CHECK(book.take("a", 10));
  CHECK(revision_book::fits(10, book.newest()));
  CHECK_FALSE_MESSAGE(revision_book::fits(9, book.newest()), "nothing is answered as of before it was asked");
}

TEST_CASE("what the watch has brought outlives a range that was read before") {
  auto is_held = std::atomic<bool>{false};
  auto is_heard = std::atomic<bool>{false};
  auto from = std::atomic<std::size_t>{0};
  auto etcd = false_directory{};
  fill(etcd);
  auto node = observer{etcd.endpoint(), 0};
  node.start();
  REQUIRE(eventually([&] { return etcd.watches() == 1 && node.told().contains("nodes n1 n2"); }));
  etcd.before_answers([&](false_directory::step) {
    if (is_held.exchange(true)) return;
    // In the answer n2 is there, and the shard has its first owner.
    etcd.remove(node_key(prefix, "n2"));
    etcd.put(shard_key(prefix, 0), *encode(a_shard({1, 2}, 2, 2)));
    const auto both = eventually(
        [&] { return node.told().last("nodes") == "nodes n1" && node.told().last("shard 0") == "shard 0 epoch 2"; });
    from = node.told().size();
    is_heard = both;
  });
  REQUIRE(eventually([&] { return is_heard.load(); }, 2 * test::patience));
  const auto ranges = etcd.ranges();
  REQUIRE(eventually([&] { return etcd.ranges() > ranges + 3; }));
  CHECK_FALSE_MESSAGE(node.told().contains("nodes n1 n2", from), "it was there again until the next range");
  CHECK_FALSE(node.told().contains("shard 0 epoch 1", from));
  CHECK(node->owner_of(0) == "n2");
  etcd.before_answers({});
}

TEST_CASE("what befalls between the first range and the watch is heard") {
  auto is_first = std::atomic<bool>{true};
  auto etcd = false_directory{};
  fill(etcd);
  auto node = observer{etcd.endpoint(), never_ms};
  etcd.before_answers([&](false_directory::step) {
    if (!is_first.exchange(false)) return;
    etcd.remove(node_key(prefix, "n2"));
    etcd.put(shard_key(prefix, 0), *encode(a_shard({1, 2}, 2, 2)));
  });
  node.start();
  CHECK(eventually([&] { return node.told().last("nodes") == "nodes n1"; }));
  CHECK(eventually([&] { return node.told().last("shard 0") == "shard 0 epoch 2"; }));
  etcd.before_answers({});
}

TEST_CASE("a transaction that is answered late hides nothing that the watch has brought") {
  auto etcd = false_directory{};
  fill(etcd);
  auto node = observer{etcd.endpoint(), never_ms};
  node.start();
  REQUIRE(eventually([&] { return etcd.watches() == 1 && node.told().contains("shard 0 epoch 1"); }));
  auto expected = a_shard({1, 2}, 1, 1);
  auto outcome = std::string{"txn 7 done"};
  SUBCASE("it was done") {}
  SUBCASE("it was refused") {
    expected.nonce = 5;
    outcome = "txn 7 refused, epoch 1";
  }
  etcd.before_answers([&](false_directory::step) {
    // Somebody else is faster than the answer.
    etcd.put(shard_key(prefix, 0), *encode(a_shard({1, 2}, 3, 2)));
    (void)eventually([&] { return node.told().contains("shard 0 epoch 3"); });
  });
  node.submit(7, expected, a_shard({1, 2}, 2, 1));
  REQUIRE(eventually([&] { return node.told().contains(outcome); }, 2 * test::patience));
  const auto answered = *node.told().find(outcome);
  CHECK_MESSAGE(eventually([&] { return node.told().contains("shard 0 epoch 3", answered); }),
                "a replica that waits for an answer hears nothing else");
  CHECK(node->owner_of(0) == "n2");
  etcd.before_answers({});
}

TEST_CASE("an etcd that is restored from an older copy is believed, and watched again") {
  auto etcd = false_directory{};
  fill(etcd);
  const auto old = etcd.take_copy();
  etcd.remove(node_key(prefix, "n2"));
  for (auto epoch = std::uint64_t{2}; epoch < 20; ++epoch)
    etcd.put(shard_key(prefix, 0), *encode(a_shard({1, 2}, epoch, 2)));
  auto node = observer{etcd.endpoint(), 0};
  node.start();
  REQUIRE(eventually([&] {
    return etcd.watches() == 1 && node.told().contains("shard 0 epoch 19") && node.told().last("nodes") == "nodes n1";
  }));
  etcd.put(shard_key(prefix, 0), *encode(a_shard({1, 2}, 20, 2)));
  REQUIRE(eventually([&] { return node.told().contains("shard 0 epoch 20"); }));
  auto quietly = false;
  SUBCASE("its connections break") {}
  SUBCASE("nothing is heard of it") {
    quietly = true;
  }
  CAPTURE(quietly);
  etcd.restore(old, quietly);
  REQUIRE(eventually([&] { return node.told().last("shard 0") == "shard 0 epoch 1"; }));
  CHECK(eventually([&] { return node.told().last("nodes") == "nodes n1 n2"; }));
  CHECK(node->owner_of(0) == "n1");
  CHECK(eventually([&] { return etcd.watches() == 1; }));
  etcd.put(shard_key(prefix, 0), *encode(a_shard({1, 2}, 21, 2)));
  CHECK(eventually([&] { return node.told().last("shard 0") == "shard 0 epoch 21"; }));
}

TEST_CASE("a transaction that an older copy of etcd answers is believed, too") {
  auto etcd = false_directory{};
  fill(etcd);
  const auto old = etcd.take_copy();
  for (auto epoch = std::uint64_t{2}; epoch < 20; ++epoch)
    etcd.put(shard_key(prefix, 0), *encode(a_shard({1, 2}, epoch, 2)));
  auto node = observer{etcd.endpoint(), never_ms};
  node.start();
  REQUIRE(eventually([&] { return etcd.watches() == 1 && node.told().contains("shard 0 epoch 19"); }));
  etcd.restore(old, true);
  node.submit(7, a_shard({1, 2}, 19, 2), a_shard({1, 2}, 20, 1));
  REQUIRE(eventually([&] { return node.told().contains("txn 7 refused, epoch 1"); }));
  CHECK(eventually([&] { return node.told().last("shard 0") == "shard 0 epoch 1"; }));
  node.submit(8, a_shard({1, 2}, 1, 1), a_shard({1, 2}, 20, 1));
  CHECK(eventually([&] { return node.told().contains("txn 8 done"); }));
  CHECK(eventually([&] { return node.told().last("shard 0") == "shard 0 epoch 20"; }));
}

TEST_CASE("a record that etcd has lost is told as nothing, and can be written again") {
  auto etcd = false_directory{};
  fill(etcd);
  auto node = observer{etcd.endpoint(), 0};
  node.start();
  REQUIRE(eventually([&] { return etcd.watches() == 1 && node.told().contains("shard 0 epoch 1"); }));
  const auto known = a_shard({1, 2}, 1, 1);
  auto without = etcd.take_copy();
  without.keys.erase(shard_key(prefix, 0));
  SUBCASE("it was deleted") {
    etcd.remove(shard_key(prefix, 0));
  }
  SUBCASE("it is not in an older copy") {
    without.revision -= 1;
    etcd.restore(without, false);
  }
  SUBCASE("it is not in a copy that is not told from what was") {
    etcd.restore(without, false);
  }
  SUBCASE("what stands there cannot be read") {
    etcd.put(shard_key(prefix, 0), R"({"epoch":4611686018427387904})");
  }
  REQUIRE(eventually([&] { return node.told().last("shard 0") == "shard 0 nothing"; }));
  CHECK(node->owner_of(0).empty());
  node.submit(1, {}, known);
  CHECK(eventually([&] { return node.told().contains("txn 1 done"); }));
  CHECK(etcd.value(shard_key(prefix, 0)) == *encode(known));
  CHECK(eventually([&] { return node.told().last("shard 0") == "shard 0 epoch 1"; }));
  node.submit(2, {}, a_shard({1, 2}, 2, 2));
  CHECK_MESSAGE(eventually([&] { return node.told().contains("txn 2 refused, epoch 1"); }), "there is something again");
}

TEST_CASE("a replica that compares with a record that is not there is told so, and the next transaction is done") {
  auto etcd = false_directory{};
  fill(etcd);
  auto node = observer{etcd.endpoint(), never_ms};
  node.start();
  REQUIRE(eventually([&] { return etcd.watches() == 1 && node.told().contains("shard 0 epoch 1"); }));
  // Nobody tells that it is gone.
  auto without = etcd.take_copy();
  without.keys.erase(shard_key(prefix, 0));
  without.revision += 1;
  etcd.restore(without, true);
  const auto known = a_shard({1, 2}, 1, 1);
  node.submit(1, known, a_shard({1, 2}, 2, 2));
  CHECK(eventually([&] { return node.told().contains("txn 1 refused, nothing"); }));
  CHECK(eventually([&] { return node.told().last("shard 0") == "shard 0 nothing"; }));
  auto expected = shard_record{};
  SUBCASE("of what it was told") {}
  SUBCASE("of what it had asked for before it was told") {
    expected = known;
  }
  node.submit(2, expected, a_shard({1, 2}, 2, 2));
  CHECK(eventually([&] { return node.told().contains("txn 2 done"); }));
  CHECK(etcd.value(shard_key(prefix, 0)) == *encode(a_shard({1, 2}, 2, 2)));
}

TEST_CASE("a shard that nobody has made yet is made, and not one that etcd has lost") {
  auto etcd = false_directory{};
  fill(etcd);
  etcd.remove(shard_key(prefix, 0));
  auto options = looking(etcd.endpoint(), 0);
  options.is_observer = false;
  options.gather_ms = 0;
  options.make_late_ms = 0;
  const auto is_left_alone = [&] {
    const auto ranges = etcd.ranges();
    REQUIRE(eventually([&] { return etcd.ranges() > ranges + 5; }));
    return !etcd.value(shard_key(prefix, 0));
  };
  SUBCASE("by a node that has seen it") {
    auto node = observer{options};
    REQUIRE(node->take_name());
    node.start();
    REQUIRE(eventually([&] { return etcd.value(shard_key(prefix, 0)).has_value(); }));
    REQUIRE(eventually([&] { return node.told().last("shard 0") == "shard 0 epoch 0"; }));
    const auto meta = decode_cluster_meta(*etcd.value(meta_key(prefix)));
    REQUIRE(meta);
    CHECK_MESSAGE(meta->founders.size() == 3, "it says with whom");
    CHECK(meta->cluster_id == test::some_cluster_id);
    etcd.remove(shard_key(prefix, 0));
    REQUIRE(eventually([&] { return node.told().last("shard 0") == "shard 0 nothing"; }));
    CHECK(is_left_alone());
  }
  SUBCASE("by one that has come since, as its owner must be the first") {
    options.make_late_ms = never_ms;
    auto node = observer{options};
    REQUIRE(node->take_name());
    node.start();
    CHECK_MESSAGE(eventually([&] { return node.told().contains("shard 0 nothing"); }), "its replicas hear of it");
    CHECK(is_left_alone());
  }
  SUBCASE("with the members that it had at first, whoever is there now") {
    auto meta = a_cluster(1);
    meta.founders = {{7, "n7"}, {8, "n8"}};
    etcd.put(meta_key(prefix), *encode(meta));
    auto node = observer{options};
    node->know_replicas();
    REQUIRE(node->take_name());
    node.start();
    REQUIRE(eventually([&] { return etcd.value(shard_key(prefix, 0)).has_value(); }));
    const auto made = decode_shard_record(*etcd.value(shard_key(prefix, 0)));
    REQUIRE(made);
    auto ids = std::set<member_id>{};
    for (const auto& one : made->config.members) ids.insert(one.id);
    CHECK(ids == std::set<member_id>{7, 8});
    CHECK(made->epoch == 0);
  }
  SUBCASE("by nobody, where it was made once and is not known with whom: here are replicas") {
    auto node = observer{options};
    node->know_replicas();
    REQUIRE(node->take_name());
    node.start();
    CHECK(is_left_alone());
  }
  SUBCASE("likewise: other shards are there") {
    etcd.put(meta_key(prefix), *encode(a_cluster(2)));
    etcd.put(shard_key(prefix, 1), *encode(a_shard({1, 2}, 1, 1)));
    auto node = observer{options};
    REQUIRE(node->take_name());
    node.start();
    CHECK(is_left_alone());
  }
}

TEST_CASE("whoever makes a cluster makes its shards at once") {
  auto etcd = false_directory{};
  auto options = looking(etcd.endpoint(), never_ms);
  options.is_observer = false;
  options.shards = 3;
  options.replicas = 1;
  options.make_late_ms = never_ms;
  auto node = observer{options};
  REQUIRE(node->take_name());
  node.start();
  for (const auto shard : {0U, 1U, 2U})
    CHECK(eventually([&] { return etcd.value(shard_key(prefix, shard)).has_value(); }));
}

TEST_CASE("a node that has left does not come back to the directory before it ends") {
  auto etcd = false_directory{};
  auto options = looking(etcd.endpoint(), 0);
  options.is_observer = false;
  options.make_late_ms = never_ms;
  const auto key = node_key(prefix, options.self.name);
  {
    auto node = observer{options};
    REQUIRE(node->take_name());
    node.start();
    REQUIRE(eventually([&] { return node.told().contains("nodes " + options.self.name); }));
    // Its record is gone, and it has not heard so yet: what renews its lease every 2 ms has all the time it wants.
    etcd.before_answers([&](false_directory::step at) {
      for (auto i = 0; i < 100 && at == false_directory::step::txn && !etcd.value(key); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds{2});
    });
    node->leave();
    CHECK_FALSE(etcd.value(key));
  }
  CHECK_FALSE(etcd.value(key));
}

TEST_CASE("what a cluster keeps to is told in words") {
  const auto ends = [](const std::string& text, std::string_view end) {
    CAPTURE(text);
    CHECK(text.ends_with(end));
  };
  CHECK(promise_of(3, 3, 3) == "3 nodes, 3 replicas: an acknowledged edit survives the loss of any one node");
  ends(promise_of(9, 5, 5), "9 nodes, 5 replicas: an acknowledged edit survives the loss of any 2 nodes");
  ends(promise_of(4, 3, 5),
       ", for which there are too few nodes: an acknowledged edit survives the loss of any one node");
  ends(promise_of(2, 2, 3),
       "too few nodes: an acknowledged edit survives the loss of one disk, but nobody can edit while "
       "one of both is away");
  ends(promise_of(1, 1, 1), "1 node, 1 replica: an acknowledged edit is on one disk, and lost with it");
  ends(promise_of(1, 1, 3), "shards that have replicas elsewhere wait for those nodes");
}

TEST_CASE("what the nodes that are there promise is logged at the start, and when it changes") {
  const auto lines = log_lines{};
  auto etcd = false_directory{};
  fill(etcd);
  auto options = looking(etcd.endpoint(), never_ms);
  options.is_observer = false;
  options.shards = 1;
  options.gather_ms = 0;
  auto node = observer{options};
  REQUIRE(node->take_name());
  node.start();
  const auto three = "3 nodes, 3 replicas: an acknowledged edit survives the loss of any one node";
  const auto two = "2 nodes, 3 replicas, for which there are too few nodes: ";
  REQUIRE(eventually([&] { return lines.count(three) == 1; }));
  etcd.put(node_key(prefix, "n3"), *encode(a_node(3, 3)));
  REQUIRE(eventually([&] { return node.told().last("nodes") == "nodes n1 n2 n3 n9"; }));
  etcd.remove(node_key(prefix, "n3"));
  etcd.remove(node_key(prefix, "n2"));
  REQUIRE(eventually([&] { return lines.count(two) == 1; }));
  CHECK_MESSAGE(lines.count("4 nodes") == 0, "a fourth changes nothing");
  etcd.put(node_key(prefix, "n2"), *encode(a_node(2, 2)));
  REQUIRE(eventually([&] { return lines.count(three) == 2; }));
  auto orders = cluster_orders{};
  orders.removed = {2};
  etcd.put(orders_key(prefix), *encode(orders));
  REQUIRE(eventually([&] { return lines.count(two) == 2; }));
  CHECK(lines.count("changes nothing") == 0);
}

TEST_CASE("options that are not what the cluster was made with are told to change nothing") {
  const auto lines = log_lines{};
  auto etcd = false_directory{};
  fill(etcd);
  auto options = looking(etcd.endpoint(), never_ms);
  options.is_observer = false;
  options.replicas = 5;
  options.shards = 64;
  const auto node = observer{options};
  CHECK(lines.count("--replicas 5, as given or usual, changes nothing: the cluster was made with --replicas 3") == 1);
  CHECK(lines.count("--shards 64, as given or usual, changes nothing: the cluster was made with --shards 1") == 1);
}

TEST_CASE("orders to balance that claim to be from a time to come hold up no balancing") {
  constexpr auto now_ms = std::int64_t{1'800'000'000'000};
  auto etcd = false_directory{};
  fill(etcd);
  etcd.put(meta_key(prefix), *encode(a_cluster(8)));
  auto orders = cluster_orders{};
  auto of_when = now_ms + 3'600'000;
  auto is_balanced = true;
  SUBCASE("they claim so") {}
  SUBCASE("they are recent") {
    of_when = now_ms - 1'000;
    is_balanced = false;
  }
  for (const auto shard : {1U, 2U}) orders.balance.push_back({shard, "n1", "n2", of_when, 10, "it was hot"});
  etcd.put(orders_key(prefix), *encode(orders));
  auto node = observer{etcd.endpoint(), never_ms};
  node.start();
  node->balance({3, "n2", "n1", now_ms, 10, "it was hot"});
  orders.balance.push_back({3, "n2", "n1", now_ms, 10, "it was hot"});
  const auto wanted = *encode(orders);
  if (is_balanced) {
    CHECK(eventually([&] { return etcd.value(orders_key(prefix)) == wanted; }));
  } else {
    // What is asked for behind it is answered, and nothing has come of it.
    node.submit(1, {}, a_shard({1, 2}, 2, 2));
    CHECK(eventually([&] { return node.told().contains("txn 1 refused, epoch 1"); }));
    CHECK(etcd.value(orders_key(prefix)) != wanted);
  }
}
