#include "net/routes.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include <chrono>
#include <fstream>

#include "tests/actors/support/test_client.hpp"

using namespace octavo;
using namespace octavo::net;
using namespace octavo::test;
namespace http = boost::beast::http;
namespace json = boost::json;

namespace {

const auto secret = std::string{"0123456789abcdef0123456789abcdef"};

http_request get(std::string_view target, http::verb method = http::verb::get) {
  auto request = http_request{method, {target.data(), target.size()}, 11};
  request.set(http::field::host, "127.0.0.1:8080");
  return request;
}

struct answer {
  std::string head;
  std::string body;
  int status = 0;
  /// A header's whole line, name in the case in which it was written; empty if there is none.
  std::string line(std::string_view name) const {
    const auto at = head.find(std::string{"\r\n"} + std::string{name} + ": ");
    return at == std::string::npos ? std::string{} : head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
  }
  json::value parsed() const { return json::parse(body); }
};

answer read(http::message_generator response) {
  auto text = std::string{};
  while (!response.is_done()) {
    auto failed = boost::system::error_code{};
    auto buffers = response.prepare(failed);
    REQUIRE_FALSE(failed);
    auto size = std::size_t{0};
    for (const auto& one : buffers) {
      text.append(static_cast<const char*>(one.data()), one.size());
      size += one.size();
    }
    response.consume(size);
  }
  const auto end = text.find("\r\n\r\n");
  REQUIRE(end != std::string::npos);
  return {text.substr(0, end + 2), text.substr(end + 4), std::stoi(text.substr(9, 3))};
}

/// A page with an index and one asset.
static_files small_page() {
  const auto folder = storage::testing::temporary_folder{};
  std::filesystem::create_directories(folder / "assets");
  std::ofstream{folder / "index.html"} << "<html>";
  std::ofstream{folder / "assets/app-1.js"} << "run()";
  auto files = static_files::read(folder.path());
  REQUIRE(files);
  return std::move(*files);
}

struct site {
  explicit site(access_policy access = access_policy::open(), net_options given = {}, bool loopback_only = true)
      : options(std::move(given)), serves(*node, options, std::move(access), small_page(), loopback_only) {}

  answer ask(const http_request& request) { return read(serves.answer(request)); }

  void write(const std::string& name) {
    auto writer = test_client{node, name};
    writer.type("x");
    REQUIRE(writer.is_durable());
  }

  test_node node;
  net_options options;
  routes serves;
};

std::string token_for(std::vector<std::string> documents, bool may_write = true) {
  const auto now_s =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  return *make_token({std::move(documents), may_write, "ann", now_s + 600}, secret, now_s);
}

std::string document_of(std::string_view target) {
  const auto found = routes::websocket_target(get(target));
  return found ? found->document : "! " + found.error().message;
}

}  // namespace

TEST_CASE("a token is taken from the query, a Bearer header or the page's cookie, in this order") {
  auto request = get("/notes");
  CHECK(token_of(request, "").empty());
  request.set(http::field::cookie, "other=1; octavo_token=from-cookie; octavo_token2=x");
  CHECK(token_of(request, "") == "from-cookie");
  request.set(http::field::authorization, "Bearer from-header");
  CHECK(token_of(request, "") == "from-header");
  CHECK(token_of(request, "token=from-query") == "from-query");
  request.set(http::field::authorization, "Basic abc");
  CHECK(token_of(request, "") == "from-cookie");
}

TEST_CASE("a WebSocket's path is the document's name, decoded, slashes and all") {
  CHECK(document_of("/notes") == "notes");
  CHECK(document_of("/team/plans?token=x") == "team/plans");
  CHECK(document_of("//notes") == "notes");
  CHECK(document_of("/notes/") == "notes/");
  CHECK(document_of("/%D0%BD%20%2F?a=b") == "н /");
  CHECK(document_of("/a?b=c?d") == "a");
  CHECK(document_of("/a+b") == "a+b");
}

TEST_CASE("a name that no document can have is refused with its reason") {
  CHECK(document_of("/").find("names no document") != std::string::npos);
  CHECK(document_of("/?token=x").find("names no document") != std::string::npos);
  CHECK(document_of("/50%").find("stray %") != std::string::npos);
  CHECK(document_of("/%zz").find("stray %") != std::string::npos);
  CHECK(document_of("/%ff%fe").find("UTF-8") != std::string::npos);
  CHECK(document_of("/%c0%80").find("UTF-8") != std::string::npos);
  CHECK(document_of('/' + std::string(512, 'x')).size() == 512);
  CHECK(document_of('/' + std::string(513, 'x')).find("longer") != std::string::npos);
}

