#include "actors/log_entries.hpp"

#include <algorithm>

#include "crdt/update.hpp"

namespace octavo::actors {

namespace {

// A page of the log.
constexpr auto page_records = std::size_t{1000};
constexpr auto page_bytes = std::size_t{4} << 20U;

}  // namespace

result<update_size> measure_update(bytes_view update) {
  auto decoded = crdt::decoded_update{};
  // It was within the limits when it was taken.
  if (auto done = crdt::decode_update_v1(update, decoded, crdt::no_limits); !done)
    return fail(errc::malformed, to_string(done.error()));
  auto size = update_size{};
  for (const auto& each : decoded.structs()) {
    switch (each.kind) {
      case crdt::content_kind::gc:
      case crdt::content_kind::deleted:
      case crdt::content_kind::format:
        break;
      case crdt::content_kind::string:
        size.characters += each.length;
        break;
      default:
        size.values += each.length;
    }
  }
  for (const auto& each : decoded.deletes()) size.deleted += each.length;
  return size;
}

void log_grouper::add(std::uint64_t seq, std::int64_t time_ms, std::string_view user, const update_size& size) {
  close_quiet(time_ms);
  auto found = std::ranges::find_if(open_, [user](const log_entry& each) { return each.user == user; });
  auto entry = log_entry{};
  if (found != open_.end()) {
    entry = std::move(*found);
    open_.erase(found);
  } else {
    if (open_.size() >= max_open_entries) {
      sink_(open_.front());
      open_.erase(open_.begin());
    }
    entry.user = user;
    entry.first_seq = seq;
    entry.first_ms = time_ms;
  }
  entry.last_seq = seq;
  entry.last_ms = time_ms;
  ++entry.edits;
  entry.characters_inserted += size.characters;
  entry.values_inserted += size.values;
  entry.units_deleted += size.deleted;
  open_.push_back(std::move(entry));
}

// The quiet ones are in front, but for corrections of the clock, which may keep some open longer.
void log_grouper::close_quiet(std::int64_t time_ms) {
  auto end = open_.begin();
  for (; end != open_.end() && end->last_ms + gap_ms_ < time_ms; ++end) sink_(*end);
  open_.erase(open_.begin(), end);
}

void log_grouper::finish() {
  for (const auto& each : open_) sink_(each);
  open_.clear();
}

result<void> list_entries(const storage::store& store, std::string_view name, std::uint64_t from, std::uint64_t to,
                          std::int64_t gap_ms, const log_grouper::sink& sink) {
  auto grouper = log_grouper{gap_ms, sink};
  while (from <= to) {
    auto records = store.read_log(name, from, page_records, page_bytes);
    if (!records) return tl::unexpected{records.error()};
    if (records->empty()) break;
    for (const auto& each : *records) {
      if (each.seq > to) break;
      auto size = measure_update(each.update);
      if (!size)
        return fail(errc::corrupt,
                    "the update at seq " + std::to_string(each.seq) + " cannot be read: " + size.error().message);
      grouper.add(each.seq, each.time_ms, each.user, *size);
    }
    from = records->back().seq + 1;
  }
  grouper.finish();
  return {};
}

}  // namespace octavo::actors
