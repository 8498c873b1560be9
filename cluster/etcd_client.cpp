#include "cluster/etcd_client.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <cassert>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/clock.hpp"
#include "cluster/etcd_codec.hpp"
#include "cluster/etcd_connection.hpp"

namespace octavo::cluster {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using etcd::connection;
using connection_ptr = std::shared_ptr<connection>;

namespace {

/// Kept open without a request on them.
constexpr auto idle_connections_max = std::size_t{8};
constexpr auto response_header_bytes_max = std::uint32_t{16} << 10U;
constexpr auto watch_buffer_bytes = std::size_t{16} << 10U;

constexpr auto range_target = "/v3/kv/range";
constexpr auto txn_target = "/v3/kv/txn";
constexpr auto grant_target = "/v3/lease/grant";
constexpr auto keep_alive_target = "/v3/lease/keepalive";
constexpr auto revoke_target = "/v3/lease/revoke";
constexpr auto watch_target = "/v3/watch";

/// How a request ended.
struct reply {
  enum class kind_type : std::uint8_t {
    answered,
    not_sent,  ///< not a byte of it
    lost,      ///< it may have been done or not
  };
  kind_type kind = kind_type::not_sent;
  error why;            ///< of not_sent and lost
  unsigned status = 0;  ///< of answered
  std::string body;
};

struct request {
  explicit request(asio::io_context& context) : timer(context) {}

  std::string target;
  std::string body;
  bool repeatable = false;
  std::function<void(reply)> done;  ///< empty once it was called
  asio::steady_timer timer;
  connection_ptr on;  ///< while it is connecting, being sent, or being answered
  bool running = false;
  bool sent = false;  ///< some of it, perhaps
  std::size_t attempts = 0;
  std::optional<http::response_parser<http::string_body>> parser;
};
using request_ptr = std::shared_ptr<request>;

struct watch_stream {
  explicit watch_stream(asio::io_context& context) : timer(context) {}

  etcd_client::watch_id id = 0;
  std::string prefix;
  std::int64_t from_revision = 0;
  etcd_client::events_callback on_events;
  etcd_client::broken_callback on_broken;  ///< empty once it was called
  asio::steady_timer timer;                ///< until etcd has said that it watches
  bool begun = false;                      ///< it has
  connection_ptr on;
  std::size_t attempts = 0;
  http::response_parser<http::buffer_body> parser;
  std::vector<char> buffer;
  std::string line;  ///< what has come of a message that is not whole yet
};
using watch_ptr = std::shared_ptr<watch_stream>;

/// A place among the requests that are outstanding.
class slot {
 public:
  explicit slot(std::atomic<std::size_t>& taken) : taken_(taken) {}
  ~slot() { taken_.fetch_sub(1); }
  slot(const slot&) = delete;
  slot& operator=(const slot&) = delete;

 private:
  std::atomic<std::size_t>& taken_;
};
using slot_ptr = std::shared_ptr<slot>;

std::string name_of(const host_port& one) {
  return one.host + ':' + std::to_string(one.port);
}

error lost_error(const connection& on, const error_code& failed) {
  if (failed == http::error::body_limit || failed == http::error::header_limit ||
      failed == http::error::buffer_overflow)
    return {errc::limit_exceeded, "an answer of etcd at " + name_of(on.endpoint) + " is larger than is allowed"};
  return {errc::io_error, "the connection to etcd at " + name_of(on.endpoint) + " broke: " + failed.message()};
}

error unreachable_error(const connection& on, const error_code& failed) {
  return {errc::unavailable, "etcd at " + name_of(on.endpoint) + " cannot be reached: " + failed.message()};
}

etcd_watch_end watch_end(etcd_watch_end::reason_type reason, error what) {
  return {reason, std::move(what), 0};
}

/// The error of a reply that is no answer with status 200; nothing for one that is.
std::optional<error> error_of(const reply& what) {
  if (what.kind != reply::kind_type::answered) return what.why;
  if (what.status != 200) return etcd::read_refusal(what.status, what.body).what;
  return std::nullopt;
}

etcd_txn_answer unknown(std::string why) {
  auto answer = etcd_txn_answer{};
  answer.why = std::move(why);
  return answer;
}

result<etcd_txn_answer> answer_to(const reply& what, const etcd_txn& txn) {
  if (what.kind == reply::kind_type::not_sent) return tl::unexpected{what.why};
  if (what.kind == reply::kind_type::lost) return unknown(what.why.message);
  if (what.status == 200) {
    auto read = etcd::read_txn(what.body, txn);
    if (read) return read;
    return unknown(std::move(read.error().message));
  }
  auto refused = etcd::read_refusal(what.status, what.body);
  if (refused.not_executed) return tl::unexpected{std::move(refused.what)};
  return unknown(std::move(refused.what.message));
}

}  // namespace

class etcd_client::impl {
 public:
  explicit impl(etcd_options options) : options_(std::move(options)), work_(context_.get_executor()) {
    assert(!options_.endpoints.empty());
    thread_ = std::thread{[this] { context_.run(); }};
  }
  // Without the memory for one handler there is no way on.
  // NOLINTNEXTLINE(bugprone-exception-escape)
  ~impl() {
    assert(std::this_thread::get_id() != thread_.get_id());
    asio::post(context_, [this] { close(); });
    thread_.join();
  }
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;

