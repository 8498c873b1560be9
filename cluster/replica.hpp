// One replica of one shard: the protocol that makes a shard's log durable on a majority of its members and gives it one
// owner at a time. It follows Raft (Ongaro and Ousterhout, 2014) with one difference: who may try to become the owner
// is decided by a directory (etcd) and not by time-outs among the replicas. Whether it becomes the owner is decided by
// their promises alone, so that the directory can be late, forgetful or wrong without harm.
//
// It is pure: no clock, no socket, no disk, no thread. Whoever drives it calls a function that brings something in and
// then takes what has come out: writes for the disk, messages, entries that are committed, notices. The driver does the
// writes in order, and says when they are synced; what depends on that waits here. The simulator drives it as the node
// does.
//
// Affinity: one thread at a time. Times are milliseconds of a steady clock.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cluster/planted.hpp"
#include "cluster/replica_messages.hpp"
#include "cluster/shard_types.hpp"
#include "storage/result.hpp"

namespace octavo::cluster {

struct replica_options {
  std::int64_t retry_ms = 200;        ///< an unanswered message is sent again, each time after twice as long,
  std::int64_t retry_max_ms = 1'600;  ///< up to this
  std::int64_t claim_ms = 2'000;      ///< a claim that has no majority by then is given up
  /// An owner that commits nothing for so long, with entries waiting, steps down; and so does one whose node is
  /// connected to fewer members than a majority (shard_table.hpp).
  std::int64_t majority_ms = 3'000;
  std::int64_t handoff_ms = 1'000;      ///< a move that is not done by then is given up
  std::int64_t commit_delay_ms = 50;    ///< followers hear by then what is committed, if no entry tells them earlier
  std::uint64_t handoff_lag_max = 100;  ///< entries that the next owner may lack when a move begins
  std::uint64_t learner_lag_max = 100;  ///< entries that a new member may lack when it becomes one
  /// What came from an owner, of a shard of which this replica is no member, is kept for so long once no owner has said
  /// anything: mostly it is taught again, and goes on where it was.
  std::int64_t give_back_ms = 600'000;
  std::size_t members_max = 9;                 ///< of a shard
  std::size_t append_bytes_max = 1u << 20;     ///< of one append message, but for one large entry
  std::size_t window_bytes = 4u << 20;         ///< on their way to one follower
  std::size_t log_bytes_max = 4u << 20;        ///< of entries kept for followers that lag; beyond it they get documents
  std::uint64_t compact_entries_min = 256;     ///< so many entries go at once, unless there are too many bytes
  std::size_t proposed_bytes_max = 64u << 20;  ///< of entries that are not committed; beyond it proposals are refused
  /// Answers that wait for the disk. The newest gives way to another one, as whoever hears nothing sends again.
  std::size_t waiting_max = 256;
};

/// For the disk. Writes are done in the order in which they come out; one is done as a whole or not at all.
struct disk_write {
  std::uint64_t ticket = 0;  ///< on_synced() with this or a later one says that it is durable
  std::optional<ballot> promised;
  std::optional<std::uint64_t> truncate_after;  ///< entries behind this lsn go, before those of `append` come
  std::vector<log_entry> append;
  std::optional<log_base> base;         ///< entries up to there go
  std::optional<shard_config> removed;  ///< the log, the base and all documents of the shard go
};

struct envelope {
  member to;
  replica_message what;
};

/// A compare-and-set in the directory: `wanted` where exactly `expected` stands.
struct directory_txn {
  std::uint64_t id = 0;
  shard_record expected;
  shard_record wanted;
};

enum class txn_outcome : std::uint8_t {
  done,
  refused,  ///< another record stands there
  unknown,  ///< it may have been done or not, or be done yet
};

struct replica_notice {
  enum class kind_type : std::uint8_t {
    serving,           ///< this is the owner now; its documents may be opened once all that is committed is applied
    stopped,           ///< it is no longer; what was proposed and did not commit may yet be, or be gone
    moving,            ///< it takes no proposals for a moment, as the shard moves
    resumed,           ///< the move was given up, and it takes proposals again
    state_wanted,      ///< documents are to be fetched from `who`, at `at` or later: then call on_state()
    config_committed,  ///< the members changed
    removed,           ///< this replica is none of them any more
    damaged,           ///< `who` has lost what it acknowledged, as its owner finds, and its disk is to be set aside
    unreadable,        ///< a committed entry that no replica can read, and all leave out; nothing in octavo writes one
    conflict,          ///< `who` sent what contradicts committed entries: refused. Nothing in octavo does that
  };
  kind_type kind = kind_type::serving;
  member who;
  position at;
  shard_config config;
  std::string why;
};

struct replica_output {
  std::vector<disk_write> writes;
  std::vector<envelope> messages;
  std::vector<log_entry> committed;  ///< in order, each once since the start; to be applied behind the writes above
  std::vector<directory_txn> txns;
  std::vector<replica_notice> notices;
  bool empty() const {
    return writes.empty() && messages.empty() && committed.empty() && txns.empty() && notices.empty();
  }
};

class replica {
 public:
  enum class role_type : std::uint8_t {
    follower,
    claiming,   ///< waits for the directory
    preparing,  ///< waits for promises
    owner,
  };

