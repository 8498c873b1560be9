// Who is in a document and where their cursors are: the awareness states of the Yjs protocols. Held by the document's
// actor, never stored.
//
// Each state belongs to the session that announced it, and goes when that session goes: also if the state had left and
// come back in between. Clients repeat what they hear of others, so a state moves to another session only with a newer
// clock, only its owner can take it back early, and only a session that came after the owner's end may bring it back.
//
// Each relay keeps by the same rules what it would take to tell a document's next owner who is here.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/listeners.hpp"
#include "actors/messages.hpp"
#include "actors/options.hpp"
#include "actors/payload.hpp"

namespace octavo::actors {

class presence_table {
 public:
  explicit presence_table(presence_limits limits = {}) : limits_(limits) {}

  enum class verdict : std::uint8_t {
    taken,      ///< something changed
    known,      ///< nothing new
    malformed,  ///< not an awareness payload; nothing changed
    refused,    ///< over a limit; what was within it has been taken
  };

  /// Takes what a session announces. `now_ms` is any clock that does not go back.
  verdict announce(session_key from, bytes_view awareness, std::int64_t now_ms);

  /// The session is gone, and its states with it.
  void leave(session_key session, std::int64_t now_ms);

  /// Removes states that were not renewed in time, and forgets those long gone.
  void expire(std::int64_t now_ms);

  /// Whether anything is here that expire() must look after.
  bool empty() const { return entries_.empty(); }

  bool has_changes() const { return !changed_.empty(); }

  /// What changed since the last call, as an awareness payload; empty if nothing did.
  payload take_changes();

  /// All states that are present. Shared by all who ask until something changes.
  const payload& all() const;
  /// The same, and "gone" for all who are remembered: for a client that may have missed them leave.
  payload all_and_gone() const;

  std::size_t present() const { return present_; }

 private:
  struct entry {
    std::uint64_t clock = 0;
    std::string json;  ///< empty: gone
    session_key owner;
    std::int64_t renewed_ms = 0;
    std::uint64_t gone_at = 0;  ///< on the count of events_
    bool changed = false;
  };
  struct speaker {
    std::vector<std::uint64_t> clients;  ///< that it announced
    std::uint64_t since = 0;             ///< its first word, on the count of events_
  };

  void mark_changed(std::uint64_t client, entry& one);
  void remove(std::uint64_t client, entry& one, std::int64_t now_ms);

  presence_limits limits_;
  std::unordered_map<std::uint64_t, entry> entries_;
  std::unordered_map<session_key, speaker, session_key_hash> speakers_;
  std::uint64_t events_ = 0;  ///< tells what came before what
  std::vector<std::uint64_t> changed_;
  std::size_t present_ = 0;
  mutable payload all_;  ///< empty: to be made
};

/// What a relay knows of who is here, so that nobody is lost or left over with the document's owner: the states that
/// its own sessions announced, and of whom the document told it. What a session repeats of others is not its own.
///
/// When the owner is lost, whom it told of is in doubt until the next owner tells of them too. Those that it does not
/// tell of were on a node that is gone.
class relayed_presence {
 public:
  explicit relayed_presence(presence_limits limits = {}) : limits_(limits) {}

  /// What a session says of somebody that it may have been told of since it came is an echo.
  void enter(session_id session) { speaker_of(session); }
  /// A session of this relay announces this. False if some of it may be no state of its own: see own_part. What is
  /// malformed is the document's to judge.
  bool say(session_id from, bytes_view awareness);
  /// A session's announcement without the states that are known and not its own.
  payload own_part(session_id from, const payload& awareness) const;
  void leave(session_id session);

  /// The document tells this, in its own encoding. What is `late` was made before other news that have been heard, so
  /// that nobody comes back by it.
  void hear(bytes_view awareness, bool late);

  /// The document's owner is gone.
  void document_lost();
  /// What each session has announced and has not taken back, for the next owner; several of one session if it is much.
  std::vector<std::pair<session_id, payload>> own() const;
  /// Those that are still in doubt are gone: an awareness payload that says so; empty if there are none.
  payload take_missing();

  /// Who has gone is remembered until age() has been called twice, and so is that an owner was lost.
  void age();
  bool must_age() const { return lost_ages_ > 0 || someone_parted_; }
  /// What sessions said before they knew of the new owner may still come.
  bool lost_lately() const { return lost_ages_ > 0; }

 private:
  struct entry {
    std::uint64_t clock = 0;
    std::string json;      ///< of a state with an owner
    session_id owner = 0;  ///< 0: none of this relay's
    /// When it left, or came into doubt, or was told of again although it had left; on the count of events_. 0: none of
    /// it.
    std::uint64_t parted_at = 0;
    bool is_here = true;  ///< as far as the document has told
    bool in_doubt = false;
    bool is_old = false;  ///< it parted before age() was called last
  };
  struct speaker {
    std::vector<std::uint64_t> clients;  ///< that it owns
    std::uint64_t since = 0;             ///< on the count of events_
  };

  speaker& speaker_of(session_id session);
  entry* find_or_add(std::uint64_t client);
  void take(session_id from, speaker& speaks, std::uint64_t client, std::uint64_t clock, std::string_view json);
  void disown(std::uint64_t client, entry& one);
  void let_go(std::uint64_t client, entry& one);
  void part(entry& one);
  void hear_present(std::uint64_t client, std::uint64_t clock, bool late);
  void hear_gone(std::uint64_t client, std::uint64_t clock);

  presence_limits limits_;
  std::unordered_map<std::uint64_t, entry> entries_;
  std::unordered_map<session_id, speaker> speakers_;
  std::size_t owned_ = 0;
  std::uint64_t events_ = 0;  ///< tells what came before what
  bool someone_parted_ = false;
  bool is_settling_ = false;  ///< some may be in doubt
  int lost_ages_ = 0;         ///< how often age() will be called until the last loss of an owner is forgotten
};

}  // namespace octavo::actors
