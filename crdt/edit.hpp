// Editing a document from the program that holds it. An edit is a transaction: whatever is done between its beginning
// and commit() becomes one update, which is what a Yjs client that did the same would send. Until then nothing of it is
// to be seen by others, and rollback(), or the end of its life, takes all of it back.
//
//   crdt::edit edit(document, client);
//   const auto text = edit.root("body", type_kind::text);
//   if (!edit.insert_text(text, 0, "Hello")) …
//   const auto done = edit.commit();      // done->update goes to the log and the other peers
//
// Positions and lengths are in UTF-16 units, as everywhere in Yjs; utf16_position() converts from code points and
// bytes. A position inside a surrogate pair counts as in front of it, and a range takes in each pair that it touches:
// an edit never tears one. The cost of an operation is O(log n) in the length of the list, and what it touches.
//
// An edit that was meant for an older version is made on a copy of that version (history::document_at(), or the updates
// up to it), under a client id that has written nothing since, and its update applied to the present document, like
// that of a client which was offline: what it refers to is there by its ids.
//
// One edit at a time has a document, which must not be changed otherwise while it lasts, nor be destroyed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/bytes.hpp"
#include "crdt/document.hpp"
#include "crdt/error.hpp"
#include "crdt/value.hpp"

namespace octavo::crdt {

namespace internal {
class engine;
class format_list;
}  // namespace internal

/// Why an operation was refused. Unless it says otherwise, the operation has done nothing and the edit can go on.
enum class edit_errc : std::uint8_t {
  out_of_range,          ///< the position, or the end of the range, is beyond the length
  wrong_type,            ///< the type has no text, no list or no keys, or the handle is of no type that lives
  not_found,             ///< no such key
  bad_text,              ///< not UTF-8
  bad_value,             ///< a list holds neither undefined nor bigints, an attribute is JSON, a name must be UTF-8 …
  bad_delta,             ///< not a Quill delta
  type_too_deep,         ///< document_options::max_type_depth
  too_many_names,        ///< document_options::max_roots or max_keys
  too_many_clients,      ///< document_options::max_clients
  clock_overflow,        ///< the client has written 2^32-1 units: take a new client id
  document_full,         ///< document_options::max_content_bytes; if commit() was not possible, half done as below
  step_budget_exceeded,  ///< document_options::step_budget: half done, only rollback() is left
  not_open,              ///< the edit is over, or failed before, or the document is unusable or has another edit
};

/// A short English phrase.
std::string_view to_string(edit_errc code);

template <class T = void>
using edit_result = result<T, edit_errc>;

/// A shared type during one edit.
class type_handle {
 public:
  type_handle() = default;
  friend bool operator==(const type_handle&, const type_handle&) = default;

 private:
  friend class edit;
  type_handle(std::uint32_t index, type_kind kind) : index_(index), kind_(kind) {}
  std::uint32_t index_ = UINT32_MAX;
  type_kind kind_ = type_kind::root;
};

/// A formatting attribute of text: null takes it away.
struct attribute {
  std::string key;
  value to;
};

/// What commit() made.
struct committed {
  /// One update in encoding 1 as Yjs would send it; empty if nothing changed.
  bytes update;
  /// As apply() would have told of it.
  apply_report report;
};

class edit {
 public:
  /// Begins an edit by a client. The id must be this document's owner's alone and fresh: drawn at random each time that
  /// the document is loaded, since clocks that were used once and lost must never be used again. At most 2^53-1.
  /// Whether it could begin is told by the first operation.
  edit(document& on, std::uint64_t client);
  edit(const edit&) = delete;
  edit& operator=(const edit&) = delete;
  ~edit();

  // --- finding types

  /// A root, made if need be. Its kind is how it will be used.
  edit_result<type_handle> root(std::string_view name, type_kind as);
  /// The type at a position of a list, or under a key.
  edit_result<type_handle> child(type_handle of, std::uint64_t index) const;
  edit_result<type_handle> child(type_handle of, std::string_view key) const;
  edit_result<type_kind> kind(type_handle of) const;
  /// The visible length of a list or text.
  edit_result<std::uint64_t> length(type_handle of) const;

  // --- text: text and xml_text

  /// Inserts text with the attributes in force at the position.
  edit_result<> insert_text(type_handle into, std::uint64_t index, std::string_view text);
  /// Inserts text with exactly these attributes.
  edit_result<> insert_text(type_handle into, std::uint64_t index, std::string_view text,
                            std::span<const attribute> exactly);
  /// Inserts an object such as an image, with exactly these attributes.
  edit_result<> insert_embed(type_handle into, std::uint64_t index, const value& embed,
                             std::span<const attribute> exactly = {});
  /// Gives a range attributes; others that it has stay.
  edit_result<> format(type_handle in, std::uint64_t index, std::uint64_t length,
                       std::span<const attribute> attributes);
  /// Applies a Quill delta in JSON: insert, retain and delete operations, from the front. A newline at the very end of
  /// an insert at the end is kept. A position beyond the end is out_of_range, and then the edit is half done.
  edit_result<> apply_delta(type_handle to, std::string_view delta_json);

  // --- lists: array, xml_fragment, xml_element; erase() for texts, too

  edit_result<> insert(type_handle into, std::uint64_t index, std::span<const value> values);
  /// Inserts a new type in a list, or in a text. `name` is an element's or a hook's.
  edit_result<type_handle> insert_type(type_handle into, std::uint64_t index, type_kind kind,
                                       std::string_view name = {});
  edit_result<> insert_document(type_handle into, std::uint64_t index, std::string_view guid,
                                const value& options = value::object({}));
  edit_result<> erase(type_handle from, std::uint64_t index, std::uint64_t length);

  // --- keys: map, xml_hook, and the attributes of texts and XML

  edit_result<> set(type_handle in, std::string_view key, const value& to);
  edit_result<type_handle> set_type(type_handle in, std::string_view key, type_kind kind, std::string_view name = {});
  edit_result<> set_document(type_handle in, std::string_view key, std::string_view guid,
                             const value& options = value::object({}));
  /// not_found if the key is not there.
  edit_result<> remove(type_handle from, std::string_view key);

  // --- the end

  /// Makes it final. After not_open or an error that only rollback() can follow, the document is as before the edit.
  edit_result<committed> commit();
  /// Takes everything back.
  void rollback();

 private:
  std::optional<edit_errc> closed() const;
  std::optional<edit_errc> unfit(type_handle of) const;
  std::optional<edit_errc> unfit_type(type_handle into, std::string_view name) const;
  edit_result<> done();
  edit_result<> insert_string(type_handle into, std::uint64_t index, std::string_view text,
                              const internal::format_list* exactly);
  edit_result<std::uint32_t> insert_one(type_handle into, std::uint64_t index, content_kind kind,
                                        const std::string& content);
  edit_result<std::uint32_t> set_content(type_handle in, std::string_view key, content_kind kind,
                                         std::string_view content);

  internal::engine* engine_ = nullptr;  // nothing once it is over
  std::uint32_t client_ = 0;
  std::optional<apply_errc> begin_error_;
  int exceptions_ = 0;   // in flight when it began
  bool failed_ = false;  // half done: only rollback() is left
};

/// The position in UTF-16 units of a code point of a text, counted from 0; the text's length for its end. Nothing if it
/// is beyond that. The text must be valid UTF-8.
std::optional<std::uint64_t> utf16_position_of_code_point(std::string_view text, std::uint64_t code_point);
/// The same for a byte of the text, which must be the first of a code point.
std::optional<std::uint64_t> utf16_position_of_byte(std::string_view text, std::uint64_t byte);

}  // namespace octavo::crdt
