#include "cluster/etcd_codec.hpp"

#include <doctest/doctest.h>

using namespace octavo;
using namespace octavo::cluster;

namespace {

const auto header = std::string{R"("header":{"cluster_id":"18446744073709551615","revision":"4"})"};

std::string object(const std::string& rest) {
  return '{' + header + (rest.empty() ? "" : ",") + rest + '}';
}

/// "a" = "b".
const auto one_kv = std::string{R"({"key":"YQ==","mod_revision":"3","value":"Yg=="})"};

const auto key_a = etcd::page_request{"a", {}, 0, 1};
const auto prefix_a = etcd::page_request{"a", "b", 0, 2};

template <class Answer>
void is_malformed(const result<Answer>& read, std::string_view what) {
  CAPTURE(what);
  REQUIRE(!read);
  CHECK(read.error().code == errc::malformed);
  CAPTURE(read.error().message);
  CHECK(read.error().message.find(what) != std::string::npos);
}

}  // namespace

TEST_CASE("base64 holds every byte, and is read in its one form alone") {
  auto all = std::string{};
  for (auto i = 0; i < 256; ++i) {
    CHECK(etcd::from_base64(etcd::to_base64(all)) == all);
    all += static_cast<char>(i);
  }
  CHECK(etcd::to_base64("") == "");
  CHECK(etcd::to_base64("a") == "YQ==");
  CHECK(etcd::to_base64("ab") == "YWI=");
  CHECK(etcd::to_base64("abc") == "YWJj");
  for (const auto* text :
       {"Y", "YQ", "YQ=", "YR==", "YWJ=", "Y===", "====", "=", "YQ==YQ==", "Y Q=", "YQ_=", "YQ\xff="})
    CHECK(!etcd::from_base64(text));
}

TEST_CASE("a prefix ends before the first key that is behind all of its own") {
  CHECK(etcd::end_of_prefix("a") == "b");
  CHECK(etcd::end_of_prefix("a\xff\xff") == "b");
  CHECK(etcd::end_of_prefix("") == std::string(1, '\0'));
  CHECK(etcd::end_of_prefix("\xff") == std::string(1, '\0'));
}

TEST_CASE("requests are written as etcd's gateway reads them") {
  CHECK(etcd::write(key_a) == R"({"key":"YQ==","limit":"1"})");
  CHECK(etcd::write(etcd::page_request{"a", "b", 7, 1000}) ==
        R"({"key":"YQ==","limit":"1000","range_end":"Yg==","revision":"7"})");
  CHECK(etcd::write(etcd_txn{"a", "b", "c", 0}) ==
        R"({"compare":[{"key":"YQ==","result":"EQUAL","target":"VALUE","value":"Yg=="}],)"
        R"("success":[{"request_put":{"key":"YQ==","value":"Yw=="}}],"failure":[{"request_range":{"key":"YQ=="}}]})");
  CHECK(etcd::write(etcd_txn{"a", {}, "c", 9}) ==
        R"({"compare":[{"key":"YQ==","result":"EQUAL","target":"CREATE","create_revision":"0"}],)"
        R"("success":[{"request_put":{"key":"YQ==","value":"Yw==","lease":"9"}}],)"
        R"("failure":[{"request_range":{"key":"YQ=="}}]})");
  CHECK(etcd::write(etcd_txn{"a", "b", {}, 0}) ==
        R"({"compare":[{"key":"YQ==","result":"EQUAL","target":"VALUE","value":"Yg=="}],)"
        R"("success":[{"request_delete_range":{"key":"YQ=="}}],"failure":[{"request_range":{"key":"YQ=="}}]})");
  CHECK(etcd::write_grant(3) == R"({"TTL":"3"})");
  CHECK(etcd::write_lease(7) == R"({"ID":"7"})");
  CHECK(etcd::write_watch("a", 5) == R"({"create_request":{"key":"YQ==","range_end":"Yg==","start_revision":"5"}})");
}

TEST_CASE("a range is read with its revision and its cluster") {
  auto read = etcd::read_page(object(R"("kvs":[)" + one_kv + R"(],"count":"1")"), key_a);
  REQUIRE(read);
  CHECK(read->answer.kvs == std::vector<etcd_key_value>{{"a", "b", 3, 0}});
  CHECK(read->answer.revision == 4);
  CHECK(read->answer.cluster_id == 18446744073709551615U);
  CHECK(!read->more);
  CHECK(etcd::read_page(object(""), key_a)->answer.kvs.empty());
}

