#include "cluster/admin.hpp"

#include <doctest/doctest.h>

#include "tests/cluster/support/little_directory.hpp"

using namespace octavo;
using namespace octavo::cluster;
using test::little_directory;

namespace {

const auto cluster_id = test::some_cluster_id;

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

TEST_CASE(
    "what cannot be read is left out of the picture, which says so, and lets nobody begin anew who may be needed") {
  auto directory = little_directory{};
  directory.put(shard_key(directory.prefix(), 1), "nonsense");
  auto picture = directory.admin()->look();
  REQUIRE(picture);
  CHECK(picture->nodes.size() == 3);
  CHECK(picture->shards.at(0).config.members.size() == 3);
  CHECK(picture->shards.at(1) == shard_record{});
  CHECK(picture->knows_shard(0));
  refused(picture->knows_shard(1), errc::malformed,
          "octavo/shard/00001: the shard record in etcd cannot be read: it is no");
  refused(picture->knows_shards(), errc::malformed, "octavo/shard/00001");
  refused(picture->knows_all(), errc::malformed, "octavo/shard/00001");
  CHECK(picture->knows_node("n1"));
  REQUIRE(picture->unreadable().size() == 1);
  CHECK(picture->unreadable().front().key == "octavo/shard/00001");
  refused(directory.begin("n1"), errc::malformed, "octavo/shard/00001");
  CHECK_FALSE(directory.is_somebody_rebuilt());

  directory.put_shard(1, {1, 2, 3});
  directory.put(node_key(directory.prefix(), "n3"), "{}");
  picture = directory.admin()->look();
  REQUIRE(picture);
  CHECK(picture->nodes.size() == 2);
  refused(picture->knows_node("n3"), errc::malformed, "octavo/node/n3: the node record in etcd cannot be read");
  CHECK(picture->knows_node("n2"));
  CHECK(picture->knows_shards());
  refused(picture->knows_all(), errc::malformed, "octavo/node/n3");
  refused(directory.begin("n1"), errc::unavailable, "2 shards have no majority without n1");
  CHECK_MESSAGE(directory.begin("n3"), "for the others it is as good as away");

  directory.put_node(3, 3);
  directory.put(orders_key(directory.prefix()), "[]");
  picture = directory.admin()->look();
  REQUIRE(picture);
  CHECK(picture->nodes.size() == 3);
  refused(picture->knows_all(), errc::malformed, "octavo/orders");
  refused(directory.admin()->order([](cluster_orders&) {}), errc::malformed, "octavo/orders");
}
