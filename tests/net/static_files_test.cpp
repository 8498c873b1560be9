#include "net/static_files.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "tests/storage/support.hpp"

using namespace octavo;
using namespace octavo::net;

namespace {

struct page_folder {
  page_folder() { std::filesystem::create_directories(folder / "assets"); }
  void add(std::string_view name, std::string_view content) { std::ofstream{folder / name} << content; }
  storage::testing::temporary_folder folder;
};

}  // namespace

TEST_CASE("a page's files are found by their paths, with type and tag") {
  auto page = page_folder{};
  page.add("index.html", "<p>");
  page.add("assets/index-3f2a.js", "1");
  page.add("assets/style.css", "2");
  page.add("icon.svg", "3");
  page.add("strange.xyz", "4");
  const auto files = static_files::read(page.folder.path());
  REQUIRE(files);
  const auto* index = files->find("/index.html");
  REQUIRE(index != nullptr);
  CHECK(index->content == "<p>");
  CHECK(index->type == "text/html; charset=utf-8");
  CHECK_FALSE(index->immutable);
  CHECK(index->etag.size() == 26);
  const auto* script = files->find("/assets/index-3f2a.js");
  REQUIRE(script != nullptr);
  CHECK(script->immutable);
  CHECK(script->type == "text/javascript; charset=utf-8");
  CHECK(script->etag != index->etag);
  CHECK(files->find("/icon.svg")->type == "image/svg+xml");
  CHECK(files->find("/strange.xyz")->type == "application/octet-stream");
}

TEST_CASE("equal files have equal tags, and a change makes another") {
  auto page = page_folder{};
  page.add("a.html", "one");
  page.add("b.html", "one");
  page.add("c.html", "two");
  const auto files = static_files::read(page.folder.path());
  REQUIRE(files);
  CHECK(files->find("/a.html")->etag == files->find("/b.html")->etag);
  CHECK(files->find("/a.html")->etag != files->find("/c.html")->etag);
}

TEST_CASE("no path leads out of the folder") {
  auto page = page_folder{};
  page.add("index.html", "<p>");
  const auto files = static_files::read(page.folder / "assets");
  REQUIRE(files);
  CHECK(files->empty());
  CHECK(files->find("/../index.html") == nullptr);
  CHECK(files->find("../index.html") == nullptr);
  CHECK(files->find("//etc/passwd") == nullptr);
  CHECK(files->find("") == nullptr);
}

TEST_CASE("a folder that does not exist is an error that names it") {
  const auto files = static_files::read("/nowhere/at/all");
  REQUIRE_FALSE(files);
  CHECK(files.error().code == errc::not_found);
  CHECK(files.error().message.find("/nowhere/at/all") != std::string::npos);
}

TEST_CASE("a page that is far too large is not taken") {
  auto page = page_folder{};
  page.add("large.bin", "");
  std::filesystem::resize_file(page.folder / "large.bin", static_files::bytes_max + 1);
  const auto files = static_files::read(page.folder.path());
  REQUIRE_FALSE(files);
  CHECK(files.error().code == errc::limit_exceeded);
}
