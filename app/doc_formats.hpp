// The formats of `octavo doc export` and `octavo doc import` that people and other editors read, beside Yjs's own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/bytes.hpp"
#include "crdt/document.hpp"
#include "storage/result.hpp"

namespace octavo::app {

/// html, markdown, prosemirror: roots of rich text.
bool is_rich_format(std::string_view format);

/// A root in a rich format. What it cannot say is invalid_argument, what would be too large limit_exceeded.
result<std::string> export_rich(const crdt::document& content, const std::string& root, std::string_view format);

/// What becomes of a file that is no update.
struct import_request {
  std::string format;                ///< text, html, markdown or prosemirror
  std::string root;                  ///< that it goes to
  std::string schema = "tiptap";     ///< of HTML and Markdown: tiptap or basic
  std::vector<std::string> without;  ///< nodes and marks that the editor does not know, by Tiptap's names
  bool paragraphs = false;           ///< text becomes paragraphs, not a shared text
  std::uint64_t client = 0;          ///< who writes: an id that nobody has used
};

/// The update that makes the content. `what` names the input in errors, which are malformed or limit_exceeded.
result<bytes> import_rich(std::string_view text, const import_request& asked, const std::string& what);

}  // namespace octavo::app
