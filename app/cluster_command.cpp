// `octavo cluster …`: what an operator sees of a cluster, and what it is told to do. All of it goes by way of etcd, so
// that it works from any machine that reaches it, whatever nodes are down.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <thread>
#include <utility>

#include "app/commands.hpp"
#include "app/output.hpp"
#include "cluster/admin.hpp"
#include "cluster/peer_certs.hpp"

namespace octavo::app {

namespace json = boost::json;

namespace {

using cluster::cluster_picture;

constexpr auto look_interval = std::chrono::milliseconds{300};

struct cluster_request {
  std::string url = "etcd://127.0.0.1:2379";
  bool json = false;
  std::string document;
  std::string node;
  bool undo = false;
  std::uint32_t timeout_s = 300;
  std::string folder;
  std::vector<std::string> nodes;
  std::uint32_t days = 825;
};

using admin_pointer = std::unique_ptr<cluster::cluster_admin>;

// --- status ---

struct shard_counts {
  std::size_t unowned = 0;
  std::size_t short_of_replicas = 0;
  std::size_t misplaced = 0;
};

shard_counts count_shards(const cluster_picture& picture) {
  auto counts = shard_counts{};
  for (auto shard = cluster::shard_number{0}; shard < picture.shards.size(); ++shard) {
    if (!picture.knows_shard(shard)) continue;
    const auto& one = picture.shards[shard];
    const auto there = static_cast<std::size_t>(
        std::ranges::count_if(one.config.members, [&](const auto& who) { return picture.is_there(who); }));
    if (one.owner.id == 0 || !picture.is_there(one.owner)) ++counts.unowned;
    if (there < picture.meta.replicas) ++counts.short_of_replicas;
    if (one.owner != picture.owner_wanted(shard)) ++counts.misplaced;
  }
  return counts;
}

/// A field of what a node says of itself; nothing if it says nothing of the kind.
const json::value* told(const std::map<std::string, json::value>& statuses, const std::string& node,
                        std::string_view field) {
  const auto found = statuses.find(node);
  if (found == statuses.end() || !found->second.is_object()) return nullptr;
  return found->second.get_object().if_contains(field);
}

std::map<std::string, json::value> read_statuses(const cluster_picture& picture) {
  auto result = std::map<std::string, json::value>{};
  for (const auto& [node, text] : picture.statuses) {
    auto failed = json::error_code{};
    auto value = json::parse({text.data(), text.size()}, failed);
    if (!failed) result.emplace(node, std::move(value));
  }
  return result;
}

/// Every node that is there, or that shards name, or that is still to be drained though nothing is left of it.
std::set<std::string> all_nodes(const cluster_picture& picture) {
  auto names = std::set<std::string>{};
  for (const auto& [name, one] : picture.nodes) names.insert(name);
  for (const auto& [name, one] : picture.unreadable_nodes) names.insert(name);
  for (const auto& one : picture.shards)
    for (const auto& who : one.config.members) names.insert(who.node);
  names.insert(picture.orders.draining.begin(), picture.orders.draining.end());
  return names;
}

/// The disks that are known of a node: of its run, of its replicas, and from when it was drained.
std::set<cluster::member_id> disks_of(const cluster_picture& picture, const std::string& node) {
  auto disks = std::set<cluster::member_id>{};
  if (const auto found = picture.nodes.find(node); found != picture.nodes.end()) disks.insert(found->second.member);
  for (const auto& one : picture.shards)
    for (const auto& who : one.config.members)
      if (who.node == node) disks.insert(who.id);
  for (const auto& who : picture.orders.drained)
    if (who.node == node) disks.insert(who.id);
  return disks;
}

std::string_view state_of(const cluster_picture& picture, const std::string& node) {
  if (!picture.knows_node(node)) return "unknown";
  if (!picture.nodes.contains(node)) return "away";
  return picture.is_drained(node) ? "draining" : "up";
}

json::value status_json(const cluster_picture& picture, const std::map<std::string, json::value>& statuses) {
  auto nodes = json::array{};
  for (const auto& name : all_nodes(picture)) {
    auto one = json::object{{"node", name},
                            {"state", state_of(picture, name)},
                            {"owns", picture.owned_by(name)},
                            {"replicas", picture.replicas_on(name)}};
    if (const auto found = picture.nodes.find(name); found != picture.nodes.end()) {
      one["http"] = found->second.http_address;
      one["peer"] = found->second.peer_address;
      one["version"] = found->second.octavo_version;
      one["started_ms"] = found->second.started_unix_ms;
    }
    if (const auto said = statuses.find(name); said != statuses.end()) one["status"] = said->second;
    nodes.push_back(std::move(one));
  }
  auto shards = json::array{};
  for (auto shard = cluster::shard_number{0}; shard < picture.shards.size(); ++shard) {
    if (!picture.knows_shard(shard)) continue;
    const auto& one = picture.shards[shard];
    auto members = json::array{};
    for (const auto& who : one.config.members) members.emplace_back(who.node);
    shards.push_back(json::object{{"shard", shard},
                                  {"epoch", one.epoch},
                                  {"owner", one.owner.id == 0 ? json::value(nullptr) : json::value(one.owner.node)},
                                  {"replicas", std::move(members)}});
  }
  auto pins = json::array{};
  for (const auto& one : picture.orders.pins) pins.push_back(json::object{{"shard", one.shard}, {"node", one.node}});
  auto balance = json::array{};
  for (const auto& one : picture.orders.balance)
    balance.push_back(json::object{
        {"shard", one.shard}, {"from", one.from}, {"node", one.node}, {"time_ms", one.unix_ms}, {"why", one.why}});
  auto unreadable = json::array{};
  for (const auto& one : picture.unreadable()) unreadable.push_back(json::object{{"key", one.key}, {"why", one.why}});
  const auto counts = count_shards(picture);
  return json::object{{"cluster", picture.meta.cluster_id},
                      {"replicas", picture.meta.replicas},
                      {"shards_without_owner", counts.unowned},
                      {"shards_short_of_replicas", counts.short_of_replicas},
                      {"shards_elsewhere", counts.misplaced},
                      {"unreadable", std::move(unreadable)},
                      {"nodes", std::move(nodes)},
                      {"pins", std::move(pins)},
                      {"balance", std::move(balance)},
                      {"shards", std::move(shards)}};
}

std::string number_of(const json::value* value) {
  return value == nullptr ? "-" : json::serialize(*value);
}

void print_list(const cluster_picture& picture, const std::map<std::string, json::value>& statuses,
                std::string_view field, const std::function<void(const std::string&, const json::object&)>& print) {
  for (const auto& [name, node] : picture.nodes)
    if (const auto* list = told(statuses, name, field); list != nullptr && list->is_array())
      for (const auto& one : list->get_array())
        if (one.is_object()) print(name, one.get_object());
}

std::string text_of(const json::object& from, std::string_view field) {
  const auto* value = from.if_contains(field);
  if (value == nullptr) return "-";
  return value->is_string() ? std::string{value->get_string().c_str()} : json::serialize(*value);
}

/// The newest of all nodes' changes; `--json` has what each node remembers.
void print_changes(const cluster_picture& picture, const std::map<std::string, json::value>& statuses) {
  constexpr auto shown_max = std::size_t{20};
  auto changes = std::vector<std::pair<std::int64_t, std::string>>{};
  print_list(picture, statuses, "changes", [&](const std::string& node, const json::object& one) {
    const auto* time = one.if_contains("time_ms");
    const auto time_ms = time != nullptr && time->is_int64() ? time->get_int64() : 0;
    changes.emplace_back(time_ms, human_time(time_ms) + " shard " + text_of(one, "shard") + ": " +
                                      text_of(one, "change") + " " + text_of(one, "node") + ", by " + node + ": " +
                                      text_of(one, "why"));
  });
  std::ranges::stable_sort(changes, {}, &std::pair<std::int64_t, std::string>::first);
  const auto hidden = changes.size() > shown_max ? changes.size() - shown_max : 0;
  if (hidden > 0) std::printf("%zu earlier changes are in --json\n", hidden);
  for (const auto& [time_ms, line] : std::span{changes}.subspan(hidden)) std::printf("%s\n", line.c_str());
}

int status(const cluster_request& asked) {
  auto admin = cluster::cluster_admin::connect(asked.url);
  if (!admin) return report(admin.error(), asked.json);
  auto picture = (*admin)->look_closely();
  if (!picture) return report(picture.error(), asked.json);
  const auto statuses = read_statuses(*picture);
  if (asked.json) {
    print_json(status_json(*picture, statuses));
    return exit_ok;
  }
  std::printf("cluster %s: %zu shards, %u replicas each\n\n", picture->meta.cluster_id.c_str(), picture->shards.size(),
              picture->meta.replicas);
  std::printf("%-16s %-9s %7s %9s %9s %6s %8s  %s\n", "node", "state", "owns", "replicas", "open", "busy", "changing",
              "http");
  for (const auto& name : all_nodes(*picture)) {
    const auto found = picture->nodes.find(name);
    const auto is_there = found != picture->nodes.end();
    const auto busy = number_of(is_there ? told(statuses, name, "busy_percent") : nullptr);
    std::printf("%-16s %-9s %7zu %9zu %9s %6s %8s  %s\n", name.c_str(), state_of(*picture, name).data(),
                picture->owned_by(name), picture->replicas_on(name),
                number_of(is_there ? told(statuses, name, "documents_open") : nullptr).c_str(),
                (busy == "-" ? busy : busy + " %").c_str(),
                number_of(is_there ? told(statuses, name, "changing") : nullptr).c_str(),
                is_there ? found->second.http_address.c_str() : "-");
  }
  const auto counts = count_shards(*picture);
  std::printf(
      "\n%zu shards without an owner, %zu with fewer replicas up than %u, %zu not on the node that comes first\n",
      counts.unowned, counts.short_of_replicas, picture->meta.replicas, counts.misplaced);
  for (const auto& one : picture->unreadable())
    std::printf("left out, as it cannot be read: %s: %s\n", one.key.c_str(), one.why.c_str());
  for (const auto& [name, node] : picture->nodes)
    if (const auto* damage = told(statuses, name, "damage"); damage != nullptr && damage->is_string())
      std::printf("the disk of %s is damaged: %s\n", name.c_str(), damage->get_string().c_str());
  for (const auto& [name, node] : picture->nodes)
    if (const auto copies = number_of(told(statuses, name, "copies")); copies != "-" && copies != "0")
      std::printf("%s keeps something of %s shards that it is no replica of: it learns them, or will let them go\n",
                  name.c_str(), copies.c_str());
  for (const auto& one : picture->orders.pins) std::printf("shard %u is kept on %s\n", one.shard, one.node.c_str());
  for (const auto& one : picture->orders.balance)
    std::printf("%s shard %u went from %s to %s for its load: %s\n", human_time(one.unix_ms).c_str(), one.shard,
                one.from.c_str(), one.node.c_str(), one.why.c_str());
  print_list(*picture, statuses, "lagging", [](const std::string&, const json::object& one) {
    std::printf("shard %s: %s lacks %s entries\n", text_of(one, "shard").c_str(), text_of(one, "node").c_str(),
                text_of(one, "lag").c_str());
  });
  print_list(*picture, statuses, "hot", [](const std::string& node, const json::object& one) {
    std::printf("hot: %s on %s (shard %s), %s edits/s\n", printable_name(text_of(one, "document")).c_str(),
                node.c_str(), text_of(one, "shard").c_str(), text_of(one, "edits_per_s").c_str());
  });
  print_list(*picture, statuses, "hot_shards", [](const std::string& node, const json::object& one) {
    std::printf("hot: shard %s on %s, %s %% of a core, %s bytes/s\n", text_of(one, "shard").c_str(), node.c_str(),
                text_of(one, "core_percent").c_str(), text_of(one, "bytes_per_s").c_str());
  });
  print_changes(*picture, statuses);
  return exit_ok;
}

int where(const cluster_request& asked) {
  auto admin = cluster::cluster_admin::connect(asked.url);
  if (!admin) return report(admin.error(), asked.json);
  auto picture = (*admin)->look();
  if (!picture) return report(picture.error(), asked.json);
  const auto shard = cluster::shard_of(asked.document, picture->meta.shards);
  if (auto known = picture->knows_shard(shard); !known) return report(known.error(), asked.json);
  const auto& one = picture->shards[shard];
  auto members = json::array{};
  auto names = std::string{};
  for (const auto& who : one.config.members) {
    members.emplace_back(who.node);
    names.append(names.empty() ? "" : ", ").append(who.node).append(picture->is_there(who) ? "" : " (away)");
  }
  if (asked.json) {
    print_json(json::object{{"document", asked.document},
                            {"shard", shard},
                            {"owner", one.owner.id == 0 ? json::value(nullptr) : json::value(one.owner.node)},
                            {"replicas", std::move(members)}});
  } else {
    std::printf("%s is in shard %u, on %s; replicas on %s\n", printable_name(asked.document).c_str(), shard,
                one.owner.id == 0 ? "no node at the moment" : one.owner.node.c_str(), names.c_str());
  }
  return exit_ok;
}

// --- orders ---

/// How far an order is carried out. `total` may be 0: then it is all or nothing.
struct order_progress {
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  bool is_done = false;
  std::string waits_for;  ///< in words, for when it takes too long
};

/// An order that concerns all shards is not known to be carried out while one of them cannot be read.
order_progress over_all_shards(const cluster_picture& now, order_progress at) {
  if (auto known = now.knows_shards(); !known) {
    at.is_done = false;
    at.waits_for = known.error().message;
  }
  return at;
}

/// Looks again and again until an order is carried out; the order stands whether or not somebody waits for it.
int await_order(const cluster_request& asked, const admin_pointer& admin, std::string_view phase,
                const std::function<order_progress(const cluster_picture&)>& measure,
                const std::function<std::string(const cluster_picture&)>& summary) {
  const auto started = std::chrono::steady_clock::now();
  const auto end = started + std::chrono::seconds{asked.timeout_s};
  auto line = std::make_unique<progress_line>(asked.json);
  auto at = order_progress{};
  for (auto is_told = false;;) {
    auto picture = admin->look();
    if (picture) {
      at = measure(*picture);
      line->show(phase, at.done, at.total);
    } else {
      // An etcd that chooses a leader, or whose disk is slow, holds nothing up that was ordered.
      const auto& why = picture.error();
      if (why.code != errc::unavailable && why.code != errc::io_error) return report(why, asked.json);
      if (!asked.json && !std::exchange(is_told, true)) line->tell(why.message + "; it is asked again");
      at.waits_for = why.message;
    }
    if (at.is_done) {
      line.reset();
      const auto took_ms =
          std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started).count();
      const auto text = summary(*picture);
      if (asked.json)
        print_json(json::object{{"done", true}, {"ms", took_ms}, {"message", text}});
      else
        std::printf("%s (%lld ms)\n", text.c_str(), static_cast<long long>(took_ms));
      return exit_ok;
    }
    if (std::chrono::steady_clock::now() >= end) {
      line.reset();
      return report({errc::unavailable, "not done within " + std::to_string(asked.timeout_s) + " s (" + at.waits_for +
                                            "); the order stands, and octavo cluster status shows how it goes on"},
                    asked.json);
    }
    std::this_thread::sleep_for(look_interval);
  }
}

error no_such_node(const cluster_picture& picture, const std::string& node) {
  auto names = std::string{};
  for (const auto& name : all_nodes(picture)) names.append(names.empty() ? "" : ", ").append(name);
  return {errc::not_found, "there is no node " + node + " in the cluster; there are: " + names};
}

int move(const cluster_request& asked) {
  auto admin = cluster::cluster_admin::connect(asked.url);
  if (!admin) return report(admin.error(), asked.json);
  auto picture = (*admin)->look();
  if (!picture) return report(picture.error(), asked.json);
  const auto shard = cluster::shard_of(asked.document, picture->meta.shards);
  for (const auto& known : {picture->knows_node(asked.node), picture->knows_shard(shard)})
    if (!known) return report(known.error(), asked.json);
  if (!picture->nodes.contains(asked.node)) return report(no_such_node(*picture, asked.node), asked.json);
  if (picture->is_drained(asked.node))
    return report({errc::invalid_argument,
                   asked.node + " is being drained; octavo cluster drain --undo " + asked.node + " takes that back"},
                  asked.json);
  const auto before = picture->shards[shard].owner.node;
  auto ordered = (*admin)->order([&](cluster::cluster_orders& orders) {
    std::erase_if(orders.pins, [&](const auto& one) { return one.shard == shard; });
    orders.pins.push_back({shard, asked.node});
  });
  if (!ordered) return report(ordered.error(), asked.json);
  return await_order(
      asked, *admin, "moving",
      [&](const cluster_picture& now) {
        const auto& one = now.shards[shard];
        return order_progress{0, 1, now.is_there(one.owner) && one.owner.node == asked.node,
                              "shard " + std::to_string(shard) + " is on " +
                                  (one.owner.id == 0 ? std::string{"no node"} : one.owner.node)};
      },
      [&](const cluster_picture&) {
        return "shard " + std::to_string(shard) + ", which " + printable_name(asked.document) + " is in, is on " +
               asked.node + (before == asked.node ? " already" : ", and was on " + before);
      });
}

int drain(const cluster_request& asked) {
  auto admin = cluster::cluster_admin::connect(asked.url);
  if (!admin) return report(admin.error(), asked.json);
  auto picture = (*admin)->look();
  if (!picture) return report(picture.error(), asked.json);
  if (!all_nodes(*picture).contains(asked.node)) return report(no_such_node(*picture, asked.node), asked.json);
  const auto others = std::ranges::count_if(
      picture->nodes, [&](const auto& one) { return one.first != asked.node && !picture->is_drained(one.first); });
  if (!asked.undo && others == 0)
    return report({errc::invalid_argument, "no other node is there to take what " + asked.node + " has"}, asked.json);
  const auto disks = disks_of(*picture, asked.node);
  auto ordered = (*admin)->order([&](cluster::cluster_orders& orders) {
    std::erase(orders.draining, asked.node);
    std::erase_if(orders.drained, [&](const auto& one) { return one.node == asked.node; });
    if (asked.undo) return;
    orders.draining.push_back(asked.node);
    for (const auto disk : disks) orders.drained.push_back({disk, asked.node});
    while (orders.drained.size() > cluster::orders_draining_max) orders.drained.erase(orders.drained.begin());
    std::erase_if(orders.pins, [&](const auto& one) { return one.node == asked.node; });
  });
  if (!ordered) return report(ordered.error(), asked.json);
  if (asked.undo) {
    if (asked.json)
      print_json(json::object{{"done", true}});
    else
      std::printf("%s gets its share again\n", asked.node.c_str());
    return exit_ok;
  }
  const auto total = picture->owned_by(asked.node);
  // Where other nodes are enough for all replicas, none stays there.
  const auto spare = static_cast<std::uint32_t>(others) >= picture->meta.replicas;
  return await_order(
      asked, *admin, "draining",
      [&](const cluster_picture& now) {
        const auto left = now.owned_by(asked.node);
        const auto kept = spare ? now.replicas_on(asked.node) : 0;
        return over_all_shards(now, {total - std::min(total, left), total, left == 0 && kept == 0,
                                     asked.node + " owns " + std::to_string(left) + " shards and has " +
                                         std::to_string(now.replicas_on(asked.node)) + " replicas"});
      },
      [&](const cluster_picture& now) {
        const auto kept = now.replicas_on(asked.node);
        return asked.node + " owns no shard" +
               (kept == 0 ? " and has no replica: it can be stopped for good"
                          : "; it has " + std::to_string(kept) +
                                " replicas, which the cluster needs until another node comes: it can be stopped for a "
                                "while");
      });
}

int rebalance(const cluster_request& asked) {
  auto admin = cluster::cluster_admin::connect(asked.url);
  if (!admin) return report(admin.error(), asked.json);
  auto picture = (*admin)->look();
  if (!picture) return report(picture.error(), asked.json);
  auto ordered = (*admin)->order([](cluster::cluster_orders& orders) {
    orders.pins.clear();
    orders.balance.clear();
  });
  if (!ordered) return report(ordered.error(), asked.json);
  return await_order(
      asked, *admin, "rebalancing",
      [](const cluster_picture& now) {
        const auto counts = count_shards(now);
        return over_all_shards(now, {now.shards.size() - counts.misplaced, now.shards.size(), counts.misplaced == 0,
                                     std::to_string(counts.misplaced) + " shards are elsewhere"});
      },
      [](const cluster_picture& now) {
        return "all " + std::to_string(now.shards.size()) + " shards are where they ought to be";
      });
}

int remove(const cluster_request& asked) {
  auto admin = cluster::cluster_admin::connect(asked.url);
  if (!admin) return report(admin.error(), asked.json);
  auto picture = (*admin)->look();
  if (!picture) return report(picture.error(), asked.json);
  // It may be running, or be needed by a majority.
  if (auto known = picture->knows_all(); !known) return report(known.error(), asked.json);
  if (!all_nodes(*picture).contains(asked.node)) {
    auto why = no_such_node(*picture, asked.node);
    why.message += ". One that others have replaced is none any more, and need not be removed";
    return report(why, asked.json);
  }
  if (picture->nodes.contains(asked.node))
    return report({errc::invalid_argument,
                   asked.node + " is running: drain it (octavo cluster drain " + asked.node + ") and stop it first"},
                  asked.json);
  const auto disks = disks_of(*picture, asked.node);
  if (const auto alone = picture->in_need_of(asked.node); alone != 0)
    return report({errc::unavailable, std::to_string(alone) + " shards have no majority without " + asked.node +
                                          ": bring it back, or the other nodes that are away; nothing was changed"},
                  asked.json);
  auto ordered = (*admin)->order([&](cluster::cluster_orders& orders) {
    for (const auto id : disks) {
      std::erase(orders.removed, id);
      orders.removed.push_back(id);
    }
    while (orders.removed.size() > cluster::orders_removed_max) orders.removed.erase(orders.removed.begin());
    std::erase(orders.draining, asked.node);
    std::erase_if(orders.drained, [&](const auto& one) { return one.node == asked.node; });
    std::erase_if(orders.balance, [&](const auto& one) { return one.node == asked.node; });
    std::erase_if(orders.pins, [&](const auto& one) { return one.node == asked.node; });
  });
  if (!ordered) return report(ordered.error(), asked.json);
  const auto total = picture->replicas_on(asked.node);
  return await_order(
      asked, *admin, "removing",
      [&](const cluster_picture& now) {
        const auto left = now.replicas_on(asked.node);
        return over_all_shards(now, {total - std::min(total, left), total, left == 0,
                                     std::to_string(left) + " shards have it as a replica yet"});
      },
      [&](const cluster_picture& now) {
        const auto counts = count_shards(now);
        return asked.node + " is no part of the cluster any more" +
               (disks.empty()
                    ? ", and is not drained when it comes back; which disk it had is not known, and so that is not "
                      "refused: let it come back with an empty one"
                    : ", and its disk is refused from now on") +
               (counts.short_of_replicas == 0
                    ? std::string{}
                    : "; " + std::to_string(counts.short_of_replicas) + " shards have fewer replicas than " +
                          std::to_string(now.meta.replicas) + " for now");
      });
}

int certs(const cluster_request& asked) {
  auto done = cluster::make_peer_certs(asked.folder, asked.nodes, static_cast<int>(asked.days));
  if (!done) return report(done.error(), asked.json);
  if (asked.json) {
    print_json(json::object{{"folder", asked.folder}, {"nodes", json::array(asked.nodes.begin(), asked.nodes.end())}});
    return exit_ok;
  }
  std::printf("certificates of %zu nodes are in %s\n", asked.nodes.size(), asked.folder.c_str());
  for (const auto& node : asked.nodes)
    std::printf("  %s: --peer-cert %s/%s.pem --peer-key %s/%s-key.pem --peer-ca %s/ca.pem\n", node.c_str(),
                asked.folder.c_str(), node.c_str(), asked.folder.c_str(), node.c_str(), asked.folder.c_str());
  std::printf("keep ca-key.pem away from the nodes: whoever has it can make another one\n");
  return exit_ok;
}

}  // namespace

