#include "cluster/directory_copy.hpp"

#include <algorithm>

#include "cluster/logger.hpp"

namespace octavo::cluster {

namespace {

void note_lost(const record_update& update) {
  const auto lost = std::ranges::count_if(update.records, [](const auto& one) { return one.second == shard_record{}; });
  if (lost != 0) logger().warn("etcd has no record of {} shards any more; their owners write them anew", lost);
}

}  // namespace

void directory_copy::join(cluster_meta meta, std::string value) {
  meta_ = std::move(meta);
  take_meta(std::move(value));
}

void directory_copy::take_meta(std::optional<std::string> value) {
  if (!value) return;
  auto meta = decode_cluster_meta(*value);
  if (!meta)
    logger().error("{}", meta.error().message);
  else if (meta->cluster_id == meta_.cluster_id && !meta->founders.empty())
    founders_ = std::move(meta->founders);
  meta_value_ = std::move(*value);
}

// What cannot be read changes nothing.
void directory_copy::take_orders(std::optional<std::string> value) {
  auto orders = value ? decode_cluster_orders(*value) : result<cluster_orders>{};
  if (!orders) {
    logger().error("{}", orders.error().message);
    return;
  }
  orders_ = std::move(*orders);
  orders_value_ = std::move(value);
}

// What the watch has brought since the range was asked for may be newer.
record_update directory_copy::take_all(etcd_range_answer answer) {
  auto gone = std::vector<std::string>{orders_key(prefix_), look_key(prefix_)};
  for (const auto& [name, one] : nodes_) gone.push_back(node_key(prefix_, name));
  for (const auto& [shard, value] : values_)
    if (value) gone.push_back(shard_key(prefix_, shard));
  std::erase_if(gone, [&](const std::string& key) {
    return std::ranges::binary_search(answer.kvs, key, {}, &etcd_key_value::key);
  });
  auto update = record_update{};
  for (const auto& key : gone)
    if (!book_.is_known_after(key, answer.revision)) (void)take_one(key, {}, update);
  for (auto& one : answer.kvs)
    if (!book_.is_known_after(one.key, answer.revision)) (void)take_one(one.key, std::move(one.value), update);
  book_.take_all(answer.revision);
  note_lost(update);
  // Of those that were never there the host hears that, too: only now is it known.
  for (const auto shard : missing_shards()) update.records.emplace_back(shard, shard_record{});
  return update;
}

directory_copy::news directory_copy::take(std::vector<etcd_event> events) {
  auto out = news{};
  for (auto& one : events) {
    if (!book_.take(one.kv.key, one.kv.mod_revision)) continue;
    const auto is_there = one.kind == etcd_event::kind_type::put;
    if (take_one(one.kv.key, is_there ? std::optional{std::move(one.kv.value)} : std::nullopt, out.shards))
      out.has_nodes = true;
  }
  note_lost(out.shards);
  return out;
}

void directory_copy::take_answer(shard_number shard, std::int64_t revision, std::optional<std::string> stands) {
  auto update = record_update{};
  if (book_.take(shard_key(prefix_, shard), revision)) take_shard(shard, std::move(stands), update);
}

void directory_copy::begin_anew() {
  book_ = {};
  ++lives_;
}

// Whether it is of nodes, or of orders. No value: the key is not there.
bool directory_copy::take_one(const std::string& key, std::optional<std::string> value, record_update& update) {
  if (auto shard = parse_shard_key(prefix_, key)) {
    take_shard(*shard, std::move(value), update);
  } else if (auto name = parse_node_key(prefix_, key)) {
    take_node(*name, value);
    return true;
  } else if (key == orders_key(prefix_)) {
    take_orders(std::move(value));
    return true;
  } else if (key == meta_key(prefix_)) {
    take_meta(std::move(value));
  } else if (key == look_key(prefix_)) {
    take_look(value);
  }
  return false;
}

void directory_copy::take_node(const std::string& name, const std::optional<std::string>& value) {
  nodes_.erase(name);
  if (!value) return;
  auto record = decode_node_record(*value);
  if (record)
    nodes_[name] = std::move(*record);
  else
    logger().error("etcd's record of node {} cannot be read: {}", name, record.error().message);
}

void directory_copy::take_look(const std::optional<std::string>& value) {
  const auto before = std::exchange(look_, value.value_or(std::string{}));
  is_asked_ = is_asked_ || (!look_.empty() && look_ != before);
}

void directory_copy::take_shard(shard_number shard, std::optional<std::string> value, record_update& update) {
  if (shard >= meta_.shards) return;
  const auto found = values_.find(shard);
  if (found == values_.end() ? !value : found->second == value) return;
  if (value)
    if (auto record = decode_shard_record(*value); !record)
      logger().error("etcd's record of shard {} is not believed: {}", shard, record.error().message);
  values_[shard] = std::move(value);
  update.records.emplace_back(shard, record_of(shard));
}

std::vector<placement_node> directory_copy::placement_nodes() const {
  auto nodes = std::vector<placement_node>{};
  for (const auto& [name, one] : nodes_) nodes.push_back({{one.member, name}, one.draining});
  return nodes;
}

shard_record directory_copy::record_of(shard_number shard) const {
  const auto found = values_.find(shard);
  if (found == values_.end() || !found->second) return {};
  return decode_shard_record(*found->second).value_or(shard_record{});
}

std::optional<std::string> directory_copy::comparand(shard_number shard, const shard_record& expected,
                                                     std::string value) const {
  const auto found = values_.find(shard);
  const auto is_known = found != values_.end();
  if (record_of(shard) == expected || (is_known && !found->second)) return is_known ? found->second : std::nullopt;
  return value;
}

std::vector<shard_number> directory_copy::missing_shards() const {
  auto missing = std::vector<shard_number>{};
  for (auto shard = shard_number{0}; shard < meta_.shards; ++shard)
    if (!values_.contains(shard)) missing.push_back(shard);
  return missing;
}

std::shared_ptr<node_view> directory_copy::view() const {
  auto view = std::make_shared<node_view>();
  for (const auto& [name, one] : nodes_) {
    const auto is_drained = std::ranges::find(orders_.draining, name) != orders_.draining.end();
    view->nodes[name] = {one.incarnation, one.member, one.peer_address, one.draining || is_drained};
  }
  for (const auto& one : orders_.pins) view->pins[one.shard] = one.node;
  for (const auto& one : orders_.balance) view->balance[one.shard] = one;
  view->removed.insert(orders_.removed.begin(), orders_.removed.end());
  return view;
}

}  // namespace octavo::cluster
