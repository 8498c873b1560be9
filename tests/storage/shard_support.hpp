// What the tests of shards share: the steps of a replica, and what must hold of what they leave.
#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/shard_log.hpp"
#include "storage/store.hpp"
#include "tests/storage/support.hpp"

namespace octavo::storage::testing {

inline std::string entry_text(std::uint32_t shard, std::uint64_t lsn) {
  return "entry " + std::to_string(shard) + "/" + std::to_string(lsn);
}

/// Keeps the bytes that a step only looks at.
struct step {
  shard_write write;
  std::shared_ptr<std::deque<std::string>> texts = std::make_shared<std::deque<std::string>>();  // shared by copies

  explicit step(std::uint32_t shard) { write.shard = shard; }
  step& entries(std::uint64_t first, std::uint64_t last) {
    for (auto lsn = first; lsn <= last; ++lsn) write.entries.push_back({lsn, keep(entry_text(write.shard, lsn))});
    return *this;
  }
  step& note(std::string_view text) {
    write.note = keep(std::string(text));
    return *this;
  }
  step& edit(const std::string& document, std::uint64_t first, std::uint64_t last) {
    for (auto seq = first; seq <= last; ++seq) {
      const auto update = keep(update_text(document, seq));
      write.appends.push_back(make_append(as_text(keep(document)), seq, as_text(update)));
    }
    return *this;
  }
  step& remove(const std::string& document) {
    write.removals.push_back(as_text(keep(document)));
    return *this;
  }
  step& mark(std::uint64_t client, std::uint64_t number, std::uint64_t lsn) {
    write.marks.push_back({client, number, lsn});
    return *this;
  }
  step& applied(std::uint64_t lsn) {
    write.applied = lsn;
    return *this;
  }
  step& ahead(std::uint64_t lsn) {
    write.ahead = lsn;
    return *this;
  }
  step& copying(std::uint64_t lsn) {
    write.copying = lsn;
    return *this;
  }
  step& as_of(std::uint64_t lsn) {
    write.as_of = lsn;
    return *this;
  }
  step& truncate_after(std::uint64_t lsn) {
    write.truncate_after = lsn;
    return *this;
  }
  step& drop_until(std::uint64_t lsn) {
    write.drop_until = lsn;
    return *this;
  }
  step& clear() {
    write.clear = true;
    return *this;
  }
  result<void> in(store& store) const { return store.commit_shards({&write, 1}); }

 private:
  bytes_view keep(std::string text) { return as_bytes(texts->emplace_back(std::move(text))); }
};

inline stored_shard shard_in(const store& store, std::uint32_t number) {
  const auto all = store.list_shards();
  require_ok(all);
  for (const auto& shard : *all)
    if (shard.shard == number) return shard;
  return {};
}

/// The log holds entries from `first` to `last`, and none where first is 0.
inline void check_log(const store& store, std::uint32_t number, std::uint64_t first, std::uint64_t last,
                      std::uint64_t applied) {
  const auto shard = shard_in(store, number);
  CHECK(shard.first_lsn == first);
  CHECK(shard.last_lsn == last);
  CHECK(shard.applied == applied);
  const auto entries = store.read_shard(number);
  require_ok(entries);
  CHECK(entries->size() == (first == 0 ? 0 : last - first + 1));
  auto expected = first;
  for (const auto& entry : *entries) {
    CHECK(entry.lsn == expected);
    CHECK(as_text(entry.data) == entry_text(number, expected++));
  }
}

inline std::vector<std::string> documents_of(const store& store, std::uint32_t shard, std::string_view after = {},
                                             std::size_t limit = 100) {
  const auto found = store.list_shard_documents(shard, after, limit);
  require_ok(found);
  std::vector<std::string> names;
  for (const auto& info : found->documents) {
    CHECK(info.shard == shard);
    names.push_back(info.name);
  }
  return names;
}

inline void check_sound(const store& store) {
  const auto report = store.check();
  require_ok(report);
  for (const auto& problem : report->problems) FAIL_CHECK(problem.document << ": " << problem.message);
}

}  // namespace octavo::storage::testing
