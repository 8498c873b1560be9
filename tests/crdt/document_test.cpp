#include "crdt/document.hpp"

#include <doctest/doctest.h>

#include <array>

#include "crdt/encoded_update.hpp"
#include "tests/crdt/support/builder.hpp"
#include "tests/crdt/support/replay.hpp"

namespace {

using namespace octavo;
using namespace octavo::test;
using crdt::decoded_update;
using crdt::document;
using crdt::type_kind;

constexpr std::string_view fffd = "\xEF\xBF\xBD";

TEST_CASE("the worked example reads as it was written") {
  document doc;
  const bytes update =
      hex("01 03 05 00 | 01 01 04 74657874 01 | 84 05 00 02 6921 | 28 01 01 6d 01 6b 01 7d 40 | 01 05 01 00 01");
  const auto report = feed(doc, update);
  CHECK(report.changed);
  CHECK(report.structs_integrated == 3);
  CHECK(doc.text("text") == "i!");
  CHECK(doc.length("text") == 2);
  CHECK(doc.json("m") == "{\"k\":0}");
  CHECK(doc.to_json() == "{\"m\":{\"k\":0},\"text\":\"i!\"}");
  CHECK(doc.encode_state_as_update_v1() == update);
  CHECK(to_hex(doc.encode_state_vector()) == "010504");
  CHECK(doc.clock(5) == 4);
  CHECK(doc.clock(6) == 0);
  check_sound(doc);
}

TEST_CASE("an empty document reads as nothing") {
  const document doc;
  CHECK(doc.text("x").empty());
  CHECK(doc.delta_json("x") == "[]");
  CHECK(doc.json("x") == "null");
  CHECK(doc.json("x", type_kind::array) == "[]");
  CHECK(doc.json("x", type_kind::map) == "{}");
  CHECK(doc.json("x", type_kind::text) == "\"\"");
  CHECK(doc.json("x", type_kind::xml_fragment) == "\"\"");
  CHECK(doc.xml("x").empty());
  CHECK(doc.to_json() == "{}");
  CHECK(doc.root_names().empty());
  CHECK(crdt::is_empty_update_v1(doc.encode_state_as_update_v1()));
  CHECK(doc.encode_state_chunks_v1({}, 1000).size() == 1);
  CHECK(to_hex(doc.encode_state_vector()) == "00");
  check_sound(doc);
}

TEST_CASE("typing grows one item in place") {
  document doc;
  feed(doc, update_builder().block(1, 0).text("a").build());
  for (std::uint64_t i = 1; i < 1000; ++i) feed(doc, update_builder().block(1, i).text("b", unit{1, i - 1}).build());
  CHECK(doc.stats().items == 1);
  CHECK(doc.text("text") == "a" + std::string(999, 'b'));
  check_sound(doc);
}

TEST_CASE("two clients that type at once, apart, have one item each") {
  document doc;
  feed(doc, update_builder().block(1, 0).text("a").build());
  feed(doc, update_builder().block(2, 0).text("z", unit{1, 0}).build());
  for (std::uint64_t i = 1; i < 500; ++i) {
    feed(doc, update_builder().block(1, i).text("a", unit{1, i - 1}, unit{2, 0}).build());
    feed(doc, update_builder().block(2, i).text("z", unit{2, i - 1}).build());
  }
  CHECK(doc.text("text") == std::string(500, 'a') + std::string(500, 'z'));
  // The first unit of client 1 had no right neighbour, all others had.
  CHECK(doc.stats().items == 3);
  CHECK(doc.stats().memory_bytes < 16384);
  check_sound(doc);
}

TEST_CASE("of concurrent inserts at one place the lower client comes first") {
  const bytes base = update_builder().block(1, 0).text("()").build();
  const bytes low = update_builder().block(2, 0).text("low", unit{1, 0}, unit{1, 1}).build();
  const bytes high = update_builder().block(3, 0).text("high", unit{1, 0}, unit{1, 1}).build();
  document one;
  document two;
  for (const auto& each : {base, low, high}) feed(one, each);
  for (const auto& each : {base, high, low}) feed(two, each);
  CHECK(one.text("text") == "(lowhigh)");
  check_equal(one, two);
}

TEST_CASE("of concurrent values of a key the highest client wins, and the others are deleted") {
  const bytes low = update_builder().block(2, 0).set("m", "k", 1).build();
  const bytes high = update_builder().block(3, 0).set("m", "k", 2).build();
  document one;
  document two;
  feed(one, low);
  feed(one, high);
  feed(two, high);
  const auto report = feed(two, low);
  CHECK(report.units_deleted == 1);
  CHECK(one.json("m") == "{\"k\":2}");
  check_equal(one, two);
  check_sound(one);
  check_sound(two);
}

TEST_CASE("a split between the halves of a surrogate pair leaves U+FFFD twice") {
  for (const bool gc : {true, false}) {
    crdt::document_options options;
    options.gc = gc;
    document doc(options);
    feed(doc, update_builder().block(1, 0).text("a😀b").build());
    feed(doc, update_builder().block(2, 0).text("-", unit{1, 1}, unit{1, 2}).build());
    CHECK(doc.text("text") == "a" + std::string(fffd) + "-" + std::string(fffd) + "b");
    CHECK(doc.length("text") == 5);
    check_sound(doc);
    feed(doc, update_builder().erase(1, 2, 1).build());
    CHECK(doc.text("text") == "a" + std::string(fffd) + "-b");
    check_sound(doc);
  }
}

TEST_CASE("a re-sent diff that is cut inside a pair does not damage the text that is here") {
  // yjs resolves, and so splits, neighbours of structs that it has already; a known struct must have no effect at all.
  document doc;
  feed(doc, update_builder().block(1, 0).text("😀").build());
  feed(doc, update_builder().block(2, 0).text("x", unit{1, 1}).build());
  const auto before = doc.encode_state_as_update_v1();
  const auto report = feed(doc, update_builder().block(2, 0).text("x", unit{1, 0}).build());
  CHECK_FALSE(report.changed);
  CHECK(doc.encode_state_as_update_v1() == before);
  CHECK(doc.text("text") == "😀x");
}

TEST_CASE("a state cut inside a pair is encoded with U+FFFD and changes nothing here") {
  document doc;
  feed(doc, update_builder().block(1, 0).text("a😀b").build());
  crdt::state_vector since;
  since.set(1, 2);
  CHECK(to_hex(doc.encode_state_as_update_v1(since)) ==
        to_hex(update_builder().block(1, 2).text(std::string(fffd) + "b", unit{1, 1}).build()));
  CHECK(doc.text("text") == "a😀b");
}

TEST_CASE("a struct whose beginning is known is cut, and only its rest is new") {
  document doc;
  feed(doc, update_builder().block(1, 0).text("abc").build());
  const bytes longer = update_builder().block(1, 0).text("abcdef").build();
  decoded_update update;
  REQUIRE(decode_update_v1(longer, update));
  doc.prune(update);
  CHECK(to_hex(encode_update_v1(update)) == to_hex(update_builder().block(1, 3).text("def", unit{1, 2}).build()));
  feed(doc, longer);
  CHECK(doc.text("text") == "abcdef");
  CHECK(doc.stats().items == 1);
  check_sound(doc);
}

TEST_CASE("pruning leaves exactly what is new") {
  document doc;
  feed(doc, update_builder().block(1, 0).text("abcdef").erase(1, 1, 1).build());
  const auto pruned = [&](const bytes& data) {
    decoded_update update;
    REQUIRE(decode_update_v1(data, update));
    doc.prune(update);
    return to_hex(encode_update_v1(update));
  };
  CHECK(pruned(doc.encode_state_as_update_v1()) == "0000");
  CHECK(pruned(update_builder().erase(1, 0, 4).build()) == to_hex(hex("00 01 01 02 00 01 02 02")));
  // Waiting structs and deletes are known too.
  const bytes early = update_builder().block(1, 9).text("x", unit{1, 8}).erase(1, 20, 5).build();
  CHECK(pruned(early) == to_hex(early));
  feed(doc, early);
  CHECK(pruned(early) == "0000");
  CHECK(pruned(update_builder().erase(1, 18, 4).erase(1, 24, 3).build()) == to_hex(hex("00 01 01 02 12 02 19 02")));
  CHECK(doc.text("text") == "acdef");
  // What waits in pieces is known as a whole.
  feed(doc, update_builder().block(1, 10).text("y", unit{1, 9}).build());
  CHECK(pruned(update_builder().block(1, 9).text("xy", unit{1, 8}).build()) == "0000");
  // A struct that waits and overlaps others takes in those that lie within it.
  feed(doc, update_builder().block(1, 10).text("yzz", unit{1, 9}).build());
  CHECK(doc.stats().pending_structs == 2);
  CHECK(pruned(update_builder().block(1, 11).text("zz", unit{1, 10}).build()) == "0000");
}

TEST_CASE("what misses its predecessors waits, counts in no state vector, and is part of every state") {
  document doc;
  const bytes first = update_builder().block(1, 0).text("a").build();
  const bytes second = update_builder().block(1, 1).text("b", unit{1, 0}).erase(1, 0, 1).build();
  const auto report = feed(doc, second);
  CHECK(report.changed);
  CHECK(report.pending_structs == 1);
  CHECK(report.pending_bytes > 0);
  CHECK(report.advances.empty());
  CHECK(doc.state().empty());
  CHECK(doc.text("text").empty());
  CHECK(to_hex(doc.encode_state_as_update_v1()) == to_hex(second));
  CHECK_FALSE(feed(doc, second).changed);
  document copy;
  feed(copy, doc.encode_state_as_update_v1());
  const auto woken = feed(copy, first);
  CHECK(woken.pending_structs == 0);
  CHECK(woken.pending_bytes == 0);
  CHECK(copy.text("text") == "b");
  check_sound(copy);
}

TEST_CASE("a waiting struct wakes as soon as the unit that it misses has come, whatever was missing before") {
  // yjs retries only if a clock that it noted was passed, and can stay stuck: here the struct first misses its own
  // client's past, then an origin, then a right origin, and each is delivered in its own update.
  document doc;
  feed(doc, update_builder().block(9, 1).text("z", unit{3, 4}, unit{2, 0}).build());
  feed(doc, update_builder().block(9, 0).text("y", {}, unit{2, 0}).build());
  CHECK(doc.clock(9) == 0);
  feed(doc, update_builder().block(2, 0).text("2").build());
  CHECK(doc.clock(9) == 1);
  feed(doc, update_builder().block(3, 1).text("bcde", unit{3, 0}, unit{2, 0}).build());
  CHECK(doc.clock(9) == 1);
  const auto report = feed(doc, update_builder().block(3, 0).text("a", {}, unit{2, 0}).build());
  CHECK(report.pending_structs == 0);
  CHECK(doc.clock(9) == 2);
  check_sound(doc);
}

TEST_CASE("clients that wait for each other in turn are integrated in one update") {
  // Each struct of 1 refers to the last of 2 and the other way round.
  update_builder one;
  update_builder two;
  one.block(1, 0).text("a");
  two.block(2, 0).text("a", unit{1, 0});
  for (std::uint64_t i = 1; i < 50; ++i) {
    one.text("b", unit{2, i - 1});
    two.text("c", unit{1, i});
  }
  const bytes a = one.build();
  const bytes b = two.build();
  document apart;
  feed(apart, b);
  CHECK(feed(apart, a).pending_structs == 0);
  const bytes_view views[] = {a, b};
  document together;
  feed(together, *crdt::merge_updates(views));
  CHECK(apart.length("text") == 100);
  check_equal(apart, together);
}

TEST_CASE("deletes wait for their units and apply when these come") {
  document doc;
  feed(doc, update_builder().erase(1, 1, 2).build());
  CHECK(doc.stats().pending_delete_ranges == 1);
  feed(doc, update_builder().block(1, 0).text("ab").build());
  CHECK(doc.text("text") == "a");
  CHECK(doc.stats().pending_delete_ranges == 1);
  feed(doc, update_builder().block(1, 2).text("cd", unit{1, 1}).build());
  CHECK(doc.text("text") == "ad");
  CHECK(doc.stats().pending_delete_ranges == 0);
  CHECK(doc.stats().pending_bytes == 0);
  check_sound(doc);
}

TEST_CASE("a deleted type takes its children with it, as collected runs") {
  for (const bool gc : {true, false}) {
    crdt::document_options options;
    options.gc = gc;
    document doc(options);
    feed(doc,
         update_builder().block(1, 0).type(0).type(1, unit{1, 0}).child("v", {1, 1}, "k").child("w", {1, 0}).build());
    CHECK(doc.json("list") == "[[\"w\",{\"k\":\"v\"}]]");
    const auto report = feed(doc, update_builder().erase(1, 0, 1).build());
    CHECK(report.units_deleted == 4);
    CHECK(doc.json("list", crdt::type_kind::array) == "[]");
    CHECK(doc.stats().items == (gc ? 1u : 4u));
    CHECK(doc.stats().types == (gc ? 1u : 3u));
    // What comes later for the dead type, or beside its dead children, is dead at once.
    feed(doc, update_builder().block(2, 0).child("late", {1, 0}).text("beside", unit{1, 3}).build());
    CHECK(doc.json("list", crdt::type_kind::array) == "[]");
    CHECK(doc.clock(2) == 10);
    check_sound(doc);
    feed(doc, update_builder().block(3, 0).child("late", {1, 1}, "k").build());
    check_sound(doc);
  }
}

TEST_CASE("a report tells whose clocks went up, and from where") {
  document doc;
  feed(doc, update_builder().block(1, 0).text("abc").build());
  const auto report = feed(doc, update_builder().block(2, 0).text("x").block(1, 3).text("d", unit{1, 2}).build());
  REQUIRE(report.advances.size() == 2);
  auto before = doc.state();
  for (const auto& each : report.advances) before.set(each.client, each.clock_before);
  crdt::state_vector expected;
  expected.set(1, 3);
  CHECK(before == expected);
}

TEST_CASE("a state in chunks applies in sequence without anything waiting") {
  document doc;
  std::string long_text;
  for (int i = 0; i < 3000; ++i) long_text += i % 7 == 0 ? "😀" : "é";
  feed(doc, update_builder().block(1, 0).text(long_text).build());
  // Two clients whose structs depend on each other, and deletes all over.
  update_builder one;
  update_builder two;
  one.block(5, 0).text("a", unit{1, 0});
  two.block(6, 0).text("b", unit{5, 0});
  for (std::uint64_t i = 1; i < 300; ++i) {
    one.text("c", unit{6, i - 1});
    two.text("d", unit{5, i});
  }
  feed(doc, one.build());
  feed(doc, two.build());
  update_builder deletes;
  for (std::uint64_t i = 0; i < 300; i += 2) deletes.erase(5, i, 1);
  feed(doc, deletes.build());
  feed(doc, update_builder().block(5, 1000).text("waits", unit{5, 999}).build());
  for (const std::size_t size : {64u, 500u, 5000u, 1000000u}) {
    const auto chunks = doc.encode_state_chunks_v1({}, size);
    if (size == 1000000u) CHECK(chunks.size() == 1);
    document copy;
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      CHECK(chunks[i].size() <= size + 100);
      const auto report = feed(copy, chunks[i]);
      if (i + 1 < chunks.size()) CHECK(report.pending_structs == 0);
    }
    check_equal(copy, doc);
    CHECK(copy.stats().pending_structs == 1);
    // Backwards everything waits, and is there in the end.
    document backwards;
    for (auto at = chunks.rbegin(); at != chunks.rend(); ++at) feed(backwards, *at);
    check_equal(backwards, doc);
    check_sound(backwards);
  }
}

