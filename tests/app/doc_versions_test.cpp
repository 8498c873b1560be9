#include "app/doc_versions.hpp"

#include <doctest/doctest.h>

#include "actors/versions.hpp"
#include "tests/crdt/support/builder.hpp"
#include "tests/storage/support.hpp"

using namespace octavo;
using namespace octavo::app;
using namespace octavo::storage::testing;
using actors::document_at;
using actors::history_between;

namespace {

// Five edits by two users, one second apart from 2026-11-26T09:30:00 on: "a", "ab", "abc", …
constexpr auto start_ms = std::int64_t{1'795'685'400'000};

void write_notes(storage::store& store, std::uint64_t from = 1, std::uint64_t to = 5) {
  for (auto seq = from; seq <= to; ++seq) {
    auto left = test::maybe_unit{};
    if (seq > 1) left = test::unit{1, seq - 2};
    auto builder = test::update_builder{};
    auto update = builder.block(1, seq - 1).text(std::string(1, static_cast<char>('a' + seq - 1)), left).build();
    auto item = storage::append{"notes", seq, start_ms + static_cast<std::int64_t>(seq - 1) * 1000,
                                seq % 2 == 0 ? "ben" : "ada", update};
    require_ok(store.commit({&item, 1}));
  }
}

std::string text_at(const storage::store& store, const std::string& version) {
  auto seq = find_version(store, "notes", version);
  require_ok(seq);
  auto document = document_at(store, "notes", *seq);
  require_ok(document);
  return document->text("text");
}

}  // namespace

TEST_CASE("times are read as ISO 8601 has them") {
  CHECK(parse_time_ms("1970-01-01") == 0);
  CHECK(parse_time_ms("2026-11-26") == 1'795'651'200'000);
  CHECK(parse_time_ms("2026-11-26T09:30") == start_ms);
  CHECK(parse_time_ms("2026-11-26 09:30:00Z") == start_ms);
  CHECK(parse_time_ms("2026-11-26T09:30:00.25Z") == start_ms + 250);
  CHECK(parse_time_ms("2026-11-26T09:30:00.123456789") == start_ms + 123);
  CHECK(parse_time_ms("2026-11-26T10:30+01:00") == start_ms);
  CHECK(parse_time_ms("2026-11-26T04:00-0530") == start_ms);
  CHECK(parse_time_ms("2026-11-26T04:30-05") == start_ms);
  CHECK(parse_time_ms("1969-12-31T23:59:59.999Z") == -1);
  for (const auto* text :
       {"", "2026", "2026-11", "2026-13-01", "2026-02-29", "2026-11-26T", "2026-11-26T9:30", "2026-11-26T24:00",
        "2026-11-26T09:60", "2026-11-26T09:30:60", "2026-11-26T09:30:00.", "2026-11-26T09:30X", "2026-11-26T09:30Z ",
        "2026-11-26T09:30+1", "2026-11-26T09:30+24", "2026-11-26T09:30+01:", "2026-11-26T09:30+01:60", "26-11-2026",
        "2026-11-26T09:30:00.1234567890"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_time_ms(text));
  }
}

TEST_CASE("a version is found by its number, its label and its time") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  write_notes(*store);
  require_ok(
      store->put_version("notes", "half", 3, document_at(*store, "notes", 3)->encode_state_as_update_v1(), 0, ""));
  CHECK(text_at(*store, "0").empty());
  CHECK(text_at(*store, "2") == "ab");
  CHECK(text_at(*store, "half") == "abc");
  CHECK(text_at(*store, "2026-11-26T09:30") == "a");
  CHECK(text_at(*store, "2026-11-26T09:30:02.999") == "abc");
  CHECK(text_at(*store, "2026-11-26T09:30:03") == "abcd");
  CHECK(text_at(*store, "2027-01-01") == "abcde");
  CHECK(find_version(*store, "notes", "6").error().message == "notes has no version 6 yet: its last one is 5");
  CHECK(find_version(*store, "notes", "99999999999999999999").error().code == errc::not_found);
  CHECK(find_version(*store, "notes", "2026-11-26").error().message ==
        "there was no document notes at 2026-11-26 00:00:00 UTC: its first edit came at 2026-11-26 09:30:00");
  CHECK(find_version(*store, "notes", "whole").error().code == errc::not_found);
  CHECK(find_version(*store, "other", "1").error().code == errc::not_found);
}

TEST_CASE("what the log does not hold any more is said to be gone, but for versions with names") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  write_notes(*store);
  require_ok(
      store->put_version("notes", "early", 2, document_at(*store, "notes", 2)->encode_state_as_update_v1(), 0, ""));
  require_ok(store->put_snapshot("notes", 4, document_at(*store, "notes", 4)->encode_state_as_update_v1(), start_ms));
  CHECK(text_at(*store, "early") == "ab");
  CHECK(text_at(*store, "4") == "abcd");
  CHECK(text_at(*store, "2026-11-26T09:30:04") == "abcde");
  CHECK(document_at(*store, "notes", 3).error().message ==
        "version 3 of \"notes\" is gone: the log is kept from 5 on; raise the retention, or name the versions that are "
        "to stay");
  CHECK(find_version(*store, "notes", "2026-11-26T09:30:02").error().message ==
        "what notes was at 2026-11-26 09:30:02 UTC is gone: the log is kept from 5 on; raise the retention, or name "
        "the versions that are to stay");

  // Across the gap what happened is known as a whole, and brought back as well.
  auto history = history_between(*store, "notes", 2, 5);
  require_ok(history);
  CHECK(history->document_at(2)->text("text") == "ab");
  CHECK(history->document_at(5)->text("text") == "abcde");
  auto restored = history->restore_update(2, 77);
  REQUIRE(restored);
  auto item = storage::append{"notes", 6, start_ms, "eve", *restored};
  require_ok(store->commit({&item, 1}));
  CHECK(text_at(*store, "6") == "ab");
}
