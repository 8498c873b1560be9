#include "storage/wal_recovery.hpp"

#include <algorithm>
#include <map>
#include <unordered_set>
#include <utility>

namespace octavo::storage {

namespace {

class planner {
 public:
  planner(const wal_scan& scan, std::uint64_t base) : scan_(scan), base_(base), expected_(base) {
    plan_.newest_commit = base;
    for (const auto& commit : scan.commits) see(commit.entry);
    for (const auto& damage : scan.damages) {
      plan_.places.push_back(describe(scan, damage));
      for (const auto& entry : damage.entries) {
        see(entry);
        partly_.emplace(entry.commit, &entry);
      }
    }
  }

  recovery_plan run() {
    for (std::size_t i = 0; i < scan_.commits.size(); ++i) {
      const auto& entry = scan_.commits[i].entry;
      if (entry.commit <= expected_) continue;
      take_back(entry.previous);
      if (entry.previous > expected_) {
        if (was_durable(expected_ + 1)) {
          lose(entry);
        } else if (!entry.sync_always) {
          // A power cut took an unsynced commit and left a later one. What is kept is what was written before it, as
          // the documents' sequences have no holes.
          plan_.dropped_commits += scan_.commits.size() - i;
          finish();
          return std::move(plan_);
        }
        // Under sync_mode::always what is not synced is a piece of a snapshot that was not finished: nothing hangs on
        // it, and this commit may have been acknowledged.
      }
      plan_.apply.push_back(i);
      expected_ = entry.commit;
    }
    judge_tail();
    finish();
    return std::move(plan_);
  }

 private:
  void see(const commit_entry& entry) {
    plan_.newest_commit = std::max(plan_.newest_commit, entry.commit);
    // That a commit was to be synced proves nothing of those before it: it may be there and they not, where the power
    // failed during that sync.
    synced_through_ = std::max(synced_through_, entry.synced_through);
    any_sync_always_ = any_sync_always_ || entry.sync_always;
  }

  // A commit that names an earlier one as that before it says that those in between were refused: a disk was full, and
  // their records stand whole at the end of a log that was not used again.
  void take_back(std::uint64_t previous) {
    while (!plan_.apply.empty() && expected_ > previous) {
      plan_.apply.pop_back();
      expected_ = plan_.apply.empty() ? base_ : scan_.commits[plan_.apply.back()].entry.commit;
    }
  }

  bool was_durable(std::uint64_t commit) const { return commit <= synced_through_; }

  // The commits between the last that was applied and `next` are gone.
  void lose(const commit_entry& next) {
    // Those that were never synced are pieces of a snapshot under sync_mode::always: no document loses any.
    const auto through = next.sync_always ? std::min(next.previous, synced_through_) : next.previous;
    plan_.lost_commits += through - expected_;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> named;  // first and last
    const auto name = [&](std::uint64_t first, std::uint64_t last, const std::vector<touched>& items) {
      add(items);
      named.emplace_back(first, last);
    };
    name(next.window_first, next.previous, next.window);
    for (auto at = partly_.lower_bound(expected_ + 1); at != partly_.end() && at->first <= next.previous; ++at) {
      const auto& entry = *at->second;
      name(entry.window_first, entry.previous, entry.window);
      name(entry.previous + 1, entry.commit, entry.own);
    }
    std::sort(named.begin(), named.end());
    auto known = expected_;
    for (const auto& [first, last] : named) {
      if (first <= known + 1) known = std::max(known, last);
    }
    if (known < through) plan_.everything = true;
  }

  // Damage behind the last readable commit: an interrupted write, or acknowledged commits that went bad since?
  void judge_tail() {
    for (const auto& damage : scan_.damages) {
      if (!is_behind_all(damage) || (damage.looks_torn && !proves_loss(damage, expected_))) continue;
      bool all_named = !damage.entries.empty() && !damage.ends_unexplained;
      auto known = expected_;  // up to here it is known what was touched
      std::vector<const commit_entry*> entries;
      for (const auto& entry : damage.entries) entries.push_back(&entry);
      // A head is looked at before the tail of the same commit, since it also names what went before.
      std::stable_sort(entries.begin(), entries.end(), [](const auto* left, const auto* right) {
        return std::pair(left->commit, !left->is_head) < std::pair(right->commit, !right->is_head);
      });
      for (const auto* entry : entries) {
        if (entry->commit <= known) continue;
        // Also an entry that was not synced itself, a piece of a snapshot, tells of the synced commits before it.
        if (entry->previous > known && was_durable(known + 1)) {
          plan_.lost_commits +=
              (entry->sync_always ? std::min(entry->previous, synced_through_) : entry->previous) - known;
          if (entry->window_first > known + 1) plan_.everything = true;
          add(entry->window);
          known = entry->previous;
        }
        if (!entry->synced && !was_durable(entry->commit)) continue;
        ++plan_.lost_commits;
        add(entry->own);
        known = entry->commit;
      }
      if (!all_named && may_have_been_synced()) {
        ++plan_.lost_commits;
        plan_.everything = true;
      }
    }
  }

  bool is_behind_all(const wal_damage& damage) const {
    if (scan_.commits.empty()) return true;
    const auto& last = scan_.commits.back();
    return damage.file > last.file || (damage.file == last.file && damage.offset > last.offset);
  }

  // An unreadable record does not say whether it was synced. One commit anywhere that was written under
  // sync_mode::always shows that it may have been; and where nothing can be read, it may have been.
  bool may_have_been_synced() const { return scan_.commits.empty() || any_sync_always_; }

  void add(const std::vector<touched>& items) {
    for (const auto& item : items) {
      auto [at, is_new] = suspects_.emplace(item.id, item);
      if (is_new) continue;
      auto& known = at->second;
      if (item.kind == touch_kind::removed) known.kind = touch_kind::removed;
      known.seq = std::max(known.seq, item.seq);
      if (item.kind == touch_kind::created) {
        known.name = item.name;
        if (known.kind != touch_kind::removed) known.kind = touch_kind::created;
      }
    }
  }

  void finish() {
    std::unordered_set<std::uint64_t> removed;
    for (const auto i : plan_.apply) {
      for (const auto& item : scan_.commits[i].entry.own) {
        if (item.kind == touch_kind::removed) removed.insert(item.id);
      }
    }
    for (auto& [id, item] : suspects_) {
      // What a later commit dropped as a whole has nothing left to lose.
      if (!removed.contains(id)) plan_.suspects.push_back(std::move(item));
    }
  }

  const wal_scan& scan_;
  recovery_plan plan_;
  const std::uint64_t base_;
  std::uint64_t expected_;  ///< the newest commit that is there
  std::uint64_t synced_through_ = 0;
  bool any_sync_always_ = false;
  std::multimap<std::uint64_t, const commit_entry*> partly_;
  std::map<std::uint64_t, touched> suspects_;
};

}  // namespace

recovery_plan plan_recovery(const wal_scan& scan, std::uint64_t base) {
  return planner(scan, base).run();
}

}  // namespace octavo::storage
