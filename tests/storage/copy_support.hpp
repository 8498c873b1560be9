// What the tests of copies share: documents with all that one can have, their parts, and everything that can be read of
// one.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/codec.hpp"
#include "storage/shard_copy.hpp"
#include "storage/store_impl.hpp"
#include "tests/storage/shard_support.hpp"
#include "tests/storage/support.hpp"

namespace octavo::storage::testing {

inline constexpr auto all_bytes = std::numeric_limits<std::size_t>::max();

inline std::string state_of(std::size_t size, std::uint64_t seed) {
  std::string state(size, '\0');
  std::mt19937_64 random(seed);
  for (auto& byte : state) byte = static_cast<char>(random());
  return state;
}

inline document_copy metadata_of(const document_info& info) {
  return {info.name, info.last_seq, info.first_seq, info.created_ms, info.updated_ms, info.quarantine_reason};
}

inline std::unique_ptr<shard_view> view_of(const store& store, std::uint32_t shard) {
  auto view = store.view_shard(shard);
  require_ok(view);
  return std::move(*view);
}

inline document_info info_in(const shard_view& view, std::string_view name) {
  const auto all = view.list({}, 1000);
  require_ok(all);
  for (const auto& info : all->documents)
    if (info.name == name) return info;
  FAIL("the view has no document " << name);
  return {};
}

inline std::vector<document_part> parts_of(const shard_view& view, std::string_view name,
                                           std::size_t max_bytes = all_bytes, std::uint64_t after = 0) {
  std::vector<document_part> parts;
  std::optional<part_cursor> next = part_cursor{};
  while (next) {
    auto page = view.read(name, after, *next, max_bytes);
    require_ok(page);
    if (page->next) REQUIRE_FALSE(page->parts.empty());
    for (auto& part : page->parts) parts.push_back(std::move(part));
    next = page->next;
  }
  return parts;
}

inline std::uint64_t begun(store& store, std::uint32_t shard) {
  const auto copy = store.begin_copy(shard);
  require_ok(copy);
  return *copy;
}

inline result<void> copy_parts(store& to, std::uint32_t shard, const std::vector<document_part>& parts,
                               const document_copy& what) {
  const auto copy = begun(to, shard);
  if (auto added = to.add_to_copy(copy, parts); !added) {
    to.drop_copy(copy);
    return added;
  }
  return to.finish_copy(copy, what);
}

inline void copy_document(const shard_view& view, std::string_view name, store& to, std::size_t max_bytes = all_bytes) {
  const auto copy = begun(to, view.shard().shard);
  std::optional<part_cursor> next = part_cursor{};
  while (next) {
    const auto page = view.read(name, 0, *next, max_bytes);
    require_ok(page);
    require_ok(to.add_to_copy(copy, page->parts));
    next = page->next;
  }
  require_ok(to.finish_copy(copy, metadata_of(info_in(view, name))));
}

/// All that can be read of a document, as lines; its number in the store is not among it.
inline std::vector<std::string> everything_of(const store& store, std::string_view name) {
  std::vector<std::string> lines;
  const auto add = [&](const auto&... each) {
    std::string line;
    ((line += each, line += ' '), ...);
    lines.push_back(std::move(line));
  };
  const auto text = [](auto number) { return std::to_string(number); };
  const auto digest = [](bytes_view data) {
    return std::to_string(data.size()) + ":" + std::to_string(crc32c(as_text(data)));
  };
  const auto found = store.find(name);
  require_ok(found);
  if (!*found) return lines;
  const auto& info = **found;
  add("info", info.name, text(info.last_seq), text(info.snapshot_seq), text(info.first_seq), text(info.created_ms),
      text(info.updated_ms), text(info.log_records), text(info.log_bytes), info.quarantine_reason,
      text(info.shard.value_or(0)));
  load_visitor visitor;
  visitor.on_snapshot = [&](std::uint64_t seq, bytes_view state) -> result<void> {
    return add("state", text(seq), digest(state)), result<void>{};
  };
  visitor.on_record = [&](std::uint64_t seq, std::int64_t time_ms, std::string_view user,
                          bytes_view update) -> result<void> {
    return add("record", text(seq), text(time_ms), std::string(user), digest(update)), result<void>{};
  };
  if (const auto loaded = store.load(name, visitor); !loaded) add("load", loaded.error().message);
  for (std::uint64_t seq = 0; seq <= info.last_seq; ++seq) {
    add("at", text(seq));
    if (const auto loaded = store.load_at(name, seq, visitor); !loaded) add(to_string(loaded.error().code));
  }
  const auto versions = store.list_versions(name);
  require_ok(versions);
  for (const auto& each : *versions) {
    add("version", each.label, text(each.seq), text(each.time_ms), each.user, text(each.state_bytes));
  }
  const auto quarantined = store.list_quarantine(name);
  require_ok(quarantined);
  for (const auto& each : *quarantined) {
    add("quarantined", text(each.number), text(each.time_ms), each.user, each.reason, digest(each.update));
  }
  return lines;
}

inline store_options with_history(const std::filesystem::path& path) {
  auto options = options_for(path);
  options.retention_ms = std::chrono::milliseconds(1000);
  return options;
}

/// A document of shard 1 with everything that one can have: its log begins behind a snapshot, and a second one is
/// large.
inline void make_rich(store& store, const std::string& name) {
  require_ok(step(1).edit(name, 1, 12).in(store));
  require_ok(store.put_snapshot(name, 3, as_bytes("three"), 1000));
  require_ok(store.put_snapshot(name, 5, as_bytes(state_of(2 * snapshot_chunk_bytes + 77, 5)), 3000));
  require_ok(store.put_snapshot(name, 9, as_bytes(state_of(snapshot_chunk_bytes, 9)), 4000));
  require_ok(store.put_version(name, "ten", 10, as_bytes(state_of(snapshot_chunk_bytes + 1, 10)), 4000, "ann"));
  require_ok(store.put_version(name, "gone", 2, as_bytes("2"), 4001, "bob"));
  require_ok(store.put_version(name, "first", 2, as_bytes(state_of(99, 2)), 4002, "bob"));
  require_ok(store.put_version(name, "again", 2, as_bytes("another"), 4003, ""));
  require_ok(store.put_version(name, "nothing", 0, {}, 4004, "eve"));
  require_ok(store.remove_version(name, "gone"));
  for (int i = 0; i < 3; ++i) {
    require_ok(store.quarantine_update(name, 5000 + i, "mallory", "it broke", as_bytes(state_of(10 + i, i))));
  }
}

inline document_part state_piece(part_kind kind, std::uint64_t seq, std::string_view whole, std::uint64_t offset = 0,
                                 std::string_view label = {}) {
  const auto piece = as_bytes(whole.substr(offset, snapshot_chunk_bytes));
  return {kind, seq, 1, {}, std::string(label), whole.size(), offset, bytes(piece.begin(), piece.end())};
}

inline document_part record_part(std::uint64_t seq, std::string_view update = "u") {
  const auto data = as_bytes(update);
  return {part_kind::record, seq, 1, "ann", {}, 0, 0, bytes(data.begin(), data.end())};
}

inline document_part quarantined_part(std::uint64_t number) {
  return {part_kind::quarantined, number, 1, "ann", "why", 0, 0, bytes(3)};
}

/// How many keys lie under a number in the closed store.
inline std::size_t keys_under(const store_options& options, std::uint64_t id) {
  auto db = database::open(options.path / "db", options, nullptr, std::make_shared<background_state>());
  require_ok(db);
  std::size_t count = 0;
  for (const auto which :
       {family::ids, family::log, family::snapshots, family::pieces, family::quarantine, family::versions}) {
    const auto range = (*db)->iterate(which, id_key(id), end_of_document(id));
    for (range->it->SeekToFirst(); range->it->Valid(); range->it->Next()) ++count;
  }
  return count;
}

}  // namespace octavo::storage::testing
