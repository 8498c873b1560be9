// The node's counters in Prometheus' text format, written by prometheus-cpp.
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <fstream>
#include <sstream>

#include "net/routes.hpp"

namespace octavo::net {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

class families {
 public:
  void counter(const char* name, const char* help, const metrics::counter& value) {
    auto metric = ClientMetric{};
    metric.counter.value = static_cast<double>(value.load(std::memory_order_relaxed));
    add(name, help, MetricType::Counter, std::move(metric));
  }

  void gauge(const char* name, const char* help, double value) {
    auto metric = ClientMetric{};
    metric.gauge.value = value;
    add(name, help, MetricType::Gauge, std::move(metric));
  }

  void gauge(const char* name, const char* help, const metrics::gauge& value) {
    gauge(name, help, static_cast<double>(value.load(std::memory_order_relaxed)));
  }

  void histogram(const char* name, const char* help, const duration_histogram& value) {
    constexpr auto us_per_s = 1e6;
    auto metric = ClientMetric{};
    auto total = std::uint64_t{0};
    for (auto i = std::size_t{0}; i < duration_histogram::buckets; ++i) {
      total += value.count(i);
      auto bucket = ClientMetric::Bucket{};
      bucket.cumulative_count = total;
      bucket.upper_bound = i + 1 == duration_histogram::buckets
                               ? std::numeric_limits<double>::infinity()
                               : static_cast<double>(duration_histogram::upper_bound_us(i)) / us_per_s;
      metric.histogram.bucket.push_back(bucket);
    }
    metric.histogram.sample_count = total;
    metric.histogram.sample_sum = static_cast<double>(value.sum_us()) / us_per_s;
    add(name, help, MetricType::Histogram, std::move(metric));
  }

  std::string text() const { return prometheus::TextSerializer{}.Serialize(all_); }

 private:
  void add(const char* name, const char* help, MetricType type, ClientMetric metric) {
    all_.push_back({name, help, type, {std::move(metric)}});
  }

  std::vector<MetricFamily> all_;
};

/// The process's memory as the kernel counts it; 0 where it does not tell.
double resident_bytes() {
  auto in = std::ifstream{"/proc/self/statm"};
  auto pages = std::uint64_t{0};
  auto resident_pages = std::uint64_t{0};
  in >> pages >> resident_pages;
  constexpr auto page_bytes = 4096;
  return static_cast<double>(resident_pages * page_bytes);
}

}  // namespace

