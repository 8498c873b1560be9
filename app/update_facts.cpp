#include "app/update_facts.hpp"

#include <algorithm>
#include <tuple>

namespace octavo::app {

using crdt::none;

namespace {

std::span<const crdt::decoded_struct> run_of(const crdt::decoded_update& update, const crdt::decoded_block& block) {
  return update.structs().subspan(block.first, block.count);
}

void sort_and_merge(std::vector<crdt::clock_range>& ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) {
    return std::tie(b.client, a.from, a.to) < std::tie(a.client, b.from, b.to);
  });
  auto kept = std::size_t{0};
  for (const auto& each : ranges) {
    if (kept != 0 && ranges[kept - 1].client == each.client && each.from <= ranges[kept - 1].to) {
      ranges[kept - 1].to = std::max(ranges[kept - 1].to, each.to);
    } else {
      ranges[kept++] = each;
    }
  }
  ranges.resize(kept);
}

/// Collects the units that are neither in the update nor below a state.
class need_collector {
 public:
  need_collector(const crdt::decoded_update& update, const crdt::state_vector& state)
      : update_(update), blocks_(update.clients().size(), none) {
    for (auto i = std::uint32_t{0}; i < update.blocks().size(); ++i) blocks_[update.blocks()[i].client] = i;
    for (auto id : update.clients()) known_.push_back(state.clock(id));
  }

  std::vector<crdt::clock_range> run() {
    for (const auto& block : update_.blocks()) {
      auto clock = known_[block.client];
      for (const auto& each : run_of(update_, block)) {
        if (each.clock > clock) add(block.client, clock, each.clock);
        clock = std::max<std::uint64_t>(clock, each.end());
      }
    }
    for (const auto& each : update_.structs()) {
      if (each.end() <= known_[each.client]) continue;
      if (each.has_origin()) unit(each.origin_client, each.origin_clock);
      if (each.has_right()) unit(each.right_client, each.right_clock);
      if (each.parent == none || each.has_origin() || each.has_right()) continue;
      const auto& parent = update_.parents()[each.parent];
      if (parent.client != none) unit(parent.client, parent.clock);
    }
    for (const auto& each : update_.deletes()) {
      // Only the last unit is asked for: all before it are needed for that one anyhow.
      unit(each.client, each.end() - 1);
    }
    sort_and_merge(needs_);
    return std::move(needs_);
  }

 private:
  void add(std::uint32_t client, std::uint64_t from, std::uint64_t to) {
    needs_.push_back({update_.client_id(client), static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to)});
  }

  /// Adds what is missing up to a unit: a client's units are only integrated in their order. Holes below the last
  /// struct in front of it were added with the block.
  void unit(std::uint32_t client, std::uint32_t clock) {
    auto from = known_[client];
    if (clock < from) return;
    if (blocks_[client] != none) {
      const auto run = run_of(update_, update_.blocks()[blocks_[client]]);
      const auto after = std::upper_bound(run.begin(), run.end(), clock,
                                          [](std::uint32_t at, const auto& each) { return at < each.clock; });
      if (after != run.begin()) {
        const auto& before = *(after - 1);
        if (clock < before.end()) return;
        from = std::max<std::uint64_t>(from, before.end());
      }
    }
    add(client, from, std::uint64_t{clock} + 1);
  }

  const crdt::decoded_update& update_;
  std::vector<std::uint32_t> blocks_;  // by client
  std::vector<std::uint64_t> known_;   // by client
  std::vector<crdt::clock_range> needs_;
};

}  // namespace

std::string_view name_of(crdt::content_kind kind) {
  using enum crdt::content_kind;
  switch (kind) {
    case gc:
      return "gc";
    case deleted:
      return "deleted";
    case json:
      return "json";
    case binary:
      return "binary";
    case string:
      return "string";
    case embed:
      return "embed";
    case format:
      return "format";
    case type:
      return "type";
    case any:
      return "any";
    case doc:
      return "doc";
  }
  return "unknown";
}

std::string_view name_of(crdt::type_kind kind) {
  using enum crdt::type_kind;
  switch (kind) {
    case array:
      return "array";
    case map:
      return "map";
    case text:
      return "text";
    case xml_element:
      return "xml_element";
    case xml_fragment:
      return "xml_fragment";
    case xml_hook:
      return "xml_hook";
    case xml_text:
      return "xml_text";
    case root:
      return "empty";
  }
  return "unknown";
}

