// Internal to storage/: what has come of a copy of a document so far, and whether what comes next can follow it. Of a
// state that is not whole only its length and checksum are kept. A value; it knows nothing of the disk.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "storage/format.hpp"
#include "storage/shard_copy.hpp"

namespace octavo::storage {

class copy_progress {
 public:
  /// Where a piece of a state is filed, and the state's header where it was the last.
  struct piece_place {
    std::uint64_t place = 0;   ///< as in piece_key(): a snapshot's seq, or version_pieces and a version's number
    std::uint32_t number = 0;  ///< of the piece
    std::optional<snapshot_header> whole;
  };

  /// Counts a part in. The place is that of a piece, and says nothing of other parts. errc::invalid_argument: it cannot
  /// come here; this is of no use then.
  result<piece_place> take(const document_part& part);
  /// The document's metadata but for its number and its shard. errc::invalid_argument: the parts are not all of it.
  result<document_info> finish(const document_copy& what) const;
  /// Of the newest record; 0: none.
  std::uint64_t last_record() const { return last_record_; }

 private:
  struct open_state {
    document_part first;  ///< without data
    std::uint64_t offset = 0;
    std::uint32_t crc = 0;
  };

  result<void> begin_state(const document_part& part);
  result<piece_place> take_state(const document_part& part);
  result<void> take_record(const document_part& part);
  result<void> take_quarantined(const document_part& part);

  part_kind kind_ = part_kind::snapshot;  ///< of the last part
  std::optional<open_state> state_;       ///< pieces of it are to come
  std::uint64_t snapshots_ = 0;
  std::uint64_t first_snapshot_ = 0;
  std::uint64_t last_snapshot_ = 0;
  std::uint64_t first_record_ = 0;
  std::uint64_t last_record_ = 0;
  std::uint64_t log_records_ = 0;  ///< behind the last snapshot, as are their bytes
  std::uint64_t log_bytes_ = 0;
  std::set<std::string> labels_;
  std::uint64_t newest_version_ = 0;
  std::uint64_t quarantined_ = 0;
  std::uint64_t last_quarantined_ = 0;
};

}  // namespace octavo::storage
