#include "cluster/admin.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "cluster/etcd_wait.hpp"

namespace octavo::cluster {

namespace {

constexpr auto order_tries_max = 20;
/// How long nodes write their statuses for somebody who asked once.
constexpr auto word_lease_s = std::int64_t{30};
/// Two nodes that are rebuilt at once could be the two that have an edit. By then the record of the first one's run
/// before has gone, and its new disk is known as one that has nothing yet.
constexpr auto rebuild_lease_s = std::int64_t{15};
constexpr auto word_timeout = std::chrono::seconds{2};
constexpr auto word_poll = std::chrono::milliseconds{50};

result<void> not_known(const unreadable_record& what) {
  return fail(errc::malformed, what.key + ": " + what.why);
}

etcd_options options_of(std::vector<host_port> endpoints) {
  auto options = etcd_options{};
  options.endpoints = std::move(endpoints);
  return options;
}

}  // namespace

std::vector<unreadable_record> cluster_picture::unreadable() const {
  auto all = std::vector<unreadable_record>{};
  for (const auto& [node, one] : unreadable_nodes) all.push_back(one);
  for (const auto& [shard, one] : unreadable_shards) all.push_back(one);
  if (unreadable_orders) all.push_back(*unreadable_orders);
  return all;
}

result<void> cluster_picture::knows_node(const std::string& node) const {
  const auto found = unreadable_nodes.find(node);
  return found == unreadable_nodes.end() ? result<void>{} : not_known(found->second);
}

result<void> cluster_picture::knows_shard(shard_number shard) const {
  const auto found = unreadable_shards.find(shard);
  return found == unreadable_shards.end() ? result<void>{} : not_known(found->second);
}

result<void> cluster_picture::knows_shards() const {
  return unreadable_shards.empty() ? result<void>{} : not_known(unreadable_shards.begin()->second);
}

result<void> cluster_picture::knows_all() const {
  const auto all = unreadable();
  return all.empty() ? result<void>{} : not_known(all.front());
}

bool cluster_picture::is_there(const member& who) const {
  const auto found = nodes.find(who.node);
  return found != nodes.end() && found->second.member == who.id;
}

bool cluster_picture::is_drained(const std::string& node) const {
  const auto found = nodes.find(node);
  return (found != nodes.end() && found->second.draining) ||
         std::ranges::find(orders.draining, node) != orders.draining.end();
}

std::size_t cluster_picture::owned_by(const std::string& node) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(shards, [&](const auto& one) { return one.owner.id != 0 && one.owner.node == node; }));
}

std::size_t cluster_picture::replicas_on(const std::string& node) const {
  return static_cast<std::size_t>(std::ranges::count_if(shards, [&](const auto& one) {
    return std::ranges::any_of(one.config.members, [&](const member& who) { return who.node == node; });
  }));
}

std::size_t cluster_picture::in_need_of(const std::string& node) const {
  return static_cast<std::size_t>(std::ranges::count_if(shards, [&](const auto& one) {
    auto is_named = false;
    auto others = std::size_t{0};
    for (const auto& who : one.config.members) {
      if (who.node == node)
        is_named = true;
      else if (is_there(who))
        ++others;
    }
    return is_named && others < one.config.majority();
  }));
}

member cluster_picture::owner_wanted(shard_number shard) const {
  auto there = std::vector<placement_node>{};
  for (const auto& [name, one] : nodes)
    if (std::ranges::find(orders.removed, one.member) == orders.removed.end())
      there.push_back({{one.member, name}, is_drained(name), 0});
  const auto wanted = wanted_members(shard, there, meta.replicas, node_ordered(orders, shard));
  return wanted.empty() ? member{} : wanted.front();
}

cluster_admin::cluster_admin(std::vector<host_port> endpoints, std::string prefix)
    : prefix_(std::move(prefix)), etcd_(options_of(std::move(endpoints))) {}

result<std::unique_ptr<cluster_admin>> cluster_admin::connect(const std::string& url, std::string prefix) {
  auto endpoints = parse_etcd_url(url);
  if (!endpoints) return tl::unexpected{endpoints.error()};
  return std::unique_ptr<cluster_admin>(new cluster_admin(std::move(*endpoints), std::move(prefix)));
}

result<etcd_range_answer> cluster_admin::range(const std::string& key) {
  return wait_for<etcd_range_answer>([&](auto done) { etcd_.range(key, std::move(done)); });
}

result<etcd_range_answer> cluster_admin::range_prefix(const std::string& prefix) {
  return wait_for<etcd_range_answer>([&](auto done) { etcd_.range_prefix(prefix, std::move(done)); });
}

result<cluster_picture> cluster_admin::look() {
  auto picture = cluster_picture{};
  auto found = range(meta_key(prefix_));
  if (!found) return tl::unexpected{found.error()};
  if (found->kvs.empty())
    return fail(errc::not_found, "this etcd knows of no cluster yet: start a node with octavo serve --cluster");
  auto meta = decode_cluster_meta(found->kvs.front().value);
  if (!meta) return tl::unexpected{meta.error()};
  picture.meta = std::move(*meta);
  picture.shards.resize(picture.meta.shards);
  auto nodes = range_prefix(node_keys(prefix_));
  auto shards = range_prefix(shard_keys(prefix_));
  auto orders = range(orders_key(prefix_));
  for (const auto* one : {&nodes, &shards, &orders})
    if (!*one) return tl::unexpected{one->error()};
  for (const auto& one : nodes->kvs) {
    auto name = parse_node_key(prefix_, one.key);
    if (!name) continue;
    auto record = decode_node_record(one.value);
    if (record)
      picture.nodes.emplace(std::move(*name), std::move(*record));
    else
      picture.unreadable_nodes[*name] = {one.key, record.error().message};
  }
  for (const auto& one : shards->kvs) {
    auto number = parse_shard_key(prefix_, one.key);
    if (!number || *number >= picture.shards.size()) continue;
    auto record = decode_shard_record(one.value);
    if (record)
      picture.shards[*number] = std::move(*record);
    else
      picture.unreadable_shards[*number] = {one.key, record.error().message};
  }
  for (const auto& one : orders->kvs) {
    auto read = decode_cluster_orders(one.value);
    if (read)
      picture.orders = std::move(*read);
    else
      picture.unreadable_orders = {one.key, read.error().message};
  }
  return picture;
}

