#include "cluster/peer_table.hpp"

#include <caf/typed_event_based_actor.hpp>

#include "actors/caf_compat.hpp"
#include "cluster/logger.hpp"

namespace octavo::cluster {

caf::result<hello> peer_table::introduce(const hello& theirs, const peer_actor& peer) {
  auto refuse = [](std::string why) { return actors::make_error(error{errc::invalid_argument, std::move(why)}); };
  const auto& ours = options_.self;
  if (theirs.cluster_id != ours.cluster_id)
    return refuse("it belongs to cluster " + theirs.cluster_id + ", and " + ours.node + " to " + ours.cluster_id);
  if (theirs.wire_version != ours.wire_version)
    return refuse("it speaks version " + std::to_string(theirs.wire_version) + " between nodes, and " + ours.node +
                  " version " + std::to_string(ours.wire_version) + ": let them run the same octavo");
  if (theirs.caf_version != ours.caf_version)
    return refuse("it is built with CAF " + theirs.caf_version + ", and " + ours.node + " with " + ours.caf_version);
  if (theirs.node == ours.node) return refuse("it has the name of this node, " + ours.node);
  // A program that owns no shards is asked nothing.
  if (theirs.member == 0) return ours;
  if (!peer) return refuse("it does not say where it is reached");
  if (auto known = links_.find(theirs.node); known != links_.end())
    compat::send(self_, known->second.actor, hello_atom_v, theirs, peer);
  else if (offers_.size() < offers_max || offers_.contains(theirs.node))
    offers_[theirs.node] = {theirs, peer};
  return ours;
}

void peer_table::see(const std::shared_ptr<const node_view>& view, std::int64_t now_ms) {
  view_ = view;
  std::erase_if(there_, [&](const auto& one) { return !view->nodes.contains(one.first); });
  for (const auto& [name, node] : view->nodes) {
    auto& one = there_[name];
    if (one.member != node.member) one = {node.member, now_ms};
  }
  for (const auto& [name, node] : view->nodes) {
    if (name == options_.self.node) continue;
    auto& one = links_[name];
    if (one.actor && (one.address != node.peer_address || one.incarnation != node.incarnation)) {
      compat::send(self_, one.actor, link_atom_v, node.peer_address, node.incarnation);
    } else if (!one.actor) {
      one.actor = spawn_peer_link(self_->system(), shard_host_actor{self_}, options_, name, node.peer_address,
                                  node.incarnation);
      if (auto offer = offers_.extract(name))
        compat::send(self_, one.actor, hello_atom_v, offer.mapped().first, offer.mapped().second);
    }
    one.address = node.peer_address;
    one.incarnation = node.incarnation;
  }
}

bool peer_table::linked(const std::string& node, const peer_actor& peer, member_id who) {
  auto found = links_.find(node);
  if (found == links_.end()) return false;
  auto& one = found->second;
  one.peer = peer;
  one.member = who;
  one.is_stalled = false;
  if (!peer) return true;
  one.suspected_here = one.suspected_there = 0;
  // It may have been away when this node lost others.
  for (const auto& [name, other] : links_)
    if (other.suspected_here != 0) compat::send(self_, peer, suspect_atom_v, name, other.suspected_here);
  return true;
}

void peer_table::suspect(const std::string& node, std::uint64_t incarnation, bool is_from_here) {
  auto found = links_.find(node);
  if (found == links_.end()) return;
  if (!is_from_here) {
    found->second.suspected_there = incarnation;
    return;
  }
  if (found->second.peer) return;
  found->second.suspected_here = incarnation;
  for (const auto& other : connected()) compat::send(self_, other, suspect_atom_v, node, incarnation);
}

void peer_table::forget_gone(const std::function<bool(const std::string&)>& is_needed) {
  if (!is_current()) return;
  std::erase_if(links_, [&](const auto& one) {
    const auto& [name, link] = one;
    if (link.peer || view_->nodes.contains(name) || is_needed(name)) return false;
    logger().info("node={} has gone, and is waited for no more", name);
    compat::end(link.actor);
    return true;
  });
}

bool peer_table::is_shown() const {
  if (!is_current()) return false;
  const auto self = view_->nodes.find(options_.self.node);
  return self != view_->nodes.end() && self->second.member == options_.self.member;
}

bool peer_table::is_live(const member& who) const {
  if (!view_) return true;
  if (who.id == options_.self.member) return true;
  const auto found = view_->nodes.find(who.node);
  const auto is_listed = found != view_->nodes.end();
  if (const auto known = links_.find(who.node); known != links_.end() && is_listed) {
    const auto& one = known->second;
    // Two nodes that see its process gone are as good as its lease; and if they are wrong, no edit is lost by a claim.
    if (one.suspected_here == found->second.incarnation && one.suspected_there == one.suspected_here) return false;
  }
  // Where the directory cannot be asked nobody can be said to be gone.
  return !view_->is_current || (is_listed && disk_of(who.node, found->second.member) == who.id);
}

member_id peer_table::disk_of(const std::string& node, member_id listed) const {
  if (node == options_.self.node) return options_.self.member;
  const auto known = links_.find(node);
  return known != links_.end() && known->second.peer ? known->second.member : listed;
}

std::int64_t peer_table::there_ms(const std::string& node, std::int64_t now_ms) const {
  const auto found = there_.find(node);
  return found == there_.end() ? 0 : now_ms - found->second.since_ms;
}

std::string peer_table::node_at(const caf::node_id& where) const {
  for (const auto& [node, one] : links_)
    if (one.peer && one.peer.node() == where) return node;
  return {};
}

peer_actor peer_table::peer(const std::string& node) const {
  const auto found = links_.find(node);
  return found == links_.end() ? peer_actor{} : found->second.peer;
}

std::vector<peer_actor> peer_table::connected() const {
  auto peers = std::vector<peer_actor>{};
  for (const auto& [node, one] : links_)
    if (one.peer) peers.push_back(one.peer);
  return peers;
}

std::unordered_set<member_id> peer_table::connected_members() const {
  auto members = std::unordered_set<member_id>{};
  for (const auto& [node, one] : links_)
    if (one.peer) members.insert(one.member);
  return members;
}

std::unordered_set<member_id> peer_table::stalled_members() const {
  auto members = std::unordered_set<member_id>{};
  for (const auto& [node, one] : links_)
    if (one.peer && one.is_stalled) members.insert(one.member);
  return members;
}

void peer_table::hear_stall(const std::string& node, bool is_stalled) {
  if (auto found = links_.find(node); found != links_.end()) found->second.is_stalled = is_stalled;
}

void peer_table::send(const std::string& node, std::vector<actors::payload> frames) const {
  if (const auto found = links_.find(node); found != links_.end())
    compat::send(self_, found->second.actor, frames_atom_v, std::move(frames));
}

std::vector<std::pair<std::string, bool>> peer_table::states() const {
  auto states = std::vector<std::pair<std::string, bool>>{};
  for (const auto& [node, one] : links_) states.emplace_back(node, bool{one.peer});
  return states;
}

}  // namespace octavo::cluster
