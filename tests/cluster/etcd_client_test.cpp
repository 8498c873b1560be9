#include "cluster/etcd_client.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <boost/asio/read.hpp>
#include <future>
#include <mutex>
#include <thread>

#include "tests/cluster/support/etcd_process.hpp"
#include "tests/cluster/support/false_etcd.hpp"
#include "tests/support/eventually.hpp"

using namespace octavo;
using namespace octavo::cluster;
using test::etcd_process;
using test::eventually;
using test::false_etcd;

namespace {

using reason = etcd_watch_end::reason_type;

/// Long enough for any machine where an answer is expected, short where none will come.
constexpr auto generous_ms = 30'000U;
constexpr auto short_ms = 200U;

etcd_options options_for(std::vector<host_port> endpoints, std::uint32_t timeout_ms = generous_ms) {
  auto options = etcd_options{};
  options.endpoints = std::move(endpoints);
  options.request_timeout_ms = timeout_ms;
  return options;
}

/// An answer that will be there, and how often its callback was called.
template <class Answer>
class awaited {
 public:
  etcd_client::callback<Answer> callback() {
    return [state = state_](result<Answer> answer) {
      auto lock = std::lock_guard{state->mutex};
      ++state->calls;
      state->answer = std::move(answer);
    };
  }
  result<Answer> get() const {
    REQUIRE(eventually([this] { return calls() != 0; }, test::patience * 2));
    auto lock = std::lock_guard{state_->mutex};
    return *state_->answer;
  }
  int calls() const {
    auto lock = std::lock_guard{state_->mutex};
    return state_->calls;
  }

 private:
  struct state {
    std::mutex mutex;
    int calls = 0;
    std::optional<result<Answer>> answer;
  };
  std::shared_ptr<state> state_ = std::make_shared<state>();
};

result<etcd_txn_answer> txn(etcd_client& client, etcd_txn what) {
  auto answer = awaited<etcd_txn_answer>{};
  client.txn(std::move(what), answer.callback());
  return answer.get();
}

txn_outcome outcome(etcd_client& client, etcd_txn what) {
  auto answer = txn(client, std::move(what));
  if (!answer) FAIL(answer.error().message);
  return answer->outcome;
}

result<etcd_range_answer> range(etcd_client& client, const std::string& key) {
  auto answer = awaited<etcd_range_answer>{};
  client.range(key, answer.callback());
  return answer.get();
}

result<etcd_range_answer> range_prefix(etcd_client& client, const std::string& prefix) {
  auto answer = awaited<etcd_range_answer>{};
  client.range_prefix(prefix, answer.callback());
  return answer.get();
}

std::optional<std::string> value_of(etcd_client& client, const std::string& key) {
  auto answer = range(client, key);
  if (!answer) FAIL(answer.error().message);
  if (answer->kvs.empty()) return std::nullopt;
  return answer->kvs.front().value;
}

result<etcd_lease> grant(etcd_client& client, std::int64_t ttl_s) {
  auto answer = awaited<etcd_lease>{};
  client.grant_lease(ttl_s, answer.callback());
  return answer.get();
}

result<std::int64_t> keep_alive(etcd_client& client, std::int64_t lease) {
  auto answer = awaited<std::int64_t>{};
  client.keep_alive_once(lease, answer.callback());
  return answer.get();
}

result<void> revoke(etcd_client& client, std::int64_t lease) {
  auto answer = awaited<void>{};
  client.revoke_lease(lease, answer.callback());
  return answer.get();
}

/// What a watch has told.
class seen {
 public:
  etcd_client::events_callback on_events() {
    return [state = state_](const std::vector<etcd_event>& events) {
      auto lock = std::lock_guard{state->mutex};
      for (const auto& one : events)
        state->told.push_back(one.kv.key + (one.kind == etcd_event::kind_type::put ? '=' + one.kv.value : " gone"));
    };
  }
  etcd_client::broken_callback on_broken() {
    return [state = state_](etcd_watch_end end) {
      auto lock = std::lock_guard{state->mutex};
      state->ends.push_back(std::move(end));
    };
  }
  std::vector<std::string> told() const {
    auto lock = std::lock_guard{state_->mutex};
    return state_->told;
  }
  std::size_t ends() const {
    auto lock = std::lock_guard{state_->mutex};
    return state_->ends.size();
  }
  etcd_watch_end end() const {
    REQUIRE(eventually([this] { return ends() != 0; }, test::patience * 2));
    auto lock = std::lock_guard{state_->mutex};
    return state_->ends.front();
  }

