// Reads and replays the edits that tests/clients/oracle/edits.mjs writes; the two must change together.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "crdt/any.hpp"
#include "crdt/edit.hpp"
#include "crdt/lib0.hpp"

namespace octavo::test {

inline crdt::value read_value(crdt::lib0_reader& reader) {
  const auto from = reader.offset();
  crdt::skip_checked_any(reader);
  return *crdt::value::from_any(as_bytes(reader.between(from, reader.offset())));
}

inline std::string string_of(const crdt::value& text) {
  crdt::lib0_reader reader(text.encoded().subspan(1));
  std::string_view out;
  REQUIRE(reader.var_string(out));
  return std::string(out);
}

inline std::uint64_t number_of(const crdt::value& number) {
  crdt::lib0_reader reader(number.encoded().subspan(1));
  crdt::lib0_int out;
  REQUIRE(reader.var_int(out));
  return out.magnitude;
}

inline std::vector<crdt::attribute> attributes_of(const crdt::value& object) {
  crdt::lib0_reader reader(object.encoded().subspan(1));
  std::vector<crdt::attribute> out;
  std::uint64_t count = 0;
  reader.var_uint(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string_view key;
    reader.var_string(key);
    out.push_back({std::string(key), read_value(reader)});
  }
  return out;
}

/// The kind of a root of the script, by its name.
inline crdt::type_kind kind_of_root(std::string_view name) {
  if (name == "array") return crdt::type_kind::array;
  if (name == "map") return crdt::type_kind::map;
  if (name == "xml") return crdt::type_kind::xml_fragment;
  return crdt::type_kind::text;
}

/// Reads one operation and does it. Returns what it did, for messages.
inline std::string replay_operation(crdt::lib0_reader& reader, crdt::edit& edit) {
  std::uint64_t op = 0;
  std::string_view root;
  std::uint64_t steps = 0;
  reader.var_uint(op);
  reader.var_string(root);
  reader.var_uint(steps);
  std::string did = "operation " + std::to_string(op) + " on " + std::string(root);
  auto target = *edit.root(root, kind_of_root(root));
  for (std::uint64_t i = 0; i < steps; ++i) {
    const auto step = read_value(reader);
    did += " / " + step.to_json();
    const auto child =
        step.to_json()[0] == '"' ? edit.child(target, string_of(step)) : edit.child(target, number_of(step));
    REQUIRE_MESSAGE(child, did << ": " << to_string(child.error()));
    target = *child;
  }
  std::uint64_t count = 0;
  reader.var_uint(count);
  std::vector<crdt::value> given;
  for (std::uint64_t i = 0; i < count; ++i) {
    given.push_back(read_value(reader));
    did += ' ' + given.back().to_json();
  }
  const auto check = [&](const auto& done) { REQUIRE_MESSAGE(done, did << ": " << to_string(done.error())); };
  const auto kind = [&](std::size_t at) { return static_cast<crdt::type_kind>(number_of(given[at])); };
  switch (op) {
    case 0:
      check(edit.insert_text(target, number_of(given[0]), string_of(given[1])));
      break;
    case 1:
      check(edit.insert_text(target, number_of(given[0]), string_of(given[1]), attributes_of(given[2])));
      break;
    case 2:
      check(edit.insert_embed(target, number_of(given[0]), given[1], attributes_of(given[2])));
      break;
    case 3:
      check(edit.format(target, number_of(given[0]), number_of(given[1]), attributes_of(given[2])));
      break;
    case 4:
      check(edit.erase(target, number_of(given[0]), number_of(given[1])));
      break;
    case 5:
      check(edit.apply_delta(target, string_of(given[0])));
      break;
    case 6:
      check(edit.insert(target, number_of(given[0]), std::span(given).subspan(1)));
      break;
    case 7:
      check(edit.insert_type(target, number_of(given[0]), kind(1), string_of(given[2])));
      break;
    case 8:
      check(edit.set(target, string_of(given[0]), given[1]));
      break;
    case 9:
      check(edit.set_type(target, string_of(given[0]), kind(1), string_of(given[2])));
      break;
    case 10:
      check(edit.remove(target, string_of(given[0])));
      break;
    case 11:
      check(edit.insert_document(target, number_of(given[0]), string_of(given[1])));
      break;
    case 12:
      check(edit.set_document(target, string_of(given[0]), string_of(given[1])));
      break;
    default:
      break;
  }
  return did;
}

}  // namespace octavo::test