result<void> cluster_admin::leave_word(const std::string& word) {
  auto lease = wait_for<etcd_lease>([&](auto done) { etcd_.grant_lease(word_lease_s, std::move(done)); });
  if (!lease) return tl::unexpected{lease.error()};
  auto stands = std::optional<std::string>{};
  for (auto tries = 0; tries < order_tries_max; ++tries) {
    auto put = wait_for<etcd_txn_answer>([&](auto done) {
      etcd_.txn({look_key(prefix_), stands, word, lease->id}, std::move(done));
    });
    if (!put) return tl::unexpected{put.error()};
    if (put->outcome == txn_outcome::done) return {};
    stands = put->current;
  }
  return fail(errc::unavailable, "others look at the cluster all the time; ask again");
}

result<cluster_picture> cluster_admin::look_closely() {
  const auto word = random_hex(look_digits);
  if (auto left = leave_word(word); !left) return tl::unexpected{left.error()};
  const auto prefix = status_key(prefix_, {});
  const auto until = std::chrono::steady_clock::now() + word_timeout;
  auto picture = look();
  if (!picture) return picture;
  for (;;) {
    auto statuses = range_prefix(prefix);
    if (!statuses) return tl::unexpected{statuses.error()};
    for (auto& one : statuses->kvs)
      if (has_look(one.value, word)) picture->statuses.emplace(one.key.substr(prefix.size()), std::move(one.value));
    if (picture->statuses.size() >= picture->nodes.size() || std::chrono::steady_clock::now() >= until) return picture;
    std::this_thread::sleep_for(word_poll);
  }
}

result<void> cluster_admin::begin_rebuild(const std::string& node, const std::string& cluster_id,
                                          std::chrono::milliseconds look_after) {
  const auto key = rebuild_key(prefix_);
  auto lease = wait_for<etcd_lease>([&](auto done) { etcd_.grant_lease(rebuild_lease_s, std::move(done)); });
  if (!lease) return tl::unexpected{lease.error()};
  auto put = wait_for<etcd_txn_answer>([&](auto done) { etcd_.txn({key, {}, node, lease->id}, std::move(done)); });
  if (!put) return tl::unexpected{put.error()};
  if (put->outcome != txn_outcome::done && put->current != node)
    return fail(errc::unavailable, put->current.value_or("perhaps another node") +
                                       " begins anew just now, and one at a time may; it is tried again");
  std::this_thread::sleep_for(look_after);
  auto fit = may_be_rebuilt(node, cluster_id);
  if (!fit) (void)wait_for<etcd_txn_answer>([&](auto done) { etcd_.txn({key, node, {}, 0}, std::move(done)); });
  return fit;
}

result<void> cluster_admin::may_be_rebuilt(const std::string& node, const std::string& cluster_id) {
  auto picture = look();
  if (!picture) return tl::unexpected{picture.error()};
  if (picture->meta.cluster_id != cluster_id)
    return fail(errc::invalid_argument, "its data belongs to cluster " + (cluster_id.empty() ? "none" : cluster_id) +
                                            ", and etcd's is " + picture->meta.cluster_id);
  if (auto known = picture->knows_shards(); !known) return known;
  if (picture->replicas_on(node) == 0)
    return fail(errc::invalid_argument, "no shard has a replica on a node named " + node);
  const auto unknown =
      std::ranges::count_if(picture->shards, [](const auto& one) { return one.config.members.empty(); });
  if (unknown != 0) return fail(errc::unavailable, "etcd knows nothing of " + std::to_string(unknown) + " shards");
  if (const auto count = picture->in_need_of(node); count != 0)
    return fail(errc::unavailable, std::to_string(count) + " shards have no majority without " + node);
  return {};
}

result<void> cluster_admin::order(const std::function<void(cluster_orders&)>& change) {
  for (auto tries = 0; tries < order_tries_max; ++tries) {
    auto found = range(orders_key(prefix_));
    if (!found) return tl::unexpected{found.error()};
    auto current = std::optional<std::string>{};
    auto orders = cluster_orders{};
    if (!found->kvs.empty()) {
      current = found->kvs.front().value;
      auto read = decode_cluster_orders(*current);
      if (!read) return not_known({orders_key(prefix_), read.error().message});
      orders = std::move(*read);
    }
    change(orders);
    auto wanted = encode(orders);
    if (!wanted) return tl::unexpected{wanted.error()};
    if (current == *wanted) return {};
    auto put = wait_for<etcd_txn_answer>([&](auto done) {
      etcd_.txn({orders_key(prefix_), current, *wanted, 0}, std::move(done));
    });
    if (!put) return tl::unexpected{put.error()};
    if (put->outcome == txn_outcome::done) return {};
    // Somebody else was faster, or it is not known: what stands there tells.
  }
  return fail(errc::unavailable, "others change the orders of the cluster all the time; ask again");
}

}  // namespace octavo::cluster
