// What clients may send who mean harm, or are merely broken: a document bounds the work, the memory and the damage.
#include <doctest/doctest.h>

#include <ctime>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "crdt/document.hpp"
#include "crdt/encoded_update.hpp"
#include "crdt/lib0.hpp"
#include "tests/crdt/support/builder.hpp"
#include "tests/crdt/support/replay.hpp"

namespace {

using namespace octavo;
using namespace octavo::test;
using crdt::document;

TEST_CASE("structs that wait for each other for ever do not end the world") {
  document doc;
  const auto report = feed(doc, update_builder()
                                    .block(1, 0)
                                    .text("a", unit{2, 5})
                                    .block(2, 0)
                                    .text("b", unit{3, 0})
                                    .block(3, 0)
                                    .text("c", unit{1, 0})
                                    .build());
  CHECK(report.pending_structs == 3);
  CHECK(report.structs_integrated == 0);
  feed(doc, update_builder().block(4, 0).text("fine").build());
  CHECK(doc.text("text") == "fine");
  check_sound(doc);
}

TEST_CASE("pending growth is bounded, and the refusal leaves the document unchanged") {
  crdt::document_options options;
  options.max_pending_bytes = 4096;
  document doc(options);
  feed(doc, update_builder().block(1, 0).text("a").build());
  std::uint64_t client = 100;
  for (; client < 1000; ++client) {
    const auto before = doc.encode_state_as_update_v1();
    const auto done = doc.apply_v1(update_builder().block(client, 5).text("x", unit{client, 4}).build());
    if (done) continue;
    CHECK(done.error().apply == crdt::apply_errc::pending_full);
    CHECK(crdt::leaves_unchanged(*done.error().apply));
    CHECK(doc.encode_state_as_update_v1() == before);
    break;
  }
  CHECK(client < 120);
  CHECK(doc.stats().pending_bytes <= options.max_pending_bytes);
  for (std::uint64_t i = 0; i < 200; ++i) {
    const auto done = doc.apply_v1(update_builder().erase(7, i * 3, 1).build());
    if (!done) CHECK(done.error().apply == crdt::apply_errc::pending_full);
  }
  CHECK(doc.stats().pending_bytes <= options.max_pending_bytes);
  feed(doc, update_builder().block(1, 1).text("b", unit{1, 0}).build());
  CHECK(doc.text("text") == "ab");
}

TEST_CASE("a parent that is not a type, or not an item, swallows its children") {
  document doc;
  feed(doc, update_builder().block(1, 0).text("a").gc(3).build());
  feed(doc, update_builder().block(2, 0).child("x", {1, 0}).child("y", {1, 2}).text("z", unit{1, 3}).build());
  CHECK(doc.clock(2) == 3);
  CHECK(doc.text("text") == "a");
  check_sound(doc);
}

TEST_CASE("types nested without end are refused, and deep ones are deleted without recursion") {
  crdt::document_options options;
  options.max_type_depth = 100000;
  document deep(options);
  update_builder builder;
  builder.block(1, 0).type(0);
  constexpr std::uint64_t depth = 50000;
  for (std::uint64_t i = 1; i < depth; ++i) builder.type(0, unit{1, i - 1});
  const bytes nested = builder.build();
  feed(deep, nested);
  CHECK(deep.json("list").size() == 2 * depth + 2);
  check_sound(deep);
  feed(deep, update_builder().erase(1, 0, 1).build());
  CHECK(deep.stats().items == 1);
  check_sound(deep);

  document usual;
  const auto done = usual.apply_v1(nested);
  REQUIRE_FALSE(done);
  CHECK(done.error().apply == crdt::apply_errc::type_too_deep);
  CHECK(usual.usable());
  CHECK(usual.state().empty());
}

// Types of a client, each in the one before; the first is behind a unit.
update_builder& add_chain(update_builder& to, std::uint64_t client, std::uint64_t length, unit origin) {
  to.block(client, 0).type_after(0, origin);
  for (std::uint64_t i = 1; i < length; ++i) to.type(0, unit{client, i - 1});
  return to;
}

// What a document sends is what it holds, to those who join and to itself after a restart.
void check_copies(const document& of) {
  document loaded;
  REQUIRE(loaded.apply_stored_v1(of.encode_state_as_update_v1()));
  check_sound(loaded);
  check_equal(loaded, of);
  document joined;
  for (const auto& chunk : of.encode_state_chunks_v1({}, 4096)) feed(joined, chunk);
  check_sound(joined);
  check_equal(joined, of);
}

TEST_CASE("types that wait and would nest too deep are refused when they come, as far as can be told") {
  document doc;
  feed(doc, update_builder().block(1, 0).text("a").build());
  const auto before = doc.encode_state_as_update_v1();
  update_builder whole;
  const auto refused = doc.apply_v1(add_chain(whole, 66, 2001, unit{1, 1}).build());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().apply == crdt::apply_errc::type_too_deep);
  CHECK(crdt::leaves_unchanged(*refused.error().apply));
  CHECK(doc.encode_state_as_update_v1() == before);

