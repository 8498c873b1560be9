// The built program, run as people and scripts run it: exit codes, what it prints, and where.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <boost/json.hpp>
#include <cstdio>
#include <fstream>

#include "net/access.hpp"
#include "tests/app/support/shell.hpp"

using namespace octavo;
using namespace octavo::test;
namespace json = boost::json;
using storage::testing::temporary_folder;

TEST_CASE("help goes to standard output and succeeds, for every command") {
  const auto run = shell{};
  for (const auto& answer : {run.octavo("--help"), run.octavo("serve", "--help"), run.octavo("doc", "export", "--help"),
                             run.octavo("store", "check", "--help"), run.octavo("token", "--help")}) {
    CHECK(answer.exit_code == 0);
    CHECK(contains(answer.out, "Usage:"));
    CHECK(answer.err.empty());
  }
  CHECK(contains(run.octavo("--help").out, "Examples:"));
  CHECK(run.octavo("--version").exit_code == 0);
}

TEST_CASE("wrong usage exits with 2 and says what was meant") {
  const auto run = shell{};
  CHECK(run.octavo().exit_code == 2);
  auto answer = run.octavo("serve", "--lisen", "127.0.0.1:0");
  CHECK(answer.exit_code == 2);
  CHECK(contains(answer.err, "--listen"));
  answer = run.octavo("doc", "exprt", "notes");
  CHECK(answer.exit_code == 2);
  CHECK(contains(answer.err, "export"));
  answer = run.octavo("serve", "--frame-bytes-max", "lots");
  CHECK(answer.exit_code == 2);
  CHECK(contains(answer.err, "--frame-bytes-max"));
  CHECK(answer.out.empty());
}

TEST_CASE("a configuration file with a mistake is refused before anything is opened") {
  const auto run = shell{};
  const auto config = run.file("octavo.toml", as_bytes("data = \"" + run.data() + "\"\nlissten = \"127.0.0.1:0\"\n"));
  const auto answer = run.octavo("serve", "--config", config);
  CHECK(answer.exit_code == 2);
  CHECK(contains(answer.err, "octavo.toml:2:1"));
  CHECK(contains(answer.err, "'listen'"));
  CHECK_FALSE(std::filesystem::exists(run.data()));
}

TEST_CASE("what excludes each other is refused") {
  const auto run = shell{};
  CHECK(run.octavo("serve", "--tls-cert", "chain.pem").exit_code == 2);
  CHECK(run.octavo("serve", "--open", "--secret-file", "secret").exit_code == 2);
  CHECK(run.octavo("serve", "--data", run.data(), "--secret-file", "/nowhere/secret").exit_code == 14);
  CHECK(run.octavo("serve", "--data", run.data(), "--listen", "0.0.0.0:0").exit_code == 2);
}

TEST_CASE("nothing is stored before address, secret and certificate are known to be good") {
  const auto run = shell{};
  CHECK(run.octavo("serve", "--data", run.data(), "--secret-file", "/nowhere/secret").exit_code == 14);
  CHECK(run.octavo("serve", "--data", run.data(), "--listen", "somewhere:0").exit_code == 2);
  CHECK(run.octavo("serve", "--data", run.data(), "--tls-cert", "/nowhere", "--tls-key", "/nowhere").exit_code == 2);
  CHECK(run.octavo("serve", "--data", run.data(), "--listen", "127.0.0.1:0", "--web", "/nowhere").exit_code == 14);
  CHECK_FALSE(std::filesystem::exists(run.data()));
}

TEST_CASE("a switch can be turned off again, whatever the environment says") {
  const auto run = shell{};
  const auto config = run.file("octavo.toml", as_bytes("open = true\n"));
  const auto beyond = [&](const char* open) {
    return run.octavo("serve", "--config", config, "--data", run.data(), "--listen", "0.0.0.0:0", "--log-json=false",
                      open);
  };
  const auto off = beyond("--open=false");
  CHECK(off.exit_code == 2);
  CHECK(contains(off.err, "without a secret"));
  CHECK(contains(off.err, "octavo: "));
  CHECK(contains(beyond("--open=perhaps").err, "true or false"));
}

