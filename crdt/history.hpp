// The history of a document: it is built from a stored state and the updates that came after it, one by one, and
// remembers which edit brought which unit and which edit deleted it. So any version since that state can be shown,
// compared with any other, and restored. A version is the sequence number of an edit: the document as it was after it.
//
// One owner, one thread at a time. Beside the document, which keeps what was deleted, an edit costs about 60 bytes of
// memory, and each run that it deletes 12 more.
//
// Who wrote what: a unit belongs to the edit that carried it, also where it had to wait for others and was only shown
// with a later one. What was there before the first edit belongs to nobody that is known; its client id is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "crdt/bytes.hpp"
#include "crdt/document.hpp"
#include "crdt/error.hpp"
#include "crdt/snapshot.hpp"

namespace octavo::crdt {

namespace internal {
class history_data;
}

/// One update of a log: when it came and from whom.
struct logged_edit {
  std::uint64_t seq = 0;
  std::int64_t time_ms = 0;
  std::string_view user;
};

/// Why a history refused something. After refused_update it is unusable; all others leave it unchanged.
enum class history_errc : std::uint8_t {
  undecodable,     ///< an update of the log does not decode
  refused_update,  ///< the document refused an update of the log
  out_of_order,    ///< an edit whose number is not above the last one's, or a state after the first edit
  too_many_edits,  ///< more edits than history_options::max_edits
  before_first,    ///< a version from before the state that the history begins with
  after_last,      ///< a version that is yet to come
  client_in_use,   ///< a restoring edit needs a client id that nobody ever wrote under
  too_large,       ///< a restoring edit would pass clock 2^32-1
};
std::string_view to_string(history_errc code);

struct history_error {
  history_errc code{};
  std::optional<decode_error> decode;
  std::optional<apply_errc> apply;
};
std::string to_string(const history_error& error);

struct history_options {
  /// Of the document; `gc` is taken as false.
  document_options document;
  /// Edits that are remembered one by one. Beyond it: too_many_edits. Whoever has a longer log begins with a later
  /// state.
  std::size_t max_edits = std::size_t{1} << 22;
};

class history {
 public:
  /// `first_version` is the number of the last edit that the states to come hold; 0 if there are none.
  explicit history(std::uint64_t first_version = 0, const history_options& options = {});
  history(history&&) noexcept;
  history& operator=(history&&) noexcept;
  ~history();

  /// Adds what was there at the first version: a state, or updates up to it. Bytes that this library stored, as for
  /// document::apply_stored_v1().
  result<void, history_error> load(bytes_view state);
  /// Adds an edit; numbers go up, and may leave some out.
  result<apply_report, history_error> apply(bytes_view update, const logged_edit& by);

  std::uint64_t first_version() const;
  std::uint64_t last_version() const;
  std::size_t edits() const;
  /// The document as of the last version.
  const document& content() const;

  /// What a version shows, in the terms of Yjs. Errors: before_first, after_last.
  result<snapshot, history_error> snapshot_at(std::uint64_t version) const;
  /// A version as a document of its own.
  result<document, history_error> document_at(std::uint64_t version, const document_options& options = {}) const;

  /// An update that makes the last version show what an older one showed, as a new edit that merges with whatever comes
  /// concurrently: what is in both stays as it is, what only the last version has is deleted, and of what only the
  /// older one has copies are inserted in the same places, nested types with all that was in them. `client` writes
  /// them: a random id that is used for nothing else. An update that changes nothing is empty. Encoding 1.
  result<bytes, history_error> restore_update(std::uint64_t version, std::uint64_t client) const;

 private:
  friend class internal::history_data;
  std::unique_ptr<internal::history_data> data_;
};

namespace internal {
const history_data& data_of(const history& of);
}

}  // namespace octavo::crdt