TEST_CASE("health and readiness are told, and readiness ends when stopping begins") {
  auto one = site{};
  CHECK(one.ask(get("/healthz")).body == "ok\n");
  CHECK(one.ask(get("/readyz")).status == 200);
  one.serves.set_stopping();
  CHECK(one.ask(get("/readyz")).status == 503);
  CHECK(one.ask(get("/healthz")).status == 200);
}

TEST_CASE("metrics name what an operator watches, and count") {
  auto one = site{};
  one.write("notes");
  const auto text = one.ask(get("/metrics")).body;
  for (const auto* name :
       {"octavo_documents_open 1", "octavo_connections ", "octavo_edits_total 1", "octavo_commits_total 1",
        "octavo_commit_seconds_bucket{le=\"+Inf\"} 1", "octavo_edit_seconds_count 1", "octavo_log_queue_records 0",
        "octavo_resident_memory_bytes ", "octavo_send_queue_bytes ", "octavo_document_bytes ",
        "# TYPE octavo_edits_total counter", "# HELP octavo_edits_total "}) {
    CAPTURE(name);
    CHECK(text.find(name) != std::string::npos);
  }
}

TEST_CASE("the node says who it is") {
  auto options = net_options{};
  options.node_name = "node \"one\"";
  auto one = site{access_policy::open(), options};
  const auto told = one.ask(get("/api/node")).parsed();
  CHECK(told.at("node").as_string() == "node \"one\"");
  CHECK(told.at("open").as_bool());
  CHECK_FALSE(told.at("version").as_string().empty());
}

TEST_CASE("nobody on its way keeps a live answer, or a refusal") {
  auto one = site{};
  one.write("notes");
  for (const auto* path : {"/api/documents", "/api/documents?limit=x", "/api/node", "/api/nothing", "/healthz",
                           "/readyz", "/metrics", "/assets/nothing.js"}) {
    CAPTURE(path);
    CHECK(one.ask(get(path)).line("Cache-Control") == "Cache-Control: no-store");
  }
  CHECK(one.ask(get("/healthz", http::verb::post)).line("Cache-Control") == "Cache-Control: no-store");
}

TEST_CASE("documents are listed by prefix and in pages") {
  auto one = site{};
  for (const auto* name : {"a/1", "a/2", "a/3", "b"}) one.write(name);
  auto told = one.ask(get("/api/documents?prefix=a%2F&limit=2")).parsed();
  REQUIRE(told.at("documents").as_array().size() == 2);
  CHECK(told.at("documents").at(1).at("name").as_string() == "a/2");
  CHECK(told.at("documents").at(1).at("seq").to_number<int>() == 1);
  CHECK(told.at("documents").at(1).at("log_bytes").to_number<int>() > 0);
  CHECK(told.at("next").as_string() == "a/2");
  told = one.ask(get("/api/documents?prefix=a%2F&limit=2&after=a%2F2")).parsed();
  CHECK(told.at("documents").as_array().size() == 1);
  CHECK(told.at("next").is_null());
  for (const auto* limit : {"0", "x", "-1", "1x", "99999999999999999999"})
    CHECK(one.ask(get(std::string{"/api/documents?limit="} + limit)).status == 400);
}

TEST_CASE("a token lists only the documents that it is for") {
  auto one = site{access_policy::by_token(secret)};
  for (const auto* name : {"a/1", "a/2", "b"}) one.write(name);
  CHECK(one.ask(get("/api/documents")).status == 401);
  const auto told = one.ask(get("/api/documents?token=" + token_for({"a/*"}))).parsed();
  CHECK(told.at("documents").as_array().size() == 2);
}

