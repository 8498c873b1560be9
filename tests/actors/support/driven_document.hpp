// A document without its messages, driven by hand, and the words in which its tests speak.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "actors/document.hpp"
#include "tests/crdt/support/builder.hpp"

namespace octavo::test {

using bursts = std::vector<std::pair<actors::subscriber_id, actors::document_burst>>;

/// What a client types at the end of its own text, whose next clock is `clock`.
inline bytes typed(std::uint64_t client, std::uint64_t clock, std::string_view text) {
  auto origin = maybe_unit{};
  if (clock != 0) origin = unit{client, clock - 1};
  return update_builder{}.block(client, clock).text(text, origin).build();
}

inline actors::request entering(actors::session_id session, std::string_view user = {}) {
  return {session, actors::request_kind::enter, 0, 0, actors::payload::copy_of(user)};
}
inline actors::request leaving(actors::session_id session) {
  return {session, actors::request_kind::leave, 0, 0, {}};
}
inline actors::request editing(actors::session_id session, std::uint64_t op, bytes update) {
  return {session, actors::request_kind::edit, op, 0, actors::payload{std::move(update)}};
}
inline actors::request syncing(actors::session_id session, std::uint64_t op, const crdt::state_vector& since = {}) {
  return {session, actors::request_kind::sync, op, 0, actors::payload{crdt::encode_state_vector(since)}};
}
inline actors::request resyncing(actors::session_id session, std::uint64_t seq) {
  return {session, actors::request_kind::resync, 0, seq, {}};
}
inline actors::request announcing(actors::session_id session, bytes awareness) {
  return {session, actors::request_kind::presence, 0, 0, actors::payload{std::move(awareness)}};
}

struct driven_document {
  explicit driven_document(const actors::document_options& options = {}) : state(options, counters) {}

  template <class... Requests>
  void ask(actors::subscriber_id from, Requests... requests) {
    auto burst = actors::relay_burst{};
    (burst.requests.push_back(std::move(requests)), ...);
    state.handle(from, burst, {1'700'000'000'000, now_ms}, may_write, "the disk is full");
  }

  bursts take() { return state.take_bursts(now_ms); }

  /// Everything is durable.
  bursts commit() {
    for (auto& record : state.take_records()) log.push_back(std::move(record));
    state.committed(state.seq());
    return take();
  }

  metrics counters;
  actors::document_state state;
  std::int64_t now_ms = 1'000'000;
  bool may_write = true;
  std::vector<actors::log_record> log;
};

/// All that a subscriber got, as one: its replies in order, the updates one by one.
struct heard {
  std::vector<actors::reply> replies;
  std::vector<actors::document_burst> updates;
  std::vector<actors::ack> acks;
  std::vector<actors::payload> presence;
  std::uint64_t credit_bytes = 0;
  bool asked_all = false;

  std::uint64_t acked(actors::session_id session) const {
    auto op = std::uint64_t{0};
    for (const auto& one : acks)
      if (one.session == session) op = std::max(op, one.op);
    return op;
  }
  std::vector<actors::reply> of(actors::reply_kind kind) const {
    auto result = std::vector<actors::reply>{};
    for (const auto& one : replies)
      if (one.kind == kind) result.push_back(one);
    return result;
  }
};

inline heard by(actors::subscriber_id subscriber, const bursts& all) {
  auto result = heard{};
  for (const auto& [to, burst] : all) {
    if (to != subscriber) continue;
    result.replies.insert(result.replies.end(), burst.replies.begin(), burst.replies.end());
    if (!burst.update.empty()) result.updates.push_back(burst);
    result.acks.insert(result.acks.end(), burst.acks.begin(), burst.acks.end());
    if (!burst.presence.empty()) result.presence.push_back(burst.presence);
    result.credit_bytes += burst.credit_bytes;
    result.asked_all = result.asked_all || burst.ask_all;
  }
  return result;
}

}  // namespace octavo::test
