// Edits of an older version, carried onto the present one.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "crdt/crdt.hpp"
#include "tests/crdt/support/replay.hpp"

namespace {

using namespace octavo;
using namespace octavo::test;
using crdt::edit;
using crdt::type_kind;

constexpr std::uint64_t writer = 4711;
constexpr std::uint64_t other = 77;

/// A log of updates: its versions can be built, and the present one is at hand.
struct edited_log {
  crdt::document present;
  std::vector<bytes> updates;

  crdt::document at(std::size_t version) const {
    crdt::document older;
    for (std::size_t i = 0; i < version; ++i) feed(older, updates[i]);
    return older;
  }

  void take(bytes update) {
    feed(present, update);
    check_sound(present);
    updates.push_back(std::move(update));
  }

  /// Whether a peer that hears of everything from the last to the first has the same.
  bool agrees_backwards() const {
    crdt::document peer;
    for (auto each = updates.rbegin(); each != updates.rend(); ++each) feed(peer, *each);
    check_sound(peer);
    return peer.canonical_dump() == present.canonical_dump();
  }

  template <class Change>
  void change(std::uint64_t client, Change what) {
    // Made on a copy, so that the present document is only ever given updates.
    auto copy = at(updates.size());
    edit edit(copy, client);
    what(edit);
    auto done = edit.commit();
    REQUIRE(done);
    take(std::move(done->update));
  }

  template <class Change>
  void change_as_of(std::size_t version, std::uint64_t client, Change what) {
    auto older = at(version);
    edit edit(older, client);
    what(edit);
    auto done = edit.commit();
    REQUIRE(done);
    check_sound(older);
    take(std::move(done->update));
  }
};

auto typing(std::uint64_t index, std::string text) {
  return [index, text = std::move(text)](edit& in) {
    REQUIRE(in.insert_text(*in.root("text", type_kind::text), index, text));
  };
}

auto erasing(std::uint64_t index, std::uint64_t length) {
  return [index, length](edit& in) { REQUIRE(in.erase(*in.root("text", type_kind::text), index, length)); };
}

}  // namespace

TEST_CASE("positions of an edit as of a version are those of that version") {
  edited_log log;
  log.change(writer, typing(0, "one three"));
  log.change(other, typing(0, "zero "));
  log.change(other, erasing(5, 4));
  CHECK(log.present.text("text") == "zero three");
  log.change_as_of(1, writer, typing(4, "two "));
  CHECK(log.present.text("text") == "zero two three");
  // What it deletes and was deleted since stays deleted; what came into its range stays.
  log.change_as_of(1, writer + 1, erasing(0, 9));
  CHECK(log.present.text("text") == "zero two ");
}

TEST_CASE("an edit as of the first version of all") {
  edited_log log;
  log.change(other, typing(0, "there"));
  log.change_as_of(0, writer, typing(0, "hello "));
  CHECK(log.present.text("text").size() == 11);
  CHECK(log.present.text("text").find("hello ") != std::string::npos);
}

TEST_CASE("formats, keys and nested types can be edited as of a version") {
  edited_log log;
  log.change(other, [](edit& in) {
    REQUIRE(in.insert_text(*in.root("text", type_kind::text), 0, "plain bold"));
    REQUIRE(in.set_type(*in.root("map", type_kind::map), "list", type_kind::array));
  });
  log.change(other, typing(0, "very "));
  log.change_as_of(1, writer, [](edit& in) {
    const std::vector<crdt::attribute> bold = {{"bold", crdt::value(true)}};
    REQUIRE(in.format(*in.root("text", type_kind::text), 6, 4, bold));
    const auto map = *in.root("map", type_kind::map);
    const std::vector<crdt::value> values = {1, 2};
    REQUIRE(in.insert(*in.child(map, "list"), 0, values));
    REQUIRE(in.set(map, "key", "value"));
  });
  CHECK(log.present.delta_json("text") == R"([{"insert":"very plain "},{"insert":"bold","attributes":{"bold":true}}])");
  CHECK(log.present.json("map", type_kind::map) == R"({"key":"value","list":[1,2]})");
}

TEST_CASE("what is put into a type that was deleted since goes with it") {
  edited_log log;
  log.change(other, [](edit& in) { REQUIRE(in.set_type(*in.root("map", type_kind::map), "text", type_kind::text)); });
  log.change(other, [](edit& in) { REQUIRE(in.remove(*in.root("map", type_kind::map), "text")); });
  log.change_as_of(1, writer, [](edit& in) {
    REQUIRE(in.insert_text(*in.child(*in.root("map", type_kind::map), "text"), 0, "lost"));
  });
  CHECK(log.present.json("map", type_kind::map) == "{}");
  CHECK(log.present.clock(writer) == 4);
}

// Each character ever typed is another one, so that where things went can be told without knowing any algorithm.
TEST_CASE("whatever came in between, an insert stays between its neighbours and an erase takes what it meant") {
  const auto seed = choose_seed();
  std::mt19937_64 random(seed);
  const auto below = [&](std::size_t bound) { return bound == 0 ? 0 : random() % bound; };
  for (int round = 0; round < 40; ++round) {
    CAPTURE(seed);
    CAPTURE(round);
    edited_log log;
    // A character of its own in three bytes of UTF-8 and one unit of UTF-16.
    std::uint32_t next = 0x4e00;
    const auto fresh = [&](std::size_t count) {
      std::u16string text;
      for (std::size_t i = 0; i < count; ++i) text += static_cast<char16_t>(next++);
      return text;
    };
    const auto utf8 = [](const std::u16string& text) {
      std::string out;
      for (const auto c : text) {
        out += static_cast<char>(0xe0 | (c >> 12));
        out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
        out += static_cast<char>(0x80 | (c & 0x3f));
      }
      return out;
    };
    const auto units = [](std::string_view text) {
      std::u16string out;
      for (std::size_t i = 0; i + 2 < text.size(); i += 3)
        out += static_cast<char16_t>(((text[i] & 0x0f) << 12) | ((text[i + 1] & 0x3f) << 6) | (text[i + 2] & 0x3f));
      return out;
    };
    log.change(other, typing(0, utf8(fresh(8 + below(20)))));
    for (int step = 0; step < 30; ++step) {
      CAPTURE(step);
      const auto version = below(log.updates.size()) + 1;
      const auto then = units(log.at(version).text("text"));
      const auto before = units(log.present.text("text"));
      const auto client = writer + static_cast<std::uint64_t>(step);
      if (then.empty() || below(3) != 0) {
        const auto at = below(then.size() + 1);
        const auto text = fresh(1 + below(4));
        log.change_as_of(version, client, typing(at, utf8(text)));
        const auto after = units(log.present.text("text"));
        const auto place = after.find(text);
        REQUIRE(place != std::u16string::npos);
        // Everybody else's text is as it was.
        CHECK(after.substr(0, place) + after.substr(place + text.size()) == before);
        // All that was in front of it is, and all that was behind.
        for (std::size_t i = 0; i < then.size(); ++i) {
          const auto found = after.find(then[i]);
          if (found != std::u16string::npos) CHECK((found < place) == (i < at));
        }
      } else {
        const auto at = below(then.size());
        const auto length = 1 + below(std::min<std::size_t>(then.size() - at, 6));
        log.change_as_of(version, client, erasing(at, length));
        auto expected = before;
        std::erase_if(expected, [&](char16_t c) { return then.substr(at, length).find(c) != std::u16string::npos; });
        CHECK(units(log.present.text("text")) == expected);
      }
    }
    CHECK(log.agrees_backwards());
  }
}