std::string metrics_text(const metrics& m, std::size_t connections) {
  auto all = families{};
  all.gauge("octavo_documents_open", "Documents in memory.", m.documents_open);
  all.gauge("octavo_documents_loading", "Documents that are being read from the store.", m.documents_loading);
  all.gauge("octavo_look_backs", "Questions about older versions that wait for the store.", m.look_backs);
  all.gauge("octavo_document_bytes", "Memory of all open documents' contents.", m.document_bytes);
  all.gauge("octavo_relays_open", "Documents that clients of this node have open.", m.relays_open);
  all.gauge("octavo_connections", "Open WebSocket connections.", static_cast<double>(connections));
  all.gauge("octavo_log_queue_records", "Edits that wait for the disk.", m.log_queue_records);
  all.gauge("octavo_log_queue_bytes", "Bytes of edits that wait for the disk.", m.log_queue_bytes);
  all.gauge("octavo_relay_queue_bytes", "Bytes of requests that wait for a document.", m.relay_queue_bytes);
  all.gauge("octavo_unanswered_bytes", "Bytes of clients' messages that are not answered.", m.unanswered_bytes);
  all.gauge("octavo_reading_bytes", "Bytes of messages that have come in part.", m.reading_bytes);
  all.gauge("octavo_send_queue_bytes", "Bytes that sockets have not taken yet.", m.send_queue_bytes);
  all.gauge("octavo_resident_memory_bytes", "Resident memory of the process.", resident_bytes());
  all.gauge("octavo_peers", "Other nodes of the cluster.", m.peers_known);
  all.gauge("octavo_peers_connected", "Other nodes of the cluster that are connected.", m.peers_connected);
  all.gauge("octavo_shard_replicas", "Replicas of shards that this node has.", m.shard_replicas);
  all.gauge("octavo_shard_copies", "Shards of which this node keeps something and is no member.", m.shard_copies);
  all.gauge("octavo_shards_served", "Shards that this node owns.", m.shards_served);
  all.gauge("octavo_shards_changing", "Owned shards that are getting another member or owner.", m.shards_changing);
  all.gauge("octavo_replicas_lagging", "Replicas of owned shards that are behind.", m.replicas_lagging);
  all.gauge("octavo_disk_stalled", "1 while the disk hangs or is full, and others are to serve this node's shards.",
            m.disk_stalled);
  all.counter("octavo_shard_moves_total", "Moves of shards that this node has begun.", m.shard_moves);
  all.counter("octavo_frames_refused_total", "Messages of other nodes that could not be read.", m.frames_refused);
  all.counter("octavo_edits_total", "Edits made durable.", m.edits_durable);
  all.counter("octavo_edits_known_total", "Edits that held nothing new.", m.edits_known);
  all.counter("octavo_edits_refused_total", "Edits refused: malformed, over a limit, or on a full disk.",
              m.edits_refused);
  all.counter("octavo_edits_quarantined_total", "Edits set aside because they broke a document.", m.edits_quarantined);
  all.counter("octavo_edit_bytes_total", "Bytes of edits taken.", m.edit_bytes);
  all.counter("octavo_commits_total", "Synced writes, each of all documents' edits that waited.", m.commits);
  all.counter("octavo_commit_failures_total", "Documents' edits that could not be written.", m.commit_failures);
  all.gauge("octavo_store_damaged", "1 while the disk is known to be damaged, or a store that was set aside is there.",
            m.store_damaged);
  all.counter("octavo_store_damage_total", "How often the disk gave something else than was written.", m.damage_found);
  all.counter("octavo_snapshots_total", "Snapshots written.", m.snapshots);
  all.counter("octavo_documents_loaded_total", "Documents read from the store.", m.documents_loaded);
  all.counter("octavo_documents_failed_total", "Documents that ended with an error.", m.documents_failed);
  all.counter("octavo_documents_passivated_total", "Documents that left memory because nobody had them open.",
              m.documents_passivated);
  all.counter("octavo_presence_changes_total", "Presence messages that changed something.", m.presence_changes);
  all.counter("octavo_presence_refused_total", "Presence messages over a limit.", m.presence_refused);
  all.counter("octavo_broadcasts_total", "Bursts of edits that documents handed out.", m.broadcasts);
  all.counter("octavo_deliveries_total", "Frames handed to sockets.", m.deliveries);
  all.counter("octavo_subscribers_behind_total",
              "Nodes that took a document's edits in more slowly than they came, and got a difference.",
              m.subscribers_behind);
  all.counter("octavo_resyncs_total", "Connections that lagged and got a fresh difference.", m.resyncs);
  all.counter("octavo_connections_accepted_total", "Connections accepted.", m.connections_accepted);
  all.counter("octavo_connections_refused_total", "Connections refused by a limit.", m.connections_refused);
  all.counter("octavo_messages_in_total", "WebSocket messages received.", m.messages_in);
  all.counter("octavo_bytes_in_total", "Bytes of WebSocket messages received.", m.bytes_in);
  all.counter("octavo_bytes_out_total", "Bytes of WebSocket messages sent.", m.bytes_out);
  all.counter("octavo_bad_messages_total", "Malformed messages received.", m.bad_messages);
  all.histogram("octavo_commit_seconds", "Duration of a synced write.", m.commit_latency);
  all.histogram("octavo_edit_seconds", "Time from taking a burst of edits until it is durable.", m.edit_latency);
  return all.text();
}

}  // namespace octavo::net
