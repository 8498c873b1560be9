// What the actors say to each other, as plain values. All of these may cross nodes, but for those in outlet.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/payload.hpp"

namespace octavo::actors {

/// A client's connection as its relay knows it; unique within one run of one node, never reused. 0 is nobody.
using session_id = std::uint64_t;

/// What a client asks of its document. Do not renumber.
enum class request_kind : std::uint8_t {
  enter = 0,           ///< a session opens; data: the user's name
  leave = 1,           ///< a session is gone
  edit = 2,            ///< data: an update, v1
  sync = 3,            ///< data: a state vector; answered with all that it lacks
  presence = 4,        ///< data: an awareness payload
  query_presence = 5,  ///< answered with all presence states
  resync = 6,          ///< answered with all edits after `seq`: the session's queue overflowed there
  offer = 7,           ///< data: an update of a client that may only read; refused if it holds anything new
  answer = 8,          ///< data: an update that holds all that the client has and the document lacked
  marker = 9,          ///< data: sent back once everything that the session asked before is durable
  reenter = 10,        ///< a session that was here before the document's last owner was gone; data: the user's name
};

template <class Inspector>
bool inspect(Inspector& f, request_kind& x) {
  auto get = [&x] { return static_cast<std::uint8_t>(x); };
  auto set = [&x](std::uint8_t value) {
    x = static_cast<request_kind>(value);
    return value <= static_cast<std::uint8_t>(request_kind::reenter);
  };
  return f.apply(get, set);
}

/// How far a client's structs reached before an edit: what it takes to tell the state at an earlier number.
struct clock_step {
  std::uint64_t seq = 0;
  std::uint64_t client = 0;
  std::uint32_t clock_before = 0;
};

struct request {
  session_id session = 0;
  request_kind kind = request_kind::edit;
  std::uint64_t op = 0;   ///< the session's own count of what it asked; answered by an `ack`
  std::uint64_t seq = 0;  ///< of a resync: the last sequence number that was delivered
  payload data;

  template <class Inspector>
  friend bool inspect(Inspector& f, request& x) {
    return f.object(x).fields(f.field("session", x.session), f.field("kind", x.kind), f.field("op", x.op),
                              f.field("seq", x.seq), f.field("data", x.data));
  }

  /// What the request weighs in a window: its bytes, and a little so that empty requests are bounded as well.
  std::size_t weight() const { return data.size() + request_overhead_bytes; }
  static constexpr std::size_t request_overhead_bytes = 64;
};

/// Relay to document: what its sessions asked since the last burst.
struct relay_burst {
  std::vector<request> requests;

  template <class Inspector>
  friend bool inspect(Inspector& f, relay_burst& x) {
    return f.object(x).fields(f.field("requests", x.requests));
  }
};

/// "All that you asked up to `op` is answered"; for edits that means durable. `bytes` of the window are free again.
struct ack {
  session_id session = 0;
  std::uint64_t op = 0;  ///< 0: only bytes are released
  std::uint64_t bytes = 0;

  template <class Inspector>
  friend bool inspect(Inspector& f, ack& x) {
    return f.object(x).fields(f.field("session", x.session), f.field("op", x.op), f.field("bytes", x.bytes));
  }
};

/// What a document tells one session. Do not renumber.
enum class reply_kind : std::uint8_t {
  state_vector = 0,  ///< "tell me what I lack": a state vector
  update = 1,        ///< a part of an answer to sync or resync
  synced = 2,        ///< the last part of an answer to sync
  presence = 3,      ///< an awareness payload
  resynced = 4,      ///< no data: from here on the session misses nothing after `seq`
  refused = 5,       ///< the edit `seq` (an op) was not taken; data: a sentence that says why
  kicked = 6,        ///< the session must be closed; data: why; `seq`: a close_reason
  durable = 7,       ///< all that was asked before a marker is durable; data: the marker's
};

template <class Inspector>
bool inspect(Inspector& f, reply_kind& x) {
  auto get = [&x] { return static_cast<std::uint8_t>(x); };
  auto set = [&x](std::uint8_t value) {
    x = static_cast<reply_kind>(value);
    return value <= static_cast<std::uint8_t>(reply_kind::durable);
  };
  return f.apply(get, set);
}

struct reply {
  session_id session = 0;
  reply_kind kind = reply_kind::update;
  std::uint64_t seq = 0;
  payload data;

  template <class Inspector>
  friend bool inspect(Inspector& f, reply& x) {
    return f.object(x).fields(f.field("session", x.session), f.field("kind", x.kind), f.field("seq", x.seq),
                              f.field("data", x.data));
  }
};

/// Document to relay: what became durable, or needs no durability, since the last burst. Replies come before the
/// update, so that an update which a resynced session still needs is not dropped as one from before.
struct document_burst {
  std::vector<reply> replies;
  payload update;            ///< all edits of the burst merged into one update; empty: none
  std::uint64_t seq = 0;     ///< the last sequence number in `update`
  std::uint64_t edits = 0;   ///< how many sequence numbers `update` holds
  session_id only_from = 0;  ///< the session that made all of them, if it was one: it has them already
  std::vector<ack> acks;
  payload presence;                ///< awareness states that changed; empty: none
  bool ask_all = false;            ///< ask every session for what the document lacks (edits were refused)
  payload state_vector;            ///< with ask_all
  std::uint64_t credit_bytes = 0;  ///< of the relay's window that are free again

  template <class Inspector>
  friend bool inspect(Inspector& f, document_burst& x) {
    return f.object(x).fields(f.field("replies", x.replies), f.field("update", x.update), f.field("seq", x.seq),
                              f.field("edits", x.edits), f.field("only_from", x.only_from), f.field("acks", x.acks),
                              f.field("presence", x.presence), f.field("ask_all", x.ask_all),
                              f.field("state_vector", x.state_vector), f.field("credit_bytes", x.credit_bytes));
  }

  /// What it weighs in the subscriber's window: see subscriber_window_bytes.
  std::size_t weight() const {
    auto bytes = update.size() + presence.size();
    for (const auto& one : replies) bytes += one.data.size();
    return bytes;
  }

  bool empty() const {
    return replies.empty() && update.empty() && acks.empty() && presence.empty() && !ask_all && credit_bytes == 0;
  }
};

/// One edit on its way to the log.
struct log_record {
  std::uint64_t seq = 0;
  std::int64_t time_ms = 0;  ///< since the Unix epoch, by the server's clock
  std::string user;
  payload update;

  template <class Inspector>
  friend bool inspect(Inspector& f, log_record& x) {
    return f.object(x).fields(f.field("seq", x.seq), f.field("time_ms", x.time_ms), f.field("user", x.user),
                              f.field("update", x.update));
  }
};

/// Why a connection is closed; each dialect has its own number for it. Do not renumber.
enum class close_reason : std::uint8_t {
  normal = 0,
  fault = 1,           ///< the document failed; come back
  try_again = 2,       ///< overloaded or starting; come back later
  going_away = 3,      ///< the node stops; come back, elsewhere if you can
  bad_messages = 4,    ///< more malformed messages than a client may send
  update_refused = 5,  ///< an edit that broke the document: do not come back with it
  unauthenticated = 6,
  forbidden = 7,
  deleted = 8,
};

}  // namespace octavo::actors