  // In several updates as well: what waits has a depth, too.
  update_builder part;
  feed(doc, add_chain(part, 66, 1500, unit{1, 1}).build());
  update_builder rest;
  rest.block(67, 0).type(0, unit{66, 1499});
  for (std::uint64_t i = 1; i < 600; ++i) rest.type(0, unit{67, i - 1});
  const auto added = doc.apply_v1(rest.build());
  REQUIRE_FALSE(added);
  CHECK(added.error().apply == crdt::apply_errc::type_too_deep);
  feed(doc, update_builder().block(1, 1).text("b", unit{1, 0}).build());
  CHECK(doc.clock(66) == 1500);
  CHECK(doc.text("text") == "ab");
  check_sound(doc);
}

TEST_CASE(
    "types that turn out to nest too deep when they are woken are there as deleted, and whoever woke them goes on") {
  // Three parts of one chain, of which each alone is shallow; the last edit of an honest client puts them together.
  update_builder lower;
  add_chain(lower, 67, 1500, unit{68, 0});
  update_builder upper;
  add_chain(upper, 66, 1500, unit{1, 1});
  const bytes parts[] = {update_builder().block(1, 0).text("a").build(),
                         lower.build(),
                         upper.build(),
                         update_builder().block(68, 0).child("between", {66, 1499}).build(),
                         update_builder().block(69, 0).child("below", {67, 1499}).build(),
                         update_builder().block(1, 1).text("b", unit{1, 0}).build()};
  document doc;
  for (const auto& each : parts) feed(doc, each);
  CHECK(doc.usable());
  CHECK(doc.text("text") == "ab");
  CHECK(doc.stats().pending_structs == 0);
  CHECK(doc.clock(66) == 1500);
  CHECK(doc.clock(67) == 1500);
  CHECK(doc.clock(69) == 5);
  check_sound(doc);
  check_copies(doc);
  feed(doc, update_builder().block(1, 2).text("c", unit{1, 1}).build());
  CHECK(doc.text("text") == "abc");

  // In the order in which nothing waits the last part is refused, and a log that has it all the same is readable.
  std::vector<bytes_view> all(std::begin(parts), std::end(parts));
  const auto merged = crdt::merge_updates(all);
  REQUIRE(merged);
  document fresh;
  CHECK(fresh.apply_v1(*merged).error().apply == crdt::apply_errc::type_too_deep);
  CHECK(fresh.usable());
  REQUIRE(fresh.apply_stored_v1(*merged));
  feed(fresh, update_builder().block(1, 2).text("c", unit{1, 1}).build());
  check_equal(fresh, doc);
}

