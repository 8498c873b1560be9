// Edits that a program asks of a document by message, in the place of a client with a copy of its own: a list of
// operations, done all or not at all, as one update. Values and attributes travel as lib0 writes them (crdt::value).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/history.hpp"
#include "crdt/edit.hpp"
#include "storage/result.hpp"

namespace octavo::actors {

/// One step on the way to a shared type: a key, or a position in a list.
struct path_step {
  bool is_key = false;
  std::string key;
  std::uint64_t index = 0;

  static path_step at(std::string_view key) { return {true, std::string{key}, 0}; }
  static path_step at(std::uint64_t index) { return {false, {}, index}; }

  template <class Inspector>
  friend bool inspect(Inspector& f, path_step& x) {
    return f.object(x).fields(f.field("is_key", x.is_key), f.field("key", x.key), f.field("index", x.index));
  }
};

/// Where an operation happens: a root, read as a kind, and the way from there.
struct edit_target {
  std::string root;
  crdt::type_kind kind = crdt::type_kind::text;
  std::vector<path_step> path;

  template <class Inspector>
  friend bool inspect(Inspector& f, edit_target& x) {
    auto get = [&x] { return static_cast<std::uint8_t>(x.kind); };
    auto set = [&x](std::uint8_t value) {
      x.kind = static_cast<crdt::type_kind>(value);
      return value <= static_cast<std::uint8_t>(crdt::type_kind::xml_text);
    };
    return f.object(x).fields(f.field("root", x.root), f.field("kind", get, set), f.field("path", x.path));
  }
};

/// What an operation does; each is the function of that name of crdt::edit. Do not renumber.
enum class edit_kind : std::uint8_t {
  insert_text = 0,      ///< index, text; with `exact` exactly the attributes
  insert_embed = 1,     ///< index, the first value, attributes
  format = 2,           ///< index, length, attributes
  erase = 3,            ///< index, length
  apply_delta = 4,      ///< text: a Quill delta in JSON
  insert = 5,           ///< index, values
  insert_type = 6,      ///< index, type, text: the name of an element
  insert_document = 7,  ///< index, text: the guid, the first value: options
  set = 8,              ///< key, the first value
  set_type = 9,         ///< key, type, text: the name of an element
  set_document = 10,    ///< key, text: the guid, the first value: options
  remove = 11,          ///< key
};

struct edit_operation {
  edit_kind kind = edit_kind::insert_text;
  edit_target target;
  std::uint64_t index = 0;   ///< in UTF-16 units
  std::uint64_t length = 0;  ///< likewise
  std::string key;
  std::string text;
  crdt::type_kind type = crdt::type_kind::map;
  std::vector<std::string> values;                              ///< each a crdt::value's encoding
  std::vector<std::pair<std::string, std::string>> attributes;  ///< keys, and encoded values
  bool exact = false;

  /// Adds a value, or an attribute.
  edit_operation& with(const crdt::value& value);
  edit_operation& with(std::string_view attribute, const crdt::value& value);

  template <class Inspector>
  friend bool inspect(Inspector& f, edit_operation& x) {
    auto get_kind = [&x] { return static_cast<std::uint8_t>(x.kind); };
    auto set_kind = [&x](std::uint8_t value) {
      x.kind = static_cast<edit_kind>(value);
      return value <= static_cast<std::uint8_t>(edit_kind::remove);
    };
    auto get_type = [&x] { return static_cast<std::uint8_t>(x.type); };
    auto set_type = [&x](std::uint8_t value) {
      x.type = static_cast<crdt::type_kind>(value);
      return value <= static_cast<std::uint8_t>(crdt::type_kind::xml_text);
    };
    return f.object(x).fields(f.field("kind", get_kind, set_kind), f.field("target", x.target),
                              f.field("index", x.index), f.field("length", x.length), f.field("key", x.key),
                              f.field("text", x.text), f.field("type", get_type, set_type), f.field("values", x.values),
                              f.field("attributes", x.attributes), f.field("exact", x.exact));
  }
};

/// All of it or nothing.
struct server_edit {
  std::string user;  ///< who is to be named in the history
  std::vector<edit_operation> operations;
  /// The version that positions and lengths are meant in; the edit is carried onto the present one, so that whoever
  /// asks needs to know no more than what it last saw. 0 is the empty document.
  std::uint64_t as_of = present;

  /// What it may add to a document, in bytes, about.
  std::size_t weight() const;

  template <class Inspector>
  friend bool inspect(Inspector& f, server_edit& x) {
    return f.object(x).fields(f.field("user", x.user), f.field("operations", x.operations), f.field("as_of", x.as_of));
  }
};

/// Makes an edit that can be asked for again when no answer came, and is done once: whoever asks takes a Yjs client id
/// of its own, at random, and says how far it had come. The document's own clocks tell whether the edit is there; so
/// that is as durable, and goes with the document as far, as the edit itself.
struct edit_key {
  std::uint64_t client = 0;  ///< 1 to 2^52, drawn at random, used for one document by one asker
  std::uint64_t clock = 0;   ///< 0 at first, then what the last answer said

  template <class Inspector>
  friend bool inspect(Inspector& f, edit_key& x) {
    return f.object(x).fields(f.field("client", x.client), f.field("clock", x.clock));
  }
};

struct edit_done {
  std::uint64_t seq = 0;    ///< at which the edit is there
  std::uint64_t clock = 0;  ///< of the asker's next edit

  template <class Inspector>
  friend bool inspect(Inspector& f, edit_done& x) {
    return f.object(x).fields(f.field("seq", x.seq), f.field("clock", x.clock));
  }
};

/// Does one operation. An error names what is wrong; whether the edit can go on is for crdt::edit to say.
result<void> apply(crdt::edit& to, const edit_operation& operation);

/// Inserts something at a root and erases it: nobody sees it, and the client's clock goes on. For an edit that only
/// erases, which would otherwise leave no trace of who made it.
result<void> leave_mark(crdt::edit& in, const edit_target& target);

/// A form in which a document is read. Do not renumber.
enum class read_format : std::uint8_t {
  update = 0,        ///< all of it, encoding 1
  update_v2 = 1,     ///< all of it, encoding 2
  state_vector = 2,  ///< of all of it
  json = 3,          ///< a root, or all roots if none is named
  text = 4,          ///< of a root
  delta = 5,         ///< of a root
  xml = 6,           ///< of a root
  html = 7,          ///< of a root of rich text
  markdown = 8,      ///< likewise
  prosemirror = 9,   ///< likewise: the JSON of ProseMirror
};

struct read_request {
  read_format format = read_format::json;
  std::string root;
  std::uint64_t version = present;

  template <class Inspector>
  friend bool inspect(Inspector& f, read_request& x) {
    auto get = [&x] { return static_cast<std::uint8_t>(x.format); };
    auto set = [&x](std::uint8_t value) {
      x.format = static_cast<read_format>(value);
      return value <= static_cast<std::uint8_t>(read_format::prosemirror);
    };
    return f.object(x).fields(f.field("format", get, set), f.field("root", x.root), f.field("version", x.version));
  }
};

/// A document in that form; the version is the caller's business. Errors: limit_exceeded, an answer of more than
/// max_bytes (which is made before it is refused, but for HTML, Markdown and ProseMirror's JSON, which can be much
/// larger than a document); invalid_argument, a root that has no such form.
result<bytes> read(const crdt::document& document, const read_request& what, std::size_t max_bytes);

/// The sentence for an answer that would be larger than that.
std::string too_large_to_read(std::size_t max_bytes);

}  // namespace octavo::actors
