// The way from a document to what is inside it, for the other parts of this folder.
#pragma once

#include "crdt/document.hpp"
#include "crdt/internal/engine.hpp"

namespace octavo::crdt::internal {

struct document_access {
  static engine& of(document& document) { return *document.engine_; }
  static const engine& of(const document& document) { return *document.engine_; }
};

}  // namespace octavo::crdt::internal