void add_cluster(CLI::App& program, command& run) {
  auto* group = program.add_subcommand("cluster", "See and direct a cluster, by way of its etcd.");
  group->require_subcommand(1);
  group->footer(
      "Examples:\n"
      "  octavo cluster status                     nodes, shards, what lags and what is hot\n"
      "  octavo cluster move notes n2              the shard that the document is in goes to n2, and stays\n"
      "  octavo cluster drain n1                   before n1 is stopped: the others take over what it owns\n"
      "  octavo cluster rebalance                  every shard to the node that it belongs to\n"
      "  octavo cluster remove n1                  n1 is stopped and will not come back\n"
      "  octavo cluster certs certs n1 n2 n3       certificates for TLS between nodes, in ./certs");
  auto asked = std::make_shared<cluster_request>();
  auto add = [&](const char* name, const char* help, int (*does)(const cluster_request&)) {
    auto* sub = group->add_subcommand(name, help);
    sub->add_option("--cluster", asked->url, "the cluster's etcd (etcd://127.0.0.1:2379)")
        ->type_name("URL")
        ->envname("OCTAVO_CLUSTER");
    sub->add_flag("--json", asked->json, "machine-readable output");
    sub->callback([asked, does, &run] { run = [asked, does] { return does(*asked); }; });
    return sub;
  };
  auto* to_certify = group->add_subcommand("certs", "Make an authority and certificates for nodes, for their TLS.");
  to_certify->add_option("folder", asked->folder, "where they go; what is there stays")->required()->type_name("DIR");
  to_certify->add_option("nodes", asked->nodes, "the nodes' names")->required()->type_name("NODE");
  to_certify->add_option("--days", asked->days, "how long they are valid (825)")
      ->type_name("N")
      ->check(CLI::Range(1, 36'500));
  to_certify->add_flag("--json", asked->json, "machine-readable output");
  to_certify->callback([asked, &run] { run = [asked] { return certs(*asked); }; });
  auto add_timeout = [&](CLI::App* sub) {
    sub->add_option("--timeout", asked->timeout_s, "wait for so many seconds until it is done (300)")
        ->type_name("S")
        ->check(CLI::Range(1, 86'400));
    return sub;
  };
  add("status", "Nodes and shards, what lags, what is hot, what was changed and why.", status);
  auto* to_find = add("where", "Say where a document is, or would be.", where);
  to_find->add_option("document", asked->document, "the document's name")->required()->type_name("DOCUMENT");
  auto* to_move = add_timeout(add("move", "Move a document's shard to a node, and keep it there.", move));
  to_move->add_option("document", asked->document, "the document's name")->required()->type_name("DOCUMENT");
  to_move->add_option("node", asked->node, "the node's name")->required()->type_name("NODE");
  auto* to_drain = add_timeout(add("drain", "Let other nodes take over all that a node owns.", drain));
  to_drain->add_option("node", asked->node, "the node's name")->required()->type_name("NODE");
  to_drain->add_flag("--undo", asked->undo, "let it have its share again");
  add_timeout(add("rebalance", "Take all moves back, and let every shard go where it belongs.", rebalance));
  auto* to_remove = add_timeout(add("remove", "Take a node that is gone for good out of the cluster.", remove));
  to_remove->add_option("node", asked->node, "the node's name")->required()->type_name("NODE");
}

}  // namespace octavo::app
