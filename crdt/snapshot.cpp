#include "crdt/snapshot.hpp"

#include <algorithm>

#include "crdt/encoded_update.hpp"
#include "crdt/internal/access.hpp"
#include "crdt/internal/encode.hpp"
#include "crdt/internal/encoders.hpp"
#include "crdt/lib0.hpp"

namespace octavo::crdt {

namespace {

// Encoding 2 has the distance to the end of the range before, and one less than the length.
bool read_range(lib0_reader& reader, bool apart, std::uint64_t& from, delete_set::range& out) {
  const std::size_t at = reader.offset();
  std::uint64_t clock = 0;
  std::uint64_t length = 0;
  if (!reader.var_uint(clock) || !reader.var_uint(length)) return false;
  if (apart) {
    clock += from;
    ++length;
  }
  if (clock > UINT32_MAX || length > UINT32_MAX - clock) return reader.fail_at(decode_errc::clock_overflow, at);
  out.clock = static_cast<std::uint32_t>(clock);
  out.length = static_cast<std::uint32_t>(length);
  from = clock + length;
  return true;
}

// A count of things of two bytes each, at least.
bool read_count(lib0_reader& reader, std::uint64_t& out) {
  if (!reader.var_uint(out)) return false;
  return out <= reader.remaining() / 2 || reader.fail(decode_errc::truncated);
}

bool read_deletes(lib0_reader& reader, bool apart, const snapshot_limits& limits,
                  std::vector<delete_set::range>& ranges) {
  const std::size_t at = reader.offset();
  std::uint64_t clients = 0;
  if (!read_count(reader, clients)) return false;
  if (clients > limits.max_clients) return reader.fail_at(decode_errc::too_many_clients, at);
  for (std::uint64_t i = 0; i < clients; ++i) {
    delete_set::range next;
    std::uint64_t count = 0;
    if (!reader.var_uint(next.client)) return false;
    const std::size_t counted = reader.offset();
    if (!read_count(reader, count)) return false;
    if (count > limits.max_delete_ranges - ranges.size())
      return reader.fail_at(decode_errc::too_many_delete_ranges, counted);
    std::uint64_t from = 0;
    for (std::uint64_t j = 0; j < count; ++j) {
      if (!read_range(reader, apart, from, next)) return false;
      if (next.length != 0) ranges.push_back(next);
    }
  }
  return true;
}

}  // namespace

result<snapshot> decode_snapshot(bytes_view data, update_encoding encoding, const snapshot_limits& limits) {
  if (data.size() > limits.max_bytes) return decode_error{decode_errc::too_large, limits.max_bytes};
  lib0_reader reader(data);
  std::vector<delete_set::range> ranges;
  if (!read_deletes(reader, encoding == update_encoding::v2, limits, ranges)) return reader.error();
  auto state = read_state_vector(reader, limits.max_clients);
  if (!state) return state.error();
  if (!reader.expect_end()) return reader.error();
  return snapshot{delete_set(std::move(ranges)), std::move(*state)};
}

bytes encode_snapshot(const snapshot& of, update_encoding encoding) {
  bytes out;
  lib0_writer writer(out);
  internal::write_delete_set(writer, of.deletes, encoding);
  encode_state_vector(of.state, out);
  return out;
}

snapshot snapshot_of(const document& document) {
  // The set is kept encoded, and is our own.
  const bytes& encoded = internal::document_access::of(document).delete_set();
  lib0_reader reader(encoded);
  std::vector<delete_set::range> ranges;
  read_deletes(reader, false, {SIZE_MAX, SIZE_MAX, SIZE_MAX}, ranges);
  return {delete_set(std::move(ranges)), document.state()};
}

result<bool> snapshot_contains_update(const snapshot& version, bytes_view update, update_encoding encoding,
                                      const decode_limits& limits) {
  decoded_update decoded;
  if (auto done = decode_update(update, encoding, decoded, limits); !done) return done.error();
  for (const auto& block : decoded.blocks()) {
    const auto& last = decoded.structs()[std::size_t{block.first} + block.count - 1];
    if (last.end() > version.state.clock(decoded.client_id(block.client))) return false;
  }
  return std::all_of(decoded.deletes().begin(), decoded.deletes().end(), [&](const delete_range& each) {
    return version.deletes.contains({decoded.client_id(each.client), each.clock, each.length});
  });
}

std::string_view to_string(snapshot_errc code) {
  switch (code) {
    case snapshot_errc::collects_garbage:
      return "the document collects garbage, so its older versions are gone";
    case snapshot_errc::not_contained:
      return "the version has content that the document lacks";
    case snapshot_errc::does_not_fit:
      return "the version passes a bound of the new document";
  }
  return "unknown error";
}

result<bytes, snapshot_errc> state_at_snapshot(const document& origin, const snapshot& version) {
  const auto& engine = internal::document_access::of(origin);
  if (engine.options.gc) return snapshot_errc::collects_garbage;
  const auto& data = engine.data;
  for (const auto& each : version.state.entries())
    if (each.clock > data.clock_of(each.client)) return snapshot_errc::not_contained;
  bytes out;
  lib0_writer writer(out);
  writer.var_uint(version.state.size());
  for (const auto& each : version.state.entries()) {
    internal::text_place near;
    internal::v1_encoder encoder(out);
    internal::write_block(encoder, data, data.find_client(each.client), 0, static_cast<std::uint32_t>(each.clock),
                          near);
  }
  internal::write_delete_set(writer, version.deletes, update_encoding::v1);
  return out;
}

result<document, snapshot_errc> document_at_snapshot(const document& origin, const snapshot& version,
                                                     const document_options& options) {
  const auto state = state_at_snapshot(origin, version);
  if (!state) return state.error();
  document made(options);
  if (!made.apply_stored_v1(*state)) return snapshot_errc::does_not_fit;
  return made;
}

}  // namespace octavo::crdt