TEST_CASE("an answer to a range that is nonsense is refused") {
  const auto no = [](const std::string& body, std::string_view what) {
    is_malformed(etcd::read_page(body, prefix_a), what);
  };
  no("", "no JSON");
  no("{", "no JSON");
  no("[]", "no object");
  no("{}", "header is missing");
  no(R"({"header":1})", "header is no object");
  no(R"({"header":{"cluster_id":"1"}})", "revision is missing");
  no(R"({"header":{"revision":"1"}})", "cluster_id is missing");
  no(R"({"header":{"cluster_id":"1","revision":4}})", "revision is no number in a string");
  no(R"({"header":{"cluster_id":"1","revision":"-4"}})", "revision is negative");
  no(R"({"header":{"cluster_id":"1","revision":"4x"}})", "revision is no number");
  no(R"({"header":{"cluster_id":"1","revision":""}})", "revision is no number");
  no(R"({"header":{"cluster_id":"1","revision":"9223372036854775808"}})", "revision is no number");
  no(R"({"header":{"cluster_id":"-1","revision":"4"}})", "cluster_id is no number");
  no(object(R"("kvs":{})"), "kvs is no array");
  no(object(R"("kvs":[1])"), "kvs holds what is no object");
  no(object(R"("kvs":[{}])"), "key is missing");
  no(object(R"("kvs":[{"key":"YQ=="}])"), "mod_revision is missing");
  no(object(R"("kvs":[{"key":"Y","mod_revision":"3"}])"), "key is no base64");
  no(object(R"("kvs":[{"key":1,"mod_revision":"3"}])"), "key is no base64");
  no(object(R"("kvs":[{"key":"YQ==","mod_revision":"3","value":"?"}])"), "value is no base64");
  no(object(R"("kvs":[{"key":"YQ==","mod_revision":"3","lease":"-1"}])"), "lease is negative");
  no(object(R"("kvs":[{"key":"Yg==","mod_revision":"3"}])"), "not asked for");
  no(object(R"("kvs":[)" + one_kv + ',' + one_kv + ']'), "does not ascend");
  no(object(R"("kvs":[)" + one_kv + ',' + one_kv + ',' + one_kv + ']'), "more than were asked for");
  no(object(R"("more":true)"), "more is true for no reason");
  no(object(R"("more":1)"), "more is neither");
  no(std::string(10000, '['), "no JSON");
}

TEST_CASE("a transaction was done, or refused with what stands there") {
  const auto txn = etcd_txn{"a", "x", "y", 0};
  auto done = etcd::read_txn(object(R"("succeeded":true,"responses":[{"response_put":{}}])"), txn);
  REQUIRE(done);
  CHECK(done->outcome == txn_outcome::done);
  CHECK(done->revision == 4);
  auto refused = etcd::read_txn(object(R"("responses":[{"response_range":{"kvs":[)" + one_kv + "]}}]"), txn);
  REQUIRE(refused);
  CHECK(refused->outcome == txn_outcome::refused);
  CHECK(refused->current == "b");
  refused = etcd::read_txn(object(R"("succeeded":false,"responses":[{"response_range":{}}])"), txn);
  REQUIRE(refused);
  CHECK(!refused->current);
}

TEST_CASE("an answer to a transaction that is nonsense is refused") {
  const auto txn = etcd_txn{"a", "x", "y", 0};
  const auto no = [&](const std::string& body, std::string_view what) {
    is_malformed(etcd::read_txn(body, txn), what);
  };
  no("{}", "header is missing");
  no(object(""), "responses is not one object");
  no(object(R"("succeeded":true)"), "responses is not one object");
  no(object(R"("succeeded":"true","responses":[{"response_put":{}}])"), "succeeded is neither");
  no(object(R"("succeeded":true,"responses":[{"response_range":{}}])"), "response_put is missing");
  no(object(R"("succeeded":true,"responses":[{"response_put":1}])"), "response_put is no object");
  no(object(R"("responses":[{"response_put":{}}])"), "response_range is missing");
  no(object(R"("responses":[{"response_range":{}},{}])"), "responses is not one object");
  no(object(R"("responses":[{"response_range":{"kvs":[{"key":"Yg==","mod_revision":"3"}]}}])"),
     "kvs is not the one key");
  no(object(R"("responses":[{"response_range":{"kvs":[)" + one_kv + ',' + one_kv + "]}}]"), "kvs is not the one key");
  no(object(R"("responses":[{"response_range":{"kvs":1}}])"), "kvs is no array");
}

