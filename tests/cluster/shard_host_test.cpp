// The actor behind which a node's replicas are, with a disk of its own. The other nodes, and the directory, are played.
#include "cluster/shard_host.hpp"

#include <doctest/doctest.h>
#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "actors/caf_compat.hpp"
#include "storage/shard_log.hpp"
#include "storage/store.hpp"
#include "tests/actors/support/test_node.hpp"
#include "tests/support/eventually.hpp"

using namespace octavo;
using namespace octavo::cluster;
using namespace octavo::test;

namespace {

// Of two nodes the one with the lesser name dials: this one never does.
const auto zoe = member{1, "zoe"};
const auto bob = member{2, "bob"};
const auto cid = member{3, "cid"};

struct cluster_config : caf_config {
  cluster_config() {
    static auto once = std::once_flag{};
    std::call_once(once, [] { cluster::init_messages(); });
  }
};

/// Looks often, and waits for nobody.
host_options hasty() {
  auto options = host_options{};
  options.shards = 1;
  options.tick_ms = 2;
  options.arranger.interval_ms = 2;
  options.status_ms = 1;
  options.arranger.placement.settle_ms = 0;
  options.replica.handoff_ms = 60'000;
  return options;
}

/// The host of zoe, in a cluster of one shard. The others have the replicas of it too, and do what the test says.
/// Unless one of them is its owner zoe claims it.
class little_cluster {
 public:
  explicit little_cluster(std::vector<member> others = {bob, cid}, host_options options = hasty(), member owner = {})
      : others_(std::move(others)) {
    while (shard_of(name_, options.shards) != 0) name_ += 's';
    options.self = {"cluster", zoe.node, zoe.id, 7, wire_version, "caf"};
    options.arranger.placement.replicas = static_cast<std::uint32_t>(others_.size() + 1);
    store_ = storage::testing::open_ok(folder_ / "store");
    store_->on_damage([this](const error& what) {
      const std::lock_guard guard(mutex_);
      damage_ = what.message;
    });
    system_ = std::make_unique<caf::actor_system>(config_);
    auto peers = host_peers{};
    peers.registry = [] { return actors::registry_actor{}; };
    peers.submit = [this](const shard_txn& txn) { carry_out(txn); };
    peers.publish = [this](const std::string&) {
      if (fails_) throw std::runtime_error{"out of order"};
      ++rounds_;
    };
    auto table = read_shards(*store_, options);
    REQUIRE(table);
    host_ = spawn_shard_host(*system_, *store_, std::move(*table), counters_, options, std::move(peers),
                             [this](const error& what) {
                               const std::lock_guard guard(mutex_);
                               fatal_ = what.message;
                             });
    if (owner.id != 0) record_ = {100, owner, 5, {}};
    record_.config = {1, others_};
    record_.config.members.push_back(zoe);
    for (const auto& who : record_.config.members) view_.nodes[who.node] = {7, who.id, "127.0.0.1:1", false};
    view_.is_current = true;
    see([](node_view&) {});
    for (const auto& who : others_) connect(who);
    compat::tell(host_, record_atom_v, record_update{{{shard_number{0}, record_}}});
  }
  ~little_cluster() {
    compat::end(host_);
    caf::scoped_actor {
      *system_
      } -> wait_for(caf::actor_cast<caf::actor>(host_));
    host_ = nullptr;
    system_.reset();
    store_->on_damage({});
  }
  little_cluster(const little_cluster&) = delete;
  little_cluster& operator=(const little_cluster&) = delete;

