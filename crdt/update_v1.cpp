// Encoding 1 of updates: one stream, structs first, delete set last.
#include "crdt/internal/decode_v1.hpp"
#include "crdt/internal/encoders.hpp"
#include "crdt/update.hpp"

namespace octavo::crdt {

result<void> decoded_update::append_v1(bytes_view data, const decode_limits& limits) {
  return internal::v1_decoder(data, *this, limits).run();
}

void encode_update_v1(const decoded_update& update, bytes& out) {
  internal::v1_encoder encoder(out);
  internal::write_update(update, encoder);
}

bytes encode_update_v1(const decoded_update& update) {
  bytes out;
  encode_update_v1(update, out);
  return out;
}

}  // namespace octavo::crdt
