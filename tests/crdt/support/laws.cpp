#include "tests/crdt/support/laws.hpp"

#include "crdt/encoded_update.hpp"

namespace octavo::test {

namespace {

using crdt::document;

crdt::document_options options_of(const oracle_case& of) {
  crdt::document_options options;
  options.gc = of.gc;
  return options;
}

bytes canonical(bytes_view update) {
  crdt::decoded_update decoded;
  REQUIRE(decode_update_v1(update, decoded));
  return encode_update_v1(decoded);
}

// What a document writes for a peer is the same in both encodings: converting one gives the other, whatever the peer's
// state cuts.
void check_both_encodings(const document& of, std::mt19937_64& random) {
  const auto state = of.state();
  for (int round = 0; round < 4; ++round) {
    crdt::state_vector since;
    for (const auto& each : state.entries()) {
      if (round != 0 && random() % 3 != 0) since.set(each.client, random() % (each.clock + 2));
    }
    const auto converted = crdt::convert_update(of.encode_state_as_update_v1(since), crdt::update_encoding::v1,
                                                crdt::update_encoding::v2, crdt::no_limits);
    REQUIRE(converted);
    CHECK(to_hex(of.encode_state_as_update_v2(since)) == to_hex(*converted));
  }
}

// The order dump lists roots that hold nothing, if somebody has declared them; ours lists roots that were written to.
std::string without_empty_lists(std::string_view dump) {
  std::string out;
  while (!dump.empty()) {
    const auto end = dump.find('\n');
    const auto line = dump.substr(0, end);
    const bool empty_root = line.ends_with(":[]") && line.find('>') == std::string_view::npos;
    if (!line.empty() && !empty_root) {
      out += line;
      out += '\n';
    }
    if (end == std::string_view::npos) break;
    dump.remove_prefix(end + 1);
  }
  return out;
}

// The whole path of an edit through a server: decode, prune, write canonically, apply.
void serve(document& to, bytes_view update) {
  crdt::decoded_update decoded;
  REQUIRE(decode_update_v1(update, decoded));
  to.prune(decoded);
  const bytes logged = encode_update_v1(decoded);
  const auto before = to.encode_state_as_update_v1();
  const auto report = to.apply(decoded);
  REQUIRE(report);
  CHECK(report->changed == !decoded.empty());
  if (decoded.empty()) CHECK(to.encode_state_as_update_v1() == before);
  // What was logged brings nothing new a second time.
  REQUIRE(decode_update_v1(logged, decoded));
  to.prune(decoded);
  CHECK(decoded.empty());
}

std::vector<std::size_t> shuffled(std::size_t count, std::mt19937_64& random) {
  std::vector<std::size_t> order(count);
  for (std::size_t i = 0; i < count; ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), random);
  return order;
}

document in_order(const oracle_case& of, law_counters& counters) {
  document straight(options_of(of));
  for (const auto update : of.updates) {
    const auto report = feed(straight, update);
    CHECK(report.pending_structs == 0);
    ++counters.updates;
  }
  check_sound(straight);
  CHECK(straight.stats().pending_bytes == 0);
  check_views(straight, of);
  counters.same_bytes += straight.encode_state_as_update_v1() == bytes(of.state.begin(), of.state.end());
  return straight;
}

// An empty document loads a state struct by struct; as a list it must come to the same.
void check_both_ways(const oracle_case& of, bytes_view state) {
  document loaded(options_of(of));
  feed(loaded, state);
  document listed(options_of(of));
  crdt::decoded_update decoded;
  REQUIRE(decode_update_v1(state, decoded));
  REQUIRE(listed.apply(decoded));
  check_sound(loaded);
  check_equal(loaded, listed);
  CHECK(to_hex(loaded.encode_state_as_update_v1()) == to_hex(listed.encode_state_as_update_v1()));
}

void check_state_of_yjs(const oracle_case& of, const document& straight) {
  document loaded(options_of(of));
  feed(loaded, of.state);
  check_sound(loaded);
  check_views(loaded, of);
  check_equal(loaded, straight);
  check_both_ways(of, of.state);
  CHECK(to_hex(canonical(of.state)) == to_hex(of.state));
  CHECK(to_hex(loaded.encode_state_vector()) == to_hex(of.vector));
  const bytes again = loaded.encode_state_as_update_v1();
  CHECK(to_hex(canonical(again)) == to_hex(again));
}

void check_shuffled(const oracle_case& of, const document& straight, std::mt19937_64& random, law_counters& counters) {
  document mixed(options_of(of));
  const auto order = shuffled(of.updates.size(), random);
  for (std::size_t i = 0; i < order.size(); ++i) {
    serve(mixed, of.updates[order[i]]);
    counters.waited += mixed.stats().pending_structs != 0;
    // Some arrive twice.
    if (random() % 4 == 0) serve(mixed, of.updates[order[random() % (i + 1)]]);
    // A peer that joins in the middle gets everything, what waits included.
    if (random() % 16 == 0) {
      document copy(options_of(of));
      feed(copy, mixed.encode_state_as_update_v1());
      check_equal(copy, mixed);
      CHECK(copy.stats().pending_structs >= (mixed.stats().pending_structs != 0 ? 1u : 0u));
      mixed = std::move(copy);
    }
    if (of.updates.size() < 40) {
      check_sound(mixed);
      check_both_ways(of, mixed.encode_state_as_update_v1());
      check_both_encodings(mixed, random);
    }
  }
  check_sound(mixed);
  CHECK(mixed.stats().pending_bytes == 0);
  check_views(mixed, of);
  check_equal(mixed, straight);
}

void check_merged(const oracle_case& of, const document& straight, std::mt19937_64& random) {
  const auto all = crdt::merge_updates(of.updates);
  REQUIRE(all);
  document whole(options_of(of));
  feed(whole, *all);
  check_sound(whole);
  check_views(whole, of);
  check_equal(whole, straight);

  // Random groups, each merged, in random order; the groups have holes.
  std::vector<std::vector<bytes_view>> groups(1 + random() % 5);
  for (const auto update : of.updates) groups[random() % groups.size()].push_back(update);
  document grouped(options_of(of));
  std::vector<bytes> parts;
  for (const auto& group : groups) {
    const auto merged = crdt::merge_updates(group);
    REQUIRE(merged);
    parts.push_back(*merged);
    serve(grouped, *merged);
    check_sound(grouped);
  }
  CHECK(grouped.stats().pending_bytes == 0);
  check_equal(grouped, straight);
  std::vector<bytes_view> views(parts.rbegin(), parts.rend());
  const auto twice = crdt::merge_updates(views);
  REQUIRE(twice);
  document remerged(options_of(of));
  feed(remerged, *twice);
  check_equal(remerged, straight);
}

void check_diffs(const oracle_case& of, const document& straight, std::mt19937_64& random) {
  // A replica that stopped listening half-way asks for the rest by its state vector.
  document late(options_of(of));
  const std::size_t seen = of.updates.empty() ? 0 : random() % of.updates.size();
  for (std::size_t i = 0; i < seen; ++i) feed(late, of.updates[i]);
  document late_by_chunks(options_of(of));
  feed(late_by_chunks, late.encode_state_as_update_v1());
  const auto since = late.state();
  feed(late, straight.encode_state_as_update_v1(since));
  check_sound(late);
  check_views(late, of);
  check_equal(late, straight);
  for (const auto& chunk : straight.encode_state_chunks_v1(since, 64 + random() % 1000)) {
    const auto report = feed(late_by_chunks, chunk);
    CHECK(report.pending_structs == 0);
    CHECK(to_hex(canonical(chunk)) == to_hex(chunk));
  }
  check_sound(late_by_chunks);
  CHECK(late_by_chunks.stats().pending_bytes == 0);
  check_equal(late_by_chunks, straight);
}

void check_other_collection(const oracle_case& of, const document& straight) {
  // Peers that collect and peers that do not still agree on all that lives.
  auto options = options_of(of);
  options.gc = !options.gc;
  document other(options);
  for (const auto update : of.updates) feed(other, update);
  check_sound(other);
  check_views(other, of);
  document fed_by_other(options_of(of));
  feed(fed_by_other, other.encode_state_as_update_v1());
  feed(fed_by_other, straight.encode_state_as_update_v1());
  check_sound(fed_by_other);
  check_views(fed_by_other, of);
  CHECK(fed_by_other.state() == straight.state());
}

void check_encoding_2(const oracle_case& of, const document& straight, std::mt19937_64& random) {
  using enum crdt::update_encoding;
  check_both_encodings(straight, random);
  document second(options_of(of));
  for (std::size_t i = 0; i < of.in_v1.size(); ++i) {
    CHECK(to_hex(*crdt::convert_update(of.in_v1[i], v1, v2)) == to_hex(of.in_v2[i]));
    CHECK(to_hex(*crdt::convert_update(of.in_v2[i], v2, v1)) == to_hex(canonical(of.in_v1[i])));
    if (i < of.updates.size()) CHECK(second.apply_v2(of.in_v2[i]));
  }
  check_equal(second, straight);
  document merged(options_of(of));
  CHECK(merged.apply_v2(*crdt::merge_updates(std::span(of.in_v2).first(of.updates.size()), v2)));
  check_equal(merged, straight);
  document copy(options_of(of));
  CHECK(copy.apply_v2(straight.encode_state_as_update_v2()));
  check_equal(copy, straight);
}

void check_encoded(const oracle_case& of) {
  using enum crdt::update_encoding;
  const auto half = crdt::decode_state_vector(of.half_vector);
  REQUIRE(half);
  const auto some = std::span(of.updates).first(of.updates.size() / 2);
  CHECK(*crdt::state_vector_of_update(*crdt::merge_updates(some)) == *half);
  CHECK(to_hex(*crdt::diff_update(of.bare_state, *half)) == to_hex(of.rest));
  const auto bare_v2 = crdt::convert_update(of.bare_state, v1, v2);
  CHECK(to_hex(*crdt::convert_update(*crdt::diff_update(*bare_v2, *half, v2), v2, v1)) == to_hex(of.rest));
  const auto one = of.updates[of.updates.size() / 2];
  CHECK(to_hex(encode_state_vector(*crdt::state_vector_of_update(one))) == to_hex(of.one_vector));
}

}  // namespace

