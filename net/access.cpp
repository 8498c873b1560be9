#include "net/access.hpp"

#include <jwt.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>

#include "crdt/utf8.hpp"
#include "net/text.hpp"

namespace octavo::net {

namespace {

struct jwt_deleter {
  void operator()(jwt_t* token) const { jwt_free(token); }
};
using jwt_ptr = std::unique_ptr<jwt_t, jwt_deleter>;

struct jwt_text_deleter {
  void operator()(char* text) const { std::free(text); }  // the library says malloc
};
using jwt_text = std::unique_ptr<char, jwt_text_deleter>;

std::string text_grant(jwt_t* token, const char* name) {
  const auto* value = jwt_get_grant(token, name);
  return value == nullptr ? std::string{} : std::string{value};
}

/// `doc` is one name or a list of names.
std::vector<std::string> documents_of(jwt_t* token) {
  auto result = std::vector<std::string>{};
  auto json = jwt_text{jwt_get_grants_json(token, "doc")};
  if (!json) return result;
  auto failed = boost::system::error_code{};
  auto value = boost::json::parse(json.get(), failed);
  if (failed) return result;
  if (const auto* one = value.if_string()) result.emplace_back(one->c_str(), one->size());
  if (const auto* many = value.if_array())
    for (const auto& entry : *many)
      if (const auto* name = entry.if_string()) result.emplace_back(name->c_str(), name->size());
  return result;
}

}  // namespace

bool token_claims::covers(std::string_view document) const {
  return std::ranges::any_of(documents,
                             [&](std::string_view pattern) { return name_pattern{pattern}.covers(document); });
}

result<std::string> read_secret(const std::filesystem::path& file) {
  auto in = std::ifstream{file, std::ios::binary};
  if (!in) return fail(errc::not_found, "the secret file " + file.string() + " cannot be read");
  auto text = std::ostringstream{};
  text << in.rdbuf();
  auto secret = std::move(text).str();
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  if (secret.size() < secret_bytes_min)
    return fail(errc::invalid_argument, "the secret in " + file.string() + " has " + std::to_string(secret.size()) +
                                            " bytes; at least " + std::to_string(secret_bytes_min) +
                                            " are needed (make one with: openssl rand -hex 32)");
  return secret;
}

bool is_readable_by_others(const std::filesystem::path& file) {
  using std::filesystem::perms;
  auto failed = std::error_code{};
  auto allowed = std::filesystem::status(file, failed).permissions();
  return !failed && (allowed & perms::others_read) != perms::none;
}

result<std::string> make_token(const token_claims& claims, const std::string& secret, std::int64_t now_s) {
  if (claims.documents.empty())
    return fail(errc::invalid_argument, "a token needs a document (or `*` for all of them)");
  for (const auto& each : claims.documents) {
    auto pattern = name_pattern{each};
    if (pattern.is_prefix && pattern.name.empty()) continue;
    if (auto why = unreachable_because(pattern.name); !why.empty())
      return fail(errc::invalid_argument, "a token for this would open nothing: " + why);
  }
  if (claims.user.size() > user_bytes_max)
    return fail(errc::invalid_argument, "the user's name is longer than " + std::to_string(user_bytes_max) + " bytes");
  if (!crdt::is_utf8(claims.user)) return fail(errc::invalid_argument, "the user's name is not valid UTF-8");
  if (claims.expires_s <= now_s) return fail(errc::invalid_argument, "the token would have expired already");
  jwt_t* raw = nullptr;
  if (jwt_new(&raw) != 0) return fail(errc::internal, "cannot make a token");
  auto token = jwt_ptr{raw};
  auto grants = boost::json::object{};
  if (claims.documents.size() == 1)
    grants["doc"] = claims.documents.front();
  else
    grants["doc"] = boost::json::value_from(claims.documents);
  grants["access"] = claims.may_write ? "write" : "read";
  if (!claims.user.empty()) grants["sub"] = claims.user;
  grants["iat"] = now_s;
  grants["exp"] = claims.expires_s;
  const auto* key = reinterpret_cast<const unsigned char*>(secret.data());
  if (jwt_add_grants_json(token.get(), boost::json::serialize(grants).c_str()) != 0 ||
      jwt_set_alg(token.get(), JWT_ALG_HS256, key, static_cast<int>(secret.size())) != 0)
    return fail(errc::internal, "cannot make a token");
  auto text = jwt_text{jwt_encode_str(token.get())};
  if (!text) return fail(errc::internal, "cannot sign a token");
  auto signed_token = std::string{text.get()};
  if (signed_token.size() > token_bytes_max)
    return fail(errc::invalid_argument, "the token would have " + std::to_string(signed_token.size()) +
                                            " bytes, and a server takes " + std::to_string(token_bytes_max) +
                                            ": name fewer documents, or what they begin with (notes/*)");
  return signed_token;
}

result<token_claims> check_token(std::string_view token, const std::string& secret, std::int64_t now_s) {
  if (token.empty()) return fail(errc::unauthenticated, "a token is needed");
  if (token.size() > token_bytes_max) return fail(errc::unauthenticated, "the token is too long");
  jwt_t* raw = nullptr;
  const auto* key = reinterpret_cast<const unsigned char*>(secret.data());
  auto failed = jwt_decode(&raw, std::string{token}.c_str(), key, static_cast<int>(secret.size()));
  auto decoded = jwt_ptr{raw};
  // A token names its own algorithm, "none" among them: only ours counts.
  if (failed != 0 || !decoded || jwt_get_alg(decoded.get()) != JWT_ALG_HS256)
    return fail(errc::unauthenticated, "the token's signature does not verify");
  auto claims = token_claims{};
  claims.expires_s = jwt_get_grant_int(decoded.get(), "exp");
  if (claims.expires_s <= 0) return fail(errc::unauthenticated, "the token has no expiry (exp)");
  if (claims.expires_s <= now_s) return fail(errc::unauthenticated, "the token has expired");
  if (auto not_before = jwt_get_grant_int(decoded.get(), "nbf"); not_before > now_s)
    return fail(errc::unauthenticated, "the token is not valid yet");
  auto access = text_grant(decoded.get(), "access");
  if (access != "read" && access != "write")
    return fail(errc::unauthenticated, "the token's access is neither read nor write");
  claims.may_write = access == "write";
  claims.user = text_grant(decoded.get(), "sub");
  if (claims.user.size() > user_bytes_max) return fail(errc::unauthenticated, "the token's user (sub) is too long");
  claims.documents = documents_of(decoded.get());
  if (claims.documents.empty()) return fail(errc::unauthenticated, "the token names no document (doc)");
  return claims;
}

result<grant> access_policy::check(std::string_view token, std::string_view document, std::int64_t now_s) const {
  if (is_open()) return grant{};
  auto claims = check_token(token, secret_, now_s);
  if (!claims) return tl::unexpected{claims.error()};
  if (!claims->covers(document)) return fail(errc::forbidden, "the token is not for this document");
  return grant{{claims->user, claims->may_write}, claims->expires_s};
}

result<token_claims> access_policy::check(std::string_view token, std::int64_t now_s) const {
  if (is_open()) return token_claims{{"*"}, true, {}, 0};
  return check_token(token, secret_, now_s);
}

bool is_loopback_host(std::string_view host) {
  if (host.starts_with('[')) {
    auto end = host.find(']');
    if (end == std::string_view::npos) return false;
    host = host.substr(1, end - 1);
  } else if (std::ranges::count(host, ':') == 1) {
    host = host.substr(0, host.find(':'));
  }
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  auto failed = boost::system::error_code{};
  auto address = boost::asio::ip::make_address(std::string{host}, failed);
  return !failed && address.is_loopback();
}

bool origin_allowed(std::string_view origin, std::string_view host, bool loopback_only,
                    const std::vector<std::string>& allowed) {
  if (origin.empty()) return true;
  if (std::ranges::any_of(allowed, [&](const std::string& one) { return one == origin || one == "*"; })) return true;
  auto authority = origin_authority(origin);
  if (authority.empty()) return false;  // "null" of a sandboxed page or a file, among others
  // On loopback the Host header proves nothing: a page of any site can have its own name lead here.
  if (loopback_only) return is_loopback_host(authority) && is_loopback_host(host);
  return !host.empty() && authority == host;
}

}  // namespace octavo::net
