#include <doctest/doctest.h>

#include "storage/format.hpp"
#include "storage/store.hpp"
#include "tests/storage/support.hpp"

using namespace octavo;
using namespace octavo::storage;
using namespace octavo::storage::testing;
using namespace std::chrono_literals;

namespace {

std::vector<std::uint64_t> log_seqs(const store& store, std::string_view name) {
  std::vector<std::uint64_t> seqs;
  const auto records = store.read_log(name, 1, 100000, std::size_t{1} << 30U);
  require_ok(records);
  for (const auto& record : *records) seqs.push_back(record.seq);
  return seqs;
}

}  // namespace

TEST_CASE("without retention a snapshot drops the log it covers") {
  temporary_folder folder;
  {
    auto store = open_ok(folder / "s");
    fill(*store, "a", 1, 10);
    require_ok(store->put_snapshot("a", 7, as_bytes("state at 7"), 1000));
    CHECK(log_seqs(*store, "a") == std::vector<std::uint64_t>{8, 9, 10});
    const auto info = **store->find("a");
    CHECK(info.snapshot_seq == 7);
    CHECK(info.first_seq == 8);
    CHECK(info.log_records == 3);
    CHECK(info.log_bytes == std::string("a/8a/9a/10").size());
    // An older one, or the same again, changes nothing.
    require_ok(store->put_snapshot("a", 5, as_bytes("older"), 1001));
    require_ok(store->put_snapshot("a", 7, as_bytes("same"), 1001));
    fill(*store, "a", 11, 12);
  }
  auto store = open_ok(folder / "s");
  const auto whole = store->load("a");
  require_ok(whole);
  CHECK(whole->snapshot_seq == 7);
  CHECK(as_text(*whole->snapshot) == "state at 7");
  CHECK(whole->records.size() == 5);
  CHECK(whole->records[0].seq == 8);
  require_ok(store->put_snapshot("a", 12, as_bytes("state at 12"), 2000));
  const auto last = store->load("a");
  CHECK(as_text(*last->snapshot) == "state at 12");
  CHECK(last->records.empty());
  CHECK(store->check()->problem_count == 0);
  CHECK(store->check()->snapshots == 1);
}

TEST_CASE("a snapshot of what is not there is refused") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  fill(*store, "a", 1, 3);
  CHECK(store->put_snapshot("b", 1, {}, 0).error().code == errc::not_found);
  CHECK(store->put_snapshot("a", 4, {}, 0).error().code == errc::internal);
  CHECK(store->put_snapshot("a", 0, {}, 0).error().code == errc::internal);
  require_ok(store->put_snapshot("a", 3, {}, 0));
  const auto whole = store->load("a");
  require_ok(whole);
  CHECK(whole->snapshot);
  CHECK(whole->snapshot->empty());
}

