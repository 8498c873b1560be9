#include "crdt/internal/encode.hpp"

#include <algorithm>

#include "crdt/encoded_update.hpp"
#include "crdt/internal/encoders.hpp"
#include "crdt/utf8.hpp"

namespace octavo::crdt::internal {

namespace {

// A cut inside a surrogate pair leaves U+FFFD on either side, as a split would.
cut_text text_between(const store& data, std::uint32_t index, std::uint32_t from, std::uint32_t to, text_place& near) {
  const auto text = data.content_of(data.at(index));
  if (from == 0 && to == data.at(index).length) return {text};
  const auto begin = find_in_text(data, index, from, near);
  const auto end = find_in_text(data, index, to, near);
  const std::size_t first = begin.byte + (begin.splits_pair ? 4 : 0);
  return {text.substr(first, end.byte - first), begin.splits_pair, end.splits_pair};
}

// Writes the units [from, to) of an item as one struct.
template <class Encoder>
void write_item(Encoder& to_wire, const store& data, std::uint32_t index, std::uint32_t from, std::uint32_t to,
                text_place& near) {
  const item& of = data.at(index);
  const unit_id origin = from != 0 ? unit_id{of.client, of.clock + from - 1} : data.origin_of(of);
  const unit_id right = data.right_of(of);
  item_head head;
  head.kind = of.kind();
  head.has_parent_sub = !of.listed();
  head.has_origin = origin.valid();
  head.has_right = right.valid();
  if (head.has_origin) {
    head.origin_client = data.log(origin.client).id();
    head.origin_clock = origin.clock;
  }
  if (head.has_right) {
    head.right_client = data.log(right.client).id();
    head.right_clock = right.clock;
  }
  if (!head.has_origin && !head.has_right) {
    const branch& parent = data.type(of.parent);
    head.parent_is_root = parent.item == nil;
    if (head.parent_is_root) {
      head.parent_root = data.names.name(parent.name);
    } else {
      const item& owner = data.at(parent.item);
      head.parent_client = data.log(owner.client).id();
      head.parent_clock = owner.clock;
    }
    if (head.has_parent_sub) head.key = data.names.name(of.key);
  }
  to_wire.head(head);
  switch (of.kind()) {
    case content_kind::string:
      to_wire.text(text_between(data, index, from, to, near), to - from);
      break;
    case content_kind::any:
    case content_kind::json: {
      auto run = data.content_of(of);
      if (to != of.length) run = run.substr(0, values_size(of.kind(), run, to));
      if (from != 0) run.remove_prefix(values_size(of.kind(), run, from));
      to_wire.content(of.kind(), to - from, run);
      break;
    }
    case content_kind::type: {
      const branch& type = data.type(of.content);
      to_wire.type(type.kind, data.contents.view(type.name, type.name_bytes));
      break;
    }
    default:
      to_wire.content(of.kind(), to - from, data.content_of(of));
  }
}

}  // namespace

utf8_cut find_in_text(const store& data, std::uint32_t index, std::uint32_t units, text_place& near) {
  const item& of = data.at(index);
  if (of.content_bytes == of.length) return {units, false};
  if (near.item != index || near.units > units) near = {index, 0, 0};
  auto cut = find_utf16(data.content_of(of).substr(near.byte), units - near.units);
  cut.byte += near.byte;
  if (!cut.splits_pair) near = {index, units, cut.byte};
  return cut;
}

template <class Encoder>
void write_block(Encoder& to_wire, const store& data, std::uint32_t client, std::uint32_t from, std::uint32_t to,
                 text_place& near) {
  const struct_log& log = data.log(client);
  const auto start = log.find(from);
  std::size_t count = log.count_from(start);
  if (to != log.end()) count -= log.count_from(log.find(to - 1)) - 1;
  to_wire.rest().var_uint(count);
  to_wire.client_id(log.id());
  to_wire.rest().var_uint(from);
  for (auto place = start; from < to; place = log.next(place)) {
    const auto entry = log.at(place);
    const std::uint32_t end = std::min(log.end_of(place), to);
    if (entry.item == collected) {
      to_wire.gc(end - from);
    } else {
      write_item(to_wire, data, entry.item, from - entry.clock, end - entry.clock, near);
    }
    from = end;
  }
}

template void write_block(v1_encoder&, const store&, std::uint32_t, std::uint32_t, std::uint32_t, text_place&);
template void write_block(v2_encoder&, const store&, std::uint32_t, std::uint32_t, std::uint32_t, text_place&);

void write_delete_set(lib0_writer& writer, const delete_set& deletes, update_encoding encoding) {
  const auto ranges = deletes.ranges();
  const bool apart = encoding == update_encoding::v2;
  writer.var_uint(deletes.clients());
  for (std::size_t i = 0; i < ranges.size();) {
    const auto client = ranges[i].client;
    std::size_t stop = i;
    while (stop < ranges.size() && ranges[stop].client == client) ++stop;
    writer.var_uint(client);
    writer.var_uint(stop - i);
    std::uint32_t from = 0;
    for (; i < stop; ++i) {
      writer.var_uint(apart ? ranges[i].clock - from : ranges[i].clock);
      writer.var_uint(apart ? ranges[i].length - 1 : ranges[i].length);
      from = ranges[i].end();
    }
  }
}

bytes encode_delete_set(const store& data) {
  bytes body;
  lib0_writer writer(body);
  std::size_t clients = 0;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges;
  for (const auto client : data.clients_descending()) {
    const struct_log& log = data.log(client);
    ranges.clear();
    if (log.end() == 0) continue;
    for (auto place = log.first(); place != log.stop(); place = log.next(place)) {
      const auto entry = log.at(place);
      if (entry.item != collected && !data.at(entry.item).deleted) continue;
      const std::uint32_t end = log.end_of(place);
      if (!ranges.empty() && ranges.back().second == entry.clock) {
        ranges.back().second = end;
      } else {
        ranges.emplace_back(entry.clock, end);
      }
    }
    if (ranges.empty()) continue;
    ++clients;
    writer.var_uint(log.id());
    writer.var_uint(ranges.size());
    for (const auto& [clock, end] : ranges) {
      writer.var_uint(clock);
      writer.var_uint(end - clock);
    }
  }
  bytes out;
  out.reserve(body.size() + var_uint_size(clients));
  lib0_writer(out).var_uint(clients);
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

bytes encode_pending(const pending_set& pending, const state_vector& since) {
  if (pending.empty()) return {};
  decoded_update all;
  pending.append_to(all);
  all.normalize();
  all.remove_known(since);
  return encode_update_v1(all);
}

namespace {

struct wanted_block {
  std::uint32_t client;
  std::uint32_t from;
};

std::vector<wanted_block> blocks_above(const store& data, const state_vector& since) {
  std::vector<wanted_block> blocks;
  // Both are in descending order of ids: one walk, no search for each client.
  auto known = since.entries().begin();
  const auto stop = since.entries().end();
  for (const auto client : data.clients_descending()) {
    const struct_log& log = data.log(client);
    while (known != stop && known->client > log.id()) ++known;
    const std::uint64_t clock = known != stop && known->client == log.id() ? known->clock : 0;
    if (clock < log.end()) blocks.push_back({client, static_cast<std::uint32_t>(clock)});
  }
  return blocks;
}

template <class Encoder>
void write_store(Encoder& to_wire, const store& data, const std::vector<wanted_block>& blocks, const bytes& deletes) {
  to_wire.rest().var_uint(blocks.size());
  for (const auto& each : blocks) {
    text_place near;
    write_block(to_wire, data, each.client, each.from, data.log(each.client).end(), near);
  }
  to_wire.rest().raw(bytes_view(deletes));
}

bytes encode_store(const engine& from, const state_vector& since, update_encoding encoding) {
  const store& data = from.data;
  const auto blocks = blocks_above(data, since);
  bytes out;
  if (encoding == update_encoding::v1) {
    const bytes& deletes = from.delete_set();
    // Two references of a client and a clock each, the info byte, a length.
    constexpr std::size_t usual_item = 20;
    out.reserve(deletes.size() + (since.empty() ? data.contents.size() + data.items.used() * usual_item : 64));
    v1_encoder encoder(out);
    write_store(encoder, data, blocks, deletes);
  } else {
    v2_encoder encoder;
    write_store(encoder, data, blocks, from.delete_set_v2());
    encoder.finish(out);
  }
  return out;
}

}  // namespace

bytes encode_state(const engine& from, const state_vector& since, update_encoding encoding) {
  if (from.pending.empty()) return encode_store(from, since, encoding);
  bytes integrated = encode_store(from, since, update_encoding::v1);
  const bytes waiting = encode_pending(from.pending, since);
  const bytes_view parts[] = {integrated, waiting};
  // Both parts are ours; if they did not decode, the peer still gets what is integrated.
  if (auto merged = merge_updates(parts, update_encoding::v1, no_limits)) integrated = std::move(*merged);
  if (encoding == update_encoding::v1) return integrated;
  auto converted = convert_update(integrated, update_encoding::v1, encoding, no_limits);
  return converted ? std::move(*converted) : encode_store(from, since, encoding);
}

}  // namespace octavo::crdt::internal
