// What can be done with encoded updates without a document: merging, cutting, asking what they hold, converting. Pure
// functions, any thread. Errors are those of decoding; limits are per update.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "crdt/bytes.hpp"
#include "crdt/error.hpp"
#include "crdt/state_vector.hpp"
#include "crdt/update.hpp"

namespace octavo::crdt {

/// decode_update_v1() or decode_update_v2().
result<void> decode_update(bytes_view data, update_encoding encoding, decoded_update& out,
                           const decode_limits& limits = {});

/// encode_update_v1() or encode_update_v2().
bytes encode_update(const decoded_update& update, update_encoding encoding);

/// Makes one update of many; the result does what all of them do in any order. A single update is returned as it is,
/// unchecked. The error is that of the first update that has one.
result<bytes> merge_updates(std::span<const bytes_view> updates, update_encoding encoding = update_encoding::v1,
                            const decode_limits& limits = {});

/// What somebody with that state lacks of an update: structs above it, the front of those across it cut off, and all of
/// the deletes, of which a state says nothing.
result<bytes> diff_update(bytes_view update, const state_vector& since, update_encoding encoding = update_encoding::v1,
                          const decode_limits& limits = {});

/// The state of a document that is made of this update alone: of each client what is there without a gap from its first
/// unit on.
result<state_vector> state_vector_of_update(bytes_view update, update_encoding encoding = update_encoding::v1,
                                            const decode_limits& limits = {});

/// The first clock that an update holds of a client, and the one behind the last; there may be gaps between.
struct clock_range {
  std::uint64_t client = 0;
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  friend bool operator==(const clock_range&, const clock_range&) = default;
};

/// The ranges of all clients of an update, in descending order of their ids. Deletes do not count.
result<std::vector<clock_range>> clock_ranges_of_update(bytes_view update,
                                                        update_encoding encoding = update_encoding::v1,
                                                        const decode_limits& limits = {});

/// The same structs and deletes in another encoding, canonically; to the same encoding it only brings into order.
result<bytes> convert_update(bytes_view update, update_encoding from, update_encoding to,
                             const decode_limits& limits = {});

}  // namespace octavo::crdt
