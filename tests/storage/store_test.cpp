#include "storage/store.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <thread>

#include "storage/files.hpp"
#include "tests/storage/support.hpp"

using namespace octavo;
using namespace octavo::storage;
using namespace octavo::storage::testing;
using namespace std::chrono_literals;

namespace {

// Runs the case "child process" below in a process of its own, and returns its exit code.
int run_child(const std::string& task, const std::filesystem::path& path, sync_mode mode) {
  const auto self = std::filesystem::read_symlink("/proc/self/exe").string();
  const std::string filter = "--test-case=child process";
  const auto child = ::fork();
  if (child == 0) {
    ::setenv("OCTAVO_CHILD_TASK", task.c_str(), 1);
    ::setenv("OCTAVO_CHILD_PATH", path.c_str(), 1);
    ::setenv("OCTAVO_CHILD_SYNC", std::to_string(static_cast<int>(mode)).c_str(), 1);
    ::execl(self.c_str(), self.c_str(), filter.c_str(), "--no-skip", static_cast<char*>(nullptr));
    ::_exit(100);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 101;
}

}  // namespace

TEST_CASE("child process" * doctest::skip()) {
  const char* task = std::getenv("OCTAVO_CHILD_TASK");
  const char* path = std::getenv("OCTAVO_CHILD_PATH");
  const char* sync = std::getenv("OCTAVO_CHILD_SYNC");
  if (task == nullptr || path == nullptr || sync == nullptr) return;
  auto options = options_for(path);
  options.sync = static_cast<sync_mode>(std::atoi(sync));
  auto store = store::open(options);
  if (!store) ::_exit(static_cast<int>(store.error().code));
  if (std::string_view(task) == "open") ::_exit(0);
  for (std::uint64_t seq = 1; seq <= 50; ++seq) {
    if (!commit_one(**store, "a", seq, update_text("a", seq))) ::_exit(102);
    if (seq == 25 && !(*store)->put_snapshot("a", 20, as_bytes("state"), 1)) ::_exit(103);
  }
  ::_exit(0);  // without closing anything
}

TEST_CASE("what was committed is there after a reopen, with time, user and metadata") {
  temporary_folder folder;
  {
    auto store = open_ok(folder / "s");
    fill(*store, "notes", 1, 20);
    fill(*store, "other", 1, 3);
    CHECK(store->writable());
    CHECK_FALSE(store->failed());
  }
  auto store = open_ok(folder / "s");
  check_filled(*store, "notes", 20);
  check_filled(*store, "other", 3);
  const auto whole = store->load("notes");
  require_ok(whole);
  CHECK(whole->records[4].seq == 5);
  CHECK(whole->records[4].time_ms == 1'700'000'000'005);
  CHECK(whole->records[4].user == "ann");
  const auto info = store->find("notes");
  require_ok(info);
  REQUIRE(*info);
  CHECK((*info)->created_ms == 1'700'000'000'001);
  CHECK((*info)->updated_ms == 1'700'000'000'020);
  CHECK((*info)->log_records == 20);
  CHECK((*info)->first_seq == 1);
  require_ok(store->find("nothing"));
  CHECK_FALSE(*store->find("nothing"));
  CHECK(store->load("nothing").error().code == errc::not_found);
  fill(*store, "notes", 21, 22);
  check_filled(*store, "notes", 22);
  CHECK_FALSE(store->recovery());
}

TEST_CASE("a group of many documents is committed as one, and refused as one") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  fill(*store, "a", 1, 2);
  std::vector<append> group{make_append("a", 3, "a/3"), make_append("b", 1, "b/1"), make_append("a", 4, "a/4"),
                            make_append("b", 2, "b/2")};
  require_ok(store->commit(group));
  check_filled(*store, "a", 4);
  check_filled(*store, "b", 2);

  group = {make_append("a", 5, "a/5"), make_append("c", 1, "c/1"), make_append("b", 4, "b/4")};
  const auto refused = store->commit(group);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::internal);
  CHECK(refused.error().message.find("\"b\"") != std::string::npos);
  check_filled(*store, "a", 4);
  CHECK_FALSE(*store->find("c"));
  CHECK(commit_one(*store, "a", 4, "again").error().code == errc::internal);
  CHECK(commit_one(*store, "new", 2, "not the first").error().code == errc::internal);
  fill(*store, "a", 5, 5);
  require_ok(store->commit({}));
}

