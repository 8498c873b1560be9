// The other nodes of the cluster, as a node's shard host knows them: by the directory, by its links to them, and by
// what they say of each other.
//
// Affinity: the shard host, whose part it is.
#pragma once

#include <caf/node_id.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "cluster/interfaces.hpp"
#include "cluster/node_view.hpp"
#include "cluster/peer_link.hpp"

namespace octavo::cluster {

class peer_table {
 public:
  /// As many nodes that have dialed this one before the directory told of them are remembered.
  static constexpr std::size_t offers_max = 64;

  peer_table(shard_host_actor::pointer self, link_options options) : self_(self), options_(std::move(options)) {}

  /// Another node, or a program that owns no shards, says who it is. errc::invalid_argument: the two cannot work
  /// together, and why.
  caf::result<hello> introduce(const hello& theirs, const peer_actor& peer);
  /// The directory has changed, or was read again.
  void see(const std::shared_ptr<const node_view>& view, std::int64_t now_ms);
  /// A link has connected, or, without a peer, is connected no more. False: there is no such link any more.
  bool linked(const std::string& node, const peer_actor& peer, member_id who);
  /// A run of a node seems to have ended, by what this node's link sees (`is_from_here`), or another node.
  void suspect(const std::string& node, std::uint64_t incarnation, bool is_from_here);
  /// Ends the links to nodes that have gone: neither in the directory, nor connected, nor needed.
  void forget_gone(const std::function<bool(const std::string& node)>& is_needed);

  /// Null until the directory has been read once.
  const node_view* view() const { return view_.get(); }
  /// Whether the directory was read, and can be reached: else nothing is decided by it.
  bool is_current() const { return view_ && view_->is_current; }
  /// The same, and it shows this node with its disk: else this node is about to end, and begins nothing.
  bool is_shown() const;
  /// Whether a member of a shard is there, as far as anybody here can tell.
  bool is_live(const member& who) const;
  /// The disk of a node that the directory lists with another one, maybe: while it is connected it knows better, as an
  /// etcd that was restored from an old copy shows nodes as they were once.
  member_id disk_of(const std::string& node, member_id listed) const;
  /// For how long a node has been there with its disk; 0 for one that is not.
  std::int64_t there_ms(const std::string& node, std::int64_t now_ms) const;
  bool contains(const std::string& node) const { return links_.contains(node); }
  /// Which node's actors are `where`; empty: none that is connected.
  std::string node_at(const caf::node_id& where) const;
  /// Null: it is not connected.
  peer_actor peer(const std::string& node) const;
  /// Of all nodes that are connected.
  std::vector<peer_actor> connected() const;
  /// Their disks, as they say themselves.
  std::unordered_set<member_id> connected_members() const;
  /// Those of them that are stalled.
  std::unordered_set<member_id> stalled_members() const;
  /// A node says whether its disk is stalled.
  void hear_stall(const std::string& node, bool is_stalled);
  /// Frames for a node, each encoded; dropped where it cannot be reached.
  void send(const std::string& node, std::vector<actors::payload> frames) const;
  /// Nodes, and whether they are connected.
  std::vector<std::pair<std::string, bool>> states() const;

 private:
  struct link {
    peer_link_actor actor;
    peer_actor peer;          ///< while connected
    member_id member = 0;     ///< while connected: its disk, as it says itself,
    bool is_stalled = false;  ///< and whether that does its work
    std::string address;
    std::uint64_t incarnation = 0;
    std::uint64_t suspected_here = 0;   ///< the incarnation that has ended, by what this node sees,
    std::uint64_t suspected_there = 0;  ///< and by what another one sees; 0: none
  };

  /// Since when a node has been there, with which disk. Steady milliseconds.
  struct presence {
    member_id member = 0;
    std::int64_t since_ms = 0;
  };

  shard_host_actor::pointer self_;
  link_options options_;
  std::map<std::string, link> links_;
  std::map<std::string, std::pair<hello, peer_actor>> offers_;  ///< by nodes that the directory has not told of yet
  std::shared_ptr<const node_view> view_;
  std::map<std::string, presence> there_;
};

}  // namespace octavo::cluster