 private:
  struct state {
    std::mutex mutex;
    std::vector<std::string> told;
    std::vector<etcd_watch_end> ends;
  };
  std::shared_ptr<state> state_ = std::make_shared<state>();
};

/// What the client does not ask for.
void compact(const host_port& where, std::int64_t revision) {
  auto context = boost::asio::io_context{};
  auto socket = boost::asio::ip::tcp::socket{context};
  socket.connect({boost::asio::ip::make_address(where.host), where.port});
  const auto body = R"({"revision":")" + std::to_string(revision) + R"("})";
  false_etcd::send(socket, "POST /v3/kv/compaction HTTP/1.1\r\nHost: etcd\r\nConnection: close\r\nContent-Length: " +
                               std::to_string(body.size()) + "\r\n\r\n" + body);
  auto answer = std::string{};
  auto failed = boost::system::error_code{};
  boost::asio::read(socket, boost::asio::dynamic_buffer(answer), failed);
  REQUIRE(answer.starts_with("HTTP/1.1 200"));
}

const auto header = std::string{R"("header":{"cluster_id":"1","revision":"4"})"};
const auto empty_range = '{' + header + '}';
const auto txn_done = '{' + header + R"(,"succeeded":true,"responses":[{"response_put":{}}]})";

std::string chunk(const std::string& data) {
  auto size = std::string(16, '\0');
  size.resize(static_cast<std::size_t>(std::snprintf(size.data(), size.size(), "%zx\r\n", data.size())));
  return size + data + "\r\n";
}
const auto stream_begins = std::string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"};
const auto watch_begins = R"({"result":{)" + header + R"(,"created":true}})" + '\n';

/// One that answers everything with this.
false_etcd::script always(std::string data) {
  return [data = std::move(data)](auto& socket, const auto& /*target*/, const auto& /*body*/) {
    return false_etcd::send(socket, data);
  };
}
/// One that answers everything with this, and hangs up.
false_etcd::script once(std::string data) {
  return [data = std::move(data)](auto& socket, const auto& /*target*/, const auto& /*body*/) {
    false_etcd::send(socket, data);
    return false;
  };
}
const auto hangs = false_etcd::script{
    [](auto& socket, const auto& /*target*/, const auto& /*body*/) { return false_etcd::hang(socket); }};

}  // namespace

// --- with etcd ---

TEST_CASE("a transaction is done where what it expects stands, and refused with what stands there elsewhere") {
  auto etcd = etcd_process{};
  auto client = etcd_client{options_for({etcd.endpoint()})};
  auto answer = txn(client, {"k", {}, "one", 0});
  REQUIRE(answer);
  CHECK(answer->outcome == txn_outcome::done);
  const auto revision = answer->revision;
  answer = txn(client, {"k", {}, "two", 0});
  REQUIRE(answer);
  CHECK(answer->outcome == txn_outcome::refused);
  CHECK(answer->current == "one");
  CHECK(answer->revision == revision);
  CHECK(outcome(client, {"k", "one", "two", 0}) == txn_outcome::done);
  CHECK(value_of(client, "k") == "two");
  answer = txn(client, {"k", "one", {}, 0});
  REQUIRE(answer);
  CHECK(answer->outcome == txn_outcome::refused);
  CHECK(answer->current == "two");
  CHECK(outcome(client, {"k", "two", {}, 0}) == txn_outcome::done);
  CHECK(!value_of(client, "k"));
  answer = txn(client, {"k", "two", "three", 0});
  REQUIRE(answer);
  CHECK(answer->outcome == txn_outcome::refused);
  CHECK(!answer->current);
  CHECK(txn(client, {"", {}, "x", 0}).error().code == errc::invalid_argument);
  CHECK(txn(client, {"k", {}, {}, 0}).error().code == errc::invalid_argument);
}

TEST_CASE("keys and values are any bytes, and an empty value is one") {
  auto etcd = etcd_process{};
  auto client = etcd_client{options_for({etcd.endpoint()})};
  auto all = std::string{};
  for (auto i = 0; i < 256; ++i) all += static_cast<char>(i);
  CHECK(outcome(client, {all, {}, all, 0}) == txn_outcome::done);
  CHECK(value_of(client, all) == all);
  CHECK(outcome(client, {all, all, "", 0}) == txn_outcome::done);
  CHECK(value_of(client, all) == "");
  CHECK(outcome(client, {all, {}, "x", 0}) == txn_outcome::refused);
  CHECK(outcome(client, {all, "", "x", 0}) == txn_outcome::done);
  CHECK(txn(client, {all, all, "", 0})->current == "x");
}

