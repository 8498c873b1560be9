// `octavo cluster …`, run on a directory that no node looks after.
#include <doctest/doctest.h>

#include <chrono>
#include <future>

#include "cluster/shards.hpp"
#include "tests/app/support/shell.hpp"
#include "tests/cluster/support/little_directory.hpp"
#include "tests/support/eventually.hpp"

using namespace octavo;
using namespace octavo::test;
namespace json = boost::json;

namespace {

constexpr auto exit_malformed = 12;
constexpr auto exit_not_found = 14;

/// A document of a shard, of two.
std::string document_in(cluster::shard_number shard) {
  for (auto i = 0;; ++i)
    if (auto name = "notes-" + std::to_string(i); cluster::shard_of(name, 2) == shard) return name;
}

}  // namespace

TEST_CASE("a record that cannot be read is left out of the status, and of nothing that rests on it") {
  const auto run = shell{};
  auto directory = little_directory{};
  directory.put(cluster::shard_key(directory.prefix(), 1), "nonsense");
  const auto ask = [&](const auto&... words) { return run.octavo("cluster", words..., "--cluster", directory.url()); };
  const auto names_key = [](const outcome& answer) {
    CAPTURE(answer.err);
    CHECK(answer.exit_code == exit_malformed);
    CHECK(contains(answer.err, "octavo/shard/00001: the shard record in etcd cannot be read"));
  };
  const auto status = ask("status", "--json");
  REQUIRE_MESSAGE(status.exit_code == 0, status.err);
  const auto told = status.parsed().as_object();
  REQUIRE(told.at("unreadable").as_array().size() == 1);
  CHECK(told.at("unreadable").at(0).at("key").as_string() == "octavo/shard/00001");
  CHECK(told.at("shards").as_array().size() == 1);
  CHECK(told.at("shards_without_owner").to_number<int>() == 1);
  CHECK(contains(ask("status").out, "left out, as it cannot be read: octavo/shard/00001"));
  CHECK(ask("where", document_in(0)).exit_code == 0);
  names_key(ask("where", document_in(1)));
  names_key(ask("move", document_in(1), "n1"));
  // Whether the cluster can do without a node, and whether one is empty, is not known.
  directory.lose_node(3);
  names_key(ask("remove", "n3"));
  CHECK(directory.admin()->look()->orders == cluster::cluster_orders{});
  const auto drained = ask("drain", "n2", "--timeout", "1");
  CHECK(drained.exit_code != 0);
  CHECK_MESSAGE(contains(drained.err, "octavo/shard/00001"), drained.err);
  CHECK(ask("drain", "--undo", "n2").exit_code == 0);

  directory.put_shard(1, {1, 2, 3});
  directory.put(cluster::node_key(directory.prefix(), "n3"), "nonsense");
  const auto unknown = ask("remove", "n3");
  CHECK(unknown.exit_code == exit_malformed);
  CHECK_MESSAGE(contains(unknown.err, "octavo/node/n3: the node record"), "it may be running");
  CHECK(ask("move", document_in(0), "n3").exit_code == exit_malformed);
}

TEST_CASE("a node that was drained and stopped is taken out, and its disk is refused from then on") {
  const auto run = shell{};
  auto directory = little_directory{};
  const auto ask = [&](const auto&... words) { return run.octavo("cluster", words..., "--cluster", directory.url()); };
  const auto orders = [&] { return directory.admin()->look()->orders; };
  directory.put_node(4, 0xd4);
  auto answer = ask("drain", "n4");
  REQUIRE_MESSAGE(answer.exit_code == 0, answer.err);
  CHECK(contains(answer.out, "it can be stopped for good"));
  CHECK(orders().draining == std::vector<std::string>{"n4"});
  CHECK(orders().drained == std::vector<cluster::member>{{0xd4, "n4"}});
  CHECK_MESSAGE(ask("remove", "n4").exit_code == 2, "it is running");
  directory.lose_node(4);
  answer = ask("remove", "n4");
  REQUIRE_MESSAGE(answer.exit_code == 0, answer.err);
  CHECK_MESSAGE(contains(answer.out, "n4 is no part of the cluster any more, and its disk is refused from now on"),
                answer.out);
  CHECK(orders() == cluster::cluster_orders{{}, {}, {}, {0xd4}});
  // Nothing names it now.
  answer = ask("remove", "n4");
  CHECK(answer.exit_code == exit_not_found);
  CHECK(contains(answer.err, "there is no node n4"));
  CHECK(contains(answer.err, "need not be removed"));
}

TEST_CASE("an etcd that hangs for a while holds up no order that stands") {
  const auto run = shell{};
  auto directory = little_directory{};
  directory.put_node(4, 0xd4);
  directory.put_shard(0, {1, 2, 4});
  auto drained = std::async(std::launch::async, [&] {
    return run.octavo("cluster", "drain", "n4", "--timeout", "60", "--cluster", directory.url());
  });
  REQUIRE(eventually([&] { return directory.admin()->look()->orders.draining.size() == 1; }));
  // Longer than a request waits for its answer.
  directory.hang(std::chrono::seconds{5});
  directory.put_shard(0, {1, 2, 3});
  const auto answer = drained.get();
  CHECK_MESSAGE(answer.exit_code == 0, answer.err);
  CHECK_MESSAGE(contains(answer.out, "it can be stopped for good"), answer.out);
}

TEST_CASE("a drained node of which no disk is known is taken out as well as it can be") {
  const auto run = shell{};
  auto directory = little_directory{};
  const auto ask = [&](const auto&... words) { return run.octavo("cluster", words..., "--cluster", directory.url()); };
  REQUIRE(directory.admin()->order([](cluster::cluster_orders& orders) { orders.draining = {"n4", "n5"}; }));
  const auto status = ask("status", "--json");
  REQUIRE(status.exit_code == 0);
  auto states = std::string{};
  const auto shown = status.parsed();
  for (const auto& one : shown.at("nodes").as_array())
    states += std::string{one.at("node").as_string().c_str()} + " " + one.at("state").as_string().c_str() + ", ";
  CHECK_MESSAGE(states == "n1 up, n2 up, n3 up, n4 away, n5 away, ", "one sees what blocks drain");
  const auto answer = ask("remove", "n4");
  REQUIRE_MESSAGE(answer.exit_code == 0, answer.err);
  CHECK(contains(answer.out, "which disk it had is not known"));
  CHECK(directory.admin()->look()->orders == cluster::cluster_orders{{"n5"}, {}, {}, {}});
  CHECK(ask("drain", "--undo", "n5").exit_code == 0);
  CHECK(directory.admin()->look()->orders == cluster::cluster_orders{});
}

TEST_CASE("what is taken back is forgotten, with the disk") {
  const auto run = shell{};
  auto directory = little_directory{};
  const auto ask = [&](const auto&... words) { return run.octavo("cluster", words..., "--cluster", directory.url()); };
  directory.put_node(4, 0xd4);
  REQUIRE(ask("drain", "n4").exit_code == 0);
  REQUIRE_MESSAGE(ask("drain", "n4").exit_code == 0, "and again");
  CHECK(directory.admin()->look()->orders.drained.size() == 1);
  REQUIRE(ask("drain", "--undo", "n4").exit_code == 0);
  CHECK(directory.admin()->look()->orders == cluster::cluster_orders{});
}
