#include "actors/log_writer.hpp"

#include <doctest/doctest.h>

#include "storage/store.hpp"
#include "tests/storage/support.hpp"

using namespace octavo;
using namespace octavo::actors;
using storage::testing::open_ok;
using storage::testing::require_ok;
using storage::testing::temporary_folder;

namespace {

append_request records_of(std::string document, std::vector<std::uint64_t> seqs) {
  auto request = append_request{std::move(document), {}, {}};
  for (auto seq : seqs)
    request.records.push_back(
        {seq, 1'700'000'000'000, "ann", payload::copy_of(request.document + std::to_string(seq))});
  return request;
}

std::uint64_t last_seq(const storage::store& store, std::string_view name) {
  auto found = store.find(name);
  require_ok(found);
  return *found ? (*found)->last_seq : 0;
}

}  // namespace

TEST_CASE("a batch counts what it holds") {
  auto batch = log_batch{};
  CHECK(batch.empty());
  batch.add(records_of("a", {1, 2}));
  batch.add(records_of("b", {1}));
  CHECK(batch.record_count() == 3);
  CHECK(batch.size_bytes() == 3 * (2 + 3));
  batch.clear();
  CHECK(batch.empty());
  CHECK(batch.record_count() == 0);
  CHECK(batch.size_bytes() == 0);
}

TEST_CASE("what all documents have is one commit") {
  const auto folder = temporary_folder{};
  auto store = open_ok(folder / "store");
  const auto before = store->stats()->commits;
  auto batch = log_batch{};
  batch.add(records_of("a", {1, 2}));
  batch.add(records_of("b", {1}));
  batch.add(records_of("a", {3}));
  const auto outcome = commit(*store, batch);
  REQUIRE(outcome.errors.size() == 3);
  for (const auto& each : outcome.errors) CHECK(each.code == errc::none);
  CHECK(store->stats()->commits == before + 1);
  CHECK(last_seq(*store, "a") == 3);
  CHECK(last_seq(*store, "b") == 1);
  const auto loaded = store->load("a");
  require_ok(loaded);
  REQUIRE(loaded->records.size() == 3);
  CHECK(as_text(loaded->records[2].update) == "a3");
  CHECK(loaded->records[2].user == "ann");
}

TEST_CASE("one document's wrong number fails that document alone") {
  const auto folder = temporary_folder{};
  auto store = open_ok(folder / "store");
  auto batch = log_batch{};
  batch.add(records_of("a", {1}));
  batch.add(records_of("wrong", {5}));
  batch.add(records_of("b", {1, 2}));
  const auto outcome = commit(*store, batch);
  REQUIRE(outcome.errors.size() == 3);
  CHECK(outcome.errors[0].code == errc::none);
  CHECK(outcome.errors[1].code == errc::internal);
  CHECK(outcome.errors[2].code == errc::none);
  CHECK(last_seq(*store, "a") == 1);
  CHECK(last_seq(*store, "wrong") == 0);
  CHECK(last_seq(*store, "b") == 2);
}

TEST_CASE("a document that is set aside fails alone") {
  const auto folder = temporary_folder{};
  auto store = open_ok(folder / "store");
  require_ok(storage::testing::commit_one(*store, "damaged", 1, "x"));
  require_ok(store->set_quarantined("damaged", "a test"));
  auto batch = log_batch{};
  batch.add(records_of("damaged", {2}));
  batch.add(records_of("a", {1}));
  const auto outcome = commit(*store, batch);
  CHECK(outcome.errors.at(0).code == errc::quarantined);
  CHECK(outcome.errors.at(1).code == errc::none);
}

TEST_CASE("on a full disk nobody's edits are called written") {
  const auto folder = temporary_folder{};
  auto options = storage::testing::options_for(folder / "store");
  open_ok(options).reset();
  options.min_free_bytes = std::uint64_t{1} << 60;
  auto store = open_ok(options);
  auto batch = log_batch{};
  batch.add(records_of("a", {1}));
  batch.add(records_of("b", {1}));
  const auto outcome = commit(*store, batch);
  REQUIRE(outcome.errors.size() == 2);
  for (const auto& each : outcome.errors) CHECK(each.code == errc::no_space);
  CHECK(last_seq(*store, "a") == 0);
}