  const etcd_options& options() const { return options_; }
  std::int64_t clock_ahead_ms() const { return clock_ahead_ms_; }

  /// Does it on the thread, unless the client is closing.
  template <class What>
  void post(What what) {
    asio::post(context_, [this, what = std::move(what)]() mutable {
      if (!closing_) what();
    });
  }

  /// Null when there is none left.
  slot_ptr take_slot() {
    if (taken_.fetch_add(1) < options_.requests_max) return std::make_shared<slot>(taken_);
    taken_.fetch_sub(1);
    return nullptr;
  }

  /// Asks, and has `read` make the callback's answer of the reply, which keeps a slot until then.
  template <class Answer, class Read>
  void ask(const char* target, std::string body, bool repeatable, callback<Answer> done, Read read) {
    auto place = take_slot();
    if (!place) return refuse(std::move(done), too_many_requests());
    post([this, target, body = std::move(body), repeatable, place = std::move(place), done = std::move(done),
          read = std::move(read)]() mutable {
      start(target, std::move(body), repeatable,
            [place = std::move(place), done = std::move(done), read = std::move(read)](const reply& what) mutable {
              place.reset();
              done(read(what));
            });
    });
  }

  template <class Answer>
  void refuse(callback<Answer> done, error why) {
    post([done = std::move(done), why = std::move(why)] { done(tl::unexpected{why}); });
  }

  error too_many_requests() const {
    return {errc::limit_exceeded,
            "more than " + std::to_string(options_.requests_max) + " requests to etcd are unanswered"};
  }

  // --- on the thread itself ---
  struct range_state {
    etcd::page_request next;
    etcd_range_answer answer;
    std::size_t bytes = 0;
    slot_ptr place;
    callback<etcd_range_answer> done;
  };
  void read_range(const std::shared_ptr<range_state>& range) {
    start(range_target, etcd::write(range->next), true, [this, range](const reply& what) {
      auto failed = add_page(*range, what);
      if (!failed && !range->next.begin.empty()) return read_range(range);
      range->place.reset();
      if (failed) return range->done(tl::unexpected{std::move(*failed)});
      range->done(std::move(range->answer));
    });
  }

  void start_watch(const watch_ptr& stream);
  void break_watch(const watch_ptr& stream, etcd_watch_end why);
  void cancel_watch(watch_id id) {
    if (auto found = watches_.find(id); found != watches_.end())
      break_watch(found->second,
                  watch_end(etcd_watch_end::reason_type::closed, {errc::unavailable, "the watch was cancelled"}));
  }
  watch_ptr make_watch(std::string prefix, std::int64_t from_revision, events_callback on_events,
                       broken_callback on_broken) {
    auto stream = std::make_shared<watch_stream>(context_);
    stream->id = next_watch_.fetch_add(1);
    stream->prefix = std::move(prefix);
    stream->from_revision = from_revision;
    stream->on_events = std::move(on_events);
    stream->on_broken = std::move(on_broken);
    return stream;
  }

 private:
  // --- requests ---
  void start(const char* target, std::string body, bool repeatable, std::function<void(reply)> done);
  void run_waiting();
  void attempt(const request_ptr& one);
  void send(const request_ptr& one);
  void answered(const request_ptr& one, const connection_ptr& on);
  void failed(const request_ptr& one, const connection_ptr& on, error why);
  void finish(const request_ptr& one, reply how);
  void on_timeout(const request_ptr& one);
  std::optional<error> add_page(range_state& range, const reply& what) const;

