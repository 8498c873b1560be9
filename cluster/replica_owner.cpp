// Of cluster/replica.hpp: what only the owner of a shard does.
#include "cluster/replica.hpp"

namespace octavo::cluster {

// --- what is asked of an owner ---

// Nothing, if the owner may change the members or give the shard away.
std::optional<error> replica::why_not() const {
  if (!serves()) return error{errc::unavailable, "this node does not own the shard; ask its owner"};
  if (moving_) return error{errc::unavailable, "the shard is being moved to " + moving_->node + "; ask again"};
  return std::nullopt;
}

result<std::uint64_t> replica::propose(shared_bytes data, std::int64_t now) {
  now_ = now;
  if (auto why = why_not()) return tl::unexpected{*why};
  if (proposed_bytes_ >= options_.proposed_bytes_max)
    return fail(errc::limit_exceeded, "too many edits of the shard wait to be durable on a majority");
  if (commit_ == last().lsn) commit_ms_ = now;
  auto made = log_entry{last().lsn + 1, claim_.epoch, entry_kind::edit, std::move(data), {}};
  proposed_bytes_ += made.weight();
  append(std::move(made));
  return last().lsn;
}

result<void> replica::move_to(member_id to, std::int64_t now) {
  now_ = now;
  if (auto why = why_not()) return tl::unexpected{*why};
  auto found = peers_.find(to);
  if (found == peers_.end() || !config().contains(to))
    return fail(errc::invalid_argument, "the shard has no replica there; give it one first");
  if (learner_ || config_lsn_ > commit_)
    return fail(errc::unavailable, "the members of the shard are being changed; ask again");
  if (!has_all(to)) return fail(errc::unavailable, "the replica there lags behind; ask again");
  moving_ = found->second.who;
  moving_ms_ = now;
  handoff_ms_ = 0;
  notify(replica_notice::kind_type::moving, *moving_);
  go_on_moving(now);
  return {};
}

result<void> replica::add(const member& one, std::int64_t now) {
  now_ = now;
  if (auto why = why_not()) return tl::unexpected{*why};
  if (config().contains(one.id)) return fail(errc::already_exists, "the shard has a replica there");
  if (config_lsn_ > commit_ || (learner_ && *learner_ != one))
    return fail(errc::unavailable, "the members of the shard are being changed; ask again");
  if (config().members.size() >= options_.members_max)
    return fail(errc::limit_exceeded,
                "a shard has " + std::to_string(options_.members_max) + " replicas at the most; remove one first");
  learner_ = one;
  keep_peers();
  return {};
}

result<void> replica::remove(member_id one, std::int64_t now) {
  now_ = now;
  if (auto why = why_not()) return tl::unexpected{*why};
  if (learner_ && learner_->id == one) {
    learner_.reset();
    keep_peers();
    return {};
  }
  if (one == self_.id) return fail(errc::invalid_argument, "move the shard to another node first");
  if (!config().contains(one)) return fail(errc::not_found, "the shard has no replica there");
  if (config_lsn_ > commit_ || learner_)
    return fail(errc::unavailable, "the members of the shard are being changed; ask again");
  auto next = config();
  std::erase_if(next.members, [one](const member& other) { return other.id == one; });
  change_config(std::move(next));
  return {};
}

void replica::step_down(const std::string& why) {
  if (role_ != role_type::owner) return;
  lose_ownership(why);
  resign();
}

void replica::lose_ownership(std::string why, const member& to) {
  role_ = role_type::follower;
  // What was proposed and has not gone out yet belongs to the log like all the rest: it is written.
  if (flushed_ < last().lsn) {
    auto& batch = write();
    for (auto lsn = flushed_ + 1; lsn <= last().lsn; ++lsn) batch.append.push_back(entry(lsn));
    flushed_ = last().lsn;
  }
  peers_.clear();
  own_writes_.clear();
  learner_.reset();
  moving_.reset();
  notify(replica_notice::kind_type::stopped, to, {}, std::move(why));
}

// --- sending ---

void replica::flush() {
  if (flushed_ < last().lsn) {
    auto& batch = write();
    for (auto lsn = flushed_ + 1; lsn <= last().lsn; ++lsn) batch.append.push_back(entry(lsn));
    flushed_ = last().lsn;
    own_writes_.emplace_back(batch.ticket, flushed_);
    if (planted(bug::ack_before_sync)) own_match_ = flushed_;
  }
  send_to_all(now_);
}

void replica::send_to_all(std::int64_t now) {
  for (auto& [id, one] : peers_) send_entries(one, now);
}

void replica::send_entries(peer& to, std::int64_t now) {
  if (to.damaged) return;
  while (to.next <= flushed_ && to.flying_bytes < (to.probing ? 1 : options_.window_bytes)) {
    if (to.next <= base_.at.lsn) {
      // The log that it lacks is gone.
      to.next = flushed_ + 1;
      to.sent_ms = now;
      send(to.who,
           offer_state_message{
               claim_, ++round_, {epoch_at(std::max(base_.at.lsn, applied_)), std::max(base_.at.lsn, applied_)}});
      return;
    }
    send_one(to, now);
  }
}

void replica::send_one(peer& to, std::int64_t now) {
  auto what = append_message{claim_, ++round_, {}, {}, commit_, common_floor()};
  what.prev = {epoch_at(to.next - 1), to.next - 1};
  auto size = std::size_t{0};
  while (to.next <= flushed_ && size < options_.append_bytes_max) {
    what.entries.push_back(entry(to.next));
    size += entry(to.next).weight();
    ++to.next;
  }
  to.flying_bytes += size;
  if (size != 0) to.flying.emplace_back(to.next - 1, size);
  to.commit_sent = commit_;
  to.sent_ms = now;
  send(to.who, std::move(what));
}

// Takes back what was sent and not acknowledged, as if it had been lost.
void replica::rewind(peer& to) {
  to.next = to.resume;
  to.flying.clear();
  to.flying_bytes = 0;
}

// --- what followers answer ---

replica::peer* replica::answering(const member& from, const ballot& claim, std::uint64_t round, std::int64_t now) {
  if (role_ != role_type::owner || claim != claim_) return nullptr;
  auto found = peers_.find(from.id);
  if (found == peers_.end() || round <= found->second.first_round) return nullptr;
  found->second.heard_ms = now;
  found->second.answered = true;
  found->second.retry_ms = options_.retry_ms;
  return &found->second;
}

void replica::on_reconnect(member_id one) {
  auto found = peers_.find(one);
  if (found == peers_.end()) return;
  found->second.commit = found->second.commit_sent = 0;
  found->second.commit_round = round_;
  found->second.retry_ms = options_.retry_ms;
}

void replica::handle(const member& from, const appended_message& what, std::int64_t now) {
  auto* one = answering(from, what.claim, what.round, now);
  // Nobody has what was not sent.
  if (one == nullptr || what.match > flushed_) return;
  if (what.round > one->commit_round && what.commit <= last().lsn) one->commit = std::max(one->commit, what.commit);
  one->probing = false;
  if (what.match > one->match) {
    one->match = what.match;
    one->match_round = round_;
  }
  one->resume = std::max(one->resume, one->match + 1);
  one->next = std::max(one->next, one->resume);
  while (!one->flying.empty() && one->flying.front().first <= one->match) {
    one->flying_bytes -= one->flying.front().second;
    one->flying.pop_front();
  }
  count_acknowledgements(now);
  if (role_ != role_type::owner) return;
  promote_learner();
  compact();
}

void replica::handle(const member& from, const mismatch_message& what, std::int64_t now) {
  auto* one = answering(from, what.claim, what.round, now);
  // What cannot be: every log has its beginning, nothing behind the last entry was asked for, and a hint goes back.
  if (one == nullptr || what.prev_lsn == 0 || what.prev_lsn > last().lsn || what.hint >= what.prev_lsn) return;
  if (what.prev_lsn <= one->match) {
    // Late answers say nothing. But what was sent after it had acknowledged that entry must find it there.
    if (what.round <= one->match_round || one->damaged) return;
    one->damaged = true;
    one->match = 0;
    one->sent_ms = now;
    send(one->who, damaged_message{claim_});
    notify(replica_notice::kind_type::damaged, one->who, {}, "it lacks entry " + std::to_string(what.prev_lsn));
    return;
  }
  one->resume = std::max(one->match + 1, std::min(what.hint + 1, what.prev_lsn));
  rewind(*one);
  one->probing = true;
}

void replica::handle(const member& from, const membership_message& what, std::int64_t) {
  if (!serves() || config_lsn_ > commit_ || config().contains(from.id) || (learner_ && learner_->id == from.id)) return;
  send(from, removed_message{claim_, ++round_, config(), what.question});
}

std::uint64_t replica::matched_by_majority() const {
  const auto& members = planted(bug::old_majority) && committed_config_.version != 0 ? committed_config_ : config();
  auto matches = std::vector<std::uint64_t>{};
  for (const auto& one : members.members) matches.push_back(match_of(one.id).value_or(0));
  if (matches.empty()) return 0;
  std::ranges::sort(matches, std::greater{});
  return matches[members.majority() - 1];
}

// Up to here every replica has the log, those that still learn it too.
std::uint64_t replica::common_floor() const {
  auto result = own_match_;
  for (const auto& [id, one] : peers_) result = std::min(result, one.match);
  return result;
}

void replica::count_acknowledgements(std::int64_t now) {
  const auto matched = matched_by_majority();
  // Entries of older epochs count only with one of this epoch behind them: Raft §5.4.2.
  if (matched > commit_ && (matched >= start_lsn_ || planted(bug::commits_older_epoch))) {
    for (auto lsn = commit_ + 1; lsn <= matched; ++lsn) proposed_bytes_ -= entry(lsn).weight();
    commit_to(matched);
    commit_ms_ = now;
    if (config_lsn_ <= commit_ && *config_ != committed_config_) config_committed();
  }
  if (announced_ || !serves()) return;
  announced_ = true;
  notify(replica_notice::kind_type::serving, self_, {claim_.epoch, start_lsn_});
}

// --- members ---

void replica::keep_peers() {
  std::erase_if(peers_, [this](const auto& one) {
    return !config().contains(one.first) && !(learner_ && learner_->id == one.first);
  });
  auto keep = [this](const member& one) {
    if (one.id == self_.id || peers_.contains(one.id)) return;
    auto& made = peers_[one.id];
    made.who = one;
    made.next = made.resume = last().lsn;
    made.heard_ms = now_;
    made.retry_ms = options_.retry_ms;
    made.first_round = round_;
    made.probing = true;
  };
  for (const auto& one : config().members) keep(one);
  if (learner_) keep(*learner_);
}

void replica::change_config(shard_config next) {
  ++next.version;
  auto made = log_entry{last().lsn + 1, claim_.epoch, entry_kind::config, {}, {}};
  made.config = std::make_shared<const shard_config>(std::move(next));
  if (commit_ == last().lsn) commit_ms_ = now_;
  proposed_bytes_ += made.weight();
  append(std::move(made));
  // One that is removed gets no further entries, and so never the one that removes it: it could not claim with it.
  keep_peers();
}

void replica::promote_learner() {
  if (!learner_ || moving_ || config_lsn_ > commit_) return;
  const auto& one = peers_.at(learner_->id);
  if (one.damaged || one.match == 0 || one.match + options_.learner_lag_max < commit_) return;
  auto next = config();
  next.members.push_back(*learner_);
  learner_.reset();
  change_config(std::move(next));
}

void replica::config_committed() {
  for (const auto& one : committed_config_.members)
    if (!config().contains(one.id)) send(one, removed_message{claim_, ++round_, config(), 0});
  committed_config_ = config();
  keep_peers();
  notify(replica_notice::kind_type::config_committed);
  out_.notices.back().config = committed_config_;
  publish();
}

// The directory is to say what is true. Where it was restored from a backup it is told again.
void replica::publish() {
  if (txn_ || !serves() || record_.epoch > claim_.epoch) return;
  auto wanted = shard_record{claim_.epoch, self_, claim_.nonce, committed_config_};
  if (record_ != wanted) submit(wanted);
}

// --- moving ---

void replica::go_on_moving(std::int64_t now) {
  if (!moving_) return;
  if (now - moving_ms_ >= options_.handoff_ms) {
    notify(replica_notice::kind_type::resumed, *moving_, {}, "the other node did not take the shard in time");
    moving_.reset();
    return;
  }
  if (commit_ != last().lsn || (handoff_ms_ != 0 && now - handoff_ms_ < options_.retry_ms)) return;
  handoff_ms_ = now;
  send(*moving_, handoff_message{claim_, last()});
}

void replica::tick_owner(std::int64_t now) {
  if (commit_ < last().lsn && now - commit_ms_ >= options_.majority_ms) {
    step_down("no majority of the shard's replicas has answered for " + std::to_string(options_.majority_ms) + " ms");
    return;
  }
  // Whoever claimed the shard since asks for our promise, if we are a member; one that is not must end by itself.
  if (record_.epoch <= claim_.epoch) {
    superseded_ms_ = now;
  } else if (now - superseded_ms_ >= options_.majority_ms) {
    lose_ownership("the directory names a later owner", record_.owner);
    return;
  }
  promote_learner();
  go_on_moving(now);
  publish();
  for (auto& [id, one] : peers_) {
    if (one.damaged) {
      // The word may be lost.
      if (now - one.sent_ms < options_.retry_max_ms) continue;
      one.sent_ms = now;
      send(one.who, damaged_message{claim_});
      continue;
    }
    const auto lacks_entries = one.match < flushed_;
    const auto since = now - std::max(one.sent_ms, one.heard_ms);
    if (lacks_entries && since >= one.retry_ms) {
      one.retry_ms = std::min(2 * one.retry_ms, options_.retry_max_ms);
      rewind(one);
    } else if (!lacks_entries && one.commit < commit_ &&
               now - one.sent_ms >= (one.commit_sent < commit_ ? options_.commit_delay_ms : one.retry_ms)) {
      if (one.commit_sent == commit_) one.retry_ms = std::min(2 * one.retry_ms, options_.retry_max_ms);
      send_one(one, now);
    }
  }
}

}  // namespace octavo::cluster
