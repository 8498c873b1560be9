#include "storage/format.hpp"

#include <limits>

#include "storage/codec.hpp"

namespace octavo::storage {

namespace {

// Times are stored as their zigzag form, so that one before 1970 stays short too.
void put_time(std::string& out, std::int64_t time_ms) {
  put_varint(out, (static_cast<std::uint64_t>(time_ms) << 1U) ^ static_cast<std::uint64_t>(time_ms >> 63));
}

std::int64_t read_time(byte_reader& in) {
  const auto coded = in.varint();
  return static_cast<std::int64_t>((coded >> 1U) ^ (~(coded & 1U) + 1));
}

// Opens a sealed value and steps over its version byte.
std::optional<byte_reader> open_value(std::string_view key, std::string_view value) {
  const auto body = unseal(key, value);
  if (!body) return std::nullopt;
  byte_reader in(*body);
  if (in.u8() != value_version) return std::nullopt;
  return in;
}

std::string begin_value() {
  return std::string(1, static_cast<char>(value_version));
}

}  // namespace

std::string id_key(std::uint64_t id) {
  std::string key;
  put_u64_be(key, id);
  return key;
}

std::string log_key(std::uint64_t id, std::uint64_t seq) {
  std::string key = id_key(id);
  put_u64_be(key, seq);
  return key;
}

std::string quarantine_key(std::uint64_t id, std::uint64_t n) {
  return log_key(id, n);
}

std::string snapshot_key(std::uint64_t id, std::uint64_t seq) {
  return log_key(id, seq);
}

std::string piece_key(std::uint64_t id, std::uint64_t seq, std::uint32_t piece) {
  std::string key = log_key(id, seq);
  put_u32_be(key, piece);
  return key;
}

std::string version_key(std::uint64_t id, std::uint64_t n) {
  return log_key(id, n);
}

std::string shard_key(std::uint32_t shard, shard_part part) {
  std::string key;
  put_u32_be(key, shard);
  key.push_back(static_cast<char>(part));
  return key;
}

std::string shard_mark_key(std::uint32_t shard, std::uint64_t client) {
  std::string key = shard_key(shard, shard_part::mark);
  put_u64_be(key, client);
  return key;
}

std::string shard_entry_key(std::uint32_t shard, std::uint64_t lsn) {
  std::string key = shard_key(shard, shard_part::entry);
  put_u64_be(key, lsn);
  return key;
}

std::string shard_document_key(std::uint32_t shard, std::string_view name) {
  return shard_key(shard, shard_part::document).append(name);
}

std::string shard_copy_key(std::uint32_t shard, std::uint64_t copy) {
  std::string key = shard_key(shard, shard_part::copy);
  put_u64_be(key, copy);
  return key;
}

std::string end_of_part(std::uint32_t shard, shard_part part) {
  return shard_key(shard, static_cast<shard_part>(static_cast<std::uint8_t>(part) + 1));
}

std::string end_of_shard(std::uint32_t shard) {
  return shard_key(shard, static_cast<shard_part>(0xff));
}

std::optional<shard_key_view> decode_shard_key(std::string_view key) {
  if (key.size() < 5) return std::nullopt;
  const shard_key_view view{get_u32_be(key.data()), static_cast<shard_part>(key[4]), key.substr(5)};
  switch (view.part) {
    case shard_part::note:
    case shard_part::applied:
    case shard_part::ahead:
      if (view.rest.empty()) return view;
      break;
    case shard_part::mark:
    case shard_part::entry:
    case shard_part::copy:
      if (view.rest.size() == 8) return view;
      break;
    case shard_part::document:
      if (!view.rest.empty()) return view;
      break;
  }
  return std::nullopt;
}

std::string encode_state(const store_state& state) {
  std::string value = begin_value();
  put_u64(value, state.commit);
  put_u64(value, state.next_id);
  put_u64(value, state.documents);
  seal(state_key, value);
  return value;
}

std::optional<store_state> decode_state(std::string_view value) {
  auto in = open_value(state_key, value);
  if (!in) return std::nullopt;
  store_state state;
  state.commit = in->u64();
  state.next_id = in->u64();
  state.documents = in->u64();
  if (!in->done()) return std::nullopt;
  return state;
}

std::string encode_info(const document_info& info) {
  std::string value = begin_value();
  put_u64(value, info.id);
  put_varint(value, info.last_seq);
  put_varint(value, info.snapshot_seq);
  put_varint(value, info.first_seq);
  put_time(value, info.created_ms);
  put_time(value, info.updated_ms);
  put_varint(value, info.log_records);
  put_varint(value, info.log_bytes);
  put_text(value, info.quarantine_reason);
  if (info.shard) put_varint(value, *info.shard);
  seal(info.name, value);
  return value;
}

std::optional<document_info> decode_info(std::string_view name, std::string_view value) {
  auto in = open_value(name, value);
  if (!in) return std::nullopt;
  document_info info;
  info.name = name;
  info.id = in->u64();
  info.last_seq = in->varint();
  info.snapshot_seq = in->varint();
  info.first_seq = in->varint();
  info.created_ms = read_time(*in);
  info.updated_ms = read_time(*in);
  info.log_records = in->varint();
  info.log_bytes = in->varint();
  info.quarantine_reason = in->text();
  if (in->size() > 0) {
    const auto shard = in->varint();
    if (shard > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
    info.shard = static_cast<std::uint32_t>(shard);
  }
  if (!in->done()) return std::nullopt;
  return info;
}

std::string encode_name(std::string_view key, std::string_view name) {
  std::string value = begin_value();
  value.append(name);
  seal(key, value);
  return value;
}

std::optional<std::string_view> decode_name(std::string_view key, std::string_view value) {
  const auto in = open_value(key, value);
  if (!in) return std::nullopt;
  return in->rest();
}

std::string encode_opaque(std::string_view key, bytes_view data) {
  return encode_name(key, as_text(data));
}

std::optional<bytes_view> decode_opaque(std::string_view key, std::string_view value) {
  const auto data = decode_name(key, value);
  if (!data) return std::nullopt;
  return as_bytes(*data);
}

std::string encode_number(std::string_view key, std::uint64_t number) {
  std::string value = begin_value();
  put_u64(value, number);
  seal(key, value);
  return value;
}

std::optional<std::uint64_t> decode_number(std::string_view key, std::string_view value) {
  auto in = open_value(key, value);
  if (!in) return std::nullopt;
  const auto number = in->u64();
  if (!in->done()) return std::nullopt;
  return number;
}

std::string encode_mark(std::string_view key, const client_mark& mark) {
  std::string value = begin_value();
  put_varint(value, mark.number);
  put_varint(value, mark.lsn);
  seal(key, value);
  return value;
}

std::optional<client_mark> decode_mark(std::string_view key, std::string_view value) {
  const auto place = decode_shard_key(key);
  auto in = open_value(key, value);
  if (!place || place->part != shard_part::mark || !in) return std::nullopt;
  client_mark mark;
  mark.client = get_u64_be(place->rest.data());
  mark.number = in->varint();
  mark.lsn = in->varint();
  if (!in->done()) return std::nullopt;
  return mark;
}

std::string encode_record(std::string_view key, std::int64_t time_ms, std::string_view user, bytes_view update) {
  std::string value;
  value.reserve(1 + 10 + 2 + user.size() + update.size() + 4);
  value.push_back(static_cast<char>(value_version));
  put_time(value, time_ms);
  put_text(value, user);
  value.append(as_text(update));
  seal(key, value);
  return value;
}

std::optional<record_view> decode_record(std::string_view key, std::string_view value) {
  if (key.size() != 16) return std::nullopt;
  auto in = open_value(key, value);
  if (!in) return std::nullopt;
  record_view record;
  record.seq = get_u64_be(key.data() + 8);
  record.time_ms = read_time(*in);
  record.user = in->text();
  if (!in->ok()) return std::nullopt;
  record.update = as_bytes(in->rest());
  return record;
}

std::string encode_snapshot_header(std::string_view key, const snapshot_header& header) {
  std::string value = begin_value();
  put_time(value, header.time_ms);
  put_varint(value, header.state_bytes);
  put_varint(value, header.pieces);
  put_u32(value, header.state_crc);
  seal(key, value);
  return value;
}

std::optional<snapshot_header> decode_snapshot_header(std::string_view key, std::string_view value) {
  auto in = open_value(key, value);
  if (!in) return std::nullopt;
  snapshot_header header;
  header.time_ms = read_time(*in);
  header.state_bytes = in->varint();
  header.pieces = static_cast<std::uint32_t>(in->varint());
  header.state_crc = in->u32();
  if (!in->done() || header.state_bytes > max_snapshot_bytes) return std::nullopt;
  return header;
}

std::string encode_version(std::string_view key, const version_view& view) {
  std::string value = begin_value();
  put_varint(value, view.seq);
  put_time(value, view.state.time_ms);
  put_text(value, view.user);
  put_text(value, view.label);
  put_varint(value, view.state.state_bytes);
  put_varint(value, view.state.pieces);
  put_u32(value, view.state.state_crc);
  seal(key, value);
  return value;
}

std::optional<version_view> decode_version(std::string_view key, std::string_view value) {
  if (key.size() != 16) return std::nullopt;
  auto in = open_value(key, value);
  if (!in) return std::nullopt;
  version_view view;
  view.seq = in->varint();
  view.state.time_ms = read_time(*in);
  view.user = in->text();
  view.label = in->text();
  view.state.state_bytes = in->varint();
  view.state.pieces = static_cast<std::uint32_t>(in->varint());
  view.state.state_crc = in->u32();
  if (!in->done() || view.state.state_bytes > max_snapshot_bytes) return std::nullopt;
  return view;
}

std::string encode_quarantine(std::string_view key, const quarantine_view& view) {
  std::string value = begin_value();
  put_time(value, view.time_ms);
  put_text(value, view.user);
  put_text(value, view.reason);
  value.append(as_text(view.update));
  seal(key, value);
  return value;
}

std::optional<quarantine_view> decode_quarantine(std::string_view key, std::string_view value) {
  auto in = open_value(key, value);
  if (!in) return std::nullopt;
  quarantine_view view;
  view.time_ms = read_time(*in);
  view.user = in->text();
  view.reason = in->text();
  if (!in->ok()) return std::nullopt;
  view.update = as_bytes(in->rest());
  return view;
}

std::string_view cut_utf8(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0U) == 0x80U) --limit;
  return text.substr(0, limit);
}