TEST_CASE("a state from the middle of a pair on has one half replaced, and no other pair is cut") {
  document doc;
  std::string pairs;
  for (int i = 0; i < 1000; ++i) pairs += "😀";
  feed(doc, update_builder().block(1, 0).text(pairs).build());
  crdt::state_vector since;
  since.set(1, 501);
  std::string all;
  std::size_t pieces = 0;
  for (const auto& chunk : doc.encode_state_chunks_v1(since, 200)) {
    ++pieces;
    all += as_text(chunk);
  }
  CHECK(pieces > 10);
  std::size_t replaced = 0;
  std::size_t whole = 0;
  for (auto at = all.find("\uFFFD"); at != std::string::npos; at = all.find("\uFFFD", at + 1)) ++replaced;
  for (auto at = all.find("😀"); at != std::string::npos; at = all.find("😀", at + 1)) ++whole;
  CHECK(replaced == 1);
  CHECK(whole == 749);
}

TEST_CASE("a document can be moved") {
  document doc;
  feed(doc, update_builder().block(1, 0).text("a").build());
  document moved = std::move(doc);
  CHECK(moved.text("text") == "a");
  feed(moved, update_builder().block(1, 1).text("b", unit{1, 0}).build());
  CHECK(moved.text("text") == "ab");
}

