// A whole node in this process: a store in a temporary folder, an actor system, and clients that know only what they
// were sent.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "actors/node.hpp"
#include "cluster/single_node.hpp"
#include "storage/store.hpp"
#include "tests/storage/support.hpp"

namespace octavo::test {

struct caf_config : caf::actor_system_config {
  caf_config() {
    static auto once = std::once_flag{};
    std::call_once(once, [] { actors::init_messages(); });
    set("caf.scheduler.max-threads", 2);
  }
};

class test_node {
 public:
  explicit test_node(const actors::node_options& options = {}) : options_(options) { start(); }
  ~test_node() { stop(); }
  test_node(const test_node&) = delete;
  test_node& operator=(const test_node&) = delete;

  actors::node& operator*() { return *node_; }
  actors::node* operator->() { return node_.get(); }
  storage::store& store() { return *store_; }
  caf::actor_system& system() { return *system_; }
  metrics& counters() { return node_->counters(); }

  /// In good order; false if something did not end in time.
  bool stop() {
    if (!node_) return true;
    const auto ended = node_->stop(std::chrono::seconds{60});
    node_.reset();
    system_.reset();
    store_.reset();
    return ended;
  }

  /// The same store, opened anew.
  void start(std::optional<actors::node_options> options = {}) {
    if (options) options_ = *options;
    store_ = storage::testing::open_ok(folder_ / "store");
    config_ = std::make_unique<caf_config>();
    system_ = std::make_unique<caf::actor_system>(*config_);
    node_ = std::make_unique<actors::node>(*system_, *store_, options_, cluster::spawn_single_node_directory,
                                           [](const error&) { std::abort(); });
  }

 private:
  storage::testing::temporary_folder folder_;
  actors::node_options options_;
  std::unique_ptr<storage::store> store_;
  std::unique_ptr<caf_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  std::unique_ptr<actors::node> node_;
};

}  // namespace octavo::test
