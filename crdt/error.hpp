// Errors as values for the whole of crdt/: a decoder says what was wrong and where, a document says why it refused an
// update. Nothing in crdt/ throws across its API; only running out of memory escapes as std::bad_alloc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace octavo::crdt {

/// Why bytes were refused by a decoder.
enum class decode_errc : std::uint8_t {
  truncated,               ///< the input ends inside a value
  number_too_large,        ///< a varuint or varint above 2^53-1, or longer than its bound of bytes
  bad_utf8,                ///< text that is not strict UTF-8
  bad_struct_kind,         ///< a content reference that Yjs 13.6 does not know
  bad_type_kind,           ///< a shared type that Yjs 13.6 does not know
  bad_parent,              ///< a parent flag that is neither 0 nor 1
  bad_any,                 ///< an `any` value with an unknown tag, or one that yjs cannot hold
  bad_json,                ///< text that is not strict JSON where JSON is required
  bad_reference,           ///< an item that refers to itself or to its client's own future
  clock_overflow,          ///< a clock or length that passes 2^32-1
  too_deep,                ///< nesting of `any` or JSON beyond decode_limits::max_depth
  too_many_structs,        ///< more structs than decode_limits::max_structs
  too_many_values,         ///< more values than decode_limits::max_values
  too_many_clients,        ///< more distinct clients than decode_limits::max_clients
  too_many_delete_ranges,  ///< more ranges than decode_limits::max_delete_ranges
  too_many_entries,        ///< more presence entries than awareness_limits::max_entries
  entry_too_large,         ///< a presence state above awareness_limits::max_state_bytes
  too_large,               ///< the input is longer than the limit on bytes
  trailing_bytes,          ///< bytes follow where the value has ended
  bad_header,              ///< encoding 2 with feature flags, of which none are known
};

/// A short English phrase, without the offset.
std::string_view to_string(decode_errc code);

/// What a decoder refused, and at which byte of its input.
struct decode_error {
  decode_errc code{};
  std::size_t offset = 0;

  friend bool operator==(const decode_error&, const decode_error&) = default;
};

/// For example "invalid UTF-8 at byte 17".
std::string to_string(const decode_error& error);

/// Why a document refused an update. What is checked before anything is touched leaves the document exactly as it was;
/// what is found half-way leaves it unusable: it refuses everything from then on, and its owner discards it and loads
/// it anew. Only the update itself can fail so, not what waited for it.
enum class apply_errc : std::uint8_t {
  too_many_clients,      ///< unchanged: document_options::max_clients would be passed
  too_many_names,        ///< unchanged: document_options::max_roots or max_keys would be passed
  pending_full,          ///< unchanged: what would have to wait passes document_options::max_pending_bytes
  step_budget_exceeded,  ///< unusable: the update asked for more work than document_options::step_budget
  type_too_deep,         ///< unchanged: types would nest beyond document_options::max_type_depth
  document_full,         ///< unusable: more items than 2^32-2, or content than document_options::max_content_bytes
  unusable,              ///< an earlier update left the document unusable
  edit_open,             ///< unchanged: an edit by its owner is open
};

/// A short English phrase.
std::string_view to_string(apply_errc code);

/// True if a document that returned this error has not changed and can go on.
constexpr bool leaves_unchanged(apply_errc code) {
  return code == apply_errc::too_many_clients || code == apply_errc::too_many_names ||
         code == apply_errc::pending_full || code == apply_errc::type_too_deep || code == apply_errc::edit_open;
}

/// Either a value or an error.
template <class T, class E = decode_error>
class [[nodiscard]] result {
 public:
  result(T value) : data_(std::in_place_index<0>, std::move(value)) {}
  result(E error) : data_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return data_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  /// The value; only to be called if there is one.
  T& value() & { return *std::get_if<0>(&data_); }
  const T& value() const& { return *std::get_if<0>(&data_); }
  T&& value() && { return std::move(*std::get_if<0>(&data_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return std::get_if<0>(&data_); }
  const T* operator->() const { return std::get_if<0>(&data_); }

  /// The error; only to be called if there is no value.
  const E& error() const { return *std::get_if<1>(&data_); }

 private:
  std::variant<T, E> data_;
};

/// Success or an error.
template <class E>
class [[nodiscard]] result<void, E> {
 public:
  result() = default;
  result(E error) : error_(std::move(error)) {}

  bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }

  /// The error; only to be called if there is one.
  const E& error() const { return *error_; }

 private:
  std::optional<E> error_;
};

}  // namespace octavo::crdt
