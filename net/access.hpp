// Who may do what: tokens and the Origin of browsers. Tokens are JWT, signed with HS256; a library checks the
// signature, and the algorithm is ours to choose and not the token's. Pure but for the secret file; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/session.hpp"
#include "storage/result.hpp"

namespace octavo::net {

/// What a token's times are held against: seconds since 1970.
inline std::int64_t unix_now_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Documents as a token names them: one, or with a `*` at the end all whose names begin so.
struct name_pattern {
  explicit name_pattern(std::string_view text)
      : name(text.ends_with('*') ? text.substr(0, text.size() - 1) : text), is_prefix(text.ends_with('*')) {}
  bool covers(std::string_view document) const { return is_prefix ? document.starts_with(name) : document == name; }

  std::string_view name;  ///< of the document, or what all their names begin with
  bool is_prefix;
};

/// What a token says.
struct token_claims {
  std::vector<std::string> documents;  ///< each a name_pattern
  bool may_write = false;
  std::string user;
  std::int64_t expires_s = 0;  ///< seconds since the Unix epoch

  bool covers(std::string_view document) const;
};

/// The shortest secret that is accepted: as long as HS256's own output (RFC 7518, 3.2).
inline constexpr std::size_t secret_bytes_min = 32;
/// A user's name in a token may be this long.
inline constexpr std::size_t user_bytes_max = 256;
/// A longer token is not looked at.
inline constexpr std::size_t token_bytes_max = 8U << 10;
/// A longer one is not taken for the page's cookie. Browsers promise room for 4096 bytes of a cookie with its name and
/// attributes (RFC 6265, 6.1), and drop a larger one without a word.
inline constexpr std::size_t cookie_token_bytes_max = 4000;

/// Reads a secret file: its bytes without trailing newlines. errc::not_found, io_error, invalid_argument (too short).
result<std::string> read_secret(const std::filesystem::path& file);
/// Whether other users of this machine may read a file, and so sign tokens with what is in it.
bool is_readable_by_others(const std::filesystem::path& file);

/// Signs claims. errc::invalid_argument for claims that could not be used: what no address leads to, a name that is no
/// text, an expiry that is past, more than token_bytes_max. errc::internal.
result<std::string> make_token(const token_claims& claims, const std::string& secret, std::int64_t now_s);

/// Checks signature and expiry. errc::unauthenticated with what is wrong.
result<token_claims> check_token(std::string_view token, const std::string& secret, std::int64_t now_s);

/// What a connection may do, and until when.
struct grant {
  actors::client_identity who;
  std::int64_t expires_s = 0;  ///< 0: never
};

/// The node's policy: open to all, or by token.
class access_policy {
 public:
  /// Everybody may read and write everything.
  static access_policy open() { return access_policy{{}}; }
  static access_policy by_token(std::string secret) { return access_policy{std::move(secret)}; }

  bool is_open() const { return secret_.empty(); }

  /// errc::unauthenticated without a valid token, errc::forbidden with one that is for other documents.
  result<grant> check(std::string_view token, std::string_view document, std::int64_t now_s) const;
  /// The claims of a valid token, whatever it is for; nothing is required while open.
  result<token_claims> check(std::string_view token, std::int64_t now_s) const;

 private:
  explicit access_policy(std::string secret) : secret_(std::move(secret)) {}
  std::string secret_;
};

/// Whether a browser page of this origin may use a server that was reached under `host` (the Host header). Programs
/// send no Origin and are not asked. `loopback_only`: the server listens on loopback, where development servers of
/// other ports are welcome and pages of the internet are not.
bool origin_allowed(std::string_view origin, std::string_view host, bool loopback_only,
                    const std::vector<std::string>& allowed);

/// Whether a host name or address (with or without port or brackets) is this machine's loopback.
bool is_loopback_host(std::string_view host);

}  // namespace octavo::net
