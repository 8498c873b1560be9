#include "bench/load/yjs_text.hpp"

namespace octavo::bench {

namespace {

// The numbers of Yjs's encoding v1 that text needs.
constexpr std::uint8_t has_origin = 0x80;
constexpr std::uint8_t has_right_origin = 0x40;
constexpr std::uint8_t has_parent_key = 0x20;
constexpr std::uint8_t kind_mask = 0x1f;
constexpr std::uint8_t kind_gc = 0;
constexpr std::uint8_t kind_deleted = 1;
constexpr std::uint8_t kind_string = 4;
constexpr std::uint8_t kind_skip = 10;

std::uint64_t utf16_length(bytes_view text) {
  std::uint64_t units = 0;
  for (const auto raw : text) {
    const auto byte = std::to_integer<std::uint8_t>(raw);
    if ((byte & 0xc0) != 0x80) ++units;
    if (byte >= 0xf0) ++units;
  }
  return units;
}

}  // namespace

void append_varuint(bytes& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::byte>(value | 0x80));
  out.push_back(static_cast<std::byte>(value));
}

void append_buffer(bytes& out, bytes_view data) {
  append_varuint(out, data.size());
  out.insert(out.end(), data.begin(), data.end());
}

std::uint8_t byte_reader::byte() {
  if (position_ == data_.size()) {
    ok_ = false;
    return 0;
  }
  return std::to_integer<std::uint8_t>(data_[position_++]);
}

std::uint64_t byte_reader::varuint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 63; shift += 7) {
    const auto next = byte();
    value |= std::uint64_t{next & 0x7fu} << shift;
    if (next < 0x80) return ok_ ? value : 0;
  }
  ok_ = false;
  return 0;
}

bytes_view byte_reader::take(std::uint64_t size) {
  if (!ok_ || size > data_.size() - position_) {
    ok_ = false;
    return {};
  }
  const auto taken = data_.subspan(position_, static_cast<std::size_t>(size));
  position_ += static_cast<std::size_t>(size);
  return taken;
}

bytes make_typing(std::uint64_t client, std::uint64_t clock, std::string_view text) {
  bytes out;
  out.reserve(32 + text.size());
  append_varuint(out, 1);  // one client's block
  append_varuint(out, 1);  // of one struct
  append_varuint(out, client);
  append_varuint(out, clock);
  if (clock == 0) {
    append_varuint(out, kind_string);
    append_varuint(out, 1);  // its parent is a root, by name
    append_buffer(out, as_bytes("text"));
  } else {
    out.push_back(std::byte{has_origin | kind_string});
    append_varuint(out, client);
    append_varuint(out, clock - 1);
  }
  append_buffer(out, as_bytes(text));
  append_varuint(out, 0);  // nothing deleted
  return out;
}

bytes make_empty_update() {
  return {std::byte{0}, std::byte{0}};
}

bytes make_state_vector(std::uint64_t client, std::uint64_t clock) {
  bytes out;
  if (clock == 0) {
    append_varuint(out, 0);
  } else {
    append_varuint(out, 1);
    append_varuint(out, client);
    append_varuint(out, clock);
  }
  return out;
}

std::uint64_t clocks_known(bytes_view state_vector, std::uint64_t client) {
  byte_reader in(state_vector);
  for (auto count = in.varuint(); count > 0 && in.ok(); --count) {
    const auto id = in.varuint();
    const auto clock = in.varuint();
    if (in.ok() && id == client) return clock;
  }
  return 0;
}

std::uint64_t read_struct(byte_reader& in, bool& is_hole) {
  const auto info = in.byte();
  const auto kind = info & kind_mask;
  if (!in.ok()) return 0;
  if (kind == kind_gc || kind == kind_skip) {
    is_hole = kind == kind_skip;
    return in.varuint();
  }
  if ((info & has_origin) != 0) in.varuint(), in.varuint();
  if ((info & has_right_origin) != 0) in.varuint(), in.varuint();
  if ((info & (has_origin | has_right_origin)) == 0) {
    if (in.varuint() == 1) {
      in.buffer();
    } else {
      in.varuint(), in.varuint();
    }
    if ((info & has_parent_key) != 0) in.buffer();
  }
  switch (kind) {
    case kind_deleted:
      return in.varuint();
    case kind_string:
      return utf16_length(in.buffer());
    default:
      return 0;
  }
}

}  // namespace octavo::bench