TEST_CASE("leases are read, and what is none is refused") {
  CHECK(etcd::read_grant(object(R"("ID":"7","TTL":"2")"))->id == 7);
  CHECK(etcd::read_grant(object(R"("ID":"7","TTL":"2")"))->ttl_s == 2);
  is_malformed(etcd::read_grant(object(R"("TTL":"2")")), "ID is missing");
  is_malformed(etcd::read_grant(object(R"("ID":"-7","TTL":"2")")), "ID is negative");
  is_malformed(etcd::read_grant(object(R"("ID":"7")")), "TTL is missing");
  CHECK(*etcd::read_keep_alive(R"({"result":)" + object(R"("ID":"7","TTL":"2")") + "}\n", 7) == 2);
  CHECK(etcd::read_keep_alive(R"({"result":)" + object(R"("ID":"7")") + '}', 7).error().code == errc::not_found);
  is_malformed(etcd::read_keep_alive(R"({"result":)" + object(R"("ID":"8","TTL":"2")") + '}', 7),
               "ID is not the lease's");
  is_malformed(etcd::read_keep_alive("{}", 7), "result is missing");
  CHECK(etcd::read_keep_alive(R"({"error":{"grpc_code":14,"message":"no leader"}})", 7).error().code ==
        errc::unavailable);
  CHECK(etcd::read_revoke(object("")));
  is_malformed(etcd::read_revoke("{}"), "header is missing");
}

TEST_CASE("a message of a watch tells events, or the watch's begin or end") {
  const auto in_result = [](const std::string& rest) { return R"({"result":)" + object(rest) + '}'; };
  auto read = etcd::read_watch(in_result(R"("created":true)"), "a", 1);
  REQUIRE(read);
  CHECK(read->created);
  read = etcd::read_watch(
      in_result(R"("events":[{"kv":)" + one_kv + R"(},{"type":"DELETE","kv":{"key":"YWI=","mod_revision":"4"}}])"), "a",
      3);
  REQUIRE(read);
  CHECK(read->events == std::vector<etcd_event>{{etcd_event::kind_type::put, {"a", "b", 3, 0}},
                                                {etcd_event::kind_type::deleted, {"ab", "", 4, 0}}});
  read = etcd::read_watch(R"({"result":{"header":{"cluster_id":"1"},"canceled":true,"compact_revision":"3"}})", "a", 1);
  REQUIRE((read && read->end));
  CHECK(read->end->reason == etcd_watch_end::reason_type::compacted);
  CHECK(read->end->compact_revision == 3);
  read = etcd::read_watch(in_result(R"("canceled":true,"cancel_reason":"tired")"), "a", 1);
  REQUIRE((read && read->end));
  CHECK(read->end->reason == etcd_watch_end::reason_type::canceled);
  CHECK(read->end->what.message.find("tired") != std::string::npos);
  read = etcd::read_watch(R"({"error":{"grpc_code":14,"http_code":503,"message":"no leader"}})", "a", 1);
  REQUIRE((read && read->end));
  CHECK(read->end->reason == etcd_watch_end::reason_type::canceled);
}

TEST_CASE("a message of a watch that is nonsense is refused") {
  const auto no = [](const std::string& rest, std::string_view what) {
    is_malformed(etcd::read_watch(R"({"result":)" + object(rest) + '}', "a", 3), what);
  };
  is_malformed(etcd::read_watch("{}", "a", 3), "result is missing");
  is_malformed(etcd::read_watch("nothing", "a", 3), "no JSON");
  no(R"("events":1)", "events is no array");
  no(R"("events":[1])", "events holds what is no object");
  no(R"("events":[{}])", "kv is missing");
  no(R"("events":[{"type":"POST","kv":)" + one_kv + "}]", "type is neither");
  no(R"("events":[{"type":1,"kv":)" + one_kv + "}]", "type is neither");
  no(R"("events":[{"kv":{"key":"Yg==","mod_revision":"3"}}])", "key is not watched");
  no(R"("events":[{"kv":{"key":"YQ==","mod_revision":"2"}}])", "mod_revision goes backwards");
  no(R"("compact_revision":"-1")", "compact_revision is negative");
  no(R"("created":"yes")", "created is neither");
}