TEST_CASE("bad names, users and updates are refused with nothing written") {
  temporary_folder folder;
  auto options = options_for(folder / "s");
  options.max_update_bytes = 100;
  auto store = open_ok(options);
  CHECK(commit_one(*store, "", 1, "x").error().code == errc::invalid_argument);
  CHECK(commit_one(*store, "\xff", 1, "x").error().code == errc::invalid_argument);
  CHECK(commit_one(*store, std::string(513, 'x'), 1, "x").error().code == errc::invalid_argument);
  CHECK(commit_one(*store, "a", 1, std::string(101, 'x')).error().code == errc::limit_exceeded);
  const std::string user(max_user_bytes + 1, 'u');
  const append item{"a", 1, 0, user, as_bytes("x")};
  CHECK(store->commit({&item, 1}).error().code == errc::limit_exceeded);
  CHECK_FALSE(*store->find("a"));
  require_ok(commit_one(*store, "a", 1, std::string(100, 'x')));
  require_ok(commit_one(*store, "a", 2, ""));
  CHECK(store->load("a")->records[1].update.empty());
}

TEST_CASE("names may hold NUL, and be as long as the limit") {
  temporary_folder folder;
  const std::string with_nul("a\0b", 3);
  const std::string long_name(max_name_bytes, 'n');
  {
    auto store = open_ok(folder / "s");
    fill(*store, with_nul, 1, 2);
    fill(*store, "a", 1, 1);
    fill(*store, long_name, 1, 1);
    fill(*store, std::string_view("\0", 1), 1, 1);
  }
  auto store = open_ok(folder / "s");
  check_filled(*store, with_nul, 2);
  check_filled(*store, long_name, 1);
  check_filled(*store, "a", 1);
  const auto all = store->list("", "", 10);
  require_ok(all);
  REQUIRE(all->documents.size() == 4);
  CHECK(all->documents[0].name == std::string_view("\0", 1));
  CHECK(all->documents[1].name == "a");
  CHECK(all->documents[2].name == with_nul);
}

TEST_CASE("documents are listed by prefix, page by page") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  std::vector<std::string> names;
  for (int i = 0; i < 25; ++i) names.push_back("team/" + std::to_string(100 + i));
  std::vector<append> group;
  for (const auto& name : names) group.push_back(make_append(name, 1, "x"));
  group.push_back(make_append("team", 1, "x"));
  group.push_back(make_append("teams", 1, "x"));
  require_ok(store->commit(group));
  std::vector<std::string> seen;
  std::string after;
  for (int pages = 0; pages < 10; ++pages) {
    const auto page = store->list("team/", after, 7);
    require_ok(page);
    for (const auto& info : page->documents) seen.push_back(info.name);
    if (!page->more) break;
    after = seen.back();
  }
  CHECK(seen == names);
  CHECK(store->list("zebra", "", 5)->documents.empty());
  CHECK(store->list("team", "", 100)->documents.size() == 27);
  CHECK(store->list("team/", "a", 1)->documents[0].name == "team/100");
}

TEST_CASE("a removed document is gone, and a new one of that name begins afresh") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  fill(*store, "a", 1, 5);
  fill(*store, "b", 1, 2);
  require_ok(store->put_snapshot("a", 3, as_bytes("state"), 9));
  require_ok(store->quarantine_update("a", 1, "u", "r", as_bytes("q")));
  const auto old_id = (*store->find("a"))->id;
  require_ok(store->remove("a"));
  CHECK_FALSE(*store->find("a"));
  CHECK(store->remove("a").error().code == errc::not_found);
  CHECK(store->load("a").error().code == errc::not_found);
  fill(*store, "a", 1, 1);
  CHECK((*store->find("a"))->id != old_id);
  check_filled(*store, "a", 1);
  CHECK(store->list_quarantine("a")->empty());
  check_filled(*store, "b", 2);
  const auto report = store->check();
  require_ok(report);
  CHECK(report->problem_count == 0);
  CHECK(report->documents == 2);
  CHECK(store->stats()->documents == 2);
}

TEST_CASE("the log is read in pieces by count and by bytes") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  for (std::uint64_t seq = 1; seq <= 10; ++seq) require_ok(commit_one(*store, "a", seq, std::string(100, 'x')));
  CHECK(store->read_log("a", 1, 3, 1 << 20)->size() == 3);
  CHECK(store->read_log("a", 9, 30, 1 << 20)->size() == 2);
  CHECK(store->read_log("a", 1, 30, 250)->size() == 2);
  CHECK(store->read_log("a", 1, 30, 1)->size() == 1);
  CHECK(store->read_log("a", 11, 30, 1)->empty());
  CHECK(store->read_log("b", 1, 30, 1).error().code == errc::not_found);
  require_ok(store->put_snapshot("a", 4, as_bytes("state"), 1));
  CHECK(store->read_log("a", 1, 1, 1)->front().seq == 5);
}

