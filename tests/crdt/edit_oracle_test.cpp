// Editing against the original: what real yjs sends when it makes a random edit is what crdt::edit must make of the
// same edit, byte for byte, and what both show must be equal.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/crdt/support/edit_script.hpp"
#include "tests/crdt/support/replay.hpp"

namespace {

using namespace octavo;
using namespace octavo::test;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string shown(const crdt::document& document, std::string_view root) {
  switch (kind_of_root(root)) {
    case crdt::type_kind::array:
    case crdt::type_kind::map:
      return document.json(root, kind_of_root(root));
    case crdt::type_kind::xml_fragment:
      return document.xml(root);
    default:
      return document.delta_json(root);
  }
}

struct edit_counters {
  std::size_t edits = 0;
  std::size_t same_bytes = 0;
};

// Relative positions: a new one, and where those made before are now.
void check_positions(crdt::lib0_reader& reader, const crdt::document& document) {
  std::string_view root;
  std::string_view json;
  crdt::lib0_int association;
  crdt::absolute_position at;
  bytes_view encoded;
  reader.var_string(root);
  reader.var_uint(at.index);
  reader.var_int(association);
  reader.var_bytes(encoded);
  reader.var_string(json);
  at.root = std::string(root);
  at.association = association.negative ? -1 : 0;
  const auto made = document.relative(at);
  REQUIRE(made);
  CHECK(to_hex(crdt::encode_relative_position(*made)) == to_hex(encoded));
  CHECK(crdt::to_json(*made) == json);
  CHECK(*crdt::relative_position_from_json(json) == *made);
  std::uint64_t count = 0;
  reader.var_uint(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t expected = 0;
    reader.var_bytes(encoded);
    reader.var_uint(expected);
    const auto position = crdt::decode_relative_position(encoded);
    REQUIRE(position);
    CHECK(to_hex(crdt::encode_relative_position(*position)) == to_hex(encoded));
    const auto now = document.resolve(*position);
    CHECK((now ? now->index + 1 : 0) == expected);
  }
}

void replay_session(crdt::lib0_reader& reader, std::mt19937_64& random, edit_counters& counters) {
  std::uint8_t exact = 0;
  std::uint8_t gc = 0;
  std::uint64_t client = 0;
  std::uint64_t steps = 0;
  reader.u8(exact);
  reader.u8(gc);
  reader.var_uint(client);
  reader.var_uint(steps);
  crdt::document_options options;
  options.gc = gc != 0;
  crdt::document document(options);
  for (std::uint64_t step = 0; step < steps; ++step) {
    CAPTURE(step);
    std::uint8_t is_edit = 0;
    bytes_view sent;
    bytes made;
    std::string did = "remote";
    reader.u8(is_edit);
    if (is_edit != 0) {
      // Whatever was done and taken back again must leave no trace.
      const auto before = document.canonical_dump();
      const auto state = document.encode_state_as_update_v1();
      const bool retry = random() % 3 == 0;
      std::uint64_t operations = 0;
      reader.var_uint(operations);
      {
        auto scratch = reader;
        crdt::edit edit(document, client);
        if (retry) {
          for (std::uint64_t i = 0; i < operations; ++i) replay_operation(scratch, edit);
          edit.rollback();
        }
      }
      CHECK(document.canonical_dump() == before);
      CHECK(document.encode_state_as_update_v1() == state);
      if (const auto fault = document.check_integrity()) FAIL("after a rollback: " << *fault);
      crdt::edit edit(document, client);
      did.clear();
      for (std::uint64_t i = 0; i < operations; ++i) did += replay_operation(reader, edit) + "; ";
      auto done = edit.commit();
      REQUIRE(done);
      made = std::move(done->update);
    }
    reader.var_bytes(sent);
    if (is_edit == 0) REQUIRE(document.apply_v1(sent));
    bytes_view state;
    reader.var_bytes(state);
    CAPTURE(did);
    if (const auto fault = document.check_integrity()) FAIL(*fault);
    bool same = true;
    if (is_edit != 0) {
      same = std::ranges::equal(made, sent);
      ++counters.edits;
      counters.same_bytes += same;
      if (exact != 0) CHECK_MESSAGE(same, "ours " << to_hex(made) << " yjs " << to_hex(sent));
    }
    for (const auto* root : {"text", "rich", "array", "map", "xml"}) {
      bytes_view expected;
      reader.var_bytes(expected);
      CHECK_MESSAGE(shown(document, root) == as_text(expected), root);
    }
    check_positions(reader, document);
    if (same) continue;
    // Of several attributes the order of markers may differ: on from where yjs is.
    document = crdt::document(options);
    REQUIRE(document.apply_v1(state));
  }
}

TEST_CASE("edits make the updates that yjs makes") {
  const auto seed = choose_seed();
  const char* wanted = std::getenv("OCTAVO_ORACLE_DOCUMENTS");
  const std::size_t count = wanted != nullptr ? std::stoul(wanted) : 120;
  const auto file = std::filesystem::temp_directory_path() / ("octavo-edits-" + std::to_string(std::random_device{}()));
  const std::string command = std::string("'") + OCTAVO_NODE + "' '" + OCTAVO_ORACLE + "/edits.mjs' " +
                              std::to_string(seed) + " " + std::to_string(count) + " '" + file.string() + "'";
  REQUIRE(std::system(command.c_str()) == 0);
  const auto script = read_file(file);
  std::filesystem::remove(file);
  crdt::lib0_reader reader(as_bytes(script));
  std::mt19937_64 random(seed);
  edit_counters counters;
  for (std::size_t i = 0; i < count; ++i) {
    CAPTURE(i);
    replay_session(reader, random, counters);
  }
  CHECK(reader.at_end());
  MESSAGE(counters.edits << " edits, " << counters.same_bytes << " of them byte-equal to yjs");
  CHECK(counters.same_bytes * 20 >= counters.edits * 19);
}

}  // namespace