TEST_CASE("freed content is given back") {
  document doc;
  std::uint64_t clock = 0;
  for (int round = 0; round < 200; ++round) {
    feed(doc, update_builder().block(1, clock).text(std::string(1000, 'x')).build());
    feed(doc, update_builder().erase(1, clock, 1000).build());
    clock += 1000;
  }
  CHECK(doc.text("text").empty());
  CHECK(doc.stats().content_bytes == 0);
  CHECK(doc.stats().memory_bytes < 32768);
  check_sound(doc);
}

TEST_CASE("freed items are given back, and those that stay are found where they moved") {
  document doc;
  std::vector<bytes> updates;
  const auto apply = [&](const update_builder& update) {
    updates.push_back(update.build());
    feed(doc, updates.back());
    check_sound(doc);
  };
  // A type full of children in front, then what stays: a text of two clients, keys, a type with a key and a list.
  update_builder filling;
  filling.block(1, 0).type(0);
  for (int i = 0; i < 5000; ++i) filling.child("x", {1, 0});
  apply(filling);
  apply(update_builder().block(2, 0).text("ab").block(3, 0).text("c", unit{2, 0}, unit{2, 1}));
  apply(update_builder().block(4, 0).set("map", "k", 1).set("map", "k", 2, unit{4, 0}).set("map", "l", 3));
  apply(update_builder().block(5, 0).type(1, {}, "types").child("v", {5, 0}, "key").child("w", {5, 0}));
  const auto full = doc.stats().memory_bytes;
  CHECK(full > 5000 * 48);
  apply(update_builder().erase(1, 0, 1));
  CHECK(doc.stats().memory_bytes < 32768);
  CHECK(doc.stats().items < 12);
  // Each of those can still be edited.
  apply(update_builder().block(2, 2).text("d", unit{2, 1}).block(3, 1).text("e", unit{3, 0}, unit{2, 1}));
  apply(update_builder().block(4, 3).set("map", "k", 5, unit{4, 1}));
  apply(update_builder().block(5, 3).child("u", {5, 0}, "key2").text("t", unit{5, 2}));
  apply(update_builder().erase(5, 1, 1));
  CHECK(doc.text("text") == "acebd");
  CHECK(doc.json("map", crdt::type_kind::map) == R"({"k":5,"l":3})");
  // A document that gets it all at once never had those items.
  document once;
  feed(once, *crdt::merge_updates(std::vector<bytes_view>(updates.begin(), updates.end())));
  check_equal(once, doc);
}

