// All replicas of one node without their messages: what is between the pure protocol (replica.hpp) and the disk, the
// other nodes, the directory and the documents. It turns entries into bytes and back, committed edits into changes of
// documents, and keeps who waits for what.
//
// Affinity: the shard host's actor. Times are milliseconds of a steady clock.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "cluster/codec.hpp"
#include "cluster/placement.hpp"
#include "cluster/replica.hpp"
#include "cluster/shards.hpp"
#include "storage/shard_log.hpp"

namespace octavo::cluster {

/// One step of a replica for the disk, which owns what it holds; see storage::shard_write.
struct shard_step {
  shard_number shard = 0;
  std::uint64_t ticket = 0;  ///< 0: nothing waits for it but the documents
  bool clear = false;
  std::optional<bytes> note;
  std::optional<std::uint64_t> truncate_after;
  std::vector<std::pair<std::uint64_t, bytes>> entries;
  std::optional<std::uint64_t> drop_until;
  std::vector<edit_record> appends;  ///< their updates are views into `data`
  std::vector<std::string> removals;
  std::vector<storage::client_mark> marks;
  std::optional<std::uint64_t> ahead;
  std::optional<std::uint64_t> copying;
  std::optional<std::uint64_t> applied;
  std::vector<shared_bytes> data;
  std::uint64_t life = 0;  ///< how often the shard was cleared before

  /// What it counts for in bounds.
  std::size_t weight() const;
  /// Views into this step, which must outlive them.
  storage::shard_write view() const;
};

/// What the disk has done: steps of a shard up to a ticket, and the documents up to an lsn.
struct shard_synced {
  shard_number shard = 0;
  std::uint64_t ticket = 0;
  std::optional<std::uint64_t> applied;
  std::uint64_t life = 0;  ///< of the last of them
};

struct shard_txn {
  shard_number shard = 0;
  directory_txn what;
};

struct shard_notice {
  shard_number shard = 0;
  replica_notice what;
};

/// Edits of this node's documents that are durable on a majority, up to this lsn.
struct shard_committed {
  shard_number shard = 0;
  std::uint64_t lsn = 0;
};

/// What a node knows of the others, and of itself, as its clock ticks.
struct table_surroundings {
  std::function<bool(const member&)> is_live;  ///< whether a node's lease stands
  std::unordered_set<member_id> connected;     ///< disks of other nodes that are reached,
  std::unordered_set<member_id> stalled;       ///< and those of them that do not do what they were asked to
  bool is_directory_there = true;              ///< it can be told, and others ask it
  bool is_disk_stalled = false;                ///< this node's own one; see stall_clock
  bool is_stall_known = false;                 ///< for so long that the others know of it, and this node of theirs
};

struct table_output {
  std::vector<shard_step> steps;  ///< in order
  std::vector<std::pair<member, peer_frame>> frames;
  std::vector<shard_txn> txns;
  std::vector<shard_notice> notices;
  std::vector<shard_committed> committed;  ///< of shards that this node owns
};

class shard_table {
 public:
  shard_table(member self, std::uint32_t shards, replica_options options, std::uint64_t seed);

  /// A replica that was on this disk when the node started. errc::corrupt and those of the codec.
  result<void> restore(const storage::stored_shard& stored, const std::vector<storage::stored_entry>& entries);

  // --- what comes in ---
  void on_frame(const peer_frame& frame, std::int64_t now);
  void on_synced(const shard_synced& what, std::int64_t now);
  void on_record(shard_number shard, const shard_record& record);
  void on_txn(shard_number shard, std::uint64_t id, txn_outcome outcome, const std::optional<shard_record>& current,
              std::int64_t now);
  void on_reconnect(member_id peer);
  /// Claims shards whose owner is gone, the first of their members at once and the others a little later each, if a
  /// majority of them is reached and the disk does its work. Gives up those that are served without a majority for
  /// replica_options::majority_ms, and while the disk is stalled those that others can serve: they tell the directory,
  /// which needs no disk.
  void on_tick(std::int64_t now, const table_surroundings& around);
  /// Documents of a shard will become as another replica has them at `as_of`, and some of them hold entries up to
  /// `ahead` then, before its log is applied up to there. errc::moved: it is committed up to `as_of` here as well, or
  /// there is no replica.
  result<void> begin_state(shard_number shard, std::uint64_t as_of, std::uint64_t ahead);
  /// The documents of a shard are on disk as they are at this place of its log, from another replica: what was begun
  /// with begin_state() is done. Anything else is ignored.
  void on_state(shard_number shard, const log_base& at, std::int64_t now);
  /// For the owner of a shard: begins a change of its members or its owner. Errors as replica::add(), remove() and
  /// move_to().
  result<void> arrange(shard_number shard, const placement_step& step, std::int64_t now);
  /// An edit of a document at the end of its shard's log. Errors as replica::propose().
  result<std::uint64_t> propose(shard_number shard, const edit_record& record, std::int64_t now);

  // --- what has come out ---
  table_output take_output();

  // --- what is there ---
  const member& self() const { return self_; }
  std::uint32_t shards() const { return static_cast<std::uint32_t>(records_.size()); }
  shard_number shard_of_document(std::string_view name) const { return shard_of(name, shards()); }
  /// Null: there is none here.
  replica* find(shard_number shard);
  const shard_record& record(shard_number shard) const { return records_[shard]; }
  /// Whether this node owns a shard that is not just about to move.
  bool takes_proposals(shard_number shard);
  std::uint64_t applied(shard_number shard) const;
  const std::map<shard_number, std::unique_ptr<replica>>& replicas() const { return replicas_; }

 private:
  replica& get(shard_number shard);
  replica& make(shard_number shard, replica_disk disk);
  void drain(shard_number shard);
  void apply(shard_number shard, const std::vector<log_entry>& entries);
  bool could_serve(shard_number shard, replica& one, std::int64_t now, const table_surroundings& around);
  void consider_claim(shard_number shard, replica& one, std::int64_t now,
                      const std::function<bool(const member&)>& is_live);
  /// How many members come before this one when a shard is to be claimed.
  std::size_t rank_of(shard_number shard, const shard_config& config,
                      const std::function<bool(const member&)>& is_live) const;

  member self_;
  replica_options options_;
  std::uint64_t random_;
  std::vector<shard_record> records_;
  std::map<shard_number, std::unique_ptr<replica>> replicas_;
  std::unordered_map<shard_number, replica_note> notes_;
  std::unordered_map<shard_number, std::uint64_t> applied_;
  std::unordered_map<shard_number, std::uint64_t> ahead_;    ///< of those for which it was ever more
  std::unordered_map<shard_number, std::uint64_t> lives_;    ///< how often each was cleared
  std::unordered_map<shard_number, std::uint64_t> copying_;  ///< whose documents are being copied, as of which lsn
  std::unordered_set<shard_number> is_told_;                 ///< by the directory, since the start
  std::unordered_map<shard_number, std::int64_t> ownerless_since_;
  std::unordered_map<shard_number, std::int64_t> claim_wait_ms_;  ///< after claims that came to nothing
  std::unordered_map<shard_number, std::int64_t> cut_off_since_;  ///< from a majority
  std::vector<shard_number> changed_;
  table_output out_;
};

}  // namespace octavo::cluster
