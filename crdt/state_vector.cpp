#include "crdt/state_vector.hpp"

#include <algorithm>

#include "crdt/lib0.hpp"

namespace octavo::crdt {

namespace {
bool above(const state_vector::entry& left, const state_vector::entry& right) {
  return left.client > right.client;
}
}  // namespace

state_vector::state_vector(std::vector<entry> entries) : entries_(std::move(entries)) {
  // They mostly come in order, from a document or from a peer.
  if (!std::is_sorted(entries_.begin(), entries_.end(), above))
    std::stable_sort(entries_.begin(), entries_.end(), above);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (i + 1 < entries_.size() && entries_[i + 1].client == entries_[i].client) continue;
    if (entries_[i].clock != 0) entries_[kept++] = entries_[i];
  }
  entries_.resize(kept);
}

std::uint64_t state_vector::clock(std::uint64_t client) const {
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), entry{client, 0}, above);
  return at != entries_.end() && at->client == client ? at->clock : 0;
}

void state_vector::set(std::uint64_t client, std::uint64_t clock) {
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), entry{client, 0}, above);
  const bool found = at != entries_.end() && at->client == client;
  if (found && clock == 0) {
    entries_.erase(at);
  } else if (found) {
    at->clock = clock;
  } else if (clock != 0) {
    entries_.insert(at, {client, clock});
  }
}

result<state_vector> decode_state_vector(bytes_view data, std::size_t max_clients) {
  lib0_reader reader(data);
  auto state = read_state_vector(reader, max_clients);
  if (state && !reader.expect_end()) return reader.error();
  return state;
}

result<state_vector> read_state_vector(lib0_reader& reader, std::size_t max_clients) {
  const std::size_t at = reader.offset();
  std::uint64_t count = 0;
  if (!reader.var_uint(count)) return reader.error();
  // An entry takes at least two bytes, so the count cannot make us reserve more than the input justifies.
  if (count > reader.remaining() / 2) return decode_error{decode_errc::truncated, reader.offset()};
  if (count > max_clients) return decode_error{decode_errc::too_many_clients, at};
  std::vector<state_vector::entry> entries;
  entries.reserve(static_cast<std::size_t>(count));
  for (std::uint64_t i = 0; i < count; ++i) {
    state_vector::entry next;
    if (!reader.var_uint(next.client) || !reader.var_uint(next.clock)) return reader.error();
    entries.push_back(next);
  }
  return state_vector(std::move(entries));
}

void encode_state_vector(const state_vector& state, bytes& out) {
  constexpr std::size_t usual_entry = 8;  // a random 32-bit id takes five
  out.reserve(out.size() + 1 + state.size() * usual_entry);
  lib0_writer writer(out);
  writer.var_uint(state.size());
  for (const auto& entry : state.entries()) {
    writer.var_uint(entry.client);
    writer.var_uint(entry.clock);
  }
}

bytes encode_state_vector(const state_vector& state) {
  bytes out;
  encode_state_vector(state, out);
  return out;
}

}  // namespace octavo::crdt