TEST_CASE("a root is of the kind that its content makes it look like") {
  document doc;
  CHECK(doc.root_kind("text") == crdt::type_kind::root);
  feed(doc, update_builder().block(1, 0).text("a").type(0).set("map", "k", 5).build());
  CHECK(doc.root_kind("text") == crdt::type_kind::text);
  CHECK(doc.root_kind("list") == crdt::type_kind::array);
  CHECK(doc.root_kind("map") == crdt::type_kind::map);
  CHECK(doc.root_kind("other") == crdt::type_kind::root);
  feed(doc, update_builder().erase(1, 0, 1).build());
  CHECK(doc.root_kind("text") == crdt::type_kind::root);
}

TEST_CASE("what waited is cut where its front has come another way") {
  // As one item, which waits for client 2; then client 2 and the first two units come, and wake the rest.
  const auto waits = [](std::string_view text) { return update_builder().block(1, 0).text(text, unit{2, 0}).build(); };
  const auto front = [](std::string_view text) {
    return update_builder().block(2, 0).text("x").block(1, 0).text(text, unit{2, 0}).build();
  };
  document doc;
  feed(doc, waits("abcde"));
  CHECK(doc.stats().pending_structs == 1);
  feed(doc, front("ab"));
  CHECK(doc.text("text") == "xabcde");
  CHECK(doc.stats().pending_structs == 0);
  check_sound(doc);
  // Cut inside a pair: both halves are lost, as in yjs.
  document torn;
  feed(torn, waits("a\xf0\x9f\x98\x80"
                   "b"));
  feed(torn, front("a\xef\xbf\xbd"));
  CHECK(torn.text("text") ==
        "xa\xef\xbf\xbd\xef\xbf\xbd"
        "b");
  check_sound(torn);
  // All of it came.
  document whole;
  feed(whole, waits("abcde"));
  feed(whole, front("abcde"));
  CHECK(whole.text("text") == "xabcde");
  CHECK(whole.stats().pending_structs == 0);
  check_sound(whole);
}

