#include "net/io_thread.hpp"

#include <boost/asio/post.hpp>
#include <cmath>

namespace octavo::net {

namespace {
constexpr auto check_interval = std::chrono::seconds{1};
constexpr auto drain_interval = std::chrono::milliseconds{100};
}  // namespace

class io_thread::outlet final : public actors::outlet {
 public:
  explicit outlet(io_thread* thread) : thread_(thread) {}

  void deliver(actors::delivery what) override { push(std::move(what)); }
  void attach(actors::session_id session, actors::relay_id relay) override { push(attach_command{session, relay}); }
  void close(actors::session_id session, actors::close_reason reason, std::string text) override {
    push(close_command{session, 0, reason, std::move(text)});
  }
  void close_all(actors::relay_id relay, actors::close_reason reason, std::string text) override {
    push(close_command{0, relay, reason, std::move(text)});
  }

  std::vector<command> take() {
    auto lock = std::lock_guard{mutex_};
    return std::exchange(commands_, {});
  }

  void detach() {
    auto lock = std::lock_guard{mutex_};
    thread_ = nullptr;
    commands_.clear();
  }

 private:
  void push(command what) {
    auto lock = std::lock_guard{mutex_};
    if (thread_ == nullptr) return;
    auto was_empty = commands_.empty();
    commands_.push_back(std::move(what));
    if (was_empty) boost::asio::post(thread_->context_, [thread = thread_] { thread->run_commands(); });
  }

  std::mutex mutex_;
  io_thread* thread_;
  std::vector<command> commands_;
};

io_thread::io_thread(actors::node& node, const net_options& options)
    : node_(node),
      options_(options),
      work_(boost::asio::make_work_guard(context_)),
      check_timer_(context_),
      own_outlet_(std::make_shared<outlet>(this)),
      outlet_(own_outlet_) {}

io_thread::~io_thread() {
  stop();
}

void io_thread::start() {
  thread_ = std::thread{[this] {
    schedule_check();
    context_.run();
  }};
}

void io_thread::stop() {
  own_outlet_->detach();
  context_.stop();
  if (thread_.joinable()) thread_.join();
  relays_.clear();
  connections_.clear();
}

void io_thread::add(connection_ptr one) {
  auto id = one->id();
  connections_.emplace(id, std::move(one));
  connection_count_.store(connections_.size(), std::memory_order_relaxed);
}

void io_thread::remove(connection& one) {
  leave_group(one);
  connections_.erase(one.id());  // the caller holds it
  connection_count_.store(connections_.size(), std::memory_order_relaxed);
}

void io_thread::leave_group(connection& one) {
  auto group = relays_.find(one.relay());
  if (group == relays_.end()) return;
  std::erase(group->second, &one);
  if (group->second.empty()) relays_.erase(group);
}

void io_thread::after(std::chrono::milliseconds delay, std::function<void()> what) {
  auto timer = std::make_shared<boost::asio::steady_timer>(context_, delay);
  timer->async_wait([timer, what = std::move(what)](const boost::system::error_code& failed) {
    if (!failed) what();
  });
}

void io_thread::drain(std::chrono::milliseconds over) {
  boost::asio::post(context_, [this, over] {
    draining_ = {};
    ++drain_;
    if (over == std::chrono::milliseconds::zero()) return;
    for (const auto& [id, one] : connections_) draining_.push_back(id);
    // Threads with few sockets each would close theirs all at the same moments.
    const auto head_start = std::uniform_real_distribution{0.0, 1.0}(random_);
    drain_some({drain_, std::chrono::steady_clock::now(), over, static_cast<double>(draining_.size()), head_start});
  });
}

void io_thread::drain_some(const drain_plan& plan) {
  if (plan.number != drain_) return;
  const auto passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - plan.since) / plan.over;
  const auto left = plan.sockets - std::floor(passed * plan.sockets + plan.head_start);
  while (!draining_.empty() && (static_cast<double>(draining_.size()) > left || passed >= 1)) {
    if (auto* one = find(draining_.back()))
      one->close(actors::close_reason::going_away, "this node is being drained: come back, to another one");
    draining_.pop_back();
  }
  if (!draining_.empty()) after(drain_interval, [this, plan] { drain_some(plan); });
}

void io_thread::run_commands() {
  for (auto& one : own_outlet_->take()) std::visit([this](auto& what) { run(what); }, one);
}

connection* io_thread::find(actors::session_id session) {
  auto found = connections_.find(session);
  return found == connections_.end() ? nullptr : found->second.get();
}

void io_thread::run(actors::delivery& what) {
  // Nothing in here ends a connection at once: that takes a completed operation, and so the next turn of the loop.
  for (const auto& one : what.replies)
    if (auto* to = find(one.session)) to->receive(one);
  if (auto group = relays_.find(what.relay); group != relays_.end()) {
    for (auto* to : group->second) {
      if (!what.update.empty()) to->receive_update(what.update, what.seq, what.except);
      if (!what.presence.empty()) to->receive_presence(what.presence);
      if (!what.state_vector.empty()) to->receive_question(what.state_vector);
    }
  }
  for (const auto& one : what.acks)
    if (auto* to = find(one.session)) to->release(one);
  if (what.done) what.done();
}

void io_thread::run(const attach_command& what) {
  auto* one = find(what.session);
  if (one == nullptr || one->relay() == what.relay) return;
  leave_group(*one);
  one->attached(what.relay);
  relays_[what.relay].push_back(one);
}

void io_thread::run(const close_command& what) {
  if (what.session != 0) {
    if (auto* one = find(what.session)) one->close(what.reason, what.text);
    return;
  }
  auto group = relays_.find(what.relay);
  if (group == relays_.end()) return;
  for (auto* one : group->second) one->close(what.reason, what.text);
}

void io_thread::schedule_check() {
  check_timer_.expires_after(check_interval);
  check_timer_.async_wait([this](const boost::system::error_code& failed) {
    if (failed) return;
    auto now = this->now();
    auto now_s =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    auto all = std::vector<connection_ptr>{};
    all.reserve(connections_.size());
    for (auto& [id, one] : connections_) all.push_back(one);
    for (auto& one : all) one->check(now, now_s);
    std::erase_if(watched_, [now](const std::weak_ptr<watched>& one) {
      auto alive = one.lock();
      return !alive || !alive->check(now);
    });
    schedule_check();
  });
}

}  // namespace octavo::net
