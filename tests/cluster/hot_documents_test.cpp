#include "cluster/hot_documents.hpp"

#include <doctest/doctest.h>

using namespace octavo::cluster;
using names = std::vector<std::string>;

TEST_CASE("what was edited most lately comes first, and what was edited long ago is forgotten") {
  auto hot = hot_documents{100};
  for (auto i = 0; i < 10; ++i) hot.add(3, "notes");
  for (auto i = 0; i < 20; ++i) hot.add(3, "plan");
  hot.add(3, "rare");
  hot.add(4, "other");
  CHECK(hot.hottest(3, 10) == names{"plan", "notes", "rare"});
  CHECK(hot.hottest(3, 2) == names{"plan", "notes"});
  CHECK(hot.hottest(4, 10) == names{"other"});
  CHECK(hot.hottest(5, 10).empty());
  hot.cool();
  CHECK(hot.hottest(3, 10) == names{"plan", "notes"});
  CHECK(hot.hottest(4, 10).empty());
  for (auto i = 0; i < 12; ++i) hot.add(3, "notes");
  CHECK(hot.hottest(3, 1) == names{"notes"});
  for (auto i = 0; i < 8; ++i) hot.cool();
  CHECK(hot.size() == 0);
}

TEST_CASE("only so many are remembered, and room comes back") {
  auto hot = hot_documents{2};
  for (const auto* name : {"a", "b", "c"}) hot.add(1, name);
  CHECK(hot.size() == 2);
  CHECK(hot.hottest(1, 10) == names{"a", "b"});
  hot.add(1, "a");
  hot.cool();
  hot.add(1, "c");
  CHECK(hot.hottest(1, 10) == names{"a", "c"});
}
