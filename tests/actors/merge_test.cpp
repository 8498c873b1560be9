#include "actors/merge.hpp"

#include <doctest/doctest.h>

#include "tests/actors/support/driven_document.hpp"
#include "tests/crdt/support/replay.hpp"
#include "tests/support/awareness.hpp"

using namespace octavo;
using namespace octavo::actors;
using namespace octavo::test;

TEST_CASE("nothing merged is nothing, and one is itself") {
  CHECK(merge_updates({}).empty());
  CHECK(merge_presence({}).empty());
  const auto update = payload{typed(1, 0, "a")};
  CHECK(merge_updates({update}).shared() == update.shared());
}

TEST_CASE("a merged update has the effect of all") {
  const auto merged = merge_updates({payload{typed(1, 0, "a")}, payload{typed(2, 0, "b")}, payload{typed(1, 1, "c")}});
  auto apart = crdt::document{};
  feed(apart, typed(1, 0, "a"));
  feed(apart, typed(2, 0, "b"));
  feed(apart, typed(1, 1, "c"));
  auto together = crdt::document{};
  feed(together, merged.view());
  check_equal(apart, together);
}

TEST_CASE("bytes that are no update are never dropped in silence") {
  CHECK_THROWS_AS(merge_updates({payload{typed(1, 0, "a")}, payload::copy_of("\xff")}), std::logic_error);
}

TEST_CASE("of merged presence the newest state of each client stays") {
  const auto merged = merge_presence({payload{awareness_of(1, 1, "\"a\"")}, payload{awareness_of(2, 5, "\"b\"")},
                                      payload{awareness_of(1, 2, "\"c\"")}, payload{awareness_of(2, 5, "null")}});
  CHECK(read_awareness(merged.view()) == awareness_map{{1, {2, "\"c\""}}, {2, {5, "null"}}});
}

TEST_CASE("presence of many clients with large states is merged whole") {
  // More than a client may send at once: a document's worth.
  const auto large = '"' + std::string(8'000, 'x') + '"';
  auto entries = std::vector<crdt::awareness_entry>{};
  for (auto client = std::uint64_t{1}; client <= 5'000; ++client)
    entries.push_back({client, 1, client <= 200 ? std::string_view{large} : std::string_view{"{}"}});
  const auto merged = merge_presence({payload{crdt::encode_awareness(entries)}, payload{awareness_of(9'999, 1, "{}")}});
  CHECK(read_awareness(merged.view()).size() == 5'001);
}

TEST_CASE("updates of more clients than one may name are merged all the same: all of them were taken") {
  constexpr auto many = std::uint64_t{150'000};
  auto updates = std::vector<payload>{};
  for (auto half = std::uint64_t{0}; half < 2; ++half) {
    auto update = update_builder{};
    for (auto i = std::uint64_t{0}; i < many; ++i) update.block(1'000 + half * many + i, 0).gc(1);
    updates.emplace_back(update.build());
  }
  CHECK_FALSE(merge_updates(std::move(updates)).empty());
}