  /// `seed` makes nonces: it must be random, and differ each time the process starts.
  replica(member self, replica_options options, replica_disk disk, std::uint64_t seed);

  // --- what comes in ---
  void on_message(const member& from, const replica_message& what, std::int64_t now);
  /// All writes up to this ticket are durable.
  void on_synced(std::uint64_t ticket, std::int64_t now);
  /// The documents hold, durably, all entries up to this one.
  void on_applied(std::uint64_t lsn);
  /// What the directory says now, or said a while ago.
  void on_record(const shard_record& record);
  /// `current`: what stands there now, if it is known.
  void on_txn(std::uint64_t id, txn_outcome outcome, const std::optional<shard_record>& current, std::int64_t now);
  void on_tick(std::int64_t now);
  /// Another replica's node is reached again, or has been restarted: it may not know any more what is committed.
  void on_reconnect(member_id one);
  /// The owner seems to be gone: become it. Nothing happens where this cannot be.
  void claim(std::int64_t now);
  /// The documents were brought to `at` from those of another replica. False: they are not wanted any more, as this
  /// replica is as far by now or has become the owner. Otherwise the write that comes out makes them count.
  bool on_state(const log_base& at, std::int64_t now);

  /// For an owner: puts an edit at the end of the log. Returns its lsn; it counts once it comes out as committed.
  /// errc::unavailable: not the owner, or not now. errc::limit_exceeded: too much waits.
  result<std::uint64_t> propose(shared_bytes data, std::int64_t now);
  /// For an owner: gives the shard to another member. errc::unavailable, invalid_argument.
  result<void> move_to(member_id to, std::int64_t now);
  /// For an owner: adds a member, once it has caught up. errc::unavailable: not the owner, or a change is under way;
  /// errc::already_exists; errc::limit_exceeded.
  result<void> add(const member& one, std::int64_t now);
  /// For an owner: removes another member, or a learner. errc::unavailable, not_found, invalid_argument.
  result<void> remove(member_id one, std::int64_t now);
  /// For an owner: another part of the node knows that it cannot serve. The directory is told that nobody owns the
  /// shard, so that others claim it.
  void step_down(const std::string& why);
  /// Whether this replica may become the owner, whoever asks it to: its node may know that it could not serve. True at
  /// the start.
  void allow_claims(bool may) { may_claim_ = may; }
  /// Where the directory names this replica as the owner, and it is not, it is told that nobody is.
  void let_go();

  // --- what has come out ---
  /// What was proposed since the last call goes out together.
  replica_output take_output();

