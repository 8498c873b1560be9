#include "storage/wal_scan.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "storage/codec.hpp"

namespace octavo::storage {

namespace {

constexpr std::size_t block_bytes = 32768;
constexpr std::size_t header_bytes = 7;

// The record types of RocksDB's log format that our options can produce.
enum fragment_type : std::uint8_t { full = 1, first = 2, middle = 3, last = 4 };

struct fragment {
  fragment_type type = full;
  std::string_view payload;
};

bool is_zero(std::string_view data) {
  return std::all_of(data.begin(), data.end(), [](char byte) { return byte == 0; });
}

// RocksDB stores its checksums "masked", since checksums of checksums are weak.
std::uint32_t unmask(std::uint32_t masked) {
  const std::uint32_t rotated = masked - 0xa282ead8U;
  return (rotated >> 17U) | (rotated << 15U);
}

// Reads the one file whose bytes it is given.
class file_scanner {
 public:
  file_scanner(const salvaged_file& from, std::string_view salt, std::size_t file, bool keep, wal_scan& out)
      : data_(from.data), unreadable_(from.unreadable), salt_(salt), file_(file), keep_(keep), out_(out) {}

  void run() {
    std::size_t at = 0;
    while (at < data_.size()) {
      const std::size_t block_end = std::min(data_.size(), (at / block_bytes + 1) * block_bytes);
      if (is_padding(at, block_end)) {
        at = block_end;
        continue;
      }
      if (const auto found = parse(at, block_end)) {
        take(at, *found);
        at += header_bytes + found->payload.size();
        continue;
      }
      open_damage(in_record_ ? record_at_ : at, bad_what(at, block_end));
      in_record_ = false;
      at = next_record(at + 1);
    }
    if (in_record_) {
      // The file ends inside a logical record, on a fragment's boundary.
      drop_partial();
    }
    close_damage(data_.size());
  }

 private:
  // The rest of a block that is too short for a header is zeroed by the writer; zeros up to the file's end may come
  // from a file system that grew the file ahead of its data.
  bool is_padding(std::size_t at, std::size_t block_end) const {
    if (block_end - at < header_bytes && block_end % block_bytes == 0) return is_zero(data_.substr(at, block_end - at));
    if (data_[at] != 0) return false;
    if (!zero_tail_) {
      const auto used = data_.find_last_not_of('\0');
      zero_tail_ = used == std::string_view::npos ? 0 : used + 1;
    }
    return at >= *zero_tail_;
  }

  std::optional<fragment> parse(std::size_t at, std::size_t block_end) const {
    if (block_end - at < header_bytes) return std::nullopt;
    const char* header = data_.data() + at;
    const auto type = static_cast<std::uint8_t>(header[6]);
    if (type < full || type > last) return std::nullopt;
    const std::size_t length =
        static_cast<unsigned char>(header[4]) | (static_cast<std::size_t>(static_cast<unsigned char>(header[5])) << 8U);
    if (length > block_end - at - header_bytes) return std::nullopt;
    if (crc32c({header + 6, 1 + length}) != unmask(get_u32(header))) return std::nullopt;
    return fragment{static_cast<fragment_type>(type), {header + header_bytes, length}};
  }

  // After damage: the next offset with a record whose checksum holds. A record of one commit must be the first of its
  // kind, but it may be any fragment here; take() sorts that out.
  std::size_t next_record(std::size_t at) const {
    for (; at < data_.size(); ++at) {
      const std::size_t block_end = std::min(data_.size(), (at / block_bytes + 1) * block_bytes);
      if (parse(at, block_end) || is_padding(at, block_end)) return at;
    }
    return data_.size();
  }

  std::string bad_what(std::size_t at, std::size_t block_end) const {
    if (block_end - at < header_bytes) return "truncated header";
    const auto type = static_cast<std::uint8_t>(data_[at + 6]);
    const std::size_t length = static_cast<unsigned char>(data_[at + 4]) |
                               (static_cast<std::size_t>(static_cast<unsigned char>(data_[at + 5])) << 8U);
    if (type < full || type > last) return "unknown record type " + std::to_string(type);
    if (length > block_end - at - header_bytes) {
      return block_end == data_.size() ? "truncated record" : "bad record length";
    }
    return "checksum mismatch";
  }

  void take(std::size_t at, const fragment& found) {
    if (found.type == full || found.type == first) {
      drop_partial();
      record_at_ = at;
      partial_.clear();
    } else if (!in_record_) {
      open_damage(at, "a fragment without its beginning");
      return;
    }
    in_record_ = found.type == first || found.type == middle;
    std::string_view batch = found.payload;
    if (found.type != full) {
      partial_.append(found.payload);
      batch = partial_;
    }
    if (in_record_) return;
    auto entry = entry_of_batch(batch, salt_);
    if (!entry) {
      open_damage(record_at_, "a batch without a commit entry");
      return;
    }
    close_damage(record_at_);
    scanned_commit commit{file_, record_at_, std::move(*entry), {}};
    if (keep_) {
      commit.batch = batch;
    } else {
      commit.entry.own.clear();
      commit.entry.window.clear();
    }
    out_.commits.push_back(std::move(commit));
  }

