#include "net/routes.hpp"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <map>

#include "net/logger.hpp"
#include "net/text.hpp"
#include "net/version.hpp"

namespace octavo::net {

namespace http = boost::beast::http;
namespace json = boost::json;

namespace {

constexpr std::string_view token_cookie = "octavo_token";
/// As many documents are listed at once at the most.
constexpr std::size_t listing_max = 500;
constexpr std::size_t listing_default = 100;

/// The page may load its own files and talk to its own server, and nothing else; nothing in it is inline.
constexpr std::string_view content_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

http::message_generator respond(const http_request& request, http::status status, std::string body,
                                std::string_view type) {
  auto response = http::response<http::string_body>{status, request.version()};
  response.set(http::field::content_type, type);
  response.set(http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  response.keep_alive(request.keep_alive());
  if (request.method() != http::verb::head) response.body() = std::move(body);
  response.prepare_payload();
  return response;
}

http::message_generator respond(const http_request& request, http::status status, const json::value& body) {
  return respond(request, status, json::serialize(body) + '\n', "application/json");
}

http::message_generator respond_error(const http_request& request, http::status status, std::string_view message) {
  return respond(request, status, error_body(message), "application/json");
}

http::status status_of(errc code) {
  switch (code) {
    case errc::unauthenticated:
      return http::status::unauthorized;
    case errc::forbidden:
      return http::status::forbidden;
    case errc::not_found:
      return http::status::not_found;
    case errc::invalid_argument:
    case errc::malformed:
      return http::status::bad_request;
    case errc::limit_exceeded:
      return http::status::payload_too_large;
    case errc::unavailable:
    case errc::no_space:
      return http::status::service_unavailable;
    default:
      return http::status::internal_server_error;
  }
}

/// The path and the query of a request's target, still encoded.
std::pair<std::string_view, std::string_view> split_target(const http_request& request) {
  auto target = view(request.target());
  auto mark = target.find('?');
  if (mark == std::string_view::npos) return {target, {}};
  return {target.substr(0, mark), target.substr(mark + 1)};
}

std::string cookie_of(const http_request& request, std::string_view name) {
  auto cookies = view(request[http::field::cookie]);
  while (!cookies.empty()) {
    auto end = cookies.find(';');
    auto one = cookies.substr(0, end);
    cookies = end == std::string_view::npos ? std::string_view{} : cookies.substr(end + 1);
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=')
      return std::string{one.substr(name.size() + 1)};
  }
  return {};
}

}  // namespace

std::string error_body(std::string_view message) {
  return json::serialize(json::object{{"error", message}}) + '\n';
}

std::string token_of(const http_request& request, std::string_view query) {
  if (auto token = query_parameter(query, "token"); !token.empty()) return token;
  constexpr auto scheme = std::string_view{"Bearer "};
  if (auto header = view(request[http::field::authorization]); header.starts_with(scheme))
    return std::string{header.substr(scheme.size())};
  return cookie_of(request, token_cookie);
}

routes::routes(actors::node& node, const net_options& options, access_policy access, static_files page,
               bool loopback_only)
    : node_(node),
      options_(options),
      access_(std::move(access)),
      page_(std::move(page)),
      loopback_only_(loopback_only) {}

std::string_view routes::refusal(const http_request& request) const {
  auto host = view(request[http::field::host]);
  auto origin = view(request[http::field::origin]);
  if (!origin_allowed(origin, host, loopback_only_, options_.allowed_origins))
    return "this origin is not allowed; start octavo with --allow-origin for it";
  // Without an Origin a page could still read from here under a name of its own that leads to this machine.
  if (loopback_only_ && origin.empty() && !host.empty() && !is_loopback_host(host)) {
    for (const auto& allowed : options_.allowed_origins)
      if (allowed == "*" || allowed.ends_with("://" + std::string{host})) return {};
    return "this host name is not allowed; start octavo with --allow-origin for it";
  }
  return {};
}

result<routes::target> routes::websocket_target(const http_request& request) {
  auto [path, query] = split_target(request);
  while (path.starts_with('/')) path.remove_prefix(1);
  auto decoded = percent_decode(path);
  if (!decoded) return fail(errc::invalid_argument, "the document's name is not well encoded (a stray % sign?)");
  auto name = std::move(*decoded);
  if (name.empty()) return fail(errc::invalid_argument, "the URL names no document: connect to /<document>");
  if (auto why = unreachable_because(name); !why.empty()) return fail(errc::invalid_argument, std::move(why));
  return target{std::move(name), token_of(request, query)};
}

http::message_generator routes::answer(const http_request& request) const {
  auto [path, query] = split_target(request);
  auto method = request.method();
  if (path == "/api/session") return sign_in(request);
  if (method != http::verb::get && method != http::verb::head)
    return respond_error(request, http::status::method_not_allowed, "only GET is answered here");
  if (path == "/healthz") return respond(request, http::status::ok, "ok\n", "text/plain");
  if (path == "/readyz") {
    if (stopping_.load()) return respond(request, http::status::service_unavailable, "stopping\n", "text/plain");
    if (draining_.load()) return respond(request, http::status::service_unavailable, "draining\n", "text/plain");
    if (!node_.writable())
      return respond(request, http::status::service_unavailable, "the disk is full: edits are refused\n", "text/plain");
    return respond(request, http::status::ok, "ready\n", "text/plain");
  }
  if (path == "/metrics") {
    auto connections = static_cast<std::size_t>(node_.counters().sessions_open.load());
    return respond(request, http::status::ok, metrics_text(node_.counters(), connections),
                   "text/plain; version=0.0.4; charset=utf-8");
  }
  if (path == "/api/node")
    return respond(request, http::status::ok,
                   json::object{{"version", version}, {"node", options_.node_name}, {"open", access_.is_open()}});
  if (path == "/api/documents") return documents(request, query);
  if (path == "/api/access") return access_of(request, query);
  if (path == "/api/place") return place_of(request, query);
  if (path.starts_with("/api/"))
    return respond_error(request, http::status::not_found, "there is no such address in this API");
  return page(request, path);
}

http::message_generator routes::documents(const http_request& request, std::string_view query) const {
  auto claims = access_.check(token_of(request, query), unix_now_s());
  if (!claims) return respond_error(request, status_of(claims.error().code), claims.error().message);
  auto limit = listing_default;
  if (auto text = query_parameter(query, "limit"); !text.empty()) {
    auto value = std::size_t{0};
    auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || value == 0)
      return respond_error(request, http::status::bad_request, "limit is a number from 1 to 500");
    limit = std::min(value, listing_max);
  }
  auto listing = covered_documents(*claims, query_parameter(query, "prefix"), query_parameter(query, "after"), limit);
  if (!listing) return respond_error(request, status_of(listing.error().code), listing.error().message);
  auto entries = json::array{};
  for (const auto& one : listing->documents)
    entries.push_back({{"name", one.name},
                       {"seq", one.seq},
                       {"updated_ms", one.updated_ms},
                       {"log_bytes", one.log_bytes},
                       {"quarantined", one.quarantined}});
  json::value next = nullptr;
  if (listing->more && !listing->documents.empty()) next = listing->documents.back().name;
  return respond(request, http::status::ok, json::object{{"documents", std::move(entries)}, {"next", next}});
}

// Each of the token's patterns is a range of names of its own, so that nothing between them is told, not even by where
// a page ends.
result<actors::document_listing> routes::covered_documents(const token_claims& claims, const std::string& prefix,
                                                           const std::string& after, std::size_t limit) const {
  auto found = std::map<std::string, actors::document_summary>{};
  for (const auto& text : claims.documents) {
    auto pattern = name_pattern{text};
    auto is_narrower = pattern.name.starts_with(prefix);
    if (!is_narrower && !(pattern.is_prefix && pattern.covers(prefix))) continue;
    auto range = is_narrower ? std::string{pattern.name} : prefix;
    if (!pattern.is_prefix && range <= after) continue;
    auto page = pattern.is_prefix ? node_.list(range, after, limit + 1) : node_.list(range, {}, 1);
    if (!page) return page;
    for (auto& one : page->documents) {
      if (!pattern.covers(one.name)) continue;
      auto name = one.name;
      found.emplace(std::move(name), std::move(one));
    }
    // More than a page is not needed; the first names are.
    while (found.size() > limit + 1) found.erase(std::prev(found.end()));
  }
  auto listing = actors::document_listing{};
  for (auto& [name, one] : found) {
    if (listing.documents.size() == limit) {
      listing.more = true;
      break;
    }
    listing.documents.push_back(std::move(one));
  }
  return listing;
}

http::message_generator routes::access_of(const http_request& request, std::string_view query) const {
  auto name = query_parameter(query, "doc");
  auto granted = access_.check(token_of(request, query), name, unix_now_s());
  if (!granted)
    return respond(request, http::status::ok,
                   json::object{{"access", "none"},
                                {"user", nullptr},
                                {"signed_in", granted.error().code == errc::forbidden},
                                {"reason", granted.error().message}});
  json::value user = nullptr;
  if (!granted->who.user.empty()) user = granted->who.user;
  return respond(request, http::status::ok,
                 json::object{{"access", granted->who.may_write ? "write" : "read"},
                              {"user", std::move(user)},
                              {"signed_in", !access_.is_open()}});
}

http::message_generator routes::place_of(const http_request& request, std::string_view query) const {
  auto name = query_parameter(query, "doc");
  auto granted = access_.check(token_of(request, query), name, unix_now_s());
  if (!granted) return respond_error(request, status_of(granted.error().code), granted.error().message);
  if (!options_.place)
    return respond(request, http::status::ok,
                   json::object{{"node", options_.node_name}, {"owner", options_.node_name}, {"shard", nullptr}});
  auto place = options_.place(name);
  auto owner = place.owner.empty() ? json::value(nullptr) : json::value(place.owner);
  return respond(request, http::status::ok,
                 json::object{{"node", options_.node_name}, {"owner", std::move(owner)}, {"shard", place.shard}});
}

// The page gives its token once and gets a cookie that no script can read.
http::message_generator routes::sign_in(const http_request& request) const {
  auto cookie = std::string{token_cookie};
  auto attributes = std::string{"; Path=/; HttpOnly; SameSite=Strict"};
  if (options_.tls.enabled()) attributes += "; Secure";
  auto with_cookie = [&](const std::string& value) {
    auto response = http::response<http::empty_body>{http::status::no_content, request.version()};
    response.set(http::field::set_cookie, cookie + '=' + value + attributes);
    response.set(http::field::cache_control, "no-store");
    response.keep_alive(request.keep_alive());
    return response;
  };
  if (request.method() == http::verb::delete_) {
    attributes += "; Max-Age=0";
    return with_cookie({});
  }
  if (request.method() != http::verb::post)
    return respond_error(request, http::status::method_not_allowed, "POST a token here, or DELETE the session");
  auto failed = boost::system::error_code{};
  auto body = json::parse(request.body(), failed);
  const auto* fields = failed ? nullptr : body.if_object();
  const auto* token = fields == nullptr ? nullptr : fields->if_contains("token");
  if (token == nullptr || !token->is_string())
    return respond_error(request, http::status::bad_request, R"(the body must be {"token":"…"})");
  auto text = std::string{token->get_string().c_str(), token->get_string().size()};
  if (text.size() > cookie_token_bytes_max && !access_.is_open())
    return respond_error(request, http::status::payload_too_large,
                         "the token has " + std::to_string(text.size()) + " bytes, and a browser keeps no more than " +
                             std::to_string(cookie_token_bytes_max) +
                             " of one; ask for one that names fewer documents");
  auto claims = access_.check(text, unix_now_s());
  if (!claims) return respond_error(request, status_of(claims.error().code), claims.error().message);
  if (access_.is_open()) text.clear();
  // What verified is base64url and dots, and so fits a cookie as it is.
  if (claims->expires_s != 0)
    attributes += "; Max-Age=" + std::to_string(std::max<std::int64_t>(0, claims->expires_s - unix_now_s()));
  return with_cookie(text);
}

http::message_generator routes::page(const http_request& request, std::string_view path) const {
  const auto* file = page_.find(path == "/" ? "/index.html" : path);
  // The page has addresses of its own; a browser that is sent to one of them gets the page.
  if (file == nullptr && view(request[http::field::accept]).find("text/html") != std::string_view::npos)
    file = page_.find("/index.html");
  if (file == nullptr) {
    if (path == "/")
      return respond(request, http::status::ok, "octavo is running. Its page is not installed (--web).\n",
                     "text/plain");
    return respond_error(request, http::status::not_found, "there is nothing here");
  }
  if (view(request[http::field::if_none_match]) == file->etag) {
    auto response = http::response<http::empty_body>{http::status::not_modified, request.version()};
    response.set(http::field::etag, file->etag);
    response.keep_alive(request.keep_alive());
    return response;
  }
  auto response = http::response<http::span_body<const char>>{http::status::ok, request.version()};
  response.set(http::field::content_type, file->type);
  response.set(http::field::etag, file->etag);
  response.set(http::field::cache_control, file->immutable ? "public, max-age=31536000, immutable" : "no-cache");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Referrer-Policy", "no-referrer");
  if (file->type.starts_with("text/html")) response.set("Content-Security-Policy", content_security_policy);
  response.keep_alive(request.keep_alive());
  if (request.method() == http::verb::head)
    response.content_length(file->content.size());
  else {
    response.body() = {file->content.data(), file->content.size()};
    response.prepare_payload();
  }
  return response;
}

}  // namespace octavo::net
