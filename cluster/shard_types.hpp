// The values that a shard's replicas, the directory and the disk share: who has a replica, who owns the shard, what its
// log holds. Plain values; docs/cluster.md tells the protocol that they belong to.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "crdt/bytes.hpp"

namespace octavo::cluster {

/// A disk that replicas live on, drawn at random when its store is made: a node that comes back with an empty disk is
/// another member, whose vote counts for nothing that the lost disk had promised. 0 is nobody.
using member_id = std::uint64_t;

struct member {
  member_id id = 0;
  std::string node;  ///< the node's name, for people and for the directory
  bool operator==(const member&) const = default;
};

/// Who has a replica of a shard. Each change has the next version and adds or removes one member.
struct shard_config {
  std::uint64_t version = 0;  ///< 0: nobody has been named yet
  std::vector<member> members;

  std::size_t majority() const { return members.size() / 2 + 1; }
  bool contains(member_id id) const {
    return std::ranges::any_of(members, [id](const member& one) { return one.id == id; });
  }
  bool operator==(const shard_config&) const = default;
};

/// One claim of a shard. A replica promises an epoch to one claim only, so that even a directory which hands an epoch
/// out twice (it was restored from a backup) cannot make two owners of it.
struct ballot {
  std::uint64_t epoch = 0;
  member_id owner = 0;
  std::uint64_t nonce = 0;  ///< random, so that a claim is told from one of the same member before it was restarted
  bool operator==(const ballot&) const = default;
};

/// A place in a shard's log. Of two logs the one that ends at the greater position holds all that is committed in both.
struct position {
  std::uint64_t epoch = 0;
  std::uint64_t lsn = 0;  ///< log sequence number, from 1; 0 is before the first entry
  auto operator<=>(const position&) const = default;
};

/// Do not renumber: they are on disk and on the wire.
enum class entry_kind : std::uint8_t {
  edit = 0,         ///< data: what the documents make of it
  epoch_start = 1,  ///< an owner begins; carries the members as of then
  config = 2,       ///< the members change
};

struct log_entry {
  std::uint64_t lsn = 0;
  std::uint64_t epoch = 0;
  entry_kind kind = entry_kind::edit;
  shared_bytes data;                           ///< of an edit
  std::shared_ptr<const shard_config> config;  ///< of the others

  position at() const { return {epoch, lsn}; }
  /// What it counts for in bounds.
  std::size_t weight() const { return (data ? data->size() : 0) + 64; }
};

/// What the directory says of a shard. It decides who may claim and finds owners; nothing is true because it says so.
struct shard_record {
  std::uint64_t epoch = 0;
  member owner;  ///< id 0: the shard is free to be claimed
  std::uint64_t nonce = 0;
  shard_config config;
  bool operator==(const shard_record&) const = default;
};

/// Up to where a replica's log has gone into its documents and is kept no longer.
struct log_base {
  position at;
  shard_config config;  ///< as of there
  bool operator==(const log_base&) const = default;
};

/// What a replica keeps on disk beside its log; replica_disk tells what they are.
struct replica_note {
  ballot promised;
  log_base base;
  shard_config removed;
  bool operator==(const replica_note&) const = default;
};

/// All that a replica has on its disk, but for the documents.
struct replica_disk {
  ballot promised;
  log_base base;
  std::vector<log_entry> log;  ///< from base.at.lsn + 1 on, without gaps
  /// The members when this replica was told that it is none of them; version 0: it was not. Its documents are gone
  /// then, and so a vote of it is worth nothing to those who know of no newer members than this.
  shard_config removed;
  std::uint64_t applied = 0;  ///< the documents hold all entries up to this one
  bool has_copied = false;    ///< some may hold later ones, as they were being copied from another replica
};

}  // namespace octavo::cluster
