#include "app/update_facts.hpp"

#include <doctest/doctest.h>

#include "tests/crdt/support/builder.hpp"

using namespace octavo;
using namespace octavo::app;
using octavo::test::unit;
using octavo::test::update_builder;

namespace {

/// An update with the bytes that it borrows.
struct held {
  explicit held(const update_builder& of) : data(of.build()) { REQUIRE(crdt::decode_update_v1(data, update)); }
  bytes data;
  crdt::decoded_update update;
};

}  // namespace

TEST_CASE("what an update needs is what comes before its structs and what they refer to") {
  const auto first = held{update_builder{}.block(5, 0).text("hello")};
  CHECK(needs_of(first.update, {}).empty());
  const auto later = held{update_builder{}.block(5, 7).text("x", unit{5, 6}, unit{9, 3})};
  CHECK(needs_of(later.update, {}) == std::vector<crdt::clock_range>{{9, 0, 4}, {5, 0, 7}});
  CHECK(needs_of(later.update, crdt::state_vector{{{5, 7}, {9, 2}}}) == std::vector<crdt::clock_range>{{9, 2, 4}});
  CHECK(needs_of(later.update, crdt::state_vector{{{5, 7}, {9, 4}}}).empty());
  const auto gap = held{update_builder{}.block(5, 0).text("ab").skip(3).text("x", unit{5, 1})};
  CHECK(gaps_of(gap.update) == std::vector<crdt::clock_range>{{5, 2, 5}});
  CHECK(needs_of(gap.update, {}) == std::vector<crdt::clock_range>{{5, 2, 5}});
  const auto deletes = held{update_builder{}.block(5, 0).text("ab").erase(5, 1, 4).erase(8, 2, 2)};
  CHECK(needs_of(deletes.update, {}) == std::vector<crdt::clock_range>{{8, 0, 4}, {5, 2, 5}});
  const auto child = held{update_builder{}.block(5, 0).child("x", unit{6, 1})};
  CHECK(needs_of(child.update, {}) == std::vector<crdt::clock_range>{{6, 0, 2}});
}

TEST_CASE("an item without a parent has that of its neighbours") {
  const auto it = held{update_builder{}
                           .block(9, 0)
                           .text("z", unit{5, 3})
                           .text("lost", unit{3, 0})
                           .block(5, 0)
                           .text("ab", {}, {}, "body")
                           .text("c", unit{5, 1})
                           .text("d", {}, unit{5, 0})
                           .gc(2)};
  const auto parents = parents_of(it.update, struct_index{it.update});
  REQUIRE(parents.size() == 6);
  for (auto i : {0, 2, 3, 4}) {
    CAPTURE(i);
    REQUIRE(parents[i] != crdt::none);
    CHECK(it.update.parents()[parents[i]].root == "body");
  }
  CHECK(parents[1] == crdt::none);
  CHECK(parents[5] == crdt::none);
}

TEST_CASE("structs that lead to each other have no parent") {
  const auto it = held{update_builder{}.block(9, 0).text("a", unit{5, 0}).block(5, 0).text("b", unit{9, 0})};
  for (auto each : parents_of(it.update, struct_index{it.update})) CHECK(each == crdt::none);
}

TEST_CASE("deleted units are counted for each struct") {
  const auto it = held{update_builder{}
                           .block(9, 0)
                           .text("abcd")
                           .text("ef", unit{9, 3})
                           .block(5, 10)
                           .text("xyz", unit{5, 9})
                           .erase(9, 1, 1)
                           .erase(9, 3, 2)
                           .erase(7, 0, 9)
                           .erase(5, 0, 100)};
  CHECK(deleted_units_of(it.update) == std::vector<std::uint32_t>{2, 1, 3});
}

TEST_CASE("what waits in a document is told with what it waits for") {
  auto document = crdt::document{};
  REQUIRE(document.apply_v1(update_builder{}.block(5, 0).text("ab").build()));
  CHECK(waiting_in(document).empty());
  REQUIRE(document.apply_v1(update_builder{}.block(5, 4).text("x", unit{5, 3}).erase(6, 0, 2).build()));
  const auto waiting = waiting_in(document);
  CHECK(waiting.structs == 1);
  CHECK(waiting.delete_ranges == 1);
  CHECK(waiting.waiting == std::vector<crdt::clock_range>{{5, 4, 5}});
  CHECK(waiting.missing == std::vector<crdt::clock_range>{{6, 0, 2}, {5, 2, 4}});
}
