#include "storage/commit_entry.hpp"

#include <algorithm>
#include <cstring>

#include "storage/codec.hpp"

namespace octavo::storage {

namespace {

// Salt, checksum, length of what follows it; then batch_bytes, longest_zeros and the rest.
constexpr std::size_t checksum_offset = salt_bytes;
constexpr std::size_t length_offset = checksum_offset + 4;
constexpr std::size_t body_offset = length_offset + 4;
constexpr std::size_t batch_bytes_offset = body_offset;
constexpr std::size_t longest_zeros_offset = batch_bytes_offset + 4;

constexpr std::uint8_t flag_head = 1;
constexpr std::uint8_t flag_synced = 2;
constexpr std::uint8_t flag_sync_always = 4;
constexpr std::uint8_t flag_window = 8;

// RocksDB's WriteBatch begins with a sequence number (8) and a count (4); a log-data element is its tag and a text.
constexpr std::size_t batch_header_bytes = 12;
constexpr char log_data_tag = 3;

void put_touched(std::string& out, const std::vector<touched>& list) {
  put_varint(out, list.size());
  for (const auto& item : list) {
    put_varint(out, item.id);
    put_varint(out, (item.seq << 2U) | static_cast<std::uint64_t>(item.kind));
    if (item.kind == touch_kind::created) put_text(out, item.name);
  }
}

bool read_touched(byte_reader& in, std::vector<touched>& list) {
  const auto count = in.varint();
  // Each takes two bytes at least, so that a count beyond this is a lie.
  if (!in.ok() || count > in.size() / 2) return false;
  list.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    touched item;
    item.id = in.varint();
    const auto coded = in.varint();
    item.kind = static_cast<touch_kind>(coded & 3U);
    item.seq = coded >> 2U;
    if (item.kind == touch_kind::created) item.name = in.text();
    if (!in.ok()) return false;
    list.push_back(std::move(item));
  }
  return true;
}

}  // namespace

std::uint32_t longest_zeros(std::string_view batch) {
  std::size_t longest = 0;
  // A run that is as long as a sector holds every so manieth byte at least once.
  for (std::size_t at = 0; at < batch.size();) {
    if (batch[at] != 0) {
      at += sector_bytes;
      continue;
    }
    const auto before = batch.find_last_not_of('\0', at);
    const auto begin = before == std::string_view::npos ? 0 : before + 1;
    const auto end = std::min(batch.find_first_not_of('\0', at), batch.size());
    if (end - begin >= sector_bytes) longest = std::max(longest, end - begin);
    at = end + sector_bytes - 1;
  }
  return static_cast<std::uint32_t>(longest);
}

std::string encode_entry(const commit_entry& entry, std::string_view salt) {
  std::string out(salt.substr(0, salt_bytes));
  out.append(body_offset - out.size(), '\0');
  put_u32(out, entry.batch_bytes);
  put_u32(out, entry.longest_zeros);
  out.push_back(static_cast<char>((entry.is_head ? flag_head : 0) | (entry.synced ? flag_synced : 0) |
                                  (entry.sync_always ? flag_sync_always : 0) |
                                  (entry.window.empty() ? 0 : flag_window)));
  put_varint(out, entry.commit);
  put_varint(out, entry.commit - entry.previous);
  put_varint(out, entry.commit - entry.synced_through);
  put_varint(out, entry.commit - entry.window_first);
  put_touched(out, entry.own);
  if (!entry.window.empty()) put_touched(out, entry.window);
  const auto length = static_cast<std::uint32_t>(out.size() - body_offset);
  std::memcpy(out.data() + length_offset, &length, 4);
  set_totals(out.data(), out.size(), entry.batch_bytes, entry.longest_zeros);
  return out;
}

void set_totals(char* entry, std::size_t size, std::uint32_t batch_bytes, std::uint32_t longest_zeros) {
  std::memcpy(entry + batch_bytes_offset, &batch_bytes, 4);
  std::memcpy(entry + longest_zeros_offset, &longest_zeros, 4);
  const auto crc = crc32c({entry + length_offset, size - length_offset});
  std::memcpy(entry + checksum_offset, &crc, 4);
}

std::optional<commit_entry> decode_entry(std::string_view data, std::string_view salt) {
  if (data.size() < body_offset || data.substr(0, salt_bytes) != salt) return std::nullopt;
  const std::size_t length = get_u32(data.data() + length_offset);
  if (length > data.size() - body_offset) return std::nullopt;
  if (crc32c(data.substr(length_offset, 4 + length)) != get_u32(data.data() + checksum_offset)) return std::nullopt;
  byte_reader in(data.substr(body_offset, length));
  commit_entry entry;
  entry.batch_bytes = in.u32();
  entry.longest_zeros = in.u32();
  const auto flags = in.u8();
  entry.is_head = (flags & flag_head) != 0;
  entry.synced = (flags & flag_synced) != 0;
  entry.sync_always = (flags & flag_sync_always) != 0;
  entry.commit = in.varint();
  entry.previous = entry.commit - in.varint();
  entry.synced_through = entry.commit - in.varint();
  entry.window_first = entry.commit - in.varint();
  if (!read_touched(in, entry.own)) return std::nullopt;
  if ((flags & flag_window) != 0 && !read_touched(in, entry.window)) return std::nullopt;
  if (!in.done() || entry.previous >= entry.commit) return std::nullopt;
  return entry;
}

std::vector<found_entry> find_entries(std::string_view data, std::string_view salt) {
  std::vector<found_entry> found;
  for (auto at = data.find(salt); at != std::string_view::npos; at = data.find(salt, at + 1)) {
    if (auto entry = decode_entry(data.substr(at), salt)) found.push_back({at, std::move(*entry)});
  }
  return found;
}

std::optional<commit_entry> entry_of_batch(std::string_view batch, std::string_view salt) {
  if (batch.size() <= batch_header_bytes || batch[batch_header_bytes] != log_data_tag) return std::nullopt;
  byte_reader in(batch.substr(batch_header_bytes + 1));
  const auto blob = in.text();
  if (!in.ok()) return std::nullopt;
  auto entry = decode_entry(blob, salt);
  if (!entry || !entry->is_head || entry->batch_bytes != batch.size()) return std::nullopt;
  return entry;
}

std::size_t head_offset(std::size_t size) {
  std::string length;
  put_varint(length, size);
  return batch_header_bytes + 1 + length.size();
}

}  // namespace octavo::storage
