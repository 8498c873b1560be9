// Bugs on purpose. The simulator is worth something only if it finds what is wrong, and so its tests build the
// protocol with one of these switched on at a time. The last four are not in the protocol, but in the disks and
// documents that the simulator has around it. In every other build planted() is false at compile time.
#pragma once

#include <cstdint>

namespace octavo::cluster {

enum class bug : std::uint8_t {
  none,
  ack_before_sync,           ///< a follower acknowledges what it has not synced
  promise_before_sync,       ///< a promise is given that a crash forgets
  ignored_promise,           ///< a replica follows an earlier claim than the one that it has promised
  ballot_without_owner,      ///< an epoch is promised to whoever asks, again and again
  commits_older_epoch,       ///< entries of older epochs commit by being counted (Raft §5.4.2)
  no_prev_check,             ///< entries are appended whatever stands before them
  keeps_conflicts,           ///< entries that conflict with the owner's stay
  old_majority,              ///< while members change, a majority of the old ones is counted
  shorter_log_owns,          ///< a claimer whose log lacks what a voter has becomes the owner
  forgets_removal,           ///< a replica that was removed votes as if it had never had a log
  keeps_what_it_learned,     ///< whoever learned from an owner that is gone never asks whether it is a member
  resumes_as_owner,          ///< an owner that gave the shard away goes on under the new epoch
  revision_as_epoch,         ///< the directory's revision is the epoch, which goes back with a restored backup
  no_dedup,                  ///< a retried edit is taken again
  dedup_lost_in_transfer,    ///< documents are copied without what tells retries
  truncated_recovery,        ///< a damaged log is opened up to the damage
  wiped_disk_keeps_its_name  ///< an empty disk votes as the one that it replaces
};

#ifdef OCTAVO_PLANTED_BUGS
inline thread_local bug planted_bug = bug::none;
/// What the directory calls its revision, for bug::revision_as_epoch.
inline thread_local std::uint64_t planted_revision = 0;
inline bool planted(bug which) {
  return planted_bug == which;
}
#else
constexpr bool planted(bug) {
  return false;
}
#endif

}  // namespace octavo::cluster
