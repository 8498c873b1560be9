#include "cluster/guest.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <map>

#include "cluster/membership.hpp"
#include "cluster/peer_link.hpp"

namespace octavo::cluster {

namespace {

/// How often waiting questions are looked at.
constexpr auto tick = std::chrono::milliseconds{50};

using guest_actor = caf::typed_actor<
    // What a directory takes: see actors::directory_actor.
    caf::result<actors::document_actor>(actors::locate_atom, std::string),
    // From the membership: see directory_listener_actor.
    caf::result<void>(record_atom, record_update), caf::result<void>(txn_atom, txn_answer),
    caf::result<void>(nodes_atom, std::shared_ptr<const node_view>),
    // From links: see link_owner_actor.
    caf::result<void>(link_atom, std::string, peer_actor, member_id),
    caf::result<void>(suspect_atom, std::string, std::uint64_t),
    // INTERNAL: to itself: time for what waits on the clock.
    caf::result<void>(actors::tick_atom)>;

class guest_impl {
 public:
  static inline const char* name = "octavo.guest";

  guest_impl(guest_actor::pointer self, std::uint32_t shards, link_options link, finder_options finder)
      : self_(self),
        shards_(shards),
        link_(std::move(link)),
        finder_(
            self, finder, [this](shard_number shard) { return place_of(shard); },
            [] { return actors::registry_actor{}; }) {}

  guest_actor::behavior_type make_behavior() {
    compat::send_later(self_, guest_actor{self_}, tick, actors::tick_atom_v);
    return {
        [this](actors::locate_atom, const std::string& document) {
          return finder_.find(shard_of(document, shards_), document, true);
        },
        [this](record_atom, const record_update& update) {
          for (const auto& [shard, record] : update.records) owners_[shard] = record.owner.node;
          for (const auto& [shard, record] : update.records) finder_.look_again(shard);
        },
        [](txn_atom, const txn_answer&) {},
        [this](nodes_atom, const std::shared_ptr<const node_view>& view) { see(*view); },
        [this](link_atom, const std::string& node, const peer_actor& peer, member_id) {
          auto found = links_.find(node);
          if (found == links_.end()) return;
          found->second.peer = peer;
          if (!peer) finder_.lost(node);
          finder_.look_again();
        },
        // Nodes see to it themselves.
        [](suspect_atom, const std::string&, std::uint64_t) {},
        [this](actors::tick_atom) {
          finder_.look_again();
          compat::send_later(self_, guest_actor{self_}, tick, actors::tick_atom_v);
        },
    };
  }

 private:
  struct link {
    peer_link_actor actor;
    peer_actor peer;  ///< while connected
    std::string address;
    std::uint64_t incarnation = 0;
  };

  void see(const node_view& view) {
    for (const auto& [node, what] : view.nodes) {
      auto& one = links_[node];
      if (!one.actor)
        one.actor =
            spawn_peer_link(self_->system(), guest_actor{self_}, link_, node, what.peer_address, what.incarnation);
      else if (one.address != what.peer_address || one.incarnation != what.incarnation)
        compat::send(self_, one.actor, link_atom_v, what.peer_address, what.incarnation);
      one.address = what.peer_address;
      one.incarnation = what.incarnation;
    }
    // Nodes that have gone are dialed no more.
    if (!view.is_current) return;
    std::erase_if(links_, [&](const auto& one) {
      if (one.second.peer || view.nodes.contains(one.first)) return false;
      compat::end(one.second.actor);
      return true;
    });
  }

  shard_place place_of(shard_number shard) const {
    const auto owner = owners_.find(shard);
    if (owner == owners_.end()) return {};
    const auto found = links_.find(owner->second);
    if (found == links_.end() || !found->second.peer) return {};
    return {shard_place::kind_type::there, owner->second, found->second.peer, false};
  }

  guest_actor::pointer self_;
  std::uint32_t shards_;
  link_options link_;
  document_finder<guest_actor::pointer> finder_;
  std::map<shard_number, std::string> owners_;
  std::map<std::string, link> links_;
};

}  // namespace

class guest::impl {
 public:
  std::unique_ptr<membership> seen;
  guest_actor actor;
  caf::actor_system* system = nullptr;
};

result<void> guest::configure(const guest_options& options, caf::actor_system_config& config) {
  return configure_links(options.tls, config);
}

result<std::unique_ptr<guest>> guest::join(caf::actor_system& system, const guest_options& options) {
  auto endpoints = parse_etcd_url(options.etcd);
  if (!endpoints) return tl::unexpected{endpoints.error()};
  if (!is_node_name(options.name))
    return fail(errc::invalid_argument, "'" + options.name + "' is no name: 1 to 64 of a-z, 0-9 and -");
  auto wanted = membership_options{};
  wanted.endpoints = std::move(*endpoints);
  wanted.prefix = options.prefix;
  wanted.is_observer = true;
  wanted.clock_skew_ms_max = options.clock_skew_ms_max;
  wanted.self.name = options.name;
  wanted.self.wire_version = wire_version;
  wanted.self.caf_version = caf_version();
  auto self = hello{{}, options.name, 0, 0, wanted.self.wire_version, wanted.self.caf_version};
  auto seen = membership::join(std::move(wanted));
  if (!seen) return tl::unexpected{seen.error()};
  auto made = std::make_unique<impl>();
  made->seen = std::move(*seen);
  made->system = &system;
  self.cluster_id = made->seen->meta().cluster_id;
  auto link = link_options{};
  link.self = std::move(self);
  link.uses_tls = options.tls.is_wanted();
  made->actor =
      system.spawn<guest_actor::stateful_impl<guest_impl>>(made->seen->meta().shards, std::move(link), options.finder);
  made->seen->start(made->actor);
  return std::unique_ptr<guest>(new guest(std::move(made)));
}

guest::guest(std::unique_ptr<impl> made) : impl_(std::move(made)), directory_(impl_->actor) {}

guest::~guest() {
  impl_->seen.reset();
  compat::end(impl_->actor);
  auto self = caf::scoped_actor{*impl_->system};
  self->wait_for(caf::actor_cast<caf::actor>(impl_->actor));
}

}  // namespace octavo::cluster
