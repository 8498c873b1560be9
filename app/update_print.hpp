// Updates and documents as people and programs read them: `octavo update inspect` and `render`. Text for people is cut
// at a width and cannot play tricks with a terminal; JSON is complete. Both are written piece by piece, so that a large
// document needs no second copy in memory.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "app/update_facts.hpp"
#include "app/update_input.hpp"
#include "crdt/document.hpp"

namespace octavo::app {

/// How wide contents are shown, in characters of text.
inline constexpr std::size_t default_width = 72;

struct print_options {
  std::size_t width = default_width;  ///< SIZE_MAX: everything
  bool summary = false;               ///< no structs and deletes
  bool ids = false;                   ///< the id of everything in a tree
  std::optional<std::uint64_t> client;
  std::optional<std::uint32_t> clock;  ///< only the struct with this unit of the client
};

/// 1 struct, 2 structs
std::string counted(std::uint64_t count, std::string_view noun);
/// Of the clocks [5, 6) and [5, 8): 5, 5-7
std::string clocks_text(std::uint64_t from, std::uint64_t to);
/// Text as a string of JSON.
std::string json_string(std::string_view valid_utf8);

/// Escapes what could move a terminal's cursor or turn the direction of its text.
std::string terminal_safe(std::string_view valid_utf8);

/// Text in quotes as JSON has it, cut at a width.
std::string quoted(std::string_view valid_utf8, std::size_t width);

/// A content in one line, as a person reads it.
std::string shown_content(crdt::content_kind kind, std::uint32_t length, std::string_view content, std::size_t width);

/// The members of a content in a JSON object, each with a comma in front: ,"text":"hi"
std::string content_members(crdt::content_kind kind, std::uint32_t length, std::string_view content);

/// "5:0-11, 7:3", the ranges of clocks by client; at most some, and how many more.
std::string shown_ranges(const std::vector<crdt::clock_range>& ranges);
/// [{"client":5,"from":0,"to":12}]
std::string ranges_json(const std::vector<crdt::clock_range>& ranges);

void print_update(const update_input& input, const print_options& options, std::ostream& out);
void print_update_json(const update_input& input, const print_options& options, std::ostream& out);

/// All roots of a document, or one; then what waits.
void print_tree(const crdt::document& document, const std::string& root, const print_options& options,
                std::ostream& out);
void print_tree_json(const crdt::document& document, const std::string& root, std::ostream& out);

/// What waits, in a sentence.
std::string shown_waiting(const waiting_report& waiting);
std::string waiting_json(const waiting_report& waiting);

}  // namespace octavo::app
