// Convergence against the original: documents that real yjs wrote, with nested types, formats, embeds, XML,
// subdocuments, undo, surrogate pairs and 53-bit client ids, arrive here in every order and must show what yjs shows.
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "crdt/any.hpp"
#include "tests/crdt/support/builder.hpp"
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

// Writes contents of every kind, most of them what no honest client would send.
class content_writer {
 public:
  explicit content_writer(std::uint64_t seed) : random_(seed) {}

  bytes content(std::uint8_t kind) {
    bytes out;
    crdt::lib0_writer writer(out);
    switch (kind) {
      case 1:
        writer.var_uint(below(3));
        break;
      case 2: {
        const auto count = below(4);
        writer.var_uint(count);
        for (std::uint64_t i = 0; i < count; ++i) writer.var_string(below(4) == 0 ? "undefined" : json());
        break;
      }
      case 3:
      case 4:
        writer.var_string(text());
        break;
      case 5:
        writer.var_string(json());
        break;
      case 6:
        writer.var_string(text());
        writer.var_string(json());
        break;
      case 7: {
        const auto type = below(9);
        writer.var_uint(type);
        if (type == 3 || type == 5) writer.var_string(text());
        break;
      }
      case 8: {
        const auto count = below(4);
        writer.var_uint(count);
        for (std::uint64_t i = 0; i < count; ++i) any(writer, 0);
        break;
      }
      default:
        writer.var_string(text());
        any(writer, 0);
    }
    return out;
  }

  // An update of encoding 2 with one embed, of any value.
  bytes embed_v2() {
    bytes out = hex("00 00 01 05 00 00 01 05 03 01 61 01 01 01 00 00 01 01 00");
    crdt::lib0_writer writer(out);
    any(writer, 0);
    writer.u8(0);
    return out;
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  std::string text() {
    static const std::vector<std::string> texts = {
        "__proto__", "guid",          "gcFilter", "meta", "gc",          "autoLoad",     "shouldLoad",
        "length",    "byteLength",    "0",        "",     "constructor", "collectionid", "toJSON",
        "toString",  "\xEF\xBB\xBFx", "😀"};
    return texts[below(texts.size())];
  }

  std::string json() {
    static const std::vector<std::string> parts = {"null",
                                                   "-0",
                                                   "1e999",
                                                   "0.5e-7",
                                                   "\"\\ud800\"",
                                                   "\"\"",
                                                   "\"\\u0000\"",
                                                   "[]",
                                                   "{}",
                                                   "true",
                                                   "01",
                                                   "\"\t\"",
                                                   ".5",
                                                   "1.",
                                                   "-",
                                                   "nul",
                                                   " 1\n",
                                                   "\xC2\xA0"
                                                   "1",
                                                   "\xEF\xBB\xBF"
                                                   "1"};
    const auto part = [&] { return parts[below(parts.size())]; };
    switch (below(4)) {
      case 0:
        return "[" + part() + "," + part() + "]";
      case 1:
        return "{\"" + text() + "\":" + part() + ",\"" + text() + "\" : {\"" + text() + "\":" + part() + "}}";
      default:
        return part();
    }
  }

  void any(crdt::lib0_writer& writer, int depth) {
    // Objects more often than the rest: they are what has surprises.
    const auto tag = depth < 4 && below(3) == 0 ? 118 : static_cast<std::uint8_t>(115 + below(14));
    writer.u8(static_cast<std::uint8_t>(tag));
    switch (tag) {
      case 116:
      case 119:
        writer.var_string(text());
        break;
      case 117:
      case 118: {
        const auto count = depth < 4 ? below(5) : 0;
        writer.var_uint(count);
        for (std::uint64_t i = 0; i < count; ++i) {
          if (tag == 118) writer.var_string(text());
          any(writer, depth + 1);
        }
        break;
      }
      case 122:
      case 123:
      case 124:
        for (int i = tag == 124 ? 4 : 8; i > 0; --i) writer.u8(static_cast<std::uint8_t>(below(256)));
        break;
      case 125:
        writer.var_int({below(std::uint64_t{1} << 53), below(2) == 0});
        break;
      default:
        break;
    }
  }

  std::mt19937_64 random_;
};

TEST_CASE("whatever content is accepted, yjs can read and write") {
  const auto seed = choose_seed();
  content_writer contents(seed);
  const auto file = scratch_file("octavo-readable");
  std::size_t accepted[10] = {};
  std::size_t refused = 0;
  std::size_t converted = 0;
  {
    std::ofstream out(file);
    for (int round = 0; round < 600; ++round) {
      for (std::uint8_t kind = 1; kind <= 9; ++kind) {
        // Half of them in a list, half under a key.
        const bool keyed = round % 2 != 0;
        bytes item = keyed ? hex("00 01 01 61 01 6b") : hex("00 01 01 61");
        item[0] = static_cast<std::byte>(kind | (keyed ? 0x20 : 0));
        const bytes content = contents.content(kind);
        item.insert(item.end(), content.begin(), content.end());
        const bytes update = update_builder().block(5, 0).raw(item).build();
        crdt::decoded_update decoded;
        if (!decode_update_v1(update, decoded) || decoded.empty()) {
          ++refused;
          continue;
        }
        ++accepted[kind];
        const std::string name = "kind " + std::to_string(kind);
        out << name << '\t' << to_hex(encode_update_v1(decoded)) << '\n';
        // Values are passed on in the form that they came in, which yjs would not always choose itself.
        if (kind == 2 || kind == 8 || kind == 9) continue;
        const auto second = encode_update_v2(decoded);
        out << name << '\t' << to_hex(encode_update_v1(decoded)) << '\t' << to_hex(second) << "\t1\n";
        REQUIRE(decode_update_v2(second, decoded));
        out << name << '\t' << to_hex(encode_update_v1(decoded)) << '\t' << to_hex(second) << "\t2\n";
      }
      // A value that encoding 1 has as JSON.
      const bytes update = contents.embed_v2();
      crdt::decoded_update decoded;
      if (!decode_update_v2(update, decoded)) continue;
      ++converted;
      out << "embed\t" << to_hex(encode_update_v1(decoded)) << '\n';
      out << "embed\t" << to_hex(encode_update_v1(decoded)) << '\t' << to_hex(update) << "\t2\n";
    }
  }
  CHECK(run_node("../../crdt/support/readable.mjs", "'" + file.string() + "' '" OCTAVO_ORACLE "'") == 0);
  std::filesystem::remove(file);
  for (std::uint8_t kind = 1; kind <= 9; ++kind) CHECK(accepted[kind] > 50);
  CHECK(refused > 500);
  CHECK(converted > 50);
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
