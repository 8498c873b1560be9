// Any bytes as the body of a frame between nodes, with the checksum that belongs to them: it is refused with a reason,
// or it is written again as it was.
#include "cluster/codec.hpp"
#include "storage/codec.hpp"
#include "tests/fuzz/support.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace octavo;
  using fuzz::require;
  auto sealed = std::string{as_text(fuzz::view(data, size))};
  storage::seal({}, sealed);
  const auto frame = cluster::decode_frame(as_bytes(sealed));
  if (!frame) {
    require(!frame.error().message.empty(), "a frame is refused with a reason");
    return 0;
  }
  require(as_text(cluster::encode(*frame)) == sealed, "a frame has one form");
  const auto* append = std::get_if<cluster::append_message>(&frame->what);
  if (append == nullptr) return 0;
  auto before = append->prev;
  for (const auto& one : append->entries) {
    require(one.lsn == before.lsn + 1, "entries follow each other");
    require(one.epoch >= before.epoch && one.epoch <= append->claim.epoch, "epochs do not fall, nor pass the claim's");
    require((one.config != nullptr) == (one.kind != cluster::entry_kind::edit), "a config where the kind asks for it");
    require((one.data != nullptr) == (one.kind == cluster::entry_kind::edit), "data where the kind asks for it");
    before = one.at();
  }
  return 0;
}