void check_views(const crdt::document& document, const oracle_case& expected) {
  if (!expected.vector.empty()) CHECK(to_hex(document.encode_state_vector()) == to_hex(expected.vector));
  for (const auto& root : expected.roots) {
    CAPTURE(root.name);
    if (root.kind == "text") {
      CHECK(document.text(root.name) == root.views[0]);
      CHECK(document.delta_json(root.name) == root.views[1]);
    } else if (root.kind == "xml") {
      CHECK(document.xml(root.name) == root.views[0]);
    } else {
      const auto as = root.kind == "array" ? crdt::type_kind::array : crdt::type_kind::map;
      const auto json = document.json(root.name, as);
      // A root that nobody wrote to does not exist here.
      const bool nothing = root.views[0] == "[]" || root.views[0] == "{}";
      if (!nothing || json != "null") CHECK(json == root.views[0]);
    }
  }
  if (!expected.order.empty())
    CHECK(without_empty_lists(document.canonical_dump()) == without_empty_lists(expected.order));
}

void check_laws(const oracle_case& of, std::mt19937_64& random, law_counters& counters) {
  INFO(std::string(of.name));
  ++counters.documents;
  const document straight = in_order(of, counters);
  check_state_of_yjs(of, straight);
  check_shuffled(of, straight, random, counters);
  check_merged(of, straight, random);
  check_diffs(of, straight, random);
  check_other_collection(of, straight);
  check_encoding_2(of, straight, random);
  check_encoded(of);
}

}  // namespace octavo::test
