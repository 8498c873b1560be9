#include "cluster/shard_table.hpp"

#include <algorithm>

namespace octavo::cluster {

namespace {

/// A member waits so long for each that comes before it.
constexpr auto claim_step_ms = std::int64_t{300};
/// Between claims of one shard that come to nothing.
constexpr auto claim_wait_ms_max = std::int64_t{5'000};
/// A frame holds it behind a full message of other entries.
constexpr auto entry_bytes_max = max_frame_bytes - (std::size_t{4} << 20U);

}  // namespace

storage::shard_write shard_step::view() const {
  auto result = storage::shard_write{};
  result.shard = shard;
  result.clear = clear;
  if (note) result.note = bytes_view{*note};
  result.truncate_after = truncate_after;
  for (const auto& [lsn, entry] : entries) result.entries.push_back({lsn, entry});
  result.drop_until = drop_until;
  for (const auto& one : appends) result.appends.push_back({one.document, one.seq, one.time_ms, one.user, one.update});
  for (const auto& one : removals) result.removals.emplace_back(one);
  result.marks = marks;
  result.ahead = ahead;
  result.copying = copying;
  result.applied = applied;
  return result;
}

std::size_t shard_step::weight() const {
  auto bytes = std::size_t{64};
  for (const auto& [lsn, entry] : entries) bytes += entry.size();
  for (const auto& one : data) bytes += one->size();
  return bytes;
}

shard_table::shard_table(member self, std::uint32_t shards, replica_options options, std::uint64_t seed)
    : self_(std::move(self)), options_(options), random_(seed), records_(shards) {}

result<void> shard_table::restore(const storage::stored_shard& stored,
                                  const std::vector<storage::stored_entry>& entries) {
  const auto where = "shard " + std::to_string(stored.shard) + ": ";
  if (stored.shard >= shards())
    return fail(errc::invalid_argument, where + "the cluster has " + std::to_string(shards()) + " shards only");
  auto disk = replica_disk{};
  if (!stored.note.empty()) {
    auto note = decode_note(stored.note);
    if (!note) return fail(note.error().code, where + note.error().message);
    disk.promised = note->promised;
    disk.base = note->base;
    disk.removed = note->removed;
    notes_[stored.shard] = std::move(*note);
  }
  for (const auto& one : entries) {
    auto entry = decode_entry(one.data);
    if (!entry) return fail(entry.error().code, where + entry.error().message);
    if (entry->lsn != one.lsn) return fail(errc::corrupt, where + "an entry says that it is another one");
    // Those at the front may have gone into the base that the note tells of.
    if (entry->lsn > disk.base.at.lsn) disk.log.push_back(std::move(*entry));
  }
  disk.applied = stored.applied;
  disk.has_copied = stored.ahead != 0;  // it is durable before the first document is
  if (stored.ahead != 0) ahead_[stored.shard] = stored.ahead;
  applied_[stored.shard] = stored.applied;
  make(stored.shard, std::move(disk));
  return {};
}

replica& shard_table::make(shard_number shard, replica_disk disk) {
  auto& made = replicas_[shard];
  made = std::make_unique<replica>(self_, options_, std::move(disk), random_ += 0x9e3779b97f4a7c15U);
  made->on_record(records_[shard]);
  return *made;
}

replica& shard_table::get(shard_number shard) {
  auto* found = find(shard);
  return found != nullptr ? *found : make(shard, {});
}

replica* shard_table::find(shard_number shard) {
  auto found = replicas_.find(shard);
  return found == replicas_.end() ? nullptr : found->second.get();
}

bool shard_table::takes_proposals(shard_number shard) {
  const auto* one = find(shard);
  return one != nullptr && one->takes_proposals();
}

std::uint64_t shard_table::applied(shard_number shard) const {
  auto found = applied_.find(shard);
  return found == applied_.end() ? 0 : found->second;
}

// --- what comes in ---

void shard_table::on_frame(const peer_frame& frame, std::int64_t now) {
  // A disk that this one has replaced is not there any more.
  if (frame.shard >= shards() || frame.to != self_.id) return;
  get(frame.shard).on_message(frame.from, frame.what, now);
  changed_.push_back(frame.shard);
}

void shard_table::on_synced(const shard_synced& what, std::int64_t now) {
  auto* one = find(what.shard);
  if (one == nullptr) return;
  if (what.ticket != 0) one->on_synced(what.ticket, now);
  if (what.applied && what.life == lives_[what.shard]) {
    applied_[what.shard] = *what.applied;
    one->on_applied(*what.applied);
  }
  changed_.push_back(what.shard);
}

void shard_table::on_record(shard_number shard, const shard_record& record) {
  if (shard >= shards()) return;
  records_[shard] = record;
  is_told_.insert(shard);
  auto* one = find(shard);
  if (one == nullptr && !record.config.contains(self_.id)) return;
  get(shard).on_record(record);
  changed_.push_back(shard);
}

void shard_table::on_txn(shard_number shard, std::uint64_t id, txn_outcome outcome,
                         const std::optional<shard_record>& current, std::int64_t now) {
  auto* one = find(shard);
  if (one == nullptr) return;
  one->on_txn(id, outcome, current, now);
  records_[shard] = one->record();
  changed_.push_back(shard);
}

result<void> shard_table::begin_state(shard_number shard, std::uint64_t as_of, std::uint64_t ahead) {
  const auto* one = find(shard);
  if (one == nullptr) return fail(errc::moved, "this node has no replica of shard " + std::to_string(shard));
  if (one->commit() >= as_of)
    return fail(errc::moved, "the log of shard " + std::to_string(shard) + " has gone beyond the documents meanwhile");
  auto& known = ahead_[shard];
  known = std::max(known, ahead);
  auto step = shard_step{};
  step.shard = shard;
  step.life = lives_[shard];
  step.ahead = known;
  step.copying = copying_[shard] = as_of;
  out_.steps.push_back(std::move(step));
  return {};
}

void shard_table::on_state(shard_number shard, const log_base& at, std::int64_t now) {
  auto* one = find(shard);
  // Where the log has gone on since, or the replica was removed, the documents are something else again.
  const auto copying = copying_.find(shard);
  if (one == nullptr || copying == copying_.end() || copying->second != at.at.lsn) return;
  copying_.erase(copying);
  (void)one->on_state(at, now);
  changed_.push_back(shard);
}

result<void> shard_table::arrange(shard_number shard, const placement_step& step, std::int64_t now) {
  using kind = placement_step::kind_type;
  auto* one = find(shard);
  if (one == nullptr) return fail(errc::moved, "this node has no replica of the shard");
  changed_.push_back(shard);
  switch (step.kind) {
    case kind::add:
      return one->add(step.who, now);
    case kind::remove:
      return one->remove(step.who.id, now);
    case kind::move:
      return one->move_to(step.who.id, now);
    case kind::none:
      break;
  }
  return {};
}

void shard_table::on_reconnect(member_id peer) {
  for (auto& [shard, one] : replicas_) one->on_reconnect(peer);
}

void shard_table::on_tick(std::int64_t now, const table_surroundings& around) {
  for (auto& [shard, one] : replicas_) {
    if (one->serves()) claim_wait_ms_.erase(shard);
    if (could_serve(shard, *one, now, around) && one->role() == replica::role_type::follower)
      consider_claim(shard, *one, now, around.is_live);
    one->on_tick(now);
    changed_.push_back(shard);
  }
}

// An owner that reaches no majority may have been followed by another one, and what it shows be of the past: nobody
// would tell it while nobody types. One whose disk is stalled keeps in memory whatever the others commit, and opens no
// document.
bool shard_table::could_serve(shard_number shard, replica& one, std::int64_t now, const table_surroundings& around) {
  const auto& config = one.claim_config();
  auto others = std::size_t{0};
  auto able = std::size_t{0};  // of the others, to keep what they are sent
  for (const auto& who : config.members) {
    if (who.id == self_.id || !around.connected.contains(who.id)) continue;
    ++others;
    if (!around.stalled.contains(who.id)) ++able;
  }
  const auto reaches_majority = others + 1 >= config.majority();
  if (reaches_majority) cut_off_since_.erase(shard);
  // Without promises from a majority a claim would only count epochs up.
  const auto may_claim = able + 1 >= config.majority() && !around.is_disk_stalled;
  one.allow_claims(may_claim);
  // Once it can be made, whose turn it is is found out anew.
  if (!may_claim) ownerless_since_.erase(shard);
  const auto is_cut_off =
      !reaches_majority && now - cut_off_since_.emplace(shard, now).first->second >= options_.majority_ms;
  // Where nobody else could serve it either, what is in memory is read on.
  const auto others_could = around.is_directory_there && able >= config.majority();
  if (is_cut_off)
    one.step_down("fewer than a majority of the shard's replicas are connected");
  else if (around.is_stall_known && others_could)
    one.step_down("this node's disk is stalled");
  if (is_cut_off || around.is_disk_stalled) one.let_go();
  return may_claim;
}

std::size_t shard_table::rank_of(shard_number shard, const shard_config& config,
                                 const std::function<bool(const member&)>& is_live) const {
  const auto mine = placement_weight(shard, self_.id);
  return static_cast<std::size_t>(std::ranges::count_if(config.members, [&](const member& other) {
    return other.id != self_.id && placement_weight(shard, other.id) < mine && is_live(other);
  }));
}

void shard_table::consider_claim(shard_number shard, replica& one, std::int64_t now,
                                 const std::function<bool(const member&)>& is_live) {
  const auto& record = records_[shard];
  // A directory that has lost what it knew of the shard does not keep its members from going on.
  const auto& config = record.config.version != 0 ? record.config : one.config();
  if (config.version == 0 || !is_told_.contains(shard)) return;
  // A record that names us is of a run before this one, or of a claim that was given up.
  if (record.owner.id != 0 && record.owner != self_ && is_live(record.owner)) {
    ownerless_since_.erase(shard);
    claim_wait_ms_.erase(shard);
    return;
  }
  auto since = ownerless_since_.emplace(shard, now).first->second;
  const auto rank = static_cast<std::int64_t>(rank_of(shard, config, is_live));
  if (now - since < rank * claim_step_ms) return;
  // And again, each time later, if it comes to nothing.
  auto& wait_ms = claim_wait_ms_[shard];
  wait_ms = std::min(std::max(2 * wait_ms, claim_step_ms), claim_wait_ms_max);
  ownerless_since_[shard] = now + wait_ms;
  one.claim(now);
}

result<std::uint64_t> shard_table::propose(shard_number shard, const edit_record& record, std::int64_t now) {
  auto* one = find(shard);
  if (one == nullptr) return fail(errc::moved, "this node has no replica of the document's shard");
  auto data = encode(record);
  // An entry that no other node would read must not get into the log.
  if (data.size() > entry_bytes_max)
    return fail(errc::limit_exceeded, "an edit of " + std::to_string(data.size() >> 20U) +
                                          " MiB is more than nodes send each other; make several of it");
  if (auto readable = decode_edit(data); !readable) return fail(errc::invalid_argument, readable.error().message);
  changed_.push_back(shard);
  return one->propose(std::make_shared<const bytes>(std::move(data)), now);
}

// --- what comes out ---

table_output shard_table::take_output() {
  // What one message or write makes another replica do comes in by way of the driver: one round is enough.
  std::ranges::sort(changed_);
  changed_.erase(std::unique(changed_.begin(), changed_.end()), changed_.end());
  for (auto shard : std::exchange(changed_, {})) drain(shard);
  return std::exchange(out_, {});
}

void shard_table::drain(shard_number shard) {
  auto& one = get(shard);
  auto out = one.take_output();
  auto& note = notes_[shard];
  for (auto& write : out.writes) {
    auto step = shard_step{};
    step.shard = shard;
    step.ticket = write.ticket;
    if (write.promised) note.promised = *write.promised;
    if (write.base) note.base = *write.base;
    if (write.removed) {
      note.removed = *write.removed;
      note.base = {};
      step.clear = true;
      ++lives_[shard];
      applied_[shard] = 0;
      ahead_.erase(shard);
      copying_.erase(shard);
    }
    if (write.promised || write.base || write.removed) step.note = encode(note);
    step.truncate_after = write.truncate_after;
    for (const auto& entry : write.append) step.entries.emplace_back(entry.lsn, encode(entry));
    if (write.base) {
      step.drop_until = write.base->at.lsn;
      // Documents that came from another replica are there already.
      if (write.base->at.lsn > applied(shard)) step.applied = write.base->at.lsn;
    }
    step.life = lives_[shard];
    out_.steps.push_back(std::move(step));
  }
  apply(shard, out.committed);
  if (!out.committed.empty() && one.role() == replica::role_type::owner)
    out_.committed.push_back({shard, out.committed.back().lsn});
  for (auto& message : out.messages)
    out_.frames.emplace_back(message.to, peer_frame{shard, self_, message.to.id, std::move(message.what)});
  for (auto& txn : out.txns) out_.txns.push_back({shard, std::move(txn)});
  for (auto& notice : out.notices) out_.notices.push_back({shard, std::move(notice)});
}

// Committed entries become changes of documents. What is removed goes behind what was added in the same step, so that
// whatever follows a removal needs another one. What documents may hold already goes into steps of its own: there the
// store leaves out what they do hold.
void shard_table::apply(shard_number shard, const std::vector<log_entry>& entries) {
  auto step = shard_step{};
  auto close = [&] {
    if (step.applied) out_.steps.push_back(std::exchange(step, {}));
    step.shard = shard;
    step.life = lives_[shard];
  };
  close();
  const auto known = ahead_.find(shard);
  const auto ahead = known == ahead_.end() ? 0 : known->second;
  for (const auto& entry : entries) {
    if (!step.removals.empty() || step.applied == ahead) close();
    step.applied = entry.lsn;
    copying_.erase(shard);
    if (entry.kind != entry_kind::edit) continue;
    auto record = decode_edit(*entry.data);
    // It was checked when it was proposed. All replicas leave it out alike.
    if (!record) {
      out_.notices.push_back({shard,
                              {replica_notice::kind_type::unreadable,
                               self_,
                               entry.at(),
                               {},
                               "a committed entry cannot be read: " + record.error().message}});
      continue;
    }
    if (record->client != 0) step.marks.push_back({record->client, record->number, entry.lsn});
    if (record->kind == edit_kind::removal) {
      step.removals.push_back(std::move(record->document));
    } else {
      step.data.push_back(entry.data);
      step.appends.push_back(std::move(*record));
    }
  }
  close();
}

}  // namespace octavo::cluster
