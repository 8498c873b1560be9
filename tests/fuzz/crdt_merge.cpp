// Any bytes as a list of length-prefixed updates: merged, and applied one after the other to a document.
#include <vector>

#include "crdt/document.hpp"
#include "crdt/lib0.hpp"
#include "tests/fuzz/support.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace octavo;
  using namespace octavo::crdt;
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
  for (const auto update : updates) {
    if (!decode_update_v1(update, decoded)) continue;
    good.push_back(update);
    each.prune(decoded);
    const bool new_to_it = !decoded.empty();
    const auto applied = each.apply(decoded);
    if (!applied) return 0;
    require(applied->changed == new_to_it, "pruning foretells whether anything changes");
    require_sound(each, "the structure is sound");
  }
  const auto merged = merge_updates_v1(good);
  require(bool(merged), "good updates merge");
  require(bool(decode_update_v1(*merged, decoded)), "what was merged decodes");
  document whole(options);
  if (!whole.apply(decoded)) return 0;
  require_sound(whole, "the structure is sound after a merge");
  if (each.stats().pending_ready != 0) return 0;  // a budget was passed by what was woken
  require(whole.state() == each.state(), "merged updates reach as far as single ones");
  each.prune(decoded);
  require(decoded.blocks().empty(), "a merged update has no structs beyond the single ones");
  return 0;
}
