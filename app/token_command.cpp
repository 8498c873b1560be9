// `octavo token`: signs a token for one client.
#include <CLI/CLI.hpp>
#include <chrono>

#include "app/commands.hpp"
#include "app/output.hpp"
#include "app/settings.hpp"
#include "net/access.hpp"

namespace octavo::app {

namespace {

struct token_request {
  std::string secret_file;
  std::vector<std::string> documents;
  std::string access = "write";
  std::string user;
  std::string expires = "1h";
  bool json = false;
};

int make(const token_request& asked) {
  auto secret = net::read_secret(asked.secret_file);
  if (!secret) return report(secret.error(), asked.json);
  auto lifetime_ms = parse_duration_ms(asked.expires);
  if (!lifetime_ms) return report({errc::invalid_argument, "--expires: " + lifetime_ms.error().message}, asked.json);
  if (*lifetime_ms < 1000)
    return report({errc::invalid_argument, "--expires: a token counts in seconds; at least 1s is needed"}, asked.json);
  auto now_s =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  auto claims = net::token_claims{asked.documents, asked.access == "write", asked.user, now_s + *lifetime_ms / 1000};
  auto token = net::make_token(claims, *secret, now_s);
  if (!token) return report(token.error(), asked.json);
  if (token->size() > net::cookie_token_bytes_max)
    std::fprintf(stderr,
                 "octavo: this token has %zu bytes: too many for the page, as a browser keeps no cookie of more than "
                 "%zu; programs can use it\n",
                 token->size(), net::cookie_token_bytes_max);
  if (asked.json)
    print_json({{"token", *token}, {"expires_s", claims.expires_s}});
  else
    std::printf("%s\n", token->c_str());
  return exit_ok;
}

}  // namespace

void add_token(CLI::App& program, command& run) {
  auto* token = program.add_subcommand("token", "Make a token for a client (JWT, HS256).");
  auto asked = std::make_shared<token_request>();
  token->add_option("--secret-file", asked->secret_file, "the secret that the server was started with")
      ->required()
      ->type_name("FILE");
  token->add_option("--doc", asked->documents, "the document; `notes/*` for all that begin so, `*` for all; repeatable")
      ->required()
      ->type_name("NAME");
  token->add_option("--access", asked->access, "read or write (write)")->check(CLI::IsMember({"read", "write"}));
  token->add_option("--user", asked->user, "who it is for")->type_name("NAME");
  token->add_option("--expires", asked->expires, "how long it is good for (1h)")->type_name("TIME");
  token->add_flag("--json", asked->json, "print a JSON object");
  token->footer(
      "Example:\n"
      "  (umask 077; openssl rand -hex 32 > secret)\n"
      "  octavo token --secret-file secret --doc notes --access read --user ada --expires 15min");
  token->callback([asked, &run] { run = [asked] { return make(*asked); }; });
}

}  // namespace octavo::app
