// `octavo serve`: reads the settings, opens the store, starts the actors and the server, and waits for a signal.
#include <pthread.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <iostream>
#include <random>
#include <thread>

#include "actors/node.hpp"
#include "app/cluster_node.hpp"
#include "app/commands.hpp"
#include "app/cpus.hpp"
#include "app/logging.hpp"
#include "app/output.hpp"
#include "app/settings.hpp"
#include "cluster/shard_host.hpp"
#include "cluster/single_node.hpp"
#include "net/server.hpp"
#include "net/version.hpp"
#include "storage/store.hpp"

namespace octavo::app {

namespace {

/// A client's connection waits for so long while nobody has its document.
constexpr auto cluster_locate_ms = std::int64_t{30'000};

/// As many open files as the system lets us have: each connection is one.
void raise_file_limit(std::size_t wanted) {
  auto limit = rlimit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  auto before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
  constexpr auto files_of_our_own = std::size_t{1024};
  if (limit.rlim_cur < wanted + files_of_our_own)
    spdlog::warn("only {} files may be open, fewer than connections-max={} needs (raise it with: ulimit -n {})",
                 limit.rlim_cur, wanted, wanted + files_of_our_own);
}

std::filesystem::path find_page() {
  auto failed = std::error_code{};
  auto self = std::filesystem::read_symlink("/proc/self/exe", failed).parent_path();
  if (failed) return {};
  // As installed, and as built in the source tree.
  for (const auto& candidate : {self / "../share/octavo/web", self / "../../web/dist"})
    if (std::filesystem::is_regular_file(candidate / "index.html", failed))
      return std::filesystem::canonical(candidate, failed);
  return {};
}

std::string host_name() {
  auto name = std::array<char, 256>{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string{name.data()} : std::string{"octavo"};
}

struct given_settings {
  std::string file;
  std::vector<std::pair<std::string, std::string>> flags;
};

/// What is wrong first is the outcome. The rest is applied even so, as an error is logged in the way that was asked
/// for.
result<void> read_settings(serve_options& options, const given_settings& given) {
  options.store.path = "data";
  options.net.node_name = host_name();
  auto outcome = result<void>{};
  auto note = [&outcome](result<void> applied) {
    if (outcome) outcome = std::move(applied);
  };
  if (!given.file.empty()) note(apply_file(options, given.file));
  note(apply_environment(options, environ));
  for (const auto& [name, value] : given.flags) {
    auto applied = apply_setting(options, name, value);
    if (!applied) applied.error().message.insert(0, "--");
    note(std::move(applied));
  }
  if (options.net.tls.certificate.empty() != options.net.tls.key.empty())
    note(fail(errc::invalid_argument, "TLS needs both --tls-cert and --tls-key"));
  if (options.open && !options.secret_file.empty())
    note(fail(errc::invalid_argument, "--open and --secret-file exclude each other: is the server open or not?"));
  return outcome;
}

/// What follows from the settings.
void complete(serve_options& options) {
  auto cpus = usable_cpus();
  if (options.worker_threads == 0) options.worker_threads = cpus;
  if (options.io_threads == 0) options.io_threads = std::max<std::size_t>(1, cpus / 2);
  options.net.io_threads = options.io_threads;
  options.net.open_beyond_loopback = options.open;
  if (options.net.web_root.empty()) options.net.web_root = find_page();
  options.node.document.update_bytes_max = options.net.limits.frame_bytes_max;
  options.node.document.bad_messages_max = options.net.limits.bad_messages_max;
  options.store.max_update_bytes = std::max(options.store.max_update_bytes, options.node.document.update_bytes_max);
  // Whatever the setting says: RocksDB itself needs room to end what it has begun.
  constexpr auto min_free_bytes_floor = std::uint64_t{8} << 20;
  options.store.min_free_bytes = std::max(options.store.min_free_bytes, min_free_bytes_floor);
  auto random = std::random_device{};
  options.node.document.hash_seed = (std::uint64_t{random()} << 32) | random();
}

result<net::access_policy> read_access(const serve_options& options) {
  if (options.secret_file.empty()) return net::access_policy::open();
  auto secret = net::read_secret(options.secret_file);
  if (!secret) return tl::unexpected{secret.error()};
  if (net::is_readable_by_others(options.secret_file))
    spdlog::warn("every user of this machine can read {} and sign tokens with it (chmod o= it)",
                 options.secret_file.string());
  return net::access_policy::by_token(std::move(*secret));
}

void report_recovery(const storage::store& store) {
  const auto& recovery = store.recovery();
  if (!recovery) return;
  spdlog::error("the store's log was damaged; the originals are kept in {}", recovery->folder.string());
  for (const auto& place : recovery->places) spdlog::error("damage: {}", place);
  if (recovery->everything) spdlog::error("it cannot be told which documents were hit: all are set aside");
  for (const auto& name : recovery->documents)
    spdlog::error("document={} may have lost acknowledged edits and is set aside", printable_name(name));
}

/// Waits for SIGTERM or SIGINT, which all threads have blocked.
int wait_for_signal(const sigset_t& signals) {
  auto number = 0;
  while (sigwait(&signals, &number) != 0) {
  }
  return number;
}

int serve(const given_settings& given) {
  auto options = serve_options{};
  auto meant = read_settings(options, given);
  start_logging(options.log);
  if (!meant) return refuse_to_serve(meant.error(), options.log);
  complete(options);
  auto signals = sigset_t{};
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  auto access = read_access(options);
  if (!access) return refuse_to_serve(access.error(), options.log);
  auto is_open = access->is_open();
  auto setup = net::server_setup::make(options.net, std::move(*access));
  if (!setup) return refuse_to_serve(setup.error(), options.log);
  raise_file_limit(options.net.limits.connections_max);
  const auto is_clustered = !options.cluster.url.empty();
  options.store.refuse_damage = is_clustered;
  auto store = is_clustered ? cluster_node::open_store(options) : storage::store::open(options.store);
  if (!store) return refuse_to_serve(store.error(), options.log);
  report_recovery(**store);

  actors::init_messages();
  auto in_cluster = std::unique_ptr<cluster_node>{};
  auto config = caf::actor_system_config{};
  if (is_clustered) {
    cluster::init_messages();
    if (auto configured = cluster_node::configure(options, config); !configured)
      return refuse_to_serve(configured.error(), options.log);
    auto joined = cluster_node::join(options, **store);
    if (!joined && joined.error().code == errc::corrupt) {
      store->reset();
      store = cluster_node::open_anew(options, joined.error());
      if (!store) return refuse_to_serve(store.error(), options.log);
      joined = cluster_node::join(options, **store);
    }
    if (!joined) return refuse_to_serve(joined.error(), options.log);
    in_cluster = std::move(*joined);
    options.node.relay.locate_ms = cluster_locate_ms;
    options.net.place = [&in_cluster](std::string_view document) { return in_cluster->place(document); };
  }
  config.set("caf.scheduler.max-threads", options.worker_threads);
  // A busy document must let the others have their turn.
  constexpr auto messages_per_turn = std::size_t{200};
  config.set("caf.scheduler.max-throughput", messages_per_turn);
  // The cluster's actors may still be at work when the node is gone.
  auto counters = std::shared_ptr<metrics>{};
  auto system = caf::actor_system{config};
  auto on_fatal = [&in_cluster](const error& what) {
    spdlog::critical("the store failed and the process ends; nothing that was acknowledged is lost: {}", what.message);
    if (in_cluster && what.code == errc::corrupt) in_cluster->note_damage(what);
    spdlog::shutdown();
    _exit(exit_fatal);
  };
  auto node = is_clustered ? std::make_unique<actors::node>(system, **store, options.node, in_cluster->directory(),
                                                            on_fatal, in_cluster->log())
                           : std::make_unique<actors::node>(system, **store, options.node,
                                                            cluster::spawn_single_node_directory, on_fatal);
  counters = node->share_counters();
  (*store)->on_damage([&](const error& what) {
    node->counters().damage_found.fetch_add(1, std::memory_order_relaxed);
    node->counters().store_damaged = 1;
    if (in_cluster) in_cluster->damaged(what);
  });
  auto quiet = std::unique_ptr<storage::store, void (*)(storage::store*)>(
      store->get(), [](storage::store* one) { one->on_damage({}); });
  if (is_clustered) {
    if (auto started = in_cluster->start(system); !started) return refuse_to_serve(started.error(), options.log);
    node->counters().store_damaged = in_cluster->wants_a_look() ? 1 : 0;
    spdlog::info("{}", in_cluster->description());
  }
  auto server = net::server::open(*node, options.net, std::move(*setup));
  if (!server) return refuse_to_serve(server.error(), options.log);
  (*server)->start();
  if (in_cluster) in_cluster->on_drain([&server](bool is_drained) { (*server)->set_draining(is_drained); });
  spdlog::info("octavo {} listens on {} data={} page={} threads={}+{}", version, (*server)->url(),
               std::filesystem::absolute(options.store.path).string(),
               options.net.web_root.empty() ? "none" : options.net.web_root.string(), options.worker_threads,
               options.io_threads);
  if (is_open)
    spdlog::warn("open: everybody who reaches this address may read and write every document{}",
                 options.open ? " (--open)" : "; it is reachable from this machine only");

  auto number = wait_for_signal(signals);
  spdlog::info("stopping after signal {}; a second one stops at once", number);
  std::thread{[signals] {
    auto again = wait_for_signal(signals);
    spdlog::warn("stopped at once by signal {}; nothing that was acknowledged is lost", again);
    spdlog::shutdown();
    _exit(128 + again);
  }}.detach();
  auto patience = std::chrono::milliseconds{options.stop_timeout_ms};
  if (in_cluster) in_cluster->on_drain({});
  (*server)->stop_accepting();
  auto in_good_order = node->stop(patience);
  quiet.reset();
  if (in_cluster) in_cluster->leave();
  constexpr auto closing_patience = std::chrono::seconds{3};
  (*server)->stop(std::min<std::chrono::milliseconds>(patience, closing_patience));
  if (!in_good_order) {
    // Something does not end, and waiting for it is over. What was acknowledged is on disk.
    spdlog::shutdown();
    _exit(exit_ok);
  }
  server->reset();
  node.reset();
  spdlog::info("stopped");
  return exit_ok;
}

}  // namespace

void add_serve(CLI::App& program, command& run) {
  auto* serve_command = program.add_subcommand("serve", "Run a node.");
  auto values = std::make_shared<given_settings>();
  serve_command->add_option("--config", values->file, "read settings from this TOML file")->type_name("FILE");
  for (const auto& one : all_settings()) {
    auto keep = [values, name = one.name](const std::string& value) { values->flags.emplace_back(name, value); };
    const auto help = help_text(one);
    if (one.placeholder.empty())
      // As it is written, `--open=false` too: an environment or a file may have turned it on.
      serve_command->add_flag("--" + one.name, help)->each(keep);
    else
      serve_command
          ->add_option_function<std::vector<std::string>>(
              "--" + one.name,
              [keep](const std::vector<std::string>& all) {
                for (const auto& value : all) keep(value);
              },
              help)
          ->type_name(one.placeholder)
          ->expected(1)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
  serve_command->footer(
      "Every setting may also stand in the configuration file (listen = \"127.0.0.1:8080\") or in the environment\n"
      "(OCTAVO_LISTEN); the command line wins over the environment, and that over the file.\n"
      "Examples:\n"
      "  octavo serve\n"
      "  octavo serve --listen 0.0.0.0:443 --secret-file secret --tls-cert chain.pem --tls-key key.pem\n"
      "  octavo serve --config octavo.toml --log-json");
  serve_command->callback([values, &run] { run = [values] { return serve(*values); }; });
}

}  // namespace octavo::app
