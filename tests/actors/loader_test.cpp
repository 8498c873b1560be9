#include "actors/loader.hpp"

#include <doctest/doctest.h>

#include "crdt/document.hpp"
#include "storage/store.hpp"
#include "tests/actors/support/driven_document.hpp"
#include "tests/storage/support.hpp"

using namespace octavo;
using namespace octavo::actors;
using namespace octavo::test;
using storage::testing::open_ok;
using storage::testing::require_ok;

namespace {

struct stored {
  void add(std::string_view name, std::uint64_t seq, const bytes& update) {
    require_ok(storage::testing::commit_one(*store, name, seq, as_text(update)));
  }
  loaded_document read(const std::string& name) {
    auto document = read_document(*store, name, options);
    require_ok(document);
    return *document;
  }

  storage::testing::temporary_folder folder;
  std::unique_ptr<storage::store> store = open_ok(folder / "store");
  document_options options;
};

/// More work than `steps` allow.
bytes laborious(std::uint64_t client, std::size_t steps) {
  auto update = update_builder{};
  update.block(client, 0);
  for (auto i = std::size_t{0}; i <= steps; ++i) update.set("map", "key" + std::to_string(i), 1);
  return update.build();
}

constexpr auto arena_bytes = std::size_t{10'000};

/// More content than fits.
bytes bulky(std::uint64_t client) {
  return typed(client, 0, std::string(arena_bytes + 1, 'x'));
}

}  // namespace

TEST_CASE("a document that does not exist is empty, and reading does not make it") {
  auto in = stored{};
  const auto document = in.read("new");
  CHECK(document.seq == 0);
  CHECK(document.content->state().empty());
  CHECK_FALSE(in.store->find("new")->has_value());
}

TEST_CASE("a document is rebuilt from its records") {
  auto in = stored{};
  in.add("notes", 1, typed(100, 0, "ab"));
  in.add("notes", 2, typed(100, 2, "cd"));
  const auto document = in.read("notes");
  CHECK(document.seq == 2);
  CHECK(document.content->text("text") == "abcd");
  CHECK(document.records_since_snapshot == 2);
  CHECK(document.bytes_since_snapshot == typed(100, 0, "ab").size() + typed(100, 2, "cd").size());
}

TEST_CASE("a snapshot takes the place of the records before it") {
  auto in = stored{};
  in.add("notes", 1, typed(100, 0, "ab"));
  in.add("notes", 2, typed(100, 2, "cd"));
  const auto covered = write_snapshot(*in.store, "notes", in.options);
  require_ok(covered);
  CHECK(*covered == 2);
  CHECK((*in.store->find("notes"))->snapshot_seq == 2);
  in.add("notes", 3, typed(100, 4, "ef"));
  const auto document = in.read("notes");
  CHECK(document.content->text("text") == "abcdef");
  CHECK(document.seq == 3);
  CHECK(document.records_since_snapshot == 1);
}

TEST_CASE("a snapshot of what has not changed since the last is not written") {
  auto in = stored{};
  in.add("notes", 1, typed(100, 0, "ab"));
  require_ok(write_snapshot(*in.store, "notes", in.options));
  const auto commits = in.store->stats()->commits;
  const auto again = write_snapshot(*in.store, "notes", in.options);
  require_ok(again);
  CHECK(*again == 1);
  CHECK(in.store->stats()->commits == commits);
}

TEST_CASE("what waits for others is part of a snapshot") {
  auto in = stored{};
  in.add("notes", 1, typed(100, 1, "b"));
  require_ok(write_snapshot(*in.store, "notes", in.options));
  in.add("notes", 2, typed(100, 0, "a"));
  CHECK(in.read("notes").content->text("text") == "ab");
}

TEST_CASE("a stored update that cannot be read is left out and kept for inspection") {
  auto in = stored{};
  in.add("notes", 1, typed(100, 0, "a"));
  require_ok(storage::testing::commit_one(*in.store, "notes", 2, "no update"));
  in.add("notes", 3, typed(100, 1, "b"));
  const auto document = in.read("notes");
  CHECK(document.content->text("text") == "ab");
  CHECK(document.seq == 3);
  const auto kept = in.store->list_quarantine("notes");
  require_ok(kept);
  REQUIRE(kept->size() == 1);
  CHECK(as_text(kept->front().update) == "no update");
  CHECK(kept->front().user == "ann");
  CHECK(kept->front().reason.starts_with("seq 2: "));
}

TEST_CASE("a stored update that breaks the document is left out, and the document opens without it") {
  auto in = stored{};
  in.options.arena_bytes_max = arena_bytes;
  in.add("notes", 1, typed(100, 0, "a"));
  in.add("notes", 2, bulky(200));
  in.add("notes", 3, bulky(300));
  in.add("notes", 4, typed(100, 1, "b"));
  const auto document = in.read("notes");
  CHECK(document.content->usable());
  CHECK(document.content->text("text") == "ab");
  CHECK(document.content->clock(200) == 0);
  CHECK(document.seq == 4);
  CHECK(in.store->list_quarantine("notes")->size() == 2);
  in.read("notes");
  CHECK(in.store->list_quarantine("notes")->size() == 2);
}

TEST_CASE("limits are for edits as they come: what is stored is read whatever they are by now, and whatever its sum") {
  auto in = stored{};
  in.add("notes", 1, laborious(200, 50));
  in.add("notes", 2, typed(300, 5, "waits for what has not come"));
  in.options.update_steps_max = 20;
  in.options.pending_bytes_max = 1;
  in.options.update_bytes_max = 1;
  CHECK(in.read("notes").content->clock(200) == 51);
  require_ok(write_snapshot(*in.store, "notes", in.options));
  const auto document = in.read("notes");
  CHECK(document.content->clock(200) == 51);
  CHECK(document.content->stats().pending_structs == 1);
  CHECK(in.store->list_quarantine("notes")->empty());
}

TEST_CASE("a document of more clients than one update may name is read back from its snapshot") {
  auto in = stored{};
  constexpr auto many = std::uint64_t{200'000};
  for (auto half = std::uint64_t{0}; half < 2; ++half) {
    auto update = update_builder{};
    for (auto i = std::uint64_t{0}; i < many; ++i) update.block(1'000 + half * many + i, 0).gc(1);
    in.add("notes", half + 1, update.build());
  }
  require_ok(write_snapshot(*in.store, "notes", in.options));
  const auto document = in.read("notes");
  CHECK(document.records_since_snapshot == 0);
  CHECK(document.content->state().size() == 2 * many);
}

TEST_CASE("a document of more roots than edits may make is read back from its snapshot") {
  auto in = stored{};
  constexpr auto many = std::uint64_t{50'000};
  for (auto half = std::uint64_t{0}; half < 2; ++half) {
    auto update = update_builder{};
    update.block(200 + half, 0);
    // Behind the first one the others wait.
    update.text("w", unit{100, 0});
    for (auto i = std::uint64_t{0}; i < many; ++i) update.text("x", {}, {}, "root " + std::to_string(half * many + i));
    in.add("notes", half + 1, update.build());
  }
  in.add("notes", 3, typed(100, 0, "a"));
  require_ok(write_snapshot(*in.store, "notes", in.options));
  const auto document = in.read("notes");
  CHECK(document.records_since_snapshot == 0);
  CHECK(document.content->root_names().size() == 2 * many + 1);
}

TEST_CASE("the log keeps an update that was left out and could be kept nowhere else") {
  auto in = stored{};
  in.add("notes", 1, typed(100, 0, "a"));
  require_ok(storage::testing::commit_one(*in.store, "notes", 2, std::string(storage::max_quarantined_bytes + 1, 'x')));
  CHECK(in.read("notes").content->text("text") == "a");
  CHECK_FALSE(write_snapshot(*in.store, "notes", in.options));
  CHECK(in.store->read_log("notes", 2, 1, 1)->size() == 1);
}

TEST_CASE("a document whose snapshot cannot be read is set aside, and others are not") {
  auto in = stored{};
  in.add("notes", 1, typed(100, 0, "a"));
  in.add("other", 1, typed(100, 0, "b"));
  require_ok(in.store->put_snapshot("notes", 1, as_bytes("no state"), 1'700'000'000'000));
  const auto document = read_document(*in.store, "notes", in.options);
  REQUIRE_FALSE(document);
  CHECK(document.error().code == errc::corrupt);
  CHECK(document.error().message.find("seq 1") != std::string::npos);
  CHECK((*in.store->find("notes"))->is_quarantined());
  const auto again = read_document(*in.store, "notes", in.options);
  REQUIRE_FALSE(again);
  CHECK(in.read("other").content->text("text") == "b");
}

TEST_CASE("a document that was set aside is not opened, and the reason is told") {
  auto in = stored{};
  in.add("notes", 1, typed(100, 0, "a"));
  require_ok(in.store->set_quarantined("notes", "the log was cut"));
  const auto document = read_document(*in.store, "notes", in.options);
  REQUIRE_FALSE(document);
  CHECK(document.error().code == errc::quarantined);
  CHECK(document.error().message.find("the log was cut") != std::string::npos);
}