  /// What the directory says of the nodes from now on.
  template <class Change>
  void see(Change change) {
    change(view_);
    compat::tell(host_, nodes_atom_v, std::shared_ptr<const node_view>{std::make_shared<node_view>(view_)});
  }
  void connect(const member& who) { compat::tell(host_, link_atom_v, who.node, peer_actor{host_}, who.id); }
  void disconnect(const member& who) { compat::tell(host_, link_atom_v, who.node, peer_actor{}, member_id{0}); }
  void say(const member& from, replica_message what, shard_number shard = 0) {
    auto frames = std::vector<actors::payload>{};
    frames.emplace_back(encode(peer_frame{shard, from, zoe.id, std::move(what)}));
    compat::tell(host_, frames_atom_v, std::move(frames));
  }
  /// Once the host has taken in all that was said.
  void settle() {
    auto self = caf::scoped_actor{*system_};
    compat::ask(self.ptr(), host_, patience, frames_atom_v, std::vector<actors::payload>{})
        .receive([] {}, [](const caf::error& reason) { FAIL(to_string(reason)); });
  }
  /// The others promise, and acknowledge what is asked of them, until zoe owns the shard.
  bool serves() {
    const auto is_served = eventually([&] {
      if (const auto claim = this->claim(); claim.owner == zoe.id)
        for (const auto& who : others_) {
          say(who, promise_message{claim, {}, 0});
          acknowledge(who, claim);
        }
      return counters_.shards_served == 1;
    });
    // One of them may have been too early.
    for (const auto& who : others_) acknowledge(who, claim());
    settle();
    return is_served;
  }
  /// The first entries, each the beginning of a claim; what was not written is not acknowledged by that.
  void acknowledge(const member& who, const ballot& claim) {
    for (auto lsn = std::uint64_t{1}; lsn <= 8; ++lsn) say(who, appended_message{claim, ++round_, lsn, 0});
  }
  void fail_soon() { fails_ = true; }
  /// Has it look at all that there is to do once more, and again.
  bool goes_round() {
    const auto end = rounds_ + 3;
    return eventually([&] { return rounds_ >= end; });
  }
  /// Edits of a document of shard 0 that is not open, counted as a document counts them.
  void append(std::uint64_t edits, const actors::document_actor& from = {}) {
    auto request = actors::append_request{name_, from, {}};
    for (auto seq = std::uint64_t{1}; seq <= edits; ++seq) {
      request.records.push_back({seq, 5, "ann", actors::payload::copy_of("text")});
      counters_.log_queue_records += 1;
      counters_.log_queue_bytes += 7;
    }
    compat::tell(host_, actors::append_atom_v, std::move(request));
  }

  shard_record record() const {
    const std::lock_guard guard(mutex_);
    return record_;
  }
  ballot claim() const {
    const auto known = record();
    return {known.epoch, known.owner.id, known.nonce};
  }
  std::string fatal() const {
    const std::lock_guard guard(mutex_);
    return fatal_;
  }
  std::string damage() const {
    const std::lock_guard guard(mutex_);
    return damage_;
  }
  const shard_host_actor& host() const { return host_; }
  caf::actor_system& system() { return *system_; }
  storage::store& store() { return *store_; }
  metrics& counters() { return counters_; }

 private:
  void carry_out(const shard_txn& txn) {
    const std::lock_guard guard(mutex_);
    const auto fits = record_ == txn.what.expected;
    if (fits) record_ = txn.what.wanted;
    compat::tell(host_, txn_atom_v,
                 txn_answer{txn.shard, txn.what.id, fits ? txn_outcome::done : txn_outcome::refused, record_});
  }

  storage::testing::temporary_folder folder_;
  std::unique_ptr<storage::store> store_;
  metrics counters_;
  mutable std::mutex mutex_;
  shard_record record_;
  std::string fatal_;
  std::string damage_;
  std::atomic<bool> fails_{false};
  std::atomic<std::uint64_t> rounds_{0};
  node_view view_;
  std::string name_ = "note";
  std::vector<member> others_;
  std::uint64_t round_ = 1'000'000;  ///< later than all that is asked
  cluster_config config_;
  std::unique_ptr<caf::actor_system> system_;
  shard_host_actor host_;
};

/// For as long as it lives the disk does nothing that it is asked to.
class hung_disk {
 public:
  explicit hung_disk(storage::store& store) {
    storage::testing::require_ok(storage::testing::commit_one(store, "something to look at", 1, "x"));
    thread_ = std::thread{[this, &store] {
      (void)store.check([this](const storage::progress&) {
        hangs_ = true;
        while (!is_over_) std::this_thread::sleep_for(std::chrono::milliseconds{1});
        return true;
      });
    }};
    REQUIRE(eventually([this] { return hangs_.load(); }));
  }
  ~hung_disk() {
    is_over_ = true;
    thread_.join();
  }
  hung_disk(const hung_disk&) = delete;
  hung_disk& operator=(const hung_disk&) = delete;

 private:
  std::atomic<bool> hangs_{false};
  std::atomic<bool> is_over_{false};
  std::thread thread_;
};

}  // namespace

