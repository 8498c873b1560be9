#include "crdt/history.hpp"

#include <algorithm>
#include <queue>

#include "crdt/internal/history.hpp"
#include "crdt/update.hpp"

namespace octavo::crdt {

std::string_view to_string(history_errc code) {
  switch (code) {
    case history_errc::undecodable:
      return "an update of the log cannot be read";
    case history_errc::refused_update:
      return "an update of the log cannot be applied";
    case history_errc::out_of_order:
      return "an update of the log is out of order";
    case history_errc::too_many_edits:
      return "there are more edits than can be remembered; begin with a later state";
    case history_errc::before_first:
      return "the version is older than what the history begins with";
    case history_errc::after_last:
      return "there is no such version yet";
    case history_errc::client_in_use:
      return "the client id of the restoring edit is in use; choose another one";
    case history_errc::too_large:
      return "what would have to be restored is too large for one edit";
  }
  return "unknown error";
}

std::string to_string(const history_error& error) {
  std::string text(to_string(error.code));
  if (error.decode) text += ": " + to_string(*error.decode);
  if (error.apply) text += ": " + std::string(to_string(*error.apply));
  return text;
}

namespace internal {

void client_marks::insert(std::uint32_t end, std::uint32_t shown, std::uint32_t author) {
  if (!inserts_.empty() && inserts_.back().shown == shown && inserts_.back().author == author) {
    inserts_.back().end = end;
  } else {
    inserts_.push_back({end, shown, author});
  }
}

void client_marks::erase(std::uint32_t clock, std::uint32_t end, std::uint32_t edit) {
  if (!deletes_.empty() && deletes_.back().edit == edit && deletes_.back().end == clock) {
    deletes_.back().end = end;
    return;
  }
  if (!deletes_.empty() && deletes_.back().end > clock) sorted_ = false;
  deletes_.push_back({clock, end, edit});
}

void client_marks::sort() {
  if (sorted_) return;
  std::sort(deletes_.begin(), deletes_.end(),
            [](const delete_mark& left, const delete_mark& right) { return left.clock < right.clock; });
  sorted_ = true;
}

std::uint32_t client_marks::clock_at(std::uint32_t edit) const {
  const auto after = std::partition_point(inserts_.begin(), inserts_.end(),
                                          [edit](const insert_mark& each) { return each.shown <= edit; });
  return after == inserts_.begin() ? 0 : std::prev(after)->end;
}

void client_marks::deletes_at(std::uint32_t edit, std::uint64_t client, std::vector<delete_set::range>& out) const {
  for (const auto& each : deletes_)
    if (each.edit <= edit) out.push_back({client, each.clock, each.end - each.clock});
}

history_data::history_data(std::uint64_t first_version, const history_options& options)
    : content([&] {
        document_options kept = options.document;
        kept.gc = false;
        return kept;
      }()),
      edits{{first_version, 0, 0}},
      users{""},
      options_(options) {
  user_index_.emplace("", 0);
}

result<void, history_error> history_data::load(bytes_view state) {
  if (edits.size() != 1) return history_error{history_errc::out_of_order, {}, {}};
  decoded_update decoded;
  if (auto done = decode_update_v1(state, decoded, no_limits); !done)
    return history_error{history_errc::undecodable, done.error(), {}};
  auto& engine = document_access::of(content);
  const auto applied = engine.apply(decoded, engine::source::stored);
  if (!applied) return history_error{history_errc::refused_update, {}, applied.error()};
  if (applied->pending_structs != 0) note_waiting(decoded, 0);
  first_marked_ = false;
  return {};
}

client_marks& history_data::marks(std::uint32_t client) const {
  if (marks_.size() <= client) marks_.resize(std::size_t{client} + 1);
  return marks_[client];
}

// What was there before the first edit is looked at once, when it is complete.
void history_data::mark_first() const {
  if (first_marked_) return;
  first_marked_ = true;
  marks_.clear();
  const auto& store = data();
  for (std::uint32_t client = 0; client < store.client_count(); ++client) {
    const auto& log = store.log(client);
    auto& of = marks(client);
    if (log.empty()) continue;
    of.insert(log.end(), 0, 0);
    for (auto place = log.first(); place != log.stop(); place = log.next(place)) {
      const auto entry = log.at(place);
      if (entry.item == collected || store.at(entry.item).deleted) of.erase(entry.clock, log.end_of(place), 0);
    }
  }
}

std::uint32_t history_data::intern_user(std::string_view user) {
  const auto [at, is_new] = user_index_.try_emplace(std::string(user), static_cast<std::uint32_t>(users.size()));
  if (is_new) users.emplace_back(user);
  return at->second;
}

result<apply_report, history_error> history_data::apply(bytes_view update, const logged_edit& by) {
  if (by.seq <= edits.back().seq) return history_error{history_errc::out_of_order, {}, {}};
  if (edits.size() > options_.max_edits) return history_error{history_errc::too_many_edits, {}, {}};
  decoded_update decoded;
  if (auto done = decode_update_v1(update, decoded, no_limits); !done)
    return history_error{history_errc::undecodable, done.error(), {}};
  mark_first();
  auto& engine = document_access::of(content);
  engine.report_deletes(&deleted_);
  auto applied = engine.apply(decoded, engine::source::stored);
  engine.report_deletes(nullptr);
  if (!applied) return history_error{history_errc::refused_update, {}, applied.error()};

  const auto number = static_cast<std::uint32_t>(edits.size());
  edits.push_back({by.seq, by.time_ms, intern_user(by.user)});
  if (applied->pending_structs != 0) note_waiting(decoded, number);
  for (const auto& each : applied->advances) note_advance(each, number);
  for (const auto& each : deleted_) marks(each.client).erase(each.clock, each.end, number);
  return *applied;
}

void history_data::note_waiting(const decoded_update& update, std::uint32_t edit) {
  for (const auto& block : update.blocks()) {
    const auto client = update.client_id(block.client);
    const auto known = content.clock(client);
    for (const auto& each : update.structs().subspan(block.first, block.count))
      if (each.end() > known) waiting_[client].push_back({std::max(known, each.clock), each.end(), edit});
  }
}

// Units [from, end) show with an edit; the author of each is the first edit that carried it: of the runs that have it
// the one with the lowest number.
void history_data::insert_waited(std::uint32_t from, std::uint32_t end, std::uint32_t edit,
                                 std::vector<waiting_run>& runs, client_marks& known) {
  std::sort(runs.begin(), runs.end(),
            [](const waiting_run& left, const waiting_run& right) { return left.from < right.from; });
  const auto later = [](const waiting_run& left, const waiting_run& right) { return left.edit > right.edit; };
  std::priority_queue<waiting_run, std::vector<waiting_run>, decltype(later)> here(later);
  auto next = runs.begin();
  while (from < end) {
    for (; next != runs.end() && next->from <= from; ++next) here.push(*next);
    while (!here.empty() && here.top().to <= from) here.pop();
    auto stop = next == runs.end() ? end : std::min(next->from, end);
    if (!here.empty()) stop = std::min(stop, here.top().to);
    known.insert(stop, edit, here.empty() ? edit : here.top().edit);
    from = stop;
  }
}

void history_data::note_advance(const clock_advance& of, std::uint32_t edit) {
  const auto& store = data();
  const auto client = store.find_client(of.client);
  const auto& log = store.log(client);
  auto& known = marks(client);
  const auto waited = waiting_.find(of.client);
  if (waited == waiting_.end()) {
    known.insert(log.end(), edit, edit);
  } else {
    insert_waited(of.clock_before, log.end(), edit, waited->second, known);
    std::erase_if(waited->second, [&](const waiting_run& run) { return run.to <= log.end(); });
    if (waited->second.empty()) waiting_.erase(waited);
  }
  // Units that came without content are not among what was deleted.
  for (auto place = log.find(of.clock_before); place != log.stop(); place = log.next(place)) {
    if (log.at(place).item != collected) continue;
    known.erase(std::max(log.at(place).clock, of.clock_before), log.end_of(place), edit);
  }
}

result<std::uint32_t, history_error> history_data::edit_at(std::uint64_t version) const {
  if (version < edits.front().seq) return history_error{history_errc::before_first, {}, {}};
  if (version > edits.back().seq) return history_error{history_errc::after_last, {}, {}};
  const auto after =
      std::partition_point(edits.begin(), edits.end(), [version](const edit_row& each) { return each.seq <= version; });
  return static_cast<std::uint32_t>(after - edits.begin() - 1);
}

void history_data::prepare() const {
  mark_first();
  for (auto& each : marks_) each.sort();
}

// One unit at most is shown, and it need not be the last of its item: values that were overwritten are joined.
history_data::key_value history_data::value_at(const map_entry& entry, std::uint32_t edit) const {
  key_value found;
  for (auto at = entry.item; at != nil && found.item == nil; at = data().at(at).left) {
    const item& each = data().at(at);
    if (each.kind() == content_kind::deleted) continue;
    spans(each, [&](const unit_span& span) {
      if (span.visible(edit)) found = {at, span.to - 1 - each.clock, span};
    });
  }
  return found;
}

snapshot history_data::snapshot_at(std::uint32_t edit) const {
  prepare();
  std::vector<state_vector::entry> clocks;
  std::vector<delete_set::range> deletes;
  for (std::uint32_t client = 0; client < marks_.size(); ++client) {
    const auto id = data().log(client).id();
    clocks.push_back({id, marks_[client].clock_at(edit)});
    marks_[client].deletes_at(edit, id, deletes);
  }
  return {delete_set(std::move(deletes)), state_vector(std::move(clocks))};
}

const history_data& data_of(const history& of) {
  return history_data::of(of);
}

}  // namespace internal

history::history(std::uint64_t first_version, const history_options& options)
    : data_(std::make_unique<internal::history_data>(first_version, options)) {}
history::history(history&&) noexcept = default;
history& history::operator=(history&&) noexcept = default;
history::~history() = default;

result<void, history_error> history::load(bytes_view state) {
  return data_->load(state);
}

result<apply_report, history_error> history::apply(bytes_view update, const logged_edit& by) {
  return data_->apply(update, by);
}

std::uint64_t history::first_version() const {
  return data_->edits.front().seq;
}

std::uint64_t history::last_version() const {
  return data_->edits.back().seq;
}

std::size_t history::edits() const {
  return data_->edits.size() - 1;
}

const document& history::content() const {
  return data_->content;
}

result<snapshot, history_error> history::snapshot_at(std::uint64_t version) const {
  const auto at = data_->edit_at(version);
  if (!at) return at.error();
  return data_->snapshot_at(*at);
}

result<document, history_error> history::document_at(std::uint64_t version, const document_options& options) const {
  const auto at = data_->edit_at(version);
  if (!at) return at.error();
  auto made = document_at_snapshot(data_->content, data_->snapshot_at(*at), options);
  // The history has what its own versions have: only the new document can be too small.
  if (!made) return history_error{history_errc::refused_update, {}, apply_errc::document_full};
  return std::move(*made);
}

}  // namespace octavo::crdt
