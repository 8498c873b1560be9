#include "crdt/encoded_update.hpp"

#include <utility>

namespace octavo::crdt {

namespace {

// What a function makes of a decoded update.
template <class Function>
auto of_decoded(bytes_view update, update_encoding encoding, const decode_limits& limits, Function&& make)
    -> result<decltype(make(std::declval<decoded_update&>()))> {
  decoded_update decoded;
  if (auto done = decode_update(update, encoding, decoded, limits); !done) return done.error();
  return make(decoded);
}

}  // namespace

result<void> decode_update(bytes_view data, update_encoding encoding, decoded_update& out,
                           const decode_limits& limits) {
  return encoding == update_encoding::v1 ? decode_update_v1(data, out, limits) : decode_update_v2(data, out, limits);
}

bytes encode_update(const decoded_update& update, update_encoding encoding) {
  return encoding == update_encoding::v1 ? encode_update_v1(update) : encode_update_v2(update);
}

result<bytes> merge_updates(std::span<const bytes_view> updates, update_encoding encoding,
                            const decode_limits& limits) {
  if (updates.size() == 1) return bytes(updates[0].begin(), updates[0].end());
  decoded_update all;
  for (const auto& update : updates) {
    auto done = encoding == update_encoding::v1 ? all.append_v1(update, limits) : all.append_v2(update, limits);
    if (!done) return done.error();
  }
  all.normalize();
  all.coalesce();
  return encode_update(all, encoding);
}

result<bytes> diff_update(bytes_view update, const state_vector& since, update_encoding encoding,
                          const decode_limits& limits) {
  return of_decoded(update, encoding, limits, [&](decoded_update& decoded) {
    decoded.remove_known(since);
    return encode_update(decoded, encoding);
  });
}

result<state_vector> state_vector_of_update(bytes_view update, update_encoding encoding, const decode_limits& limits) {
  return of_decoded(update, encoding, limits, [](const decoded_update& decoded) {
    std::vector<state_vector::entry> entries;
    for (const auto& block : decoded.blocks()) {
      std::uint32_t clock = 0;
      for (const auto& each : decoded.structs().subspan(block.first, block.count)) {
        if (each.clock != clock) break;
        clock = each.end();
      }
      if (clock != 0) entries.push_back({decoded.client_id(block.client), clock});
    }
    return state_vector(std::move(entries));
  });
}

result<std::vector<clock_range>> clock_ranges_of_update(bytes_view update, update_encoding encoding,
                                                        const decode_limits& limits) {
  return of_decoded(update, encoding, limits, [](const decoded_update& decoded) {
    std::vector<clock_range> ranges;
    for (const auto& block : decoded.blocks()) {
      const auto run = decoded.structs().subspan(block.first, block.count);
      ranges.push_back({decoded.client_id(block.client), run.front().clock, run.back().end()});
    }
    return ranges;
  });
}

result<bytes> convert_update(bytes_view update, update_encoding from, update_encoding to, const decode_limits& limits) {
  return of_decoded(update, from, limits, [&](const decoded_update& decoded) { return encode_update(decoded, to); });
}

}  // namespace octavo::crdt