TEST_CASE("a prefix is read page by page, as of one revision") {
  auto etcd = etcd_process{};
  auto options = options_for({etcd.endpoint()});
  options.page_keys_max = 3;
  auto client = etcd_client{options};
  const auto before = range_prefix(client, "k/");
  REQUIRE(before);
  CHECK(before->kvs.empty());
  CHECK(before->cluster_id != 0);
  auto last = std::int64_t{0};
  for (auto i = 0; i < 10; ++i) last = txn(client, {"k/" + std::to_string(i), {}, std::to_string(i), 0})->revision;
  CHECK(outcome(client, {"k0", {}, "behind", 0}) == txn_outcome::done);
  CHECK(outcome(client, {"k", {}, "before", 0}) == txn_outcome::done);
  auto read = range_prefix(client, "k/");
  REQUIRE(read);
  CHECK(read->cluster_id == before->cluster_id);
  CHECK(read->revision == last + 2);
  REQUIRE(read->kvs.size() == 10);
  for (auto i = 0; i < 10; ++i) {
    CHECK(read->kvs[static_cast<std::size_t>(i)].key == "k/" + std::to_string(i));
    CHECK(read->kvs[static_cast<std::size_t>(i)].value == std::to_string(i));
  }
  CHECK(read->kvs.back().mod_revision == last);
  CHECK(range_prefix(client, "")->kvs.size() == 12);
  // Exactly full pages.
  CHECK(range_prefix(client, "k")->kvs.size() == 12);
}

TEST_CASE("a key goes with its lease, which is kept alive, expires or is revoked") {
  auto etcd = etcd_process{};
  auto client = etcd_client{options_for({etcd.endpoint()})};
  auto revoked = grant(client, 600);
  REQUIRE(revoked);
  CHECK(revoked->ttl_s == 600);
  CHECK(outcome(client, {"revoked", {}, "x", revoked->id}) == txn_outcome::done);
  CHECK(range(client, "revoked")->kvs.front().lease == revoked->id);
  CHECK(*keep_alive(client, revoked->id) == 600);
  CHECK(revoke(client, revoked->id));
  CHECK(!value_of(client, "revoked"));
  CHECK(revoke(client, revoked->id).error().code == errc::not_found);
  CHECK(keep_alive(client, revoked->id).error().code == errc::not_found);
  auto expiring = grant(client, 5);
  REQUIRE(expiring);
  CHECK(expiring->ttl_s >= 5);
  CHECK(outcome(client, {"expiring", {}, "x", expiring->id}) == txn_outcome::done);
  CHECK(eventually([&] { return !value_of(client, "expiring"); }));
  CHECK(keep_alive(client, expiring->id).error().code == errc::not_found);
  // Certainly not done, and so an error.
  CHECK(txn(client, {"late", {}, "x", expiring->id}).error().code == errc::not_found);
  CHECK(!value_of(client, "late"));
}

TEST_CASE("a watch tells puts and deletes in their order, from the revision that it was asked for") {
  auto etcd = etcd_process{};
  auto client = etcd_client{options_for({etcd.endpoint()})};
  CHECK(outcome(client, {"w/a", {}, "0", 0}) == txn_outcome::done);
  const auto from = range_prefix(client, "w/")->revision + 1;
  CHECK(outcome(client, {"w/a", "0", "1", 0}) == txn_outcome::done);
  auto watch = seen{};
  const auto id = client.watch("w/", from, watch.on_events(), watch.on_broken());
  CHECK(outcome(client, {"x", {}, "not watched", 0}) == txn_outcome::done);
  CHECK(outcome(client, {"w/a", "1", {}, 0}) == txn_outcome::done);
  auto expected = std::vector<std::string>{"w/a=1", "w/a gone"};
  for (auto i = 0; i < 50; ++i) {
    CHECK(outcome(client, {"w/" + std::to_string(i), {}, std::string(1000, 'x'), 0}) == txn_outcome::done);
    expected.push_back("w/" + std::to_string(i) + '=' + std::string(1000, 'x'));
  }
  CHECK(eventually([&] { return watch.told().size() >= expected.size(); }));
  CHECK(watch.told() == expected);
  CHECK(watch.ends() == 0);
  client.cancel_watch(id);
  CHECK(watch.end().reason == reason::closed);
  client.cancel_watch(id);
  CHECK(value_of(client, "w/0"));
  CHECK(watch.ends() == 1);
}

