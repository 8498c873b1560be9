#include "actors/registry.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <list>
#include <unordered_map>

#include "actors/document_actor.hpp"
#include "actors/logger.hpp"
#include "actors/relay.hpp"
#include "storage/store.hpp"

namespace octavo::actors {

namespace {

constexpr auto stop_timeout = std::chrono::minutes{2};

class registry_impl {
 public:
  static inline const char* name = "octavo.registry";

  registry_impl(registry_actor::pointer self, registry_peers peers, directory_factory make_directory,
                node_options options, const storage::store& disk, metrics& counters)
      : self_(self),
        peers_(std::move(peers)),
        make_directory_(std::move(make_directory)),
        options_(options),
        disk_(disk),
        counters_(counters) {}

  registry_actor::behavior_type make_behavior() {
    watcher_.install(self_);
    directory_ = make_directory_(self_->system(), registry_actor{self_});
    return {
        [this](route_atom, const std::string& name) -> caf::result<relay_route> {
          if (stopping_) return make_error(stopping_error());
          return route(name);
        },
        [this](document_atom, const std::string& name) -> caf::result<document_actor> {
          if (stopping_) return make_error(stopping_error());
          return document(name);
        },
        [this](retire_atom, const std::string& name, relay_id id) { retire(name, id); },
        [this](passivate_atom, const std::string& name) { forget_document(name); },
        [this](report_atom, const document_report& what) { reported(what); },
        [this](drop_atom, const std::string& name) { return drop(name); },
        [this](stop_atom) { return stop(); },
    };
  }

 private:
  struct open_document {
    document_actor actor;
    std::uint64_t memory_bytes = 0;
    bool idle = false;
    std::list<std::string>::iterator idle_place;  ///< in idle_, if idle
  };

  static error stopping_error() { return {errc::unavailable, "the node is stopping"}; }

  caf::result<relay_route> route(const std::string& name) {
    if (auto found = relays_.find(name); found != relays_.end()) return found->second;
    auto id = ++last_relay_id_;
    auto options = options_.relay;
    options.presence = options_.document.presence;
    auto made =
        relay_route{spawn_relay(self_->system(), name, id, directory_, registry_actor{self_}, options, counters_), id};
    watcher_.watch(self_, made.relay, [this, name, id](const caf::error&) { retire(name, id); });
    relays_.emplace(name, made);
    return made;
  }

  void retire(const std::string& name, relay_id id) {
    if (auto found = relays_.find(name); found != relays_.end() && found->second.id == id) relays_.erase(found);
  }

  caf::result<document_actor> document(const std::string& name) {
    if (auto found = documents_.find(name); found != documents_.end()) return found->second.actor;
    if (!storage::is_valid_name(name))
      return make_error(error{errc::invalid_argument, "a document's name is 1 to 512 bytes of UTF-8"});
    if (dropping_.contains(name)) return make_error(error{errc::unavailable, "the document is being deleted"});
    // Those that leave are still counted for a moment, and so what bounds is the number of those in use.
    if (documents_.size() >= options_.open_documents_max &&
        (documents_.size() - idle_.size() >= options_.open_documents_max || !make_room()))
      return make_error(error{errc::limit_exceeded, "the node has as many documents open as it may"});
    if (memory_bytes_ >= options_.memory_budget_bytes && !make_room())
      return make_error(error{errc::limit_exceeded, "the node's memory for documents is in use"});
    auto made = spawn_document(
        self_->system(), name,
        {peers_.log_writer, peers_.loader, peers_.snapshotter, peers_.historian, peers_.reviser, registry_actor{self_}},
        options_.document, disk_, counters_);
    watcher_.watch(self_, made, [this, name, made](const caf::error&) { forget_document(name, made); });
    documents_.emplace(name, open_document{made, 0, false, {}});
    return made;
  }

  /// One that has asked to leave, or was stopped, is forgotten before it has gone, and may have a successor by then.
  void forget_document(const std::string& name, const document_actor& gone) {
    if (auto found = documents_.find(name); found != documents_.end() && found->second.actor == gone)
      forget_document(name);
  }