  // --- connections ---
  connection_ptr take_idle();
  connection_ptr make_connection() {
    return std::make_shared<connection>(context_, options_.endpoints[current_], current_);
  }
  /// So long one endpoint may take to be connected to, so that there is time for the others.
  etcd::steady_time connect_until() const {
    const auto share = std::chrono::milliseconds{options_.request_timeout_ms} / options_.endpoints.size();
    return std::chrono::steady_clock::now() + std::max<std::chrono::milliseconds>(share, std::chrono::milliseconds{1});
  }
  void leave_endpoint(std::size_t index);
  /// Each endpoint once, and the first once more: a connection that was kept may have died without a word.
  std::size_t attempts_max() const { return options_.endpoints.size() + 1; }

  // --- watches ---
  void connect_watch(const watch_ptr& stream);
  void send_watch(const watch_ptr& stream);
  void read_watch_header(const watch_ptr& stream);
  void read_watch(const watch_ptr& stream);
  void take_lines(const watch_ptr& stream, std::string_view data);
  void take_line(const watch_ptr& stream);

  void close();

  const etcd_options options_;
  std::atomic<std::size_t> taken_{0};  // before the context: handlers that it destroys hold slots
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::atomic<watch_id> next_watch_{1};
  std::atomic<std::int64_t> clock_ahead_ms_{0};

  // Of the thread alone.
  bool closing_ = false;
  std::size_t current_ = 0;          ///< the endpoint that is asked
  std::size_t running_ = 0;          ///< requests that have a connection
  std::deque<request_ptr> waiting_;  ///< for one; options_.requests_max bounds it
  std::unordered_map<request*, request_ptr> requests_;
  std::vector<connection_ptr> idle_;
  std::map<watch_id, watch_ptr> watches_;

