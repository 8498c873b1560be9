// The documents of the shards that this node owns: their edits on the way into the log and to a majority, and who waits
// for what. The order of a document's edits is kept whatever they have to wait for.
//
// Affinity: the shard host, whose part it is.
#pragma once

#include <caf/result.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/caf_compat.hpp"
#include "actors/log_writer.hpp"
#include "actors/metrics.hpp"
#include "cluster/interfaces.hpp"
#include "cluster/shard_table.hpp"
#include "storage/store.hpp"

namespace octavo::cluster {

class owned_documents {
 public:
  /// All outlive it.
  owned_documents(shard_host_actor::pointer self, compat::watcher& watcher, shard_table& table, storage::store& store,
                  metrics& counters)
      : self_(self), watcher_(watcher), table_(table), store_(store), counters_(counters) {}

  /// An actor that is to be the one of its document: answered once the disk holds all edits of an earlier one. It is
  /// forgotten when it ends.
  caf::result<void> barrier(const std::string& name, const actors::document_actor& document);
  /// Edits of a document, in their order. They wait while their shard is about to move, or the disk is behind.
  /// True: all are in the log. False: they wait, or one was refused; those before it may be in the log all the same.
  bool append(actors::append_request request, bool is_disk_behind);
  /// The disk has room again.
  void release_held();
  /// A shard was about to move, and stays.
  void release_held(shard_number shard);
  /// Edits have a majority.
  void committed(const shard_committed& what);
  /// The documents on disk hold all entries of a shard up to here.
  void applied(shard_number shard, std::uint64_t lsn);
  /// Calls once applied() says so of this lsn, or with the reason why it never will here.
  void when_applied(shard_number shard, std::uint64_t lsn, std::function<void(const error&)> done);
  /// The shard is this node's no more. Its documents end; whoever has them open looks them up again, and asks again
  /// what was not answered.
  void give_up(shard_number shard);

  bool is_open(shard_number shard, const std::string& name) const;
  std::size_t open_count() const;
  /// Documents that were edited since this was called last, and how often.
  std::unordered_map<std::string, std::uint64_t> take_edited() { return std::exchange(edited_, {}); }

 private:
  /// An edit that waits for a majority.
  struct pending_edit {
    std::uint64_t lsn = 0;
    actors::document_actor document;
    std::uint64_t seq = 0;
  };

  /// What waits until the documents on disk hold all entries up to an lsn.
  struct waiting_apply {
    std::uint64_t lsn = 0;
    std::function<void(const error&)> done;
  };

  struct open_document {
    actors::document_actor actor;
    std::uint64_t seq = 0;  ///< of its last edit that was proposed
  };

  struct owned_shard {
    std::deque<pending_edit> pending;
    std::vector<actors::append_request> held;
    std::vector<waiting_apply> waiting;
    std::unordered_map<std::string, open_document> documents;
  };

  bool propose(shard_number shard, owned_shard& one, const actors::append_request& request);

  shard_host_actor::pointer self_;
  compat::watcher& watcher_;
  shard_table& table_;
  storage::store& store_;
  metrics& counters_;
  std::unordered_map<shard_number, owned_shard> shards_;
  std::unordered_map<std::string, std::uint64_t> edited_;
  bool is_holding_ = false;  ///< for the disk, or a move
};

}  // namespace octavo::cluster