  // --- what is there ---
  const member& self() const { return self_; }
  role_type role() const { return role_; }
  /// Owner, and all that earlier owners committed is committed here.
  bool serves() const { return role_ == role_type::owner && commit_ >= start_lsn_; }
  bool takes_proposals() const { return serves() && !moving_; }
  bool is_removed() const { return is_gone(); }
  /// Whether it holds a log or documents of a shard of which the directory does not name it as a member: it learns to
  /// be one, or will give them back.
  bool is_copy() const;
  const ballot& promised() const { return promised_; }
  const ballot& claim_ballot() const { return claim_; }
  std::uint64_t commit() const { return commit_; }
  std::uint64_t start_lsn() const { return start_lsn_; }
  position last() const { return log_.empty() ? base_.at : log_.back().at(); }
  const log_base& base() const { return base_; }
  const std::deque<log_entry>& log() const { return log_; }
  std::size_t log_bytes() const { return log_bytes_; }
  const shard_record& record() const { return record_; }
  /// Where documents that hold all entries up to `lsn` stand; it lies between base() and commit().
  log_base state_at(std::uint64_t lsn) const;
  /// The members by the newest entry of the log that names them.
  const shard_config& config() const { return *config_; }
  /// Those whose promises make an owner: a log names its own members, and only where none has ever begun does the
  /// directory say who they are.
  const shard_config& claim_config() const;
  std::optional<member> learner() const { return learner_; }
  /// The newest change of the members is not committed yet.
  bool is_config_open() const { return config_lsn_ > commit_; }
  /// How many entries a member is known to have, for an owner.
  std::optional<std::uint64_t> match_of(member_id one) const;
  /// For an owner: whether another replica could take the shard over. It has followed this owner, as one whose disk
  /// hangs cannot, and lacks little.
  bool has_all(member_id one) const;
  /// For an owner: whether another replica has answered anything since it is one.
  bool has_answered(member_id one) const;
  /// For an owner: whether another replica is known to have lost what it acknowledged.
  bool is_damaged(member_id one) const;
  /// Nothing waits on the clock.
  bool is_idle() const;

 private:
  /// What an owner knows of another replica.
  struct peer {
    member who;
    std::uint64_t next = 1;          ///< what is sent next
    std::uint64_t resume = 1;        ///< where sending begins anew when nothing is answered
    std::uint64_t match = 0;         ///< what it has on disk
    std::uint64_t match_round = 0;   ///< rounds up to here were sent before that was known
    std::uint64_t commit = 0;        ///< what it knows to be committed
    std::uint64_t commit_round = 0;  ///< what it knew then it may have forgotten
    std::uint64_t commit_sent = 0;
    std::size_t flying_bytes = 0;                              ///< sent and not answered
    std::deque<std::pair<std::uint64_t, std::size_t>> flying;  ///< the same: last lsn and weight of each message
    std::int64_t sent_ms = 0;
    std::int64_t heard_ms = 0;
    std::int64_t retry_ms = 0;
    std::uint64_t first_round = 0;  ///< what was sent to it before is not of this membership
    bool probing = false;           ///< one message at a time, until it is known where its log and ours part
    bool answered = false;
    bool damaged = false;
  };

  // replica.cpp: what all roles do
  void handle(const member& from, const prepare_message& what, std::int64_t now);
  void handle(const member& from, const append_message& what, std::int64_t now);
  void handle(const member& from, const offer_state_message& what, std::int64_t now);
  void handle(const member& from, const nominate_message& what, std::int64_t now);
  void handle(const member& from, const handoff_message& what, std::int64_t now);
  void handle(const member& from, const removed_message& what, std::int64_t now);
  void handle(const member& from, const damaged_message& what, std::int64_t now);
  void heard(const ballot& claim, std::uint64_t round);
  /// Whether a message of this claim is to be followed; promises it if it is later than what was promised.
  bool follows(const member& from, const ballot& claim);
  void promise(const ballot& claim);
  disk_write& write();
  void send(const member& to, replica_message what);
  void send_when_synced(const member& to, replica_message what);
  void notify(replica_notice::kind_type kind, const member& who = {}, position at = {}, std::string why = {});
  std::uint64_t draw();
  void append(log_entry entry);
  void truncate_after(std::uint64_t lsn);
  void commit_to(std::uint64_t lsn);
  void compact();
  void drop_log_until(std::uint64_t lsn);
  void find_config();
  bool has(std::uint64_t lsn) const { return lsn >= base_.at.lsn && lsn <= last().lsn; }
  std::uint64_t epoch_at(std::uint64_t lsn) const;
  const log_entry& entry(std::uint64_t lsn) const { return log_[lsn - base_.at.lsn - 1]; }
  bool is_gone() const;
  /// Whether these came after all members that this replica knows of.
  bool is_news(const shard_config& members) const;
  void ask_whether_member(std::int64_t now);

