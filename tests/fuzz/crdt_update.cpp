// Any bytes as an update: decoded or refused, written canonically, applied, written as a state, and read again.
#include "crdt/document.hpp"
#include "tests/fuzz/support.hpp"

namespace {

using namespace octavo;
using namespace octavo::crdt;
using octavo::fuzz::require;
using octavo::fuzz::require_sound;

document_options options_for(bool gc) {
  document_options options;
  options.gc = gc;
  options.step_budget = 200000;
  options.max_pending_bytes = std::size_t{1} << 20;
  options.max_type_depth = 50;
  return options;
}

// The given bytes, which may be of a form that nobody writes, loaded by an empty document: as if they were applied.
void load_and_check(bytes_view update, const decoded_update& decoded) {
  document listed(options_for(true));
  const auto expected = listed.apply(decoded);
  document loaded(options_for(true));
  const auto done = loaded.apply_v1(update);
  require(bool(done) == bool(expected), "what applies loads, and nothing else");
  if (!done) {
    require(done.error().apply == expected.error(), "loading fails for the same reason as applying");
    require(loaded.usable() == listed.usable(), "and leaves the document in the same way");
    return;
  }
  require_sound(loaded, "the structure of what is loaded is sound");
  require(loaded.encode_state_as_update_v1() == listed.encode_state_as_update_v1(),
          "a loaded state is the applied one");
  require(loaded.canonical_dump() == listed.canonical_dump(), "in every place");
}

void apply_and_check(bytes_view update, bool gc) {
  decoded_update decoded;
  require(bool(decode_update_v1(update, decoded)), "canonical bytes decode");
  document first(options_for(gc));
  const auto applied = first.apply(decoded);
  if (!applied) {
    require(first.usable() == leaves_unchanged(applied.error()), "an error tells whether the document is usable");
    return;
  }
  require_sound(first, "the structure is sound");
  first.prune(decoded);
  require(decoded.empty(), "nothing of an applied update is new");

  const bytes state = first.encode_state_as_update_v1();
  document second(options_for(gc));
  if (!second.apply_v1(state)) return;  // a budget may be passed by the state and not by the update
  require_sound(second, "the structure of the copy is sound");
  require(second.state() == first.state(), "a state carries over everything");
  require(second.stats().pending_structs != 0 || first.stats().pending_structs == 0, "what waits is part of a state");

  document third(options_for(gc));
  for (const auto& chunk : first.encode_state_chunks_v1({}, 64)) {
    if (!third.apply_v1(chunk)) return;
  }
  require(third.state() == first.state(), "chunks carry over everything");
  require_sound(third, "the structure after chunks is sound");

  (void)first.to_json();
  (void)first.canonical_dump();
  for (const auto& root : first.root_names()) {
    (void)first.text(root);
    (void)first.delta_json(root);
    (void)first.xml(root);
    (void)first.json(root, type_kind::array);
    (void)first.json(root, type_kind::map);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::view(data, size);
  decoded_update decoded;
  if (!decode_update_v1(input, decoded)) {
    document untouched;
    require(!untouched.apply_v1(input), "what does not decode does not apply");
    require(is_empty_update_v1(untouched.encode_state_as_update_v1()), "a refused update changes nothing");
    return 0;
  }
  load_and_check(input, decoded);
  const bytes canonical = encode_update_v1(decoded);
  decoded_update again;
  require(bool(decode_update_v1(canonical, again)), "canonical bytes decode");
  require(encode_update_v1(again) == canonical, "canonical bytes stay as they are");
  apply_and_check(canonical, true);
  apply_and_check(canonical, false);
  return 0;
}
