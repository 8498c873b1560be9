// Convergence without any outside help: several replicas edit one text and one map at once, hear of each other late, in
// any order and more than once, and must end with the same content.
#include <doctest/doctest.h>

#include "crdt/encoded_update.hpp"
#include "tests/crdt/support/replay.hpp"
#include "tests/crdt/support/replica.hpp"

namespace {

using namespace octavo;
using namespace octavo::test;
using crdt::document;

struct peer {
  std::uint64_t client = 0;
  document doc;
  std::vector<bytes> inbox;

  void hear(const bytes& update) {
    feed(doc, update);
    check_sound(doc);
  }
};

std::vector<peer> make_peers(std::mt19937_64& random) {
  std::vector<peer> peers(2 + random() % 4);
  for (std::size_t i = 0; i < peers.size(); ++i) {
    peers[i].client = random() % 2 == 0 ? crdt::max_safe_integer - i : 1 + i;
    crdt::document_options options;
    options.gc = i != 0;
    options.hash_seed = random();
    peers[i].doc = document(options);
  }
  return peers;
}

TEST_CASE("replicas that hear of each other in any order end with the same document") {
  const auto seed = choose_seed();
  for (std::uint64_t round = 0; round < 60; ++round) {
    CAPTURE(round);
    std::mt19937_64 random(seed * 1000 + round);
    auto peers = make_peers(random);
    const std::size_t steps = 20 + random() % 100;
    for (std::size_t step = 0; step < steps; ++step) {
      auto& who = peers[random() % peers.size()];
      if (random() % 2 == 0 && !who.inbox.empty()) {
        const std::size_t which = random() % who.inbox.size();
        who.hear(who.inbox[which]);
        if (random() % 4 != 0) who.inbox.erase(who.inbox.begin() + static_cast<std::ptrdiff_t>(which));
        continue;
      }
      const bytes update = next_edit(who.doc, who.client, random);
      who.hear(update);
      for (auto& other : peers)
        if (&other != &who) other.inbox.push_back(update);
    }
    for (auto& each : peers) {
      std::shuffle(each.inbox.begin(), each.inbox.end(), random);
      for (const auto& update : each.inbox) each.hear(update);
    }
    for (const auto& each : peers) {
      CHECK(each.doc.stats().pending_bytes == 0);
      check_equal(each.doc, peers[0].doc);
    }
  }
}

TEST_CASE("a replica's state in encoding 2 is its state in encoding 1, converted, whatever the peer has") {
  const auto seed = choose_seed();
  std::size_t cuts_in_pairs = 0;
  std::size_t waiting = 0;
  for (std::uint64_t round = 0; round < 40; ++round) {
    CAPTURE(round);
    std::mt19937_64 random(seed * 1000 + round);
    auto peers = make_peers(random);
    auto& late = peers.back();
    for (std::size_t step = 0; step < 60; ++step) {
      auto& who = peers[random() % peers.size()];
      const bytes update = next_edit(who.doc, who.client, random);
      who.hear(update);
      // The late one misses some, so that what follows waits.
      if (&who != &late && random() % 4 != 0) late.hear(update);
      crdt::state_vector since;
      const auto state = late.doc.state();
      for (const auto& each : state.entries()) since.set(each.client, random() % (each.clock + 1));
      const bytes first = late.doc.encode_state_as_update_v1(since);
      const auto converted = crdt::convert_update(first, crdt::update_encoding::v1, crdt::update_encoding::v2);
      REQUIRE(converted);
      CHECK(to_hex(late.doc.encode_state_as_update_v2(since)) == to_hex(*converted));
      cuts_in_pairs += as_text(first).find("\xEF\xBF\xBD") != std::string_view::npos;
      waiting += late.doc.stats().pending_structs != 0;
    }
  }
  CHECK(cuts_in_pairs > 20);
  CHECK(waiting > 20);
}

}  // namespace
