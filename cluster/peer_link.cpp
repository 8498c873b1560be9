#include "cluster/peer_link.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/io/middleman.hpp>
#include <caf/openssl/all.hpp>
#include <caf/spawn_options.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <deque>
#include <tuple>
#include <utility>

#include "actors/caf_compat.hpp"
#include "cluster/host_port.hpp"
#include "cluster/logger.hpp"

namespace octavo::cluster {

namespace {

constexpr auto heartbeat = std::chrono::milliseconds{500};
constexpr auto silent_after = std::chrono::milliseconds{2'000};
constexpr auto poll_attempts = std::int64_t{20};
constexpr auto hello_timeout = std::chrono::seconds{5};
constexpr auto frames_timeout = std::chrono::seconds{10};
/// Of a machine that is dialed.
constexpr auto dial_timeout = std::chrono::milliseconds{500};
/// Of a machine that is asked whether a process listens there.
constexpr auto refuse_timeout = std::chrono::milliseconds{200};
constexpr auto refuse_interval = std::chrono::milliseconds{30};
constexpr auto refuse_tries = 5;
constexpr auto reconnect_delay = std::chrono::milliseconds{100};
constexpr auto reconnect_delay_max = std::chrono::milliseconds{2'000};

class peer_link_impl {
 public:
  static inline const char* name = "octavo.peer_link";

  peer_link_impl(peer_link_actor::pointer self, link_owner_actor owner, link_options options, std::string node,
                 std::string address, std::uint64_t incarnation)
      : self_(self),
        owner_(std::move(owner)),
        options_(std::move(options)),
        node_(std::move(node)),
        address_(std::move(address)),
        incarnation_(incarnation),
        told_(address_, incarnation) {}

  peer_link_actor::behavior_type make_behavior() {
    watcher_.install(self_);
    // The owner makes links, and ends them with itself.
    watcher_.watch(self_, owner_, [this](const caf::error&) { self_->quit(); });
    compat::send(self_, peer_link_actor{self_}, link_atom_v);
    return {
        [this](frames_atom, std::vector<actors::payload>& frames) {
          for (auto& one : frames) add(std::move(one));
          send();
        },
        [this](link_atom) { connect(); },
        [this](link_atom, std::string& address, std::uint64_t incarnation) {
          told_ = {std::move(address), incarnation};
          // A node that is connected is what it says: an etcd that was restored from an old copy shows an earlier run.
          if (!peer_) follow();
        },
        [this](hello_atom, hello& theirs, const peer_actor& peer) {
          if (dials()) return;
          offer_ = {std::move(theirs), peer};
          accept();
        },
    };
  }

 private:
  void add(actors::payload frame) {
    // One that is larger than the queue alone must pass as well: without it its shard would stand.
    if (!peer_ || (queue_bytes_ != 0 && queue_bytes_ + frame.size() > options_.queue_bytes_max)) return;
    queue_bytes_ += frame.size();
    queue_.push_back(std::move(frame));
  }

  void send() {
    if (!peer_ || is_waiting_ || queue_.empty()) return;
    auto batch = std::vector<actors::payload>{};
    auto bytes = std::size_t{0};
    while (!queue_.empty() && (batch.empty() || bytes + queue_.front().size() <= options_.window_bytes)) {
      bytes += queue_.front().size();
      batch.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    queue_bytes_ -= bytes;
    is_waiting_ = true;
    compat::ask(self_, peer_, frames_timeout, frames_atom_v, std::move(batch))
        .then(
            [this, round = round_] {
              if (round != round_) return;
              is_waiting_ = false;
              send();
            },
            [this, round = round_](const caf::error& reason) {
              if (round == round_) lose("it does not answer: " + to_string(reason));
            });
  }

  /// Takes what the directory tells.
  void follow() {
    if (told_ == std::pair{address_, incarnation_}) return;
    std::tie(address_, incarnation_) = told_;
    delay_ = reconnect_delay;
    accept();
    connect();
  }

  bool dials() const { return options_.self.member == 0 || options_.self.node < node_; }

  /// A node that dials this one may be known by its hello before the directory tells of it.
  void accept() {
    const auto& [theirs, peer] = offer_;
    if (!peer || theirs.node != node_ || theirs.incarnation != incarnation_) return;
    if (peer_) lose("it has connected again");
    if (!peer_) connected(peer, theirs);
  }

  void connect() {
    connect_scheduled_ = false;
    if (peer_ || asked_) return;
    if (!dials()) {
      // The connection stands as far as the other node can tell: it only was silent for a while.
      if (offer_.second && offer_.first.incarnation == incarnation_) introduce(offer_.second);
      return;
    }
    const auto where = parse_host_port(address_);
    if (!where) {
      logger().error("node={} {}", node_, where.error().message);
      return;
    }
    // CAF connects in one place for all nodes, and waits there for as long as the kernel does.
    if (probe(*where, dial_timeout) != port_state::open) {
      connect_later();
      return;
    }
    auto& system = self_->system();
    auto found = options_.uses_tls ? caf::openssl::remote_actor<peer_actor>(system, where->host, where->port)
                                   : system.middleman().remote_actor<peer_actor>(where->host, where->port);
    if (found)
      introduce(*found);
    else
      connect_later();
  }

  // An answer that the connection has lost does not come, and so the node is watched from here on.
  void introduce(const peer_actor& peer) {
    asked_ = peer;
    watcher_.watch(self_, peer, [this, peer](const caf::error& reason) { down(peer, reason); });
    compat::ask(self_, peer, hello_timeout, hello_atom_v, options_.self, caf::actor_cast<caf::strong_actor_ptr>(owner_))
        .then(
            [this, peer](const hello& theirs) {
              if (asked_ != peer) return;
              asked_ = nullptr;
              if (!peer_) connected(peer, theirs);
            },
            [this, peer](const caf::error& reason) {
              if (asked_ != peer) return;
              asked_ = nullptr;
              logger().warn("node={} at {} does not take this node: {}", node_, address_,
                            actors::from_caf(reason).message);
              connect_later();
            });
  }

  void connected(const peer_actor& peer, const hello& theirs) {
    if (theirs.node != node_ || theirs.incarnation != incarnation_) {
      logger().warn("node={} is expected at {}, where {} answers", node_, address_, theirs.node);
      connect_later();
      return;
    }
    peer_ = peer;
    ++round_;
    delay_ = reconnect_delay;
    is_waiting_ = false;
    logger().info("node={} is connected at {}", node_, address_);
    watcher_.watch(self_, peer_, [this, peer](const caf::error& reason) { down(peer, reason); });
    compat::send(self_, owner_, link_atom_v, node_, peer_, theirs.member);
  }

  void down(const peer_actor& peer, const caf::error& reason) {
    if (offer_.second == peer) offer_ = {};
    if (asked_ == peer) {
      asked_ = nullptr;
      if (!peer_) connect_later();
    }
    if (peer_ != peer) return;
    const auto run = std::pair{address_, incarnation_};
    lose("the connection is gone: " + to_string(reason));
    find_out(run, refuse_tries);
  }

  /// Finds out whether the node's process has ended. A node that is only silent does not refuse: it does not answer.
  /// One that is just ending may close its connections before its port.
  void find_out(const std::pair<std::string, std::uint64_t>& run, int tries) {
    const auto where = parse_host_port(run.first);
    if (peer_ || !where || tries == 0) return;
    if (probe(*where, refuse_timeout) == port_state::refusing)
      compat::send(self_, owner_, suspect_atom_v, node_, run.second);
    else
      self_->run_delayed(refuse_interval, [this, run, tries] { find_out(run, tries - 1); });
  }

  void lose(const std::string& why) {
    if (peer_) {
      logger().warn("node={} at {}: {}", node_, address_, why);
      watcher_.unwatch(self_, peer_);
      compat::send(self_, owner_, link_atom_v, node_, peer_actor{}, member_id{0});
    }
    peer_ = nullptr;
    ++round_;
    is_waiting_ = false;
    queue_.clear();
    queue_bytes_ = 0;
    connect_later();
    follow();
  }

  void connect_later() {
    if (std::exchange(connect_scheduled_, true)) return;
    compat::send_later(self_, peer_link_actor{self_}, delay_, link_atom_v);
    delay_ = std::min(2 * delay_, reconnect_delay_max);
  }

  peer_link_actor::pointer self_;
  link_owner_actor owner_;
  link_options options_;
  std::string node_;
  std::string address_;
  std::uint64_t incarnation_;
  std::pair<std::string, std::uint64_t> told_;  ///< address and incarnation, as the directory has them now
  compat::watcher watcher_;
  peer_actor peer_;
  peer_actor asked_;                    ///< has been told a hello, and has not answered
  std::pair<hello, peer_actor> offer_;  ///< by the node that dials; none where this one does
  std::uint64_t round_ = 0;             ///< of connections: answers of an earlier one say nothing
  bool is_waiting_ = false;
  bool connect_scheduled_ = false;
  std::chrono::milliseconds delay_ = reconnect_delay;
  std::deque<actors::payload> queue_;
  std::size_t queue_bytes_ = 0;
};

}  // namespace

std::string caf_version() {
  return std::to_string(CAF_MAJOR_VERSION) + "." + std::to_string(CAF_MINOR_VERSION) + "." +
         std::to_string(CAF_PATCH_VERSION);
}

result<void> configure_links(const peer_tls_options& tls, caf::actor_system_config& config) {
  config.load<caf::io::middleman>();
  if (tls.is_wanted()) {
    if (auto good = check_peer_tls(tls); !good) return good;
    config.load<caf::openssl::manager>();
    config.set("caf.openssl.certificate", tls.certificate);
    config.set("caf.openssl.key", tls.key);
    config.set("caf.openssl.cafile", tls.ca);
  }
  config.set("caf.middleman.heartbeat-interval", caf::timespan{heartbeat});
  config.set("caf.middleman.connection-timeout", caf::timespan{silent_after});
  config.set("caf.middleman.enable-automatic-connections", false);
  // After each of a node's twenty ticks a second CAF's workers would look for more for 25 ms before they sleep.
  config.set("caf.work-stealing.moderate-poll-attempts", poll_attempts);
  return {};
}

peer_link_actor spawn_peer_link(caf::actor_system& system, const link_owner_actor& owner, const link_options& options,
                                std::string node, std::string address, std::uint64_t incarnation) {
  return system.spawn<peer_link_actor::stateful_impl<peer_link_impl>, caf::detached>(owner, options, std::move(node),
                                                                                     std::move(address), incarnation);
}

}  // namespace octavo::cluster
