// `octavo update …` as people and scripts run it: where output goes, exit codes, and what errors say.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <boost/json.hpp>

#include "crdt/encoded_update.hpp"
#include "tests/app/support/shell.hpp"
#include "tests/crdt/support/builder.hpp"

using namespace octavo;
using namespace octavo::test;

namespace {

bytes hello() {
  return update_builder{}.block(5, 0).text("hello").build();
}

bytes world() {
  return update_builder{}.block(5, 5).text(" world", unit{5, 4}).build();
}

}  // namespace

TEST_CASE("every update command has help with an example") {
  const auto run = shell{};
  for (const auto* command : {"inspect", "render", "merge", "diff", "state-vector", "convert", "validate"}) {
    CAPTURE(command);
    const auto answer = run.octavo("update", command, "--help");
    CHECK(answer.exit_code == 0);
    CHECK(contains(answer.out, "Examples:"));
    CHECK(contains(answer.out, std::string{"octavo update "} + command));
  }
}

TEST_CASE("an update comes from files or standard input") {
  const auto run = shell{};
  const auto file = run.file("a", hello());
  const auto from_file = run.octavo("update", "inspect", file);
  CHECK(from_file.exit_code == 0);
  CHECK(contains(from_file.out, "\"hello\""));
  for (const auto& answer : {run.fed(file, "update", "inspect"), run.fed(file, "update", "inspect", "-")}) {
    CHECK(answer.exit_code == 0);
    CHECK(contains(answer.out, "standard input: v1, 18 bytes"));
  }
  const auto twice = run.fed(file, "update", "inspect", "-", "-");
  CHECK(twice.exit_code == 2);
  CHECK(contains(twice.err, "read once"));
}

TEST_CASE("what cannot be read is said with its name and its place") {
  const auto run = shell{};
  const auto missing = run.octavo("update", "inspect", "/nowhere/a");
  CHECK(missing.exit_code == 14);
  CHECK(contains(missing.err, "/nowhere/a"));
  const auto folder = run.octavo("update", "inspect", run.folder.path().string());
  CHECK(folder.exit_code == 2);
  CHECK(contains(folder.err, "is a folder"));
  auto broken = hello();
  broken.pop_back();
  const auto bad = run.octavo("update", "inspect", run.file("bad", broken));
  CHECK(bad.exit_code == 12);
  CHECK(contains(bad.err, "bad: no Yjs update: as v1: the input ends inside a value at byte 17"));
  const auto as_json = run.octavo("update", "merge", "--json", run.file("bad", broken));
  CHECK(boost::json::parse(as_json.err).at("error").as_string() == "malformed");
  CHECK(as_json.out.empty());
  const auto line = run.octavo("update", "merge", "--lines", run.file("lines", as_bytes("0000\n\nAAA\n01\n")));
  CHECK(line.exit_code == 12);
  CHECK(contains(line.err, "lines:4"));
  CHECK(run.octavo("update", "merge", "--lines", run.file("none", as_bytes("\n \n"))).exit_code == 12);
}

TEST_CASE("a file's name may be any bytes") {
  const auto run = shell{};
  const auto file = run.file("a\x9b\xff", hello());
  const auto answer = run.octavo("update", "inspect", file);
  CHECK(answer.exit_code == 0);
  CHECK(contains(answer.out, "/a??: v1"));
  for (const auto* command : {"inspect", "validate"}) {
    const auto told = run.octavo("update", command, "--json", file);
    CHECK(crdt::is_utf8(told.out));
    CHECK(contains(told.out, "/a??\""));
  }
}

TEST_CASE("a document is merged of updates, cut, converted and rendered") {
  const auto run = shell{};
  const auto first = run.file("a", hello());
  const auto second = run.file("b", world());
  const auto merged = run.octavo("update", "merge", first, second);
  REQUIRE(merged.exit_code == 0);
  CHECK(run.octavo("update", "render", "--format", "text", run.file("ab", as_bytes(merged.out))).out ==
        "hello world\n");
  CHECK(run.octavo("update", "merge", second, first).out == merged.out);

  const auto cut = run.octavo("update", "diff", run.file("ab", as_bytes(merged.out)), "--from", first);
  CHECK(cut.out == as_text(world()));
  CHECK(run.octavo("update", "diff", second, "--state-vector", "5:11").out == std::string_view{"\0\0", 2});
  CHECK(run.octavo("update", "diff", second).exit_code == 2);
  CHECK(run.octavo("update", "diff", second, "--from", first, "--state-vector", "00").exit_code == 2);

  const auto v2 = run.octavo("update", "convert", "--to", "v2", first);
  CHECK(as_bytes(v2.out).size() != hello().size());
  CHECK(run.octavo("update", "convert", "--to", "v1", run.file("v2", as_bytes(v2.out))).out == as_text(hello()));
  CHECK(run.octavo("update", "convert", first).exit_code == 2);
  CHECK(run.octavo("update", "convert", "--to", "v2", first, second).exit_code == 2);

  CHECK(run.octavo("update", "state-vector", first, second).out == "5:11\n");
  CHECK(run.octavo("update", "state-vector", "--form", "hex", first).out == "010505\n");
}