TEST_CASE("errors are JSON where JSON was asked for, wrong usage too") {
  const auto run = shell{};
  const auto last_line = [](const std::string& text) {
    const auto end = text.find_last_not_of('\n');
    const auto begin = text.rfind('\n', end);
    return json::parse(text.substr(begin == std::string::npos ? 0 : begin + 1));
  };
  CHECK(last_line(run.octavo("doc", "lst", "--json").err).at("error").as_string() == "invalid_argument");
  CHECK(last_line(run.octavo("doc", "show", "--data", "--json").err).at("error").as_string() == "invalid_argument");
  for (const auto& answer : {run.octavo("serve", "--log-json", "--data", run.data(), "--listen", "0.0.0.0:0"),
                             run.octavo("serve", "--keepalive", "0", "--log-json"),
                             run.octavo("serve", "--log-json", "--no-such-setting")}) {
    INFO(answer.err);
    CHECK(answer.exit_code == 2);
    CHECK(last_line(answer.err).at("level").as_string() == "critical");
  }
}

TEST_CASE("a name that exists is not said to be a slip") {
  const auto answer = shell{}.octavo("doc", "list", "--data");
  CHECK(answer.exit_code == 2);
  CHECK_FALSE(contains(answer.err, "Did you mean"));
}

TEST_CASE("output that cannot be written is an error") {
  const auto run = shell{};
  run.make_store();
  for (const auto* command : {"doc list", "doc list --json", "doc show notes", "doc export notes", "store stats --json",
                              "store check", "--help"}) {
    CAPTURE(command);
    const auto data = std::string_view{command}.starts_with('-') ? "" : " --data " + shell_word(run.data());
    const auto status =
        std::system((shell_word(OCTAVO_PROGRAM) + ' ' + command + data + " > /dev/full 2> /dev/null").c_str());
    CHECK(WEXITSTATUS(status) == 16);
  }
}

TEST_CASE("a store is for its user alone, and an export is a file like any other") {
  using std::filesystem::perms;
  const auto run = shell{};
  const auto before = umask(022);
  run.make_store();
  const auto exported = (run.folder / "notes.yjs").string();
  REQUIRE(run.octavo("doc", "export", "notes", "-o", exported, "--data", run.data()).exit_code == 0);
  umask(before);
  const auto of_others = [](const std::filesystem::path& path) {
    return std::filesystem::status(path).permissions() & (perms::group_all | perms::others_all);
  };
  CHECK(of_others(run.data()) == perms::none);
  for (const auto& file : std::filesystem::recursive_directory_iterator(run.data())) {
    CAPTURE(file.path().string());
    CHECK(of_others(file) == perms::none);
  }
  CHECK(of_others(exported) == (perms::group_read | perms::others_read));
}

TEST_CASE("a store that cannot be looked into is an error of the disk, also as JSON") {
  const auto run = shell{};
  run.make_store();
  std::filesystem::remove(run.folder / "data" / "FORMAT");
  std::filesystem::create_symlink("FORMAT", run.folder / "data" / "FORMAT");
  const auto answer = run.octavo("doc", "list", "--json", "--data", run.data());
  CHECK(answer.exit_code == 16);
  CHECK(json::parse(answer.err).at("error").as_string() == "io_error");
}

TEST_CASE("a secret that everybody can read is warned of") {
  const auto run = shell{};
  const auto file = run.file("secret", as_bytes("0123456789abcdef0123456789abcdef"));
  const auto serve = [&] { return run.octavo("serve", "--secret-file", file, "--listen", "somewhere:0").err; };
  std::filesystem::permissions(file, std::filesystem::perms{0644});
  CHECK(contains(serve(), "can read " + file));
  std::filesystem::permissions(file, std::filesystem::perms{0600});
  CHECK_FALSE(contains(serve(), "can read"));
}

