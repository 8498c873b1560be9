#include "cluster/records.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <utility>

using namespace octavo;
using namespace octavo::cluster;

namespace {

shard_record a_shard() {
  return {7, {0xab, "node-a"}, 0xfedcba9876543210U, {3, {{0xab, "node-a"}, {2, "node-b"}, {1, "node-c"}}}};
}

node_record a_node() {
  return {"node-a", 5,   0xffffffffffffffffU, "10.0.0.1:4100", "[fe80::1]:8080", 1, "0.18.7", "0.1.0", 1764000000123,
          true,     0.25};
}

cluster_meta a_meta() {
  return {"0123456789abcdef0123456789abcdef", 1024, 3, 1};
}

constexpr auto shard_text =
    R"({"epoch":7,"owner":{"id":"00000000000000ab","node":"node-a"},"nonce":"fedcba9876543210","config":{"version":3,)"
    R"("members":[{"id":"00000000000000ab","node":"node-a"},{"id":"0000000000000002","node":"node-b"},)"
    R"({"id":"0000000000000001","node":"node-c"}]}})";
constexpr auto node_text =
    R"({"name":"node-a","incarnation":"0000000000000005","member":"ffffffffffffffff","peer":"10.0.0.1:4100",)"
    R"("http":"[fe80::1]:8080","wire":1,"caf":"0.18.7","octavo":"0.1.0","started_ms":1764000000123,"draining":true,)"
    R"("load":2.5E-1})";
constexpr auto meta_text = R"({"cluster_id":"0123456789abcdef0123456789abcdef","shards":1024,"replicas":3,"format":1})";

constexpr auto founded_text =
    R"({"cluster_id":"0123456789abcdef0123456789abcdef","shards":1024,"replicas":3,"format":1,"founders":[)"
    R"({"id":"00000000000000ab","node":"node-a"},{"id":"0000000000000002","node":"node-b"}]})";

/// The text with the first `what` replaced.
std::string with(std::string text, std::string_view what, std::string_view by) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

template <class Decode>
void refuses(Decode decode, const std::string& text, std::string_view field) {
  CAPTURE(text);
  auto read = decode(text);
  REQUIRE(!read);
  CHECK(read.error().code == errc::malformed);
  CAPTURE(read.error().message);
  CHECK(read.error().message.find(field) != std::string::npos);
}

}  // namespace

TEST_CASE("a shard's record has one form in bytes, and is read back from it") {
  REQUIRE(encode(a_shard()));
  CHECK(*encode(a_shard()) == shard_text);
  REQUIRE(decode_shard_record(shard_text));
  CHECK(*decode_shard_record(shard_text) == a_shard());
  CHECK(*encode(*decode_shard_record(shard_text)) == shard_text);
}

TEST_CASE("a free shard, and one that nobody has a replica of, are records too") {
  const auto text = R"({"epoch":0,"owner":null,"nonce":"0000000000000000","config":{"version":0,"members":[]}})";
  CHECK(*encode(shard_record{}) == text);
  CHECK(*decode_shard_record(text) == shard_record{});
}

TEST_CASE("an epoch at its bound is kept to the last bit") {
  auto record = a_shard();
  record.epoch = record_high_count_max;
  record.config.version = record_high_count_max - 1;
  CHECK(*decode_shard_record(*encode(record)) == record);
}

