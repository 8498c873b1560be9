#include "cluster/membership.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <future>

#include "actors/caf_compat.hpp"
#include "actors/clock.hpp"
#include "cluster/etcd_wait.hpp"
#include "cluster/host_port.hpp"
#include "cluster/logger.hpp"

namespace octavo::cluster {

namespace {

constexpr auto clock_told_interval_ms = std::int64_t{600'000};
constexpr auto meta_format = std::uint32_t{1};
/// Records of shards that are made at once.
constexpr auto made_at_once_max = std::size_t{256};
/// Of a cluster, for their load: decided, and not done yet. What takes longer than this is not going to happen.
constexpr auto balance_moves_at_once_max = 2;
constexpr auto balance_move_ms_max = std::int64_t{30'000};

/// Whether nothing listens where a node was.
bool has_ended(const node_record& node) {
  constexpr auto patience = std::chrono::milliseconds{300};
  const auto where = parse_host_port(node.peer_address);
  return where && probe(*where, patience) == port_state::refusing;
}

}  // namespace

std::string promise_of(std::size_t nodes, std::size_t kept, std::size_t wanted) {
  const auto count = [](std::size_t number, const char* one) {
    return std::to_string(number) + " " + one + (number == 1 ? "" : "s");
  };
  auto text = count(nodes, "node") + ", " + count(wanted, "replica") +
              (kept < wanted ? ", for which there are too few nodes: " : ": ");
  if (kept >= 3) {
    const auto lost = (kept - 1) / 2;
    return text + "an acknowledged edit survives the loss of any " + (lost == 1 ? "one node" : count(lost, "node"));
  }
  if (kept == 2)
    return text + "an acknowledged edit survives the loss of one disk, but nobody can edit while one of both is away";
  if (wanted == 1) return text + "an acknowledged edit is on one disk, and lost with it";
  return text +
         "what only this node has is lost with its disk, and shards that have replicas elsewhere wait for those nodes";
}

membership::membership(membership_options options) : options_(std::move(options)), known_(options_.prefix) {
  auto etcd = etcd_options{};
  etcd.endpoints = options_.endpoints;
  etcd.request_timeout_ms = options_.request_timeout_ms;
  etcd_ = std::make_unique<etcd_client>(std::move(etcd));
}

membership::~membership() {
  end_thread();
  etcd_.reset();
}

bool membership::is_ending() {
  const std::lock_guard guard(mutex_);
  return stopping_;
}

void membership::end_thread() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

result<std::unique_ptr<membership>> membership::join(membership_options options) {
  auto made = std::unique_ptr<membership>(new membership(std::move(options)));
  if (auto read = made->read_meta(); !read) return tl::unexpected{read.error()};
  if (!made->options_.is_observer) made->warn_of_options();
  if (auto agree = made->check_clock(); !agree) return tl::unexpected{agree.error()};
  if (auto fit = made->check_others(); !fit) return tl::unexpected{fit.error()};
  if (auto welcome = made->read_orders(); !welcome) return tl::unexpected{welcome.error()};
  return made;
}

result<void> membership::read_meta() {
  const auto key = meta_key(options_.prefix);
  auto mine = cluster_meta{options_.known_cluster_id.empty() ? random_hex(32) : options_.known_cluster_id,
                           options_.shards, options_.replicas, meta_format};
  auto found = wait_for<etcd_range_answer>([&](auto done) { etcd_->range(key, std::move(done)); });
  if (!found) return tl::unexpected{found.error()};
  if (found->kvs.empty() && options_.is_observer)
    return fail(errc::not_found, "this etcd knows of no cluster yet: start a node with octavo serve --cluster");
  if (found->kvs.empty()) {
    if (!options_.known_cluster_id.empty())
      return fail(errc::invalid_argument, "this node's data belongs to cluster " + options_.known_cluster_id +
                                              ", and etcd knows of none under " + options_.prefix +
                                              ": give the etcd that the cluster was made with, or another --data");
    // A node that is refused makes no cluster.
    if (auto agree = check_clock(); !agree) return agree;
    auto value = encode(mine);
    if (!value) return tl::unexpected{value.error()};
    auto made = wait_for<etcd_txn_answer>([&](auto done) { etcd_->txn({key, {}, *value, 0}, std::move(done)); });
    if (!made) return tl::unexpected{made.error()};
    found = wait_for<etcd_range_answer>([&](auto done) { etcd_->range(key, std::move(done)); });
    if (!found) return tl::unexpected{found.error()};
    if (found->kvs.empty()) return fail(errc::unavailable, "etcd did not keep the cluster's record: " + made->why);
    is_maker_ = true;
  }
  auto meta = decode_cluster_meta(found->kvs.front().value);
  if (!meta)
    return fail(errc::invalid_argument, "etcd's record of the cluster cannot be read: " + meta.error().message);
  if (meta->format_version != meta_format)
    return fail(errc::unknown_version, "the cluster was made by another version of octavo (format " +
                                           std::to_string(meta->format_version) + ")");
  if (!options_.known_cluster_id.empty() && meta->cluster_id != options_.known_cluster_id)
    return fail(errc::invalid_argument, "this node's data belongs to cluster " + options_.known_cluster_id +
                                            ", and the one in etcd is " + meta->cluster_id +
                                            ": give the right etcd, or another --data");
  is_maker_ = is_maker_ && meta->cluster_id == mine.cluster_id;
  const std::lock_guard guard(mutex_);
  known_.join(std::move(*meta), std::move(found->kvs.front().value));
  return {};
}

void membership::warn_of_options() const {
  const auto warn = [](const char* option, std::uint32_t ours, std::uint32_t theirs) {
    if (ours != theirs)
      logger().warn("--{} {}, as given or usual, changes nothing: the cluster was made with --{} {}", option, ours,
                    option, theirs);
  };
  warn("shards", options_.shards, meta().shards);
  warn("replicas", options_.replicas, meta().replicas);
}

// Nothing that is promised rests on clocks; tokens, and the times of edits and versions, do.
result<void> membership::check_clock() const {
  const auto ahead = etcd_->clock_ahead_ms();
  if (std::abs(ahead) <= options_.clock_skew_ms_max) return {};
  return fail(errc::invalid_argument, "this machine's clock is " + std::to_string(std::abs(ahead) / 1'000) + " s " +
                                          (ahead > 0 ? "ahead of" : "behind") +
                                          " etcd's: set both (NTP), or allow it with --clock-skew-max");
}

result<void> membership::check_others() {
  auto found =
      wait_for<etcd_range_answer>([&](auto done) { etcd_->range_prefix(node_keys(options_.prefix), std::move(done)); });
  if (!found) return tl::unexpected{found.error()};
  for (const auto& one : found->kvs) {
    auto other = decode_node_record(one.value);
    if (!other || (other->name == options_.self.name && !options_.is_observer)) continue;
    auto refuse = [&](std::string_view what, const std::string& theirs, const std::string& ours) {
      auto why = "node " + other->name;
      why.append(" runs with ").append(what).append(" ").append(theirs);
      why.append(", and this one with ").append(ours).append(": nodes of one cluster must run the same");
      return fail(errc::invalid_argument, std::move(why));
    };
    if (other->wire_version != options_.self.wire_version)
      return refuse("wire version", std::to_string(other->wire_version), std::to_string(options_.self.wire_version));
    if (other->caf_version != options_.self.caf_version)
      return refuse("CAF", other->caf_version, options_.self.caf_version);
    if (!options_.is_observer && other->member == options_.self.member)
      return fail(errc::invalid_argument, "node " + other->name + " has the same disk id: was its data copied here?");
  }
  return {};
}

result<void> membership::read_orders() {
  auto found =
      wait_for<etcd_range_answer>([&](auto done) { etcd_->range(orders_key(options_.prefix), std::move(done)); });
  if (!found) return tl::unexpected{found.error()};
  if (found->kvs.empty()) return {};
  const std::lock_guard guard(mutex_);
  known_.take_orders(std::move(found->kvs.front().value));
  if (std::ranges::find(known_.orders().removed, options_.self.member) != known_.orders().removed.end())
    return fail(errc::invalid_argument,
                "this node was taken out of the cluster with octavo cluster remove, and others have its replicas: to "
                "bring it back, give it an empty --data");
  return {};
}

// The name is free, or a run before this one on the same disk had it, or its lease runs out while we wait.
result<void> membership::take_name() {
  const auto key = node_key(options_.prefix, options_.self.name);
  auto value = encode(options_.self);
  if (!value) return tl::unexpected{value.error()};
  {
    const std::lock_guard guard(mutex_);
    own_value_ = *value;
  }
  const auto end = actors::steady_now_ms() + 2 * options_.lease_s * 1'000 + options_.renew_ms;
  for (;;) {
    auto lease = wait_for<etcd_lease>([&](auto done) { etcd_->grant_lease(options_.lease_s, std::move(done)); });
    if (!lease) return tl::unexpected{lease.error()};
    auto put = wait_for<etcd_txn_answer>([&](auto done) {
      etcd_->txn({key, {}, own_value_, lease->id}, std::move(done));
    });
    if (!put) return tl::unexpected{put.error()};
    // Our own record may stand there on a lease that will run out: of an etcd that was restored, or one that we gave
    // up.
    if (put->outcome != txn_outcome::done && put->current == own_value_) {
      put = wait_for<etcd_txn_answer>([&](auto done) {
        etcd_->txn({key, own_value_, own_value_, lease->id}, std::move(done));
      });
      if (!put) return tl::unexpected{put.error()};
    }
    if (put->outcome == txn_outcome::done) {
      // Another one may have come at the same moment, with a copy of this disk. At least one of both sees the other.
      if (auto alone = check_others(); !alone && alone.error().code == errc::invalid_argument) {
        remove_record();
        return alone;
      }
      const std::lock_guard guard(mutex_);
      lease_ = lease->id;
      confirmed_ms_ = taken_ms_ = actors::steady_now_ms();
      return {};
    }
    if (put->current) {
      auto other = decode_node_record(*put->current);
      // Of an earlier run of this node nothing is there but the lease; a process that runs has a copy of the disk.
      const auto is_same_disk = other && other->member == options_.self.member;
      // Where this node listens itself nobody else does.
      const auto is_own = is_same_disk && (other->incarnation == options_.self.incarnation ||
                                           (is_started() && other->peer_address == options_.self.peer_address));
      if (is_own || (is_same_disk && has_ended(*other)))
        (void)wait_for<etcd_txn_answer>([&](auto done) { etcd_->txn({key, put->current, {}, 0}, std::move(done)); });
      if (actors::steady_now_ms() > end) {
        const auto where = other ? " at " + other->peer_address : std::string{};
        if (is_same_disk)
          return fail(errc::already_exists, "node " + options_.self.name + " is running" + where +
                                                ", with the same disk id: was its data copied here?");
        return fail(errc::already_exists,
                    "a node named " + options_.self.name + " is running" + where + ": give this one another --node");
      }
    }
    auto guard = std::unique_lock{mutex_};
    if (wake_.wait_for(guard, std::chrono::milliseconds{200}, [this] { return stopping_; }))
      return fail(errc::unavailable, "this node ends");
  }
}

void membership::start(directory_listener_actor host) {
  {
    const std::lock_guard guard(mutex_);
    host_ = std::move(host);
  }
  reread();
  thread_ = std::thread([this] { run(); });
}

bool membership::is_started() {
  const std::lock_guard guard(mutex_);
  return bool{host_};
}

// What renews the lease would find no record, and write it anew.
void membership::leave() {
  end_thread();
  remove_record();
}

void membership::remove_record() {
  auto value = std::string{};
  {
    const std::lock_guard guard(mutex_);
    value = own_value_;
  }
  (void)wait_for<etcd_txn_answer>([&](auto done) {
    etcd_->txn({node_key(options_.prefix, options_.self.name), value, {}, 0}, std::move(done));
  });
}

void membership::run() {
  const auto began_ms = actors::steady_now_ms();
  for (;;) {
    {
      auto guard = std::unique_lock{mutex_};
      wake_.wait_for(guard, std::chrono::milliseconds{options_.renew_ms},
                     [this] { return stopping_ || known_.take_asked(); });
      if (stopping_) return;
    }
    if (!options_.is_observer) {
      renew();
      tell_drained();
    }
    auto is_due = false;
    auto is_gathered = false;
    {
      const std::lock_guard guard(mutex_);
      is_due = actors::steady_now_ms() - reread_ms_ >= options_.reread_ms;
      is_gathered =
          known_.nodes().size() >= meta().replicas || actors::steady_now_ms() - began_ms >= options_.gather_ms;
      if (!is_watching_) is_due = true;
    }
    if (is_due) reread();
    if (!options_.is_observer) {
      if (is_gathered && (is_maker_ || actors::steady_now_ms() - began_ms >= options_.make_late_ms)) make_shards();
      put_status();
    }
    const std::lock_guard guard(mutex_);
    if (is_gathered && !options_.is_observer) tell_promise();
    tell_nodes();
  }
}

std::string membership::owner_of(shard_number shard) {
  const std::lock_guard guard(mutex_);
  return known_.record_of(shard).owner.node;
}

void membership::publish(std::string status) {
  const std::lock_guard guard(mutex_);
  status_ = std::move(status);
}

void membership::drain() {
  {
    const std::lock_guard guard(mutex_);
    is_drained_ = true;
  }
  wake_.notify_all();
}

// The record of a node is written by one thread alone.
void membership::tell_drained() {
  {
    const std::lock_guard guard(mutex_);
    if (!is_drained_) return;
  }
  auto self = options_.self;
  self.draining = true;
  const auto value = encode(self);
  if (!value) return;
  auto put = wait_for<etcd_txn_answer>([&](auto done) {
    etcd_->txn({node_key(options_.prefix, self.name), own_value_, *value, lease_}, std::move(done));
  });
  if (!put || (put->outcome != txn_outcome::done && put->current != *value)) return;  // again in a second
  options_.self.draining = true;
  const std::lock_guard guard(mutex_);
  own_value_ = *value;
  is_drained_ = false;
}

void membership::balance(cluster_orders::balanced wanted) {
  auto current = std::optional<std::string>{};
  auto orders = cluster_orders{};
  auto nodes = std::vector<placement_node>{};
  {
    const std::lock_guard guard(mutex_);
    current = known_.orders_value();
    orders = known_.orders();
    auto under_way = 0;
    for (const auto& one : orders.balance) {
      if (!is_recent(one, wanted.unix_ms, balance_move_ms_max, options_.clock_skew_ms_max)) continue;
      if (known_.record_of(one.shard).owner.node != one.node) ++under_way;
    }
    if (under_way >= balance_moves_at_once_max) return;
    nodes = known_.placement_nodes();
  }
  std::erase_if(orders.balance, [&](const auto& one) { return one.shard == wanted.shard; });
  // A shard that would be there anyway, or that the operator keeps somewhere, needs no entry.
  if (orders.balance.size() == orders_balance_max)
    std::erase_if(orders.balance, [&](const auto& one) {
      const auto first = wanted_members(one.shard, nodes, meta().replicas);
      return (!first.empty() && first.front().node == one.node) ||
             std::ranges::find(orders.pins, one.shard, &cluster_orders::pin::shard) != orders.pins.end();
    });
  if (orders.balance.size() == orders_balance_max) {
    logger().warn("shard={} stays where it is: {} shards are moved for their load already (octavo cluster rebalance)",
                  wanted.shard, orders_balance_max);
    return;
  }
  orders.balance.push_back(std::move(wanted));
  auto value = encode(orders);
  if (!value) {
    logger().error("a shard cannot be moved for its load: {}", value.error().message);
    return;
  }
  // What becomes of it the watch tells.
  etcd_->txn({orders_key(options_.prefix), current, *value, 0}, [](const result<etcd_txn_answer>&) {});
}

void membership::put_status() {
  auto wanted = std::string{};
  {
    const std::lock_guard guard(mutex_);
    if (status_.empty() || !is_look(known_.look())) return;
    wanted = with_look(status_, known_.look());
  }
  if (status_shown_ == wanted) return;
  const auto key = status_key(options_.prefix, options_.self.name);
  // Nobody else writes there but this node's run before this one.
  for (auto tries = 0; tries < 2; ++tries) {
    auto put = wait_for<etcd_txn_answer>([&](auto done) {
      etcd_->txn({key, status_shown_, wanted, lease_}, std::move(done));
    });
    if (!put || put->outcome == txn_outcome::unknown) return;
    const auto is_done = put->outcome == txn_outcome::done;
    status_shown_ = is_done ? wanted : put->current;
    if (is_done) return;
  }
}

void membership::renew() {
  auto left = wait_for<std::int64_t>([&](auto done) { etcd_->keep_alive_once(lease_, std::move(done)); });
  if (left) {
    const std::lock_guard guard(mutex_);
    const auto own = known_.nodes().find(options_.self.name);
    const auto is_own = own != known_.nodes().end() && own->second.incarnation == options_.self.incarnation;
    if (reread_ms_ <= taken_ms_ || is_own) {
      confirmed_ms_ = actors::steady_now_ms();
      if (auto agree = check_clock(); !agree && confirmed_ms_ - clock_told_ms_ >= clock_told_interval_ms) {
        logger().warn("{}", agree.error().message);
        clock_told_ms_ = confirmed_ms_;
      }
      return;
    }
  }
  if (!left && left.error().code != errc::not_found) return;
  logger().warn("{}; its place is taken anew",
                left ? "etcd has no record of this node" : "the lease of this node ran out");
  const auto taken = take_name();
  if (taken || is_ending()) return;
  logger().error("this node has no place: {}", taken.error().message);
  if (taken.error().code == errc::already_exists && options_.on_replaced) options_.on_replaced(taken.error());
}

// Shards that nobody has made yet get their first members, evenly: every node may try, and the first one's stand. One
// whose record was there once has members, whatever etcd knows: others could begin it anew without its documents.
void membership::make_shards() {
  auto missing = std::vector<shard_number>{};
  auto is_founded = false;
  {
    const std::lock_guard guard(mutex_);
    missing = known_.missing_shards();
    is_founded = !known_.founders().empty();
  }
  if (missing.empty()) return;
  if (!is_founded) found();
  auto founders = std::vector<placement_node>{};
  {
    const std::lock_guard guard(mutex_);
    for (const auto& one : known_.founders()) founders.push_back({one});
  }
  if (founders.empty()) return;
  if (missing.size() > made_at_once_max) missing.resize(made_at_once_max);
  auto answers = std::vector<std::future<result<etcd_txn_answer>>>{};
  for (auto shard : missing) {
    auto record = shard_record{};
    record.config.version = 1;
    record.config.members = wanted_members(shard, founders, meta().replicas);
    auto value = encode(record);
    if (!value) continue;
    auto done = std::make_shared<std::promise<result<etcd_txn_answer>>>();
    answers.push_back(done->get_future());
    etcd_->txn({shard_key(options_.prefix, shard), {}, *value, 0},
               [done](result<etcd_txn_answer> answer) { done->set_value(std::move(answer)); });
  }
  for (auto& one : answers) one.wait();
  reread();
}

// Who has the shards first is decided once, in one transaction, by whoever comes first. Where somebody has begun to
// make them already it was decided, and is only not known here: by an etcd that was restored from a copy of that
// moment. New members would know nothing of what the first ones have promised.
void membership::found() {
  auto wanted = meta();
  auto before = std::string{};
  {
    const std::lock_guard guard(mutex_);
    if (has_replicas_ || known_.has_shards()) {
      if (!std::exchange(is_told_of_no_founders_, true))
        logger().warn("etcd has no record of some shards, nor of who had them first: their members write them anew");
      return;
    }
    before = known_.meta_value();
    auto nodes = known_.placement_nodes();
    if (std::ranges::any_of(nodes, [](const auto& one) { return !one.is_draining; }))
      std::erase_if(nodes, [](const auto& one) { return one.is_draining; });
    if (nodes.size() > founders_max) nodes.resize(founders_max);
    for (auto& one : nodes) wanted.founders.push_back(std::move(one.who));
  }
  const auto value = encode(wanted);
  if (wanted.founders.empty() || !value) return;
  (void)wait_for<etcd_txn_answer>([&](auto done) {
    etcd_->txn({meta_key(options_.prefix), before, *value, 0}, std::move(done));
  });
  reread();
}

// Everything at once, and as of one revision: from there on the watch tells.
void membership::reread() {
  auto asked = std::pair<std::uint64_t, std::int64_t>{};
  {
    const std::lock_guard guard(mutex_);
    asked = known_.state();
  }
  auto all = wait_for<etcd_range_answer>([&](auto done) { etcd_->range_prefix(options_.prefix, std::move(done)); });
  if (!all) return;
  const std::lock_guard guard(mutex_);
  const auto before = std::exchange(etcd_id_, all->cluster_id);
  if (!known_.fits(all->revision, asked) || (before != 0 && before != etcd_id_)) begin_anew();
  reread_ms_ = actors::steady_now_ms();
  if (options_.is_observer) confirmed_ms_ = reread_ms_;
  const auto revision = all->revision;
  tell_shards(known_.take_all(std::move(*all)));
  tell_nodes();
  if (!is_watching_) watch(revision);
}

void membership::watch(std::int64_t after_revision) {
  is_watching_ = true;
  const auto number = ++watch_;
  watch_id_ = etcd_->watch(
      options_.prefix, after_revision + 1,
      [this, number](std::vector<etcd_event> events) { take_events(number, std::move(events)); },
      [this, number](const etcd_watch_end& why) { end_watch(number, why); });
}

void membership::end_watch(std::uint64_t number, const etcd_watch_end& why) {
  const std::lock_guard guard(mutex_);
  if (number != watch_) return;
  if (why.reason != etcd_watch_end::reason_type::closed)
    logger().warn("etcd's watch is broken and made anew: {}", why.what.message);
  is_watching_ = false;
}

// A watch of what was there before tells nothing of what is there now.
void membership::begin_anew() {
  logger().warn("etcd is not what it was: restored from an older copy, as it seems; all that it says is read anew");
  known_.begin_anew();
  etcd_->cancel_watch(watch_id_);
  ++watch_;
  is_watching_ = false;
}

void membership::take_events(std::uint64_t number, std::vector<etcd_event> events) {
  {
    const std::lock_guard guard(mutex_);
    if (number != watch_) return;
    auto news = known_.take(std::move(events));
    tell_shards(std::move(news.shards));
    if (news.has_nodes) tell_nodes();
  }
  wake_.notify_all();
}

void membership::tell_shards(record_update update) {
  if (host_ && !update.records.empty()) compat::tell(host_, record_atom_v, std::move(update));
}

void membership::tell_nodes() {
  if (!host_) return;
  auto view = known_.view();
  view->is_current = actors::steady_now_ms() - confirmed_ms_ <= options_.lease_s * 1'000;
  compat::tell(host_, nodes_atom_v, std::shared_ptr<const node_view>{std::move(view)});
}

// Once, and whenever nodes come or go and it makes a difference.
void membership::tell_promise() {
  auto nodes = known_.placement_nodes();
  const auto& removed = known_.orders().removed;
  std::erase_if(nodes, [&](const auto& one) { return std::ranges::find(removed, one.who.id) != removed.end(); });
  const auto kept = wanted_members(0, nodes, meta().replicas).size();
  if (nodes.empty() || std::exchange(promised_, kept) == kept) return;
  const auto text = promise_of(nodes.size(), kept, meta().replicas);
  if (kept < meta().replicas)
    logger().warn("{}", text);
  else
    logger().info("{}", text);
}

void membership::submit(const shard_txn& request) {
  const auto shard = request.shard;
  const auto id = request.what.id;
  auto expected = encode(request.what.expected);
  auto wanted = encode(request.what.wanted);
  const std::lock_guard guard(mutex_);
  if (!expected || !wanted) {
    logger().error("shard={} a record cannot be written: {}", shard,
                   !expected ? expected.error().message : wanted.error().message);
    if (host_) compat::tell(host_, txn_atom_v, txn_answer{shard, id, txn_outcome::refused, {}});
    return;
  }
  auto stands = known_.comparand(shard, request.what.expected, std::move(*expected));
  etcd_->txn({shard_key(options_.prefix, shard), std::move(stands), *wanted, 0},
             [this, shard, id, value = *wanted, asked = known_.state()](const result<etcd_txn_answer>& done) {
               take_txn(shard, id, value, asked, done);
             });
}

void membership::take_txn(shard_number shard, std::uint64_t id, const std::string& wanted,
                          std::pair<std::uint64_t, std::int64_t> asked, const result<etcd_txn_answer>& done) {
  const std::lock_guard guard(mutex_);
  auto answer = txn_answer{shard, id, done ? done->outcome : txn_outcome::unknown, {}};
  if (answer.outcome == txn_outcome::unknown) {
    if (host_) compat::tell(host_, txn_atom_v, std::move(answer));
    return;
  }
  // Of many that were asked before, one says so.
  if (!known_.fits(done->revision, asked)) begin_anew();
  const auto stands = answer.outcome == txn_outcome::done ? std::optional{wanted} : done->current;
  known_.take_answer(shard, done->revision, stands);
  // The replica is to know, too, that there is nothing to compare with any more.
  if (answer.outcome == txn_outcome::refused)
    answer.current = stands ? decode_shard_record(*stands).value_or(shard_record{}) : shard_record{};
  if (!host_) return;
  compat::tell(host_, txn_atom_v, std::move(answer));
  // While a replica waits for its answer it takes in nothing else, and the watch may have brought what is later.
  compat::tell(host_, record_atom_v, record_update{{{shard, known_.record_of(shard)}}});
}

}  // namespace octavo::cluster