TEST_CASE("a watch from before what is kept is broken, and says from where it may begin") {
  auto etcd = etcd_process{};
  auto client = etcd_client{options_for({etcd.endpoint()})};
  const auto first = txn(client, {"w", {}, "1", 0})->revision;
  CHECK(outcome(client, {"w", "1", "2", 0}) == txn_outcome::done);
  const auto last = txn(client, {"w", "2", "3", 0})->revision;
  compact(etcd.endpoint(), last);
  auto watch = seen{};
  client.watch("w", first, watch.on_events(), watch.on_broken());
  CHECK(watch.end().reason == reason::compacted);
  CHECK(watch.end().compact_revision == last);
  CHECK(watch.told().empty());
  auto again = seen{};
  client.watch("w", watch.end().compact_revision, again.on_events(), again.on_broken());
  CHECK(eventually([&] { return again.told() == std::vector<std::string>{"w=3"}; }));
  auto none = seen{};
  client.watch("w", 0, none.on_events(), none.on_broken());
  CHECK(none.end().reason == reason::refused);
}

TEST_CASE("an etcd that was killed and comes back has what was done, and is used again") {
  auto etcd = etcd_process{};
  auto client = etcd_client{options_for({etcd.endpoint()})};
  CHECK(outcome(client, {"k", {}, "1", 0}) == txn_outcome::done);
  auto watch = seen{};
  client.watch("k", 1, watch.on_events(), watch.on_broken());
  CHECK(eventually([&] { return watch.told().size() == 1; }));
  etcd.kill();
  CHECK(watch.end().reason == reason::connection_lost);
  // Nobody was reached: it was certainly not done.
  CHECK(txn(client, {"k", "1", "2", 0}).error().code == errc::unavailable);
  CHECK(range(client, "k").error().code == errc::unavailable);
  auto lost = seen{};
  client.watch("k", 1, lost.on_events(), lost.on_broken());
  CHECK(lost.end().reason == reason::connection_lost);
  etcd.restart();
  CHECK(eventually([&] { return bool{range(client, "k")}; }));
  CHECK(value_of(client, "k") == "1");
  // The connection that is kept dies, and is not written on.
  etcd.restart();
  CHECK(eventually([&] { return bool{range(client, "k")}; }));
  CHECK(outcome(client, {"k", "1", "2", 0}) == txn_outcome::done);
}

TEST_CASE("whatever is counted as done outlives a kill, and no more is there than was done or is unknown") {
  auto etcd = etcd_process{};
  auto client = etcd_client{options_for({etcd.endpoint()})};
  CHECK(outcome(client, {"n", {}, "0", 0}) == txn_outcome::done);
  auto done = std::atomic<int>{0};
  auto unknown = std::atomic<int>{0};
  auto stop = std::atomic<bool>{false};
  auto writers = std::vector<std::thread>{};
  for (auto i = 0; i < 4; ++i)
    writers.emplace_back([&] {
      auto last = std::string{"0"};
      while (!stop) {
        auto answer = std::promise<result<etcd_txn_answer>>{};
        client.txn({"n", last, std::to_string(std::stoi(last) + 1), 0},
                   [&](result<etcd_txn_answer> one) { answer.set_value(std::move(one)); });
        const auto got = answer.get_future().get();
        if (!got) continue;
        if (got->outcome == txn_outcome::done) {
          ++done;
          last = std::to_string(std::stoi(last) + 1);
        } else if (got->outcome == txn_outcome::unknown) {
          ++unknown;
        } else {
          last = got->current.value_or("0");
        }
      }
    });
  CHECK(eventually([&] { return done > 20; }));
  etcd.kill();
  stop = true;
  for (auto& one : writers) one.join();
  etcd.start();
  CHECK(eventually([&] { return bool{range(client, "n")}; }));
  const auto stands = std::stoi(value_of(client, "n").value_or("0"));
  CHECK(stands >= done);
  CHECK(stands <= done + unknown);
}