  void forget_document(const std::string& name) {
    auto found = documents_.find(name);
    if (found == documents_.end()) return;
    if (found->second.idle) idle_.erase(found->second.idle_place);
    set_memory(memory_bytes_ - found->second.memory_bytes);
    documents_.erase(found);
  }

  void reported(const document_report& what) {
    auto found = documents_.find(what.name);
    if (found == documents_.end()) return;
    auto& one = found->second;
    set_memory(memory_bytes_ - one.memory_bytes + what.memory_bytes);
    one.memory_bytes = what.memory_bytes;
    if (one.idle && !what.idle) idle_.erase(one.idle_place);
    if (!one.idle && what.idle) one.idle_place = idle_.insert(idle_.end(), what.name);
    one.idle = what.idle;
    if (memory_bytes_ > options_.memory_budget_bytes) make_room();
  }

  /// Asks the document that has been idle for longest to leave; false if all are in use.
  bool make_room() {
    if (idle_.empty()) return false;
    compat::send(self_, documents_.at(idle_.front()).actor, passivate_atom_v);
    // To the end: if it cannot leave just now, the next one is asked.
    idle_.splice(idle_.end(), idle_, idle_.begin());
    return true;
  }

  void set_memory(std::uint64_t bytes) {
    memory_bytes_ = bytes;
    counters_.document_bytes.store(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
  }

  caf::result<void> drop(const std::string& name) {
    auto promise = self_->make_response_promise<void>();
    ++dropping_[name];
    auto remove = [this, promise, name]() mutable {
      compat::ask(self_, peers_.log_writer, stop_timeout, drop_atom_v, name)
          .then(
              [this, promise, name]() mutable {
                dropped(name);
                promise.deliver();
              },
              [this, promise, name](caf::error& reason) mutable {
                dropped(name);
                promise.deliver(std::move(reason));
              });
    };
    auto found = documents_.find(name);
    if (found == documents_.end()) {
      remove();
      return promise;
    }
    compat::ask(self_, found->second.actor, stop_timeout, drop_atom_v)
        .then(
            [this, remove, name, actor = found->second.actor]() mutable {
              forget_document(name, actor);
              remove();
            },
            [remove](const caf::error&) mutable { remove(); });
    return promise;
  }

  void dropped(const std::string& name) {
    if (auto found = dropping_.find(name); --found->second == 0) dropping_.erase(found);
  }

  caf::result<void> stop() {
    stopping_ = true;
    auto promise = self_->make_response_promise<void>();
    if (documents_.empty()) {
      close_relays();
      promise.deliver();
      return promise;
    }
    auto left = std::make_shared<std::size_t>(documents_.size());
    auto one_less = [this, left, promise]() mutable {
      if (--*left != 0) return;
      close_relays();
      promise.deliver();
    };
    for (auto& [name, one] : documents_)
      compat::ask(self_, one.actor, stop_timeout, stop_atom_v)
          .then([one_less]() mutable { one_less(); }, [one_less](const caf::error&) mutable { one_less(); });
    return promise;
  }

  void close_relays() {
    for (auto& [name, route] : relays_) compat::send(self_, route.relay, stop_atom_v);
  }

  registry_actor::pointer self_;
  registry_peers peers_;
  directory_factory make_directory_;
  node_options options_;
  const storage::store& disk_;
  metrics& counters_;
  directory_actor directory_;
  compat::watcher watcher_;
  std::unordered_map<std::string, open_document> documents_;
  std::unordered_map<std::string, relay_route> relays_;
  std::unordered_map<std::string, std::size_t> dropping_;
  std::list<std::string> idle_;  ///< documents that nobody has open, the longest idle first
  std::uint64_t memory_bytes_ = 0;
  relay_id last_relay_id_ = 0;
  bool stopping_ = false;
};

}  // namespace

registry_actor spawn_registry(caf::actor_system& system, registry_peers peers, directory_factory make_directory,
                              node_options options, const storage::store& disk, metrics& counters) {
  return system.spawn<registry_actor::stateful_impl<registry_impl>>(std::move(peers), std::move(make_directory),
                                                                    options, std::cref(disk), std::ref(counters));
}

}  // namespace octavo::actors
