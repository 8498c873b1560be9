#include "actors/presence.hpp"

#include <doctest/doctest.h>

#include "tests/support/awareness.hpp"

using namespace octavo;
using namespace octavo::actors;
using namespace octavo::test;
using verdict = presence_table::verdict;

namespace {

constexpr auto ann = session_key{1, 10};
constexpr auto ben = session_key{1, 11};
constexpr auto cleo = session_key{2, 10};  // the same number as ann, behind another subscriber

/// The table with a clock of its own.
struct room {
  explicit room(presence_limits limits = {}) : table(limits) {}

  verdict say(session_key from, std::uint64_t client, std::uint64_t clock, std::string_view json) {
    return table.announce(from, awareness_of(client, clock, json), now_ms);
  }
  awareness_map changes() { return read_awareness(table.take_changes().view()); }
  awareness_map all() const { return read_awareness(table.all().view()); }

  presence_table table;
  std::int64_t now_ms = 5'000;
};

std::string states(std::size_t count, std::uint64_t first_client = 100) {
  auto entries = std::vector<crdt::awareness_entry>{};
  for (auto i = std::size_t{0}; i < count; ++i) entries.push_back({first_client + i, 1, "{}"});
  return std::string{as_text(crdt::encode_awareness(entries))};
}

}  // namespace

TEST_CASE("a first state is taken, told once, and shown to whoever asks") {
  auto in = room{};
  CHECK(in.say(ann, 7, 1, R"({"name":"ann"})") == verdict::taken);
  const auto expected = awareness_map{{7, {1, R"({"name":"ann"})"}}};
  CHECK(in.table.has_changes());
  CHECK(in.changes() == expected);
  CHECK_FALSE(in.table.has_changes());
  CHECK(in.table.take_changes().empty());
  CHECK(in.all() == expected);
  CHECK(in.table.present() == 1);
}

TEST_CASE("a first state at clock 0 is ignored, as every Yjs client ignores it") {
  auto in = room{};
  CHECK(in.say(ann, 7, 0, "{}") == verdict::known);
  CHECK_FALSE(in.table.has_changes());
  CHECK(in.table.empty());
}

TEST_CASE("only a higher clock changes a state") {
  auto in = room{};
  in.say(ann, 7, 5, R"({"at":1})");
  in.changes();
  CHECK(in.say(ann, 7, 5, R"({"at":2})") == verdict::known);
  CHECK(in.say(ann, 7, 4, R"({"at":3})") == verdict::known);
  CHECK_FALSE(in.table.has_changes());
  CHECK(in.say(ann, 7, 6, R"({"at":4})") == verdict::taken);
  CHECK(in.changes() == awareness_map{{7, {6, R"({"at":4})"}}});
}

TEST_CASE("several changes of one client are told as one, the last") {
  auto in = room{};
  in.say(ann, 7, 1, "1");
  in.say(ann, 7, 2, "2");
  in.say(ann, 7, 3, "3");
  CHECK(in.changes() == awareness_map{{7, {3, "3"}}});
}

TEST_CASE("the owner leaves with null at the same clock, and that counts as a change") {
  auto in = room{};
  in.say(ann, 7, 3, "{}");
  in.changes();
  CHECK(in.say(ann, 7, 3, "null") == verdict::taken);
  CHECK(in.changes() == awareness_map{{7, {3, "null"}}});
  CHECK(in.all().empty());
  CHECK(in.table.present() == 0);
  CHECK(in.say(ann, 7, 3, "null") == verdict::known);
}

TEST_CASE("a null of an older clock removes nothing") {
  auto in = room{};
  in.say(ann, 7, 3, "{}");
  CHECK(in.say(ann, 7, 2, "null") == verdict::known);
  CHECK(in.table.present() == 1);
}

TEST_CASE("a session's states go when it goes, all of them, and nobody else's") {
  auto in = room{};
  in.say(ann, 7, 1, "1");
  in.say(ann, 8, 1, "2");
  in.say(ben, 9, 1, "3");
  in.say(cleo, 10, 1, "4");
  in.changes();
  in.table.leave(ann, in.now_ms);
  CHECK(in.changes() == awareness_map{{7, {1, "null"}}, {8, {1, "null"}}});
  CHECK(in.all() == awareness_map{{9, {1, "3"}}, {10, {1, "4"}}});
}

TEST_CASE("a state that left and came back still goes with its session: no ghost cursor") {
  auto in = room{};
  in.say(ann, 7, 1, "1");
  in.say(ann, 7, 2, "null");
  in.say(ann, 7, 3, "2");
  in.changes();
  CHECK(in.table.present() == 1);
  in.table.leave(ann, in.now_ms);
  CHECK(in.changes() == awareness_map{{7, {3, "null"}}});
  CHECK(in.table.present() == 0);
}

TEST_CASE("a peer's echo of a state does not make it the peer's") {
  auto in = room{};
  in.say(ann, 7, 1, "1");
  CHECK(in.say(ben, 7, 1, "1") == verdict::known);
  in.table.leave(ben, in.now_ms);
  CHECK(in.table.present() == 1);
  in.table.leave(ann, in.now_ms);
  CHECK(in.table.present() == 0);
}

TEST_CASE("a peer cannot take another's state back early, whatever the clock") {
  auto in = room{};
  in.say(ann, 7, 1, "1");
  in.changes();
  CHECK(in.say(ben, 7, 1, "null") == verdict::known);
  CHECK(in.say(ben, 7, 99, "null") == verdict::known);
  CHECK_FALSE(in.table.has_changes());
  CHECK(in.say(ann, 7, 2, "2") == verdict::taken);
}

