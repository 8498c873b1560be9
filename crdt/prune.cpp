// Pruning: what of an update is new to a document. A client that reconnects sends everything it thinks the server may
// lack, and always its complete delete set; only news may reach the log.
#include <algorithm>

#include "crdt/internal/engine.hpp"

namespace octavo::crdt::internal {

namespace {

using range_list = std::vector<delete_range>;

void add_range(range_list& out, std::uint32_t client, std::uint32_t clock, std::uint32_t end) {
  if (clock >= end) return;
  if (!out.empty() && out.back().client == client && out.back().end() == clock) {
    out.back().length += end - clock;
  } else {
    out.push_back({client, clock, end - clock});
  }
}

// The parts of [clock, end) that are integrated and not deleted.
void add_undeleted(const store& data, const struct_log& log, std::uint32_t client, std::uint32_t clock,
                   std::uint32_t end, range_list& out) {
  auto place = log.find(clock);
  while (clock < end) {
    const auto item = log.at(place).item;
    const std::uint32_t stop = std::min(log.end_of(place), end);
    if (item != collected && !data.at(item).deleted) add_range(out, client, clock, stop);
    clock = stop;
    place = log.next(place);
  }
}

// The parts of [clock, end) that do not wait to be deleted.
void add_unfiled(const pending_set::ranges* filed, std::uint32_t client, std::uint32_t clock, std::uint32_t end,
                 range_list& out) {
  if (filed != nullptr) {
    auto at = filed->upper_bound(clock);
    if (at != filed->begin()) --at;
    for (; at != filed->end() && at->first < end; ++at) {
      if (at->second <= clock) continue;
      add_range(out, client, clock, std::min(at->first, end));
      clock = std::max(clock, at->second);
    }
  }
  add_range(out, client, clock, end);
}

}  // namespace

void engine::prune(decoded_update& update) const {
  std::size_t kept = 0;
  std::size_t kept_blocks = 0;
  for (auto block : update.blocks_) {
    const std::uint64_t id = update.client_id(block.client);
    const std::uint32_t known = data.clock_of(id);
    const std::size_t first = kept;
    for (std::size_t i = block.first; i < std::size_t{block.first} + block.count; ++i) {
      const auto each = update.structs_[i];
      if (each.end() <= known) continue;
      if (pending.has_structs() && pending.covers(id, std::max(each.clock, known), each.end())) continue;
      if (each.clock < known) update.cut_front(i, known - each.clock);
      update.structs_[kept++] = update.structs_[i];
    }
    if (kept == first) continue;
    block.first = static_cast<std::uint32_t>(first);
    block.count = static_cast<std::uint32_t>(kept - first);
    update.blocks_[kept_blocks++] = block;
  }
  update.structs_.resize(kept);
  update.blocks_.resize(kept_blocks);

  if (update.deletes_.empty()) return;
  // Most edits delete one range, all of it alive: then there is nothing to rewrite.
  range_list left;
  left.reserve(update.deletes_.size());
  for (const auto& each : update.deletes_) {
    const std::uint64_t id = update.client_id(each.client);
    const auto client = data.find_client(id);
    const std::uint32_t known = client == flat_map::missing ? 0 : data.log(client).end();
    if (each.clock < known)
      add_undeleted(data, data.log(client), each.client, each.clock, std::min(each.end(), known), left);
    if (each.end() > known)
      add_unfiled(pending.deletes_of(id), each.client, std::max(each.clock, known), each.end(), left);
  }
  update.deletes_.assign(left.begin(), left.end());
}

}  // namespace octavo::crdt::internal
