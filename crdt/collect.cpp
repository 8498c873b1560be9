// Deletion, and the end of a transaction: freeing the content of what was deleted (garbage collection, as Yjs calls it)
// and joining neighbours. Nothing here recurses: types nest as deep as their writers please.
#include "crdt/internal/transaction.hpp"

namespace octavo::crdt::internal {

void transaction::erase(std::uint32_t client, std::uint32_t clock, std::uint32_t end) {
  while (clock < end) {
    auto& log = store_.log(client);
    auto place = log.find(clock);
    const auto entry = log.at(place);
    const std::uint32_t entry_end = log.end_of(place);
    ++store_.steps;
    if (over_budget()) {
      fail(apply_errc::step_budget_exceeded);
      return;
    }
    if (entry.item == collected || store_.at(entry.item).deleted) {
      clock = entry_end;
      continue;
    }
    std::uint32_t index = entry.item;
    if (entry.clock < clock) {
      index = store_.split(place, index, clock - entry.clock);
      place = store_.log(client).find(clock);
    }
    if (entry_end > end) store_.split(place, index, end - clock);
    clock = store_.at(index).end();
    delete_item(index);
  }
}

void transaction::delete_item(std::uint32_t first) {
  const std::size_t base = work_.size();
  work_.push_back(first);
  while (work_.size() > base) {
    const std::uint32_t index = work_.back();
    work_.pop_back();
    item& gone = store_.at(index);
    if (gone.deleted) continue;
    ++store_.steps;
    if (countable(gone.kind()) && gone.listed()) store_.type(gone.parent).length -= gone.length;
    gone.deleted = 1;
    ++store_.deleted_items;
    units_deleted_ += gone.length;
    deleted_.add({gone.client, gone.clock, gone.end()});
    if (store_.has_place(gone)) store_.positions.resized(store_, index);
    if (!deletes_.empty() && deletes_.back().client == gone.client && deletes_.back().end == gone.clock) {
      deletes_.back().end = gone.end();
    } else {
      deletes_.push_back({gone.client, gone.clock, gone.end()});
    }
    if (gone.kind() == content_kind::type) delete_children(gone.content);
  }
}

void transaction::delete_children(std::uint32_t index) {
  const branch& dead = store_.type(index);
  for (auto child = dead.start; child != nil; child = store_.at(child).right) {
    if (!store_.at(child).deleted) work_.push_back(child);
    ++store_.steps;
  }
  for (auto entry = dead.keys; entry != nil; entry = store_.entries[entry].next) {
    const auto child = store_.entries[entry].item;
    if (!store_.at(child).deleted) work_.push_back(child);
    ++store_.steps;
  }
}

void transaction::finish() {
  if (store_.full) fail(apply_errc::document_full);
  if (failure_) return;
  if (deleted_to != nullptr) *deleted_to = deletes_;
  if (options_.gc) {
    for (std::size_t i = 0; i < deletes_.size(); ++i) collect(deletes_[i]);
  }
  // What lies above the old end of its client is looked at as a whole below.
  const auto is_new = [&](std::uint32_t client, std::uint32_t clock) {
    const auto& log = store_.log(client);
    return log.touched == epoch_ && clock >= log.end_before;
  };
  for (const auto& each : deletes_)
    if (!is_new(each.client, each.clock)) join(each);
  for (const auto& each : collected_)
    if (!is_new(each.client, each.clock)) join(each);
  for (const auto client : advanced_clients_) {
    const auto& log = store_.log(client);
    join({client, log.end_before, log.end() - 1});
  }
  for (const auto& split : store_.splits)
    if (!is_new(split.client, split.clock)) join({split.client, split.clock, split.clock});
  if (store_.full) fail(apply_errc::document_full);
  store_.compact_contents();

  // A big update must not leave its scratch behind in a document that then sits idle.
  constexpr std::size_t kept_entries = 1024;
  const auto shrink = [](auto& values) {
    if (values.capacity() > kept_entries) {
      values.clear();
      values.shrink_to_fit();
    }
  };
  shrink(deletes_);
  shrink(collected_);
  shrink(work_);
  shrink(advanced_clients_);
  shrink(store_.splits);
  seen_.release(kept_entries * sizeof(std::uint32_t));
}

void transaction::collect(const range& of) {
  auto clock = of.clock;
  while (clock < of.end) {
    const auto& log = store_.log(of.client);
    const auto place = log.find(clock);
    const auto entry = log.at(place);
    clock = log.end_of(place);
    if (entry.item == collected) continue;
    const item& dead = store_.at(entry.item);
    if (dead.deleted && !dead.keep) collect_item(entry.item);
  }
}

void transaction::collect_item(std::uint32_t index) {
  item& dead = store_.at(index);
  switch (dead.kind()) {
    case content_kind::deleted:
      return;
    case content_kind::type: {
      const std::uint32_t top = dead.content;
      dead.content = 0;
      dead.set_kind(content_kind::deleted);
      work_.push_back(top);
      while (!work_.empty()) {
        const std::uint32_t type = work_.back();
        work_.pop_back();
        for (auto child = store_.type(type).start; child != nil;) {
          const auto next = store_.at(child).right;
          collect_child(child);
          child = next;
        }
        for (auto entry = store_.type(type).keys; entry != nil; entry = store_.entries[entry].next) {
          for (auto child = store_.entries[entry].item; child != nil;) {
            const auto next = store_.at(child).left;
            collect_child(child);
            child = next;
          }
        }
        store_.free_branch(type);
      }
      return;
    }
    default:
      store_.free_content(dead);
      dead.set_kind(content_kind::deleted);
  }
}

// A child of a dead type is not needed any more to keep anyone's place: only its run of clocks stays.
void transaction::collect_child(std::uint32_t index) {
  item& dead = store_.at(index);
  ++store_.steps;
  if (dead.kind() == content_kind::type) {
    work_.push_back(dead.content);
  } else if (dead.kind() != content_kind::deleted) {
    store_.free_content(dead);
  }
  auto& log = store_.log(dead.client);
  log.at(log.find(dead.clock)).item = collected;
  if (!collected_.empty() && collected_.back().client == dead.client && collected_.back().end == dead.clock) {
    collected_.back().end = dead.end();
  } else {
    collected_.push_back({dead.client, dead.clock, dead.end()});
  }
  if (dead.deleted) --store_.deleted_items;
  store_.items.release(index);
}

// Joins at every border of structs in [clock, end], both included.
void transaction::join(const range& of) {
  auto& log = store_.log(of.client);
  if (of.clock >= log.end()) return;
  auto place = log.find(of.clock);
  if (log.at(place).clock < of.clock) place = log.next(place);
  if (place == log.stop()) return;
  if (!log.has_before(place)) {
    place = log.next(place);
    if (place == log.stop()) return;
  }
  auto left = log.before(place);
  log_position first;
  log_position last;
  std::size_t joined = 0;
  for (; place != log.stop() && log.at(place).clock <= of.end; place = log.next(place)) {
    const auto left_item = log.at(left).item;
    auto& right = log.at(place);
    const bool both_collected = left_item == collected && right.item == collected;
    if (both_collected ||
        (left_item != collected && right.item != collected && store_.try_join(left_item, right.item))) {
      right.item = absorbed;
      if (joined++ == 0) first = place;
      last = place;
    } else {
      left = place;
    }
  }
  if (joined == 1) {
    log.erase(first);
  } else if (joined != 0) {
    log.sweep(first, last);
  }
}

}  // namespace octavo::crdt::internal