TEST_CASE("a store that does not exist is an error of its own, and is not made by looking") {
  const auto run = shell{};
  for (const auto& answer :
       {run.octavo("doc", "list", "--data", run.data()), run.octavo("store", "check", "--data", run.data()),
        run.octavo("store", "stats", "--data", run.data()), run.octavo("doc", "show", "notes", "--data", run.data())}) {
    CHECK(answer.exit_code == 14);
    CHECK(contains(answer.err, "octavo: "));
  }
  const auto answer = run.octavo("doc", "list", "--json", "--data", run.data());
  CHECK(json::parse(answer.err).at("error").as_string() == "not_found");
  CHECK(answer.out.empty());
  CHECK_FALSE(std::filesystem::exists(run.data()));
}

TEST_CASE("a document is imported, listed, shown, exported and deleted") {
  const auto run = shell{};
  run.make_store();
  const auto listed = run.octavo("doc", "list", "--json", "--data", run.data());
  CHECK(listed.exit_code == 0);
  CHECK(listed.parsed().at("name").as_string() == "notes");
  CHECK(listed.parsed().at("seq").to_number<int>() == 2);
  CHECK(run.octavo("doc", "list", "--json", "--prefix", "x", "--data", run.data()).out.empty());

  const auto shown = run.octavo("doc", "show", "notes", "--json", "--data", run.data());
  CHECK(shown.parsed().at("roots").as_array().at(0).as_string() == "text");
  CHECK(contains(run.octavo("doc", "show", "notes", "--data", run.data()).out, "edits      2"));

  CHECK(run.octavo("doc", "export", "notes", "--format", "text", "--data", run.data()).out == "hello world\n");
  CHECK(run.octavo("doc", "export", "notes", "--format", "json", "--root", "text", "--data", run.data()).out ==
        "\"hello world\"\n");
  const auto exported = run.octavo("doc", "export", "notes", "--data", run.data());
  auto copy = crdt::document{};
  REQUIRE(copy.apply_v1(as_bytes(exported.out)));
  CHECK(copy.text("text") == "hello world");
  const auto target = (run.folder / "notes.yjs").string();
  CHECK(run.octavo("doc", "export", "notes", "-o", target, "--data", run.data()).exit_code == 0);
  CHECK(storage::testing::read_bytes(target) == exported.out);

  CHECK(run.octavo("doc", "delete", "notes", "--data", run.data()).exit_code == 2);
  CHECK(run.octavo("doc", "delete", "notes", "--yes", "--data", run.data()).exit_code == 0);
  CHECK(run.octavo("doc", "show", "notes", "--data", run.data()).exit_code == 14);
}

TEST_CASE("importing what is there already adds nothing, and what is no update is refused") {
  const auto run = shell{};
  run.make_store();
  const auto again = run.octavo("doc", "import", "notes", (run.folder / "a").string(), "--json", "--data", run.data());
  CHECK(again.exit_code == 0);
  CHECK_FALSE(again.parsed().at("added").as_bool());
  CHECK(again.parsed().at("seq").to_number<int>() == 2);
  const auto bad = run.octavo("doc", "import", "notes", run.file("bad", as_bytes("no update")), "--data", run.data());
  CHECK(bad.exit_code == 12);
  CHECK(run.octavo("doc", "import", "notes", "/nowhere", "--data", run.data()).exit_code == 14);
  CHECK(run.octavo("doc", "import", "", (run.folder / "a").string(), "--data", run.data()).exit_code == 2);
}

