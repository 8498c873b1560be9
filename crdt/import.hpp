// New documents from text and from the JSON of ProseMirror: the update (encoding 1) that makes the content, as if a
// client had written it into an empty document. HTML and Markdown need parsers and are in crdt/import. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/bytes.hpp"
#include "crdt/error.hpp"
#include "crdt/rich_tree.hpp"

namespace octavo::crdt {

/// Why a text was not taken.
enum class import_errc : std::uint8_t {
  bad_client,      ///< import_options::client is above 2^53-1
  bad_root,        ///< import_options::root is not UTF-8
  bad_utf8,        ///< the input is not strict UTF-8
  bad_json,        ///< the input is not one JSON value
  bad_document,    ///< the JSON is no ProseMirror document: a node without a type, content that is no list, …
  too_large,       ///< the input is longer than import_options::max_bytes, or makes more than 2^32-1 units
  too_deep,        ///< nodes or values nest deeper than import_options::max_depth, or the limit of values
  too_many_nodes,  ///< more nodes, texts and attributes than import_options::max_nodes
};

/// A sentence without its full stop.
std::string_view to_string(import_errc code);

/// Why, and at which byte of the input; the offset is 0 where it is not known.
struct import_error {
  import_errc code{};
  std::size_t offset = 0;
};

/// For example "it is not UTF-8 (at byte 17)".
std::string to_string(const import_error& error);

struct import_options {
  /// The root that the content goes to; what an editor calls its field: "default" is Tiptap's, "prosemirror" that of
  /// y-prosemirror.
  std::string root = "default";
  /// Who writes. An id must never have been used in the document before: draw a random one.
  std::uint64_t client = 0;
  std::size_t max_bytes = std::size_t{64} << 20;
  /// How deep nodes, or in HTML elements, may nest. JavaScript peers die near 10,000, and documents refuse types that
  /// nest beyond document_options::max_type_depth.
  std::size_t max_depth = 500;
  std::size_t max_nodes = std::size_t{1} << 22;
  /// Marks that may lie on one text more than once (ProseMirror: a mark with `excludes: ""`). y-prosemirror stores them
  /// under their name and a hash. A mark that does occur twice on one text is one of these, named or not.
  std::vector<std::string> overlapping_marks;
};

template <class T>
using import_result = result<T, import_error>;

/// What is wrong with an input or with the options, whatever the format: sizes, UTF-8, names.
std::optional<import_error> check_import(std::string_view input, const import_options& options);

/// What becomes of plain text: a shared text, as CodeMirror, Monaco and Quill have it, or a paragraph for each line.
enum class text_form : std::uint8_t { text, paragraphs };

/// The update that makes a document of plain text. Line ends are "\n" afterwards.
import_result<bytes> import_text(std::string_view text, const import_options& options,
                                 text_form form = text_form::text);

/// The update that y-prosemirror would make of a document in ProseMirror's JSON, as Node.toJSON() and
/// prosemirror_json() write it. Without the editor's schema nothing is known of its defaults: what an attribute is that
/// the JSON has not, its readers decide.
import_result<bytes> import_prosemirror_json(std::string_view json, const import_options& options);

/// The same of a tree, whose elements and marks have the names that they are to have in the document.
import_result<bytes> encode_rich_tree(const rich_tree& tree, const import_options& options);

}  // namespace octavo::crdt
