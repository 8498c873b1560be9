// What the replicas of one shard say to each other. Every message is safe to lose, to repeat and to deliver late: the
// ballot in it tells to which claim it belongs, and whoever has promised a later one refuses. Late means to the process
// that it was sent to: a message never reaches one that was started since (peer_link.hpp).
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "cluster/shard_types.hpp"

namespace octavo::cluster {

/// From a claimer: promise that you follow no earlier claim.
struct prepare_message {
  ballot claim;
};

/// I do. My log ends there, on disk.
struct promise_message {
  ballot claim;
  position last;
  std::uint64_t removed_version = 0;  ///< members of this version did not include me, and my log was dropped; 0: no
};

/// I have promised a later claim, or the same epoch to another one.
struct refusal_message {
  ballot claim;
  ballot promised;
};

/// From the owner: entries that follow `prev`, and how far the log is committed.
struct append_message {
  ballot claim;
  std::uint64_t round = 0;  ///< counts the owner's messages, to tell late answers
  position prev;
  std::vector<log_entry> entries;
  std::uint64_t commit = 0;
  std::uint64_t floor = 0;  ///< every member has the log up to here: it need not be kept for others
};

/// My log is the owner's up to `match`, on disk.
struct appended_message {
  ballot claim;
  std::uint64_t round = 0;
  std::uint64_t match = 0;
  std::uint64_t commit = 0;  ///< what I know to be committed
};

/// My log does not have the entry at `prev_lsn`; try behind `hint`.
struct mismatch_message {
  ballot claim;
  std::uint64_t round = 0;
  std::uint64_t prev_lsn = 0;
  std::uint64_t hint = 0;
};

/// From the owner: the log that you lack is kept no longer; take my documents, as they are at `at` or later.
struct offer_state_message {
  ballot claim;
  std::uint64_t round = 0;
  position at;
};

/// From a claimer that gives up: your log is longer than mine, claim the shard yourself.
struct nominate_message {
  shard_record record;  ///< what the directory says: my claim
};

/// From an owner that has stopped taking edits: all is committed up to `last`, claim the shard now.
struct handoff_message {
  ballot claim;
  position last;
};

/// From the owner: you are no member. Whoever has heard a later round of this owner was made one again.
struct removed_message {
  ballot claim;
  std::uint64_t round = 0;
  shard_config config;
  std::uint64_t question = 0;  ///< that it answers; 0: nobody asked, it was a member until now
};

/// From a replica that the directory does not name as a member: say so if I am none, and do not learn from you either.
struct membership_message {
  std::uint64_t question = 0;  ///< random, not 0
};

/// From the owner: you have less than you once acknowledged. Set your disk aside and come back as a new member.
struct damaged_message {
  ballot claim;
};

/// Do not reorder: the index is on the wire.
using replica_message = std::variant<prepare_message, promise_message, refusal_message, append_message,
                                     appended_message, mismatch_message, offer_state_message, nominate_message,
                                     handoff_message, removed_message, damaged_message, membership_message>;

/// For logs.
std::string_view name_of(const replica_message& message);

}  // namespace octavo::cluster
