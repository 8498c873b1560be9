// What a program asks of a document's past by message, and what it gets. A version is the sequence number of an edit:
// the document as it was after it. Only what is durable has one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/log_entries.hpp"

namespace octavo::actors {

/// Stands for the version that is the present one when it is asked for.
inline constexpr std::uint64_t present = UINT64_MAX;

/// Which edits to list.
struct history_request {
  std::uint64_t from = 0;      ///< from this edit on, as far as the log goes back
  std::uint64_t to = present;  ///< up to this one
  std::uint64_t limit = 100;   ///< the newest entries; at most document_options::history_entries_max
  std::int64_t gap_ms = 300'000;

  template <class Inspector>
  friend bool inspect(Inspector& f, history_request& x) {
    return f.object(x).fields(f.field("from", x.from), f.field("to", x.to), f.field("limit", x.limit),
                              f.field("gap_ms", x.gap_ms));
  }
};

/// A version that has a name, which keeps it.
struct version_label {
  std::string label;
  std::uint64_t seq = 0;
  std::int64_t named_ms = 0;
  std::string user;

  template <class Inspector>
  friend bool inspect(Inspector& f, version_label& x) {
    return f.object(x).fields(f.field("label", x.label), f.field("seq", x.seq), f.field("named_ms", x.named_ms),
                              f.field("user", x.user));
  }
};

struct history_listing {
  std::vector<log_entry> entries;  ///< in the order in which they ended
  std::vector<version_label> versions;
  std::uint64_t first_seq = 1;  ///< the log is kept from here on
  std::uint64_t last_seq = 0;
  bool more = false;  ///< there are earlier entries

  template <class Inspector>
  friend bool inspect(Inspector& f, history_listing& x) {
    return f.object(x).fields(f.field("entries", x.entries), f.field("versions", x.versions),
                              f.field("first_seq", x.first_seq), f.field("last_seq", x.last_seq),
                              f.field("more", x.more));
  }
};

/// Two versions to be compared; answered with the JSON that docs/history.md describes.
struct diff_request {
  std::uint64_t from = 0;
  std::uint64_t to = present;
  std::string root;  ///< empty: all of them

  template <class Inspector>
  friend bool inspect(Inspector& f, diff_request& x) {
    return f.object(x).fields(f.field("from", x.from), f.field("to", x.to), f.field("root", x.root));
  }
};

}  // namespace octavo::actors
