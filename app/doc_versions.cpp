#include "app/doc_versions.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "app/output.hpp"

namespace octavo::app {

namespace {

constexpr auto one_record_bytes = std::size_t{1};

/// Reads numbers and marks off the front of a text.
class text_scanner {
 public:
  explicit text_scanner(std::string_view text) : left_(text) {}

  bool at_end() const { return left_.empty(); }
  bool mark(char c) {
    if (left_.empty() || left_.front() != c) return false;
    left_.remove_prefix(1);
    return true;
  }
  bool digits(std::size_t count, int& out) {
    if (left_.size() < count) return false;
    auto end = left_.data() + count;
    if (!std::all_of(left_.data(), end, [](char c) { return c >= '0' && c <= '9'; })) return false;
    std::from_chars(left_.data(), end, out);
    left_.remove_prefix(count);
    return true;
  }
  std::size_t leading_digits() const { return std::min(left_.find_first_not_of("0123456789"), left_.size()); }

 private:
  std::string_view left_;
};

bool read_clock(text_scanner& in, std::int64_t& ms) {
  auto hour = 0;
  auto minute = 0;
  auto second = 0;
  if (!in.digits(2, hour) || !in.mark(':') || !in.digits(2, minute)) return false;
  if (hour > 23 || minute > 59) return false;
  auto fraction = 0;
  if (in.mark(':')) {
    if (!in.digits(2, second) || second > 59) return false;
    if (in.mark('.')) {
      auto count = in.leading_digits();
      if (count == 0 || count > 9 || !in.digits(count, fraction)) return false;
      for (; count < 3; ++count) fraction *= 10;
      for (; count > 3; --count) fraction /= 10;
    }
  }
  ms += ((hour * 60LL + minute) * 60 + second) * 1000 + fraction;
  if (in.mark('Z') || in.at_end()) return true;
  auto is_west = in.mark('-');
  if (!is_west && !in.mark('+')) return false;
  if (!in.digits(2, hour) || hour > 23) return false;
  minute = 0;
  if (!in.at_end() && ((in.mark(':'), false) || !in.digits(2, minute) || minute > 59)) return false;
  ms += (is_west ? 1 : -1) * (hour * 60LL + minute) * 60'000;
  return true;
}

result<storage::document_info> info_of(const storage::store& store, const std::string& name) {
  auto found = store.find(name);
  if (!found) return tl::unexpected{found.error()};
  if (!*found) return fail(errc::not_found, "there is no document " + printable_name(name));
  return std::move(**found);
}

/// The last version that was there at a time, by halves: the clock of a server goes forward, but for corrections.
result<std::uint64_t> version_at_time(const storage::store& store, const storage::document_info& info,
                                      std::int64_t time_ms) {
  auto low = info.first_seq;  // those below it are at or before the time
  auto high = info.last_seq + 1;
  while (low < high) {
    auto middle = low + (high - low) / 2;
    auto records = store.read_log(info.name, middle, 1, one_record_bytes);
    if (!records) return tl::unexpected{records.error()};
    if (!records->empty() && records->front().time_ms <= time_ms)
      low = middle + 1;
    else
      high = middle;
  }
  if (low != info.first_seq || (info.first_seq > info.last_seq && time_ms >= info.updated_ms)) return low - 1;
  if (info.first_seq == 1)
    return fail(errc::not_found, "there was no document " + printable_name(info.name) + " at " + human_time(time_ms) +
                                     " UTC: its first edit came at " + human_time(info.created_ms));
  return fail(errc::not_found, "what " + printable_name(info.name) + " was at " + human_time(time_ms) +
                                   " UTC is gone: the log is kept from " + std::to_string(info.first_seq) +
                                   " on; raise the retention, or name the versions that are to stay");
}

}  // namespace

std::optional<std::int64_t> parse_time_ms(std::string_view text) {
  auto in = text_scanner{text};
  auto year = 0;
  auto month = 0;
  auto day = 0;
  if (!in.digits(4, year) || !in.mark('-') || !in.digits(2, month) || !in.mark('-') || !in.digits(2, day))
    return std::nullopt;
  auto date = std::chrono::year{year} / month / day;
  if (!date.ok()) return std::nullopt;
  auto ms = std::int64_t{std::chrono::sys_days{date}.time_since_epoch().count()} * 86'400'000;
  if (in.at_end()) return ms;
  if (!in.mark('T') && !in.mark(' ')) return std::nullopt;
  if (!read_clock(in, ms) || !in.at_end()) return std::nullopt;
  return ms;
}

result<std::uint64_t> find_version(const storage::store& store, const std::string& name, const std::string& text) {
  auto info = info_of(store, name);
  if (!info) return tl::unexpected{info.error()};
  if (!text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) {
    auto seq = std::uint64_t{0};
    auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seq);
    if (problem == std::errc{} && seq <= info->last_seq) return seq;
    return fail(errc::not_found, printable_name(name) + " has no version " + text + " yet: its last one is " +
                                     std::to_string(info->last_seq));
  }
  auto versions = store.list_versions(name);
  if (!versions) return tl::unexpected{versions.error()};
  for (const auto& each : *versions)
    if (each.label == text) return each.seq;
  if (auto time_ms = parse_time_ms(text)) return version_at_time(store, *info, *time_ms);
  return fail(errc::not_found, printable_name(name) + " has no version " + printable_name(text) +
                                   ": say a number up to " + std::to_string(info->last_seq) +
                                   ", a label (octavo doc version NAME list), or a time such as 2026-11-26T09:30");
}

}  // namespace octavo::app
