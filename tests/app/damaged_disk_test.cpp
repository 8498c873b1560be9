#include "app/damaged_disk.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "tests/storage/support.hpp"

using namespace octavo;
using namespace octavo::app;
namespace testing = octavo::storage::testing;

TEST_CASE("a node's data says which cluster it belongs to, also while its store has half gone aside") {
  const auto folder = testing::temporary_folder{};
  const auto data = folder / "data";
  CHECK_MESSAGE(read_binding(data).empty(), "there is no data yet");
  testing::open_ok(data).reset();
  CHECK(read_binding(data).empty());
  const auto cluster_id = std::string(32, 'c');
  REQUIRE(write_binding(data, cluster_id));
  CHECK(read_binding(data) == cluster_id);
  // The process is killed while it sets the store aside, right behind the binding.
  const auto aside = data / "set-aside-x";
  std::filesystem::create_directory(aside);
  for (const auto* part : {"db", "CLUSTER"}) std::filesystem::rename(data / part, aside / part);
  CHECK(read_binding(data) == cluster_id);
  // At its next start it goes on with that; then the store that comes in its place has none.
  const auto whole = storage::set_store_aside(data);
  REQUIRE(whole);
  CHECK(*whole == aside);
  CHECK(read_binding(data).empty());
  CHECK(storage::read_beside_store(aside, "CLUSTER") == cluster_id);
}

TEST_CASE("a binding is replaced as a whole or not at all") {
  const auto folder = testing::temporary_folder{};
  REQUIRE(write_binding(folder.path(), std::string(32, 'c')));
  // No draft can be made, as on a disk that is full.
  std::filesystem::create_directory(folder / "CLUSTER.new");
  CHECK_FALSE(write_binding(folder.path(), std::string(32, 'd')));
  CHECK(read_binding(folder.path()) == std::string(32, 'c'));
}

TEST_CASE("word of damage is left even where it cannot be left durably") {
  const auto folder = testing::temporary_folder{};
  auto options = serve_options{};
  options.store.path = folder.path();
  auto disk = damaged_disk{options};
  CHECK_FALSE(disk.known());
  bool is_durable = true;
  SUBCASE("durably") {}
  SUBCASE("as well as it can") {
    std::filesystem::create_directory(folder / "DAMAGED.new");
    is_durable = false;
  }
  CAPTURE(is_durable);
  disk.note({errc::corrupt, "a table is damaged"});
  disk.note({errc::corrupt, "and another one"});
  REQUIRE(disk.known());
  CHECK_MESSAGE(disk.known()->message == "a table is damaged", "what was found first is kept");
  CHECK(disk.wants_a_look());
  CHECK_MESSAGE(damaged_disk{options}.known(), "the next start sees it too");
}