TEST_CASE("what is woken has a budget of its own, and goes on with the next edits") {
  update_builder many;
  for (std::uint64_t client = 2000; client > 1; --client) many.block(client, 0).text("x");
  // Behind the first of these, which waits for somebody, each walks past all others.
  update_builder walker;
  walker.block(5000, 0).text("z", unit{1, 1});
  for (int i = 0; i < 500; ++i) walker.text("y");

  crdt::document_options options;
  options.step_budget = 100000;
  document doc(options);
  document patient;
  for (auto* each : {&doc, &patient}) {
    feed(*each, many.build());
    feed(*each, update_builder().block(1, 0).text("a", {}, {}, "honest").build());
    feed(*each, walker.build());
    CHECK(each->stats().pending_structs == 501);
  }
  std::uint64_t clock = 1;
  std::size_t waiting = 501;
  for (; clock < 100 && waiting != 0; ++clock) {
    const bytes edit = update_builder().block(1, clock).text("a", unit{1, clock - 1}).build();
    feed(patient, edit);
    const auto report = feed(doc, edit);
    CHECK(report.pending_structs < waiting);
    CHECK(report.pending_structs + 40 > waiting);
    waiting = report.pending_structs;
    check_sound(doc);
    // What is ready and was not woken is still sent on, and those who join integrate it.
    if (clock == 2) {
      document joined;
      feed(joined, doc.encode_state_as_update_v1());
      CHECK(joined.stats().pending_structs == 0);
      CHECK(joined.text("text") == patient.text("text"));
    }
  }
  CHECK(clock > 10);
  CHECK(waiting == 0);
  check_equal(doc, patient);
}

TEST_CASE("deletes that wait have the same budget") {
  update_builder deletes;
  for (std::uint64_t i = 0; i < 2000; ++i) deletes.erase(1, 2 * i + 1, 1);
  crdt::document_options options;
  options.step_budget = 500;
  document doc(options);
  document patient;
  const bytes text = update_builder().block(1, 0).text(std::string(5000, 'x')).build();
  for (auto* each : {&doc, &patient}) {
    feed(*each, deletes.build());
    feed(*each, text);
    CHECK(each->clock(1) == 5000);
  }
  CHECK(patient.length("text") == 3000);
  CHECK(doc.stats().pending_delete_ranges > 1000);
  for (std::uint64_t clock = 5000; clock < 5100; ++clock) {
    const bytes edit = update_builder().block(1, clock).text("y", unit{1, clock - 1}).build();
    feed(doc, edit);
    feed(patient, edit);
  }
  CHECK(doc.stats().pending_delete_ranges == 0);
  check_sound(doc);
  check_equal(doc, patient);
}

TEST_CASE("what is woken does not fill a document, but waits on") {
  crdt::document_options options;
  options.max_content_bytes = 10000;
  document doc(options);
  feed(doc, update_builder().block(1, 0).text("a").build());
  feed(doc, update_builder().block(2, 0).text(std::string(6000, 'x'), unit{1, 1}, {}, "text").build());
  feed(doc, update_builder().block(3, 0).text(std::string(6000, 'y'), unit{1, 1}, {}, "text").build());
  feed(doc, update_builder().block(1, 1).text("b", unit{1, 0}).build());
  CHECK(doc.usable());
  CHECK(doc.stats().pending_structs == 1);
  feed(doc, update_builder().block(1, 2).text("c", unit{1, 1}).build());
  CHECK(doc.stats().pending_structs == 1);
  check_sound(doc);
  // Once there is room it is integrated.
  feed(doc, update_builder().erase(2, 0, 6000).erase(3, 0, 6000).build());
  feed(doc, update_builder().block(1, 3).text("d", unit{1, 2}).build());
  CHECK(doc.stats().pending_structs == 0);
  CHECK(doc.clock(2) == 6000);
  CHECK(doc.clock(3) == 6000);
  check_sound(doc);

  const auto full = doc.apply_v1(update_builder().block(4, 0).text(std::string(12000, 'z')).build());
  REQUIRE_FALSE(full);
  CHECK(full.error().apply == crdt::apply_errc::document_full);
}

TEST_CASE("deep XML prints without recursion") {
  crdt::document_options options;
  options.max_type_depth = 1000;
  document doc(options);
  update_builder builder;
  builder.block(1, 0);
  bytes root = hex("07 01 01 78 03 01 41");
  builder.raw(root);
  for (std::uint64_t i = 1; i < 900; ++i) {
    bytes item = hex("07 00 01");
    crdt::lib0_writer writer(item);
    writer.var_uint(i - 1);
    writer.u8(3);
    writer.var_string("B");
    builder.raw(item);
  }
  feed(doc, builder.build());
  const auto xml = doc.xml("x");
  CHECK(xml.starts_with("<a><b><b>"));
  CHECK(xml.ends_with("</b></b></a>"));
  CHECK(xml.size() == 900 * 7);
}

