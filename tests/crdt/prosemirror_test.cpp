// Against the original: what y-prosemirror reads from random documents, and whether editors take what an import makes.
#include <filesystem>
#include <fstream>

#include "tests/crdt/support/formats.hpp"
#include "tests/crdt/support/y_prosemirror.hpp"

namespace {

using namespace octavo;
using namespace octavo::test;

TEST_CASE("a document's JSON is what y-prosemirror makes of it") {
  const auto seed = choose_seed();
  const scratch_file updates("octavo-updates");
  const scratch_file exports("octavo-exports");
  REQUIRE(y_prosemirror("updates " + std::to_string(seed) + " 400 '" + updates.path() + "'") == 0);
  std::size_t count = 0;
  {
    std::ifstream in(updates.path());
    std::ofstream out(exports.path());
    for (std::string line; std::getline(in, line); ++count) {
      crdt::document document;
      feed(document, hex(line));
      crdt::export_options options;
      options.as = crdt::type_kind::xml_fragment;
      const auto json = crdt::prosemirror_json(document, "doc", options);
      REQUIRE(json);
      out << line << '\t' << *json << '\n';
      // Whatever it is, the other formats have a form for it.
      CHECK(crdt::html(document, "doc", options));
      CHECK(crdt::markdown(document, "doc", options));
    }
  }
  CHECK(count == 400);
  CHECK(y_prosemirror("exports '" + exports.path() + "'") == 0);
}

TEST_CASE("an editor finds in an imported document what it was made from") {
  const auto seed = choose_seed();
  const scratch_file documents("octavo-json");
  const scratch_file imports("octavo-imports");
  REQUIRE(y_prosemirror("json " + std::to_string(seed) + " 300 '" + documents.path() + "' wild") == 0);
  std::size_t count = 0;
  {
    std::ifstream in(documents.path());
    std::ofstream out(imports.path());
    for (std::string line; std::getline(in, line); ++count) {
      auto options = as_client(seed >> 11);
      options.overlapping_marks = {"comment"};
      const auto update = crdt::import_prosemirror_json(line, options);
      REQUIRE(update);
      out << "tiptap\t" << to_hex(*update) << "\tdoc\t" << line << '\n';
    }
  }
  CHECK(count == 300);
  CHECK(y_prosemirror("imports '" + imports.path() + "'") == 0);
}

}  // namespace
