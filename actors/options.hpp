// Every bound of the actors, with its name and default. docs/configuration.md lists those that an operator can set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octavo::actors {

struct presence_limits {
  std::size_t states_max = 2'000;           ///< a document's presence states; more are ignored
  std::size_t states_per_session_max = 16;  ///< client ids that one connection may announce
  std::size_t state_bytes_max = 8U << 10;   ///< of one state's JSON
  std::int64_t expiry_ms = 32'000;          ///< a state that is not renewed for so long is removed (Yjs renews at 15 s)
  std::int64_t interval_ms = 25;            ///< changes are gathered for so long after the last broadcast
};

struct document_options {
  presence_limits presence;

  std::uint64_t snapshot_after_records = 2'000;     ///< records in the log since the last snapshot
  std::uint64_t snapshot_after_bytes = 4ull << 20;  ///< bytes in the log since the last snapshot
  std::size_t sync_chunk_bytes = 256U << 10;        ///< an answer to sync is cut into updates of about this size
  std::size_t burst_bytes_max = 1 << 20;            ///< edits are merged into broadcasts of at most this size
  std::size_t subscriber_window_bytes = 8u << 20;   ///< on their way to one node that has not taken them in
  std::size_t crowd_sessions = 1'000;               ///< with more of them a document's broadcasts are gathered
  std::int64_t crowd_interval_ms = 30;              ///< for so long: of edits
  std::int64_t crowd_presence_interval_ms = 100;    ///< and of presence
  std::size_t resync_history_max = 16'384;          ///< edits that a resync can go back without a full state
  std::size_t update_bytes_max = 32u << 20;         ///< one edit
  std::size_t update_structs_max = 1u << 21;        ///< structs of one edit: each takes about 100 bytes to be read
  std::size_t pending_bytes_max = 16u << 20;        ///< edits that wait for others which have not come
  std::size_t content_bytes_max = 256u << 20;       ///< memory of one document; beyond it only deletes are taken
  std::size_t arena_bytes_max = UINT32_MAX;         ///< content alone of one document, as far as its offsets reach
  std::uint64_t update_steps_max = std::uint64_t{1} << 25;  ///< work that integrating one edit may take
  std::size_t edit_operations_max = 65'536;                 ///< operations of one server_edit
  std::size_t answers_max = 4'096;                          ///< reads and server_edits that wait for the disk
  std::size_t look_backs_max = 16;                          ///< questions about older versions that wait for the store
  std::size_t look_backs_node_max = 256;                    ///< the same of all documents of a node
  std::size_t history_entries_max = 10'000;                 ///< entries of one answer about a history
  std::size_t history_edits_max = std::size_t{1} << 20;     ///< edits between two versions that are compared
  std::size_t read_bytes_max = 256u << 20;                  ///< one answer to a read
  std::size_t bad_messages_max = 10;                        ///< malformed messages of one session before it is closed
  std::int64_t idle_timeout_ms = 120'000;                   ///< without sessions for so long: snapshot and leave memory
  std::uint64_t hash_seed = 0;  ///< random per process: against clients that choose names which collide
};

struct relay_options {
  std::size_t window_bytes = 4u << 20;       ///< of requests that the document has not answered
  std::size_t queue_bytes_max = 64u << 20;   ///< of requests waiting in the relay; beyond it sessions are closed (1013)
  std::size_t credit_step_bytes = 1u << 20;  ///< the document is told of bytes taken in once there are so many
  presence_limits presence;                  ///< of what is remembered for the document's next owner; as the document's
  /// Who was here under a document's last owner and is not told of by the next one is gone so long after it was joined.
  std::int64_t presence_grace_ms = 3'000;
  std::int64_t presence_memory_ms = 30'000;  ///< who has gone is remembered at least so long, against late echoes
  std::int64_t linger_ms = 1'000;            ///< how long a relay without sessions stays
  std::int64_t locate_ms = 1'000;            ///< sessions are kept for so long while nobody has their document
};

struct node_options {
  document_options document;
  relay_options relay;
  std::size_t loaders = 2;                       ///< documents that are loaded at once
  std::size_t commit_bytes_max = 8u << 20;       ///< edits of all documents that go into one synced write
  std::size_t memory_budget_bytes = 512u << 20;  ///< of all open documents; beyond it idle ones leave at once
  std::size_t open_documents_max = 200'000;      ///< documents in memory
};

}  // namespace octavo::actors
