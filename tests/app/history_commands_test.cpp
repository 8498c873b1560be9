// Looking back and going back from the command line: doc history, show --at, diff, version, restore.
#include <doctest/doctest.h>

#include "tests/app/support/shell.hpp"

using namespace octavo;
using namespace octavo::test;
namespace json = boost::json;

namespace {

/// Lines of JSON.
std::vector<json::value> lines(const std::string& out) {
  auto all = std::vector<json::value>{};
  for (auto at = std::size_t{0}; at < out.size();) {
    auto end = out.find('\n', at);
    all.push_back(json::parse(std::string_view{out}.substr(at, end - at)));
    at = end + 1;
  }
  return all;
}

std::string show(const shell& run, const std::string& at) {
  auto shown = run.octavo("doc", "show", "--data", run.data(), "notes", "--at", at, "--format", "text");
  CHECK(shown.err.empty());
  CHECK(shown.exit_code == 0);
  return shown.out;
}

}  // namespace

TEST_CASE("the history of a document is listed, and its versions are shown") {
  const auto run = shell{};
  run.make_store();
  auto listed = run.octavo("doc", "history", "--data", run.data(), "notes", "--json");
  CHECK(listed.exit_code == 0);
  auto entries = lines(listed.out);
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].at("user") == "octavo doc import");
  CHECK(entries[0].at("first_seq") == 1);
  CHECK(entries[0].at("last_seq") == 2);
  CHECK(entries[0].at("edits") == 2);
  CHECK(entries[0].at("characters_inserted") == 11);
  auto one = run.octavo("doc", "history", "--data", run.data(), "notes", "--json", "--from", "2", "--limit", "0");
  CHECK(lines(one.out).at(0).at("edits") == 1);
  auto read = run.octavo("doc", "history", "--data", run.data(), "notes");
  CHECK(read.exit_code == 0);
  CHECK(contains(read.out, "octavo doc import"));
  CHECK(contains(read.out, "+11"));

  CHECK(run.octavo("doc", "show", "--data", run.data(), "notes", "--at", "0").out == "{}\n");
  CHECK(show(run, "1") == "hello \n");
  CHECK(show(run, "2") == "hello world\n");
  CHECK(show(run, "2999-01-01") == "hello world\n");
  auto json = run.octavo("doc", "show", "--data", run.data(), "notes", "--at", "1");
  CHECK(json.out == "{\"text\":\"hello \"}\n");
  auto beyond = run.octavo("doc", "show", "--data", run.data(), "notes", "--at", "3");
  CHECK(beyond.exit_code == 14);
  CHECK(contains(beyond.err, "its last one is 2"));
  CHECK(run.octavo("doc", "show", "--data", run.data(), "notes", "--format", "text").exit_code == 2);
}

TEST_CASE("two versions are compared, with who did what") {
  const auto run = shell{};
  run.make_store();
  auto read = run.octavo("doc", "diff", "--data", run.data(), "notes", "1");
  CHECK(read.exit_code == 0);
  CHECK(contains(read.out, "from version 1 to version 2\n"));
  CHECK(contains(read.out, "  + \"world\"   (octavo doc import, "));
  CHECK_FALSE(contains(read.out, "\033"));
  auto json = run.octavo("doc", "diff", "--data", run.data(), "notes", "2", "1", "--json");
  CHECK(json.exit_code == 0);
  auto runs = json.parsed().at("roots").at(0).at("list").as_array();
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].at("op") == "keep");
  CHECK(runs[1].at("op") == "insert");
  CHECK(runs[1].at("text") == "world");
  CHECK(runs[1].at("by").at("first_seq") == 2);
  CHECK(contains(run.octavo("doc", "diff", "--data", run.data(), "notes", "2", "2").out, "nothing differs"));
  auto no_root = run.octavo("doc", "diff", "--data", run.data(), "notes", "1", "--root", "body");
  CHECK(no_root.exit_code == 14);
  CHECK(contains(no_root.err, "its roots: text"));
}

TEST_CASE("versions get names, which the history shows, and lose them") {
  const auto run = shell{};
  run.make_store();
  const auto version = [&](const auto&... words) {
    return run.octavo("doc", "version", "--data", run.data(), "notes", words...);
  };
  CHECK(version("add", "first draft", "--at", "1", "--user", "ada").exit_code == 0);
  CHECK(version("add", "whole").exit_code == 0);
  CHECK(version("add", "whole").exit_code == 15);
  CHECK(version("add", "17").exit_code == 2);
  CHECK(version("add", "2026-11-26").exit_code == 2);
  CHECK(version("add").exit_code == 2);
  CHECK(version("rename", "x").exit_code == 2);
  auto all = lines(version("list", "--json").out);
  REQUIRE(all.size() == 2);
  CHECK(all[0].at("label") == "first draft");
  CHECK(all[0].at("seq") == 1);
  CHECK(all[0].at("user") == "ada");
  CHECK(all[1].at("seq") == 2);
  CHECK(contains(version().out, "first draft"));
  CHECK(show(run, "first draft") == "hello \n");
  CHECK(contains(run.octavo("doc", "history", "--data", run.data(), "notes").out, "* first draft (version 1, "));
  CHECK(version("remove", "first draft").exit_code == 0);
  CHECK(version("remove", "first draft").exit_code == 14);
  CHECK(lines(version("list", "--json").out).size() == 1);
}

TEST_CASE("an older version is restored as a new edit") {
  const auto run = shell{};
  run.make_store();
  auto restored = run.octavo("doc", "restore", "--data", run.data(), "notes", "--at", "1", "--json");
  CHECK(restored.err.empty());
  REQUIRE(restored.exit_code == 0);
  CHECK(restored.parsed().at("seq") == 3);
  CHECK(restored.parsed().at("changed") == true);
  CHECK(show(run, "3") == "hello \n");
  CHECK(show(run, "2") == "hello world\n");
  auto again = run.octavo("doc", "restore", "--data", run.data(), "notes", "--at", "1");
  CHECK(contains(again.out, "nothing was written"));
  CHECK(run.octavo("doc", "restore", "--data", run.data(), "notes", "--at", "2", "--user", "ada").exit_code == 0);
  CHECK(show(run, "4") == "hello world\n");
  CHECK(contains(run.octavo("doc", "history", "--data", run.data(), "notes").out, "  ada\n"));
  CHECK(run.octavo("doc", "restore", "--data", run.data(), "notes", "--at", "9").exit_code == 14);
  CHECK(run.octavo("doc", "restore", "--data", run.data(), "notes").exit_code == 2);
  CHECK(run.octavo("store", "check", "--data", run.data()).exit_code == 0);
}
