// A Yjs document: integrates updates of any peers in any order and always arrives at the same content. One owner (an
// actor) calls it from one thread at a time; it holds no locks, does no I/O and knows no clock.
//
// Life of an edit: decode_update_v1() → prune() → encode_update_v1() for the log and the other peers → apply().
// What cannot be integrated yet, since something before it is missing, waits inside the document ("pending"): it is
// part of every encoded state, but not of the state vector.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/bytes.hpp"
#include "crdt/error.hpp"
#include "crdt/relative_position.hpp"
#include "crdt/state_vector.hpp"
#include "crdt/update.hpp"

namespace octavo::crdt {

class document;
class tree_visitor;

namespace internal {
class engine;
/// What a document is inside, for the rest of this folder.
struct document_access;
}  // namespace internal

/// How a document behaves and what it may hold. Every bound says what happens there.
struct document_options {
  /// Whether the content of deleted items is freed at the end of the update that deleted them.
  bool gc = true;
  /// Structs and deletes that wait for others, in bytes of memory. Beyond it: pending_full, unchanged.
  std::size_t max_pending_bytes = std::size_t{32} << 20;
  /// Work that one update may cause: structs, deletes, steps of the search for a place between concurrent inserts.
  /// Beyond it: step_budget_exceeded, unusable. A step takes some nanoseconds. What it wakes of that which waited has
  /// half as much, about; beyond it the rest is woken by the updates that follow.
  std::uint64_t step_budget = std::uint64_t{1} << 27;
  /// Client ids that ever wrote, and those of whom something waits. Beyond it: too_many_clients, unchanged.
  std::size_t max_clients = std::size_t{1} << 20;
  /// Named roots, those counted that will be there when what waits is integrated. Beyond it: too_many_names, unchanged.
  std::size_t max_roots = std::size_t{1} << 16;
  /// Distinct root names, map keys and attribute names, of what waits too; at most 2^24-2. Beyond it: too_many_names,
  /// unchanged.
  std::size_t max_keys = std::size_t{1} << 20;
  /// How deep types may nest; JavaScript peers die near 10,000. Beyond it: type_too_deep, unchanged. How deep something
  /// lies that waits may only turn out later: then it is integrated as deleted.
  std::uint32_t max_type_depth = 2000;
  /// Bytes of content, at most 2^32-1. Beyond it: document_full, unusable; what waits goes on waiting.
  std::size_t max_content_bytes = UINT32_MAX;
  /// Mixed into every hash table, against clients who choose ids or keys that collide. Random per process.
  std::uint64_t hash_seed = 0;
};

/// A client whose log grew, and how long it was before.
struct clock_advance {
  std::uint64_t client = 0;
  std::uint32_t clock_before = 0;
  friend bool operator==(const clock_advance&, const clock_advance&) = default;
};

/// What an update did.
struct apply_report {
  /// Anything at all: content, deletes, or what is pending.
  bool changed = false;
  std::uint64_t structs_integrated = 0;
  /// Units that this update deleted, whatever the way.
  std::uint64_t units_deleted = 0;
  /// What waits after it.
  std::size_t pending_structs = 0;
  std::size_t pending_bytes = 0;
  /// Clients whose clocks went up. Points into the document and is valid until the next call that changes it.
  std::span<const clock_advance> advances;
};

/// Counters and exact accounting of memory.
struct document_stats {
  std::size_t structs = 0;        ///< entries of all clients' logs
  std::size_t items = 0;          ///< of these, items (the rest is collected)
  std::size_t deleted_items = 0;  ///< of these, deleted
  std::size_t clients = 0;
  std::size_t types = 0;  ///< roots and nested types
  std::size_t names = 0;  ///< distinct names of roots and keys
  std::size_t pending_structs = 0;
  std::size_t pending_delete_ranges = 0;
  std::size_t pending_ready = 0;  ///< clients of which something that waits is woken by the next update
  std::size_t pending_bytes = 0;
  std::size_t content_bytes = 0;  ///< in use, of the content arena
  std::size_t memory_bytes = 0;   ///< everything that the document has allocated
};

class document {
 public:
  explicit document(const document_options& options = {});
  document(document&&) noexcept;
  document& operator=(document&&) noexcept;
  ~document();

  const document_options& options() const;

  /// Removes from an update what this document has already: known structs (also those that are pending), and deletes
  /// that are done. If the update is empty afterwards it brings nothing new. What remains is what deserves to be logged
  /// and broadcast.
  void prune(decoded_update& update) const;

  /// Integrates an update. Whether pruned or not, known parts have no effect. See apply_errc for which errors leave the
  /// document unchanged and which leave it unusable.
  result<apply_report, apply_errc> apply(const decoded_update& update);