TEST_CASE("the log and its base are kept as long as the retention says") {
  temporary_folder folder;
  auto options = options_for(folder / "s");
  options.retention_ms = 1000ms;
  auto store = open_ok(options);
  fill(*store, "a", 1, 10);
  require_ok(store->put_snapshot("a", 10, as_bytes("ten"), 10'000));
  CHECK(log_seqs(*store, "a").front() == 1);
  fill(*store, "a", 11, 20);
  require_ok(store->put_snapshot("a", 20, as_bytes("twenty"), 10'500));
  CHECK(log_seqs(*store, "a").front() == 1);
  fill(*store, "a", 21, 30);
  // The snapshot at 10 is old enough now: the log before it goes, it stays as the base of what is kept.
  require_ok(store->put_snapshot("a", 30, as_bytes("thirty"), 11'000));
  CHECK(log_seqs(*store, "a").front() == 11);
  CHECK(store->check()->snapshots == 3);
  fill(*store, "a", 31, 31);
  require_ok(store->put_snapshot("a", 31, as_bytes("newest"), 20'000));
  CHECK(log_seqs(*store, "a").front() == 31);
  CHECK(store->check()->snapshots == 2);
  CHECK(store->check()->problem_count == 0);
  const auto whole = store->load("a");
  CHECK(as_text(*whole->snapshot) == "newest");
  CHECK(whole->records.empty());
}

TEST_CASE("no more than max_kept_snapshots are kept") {
  temporary_folder folder;
  auto options = options_for(folder / "s");
  options.retention_ms = 24h;
  auto store = open_ok(options);
  for (std::uint64_t seq = 1; seq <= 30; ++seq) {
    fill(*store, "a", seq, seq);
    require_ok(store->put_snapshot("a", seq, as_bytes("state"), static_cast<std::int64_t>(seq * 1000)));
    CHECK(store->check()->snapshots == std::min<std::uint64_t>(seq, max_kept_snapshots));
  }
  CHECK(log_seqs(*store, "a").size() == 30);
  CHECK(store->check()->problem_count == 0);
}

TEST_CASE("a snapshot of many pieces survives a reopen, and one that was never finished does not show") {
  temporary_folder folder;
  std::string state(5 * snapshot_chunk_bytes + 17, 'x');
  for (std::size_t i = 0; i < state.size(); ++i) state[i] = static_cast<char>(i * 2654435761U >> 13U);
  {
    auto store = open_ok(folder / "s");
    fill(*store, "a", 1, 4);
    require_ok(store->put_snapshot("a", 2, as_bytes(state), 1));
    require_ok(store->put_snapshot("a", 3, as_bytes("small"), 1));
    state[0] = 'y';
    require_ok(store->put_snapshot("a", 4, as_bytes(state), 1));
  }
  auto store = open_ok(folder / "s");
  const auto whole = store->load("a");
  require_ok(whole);
  CHECK(as_text(*whole->snapshot) == state);
  CHECK(store->check()->problem_count == 0);
}

TEST_CASE("truncation of a long log leaves what comes after") {
  temporary_folder folder;
  auto options = options_for(folder / "s");
  options.sync = sync_mode::os;
  auto store = open_ok(options);
  std::vector<append> group;
  for (std::uint64_t seq = 1; seq <= 10'000; ++seq) group.push_back(make_append("a", seq, "u"));
  require_ok(store->commit(group));
  fill(*store, "b", 1, 3);
  require_ok(store->put_snapshot("a", 9'990, as_bytes("state"), 1));
  CHECK(log_seqs(*store, "a").size() == 10);
  check_filled(*store, "b", 3);
  CHECK(store->check()->problem_count == 0);
}

TEST_CASE("quarantined updates are kept for inspection, within their bounds") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  fill(*store, "a", 1, 2);
  require_ok(store->quarantine_update("a", 5, "eve", "it is odd", as_bytes("bad")));
  auto list = store->list_quarantine("a");
  require_ok(list);
  REQUIRE(list->size() == 1);
  CHECK(list->front().user == "eve");
  CHECK(list->front().reason == "it is odd");
  CHECK(list->front().time_ms == 5);
  CHECK(as_text(list->front().update) == "bad");
  for (std::size_t i = 0; i < max_quarantined_updates + 5; ++i) {
    require_ok(store->quarantine_update("a", 6, "eve", std::string(5000, 'r'), as_bytes(std::to_string(i))));
  }
  list = store->list_quarantine("a");
  REQUIRE(list->size() == max_quarantined_updates);
  CHECK(as_text(list->back().update) == std::to_string(max_quarantined_updates + 4));
  CHECK(list->back().reason.size() == max_reason_bytes);
  const std::string large(max_quarantined_bytes - 100, 'x');
  require_ok(store->quarantine_update("a", 7, "eve", "large", as_bytes(large)));
  CHECK(store->list_quarantine("a")->size() <= 2);
  CHECK(store->quarantine_update("a", 7, "eve", "too large", as_bytes(large + large)).error().code ==
        errc::limit_exceeded);
  check_filled(*store, "a", 2);
  // The very first update of a document may be the one that breaks it.
  require_ok(store->quarantine_update("new", 8, "eve", "first", as_bytes("bad")));
  CHECK(store->load("new")->info.last_seq == 0);
  fill(*store, "new", 1, 1);
  CHECK(store->list_quarantine("nothing").error().code == errc::not_found);
  CHECK(store->check()->problem_count == 0);
}

TEST_CASE("a document that is set aside takes no commits until it is cleared, and can be read") {
  temporary_folder folder;
  {
    auto store = open_ok(folder / "s");
    fill(*store, "a", 1, 2);
    fill(*store, "b", 1, 1);
    require_ok(store->set_quarantined("a", "checksum"));
    CHECK(store->set_quarantined("nothing", "x").error().code == errc::not_found);
    require_ok(store->set_quarantined("a", "a later reason, which knows less"));
  }
  auto store = open_ok(folder / "s");
  CHECK((*store->find("a"))->quarantine_reason == "checksum");
  const auto refused = commit_one(*store, "a", 3, "a/3");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::quarantined);
  CHECK(store->put_snapshot("a", 2, {}, 1).error().code == errc::quarantined);
  check_filled(*store, "a", 2);
  fill(*store, "b", 2, 2);
  const auto report = store->check();
  CHECK(report->quarantined_documents == 1);
  CHECK(report->problem_count == 1);
  require_ok(store->clear_quarantined("a"));
  fill(*store, "a", 3, 3);
  check_filled(*store, "a", 3);
  require_ok(store->set_quarantined("a", "anew"));
  CHECK((*store->find("a"))->quarantine_reason == "anew");
}

TEST_CASE("what was read from a removed document is not written to the one that has its name now") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  fill(*store, "a", 1, 5);
  std::uint64_t id = any_document;
  load_visitor visitor;
  visitor.on_info = [&](const document_info& info) -> result<void> {
    id = info.id;
    return {};
  };
  require_ok(store->load("a", visitor));
  CHECK(id == (*store->find("a"))->id);
  require_ok(store->remove("a"));
  const auto check_refused = [&] {
    CHECK(store->put_snapshot("a", 3, as_bytes("old"), 1, id).error().code == errc::not_found);
    CHECK(store->set_quarantined("a", "old", id).error().code == errc::not_found);
    CHECK(store->quarantine_update("a", 1, "ann", "old", as_bytes("old"), id).error().code == errc::not_found);
  };
  check_refused();
  CHECK_FALSE(*store->find("a"));
  fill(*store, "a", 1, 5);
  check_refused();
  check_filled(*store, "a", 5);
  const auto info = **store->find("a");
  CHECK(info.snapshot_seq == 0);
  CHECK_FALSE(info.is_quarantined());
  CHECK(store->list_quarantine("a")->empty());
  require_ok(store->put_snapshot("a", 3, as_bytes("new"), 1, info.id));
  require_ok(store->quarantine_update("a", 1, "ann", "new", as_bytes("new"), info.id));
  require_ok(store->set_quarantined("a", "new", info.id));
}
