// Any bytes as a state vector: what is read is written, and read again as the same.
#include "crdt/state_vector.hpp"

#include "crdt/document.hpp"
#include "tests/fuzz/support.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace octavo;
  using octavo::fuzz::require;
  const auto read = crdt::decode_state_vector(fuzz::view(data, size));
  if (!read) return 0;
  const bytes written = crdt::encode_state_vector(*read);
  const auto again = crdt::decode_state_vector(written);
  require(bool(again) && *again == *read, "a state vector survives a round trip");
  require(crdt::encode_state_vector(*again) == written, "its bytes are canonical");
  // Nobody's state, however absurd, upsets the encoding of a document.
  static const crdt::document document = [] {
    crdt::document out;
    const std::byte update[] = {std::byte{1},   std::byte{1},   std::byte{1},   std::byte{0}, std::byte{4},
                                std::byte{1},   std::byte{1},   std::byte{97},  std::byte{4}, std::byte{240},
                                std::byte{159}, std::byte{152}, std::byte{128}, std::byte{0}};
    require(bool(out.apply_v1(update)), "the fixed update applies");
    return out;
  }();
  crdt::decoded_update decoded;
  const bytes diff = document.encode_state_as_update_v1(*read);
  require(bool(decode_update_v1(diff, decoded)), "a diff decodes");
  for (const auto& chunk : document.encode_state_chunks_v1(*read, 8))
    require(bool(decode_update_v1(chunk, decoded)), "a chunk decodes");
  return 0;
}
