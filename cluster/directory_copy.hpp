// What a process knows of the directory: the last that was heard of each of etcd's records, whichever way it came.
// Orders that cannot be read change nothing, and who had the shards first is not forgotten; all else is believed as it
// stands, or as not there.
//
// Plain state, without thread or clock; affinity: whoever guards it (membership.hpp).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cluster/etcd_types.hpp"
#include "cluster/node_view.hpp"
#include "cluster/placement.hpp"
#include "cluster/records.hpp"
#include "cluster/revision_book.hpp"

namespace octavo::cluster {

class directory_copy {
 public:
  /// What others are to be told.
  struct news {
    record_update shards;
    bool has_nodes = false;  ///< or orders
  };

  explicit directory_copy(std::string prefix) : prefix_(std::move(prefix)) {}

  // --- what comes in ---
  /// The cluster's record, as it was read, and as it stands in etcd. Before anything else comes in. Of later ones only
  /// the founders count, if the record is of this cluster.
  void join(cluster_meta meta, std::string value);
  void take_orders(std::optional<std::string> value);
  /// All keys. Shards that etcd knows nothing of are told, too.
  record_update take_all(etcd_range_answer answer);
  news take(std::vector<etcd_event> events);
  /// What stands in the place of a shard's record as of a revision, by the answer to a transaction.
  void take_answer(shard_number shard, std::int64_t revision, std::optional<std::string> stands);
  /// Etcd is not what it was. What stands there now may be older than what is known, and is believed all the same.
  void begin_anew();

  // --- what is known ---
  /// As join() was given it; it does not change.
  const cluster_meta& meta() const { return meta_; }
  /// As it stands in etcd, to be compared.
  const std::string& meta_value() const { return meta_value_; }
  /// Who had the shards first; once known they are not forgotten.
  const std::vector<member>& founders() const { return founders_; }
  const std::map<std::string, node_record>& nodes() const { return nodes_; }
  std::vector<placement_node> placement_nodes() const;
  const cluster_orders& orders() const { return orders_; }
  /// As they stand in etcd, to be compared; nothing: there are none.
  const std::optional<std::string>& orders_value() const { return orders_value_; }
  /// The word that somebody left who wants to see the status; empty: nobody does.
  const std::string& look() const { return look_; }
  /// Whether it has come since this was asked last.
  bool take_asked() { return std::exchange(is_asked_, false); }
  /// Empty where nothing stands, or what cannot be read: the owner, to whom that is not what is true, writes it anew.
  shard_record record_of(shard_number shard) const;
  /// What a transaction is to compare that expects this record, which is `value` as bytes: it is what stands there, as
  /// a newer octavo may have written more than is read here, what cannot be read counts as nothing, and where nothing
  /// is, nothing can be compared.
  std::optional<std::string> comparand(shard_number shard, const shard_record& expected, std::string value) const;
  /// Those of whose records nothing was ever seen: nobody has made them yet, or etcd has forgotten them.
  std::vector<shard_number> missing_shards() const;
  bool has_shards() const { return !values_.empty(); }
  std::shared_ptr<node_view> view() const;
  /// How often all was begun anew, and the newest revision since: to be remembered when something is asked.
  std::pair<std::uint64_t, std::int64_t> state() const { return {lives_, book_.newest()}; }
  /// False: the answer is not from the etcd that the state before was, or from an older copy of it.
  bool fits(std::int64_t revision, std::pair<std::uint64_t, std::int64_t> state_when_asked) const {
    return state_when_asked.first != lives_ || revision_book::fits(revision, state_when_asked.second);
  }

 private:
  bool take_one(const std::string& key, std::optional<std::string> value, record_update& update);
  void take_meta(std::optional<std::string> value);
  void take_node(const std::string& name, const std::optional<std::string>& value);
  void take_look(const std::optional<std::string>& value);
  void take_shard(shard_number shard, std::optional<std::string> value, record_update& update);

  std::string prefix_;
  cluster_meta meta_;
  std::string meta_value_;
  std::vector<member> founders_;
  std::map<std::string, node_record> nodes_;
  cluster_orders orders_;
  std::optional<std::string> orders_value_;
  std::string look_;
  bool is_asked_ = false;
  /// As they stand in etcd, byte by byte; nothing: it stood there once, and does no more.
  std::map<shard_number, std::optional<std::string>> values_;
  revision_book book_;
  std::uint64_t lives_ = 0;
};

}  // namespace octavo::cluster