TEST_CASE("the delete set that is kept follows what is deleted, little or much, in any order") {
  const auto seed = choose_seed();
  std::mt19937_64 random(seed);
  document made;
  update_builder typed;
  for (const std::uint64_t client : {7, 5, 2}) typed.block(client, 0).text(std::string(3000, 'x'));
  feed(made, typed.build());
  check_sound(made);
  // Between two answers nothing is deleted, some ranges are, next to each other or not, or more than are noted.
  for (int round = 0; round < 200; ++round) {
    CAPTURE(round);
    update_builder erased;
    const std::size_t ranges = round % 20 == 19 ? 300 : random() % 6;
    for (std::size_t i = 0; i < ranges; ++i) {
      const std::uint64_t client = std::array<std::uint64_t, 3>{7, 5, 2}[random() % (round < 100 ? 2 : 3)];
      erased.erase(client, random() % 2990, 1 + random() % 4);
    }
    feed(made, erased.build());
    if (round % 3 == 0) feed(made, update_builder().block(100 + round, 0).gc(1 + random() % 3).build());
    if (round % 2 == 0) check_sound(made);
  }
  check_sound(made);
  document copy;
  feed(copy, made.encode_state_as_update_v1());
  CHECK(to_hex(copy.encode_state_as_update_v1()) == to_hex(made.encode_state_as_update_v1()));
  CHECK(to_hex(copy.encode_state_as_update_v2()) == to_hex(made.encode_state_as_update_v2()));
}