TEST_CASE("a document larger than any edit may be is exported, deleted and imported again") {
  const auto run = shell{};
  run.make_store();
  // 72 MiB in texts of 1 MiB each, with a part of one and the whole of another deleted.
  const auto block = std::string(std::size_t{1} << 20, 'x');
  auto large = update_builder{};
  large.block(1, 0).text(block);
  for (auto i = std::uint64_t{1}; i < 72; ++i) large.text(block, unit{1, i * block.size() - 1});
  large.erase(1, 0, 10).erase(1, 5 * block.size(), block.size());
  auto original = crdt::document{};
  REQUIRE(original.apply_v1(large.build()));
  const auto data = "--data=" + run.data();
  const auto made = run.octavo("doc", "import", data, "large", run.file("large", large.build()), "--json");
  INFO(made.err);
  REQUIRE(made.exit_code == 0);
  CHECK(made.parsed().at("seq").to_number<int>() > 10);
  // The next start need not read all of that again.
  auto log_bytes = std::uintmax_t{0};
  for (const auto& log : storage::testing::files_with(run.folder / "data" / "db", ".log"))
    log_bytes += std::filesystem::file_size(log);
  CHECK(log_bytes < storage::store_options{}.max_wal_bytes);

  const auto backup = (run.folder / "backup").string();
  REQUIRE(run.octavo("doc", "export", data, "large", "-o", backup).exit_code == 0);
  CHECK(std::filesystem::file_size(backup) > storage::store_options{}.max_update_bytes);
  REQUIRE(run.octavo("doc", "delete", data, "large", "--yes").exit_code == 0);
  const auto restored = run.octavo("doc", "import", data, "large", backup, "--json");
  INFO(restored.err);
  REQUIRE(restored.exit_code == 0);
  const auto again = run.octavo("doc", "import", data, "large", backup, "--json");
  CHECK_FALSE(again.parsed().at("added").as_bool());
  CHECK(again.parsed().at("seq") == restored.parsed().at("seq"));
  CHECK(run.octavo("doc", "export", data, "large", "--format", "text").out == original.text("text") + '\n');
}

TEST_CASE("a text needs a root where there are several") {
  const auto run = shell{};
  auto both = update_builder{};
  both.block(1, 0).text("a", {}, {}, "first").text("b", {}, {}, "second");
  REQUIRE(run.octavo("doc", "import", "two", run.file("both", both.build()), "--data", run.data()).exit_code == 0);
  const auto answer = run.octavo("doc", "export", "two", "--format", "text", "--data", run.data());
  CHECK(answer.exit_code == 2);
  CHECK(contains(answer.err, "--root"));
  CHECK(run.octavo("doc", "export", "two", "--format", "text", "--root", "second", "--data", run.data()).out == "b\n");
}

TEST_CASE("a root that is not there, or of another kind than the format, is no empty export") {
  const auto run = shell{};
  auto both = update_builder{};
  both.block(1, 0).text("a", {}, {}, "first").type(0).set("map", "k", 5);
  REQUIRE(run.octavo("doc", "import", "two", run.file("both", both.build()), "--data", run.data()).exit_code == 0);
  for (const auto* format : {"text", "json", "xml", "delta", "update"}) {
    CAPTURE(format);
    const auto answer = run.octavo("doc", "export", "two", "--format", format, "--root", "nope", "--data", run.data());
    CHECK(answer.exit_code == 14);
    CHECK(contains(answer.err, "first, list, map"));
    CHECK(answer.out.empty());
  }
  for (const auto* format : {"text", "delta", "xml"}) {
    const auto answer = run.octavo("doc", "export", "two", "--format", format, "--root", "list", "--data", run.data());
    CHECK(answer.exit_code == 2);
    CHECK(contains(answer.err, "an array"));
    CHECK(run.octavo("doc", "export", "two", "--format", format, "--root", "map", "--data", run.data()).exit_code == 2);
  }
  CHECK(run.octavo("doc", "export", "two", "--root", "first", "--data", run.data()).exit_code == 2);
}

