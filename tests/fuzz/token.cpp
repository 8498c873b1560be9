// Any bytes as a token: without the secret none is taken, and none upsets the reader. The same bytes as claims: what
// can be signed is read back as it was.
#include "net/access.hpp"
#include "tests/fuzz/support.hpp"

namespace {

// Nobody can have guessed it: it is in no corpus.
const std::string secret = "not in the corpus: 8d5f0c2a77e14b3e";
constexpr std::int64_t now_s = 1'800'000'000;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace octavo;
  using octavo::fuzz::require;
  const auto text = std::string{as_text(fuzz::view(data, size))};
  const auto forged = net::check_token(text, secret, now_s);
  require(!forged, "a token without our signature is refused");
  require(forged.error().code == errc::unauthenticated && !forged.error().message.empty(), "with a reason");

  auto claims = net::token_claims{};
  claims.documents = {text.substr(0, size / 2)};
  if (size % 2 == 1) claims.documents.push_back(text.substr(size / 4));
  claims.may_write = size % 4 < 2;
  claims.user = text.substr(size / 2);
  claims.expires_s = now_s + 60;
  const auto token = net::make_token(claims, secret, now_s);
  if (!token || token->size() > net::token_bytes_max) return 0;
  const auto read = net::check_token(*token, secret, now_s);
  require(read.has_value(), "our own token is taken");
  require(read->documents == claims.documents, "with its documents");
  require(read->may_write == claims.may_write, "with its rights");
  require(read->user == claims.user, "with its user");
  require(!net::check_token(*token, secret, claims.expires_s), "until it expires");
  // One bit of the signature decides.
  auto changed = *token;
  const auto at = changed.rfind('.') + 1 + size % 40;
  changed[at] = changed[at] == 'A' ? 'B' : 'A';
  require(!net::check_token(changed, secret, now_s), "and not with another signature");
  return 0;
}