  std::thread thread_;
};

// --- requests ---

void etcd_client::impl::start(const char* target, std::string body, bool repeatable, std::function<void(reply)> done) {
  auto one = std::make_shared<request>(context_);
  one->target = target;
  one->body = std::move(body);
  one->repeatable = repeatable;
  one->done = std::move(done);
  requests_.emplace(one.get(), one);
  one->timer.expires_after(std::chrono::milliseconds{options_.request_timeout_ms});
  one->timer.async_wait([this, one](error_code cancelled) {
    if (!cancelled && one->done) on_timeout(one);
  });
  waiting_.push_back(one);
  run_waiting();
}

void etcd_client::impl::run_waiting() {
  while (!waiting_.empty() && running_ < std::max<std::size_t>(1, options_.connections_max)) {
    auto one = std::move(waiting_.front());
    waiting_.pop_front();
    if (!one->done) continue;
    ++running_;
    one->running = true;
    attempt(one);
  }
}

void etcd_client::impl::attempt(const request_ptr& one) {
  ++one->attempts;
  one->on = take_idle();
  if (one->on) return send(one);
  const auto on = one->on = make_connection();
  on->open(connect_until(), [this, one, on](error_code refused) {
    if (!one->done) return;
    if (!refused) return send(one);
    failed(one, on, unreachable_error(*on, refused));
  });
}

void etcd_client::impl::send(const request_ptr& one) {
  const auto on = one->on;
  on->prepare(one->target, one->body);
  one->sent = true;
  http::async_write(on->socket, on->request, [this, one, on](error_code broken, std::size_t /*bytes*/) {
    if (!one->done) return;
    if (broken) return failed(one, on, lost_error(*on, broken));
    one->parser.emplace();
    one->parser->body_limit(options_.response_bytes_max);
    one->parser->header_limit(response_header_bytes_max);
    http::async_read(on->socket, on->buffer, *one->parser, [this, one, on](error_code lost, std::size_t /*bytes*/) {
      if (!one->done) return;
      if (lost) return failed(one, on, lost_error(*on, lost));
      answered(one, on);
    });
  });
}

void etcd_client::impl::answered(const request_ptr& one, const connection_ptr& on) {
  auto& message = one->parser->get();
  const auto status = message.result_int();
  if (const auto theirs = etcd::read_date(message[http::field::date]))
    clock_ahead_ms_ = etcd::clock_ahead_ms(actors::unix_now_ms(), *theirs);
  if (message.keep_alive() && on->buffer.size() == 0 && idle_.size() < idle_connections_max)
    idle_.push_back(on);
  else
    on->close();
  // A member that has lost its leader, or is being stopped, says so at once; another may know better.
  if (status >= 500 && one->repeatable && one->attempts < attempts_max()) {
    leave_endpoint(on->index);
    return attempt(one);
  }
  if (status >= 500) leave_endpoint(on->index);
  auto how = reply{reply::kind_type::answered, {}, status, std::move(message.body())};
  finish(one, std::move(how));
}

void etcd_client::impl::failed(const request_ptr& one, const connection_ptr& on, error why) {
  on->close();
  leave_endpoint(on->index);
  // What is too large is too large everywhere.
  const auto again = (!one->sent || one->repeatable) && why.code != errc::limit_exceeded;
  if (again && one->attempts < attempts_max()) return attempt(one);
  finish(one, {one->sent ? reply::kind_type::lost : reply::kind_type::not_sent, std::move(why), 0, {}});
}

void etcd_client::impl::on_timeout(const request_ptr& one) {
  const auto after = " within " + std::to_string(options_.request_timeout_ms) + " ms";
  if (!one->on)
    return finish(one,
                  {reply::kind_type::not_sent, {errc::unavailable, "no connection to etcd was free" + after}, 0, {}});
  const auto on = one->on;
  leave_endpoint(on->index);
  finish(one, {one->sent ? reply::kind_type::lost : reply::kind_type::not_sent,
               {errc::unavailable, "etcd at " + name_of(on->endpoint) + " did not answer" + after},
               0,
               {}});
  on->close();
}

void etcd_client::impl::finish(const request_ptr& one, reply how) {
  auto done = std::exchange(one->done, {});
  if (!done) return;
  one->timer.cancel();
  one->on.reset();
  requests_.erase(one.get());
  if (one->running) --running_;
  done(std::move(how));
  if (!closing_) run_waiting();
}

/// Leaves next.begin empty behind the last page.
std::optional<error> etcd_client::impl::add_page(range_state& range, const reply& what) const {
  if (auto failed = error_of(what)) return failed;
  auto read = etcd::read_page(what.body, range.next);
  if (!read) return std::move(read.error());
  auto& page = read->answer;
  // Later pages are read as of the first one's revision, while the header tells what the store has come to.
  if (range.next.revision == 0) {
    range.answer.revision = range.next.revision = page.revision;
    range.answer.cluster_id = page.cluster_id;
  }
  if (page.cluster_id != range.answer.cluster_id)
    return error{errc::malformed, "two pages of one range came from two clusters of etcd"};
  for (auto& kv : page.kvs) {
    range.bytes += kv.key.size() + kv.value.size();
    range.answer.kvs.push_back(std::move(kv));
  }
  if (range.bytes > options_.range_bytes_max)
    return error{errc::limit_exceeded, "what was asked of etcd is larger than is allowed"};
  range.next.begin = read->more ? range.answer.kvs.back().key + '\0' : std::string{};
  return std::nullopt;
}

// --- connections ---

connection_ptr etcd_client::impl::take_idle() {
  while (!idle_.empty()) {
    auto one = std::move(idle_.back());
    idle_.pop_back();
    // One that etcd has closed is found out before anything is sent on it, which would be an unknown outcome.
    if (one->index == current_ && one->is_quiet()) return one;
    one->close();
  }
  return nullptr;
}

void etcd_client::impl::leave_endpoint(std::size_t index) {
  std::erase_if(idle_, [index](const connection_ptr& one) {
    if (one->index == index) one->close();
    return one->index == index;
  });
  if (current_ == index) current_ = (index + 1) % options_.endpoints.size();
}

// --- watches ---

void etcd_client::impl::start_watch(const watch_ptr& stream) {
  using reason = etcd_watch_end::reason_type;
  const auto full = watches_.size() >= options_.watches_max;
  watches_.emplace(stream->id, stream);
  if (full) return break_watch(stream, watch_end(reason::refused, {errc::limit_exceeded, "too many watches are open"}));
  if (stream->from_revision < 1)
    return break_watch(stream,
                       watch_end(reason::refused, {errc::invalid_argument, "a watch begins at revision 1 or later"}));
  stream->timer.expires_after(std::chrono::milliseconds{options_.request_timeout_ms});
  stream->timer.async_wait([this, stream](error_code cancelled) {
    if (cancelled || stream->begun || !stream->on_broken) return;
    leave_endpoint(stream->on->index);
    break_watch(stream,
                watch_end(reason::connection_lost, {errc::unavailable, "etcd did not begin the watch in time"}));
  });
  connect_watch(stream);
}

void etcd_client::impl::break_watch(const watch_ptr& stream, etcd_watch_end why) {
  auto on_broken = std::exchange(stream->on_broken, {});
  if (!on_broken) return;
  stream->timer.cancel();
  if (stream->on) stream->on->close();
  watches_.erase(stream->id);
  on_broken(std::move(why));
}

void etcd_client::impl::connect_watch(const watch_ptr& stream) {
  ++stream->attempts;
  const auto on = stream->on = make_connection();
  on->open(connect_until(), [this, stream, on](error_code refused) {
    if (!stream->on_broken) return;
    if (!refused) return send_watch(stream);
    on->close();
    leave_endpoint(on->index);
    if (stream->attempts < options_.endpoints.size()) return connect_watch(stream);
    break_watch(stream, watch_end(etcd_watch_end::reason_type::connection_lost, unreachable_error(*on, refused)));
  });
}

void etcd_client::impl::send_watch(const watch_ptr& stream) {
  const auto on = stream->on;
  on->prepare(watch_target, etcd::write_watch(stream->prefix, stream->from_revision));
  http::async_write(on->socket, on->request, [this, stream, on](error_code broken, std::size_t /*bytes*/) {
    if (!stream->on_broken) return;
    if (!broken) return read_watch_header(stream);
    leave_endpoint(on->index);
    break_watch(stream, watch_end(etcd_watch_end::reason_type::connection_lost, lost_error(*on, broken)));
  });
}

void etcd_client::impl::read_watch_header(const watch_ptr& stream) {
  const auto on = stream->on;
  stream->parser.header_limit(response_header_bytes_max);
  stream->parser.body_limit(boost::none);  // it never ends; each message of it is bounded
  http::async_read_header(on->socket, on->buffer, stream->parser,
                          [this, stream, on](error_code broken, std::size_t /*bytes*/) {
                            using reason = etcd_watch_end::reason_type;
                            if (!stream->on_broken) return;
                            if (!broken && stream->parser.get().result_int() == 200) {
                              stream->buffer.resize(watch_buffer_bytes);
                              return read_watch(stream);
                            }
                            leave_endpoint(on->index);
                            if (broken)
                              return break_watch(stream, watch_end(reason::connection_lost, lost_error(*on, broken)));
                            auto what = etcd::read_refusal(stream->parser.get().result_int(), {}).what;
                            break_watch(stream, watch_end(reason::canceled, std::move(what)));
                          });
}

void etcd_client::impl::read_watch(const watch_ptr& stream) {
  const auto on = stream->on;
  auto& body = stream->parser.get().body();
  body.data = stream->buffer.data();
  body.size = stream->buffer.size();
  http::async_read_some(
      on->socket, on->buffer, stream->parser, [this, stream, on](error_code broken, std::size_t /*bytes*/) {
        if (!stream->on_broken) return;
        const auto left = stream->parser.get().body().size;
        take_lines(stream, {stream->buffer.data(), stream->buffer.size() - left});
        if (!stream->on_broken) return;
        if (broken == http::error::need_buffer) broken = {};
        if (!broken && !stream->parser.is_done()) return read_watch(stream);
        leave_endpoint(on->index);
        const auto ended = broken ? broken : error_code{http::error::end_of_stream};
        break_watch(stream, watch_end(etcd_watch_end::reason_type::connection_lost, lost_error(*on, ended)));
      });
}

void etcd_client::impl::take_lines(const watch_ptr& stream, std::string_view data) {
  while (stream->on_broken && !data.empty()) {
    const auto end = data.find('\n');
    stream->line += data.substr(0, end);
    if (stream->line.size() > options_.response_bytes_max) {
      auto what = error{errc::limit_exceeded, "a message of etcd's watch is larger than is allowed"};
      return break_watch(stream, watch_end(etcd_watch_end::reason_type::too_large, std::move(what)));
    }
    if (end == std::string_view::npos) return;
    data.remove_prefix(end + 1);
    if (!stream->line.empty()) take_line(stream);
    stream->line.clear();
  }
}

void etcd_client::impl::take_line(const watch_ptr& stream) {
  auto read = etcd::read_watch(stream->line, stream->prefix, stream->from_revision);
  if (!read) return break_watch(stream, watch_end(etcd_watch_end::reason_type::malformed, std::move(read.error())));
  if (read->created) {
    stream->begun = true;
    stream->timer.cancel();
  }
  if (!read->events.empty()) {
    stream->from_revision = read->events.back().kv.mod_revision;
    stream->on_events(std::move(read->events));
  }
  if (read->end) break_watch(stream, std::move(*read->end));
}

/// From here on callbacks begin nothing new.
void etcd_client::impl::close() {
  closing_ = true;
  const auto why = error{errc::unavailable, "the client of etcd is being closed"};
  for (const auto requests = std::exchange(requests_, {}); const auto& [at, one] : requests) {
    const auto on = one->on;
    finish(one, {one->sent ? reply::kind_type::lost : reply::kind_type::not_sent, why, 0, {}});
    if (on) on->close();
  }
  while (!watches_.empty()) break_watch(watches_.begin()->second, watch_end(etcd_watch_end::reason_type::closed, why));
  for (const auto& one : idle_) one->close();
  idle_.clear();
  waiting_.clear();
  work_.reset();
  // Handlers that are left see that their request is over; a name that is still being looked up is not waited for here.
  context_.stop();
}

// --- the client ---

etcd_client::etcd_client(etcd_options options) : impl_(std::make_unique<impl>(std::move(options))) {}
etcd_client::~etcd_client() = default;

void etcd_client::range(std::string key, callback<etcd_range_answer> done) {
  auto asked = etcd::page_request{std::move(key), {}, 0, 1};
  auto body = etcd::write(asked);
  impl_->ask<etcd_range_answer>(range_target, std::move(body), true, std::move(done),
                                [asked = std::move(asked)](const reply& what) -> result<etcd_range_answer> {
                                  if (auto failed = error_of(what)) return tl::unexpected{std::move(*failed)};
                                  auto read = etcd::read_page(what.body, asked);
                                  if (!read) return tl::unexpected{std::move(read.error())};
                                  return std::move(read->answer);
                                });
}

void etcd_client::range_prefix(std::string prefix, callback<etcd_range_answer> done) {
  auto place = impl_->take_slot();
  if (!place) return impl_->refuse(std::move(done), impl_->too_many_requests());
  auto end = etcd::end_of_prefix(prefix);
  // To etcd the key "\0" is the first there is; an empty one is none.
  if (prefix.empty()) prefix = {'\0'};
  auto state = std::make_shared<impl::range_state>(impl::range_state{
      {std::move(prefix), std::move(end), 0, std::max<std::size_t>(1, impl_->options().page_keys_max)},
      {},
      0,
      std::move(place),
      std::move(done)});
  impl_->post([this, state] { impl_->read_range(state); });
}

void etcd_client::txn(etcd_txn what, callback<etcd_txn_answer> done) {
  if (what.key.empty() || (!what.expected && !what.wanted) || what.lease < 0)
    return impl_->refuse(std::move(done), {errc::invalid_argument, "a transaction needs a key, and something to do"});
  auto body = etcd::write(what);
  impl_->ask<etcd_txn_answer>(txn_target, std::move(body), false, std::move(done),
                              [asked = std::move(what)](const reply& how) { return answer_to(how, asked); });
}

void etcd_client::grant_lease(std::int64_t ttl_s, callback<etcd_lease> done) {
  impl_->ask<etcd_lease>(grant_target, etcd::write_grant(ttl_s), false, std::move(done),
                         [](const reply& what) -> result<etcd_lease> {
                           if (auto failed = error_of(what)) return tl::unexpected{std::move(*failed)};
                           return etcd::read_grant(what.body);
                         });
}

void etcd_client::keep_alive_once(std::int64_t lease, callback<std::int64_t> done) {
  impl_->ask<std::int64_t>(keep_alive_target, etcd::write_lease(lease), true, std::move(done),
                           [lease](const reply& what) -> result<std::int64_t> {
                             if (auto failed = error_of(what)) return tl::unexpected{std::move(*failed)};
                             return etcd::read_keep_alive(what.body, lease);
                           });
}

void etcd_client::revoke_lease(std::int64_t lease, callback<void> done) {
  impl_->ask<void>(revoke_target, etcd::write_lease(lease), false, std::move(done),
                   [](const reply& what) -> result<void> {
                     if (auto failed = error_of(what)) return tl::unexpected{std::move(*failed)};
                     return etcd::read_revoke(what.body);
                   });
}

etcd_client::watch_id etcd_client::watch(std::string prefix, std::int64_t from_revision, events_callback on_events,
                                         broken_callback on_broken) {
  auto stream = impl_->make_watch(std::move(prefix), from_revision, std::move(on_events), std::move(on_broken));
  const auto id = stream->id;
  impl_->post([this, stream = std::move(stream)] { impl_->start_watch(stream); });
  return id;
}

std::int64_t etcd_client::clock_ahead_ms() const {
  return impl_->clock_ahead_ms();
}

void etcd_client::cancel_watch(watch_id id) {
  impl_->post([this, id] { impl_->cancel_watch(id); });
}

}  // namespace octavo::cluster
