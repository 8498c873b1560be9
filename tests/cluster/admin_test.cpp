#include "cluster/admin.hpp"

#include <doctest/doctest.h>

#include "cluster/etcd_wait.hpp"
#include "tests/cluster/support/etcd_process.hpp"

using namespace octavo;
using namespace octavo::cluster;
using test::etcd_process;

namespace {

const auto cluster_id = std::string(32, 'c');
constexpr auto no_wait = std::chrono::milliseconds{1};

/// A directory as three nodes with two shards leave it.
class little_directory {
 public:
  little_directory() : client_(options()) {
    put(meta_key(prefix_), *encode(cluster_meta{cluster_id, 2, 3, 1}));
    for (const auto id : {1, 2, 3}) put_node(id, static_cast<member_id>(id));
    for (const auto shard : {0U, 1U}) put_shard(shard, {1, 2, 3});
  }

  void put(const std::string& key, const std::string& value) {
    auto stands = wait_for<etcd_range_answer>([&](auto done) { client_.range(key, std::move(done)); });
    REQUIRE(stands);
    const auto before = stands->kvs.empty() ? std::nullopt : std::optional{stands->kvs.front().value};
    auto done = wait_for<etcd_txn_answer>([&](auto then) { client_.txn({key, before, value, 0}, std::move(then)); });
    REQUIRE(done);
    REQUIRE(done->outcome == txn_outcome::done);
  }
  void remove(const std::string& key) {
    auto stands = wait_for<etcd_range_answer>([&](auto done) { client_.range(key, std::move(done)); });
    REQUIRE(stands);
    if (stands->kvs.empty()) return;
    auto done = wait_for<etcd_txn_answer>([&](auto then) {
      client_.txn({key, stands->kvs.front().value, {}, 0}, std::move(then));
    });
    REQUIRE(done);
  }
  void put_node(int number, member_id disk) {
    auto node = node_record{};
    node.name = "n" + std::to_string(number);
    node.member = disk;
    node.peer_address = node.http_address = "127.0.0.1:1";
    node.wire_version = 1;
    node.caf_version = node.octavo_version = "1";
    put(node_key(prefix_, node.name), *encode(node));
  }
  void put_shard(shard_number shard, std::initializer_list<member_id> members) {
    auto record = shard_record{};
    record.config.version = 1;
    for (const auto id : members) record.config.members.push_back({id, "n" + std::to_string(id)});
    put(shard_key(prefix_, shard), *encode(record));
  }
  void lose_node(int number) { remove(node_key(prefix_, "n" + std::to_string(number))); }
  void lose_shard(shard_number shard) { remove(shard_key(prefix_, shard)); }
  void forget_rebuild() { remove(rebuild_key(prefix_)); }
  bool is_somebody_rebuilt() {
    auto stands = wait_for<etcd_range_answer>([&](auto done) { client_.range(rebuild_key(prefix_), std::move(done)); });
    REQUIRE(stands);
    return !stands->kvs.empty();
  }
  result<void> begin(const std::string& node, const std::string& id = cluster_id) {
    auto admin = cluster_admin::connect("etcd://127.0.0.1:" + std::to_string(etcd_.endpoint().port), prefix_);
    REQUIRE(admin);
    return (*admin)->begin_rebuild(node, id, no_wait);
  }

 private:
  etcd_options options() const {
    auto options = etcd_options{};
    options.endpoints = {etcd_.endpoint()};
    return options;
  }

  std::string prefix_ = "octavo/";
  etcd_process etcd_;
  etcd_client client_;
};

void refused(const result<void>& outcome, errc code, std::string_view words) {
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == code);
  CHECK_MESSAGE(outcome.error().message.find(words) != std::string::npos, outcome.error().message);
}

}  // namespace

TEST_CASE("a node begins anew only while the others have all of it, and one at a time") {
  auto directory = little_directory{};
  CHECK(directory.begin("n1"));
  CHECK_MESSAGE(directory.begin("n1"), "and goes on with it after its start");
  refused(directory.begin("n2"), errc::unavailable, "n1 begins anew just now");
  directory.forget_rebuild();
  directory.put_node(1, 11);
  refused(directory.begin("n2"), errc::unavailable, "2 shards have no majority without n2");
  CHECK_MESSAGE(!directory.is_somebody_rebuilt(), "who may not is in nobody's way");
  directory.put_node(1, 1);
  directory.lose_node(3);
  refused(directory.begin("n1"), errc::unavailable, "2 shards have no majority without n1");
  directory.put_shard(0, {1});
  directory.put_node(3, 3);
  refused(directory.begin("n1"), errc::unavailable, "1 shards have no majority without n1");
  directory.put_shard(0, {1, 2});
  refused(directory.begin("n1"), errc::unavailable, "1 shards have no majority without n1");
  directory.put_shard(0, {2, 3});
  CHECK_MESSAGE(directory.begin("n1"), "one shard is none of its business");
}

TEST_CASE("what the directory does not know for sure lets nobody begin anew") {
  auto directory = little_directory{};
  refused(directory.begin("n1", std::string(32, 'd')), errc::invalid_argument, "its data belongs to cluster dddd");
  refused(directory.begin("n1", ""), errc::invalid_argument, "its data belongs to cluster none");
  refused(directory.begin("n4"), errc::invalid_argument, "no shard has a replica on a node named n4");
  directory.lose_shard(1);
  refused(directory.begin("n1"), errc::unavailable, "etcd knows nothing of 1 shards");
  CHECK_FALSE(directory.is_somebody_rebuilt());
}
