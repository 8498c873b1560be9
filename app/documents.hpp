// What the commands share that have a document in hand, from a store or from files: how large it may be, and the forms
// that it is written in.
#pragma once

#include <string>
#include <vector>

#include "crdt/document.hpp"
#include "crdt/update.hpp"
#include "storage/result.hpp"

namespace octavo::app {

/// Whoever has a file in hand may read it, however large it has become: these bounds only keep a corrupt length from
/// taking all memory.
crdt::decode_limits read_limits();

/// Names for a sentence, with commas between; "none" if there are none.
std::string names_of(const std::vector<std::string>& roots);

/// A document, or one of its roots, as update, json, text, delta or xml. Without a root it is the only one where the
/// format needs one. Errors: not_found, a root that is not there; invalid_argument, one that has no such form.
result<std::string> rendered(const crdt::document& content, const std::string& asked_root, const std::string& format);

}  // namespace octavo::app