TEST_CASE(
    "a replica whose owner finds less than it acknowledged is on a damaged disk, and one that cannot read is not") {
  auto one = little_cluster{{bob, cid}, hasty(), bob};
  const auto claim = one.claim();
  const auto nonsense = as_bytes(std::string_view{"nonsense"});
  auto unreadable = log_entry{1, claim.epoch, entry_kind::edit, {}, {}};
  unreadable.data = std::make_shared<const bytes>(nonsense.begin(), nonsense.end());
  one.say(bob, append_message{claim, 1, {}, {unreadable}, 1, 0});
  one.settle();
  CHECK(one.damage().empty());
  one.say(cid, damaged_message{claim});
  one.settle();
  CHECK(one.damage().empty());
  one.say(bob, damaged_message{claim});
  one.settle();
  CHECK(one.damage().find("shard 0") != std::string::npos);
}

TEST_CASE("a node to which no other is connected gives its shards up, and claims them again once one is") {
  auto options = hasty();
  options.replica.majority_ms = 200;
  auto one = little_cluster{{bob, cid}, options};
  REQUIRE(one.serves());
  one.disconnect(bob);
  one.disconnect(cid);
  CHECK(eventually([&] { return one.counters().shards_served == 0; }));
  CHECK(eventually([&] { return one.record().owner == member{}; }));
  one.say(bob, nominate_message{one.record()});
  one.settle();
  CHECK(one.record().owner == member{});
  one.connect(bob);
  CHECK(eventually([&] { return one.record().owner == zoe; }));
}

TEST_CASE("a node whose disk hangs leaves its shards to the others until it works") {
  auto options = hasty();
  options.shards = 2;
  options.disk_stall_ms = 200;
  options.stall_known_ms = 200;
  auto one = little_cluster{{bob, cid}, options};
  REQUIRE(one.serves());
  {
    const auto hung = hung_disk{one.store()};
    one.say(bob, prepare_message{{50, bob.id, 5}}, 1);
    CHECK(eventually([&] { return one.counters().shards_served == 0; }));
    CHECK(eventually([&] { return one.record().owner == member{}; }));
    CHECK(one.counters().disk_stalled == 1);
    one.say(bob, nominate_message{one.record()});
    one.settle();
    CHECK(one.record().owner == member{});
  }
  CHECK(eventually([&] { return one.record().owner == zoe; }));
  CHECK(one.counters().disk_stalled == 0);
}

TEST_CASE(
    "a node that etcd shows with a disk of before, as it was restored, keeps its replicas while it is connected") {
  auto one = little_cluster{{bob, cid}, hasty()};
  REQUIRE(one.serves());
  REQUIRE(one.goes_round());
  REQUIRE(one.counters().shards_changing == 0);
  const auto before = member_id{99};
  SUBCASE("which was taken out of the cluster since") {
    one.see([&](node_view& view) {
      view.nodes["bob"].member = before;
      view.removed.insert(before);
    });
    one.settle();
    CHECK(one.goes_round());
    CHECK(one.counters().shards_changing == 0);
  }
  SUBCASE("or not yet, and so it is to have a replica as soon as the node is not connected") {
    one.see([&](node_view& view) { view.nodes["bob"].member = before; });
    one.settle();
    CHECK(one.goes_round());
    CHECK(one.counters().shards_changing == 0);
    one.disconnect(bob);
    CHECK(eventually([&] { return one.counters().shards_changing == 1; }));
  }
}

TEST_CASE("while too much waits for the disk, entries of other nodes are not taken in") {
  auto options = hasty();
  options.disk_queue_bytes_max = 1;
  auto one = little_cluster{{bob, cid}, options, bob};
  auto entry_of = [](std::uint64_t epoch) {
    const auto start = std::make_shared<const shard_config>(shard_config{1, {zoe, bob, cid}});
    return log_entry{1, epoch, entry_kind::epoch_start, {}, start};
  };
  auto entries = [&] {
    auto read = one.store().read_shard(0);
    return read ? read->size() : 99;
  };
  auto first = one.claim();
  auto second = first;
  second.epoch += 1;
  {
    const auto hung = hung_disk{one.store()};
    one.say(bob, prepare_message{first});
    one.say(bob, append_message{first, 1, {}, {entry_of(first.epoch)}, 0, 0});
    one.say(bob, prepare_message{second});
    one.settle();
  }
  // What came behind it is on the disk, and so would it be.
  CHECK(eventually([&] {
    const auto stored = one.store().list_shards();
    if (!stored || stored->empty()) return false;
    const auto note = decode_note(stored->front().note);
    return note && note->promised == second;
  }));
  CHECK(entries() == 0);
  // It is sent again.
  CHECK(eventually([&] {
    one.say(bob, append_message{second, 2, {}, {entry_of(second.epoch)}, 0, 0});
    return entries() == 1;
  }));
}

