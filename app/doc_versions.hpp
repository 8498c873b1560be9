// Finding versions of a document in a store: which one somebody means. One thread; the store outlives the call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/store.hpp"

namespace octavo::app {

/// Reads a time of ISO 8601 as milliseconds since 1970: 2026-11-26, 2026-11-26T09:30, with seconds and their fractions,
/// and with Z or an offset such as +01:00; UTC where neither is said.
std::optional<std::int64_t> parse_time_ms(std::string_view text);

/// Which version a text means: a number; else the label of a named version; else a time, and then the last version that
/// was there at that time. Errors: not_found, with a sentence; those of the store.
result<std::uint64_t> find_version(const storage::store& store, const std::string& name, const std::string& text);

}  // namespace octavo::app
