// Every setting of `octavo serve`, in one table: its name, what it does, how its text is read. The command line
// (--frame-bytes-max), the environment (OCTAVO_FRAME_BYTES_MAX) and the configuration file (frame-bytes-max = "32MiB")
// all go through it, in rising order of precedence: file, environment, command line. The table is in settings.cpp, what
// reads from these three in settings_sources.cpp.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/options.hpp"
#include "cluster/peer_certs.hpp"
#include "net/options.hpp"
#include "storage/result.hpp"
#include "storage/store.hpp"

namespace octavo::app {

/// What a setting that cannot be meant is answered with.
inline tl::unexpected<error> invalid(std::string message) {
  return fail(errc::invalid_argument, std::move(message));
}

struct log_options {
  std::string level = "info";
  bool json = false;
};

struct cluster_options {
  std::string url;  ///< of etcd; empty: the node is alone
  std::string peer_listen;
  cluster::peer_tls_options peer_tls;
  std::uint32_t shards = 1'024;  ///< of a cluster that is made
  std::uint32_t replicas = 3;
  std::int64_t replace_after_ms = 300'000;
  std::int64_t keep_copies_ms = 600'000;
  std::int64_t balance_interval_ms = 10'000;  ///< 0: nothing is moved for its load
  std::uint32_t balance_busy_percent = 50;
  std::int64_t clock_skew_ms_max = 10'000;  ///< of the machine's clock and etcd's
};

struct serve_options {
  net::net_options net;
  actors::node_options node;
  /// So much of the log that what a client saw a moment ago can still be edited and compared.
  storage::store_options store{.retention_ms = std::chrono::minutes{10}, .scrub_interval_ms = std::chrono::hours{168}};
  log_options log;
  cluster_options cluster;
  std::filesystem::path secret_file;
  bool open = false;
  std::size_t worker_threads = 0;  ///< 0: as many as the CPUs that the process may use
  std::size_t io_threads = 0;      ///< 0: half of them
  std::int64_t stop_timeout_ms = 10'000;
};

struct setting {
  std::string name;         ///< as on the command line, without the dashes
  std::string placeholder;  ///< in the help, such as HOST:PORT; empty for a flag
  std::string help;
  std::string usual;  ///< what holds where it is not given; empty: nothing, or off
  std::string range;  ///< "1KiB to 256MiB"; empty where it is no number
  std::function<result<void>(serve_options&, std::string_view)> apply;
  bool adds_up = false;  ///< may be given more than once, and all of them hold
};

const std::vector<setting>& all_settings();

/// The help with what is usual and possible: "one message of a client (32MiB; 1KiB to 256MiB)".
std::string help_text(const setting& one);

/// Applies one setting. errc::invalid_argument names the setting, the value and what would be right.
result<void> apply_setting(serve_options& to, std::string_view name, std::string_view value);

/// Reads a TOML file of settings. errc::not_found, io_error, invalid_argument with line and column; a key that does not
/// exist is an error that says which one was probably meant. What is not wrong is applied all the same.
result<void> apply_file(serve_options& to, const std::filesystem::path& file);

/// Applies OCTAVO_… variables that name settings; others of that prefix belong to scripts. What is not wrong is applied
/// all the same.
result<void> apply_environment(serve_options& to, char** environment);

/// The name most like `wrong` among `known`, if any is alike at all.
std::string did_you_mean(std::string_view wrong, const std::vector<std::string>& known);

/// "512KiB", "4MiB", "1GiB", "65536".
result<std::uint64_t> parse_bytes(std::string_view text);
/// "250ms", "20s", "5min", "12h", "7d", to milliseconds.
result<std::int64_t> parse_duration_ms(std::string_view text);

}  // namespace octavo::app