TEST_CASE("a learner that never answers does not keep its shard from moving") {
  auto options = hasty();
  options.arranger.learner.stall_ms = 200;
  auto one = little_cluster{{bob, cid}, options};
  REQUIRE(one.serves());
  one.see([](node_view& view) {
    view.nodes["dan"] = {7, 4, "127.0.0.1:1", false};
    view.nodes[bob.node].draining = true;
    view.pins[0] = cid.node;
  });
  REQUIRE(eventually([&] { return one.counters().shards_changing == 1; }));
  CHECK(eventually([&] { return one.counters().shard_moves == 1; }));
}

TEST_CASE("a node that the directory shows no more, as it is about to end, begins no change") {
  auto one = little_cluster{};
  REQUIRE(one.serves());
  one.see([](node_view& view) {
    view.nodes["dan"] = {7, 4, "127.0.0.1:1", false};
    view.nodes[bob.node].draining = true;
    view.nodes.erase(zoe.node);
  });
  CHECK(one.goes_round());
  one.see([](node_view& view) { view.nodes[zoe.node] = {7, zoe.id + 100, "127.0.0.1:1", false}; });
  CHECK(one.goes_round());
  CHECK(one.counters().shards_changing == 0);
  one.see([](node_view& view) { view.nodes[zoe.node].member = zoe.id; });
  CHECK(eventually([&] { return one.counters().shards_changing == 1; }));
}

TEST_CASE("edits that are refused, or that the shard leaves behind as it moves, do not count as waiting for good") {
  auto one = little_cluster{};
  REQUIRE(one.serves());
  one.append(3);
  one.settle();
  CHECK(one.counters().log_queue_records == 0);
  CHECK(one.counters().log_queue_bytes == 0);
  // Bob takes it, and what is held meanwhile goes with it.
  one.see([](node_view& view) { view.pins[0] = bob.node; });
  REQUIRE(eventually([&] { return one.counters().shards_changing == 1; }));
  one.append(2);
  one.say(bob, prepare_message{{one.claim().epoch + 1, bob.id, 9}});
  REQUIRE(eventually([&] { return one.counters().shards_served == 0; }));
  CHECK(one.counters().log_queue_records == 0);
  CHECK(one.counters().log_queue_bytes == 0);
}

TEST_CASE("an edit that is held while its shard is about to move stays held, whatever the disk does meanwhile") {
  auto options = hasty();
  options.shards = 2;
  auto one = little_cluster{{bob, cid}, options};
  REQUIRE(one.serves());
  one.see([](node_view& view) { view.pins[0] = bob.node; });
  REQUIRE(eventually([&] { return one.counters().shards_changing == 1; }));
  auto document = caf::scoped_actor{one.system()};
  one.append(1, caf::actor_cast<actors::document_actor>(caf::actor_cast<caf::strong_actor_ptr>(document.ptr())));
  one.say(bob, prepare_message{{50, bob.id, 5}}, 1);
  REQUIRE(eventually([&] {
    const auto stored = one.store().list_shards();
    return stored && stored->size() == 2;
  }));
  one.settle();
  REQUIRE(one.goes_round());
  auto answers = 0;
  document->receive([&](actors::rejected_atom, std::uint64_t, const caf::error&) { ++answers; },
                    caf::after(std::chrono::milliseconds{0}) >> [] {});
  CHECK(answers == 0);
  CHECK(one.counters().shards_served == 1);
}

TEST_CASE("when the replicas of a node fail, its process is to end") {
  auto one = little_cluster{};
  REQUIRE(one.serves());
  one.fail_soon();
  CHECK(eventually([&] { return !one.fatal().empty(); }));
  CHECK(one.fatal().find("out of order") != std::string::npos);
}