TEST_CASE("what a stopped etcd does not answer is unknown, and is asked once more when it wakes") {
  auto etcd = etcd_process{};
  auto client = etcd_client{options_for({etcd.endpoint()}, 1000)};
  REQUIRE(eventually([&] {
    auto answer = txn(client, {"k", {}, "1", 0});
    return answer && answer->outcome != txn_outcome::unknown;
  }));
  etcd.stop();
  auto answer = txn(client, {"k", "1", "2", 0});
  REQUIRE(answer);
  CHECK(answer->outcome == txn_outcome::unknown);
  CHECK(!answer->why.empty());
  CHECK(range(client, "k").error().code == errc::unavailable);
  etcd.cont();
  // The same once more: it is done now, or was done then.
  CHECK(eventually([&] {
    answer = txn(client, {"k", "1", "2", 0});
    return answer && answer->outcome != txn_outcome::unknown;
  }));
  CHECK((answer->outcome == txn_outcome::done || answer->current == "2"));
  CHECK(eventually([&] {
    auto read = range(client, "k");
    return read && read->kvs.front().value == "2";
  }));
}

TEST_CASE("many threads may ask at once") {
  auto etcd = etcd_process{};
  auto client = etcd_client{options_for({etcd.endpoint()})};
  auto answers = std::vector<awaited<etcd_txn_answer>>(80);
  auto threads = std::vector<std::thread>{};
  for (auto i = std::size_t{0}; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (auto j = i; j < answers.size(); j += 4)
        client.txn({"k/" + std::to_string(j), {}, "x", 0}, answers[j].callback());
    });
  for (auto& one : threads) one.join();
  for (auto& one : answers) CHECK(one.get()->outcome == txn_outcome::done);
  for (auto& one : answers) CHECK(one.calls() == 1);
  CHECK(range_prefix(client, "k/")->kvs.size() == answers.size());
}

TEST_CASE("an endpoint where nobody listens is passed over, by writes too") {
  auto etcd = etcd_process{};
  auto client = etcd_client{options_for({{"127.0.0.1", test::free_port()}, etcd.endpoint()})};
  CHECK(outcome(client, {"k", {}, "1", 0}) == txn_outcome::done);
  auto other = etcd_client{options_for({{"127.0.0.1", test::free_port()}, {"localhost", etcd.endpoint().port}})};
  auto watch = seen{};
  other.watch("k", 1, watch.on_events(), watch.on_broken());
  CHECK(eventually([&] { return watch.told().size() == 1; }));
  CHECK(value_of(other, "k") == "1");
}

// --- with what is no etcd ---

TEST_CASE("an endpoint that does not answer is left, and the next request goes elsewhere") {
  auto silent = false_etcd{hangs};
  auto good = false_etcd{always(false_etcd::answer(txn_done))};
  auto client = etcd_client{options_for({silent.endpoint(), good.endpoint()}, short_ms)};
  // A slow machine may not even have sent it.
  const auto first = txn(client, {"k", {}, "1", 0});
  CHECK((!first || first->outcome == txn_outcome::unknown || silent.requests() == 0));
  CHECK(eventually([&] {
    const auto next = txn(client, {"k", {}, "1", 0});
    return next && next->outcome == txn_outcome::done;
  }));
  CHECK(good.requests() >= 1);
}

TEST_CASE("a member that is unwell is left for another by what can be asked twice") {
  const auto unwell = false_etcd::answer(R"({"error":"no leader","code":14})", "503 Service Unavailable");
  auto bad = false_etcd{always(unwell)};
  auto good = false_etcd{always(false_etcd::answer(empty_range))};
  auto client = etcd_client{options_for({bad.endpoint(), good.endpoint()})};
  CHECK(range(client, "k"));
  CHECK(bad.requests() == 1);
  auto alone = etcd_client{options_for({bad.endpoint()})};
  CHECK(range(alone, "k").error().code == errc::unavailable);
  const auto before = bad.requests();
  CHECK(outcome(alone, {"k", {}, "1", 0}) == txn_outcome::unknown);
  CHECK(bad.requests() == before + 1);
}

