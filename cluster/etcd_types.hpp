// What is asked of etcd and what it answers, as plain values. etcd_client.hpp asks, etcd_codec.hpp writes and reads
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/host_port.hpp"
#include "cluster/replica.hpp"
#include "storage/result.hpp"

namespace octavo::cluster {

inline constexpr auto etcd_endpoints_max = std::size_t{16};

/// etcd://host:port[,host:port…], IPv6 addresses in brackets. errc::invalid_argument says what is wrong in it.
result<std::vector<host_port>> parse_etcd_url(std::string_view url);

struct etcd_options {
  std::vector<host_port> endpoints;
  std::uint32_t request_timeout_ms = 2000;  ///< of a request from being asked to its answer; of each page of a range
  std::size_t response_bytes_max = std::size_t{8} << 20U;  ///< of an answer, and of one message of a watch
  std::size_t range_bytes_max = std::size_t{64} << 20U;    ///< of keys and values of all pages of a range
  std::size_t requests_max = 1024;                         ///< unanswered; more get errc::limit_exceeded
  std::size_t connections_max = 16;  ///< open for requests at once; requests beyond them wait within their time-out
  std::size_t watches_max = 16;      ///< each has a connection of its own; more are broken with errc::limit_exceeded
  std::size_t page_keys_max = 1000;  ///< asked for at once, of a range
};

struct etcd_key_value {
  std::string key;
  std::string value;
  std::int64_t mod_revision = 0;
  std::int64_t lease = 0;  ///< 0: none
  bool operator==(const etcd_key_value&) const = default;
};

struct etcd_range_answer {
  std::vector<etcd_key_value> kvs;  ///< by key, ascending
  std::int64_t revision = 0;        ///< of the store, as of which all of them are
  std::uint64_t cluster_id = 0;
};

/// "If the key has exactly this value, or is absent, then put another, or delete it."
struct etcd_txn {
  std::string key;
  std::optional<std::string> expected;  ///< nothing: the key must be absent
  std::optional<std::string> wanted;    ///< nothing: the key is deleted
  std::int64_t lease = 0;               ///< that the key goes with; 0: none
};

struct etcd_txn_answer {
  txn_outcome outcome = txn_outcome::unknown;
  std::optional<std::string> current;  ///< of refused: what stands there; nothing: the key is absent
  std::int64_t revision = 0;           ///< of done and refused: the store's, right behind it
  std::string why;                     ///< of unknown, a sentence
};

struct etcd_lease {
  std::int64_t id = 0;
  std::int64_t ttl_s = 0;  ///< what etcd made of it; it is 2 at the least
};

struct etcd_event {
  enum class kind_type : std::uint8_t { put, deleted };
  kind_type kind = kind_type::put;
  etcd_key_value kv;  ///< of deleted: key and mod_revision alone
  bool operator==(const etcd_event&) const = default;
};

struct etcd_watch_end {
  enum class reason_type : std::uint8_t {
    closed,           ///< cancel_watch() was called, or the client is being destroyed: nobody wants it any more
    connection_lost,  ///< or could not be made
    compacted,        ///< what happened since from_revision is not kept any more; compact_revision is
    canceled,         ///< by etcd
    too_large,        ///< a message is over response_bytes_max
    malformed,        ///< etcd said what cannot be read
    refused,          ///< by this client: too many watches, or a watch that cannot be meant
  };
  reason_type reason = reason_type::closed;
  error what;
  std::int64_t compact_revision = 0;
};

}  // namespace octavo::cluster