TEST_CASE("the search between concurrent inserts has a budget") {
  update_builder many;
  for (std::uint64_t client = 2000; client > 0; --client) many.block(client, 0).text("x");
  // A higher client that inserts at the head again and again, having seen nothing, walks past all others each time.
  update_builder walker;
  walker.block(5000, 0);
  for (int i = 0; i < 2000; ++i) walker.text("y");

  crdt::document_options options;
  options.step_budget = 100000;
  document doc(options);
  feed(doc, many.build());
  const auto done = doc.apply_v1(walker.build());
  REQUIRE_FALSE(done);
  CHECK(done.error().apply == crdt::apply_errc::step_budget_exceeded);
  CHECK_FALSE(crdt::leaves_unchanged(*done.error().apply));
  CHECK_FALSE(doc.usable());
  CHECK(doc.apply_v1(hex("00 00")).error().apply == crdt::apply_errc::unusable);

  options.step_budget = 10000000;
  document patient(options);
  feed(patient, many.build());
  feed(patient, walker.build());
  CHECK(patient.length("text") == 4000);
  check_sound(patient);
}

TEST_CASE("cutting runs of short values is paid for by the value") {
  constexpr std::uint64_t count = 1000000;
  // An array of nulls, one of an array of nulls in front of another value, and the same in the JSON of old versions.
  bytes flat = hex("08 01 04 74657874");
  crdt::lib0_writer(flat).var_uint(count);
  flat.resize(flat.size() + count, std::byte{126});
  bytes nested = hex("08 01 04 74657874 02 75");
  crdt::lib0_writer(nested).var_uint(count);
  nested.resize(nested.size() + count + 1, std::byte{126});
  bytes json = hex("02 01 04 74657874");
  crdt::lib0_writer(json).var_uint(count);
  for (std::uint64_t i = 0; i < count; ++i) json.insert(json.end(), {std::byte{1}, std::byte{'1'}});
  for (const auto& [item, at] :
       {std::pair(flat, count / 2), std::pair(nested, std::uint64_t{1}), std::pair(json, count / 2)}) {
    crdt::document_options options;
    options.step_budget = 100000;
    document doc(options);
    feed(doc, update_builder().block(1, 0).raw(item).build());
    const auto done = doc.apply_v1(update_builder().erase(1, at, 1).build());
    REQUIRE_FALSE(done);
    CHECK(done.error().apply == crdt::apply_errc::step_budget_exceeded);

    document usual;
    feed(usual, update_builder().block(1, 0).raw(item).build());
    feed(usual, update_builder().erase(1, at, 1).build());
    check_sound(usual);
  }
}

TEST_CASE("caps on clients, roots and keys are checked before anything is touched") {
  crdt::document_options options;
  options.max_clients = 2;
  options.max_roots = 2;
  options.max_keys = 4;
  document doc(options);
  feed(doc, update_builder().block(1, 0).text("a", {}, {}, "r1").set("r2", "k1", 1).set("r2", "k2", 1).build());
  const auto before = doc.encode_state_as_update_v1();
  const auto refused = [&](const update_builder& update, crdt::apply_errc expected) {
    const auto done = doc.apply_v1(update.build());
    REQUIRE_FALSE(done);
    CHECK(done.error().apply == expected);
    CHECK(doc.encode_state_as_update_v1() == before);
    CHECK(doc.usable());
  };
  refused(update_builder().block(2, 0).gc(1).block(3, 0).gc(1), crdt::apply_errc::too_many_clients);
  refused(update_builder().block(2, 0).text("a", {}, {}, "r3"), crdt::apply_errc::too_many_names);
  refused(update_builder().block(2, 0).set("r2", "k3", 1), crdt::apply_errc::too_many_names);
  feed(doc, update_builder().block(2, 0).set("r2", "k1", 1).build());
  check_sound(doc);
}