TEST_CASE("what nobody could open is not imported") {
  const auto run = shell{};
  const auto answer = run.octavo("doc", "import", "/lead", run.file("a", typed(1, 0, "a")), "--data", run.data());
  CHECK(answer.exit_code == 2);
  CHECK(contains(answer.err, "slash"));
  CHECK_FALSE(std::filesystem::exists(run.data()));
}

TEST_CASE("a good store checks, counts and compacts") {
  const auto run = shell{};
  run.make_store();
  const auto checked = run.octavo("store", "check", "--json", "--data", run.data());
  CHECK(checked.exit_code == 0);
  CHECK(checked.parsed().at("documents").to_number<int>() == 1);
  CHECK(checked.parsed().at("records").to_number<int>() == 2);
  CHECK(checked.parsed().at("problem_count").to_number<int>() == 0);
  CHECK(contains(run.octavo("store", "check", "--data", run.data()).out, "no problems"));
  const auto counted = run.octavo("store", "stats", "--json", "--data", run.data());
  CHECK(counted.parsed().at("documents").to_number<int>() == 1);
  CHECK(counted.parsed().at("store_id").as_string().size() == 32);
  CHECK(run.octavo("store", "compact", "--json", "--data", run.data()).exit_code == 0);
}

TEST_CASE("a store that is in use is left alone") {
  const auto run = shell{};
  run.make_store();
  const auto held = storage::testing::open_ok(run.data());
  const auto answer = run.octavo("doc", "list", "--data", run.data());
  CHECK(answer.exit_code == 20);
}

TEST_CASE("a token that was made is one that verifies") {
  const auto run = shell{};
  const auto secret = std::string{"0123456789abcdef0123456789abcdef"};
  const auto file = run.file("secret", as_bytes(secret + "\n"));
  const auto made = run.octavo("token", "--secret-file", file, "--doc", "notes", "--doc", "plans/*", "--access", "read",
                               "--user", "ada", "--expires", "15min", "--json");
  REQUIRE(made.exit_code == 0);
  const auto text = made.parsed().at("token").as_string();
  const auto expires_s = made.parsed().at("expires_s").to_number<std::int64_t>();
  const auto claims = net::check_token({text.data(), text.size()}, secret, expires_s - 800);
  REQUIRE(claims);
  CHECK(claims->covers("notes"));
  CHECK(claims->covers("plans/x"));
  CHECK_FALSE(claims->may_write);
  CHECK(claims->user == "ada");
  CHECK(claims->expires_s == expires_s);
  const auto plain = run.octavo("token", "--secret-file", file, "--doc", "notes").out;
  CHECK(std::count(plain.begin(), plain.end(), '.') == 2);
}

TEST_CASE("a token needs a good secret, a document and a time that can be meant") {
  const auto run = shell{};
  const auto file = run.file("secret", as_bytes("0123456789abcdef0123456789abcdef"));
  CHECK(run.octavo("token", "--secret-file", "/nowhere", "--doc", "notes").exit_code == 14);
  CHECK(run.octavo("token", "--secret-file", run.file("short", as_bytes("short")), "--doc", "notes").exit_code == 2);
  CHECK(run.octavo("token", "--secret-file", file).exit_code == 2);
  CHECK(run.octavo("token", "--secret-file", file, "--doc", "notes", "--expires", "soon").exit_code == 2);
  CHECK(run.octavo("token", "--secret-file", file, "--doc", "notes", "--access", "admin").exit_code == 2);
  for (const auto* expires : {"0", "500ms"})
    CHECK(run.octavo("token", "--secret-file", file, "--doc", "notes", "--expires", expires).exit_code == 2);
  for (const auto* name : {"", "/notes", "\xff"})
    CHECK(run.octavo("token", "--secret-file", file, "--doc", name).exit_code == 2);
  CHECK(run.octavo("token", "--secret-file", file, "--doc", "notes", "--user", "\xff").exit_code == 2);
}
