// A document as a tree: a visitor hears of every type, text and value that is visible, in the order of the document.
// For whoever wants more than json() or xml() tell: ids, kinds of types, several kinds of content under one root. The
// walk has a stack of its own, whatever the nesting. Views are good until the visitor returns.
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/update.hpp"

namespace octavo::crdt {

/// Which item something is, and where it stands in the type around it.
struct tree_place {
  std::uint64_t client = 0;
  std::uint32_t clock = 0;
  std::uint32_t length = 0;  ///< units; 1 under a key, where only the last one shows
  bool has_key = false;      ///< under a key (a map's, or an attribute's name); else in the list
  std::string_view key;
  /// The formatting in force there as a JSON object; empty if there is none.
  std::string_view attributes;
};

/// Hears of what a type holds: first its keys in the order of their UTF-16 units, then its list.
class tree_visitor {
 public:
  virtual ~tree_visitor() = default;

  /// A type begins; what it holds follows until end_type(). Elements and hooks have names.
  virtual void begin_type(const tree_place& place, type_kind kind, std::string_view name) = 0;
  virtual void end_type() = 0;

  /// Anything else, in the form of decoded_struct::content: kinds json, binary, string, embed, any and doc.
  virtual void content(const tree_place& place, content_kind kind, std::string_view content) = 0;
};

}  // namespace octavo::crdt
