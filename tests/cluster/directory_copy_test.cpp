// What is believed of the directory, and what a transaction is to compare, whatever etcd says in which order.
#include "cluster/directory_copy.hpp"

#include <doctest/doctest.h>

using namespace octavo;
using namespace octavo::cluster;

namespace {

const std::string prefix = "octavo/";
constexpr auto shards = 3U;

cluster_meta a_meta(std::vector<member> founders = {}) {
  auto meta = cluster_meta{"0123456789abcdef0123456789abcdef", shards, 3, 1};
  meta.founders = std::move(founders);
  return meta;
}

shard_record a_record(std::uint64_t epoch) {
  return {epoch, {1, "ann"}, 5, {1, {{1, "ann"}, {2, "bob"}}}};
}

directory_copy a_copy() {
  auto copy = directory_copy{prefix};
  copy.join(a_meta(), *encode(a_meta()));
  return copy;
}

etcd_event put(std::string key, std::string value, std::int64_t revision) {
  return {etcd_event::kind_type::put, {std::move(key), std::move(value), revision, 0}};
}

etcd_event gone(std::string key, std::int64_t revision) {
  return {etcd_event::kind_type::deleted, {std::move(key), {}, revision, 0}};
}

}  // namespace

TEST_CASE("of shards that etcd knows nothing of a range says so, and of one that it lost an event does") {
  auto copy = a_copy();
  CHECK_FALSE(copy.has_shards());
  auto update = copy.take_all({{{shard_key(prefix, 1), *encode(a_record(4)), 7, 0}}, 10, 1});
  REQUIRE(update.records.size() == shards);
  CHECK(update.records[0].first == 1);
  CHECK(update.records[0].second == a_record(4));
  CHECK(update.records[1].second == shard_record{});
  CHECK(copy.missing_shards() == std::vector<shard_number>{0, 2});
  auto news = copy.take({gone(shard_key(prefix, 1), 11)});
  CHECK_FALSE(news.has_nodes);
  REQUIRE(news.shards.records.size() == 1);
  CHECK(news.shards.records[0].second == shard_record{});
  CHECK_MESSAGE(copy.missing_shards().size() == 2, "it was made once");
  CHECK(copy.has_shards());
}

TEST_CASE("what a transaction compares is what stands there, byte by byte") {
  auto copy = a_copy();
  const auto ours = *encode(a_record(4));
  CHECK_MESSAGE(copy.comparand(0, a_record(4), ours) == ours, "nothing is known: as it was asked");
  CHECK(copy.comparand(0, shard_record{}, *encode(shard_record{})) == std::nullopt);
  auto newer = ours;
  newer.insert(newer.size() - 1, R"(,"colour":"red")");
  (void)copy.take({put(shard_key(prefix, 0), newer, 5), put(shard_key(prefix, 1), "nonsense", 5)});
  CHECK_MESSAGE(copy.comparand(0, a_record(4), ours) == newer, "a newer octavo may have written more");
  CHECK_MESSAGE(copy.comparand(0, a_record(3), *encode(a_record(3))) == *encode(a_record(3)), "which is refused");
  CHECK_MESSAGE(copy.record_of(1) == shard_record{}, "what cannot be read says nothing");
  CHECK(copy.comparand(1, shard_record{}, *encode(shard_record{})) == "nonsense");
  (void)copy.take({gone(shard_key(prefix, 0), 6)});
  CHECK_MESSAGE(copy.comparand(0, a_record(4), ours) == std::nullopt, "there is nothing to compare with");
}

TEST_CASE("who had the shards first is not forgotten, and no other cluster says who that was") {
  auto copy = a_copy();
  CHECK(copy.founders().empty());
  auto other = a_meta({{9, "eve"}});
  other.cluster_id.front() = 'f';
  (void)copy.take({put(meta_key(prefix), *encode(other), 3)});
  CHECK(copy.founders().empty());
  (void)copy.take({put(meta_key(prefix), *encode(a_meta({{1, "ann"}})), 4)});
  (void)copy.take({put(meta_key(prefix), *encode(a_meta()), 5)});
  (void)copy.take({put(meta_key(prefix), "nonsense", 6)});
  (void)copy.take({gone(meta_key(prefix), 7)});
  CHECK(copy.founders() == std::vector<member>{{1, "ann"}});
  CHECK_MESSAGE(copy.meta_value() == "nonsense", "as it stood last");
}

TEST_CASE("orders that cannot be read change nothing, and those that are gone are none") {
  auto copy = a_copy();
  auto orders = cluster_orders{};
  orders.draining = {"bob"};
  orders.removed = {7};
  auto news = copy.take({put(orders_key(prefix), *encode(orders), 3), put(orders_key(prefix), "nonsense", 4)});
  CHECK(news.has_nodes);
  CHECK(copy.orders_value() == *encode(orders));
  CHECK(copy.view()->removed.contains(7));
  (void)copy.take({gone(orders_key(prefix), 5)});
  CHECK(copy.orders_value() == std::nullopt);
  CHECK(copy.view()->removed.empty());
}

TEST_CASE("who asks for the status is answered once for each word") {
  auto copy = a_copy();
  (void)copy.take({put(look_key(prefix), "a word", 3)});
  CHECK(copy.take_asked());
  CHECK_FALSE(copy.take_asked());
  (void)copy.take({put(look_key(prefix), "a word", 4)});
  CHECK_FALSE(copy.take_asked());
  (void)copy.take({gone(look_key(prefix), 5)});
  CHECK_FALSE(copy.take_asked());
  CHECK(copy.look().empty());
}

TEST_CASE("an answer fits to what was known when it was asked, or to an etcd that was begun anew since") {
  auto copy = a_copy();
  (void)copy.take_all({{}, 10, 1});
  const auto asked = copy.state();
  CHECK(copy.fits(10, asked));
  CHECK_FALSE(copy.fits(9, asked));
  copy.begin_anew();
  CHECK(copy.fits(9, asked));
  auto update = copy.take_all({{{shard_key(prefix, 0), *encode(a_record(2)), 2, 0}}, 3, 1});
  CHECK_MESSAGE(copy.record_of(0) == a_record(2), "as of a revision that is older than what was known");
  copy.take_answer(0, 4, *encode(a_record(3)));
  CHECK(copy.record_of(0) == a_record(3));
  copy.take_answer(0, 4, *encode(a_record(9)));
  CHECK(copy.record_of(0) == a_record(3));
}