  void drop_partial() {
    if (!in_record_) return;
    in_record_ = false;
    open_damage(record_at_, "a record without its end");
  }

  void open_damage(std::size_t at, std::string what) {
    if (damage_) return;
    damage_ = wal_damage{file_, at, at, std::move(what), false, {}};
  }

  void close_damage(std::size_t end) {
    if (!damage_) return;
    damage_->end = end;
    std::size_t explained = damage_->offset;
    std::size_t own_zeros = 0;
    for (auto& found : find_entries(data_.substr(damage_->offset, end - damage_->offset), salt_)) {
      const auto batch_end = end_of_batch(damage_->offset + found.offset, found.entry);
      if (batch_end > data_.size()) continue;
      explained = std::max(explained, batch_end);
      own_zeros = std::max<std::size_t>(own_zeros, found.entry.longest_zeros);
      damage_->entries.push_back(std::move(found.entry));
    }
    // A batch whose bytes are all there was not cut short; only a sector that was never written speaks for a tear then,
    // and no zeros that the batch holds itself do.
    const bool ends_torn = end == data_.size() && explained < end && ends_early(explained);
    damage_->looks_torn = begins_in_zeros(end) || ends_in_zeros(end) || has_zeros(damage_->offset, end, own_zeros) ||
                          (damage_->entries.empty() && ends_torn);
    damage_->ends_unexplained = explained < end && !ends_torn && !has_zeros(explained, end, 0);
    blame_disk(explained);
    out_.damages.push_back(std::move(*damage_));
    damage_.reset();
  }

  // What the disk does not give is no interrupted write, whatever the bytes around it look like.
  void blame_disk(std::size_t explained) {
    std::vector<byte_range> inside;
    for (const auto& range : unreadable_) {
      if (range.begin < damage_->end && range.end > damage_->offset) inside.push_back(range);
    }
    if (inside.empty()) return;
    damage_->what = describe(inside);
    damage_->looks_torn = false;
    if (inside.back().end > explained) damage_->ends_unexplained = true;
  }

  // Where the batch that this entry heads or ends itself ends, or would end.
  std::size_t end_of_batch(std::size_t entry_at, const commit_entry& entry) const {
    const auto size = encode_entry(entry, salt_).size();
    if (!entry.is_head) return entry_at + size;
    std::size_t left = entry.batch_bytes;
    std::size_t at = entry_at - std::min(entry_at, head_offset(size));
    while (true) {
      const auto taken = std::min(left, block_bytes - at % block_bytes);
      at += taken;
      left -= taken;
      if (left == 0) return at;
      at += header_bytes;
    }
  }

  // Whether there is, from here on, a record that would reach beyond the file's end, or a fragment whose successor is
  // missing.
  bool ends_early(std::size_t at) const {
    while (at < data_.size()) {
      const std::size_t block_end = std::min(data_.size(), (at / block_bytes + 1) * block_bytes);
      if (block_end - at < header_bytes) {
        if (block_end == data_.size()) return true;
        at = block_end;
        continue;
      }
      const auto found = parse(at, block_end);
      if (!found) return block_end == data_.size() && is_cut_record(at, block_end);
      if (found->type == full || found->type == last) return false;
      at += header_bytes + found->payload.size();
    }
    return true;
  }

  // Whether this is the beginning of a record as the writer makes it, and the file ends before the record does. Were
  // any garbage taken for that, a destroyed record would pass for a torn one.
  bool is_cut_record(std::size_t at, std::size_t block_end) const {
    const auto type = static_cast<std::uint8_t>(data_[at + 6]);
    const std::size_t length = static_cast<unsigned char>(data_[at + 4]) |
                               (static_cast<std::size_t>(static_cast<unsigned char>(data_[at + 5])) << 8U);
    if (type < full || type > last || length <= block_end - at - header_bytes) return false;
    if (length > block_bytes - at % block_bytes - header_bytes) return false;
    if (type == middle || type == last) return true;
    // A batch begins with 12 bytes of RocksDB's, a tag, a length of up to 3 bytes, and our salt.
    const auto payload = data_.substr(at + header_bytes, block_end - at - header_bytes);
    constexpr std::size_t salted_bytes = 12 + 1 + 3 + salt_bytes;
    return payload.size() < salted_bytes || payload.substr(0, salted_bytes).find(salt_) != std::string_view::npos;
  }

  // A sector that was begun before the record was holds zeros from there on when it was not written again. A record
  // begins with a checksum, a length and a type, and the type is none.
  bool begins_in_zeros(std::size_t end) const {
    const auto begin = damage_->offset;
    return is_zero(data_.substr(begin, std::min(end, (begin / sector_bytes + 1) * sector_bytes) - begin));
  }

  // A batch ends in a commit entry, and that does not end in zeros like these.
  bool ends_in_zeros(std::size_t end) const {
    constexpr std::size_t enough = 16;
    const auto last_sector = (end - 1) % sector_bytes + 1;
    const auto size = end == data_.size() ? std::min(enough, last_sector) : enough;
    return end - damage_->offset >= size && is_zero(data_.substr(end - size, size));
  }