struct_index::struct_index(const crdt::decoded_update& update)
    : update_(update), blocks_(update.clients().size(), none) {
  for (auto i = std::uint32_t{0}; i < update.blocks().size(); ++i) blocks_[update.blocks()[i].client] = i;
}

std::uint32_t struct_index::find(std::uint32_t client, std::uint32_t clock) const {
  if (blocks_[client] == none) return none;
  const auto& block = update_.blocks()[blocks_[client]];
  const auto run = run_of(update_, block);
  const auto after = std::upper_bound(run.begin(), run.end(), clock,
                                      [](std::uint32_t at, const auto& each) { return at < each.clock; });
  if (after == run.begin() || clock >= (after - 1)->end()) return none;
  return block.first + static_cast<std::uint32_t>(after - 1 - run.begin());
}

std::vector<std::uint32_t> parents_of(const crdt::decoded_update& update, const struct_index& index) {
  constexpr auto unknown = none - 1;
  const auto structs = update.structs();
  auto parents = std::vector<std::uint32_t>(structs.size(), unknown);
  auto path = std::vector<std::uint32_t>{};
  for (auto i = std::uint32_t{0}; i < structs.size(); ++i) {
    auto at = i;
    while (at != none && parents[at] == unknown) {
      // A struct that leads to itself, as only a forged update has it, has no parent.
      parents[at] = none;
      path.push_back(at);
      const auto& each = structs[at];
      if (each.has_origin()) {
        at = index.find(each.origin_client, each.origin_clock);
      } else if (each.has_right()) {
        at = index.find(each.right_client, each.right_clock);
      } else {
        parents[at] = each.parent;
        break;
      }
    }
    const auto found = at == none ? none : parents[at];
    for (auto each : path) parents[each] = found;
    path.clear();
  }
  return parents;
}

std::vector<std::uint32_t> deleted_units_of(const crdt::decoded_update& update) {
  auto units = std::vector<std::uint32_t>(update.structs().size(), 0);
  auto ranges = update.deletes();
  auto range = ranges.begin();
  for (const auto& block : update.blocks()) {
    const auto id = update.client_id(block.client);
    while (range != ranges.end() && update.client_id(range->client) > id) ++range;
    for (auto i = block.first; i < block.first + block.count; ++i) {
      const auto& each = update.structs()[i];
      while (range != ranges.end() && range->client == block.client && range->end() <= each.clock) ++range;
      for (auto over = range; over != ranges.end() && over->client == block.client && over->clock < each.end(); ++over)
        units[i] += std::min(over->end(), each.end()) - std::max(over->clock, each.clock);
    }
  }
  return units;
}

std::vector<crdt::clock_range> gaps_of(const crdt::decoded_update& update) {
  auto gaps = std::vector<crdt::clock_range>{};
  for (const auto& block : update.blocks()) {
    const auto run = run_of(update, block);
    for (auto i = std::size_t{1}; i < run.size(); ++i)
      if (run[i].clock != run[i - 1].end())
        gaps.push_back({update.client_id(block.client), run[i - 1].end(), run[i].clock});
  }
  return gaps;
}

std::vector<crdt::clock_range> needs_of(const crdt::decoded_update& update, const crdt::state_vector& state) {
  return need_collector{update, state}.run();
}

waiting_report waiting_in(const crdt::document& document) {
  auto report = waiting_report{};
  const auto stats = document.stats();
  if (stats.pending_structs == 0 && stats.pending_delete_ranges == 0) return report;
  // Whoever has what is integrated lacks what waits, and nothing else; the deletes are complete.
  const auto state = document.state();
  const auto encoded = document.encode_state_as_update_v1(state);
  auto rest = crdt::decoded_update{};
  if (!crdt::decode_update_v1(encoded, rest, crdt::no_limits)) return report;
  report.structs = rest.structs().size();
  for (const auto& each : rest.deletes()) report.delete_ranges += each.end() > state.clock(rest.client_id(each.client));
  for (const auto& block : rest.blocks()) {
    const auto run = run_of(rest, block);
    report.waiting.push_back({rest.client_id(block.client), run.front().clock, run.back().end()});
  }
  report.missing = needs_of(rest, state);
  return report;
}

}  // namespace octavo::app
