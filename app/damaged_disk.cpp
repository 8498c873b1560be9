#include "app/damaged_disk.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <fstream>

#include "app/output.hpp"
#include "cluster/admin.hpp"
#include "storage/store.hpp"

namespace octavo::app {

namespace {

/// A file beside the store that says what is wrong with it.
constexpr auto damage_file = "DAMAGED";
/// Likewise: which cluster its documents belong to.
constexpr auto binding_file = "CLUSTER";
constexpr auto ask_interval = std::chrono::seconds{5};

}  // namespace

std::string read_binding(const std::filesystem::path& data) {
  auto id = storage::read_beside_store(data, binding_file);
  if (!id.empty()) return id;
  const auto half = storage::store_half_aside(data);
  return half.empty() ? id : storage::read_beside_store(half, binding_file);
}

result<void> write_binding(const std::filesystem::path& data, const std::string& cluster_id) {
  return storage::write_beside_store(data, binding_file, cluster_id);
}

damaged_disk::damaged_disk(const serve_options& options)
    : data_(options.store.path), etcd_(options.cluster.url), node_(options.net.node_name) {}

damaged_disk::~damaged_disk() {
  if (thread_.joinable()) thread_.join();
}

std::optional<error> damaged_disk::known() const {
  auto in = std::ifstream{data_ / damage_file};
  if (!in) return {};
  auto what = std::string{};
  std::getline(in, what);
  return error{errc::corrupt, what.empty() ? "the store is damaged" : what};
}

bool damaged_disk::wants_a_look() const {
  return known().has_value() || !storage::store_set_aside(data_).empty();
}

void damaged_disk::note(const error& what) {
  const std::lock_guard guard(mutex_);
  if (known()) return;
  const auto written = storage::write_beside_store(data_, damage_file, what.message);
  if (written) return;
  // On a disk that is full, or does not sync, half a line or none does as well.
  std::ofstream{data_ / damage_file} << what.message << '\n';
  if (!known()) spdlog::error("{}", written.error().message);
}

result<void> damaged_disk::may_begin_anew() const {
  if (const auto before = storage::store_set_aside(data_); !before.empty())
    return fail(errc::corrupt, "another store was set aside in " + before.string() +
                                   ", and a disk that fails again wants to be looked at; remove that folder, and it "
                                   "goes on");
  auto admin = cluster::cluster_admin::connect(etcd_);
  if (!admin) return tl::unexpected{admin.error()};
  return (*admin)->begin_rebuild(node_, read_binding(data_));
}

result<void> damaged_disk::begin_anew(const error& damage) const {
  auto refuse = [&](const error& why) {
    return fail(why.code == errc::corrupt ? errc::corrupt : errc::unavailable,
                damage.message + "; it is not set aside for the other nodes to rebuild it: " + why.message);
  };
  if (auto may = may_begin_anew(); !may) return refuse(may.error());
  auto aside = storage::set_store_aside(data_);
  if (!aside) return refuse(aside.error());
  spdlog::error("{}; it is kept in {}, and this node gets everything anew from the others", damage.message,
                aside->string());
  return {};
}

void damaged_disk::give_up() {
  const std::lock_guard guard(mutex_);
  if (is_asking_ || std::chrono::steady_clock::now() - asked_ < ask_interval) return;
  if (thread_.joinable()) thread_.join();
  is_asking_ = true;
  thread_ = std::thread{[this] { ask(); }};
}

void damaged_disk::ask() {
  auto may = may_begin_anew();
  const auto what = known();
  // Without the word the next start would not know, and end again.
  if (may && !what) may = fail(errc::io_error, "no word of the damage can be left in " + data_.string());
  if (may) {
    spdlog::critical(
        "this node ends, as its disk is damaged; the others have everything, and it begins anew when it is "
        "started again: {}",
        what->message);
    spdlog::shutdown();
    _exit(exit_fatal);
  }
  const std::lock_guard guard(mutex_);
  is_asking_ = false;
  asked_ = std::chrono::steady_clock::now();
  if (told_ == may.error().message) return;
  told_ = may.error().message;
  spdlog::error("this node's disk is damaged, and it serves on as well as it can: {}", told_);
}

}  // namespace octavo::app
