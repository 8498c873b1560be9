// A node's place in the directory (etcd): it joins under its name, on a lease; reads who else is there and who owns
// which shard, again and again, as watches are hints; carries out the transactions of the replicas. What it reads goes
// to the shard host as messages.
//
// Nothing here makes anybody an owner: a replica is one by the promises of the others (replica.hpp). So whatever the
// directory loses, repeats or forgets costs time and never an edit.
//
// Threads: etcd's callbacks run on the client's thread, what is due by the clock on one of its own; a mutex orders
// them. The host is told while it is held (which never blocks), and so in the order in which things are known here.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cluster/directory_copy.hpp"
#include "cluster/etcd_client.hpp"
#include "cluster/records.hpp"
#include "cluster/shard_host.hpp"

namespace octavo::cluster {

struct membership_options {
  std::vector<host_port> endpoints;
  std::string prefix = "octavo/";
  node_record self;
  bool is_observer = false;               ///< takes no name, makes nothing, and only reads
  std::string known_cluster_id;           ///< that this node's data belongs to; empty: none yet
  std::uint32_t shards = default_shards;  ///< of a cluster that is made
  std::uint32_t replicas = 3;             ///< likewise
  std::int64_t lease_s = 3;
  std::int64_t renew_ms = 1'000;
  std::int64_t reread_ms = 10'000;
  std::uint32_t request_timeout_ms = etcd_options{}.request_timeout_ms;  ///< of a question to etcd
  std::int64_t clock_skew_ms_max = 10'000;                               ///< between this machine's clock and etcd's
  std::int64_t gather_ms = 5'000;  ///< a cluster that is made waits for so long for as many nodes as there are replicas
  /// Shards that etcd knows nothing of are made by the node that has made the cluster, and by others only after so
  /// long: an etcd that was restored may have forgotten them, and then their owners write down who their members are
  /// now. Whoever makes one names those who were its members at first (cluster_meta::founders).
  std::int64_t make_late_ms = 20'000;
  /// Another process runs in this one's place, and this one is to end. From a thread of the membership's.
  std::function<void(const error&)> on_replaced;
};

/// What a cluster keeps to, in words, with so many nodes of which shards can have `kept` replicas, and `wanted` is how
/// many they ought to have.
std::string promise_of(std::size_t nodes, std::size_t kept, std::size_t wanted);

class membership {
 public:
  /// Gets to know the cluster, or makes it if there is none. Blocks for a few seconds at the most.
  /// errc::not_found: there is no cluster to observe. errc::unavailable: etcd cannot be reached.
  /// errc::invalid_argument: the data belongs to another cluster, or the other nodes cannot work with this one, or the
  /// clocks are too far apart.
  static result<std::unique_ptr<membership>> join(membership_options options);
  ~membership();
  membership(const membership&) = delete;
  membership& operator=(const membership&) = delete;

  const cluster_meta& meta() const { return known_.meta(); }
  /// From now on the others see this node, and count on what it has. Not for an observer. Blocks likewise.
  /// errc::already_exists: a node of this name is running; errc::unavailable.
  result<void> take_name();
  /// This node's disk has replicas of shards: somebody has made them once. Before start().
  void know_replicas() { has_replicas_ = true; }
  /// From now on the host hears of everything, beginning with all that is there.
  void start(directory_listener_actor host);
  /// Carries out a transaction, and tells the host what became of it.
  void submit(const shard_txn& request);
  /// The node that owns a shard, as the directory was read last; empty: none.
  std::string owner_of(shard_number shard);
  /// From now on this node is one that is being drained, whatever the operator says: for as long as it runs.
  void drain();
  /// Has a shard moved for its load, unless two such moves are under way in the cluster, or somebody else changes the
  /// orders just now. It is this node's to say: it has too much to do.
  void balance(cluster_orders::balanced wanted);
  /// What `octavo cluster status` shows of this node, should anybody look.
  void publish(std::string status);
  /// Takes the node's record away for good, so that the others need not wait for the lease. From then on it does
  /// nothing that is due by the clock, and is to be destroyed. Blocks likewise.
  void leave();

 private:
  explicit membership(membership_options options);
  result<void> read_meta();
  result<void> check_others();
  result<void> read_orders();
  result<void> check_clock() const;
  void warn_of_options() const;
  bool is_started();
  bool is_ending();
  void end_thread();
  void remove_record();
  void make_shards();
  void found();
  void run();
  void renew();
  void tell_drained();
  void reread();
  void put_status();
  void take_events(std::uint64_t number, std::vector<etcd_event> events);
  void end_watch(std::uint64_t number, const etcd_watch_end& why);
  void take_txn(shard_number shard, std::uint64_t id, const std::string& wanted,
                std::pair<std::uint64_t, std::int64_t> asked, const result<etcd_txn_answer>& done);

  // With the mutex held:
  void watch(std::int64_t after_revision);
  void begin_anew();
  void tell_shards(record_update update);
  void tell_nodes();
  void tell_promise();

  membership_options options_;
  bool is_maker_ = false;  ///< of the cluster: it was not there before
  bool has_replicas_ = false;
  bool is_told_of_no_founders_ = false;  ///< to the log
  std::string own_value_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::int64_t lease_ = 0;
  std::int64_t clock_told_ms_ = 0;  ///< when it was last said that the clocks are apart
  std::int64_t taken_ms_ = 0;       ///< when this node's record was last written
  std::int64_t confirmed_ms_ = 0;   ///< when etcd last said that the lease stands
  std::int64_t reread_ms_ = 0;
  std::size_t promised_ = 0;  ///< replicas that a shard can have, when it was last told what that promises
  bool is_watching_ = false;
  std::uint64_t watch_ = 0;             ///< the number of the latest one; what older ones tell counts no more
  etcd_client::watch_id watch_id_ = 0;  ///< likewise, as the client knows it
  std::uint64_t etcd_id_ = 0;           ///< of etcd's own cluster; 0: it was not read yet
  bool is_drained_ = false;             ///< to be told
  directory_copy known_;
  std::string status_;                       ///< to be published, while somebody looks
  std::optional<std::string> status_shown_;  ///< as it stands in etcd
  directory_listener_actor host_;
  std::unique_ptr<etcd_client> etcd_;  ///< its callbacks use all above
  std::thread thread_;
};

}  // namespace octavo::cluster
