// A relay: the local side of one document on one node. Inwards it gathers what its sessions ask into bursts, with at
// most a window of bytes that the document has not answered. Outwards it hands each burst to the I/O threads that have
// sessions of it, once a thread. While they are still busy with the last one, what follows is merged, so that slow
// sockets make bursts larger and never the queue longer.
#pragma once

#include <algorithm>
#include <atomic>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/metrics.hpp"
#include "actors/options.hpp"
#include "actors/presence.hpp"

namespace octavo::actors {

/// Counts the deliveries that outlets have not handed to their sockets. The relay looks when it has something for them,
/// and only if it found them busy is it told once they are through: a quiet document costs no message. Thread-safe.
class delivery_gate {
 public:
  /// `tell` is called on an I/O thread.
  explicit delivery_gate(std::function<void()> tell) : tell_(std::move(tell)) {}

  void begin() { state_.fetch_add(one_delivery); }
  void end() {
    if (state_.fetch_sub(one_delivery) == (one_delivery | is_awaited)) tell_();
  }
  /// False while outlets are busy; then the last `end` tells.
  bool is_open() { return state_.load() < one_delivery || state_.fetch_or(is_awaited) < one_delivery; }
  /// The relay was told.
  void told() { state_.fetch_and(~is_awaited); }

 private:
  static constexpr std::uint64_t is_awaited = 1;
  static constexpr std::uint64_t one_delivery = 2;
  std::function<void()> tell_;
  std::atomic<std::uint64_t> state_{0};
};

/// The relay without its messages. Affinity: its actor.
class relay_state {
 public:
  /// `tell_flushed` is called on an I/O thread, to have flushed() called on the relay's.
  relay_state(relay_id id, relay_options options, metrics& counters, std::function<void()> tell_flushed);
  ~relay_state();
  relay_state(const relay_state&) = delete;
  relay_state& operator=(const relay_state&) = delete;

  // --- sessions ---
  void enter(const session_start& session);
  void leave(session_id session);
  bool has_sessions() const { return !sessions_.empty(); }

  // --- towards the document ---
  /// Queues what sessions ask. A session that this would push over the relay's bound is closed instead.
  void ask(relay_burst burst);
  /// What may be sent now; empty if nothing waits or the window is full.
  relay_burst next_requests();

  // --- towards the sessions ---
  void receive(document_burst burst);
  /// The document's actor is gone and another one will be found: what it has not answered is asked again, behind an
  /// introduction of all sessions. Edits that it took all the same are known then, and change nothing. Of presence the
  /// next document is told what each session has said of itself, and is asked for the rest.
  void document_lost();
  /// A document was joined whose edits go up to `seq`.
  void joined(std::uint64_t seq) { seq_ = std::max(seq_, seq); }
  /// The sessions have all edits up to this one.
  std::uint64_t seq() const { return seq_; }
  /// presence_grace_ms have passed since another document was joined: whom it does not know are gone for the sessions.
  void end_presence_grace();
  /// To be called every presence_memory_ms while must_age_presence().
  void age_presence() { presence_.age(); }
  bool must_age_presence() const { return presence_.must_age(); }
  /// Hands out what has gathered; while outlets are busy nothing, and they will tell.
  void flush();
  /// Bytes that the document may send anew, once they are worth a message; otherwise 0.
  std::uint64_t take_credit();
  /// The outlets were busy and are through.
  void flushed();

  void close_all(close_reason reason, const std::string& text);

 private:
  struct exit {
    outlet_ptr out;
    std::size_t sessions = 0;
  };
  struct gathered {
    std::vector<reply> replies;
    std::vector<ack> acks;
    std::vector<payload> updates;
    std::vector<payload> presence;
    payload state_vector;
    std::uint64_t seq = 0;
    std::uint64_t edits = 0;
    session_id only_from = 0;
    bool several_writers = false;
    std::uint64_t weight = 0;  ///< of the bursts
    bool empty() const {
      return replies.empty() && acks.empty() && updates.empty() && presence.empty() && state_vector.empty();
    }
  };

  struct present_session {
    std::size_t outlet = 0;
    payload user;
  };

  std::size_t outlet_index(const outlet_ptr& out);
  void enqueue(request what);
  void say(request& what);
  void shorten(request& what, payload shorter);
  void take_missing();

  counted_open open_;
  relay_id id_;
  relay_options options_;
  metrics& counters_;
  std::unordered_map<session_id, present_session> sessions_;
  std::vector<exit> outlets_;
  std::vector<request> queue_;
  std::size_t queue_bytes_ = 0;
  std::deque<request> unanswered_;  ///< sent, in order; answers come in this order too
  std::size_t unanswered_bytes_ = 0;
  std::uint64_t seq_ = 0;
  relayed_presence presence_;
  bool grace_is_over_ = false;
  bool has_heard_all_ = false;  ///< from the document that there is now: who is here
  std::uint64_t credit_ = 0;    ///< bytes that were handed out, and not told to the document
  gathered out_;
  std::shared_ptr<delivery_gate> gate_;
};

/// Spawns the relay of a document. It looks the document up in the directory and joins it. When the document goes to
/// another node, or the node that it was on is gone, it looks it up again, and the sessions stay; when the document
/// fails, all its sessions are closed and it ends.
relay_actor spawn_relay(caf::actor_system& system, std::string document, relay_id id, directory_actor directory,
                        registry_actor registry, relay_options options, metrics& counters);

}  // namespace octavo::actors
