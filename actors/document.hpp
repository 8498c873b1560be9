// A document without its messages: the single writer of one shared text, and the owner of its presence.
//
// An edit is decoded, freed of what is known already, integrated, numbered and handed out as a record for the log.
// Everything that would show it to anyone (broadcasts, acknowledgements, answers to sync) waits in the output gate
// (output_gate.hpp) until the log says that the number is durable. Whoever drives a document_state calls a function
// that brings something in, and then takes what has come out: records, bursts, a schedule.
//
// Affinity: the document's actor.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/listeners.hpp"
#include "actors/messages.hpp"
#include "actors/metrics.hpp"
#include "actors/options.hpp"
#include "actors/output_gate.hpp"
#include "actors/presence.hpp"
#include "actors/server_edit.hpp"
#include "crdt/document.hpp"

namespace octavo::actors {

/// Now, by the two clocks: records carry the time of day, presence and intervals need one that does not jump.
struct moment {
  std::int64_t unix_ms = 0;
  std::int64_t steady_ms = 0;
};

/// An update that broke the document: integrating it failed half-way, so that what is in memory is not to be trusted.
struct broken_update {
  session_key from;
  std::string user;
  std::string reason;
  payload update;
};

class document_state {
 public:
  document_state(document_options options, metrics& counters);
  document_state(const document_state&) = delete;
  document_state& operator=(const document_state&) = delete;

  /// The options of the document's content, as the loader must make it.
  static crdt::document_options content_options(const document_options& options);

  /// Takes what the store holds, before anything else comes in; `seq` is the last sequence number in it. `clocks` are
  /// those of the edits after `clocks_from`, which is `seq` if nothing is known of them.
  void install(crdt::document content, std::uint64_t seq, const std::vector<clock_step>& clocks,
               std::uint64_t clocks_from);
  void install(crdt::document content, std::uint64_t seq) { install(std::move(content), seq, {}, seq); }

  // --- what comes in ---
  void subscribe(subscriber_id subscriber);
  /// Gives a subscriber, and so all sessions behind it, the edits after `since`.
  void bring_up(subscriber_id subscriber, std::uint64_t since);
  void unsubscribe(subscriber_id subscriber, std::int64_t steady_ms);
  /// A subscriber has taken in so many bytes. Returns what it asked meanwhile, to be handled now.
  relay_burst credit(subscriber_id subscriber, std::uint64_t bytes);
  /// Handles what the sessions behind a subscriber ask. `may_write` is false while the disk is full: then edits are
  /// refused, with `why`. Stops at an update that breaks the document, and where there is no room for answers: then
  /// credit() gives the rest back.
  void handle(subscriber_id subscriber, const relay_burst& burst, moment now, bool may_write, std::string_view why);
  /// Makes an edit for a program: all of it or nothing. Returns the sequence number at which it is there, or why it
  /// was not taken. `may_write` and `why` as for handle().
  result<std::uint64_t> edit(const server_edit& what, std::int64_t unix_ms, bool may_write, std::string_view why);
  /// The same once, however often it is asked for.
  result<edit_done> edit(const server_edit& what, edit_key key, std::int64_t unix_ms, bool may_write,
                         std::string_view why);
  /// Whether such an edit may be tried: nothing if so.
  result<void> may_edit(const server_edit& what, bool may_write, std::string_view why);
  /// The same on an older version, which `older` holds, and from there onto the present one.
  result<std::uint64_t> edit_as_of(crdt::document& older, const server_edit& what, std::int64_t unix_ms, bool may_write,
                                   std::string_view why);
  /// Takes an update that this server made, such as one that brings a version back.
  result<std::uint64_t> merge(bytes_view update, std::string user, std::int64_t unix_ms, bool may_write,
                              std::string_view why);
  /// The log holds all records up to `seq`.
  void committed(std::uint64_t seq) { gate_.committed(seq); }
  /// Asks every session for what the document lacks, if edits were refused that might be taken now. True if so.
  bool ask_again(bool may_write);
  void expire_presence(std::int64_t steady_ms) { presence_.expire(steady_ms); }

  // --- what has come out ---
  std::vector<log_record> take_records() { return std::exchange(records_, {}); }
  /// Bursts whose edits are durable, in order. Presence is included if it is due.
  addressed_bursts take_bursts(std::int64_t steady_ms);
  const std::optional<broken_update>& broken() const { return broken_; }

