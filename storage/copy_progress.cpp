#include "storage/copy_progress.hpp"

#include <algorithm>

#include "storage/codec.hpp"

namespace octavo::storage {

namespace {

tl::unexpected<error> refuse_part(const std::string& why) {
  return fail(errc::invalid_argument, "a part of a copy is refused: " + why);
}

tl::unexpected<error> refuse_copy(const std::string& why) {
  return fail(errc::invalid_argument, "a copy is refused: " + why);
}

}  // namespace

result<copy_progress::piece_place> copy_progress::take(const document_part& part) {
  if (state_ && part.kind != state_->first.kind) return refuse_part("the state before it is not whole");
  if (part.kind < kind_) return refuse_part("it comes behind parts of a later kind");
  if (part.user.size() > max_user_bytes) return refuse_part("its user is too long");
  kind_ = part.kind;
  result<void> taken;
  switch (part.kind) {
    case part_kind::snapshot:
    case part_kind::version:
      return take_state(part);
    case part_kind::record:
      taken = take_record(part);
      break;
    case part_kind::quarantined:
      taken = take_quarantined(part);
      break;
    default:
      taken = refuse_part("it is of no known kind");
  }
  if (!taken) return tl::unexpected(taken.error());
  return piece_place{};
}

result<void> copy_progress::begin_state(const document_part& part) {
  if (part.state_bytes > max_snapshot_bytes) return refuse_part("its state is larger than max_snapshot_bytes");
  if (part.seq >= version_pieces) return refuse_part("no update has the number of its state");
  if (part.kind == part_kind::snapshot) {
    if (part.seq <= last_snapshot_) return refuse_part("its snapshot is not newer than the one before");
    if (snapshots_ >= max_kept_snapshots) return refuse_part("there are more than max_kept_snapshots");
    ++snapshots_;
    if (first_snapshot_ == 0) first_snapshot_ = part.seq;
    last_snapshot_ = part.seq;
  } else {
    if (!is_valid_label(part.text)) return refuse_part("its label is none that a version may have");
    if (labels_.size() >= max_named_versions) return refuse_part("there are more than max_named_versions");
    if (!labels_.insert(part.text).second) return refuse_part("another version has its label");
    newest_version_ = std::max(newest_version_, part.seq);
  }
  state_ = open_state{{part.kind, part.seq, part.time_ms, part.user, part.text, part.state_bytes, 0, {}}};
  return {};
}

result<copy_progress::piece_place> copy_progress::take_state(const document_part& part) {
  if (!state_) {
    if (auto begun = begin_state(part); !begun) return tl::unexpected(begun.error());
  }
  auto& state = *state_;
  const auto& first = state.first;
  if (part.seq != first.seq || part.time_ms != first.time_ms || part.user != first.user || part.text != first.text ||
      part.state_bytes != first.state_bytes) {
    return refuse_part("the state before it is not whole");
  }
  const auto length = std::min<std::uint64_t>(snapshot_chunk_bytes, first.state_bytes - state.offset);
  if (part.offset != state.offset || part.data.size() != length) {
    return refuse_part("it is not the next piece of its state");
  }
  piece_place place;
  place.place = part.kind == part_kind::snapshot ? part.seq : version_pieces | labels_.size();
  place.number = static_cast<std::uint32_t>(part.offset / snapshot_chunk_bytes);
  state.crc = crc32c(as_text(part.data), state.crc);
  state.offset += length;
  if (state.offset < first.state_bytes) return place;
  auto& header = place.whole.emplace();
  header.time_ms = part.time_ms;
  header.state_bytes = part.state_bytes;
  header.pieces = part.state_bytes == 0 ? 0 : place.number + 1;
  header.state_crc = state.crc;
  state_.reset();
  return place;
}

result<void> copy_progress::take_record(const document_part& part) {
  if (part.seq == 0 || (last_record_ != 0 && part.seq != last_record_ + 1)) {
    return refuse_part("update " + std::to_string(part.seq) + " does not follow the one before, " +
                       std::to_string(last_record_));
  }
  if (first_record_ == 0) first_record_ = part.seq;
  last_record_ = part.seq;
  if (part.seq > last_snapshot_) {
    ++log_records_;
    log_bytes_ += part.data.size();
  }
  return {};
}

result<void> copy_progress::take_quarantined(const document_part& part) {
  if (part.seq <= last_quarantined_) return refuse_part("its number in the quarantine is not greater than the last");
  if (part.text.size() > max_reason_bytes) return refuse_part("its reason is too long");
  if (part.data.size() > max_quarantined_bytes) return refuse_part("it is larger than max_quarantined_bytes");
  if (quarantined_ >= max_quarantined_updates) return refuse_part("there are more than max_quarantined_updates");
  ++quarantined_;
  last_quarantined_ = part.seq;
  return {};
}

result<document_info> copy_progress::finish(const document_copy& what) const {
  if (!is_valid_name(what.name)) return refuse_copy("its name is none that a document may have");
  if (state_) return refuse_copy("its last state is not whole");
  const auto first = what.first_seq;
  const auto last = what.last_seq;
  // Without records it ends where it begins.
  const bool is_whole = first_record_ == 0 ? first == last + 1 : first_record_ == first && last_record_ == last;
  if (first == 0 || !is_whole) {
    return refuse_copy("it should hold the updates from " + std::to_string(first) + " to " + std::to_string(last) +
                       ", and holds those from " + std::to_string(first_record_) + " to " +
                       std::to_string(last_record_));
  }
  if (snapshots_ > 0 && first_snapshot_ + 1 < first) return refuse_copy("a snapshot lies before its log");
  if (first > 1 && first_snapshot_ + 1 != first) return refuse_copy("its log begins behind no snapshot");
  if (last_snapshot_ > last || newest_version_ > last) {
    return refuse_copy("it has a state of an update that is not there");
  }
  document_info info;
  info.name = what.name;
  info.last_seq = last;
  info.snapshot_seq = last_snapshot_;
  info.first_seq = first;
  info.created_ms = what.created_ms;
  info.updated_ms = what.updated_ms;
  info.log_records = log_records_;
  info.log_bytes = log_bytes_;
  info.quarantine_reason = cut_utf8(what.quarantine_reason, max_reason_bytes);
  return info;
}

}  // namespace octavo::storage
