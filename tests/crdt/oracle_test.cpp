// Convergence against the original: documents that real yjs wrote, with nested types, formats, embeds, XML,
// subdocuments, undo, surrogate pairs and 53-bit client ids, arrive here in every order and must show what yjs shows.
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "crdt/any.hpp"
#include "tests/crdt/support/laws.hpp"

namespace {

using namespace octavo;
using namespace octavo::test;

std::filesystem::path scratch_file(const char* name) {
  return std::filesystem::temp_directory_path() / (std::string(name) + "-" + std::to_string(std::random_device{}()));
}

int run_node(const std::string& script, const std::string& arguments) {
  const std::string command = std::string("'") + OCTAVO_NODE + "' '" + OCTAVO_ORACLE + "/" + script + "' " + arguments;
  return std::system(command.c_str());
}

TEST_CASE("documents of yjs converge in any order, grouping and repetition") {
  const auto seed = choose_seed();
  const char* wanted = std::getenv("OCTAVO_ORACLE_DOCUMENTS");
  const std::string count = wanted != nullptr ? wanted : "150";
  const auto file = scratch_file("octavo-oracle");
  REQUIRE(run_node("generate.mjs", std::to_string(seed) + " " + count + " '" + file.string() + "'") == 0);
  const case_file cases(file.string());
  std::filesystem::remove(file);
  REQUIRE(cases.good());
  REQUIRE(cases.cases().size() == std::stoul(count));
  std::mt19937_64 random(seed);
  law_counters counters;
  for (const auto& each : cases.cases()) check_laws(each, random, counters);
  MESSAGE(counters.documents << " documents of " << counters.updates << " updates, " << counters.same_bytes
                             << " states byte-equal to yjs, " << counters.waited << " updates had to wait");
  CHECK(counters.waited > 0);
  // The same updates in the same order lead to the same structs in all but odd cases of joining.
  CHECK(counters.same_bytes * 10 >= counters.documents * 9);
}

TEST_CASE("a recorded corpus of yjs documents reads as recorded") {
  const char* folder = std::getenv("OCTAVO_CORPUS");
  if (folder == nullptr) {
    MESSAGE("skipped: OCTAVO_CORPUS names no folder");
    return;
  }
  const auto file = scratch_file("octavo-corpus");
  REQUIRE(run_node("corpus.mjs", std::string("'") + folder + "' '" + file.string() + "'") == 0);
  const case_file cases(file.string());
  std::filesystem::remove(file);
  REQUIRE(cases.good());
  std::mt19937_64 random(choose_seed());
  law_counters counters;
  std::size_t refused = 0;
  std::size_t primitives = 0;
  for (const auto& each : cases.cases()) {
    INFO(std::string(each.kind) << " " << std::string(each.name));
    if (each.kind == "document") {
      check_laws(each, random, counters);
      continue;
    }
    crdt::lib0_reader reader(each.data);
    bytes again;
    crdt::lib0_writer writer(again);
    if (each.kind == "malformed") {
      crdt::document document;
      CHECK_FALSE(document.apply_v1(each.data));
      CHECK(document.usable());
      CHECK(crdt::is_empty_update_v1(document.encode_state_as_update_v1()));
      ++refused;
      continue;
    }
    ++primitives;
    if (each.kind == "varUint") {
      std::uint64_t value = 0;
      CHECK(reader.var_uint(value));
      CHECK(std::to_string(value) == each.name);
      writer.var_uint(value);
      CHECK(to_hex(again) == to_hex(each.data));
    } else if (each.kind == "varInt") {
      crdt::lib0_int value;
      CHECK(reader.var_int(value));
      writer.var_int(value);
      CHECK(to_hex(again) == to_hex(each.data));
    } else if (each.kind == "varString") {
      std::string_view text;
      CHECK(reader.var_string(text));
    } else {
      std::size_t values = 0;
      CHECK(crdt::skip_any(reader, values, 1000, 128));
    }
    CHECK(reader.at_end());
  }
  MESSAGE(counters.documents << " documents, " << counters.same_bytes << " byte-equal, " << refused << " refused, "
                             << primitives << " primitives");
  CHECK(counters.documents > 0);
}

}  // namespace
