// Updates: the edits that Yjs peers exchange. decode_update_v1() turns bytes into a flat, checked list of structs and
// delete ranges without touching any document; encode_update_v1() writes that list in canonical form. The list is the
// neutral form between the two encodings: decode_update_v2() gives it, too, and encode_update_v2() writes it. What can
// be done with encoded updates is in encoded_update.hpp.
//
// A decoded_update borrows the bytes that it was decoded from: they must outlive it, or its next clear(). It is scratch
// that an actor keeps and reuses, so that decoding a small edit allocates nothing. One owner, no locks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "crdt/bytes.hpp"
#include "crdt/error.hpp"
#include "crdt/json.hpp"
#include "crdt/lib0.hpp"
#include "crdt/state_vector.hpp"

namespace octavo::crdt {

namespace internal {
class engine;
class struct_stream;
template <class Encoding>
class update_decoder;
}  // namespace internal

/// What an item holds; the numbers are those of the wire. Do not renumber.
enum class content_kind : std::uint8_t {
  gc = 0,
  deleted = 1,
  json = 2,
  binary = 3,
  string = 4,
  embed = 5,
  format = 6,
  type = 7,
  any = 8,
  doc = 9,
};

/// Which shared type an item of kind `type` holds; the numbers are those of the wire. Do not renumber.
enum class type_kind : std::uint8_t {
  array = 0,
  map = 1,
  text = 2,
  xml_element = 3,
  xml_fragment = 4,
  xml_hook = 5,
  xml_text = 6,
  root = 255,  ///< not on the wire: a named root, whose kind its readers choose
};

/// The two encodings of an update. Nothing in the bytes tells which it is: peers agree on one.
enum class update_encoding : std::uint8_t { v1 = 1, v2 = 2 };

/// Bounds on one update. The defaults admit any honest document; a server sets the byte limit to its message limit.
struct decode_limits {
  std::size_t max_bytes = std::size_t{256} << 20;
  /// Skips and structs without length counted. In encoding 2 a few bytes can stand for any number.
  std::size_t max_structs = std::size_t{1} << 23;
  /// JSON and `any` values, nested ones counted.
  std::size_t max_values = std::size_t{1} << 24;
  std::size_t max_delete_ranges = std::size_t{1} << 23;
  /// Distinct client ids, those that are only referred to counted.
  std::size_t max_clients = std::size_t{1} << 18;
  std::size_t max_depth = default_max_depth;
  /// What contents of encoding 2 take beyond the bytes that they are read from, in bytes: a key may be used again for
  /// each struct, and values that become JSON get longer.
  std::size_t max_unfolded_bytes = std::size_t{256} << 20;
};

/// No bounds: for bytes that were checked when they came in, or that we wrote ourselves. A merged state may be larger
/// than any single update was allowed to be, and must be readable nonetheless. Never for bytes of a client.
inline constexpr decode_limits no_limits{SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX};

/// Stands for "no client" and "no parent" in a decoded struct.
inline constexpr std::uint32_t none = UINT32_MAX;

/// One struct. Clients are indices into decoded_update::clients().
struct decoded_struct {
  std::uint32_t client = none;
  std::uint32_t clock = 0;
  std::uint32_t length = 0;
  std::uint32_t origin_client = none;  ///< none: no left neighbour at creation
  std::uint32_t origin_clock = 0;
  std::uint32_t right_client = none;  ///< none: no right neighbour at creation
  std::uint32_t right_clock = 0;
  std::uint32_t parent = none;  ///< index into decoded_update::parents(); only without both neighbours
  content_kind kind = content_kind::gc;
  bool has_parent_sub = false;  ///< bit 5 of the info byte; the key itself is in the parent, or the neighbour's
  /// The content as encoding 1 has it, without counts that follow from `length`: the text of a string, the bytes of a
  /// binary, the run of values of JSON and any, the rest of the others.
  std::string_view content;

  bool has_origin() const { return origin_client != none; }
  bool has_right() const { return right_client != none; }
  std::uint32_t end() const { return clock + length; }
};

/// Where an item without neighbours belongs.
struct decoded_parent {
  std::uint32_t client = none;  ///< none: a root
  std::uint32_t clock = 0;
  std::string_view root;  ///< the root's name
  bool has_key = false;
  std::string_view key;  ///< the map key or attribute name (parentSub)
};

/// A run of one client's structs: ascending clocks, no overlaps, holes allowed.
struct decoded_block {
  std::uint32_t client = none;
  std::uint32_t first = 0;  ///< index into decoded_update::structs()
  std::uint32_t count = 0;
};

/// Units [clock, clock + length) of a client that are deleted.
struct delete_range {
  std::uint32_t client = none;
  std::uint32_t clock = 0;
  std::uint32_t length = 0;
  std::uint32_t end() const { return clock + length; }
};

/// A checked update. Blocks are in descending order of client ids, one a client; delete ranges are sorted the same way,
/// merged and never empty. Skips are not kept: a hole between clocks is one.
class decoded_update {
 public:
  decoded_update() = default;
  decoded_update(decoded_update&&) = default;
  decoded_update& operator=(decoded_update&&) = default;