TEST_CASE("caps on clients, roots and keys count what waits") {
  crdt::document_options options;
  options.max_clients = 4;
  options.max_roots = 4;
  options.max_keys = 6;
  document doc(options);
  feed(doc, update_builder().block(1, 0).text("a", {}, {}, "r1").build());
  // Two roots, and two keys beside them, of a client that waits for the next unit of another.
  feed(doc, update_builder().block(2, 0).text("w", unit{1, 1}).set("r2", "k1", 1).set("r3", "k2", 1).build());
  const auto refused = [&](const update_builder& update, crdt::apply_errc expected) {
    const auto before = doc.encode_state_as_update_v1();
    const auto done = doc.apply_v1(update.build());
    REQUIRE_FALSE(done);
    CHECK(done.error().apply == expected);
    CHECK(doc.encode_state_as_update_v1() == before);
  };
  refused(update_builder().block(3, 0).text("w", unit{1, 1}).text("x", {}, {}, "r4").text("y", {}, {}, "r5"),
          crdt::apply_errc::too_many_names);
  refused(update_builder().block(3, 0).text("x", {}, {}, "r4").text("y", {}, {}, "r5"),
          crdt::apply_errc::too_many_names);
  refused(update_builder().block(3, 0).text("w", unit{1, 1}).set("r2", "k3", 1).set("r2", "k4", 1),
          crdt::apply_errc::too_many_names);
  refused(update_builder().block(3, 5).text("x", unit{3, 4}).block(4, 5).text("x", unit{4, 4}).block(5, 0).gc(1),
          crdt::apply_errc::too_many_clients);
  // What waits already is not counted twice, whether it is asked for again or there at last.
  feed(doc, update_builder().block(3, 0).text("x", unit{2, 0}).text("y", {}, {}, "r2").build());
  feed(doc, update_builder().block(1, 1).text("b", unit{1, 0}).build());
  CHECK(doc.stats().pending_structs == 0);
  CHECK(doc.root_names().size() == 3);
  CHECK(doc.stats().names == 5);
  feed(doc, update_builder().block(4, 0).set("r4", "k1", 1).build());
  refused(update_builder().block(4, 1).set("r5", "k1", 1), crdt::apply_errc::too_many_names);
  check_sound(doc);
}

TEST_CASE("what is stored is read, however many clients, roots and keys it has") {
  document roomy;
  crdt::document_options options;
  options.max_clients = 2;
  options.max_roots = 2;
  options.max_keys = 4;
  document tight(options);
  update_builder builder;
  for (std::uint64_t client = 9; client > 0; --client) {
    const std::string name(1, static_cast<char>('a' + client));
    builder.block(client, 0).set("root " + name, "key " + name, 1);
  }
  feed(roomy, builder.build());
  CHECK_FALSE(tight.apply_v1(builder.build()));
  REQUIRE(tight.apply_stored_v1(roomy.encode_state_as_update_v1()));
  check_equal(tight, roomy);
}

TEST_CASE("structs that make no items take no memory") {
  constexpr std::uint64_t count = 200000;
  const auto memory_after = [&](const update_builder& update) {
    document doc;
    feed(doc, update_builder().block(1, 0).gc(1).build());
    feed(doc, update.build());
    CHECK(doc.clock(2) == count);
    check_sound(doc);
    // It goes on as usual.
    feed(doc, update_builder().block(3, 0).text("a").build());
    CHECK(doc.text("text") == "a");
    return doc.stats().memory_bytes;
  };
  update_builder collected;
  update_builder orphans;
  update_builder deleted;
  collected.block(2, 0);
  orphans.block(2, 0);
  deleted.block(2, 0).deleted(1);
  for (std::uint64_t i = 0; i < count; ++i) {
    collected.gc(1);
    orphans.text("x", unit{1, 0});
    if (i != 0) deleted.deleted(1, unit{2, i - 1});
  }
  CHECK(memory_after(collected) < 32768);
  CHECK(memory_after(orphans) < 32768);
  CHECK(memory_after(deleted) < 32768);
}

double seconds_of(const std::function<void()>& work) {
  const auto began = std::clock();
  work();
  return static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
}