  // replica_claim.cpp: on the way to be the owner
  void handle(const member& from, const promise_message& what, std::int64_t now);
  void handle(const member& from, const refusal_message& what, std::int64_t now);
  void start_preparing(std::int64_t now);
  void ask_for_promises(std::int64_t now);
  void count_promises(std::int64_t now);
  void nominate();
  void give_up_claim();
  void resign();
  void submit(const shard_record& wanted);
  void become_owner(std::int64_t now);

  // replica_owner.cpp: what only an owner does
  void handle(const member& from, const appended_message& what, std::int64_t now);
  void handle(const member& from, const mismatch_message& what, std::int64_t now);
  void handle(const member& from, const membership_message& what, std::int64_t now);
  void flush();
  void send_entries(peer& to, std::int64_t now);
  void send_one(peer& to, std::int64_t now);
  void send_to_all(std::int64_t now);
  static void rewind(peer& to);
  peer* answering(const member& from, const ballot& claim, std::uint64_t round, std::int64_t now);
  void count_acknowledgements(std::int64_t now);
  void config_committed();
  void change_config(shard_config next);
  void keep_peers();
  void promote_learner();
  void go_on_moving(std::int64_t now);
  void publish();
  void tick_owner(std::int64_t now);
  std::uint64_t matched_by_majority() const;
  std::uint64_t common_floor() const;
  void lose_ownership(std::string why, const member& to = {});
  std::optional<error> why_not() const;

  member self_;
  replica_options options_;
  std::uint64_t random_;
  replica_output out_;

  // What is on disk, or on its way there.
  ballot promised_;
  log_base base_;
  std::deque<log_entry> log_;
  std::size_t log_bytes_ = 0;
  shard_config removed_;
  std::uint64_t ticket_ = 0;                                ///< of the newest write
  std::uint64_t synced_ = 0;                                ///< of the newest durable one
  std::deque<std::pair<std::uint64_t, envelope>> waiting_;  ///< for their tickets

  std::shared_ptr<const shard_config> config_;
  std::uint64_t config_lsn_ = 0;  ///< of the entry that config_ is from
  std::uint64_t commit_ = 0;
  std::uint64_t applied_ = 0;
  std::uint64_t floor_ = 0;          ///< every member has the log up to here, as the owner said
  std::uint64_t highest_epoch_ = 0;  ///< that anybody has mentioned
  ballot heard_claim_;
  std::uint64_t heard_round_ = 0;  ///< the newest of the owner with that claim
  std::optional<envelope> offer_;  ///< what answers the last offer of documents
  bool has_copied_ = false;        ///< documents may have come from another replica, beyond what is committed here
  std::optional<std::int64_t> heard_ms_;  ///< when an owner said something last, or since when this process runs
  std::uint64_t question_ = 0;  ///< whether this is a member, as long as no owner has said anything; 0: not asked

  role_type role_ = role_type::follower;
  bool may_claim_ = true;
  ballot claim_;
  shard_record record_;
  std::optional<directory_txn> txn_;
  std::uint64_t txn_id_ = 0;
  bool txn_flies_ = false;  ///< sent, and no outcome heard
  std::int64_t txn_ms_ = 0;
  std::int64_t since_ms_ = 0;  ///< when the role began
  std::int64_t asked_ms_ = 0;
  std::map<member_id, position> votes_;
  std::uint64_t own_vote_ticket_ = 0;

  // Of an owner.
  std::uint64_t start_lsn_ = 0;
  std::uint64_t round_ = 0;
  std::map<member_id, peer> peers_;
  std::deque<std::pair<std::uint64_t, std::uint64_t>> own_writes_;  ///< ticket, last lsn
  std::uint64_t own_match_ = 0;
  std::uint64_t flushed_ = 0;       ///< entries up to here have gone out
  std::size_t proposed_bytes_ = 0;  ///< of entries that are not committed
  shard_config committed_config_;
  std::int64_t commit_ms_ = 0;      ///< when something committed last, or nothing waited
  std::int64_t superseded_ms_ = 0;  ///< when the directory last said that this is the owner, or nothing newer
  std::optional<member> learner_;
  std::optional<member> moving_;
  std::int64_t moving_ms_ = 0;
  std::int64_t handoff_ms_ = 0;
  bool announced_ = false;
  std::int64_t now_ = 0;  ///< the latest time that was told
};

}  // namespace octavo::cluster
