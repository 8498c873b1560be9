// Any bytes as a document to be imported: HTML, Markdown, ProseMirror's JSON or text. What is taken makes a sound
// document that can be written in every form; ProseMirror's JSON comes back as it went in, once it has been through.
#include <string>

#include "crdt/document.hpp"
#include "crdt/export.hpp"
#include "crdt/import/import.hpp"
#include "tests/fuzz/support.hpp"

namespace {

using namespace octavo;
using octavo::fuzz::require;

crdt::document document_of(const bytes& update) {
  crdt::document document;
  require(bool(document.apply_v1(update)), "an import applies");
  octavo::fuzz::require_sound(document, "an imported document is sound");
  require(document.stats().pending_bytes == 0, "nothing of an import waits");
  return document;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t longest = 4096;
  if (size == 0 || size > longest) return 0;
  const auto how = data[0];
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  import::options options;
  options.root = "doc";
  options.client = 7;
  options.max_depth = 60;
  options.schema = (how & 8) != 0 ? import::schema::prosemirror_basic : import::schema::tiptap;
  if ((how & 16) != 0) options.without = {"table", "taskList", "heading", "bold", "link"};
  const auto update = how % 4 == 0   ? import::html(text, options)
                      : how % 4 == 1 ? import::markdown(text, options)
                      : how % 4 == 2 ? crdt::import_prosemirror_json(text, options)
                                     : crdt::import_text(text, options, crdt::text_form::paragraphs);
  if (!update) {
    require(update.error().offset <= text.size(), "the place of an error is in the input");
    return 0;
  }
  const auto document = document_of(*update);
  require(bool(crdt::html(document, "doc")), "what was imported has a form as HTML");
  require(bool(crdt::markdown(document, "doc")), "and as Markdown");
  const auto json = crdt::prosemirror_json(document, "doc");
  require(bool(json), "and as ProseMirror's JSON");
  const auto again = crdt::import_prosemirror_json(*json, options);
  require(bool(again), "which can be imported");
  const auto twice = crdt::prosemirror_json(document_of(*again), "doc");
  require(bool(twice) && *twice == *json, "and comes back the same");
  return 0;
}