TEST_CASE("whatever epoch is believed, the next claim's is too, and so are the next members") {
  const auto planted = [](std::uint64_t epoch, std::uint64_t version) {
    return with(with(shard_text, R"("epoch":7)", R"("epoch":)" + std::to_string(epoch)), R"("version":3)",
                R"("version":)" + std::to_string(version));
  };
  for (const auto& [epoch, version] :
       {std::pair{record_count_max, std::uint64_t{3}}, std::pair{std::uint64_t{7}, record_count_max},
        std::pair{record_count_max, record_count_max}}) {
    auto read = decode_shard_record(planted(epoch, version));
    REQUIRE(read);
    CHECK_MESSAGE(*encode(*read) == planted(epoch, version), "up to there a record has the form that it always had");
    for (auto claims = 0; claims < 3; ++claims) {
      ++read->epoch;
      ++read->config.version;
      const auto written = encode(*read);
      REQUIRE(written);
      REQUIRE(decode_shard_record(*written));
      CHECK(*decode_shard_record(*written) == *read);
      CHECK(*encode(*decode_shard_record(*written)) == *written);
    }
  }
  // Beyond it nothing is believed that no claim has written.
  refuses(decode_shard_record, planted(record_count_max + 1, 3), "epoch is too large");
  refuses(decode_shard_record, planted(record_high_count_max, 3), "epoch is too large");
  refuses(decode_shard_record, planted(7, record_count_max + 1), "config.version is too large");
  const auto meant = [](std::string text) { return with(std::move(text), R"({"epoch")", R"({"high":true,"epoch")"); };
  CHECK(decode_shard_record(meant(planted(record_high_count_max, record_high_count_max))));
  refuses(decode_shard_record, meant(planted(record_high_count_max + 1, 3)), "epoch is too large");
  refuses(decode_shard_record, meant(planted(7, record_high_count_max + 1)), "config.version is too large");
  refuses(decode_shard_record, with(shard_text, R"({"epoch")", R"({"high":1,"epoch")"), "high is neither");
}

TEST_CASE("a node's record and the cluster's are read back from their one form") {
  CHECK(*encode(a_node()) == node_text);
  REQUIRE(decode_node_record(node_text));
  CHECK(*decode_node_record(node_text) == a_node());
  CHECK(decode_node_record(with(node_text, "2.5E-1", "3"))->load == 3);
  CHECK(*encode(a_meta()) == meta_text);
  REQUIRE(decode_cluster_meta(meta_text));
  CHECK(*decode_cluster_meta(meta_text) == a_meta());
  auto founded = a_meta();
  founded.founders = {{0xab, "node-a"}, {2, "node-b"}};
  CHECK(*encode(founded) == founded_text);
  CHECK(*decode_cluster_meta(founded_text) == founded);
}

