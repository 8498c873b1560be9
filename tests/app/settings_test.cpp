#include "app/settings.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <set>

#include "tests/storage/support.hpp"

using namespace octavo;
using namespace octavo::app;

namespace {

/// What a configuration file of this text does: empty, or why it is wrong, without the folder.
std::string apply_text(serve_options& to, std::string_view text) {
  const auto folder = storage::testing::temporary_folder{};
  const auto file = folder / "octavo.toml";
  std::ofstream{file} << text;
  const auto applied = apply_file(to, file);
  if (applied) return {};
  CHECK(applied.error().code == errc::invalid_argument);
  auto message = applied.error().message;
  REQUIRE(message.starts_with(file.string()));
  return message.substr(file.string().size());
}

std::string wrong(std::string_view name, std::string_view value) {
  auto options = serve_options{};
  const auto applied = apply_setting(options, name, value);
  return applied ? std::string{} : applied.error().message;
}

std::string apply_variables(serve_options& to, std::vector<std::string> variables) {
  auto pointers = std::vector<char*>{};
  for (auto& one : variables) pointers.push_back(one.data());
  pointers.push_back(nullptr);
  const auto applied = apply_environment(to, pointers.data());
  return applied ? std::string{} : applied.error().message;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("sizes are read with their units, and nothing else") {
  CHECK(*parse_bytes("65536") == 65'536);
  CHECK(*parse_bytes("10B") == 10);
  CHECK(*parse_bytes("512KiB") == 524'288);
  CHECK(*parse_bytes("4 MiB") == 4'194'304);
  CHECK(*parse_bytes("1GiB") == 1'073'741'824);
  CHECK(*parse_bytes("0") == 0);
  for (const std::string_view text :
       {"", "MiB", "-1", "1kb", "1KB", "1 M", "1.5MiB", "1MiBx", "99999999999999999999", "9999999999999GiB", " 1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_bytes(text));
  }
}

TEST_CASE("times are read with their units, and nothing else") {
  CHECK(*parse_duration_ms("250ms") == 250);
  CHECK(*parse_duration_ms("20s") == 20'000);
  CHECK(*parse_duration_ms("5min") == 300'000);
  CHECK(*parse_duration_ms("12h") == 43'200'000);
  CHECK(*parse_duration_ms("7d") == 604'800'000);
  CHECK(*parse_duration_ms("0") == 0);
  for (const std::string_view text : {"", "s", "5", "5m", "5sec", "-5s", "1.5s", "99999999999999999999s", "40000d"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration_ms(text));
  }
}

TEST_CASE("every setting has a name of its own and a help text") {
  auto names = std::set<std::string>{};
  for (const auto& one : all_settings()) {
    CAPTURE(one.name);
    CHECK(names.insert(one.name).second);
    CHECK_FALSE(one.help.empty());
    for (auto c : one.name) CHECK((c == '-' || (c >= 'a' && c <= 'z')));
  }
}

TEST_CASE("every default that a help text names can be given") {
  for (const auto& one : all_settings()) {
    if (one.placeholder != "SIZE" && one.placeholder != "TIME" && one.placeholder != "N") continue;
    CAPTURE(one.name);
    auto options = serve_options{};
    if (one.usual.find(' ') == std::string::npos) CHECK(one.apply(options, one.usual).has_value());
  }
  auto options = serve_options{};
  CHECK(options.net.limits.frame_bytes_max == *parse_bytes("32MiB"));
  CHECK(options.node.document.idle_timeout_ms == *parse_duration_ms("2min"));
  CHECK(options.stop_timeout_ms == *parse_duration_ms("10s"));
  CHECK(options.store.retention_ms.count() == *parse_duration_ms("10min"));
}

TEST_CASE("every number has a least and a most, which its help and its error tell") {
  for (const auto& one : all_settings()) {
    if (one.placeholder != "SIZE" && one.placeholder != "TIME" && one.placeholder != "N") continue;
    CAPTURE(one.name);
    const auto to = one.range.find(" to ");
    REQUIRE(to != std::string::npos);
    const auto least = one.range.substr(0, to);
    const auto most = one.range.substr(to + 4);
    CHECK(contains(help_text(one), one.range));
    auto options = serve_options{};
    CHECK(one.apply(options, least).has_value());
    CHECK(one.apply(options, most).has_value());
    const auto unit = most.find_first_not_of("0123456789");
    const auto beyond = std::to_string(std::stoull(most) + 1) + (unit == std::string::npos ? "" : most.substr(unit));
    CAPTURE(beyond);
    CHECK_FALSE(one.apply(options, beyond).has_value());
    if (least != "0") CHECK(contains(wrong(one.name, "0"), one.range));
  }
  CHECK(contains(wrong("frame-bytes-max", "0"), "1KiB to 256MiB"));
  CHECK(contains(wrong("keepalive", "0"), "1s to 1h"));
}

TEST_CASE("an origin is kept as browsers send it, and one with a path says what to write") {
  auto options = serve_options{};
  for (const auto* origin : {"HTTPS://Notes.example:443", "http://localhost:3000", "*"})
    REQUIRE(apply_setting(options, "allow-origin", origin));
  CHECK(options.net.allowed_origins == std::vector<std::string>{"https://notes.example", "http://localhost:3000", "*"});
  CHECK(contains(wrong("allow-origin", "https://Notes.example/"), "write https://notes.example"));
  CHECK(contains(wrong("allow-origin", "https://notes.example:8443/app?x"), "write https://notes.example:8443"));
  CHECK(contains(wrong("allow-origin", "https://"), "such as https://notes.example"));
}

TEST_CASE("an address to listen on is host and port") {
  auto options = serve_options{};
  const auto listen = [&](std::string_view text) {
    REQUIRE(apply_setting(options, "listen", text));
    return options.net.listen_address + '|' + std::to_string(options.net.listen_port);
  };
  CHECK(listen("0.0.0.0:443") == "0.0.0.0|443");
  CHECK(listen("[::1]:8080") == "::1|8080");
  CHECK(listen("localhost:0") == "127.0.0.1|0");
  for (const std::string_view text : {"", "8080", ":8080", "host:", "host:x", "host:65536", "host:-1"}) {
    CAPTURE(text);
    CHECK(contains(wrong("listen", text), "HOST:PORT"));
  }
}

TEST_CASE("a value that cannot be meant is an error that names setting, value and what would be right") {
  CHECK(contains(wrong("frame-bytes-max", "lots"), "frame-bytes-max: 'lots'"));
  CHECK(contains(wrong("frame-bytes-max", "lots"), "4MiB"));
  CHECK(contains(wrong("idle-timeout", "5"), "20s"));
  CHECK(contains(wrong("sync", "sometimes"), "always, interval or os"));
  CHECK(contains(wrong("connections-max", "0"), "1 to 10000000"));
  CHECK(contains(wrong("connections-max", "-5"), "number"));
  CHECK(contains(wrong("open", "perhaps"), "true or false"));
  CHECK(contains(wrong("allow-origin", "notes.example"), "https://notes.example"));
  CHECK(contains(wrong("data", ""), "needed"));
}

TEST_CASE("a setting that does not exist says which one was meant") {
  CHECK(contains(wrong("frame-byte-max", "1"), "did you mean 'frame-bytes-max'?"));
  CHECK(contains(wrong("lisen", "1"), "did you mean 'listen'?"));
  CHECK(contains(wrong("zzzzzzzzzzzz", "1"), "there is no setting"));
  CHECK_FALSE(contains(wrong("zzzzzzzzzzzz", "1"), "did you mean"));
}

TEST_CASE("the nearest name is the one that was meant") {
  CHECK(did_you_mean("--lsten", {"--listen", "--data"}) == "--listen");
  CHECK(did_you_mean("exprt", {"export", "import"}) == "export");
  CHECK(did_you_mean("completely-else", {"a", "b"}).empty());
  CHECK(did_you_mean("", {"listen"}).empty());
}

TEST_CASE("a file sets texts, numbers, switches and lists, with either kind of dash") {
  auto options = serve_options{};
  CHECK(apply_text(options, R"(
# a comment
listen = "127.0.0.1:9000"
frame_bytes_max = "1MiB"
connections-max = 7
open = true
allow-origin = ["https://a.example", "https://b.example"]
)") == "");
  CHECK(options.net.listen_port == 9000);
  CHECK(options.net.limits.frame_bytes_max == 1u << 20);
  CHECK(options.net.limits.connections_max == 7);
  CHECK(options.open);
  CHECK(options.net.allowed_origins == std::vector<std::string>{"https://a.example", "https://b.example"});
}

TEST_CASE("what is wrong in a file is told with its line and column") {
  auto options = serve_options{};
  CHECK(apply_text(options, "open = true\nlisten = \"nowhere\"\n").starts_with(":2:1: listen: 'nowhere'"));
  CHECK(apply_text(options, "\n\nlissten = \"127.0.0.1:1\"\n")
            .starts_with(":3:1: there is no setting 'lissten'; did you"));
  CHECK(apply_text(options, "open = maybe\n").starts_with(":1:"));
  CHECK(apply_text(options, "listen = \"unfinished\n").starts_with(":1:"));
  CHECK(contains(apply_text(options, "keepalive = 1.5\n"), "must be a text, a number, true or false"));
  CHECK(contains(apply_text(options, "[net]\nlisten = \"127.0.0.1:1\"\n"), ":1:"));
  CHECK(contains(apply_text(options, "allow-origin = [\"https://a.example\", 2.5]\n"), ":1:"));
}

TEST_CASE("a list is for what adds up, and nothing else") {
  auto options = serve_options{};
  CHECK(contains(apply_text(options, "listen = [\"127.0.0.1:1\", \"127.0.0.1:2\"]\n"), ":1:1: listen has one value"));
  CHECK(contains(apply_text(options, "keepalive = []\n"), ":1:1: keepalive has one value"));
  CHECK(contains(apply_text(options, "lissten = []\n"), "did you mean 'listen'?"));
  CHECK(apply_text(options, "allow-origin = []\n") == "");
}

TEST_CASE("what is right in a file with a mistake holds, so that the mistake is told as asked") {
  auto options = serve_options{};
  CHECK(contains(apply_text(options, "keepalive = \"0\"\nlog-json = true\n"), ":1:1: keepalive"));
  CHECK(options.log.json);
}

TEST_CASE("a file that cannot be read says so, and nothing of lines") {
  auto options = serve_options{};
  const auto folder = storage::testing::temporary_folder{};
  const auto applied = apply_file(options, folder.path());
  REQUIRE_FALSE(applied);
  CHECK(applied.error().code == errc::io_error);
  CHECK(contains(applied.error().message, "cannot be read"));
  CHECK_FALSE(contains(applied.error().message, ":0"));
  CHECK(apply_text(options, "") == "");
}

TEST_CASE("a file that does not exist is an error that names it") {
  auto options = serve_options{};
  const auto applied = apply_file(options, "/nowhere/octavo.toml");
  REQUIRE_FALSE(applied);
  CHECK(applied.error().code == errc::not_found);
  CHECK(contains(applied.error().message, "/nowhere/octavo.toml"));
}

TEST_CASE("the environment sets by upper-case names, and other variables are left alone") {
  auto options = serve_options{};
  CHECK(apply_variables(options, {"OCTAVO_LISTEN=127.0.0.1:9001", "OCTAVO_FRAME_BYTES_MAX=2MiB", "OCTAVO_CACHE=/x",
                                  "OCTAVO_SEED=5", "LISTEN=1", "OCTAVO_NOTHING", "HOME=/root"}) == "");
  CHECK(options.net.listen_port == 9001);
  CHECK(options.net.limits.frame_bytes_max == 2u << 20);
  const auto problem = apply_variables(options, {"OCTAVO_SYNC=often"});
  CHECK(contains(problem, "OCTAVO_SYNC"));
  CHECK(contains(problem, "always, interval or os"));
}

TEST_CASE("what is applied later wins: file, environment, command line") {
  auto options = serve_options{};
  CHECK(apply_text(options, "connections-max = 1\nmessages-burst = 1\nloaders = 1\n") == "");
  CHECK(apply_variables(options, {"OCTAVO_CONNECTIONS_MAX=2", "OCTAVO_MESSAGES_BURST=2"}) == "");
  REQUIRE(apply_setting(options, "connections-max", "3"));
  CHECK(options.node.loaders == 1);
  CHECK(options.net.limits.messages_burst == 2);
  CHECK(options.net.limits.connections_max == 3);
}
