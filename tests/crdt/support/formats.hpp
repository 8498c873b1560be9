// Documents for the tests of formats: written as ProseMirror's JSON, or as a Quill text struct by struct.
#pragma once

#include <doctest/doctest.h>

#include "crdt/document.hpp"
#include "crdt/export.hpp"
#include "crdt/import.hpp"
#include "tests/crdt/support/builder.hpp"
#include "tests/crdt/support/replay.hpp"

namespace octavo::test {

inline crdt::import_options as_client(std::uint64_t client, std::string root = "doc") {
  crdt::import_options options;
  options.client = client;
  options.root = std::move(root);
  return options;
}

/// A document with the content that a JSON of ProseMirror says, in the root "doc".
inline crdt::document document_of(std::string_view json) {
  crdt::document document;
  const auto update = crdt::import_prosemirror_json(json, as_client(5));
  if (!update) FAIL("not taken: " << to_string(update.error()) << ": " << std::string(json));
  feed(document, *update);
  check_sound(document);
  return document;
}

/// A text with formats, as Quill's binding leaves it. Each call appends; a format holds until it is ended.
class quill_text {
 public:
  quill_text& text(std::string_view content) { return item(4, content, {}); }
  quill_text& embed(std::string_view json) { return item(5, json, {}); }
  quill_text& begin(std::string_view key, std::string_view json) { return item(6, key, json); }
  quill_text& end(std::string_view key) { return item(6, key, "null"); }
  /// A line with a format: Quill puts it on the line break.
  quill_text& line(std::string_view content, std::string_view key, std::string_view json) {
    if (!content.empty()) text(content);
    return begin(key, json).text("\n").end(key);
  }

  crdt::document document() const {
    crdt::document out;
    feed(out, builder_.build());
    return out;
  }

 private:
  quill_text& item(std::uint8_t kind, std::string_view first, std::string_view second) {
    bytes data;
    crdt::lib0_writer writer(data);
    writer.u8(static_cast<std::uint8_t>(kind | (clock_ == 0 ? 0 : 0x80)));
    if (clock_ == 0) {
      builder_.block(5, 0);
      writer.u8(1);
      writer.var_string("doc");
    } else {
      writer.var_uint(5);
      writer.var_uint(clock_ - 1);
    }
    writer.var_string(first);
    if (kind == 6) writer.var_string(second);
    builder_.raw(data);
    clock_ += kind == 4 ? crdt::utf16_length(first) : 1;
    return *this;
  }

  update_builder builder_;
  std::uint64_t clock_ = 0;
};

inline std::string html_of(const crdt::document& document) {
  const auto out = crdt::html(document, "doc");
  REQUIRE(out);
  return *out;
}
inline std::string markdown_of(const crdt::document& document) {
  const auto out = crdt::markdown(document, "doc");
  REQUIRE(out);
  return *out;
}

/// One paragraph with one run of text.
inline std::string paragraph_of(std::string_view text, std::string_view marks = "[]") {
  return R"({"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":)" + crdt::json_string(text) +
         R"(,"marks":)" + std::string(marks) + "}]}]}";
}

}  // namespace octavo::test
