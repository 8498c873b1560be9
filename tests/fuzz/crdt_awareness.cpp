// Any bytes as presence: what is read is written, and read again as the same.
#include "crdt/awareness.hpp"

#include "tests/fuzz/support.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace octavo;
  using octavo::fuzz::require;
  std::vector<crdt::awareness_entry> entries;
  if (!crdt::decode_awareness(fuzz::view(data, size), entries)) return 0;
  const bytes written = crdt::encode_awareness(entries);
  std::vector<crdt::awareness_entry> again;
  require(bool(crdt::decode_awareness(written, again)), "what was written is read");
  require(again == entries, "presence survives a round trip");
  merge_awareness(entries);
  auto twice = entries;
  merge_awareness(twice);
  require(twice == entries, "merging a second time changes nothing");
  return 0;
}