TEST_CASE("a write whose connection is cut behind it is unknown, and is not sent again") {
  auto cutting = false_etcd{once("")};
  auto client = etcd_client{options_for({cutting.endpoint(), cutting.endpoint()})};
  CHECK(outcome(client, {"k", {}, "1", 0}) == txn_outcome::unknown);
  CHECK(cutting.requests() == 1);
  CHECK(grant(client, 5).error().code == errc::io_error);
  CHECK(cutting.requests() == 2);
  // A range may be asked again: by each endpoint, and once more.
  CHECK(range(client, "k").error().code == errc::io_error);
  CHECK(cutting.requests() == 5);
}

TEST_CASE("half an answer is none") {
  const auto whole = false_etcd::answer(txn_done);
  for (const auto size : {std::size_t{1}, std::size_t{20}, whole.size() / 2, whole.size() - 1}) {
    CAPTURE(size);
    auto half = false_etcd{once(whole.substr(0, size))};
    auto client = etcd_client{options_for({half.endpoint()})};
    CHECK(outcome(client, {"k", {}, "1", 0}) == txn_outcome::unknown);
    CHECK(half.requests() == 1);
  }
}

TEST_CASE("nonsense is an error, and an unknown outcome of a write") {
  const auto refused_lease = R"({"error":"lease not found","code":5})";
  for (const auto& answer :
       {std::string{"SSH-2.0-OpenSSH\r\n"}, std::string{"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"},
        std::string{"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"},
        std::string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}, std::string(200, '\0'),
        false_etcd::answer(""), false_etcd::answer("null"), false_etcd::answer("{}"), false_etcd::answer("{\"a\":"),
        false_etcd::answer(R"({"header":{"cluster_id":"1","revision":"-4"}})"),
        false_etcd::answer(R"({"header":{"cluster_id":1,"revision":4}})"), false_etcd::answer(std::string(1000, '[')),
        false_etcd::answer("<html>", "404 Not Found"), false_etcd::answer("", "301 Moved"),
        false_etcd::answer(txn_done, "500 Internal"), false_etcd::answer(refused_lease, "504 Late")}) {
    CAPTURE(answer);
    auto server = false_etcd{once(answer)};
    auto client = etcd_client{options_for({server.endpoint()})};
    CHECK(outcome(client, {"k", {}, "1", 0}) == txn_outcome::unknown);
    CHECK(!range(client, "k"));
    CHECK(!range_prefix(client, "k"));
    CHECK(!grant(client, 1));
    CHECK(!keep_alive(client, 1));
    CHECK(!revoke(client, 1));
  }
}

