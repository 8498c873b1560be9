// Reading a store: text, delta, JSON, XML, and the dump that tests compare. All of it walks with stacks of its own.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/internal/store.hpp"
#include "crdt/lib0.hpp"

namespace octavo::crdt {
class tree_visitor;
}

namespace octavo::crdt::internal {

/// Orders texts as JavaScript's default sort does.
struct utf16_order {
  bool operator()(std::string_view left, std::string_view right) const;
};

/// The attributes in force at a place of a text: key and JSON text of the value.
using attribute_map = std::map<std::string, std::string, utf16_order>;

/// Applies a formatting marker: sets an attribute, or removes it if the value is null.
void apply_format(const store& data, const item& marker, attribute_map& attributes);
/// As a JSON object; empty if there are none.
std::string attributes_json(const attribute_map& attributes);

/// What a root is, judged by what it holds; `root` if it shows nothing.
type_kind infer_kind(const store& data, std::uint32_t branch);

/// The entries of a type's keys whose current value is not deleted, in the order of their UTF-16 units.
std::vector<std::uint32_t> live_entries(const store& data, std::uint32_t branch);

/// A type's visible strings.
void append_text(const store& data, std::uint32_t branch, std::string& out);

/// A type as a Quill delta.
void append_delta(const store& data, std::uint32_t branch, std::string& out);

/// A type as JSON, read as the kind that is given, or what infer_kind() says.
void append_json(const store& data, std::uint32_t branch, std::string& out, type_kind as = type_kind::root);

/// A type as yjs prints XML.
void append_xml(const store& data, std::uint32_t branch, std::string& out);

/// Shows a type to a visitor.
void walk(const store& data, std::uint32_t branch, tree_visitor& visitor);

/// The next text of content in a store, which was checked when it came in.
inline std::string_view text_of(lib0_reader& reader) {
  bytes_view text;
  reader.var_bytes(text);
  return as_text(text);
}

/// The last value of a run of `any` or JSON values.
std::string_view last_value(content_kind kind, std::string_view run, std::uint32_t length);

/// A JSON text as JavaScript turns its value into a string: strings bare, arrays joined, objects "[object Object]".
void append_js_string(std::string_view json, std::string& out);
/// Members of a JSON object or array (or units of a JSON string) as (key, JSON text) pairs, keys unescaped.
std::vector<std::pair<std::string, std::string>> json_members(std::string_view json);

std::string dump(const store& data);
/// The first invariant that does not hold, as a sentence; empty if all do.
std::string find_fault(const store& data);

}  // namespace octavo::crdt::internal