  // Sectors and pages reach the disk in any order, and one that did not reads as zeros: more of them than stand in the
  // batches themselves, beside which a record's header may begin with some.
  bool has_zeros(std::size_t begin, std::size_t end, std::size_t own) const {
    for (auto at = (begin + sector_bytes - 1) / sector_bytes * sector_bytes; at + sector_bytes <= end;) {
      const auto used = data_.find_first_not_of('\0', at);
      const auto zeros_end = std::min(used, end);
      if (zeros_end - at >= sector_bytes) {
        const auto before = data_.find_last_not_of('\0', at);
        const auto zeros_begin = std::max(begin, before == std::string_view::npos ? 0 : before + 1);
        if (own == 0 || zeros_end - zeros_begin >= own + header_bytes) return true;
      }
      at = (zeros_end / sector_bytes + 1) * sector_bytes;
    }
    return false;
  }

  std::string_view data_;
  const std::vector<byte_range>& unreadable_;
  std::string_view salt_;
  std::size_t file_;
  bool keep_;
  wal_scan& out_;
  mutable std::optional<std::size_t> zero_tail_;
  bool in_record_ = false;
  std::size_t record_at_ = 0;
  std::string partial_;
  std::optional<wal_damage> damage_;
};

wal_state judge(const wal_scan& scan) {
  std::uint64_t newest = 0;
  for (std::size_t i = 0; i < scan.commits.size(); ++i) {
    const auto& entry = scan.commits[i].entry;
    // The first may follow commits that live in tables; each other one follows its predecessor, or repeats a number
    // whose first holder was torn.
    if (i > 0 && entry.previous > newest) return wal_state::needs_recovery;
    newest = entry.commit;
  }
  if (scan.damages.empty()) return wal_state::clean;
  // One torn stretch behind everything that can be read, and reaching to its file's end, is what a crash leaves.
  if (scan.damages.size() > 1) return wal_state::needs_recovery;
  const auto& damage = scan.damages.front();
  if (!damage.looks_torn) return wal_state::needs_recovery;
  // Without a readable commit it is the tables that tell what is missing, if anything is.
  if (!scan.commits.empty() && proves_loss(damage, newest)) return wal_state::needs_recovery;
  if (!scan.commits.empty()) {
    const auto& end = scan.commits.back();
    if (end.file > damage.file || (end.file == damage.file && end.offset > damage.offset)) {
      return wal_state::needs_recovery;
    }
  }
  return wal_state::torn_tail;
}

}  // namespace

result<std::vector<std::filesystem::path>> wal_files(const std::filesystem::path& folder) {
  std::vector<std::pair<std::uint64_t, std::filesystem::path>> numbered;
  std::error_code problem;
  for (auto it = std::filesystem::directory_iterator(folder, problem);
       !problem && it != std::filesystem::directory_iterator(); it.increment(problem)) {
    const auto name = it->path().filename().string();
    if (!name.ends_with(".log")) continue;
    std::uint64_t number = 0;
    const auto* end = name.data() + name.size() - 4;
    if (std::from_chars(name.data(), end, number).ptr == end) numbered.emplace_back(number, it->path());
  }
  if (problem) return fail(errc::io_error, "cannot list " + folder.string() + ": " + problem.message());
  std::sort(numbered.begin(), numbered.end());
  std::vector<std::filesystem::path> files;
  files.reserve(numbered.size());
  for (auto& [number, path] : numbered) files.push_back(std::move(path));
  return files;
}

result<wal_scan> scan_wal(const std::filesystem::path& folder, std::string_view salt, bool keep,
                          const read_at_function& read_at) {
  wal_scan scan;
  auto files = wal_files(folder);
  if (!files) return tl::unexpected(files.error());
  const auto filled_in = read_unreadable_file(folder);
  if (!filled_in) return tl::unexpected(filled_in.error());
  scan.files = std::move(*files);
  for (std::size_t i = 0; i < scan.files.size(); ++i) {
    auto file = salvage_file(scan.files[i], read_at);
    if (!file) return tl::unexpected(file.error());
    for (const auto& part : *filled_in) {
      if (part.file == scan.files[i].filename().string()) file->unreadable.push_back(part.range);
    }
    file_scanner(*file, salt, i, keep, scan).run();
  }
  scan.state = judge(scan);
  return scan;
}

bool proves_loss(const wal_damage& damage, std::uint64_t newest) {
  // That a commit was to be synced proves nothing of those before it, as it may be the one that was interrupted.
  return std::any_of(damage.entries.begin(), damage.entries.end(),
                     [&](const commit_entry& entry) { return entry.synced_through > newest; });
}

std::string describe(const wal_scan& scan, const wal_damage& damage) {
  return scan.files[damage.file].filename().string() + ", offset " + std::to_string(damage.offset) + ": " + damage.what;
}

}  // namespace octavo::storage
