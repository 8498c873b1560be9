#include "cluster/owned_documents.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

#include "actors/clock.hpp"
#include "cluster/document_finder.hpp"

namespace octavo::cluster {

caf::result<void> owned_documents::barrier(const std::string& name, const actors::document_actor& document) {
  const auto shard = table_.shard_of_document(name);
  if (!table_.takes_proposals(shard)) return actors::make_error(moved_error());
  watcher_.watch(self_, document, [this, shard, name, document](const caf::error&) {
    auto owned = shards_.find(shard);
    if (owned == shards_.end()) return;
    auto& documents = owned->second.documents;
    if (auto found = documents.find(name); found != documents.end() && found->second.actor == document)
      documents.erase(found);
  });
  auto promise = self_->make_response_promise<void>();
  // An earlier actor of the document may have failed with edits that have no majority yet.
  when_applied(shard, table_.find(shard)->last().lsn, [this, shard, name, document, promise](const error& why) mutable {
    if (why.code != errc::none) {
      promise.deliver(actors::make_error(why));
      return;
    }
    auto info = store_.find(name);
    if (!info) {
      promise.deliver(actors::make_error(info.error()));
      return;
    }
    shards_[shard].documents[name] = {document, *info ? (*info)->last_seq : 0};
    promise.deliver();
  });
  return promise;
}

bool owned_documents::append(actors::append_request request, bool is_disk_behind) {
  // Whatever becomes of it, it has left the mailbox.
  for (const auto& record : request.records)
    counters_.log_queue_bytes.fetch_sub(static_cast<std::int64_t>(record.update.size() + record.user.size()),
                                        std::memory_order_relaxed);
  counters_.log_queue_records.fetch_sub(static_cast<std::int64_t>(request.records.size()), std::memory_order_relaxed);
  const auto shard = table_.shard_of_document(request.document);
  auto& one = shards_[shard];
  const auto* core = table_.find(shard);
  // In the order in which they came.
  if (core != nullptr && core->serves() && (!core->takes_proposals() || is_disk_behind || !one.held.empty())) {
    is_holding_ = true;
    one.held.push_back(std::move(request));
    return false;
  }
  return propose(shard, one, request);
}

bool owned_documents::propose(shard_number shard, owned_shard& one, const actors::append_request& request) {
  auto open = one.documents.find(request.document);
  const auto is_open = open != one.documents.end() && open->second.actor == request.from;
  for (const auto& record : request.records) {
    auto what = edit_record{edit_kind::edit,     request.document, record.seq, record.time_ms, record.user, 0, 0,
                            record.update.view()};
    auto lsn = result<std::uint64_t>{};
    // An actor from before the shard went away and came back may not know yet that it is none any more. An entry that
    // does not follow would be in the log of all replicas, and none of them could apply it.
    if (!is_open)
      lsn = tl::unexpected{moved_error()};
    else if (record.seq != open->second.seq + 1)
      lsn = fail(errc::internal, "edit " + std::to_string(record.seq) + " does not follow the document's last one, " +
                                     std::to_string(open->second.seq));
    else
      lsn = table_.propose(shard, what, actors::steady_now_ms());
    if (!lsn) {
      auto why = lsn.error().code == errc::unavailable ? moved_error() : lsn.error();
      compat::send(self_, request.from, actors::rejected_atom_v, record.seq, actors::make_error(why));
      return false;
    }
    open->second.seq = record.seq;
    ++edited_[request.document];
    one.pending.push_back({*lsn, request.from, record.seq});
  }
  return true;
}

void owned_documents::release_held() {
  if (!std::exchange(is_holding_, false)) return;
  for (const auto& [shard, one] : shards_)
    if (table_.takes_proposals(shard)) release_held(shard);
}

void owned_documents::release_held(shard_number shard) {
  auto found = shards_.find(shard);
  if (found == shards_.end()) return;
  for (const auto& request : std::exchange(found->second.held, {})) propose(shard, found->second, request);
}

void owned_documents::committed(const shard_committed& what) {
  auto found = shards_.find(what.shard);
  if (found == shards_.end()) return;
  auto& pending = found->second.pending;
  // A document is told of its last one only.
  auto last = std::unordered_map<caf::actor_addr, pending_edit>{};
  while (!pending.empty() && pending.front().lsn <= what.lsn) {
    last[pending.front().document.address()] = pending.front();
    pending.pop_front();
  }
  for (const auto& [address, edit] : last) compat::send(self_, edit.document, actors::committed_atom_v, edit.seq);
}

void owned_documents::applied(shard_number shard, std::uint64_t lsn) {
  auto found = shards_.find(shard);
  if (found == shards_.end()) return;
  auto& waiting = found->second.waiting;
  auto rest =
      std::stable_partition(waiting.begin(), waiting.end(), [&](const waiting_apply& each) { return each.lsn > lsn; });
  auto due = std::vector<waiting_apply>(std::make_move_iterator(rest), std::make_move_iterator(waiting.end()));
  waiting.erase(rest, waiting.end());
  for (const auto& each : due) each.done({});
}

void owned_documents::when_applied(shard_number shard, std::uint64_t lsn, std::function<void(const error&)> done) {
  if (table_.applied(shard) >= lsn)
    done({});
  else
    shards_[shard].waiting.push_back({lsn, std::move(done)});
}

void owned_documents::give_up(shard_number shard) {
  auto found = shards_.find(shard);
  if (found == shards_.end()) return;
  auto given_up = std::move(found->second);
  shards_.erase(found);
  for (const auto& [name, document] : given_up.documents)
    compat::send(self_, document.actor, actors::rejected_atom_v, std::uint64_t{0}, actors::make_error(moved_error()));
  for (const auto& one : given_up.waiting) one.done(moved_error());
}

bool owned_documents::is_open(shard_number shard, const std::string& name) const {
  auto found = shards_.find(shard);
  return found != shards_.end() && found->second.documents.contains(name);
}

std::size_t owned_documents::open_count() const {
  auto count = std::size_t{0};
  for (const auto& [shard, one] : shards_) count += one.documents.size();
  return count;
}

}  // namespace octavo::cluster
