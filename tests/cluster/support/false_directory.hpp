// An etcd that a test can stop between two steps: it keeps keys, their revisions and what became of them, and before an
// answer goes out the test may change all of it. It can become an older copy of itself.
#pragma once

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cluster/etcd_codec.hpp"
#include "tests/cluster/support/false_etcd.hpp"

namespace octavo::test {

class false_directory {
 public:
  /// What is about to be answered: a range of many keys, or a transaction.
  enum class step { range, txn };
  using hook = std::function<void(step)>;

  /// What it holds at a moment.
  struct copy {
    std::int64_t revision = 1;
    std::map<std::string, cluster::etcd_key_value> keys;
  };

  cluster::host_port endpoint() const { return etcd_.endpoint(); }

  void put(const std::string& key, const std::string& value) {
    const auto guard = std::lock_guard{mutex_};
    change(key, value);
  }
  void remove(const std::string& key) {
    const auto guard = std::lock_guard{mutex_};
    if (now_.keys.contains(key)) change(key, std::nullopt);
  }
  std::optional<std::string> value(const std::string& key) const {
    const auto guard = std::lock_guard{mutex_};
    const auto found = now_.keys.find(key);
    return found == now_.keys.end() ? std::nullopt : std::optional{found->second.value};
  }
  /// Called on the thread of whoever asked, when the answer stands and has not gone out. It may call all but this.
  void before_answers(hook then) {
    const auto guard = std::lock_guard{mutex_};
    hook_ = std::move(then);
  }

  copy take_copy() const {
    const auto guard = std::lock_guard{mutex_};
    return now_;
  }
  /// From now on it is what it was. Those who watch are cut off, or, if it does so quietly, hear nothing any more.
  void restore(copy from, bool quietly) {
    const auto guard = std::lock_guard{mutex_};
    now_ = std::move(from);
    events_.clear();
    for (auto* one : watchers_) {
      auto ignored = boost::system::error_code{};
      if (!quietly) one->shutdown(socket_type::shutdown_both, ignored);
    }
    watchers_.clear();
  }

  std::size_t watches() const {
    const auto guard = std::lock_guard{mutex_};
    return watchers_.size();
  }
  /// How many ranges of many keys were answered.
  std::size_t ranges() const {
    const auto guard = std::lock_guard{mutex_};
    return ranges_;
  }

 private:
  using socket_type = false_etcd::socket_type;

  /// A change, in the words of a watch.
  struct event {
    std::int64_t revision = 0;
    std::string text;
  };

  static std::string chunk(const std::string& data) {
    auto size = std::string(16, '\0');
    size.resize(static_cast<std::size_t>(std::snprintf(size.data(), size.size(), "%zx\r\n", data.size())));
    return size + data + "\r\n";
  }
  static std::string quoted(const std::string& data) { return '"' + cluster::etcd::to_base64(data) + '"'; }
  static std::string text_of(const boost::json::object& from, const char* field) {
    const auto* found = from.if_contains(field);
    return found == nullptr ? std::string{} : std::string{found->as_string().c_str()};
  }
  static std::string bytes_of(const boost::json::object& from, const char* field) {
    return *cluster::etcd::from_base64(text_of(from, field));
  }
  std::string header() const {
    return R"("header":{"cluster_id":"1","revision":")" + std::to_string(now_.revision) + R"("})";
  }
  static std::string told(const cluster::etcd_key_value& one) {
    return R"({"key":)" + quoted(one.key) + R"(,"value":)" + quoted(one.value) + R"(,"mod_revision":")" +
           std::to_string(one.mod_revision) + R"("})";
  }

  void change(const std::string& key, const std::optional<std::string>& value) {
    ++now_.revision;
    auto kv = cluster::etcd_key_value{key, value.value_or(""), now_.revision, 0};
    if (value)
      now_.keys[key] = kv;
    else
      now_.keys.erase(key);
    auto text = R"({"result":{)" + header() + R"(,"events":[{)" + (value ? "" : R"("type":"DELETE",)") + R"("kv":)" +
                told(kv) + "}]}}\n";
    for (auto* one : watchers_) false_etcd::send(*one, chunk(text));
    events_.push_back({now_.revision, std::move(text)});
  }

  bool serve(socket_type& socket, const std::string& target, const std::string& body) {
    const auto asked = boost::json::parse(body).as_object();
    if (target == "/v3/watch") return watch(socket, asked.at("create_request").as_object());
    auto answer = std::string{};
    auto then = hook{};
    auto at = step::txn;
    {
      const auto guard = std::lock_guard{mutex_};
      if (target == "/v3/kv/range") {
        at = step::range;
        answer = range(asked);
        if (asked.contains("range_end")) {
          then = hook_;
          ++ranges_;
        }
      } else if (target == "/v3/kv/txn") {
        answer = txn(asked);
        then = hook_;
      } else if (target == "/v3/lease/grant") {
        answer = '{' + header() + R"(,"ID":"7","TTL":"3"})";
      } else {
        answer = R"({"result":{)" + header() + R"(,"ID":"7","TTL":"3"}})";
      }
    }
    if (then) then(at);
    return false_etcd::send(socket, false_etcd::answer(answer));
  }

  std::string range(const boost::json::object& asked) const {
    const auto begin = bytes_of(asked, "key");
    const auto end = bytes_of(asked, "range_end");
    auto list = std::string{};
    for (auto at = now_.keys.lower_bound(begin); at != now_.keys.end(); ++at) {
      if (end.empty() ? at->first != begin : at->first >= end) break;
      list += (list.empty() ? "" : ",") + told(at->second);
    }
    return '{' + header() + R"(,"kvs":[)" + list + "]}";
  }

  std::string txn(const boost::json::object& asked) {
    const auto& compare = asked.at("compare").as_array().at(0).as_object();
    const auto key = bytes_of(compare, "key");
    const auto found = now_.keys.find(key);
    const auto is_there = found != now_.keys.end();
    const auto fits = text_of(compare, "target") == "CREATE"
                          ? !is_there
                          : is_there && found->second.value == bytes_of(compare, "value");
    if (!fits)
      return '{' + header() + R"(,"responses":[{"response_range":{"kvs":[)" + (is_there ? told(found->second) : "") +
             "]}}]}";
    const auto& success = asked.at("success").as_array().at(0).as_object();
    const auto* put = success.if_contains("request_put");
    change(key, put != nullptr ? std::optional{bytes_of(put->as_object(), "value")} : std::nullopt);
    return '{' + header() + R"(,"succeeded":true,"responses":[{")" +
           (put != nullptr ? "response_put" : "response_delete_range") + R"(":{}}]})";
  }

  bool watch(socket_type& socket, const boost::json::object& asked) {
    const auto from = std::stoll(text_of(asked, "start_revision"));
    {
      const auto guard = std::lock_guard{mutex_};
      false_etcd::send(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      false_etcd::send(socket, chunk(R"({"result":{)" + header() + R"(,"created":true}})" + '\n'));
      for (const auto& one : events_)
        if (one.revision >= from) false_etcd::send(socket, chunk(one.text));
      watchers_.push_back(&socket);
    }
    false_etcd::hang(socket);
    const auto guard = std::lock_guard{mutex_};
    std::erase(watchers_, &socket);
    return false;
  }

  mutable std::mutex mutex_;
  copy now_;
  std::vector<event> events_;
  std::vector<socket_type*> watchers_;
  std::size_t ranges_ = 0;
  hook hook_;
  false_etcd etcd_{[this](auto& socket, const auto& target, const auto& body) { return serve(socket, target, body); }};
};

}  // namespace octavo::test
