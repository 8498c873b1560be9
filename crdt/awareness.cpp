#include "crdt/awareness.hpp"

#include <algorithm>

#include "crdt/lib0.hpp"

namespace octavo::crdt {

result<void> decode_awareness(bytes_view data, std::vector<awareness_entry>& out, const awareness_limits& limits) {
  out.clear();
  if (data.size() > limits.max_bytes) return decode_error{decode_errc::too_large, limits.max_bytes};
  lib0_reader reader(data);
  std::uint64_t count = 0;
  if (!reader.var_uint(count)) return reader.error();
  if (count > reader.remaining() / 3) return decode_error{decode_errc::truncated, reader.offset()};
  if (count > limits.max_entries) return decode_error{decode_errc::too_many_entries, 0};
  for (std::uint64_t i = 0; i < count; ++i) {
    awareness_entry next;
    if (!reader.var_uint(next.client) || !reader.var_uint(next.clock) || !reader.var_string(next.json))
      return reader.error();
    const std::size_t at = reader.offset() - next.json.size();
    if (next.json.size() > limits.max_state_bytes) return decode_error{decode_errc::entry_too_large, at};
    std::size_t values = 0;
    if (const auto wrong = validate_json(next.json, values, limits.max_depth))
      return decode_error{wrong->code, at + wrong->offset};
    constexpr std::string_view space = " \t\r\n";
    next.json.remove_prefix(next.json.find_first_not_of(space));
    next.json = next.json.substr(0, next.json.find_last_not_of(space) + 1);
    out.push_back(next);
  }
  if (!reader.expect_end()) return reader.error();
  return {};
}

void encode_awareness(std::span<const awareness_entry> entries, bytes& out) {
  lib0_writer writer(out);
  writer.var_uint(entries.size());
  for (const auto& entry : entries) {
    writer.var_uint(entry.client);
    writer.var_uint(entry.clock);
    writer.var_string(entry.json);
  }
}

bytes encode_awareness(std::span<const awareness_entry> entries) {
  bytes out;
  encode_awareness(entries, out);
  return out;
}

bool supersedes(const awareness_entry& next, const awareness_entry& known) {
  return next.clock > known.clock || (next.clock == known.clock && next.is_null() && !known.is_null());
}

void merge_awareness(std::vector<awareness_entry>& entries) {
  // A tree of client ids would do as well; sorting positions keeps hostile ids from colliding in a hash table.
  std::vector<std::size_t> order(entries.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return entries[a].client < entries[b].client; });
  std::vector<bool> drop(entries.size(), false);
  for (std::size_t i = 0; i < order.size();) {
    const std::size_t first = order[i];
    std::size_t next = i + 1;
    for (; next < order.size() && entries[order[next]].client == entries[first].client; ++next) {
      if (supersedes(entries[order[next]], entries[first])) entries[first] = entries[order[next]];
      drop[order[next]] = true;
    }
    i = next;
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (!drop[i]) entries[kept++] = entries[i];
  entries.resize(kept);
}

}  // namespace octavo::crdt
