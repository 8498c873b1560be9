#include "app/cluster_node.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/io/middleman.hpp>
#include <caf/openssl/all.hpp>
#include <charconv>
#include <mutex>
#include <random>

#include "actors/clock.hpp"
#include "app/cpus.hpp"
#include "app/damaged_disk.hpp"
#include "app/output.hpp"
#include "cluster/membership.hpp"
#include "cluster/peer_link.hpp"
#include "net/version.hpp"
#include "storage/store.hpp"

namespace octavo::app {

namespace {

/// A shard that was moved for its load, or for anything else, rests for so many looks at the load.
constexpr auto balance_rest_intervals = std::int64_t{6};
constexpr auto balance_interval_ms_min = std::int64_t{1'000};

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

}  // namespace

class cluster_node::impl {
 public:
  cluster::host_options host;
  std::shared_ptr<cluster::shard_table> table;
  std::unique_ptr<cluster::membership> membership;
  cluster::host_port peer;
  std::mutex mutex;
  actors::registry_actor registry;
  cluster::shard_host_actor shard_host;
  std::function<void(bool)> on_drain;
  bool is_drained = false;
  std::unique_ptr<damaged_disk> disk;
};

result<void> cluster_node::configure(const serve_options& options, caf::actor_system_config& config) {
  return cluster::configure_links(options.cluster.peer_tls, config);
}

result<std::unique_ptr<storage::store>> cluster_node::open_store(const serve_options& options) {
  const auto disk = damaged_disk{options};
  const auto known = disk.known();
  auto opened =
      known ? result<std::unique_ptr<storage::store>>{tl::unexpected{*known}} : storage::store::open(options.store);
  if (opened || opened.error().code != errc::corrupt) return opened;
  auto anew = disk.begin_anew(opened.error());
  if (anew) return storage::store::open(options.store);
  if (!known) return tl::unexpected{anew.error()};
  // What a run before this one found may be in what nobody asks for.
  opened = storage::store::open(options.store);
  if (!opened) return tl::unexpected{opened.error().code == errc::corrupt ? anew.error() : opened.error()};
  spdlog::error("{}; until then it serves on as well as it can", anew.error().message);
  return opened;
}

result<std::unique_ptr<storage::store>> cluster_node::open_anew(const serve_options& options, const error& damage) {
  if (auto anew = damaged_disk{options}.begin_anew(damage); !anew) return tl::unexpected{anew.error()};
  return storage::store::open(options.store);
}

cluster_node::cluster_node(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
cluster_node::~cluster_node() = default;

result<std::unique_ptr<cluster_node>> cluster_node::join(const serve_options& options, storage::store& store) {
  const auto& given = options.cluster;
  auto made = std::make_unique<impl>();
  made->disk = std::make_unique<damaged_disk>(options);
  if (!cluster::is_node_name(options.net.node_name))
    return fail(errc::invalid_argument,
                "--node " + options.net.node_name + ": in a cluster a node's name is 1 to 64 of a-z, 0-9 and -");
  if (given.balance_interval_ms != 0 && given.balance_interval_ms < balance_interval_ms_min)
    return fail(errc::invalid_argument, "--balance-interval: 0, which is never, or at least 1s");
  if (options.store.sync != storage::sync_mode::always)
    return fail(errc::invalid_argument,
                "--sync: a cluster's node must have on disk what it promises to the others: always is possible");
  if (given.replicas % 2 == 0)
    return fail(errc::invalid_argument, "--replicas " + std::to_string(given.replicas) +
                                            ": 1, 3 or 5; an even number survives no more than one less");
  auto endpoints = cluster::parse_etcd_url(given.url);
  if (!endpoints) return fail(errc::invalid_argument, "--cluster: " + endpoints.error().message);
  if (given.peer_listen.empty())
    return fail(errc::invalid_argument, "--cluster needs --peer-listen HOST:PORT, where the other nodes connect");
  auto peer = cluster::parse_host_port(given.peer_listen);
  if (!peer) return fail(errc::invalid_argument, "--peer-listen: " + peer.error().message);
  if (peer->host == "0.0.0.0" || peer->host == "::")
    return fail(errc::invalid_argument, "--peer-listen " + given.peer_listen +
                                            ": the other nodes dial what stands here: give an address of this machine");
  // Whoever reaches an open cluster port owns the process.
  if (!is_loopback(peer->host) && !given.peer_tls.is_wanted())
    return fail(errc::invalid_argument,
                "--peer-listen " + given.peer_listen +
                    ": beyond loopback the port of a cluster must be closed to all but its nodes: give --peer-cert, "
                    "--peer-key and --peer-ca (octavo cluster certs makes them)");
  made->peer = *peer;
  auto stats = store.stats();
  if (!stats) return tl::unexpected{stats.error()};
  const auto known = read_binding(options.store.path);
  if (known.empty() && stats->documents != 0)
    return fail(errc::invalid_argument,
                options.store.path.string() +
                    " holds the documents of a node that was alone; give a cluster's node a new --data, and bring the "
                    "documents in with octavo doc import");
  auto random = std::random_device{};
  auto member = cluster::membership_options{};
  member.endpoints = *endpoints;
  member.known_cluster_id = known;
  member.shards = given.shards;
  member.replicas = given.replicas;
  member.clock_skew_ms_max = given.clock_skew_ms_max;
  member.self.name = options.net.node_name;
  member.self.incarnation = (std::uint64_t{random()} << 32U) | random();
  std::from_chars(stats->store_id.data(), stats->store_id.data() + 16, member.self.member, 16);
  member.self.peer_address = given.peer_listen;
  member.self.http_address = options.net.listen_address + ":" + std::to_string(options.net.listen_port);
  member.self.wire_version = cluster::wire_version;
  member.self.caf_version = cluster::caf_version();
  member.self.octavo_version = version;
  member.self.started_unix_ms = actors::unix_now_ms();
  made->host.self = {{},
                     member.self.name,
                     member.self.member,
                     member.self.incarnation,
                     member.self.wire_version,
                     member.self.caf_version};
  member.on_replaced = [](const error& why) {
    spdlog::critical("this process ends, since two may not run as one node: {}", why.message);
    spdlog::shutdown();
    _exit(exit_fatal);
  };
  auto joined = cluster::membership::join(std::move(member));
  if (!joined) return tl::unexpected{joined.error()};
  made->membership = std::move(*joined);
  const auto& meta = made->membership->meta();
  made->host.self.cluster_id = meta.cluster_id;
  made->host.shards = meta.shards;
  made->host.document = options.node.document;
  made->host.uses_tls = given.peer_tls.is_wanted();
  made->host.arranger.placement.replicas = meta.replicas;
  made->host.arranger.placement.replace_ms = given.replace_after_ms;
  made->host.replica.give_back_ms = given.keep_copies_ms;
  made->host.cores = static_cast<double>(usable_cpus());
  auto& balance = made->host.balance;
  balance.is_on = given.balance_interval_ms != 0;
  if (balance.is_on) {
    balance.interval_ms = given.balance_interval_ms;
    balance.rest_ms = balance_rest_intervals * given.balance_interval_ms;
  }
  balance.busy_min = given.balance_busy_percent / 100.0;
  balance.clock_skew_ms_max = given.clock_skew_ms_max;
  auto table = cluster::read_shards(store, made->host);
  if (!table) return tl::unexpected{table.error()};
  made->table = std::move(*table);
  if (!made->table->replicas().empty()) made->membership->know_replicas();
  // Not before: a node that is seen is one whose replicas are counted on.
  if (auto taken = made->membership->take_name(); !taken) return tl::unexpected{taken.error()};
  if (known.empty())
    if (auto written = write_binding(options.store.path, meta.cluster_id); !written)
      return tl::unexpected{written.error()};
  return std::unique_ptr<cluster_node>(new cluster_node(std::move(made)));
}

actors::log_factory cluster_node::log() {
  return [this](caf::actor_system& system, storage::store& store, metrics& counters, const actors::node_options&,
                actors::fatal_handler on_fatal) -> actors::log_writer_actor {
    auto peers = cluster::host_peers{};
    peers.registry = [this] {
      const std::lock_guard guard(impl_->mutex);
      return impl_->registry;
    };
    peers.submit = [this](const cluster::shard_txn& request) {
      const std::lock_guard guard(impl_->mutex);
      if (impl_->membership) impl_->membership->submit(request);
    };
    peers.balance = [this](cluster::cluster_orders::balanced wanted) {
      const std::lock_guard guard(impl_->mutex);
      if (impl_->membership) impl_->membership->balance(std::move(wanted));
    };
    peers.damaged = [this] { impl_->disk->give_up(); };
    peers.drained = [this](bool is_drained) {
      const std::lock_guard guard(impl_->mutex);
      impl_->is_drained = is_drained;
      if (impl_->on_drain) impl_->on_drain(is_drained);
    };
    peers.publish = [this](std::string status) {
      const std::lock_guard guard(impl_->mutex);
      if (impl_->membership) impl_->membership->publish(std::move(status));
    };
    auto host = cluster::spawn_shard_host(system, store, impl_->table, counters, impl_->host, std::move(peers),
                                          std::move(on_fatal));
    const std::lock_guard guard(impl_->mutex);
    impl_->shard_host = host;
    return host;
  };
}

actors::directory_factory cluster_node::directory() {
  return [this](caf::actor_system&, const actors::registry_actor& registry) -> actors::directory_actor {
    const std::lock_guard guard(impl_->mutex);
    impl_->registry = registry;
    return impl_->shard_host;
  };
}

result<void> cluster_node::start(caf::actor_system& system) {
  const auto& [host, number] = impl_->peer;
  auto port = impl_->host.uses_tls ? caf::openssl::publish(impl_->shard_host, number, host.c_str(), true)
                                   : system.middleman().publish(impl_->shard_host, number, host.c_str(), true);
  if (!port)
    return fail(errc::io_error, "cannot listen for other nodes on " + impl_->peer.host + ":" +
                                    std::to_string(impl_->peer.port) + ": " + to_string(port.error()));
  impl_->membership->start(impl_->shard_host);
  if (const auto known = impl_->disk->known()) damaged(*known);
  return {};
}

void cluster_node::damaged(const error& what) {
  impl_->disk->note(what);
  const std::lock_guard guard(impl_->mutex);
  // From a damaged disk nobody ought to be served, nor rebuilt.
  if (impl_->membership) impl_->membership->drain();
  if (impl_->shard_host) compat::tell(impl_->shard_host, cluster::damage_atom_v, what.message);
}

bool cluster_node::wants_a_look() const {
  return impl_->disk->wants_a_look();
}

net::document_place cluster_node::place(std::string_view document) {
  const auto shard = cluster::shard_of(document, impl_->host.shards);
  const std::lock_guard guard(impl_->mutex);
  return {shard, impl_->membership ? impl_->membership->owner_of(shard) : std::string{}};
}

void cluster_node::note_damage(const error& what) {
  impl_->disk->note(what);
}

void cluster_node::on_drain(std::function<void(bool)> tell) {
  const std::lock_guard guard(impl_->mutex);
  impl_->on_drain = std::move(tell);
  if (impl_->on_drain && impl_->is_drained) impl_->on_drain(true);
}

void cluster_node::leave() {
  auto membership = std::unique_ptr<cluster::membership>{};
  {
    const std::lock_guard guard(impl_->mutex);
    membership = std::move(impl_->membership);
    impl_->registry = nullptr;
    impl_->shard_host = nullptr;
  }
  if (membership) membership->leave();
}

std::string cluster_node::description() const {
  const auto& meta = impl_->membership->meta();
  return "cluster=" + meta.cluster_id + " node=" + impl_->host.self.node + " shards=" + std::to_string(meta.shards) +
         " replicas=" + std::to_string(meta.replicas);
}

}  // namespace octavo::app
