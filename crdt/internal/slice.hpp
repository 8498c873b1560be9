// Parts of the content of items.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crdt/internal/encode.hpp"
#include "crdt/internal/store.hpp"

namespace octavo::crdt::internal {

/// Appends the units [from, to) of a text item. A cut inside a surrogate pair leaves U+FFFD on either side.
void append_text_slice(const store& data, std::uint32_t index, std::uint32_t from, std::uint32_t to, text_place& near,
                       std::string& out);

/// Appends one unit of a content as JSON: a member of a list, or the value of a key. A type has no such form and must
/// not be asked for.
void append_unit_json(content_kind kind, std::string_view unit, std::string& out);

/// The values of an item one after the other, as views of its content; of other kinds the whole content again and
/// again.
class value_reader {
 public:
  value_reader(const store& data, const item& of) : kind_(of.kind()), left_(data.content_of(of)) {}
  std::string_view next();

 private:
  content_kind kind_;
  std::string_view left_;
};

}  // namespace octavo::crdt::internal
