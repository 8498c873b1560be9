#include "crdt/internal/encode.hpp"

#include <algorithm>

#include "crdt/encoded_update.hpp"
#include "crdt/internal/wire.hpp"
#include "crdt/utf8.hpp"

namespace octavo::crdt::internal {

namespace {

void write_string(lib0_writer& writer, const store& data, std::uint32_t index, std::uint32_t from, std::uint32_t to,
                  text_place& near) {
  const auto text = data.content_of(data.at(index));
  if (from == 0 && to == data.at(index).length) {
    writer.var_string(text);
    return;
  }
  // A cut inside a surrogate pair leaves U+FFFD on either side, as a split would.
  const auto begin = find_in_text(data, index, from, near);
  const auto end = find_in_text(data, index, to, near);
  const std::size_t first = begin.byte + (begin.splits_pair ? 4 : 0);
  const std::string_view middle = text.substr(first, end.byte - first);
  constexpr std::size_t wide = replacement_character.size();
  writer.var_uint(middle.size() + (begin.splits_pair ? wide : 0) + (end.splits_pair ? wide : 0));
  if (begin.splits_pair) writer.raw(replacement_character);
  writer.raw(middle);
  if (end.splits_pair) writer.raw(replacement_character);
}

void write_type(lib0_writer& writer, const store& data, const item& of) {
  const branch& type = data.type(of.content);
  writer.u8(static_cast<std::uint8_t>(type.kind));
  if (type.kind == type_kind::xml_element || type.kind == type_kind::xml_hook)
    writer.var_string(data.contents.view(type.name, type.name_bytes));
}

// Writes the units [from, to) of an item as one struct.
void write_item(lib0_writer& writer, const store& data, std::uint32_t index, std::uint32_t from, std::uint32_t to,
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
  write_head_v1(writer, head);
  switch (of.kind()) {
    case content_kind::string:
      write_string(writer, data, index, from, to, near);
      break;
    case content_kind::any:
    case content_kind::json: {
      auto run = data.content_of(of);
      if (to != of.length) run = run.substr(0, values_size(of.kind(), run, to));
      if (from != 0) run.remove_prefix(values_size(of.kind(), run, from));
      write_content_v1(writer, of.kind(), to - from, run);
      break;
    }
    case content_kind::type:
      write_type(writer, data, of);
      break;
    default:
      write_content_v1(writer, of.kind(), to - from, data.content_of(of));
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

void write_block(lib0_writer& writer, const store& data, std::uint32_t client, std::uint32_t from, std::uint32_t to,
                 text_place& near) {
  const struct_log& log = data.log(client);
  const auto start = log.find(from);
  std::size_t count = log.count_from(start);
  if (to != log.end()) count -= log.count_from(log.find(to - 1)) - 1;
  writer.var_uint(count);
  writer.var_uint(log.id());
  writer.var_uint(from);
  for (auto place = start; from < to; place = log.next(place)) {
    const auto entry = log.at(place);
    const std::uint32_t end = std::min(log.end_of(place), to);
    if (entry.item == collected) {
      write_gc_v1(writer, end - from);
    } else {
      write_item(writer, data, entry.item, from - entry.clock, end - entry.clock, near);
    }
    from = end;
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
  for (const auto client : data.clients_descending()) {
    const struct_log& log = data.log(client);
    const auto known = since.clock(log.id());
    if (known < log.end()) blocks.push_back({client, static_cast<std::uint32_t>(known)});
  }
  return blocks;
}

bytes encode_store(const engine& from, const state_vector& since) {
  const store& data = from.data;
  const auto blocks = blocks_above(data, since);
  const bytes& deletes = from.delete_set();
  bytes out;
  if (since.empty()) out.reserve(data.contents.size() + data.items.used() * 12 + deletes.size());
  lib0_writer writer(out);
  writer.var_uint(blocks.size());
  for (const auto& each : blocks) {
    text_place near;
    write_block(writer, data, each.client, each.from, data.log(each.client).end(), near);
  }
  writer.raw(bytes_view(deletes));
  return out;
}

}  // namespace

bytes encode_state(const engine& from, const state_vector& since) {
  bytes integrated = encode_store(from, since);
  if (from.pending.empty()) return integrated;
  const bytes waiting = encode_pending(from.pending, since);
  const bytes_view parts[] = {integrated, waiting};
  auto merged = merge_updates(parts, update_encoding::v1, no_limits);
  // Both parts are ours; if they did not decode, the peer still gets what is integrated.
  return merged ? std::move(*merged) : integrated;
}

const bytes& engine::delete_set() const {
  if (!delete_set_known_) {
    delete_set_ = encode_delete_set(data);
    delete_set_known_ = true;
  }
  return delete_set_;
}

}  // namespace octavo::crdt::internal
