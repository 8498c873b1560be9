// Of cluster/replica.hpp: how a follower becomes the owner.
#include "cluster/replica.hpp"

namespace octavo::cluster {

const shard_config& replica::claim_config() const {
  return config().version != 0 ? config() : record_.config;
}

void replica::claim(std::int64_t now) {
  now_ = now;
  if (role_ != role_type::follower || txn_ || !may_claim_ || is_gone()) return;
  if (!claim_config().contains(self_.id)) return;
  if (record_.config.version > config().version && !record_.config.contains(self_.id)) return;
  auto wanted = record_;
  wanted.epoch = std::max({record_.epoch, promised_.epoch, highest_epoch_}) + 1;
#ifdef OCTAVO_PLANTED_BUGS
  if (planted(bug::revision_as_epoch)) wanted.epoch = planted_revision;
#endif
  wanted.owner = self_;
  wanted.nonce = draw();
  if (config().version > wanted.config.version && config_lsn_ <= commit_) wanted.config = config();
  role_ = role_type::claiming;
  since_ms_ = now;
  submit(wanted);
}

void replica::submit(const shard_record& wanted) {
  txn_ = directory_txn{++txn_id_, record_, wanted};
  txn_flies_ = true;
  txn_ms_ = now_;
  out_.txns.push_back(*txn_);
}

void replica::on_txn(std::uint64_t id, txn_outcome outcome, const std::optional<shard_record>& current,
                     std::int64_t now) {
  now_ = now;
  if (!txn_ || txn_->id != id) return;
  const auto wanted = txn_->wanted;
  // The nonce tells our own record from all others, also where we were told before that nobody knows.
  const auto landed = outcome == txn_outcome::done || (current && *current == wanted);
  if (outcome == txn_outcome::unknown && !landed) {
    txn_flies_ = false;
    return;
  }
  txn_.reset();
  if (!landed) {
    if (current) on_record(*current);
    if (role_ == role_type::claiming) role_ = role_type::follower;
    return;
  }
  on_record(wanted);
  if (role_ == role_type::claiming)
    start_preparing(now);
  else if (role_ != role_type::owner && wanted.owner == self_)
    resign();  // a claim that was given up meanwhile
}

void replica::start_preparing(std::int64_t now) {
  claim_ = {record_.epoch, self_.id, record_.nonce};
  role_ = role_type::preparing;
  // Meanwhile another claim may have come first, or the entry that made this replica a member may have been undone.
  if (promised_.epoch >= claim_.epoch || is_gone() || !claim_config().contains(self_.id)) {
    give_up_claim();
    resign();
    return;
  }
  since_ms_ = now;
  votes_.clear();
  promise(claim_);
  own_vote_ticket_ = ticket_;
  ask_for_promises(now);
  count_promises(now);
}

void replica::ask_for_promises(std::int64_t now) {
  asked_ms_ = now;
  for (const auto& one : claim_config().members)
    if (one.id != self_.id && !votes_.contains(one.id)) send(one, prepare_message{claim_});
}

void replica::handle(const member& from, const promise_message& what, std::int64_t now) {
  if (role_ != role_type::preparing || what.claim != claim_) return;
  // Those who removed it are members of whom our log knows nothing: they have gone on without us. Where our log names
  // later ones its promise is one like all others. Either they count: then our log holds all that this one had
  // acknowledged before it was removed, and what it has acknowledged since is still there. Or they never did, as an
  // owner went on from those before them: then a majority of those has that owner's first entry, and does not support
  // us; and as the two differ by one member, every majority of ours has one of them in it. Without that a member that
  // was removed and taken back could not stand in for one that is lost until it had read as far as that.
  if (what.removed_version != 0 && what.removed_version >= claim_config().version) {
    give_up_claim();
    resign();
    return;
  }
  votes_[from.id] = what.last;
  count_promises(now);
}

void replica::handle(const member&, const refusal_message& what, std::int64_t) {
  highest_epoch_ = std::max(highest_epoch_, what.promised.epoch);
  if (what.claim != claim_) return;
  if (role_ == role_type::preparing) {
    give_up_claim();
    resign();
  } else if (role_ == role_type::owner && !planted(bug::ignored_promise)) {
    lose_ownership("a later claim of the shard was made", {what.promised.owner, {}});
  }
}

// Those who promised have told where their logs end, and their logs change no more for anybody but us. If ours is as
// good as those of a majority, all that is committed is in it (Raft §5.4.3).
void replica::count_promises(std::int64_t now) {
  const auto& members = claim_config();
  auto supporters = std::size_t{0};
  auto open = std::size_t{0};
  for (const auto& one : members.members) {
    if (one.id == self_.id) {
      if (synced_ >= own_vote_ticket_)
        ++supporters;
      else
        ++open;
      continue;
    }
    auto found = votes_.find(one.id);
    if (found == votes_.end())
      ++open;
    else if (found->second <= last() || planted(bug::shorter_log_owns))
      ++supporters;
  }
  if (supporters >= members.majority())
    become_owner(now);
  else if (supporters + open < members.majority())
    nominate();
}

// Any of those whose logs are longer is asked, not always the same: it may be one that cannot claim.
void replica::nominate() {
  role_ = role_type::follower;
  auto better = std::vector<member>{};
  for (const auto& one : claim_config().members)
    if (auto found = votes_.find(one.id); found != votes_.end() && found->second > last()) better.push_back(one);
  if (!better.empty()) send(better[draw() % better.size()], nominate_message{record_});
}

void replica::give_up_claim() {
  if (role_ == role_type::preparing) nominate();
  role_ = role_type::follower;
}

// Says in the directory that nobody owns the shard, where it says that we do: so that others need not wait.
void replica::resign() {
  if (txn_ || record_.owner != self_) return;
  auto wanted = record_;
  wanted.owner = {};
  submit(wanted);
}

void replica::let_go() {
  if (role_ == role_type::follower) resign();
}

void replica::become_owner(std::int64_t now) {
  role_ = role_type::owner;
  start_lsn_ = last().lsn + 1;
  own_writes_.clear();
  own_match_ = 0;
  proposed_bytes_ = 0;
  flushed_ = last().lsn;
  for (auto lsn = commit_ + 1; lsn <= last().lsn; ++lsn) proposed_bytes_ += entry(lsn).weight();
  peers_.clear();
  learner_.reset();
  moving_.reset();
  announced_ = false;
  commit_ms_ = superseded_ms_ = now;
  committed_config_ = base_.config;
  for (const auto& one : log_)
    if (one.lsn <= commit_ && one.config) committed_config_ = *one.config;
  auto start = log_entry{start_lsn_, claim_.epoch, entry_kind::epoch_start, {}, {}};
  start.config = std::make_shared<const shard_config>(claim_config());
  proposed_bytes_ += start.weight();
  append(std::move(start));
  keep_peers();
}

}  // namespace octavo::cluster
