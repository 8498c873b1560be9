// All of octavo::crdt in one include. docs/crdt.md is the page that teaches it, with a program
// (examples/edit_together); this is the map. Whoever compiles often includes the headers that are used.
//
//   a document                what it holds, and applying updates               document.hpp
//   editing it                transactions on every type                        edit.hpp, value.hpp
//   places in it              cursors and comments that stay                    relative_position.hpp
//   what it looks like        text, JSON, delta, XML: in document.hpp; a tree   tree.hpp
//                             HTML, Markdown, ProseMirror's JSON                export.hpp, import.hpp, rich_tree.hpp
//   what travels              updates, with or without a document               update.hpp, encoded_update.hpp
//                             states of peers; presence                         state_vector.hpp, awareness.hpp
//   its past                  versions, who wrote what, bringing one back       history.hpp, diff.hpp
//                             versions as Yjs names them                        snapshot.hpp, delete_set.hpp
//   primitives                bytes, errors, lib0's numbers and values, text    bytes.hpp, error.hpp, lib0.hpp,
//                                                                               any.hpp, json.hpp, utf8.hpp
//
// What holds for all of it: nothing throws but std::bad_alloc; nothing does I/O, holds a lock or knows a clock. A value
// may be used by any thread, a document by one at a time. Bytes from strangers end in an error with the place, or in a
// document; every bound has a name, in decode_limits, document_options and the options of each function.
#pragma once

#include "crdt/any.hpp"
#include "crdt/awareness.hpp"
#include "crdt/bytes.hpp"
#include "crdt/delete_set.hpp"
#include "crdt/diff.hpp"
#include "crdt/document.hpp"
#include "crdt/edit.hpp"
#include "crdt/encoded_update.hpp"
#include "crdt/error.hpp"
#include "crdt/export.hpp"
#include "crdt/history.hpp"
#include "crdt/import.hpp"
#include "crdt/json.hpp"
#include "crdt/lib0.hpp"
#include "crdt/relative_position.hpp"
#include "crdt/rich_tree.hpp"
#include "crdt/snapshot.hpp"
#include "crdt/state_vector.hpp"
#include "crdt/tree.hpp"
#include "crdt/update.hpp"
#include "crdt/utf8.hpp"
#include "crdt/value.hpp"