TEST_CASE("a listing tells nothing of documents that its token is not for, nor by where a page ends") {
  auto one = site{access_policy::by_token(secret)};
  for (const auto* name : {"a/1", "a/2", "a/3", "b", "c", "secret", "z"}) one.write(name);
  const auto list = [&](std::vector<std::string> documents, const std::string& more) {
    auto answer = one.ask(get("/api/documents?token=" + token_for(std::move(documents)) + more));
    CHECK(answer.body.find("secret") == std::string::npos);
    auto told = answer.parsed();
    auto names = std::vector<std::string>{};
    for (const auto& each : told.at("documents").as_array()) names.emplace_back(each.at("name").as_string());
    if (!told.at("next").is_null()) names.push_back("next=" + std::string{told.at("next").as_string()});
    return names;
  };
  using names = std::vector<std::string>;
  CHECK(list({"z"}, "&limit=1") == names{"z"});
  CHECK(list({"z", "a/*"}, "&limit=2") == names{"a/1", "a/2", "next=a/2"});
  CHECK(list({"z", "a/*"}, "&limit=2&after=a%2F2") == names{"a/3", "z"});
  CHECK(list({"a/*"}, "&limit=3") == names{"a/1", "a/2", "a/3"});
  CHECK(list({"a*", "a/1", "b"}, "&limit=500") == names{"a/1", "a/2", "a/3", "b"});
  CHECK(list({"*"}, "&prefix=a%2F&limit=2") == names{"a/1", "a/2", "next=a/2"});
  CHECK(list({"a/1", "z"}, "&prefix=a%2F") == names{"a/1"});
  CHECK(list({"b"}, "&after=b").empty());
  CHECK(list({"secre"}, "").empty());
}

TEST_CASE("the page learns what it may do with a document") {
  auto one = site{access_policy::by_token(secret)};
  auto told = one.ask(get("/api/place?doc=notes&token=" + token_for({"notes"}))).parsed();
  CHECK(told.at("owner") == told.at("node"));
  CHECK(told.at("shard").is_null());
  CHECK(one.ask(get("/api/place?doc=notes&token=" + token_for({"other"}))).status == 403);
  told = one.ask(get("/api/access?doc=notes")).parsed();
  CHECK(told.at("access").as_string() == "none");
  CHECK_FALSE(told.at("signed_in").as_bool());
  told = one.ask(get("/api/access?doc=notes&token=" + token_for({"other"}))).parsed();
  CHECK(told.at("access").as_string() == "none");
  CHECK(told.at("signed_in").as_bool());
  told = one.ask(get("/api/access?doc=notes&token=" + token_for({"notes"}, false))).parsed();
  CHECK(told.at("access").as_string() == "read");
  CHECK(told.at("user").as_string() == "ann");
}

TEST_CASE("signing in leaves a cookie that no script can read, and signing out takes it back") {
  auto options = net_options{};
  SUBCASE("plain") {}
  SUBCASE("TLS") {
    options.tls.certificate = "chain.pem";
  }
  auto one = site{access_policy::by_token(secret), options};
  const auto token = token_for({"notes"});
  auto request = get("/api/session", http::verb::post);
  request.body() = json::serialize(json::object{{"token", token}});
  const auto in = one.ask(request);
  CHECK(in.status == 204);
  const auto cookie = in.line("Set-Cookie");
  CHECK(cookie.starts_with("Set-Cookie: octavo_token=" + token + ";"));
  for (const auto* attribute : {"; Path=/", "; HttpOnly", "; SameSite=Strict", "; Max-Age="})
    CHECK(cookie.find(attribute) != std::string::npos);
  CHECK((cookie.find("; Secure") != std::string::npos) == options.tls.enabled());
  const auto out = one.ask(get("/api/session", http::verb::delete_)).line("Set-Cookie");
  CHECK(out.starts_with("Set-Cookie: octavo_token=;"));
  CHECK(out.find("; Max-Age=0") != std::string::npos);
}

TEST_CASE("signing in needs a token that verifies") {
  auto one = site{access_policy::by_token(secret)};
  auto request = get("/api/session", http::verb::post);
  for (const auto& [body, status] : {std::pair{"", 400}, std::pair{"{", 400}, std::pair{"[]", 400},
                                     std::pair{R"({"token":7})", 400}, std::pair{R"({"token":"x"})", 401}}) {
    CAPTURE(body);
    request.body() = body;
    const auto answered = one.ask(request);
    CHECK(answered.status == status);
    CHECK(answered.line("Set-Cookie").empty());
  }
  CHECK(one.ask(get("/api/session")).status == 405);
}

