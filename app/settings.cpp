#include "app/settings.hpp"

#include <toml++/toml.h>
#include <algorithm>
#include <charconv>
#include <numeric>

namespace octavo::app {

namespace {

tl::unexpected<error> invalid(std::string message) {
  return fail(errc::invalid_argument, std::move(message));
}

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

// Makers of settings: one for each kind of value.

template <class Get>
setting bytes_setting(std::string name, std::string help, Get get) {
  return {std::move(name), "SIZE", std::move(help), [get](serve_options& to, std::string_view text) -> result<void> {
            auto value = parse_bytes(text);
            if (!value) return tl::unexpected{value.error()};
            get(to) = *value;
            return {};
          }};
}

template <class Get>
setting duration_setting(std::string name, std::string help, Get get) {
  return {std::move(name), "TIME", std::move(help), [get](serve_options& to, std::string_view text) -> result<void> {
            auto value = parse_duration_ms(text);
            if (!value) return tl::unexpected{value.error()};
            get(to) = std::remove_reference_t<decltype(get(to))>(*value);
            return {};
          }};
}

template <class Get>
setting count_setting(std::string name, std::string help, std::uint64_t min, Get get) {
  return {std::move(name), "N", std::move(help), [get, min](serve_options& to, std::string_view text) -> result<void> {
            auto value = parse_count(text);
            if (!value) return tl::unexpected{value.error()};
            if (*value < min) return invalid("at least " + std::to_string(min) + " is needed");
            get(to) = *value;
            return {};
          }};
}

template <class Get>
setting flag_setting(std::string name, std::string help, Get get) {
  return {std::move(name), "", std::move(help), [get](serve_options& to, std::string_view text) -> result<void> {
            auto value = parse_switch(text);
            if (!value) return tl::unexpected{value.error()};
            get(to) = *value;
            return {};
          }};
}

template <class Get>
setting text_setting(std::string name, std::string placeholder, std::string help, Get get) {
  return {std::move(name), std::move(placeholder), std::move(help),
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
  add({"listen", "HOST:PORT", "where to listen (127.0.0.1:8080)",
       [](o& to, std::string_view text) { return parse_listen(to.net, text); }});
  add(text_setting(
      "data", "DIR", "the folder of the store (./data)", [](o & to) -> auto& { return to.store.path; }));
  add(text_setting(
      "web", "DIR", "the folder of the built page (beside the program)",
      [](o & to) -> auto& { return to.net.web_root; }));
  add(text_setting(
      "node", "NAME", "this node's name, shown by the page and the API (the host's name)",
      [](o & to) -> auto& { return to.net.node_name; }));
  // --- who ---
  add(text_setting(
      "secret-file", "FILE", "clients need tokens signed with this secret (see: octavo token)",
      [](o & to) -> auto& { return to.secret_file; }));
  add(flag_setting(
      "open", "let everybody read and write, also beyond loopback", [](o & to) -> auto& { return to.open; }));
  add({"allow-origin", "ORIGIN", "pages of this origin may connect, such as https://notes.example; may be repeated",
       [](o& to, std::string_view text) -> result<void> {
         if (text != "*" && text.find("://") == std::string_view::npos)
           return invalid("an origin is needed, such as https://notes.example");
         to.net.allowed_origins.emplace_back(text);
         return {};
       }});
  add(text_setting(
      "tls-cert", "FILE", "serve TLS with this certificate (PEM, with its chain)",
      [](o & to) -> auto& { return to.net.tls.certificate; }));
  add(text_setting(
      "tls-key", "FILE", "the certificate's key (PEM)", [](o & to) -> auto& { return to.net.tls.key; }));
  // --- durability ---
  add({"sync", "MODE", "when edits reach the disk: always (before they are acknowledged), interval, os (always)",
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
      "sync-interval", "with --sync interval: what a power cut may take (100ms)",
      [](o & to) -> auto& { return to.store.interval_ms; }));
  add(duration_setting(
      "retention", "how long a document's log is kept once a snapshot covers it (0s)",
      [](o & to) -> auto& { return to.store.retention_ms; }));
  add(bytes_setting(
      "min-free-space", "below this much free disk edits are refused (64MiB)",
      [](o & to) -> auto& { return to.store.min_free_bytes; }));
  add(bytes_setting(
      "reserve-space", "a file that gives way, so that a start is possible on a full disk; 0 is none (40MiB)",
      [](o & to) -> auto& { return to.store.reserve_bytes; }));
  add(count_setting(
      "snapshot-records", "edits after which a snapshot is written (2000)", 1,
      [](o & to) -> auto& { return to.node.document.snapshot_after_records; }));
  add(bytes_setting(
      "snapshot-bytes", "bytes of edits after which a snapshot is written (4MiB)",
      [](o & to) -> auto& { return to.node.document.snapshot_after_bytes; }));
  // --- memory ---
  add(bytes_setting(
      "memory-budget", "of open documents together; beyond it idle ones leave at once, and no more are opened (512MiB)",
      [](o & to) -> auto& { return to.node.memory_budget_bytes; }));
  add(duration_setting(
      "idle-timeout", "a document that nobody has open leaves memory after this (2min)",
      [](o & to) -> auto& { return to.node.document.idle_timeout_ms; }));
  add(count_setting(
      "open-documents-max", "documents in memory (200000)", 1,
      [](o & to) -> auto& { return to.node.open_documents_max; }));
  add(bytes_setting(
      "block-cache", "the store's cache (16MiB)", [](o & to) -> auto& { return to.store.block_cache_bytes; }));
  add(count_setting(
      "loaders", "documents that are read from the store at once (2)", 1,
      [](o & to) -> auto& { return to.node.loaders; }));
  // --- clients ---
  add(count_setting(
      "connections-max", "connections in all (100000)", 1,
      [](o & to) -> auto& { return to.net.limits.connections_max; }));
  add(count_setting(
      "connections-per-address-max", "connections of one address (20000)", 1,
      [](o & to) -> auto& { return to.net.limits.connections_per_address_max; }));
  add(count_setting(
      "handshakes-max", "connections that have not sent a request yet (1024)", 1,
      [](o & to) -> auto& { return to.net.limits.handshakes_max; }));
  add(bytes_setting(
      "frame-bytes-max", "one message of a client; a larger one closes with 1009 (32MiB)",
      [](o & to) -> auto& { return to.net.limits.frame_bytes_max; }));
  add(bytes_setting(
      "window-bytes", "of a client's messages that are not answered; then it is not listened to (1MiB)",
      [](o & to) -> auto& { return to.net.limits.window_bytes; }));
  add(bytes_setting(
      "send-queue-bytes-max", "for a slow client; beyond it it gets a difference later (1MiB)",
      [](o & to) -> auto& { return to.net.limits.send_queue_bytes_max; }));
  add(count_setting(
      "messages-per-second", "of one client on average; beyond it it is not listened to (2000)", 1,
      [](o & to) -> auto& { return to.net.limits.messages_per_s; }));
  add(count_setting(
      "messages-burst", "that one client may send at once (10000)", 1,
      [](o & to) -> auto& { return to.net.limits.messages_burst; }));
  add(count_setting(
      "bad-messages-max", "malformed messages of one client before it is closed (10)", 1,
      [](o & to) -> auto& { return to.net.limits.bad_messages_max; }));
  add(bytes_setting(
      "pending-bytes-max", "of a document's edits that wait for others which have not come (16MiB)",
      [](o & to) -> auto& { return to.node.document.pending_bytes_max; }));
  add(bytes_setting(
      "document-bytes-max", "memory of one document; beyond it only deletes are taken (256MiB)",
      [](o & to) -> auto& { return to.node.document.content_bytes_max; }));
  add(count_setting(
      "presence-states-max", "of a document (2000)", 1,
      [](o & to) -> auto& { return to.node.document.presence.states_max; }));
  add(count_setting(
      "presence-states-per-connection-max", "client ids that one connection announces (16)", 1,
      [](o & to) -> auto& { return to.node.document.presence.states_per_session_max; }));
  add(bytes_setting(
      "presence-state-bytes-max", "of one presence state (8KiB)",
      [](o & to) -> auto& { return to.node.document.presence.state_bytes_max; }));
  add(duration_setting(
      "presence-expiry", "a presence state that is not renewed goes after this (32s)",
      [](o & to) -> auto& { return to.node.document.presence.expiry_ms; }));
  add(duration_setting(
      "presence-interval", "presence changes are gathered for so long (25ms)",
      [](o & to) -> auto& { return to.node.document.presence.interval_ms; }));
  add(duration_setting(
      "handshake-timeout", "for TLS, a request, an upgrade, a closing handshake (15s)",
      [](o & to) -> auto& { return to.net.limits.handshake_timeout_ms; }));
  add(duration_setting(
      "connection-idle-timeout", "a connection without any sign of life is closed (75s)",
      [](o & to) -> auto& { return to.net.limits.idle_timeout_ms; }));
  add(duration_setting(
      "keepalive", "a data frame goes to each client at least so often (20s)",
      [](o & to) -> auto& { return to.net.limits.keepalive_ms; }));
  add(duration_setting(
      "send-timeout", "a client that takes not a byte for so long is closed (60s)",
      [](o & to) -> auto& { return to.net.limits.send_timeout_ms; }));
  add(flag_setting(
      "compression", "offer permessage-deflate: less traffic, more CPU and memory a connection",
      [](o & to) -> auto& { return to.net.compression; }));
  // --- the process ---
  add(count_setting(
      "worker-threads", "threads that run documents (the CPUs that the process may use)", 1,
      [](o & to) -> auto& { return to.worker_threads; }));
  add(count_setting(
      "io-threads", "threads that run sockets (half of those)", 1, [](o & to) -> auto& { return to.io_threads; }));
  add(duration_setting(
      "stop-timeout", "for a stop in good order (10s)", [](o & to) -> auto& { return to.stop_timeout_ms; }));
  add({"log-level", "LEVEL", "error, warn, info, debug or trace (info)",
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

std::vector<std::string> setting_names() {
  auto names = std::vector<std::string>{};
  for (const auto& one : all_settings()) names.push_back(one.name);
  return names;
}

/// Levenshtein's distance, by rows.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  auto row = std::vector<std::size_t>(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (auto i = std::size_t{1}; i <= a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i);
    for (auto j = std::size_t{1}; j <= b.size(); ++j) {
      auto above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

std::string unknown_setting(std::string_view name) {
  auto message = "there is no setting '" + std::string{name} + "'";
  if (auto meant = did_you_mean(name, setting_names()); !meant.empty()) message += "; did you mean '" + meant + "'?";
  return message;
}

}  // namespace

const std::vector<setting>& all_settings() {
  static const auto all = make_settings();
  return all;
}

std::string did_you_mean(std::string_view wrong, const std::vector<std::string>& known) {
  auto best = std::string{};
  auto best_distance = std::max<std::size_t>(2, wrong.size() / 3) + 1;
  for (const auto& one : known) {
    auto distance = edit_distance(wrong, one);
    if (distance >= best_distance) continue;
    best_distance = distance;
    best = one;
  }
  return best;
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

result<void> apply_setting(serve_options& to, std::string_view name, std::string_view value) {
  for (const auto& one : all_settings()) {
    if (one.name != name) continue;
    auto applied = one.apply(to, value);
    if (!applied)
      return invalid(std::string{name} + ": '" + std::string{value} + "' cannot be meant: " + applied.error().message);
    return {};
  }
  return invalid(unknown_setting(name));
}

result<void> apply_file(serve_options& to, const std::filesystem::path& file) {
  auto failed = std::error_code{};
  if (!std::filesystem::is_regular_file(file, failed))
    return fail(errc::not_found, "the configuration file " + file.string() + " does not exist");
  auto place = [&file](const toml::source_region& region) {
    return file.string() + ':' + std::to_string(region.begin.line) + ':' + std::to_string(region.begin.column) + ": ";
  };
  auto table = toml::table{};
  try {
    table = toml::parse_file(file.string());
  } catch (const toml::parse_error& wrong) {
    return invalid(place(wrong.source()) + std::string{wrong.description()});
  }
  for (const auto& [key, node] : table) {
    auto name = std::string{key.str()};
    const auto& at = key.source();
    std::ranges::replace(name, '_', '-');
    auto apply_one = [&](const toml::node& value) -> result<void> {
      auto text = std::string{};
      if (auto string = value.value_exact<std::string>())
        text = *string;
      else if (auto number = value.value_exact<std::int64_t>())
        text = std::to_string(*number);
      else if (auto flag = value.value_exact<bool>())
        text = *flag ? "true" : "false";
      else
        return invalid(place(value.source()) + name + " must be a text, a number, true or false");
      auto applied = apply_setting(to, name, text);
      if (!applied) return invalid(place(at) + applied.error().message);
      return {};
    };
    if (const auto* list = node.as_array()) {
      for (const auto& value : *list)
        if (auto applied = apply_one(value); !applied) return applied;
    } else if (auto applied = apply_one(node); !applied) {
      return applied;
    }
  }
  return {};
}

result<void> apply_environment(serve_options& to, char** environment) {
  constexpr auto prefix = std::string_view{"OCTAVO_"};
  const auto known = setting_names();
  for (auto** entry = environment; entry != nullptr && *entry != nullptr; ++entry) {
    auto text = std::string_view{*entry};
    auto equals = text.find('=');
    if (!text.starts_with(prefix) || equals == std::string_view::npos) continue;
    auto name = std::string{text.substr(prefix.size(), equals - prefix.size())};
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return c == '_' ? '-' : std::tolower(c); });
    // These are not the server's: OCTAVO_CACHE is the setup script's, and the rest that of tests and tools.
    if (std::ranges::find(known, name) == known.end()) continue;
    if (auto applied = apply_setting(to, name, text.substr(equals + 1)); !applied)
      return invalid("environment variable " + std::string{text.substr(0, equals)} + ": " + applied.error().message);
  }
  return {};
}

}  // namespace octavo::app
