#include "crdt/error.hpp"

namespace octavo::crdt {

std::string_view to_string(decode_errc code) {
  switch (code) {
    case decode_errc::truncated:
      return "the input ends inside a value";
    case decode_errc::number_too_large:
      return "number above 2^53-1";
    case decode_errc::bad_utf8:
      return "invalid UTF-8";
    case decode_errc::bad_struct_kind:
      return "unknown kind of content";
    case decode_errc::bad_type_kind:
      return "unknown kind of shared type";
    case decode_errc::bad_parent:
      return "unknown kind of parent";
    case decode_errc::bad_any:
      return "unknown kind of value";
    case decode_errc::bad_json:
      return "invalid JSON";
    case decode_errc::bad_reference:
      return "item refers to itself or to its own future";
    case decode_errc::clock_overflow:
      return "clock or length above 2^32-1";
    case decode_errc::too_deep:
      return "values are nested too deeply";
    case decode_errc::too_many_structs:
      return "too many structs";
    case decode_errc::too_many_values:
      return "too many values";
    case decode_errc::too_many_clients:
      return "too many clients";
    case decode_errc::too_many_delete_ranges:
      return "too many delete ranges";
    case decode_errc::too_many_entries:
      return "too many presence entries";
    case decode_errc::entry_too_large:
      return "presence state is too large";
    case decode_errc::too_large:
      return "input is too large";
    case decode_errc::trailing_bytes:
      return "bytes follow the end of the value";
    case decode_errc::bad_header:
      return "feature flags that are not known";
  }
  return "unknown error";
}

std::string to_string(const decode_error& error) {
  std::string text(to_string(error.code));
  text += " at byte ";
  text += std::to_string(error.offset);
  return text;
}

std::string_view to_string(apply_errc code) {
  switch (code) {
    case apply_errc::too_many_clients:
      return "the document would have too many clients";
    case apply_errc::too_many_names:
      return "the document would have too many roots or keys";
    case apply_errc::pending_full:
      return "too much waits for edits that are missing";
    case apply_errc::step_budget_exceeded:
      return "the update asks for too much work";
    case apply_errc::type_too_deep:
      return "types are nested too deeply";
    case apply_errc::document_full:
      return "the document is full";
    case apply_errc::unusable:
      return "an earlier update left the document unusable";
    case apply_errc::edit_open:
      return "an edit of the document is open";
  }
  return "unknown error";
}

}  // namespace octavo::crdt