TEST_CASE("of values that are known in part only the rest is taken") {
  const bytes one = hex("010105000801046c697374017d0100");
  const bytes three = hex("010105000801046c697374037d017d027d0300");
  document made;
  feed(made, one);
  feed(made, three);
  check_sound(made);
  CHECK(made.json("list", type_kind::array) == "[1,2,3]");
  CHECK(to_hex(made.encode_state_as_update_v1()) == to_hex(three));
  crdt::state_vector since;
  since.set(5, 1);
  const auto rest = crdt::diff_update(three, since);
  REQUIRE(rest);
  document late;
  feed(late, one);
  feed(late, *rest);
  check_equal(late, made);
  // Collected and deleted runs, too.
  document runs;
  feed(runs, update_builder().block(5, 0).gc(2).block(4, 0).deleted(2).build());
  feed(runs, update_builder().block(5, 0).gc(4).block(4, 0).deleted(5).build());
  check_sound(runs);
  CHECK(runs.clock(5) == 4);
  CHECK(runs.clock(4) == 5);
  since = {};
  since.set(5, 1);
  since.set(4, 2);
  const auto cut = crdt::diff_update(update_builder().block(5, 0).gc(4).block(4, 0).deleted(5).build(), since);
  REQUIRE(cut);
  CHECK(to_hex(*cut) == to_hex(update_builder().block(5, 1).gc(3).block(4, 2).deleted(3, unit{4, 1}).build()));
}

TEST_CASE("what an update adds to a document is foreseen, about") {
  const auto seed = choose_seed();
  std::mt19937_64 random(seed);
  document made;
  for (int round = 0; round < 200; ++round) {
    update_builder update;
    const std::uint64_t client = 1 + random() % 3;
    auto clock = made.clock(client);
    update.block(client, clock);
    for (std::size_t i = 0; i < 1 + random() % 40; ++i) {
      const std::string content(1 + random() % 50, 'x');
      switch (random() % 4) {
        case 0:
          update.type(static_cast<std::uint8_t>(random() % 3));
          clock += 1;
          break;
        case 1:
          update.set("map", std::string(1 + random() % 20, static_cast<char>('a' + random() % 26)), 7);
          clock += 1;
          break;
        case 2:
          update.gc(3);
          clock += 3;
          break;
        default:
          update.text(content);
          clock += content.size();
      }
    }
    const bytes data = update.build();
    decoded_update decoded;
    REQUIRE(decode_update_v1(data, decoded));
    const auto before = made.stats().memory_bytes;
    const auto foreseen = document::memory_needed(decoded);
    REQUIRE(made.apply(decoded));
    // Lists grow by a part of what they are, so that a small update may take the room of those to come.
    CHECK(made.stats().memory_bytes <= before + before / 2 + foreseen + 4096);
    CHECK(foreseen < 200 * data.size());
  }
}

}  // namespace
