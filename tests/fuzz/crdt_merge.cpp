// Any bytes as a list of length-prefixed updates: merged, and applied one after the other to a document.
#include <algorithm>
#include <tuple>
#include <vector>

#include "crdt/document.hpp"
#include "crdt/encoded_update.hpp"
#include "crdt/lib0.hpp"
#include "tests/fuzz/support.hpp"

namespace {

using namespace octavo::crdt;

/// A struct with the ids of clients instead of their places.
struct told {
  std::uint64_t client;
  std::uint32_t clock;
  std::uint32_t end;
  std::tuple<content_kind, std::string_view, bool, std::uint64_t, std::uint32_t, std::uint64_t, std::uint32_t,
             std::uint64_t, std::uint32_t, std::string_view, std::string_view>
      what;
};

void collect(const decoded_update& update, std::vector<told>& out) {
  const auto id = [&update](std::uint32_t client) {
    return client == octavo::crdt::none ? UINT64_MAX : update.client_id(client);
  };
  for (const auto& each : update.structs()) {
    const auto parent = each.parent == octavo::crdt::none ? decoded_parent{} : update.parents()[each.parent];
    out.push_back(
        {update.client_id(each.client),
         each.clock,
         each.end(),
         {each.kind, each.content, each.has_parent_sub, id(each.origin_client), each.origin_clock,
          id(each.right_client), each.right_clock, id(parent.client), parent.clock, parent.root, parent.key}});
  }
}

/// Whether somebody tells two stories of one unit. Then it matters which is heard first.
bool is_contradictory(std::vector<told>& all) {
  std::ranges::sort(all, {}, [](const told& one) { return std::tuple{one.client, one.clock, one.end}; });
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (auto next = i + 1; next < all.size(); ++next) {
      if (all[next].client != all[i].client || all[next].clock >= all[i].end) break;
      if (all[next].clock != all[i].clock || all[next].end != all[i].end || all[next].what != all[i].what) return true;
    }
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace octavo;
  using octavo::fuzz::require;
  using octavo::fuzz::require_sound;
  lib0_reader reader(fuzz::view(data, size));
  std::vector<bytes_view> updates;
  bytes_view next;
  while (!reader.at_end() && updates.size() < 16 && reader.var_bytes(next)) updates.push_back(next);

  document_options options;
  options.step_budget = 200000;
  options.max_type_depth = 50;
  document each(options);
  std::vector<bytes_view> good;
  decoded_update decoded;
  std::vector<told> stories;
  for (const auto update : updates) {
    if (!decode_update_v1(update, decoded)) continue;
    good.push_back(update);
    collect(decoded, stories);
    each.prune(decoded);
    const bool new_to_it = !decoded.empty();
    const auto applied = each.apply(decoded);
    if (!applied) return 0;
    require(applied->changed == new_to_it, "pruning foretells whether anything changes");
    require_sound(each, "the structure is sound");
  }
  const auto merged = merge_updates(good);
  require(bool(merged), "good updates merge");
  require(bool(decode_update_v1(*merged, decoded)), "what was merged decodes");
  document whole(options);
  if (!whole.apply(decoded)) return 0;
  require_sound(whole, "the structure is sound after a merge");
  if (each.stats().pending_ready != 0) return 0;  // a budget was passed by what was woken
  if (is_contradictory(stories)) return 0;
  require(whole.state() == each.state(), "merged updates reach as far as single ones");
  each.prune(decoded);
  require(decoded.blocks().empty(), "a merged update has no structs beyond the single ones");
  return 0;
}
