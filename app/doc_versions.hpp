// Finding versions of a document in a store, and building them: which one somebody means, the document as it was then,
// and the history between two. One thread; the store outlives the call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crdt/document.hpp"
#include "crdt/history.hpp"
#include "storage/store.hpp"

namespace octavo::app {

/// Reads a time of ISO 8601 as milliseconds since 1970: 2026-11-26, 2026-11-26T09:30, with seconds and their fractions,
/// and with Z or an offset such as +01:00; UTC where neither is said.
std::optional<std::int64_t> parse_time_ms(std::string_view text);

/// Which version a text means: a number; else the label of a named version; else a time, and then the last version that
/// was there at that time. Errors: not_found, with a sentence; those of the store.
result<std::uint64_t> find_version(const storage::store& store, const std::string& name, const std::string& text);

/// The document as it was after an update. Errors: those of storage::store::load_at(), and corrupt.
result<crdt::document> document_at(const storage::store& store, const std::string& name, std::uint64_t seq);

/// A history whose first version is `from` and its last one `to`. Where a part of the log is gone in between, what
/// happened there is one edit of the empty user at time 0. Errors: those of storage::store::load_range(), corrupt, and
/// limit_exceeded where there are more edits than can be remembered.
result<crdt::history> history_between(const storage::store& store, const std::string& name, std::uint64_t from,
                                      std::uint64_t to);

}  // namespace octavo::app