TEST_CASE("an error of the visitor ends the load and is returned") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  fill(*store, "a", 1, 5);
  std::uint64_t seen = 0;
  load_visitor visitor;
  visitor.on_record = [&](std::uint64_t seq, std::int64_t, std::string_view, bytes_view) -> result<void> {
    seen = seq;
    if (seq == 3) return fail(errc::malformed, "three");
    return {};
  };
  const auto outcome = store->load("a", visitor);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().message == "three");
  CHECK(seen == 3);
}

TEST_CASE("a second store on the same folder is told who has it") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  auto again = store::open(options_for(folder / "s"));
  REQUIRE_FALSE(again);
  CHECK(again.error().code == errc::locked);
  CHECK(again.error().message.find(std::to_string(::getpid())) != std::string::npos);
  CHECK(again.error().message.find((folder / "s").string()) != std::string::npos);
  CHECK(run_child("open", folder / "s", sync_mode::always) == static_cast<int>(errc::locked));
  store.reset();
  open_ok(folder / "s");
}

TEST_CASE("a process that ends without closing leaves all its commits") {
  temporary_folder folder;
  for (const auto mode : {sync_mode::always, sync_mode::interval, sync_mode::os}) {
    auto options = options_for(folder / std::to_string(static_cast<int>(mode)));
    options.sync = mode;
    REQUIRE(run_child("write", options.path, mode) == 0);
    auto store = open_ok(options);
    check_filled(*store, "a", 50);
    CHECK(store->load("a")->snapshot_seq == 20);
    CHECK_FALSE(store->recovery());
  }
}

TEST_CASE("a store of an unknown version is refused, naming both versions") {
  temporary_folder folder;
  open_ok(folder / "s");
  auto text = read_bytes(folder / "s" / "FORMAT");
  const auto at = text.find("format 1");
  REQUIRE(at != std::string::npos);
  write_bytes(folder / "s" / "FORMAT", text.replace(at, 8, "format 9"));
  const auto opened = store::open(options_for(folder / "s"));
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == errc::unknown_version);
  CHECK(opened.error().message.find("format 9") != std::string::npos);
  CHECK(opened.error().message.find("format 1") != std::string::npos);
}

TEST_CASE("folders that hold no store, half a store, or another's are refused and left alone") {
  temporary_folder folder;
  auto options = options_for(folder / "missing");
  options.create_if_missing = false;
  CHECK(store::open(options).error().code == errc::not_found);
  CHECK_FALSE(std::filesystem::exists(folder / "missing"));
  options.create_if_missing = true;
  options.read_only = true;
  CHECK(store::open(options).error().code == errc::not_found);
  CHECK(store::open(store_options{}).error().code == errc::invalid_argument);

  std::filesystem::create_directory(folder / "photos");
  write_bytes(folder / "photos" / "cat.jpg", "meow");
  CHECK(store::open(options_for(folder / "photos")).error().code == errc::invalid_argument);
  CHECK(store::open(options_for(folder / "photos" / "cat.jpg")).error().code == errc::invalid_argument);
  CHECK(std::distance(std::filesystem::directory_iterator(folder / "photos"), {}) == 1);

  open_ok(folder / "s");
  write_bytes(folder / "s" / "FORMAT", "something else\n");
  CHECK(store::open(options_for(folder / "s")).error().code == errc::corrupt);

  open_ok(folder / "t");
  open_ok(folder / "u");
  std::filesystem::remove_all(folder / "t" / "db");
  CHECK(store::open(options_for(folder / "t")).error().code == errc::corrupt);
  copy_store(folder / "u" / "db", folder / "t" / "db");
  CHECK(store::open(options_for(folder / "t")).error().code == errc::corrupt);
}

TEST_CASE("a store whose making was interrupted is made at the next try") {
  temporary_folder folder;
  { auto store = open_ok(folder / "s"); }
  auto text = read_bytes(folder / "s" / "FORMAT") + "unfinished yes\n";
  SUBCASE("before the database") {
    std::filesystem::remove_all(folder / "s" / "db");
  }
  SUBCASE("before the note that all is done") {}
  write_bytes(folder / "s" / "FORMAT", text);
  fill(*open_ok(folder / "s"), "a", 1, 1);
  CHECK(read_bytes(folder / "s" / "FORMAT").find("unfinished") == std::string::npos);
  check_filled(*open_ok(folder / "s"), "a", 1);
}

