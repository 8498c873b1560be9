// Who is in a document and where their cursors are: the awareness states of the Yjs protocols. Held by the document's
// actor, never stored.
//
// Each state belongs to the session that announced it, and goes when that session goes: also if the state had left and
// come back in between. Clients repeat what they hear of others, so a state moves to another session only with a newer
// clock, only its owner can take it back early, and only a session that came after the owner's end may bring it back.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/options.hpp"
#include "actors/payload.hpp"

namespace octavo::actors {

/// A session as a document knows it: a session id is only unique behind one subscriber.
struct session_key {
  std::uint32_t subscriber = 0;
  std::uint64_t session = 0;

  friend bool operator==(const session_key&, const session_key&) = default;
};

struct session_key_hash {
  std::size_t operator()(const session_key& key) const {
    return std::hash<std::uint64_t>{}(key.session * 0x9e3779b97f4a7c15ull + key.subscriber);
  }
};

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

}  // namespace octavo::actors