  /// How much memory an update adds to a document, at most, about: what joins others takes less. What has to wait takes
  /// more, and has a bound of its own.
  static std::size_t memory_needed(const decoded_update& update);

  /// Decodes, then applies; for tools and tests. Errors of decoding leave the document unchanged.
  struct bytes_error {
    std::optional<decode_error> decode;
    std::optional<apply_errc> apply;
  };
  result<apply_report, bytes_error> apply_v1(bytes_view update, const decode_limits& limits = {});
  result<apply_report, bytes_error> apply_v2(bytes_view update, const decode_limits& limits = {});

  /// The same for bytes that this library encoded itself, such as a snapshot: what they hold was within the limits when
  /// it was taken, edit by edit, and their sum need not be. Neither limits of decoding nor the checks that leave a
  /// document unchanged nor step_budget apply. Not for bytes of strangers: these may take any time and memory.
  result<apply_report, bytes_error> apply_stored_v1(bytes_view update);

  /// False after an error that left the document unusable.
  bool usable() const;

  /// How much of each client is integrated; pending structs do not count.
  state_vector state() const;
  bytes encode_state_vector() const;
  /// The next clock of one client, 0 if it never wrote.
  std::uint32_t clock(std::uint64_t client) const;

  /// Everything that a peer with the given state lacks: structs above it, the complete delete set, and what is pending.
  bytes encode_state_as_update_v1(const state_vector& since = {}) const;
  bytes encode_state_as_update_v2(const state_vector& since = {}) const;

  /// The same in several updates of about max_chunk_bytes each at most, ordered so that applying them in sequence never
  /// leaves anything pending (unless it is here); deletes come last. A content that cannot be cut, such as a big
  /// binary, may exceed the bound.
  std::vector<bytes> encode_state_chunks_v1(const state_vector& since, std::size_t max_chunk_bytes) const;

  /// The names of all roots that occurred, in the order of their first use.
  std::vector<std::string> root_names() const;

  /// The kind that a root's content makes it look like, as json() guesses it; type_kind::root if it shows nothing or
  /// does not exist.
  type_kind root_kind(std::string_view root) const;

  // Renderers. A root has no type of its own, the reader chooses: a root that does not exist reads as empty. Nested
  // types know theirs. Map keys and attributes come in the order of their UTF-16 units, so equal content renders
  // equally.

  /// The visible text of a root.
  std::string text(std::string_view root) const;
  /// The text with its attributes as JSON, a Quill delta: [{"insert":"a","attributes":{"bold":true}}]. Neighbours with
  /// equal attributes are one operation.
  std::string delta_json(std::string_view root) const;
  /// A root as JSON: an array, an object, or a string for text and XML. Values follow JSON.stringify; binary is base64
  /// in a string, a subdocument is {"guid":"…"}. Without a kind it is guessed from what the root holds: any value that
  /// is neither text nor XML makes it an array, text before XML before keys; null if it shows nothing.
  std::string json(std::string_view root, type_kind as = type_kind::root) const;
  /// The XML string of a root as yjs prints it: nothing is escaped. For comparison, not for a browser.
  std::string xml(std::string_view root) const;
  /// {"root":…} of all roots in the order of their UTF-16 units, each as json() gives it.
  std::string to_json() const;
  /// Shows what a root holds to a visitor (tree.hpp).
  void visit(std::string_view root, tree_visitor& visitor) const;

  /// The visible length of a root's list in UTF-16 units.
  std::uint64_t length(std::string_view root) const;

  // Positions that stay where they are while others edit, such as cursors. O(log n) once the list was asked before.

  /// The relative position of a place; nothing if the type is not known, or the index beyond its length.
  std::optional<relative_position> relative(const absolute_position& at) const;
  /// Where a relative position is now; nothing if its unit, or its type, is not known here, or its place is not any
  /// more. A unit that was deleted counts as where it was.
  std::optional<absolute_position> resolve(const relative_position& position) const;

  /// A subdocument that is in this document: its content lives in a document of its own, which its guid names.
  struct subdocument {
    std::string guid;
    std::string options_json;  ///< an object: "gc", "autoLoad", "meta" and what else its maker gave it
    friend bool operator==(const subdocument&, const subdocument&) = default;
  };
  /// All that are not deleted. The same guid may occur more than once. Linear in the number of items.
  std::vector<subdocument> subdocuments() const;

  document_stats stats() const;

  /// Checks every invariant of the structure; a sentence about the first that fails. For tests; linear time.
  std::optional<std::string> check_integrity() const;

  /// One line a list and key with client, clock, length, deleted: equal documents have equal dumps, whatever the
  /// borders of their structs.
  std::string canonical_dump() const;

 private:
  friend class edit;
  friend struct internal::document_access;

  std::unique_ptr<internal::engine> engine_;
};

}  // namespace octavo::crdt
