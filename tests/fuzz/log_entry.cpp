// Any bytes as the body of a log entry, of a replica's note and of an edit, with the checksum that belongs to them:
// they are refused with a reason, or written again as they were.
#include "cluster/codec.hpp"
#include "storage/codec.hpp"
#include "tests/fuzz/support.hpp"

namespace {

using namespace octavo;
using fuzz::require;

constexpr auto key = std::string_view{"a key"};

template <class T>
void require_reason(const result<T>& refused) {
  require(!refused.error().message.empty(), "what is refused is refused with a reason");
}

void check_edit(bytes_view data) {
  const auto edit = cluster::decode_edit(data);
  if (!edit) return require_reason(edit);
  require(as_text(cluster::encode(*edit)) == as_text(data), "an edit has one form");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_edit(fuzz::view(data, size));
  auto sealed = std::string{as_text(fuzz::view(data, size))};
  storage::seal(key, sealed);
  const auto note = cluster::decode_note(as_bytes(sealed), as_bytes(key));
  if (note)
    require(as_text(cluster::encode(*note, as_bytes(key))) == sealed, "a note has one form");
  else
    require_reason(note);
  const auto entry = cluster::decode_entry(as_bytes(sealed), as_bytes(key));
  if (!entry) {
    require_reason(entry);
    return 0;
  }
  require(as_text(cluster::encode(*entry, as_bytes(key))) == sealed, "an entry has one form");
  require(!cluster::decode_entry(as_bytes(sealed), as_bytes("another")), "and one key");
  if (entry->data) check_edit(*entry->data);
  return 0;
}
