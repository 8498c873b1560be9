#include "cluster/replica.hpp"

#include <array>

namespace octavo::cluster {

std::string_view name_of(const replica_message& message) {
  constexpr auto names = std::array<std::string_view, std::variant_size_v<replica_message>>{
      "prepare",     "promise",  "refusal", "append",  "appended", "mismatch",
      "offer-state", "nominate", "handoff", "removed", "damaged",  "membership"};
  return names[message.index()];
}

namespace {

/// Whether two answers differ in nothing but the message that they answer, and in what is known to be committed by now.
bool say_the_same(const replica_message& one, const replica_message& other) {
  if (one.index() != other.index()) return false;
  if (const auto* a = std::get_if<appended_message>(&one)) {
    const auto& b = std::get<appended_message>(other);
    return a->claim == b.claim && a->match == b.match;
  }
  if (const auto* a = std::get_if<mismatch_message>(&one)) {
    const auto& b = std::get<mismatch_message>(other);
    return a->claim == b.claim && a->prev_lsn == b.prev_lsn && a->hint == b.hint;
  }
  if (const auto* a = std::get_if<promise_message>(&one)) {
    const auto& b = std::get<promise_message>(other);
    return a->claim == b.claim && a->last == b.last && a->removed_version == b.removed_version;
  }
  return false;
}

}  // namespace

replica::replica(member self, replica_options options, replica_disk disk, std::uint64_t seed)
    : self_(std::move(self)),
      options_(options),
      random_(seed),
      promised_(disk.promised),
      base_(std::move(disk.base)),
      log_(std::make_move_iterator(disk.log.begin()), std::make_move_iterator(disk.log.end())),
      removed_(std::move(disk.removed)),
      commit_(std::max(base_.at.lsn, disk.applied)),
      applied_(commit_),
      highest_epoch_(promised_.epoch),
      has_copied_(disk.has_copied) {
  for (const auto& one : log_) log_bytes_ += one.weight();
  find_config();
}

// --- small things ---

// Each write has a ticket of its own; whoever drives this syncs many of them at once.
disk_write& replica::write() {
  out_.writes.push_back({.ticket = ++ticket_});
  return out_.writes.back();
}

void replica::send(const member& to, replica_message what) {
  out_.messages.push_back({to, std::move(what)});
}

void replica::send_when_synced(const member& to, replica_message what) {
  if (ticket_ == synced_) {
    send(to, std::move(what));
    return;
  }
  // While the disk hangs the others send again what nobody answers.
  for (auto one = waiting_.rbegin(); one != waiting_.rend() && one->first == ticket_; ++one) {
    if (one->second.to.id != to.id || !say_the_same(one->second.what, what)) continue;
    one->second.what = std::move(what);
    return;
  }
  if (waiting_.size() >= options_.waiting_max) waiting_.pop_back();
  waiting_.emplace_back(ticket_, envelope{to, std::move(what)});
}

void replica::notify(replica_notice::kind_type kind, const member& who, position at, std::string why) {
  out_.notices.push_back({kind, who, at, {}, std::move(why)});
}

// The next number of a sequence that looks random: SplitMix64 (Steele, Lea and Flood, 2014).
std::uint64_t replica::draw() {
  auto z = random_ += 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

std::uint64_t replica::epoch_at(std::uint64_t lsn) const {
  return lsn == base_.at.lsn ? base_.at.epoch : entry(lsn).epoch;
}

void replica::find_config() {
  for (auto i = log_.size(); i-- > 0;) {
    if (!log_[i].config) continue;
    config_ = log_[i].config;
    config_lsn_ = log_[i].lsn;
    return;
  }
  config_ = std::make_shared<const shard_config>(base_.config);
  config_lsn_ = base_.at.lsn;
}

bool replica::is_gone() const {
  if (planted(bug::forgets_removal)) return false;
  return removed_.version > config().version;
}

bool replica::is_news(const shard_config& members) const {
  return members.version > std::max(config().version, removed_.version);
}

std::optional<std::uint64_t> replica::match_of(member_id one) const {
  if (one == self_.id) return own_match_;
  auto found = peers_.find(one);
  if (found == peers_.end()) return std::nullopt;
  return found->second.match;
}

bool replica::has_all(member_id one) const {
  auto found = peers_.find(one);
  if (found == peers_.end() || found->second.damaged || found->second.match < start_lsn_) return false;
  return found->second.match + options_.handoff_lag_max >= commit_;
}

bool replica::has_answered(member_id one) const {
  auto found = peers_.find(one);
  return found != peers_.end() && found->second.answered;
}

bool replica::is_damaged(member_id one) const {
  auto found = peers_.find(one);
  return found != peers_.end() && found->second.damaged;
}

// --- the log ---

void replica::append(log_entry entry) {
  log_bytes_ += entry.weight();
  if (entry.config) {
    config_ = entry.config;
    config_lsn_ = entry.lsn;
  }
  log_.push_back(std::move(entry));
}

void replica::truncate_after(std::uint64_t lsn) {
  while (!log_.empty() && log_.back().lsn > lsn) {
    log_bytes_ -= log_.back().weight();
    log_.pop_back();
  }
  if (config_lsn_ > lsn) find_config();
}

void replica::commit_to(std::uint64_t lsn) {
  for (auto next = commit_ + 1; next <= lsn; ++next) out_.committed.push_back(entry(next));
  commit_ = std::max(commit_, lsn);
}

// Entries that are in the documents are kept for members that lack them, as long as that is little.
void replica::compact() {
  auto known_by_all = role_ == role_type::owner ? common_floor() : floor_;
  auto to = std::min(applied_, known_by_all);
  auto excess = log_bytes_;
  for (auto lsn = base_.at.lsn + 1; lsn <= applied_ && excess > options_.log_bytes_max; ++lsn) {
    excess -= entry(lsn).weight();
    to = std::max(to, lsn);
  }
  if (to <= base_.at.lsn) return;
  if (to - base_.at.lsn < options_.compact_entries_min && log_bytes_ <= options_.log_bytes_max) return;
  base_ = state_at(to);
  drop_log_until(to);
  write().base = base_;
}

log_base replica::state_at(std::uint64_t lsn) const {
  auto result = log_base{{epoch_at(lsn), lsn}, base_.config};
  for (const auto& one : log_) {
    if (one.lsn > lsn) break;
    if (one.config) result.config = *one.config;
  }
  return result;
}

void replica::drop_log_until(std::uint64_t lsn) {
  while (!log_.empty() && log_.front().lsn <= lsn) {
    log_bytes_ -= log_.front().weight();
    log_.pop_front();
  }
}

void replica::on_applied(std::uint64_t lsn) {
  applied_ = std::max(applied_, std::min(lsn, commit_));
  compact();
}

// --- what comes in ---

replica_output replica::take_output() {
  if (role_ == role_type::owner) flush();
  return std::exchange(out_, {});
}

void replica::on_message(const member& from, const replica_message& what, std::int64_t now) {
  now_ = now;
  std::visit([&](const auto& one) { handle(from, one, now); }, what);
}

void replica::on_synced(std::uint64_t ticket, std::int64_t now) {
  now_ = now;
  synced_ = std::max(synced_, ticket);
  while (!waiting_.empty() && waiting_.front().first <= synced_) {
    out_.messages.push_back(std::move(waiting_.front().second));
    waiting_.pop_front();
  }
  if (role_ == role_type::preparing) count_promises(now);
  if (role_ != role_type::owner) return;
  while (!own_writes_.empty() && own_writes_.front().first <= synced_) {
    own_match_ = own_writes_.front().second;
    own_writes_.pop_front();
  }
  count_acknowledgements(now);
}

void replica::on_record(const shard_record& record) {
  highest_epoch_ = std::max(highest_epoch_, record.epoch);
  // While a transaction is on its way, what it expects stays: its answer tells what stands there.
  if (!txn_) record_ = record;
}

void replica::on_tick(std::int64_t now) {
  now_ = now;
  if (txn_ && (!txn_flies_ || now - txn_ms_ >= options_.claim_ms)) {
    txn_flies_ = true;
    txn_ms_ = now;
    out_.txns.push_back(*txn_);
  }
  switch (role_) {
    case role_type::follower:
      if (record_.owner == self_ && (is_gone() || !claim_config().contains(self_.id))) resign();
      ask_whether_member(now);
      break;
    case role_type::claiming:
      if (now - since_ms_ >= options_.claim_ms) give_up_claim();
      break;
    case role_type::preparing:
      if (now - since_ms_ >= options_.claim_ms) {
        count_promises(now);
        if (role_ != role_type::preparing) break;
        give_up_claim();
        resign();
      } else if (now - asked_ms_ >= options_.retry_ms) {
        ask_for_promises(now);
      }
      break;
    case role_type::owner:
      tick_owner(now);
      break;
  }
}

bool replica::is_copy() const {
  if (config().version == 0 && !has_copied_) return false;
  return record_.config.version != 0 && !record_.config.contains(self_.id);
}

// This replica was away while it was removed. Or an owner has begun to teach it and given up, or is gone, and the next
// one knows nothing of it.
void replica::ask_whether_member(std::int64_t now) {
  if (!heard_ms_) heard_ms_ = now;
  if (!is_copy() || planted(bug::keeps_what_it_learned)) return;
  if (record_.owner.id == 0 || record_.owner == self_ || now - asked_ms_ < options_.retry_max_ms) return;
  const auto have_changed = config().version != 0 && is_news(record_.config);
  if (!have_changed && now - *heard_ms_ < options_.give_back_ms) return;
  asked_ms_ = now;
  // The same one again: however late its answer comes, it counts if no owner has said anything since.
  if (question_ == 0) question_ = draw() | 1U;
  send(record_.owner, membership_message{question_});
}

bool replica::is_idle() const {
  if (txn_ || role_ == role_type::claiming || role_ == role_type::preparing) return false;
  if (role_ == role_type::follower) return true;
  if (moving_ || learner_ || commit_ < last().lsn) return false;
  return std::ranges::all_of(
      peers_, [this](const auto& one) { return one.second.match == last().lsn && one.second.commit == commit_; });
}

// --- what a follower does ---

void replica::promise(const ballot& claim) {
  promised_ = claim;
  highest_epoch_ = std::max(highest_epoch_, claim.epoch);
  write().promised = claim;
}

bool replica::follows(const member& from, const ballot& claim) {
  if (claim.owner != from.id || from.id == self_.id) return false;
  highest_epoch_ = std::max(highest_epoch_, claim.epoch);
  const auto is_same = claim == promised_ || (planted(bug::ballot_without_owner) && claim.epoch == promised_.epoch);
  const auto is_earlier = claim.epoch <= promised_.epoch && !is_same;
  if (is_earlier && !planted(bug::ignored_promise)) {
    send(from, refusal_message{claim, promised_});
    return false;
  }
  if (is_same || is_earlier) return true;
  promise(claim);
  if (role_ == role_type::owner && moving_ && planted(bug::resumes_as_owner)) {
    claim_ = claim;
    return true;
  }
  if (role_ == role_type::owner) lose_ownership("a later claim of the shard was made", from);
  if (role_ == role_type::preparing) role_ = role_type::follower;
  return true;
}

void replica::handle(const member& from, const prepare_message& what, std::int64_t) {
  if (!follows(from, what.claim)) return;
  auto answer = promise_message{what.claim, last(), is_gone() ? removed_.version : 0};
  if (planted(bug::promise_before_sync))
    send(from, answer);
  else
    send_when_synced(from, answer);
}

void replica::handle(const member& from, const append_message& what, std::int64_t) {
  if (!follows(from, what.claim)) return;
  heard(what.claim, what.round);
  auto prev = what.prev;
  auto first = std::size_t{0};  // of the entries that are not known to be committed and in the documents
  while (first < what.entries.size() && what.entries[first].lsn <= base_.at.lsn) prev = what.entries[first++].at();
  if (prev.lsn < base_.at.lsn && first == what.entries.size()) {
    // All of it is in the documents already.
    send_when_synced(from, appended_message{what.claim, what.round, prev.lsn, commit_});
    return;
  }
  const auto fits = prev.lsn <= last().lsn && prev.lsn >= base_.at.lsn && epoch_at(prev.lsn) == prev.epoch;
  if (!fits && (!planted(bug::no_prev_check) || prev.lsn > last().lsn || prev.lsn < base_.at.lsn)) {
    auto hint = std::min(last().lsn, prev.lsn == 0 ? 0 : prev.lsn - 1);
    // What conflicts is of one epoch, mostly: it is skipped as a whole, but what is committed never conflicts.
    if (prev.lsn <= last().lsn && prev.lsn > base_.at.lsn)
      while (hint > commit_ && epoch_at(hint) == epoch_at(prev.lsn)) --hint;
    send_when_synced(from, mismatch_message{what.claim, what.round, prev.lsn, hint});
    return;
  }
  auto same = first;
  while (same < what.entries.size() && what.entries[same].lsn <= last().lsn &&
         (epoch_at(what.entries[same].lsn) == what.entries[same].epoch || planted(bug::keeps_conflicts)))
    ++same;
  if (same < what.entries.size()) {
    const auto cut = what.entries[same].lsn - 1;
    if (cut < commit_) {
      notify(replica_notice::kind_type::conflict, from, what.entries[same].at());
      return;
    }
    auto& batch = write();
    if (cut < last().lsn) {
      batch.truncate_after = cut;
      truncate_after(cut);
    }
    for (auto i = same; i < what.entries.size(); ++i) {
      batch.append.push_back(what.entries[i]);
      append(what.entries[i]);
    }
  }
  const auto match = what.entries.empty() ? prev.lsn : what.entries.back().lsn;
  commit_to(std::max(commit_, std::min(what.commit, match)));
  auto answer = appended_message{what.claim, what.round, match, commit_};
  if (planted(bug::ack_before_sync))
    send(from, answer);
  else
    send_when_synced(from, answer);
  floor_ = std::max(floor_, what.floor);
  compact();
}

void replica::handle(const member& from, const offer_state_message& what, std::int64_t) {
  if (!follows(from, what.claim)) return;
  heard(what.claim, what.round);
  if (what.at.lsn <= commit_) {
    send_when_synced(from, appended_message{what.claim, what.round, commit_, commit_});
    return;
  }
  offer_ = envelope{from, appended_message{what.claim, what.round, 0, 0}};
  has_copied_ = true;
  notify(replica_notice::kind_type::state_wanted, from, what.at);
}

bool replica::on_state(const log_base& at, std::int64_t now) {
  now_ = now;
  if (at.at.lsn <= commit_ || role_ == role_type::owner || role_ == role_type::preparing) return false;
  const auto keeps_log = at.at.lsn <= last().lsn && epoch_at(at.at.lsn) == at.at.epoch;
  auto& batch = write();
  batch.base = at;
  if (!keeps_log) {
    batch.truncate_after = at.at.lsn;
    truncate_after(base_.at.lsn);
  }
  base_ = at;
  drop_log_until(at.at.lsn);
  commit_ = applied_ = at.at.lsn;
  find_config();
  if (!offer_) return true;
  auto answer = std::get<appended_message>(offer_->what);
  answer.match = answer.commit = commit_;
  if (answer.claim == promised_) send_when_synced(offer_->to, answer);
  offer_.reset();
  return true;
}

void replica::handle(const member&, const nominate_message& what, std::int64_t now) {
  if (what.record.epoch > record_.epoch) on_record(what.record);
  claim(now);
}

void replica::handle(const member&, const handoff_message& what, std::int64_t now) {
  if (what.claim == promised_ && what.last == last()) claim(now);
}

void replica::heard(const ballot& claim, std::uint64_t round) {
  heard_round_ = claim == heard_claim_ ? std::max(heard_round_, round) : round;
  heard_claim_ = claim;
  heard_ms_ = now_;
  question_ = 0;
}

void replica::handle(const member& from, const removed_message& what, std::int64_t) {
  if (!follows(from, what.claim) || what.config.contains(self_.id)) return;
  // What nobody asked for may have been said before this replica was taken back, and is believed of newer members only.
  // An answer was said after the question, and no owner has said anything since: whatever this replica acknowledged
  // before counts for nothing that is still to come, and whatever members its own log names are no majority any more.
  const auto is_answer = what.question != 0 && what.question == question_;
  const auto is_early = what.claim == heard_claim_ && what.round < heard_round_;
  if ((!is_answer && !is_news(what.config)) || is_early) return;
  role_ = role_type::follower;
  removed_ = what.config;
  question_ = 0;
  offer_.reset();
  has_copied_ = false;
  log_.clear();
  log_bytes_ = 0;
  base_ = {};
  commit_ = applied_ = floor_ = 0;
  find_config();
  write().removed = removed_;
  notify(replica_notice::kind_type::removed, self_);
}

void replica::handle(const member& from, const damaged_message& what, std::int64_t) {
  if (what.claim != promised_ || what.claim.owner != from.id || from.id == self_.id) return;
  notify(replica_notice::kind_type::damaged, self_, {}, "it has less than it acknowledged to " + from.node);
}

}  // namespace octavo::cluster