TEST_CASE("a store opened for reading only reads all and writes nothing") {
  temporary_folder folder;
  fill(*open_ok(folder / "s"), "a", 1, 5);
  auto options = options_for(folder / "s");
  options.read_only = true;
  auto store = open_ok(options);
  check_filled(*store, "a", 5);
  CHECK(commit_one(*store, "a", 6, "x").error().code == errc::forbidden);
  CHECK(store->remove("a").error().code == errc::forbidden);
  CHECK(store->compact().error().code == errc::forbidden);
  CHECK_FALSE(store->writable());
  const auto report = store->check();
  require_ok(report);
  CHECK(report->problem_count == 0);
  CHECK(report->records == 5);
}

TEST_CASE("stats tell the store's id, its documents and its size; compaction keeps everything") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  fill(*store, "a", 1, 50);
  fill(*store, "b", 1, 50);
  require_ok(store->remove("b"));
  std::vector<std::string> phases;
  require_ok(store->compact([&](const progress& now) {
    phases.emplace_back(now.phase);
    return true;
  }));
  CHECK(phases.back() == "done");
  const auto stats = store->stats();
  require_ok(stats);
  CHECK(stats->store_id.size() == 32);
  CHECK(stats->format_version == 1);
  CHECK(stats->documents == 1);
  CHECK(stats->commits == 101);
  CHECK(stats->disk_bytes > 0);
  CHECK(stats->background_errors == 0);
  CHECK(stats->space.writable);
  check_filled(*store, "a", 50);
}

TEST_CASE("a file that cannot be looked for is an error that names it, and no missing file") {
  temporary_folder folder;
  open_ok(folder / "s");
  for (const auto* name : {"FORMAT", "RECOVERY"}) {
    CAPTURE(name);
    std::filesystem::remove(folder / "s" / name);
    // It leads to itself: as good as a folder that may not be searched, which stops nobody who is root.
    std::filesystem::create_symlink(name, folder / "s" / name);
    const auto opened = store::open(options_for(folder / "s"));
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == errc::io_error);
    CHECK(opened.error().message.find(name) != std::string::npos);
    std::filesystem::remove(folder / "s" / name);
    if (std::string_view{name} == "FORMAT") {
      std::filesystem::remove_all(folder / "s");
      open_ok(folder / "s");
    }
  }
}

TEST_CASE("who may only read a store does not open it while another process writes, nor the other way round") {
  temporary_folder folder;
  using std::filesystem::perms;
  std::filesystem::permissions(folder.path(), perms::group_exec | perms::others_exec,
                               std::filesystem::perm_options::add);
  const auto path = folder / "s";
  fill(*open_ok(path), "a", 1, 1);
  // As another user sees it.
  const auto acquire_as_reader = [&] {
    const bool is_root = ::geteuid() == 0;
    const auto change = [&](std::filesystem::perms mode) {
      std::filesystem::permissions(path, mode);
      if (std::filesystem::exists(path / "lock")) std::filesystem::permissions(path / "lock", mode);
    };
    constexpr auto all_exec = perms::owner_exec | perms::group_exec | perms::others_exec;
    change(perms::owner_read | perms::group_read | perms::others_read | all_exec);
    if (is_root) REQUIRE(::seteuid(65534) == 0);
    auto taken = folder_lock::acquire(path, true);
    if (is_root) REQUIRE(::seteuid(0) == 0);
    change(perms::owner_all);
    return taken;
  };
  SUBCASE("with the lock file") {}
  SUBCASE("without it") {
    std::filesystem::remove(path / "lock");
  }
  {
    const auto reader = acquire_as_reader();
    require_ok(reader);
    CHECK(store::open(options_for(path)).error().code == errc::locked);
  }
  const auto writer = open_ok(path);
  CHECK(acquire_as_reader().error().code == errc::locked);
}

TEST_CASE("a store that two processes make at once is made once") {
  for (int round = 0; round < 20; ++round) {
    temporary_folder folder;
    std::filesystem::create_directory(folder / "s");
    std::vector<std::string> ids(4);
    {
      std::vector<std::jthread> openers;
      for (auto& id : ids) {
        openers.emplace_back([&id, path = folder / "s"] {
          for (int i = 0; i < 60'000 && id.empty(); ++i) {
            if (auto opened = store::open(options_for(path))) {
              id = (*opened)->stats()->store_id;
            } else if (opened.error().code != errc::locked) {
              id = opened.error().message;
            } else {
              std::this_thread::sleep_for(1ms);
            }
          }
        });
      }
    }
    for (const auto& id : ids) CHECK(id == ids[0]);
  }
}
