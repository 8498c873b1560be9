// Any bytes as a snapshot of either encoding: what is read is written, and read again as the same; and no version,
// however absurd, upsets the document that it is looked for in.
#include "crdt/snapshot.hpp"

#include "tests/fuzz/support.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace octavo;
  using octavo::fuzz::require;
  if (size == 0) return 0;
  const auto encoding = data[0] % 2 == 0 ? crdt::update_encoding::v1 : crdt::update_encoding::v2;
  const auto read = crdt::decode_snapshot(fuzz::view(data + 1, size - 1), encoding);
  if (!read) {
    require(read.error().offset <= size - 1, "the place of an error is in the input");
    return 0;
  }
  for (const auto each : {crdt::update_encoding::v1, crdt::update_encoding::v2}) {
    const bytes written = crdt::encode_snapshot(*read, each);
    const auto again = crdt::decode_snapshot(written, each);
    require(bool(again) && *again == *read, "a snapshot survives a round trip");
    require(crdt::encode_snapshot(*again, each) == written, "its bytes are canonical");
  }

  // "a😀b" of client 1, and a deleted "c" of client 2.
  static const std::byte update[] = {std::byte{2},   std::byte{1},   std::byte{2},   std::byte{0},  std::byte{4},
                                     std::byte{1},   std::byte{1},   std::byte{97},  std::byte{1},  std::byte{99},
                                     std::byte{1},   std::byte{1},   std::byte{0},   std::byte{4},  std::byte{1},
                                     std::byte{1},   std::byte{97},  std::byte{6},   std::byte{97}, std::byte{240},
                                     std::byte{159}, std::byte{152}, std::byte{128}, std::byte{98}, std::byte{1},
                                     std::byte{2},   std::byte{1},   std::byte{0},   std::byte{1}};
  static const crdt::document document = [] {
    crdt::document_options options;
    options.gc = false;
    crdt::document out(options);
    require(bool(out.apply_v1(update)), "the fixed update applies");
    return out;
  }();
  static const bytes state = document.encode_state_as_update_v1();
  const auto made = crdt::document_at_snapshot(document, *read);
  if (made) fuzz::require_sound(*made, "a version is sound");
  require(document.encode_state_as_update_v1() == state, "the document is not changed");
  require(bool(crdt::snapshot_contains_update(*read, update)), "the fixed update is looked for");
  return 0;
}
