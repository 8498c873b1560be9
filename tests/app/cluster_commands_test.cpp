// `octavo cluster …`, run on a directory that no node looks after.
#include <doctest/doctest.h>

#include "cluster/shards.hpp"
#include "tests/app/support/shell.hpp"
#include "tests/cluster/support/little_directory.hpp"

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