TEST_CASE("an answer that is too large is not read to its end") {
  const auto large = std::string(5000, 'x');
  for (const auto& answer : {false_etcd::answer(large), stream_begins + chunk(large) + chunk(large),
                             stream_begins + chunk(large.substr(0, 999)) + chunk("xy"),
                             "HTTP/1.1 200 OK\r\nContent-Length: 8000000000\r\n\r\n" + large,
                             "HTTP/1.1 200 OK\r\nX-Large: " + std::string(100'000, 'x') + "\r\n\r\n"}) {
    auto server = false_etcd{once(answer)};
    auto options = options_for({server.endpoint()});
    options.response_bytes_max = 1000;
    auto client = etcd_client{options};
    CHECK(outcome(client, {"k", {}, "1", 0}) == txn_outcome::unknown);
    CHECK(range(client, "k").error().code == errc::limit_exceeded);
    // It would not be smaller the second time.
    CHECK(server.requests() == 2);
  }
}

TEST_CASE("pages that never end are stopped at the bound of a range") {
  auto page = std::atomic<int>{0};
  auto server = false_etcd{[&](auto& socket, const auto& /*target*/, const auto& /*body*/) {
    auto key = std::string{"k"};
    // Keys that ascend for ever: "k" and a growing tail of it.
    for (auto i = 0; i <= page; ++i) key += "kkk";
    key.resize(key.size() / 3 * 3);
    ++page;
    auto encoded = std::string{};
    for (auto i = std::size_t{0}; i < key.size() / 3; ++i) encoded += "a2tr";
    return false_etcd::send(
        socket,
        false_etcd::answer('{' + header + R"(,"more":true,"kvs":[{"mod_revision":"1","key":")" + encoded + R"("}]})"));
  }};
  auto options = options_for({server.endpoint()});
  options.range_bytes_max = 1000;
  auto client = etcd_client{options};
  CHECK(range_prefix(client, "k").error().code == errc::limit_exceeded);
  auto stuck = false_etcd{always(false_etcd::answer('{' + header + R"(,"more":true})"))};
  auto other = etcd_client{options_for({stuck.endpoint()})};
  CHECK(range_prefix(other, "k").error().code == errc::malformed);
}

TEST_CASE("connections are kept for the next request") {
  auto server = false_etcd{always(false_etcd::answer(empty_range))};
  auto client = etcd_client{options_for({server.endpoint()})};
  for (auto i = 0; i < 20; ++i) CHECK(range(client, "k"));
  CHECK(server.requests() == 20);
  CHECK(server.connections() == 1);
}

TEST_CASE("a request over the bound of those outstanding is refused at once") {
  auto server = false_etcd{hangs};
  auto options = options_for({server.endpoint()});
  options.requests_max = 2;
  auto kept = std::vector<awaited<etcd_range_answer>>(2);
  auto watch = seen{};
  {
    auto client = etcd_client{options};
    for (auto& one : kept) client.range("k", one.callback());
    CHECK(range(client, "k").error().code == errc::limit_exceeded);
    CHECK(range_prefix(client, "k").error().code == errc::limit_exceeded);
    CHECK(txn(client, {"k", {}, "x", 0}).error().code == errc::limit_exceeded);
    for (auto& one : kept) CHECK(one.calls() == 0);
  }
  for (auto& one : kept) CHECK(one.get().error().code == errc::unavailable);
}

TEST_CASE("a write that waited for a connection in vain was certainly not done") {
  auto server = false_etcd{hangs};
  auto options = options_for({server.endpoint()});
  options.connections_max = 1;
  auto sent = awaited<etcd_txn_answer>{};
  auto waiting = awaited<etcd_txn_answer>{};
  {
    auto client = etcd_client{options};
    client.txn({"k", {}, "1", 0}, sent.callback());
    client.txn({"k", {}, "2", 0}, waiting.callback());
    CHECK(eventually([&] { return server.requests() == 1; }));
  }
  CHECK(sent.get()->outcome == txn_outcome::unknown);
  CHECK(waiting.get().error().code == errc::unavailable);
  CHECK(server.requests() == 1);
}

TEST_CASE("time runs for a request that waits for a connection, too") {
  auto server = false_etcd{hangs};
  auto options = options_for({server.endpoint()}, short_ms);
  options.connections_max = 1;
  auto client = etcd_client{options};
  auto sent = awaited<etcd_txn_answer>{};
  auto waiting = awaited<etcd_txn_answer>{};
  client.txn({"k", {}, "1", 0}, sent.callback());
  client.txn({"k", {}, "2", 0}, waiting.callback());
  // The second may get the place of the first in its own last moment.
  for (const auto& one : {sent.get(), waiting.get()}) CHECK((!one || one->outcome == txn_outcome::unknown));
}

TEST_CASE("whatever is outstanding is called once when the client is destroyed, and nothing new begins") {
  auto server = false_etcd{hangs};
  auto etcd_range = awaited<etcd_range_answer>{};
  auto etcd_pages = awaited<etcd_range_answer>{};
  auto write = awaited<etcd_txn_answer>{};
  auto nested = awaited<etcd_txn_answer>{};
  auto lease = awaited<etcd_lease>{};
  auto beyond = awaited<std::int64_t>{};
  auto watch = seen{};
  auto options = options_for({server.endpoint()});
  options.connections_max = 4;
  {
    auto client = etcd_client{options};
    client.range("k", etcd_range.callback());
    client.range_prefix("k", etcd_pages.callback());
    client.txn({"k", {}, "x", 0}, write.callback());
    client.grant_lease(1, [&, count = lease.callback()](result<etcd_lease> answer) {
      client.txn({"k", {}, "x", 0}, nested.callback());
      count(std::move(answer));
    });
    client.keep_alive_once(1, beyond.callback());
    client.watch("k", 1, watch.on_events(), watch.on_broken());
    // The fifth request waits for a connection.
    CHECK(eventually([&] { return server.requests() == 5; }));
  }
  CHECK(etcd_range.get().error().code == errc::unavailable);
  CHECK(etcd_pages.get().error().code == errc::unavailable);
  CHECK(write.get()->outcome == txn_outcome::unknown);
  CHECK(!lease.get());
  CHECK(!beyond.get());
  CHECK(watch.end().reason == reason::closed);
  CHECK(etcd_range.calls() + etcd_pages.calls() + write.calls() + lease.calls() + beyond.calls() == 5);
  CHECK(watch.ends() == 1);
  CHECK(nested.calls() == 0);
}

TEST_CASE("a client that is destroyed before it has begun calls everything too") {
  for (auto i = 0; i < 20; ++i) {
    auto write = awaited<etcd_txn_answer>{};
    auto watch = seen{};
    {
      auto client = etcd_client{options_for({{"127.0.0.1", 1}, {"localhost", 1}})};
      client.txn({"k", {}, "x", 0}, write.callback());
      client.watch("k", 1, watch.on_events(), watch.on_broken());
    }
    CHECK(write.calls() == 1);
    CHECK(write.get().error().code == errc::unavailable);
    CHECK(watch.ends() == 1);
  }
}

TEST_CASE("events are whole however they were cut on their way") {
  const auto event = [](const std::string& value, int revision) {
    return R"({"result":{)" + header + R"(,"events":[{"kv":{"key":"aw==","value":")" + value + R"(","mod_revision":")" +
           std::to_string(revision) + R"("}}]}})" + '\n';
  };
  const auto text = watch_begins + event("MQ==", 5) + event("Mg==", 5) + event("Mw==", 6);
  auto server = false_etcd{[&](auto& socket, const auto& /*target*/, const auto& /*body*/) {
    false_etcd::send(socket, stream_begins);
    for (const auto one : text) false_etcd::send(socket, chunk({one}));
    false_etcd::send(socket, chunk(text.substr(watch_begins.size(), 20)));
    return false;
  }};
  auto client = etcd_client{options_for({server.endpoint()})};
  auto watch = seen{};
  client.watch("k", 5, watch.on_events(), watch.on_broken());
  CHECK(watch.end().reason == reason::connection_lost);
  CHECK(watch.told() == std::vector<std::string>{"k=1", "k=2", "k=3"});
}

