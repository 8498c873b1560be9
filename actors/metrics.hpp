// What a node counts about itself. Plain atomics that any thread may bump; net/ writes them out for Prometheus.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace octavo {

/// Counts durations in powers of two of 64 µs: the first bucket holds what took less, the last what took longer.
class duration_histogram {
 public:
  static constexpr std::size_t buckets = 18;

  void record_us(std::uint64_t duration_us) {
    auto bucket = std::size_t{0};
    while (bucket + 1 < buckets && duration_us > upper_bound_us(bucket)) ++bucket;
    counts_[bucket].fetch_add(1, std::memory_order_relaxed);
    sum_us_.fetch_add(duration_us, std::memory_order_relaxed);
  }

  static constexpr std::uint64_t upper_bound_us(std::size_t bucket) { return std::uint64_t{64} << bucket; }
  std::uint64_t count(std::size_t bucket) const { return counts_[bucket].load(std::memory_order_relaxed); }
  std::uint64_t sum_us() const { return sum_us_.load(std::memory_order_relaxed); }

 private:
  std::array<std::atomic<std::uint64_t>, buckets> counts_{};
  std::atomic<std::uint64_t> sum_us_{0};
};

/// Counts something as open for as long as it lives. The counters go once nothing is open any more, so that whoever has
/// such a member has it first: it is destroyed last, and what came before is visible to whoever reads the gauge.
class counted_open {
 public:
  explicit counted_open(std::atomic<std::int64_t>& gauge) : gauge_(gauge) {
    gauge_.fetch_add(1, std::memory_order_relaxed);
  }
  ~counted_open() { gauge_.fetch_sub(1, std::memory_order_release); }
  counted_open(const counted_open&) = delete;
  counted_open& operator=(const counted_open&) = delete;

 private:
  std::atomic<std::int64_t>& gauge_;
};

struct metrics {
  using counter = std::atomic<std::uint64_t>;
  using gauge = std::atomic<std::int64_t>;

  gauge documents_open{0};
  gauge documents_loading{0};
  gauge look_backs{0};      ///< questions about older versions that wait for the store
  gauge store_damaged{0};   ///< 1: the disk gave something else than was written, now or before the store was set aside
  gauge document_bytes{0};  ///< memory of all open documents' contents
  gauge relays_open{0};
  gauge sessions_open{0};
  gauge log_queue_records{0};  ///< edits that wait for the disk
  gauge log_queue_bytes{0};
  gauge relay_queue_bytes{0};  ///< requests that wait for a document
  gauge unanswered_bytes{0};   ///< of all clients' requests
  gauge reading_bytes{0};      ///< of messages that have come in part
  gauge send_queue_bytes{0};   ///< what sockets have not taken yet

  // Of a cluster's node; all 0 on a node that is alone.
  gauge peers_known{0};
  gauge peers_connected{0};
  gauge shard_replicas{0};    ///< that this node has
  gauge shard_copies{0};      ///< of shards that are other nodes', or are to be this one's and not yet
  gauge shards_served{0};     ///< whose owner it is
  gauge shards_changing{0};   ///< of those, that are getting another member or owner
  gauge replicas_lagging{0};  ///< of the shards that it owns, behind its log
  gauge disk_stalled{0};      ///< 1: the disk hangs or is full, and others are to serve what this node owns
  counter shard_moves{0};     ///< that it has begun
  counter frames_refused{0};  ///< of other nodes, that could not be read

  counter edits_durable{0};
  counter edits_known{0};    ///< that held nothing new
  counter edits_refused{0};  ///< malformed, over a limit, or on a full disk
  counter edits_quarantined{0};
  counter edit_bytes{0};
  counter commits{0};
  counter commit_failures{0};
  counter damage_found{0};  ///< how often a table or a document was not what had been written
  counter snapshots{0};
  counter documents_loaded{0};
  counter documents_failed{0};
  counter documents_passivated{0};
  counter presence_changes{0};
  counter presence_refused{0};
  counter broadcasts{0};          ///< bursts that documents handed out
  counter deliveries{0};          ///< frames handed to sockets
  counter subscribers_behind{0};  ///< nodes that lagged behind a document, and got in one piece what they lacked
  counter resyncs{0};             ///< sessions that lagged and got a fresh diff
  counter connections_accepted{0};
  counter connections_refused{0};
  counter messages_in{0};
  counter bytes_in{0};
  counter bytes_out{0};
  counter bad_messages{0};

  duration_histogram commit_latency;  ///< of one synced write
  duration_histogram edit_latency;    ///< from the document's hands to durable
};

}  // namespace octavo