  // --- what is there ---
  std::uint64_t seq() const { return seq_; }
  std::uint64_t committed_seq() const { return gate_.committed_seq(); }
  bool has_uncommitted() const { return seq_ != gate_.committed_seq(); }
  bool has_subscribers() const { return !listeners_.empty(); }
  bool has_presence() const { return !presence_.empty(); }
  bool has_refused() const { return refused_ || refused_for_size_; }
  /// When what is gathered must be sent, by the steady clock; nothing if nothing is.
  std::optional<std::int64_t> due_ms() const;
  /// Estimated in between, and added up once in a while.
  std::size_t memory_bytes();
  /// Bytes of all edits that were taken since the document was opened.
  std::uint64_t bytes_taken() const { return bytes_taken_; }
  const crdt::document& content() const { return content_; }
  /// What a client had after `seq`, for as far as the history of clocks goes back; otherwise empty, which asks for all.
  crdt::state_vector state_after(std::uint64_t seq) const;
  /// The whole state now, in chunks; shared by all that join at the same version.
  const std::vector<payload>& full_state();

 private:
  struct session {
    std::string user;
    std::size_t bad_messages = 0;
    /// An edit of it was not taken. Until the client has sent all that the document lacks, nothing counts as durable.
    bool is_ahead = false;
    payload held_marker;  ///< the last one that came meanwhile: it stands for those before it
  };
  bool takes_user(session_key who, const request& what);
  void enter(session_key who, const request& what);
  void reenter(session_key who, const request& what);
  void leave(session_key who, std::int64_t steady_ms);
  void handle_one(session_key who, const request& what, moment now, bool may_write, std::string_view why);
  bool edit(session_key who, const request& what, std::int64_t unix_ms, bool may_write, std::string_view why);
  result<crdt::committed> make(crdt::edit& open, const server_edit& what, std::optional<edit_key> key = {});
  result<std::uint64_t> edit_as(std::uint64_t client, const server_edit& what, std::optional<edit_key> key,
                                std::int64_t unix_ms);
  std::optional<crdt::apply_errc> integrate(session_key who, std::string user, std::int64_t unix_ms,
                                            std::size_t needed);
  std::string full_message() const;
  void take(session_key who, std::string user, std::int64_t unix_ms, payload canonical,
            std::span<const crdt::clock_advance> advances);
  std::uint64_t writer_id();
  void draw_writer_id();
  void offer(session_key who, const request& what);
  bool decode(session_key who, const request& what);
  bool has_room_for(std::size_t bytes);
  std::size_t content_bytes();
  void measure();
  void forget_encoded();
  const payload& state_vector();
  void sync(session_key who, const request& what);
  void resync(session_key who, const request& what);
  void announce(session_key who, const request& what, std::int64_t steady_ms);
  void bad_message(session_key who, std::string_view what);
  void refuse(session_key who, const request& what, std::string_view why);
  void catch_up(session_key who);
  void mark(session_key who, const request& what);
  void reply_to(session_key who, reply_kind kind, payload data, std::uint64_t seq = 0);
  void reply_chunks(session_key who, const std::vector<payload>& chunks, reply_kind last);
  void trim_history();
  void remember_clocks(std::span<const crdt::clock_advance> advances);
  std::optional<std::int64_t> presence_due_ms() const;
  bool has_crowd() const { return sessions_.size() > options_.crowd_sessions; }
  void add_presence(addressed_bursts& out, std::int64_t steady_ms);

  document_options options_;
  metrics& counters_;
  crdt::document content_;
  crdt::decoded_update scratch_;
  std::uint64_t seq_ = 0;
  listeners listeners_;
  output_gate gate_;
  std::unordered_map<session_key, session, session_key_hash> sessions_;
  presence_table presence_;
  std::int64_t presence_sent_ms_ = 0;
  std::int64_t presence_dirty_ms_ = 0;
  std::vector<log_record> records_;
  std::deque<clock_step> history_;
  std::uint64_t history_from_seq_ = 0;  // states after this number and later can be told
  std::vector<payload> full_state_;     // empty: to be made; so after every change
  std::optional<broken_update> broken_;
  std::uint64_t writer_id_ = 0;  // the client id of server_edits; 0: not drawn yet
  std::uint64_t bytes_taken_ = 0;
  std::size_t measured_bytes_ = 0;               // of the content, when it was last added up; 0: to be done
  std::size_t estimated_bytes_ = 0;              // what edits may have added since
  payload state_vector_;                         // likewise
  bool refused_ = false;                         // edits, while the disk was full
  std::optional<std::size_t> refused_for_size_;  // and while the document was: what the least of them needs
};

}  // namespace octavo::actors