TEST_CASE("only what etcd refuses before it begins is known not to be done") {
  auto read = etcd::read_refusal(404, R"({"error":"lease not found","message":"lease not found","code":5})");
  CHECK(read.not_executed);
  CHECK(read.what.code == errc::not_found);
  CHECK(etcd::read_refusal(400, R"({"error":"bad","code":3})").not_executed);
  CHECK(etcd::read_refusal(401, R"({"error":"who","code":16})").what.code == errc::unauthenticated);
  CHECK(etcd::read_refusal(403, R"({"error":"no","code":7})").what.code == errc::forbidden);
  CHECK(!etcd::read_refusal(503, R"({"error":"timed out","code":14})").not_executed);
  CHECK(!etcd::read_refusal(429, R"({"error":"etcdserver: mvcc: database space exceeded","code":8})").not_executed);
  CHECK(!etcd::read_refusal(408, R"({"error":"deadline","code":4})").not_executed);
  CHECK(!etcd::read_refusal(500, R"({"error":"bad","code":3})").not_executed);
  for (const auto* body : {"", "Not Found", "[]", "{}", R"({"error":1,"code":5})", R"({"error":"x","code":"5"})"})
    CHECK(!etcd::read_refusal(404, body).not_executed);
}

TEST_CASE("a URL of etcd names its endpoints") {
  auto read = parse_etcd_url("etcd://10.0.0.1:2379");
  REQUIRE(read);
  CHECK(*read == std::vector<host_port>{{"10.0.0.1", 2379}});
  read = parse_etcd_url("etcd://a.example:1,[::1]:65535,b-2:3");
  REQUIRE(read);
  CHECK(*read == std::vector<host_port>{{"a.example", 1}, {"::1", 65535}, {"b-2", 3}});
}

TEST_CASE("a URL that names no endpoints is refused by what is wrong in it") {
  const auto no = [](const std::string& url, std::string_view what) {
    CAPTURE(url);
    auto read = parse_etcd_url(url);
    REQUIRE(!read);
    CHECK(read.error().code == errc::invalid_argument);
    CAPTURE(read.error().message);
    CHECK(read.error().message.find(what) != std::string::npos);
  };
  no("", "does not begin with etcd://");
  no("http://a:1", "does not begin with etcd://");
  no("etcd://", "HOST:PORT is needed");
  no("etcd://a", "HOST:PORT is needed");
  no("etcd://a:1,", "HOST:PORT is needed");
  no("etcd://,a:1", "HOST:PORT is needed");
  no("etcd://a:", "no number from 1");
  no("etcd://a:0", "no number from 1");
  no("etcd://a:65536", "no number from 1");
  no("etcd://a:1/", "no number from 1");
  no("etcd://:1", "no name and no address");
  no("etcd://user@a:1", "no name and no address");
  no("etcd://::1:2379", "goes in brackets");
  no("etcd://[::1:2379", "closing bracket");
  no("etcd://[::1]2379", "HOST:PORT is needed");
  no("etcd://[]:1", "no name and no address");
  no("etcd://a:1,a:1", "named twice");
  auto many = std::string{"etcd://h0:1"};
  for (auto i = 1; i <= 16; ++i) many += ",h" + std::to_string(i) + ":1";
  no(many, "more than 16");
}

TEST_CASE("the time that etcd tells is read, and compared with ours to the second") {
  CHECK(etcd::read_date("Fri, 27 Nov 2026 10:12:06 GMT") == 1'795'774'326'000);
  for (const auto* bad : {"", "Fri, 27 Nov 2026", "27 Nov 2026 10:12:06 GMT", "Fri, 27 Nov 2026 10:12:06 GMT!", "now"})
    CHECK_FALSE(etcd::read_date(bad));
  CHECK(etcd::clock_ahead_ms(5'000, 5'000) == 0);
  CHECK(etcd::clock_ahead_ms(5'999, 5'000) == 0);
  CHECK(etcd::clock_ahead_ms(16'500, 5'000) == 10'500);
  CHECK(etcd::clock_ahead_ms(1'000, 5'000) == -4'000);
}
