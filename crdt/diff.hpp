// What changed between two versions of a document, with who did it and when: for each root and each type in it a list
// of runs that were kept, inserted or deleted, and the keys whose values changed. A value that refers to nothing; any
// thread.
//
// Types lie flat in one list and name each other by their places in it, as they may nest deeper than any stack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/error.hpp"
#include "crdt/history.hpp"
#include "crdt/update.hpp"

namespace octavo::crdt {

/// Who, and when: one edit, or several of one user that follow each other.
struct attribution {
  std::string user;
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  std::int64_t first_ms = 0;
  std::int64_t last_ms = 0;
  friend bool operator==(const attribution&, const attribution&) = default;
};

enum class change : std::uint8_t { keep, insert, remove };
std::string_view to_string(change what);  ///< "keep", "insert", "delete"

/// What a run holds. Do not renumber.
enum class run_kind : std::uint8_t {
  text = 0,    ///< content: the text itself
  embed = 1,   ///< content: a JSON value
  values = 2,  ///< content: the members of a JSON array, without its brackets
  type = 3,    ///< a type, see diff_run::type
};

/// Stands for no type.
inline constexpr std::uint32_t no_type = UINT32_MAX;

/// A format that a kept run has in one version and not, or otherwise, in the other.
struct format_change {
  std::string key;
  std::string before;  ///< JSON; empty: none
  std::string after;
  std::optional<attribution> by;
  friend bool operator==(const format_change&, const format_change&) = default;
};

struct diff_run {
  change what = change::keep;
  run_kind kind = run_kind::text;
  std::uint64_t units = 0;   ///< UTF-16 units of text, else values
  std::uint64_t client = 0;  ///< that wrote it; of a kept run, that wrote its beginning
  std::string content;
  std::uint32_t type = no_type;
  std::string attributes;  ///< formats as a JSON object, of the newer version that has it; empty: none
  std::vector<format_change> formats;
  std::optional<attribution> inserted;  ///< nothing: before the history begins, or not known. Nothing of a kept run
  std::optional<attribution> deleted;
};

/// What a key holds in a version.
struct diff_value {
  bool present = false;
  std::uint64_t client = 0;
  std::string json;
  std::uint32_t type = no_type;
};

/// A key or attribute whose value changed, or a type that is under the same key in both versions.
struct diff_key {
  std::string key;
  change what = change::keep;  ///< keep: a type in both; insert: set, anew or instead of another value; remove: gone
  diff_value before;
  diff_value after;  ///< of `keep` the same as before
  std::optional<attribution> by;
};

struct diff_type {
  type_kind kind = type_kind::root;  ///< of a root: what its content makes it look like; root if it shows nothing
  std::string name;                  ///< of a root, or of an XML element or hook
  std::uint32_t owner = no_type;
  bool changed = false;  ///< anything in it, or in a type in it
  std::vector<diff_run> list;
  std::vector<diff_key> keys;  ///< in the order of their UTF-16 units
};

struct version_diff {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::vector<diff_type> types;  ///< roots first, in the order of their names' UTF-16 units; others behind their owners
  std::size_t roots = 0;
};

struct diff_options {
  /// Edits of one user that follow each other in this time are one run, where what they brought is adjacent. Negative:
  /// each edit has runs of its own.
  std::int64_t merge_ms = 300'000;
};

/// Compares the older of two versions with the newer one. Errors: before_first, after_last.
result<version_diff, history_error> diff_versions(const history& of, std::uint64_t one, std::uint64_t other,
                                                  const diff_options& options = {});

/// Takes the changes of all other roots out.
void keep_root(version_diff& diff, std::string_view root);

/// Appends a difference as JSON, as docs/history.md describes it. Roots without a change are left out; of a type
/// without one only its kind is said.
void append_diff_json(const version_diff& diff, std::string& out);

}  // namespace octavo::crdt