TEST_CASE("a token that a browser would not keep is refused, and not dropped without a word") {
  auto one = site{access_policy::by_token(secret)};
  const auto sign_in = [&](const std::string& token) {
    auto request = get("/api/session", http::verb::post);
    request.body() = json::serialize(json::object{{"token", token}});
    return one.ask(request);
  };
  const auto long_token = token_for(std::vector<std::string>(12, std::string(256, 'x')));
  REQUIRE(long_token.size() > cookie_token_bytes_max);
  const auto refused = sign_in(long_token);
  CHECK(refused.status == 413);
  CHECK(refused.line("Set-Cookie").empty());
  CHECK(refused.parsed().at("error").as_string().find("4000") != json::string::npos);
  // The largest that is taken fits with everything that stands around it.
  auto longest = std::string{};
  for (auto size = std::size_t{2800}; size < 3000; ++size) {
    auto names = std::vector<std::string>(size / 400, std::string(400, 'x'));
    names.push_back(std::string(size % 400 + 1, 'y'));
    const auto token = token_for(names);
    if (token.size() <= cookie_token_bytes_max && token.size() > longest.size()) longest = token;
  }
  REQUIRE(longest.size() > cookie_token_bytes_max - 8);
  CHECK(sign_in(longest).line("Set-Cookie").size() <= 4096);
  CHECK(sign_in(longest).status == 204);
}

TEST_CASE("an open server sets no token, whatever it is given") {
  auto one = site{};
  auto request = get("/api/session", http::verb::post);
  request.body() = R"({"token":"evil; Domain=example.com"})";
  CHECK(one.ask(request).line("Set-Cookie").starts_with("Set-Cookie: octavo_token=;"));
}

TEST_CASE("the page is served with its tags and its policy, and its own addresses lead to it") {
  auto one = site{};
  const auto index = one.ask(get("/"));
  CHECK(index.status == 200);
  CHECK(index.body == "<html>");
  CHECK_FALSE(index.line("Content-Security-Policy").empty());
  CHECK(index.line("Cache-Control") == "Cache-Control: no-cache");
  CHECK(one.ask(get("/assets/app-1.js")).line("Cache-Control").find("immutable") != std::string::npos);

  auto address = get("/doc/notes");
  CHECK(one.ask(address).status == 404);
  address.set(http::field::accept, "text/html,application/xhtml+xml");
  CHECK(one.ask(address).body == "<html>");

  auto again = get("/");
  again.set(http::field::if_none_match, index.line("ETag").substr(6));
  const auto unchanged = one.ask(again);
  CHECK(unchanged.status == 304);
  CHECK(unchanged.body.empty());
  const auto head = one.ask(get("/", http::verb::head));
  CHECK(head.body.empty());
  CHECK(head.line("Content-Length") == "Content-Length: 6");
}

TEST_CASE("what is not there and what is not allowed is said plainly") {
  auto one = site{};
  CHECK(one.ask(get("/api/nothing")).status == 404);
  const auto nothing = one.ask(get("/assets/nothing.js"));
  CHECK(nothing.status == 404);
  CHECK(nothing.parsed().at("error").is_string());
  CHECK(one.ask(get("/../etc/passwd")).status == 404);
  CHECK(one.ask(get("/healthz", http::verb::post)).status == 405);
  CHECK(one.ask(get("/notes", http::verb::put)).status == 405);
}

TEST_CASE("a page of another site is turned away, with or without an Origin") {
  auto options = net_options{};
  options.allowed_origins = {"https://notes.example"};
  auto one = site{access_policy::open(), options};
  auto request = get("/api/documents");
  CHECK(one.serves.refusal(request).empty());
  request.set(http::field::origin, "https://evil.example");
  CHECK(one.serves.refusal(request).find("--allow-origin") != std::string_view::npos);
  request.set(http::field::origin, "https://notes.example");
  CHECK(one.serves.refusal(request).empty());
  // Its own name leads to this machine, so that the browser sends no Origin.
  request.erase(http::field::origin);
  request.set(http::field::host, "rebound.example:8080");
  CHECK_FALSE(one.serves.refusal(request).empty());
  request.set(http::field::host, "notes.example");
  CHECK(one.serves.refusal(request).empty());
  request.set(http::field::host, "evil-notes.example");
  CHECK_FALSE(one.serves.refusal(request).empty());
}

TEST_CASE("a server that is reached by its name does not mind that name") {
  auto one = site{access_policy::by_token(secret), {}, false};
  auto request = get("/");
  request.set(http::field::host, "notes.example");
  CHECK(one.serves.refusal(request).empty());
  request.set(http::field::origin, "https://evil.example");
  CHECK_FALSE(one.serves.refusal(request).empty());
}
