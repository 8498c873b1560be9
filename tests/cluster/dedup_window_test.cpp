#include "cluster/dedup_window.hpp"

#include <doctest/doctest.h>

using octavo::cluster::dedup_window;

TEST_CASE("the newest edit of each client is remembered, whatever comes again") {
  auto window = dedup_window{};
  CHECK(!window.newest(7));
  window.note({7, 1, 10});
  window.note({7, 2, 11});
  window.note({8, 1, 12});
  window.note({7, 1, 13});  // again: it is not newer
  CHECK(window.newest(7) == dedup_window::mark{7, 2, 11});
  CHECK(window.newest(8) == dedup_window::mark{8, 1, 12});
  CHECK(window.marks() == std::vector<dedup_window::mark>{{7, 2, 11}, {8, 1, 12}});
}

TEST_CASE("the client that wrote longest ago is forgotten first") {
  auto window = dedup_window{2};
  window.note({1, 1, 1});
  window.note({2, 1, 2});
  window.note({1, 2, 3});
  window.note({3, 1, 4});
  CHECK(window.size() == 2);
  CHECK(!window.newest(2));
  CHECK(window.newest(1));
  CHECK(window.newest(3));
}

TEST_CASE("a window that is filled from another one's marks is equal") {
  auto window = dedup_window{3};
  for (auto lsn = std::uint64_t{1}; lsn <= 50; ++lsn) window.note({lsn * lsn % 7, lsn, lsn});
  auto copy = dedup_window{3};
  for (const auto& one : window.marks()) copy.note(one);
  CHECK(copy.marks() == window.marks());
  // And goes on as the other does.
  window.note({100, 1, 51});
  copy.note({100, 1, 51});
  CHECK(copy.marks() == window.marks());
}