TEST_CASE("a watch that tells nonsense, too much or nothing is broken once") {
  const auto broken_by = [](false_etcd::script script, std::uint32_t timeout_ms = generous_ms) {
    auto server = false_etcd{std::move(script)};
    auto options = options_for({server.endpoint()}, timeout_ms);
    options.response_bytes_max = 1000;
    auto client = etcd_client{options};
    auto watch = seen{};
    client.watch("k", 5, watch.on_events(), watch.on_broken());
    const auto why = watch.end().reason;
    CHECK(watch.told().empty());
    CHECK(watch.ends() == 1);
    return why;
  };
  const auto streamed = [](const std::string& text) {
    return always(stream_begins + chunk(watch_begins) + chunk(text));
  };
  CHECK(broken_by(streamed("nonsense\n")) == reason::malformed);
  CHECK(broken_by(streamed("{\"result\":{" + header + R"(,"events":[{"kv":{"key":"aw==","mod_revision":"4"}}]}})" +
                           '\n')) == reason::malformed);
  CHECK(broken_by(streamed(std::string(1001, ' '))) == reason::too_large);
  CHECK(broken_by(streamed(R"({"error":{"grpc_code":14,"message":"stopping"}})" + std::string{'\n'})) ==
        reason::canceled);
  CHECK(broken_by(once(stream_begins + chunk(watch_begins) + "0\r\n\r\n")) == reason::connection_lost);
  CHECK(broken_by(once(stream_begins + chunk(watch_begins) + "5\r\nab")) == reason::connection_lost);
  CHECK(broken_by(once("")) == reason::connection_lost);
  CHECK(broken_by(once(false_etcd::answer("{}", "503 Service Unavailable"))) == reason::canceled);
  CHECK(broken_by(hangs, short_ms) == reason::connection_lost);
  CHECK(broken_by(always(stream_begins), short_ms) == reason::connection_lost);
}

TEST_CASE("a watch over the bound of those open is refused") {
  auto server = false_etcd{always(stream_begins + chunk(watch_begins))};
  auto options = options_for({server.endpoint()});
  options.watches_max = 1;
  auto client = etcd_client{options};
  auto open = seen{};
  auto refused = seen{};
  const auto id = client.watch("k", 1, open.on_events(), open.on_broken());
  client.watch("k", 1, refused.on_events(), refused.on_broken());
  CHECK(refused.end().reason == reason::refused);
  CHECK(open.ends() == 0);
  client.cancel_watch(id);
  CHECK(open.end().reason == reason::closed);
}