TEST_CASE("orders are read as they were written, and what is wrong in them is refused") {
  const auto orders = cluster_orders{{"n2", "n5"},
                                     {{17, "n3"}, {0, "n1"}},
                                     {{4, "n1", "n6", 1'700'000'000'000, 37, "it was hot"}},
                                     {0xabU, 0xfedcba9876543210U},
                                     {{0xcdU, "n5"}}};
  const auto text = std::string{R"({"draining":["n2","n5"],"pins":[{"shard":17,"node":"n3"},{"shard":0,"node":"n1"}],)"
                                R"("balance":[{"shard":4,"from":"n1","node":"n6","time_ms":1700000000000,)"
                                R"("core_percent":37,"why":"it was hot"}],)"
                                R"("removed":["00000000000000ab","fedcba9876543210"],)"
                                R"("drained":[{"id":"00000000000000cd","node":"n5"}]})"};
  CHECK(*encode(orders) == text);
  REQUIRE(decode_cluster_orders(text));
  CHECK(*decode_cluster_orders(text) == orders);
  CHECK(*decode_cluster_orders(*encode(cluster_orders{})) == cluster_orders{});
  const auto no = [&](std::string_view what, std::string_view by, std::string_view field) {
    refuses(decode_cluster_orders, with(text, what, by), field);
  };
  no(R"("n2")", R"("N 2")", "draining holds what is no name");
  no(R"("n2")", "2", "draining holds what is no string");
  no(R"(["n2","n5"])", R"("n2")", "draining is no array");
  no(R"({"shard":17,"node":"n3"})", "17", "pins holds what is no object");
  no(R"("shard":17)", R"("shard":65536)", "pins.shard is too large");
  no(R"("node":"n3")", R"("node":"")", "pins.node is no name");
  no(R"("shard":4)", R"("shard":65536)", "balance.shard is too large");
  no(R"("node":"n6")", R"("node":"N")", "balance.node is no name");
  no(R"("from":"n1")", R"("from":"")", "balance.from is no name");
  no(R"("core_percent":37)", R"("core_percent":-1)", "balance.core_percent is no whole number");
  no("it was hot", std::string(record_text_bytes_max + 1, 'x'), "balance.why is longer");
  const auto older = with(text,
                          R"("balance":[{"shard":4,"from":"n1","node":"n6","time_ms":1700000000000,)"
                          R"("core_percent":37,"why":"it was hot"}],)",
                          "");
  REQUIRE(decode_cluster_orders(older));
  CHECK(decode_cluster_orders(older)->balance.empty());
  const auto before = with(text, R"(,"drained":[{"id":"00000000000000cd","node":"n5"}])", "");
  REQUIRE(decode_cluster_orders(before));
  CHECK(decode_cluster_orders(before)->drained.empty());
  no(R"({"id":"00000000000000cd","node":"n5"})", R"("n5")", "drained holds what is no object");
  no("00000000000000cd", "cd", "drained.id is not 16");
  no("00000000000000cd", "0000000000000000", "drained.id is 0");
  no(R"("node":"n5"})", R"("node":"N"})", "drained.node is no name");
  CHECK(node_ordered(orders, 17) == "n3");
  CHECK(node_ordered(orders, 4) == "n6");
  CHECK(node_ordered(orders, 5).empty());
  auto pinned = orders;
  pinned.pins.push_back({4, "n2"});
  CHECK_MESSAGE(node_ordered(pinned, 4) == "n2", "what the operator wants outweighs");
  no("00000000000000ab", "ab", "removed holds what is not 16");
  no("00000000000000ab", "0000000000000000", "removed holds 0");
  auto many = cluster_orders{};
  for (auto i = std::uint32_t{0}; i <= orders_pins_max; ++i) many.pins.push_back({i, "n1"});
  CHECK(encode(many).error().code == errc::invalid_argument);
  many.pins.pop_back();
  for (auto& one : many.pins) one = {65'535, std::string(node_name_bytes_max, 'n')};
  many.balance.assign(orders_balance_max + 1,
                      {65'535, std::string(node_name_bytes_max, 'n'), std::string(node_name_bytes_max, 'n'), INT64_MAX,
                       UINT32_MAX, std::string(record_text_bytes_max, 'w')});
  CHECK(encode(many).error().code == errc::invalid_argument);
  many.balance.pop_back();
  many.removed.assign(orders_removed_max, ~member_id{0});
  many.draining.assign(orders_draining_max, std::string(node_name_bytes_max, 'n'));
  many.drained.assign(orders_draining_max + 1, {~member_id{0}, std::string(node_name_bytes_max, 'n')});
  CHECK(encode(many).error().code == errc::invalid_argument);
  many.drained.pop_back();
  CHECK_MESSAGE(decode_cluster_orders(*encode(many)), "as many as there may be can be read");
}

TEST_CASE("an order is recent for a while, and not before its time but for what clocks may differ") {
  constexpr auto now_ms = std::int64_t{1'800'000'000'000};
  const auto at = [](std::int64_t unix_ms) {
    return is_recent({4, "n1", "n2", unix_ms, 10, "it was hot"}, now_ms, 30'000, 10'000);
  };
  CHECK(at(now_ms));
  CHECK(at(now_ms - 30'000));
  CHECK_FALSE(at(now_ms - 30'001));
  CHECK_MESSAGE(at(now_ms + 20'000), "one clock may be ahead, and the other one behind");
  CHECK_FALSE(at(now_ms + 20'001));
  CHECK_FALSE(at(0));
  CHECK_FALSE(at(INT64_MAX));
}

TEST_CASE("fields that a later version adds are skipped") {
  CHECK(*decode_shard_record(with(shard_text, R"({"epoch")", R"({"new":[{}],"epoch")")) == a_shard());
  CHECK(*decode_shard_record(with(shard_text, R"({"version")", R"({"new":1,"version")")) == a_shard());
  CHECK(*decode_shard_record(with(shard_text, R"({"id")", R"({"new":null,"id")")) == a_shard());
  CHECK(*decode_node_record(with(node_text, R"({"name")", R"({"new":"x","name")")) == a_node());
  CHECK(*decode_cluster_meta(with(meta_text, R"({"cl)", R"({"new":0.5,"cl)")) == a_meta());
}

TEST_CASE("whatever is wrong in a shard's record is refused by the field's name") {
  const auto no = [](std::string_view what, std::string_view by, std::string_view field) {
    refuses(decode_shard_record, with(shard_text, what, by), field);
  };
  no(R"("epoch":7)", R"("epoch":"7")", "epoch is no whole number");
  no(R"("epoch":7)", R"("epoch":-7)", "epoch is no whole number");
  no(R"("epoch":7)", R"("epoch":7.5)", "epoch is no whole number");
  no(R"("epoch":7)", R"("epoch":4611686018427387905)", "epoch is too large");
  no(R"("epoch":7)", R"("epoch":18446744073709551615)", "epoch is too large");
  no(R"("epoch":7)", R"("epoch":1e300)", "epoch is no whole number");
  no(R"("epoch":7,)", "", "epoch is missing");
  no(R"("owner":{"id":"00000000000000ab")", R"("owner":{"id":"0000000000000000")", "owner.id is 0");
  no(R"("owner":{"id":"00000000000000ab")", R"("owner":{"id":"00000000000000AB")", "owner.id is not 16");
  no(R"("owner":{"id":"00000000000000ab")", R"("owner":{"id":"ab")", "owner.id is not 16");
  no(R"("owner":{"id":"00000000000000ab")", R"("owner":{"id":171)", "owner.id is no string");
  no(R"("owner":{"id":"00000000000000ab","node":"node-a"})", R"("owner":3)", "owner is no object");
  no(R"("owner":{"id":"00000000000000ab","node":"node-a"},)", "", "owner is missing");
  no(R"("node":"node-a"},"nonce")", R"("node":""},"nonce")", "owner.node is no name");
  no(R"("nonce":"fedcba9876543210")", R"("nonce":"fedcba987654321g")", "nonce is not 16");
  no(R"("version":3)", R"("version":4611686018427387905)", "config.version is too large");
  no(R"("version":3,)", "", "config.version is missing");
  no(R"("id":"0000000000000002")", R"("id":"00000000000000ab")", "config.members names 00000000000000ab twice");
  no(R"("id":"0000000000000002")", R"("id":"0000000000000000")", "config.members.id is 0");
  no(R"("node":"node-b")", R"("node":"Node-b")", "config.members.node is no name");
  no(R"({"id":"0000000000000002","node":"node-b"})", "2", "config.members holds what is no object");
  no(R"("members":[)", R"("members":{"a":[)", "no JSON");
  refuses(decode_shard_record, R"({"epoch":1,"owner":null,"nonce":"0000000000000000","config":7})", "config is no");
  refuses(decode_shard_record,
          R"({"epoch":1,"owner":null,"nonce":"0000000000000000","config":{"version":1,"members":{}}})",
          "config.members is no array");
  refuses(decode_shard_record, "", "no JSON");
  refuses(decode_shard_record, "[]", "no object");
  refuses(decode_shard_record, std::string(100, '['), "no JSON");
  refuses(decode_shard_record, std::string(record_bytes_max + 1, ' '), "larger than 64 KiB");
  auto many = std::string{R"("members":[)"};
  for (auto i = 0; i < 10; ++i)
    many += std::string{i == 0 ? "" : ","} + R"({"id":"000000000000000)" + std::to_string(i) + R"(","node":"n"})";
  refuses(decode_shard_record,
          R"({"epoch":1,"owner":null,"nonce":"0000000000000000","config":{"version":1,)" + many + "]}}", "more than 9");
}

TEST_CASE("no part of a record is one") {
  for (const auto* text : {shard_text, node_text, meta_text})
    for (auto size = std::size_t{0}; size < std::string_view{text}.size(); ++size) {
      const auto part = std::string_view{text}.substr(0, size);
      CHECK(!decode_shard_record(part));
      CHECK(!decode_node_record(part));
      CHECK(!decode_cluster_meta(part));
    }
}

TEST_CASE("whatever is wrong in a node's record is refused by the field's name") {
  const auto no = [](std::string_view what, std::string_view by, std::string_view field) {
    refuses(decode_node_record, with(node_text, what, by), field);
  };
  no("node-a", "", "name is no name");
  no("node-a", "node_a", "name is no name");
  no("node-a", std::string(65, 'a'), "name is no name");
  no(R"("name":"node-a")", R"("name":null)", "name is no string");
  no("0000000000000005", "5", "incarnation is not 16");
  no("ffffffffffffffff", "0000000000000000", "member is 0");
  for (const auto* address :
       {"", "host", ":80", "host:0", "host:65536", "host:", "a b:80", "fe80::1:80", "[]:80", "host:+80"})
    no("10.0.0.1:4100", address, "peer is no address");
  no("[fe80::1]:8080", std::string(300, 'h') + ":80", "http is no address");
  no(R"("wire":1)", R"("wire":0)", "wire is 0");
  no(R"("wire":1)", R"("wire":4294967296)", "wire is too large");
  no("0.18.7", "", "caf is no version");
  no(R"("octavo":"0.1.0")", R"("octavo":"0 1")", "octavo is no version");
  no("1764000000123", "-1", "started_ms is no whole number");
  no("1764000000123", "9223372036854775808", "started_ms is too large");
  no("true", "1", "draining is neither");
  no("2.5E-1", "-1", "load is no number from 0");
  no("2.5E-1", "\"1\"", "load is no number");
  no(R"(,"load":2.5E-1)", "", "load is missing");
}

TEST_CASE("whatever is wrong in the cluster's record is refused by the field's name") {
  const auto no = [](std::string_view what, std::string_view by, std::string_view field) {
    refuses(decode_cluster_meta, with(meta_text, what, by), field);
  };
  no("0123456789abcdef0", "0123456789abcdef", "cluster_id is not 32");
  no("0123456789abcdef0", "0123456789ABCDEF0", "cluster_id is not 32");
  no("1024", "0", "shards is not");
  no("1024", "65537", "shards is not");
  no(R"("replicas":3)", R"("replicas":0)", "replicas is not");
  no(R"("replicas":3)", R"("replicas":10)", "replicas is not");
  no(R"("format":1)", R"("format":0)", "format is 0");
  no(R"("format":1)", R"("format":1,"founders":1)", "founders is no array");
  no(R"("format":1)", R"("format":1,"founders":[1])", "founders holds what is no object");
  no(R"("format":1)", R"("format":1,"founders":[{"id":"0000000000000000","node":"a"}])", "founders.id is 0");
  refuses(decode_cluster_meta, with(founded_text, "0000000000000002", "00000000000000ab"),
          "founders names 00000000000000ab twice");
}

TEST_CASE("what would be refused when it is read is not written") {
  auto shard = a_shard();
  shard.config.members[1].id = 0xab;
  CHECK(encode(shard).error().code == errc::invalid_argument);
  shard = a_shard();
  shard.epoch = record_high_count_max + 1;
  CHECK(!encode(shard));
  shard = a_shard();
  shard.config.version = record_high_count_max + 1;
  CHECK(!encode(shard));
  shard = a_shard();
  shard.owner.id = 0;
  CHECK(!encode(shard));
  auto node = a_node();
  node.load = std::numeric_limits<double>::infinity();
  CHECK(!encode(node));
  node = a_node();
  node.started_unix_ms = -1;
  CHECK(!encode(node));
  auto meta = a_meta();
  meta.cluster_id = "short";
  CHECK(!encode(meta));
}

TEST_CASE("keys say what they stand for, and sort as their numbers do") {
  CHECK(node_key("octavo/", "node-a") == "octavo/node/node-a");
  CHECK(shard_key("octavo/", 7) == "octavo/shard/00007");
  CHECK(shard_key("", 65535) == "shard/65535");
  CHECK(meta_key("octavo/") == "octavo/meta");
  CHECK(shard_key("", 9) < shard_key("", 10));
  CHECK(*parse_node_key("octavo/", "octavo/node/node-a") == "node-a");
  CHECK(*parse_shard_key("octavo/", "octavo/shard/00007") == 7);
  for (const auto* key :
       {"", "octavo/node/", "octavo/node/A", "other/node/node-a", "octavo/shard/00007", "octavo/meta"})
    CHECK(parse_node_key("octavo/", key).error().code == errc::malformed);
  for (const auto* key : {"octavo/shard/7", "octavo/shard/", "octavo/shard/65536", "octavo/shard/-0007",
                          "octavo/shard/000007", "octavo/shard/0000a", "octavo/node/00007"})
    CHECK(parse_shard_key("octavo/", key).error().code == errc::malformed);
}

TEST_CASE("a status tells whose question it answers, and stays what it was") {
  const auto word = random_hex(look_digits);
  CHECK(is_look(word));
  CHECK_FALSE(is_look("\",\"served\":9"));
  CHECK_FALSE(is_look(word + "0"));
  const auto marked = with_look(R"({"served":3})", word);
  CHECK(marked == R"({"look":")" + word + R"(","served":3})");
  CHECK(has_look(marked, word));
  CHECK_FALSE(has_look(marked, random_hex(look_digits)));
  CHECK(with_look("{}", word) == R"({"look":")" + word + R"("})");
}
