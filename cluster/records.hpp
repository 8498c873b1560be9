// The values that octavo keeps in etcd, as JSON, and the keys that they stand at. Pure functions. Reading skips fields
// that it does not know, so that nodes of two versions can share a directory; all else that is not as it should be is
// refused with a sentence that names the field.
//
// Shard records are compared by their bytes in transactions: equal records have equal bytes. A record that a newer
// octavo wrote may hold more than is read here, so whoever compares does it with the bytes that were read from etcd,
// and not with what this version would write in their place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cluster/shard_types.hpp"
#include "cluster/shards.hpp"
#include "storage/result.hpp"

namespace octavo::cluster {

/// Records of shards as they are now. An empty one: nothing stands there.
struct record_update {
  std::vector<std::pair<shard_number, shard_record>> records;
};

/// Nobody counts so far: an epoch above this, or a version of members, is no claim's, and a record with it is refused.
/// But one just below is believed, and the next claim needs one more: such a record says that it is meant (`"high":
/// true`), and is read up to the second bound. So claims can go on from whatever is read.
inline constexpr auto record_count_max = std::uint64_t{1} << 61U;
inline constexpr auto record_high_count_max = std::uint64_t{1} << 62U;
inline constexpr auto record_members_max = std::size_t{9};
inline constexpr auto node_name_bytes_max = std::size_t{64};
inline constexpr auto record_bytes_max = std::size_t{64} << 10U;
/// Of versions, addresses, each.
inline constexpr auto record_text_bytes_max = std::size_t{300};
inline constexpr auto shards_max = std::uint32_t{65536};

/// A node as it presents itself to the others, on a lease: when the record is gone, so, probably, is the node.
struct node_record {
  std::string name;
  std::uint64_t incarnation = 0;  ///< drawn at each start
  member_id member = 0;           ///< its disk
  std::string peer_address;       ///< host:port, where other nodes connect to
  std::string http_address;       ///< host:port, where clients connect to
  std::uint32_t wire_version = 0;
  std::string caf_version;
  std::string octavo_version;
  std::int64_t started_unix_ms = 0;
  bool draining = false;
  double load = 0;
  bool operator==(const node_record&) const = default;
};

/// What all nodes of a cluster must agree on; written when the cluster is made.
struct cluster_meta {
  std::string cluster_id;  ///< 32 lowercase hexadecimal digits, drawn at random
  std::uint32_t shards = 0;
  std::uint32_t replicas = 0;
  std::uint32_t format_version = 0;
  /// Who was there when it was decided who has the shards first, once and for all: a shard of which etcd knows nothing
  /// is made with the members that it had at first, whoever makes it, and so without harm. Empty: not decided yet.
  std::vector<member> founders;
  bool operator==(const cluster_meta&) const = default;
};
inline constexpr auto founders_max = std::size_t{100};

/// What the operator wants, until it is taken back: octavo cluster drain, move, remove; and what nodes have given away
/// because they had too much to do.
struct cluster_orders {
  struct pin {
    std::uint32_t shard = 0;
    std::string node;  ///< that is to own it
    bool operator==(const pin&) const = default;
  };
  /// A shard that is to be elsewhere than it would be by its number alone, for the load of its documents. A pin of the
  /// same shard outweighs it.
  struct balanced {
    std::uint32_t shard = 0;
    std::string from;
    std::string node;                ///< that is to own it
    std::int64_t unix_ms = 0;        ///< when that was decided
    std::uint32_t core_percent = 0;  ///< how much of a core it kept busy
    std::string why;                 ///< for the operator
    bool operator==(const balanced&) const = default;
  };
  std::vector<std::string> draining;  ///< nodes that are to own nothing
  std::vector<pin> pins;
  std::vector<balanced> balance;   ///< the latest last
  std::vector<member_id> removed;  ///< disks that are no part of the cluster any more, the latest last
  /// Of nodes that are drained, as long as they are: once one has nothing and is stopped, its disk is known from
  /// nowhere else. An octavo that does not know of these drops them.
  std::vector<member> drained;
  bool operator==(const cluster_orders&) const = default;
};
inline constexpr auto orders_draining_max = std::size_t{32};
inline constexpr auto orders_pins_max = std::size_t{100};
inline constexpr auto orders_balance_max = std::size_t{64};
inline constexpr auto orders_removed_max = std::size_t{64};

/// Whether it was decided so few milliseconds before `unix_ms`. Every machine's clock may differ from etcd's by
/// `skew_ms`; what claims to be from later than that allows is old, as it would be recent until its time has come.
bool is_recent(const cluster_orders::balanced& one, std::int64_t unix_ms, std::int64_t within_ms, std::int64_t skew_ms);

/// Which node is to own a shard, by the orders; empty: none in particular.
std::string node_ordered(const cluster_orders& orders, std::uint32_t shard);

/// Whether it may name a node: 1 to 64 of [a-z0-9-].
bool is_node_name(std::string_view name);

/// Writing refuses with errc::invalid_argument what reading would refuse with errc::malformed.
result<std::string> encode(const shard_record& record);
result<std::string> encode(const node_record& record);
result<std::string> encode(const cluster_meta& meta);
result<std::string> encode(const cluster_orders& orders);
result<shard_record> decode_shard_record(std::string_view json);
result<node_record> decode_node_record(std::string_view json);
result<cluster_meta> decode_cluster_meta(std::string_view json);
result<cluster_orders> decode_cluster_orders(std::string_view json);

/// `prefix` stands before all keys of one cluster, such as "octavo/". Numbers of shards are padded, so that keys sort
/// as their numbers do.
std::string node_key(std::string_view prefix, std::string_view name);
std::string shard_key(std::string_view prefix, std::uint32_t shard);
std::string meta_key(std::string_view prefix);
std::string orders_key(std::string_view prefix);
/// On a lease: the node that leaves what is on its disk to the others. It stands outside of `prefix`.
std::string rebuild_key(std::string_view prefix);
/// What a node says of itself now and then, as JSON for people and tools, on its lease. It stands outside of `prefix`,
/// which all nodes watch.
std::string status_key(std::string_view prefix, std::string_view name);
/// Hexadecimal digits that nobody else has drawn.
std::string random_hex(std::size_t digits);
/// Where somebody who wants to see the nodes' statuses leaves a word, drawn at random: nodes write a status only while
/// one is there, and with it. What is written all the time would fill etcd.
std::string look_key(std::string_view prefix);
bool is_look(std::string_view word);
inline constexpr std::size_t look_digits = 16;
/// A status (a JSON object) with the word that it answers.
std::string with_look(std::string_view status, std::string_view word);
bool has_look(std::string_view status, std::string_view word);
/// What all keys of nodes, and of shards, begin with.
std::string node_keys(std::string_view prefix);
std::string shard_keys(std::string_view prefix);
/// The name, or the number, that such a key was made of; errc::malformed for all other keys.
result<std::string> parse_node_key(std::string_view prefix, std::string_view key);
result<std::uint32_t> parse_shard_key(std::string_view prefix, std::string_view key);

}  // namespace octavo::cluster
