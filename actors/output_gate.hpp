// Everything that would show an edit to anyone waits here until the log has it: broadcasts, acknowledgements, answers.
// What has come out is gathered into bursts, one for each subscriber and broadcast, in the order in which it came in;
// but a crowd's edits are gathered for longer, and what else there is does not wait for them.
//
// Affinity: the document's actor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "actors/listeners.hpp"
#include "actors/messages.hpp"
#include "actors/metrics.hpp"

namespace octavo::actors {

using addressed_bursts = std::vector<std::pair<subscriber_id, document_burst>>;

/// The newest burst for a subscriber; a new one if there is none.
document_burst& burst_of(addressed_bursts& out, subscriber_id subscriber);

class output_gate {
 public:
  /// Both outlive it. Edits are merged into broadcasts of at most `burst_bytes_max`, if there is more than one.
  output_gate(listeners& to, metrics& counters, std::size_t burst_bytes_max)
      : listeners_(to), counters_(counters), burst_bytes_max_(burst_bytes_max) {}

  /// All edits up to `seq` are durable.
  void committed(std::uint64_t seq);
  std::uint64_t committed_seq() const { return committed_seq_; }

  // --- what comes in; `seq` is the last edit that it would show ---
  void edit(std::uint64_t seq, session_key from, payload update);
  /// For one session. It counts at once as on its way to its subscriber.
  void reply(std::uint64_t seq, subscriber_id to, actors::reply what);
  /// A request of a session has been handled.
  void answered(std::uint64_t seq, session_key who, const request& what);
  /// For all sessions: tell what this state vector lacks.
  void question(std::uint64_t seq, payload state_vector);
  /// What a subscriber lacks that was given no edits for a while.
  void catch_up(std::uint64_t seq, subscriber_id to, payload lacking);

  // --- what comes out ---
  /// What is durable; edits only if the last of them went out at least `gather_ms` ago, if there are more than fit into
  /// one broadcast, or if somebody is to catch up.
  addressed_bursts open(std::int64_t gather_ms, std::int64_t steady_ms);
  /// When the edits that are being gathered are to go out; nothing if there are none.
  std::optional<std::int64_t> due_ms(std::int64_t gather_ms) const;

 private:
  /// What waits for `seq` to be durable.
  struct waiting {
    std::uint64_t seq = 0;
    subscriber_id subscriber = 0;
    session_id from = 0;
    enum class kind_type : std::uint8_t { edit, reply, answered, question, catch_up } kind = kind_type::answered;
    payload update;            // of an edit; of a question: the state vector; of catch_up: what is lacking
    std::uint64_t op = 0;      // of answered
    std::uint64_t weight = 0;  // of answered: bytes of the windows that are free again
    bool of_client = false;    // of answered: the client's own window counted it too
    actors::reply what;        // of a reply
  };

  void let_out(waiting one, addressed_bursts& out);
  static void acknowledge(const waiting& one, document_burst& burst);
  void close_bursts(addressed_bursts& out);
  void add_update(addressed_bursts& out);

  listeners& listeners_;
  metrics& counters_;
  std::size_t burst_bytes_max_;
  std::uint64_t committed_seq_ = 0;
  std::deque<waiting> waiting_;
  std::vector<waiting> gathered_;  ///< edits that are durable, for one broadcast
  std::size_t gathered_bytes_ = 0;
  std::int64_t broadcast_ms_ = 0;  ///< when the last one went out
};

}  // namespace octavo::actors