TEST_CASE("bytes are written in the form and to the file that were asked for") {
  const auto run = shell{};
  const auto file = run.file("a", hello());
  CHECK(run.octavo("update", "merge", file).out == as_text(hello()));
  CHECK(run.octavo("update", "merge", file, "--form", "hex").out == "01010500040104746578740568656c6c6f00\n");
  const auto target = (run.folder / "out").string() + ".yjs";
  const auto before = umask(022);
  CHECK(run.octavo("update", "merge", file, "-o", target).exit_code == 0);
  umask(before);
  CHECK(storage::testing::read_bytes(target) == as_text(hello()));
  CHECK(run.octavo("update", "merge", file, "-o", "/nowhere/x").exit_code == 16);
  const auto told = run.octavo("update", "merge", file, "--json").parsed();
  CHECK(told.at("encoding").as_string() == "v1");
  CHECK(told.at("base64").as_string() == "AQEFAAQBBHRleHQFaGVsbG8A");
}

TEST_CASE("raw bytes are not thrown at a terminal") {
  const auto run = shell{};
  const auto file = run.file("a", hello());
  // script(1) gives the program a terminal.
  const auto on_terminal = [&](const std::string& words) {
    const auto command = shell_word(OCTAVO_PROGRAM) + " update merge " + shell_word(file) + ' ' + words;
    return WEXITSTATUS(std::system(("script -qec " + shell_word(command) + ' ' +
                                    shell_word((run.folder / "typed").string()) + " < /dev/null > /dev/null")
                                       .c_str()));
  };
  if (std::system("command -v script > /dev/null") != 0) return;
  const auto typed = [&] { return storage::testing::read_bytes(run.folder / "typed"); };
  CHECK(on_terminal("--form raw") == 2);
  CHECK(contains(typed(), "-o FILE"));
  CHECK(on_terminal("") == 0);
  CHECK(contains(typed(), "01010500040104746578740568656c6c6f00"));
  CHECK(on_terminal("--form raw -o -") == 0);
  CHECK(contains(typed(), "hello"));
}

TEST_CASE("what waits makes a rendering incomplete, and is no fault of an update") {
  const auto run = shell{};
  const auto later = run.file("b", world());
  const auto rendered = run.octavo("update", "render", later);
  CHECK(rendered.exit_code == 3);
  CHECK(contains(rendered.out, "1 struct (5:5-10) waits for what is missing: 5:0-4"));
  const auto as_text_only = run.octavo("update", "render", "--format", "json", later);
  CHECK(as_text_only.exit_code == 3);
  CHECK(contains(as_text_only.err, "incomplete"));
  CHECK(run.octavo("update", "validate", later).exit_code == 0);
  const auto missing_root = run.octavo("update", "render", "--root", "nope", run.file("a", hello()));
  CHECK(missing_root.exit_code == 14);
  CHECK(contains(missing_root.err, "its roots: text"));
}

TEST_CASE("validate judges every file, and fails if one does") {
  const auto run = shell{};
  const auto good = run.file("a", hello());
  const auto bad = run.file("bad", as_bytes("\x01\x01\x05\x1f"));
  const auto answer = run.octavo("update", "validate", bad, good, "/nowhere/c");
  CHECK(answer.exit_code == 12);
  CHECK(contains(answer.out, "FAILED  " + bad + ": no Yjs update"));
  CHECK(contains(answer.out, "OK      " + good + ": v1, 18 bytes, 1 struct, 0 ranges of deletes\n"));
  CHECK(contains(answer.out, "FAILED  cannot read /nowhere/c"));
  const auto told = run.octavo("update", "validate", "--json", bad, good).parsed();
  CHECK(told.at("failed").to_number<int>() == 1);
  CHECK_FALSE(told.at("results").at(0).at("ok").as_bool());
  CHECK(told.at("results").at(1).at("ok").as_bool());
  // Types that nest deeper than any document may: well-formed, but no document takes it.
  auto deep = update_builder{};
  deep.block(5, 0).type(0);
  for (auto i = std::uint64_t{0}; i < 2500; ++i) deep.type(0, unit{5, i});
  const auto refused = run.octavo("update", "validate", run.file("deep", deep.build()));
  CHECK(refused.exit_code == 13);
  CHECK(contains(refused.out, "types are nested too deeply"));
}

TEST_CASE("an update's output that cannot be written is an error") {
  const auto run = shell{};
  const auto file = run.file("a", hello());
  for (const auto* command : {"inspect", "inspect --json", "render", "merge", "state-vector", "validate"}) {
    CAPTURE(command);
    const auto status = std::system(
        (shell_word(OCTAVO_PROGRAM) + " update " + command + ' ' + shell_word(file) + " > /dev/full 2> /dev/null")
            .c_str());
    CHECK(WEXITSTATUS(status) == 16);
  }
}
