// Any bytes as an update of encoding 2: refused, or it survives both encodings, and a document shows the same whichever
// of them it came in.
#include "crdt/document.hpp"
#include "crdt/encoded_update.hpp"
#include "tests/fuzz/support.hpp"

namespace {

using namespace octavo;
using namespace octavo::crdt;
using octavo::fuzz::require;
using octavo::fuzz::require_sound;
using enum update_encoding;

decode_limits limits() {
  decode_limits some;
  some.max_structs = 100'000;
  some.max_unfolded_bytes = std::size_t{16} << 20;
  return some;
}

document_options options() {
  document_options some;
  some.step_budget = 200'000;
  some.max_pending_bytes = std::size_t{1} << 20;
  some.max_type_depth = 50;
  return some;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::view(data, size);
  decoded_update decoded;
  if (!decode_update_v2(input, decoded, limits())) {
    require(decoded.empty(), "what is refused leaves nothing behind");
    return 0;
  }
  const bytes second = encode_update_v2(decoded);
  const auto first = convert_update(second, v2, v1, limits());
  require(bool(first), "canonical bytes decode");
  require(*first == encode_update_v1(decoded), "encoding 2 keeps what encoding 1 does");
  // JSON is not kept to the letter, but it is after one time: what peers print, they print the same again.
  const auto again = convert_update(*first, v1, v2, limits());
  require(bool(again), "what encoding 2 holds, encoding 1 does");
  require(*again == second, "encoding 1 keeps what encoding 2 does");

  document one(options());
  document two(options());
  const auto by_first = one.apply_v1(*first);
  const auto by_second = two.apply_v2(second);
  require(by_first.has_value() == by_second.has_value(), "both encodings are applied or refused");
  if (!by_first) return 0;
  require_sound(two, "the structure is sound");
  require(one.encode_state_as_update_v1() == two.encode_state_as_update_v1(), "both encodings say the same");
  document three(options());
  if (three.apply_v2(two.encode_state_as_update_v2())) require(three.state() == two.state(), "a state carries all");
  return 0;
}
