// Older versions of a document, built from a store: the document as it was, the history between two versions, and the
// edit that brings one back. One thread; the store outlives the call. Nothing is written.
#pragma once

#include <cstdint>
#include <string>

#include "crdt/document.hpp"
#include "crdt/history.hpp"
#include "storage/store.hpp"

namespace octavo::actors {

/// The document as it was after an update. Errors: those of storage::store::load_at(), and corrupt.
result<crdt::document> document_at(const storage::store& store, const std::string& name, std::uint64_t seq,
                                   const crdt::document_options& options = {});

/// A history whose first version is `from` and its last one `to`. Where a part of the log is gone in between, what
/// happened there is one edit of the empty user at time 0. Errors: those of storage::store::load_range(), corrupt, and
/// limit_exceeded where there are more edits than `options` lets be remembered.
result<crdt::history> history_between(const storage::store& store, const std::string& name, std::uint64_t from,
                                      std::uint64_t to, const crdt::history_options& options = {});

/// An update that brings a version of a history back, under a client id that nobody has used. Errors: limit_exceeded,
/// invalid_argument.
result<bytes> restoring_update(const crdt::history& history, std::uint64_t version);

}  // namespace octavo::actors