TEST_CASE("a place between others costs what is looked at, and not what the document holds") {
  const auto seconds_with = [](std::uint64_t items) {
    document doc;
    update_builder base;
    base.block(1, 0).text("a").text("b", unit{1, 0}, {}, {});
    base.block(2, 0);
    for (std::uint64_t i = 0; i < items; ++i) base.text("x", {}, {}, "other");
    feed(doc, base.build());
    std::vector<bytes> edits;
    for (std::uint64_t client = 3; client < 1000; ++client)
      edits.push_back(update_builder().block(client, 0).text("y", unit{1, 0}, unit{1, 1}).build());
    // The first one pays for the room of those that follow, which moves all items.
    feed(doc, edits.front());
    const double seconds = seconds_of([&] {
      for (std::size_t i = 1; i < edits.size(); ++i) feed(doc, edits[i]);
    });
    CHECK(doc.length("text") == 999);
    check_sound(doc);
    return seconds;
  };
  const double small = seconds_with(10);
  const double large = seconds_with(1000000);
  MESSAGE(large << " s in a large document, " << small << " s in a small one");
  CHECK(large < 10 * small + 0.1);
}

// Keys of sixteen ASCII bytes that std::hash takes for one and the same: the steps of libstdc++'s hash (MurmurHash2 of
// 64 bits) can be run backwards, so any eight bytes have eight others that lead back to where one wants.
std::vector<std::string> colliding_keys(std::size_t count) {
  constexpr std::uint64_t mul = 0xc6a4a7935bd1e995ULL;
  std::uint64_t inverse = 1;
  for (int i = 0; i < 6; ++i) inverse *= 2 - mul * inverse;
  const auto shift = [](std::uint64_t value) { return value ^ (value >> 47); };
  std::vector<std::string> keys;
  std::mt19937_64 random(1);
  while (keys.size() < count) {
    std::uint64_t words[2] = {random() & 0x7f7f7f7f7f7f7f7fULL, 0};
    const std::uint64_t start = 0xc70f6907ULL ^ (16 * mul);
    const std::uint64_t state = (start ^ (shift(words[0] * mul) * mul)) * mul;
    words[1] = shift(state * inverse) * inverse;
    if ((words[1] & 0x8080808080808080ULL) != 0) continue;
    keys.emplace_back(reinterpret_cast<const char*>(words), 16);
  }
  return keys;
}

TEST_CASE("names that were chosen to collide are counted as fast as others") {
  const auto seconds_to_apply = [](const std::vector<std::string>& keys) {
    update_builder builder;
    builder.block(1, 0);
    for (const auto& key : keys) builder.set("map", key, 1);
    const bytes update = builder.build();
    crdt::document_options options;
    options.max_keys = keys.size() + 1;
    document doc(options);
    const double seconds = seconds_of([&] { feed(doc, update); });
    CHECK(doc.stats().names == keys.size() + 1);
    return seconds;
  };
  auto keys = colliding_keys(30000);
  const std::hash<std::string> hash;
  CHECK(hash(keys.front()) == hash(keys.back()));
  const double chosen = seconds_to_apply(keys);
  for (auto& key : keys) key[0] = static_cast<char>(key[0] ^ 1);
  const double usual = seconds_to_apply(keys);
  MESSAGE(chosen << " s for chosen names, " << usual << " s for others");
  CHECK(chosen < 10 * usual + 0.2);
}

TEST_CASE("many that wait for one unit are filed and let go as fast as those that wait for many") {
  constexpr std::uint64_t count = 40000;
  const auto seconds_of_letting_go = [&](std::uint64_t units) {
    document doc;
    // Filed in descending order and let go in ascending order, as their first structs are there after all.
    for (std::uint64_t client = count; client > 0; client -= 500) {
      update_builder waiting;
      for (std::uint64_t each = client; each > client - 500; --each)
        waiting.block(1000 + each, 0).text("w", unit{1, each % units});
      feed(doc, waiting.build());
    }
    CHECK(doc.stats().pending_structs == count);
    const double seconds = seconds_of([&] {
      for (std::uint64_t client = 1; client <= count; client += 500) {
        update_builder known;
        for (std::uint64_t each = client; each < client + 500; ++each) known.block(1000 + each, 0).gc(1);
        feed(doc, known.build());
      }
    });
    CHECK(doc.stats().pending_structs == 0);
    check_sound(doc);
    return seconds;
  };
  const double one = seconds_of_letting_go(1);
  const double many = seconds_of_letting_go(count);
  MESSAGE(one << " s for one unit, " << many << " s for many");
  CHECK(one < 10 * many + 0.2);
}