TEST_CASE("a client that comes back by another connection takes its state along") {
  auto in = room{};
  in.say(ann, 7, 1, "1");
  SUBCASE("before the old connection is known to be gone: with a newer clock") {
    CHECK(in.say(ben, 7, 2, "2") == verdict::taken);
    in.table.leave(ann, in.now_ms);
    CHECK(in.all() == awareness_map{{7, {2, "2"}}});
  }
  SUBCASE("after it, with the very clock that it had") {
    in.table.leave(ann, in.now_ms);
    in.changes();
    CHECK(in.say(ben, 7, 1, "1") == verdict::taken);
    CHECK(in.changes() == awareness_map{{7, {1, "1"}}});
  }
  in.table.leave(ben, in.now_ms);
  CHECK(in.table.present() == 0);
}

TEST_CASE("a peer's late echo does not bring back somebody whose session is gone") {
  auto in = room{};
  in.say(ann, 7, 4, "1");
  in.say(ben, 8, 1, "2");
  in.table.leave(ann, in.now_ms);
  in.changes();
  CHECK(in.say(ben, 7, 4, "1") == verdict::known);
  CHECK_FALSE(in.table.has_changes());
  CHECK(in.all() == awareness_map{{8, {1, "2"}}});
}

TEST_CASE("a message from before somebody left does not bring them back") {
  auto in = room{};
  in.say(ann, 7, 5, "1");
  in.table.leave(ann, in.now_ms);
  CHECK(in.say(ben, 7, 4, "1") == verdict::known);
  CHECK(in.table.present() == 0);
}

TEST_CASE("a state that is not renewed in time goes, and one that is stays") {
  auto limits = presence_limits{};
  limits.expiry_ms = 1'000;
  auto in = room{limits};
  in.say(ann, 7, 1, "1");
  in.say(ben, 8, 1, "2");
  in.changes();
  in.now_ms += 900;
  in.say(ben, 8, 2, "2");
  in.now_ms += 101;
  in.table.expire(in.now_ms);
  CHECK(in.changes() == awareness_map{{7, {1, "null"}}, {8, {2, "2"}}});
  CHECK(in.all() == awareness_map{{8, {2, "2"}}});
}

TEST_CASE("who has gone is remembered until the news is out and old, and then forgotten") {
  auto limits = presence_limits{};
  limits.expiry_ms = 1'000;
  auto in = room{limits};
  in.say(ann, 7, 1, "1");
  in.table.leave(ann, in.now_ms);
  in.now_ms += 1'001;
  in.table.expire(in.now_ms);
  CHECK_FALSE(in.table.empty());  // nobody has been told yet
  CHECK(in.changes() == awareness_map{{7, {1, "null"}}});
  in.table.expire(in.now_ms);
  CHECK(in.table.empty());
}

TEST_CASE("one connection announces only so many clients, and the others are unharmed") {
  auto limits = presence_limits{};
  limits.states_per_session_max = 2;
  auto in = room{limits};
  CHECK(in.table.announce(ann, as_bytes(states(3)), in.now_ms) == verdict::refused);
  CHECK(in.table.present() == 2);
  CHECK(in.say(ann, 100, 2, "1") == verdict::taken);
  CHECK(in.say(ben, 102, 1, "1") == verdict::taken);
}

TEST_CASE("a document has only so many states, also when those who left come back") {
  auto limits = presence_limits{};
  limits.states_max = 3;
  auto in = room{limits};
  in.table.announce(ann, as_bytes(states(3)), in.now_ms);
  CHECK(in.say(ben, 1, 1, "1") == verdict::refused);
  in.table.leave(ann, in.now_ms);
  CHECK(in.table.announce(ben, as_bytes(states(3, 200)), in.now_ms) == verdict::taken);
  CHECK(in.say(cleo, 100, 2, "1") == verdict::refused);
  CHECK(in.table.present() == 3);
}

TEST_CASE("those who have gone do not fill the memory") {
  auto limits = presence_limits{};
  limits.states_max = 2;
  auto in = room{limits};
  auto taken = 0;
  for (auto client = std::uint64_t{1}; client <= 50; ++client) {
    taken += in.say(ann, client, 1, "1") == verdict::taken ? 1 : 0;
    in.say(ann, client, 1, "null");
    in.table.leave(ann, in.now_ms);
  }
  CHECK(taken == 8);
  CHECK(in.changes().size() == 8);
}

TEST_CASE("a state that is too large is refused and changes nothing") {
  auto limits = presence_limits{};
  limits.state_bytes_max = 10;
  auto in = room{limits};
  CHECK(in.say(ann, 7, 1, R"("0123456789")") == verdict::refused);
  CHECK(in.table.empty());
  CHECK(in.say(ann, 7, 1, R"("01234567")") == verdict::taken);
}

TEST_CASE("a malformed payload changes nothing, not even its good part") {
  auto in = room{};
  auto good = awareness_of(7, 1, "{}");
  good[0] = std::byte{2};  // says that there are two
  CHECK(in.table.announce(ann, good, in.now_ms) == verdict::malformed);
  CHECK(in.table.announce(ann, as_bytes("\x01\x07\x01\x03{x}"), in.now_ms) == verdict::malformed);
  CHECK(in.table.announce(ann, {}, in.now_ms) == verdict::malformed);
  CHECK(in.table.empty());
  CHECK(in.table.announce(ann, as_bytes(std::string_view{"\0", 1}), in.now_ms) == verdict::known);
}
