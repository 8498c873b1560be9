#include "actors/node.hpp"

#include <caf/actor_system.hpp>
#include <caf/init_global_meta_objects.hpp>
#include <caf/scoped_actor.hpp>
#include <thread>
#include <tuple>

#include "actors/historian.hpp"
#include "actors/loader.hpp"
#include "actors/logger.hpp"
#include "storage/store.hpp"

namespace octavo::actors {

namespace {
constexpr auto ending_patience = std::chrono::seconds{5};
}

void init_messages() {
  caf::init_global_meta_objects<caf::id_block::octavo>();
  caf::init_global_meta_objects<caf::id_block::octavo_handles>();
  caf::core::init_global_meta_objects();
}

node::node(caf::actor_system& system, storage::store& store, const node_options& options, directory_factory directory,
           fatal_handler on_fatal, const log_factory& log)
    : system_(system), store_(store), options_(options), counters_(std::make_shared<metrics>()) {
  log_writer_ = log(system_, store_, *counters_, options_, std::move(on_fatal));
  for (auto i = std::size_t{0}; i < options_.loaders; ++i)
    loaders_.push_back(spawn_loader(system_, store_, options_.document));
  snapshotter_ = spawn_snapshotter(system_, store_, options_.document, *counters_);
  historian_ = spawn_historian(system_, store_, options_.document);
  reviser_ = spawn_historian(system_, store_, options_.document);
  loader_pool_ = spawn_loader_pool(system_, loaders_);
  registry_ = spawn_registry(system_, {log_writer_, loader_pool_, snapshotter_, historian_, reviser_},
                             std::move(directory), options_, store_, *counters_);
}

node::~node() {
  // The actor system waits for every actor: those that never end by themselves are ended here.
  compat::end(loader_pool_);
  for (const auto& one : loaders_) compat::end(one);
  compat::end(snapshotter_);
  compat::end(historian_);
  compat::end(reviser_);
  compat::end(log_writer_);
  compat::end(registry_);
  auto handles = std::vector<caf::actor>{};
  for (const auto& one : loaders_) handles.push_back(caf::actor_cast<caf::actor>(one));
  handles.push_back(caf::actor_cast<caf::actor>(loader_pool_));
  handles.push_back(caf::actor_cast<caf::actor>(snapshotter_));
  handles.push_back(caf::actor_cast<caf::actor>(historian_));
  handles.push_back(caf::actor_cast<caf::actor>(reviser_));
  handles.push_back(caf::actor_cast<caf::actor>(log_writer_));
  handles.push_back(caf::actor_cast<caf::actor>(registry_));
  auto self = caf::scoped_actor{system_};
  self->wait_for(handles);
  // Documents, relays and sessions that are just ending count themselves out, and must find the counters. Should one
  // still be held from outside, the counters stay for good.
  auto until = std::chrono::steady_clock::now() + ending_patience;
  auto open = [this] {
    return counters_->documents_open.load(std::memory_order_acquire) +
           counters_->relays_open.load(std::memory_order_acquire) +
           counters_->sessions_open.load(std::memory_order_acquire);
  };
  while (open() != 0) {
    if (std::chrono::steady_clock::now() > until) {
      logger().warn("a node ends while sessions are still held");
      std::ignore = std::make_unique<std::shared_ptr<metrics>>(counters_).release();
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
}

session_actor node::open_session(std::string document, session_id id, client_identity who, outlet_ptr out) {
  return spawn_session(system_, registry_, std::move(document), id, std::move(who), std::move(out), *counters_);
}

session_id node::next_session_id() {
  return ++last_session_;
}

result<document_listing> node::list(std::string_view prefix, std::string_view after, std::size_t limit) const {
  auto page = store_.list(prefix, after, limit);
  if (!page) return tl::unexpected{page.error()};
  auto listing = document_listing{};
  listing.more = page->more;
  listing.documents.reserve(page->documents.size());
  for (auto& one : page->documents)
    listing.documents.push_back(
        {std::move(one.name), one.last_seq, one.updated_ms, one.log_bytes, one.is_quarantined()});
  return listing;
}

bool node::writable() const {
  return store_.writable();
}

bool node::stop(std::chrono::milliseconds patience) {
  auto self = caf::scoped_actor{system_};
  auto done = false;
  compat::ask(self.ptr(), registry_, patience, stop_atom_v)
      .receive([&] { done = true; },
               [&](const caf::error& reason) { logger().warn("stopping took too long: {}", to_string(reason)); });
  return done;
}

}  // namespace octavo::actors
