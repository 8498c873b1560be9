// The log of a document as a person reads it: edits of one user that follow each other without a long pause are one
// entry. A plain class that is given one edit after the other and hands out what is complete, so that a log of any
// length is listed in bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/bytes.hpp"
#include "storage/store.hpp"

namespace octavo::actors {

/// Users whose entries are open at once; beyond it the one that was quiet for longest is closed.
inline constexpr std::size_t max_open_entries = 1024;

struct log_entry {
  std::string user;
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  std::int64_t first_ms = 0;
  std::int64_t last_ms = 0;
  std::uint64_t edits = 0;
  std::uint64_t characters_inserted = 0;  ///< UTF-16 units of text
  std::uint64_t values_inserted = 0;      ///< everything else that has a place: values, embeds, types, keys
  std::uint64_t units_deleted = 0;        ///< of whatever kind, as the update says it

  template <class Inspector>
  friend bool inspect(Inspector& f, log_entry& x) {
    return f.object(x).fields(f.field("user", x.user), f.field("first_seq", x.first_seq),
                              f.field("last_seq", x.last_seq), f.field("first_ms", x.first_ms),
                              f.field("last_ms", x.last_ms), f.field("edits", x.edits),
                              f.field("characters_inserted", x.characters_inserted),
                              f.field("values_inserted", x.values_inserted), f.field("units_deleted", x.units_deleted));
  }
};

/// What one update brings, without a document: read off its bytes. errc::malformed.
struct update_size {
  std::uint64_t characters = 0;
  std::uint64_t values = 0;
  std::uint64_t deleted = 0;
};
result<update_size> measure_update(bytes_view update);

class log_grouper {
 public:
  using sink = std::function<void(const log_entry&)>;
  log_grouper(std::int64_t gap_ms, sink to) : gap_ms_(gap_ms), sink_(std::move(to)) {}

  /// Edits in the order of the log. Entries are handed out in the order in which they end.
  void add(std::uint64_t seq, std::int64_t time_ms, std::string_view user, const update_size& size);
  /// Hands out what is left.
  void finish();

 private:
  void close_quiet(std::int64_t time_ms);

  std::int64_t gap_ms_;
  sink sink_;
  std::vector<log_entry> open_;  // one a user, in the order of their last edits
};

/// Hands out the entries of a document's log from one edit to another, as far as it is kept, in the order in which they
/// end. The log is read in pages. Errors: those of storage::store::read_log(), and corrupt.
result<void> list_entries(const storage::store& store, std::string_view name, std::uint64_t from, std::uint64_t to,
                          std::int64_t gap_ms, const log_grouper::sink& sink);

}  // namespace octavo::actors
