// Documents as the formats that people and programs read: HTML, Markdown, and the JSON of ProseMirror. Read is what
// y-prosemirror writes (an XML fragment: Tiptap, BlockNote, prosemirror-schema-basic) and what y-quill writes (a text
// with formats). docs/formats.md says what becomes what. Pure functions of a document, which must not change meanwhile;
// linear in what they read and write, without recursion.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "crdt/document.hpp"
#include "crdt/rich_tree.hpp"

namespace octavo::crdt {

/// Why a root has no such form.
enum class export_errc : std::uint8_t {
  not_rich_text,        ///< the root holds an array or a map
  unsupported_content,  ///< the XML holds what no ProseMirror document does: values, arrays, maps, hooks
  too_large,            ///< the result would pass export_options::max_bytes
};

/// A sentence without its full stop.
std::string_view to_string(export_errc code);

struct export_options {
  /// Bytes of the result, and roughly the memory on the way there. A text of n differently formatted places has n marks
  /// at each, so it can be much longer than the document. Beyond it: too_large.
  std::size_t max_bytes = std::size_t{256} << 20;
  /// What to read the root as: text or xml_fragment; `root` asks document::root_kind().
  type_kind as = type_kind::root;
};

template <class T>
using export_result = result<T, export_errc>;

/// A root as the tree that its editor knows: the document's own names for XML. A text is one group of runs. A root that
/// does not exist reads as empty.
export_result<rich_tree> read_rich_tree(const document& from, std::string_view root,
                                        const export_options& options = {});

/// A root as the JSON of ProseMirror, as y-prosemirror's yXmlFragmentToProsemirrorJSON() gives it; a text as a document
/// in Tiptap's vocabulary.
export_result<std::string> prosemirror_json(const document& from, std::string_view root,
                                            const export_options& options = {});

/// A root as an HTML fragment. All text and all values are escaped; links and images keep only addresses that run
/// nothing, styles only harmless values.
export_result<std::string> html(const document& from, std::string_view root, const export_options& options = {});

/// A root as Markdown: CommonMark with the tables, task lists and strikethrough of GitHub. Text that would read as
/// markup is escaped.
export_result<std::string> markdown(const document& from, std::string_view root, const export_options& options = {});

}  // namespace octavo::crdt
