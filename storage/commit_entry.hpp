// Internal to storage/: what each batch in the write-ahead log says about itself. A batch carries its entry twice, as
// its first and as its last element, so that one damaged place leaves one of the two readable; both say which documents
// the batch concerns, and the first says it for the batches before it too; so does the last where the batch is so large
// that the damage need not reach it from there. That is how recovery knows, after some of
// the log has become unreadable, which documents may have lost an acknowledged update. Pure, usable from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace octavo::storage {

/// What a commit did to a document. Do not renumber.
enum class touch_kind : std::uint8_t {
  appended = 0,  ///< wrote updates up to `seq`
  created = 1,   ///< the same, and made the document; `name` is set
  removed = 2,   ///< dropped the document
  changed = 3,   ///< changed something that can be found again: a snapshot, a quarantine
};

struct touched {
  std::uint64_t id = 0;
  std::uint64_t seq = 0;
  touch_kind kind = touch_kind::appended;
  std::string name;
};

struct commit_entry {
  bool is_head = true;
  bool synced = false;               ///< the batch was to be synced before it was acknowledged
  bool sync_always = false;          ///< and so is every batch that is acknowledged: sync_mode::always
  std::uint64_t commit = 0;          ///< this commit's number
  std::uint64_t previous = 0;        ///< the commit before it; numbers of failed commits are skipped
  std::uint64_t synced_through = 0;  ///< commits up to this one were known to be on disk when this one was written
  std::uint64_t window_first = 0;    ///< `window` lists all that commits from this one up to `previous` touched
  std::uint32_t batch_bytes = 0;     ///< size of the whole batch
  std::uint32_t longest_zeros = 0;   ///< of the whole batch, as longest_zeros() finds it
  std::vector<touched> own;
  std::vector<touched> window;  ///< in the head, and in the tail of a batch of more than window_bytes_min
};

/// Entries begin with a salt of this many bytes, the first half of the store's random id: no client knows it, so that
/// nobody can write an update that reads like a commit of this store.
inline constexpr std::size_t salt_bytes = 8;

/// A commit names what the commits before it touched until they make up this many bytes of log: more than a bad sector
/// or page destroys.
inline constexpr std::size_t window_bytes_min = 8192;

/// What a disk writes as a whole, or not at all.
inline constexpr std::size_t sector_bytes = 512;

/// The length of the longest run of zeros in a batch, where one is as long as a sector; else 0. A longer one in the log
/// can only be what was never written.
std::uint32_t longest_zeros(std::string_view batch);

/// The entry as bytes, with `batch_bytes` and `longest_zeros` as given; set_totals() puts in the real ones later.
std::string encode_entry(const commit_entry& entry, std::string_view salt);
/// Changes `batch_bytes` and `longest_zeros` in an encoded entry of `size` bytes, and its checksum.
void set_totals(char* entry, std::size_t size, std::uint32_t batch_bytes, std::uint32_t longest_zeros);

/// The entry at the beginning of `data`, if there is a whole and undamaged one.
std::optional<commit_entry> decode_entry(std::string_view data, std::string_view salt);

struct found_entry {
  std::size_t offset = 0;
  commit_entry entry;
};
/// All undamaged entries anywhere within `data`.
std::vector<found_entry> find_entries(std::string_view data, std::string_view salt);

/// The head entry of a whole batch (RocksDB's serialized WriteBatch), if it has one.
std::optional<commit_entry> entry_of_batch(std::string_view batch, std::string_view salt);
/// Where an encoded head entry of `size` bytes stands in its batch.
std::size_t head_offset(std::size_t size);

}  // namespace octavo::storage
