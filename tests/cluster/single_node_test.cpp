#include "cluster/single_node.hpp"

#include <doctest/doctest.h>
#include <caf/scoped_actor.hpp>

#include "tests/actors/support/test_client.hpp"

using namespace octavo;
using namespace octavo::actors;
using namespace octavo::test;

namespace {

/// Where the directory says that a document lives; null with the reason in `why`.
document_actor locate(test_node& node, const directory_actor& directory, const std::string& name, error& why) {
  auto self = caf::scoped_actor{node.system()};
  auto found = document_actor{};
  compat::ask(self.ptr(), directory, std::chrono::seconds{30}, locate_atom_v, name)
      .receive([&](const document_actor& actor) { found = actor; },
               [&](const caf::error& reason) { why = from_caf(reason); });
  return found;
}

}  // namespace

TEST_CASE("on a single node every document lives here, once") {
  auto node = test_node{};
  const auto directory = cluster::spawn_single_node_directory(node.system(), node->registry());
  auto why = error{};
  const auto first = locate(node, directory, "notes", why);
  CHECK(first != nullptr);
  CHECK(locate(node, directory, "notes", why) == first);
  CHECK(locate(node, directory, "other", why) != first);
  // And it is the one that clients reach.
  auto ann = test_client{node, "notes"};
  REQUIRE(ann.synced());
  CHECK(node.counters().documents_open == 2);
}

TEST_CASE("while the node stops no document is found") {
  auto node = test_node{};
  const auto directory = cluster::spawn_single_node_directory(node.system(), node->registry());
  REQUIRE(node->stop(std::chrono::seconds{30}));
  auto why = error{};
  CHECK(locate(node, directory, "notes", why) == nullptr);
  CHECK(why.code == errc::unavailable);
}
