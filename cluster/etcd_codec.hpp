// The JSON of etcd's gateway: requests written, answers read. Pure functions. In it keys and values are base64, 64-bit
// numbers are strings, and what is zero, false or empty is left out. Answers are believed in nothing: one that is not
// as it should be is errc::malformed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/etcd_types.hpp"
#include "storage/result.hpp"

namespace octavo::cluster::etcd {

std::string to_base64(std::string_view data);
/// Nothing for what no encoder writes: wrong lengths, other letters, bits that are left over.
std::optional<std::string> from_base64(std::string_view text);

/// The first key behind all that begin with the prefix, or "\0", which is "no end" to etcd.
std::string end_of_prefix(std::string_view prefix);

struct page_request {
  std::string begin;
  std::string end;            ///< empty: the key `begin` alone
  std::int64_t revision = 0;  ///< 0: as of now
  std::size_t limit = 0;
};
std::string write(const page_request& request);
std::string write(const etcd_txn& txn);
std::string write_grant(std::int64_t ttl_s);
std::string write_lease(std::int64_t id);
std::string write_watch(std::string_view prefix, std::int64_t from_revision);

struct page {
  etcd_range_answer answer;
  bool more = false;
};
/// `request` is what was asked for: keys that are none of it, or that do not ascend, are refused.
result<page> read_page(std::string_view body, const page_request& request);
/// Done or refused.
result<etcd_txn_answer> read_txn(std::string_view body, const etcd_txn& txn);
result<etcd_lease> read_grant(std::string_view body);
/// What is left of the lease in seconds; errc::not_found if there is no such lease any more.
result<std::int64_t> read_keep_alive(std::string_view body, std::int64_t id);
result<void> read_revoke(std::string_view body);

struct watch_message {
  bool created = false;
  std::vector<etcd_event> events;
  std::optional<etcd_watch_end> end;
};
/// Events behind `last_revision` are expected, with this prefix.
result<watch_message> read_watch(std::string_view line, std::string_view prefix, std::int64_t last_revision);

/// An answer with another status than 200.
struct refusal {
  error what;
  bool not_executed = false;  ///< etcd refused before it could have changed anything
};
refusal read_refusal(unsigned status, std::string_view body);

/// The second of a Date header, such as "Fri, 27 Nov 2026 10:12:06 GMT", in milliseconds since the Unix epoch.
std::optional<std::int64_t> read_date(const std::string& header);
/// How far a clock is ahead of one that was read at `second`, somewhere within that second; 0 within it.
std::int64_t clock_ahead_ms(std::int64_t now_ms, std::int64_t second_ms);

}  // namespace octavo::cluster::etcd
