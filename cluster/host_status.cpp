#include "cluster/host_status.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

namespace octavo::cluster {

namespace json = boost::json;

namespace {

constexpr auto listed_max = std::size_t{10};
/// What keeps less of a core busy is not worth a line.
constexpr auto listed_cores = 0.01;

template <class Rank>
using ranked = std::vector<std::pair<Rank, json::object>>;

template <class Rank>
json::array largest(ranked<Rank>& list) {
  const auto count = std::min(list.size(), listed_max);
  std::partial_sort(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(count), list.end(),
                    [](const auto& a, const auto& b) { return a.first > b.first; });
  auto out = json::array{};
  for (auto i = std::size_t{0}; i < count; ++i) out.push_back(std::move(list[i].second));
  return out;
}

std::int64_t percent(double share) {
  return std::lround(share * 100);
}

json::array hot_documents(const host_facts& facts) {
  auto hot = ranked<std::uint64_t>{};
  const auto since_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(1, facts.edited_ms));
  for (const auto& [name, edits] : facts.edited) {
    const auto rate = edits * 1'000 / since_ms;
    if (rate == 0) continue;
    hot.push_back({rate, {{"document", name}, {"shard", facts.table.shard_of_document(name)}, {"edits_per_s", rate}}});
  }
  return largest(hot);
}

json::array hot_shards(const load_meter& meter) {
  auto hot = ranked<double>{};
  for (const auto& [number, load] : meter.shards()) {
    if (load.cores < listed_cores) continue;
    hot.push_back({load.cores,
                   {{"shard", number},
                    {"core_percent", percent(load.cores)},
                    {"bytes_per_s", static_cast<std::int64_t>(load.bytes_per_s)}}});
  }
  return largest(hot);
}

}  // namespace

bool is_changing(const replica& core) {
  return !core.takes_proposals() || core.learner() || core.is_config_open();
}

std::string host_status(const host_facts& facts) {
  auto served = std::uint64_t{0};
  auto changing = std::uint64_t{0};
  auto copies = std::uint64_t{0};
  auto lagging = ranked<std::uint64_t>{};
  for (const auto& [number, core] : facts.table.replicas()) {
    if (core->is_copy()) ++copies;
    if (!core->serves()) continue;
    ++served;
    if (is_changing(*core)) ++changing;
    for (const auto& who : core->config().members) {
      const auto lag = core->commit() - std::min(core->commit(), core->match_of(who.id).value_or(0));
      if (lag != 0) lagging.push_back({lag, {{"shard", number}, {"node", who.node}, {"lag", lag}}});
    }
  }
  auto links = json::object{};
  for (const auto& [node, is_connected] : facts.links) links[node] = is_connected ? "connected" : "lost";
  auto& counters = facts.counters;
  counters.peers_known = static_cast<std::int64_t>(facts.links.size());
  counters.peers_connected = std::ranges::count_if(facts.links, [](const auto& one) { return one.second; });
  counters.shard_replicas = static_cast<std::int64_t>(facts.table.replicas().size());
  counters.shard_copies = static_cast<std::int64_t>(copies);
  counters.shards_served = static_cast<std::int64_t>(served);
  counters.shards_changing = static_cast<std::int64_t>(changing);
  counters.replicas_lagging = static_cast<std::int64_t>(lagging.size());
  auto changes = json::array{};
  if (facts.changes != nullptr)
    for (const auto& one : *facts.changes) changes.push_back(one);
  const auto lagging_count = lagging.size();
  auto damage = facts.damage.empty() ? json::value(nullptr) : json::value(facts.damage);
  return json::serialize(json::object{{"served", served},
                                      {"damage", std::move(damage)},
                                      {"replicas", facts.table.replicas().size()},
                                      {"copies", copies},
                                      {"documents_open", facts.documents_open},
                                      {"busy_percent", percent(facts.meter.busy())},
                                      {"cores", facts.meter.cores()},
                                      {"changing", changing},
                                      {"moves", counters.shard_moves.load()},
                                      {"links", std::move(links)},
                                      {"frames_refused", counters.frames_refused.load()},
                                      {"lagging_count", lagging_count},
                                      {"lagging", largest(lagging)},
                                      {"hot", hot_documents(facts)},
                                      {"hot_shards", hot_shards(facts.meter)},
                                      {"changes", std::move(changes)}});
}

}  // namespace octavo::cluster
