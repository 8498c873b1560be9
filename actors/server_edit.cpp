#include "actors/server_edit.hpp"

#include <array>

#include "crdt/export.hpp"

namespace octavo::actors {

namespace {

errc code_of(crdt::edit_errc why) {
  switch (why) {
    case crdt::edit_errc::not_found:
      return errc::not_found;
    case crdt::edit_errc::type_too_deep:
    case crdt::edit_errc::too_many_names:
    case crdt::edit_errc::too_many_clients:
    case crdt::edit_errc::clock_overflow:
    case crdt::edit_errc::document_full:
    case crdt::edit_errc::step_budget_exceeded:
      return errc::limit_exceeded;
    case crdt::edit_errc::not_open:
      return errc::unavailable;
    default:
      return errc::invalid_argument;
  }
}

template <class T>
result<void> outcome(const crdt::edit_result<T>& done) {
  if (done) return {};
  return fail(code_of(done.error()), std::string{to_string(done.error())});
}

std::string name_of(const path_step& step) {
  return step.is_key ? "key \"" + step.key + '"' : "index " + std::to_string(step.index);
}

result<crdt::type_handle> find(crdt::edit& in, const edit_target& target) {
  auto found = in.root(target.root, target.kind);
  if (!found) return fail(code_of(found.error()), std::string{to_string(found.error())});
  for (const auto& step : target.path) {
    found = step.is_key ? in.child(*found, step.key) : in.child(*found, step.index);
    if (!found)
      return fail(code_of(found.error()),
                  "there is no type at " + name_of(step) + ": " + std::string{to_string(found.error())});
  }
  return *found;
}

result<std::vector<crdt::value>> values_of(const edit_operation& operation) {
  auto values = std::vector<crdt::value>{};
  for (const auto& one : operation.values) {
    auto value = crdt::value::from_any(as_bytes(one));
    if (!value) return fail(errc::malformed, "a value cannot be read: " + to_string(value.error()));
    values.push_back(std::move(*value));
  }
  return values;
}

result<std::vector<crdt::attribute>> attributes_of(const edit_operation& operation) {
  auto attributes = std::vector<crdt::attribute>{};
  for (const auto& [key, encoded] : operation.attributes) {
    auto value = crdt::value::from_any(as_bytes(encoded));
    if (!value) return fail(errc::malformed, "an attribute cannot be read: " + to_string(value.error()));
    attributes.push_back({key, std::move(*value)});
  }
  return attributes;
}

bool needs_value(edit_kind kind) {
  return kind == edit_kind::insert_embed || kind == edit_kind::set;
}

}  // namespace

edit_operation& edit_operation::with(const crdt::value& value) {
  values.emplace_back(as_text(value.encoded()));
  return *this;
}

edit_operation& edit_operation::with(std::string_view attribute, const crdt::value& value) {
  attributes.emplace_back(attribute, as_text(value.encoded()));
  return *this;
}

std::size_t server_edit::weight() const {
  // An operation's item, its log entry and what stands around it.
  constexpr auto operation_bytes = std::size_t{512};
  auto bytes = operations.size() * operation_bytes;
  for (const auto& one : operations) {
    bytes += one.text.size() + one.key.size() + one.target.root.size();
    for (const auto& value : one.values) bytes += value.size();
    for (const auto& [key, value] : one.attributes) bytes += 2 * (key.size() + value.size());
  }
  return bytes;
}

result<void> apply(crdt::edit& to, const edit_operation& what) {
  auto target = find(to, what.target);
  if (!target) return tl::unexpected{target.error()};
  auto values = values_of(what);
  if (!values) return tl::unexpected{values.error()};
  auto attributes = attributes_of(what);
  if (!attributes) return tl::unexpected{attributes.error()};
  if (needs_value(what.kind) && values->size() != 1)
    return fail(errc::invalid_argument, "the operation takes one value");
  auto options = values->empty() ? crdt::value::object({}) : values->front();
  switch (what.kind) {
    case edit_kind::insert_text:
      if (what.exact) return outcome(to.insert_text(*target, what.index, what.text, *attributes));
      return outcome(to.insert_text(*target, what.index, what.text));
    case edit_kind::insert_embed:
      return outcome(to.insert_embed(*target, what.index, values->front(), *attributes));
    case edit_kind::format:
      return outcome(to.format(*target, what.index, what.length, *attributes));
    case edit_kind::erase:
      return outcome(to.erase(*target, what.index, what.length));
    case edit_kind::apply_delta:
      return outcome(to.apply_delta(*target, what.text));
    case edit_kind::insert:
      return outcome(to.insert(*target, what.index, *values));
    case edit_kind::insert_type:
      return outcome(to.insert_type(*target, what.index, what.type, what.text));
    case edit_kind::insert_document:
      return outcome(to.insert_document(*target, what.index, what.text, options));
    case edit_kind::set:
      return outcome(to.set(*target, what.key, values->front()));
    case edit_kind::set_type:
      return outcome(to.set_type(*target, what.key, what.type, what.text));
    case edit_kind::set_document:
      return outcome(to.set_document(*target, what.key, what.text, options));
    case edit_kind::remove:
      return outcome(to.remove(*target, what.key));
  }
  return fail(errc::invalid_argument, "no such operation");
}

namespace {

result<std::string> export_as(const crdt::document& document, const read_request& what, std::size_t max_bytes) {
  auto options = crdt::export_options{};
  options.max_bytes = max_bytes;
  auto text = what.format == read_format::html       ? crdt::html(document, what.root, options)
              : what.format == read_format::markdown ? crdt::markdown(document, what.root, options)
                                                     : crdt::prosemirror_json(document, what.root, options);
  if (text) return std::move(*text);
  if (text.error() == crdt::export_errc::too_large) return fail(errc::limit_exceeded, too_large_to_read(max_bytes));
  return fail(errc::invalid_argument, std::string{to_string(text.error())} + ": read it as JSON");
}

result<bytes> bounded(bytes answer, std::size_t max_bytes) {
  if (answer.size() > max_bytes) return fail(errc::limit_exceeded, too_large_to_read(max_bytes));
  return answer;
}

}  // namespace

std::string too_large_to_read(std::size_t max_bytes) {
  return "the answer would be larger than " + std::to_string(max_bytes >> 20) + " MiB";
}

result<void> leave_mark(crdt::edit& in, const edit_target& target) {
  constexpr auto key = std::string_view{"octavo:mark"};
  const auto nothing = std::array{crdt::value{}};
  const auto root = in.root(target.root, target.kind);
  if (!root) return outcome(root);
  switch (target.kind) {
    case crdt::type_kind::text:
    case crdt::type_kind::xml_text:
      if (auto done = in.insert_text(*root, 0, " ", {}); !done) return outcome(done);
      break;
    case crdt::type_kind::xml_fragment:
    case crdt::type_kind::xml_element:
      if (auto done = in.insert_type(*root, 0, crdt::type_kind::xml_text); !done) return outcome(done);
      break;
    case crdt::type_kind::map:
    case crdt::type_kind::xml_hook:
      if (auto done = in.set(*root, key, nothing.front()); !done) return outcome(done);
      return outcome(in.remove(*root, key));
    default:
      if (auto done = in.insert(*root, 0, nothing); !done) return outcome(done);
  }
  return outcome(in.erase(*root, 0, 1));
}

result<bytes> read(const crdt::document& document, const read_request& what, std::size_t max_bytes) {
  auto text = std::string{};
  switch (what.format) {
    case read_format::update:
      return bounded(document.encode_state_as_update_v1(), max_bytes);
    case read_format::update_v2:
      return bounded(document.encode_state_as_update_v2(), max_bytes);
    case read_format::state_vector:
      return bounded(document.encode_state_vector(), max_bytes);
    case read_format::json:
      text = what.root.empty() ? document.to_json() : document.json(what.root);
      break;
    case read_format::text:
      text = document.text(what.root);
      break;
    case read_format::delta:
      text = document.delta_json(what.root);
      break;
    case read_format::xml:
      text = document.xml(what.root);
      break;
    case read_format::html:
    case read_format::markdown:
    case read_format::prosemirror: {
      auto made = export_as(document, what, max_bytes);
      if (!made) return tl::unexpected{made.error()};
      text = std::move(*made);
      break;
    }
  }
  const auto view = as_bytes(text);
  return bounded({view.begin(), view.end()}, max_bytes);
}

}  // namespace octavo::actors
