// A client of etcd v3 through its JSON gateway. One I/O thread of its own does everything: it runs the connections and
// calls the callbacks, which must neither block nor throw. All functions may be called from any thread, from callbacks
// too; only the destructor may not be called from a callback.
//
// Each callback is called exactly once (on_events: any number of times before its on_broken). What is outstanding when
// the client is destroyed is called with errc::unavailable, or as etcd_watch_end::closed, before the destructor
// returns; what such a callback asks for then is not begun, and its callback is destroyed without having been called.
//
// Requests go to one endpoint, to the next one when it fails, and stay there. What can be asked twice (ranges,
// keep-alives) is asked once more where a connection breaks or a time-out has room; of all else a byte that was sent is
// never sent again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cluster/etcd_types.hpp"
#include "storage/result.hpp"

namespace octavo::cluster {

class etcd_client {
 public:
  template <class Answer>
  using callback = std::function<void(result<Answer>)>;
  using watch_id = std::uint64_t;
  /// In the order of their revisions; all events of one revision come in one call or in several that follow each other.
  using events_callback = std::function<void(std::vector<etcd_event>)>;
  using broken_callback = std::function<void(etcd_watch_end)>;

  explicit etcd_client(etcd_options options);
  ~etcd_client();
  etcd_client(const etcd_client&) = delete;
  etcd_client& operator=(const etcd_client&) = delete;

  /// One key, linearizable; no key is no error.
  void range(std::string key, callback<etcd_range_answer> done);
  /// All keys that begin with the prefix, as of one revision, read page by page. errc::unavailable if etcd gave up that
  /// revision in between: read again. errc::limit_exceeded over response_bytes_max or range_bytes_max.
  void range_prefix(std::string prefix, callback<etcd_range_answer> done);

  /// An error says that it was certainly not done; where nobody can know, the outcome is unknown.
  void txn(etcd_txn what, callback<etcd_txn_answer> done);

  void grant_lease(std::int64_t ttl_s, callback<etcd_lease> done);
  /// What is left of it in seconds; errc::not_found if it has expired.
  void keep_alive_once(std::int64_t lease, callback<std::int64_t> done);
  /// Deletes its keys with it. errc::not_found if it has expired.
  void revoke_lease(std::int64_t lease, callback<void> done);

  /// What happens from `from_revision` on (1 or more: that of a range, and one) to keys that begin with the prefix. A
  /// hint to read again, and no more: an etcd that hangs says nothing, and nor does one that was restored from a
  /// backup.
  watch_id watch(std::string prefix, std::int64_t from_revision, events_callback on_events, broken_callback on_broken);
  /// Its on_broken is called with etcd_watch_end::closed, unless it has been called already.
  void cancel_watch(watch_id id);

  /// How far this machine's clock is ahead of etcd's (negative: behind), by its last answer that told the time, to a
  /// second; none has: 0.
  std::int64_t clock_ahead_ms() const;

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace octavo::cluster
