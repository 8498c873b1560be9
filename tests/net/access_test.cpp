#include "net/access.hpp"

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <fstream>

#include "tests/storage/support.hpp"

using namespace octavo;
using namespace octavo::net;

namespace {

const auto secret = std::string{"0123456789abcdef0123456789abcdef"};
constexpr auto now_s = std::int64_t{1'800'000'000};

std::string base64url(std::string_view data) {
  auto text = std::string(4 * ((data.size() + 2) / 3) + 1, '\0');
  const auto size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                    reinterpret_cast<const unsigned char*>(data.data()), static_cast<int>(data.size()));
  text.resize(static_cast<std::size_t>(size));
  while (text.ends_with('=')) text.pop_back();
  for (auto& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

/// A token as somebody else would forge or write it.
std::string token_by_hand(std::string_view header, std::string_view claims, const std::string& key = secret,
                          const EVP_MD* digest = EVP_sha256()) {
  auto text = base64url(header) + '.' + base64url(claims);
  unsigned char signature[EVP_MAX_MD_SIZE];
  auto size = 0u;
  HMAC(digest, key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), signature, &size);
  return text + '.' + base64url({reinterpret_cast<const char*>(signature), size});
}

constexpr auto hs256 = std::string_view{R"({"alg":"HS256","typ":"JWT"})"};

std::string good_claims() {
  return R"({"doc":"notes","access":"write","sub":"ann","exp":)" + std::to_string(now_s + 60) + '}';
}

/// Why a token is not taken; empty if it is.
std::string refusal(std::string_view token, std::int64_t at_s = now_s) {
  const auto checked = check_token(token, secret, at_s);
  if (checked) return {};
  CHECK(checked.error().code == errc::unauthenticated);
  return checked.error().message;
}

token_claims claims_for(std::vector<std::string> documents) {
  return {std::move(documents), true, "ann", now_s + 60};
}

}  // namespace

TEST_CASE("a token says what was put into it") {
  const auto token = make_token({{"notes", "plans/*"}, false, "ann", now_s + 60}, secret, now_s);
  REQUIRE(token);
  const auto claims = check_token(*token, secret, now_s);
  REQUIRE(claims);
  CHECK(claims->documents == std::vector<std::string>{"notes", "plans/*"});
  CHECK_FALSE(claims->may_write);
  CHECK(claims->user == "ann");
  CHECK(claims->expires_s == now_s + 60);
}

TEST_CASE("a token that another library wrote is taken") {
  CHECK(refusal(token_by_hand(hs256, good_claims())).empty());
  CHECK(refusal(token_by_hand(R"({"typ":"JWT","alg":"HS256"})", good_claims())).empty());
}

TEST_CASE("names of any script survive the way") {
  const auto token = make_token({{"заметки \"один\"/😀"}, true, "ann o'neill", now_s + 60}, secret, now_s);
  REQUIRE(token);
  const auto claims = check_token(*token, secret, now_s);
  REQUIRE(claims);
  CHECK(claims->covers("заметки \"один\"/😀"));
  CHECK(claims->user == "ann o'neill");
}

TEST_CASE("a token ends at its expiry, to the second") {
  const auto token = *make_token(claims_for({"notes"}), secret, now_s);
  CHECK(refusal(token, now_s + 59).empty());
  CHECK(refusal(token, now_s + 60).find("expired") != std::string::npos);
}

TEST_CASE("a token without an expiry is not taken") {
  CHECK(refusal(token_by_hand(hs256, R"({"doc":"notes","access":"write"})")).find("expiry") != std::string::npos);
  CHECK_FALSE(refusal(token_by_hand(hs256, R"({"doc":"notes","access":"write","exp":"soon"})")).empty());
  CHECK_FALSE(refusal(token_by_hand(hs256, R"({"doc":"notes","access":"write","exp":-1})")).empty());
}

TEST_CASE("a token is not taken before its time") {
  const auto claims = R"({"doc":"notes","access":"write","nbf":)" + std::to_string(now_s + 10) + R"(,"exp":)" +
                      std::to_string(now_s + 60) + '}';
  CHECK(refusal(token_by_hand(hs256, claims)).find("not valid yet") != std::string::npos);
  CHECK(refusal(token_by_hand(hs256, claims), now_s + 10).empty());
}

TEST_CASE("a token that is signed with another secret, or changed, is not taken") {
  CHECK_FALSE(refusal(token_by_hand(hs256, good_claims(), "another secret of the same length....")).empty());
  const auto token = token_by_hand(hs256, good_claims());
  for (auto at = std::size_t{0}; at < token.size(); ++at) {
    auto changed = token;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    // The last letter of a signature holds two bits that stand for nothing.
    if (at + 1 == token.size()) continue;
    CAPTURE(at);
    CHECK_FALSE(refusal(changed).empty());
  }
}

TEST_CASE("a token does not choose its own algorithm") {
  CHECK_FALSE(refusal(base64url(R"({"alg":"none"})") + '.' + base64url(good_claims()) + '.').empty());
  CHECK_FALSE(refusal(base64url(R"({"alg":"none"})") + '.' + base64url(good_claims())).empty());
  CHECK_FALSE(refusal(token_by_hand(R"({"alg":"none","typ":"JWT"})", good_claims())).empty());
  CHECK_FALSE(refusal(token_by_hand(R"({"alg":"NONE","typ":"JWT"})", good_claims())).empty());
  CHECK_FALSE(refusal(token_by_hand(R"({"alg":"HS512","typ":"JWT"})", good_claims(), secret, EVP_sha512())).empty());
  CHECK_FALSE(refusal(token_by_hand(R"({"alg":"HS384","typ":"JWT"})", good_claims(), secret, EVP_sha384())).empty());
  CHECK_FALSE(refusal(token_by_hand(R"({"alg":"RS256","typ":"JWT"})", good_claims())).empty());
  CHECK_FALSE(refusal(token_by_hand(R"({"typ":"JWT"})", good_claims())).empty());
}

TEST_CASE("what is no token at all is not taken") {
  for (const std::string_view text : {"", ".", "..", "...", "a.b.c", "notes", "Bearer x", "%00"}) {
    CAPTURE(text);
    CHECK_FALSE(refusal(text).empty());
  }
  CHECK(refusal("").find("needed") != std::string::npos);
  CHECK(refusal(std::string(token_bytes_max + 1, 'a')).find("too long") != std::string::npos);
}

TEST_CASE("claims that make no sense are not taken") {
  const auto with = [](std::string_view claims) {
    return refusal(token_by_hand(hs256, std::string{claims} + R"(,"exp":)" + std::to_string(now_s + 60) + '}'));
  };
  CHECK(with(R"({"doc":"notes","access":"write")").empty());
  CHECK_FALSE(with(R"({"doc":"notes")").empty());
  CHECK_FALSE(with(R"({"doc":"notes","access":"admin")").empty());
  CHECK_FALSE(with(R"({"doc":"notes","access":true)").empty());
  CHECK_FALSE(with(R"({"access":"write")").empty());
  CHECK_FALSE(with(R"({"doc":[],"access":"write")").empty());
  CHECK_FALSE(with(R"({"doc":7,"access":"write")").empty());
  CHECK_FALSE(with(R"({"doc":{"notes":1},"access":"write")").empty());
  CHECK_FALSE(with(R"({"doc":"notes","access":"write","sub":")" + std::string(user_bytes_max + 1, 'x') + '"').empty());
}

TEST_CASE("a star stands for all that begin so, and only at the end") {
  const auto covers = [](std::string pattern, std::string_view name) {
    return claims_for({std::move(pattern)}).covers(name);
  };
  CHECK(covers("notes", "notes"));
  CHECK_FALSE(covers("notes", "notes2"));
  CHECK_FALSE(covers("notes", "note"));
  CHECK(covers("team/*", "team/plans"));
  CHECK(covers("team/*", "team/"));
  CHECK_FALSE(covers("team/*", "team"));
  CHECK_FALSE(covers("team/*", "steam/plans"));
  CHECK(covers("*", ""));
  CHECK(covers("*", "anything/at/all"));
  CHECK_FALSE(covers("*/plans", "team/plans"));
  CHECK_FALSE(token_claims{}.covers("notes"));
}

TEST_CASE("a policy tells no token, a wrong one and one for another document apart") {
  const auto policy = access_policy::by_token(secret);
  CHECK_FALSE(policy.is_open());
  const auto token = *make_token({{"notes"}, false, "ann", now_s + 60}, secret, now_s);
  const auto granted = policy.check(token, "notes", now_s);
  REQUIRE(granted);
  CHECK(granted->who.user == "ann");
  CHECK_FALSE(granted->who.may_write);
  CHECK(granted->expires_s == now_s + 60);
  CHECK(policy.check("", "notes", now_s).error().code == errc::unauthenticated);
  CHECK(policy.check("nonsense", "notes", now_s).error().code == errc::unauthenticated);
  CHECK(policy.check(token, "other", now_s).error().code == errc::forbidden);
  CHECK(policy.check(token, now_s)->documents.size() == 1);
}

TEST_CASE("an open policy asks for nothing and knows nobody") {
  const auto policy = access_policy::open();
  CHECK(policy.is_open());
  const auto granted = policy.check("whatever", "notes", now_s);
  REQUIRE(granted);
  CHECK(granted->who.may_write);
  CHECK(granted->who.user.empty());
  CHECK(granted->expires_s == 0);
  CHECK(policy.check("", now_s)->covers("anything"));
}

TEST_CASE("claims that nobody could use are not signed") {
  CHECK(make_token(claims_for({}), secret, now_s).error().code == errc::invalid_argument);
  auto claims = claims_for({"notes"});
  claims.user = std::string(user_bytes_max + 1, 'x');
  CHECK(make_token(claims, secret, now_s).error().code == errc::invalid_argument);
}

TEST_CASE("a secret is read without its newline, and must be long enough") {
  const auto folder = storage::testing::temporary_folder{};
  const auto file = folder / "secret";
  std::ofstream{file} << secret << "\n";
  CHECK(*read_secret(file) == secret);
  std::ofstream{file} << secret << "\r\n\n";
  CHECK(*read_secret(file) == secret);
  std::ofstream{file} << secret.substr(1) << "\n";
  CHECK(read_secret(file).error().code == errc::invalid_argument);
  CHECK(read_secret(folder / "nothing").error().code == errc::not_found);
}

TEST_CASE("loopback is told from everything else") {
  for (const std::string_view host : {"localhost", "localhost:8080", "127.0.0.1", "127.0.0.1:80", "127.8.9.10:1",
                                      "[::1]", "[::1]:8080", "::1", "notes.localhost", "notes.localhost:8080"}) {
    CAPTURE(host);
    CHECK(is_loopback_host(host));
  }
  for (const std::string_view host :
       {"", "example.com", "example.com:8080", "localhost.example.com", "127.0.0.1.example.com", "10.0.0.1", "[::2]:80",
        "[", "[]", "[::1", "0.0.0.0", "notlocalhost", "128.0.0.1", ":80"}) {
    CAPTURE(host);
    CHECK_FALSE(is_loopback_host(host));
  }
}

TEST_CASE("on loopback pages of loopback may connect, and pages of the internet may not") {
  const auto allowed = [](std::string_view origin, std::string_view host) {
    return origin_allowed(origin, host, true, {});
  };
  CHECK(allowed("", "127.0.0.1:8080"));
  CHECK(allowed("http://127.0.0.1:8080", "127.0.0.1:8080"));
  CHECK(allowed("http://localhost:5173", "127.0.0.1:8080"));
  CHECK(allowed("http://[::1]:5173", "localhost:8080"));
  CHECK_FALSE(allowed("https://evil.example", "127.0.0.1:8080"));
  CHECK_FALSE(allowed("http://127.0.0.1.evil.example", "127.0.0.1:8080"));
  CHECK_FALSE(allowed("null", "127.0.0.1:8080"));
  CHECK_FALSE(allowed("file://", "127.0.0.1:8080"));
  // A page whose own name leads to this machine.
  CHECK_FALSE(allowed("http://rebound.example:8080", "rebound.example:8080"));
  CHECK_FALSE(allowed("http://localhost:8080", "rebound.example:8080"));
}

TEST_CASE("beyond loopback the server's own pages may connect, and those that were named") {
  const auto allowed = [](std::string_view origin, std::string_view host, std::vector<std::string> more = {}) {
    return origin_allowed(origin, host, false, more);
  };
  CHECK(allowed("https://notes.example", "notes.example"));
  CHECK(allowed("https://notes.example:8443", "notes.example:8443"));
  CHECK_FALSE(allowed("https://notes.example:8443", "notes.example"));
  CHECK_FALSE(allowed("https://evil.example", "notes.example"));
  CHECK_FALSE(allowed("http://localhost:5173", "notes.example"));
  CHECK_FALSE(allowed("https://notes.example", ""));
  CHECK(allowed("https://app.example", "notes.example", {"https://app.example"}));
  CHECK_FALSE(allowed("https://app.example.evil", "notes.example", {"https://app.example"}));
  CHECK(allowed("https://whoever.example", "notes.example", {"*"}));
  CHECK(allowed("null", "notes.example", {"*"}));
}

TEST_CASE("a token that would open nothing, or that no server takes, is not signed") {
  const auto refused = [](token_claims claims) {
    const auto made = make_token(claims, secret, now_s);
    return made ? std::string{} : made.error().message;
  };
  for (const auto* name : {"notes", "team/*", "*"}) {
    CAPTURE(name);
    CHECK(refused(claims_for({name})).empty());
  }
  for (const auto* name : {"", "/notes", "/notes/*", "\xff\xfe"}) {
    CAPTURE(name);
    CHECK(refused(claims_for({"notes", name})).find("open nothing") != std::string::npos);
  }
  auto claims = claims_for({"notes"});
  claims.user = "\xff";
  CHECK(refused(claims).find("UTF-8") != std::string::npos);
  claims = claims_for({"notes"});
  claims.expires_s = now_s;
  CHECK(refused(claims).find("expired") != std::string::npos);
  CHECK(refused(claims_for(std::vector<std::string>(30, std::string(256, 'x')))).find("fewer") != std::string::npos);
}

TEST_CASE("a secret that others can read is seen") {
  const auto folder = storage::testing::temporary_folder{};
  const auto file = folder / "secret";
  std::ofstream{file} << secret;
  using std::filesystem::perms;
  std::filesystem::permissions(file, perms::owner_read | perms::group_read);
  CHECK_FALSE(is_readable_by_others(file));
  std::filesystem::permissions(file, perms::owner_read | perms::others_read);
  CHECK(is_readable_by_others(file));
  CHECK_FALSE(is_readable_by_others(folder / "nothing"));
}
