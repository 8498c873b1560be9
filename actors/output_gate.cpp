#include "actors/output_gate.hpp"

#include <algorithm>

#include "actors/merge.hpp"

namespace octavo::actors {

namespace {

constexpr auto acks_looked_back = 16;

}  // namespace

document_burst& burst_of(addressed_bursts& out, subscriber_id subscriber) {
  for (auto one = out.rbegin(); one != out.rend(); ++one)
    if (one->first == subscriber) return one->second;
  return out.emplace_back(subscriber, document_burst{}).second;
}

void output_gate::committed(std::uint64_t seq) {
  committed_seq_ = std::max(committed_seq_, seq);
}

void output_gate::edit(std::uint64_t seq, session_key from, payload update) {
  auto& one = waiting_.emplace_back();
  one.seq = seq;
  one.subscriber = from.subscriber;
  one.from = from.session;
  one.kind = waiting::kind_type::edit;
  one.update = std::move(update);
}

void output_gate::reply(std::uint64_t seq, subscriber_id to, actors::reply what) {
  auto* listener = listeners_.find(to);
  if (listener == nullptr) return;
  listener->unanswered_bytes += what.data.size();
  auto& one = waiting_.emplace_back();
  one.seq = seq;
  one.subscriber = to;
  one.kind = waiting::kind_type::reply;
  one.what = std::move(what);
}

void output_gate::answered(std::uint64_t seq, session_key who, const request& what) {
  auto& one = waiting_.emplace_back();
  one.seq = seq;
  one.subscriber = who.subscriber;
  one.from = who.session;
  one.op = what.op;
  one.weight = what.weight();
  // The connection only counts what its client sent.
  one.of_client = what.kind != request_kind::enter && what.kind != request_kind::reenter &&
                  what.kind != request_kind::leave && what.kind != request_kind::resync;
}

void output_gate::question(std::uint64_t seq, payload state_vector) {
  auto& one = waiting_.emplace_back();
  one.seq = seq;
  one.kind = waiting::kind_type::question;
  one.update = std::move(state_vector);
}

void output_gate::catch_up(std::uint64_t seq, subscriber_id to, payload lacking) {
  auto& one = waiting_.emplace_back();
  one.seq = seq;
  one.subscriber = to;
  one.kind = waiting::kind_type::catch_up;
  one.update = std::move(lacking);
}

addressed_bursts output_gate::open(std::int64_t gather_ms, std::int64_t steady_ms) {
  auto out = addressed_bursts{};
  while (!waiting_.empty() && waiting_.front().seq <= committed_seq_) {
    auto one = std::move(waiting_.front());
    waiting_.pop_front();
    let_out(std::move(one), out);
  }
  if (gather_ms == 0 || steady_ms - broadcast_ms_ >= gather_ms) {
    if (!gathered_.empty()) broadcast_ms_ = steady_ms;
    add_update(out);
  }
  return out;
}

std::optional<std::int64_t> output_gate::due_ms(std::int64_t gather_ms) const {
  if (gathered_.empty()) return std::nullopt;
  return broadcast_ms_ + gather_ms;
}

void output_gate::let_out(waiting one, addressed_bursts& out) {
  using kind = waiting::kind_type;
  if (one.kind == kind::edit) {
    if (!gathered_.empty() && gathered_bytes_ + one.update.size() > burst_bytes_max_) close_bursts(out);
    gathered_bytes_ += one.update.size();
    gathered_.push_back(std::move(one));
    return;
  }
  if (one.kind == kind::question) {
    for (const auto& each : listeners_) {
      auto& burst = burst_of(out, each.id);
      burst.ask_all = true;
      burst.state_vector = one.update;
    }
    return;
  }
  // It comes behind what was there before, and before what follows.
  if (one.kind == kind::catch_up) close_bursts(out);
  auto* listener = listeners_.find(one.subscriber);
  if (listener == nullptr) return;
  if (one.kind == kind::catch_up) {
    listener->behind_since.reset();
    listener->is_catching_up = false;
    auto burst = document_burst{};
    burst.update = std::move(one.update);
    burst.seq = one.seq;
    listener->unanswered_bytes += burst.update.size();
    out.emplace_back(one.subscriber, std::move(burst));
    out.emplace_back(one.subscriber, document_burst{});
  } else if (one.kind == kind::reply) {
    burst_of(out, one.subscriber).replies.push_back(std::move(one.what));
  } else {
    acknowledge(one, burst_of(out, one.subscriber));
  }
}

void output_gate::acknowledge(const waiting& one, document_burst& burst) {
  burst.credit_bytes += one.weight;
  if (!one.of_client) return;
  // A session's last op stands for those before it; looking back a little keeps this linear.
  auto from = burst.acks.size() > acks_looked_back ? burst.acks.end() - acks_looked_back : burst.acks.begin();
  auto mine = std::find_if(from, burst.acks.end(), [&](const ack& entry) { return entry.session == one.from; });
  if (mine == burst.acks.end()) {
    burst.acks.push_back({one.from, one.op, one.weight});
  } else {
    mine->op = std::max(mine->op, one.op);
    mine->bytes += one.weight;
  }
}

/// What follows goes into further bursts: one holds one update.
void output_gate::close_bursts(addressed_bursts& out) {
  add_update(out);
  for (const auto& one : listeners_) out.emplace_back(one.id, document_burst{});
}

/// Hands out the edits that were gathered.
void output_gate::add_update(addressed_bursts& out) {
  auto edits = std::exchange(gathered_, {});
  gathered_bytes_ = 0;
  if (edits.empty()) return;
  counters_.broadcasts.fetch_add(1, std::memory_order_relaxed);
  auto writer = session_key{edits.front().subscriber, edits.front().from};
  auto one_writer = std::ranges::all_of(edits, [&](const waiting& edit) {
    return session_key{edit.subscriber, edit.from} == writer;
  });
  const auto first_seq = edits.front().seq;
  const auto last_seq = edits.back().seq;
  const auto count = edits.size();
  auto updates = std::vector<payload>{};
  updates.reserve(count);
  for (auto& edit : edits) updates.push_back(std::move(edit.update));
  const auto merged = merge_updates(std::move(updates));
  for (auto& one : listeners_) {
    if (one.behind_since) continue;
    if (!listeners_.has_room(one)) {
      one.behind_since = first_seq - 1;
      counters_.subscribers_behind.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    auto& burst = burst_of(out, one.id);
    burst.update = merged;
    burst.seq = last_seq;
    burst.edits = count;
    burst.only_from = one_writer && one.id == writer.subscriber ? writer.session : 0;
    one.unanswered_bytes += merged.size();
  }
}

}  // namespace octavo::actors
