// A real etcd with the directory of three nodes and two shards, as they leave it.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "cluster/admin.hpp"
#include "cluster/etcd_wait.hpp"
#include "tests/cluster/support/etcd_process.hpp"
#include "tests/cluster/support/some_records.hpp"

namespace octavo::test {

class little_directory {
 public:
  little_directory() : client_(options()) {
    put(cluster::meta_key(prefix_), *encode(a_cluster(2)));
    for (const auto id : {1, 2, 3}) put_node(id, static_cast<cluster::member_id>(id));
    for (const auto shard : {0U, 1U}) put_shard(shard, {1, 2, 3});
  }

  const std::string& prefix() const { return prefix_; }
  std::string url() const { return "etcd://127.0.0.1:" + std::to_string(etcd_.endpoint().port); }

  void put(const std::string& key, const std::string& value) {
    auto done = change(key, value);
    REQUIRE(done);
    REQUIRE(done->outcome == cluster::txn_outcome::done);
  }
  void remove(const std::string& key) {
    if (stands(key)) REQUIRE(change(key, std::nullopt));
  }
  void put_node(int number, cluster::member_id disk) {
    put(cluster::node_key(prefix_, "n" + std::to_string(number)), *encode(a_node(number, disk)));
  }
  void put_shard(std::uint32_t shard, std::initializer_list<cluster::member_id> members) {
    put(cluster::shard_key(prefix_, shard), *encode(a_shard(members)));
  }
  void lose_node(int number) { remove(cluster::node_key(prefix_, "n" + std::to_string(number))); }
  void lose_shard(std::uint32_t shard) { remove(cluster::shard_key(prefix_, shard)); }
  void forget_rebuild() { remove(cluster::rebuild_key(prefix_)); }
  /// It hangs for so long, as one whose disk does.
  void hang(std::chrono::milliseconds duration) {
    etcd_.stop();
    std::this_thread::sleep_for(duration);
    etcd_.cont();
  }
  bool is_somebody_rebuilt() { return stands(cluster::rebuild_key(prefix_)).has_value(); }

  std::unique_ptr<cluster::cluster_admin> admin() const {
    auto admin = cluster::cluster_admin::connect(url(), prefix_);
    REQUIRE(admin);
    return std::move(*admin);
  }
  result<void> begin(const std::string& node, const std::string& id = some_cluster_id) const {
    return admin()->begin_rebuild(node, id, std::chrono::milliseconds{1});
  }

 private:
  cluster::etcd_options options() const {
    auto options = cluster::etcd_options{};
    options.endpoints = {etcd_.endpoint()};
    options.request_timeout_ms = 30'000;
    return options;
  }
  std::optional<std::string> stands(const std::string& key) {
    auto found = cluster::wait_for<cluster::etcd_range_answer>([&](auto then) { client_.range(key, std::move(then)); });
    REQUIRE(found);
    return found->kvs.empty() ? std::nullopt : std::optional{found->kvs.front().value};
  }
  result<cluster::etcd_txn_answer> change(const std::string& key, const std::optional<std::string>& value) {
    const auto before = stands(key);
    return cluster::wait_for<cluster::etcd_txn_answer>([&](auto then) {
      client_.txn({key, before, value, 0}, std::move(then));
    });
  }

  std::string prefix_ = "octavo/";
  etcd_process etcd_;
  cluster::etcd_client client_;
};

}  // namespace octavo::test