TEST_CASE("a chain of clients and a long text are cut into chunks in one pass") {
  document chain;
  update_builder builder;
  for (std::uint64_t client = 150000; client > 1; --client) builder.block(client, 0).text("x", unit{client - 1, 0});
  feed(chain, builder.block(1, 0).text("x").build());
  document text;
  std::string long_text;
  for (int i = 0; i < 4000000; ++i) long_text += "é";
  feed(text, update_builder().block(1, 0).text(long_text).build());
  for (const auto* each : {&chain, &text}) {
    std::vector<bytes> chunks;
    const double whole = seconds_of([&] { (void)each->encode_state_as_update_v1(); });
    const double cut = seconds_of([&] { chunks = each->encode_state_chunks_v1({}, 32768); });
    MESSAGE(cut << " s in chunks, " << whole << " s as a whole");
    CHECK(cut < 10 * whole + 0.2);
    document copy;
    for (const auto& chunk : chunks) CHECK(feed(copy, chunk).pending_structs == 0);
    CHECK(copy.state() == each->state());
    CHECK(copy.length("text") == each->length("text"));
  }
}

TEST_CASE("origins that make no sense end somewhere, the same in any order") {
  // A right origin left of the origin, in another list, and in the middle of the origin's own item.
  const bytes base = update_builder().block(1, 0).text("abcdef").text("other", {}, {}, "other").build();
  const bytes crossed = update_builder().block(2, 0).text("X", unit{1, 4}, unit{1, 1}).build();
  const bytes foreign = update_builder().block(3, 0).text("Y", unit{1, 2}, unit{1, 8}).build();
  const bytes inner = update_builder().block(4, 0).text("Z", unit{1, 3}, unit{1, 3}).build();
  document one;
  for (const auto& each : {base, crossed, foreign, inner}) {
    feed(one, each);
    check_sound(one);
  }
  CHECK(one.length("text") == 9);
  CHECK(one.length("other") == 5);
}

TEST_CASE("more clients than sixteen bits can name keep their origins") {
  crdt::document_options options;
  document doc(options);
  constexpr std::uint64_t clients = 66000;
  update_builder builder;
  builder.block(clients, 0).text("x");
  for (std::uint64_t client = clients - 1; client > 0; --client)
    builder.block(client, 0).text("x", unit{client + 1, 0});
  const bytes update = builder.build();
  feed(doc, update);
  CHECK(doc.length("text") == clients);
  CHECK(doc.encode_state_as_update_v1() == update);
  check_sound(doc);
}

TEST_CASE("another struct in the place of one that waits may wait for something else") {
  document made;
  feed(made, update_builder().block(3, 0).text("a", unit{9, 5}).build());
  // The same clock again, longer and with another origin: nobody honest writes this.
  feed(made, update_builder().block(3, 0).text("ab", unit{8, 0}).build());
  check_sound(made);
  feed(made, update_builder().block(8, 0).text("x").build());
  CHECK(made.stats().pending_structs == 0);
  CHECK(made.text("text") == "xab");
  check_sound(made);
}

TEST_CASE("a search among many that were inserted at one place leaves no memory behind") {
  document made;
  update_builder rivals;
  constexpr std::uint64_t clients = 20000;
  // Each wrote two items: one behind the first character of all, and one behind that.
  for (std::uint64_t client = clients + 10; client > 10; --client)
    rivals.block(client, 0).type_after(0, {1, 0}).type_after(0, {client, 0});
  rivals.block(1, 0).text("a");
  crdt::document_options options;
  options.max_type_depth = 1'000'000;
  made = document(options);
  feed(made, rivals.build());
  const auto before = made.stats().memory_bytes;
  feed(made, update_builder().block(clients + 100, 0).text("z", unit{1, 0}).build());
  check_sound(made);
  CHECK(made.stats().memory_bytes < before + before / 4 + 100'000);
}

}  // namespace