  /// Forgets everything; keeps memory for the next update, unless it is beyond max_kept_bytes.
  void clear();

  /// True if there is neither a struct nor a delete range.
  bool empty() const { return structs_.empty() && deletes_.empty(); }

  std::span<const std::uint64_t> clients() const { return clients_; }
  std::uint64_t client_id(std::uint32_t index) const { return clients_[index]; }
  std::span<const decoded_struct> structs() const { return structs_; }
  std::span<const decoded_parent> parents() const { return parents_; }
  std::span<const decoded_block> blocks() const { return blocks_; }
  std::span<const delete_range> deletes() const { return deletes_; }

  /// Adds another update's content, borrowing its bytes too, without restoring the order of blocks: call normalize()
  /// after the last one. On an error the update is unspecified and only fit for clear().
  result<void> append_v1(bytes_view data, const decode_limits& limits = {});
  result<void> append_v2(bytes_view data, const decode_limits& limits = {});

  /// Sorts structs and delete ranges, and drops what occurs twice.
  void normalize();

  /// Joins neighbouring structs of a client that are continuations of each other, as a document does when it merges.
  void coalesce();

  /// Removes the first `units` units of a struct, which must have more; afterwards its origin is the unit before it. A
  /// cut inside a surrogate pair leaves U+FFFD, as in Yjs.
  void cut_front(std::size_t index, std::uint32_t units);

  /// Removes what somebody with that state has: structs below it, and the front of those across it. Delete ranges stay.
  void remove_known(const state_vector& state);

  /// The index of a client id, added if need be.
  std::uint32_t intern(std::uint64_t client);

  /// Adds a struct, with its parent if it has one, whose texts must outlive this update; normalize() puts it in its
  /// place.
  void add_struct(decoded_struct next, const decoded_parent* parent = nullptr);
  /// Adds a range of deletes; normalize() puts it in its place.
  void add_delete(const delete_range& range);

  /// Memory beyond this is given back by clear().
  static constexpr std::size_t max_kept_bytes = std::size_t{256} << 10;

 private:
  template <class Encoding>
  friend class internal::update_decoder;
  friend class internal::engine;
  friend class internal::struct_stream;

  void normalize_structs();
  void normalize_deletes();
  std::string_view own(std::string_view first, std::string_view second);
  std::uint32_t intern_slow(std::uint64_t client);

  std::vector<std::uint64_t> clients_;
  std::vector<std::uint32_t> client_table_;  // open addressing over clients_, used beyond a few
  std::vector<decoded_struct> structs_;
  std::vector<decoded_parent> parents_;
  std::vector<decoded_block> blocks_;
  std::vector<delete_range> deletes_;
  std::vector<std::unique_ptr<char[]>> owned_;  // texts that no input holds: cut or joined
  std::size_t values_ = 0;
  bool ordered_ = true;
};

/// Decodes an update of encoding 1 into `out`, which is cleared first. Nothing but `out` is touched, and no memory is
/// taken on the word of a count. On an error `out` is empty.
result<void> decode_update_v1(bytes_view data, decoded_update& out, const decode_limits& limits = {});

/// The same of encoding 2. Embeds and formats become JSON text there as a peer of encoding 1 would get them; what has
/// no such text (bigints, `undefined`) is bad_any. An error in a column has its offset in the whole update.
result<void> decode_update_v2(bytes_view data, decoded_update& out, const decode_limits& limits = {});

/// Appends the canonical encoding: clients descending, holes as Skip structs, clean info bytes, sorted delete set.
void encode_update_v1(const decoded_update& update, bytes& out);
bytes encode_update_v1(const decoded_update& update);
void encode_update_v2(const decoded_update& update, bytes& out);
bytes encode_update_v2(const decoded_update& update);

/// The update that says nothing.
inline constexpr std::byte empty_update_v1[2] = {std::byte{0}, std::byte{0}};

/// True for the encoding of an update without structs and deletes.
bool is_empty_update_v1(bytes_view data);

}  // namespace octavo::crdt
