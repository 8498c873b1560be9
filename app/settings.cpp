#include "app/settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "net/text.hpp"

namespace octavo::app {

namespace {

constexpr auto kib = std::uint64_t{1} << 10;
constexpr auto mib = kib << 10;
constexpr auto gib = mib << 10;
constexpr auto tib = gib << 10;
constexpr auto second_ms = std::uint64_t{1'000};
constexpr auto minute_ms = 60 * second_ms;
constexpr auto hour_ms = 60 * minute_ms;
constexpr auto day_ms = 24 * hour_ms;

result<std::uint64_t> parse_count(std::string_view text) {
  auto value = std::uint64_t{0};
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size()) return invalid("a number is needed");
  return value;
}

/// A number and what stands behind it.
result<std::pair<std::uint64_t, std::string_view>> split_number(std::string_view text) {
  auto value = std::uint64_t{0};
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{}) return invalid("a number is needed");
  auto rest = text.substr(static_cast<std::size_t>(end - text.data()));
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  return std::pair{value, rest};
}

result<bool> parse_switch(std::string_view text) {
  if (text == "true" || text == "on" || text == "yes" || text == "1") return true;
  if (text == "false" || text == "off" || text == "no" || text == "0") return false;
  return invalid("true or false is needed");
}

result<void> parse_listen(net::net_options& to, std::string_view text) {
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return invalid("HOST:PORT is needed, such as 127.0.0.1:8080 or [::]:8080");
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  auto port = parse_count(text.substr(colon + 1));
  if (host.empty() || !port || *port > 65535)
    return invalid("HOST:PORT is needed, such as 127.0.0.1:8080 or [::]:8080");
  to.listen_address = host;
  to.listen_port = static_cast<std::uint16_t>(*port);
  return {};
}

// Origins are compared with what browsers send, byte by byte: what can be meant is turned into that, the rest refused.
result<void> parse_origin(net::net_options& to, std::string_view text) {
  if (text == "*") {
    to.allowed_origins.emplace_back(text);
    return {};
  }
  if (auto origin = net::origin_as_sent(text)) {
    to.allowed_origins.push_back(std::move(*origin));
    return {};
  }
  // Most often it is an address with a path behind it.
  auto path = text.find('/', std::min(text.size(), text.find("://") + 3));
  if (auto origin = net::origin_as_sent(text.substr(0, path)); text.find("://") != std::string_view::npos && origin)
    return invalid("an origin has no path: write " + *origin);
  return invalid(
      "an origin is needed, such as https://notes.example (letters beyond ASCII as browsers send them, xn--…)");
}

// Makers of settings: one for each kind of value.

/// The least and the most that a value may be, both included.
struct range {
  std::uint64_t min;
  std::uint64_t max;
};

struct unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr auto size_units = std::array<unit, 4>{{{"GiB", gib}, {"MiB", mib}, {"KiB", kib}, {"B", 1}}};
constexpr auto time_units =
    std::array<unit, 5>{{{"d", day_ms}, {"h", hour_ms}, {"min", minute_ms}, {"s", second_ms}, {"ms", 1}}};

/// In the largest unit that needs no fraction, as it would be given.
std::string in_units(std::uint64_t value, std::span<const unit> units) {
  for (const auto& one : units)
    if (value != 0 && value % one.factor == 0) return std::to_string(value / one.factor) + std::string{one.name};
  return std::to_string(value);
}

template <class Get, class Parse>
setting ranged_setting(setting made, range within, Parse parse, Get get) {
  made.apply = [get, parse, within, text_of_range = made.range](serve_options& to, std::string_view text) {
    auto value = parse(text);
    if (!value) return result<void>{tl::unexpected{value.error()}};
    auto number = static_cast<std::uint64_t>(*value);
    if (number < within.min || number > within.max) return result<void>{invalid(text_of_range + " is possible")};
    get(to) = std::remove_reference_t<decltype(get(to))>(*value);
    return result<void>{};
  };
  return made;
}

template <class Get>
setting bytes_setting(std::string name, std::string help, std::string usual, range within, Get get) {
  auto text = in_units(within.min, size_units) + " to " + in_units(within.max, size_units);
  return ranged_setting({std::move(name), "SIZE", std::move(help), std::move(usual), std::move(text), {}}, within,
                        parse_bytes, get);
}

template <class Get>
setting duration_setting(std::string name, std::string help, std::string usual, range within, Get get) {
  auto text = in_units(within.min, time_units) + " to " + in_units(within.max, time_units);
  return ranged_setting({std::move(name), "TIME", std::move(help), std::move(usual), std::move(text), {}}, within,
                        parse_duration_ms, get);
}

template <class Get>
setting count_setting(std::string name, std::string help, std::string usual, range within, Get get) {
  auto text = std::to_string(within.min) + " to " + std::to_string(within.max);
  return ranged_setting({std::move(name), "N", std::move(help), std::move(usual), std::move(text), {}}, within,
                        parse_count, get);
}

template <class Get>
setting flag_setting(std::string name, std::string help, Get get) {
  return {
      std::move(name), "", std::move(help), "", "", [get](serve_options& to, std::string_view text) -> result<void> {
        auto value = parse_switch(text);
        if (!value) return tl::unexpected{value.error()};
        get(to) = *value;
        return {};
      }};
}

template <class Get>
setting text_setting(std::string name, std::string placeholder, std::string help, std::string usual, Get get) {
  return {std::move(name),
          std::move(placeholder),
          std::move(help),
          std::move(usual),
          "",
          [get](serve_options& to, std::string_view text) -> result<void> {
            if (text.empty()) return invalid("a value is needed");
            get(to) = text;
            return {};
          }};
}

std::vector<setting> make_settings() {
  using o = serve_options;
  auto all = std::vector<setting>{};
  auto add = [&all](setting one) { all.push_back(std::move(one)); };
  // --- where ---
  add({"listen", "HOST:PORT", "where to listen", "127.0.0.1:8080", "",
       [](o& to, std::string_view text) { return parse_listen(to.net, text); }});
  add(text_setting(
      "data", "DIR", "the folder of the store", "./data", [](o & to) -> auto& { return to.store.path; }));
  add(text_setting(
      "web", "DIR", "the folder of the built page", "beside the program",
      [](o & to) -> auto& { return to.net.web_root; }));
  add(text_setting(
      "node", "NAME", "this node's name, shown by the page and the API", "the host's name",
      [](o & to) -> auto& { return to.net.node_name; }));
  // --- a cluster ---
  add(text_setting(
      "cluster", "URL", "be a node of the cluster that this etcd knows, such as etcd://10.0.0.1:2379,10.0.0.2:2379", "",
      [](o & to) -> auto& { return to.cluster.url; }));
  add(text_setting(
      "peer-listen", "HOST:PORT", "where the other nodes of the cluster connect", "",
      [](o & to) -> auto& { return to.cluster.peer_listen; }));
  add(text_setting(
      "peer-cert", "FILE", "talk to other nodes over TLS, with this certificate (PEM); see octavo cluster certs", "",
      [](o & to) -> auto& { return to.cluster.peer_tls.certificate; }));
  add(text_setting(
      "peer-key", "FILE", "the key of peer-cert (PEM)", "", [](o & to) -> auto& { return to.cluster.peer_tls.key; }));
  add(text_setting(
      "peer-ca", "FILE", "who must have signed the certificates of other nodes (PEM)", "",
      [](o & to) -> auto& { return to.cluster.peer_tls.ca; }));
  add(count_setting(
      "shards", "into how many shards the documents of a new cluster are divided", "1024", {1, 65'536},
      [](o & to) -> auto& { return to.cluster.shards; }));
  add(count_setting(
      "replicas", "how many nodes of a new cluster keep each document: 1, 3 or 5", "3", {1, 5},
      [](o & to) -> auto& { return to.cluster.replicas; }));
  add(duration_setting(
      "replace-after", "a node that is gone for so long is replaced by another one, if there is one to spare", "5min",
      {1'000, 30 * day_ms}, [](o & to) -> auto& { return to.cluster.replace_after_ms; }));
  add(duration_setting(
      "keep-copies",
      "what a node has got of a shard whose replica it did not become is kept for so long, as it may go on with it",
      "10min", {1'000, 30 * day_ms}, [](o & to) -> auto& { return to.cluster.keep_copies_ms; }));
  add(duration_setting(
      "balance-interval",
      "how often it is looked whether the node has too much to do: after three times a document is moved; 0 is never",
      "10s", {0, 3'600'000}, [](o & to) -> auto& { return to.cluster.balance_interval_ms; }));
  add(count_setting(
      "balance-busy", "a node moves no documents for their load below this percentage of its cores", "50", {1, 100},
      [](o & to) -> auto& { return to.cluster.balance_busy_percent; }));
  add(duration_setting(
      "clock-skew-max", "how far this machine's clock may be from etcd's", "10s", {2'000, 30 * day_ms},
      [](o & to) -> auto& { return to.cluster.clock_skew_ms_max; }));
  // --- who ---
  add(text_setting(
      "secret-file", "FILE", "clients need tokens signed with this secret (see: octavo token)", "",
      [](o & to) -> auto& { return to.secret_file; }));
  add(flag_setting(
      "open", "let everybody read and write, also beyond loopback", [](o & to) -> auto& { return to.open; }));
  add({"allow-origin", "ORIGIN", "pages of this origin may connect, such as https://notes.example; may be repeated", "",
       "", [](o& to, std::string_view text) { return parse_origin(to.net, text); }, true});
  add(text_setting(
      "tls-cert", "FILE", "serve TLS with this certificate (PEM, with its chain)", "",
      [](o & to) -> auto& { return to.net.tls.certificate; }));
  add(text_setting(
      "tls-key", "FILE", "the certificate's key (PEM)", "", [](o & to) -> auto& { return to.net.tls.key; }));
  // --- durability ---
  add({"sync", "MODE", "when edits reach the disk: always (before they are acknowledged), interval, os", "always", "",
       [](o& to, std::string_view text) -> result<void> {
         if (text == "always")
           to.store.sync = storage::sync_mode::always;
         else if (text == "interval")
           to.store.sync = storage::sync_mode::interval;
         else if (text == "os")
           to.store.sync = storage::sync_mode::os;
         else
           return invalid("always, interval or os is needed");
         return {};
       }});
  add(duration_setting(
      "sync-interval", "with --sync interval: what a power cut may take", "100ms", {1, minute_ms},
      [](o & to) -> auto& { return to.store.interval_ms; }));
  add(duration_setting(
      "scrub-interval", "how often all tables of the store are read, to see whether the disk has kept them; 0 is never",
      "7d", {0, 365 * day_ms}, [](o & to) -> auto& { return to.store.scrub_interval_ms; }));
  add(duration_setting(
      "retention", "how long a document's log is kept once a snapshot covers it", "10min", {0, 36'500 * day_ms},
      [](o & to) -> auto& { return to.store.retention_ms; }));
  add(bytes_setting(
      "min-free-space", "below this much free disk edits are refused", "64MiB", {0, tib},
      [](o & to) -> auto& { return to.store.min_free_bytes; }));
  add(bytes_setting(
      "reserve-space", "a file that gives way, so that a start is possible on a full disk; 0 is none", "40MiB",
      {0, tib}, [](o & to) -> auto& { return to.store.reserve_bytes; }));
  add(count_setting(
      "snapshot-records", "edits after which a snapshot is written", "2000", {1, 1'000'000'000},
      [](o & to) -> auto& { return to.node.document.snapshot_after_records; }));
  add(bytes_setting(
      "snapshot-bytes", "bytes of edits after which a snapshot is written", "4MiB", {kib, gib},
      [](o & to) -> auto& { return to.node.document.snapshot_after_bytes; }));
  // --- memory ---
  add(bytes_setting(
      "memory-budget", "of open documents together; beyond it idle ones leave at once, and no more are opened",
      "512MiB", {mib, tib}, [](o & to) -> auto& { return to.node.memory_budget_bytes; }));
  add(duration_setting(
      "idle-timeout", "a document that nobody has open leaves memory after this", "2min", {0, 365 * day_ms},
      [](o & to) -> auto& { return to.node.document.idle_timeout_ms; }));
  add(count_setting(
      "open-documents-max", "documents in memory", "200000", {1, 100'000'000},
      [](o & to) -> auto& { return to.node.open_documents_max; }));
  add(bytes_setting(
      "block-cache", "the store's cache", "16MiB", {mib, tib},
      [](o & to) -> auto& { return to.store.block_cache_bytes; }));
  add(count_setting(
      "loaders", "documents that are read from the store at once", "2", {1, 64},
      [](o & to) -> auto& { return to.node.loaders; }));
  // --- clients ---
  add(count_setting(
      "connections-max", "connections in all", "100000", {1, 10'000'000},
      [](o & to) -> auto& { return to.net.limits.connections_max; }));
  add(count_setting(
      "connections-per-address-max", "connections of one address", "20000", {1, 10'000'000},
      [](o & to) -> auto& { return to.net.limits.connections_per_address_max; }));
  add(count_setting(
      "handshakes-max", "connections that have not sent a request yet", "1024", {1, 1'000'000},
      [](o & to) -> auto& { return to.net.limits.handshakes_max; }));
  add(bytes_setting(
      "frame-bytes-max", "one message of a client; a larger one closes with 1009", "32MiB", {kib, 256 * mib},
      [](o & to) -> auto& { return to.net.limits.frame_bytes_max; }));
  add(bytes_setting(
      "reading-bytes-max", "of all clients' messages that have come in part; beyond it one more is closed with 1013",
      "256MiB", {mib, tib}, [](o & to) -> auto& { return to.net.limits.reading_bytes_max; }));
  add(bytes_setting(
      "window-bytes", "of a client's messages that are not answered; then it is not listened to", "1MiB", {kib, gib},
      [](o & to) -> auto& { return to.net.limits.window_bytes; }));
  add(bytes_setting(
      "send-queue-bytes-max", "for a slow client; beyond it it gets a difference later", "1MiB", {kib, gib},
      [](o & to) -> auto& { return to.net.limits.send_queue_bytes_max; }));
  add(count_setting(
      "messages-per-second", "of one client on average; beyond it it is not listened to", "2000", {1, 1'000'000'000},
      [](o & to) -> auto& { return to.net.limits.messages_per_s; }));
  add(count_setting(
      "messages-burst", "that one client may send at once", "10000", {1, 1'000'000'000},
      [](o & to) -> auto& { return to.net.limits.messages_burst; }));
  add(count_setting(
      "bad-messages-max", "malformed messages of one client before it is closed", "10", {1, 1'000'000},
      [](o & to) -> auto& { return to.net.limits.bad_messages_max; }));
  add(bytes_setting(
      "pending-bytes-max", "of a document's edits that wait for others which have not come", "16MiB", {kib, gib},
      [](o & to) -> auto& { return to.node.document.pending_bytes_max; }));
  add(bytes_setting(
      "document-bytes-max", "memory of one document; beyond it only deletes are taken", "256MiB", {mib, tib},
      [](o & to) -> auto& { return to.node.document.content_bytes_max; }));
  add(count_setting(
      "presence-states-max", "of a document", "2000", {1, 1'000'000},
      [](o & to) -> auto& { return to.node.document.presence.states_max; }));
  add(count_setting(
      "presence-states-per-connection-max", "client ids that one connection announces", "16", {1, 1'000'000},
      [](o & to) -> auto& { return to.node.document.presence.states_per_session_max; }));
  add(bytes_setting(
      "presence-state-bytes-max", "of one presence state", "8KiB", {64, mib},
      [](o & to) -> auto& { return to.node.document.presence.state_bytes_max; }));
  add(duration_setting(
      "presence-expiry", "a presence state that is not renewed goes after this", "32s", {16 * second_ms, hour_ms},
      [](o & to) -> auto& { return to.node.document.presence.expiry_ms; }));
  add(duration_setting(
      "presence-interval", "presence changes are gathered for so long", "25ms", {0, 10 * second_ms},
      [](o & to) -> auto& { return to.node.document.presence.interval_ms; }));
  add(duration_setting(
      "handshake-timeout", "for TLS, a request, an upgrade, a closing handshake", "15s", {second_ms, 10 * minute_ms},
      [](o & to) -> auto& { return to.net.limits.handshake_timeout_ms; }));
  add(duration_setting(
      "connection-idle-timeout", "a connection without any sign of life is closed", "75s", {5 * second_ms, day_ms},
      [](o & to) -> auto& { return to.net.limits.idle_timeout_ms; }));
  add(duration_setting(
      "keepalive", "a data frame goes to each client at least so often; Yjs clients leave after 30s without", "20s",
      {second_ms, hour_ms}, [](o & to) -> auto& { return to.net.limits.keepalive_ms; }));
  add(duration_setting(
      "send-timeout", "a client that takes not a byte for so long is closed", "60s", {second_ms, day_ms},
      [](o & to) -> auto& { return to.net.limits.send_timeout_ms; }));
  add(duration_setting(
      "drain-time", "over which the sockets of a node that is drained are closed, one after the other", "30s",
      {100, day_ms}, [](o & to) -> auto& { return to.net.limits.drain_ms; }));
  add(flag_setting(
      "compression", "offer permessage-deflate: less traffic, more CPU and memory a connection",
      [](o & to) -> auto& { return to.net.compression; }));
  // --- the process ---
  add(count_setting(
      "worker-threads", "threads that run documents", "the CPUs that the process may use", {1, 1024},
      [](o & to) -> auto& { return to.worker_threads; }));
  add(count_setting(
      "io-threads", "threads that run sockets", "half of those", {1, 1024},
      [](o & to) -> auto& { return to.io_threads; }));
  add(duration_setting(
      "stop-timeout", "for a stop in good order", "10s", {0, hour_ms},
      [](o & to) -> auto& { return to.stop_timeout_ms; }));
  add({"log-level", "LEVEL", "error, warn, info, debug or trace", "info", "",
       [](o& to, std::string_view text) -> result<void> {
         for (auto known : {"error", "warn", "info", "debug", "trace"})
           if (text == known) {
             to.log.level = text;
             return {};
           }
         return invalid("error, warn, info, debug or trace is needed");
       }});
  add(flag_setting(
      "log-json", "log one JSON object a line", [](o & to) -> auto& { return to.log.json; }));
  return all;
}

}  // namespace

const std::vector<setting>& all_settings() {
  static const auto all = make_settings();
  return all;
}

std::string help_text(const setting& one) {
  if (one.usual.empty()) return one.help;
  return one.help + " (" + one.usual + (one.range.empty() ? "" : "; " + one.range) + ')';
}

result<std::uint64_t> parse_bytes(std::string_view text) {
  auto number = split_number(text);
  constexpr auto hint = "a size is needed, such as 65536, 512KiB, 4MiB or 1GiB";
  if (!number) return invalid(hint);
  auto [value, unit] = *number;
  auto shift = unit.empty() || unit == "B" ? 0 : unit == "KiB" ? 10 : unit == "MiB" ? 20 : unit == "GiB" ? 30 : -1;
  if (shift < 0 || value > (std::uint64_t{1} << 62) >> shift) return invalid(hint);
  return value << shift;
}

result<std::int64_t> parse_duration_ms(std::string_view text) {
  auto number = split_number(text);
  constexpr auto hint = "a time is needed, such as 250ms, 20s, 5min, 12h or 7d";
  if (!number) return invalid(hint);
  auto [value, unit] = *number;
  auto factor = std::uint64_t{0};
  if (unit == "ms") factor = 1;
  if (unit == "s") factor = 1'000;
  if (unit == "min") factor = 60'000;
  if (unit == "h") factor = 3'600'000;
  if (unit == "d") factor = 86'400'000;
  if (unit.empty() && value == 0) factor = 1;
  constexpr auto duration_ms_max = std::uint64_t{100} * 365 * 86'400'000;
  if (factor == 0 || value > duration_ms_max / factor) return invalid(hint);
  return static_cast<std::int64_t>(value * factor);
}

}  // namespace octavo::app
