#include "app/doc_formats.hpp"

#include "app/output.hpp"
#include "crdt/export.hpp"
#include "crdt/import.hpp"
#include "crdt/import/import.hpp"

namespace octavo::app {

namespace {

errc code_of(crdt::import_errc code) {
  switch (code) {
    case crdt::import_errc::too_large:
    case crdt::import_errc::too_deep:
    case crdt::import_errc::too_many_nodes:
      return errc::limit_exceeded;
    case crdt::import_errc::bad_root:
    case crdt::import_errc::bad_client:
      return errc::invalid_argument;
    default:
      return errc::malformed;
  }
}

crdt::import_result<bytes> import_as(std::string_view text, const import_request& asked) {
  auto options = import::options{};
  options.root = asked.root;
  options.client = asked.client;
  options.schema = asked.schema == "basic" ? import::schema::prosemirror_basic : import::schema::tiptap;
  options.without.insert(asked.without.begin(), asked.without.end());
  if (asked.format == "html") return import::html(text, options);
  if (asked.format == "markdown") return import::markdown(text, options);
  if (asked.format == "prosemirror") return crdt::import_prosemirror_json(text, options);
  return crdt::import_text(text, options, asked.paragraphs ? crdt::text_form::paragraphs : crdt::text_form::text);
}

}  // namespace

bool is_rich_format(std::string_view format) {
  return format == "html" || format == "markdown" || format == "prosemirror";
}

result<std::string> export_rich(const crdt::document& content, const std::string& root, std::string_view format) {
  auto text = format == "html"       ? crdt::html(content, root)
              : format == "markdown" ? crdt::markdown(content, root)
                                     : crdt::prosemirror_json(content, root);
  if (text) return std::move(text).value() + (format == "prosemirror" ? "\n" : "");
  auto large = text.error() == crdt::export_errc::too_large;
  return fail(large ? errc::limit_exceeded : errc::invalid_argument,
              "the root " + printable_name(root) + " has no form as " + std::string{format} + ": " +
                  std::string{to_string(text.error())} + (large ? "" : "; use json"));
}

result<bytes> import_rich(std::string_view text, const import_request& asked, const std::string& what) {
  auto update = import_as(text, asked);
  if (update) return std::move(update).value();
  return fail(code_of(update.error().code),
              what + " cannot be imported as " + asked.format + ": " + to_string(update.error()));
}

}  // namespace octavo::app
