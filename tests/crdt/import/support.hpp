// What the tests of imports share: options, and documents made of HTML and Markdown.
#pragma once

#include "crdt/import/import.hpp"
#include "tests/crdt/support/formats.hpp"

namespace octavo::test {

inline import::options import_options(import::schema schema = import::schema::tiptap) {
  import::options options;
  options.client = 5;
  options.root = "doc";
  options.schema = schema;
  return options;
}

using import_function = crdt::import_result<bytes> (*)(std::string_view, const import::options&);

inline crdt::document imported(import_function with, std::string_view text, const import::options& options) {
  const auto update = with(text, options);
  if (!update) FAIL("not taken: " << to_string(update.error()));
  crdt::document document;
  feed(document, *update);
  check_sound(document);
  return document;
}

/// The content of a document in ProseMirror's JSON, without the frame around it.
inline std::string content_of(const crdt::document& document) {
  auto json = *crdt::prosemirror_json(document, "doc");
  const std::string_view begin = R"({"type":"doc","content":[)";
  REQUIRE(json.starts_with(begin));
  return json.substr(begin.size(), json.size() - begin.size() - 2);
}

inline std::string p(std::string_view text) {
  return R"({"type":"paragraph","content":[{"type":"text","text":)" + crdt::json_string(text) + "}]}";
}

}  // namespace octavo::test
