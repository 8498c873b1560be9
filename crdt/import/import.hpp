// New documents from HTML and Markdown: the update that makes the content, as crdt/import.hpp has it for other formats.
// What has no place in the schema is put where it has one, or becomes plain text; nothing that could run is kept.
// Pure functions, any thread; the parsers' exceptions and errors end here.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "crdt/import.hpp"

namespace octavo::import {

/// Whose names nodes and marks get.
enum class schema : std::uint8_t {
  tiptap,             ///< Tiptap with its extensions for tables, task lists, images, mentions and text styles
  prosemirror_basic,  ///< prosemirror-schema-basic and prosemirror-schema-list
};

struct options : crdt::import_options {
  import::schema schema = schema::tiptap;
  /// Nodes and marks, by Tiptap's names, that the editor does not know: y-prosemirror deletes text with marks, and
  /// nodes, that its schema lacks. Marks are left out; nodes become what is nearest to them: a task list is a list, a
  /// heading a paragraph, a table its cells' content.
  std::set<std::string, std::less<>> without;
};

/// The update that makes a document of HTML: a fragment or a page, of which the body counts.
crdt::import_result<bytes> html(std::string_view text, const options& options);

/// The update that makes a document of Markdown: CommonMark with GitHub's tables, task lists and strikethrough. HTML in
/// it is read as html() does.
crdt::import_result<bytes> markdown(std::string_view text, const options& options);

}  // namespace octavo::import