bool is_valid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    std::size_t length = 1;
    std::uint32_t code = lead;
    std::uint32_t least = 0;
    if (lead >= 0x80) {
      if ((lead & 0xe0U) == 0xc0U) {
        length = 2, code = lead & 0x1fU, least = 0x80;
      } else if ((lead & 0xf0U) == 0xe0U) {
        length = 3, code = lead & 0x0fU, least = 0x800;
      } else if ((lead & 0xf8U) == 0xf0U) {
        length = 4, code = lead & 0x07U, least = 0x10000;
      } else {
        return false;
      }
      if (text.size() - i < length) return false;
      for (std::size_t k = 1; k < length; ++k) {
        const auto next = static_cast<unsigned char>(text[i + k]);
        if ((next & 0xc0U) != 0x80U) return false;
        code = (code << 6U) | (next & 0x3fU);
      }
      // Overlong forms, surrogates and numbers beyond Unicode are not UTF-8.
      if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return false;
    }
    i += length;
  }
  return true;
}

bool is_valid_label(std::string_view label) {
  return !label.empty() && label.size() <= max_label_bytes && is_valid_utf8(label);
}

bool is_valid_name(std::string_view name) {
  return !name.empty() && name.size() <= max_name_bytes && is_valid_utf8(name);
}

}  // namespace octavo::storage
