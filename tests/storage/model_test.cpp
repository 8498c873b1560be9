// Random operations against a model in memory, with power cuts in between: what was acknowledged as durable is always
// there, what is there is always a prefix of what was done, and everything that is read is what was written.
#include <doctest/doctest.h>

#include <map>
#include <random>
#include <utility>

#include "storage/store_impl.hpp"
#include "tests/storage/fault_file_system.hpp"
#include "tests/storage/support.hpp"

using namespace octavo;
using namespace octavo::storage;
using namespace octavo::storage::testing;

namespace {

struct model_document {
  std::vector<std::string> updates;  // all of them, from the first
  std::uint64_t snapshot_seq = 0;
  std::string snapshot;
  std::string reason;
  std::size_t quarantined = 0;
};
using model = std::map<std::string, model_document>;

// Whether the store holds exactly this.
bool matches(const store& store, const model& expected, std::string& why) {
  const auto all = store.list("", "", 1000);
  if (!all) return why = all.error().message, false;
  if (all->documents.size() != expected.size()) return why = "another number of documents", false;
  for (const auto& [name, document] : expected) {
    const auto whole = store.load(name);
    if (!whole) return why = whole.error().message, false;
    const auto& info = whole->info;
    if (info.last_seq != document.updates.size()) {
      return why = name + " has " + std::to_string(info.last_seq) + " updates", false;
    }
    if (info.snapshot_seq != document.snapshot_seq || whole->snapshot_seq != document.snapshot_seq) {
      return why = name + " has another snapshot", false;
    }
    if (document.snapshot_seq > 0 && as_text(*whole->snapshot) != document.snapshot) {
      return why = name + " has another state in its snapshot", false;
    }
    if (info.quarantine_reason != document.reason) return why = name + " has another reason", false;
    if (whole->records.size() != document.updates.size() - document.snapshot_seq) {
      return why = name + " has another number of records", false;
    }
    std::uint64_t bytes = 0;
    for (const auto& record : whole->records) {
      bytes += record.update.size();
      if (as_text(record.update) != document.updates[record.seq - 1]) return why = name + " has another update", false;
    }
    if (info.log_bytes != bytes || info.log_records != whole->records.size()) {
      return why = name + " counts its log wrongly", false;
    }
    const auto quarantined = store.list_quarantine(name);
    if (!quarantined || quarantined->size() != document.quarantined) return why = name + ": quarantine", false;
  }
  return true;
}

void run_model(std::uint64_t seed, sync_mode mode) {
  INFO("OCTAVO_SEED=" << seed << " mode " << static_cast<int>(mode));
  std::mt19937_64 random(seed);
  const auto below = [&](std::uint64_t limit) { return random() % limit; };
  temporary_folder folder;
  auto files = std::make_shared<fault_file_system>();
  auto env = rocksdb::NewCompositeEnv(files);
  auto options = options_for(folder / "s0");
  options.sync = mode;
  options.interval_ms = std::chrono::hours(1);  // never by itself
  options.write_buffer_bytes = 64 << 10U;       // so that tables are written in between
  options.max_wal_bytes = 256 << 10U;
  const auto reopen = [&](std::unique_ptr<store>& store) {
    store.reset();
    auto opened = open_store(options, {env.get(), {}, {}});
    if (!opened) FAIL(opened.error().message);
    store = std::move(*opened);
    if (!store->recovery()) return;
    // Without syncs a power cut may take the end of one log and leave the next: what follows the hole is dropped, and
    // no document is set aside, as nothing in it was durable.
    const auto& report = *store->recovery();
    // With them, it may take pieces of a snapshot that was being written, and the log is put in order without them.
    CHECK(report.documents.empty());
    CHECK(report.lost_commits == 0);
    CHECK_FALSE(report.everything);
  };
  std::unique_ptr<store> store;
  reopen(store);
  model now;
  std::vector<model> history{now};  // after each operation since the last one that is surely on disk
  int folders = 0;

  // The power fails, and the store is opened as `path`, which it left: it holds one of the states in the history.
  const auto go_on_with = [&](const std::filesystem::path& path) {
    options.path = path;
    reopen(store);
    std::string why;
    std::size_t survived = history.size();
    for (auto i = history.size(); i-- > 0;) {
      if (matches(*store, history[i], why)) {
        survived = i;
        break;
      }
    }
    if (survived == history.size()) FAIL("no state since the last sync: " << why);
    now = history[survived];
    history = {now};
    const auto report = store->check();
    require_ok(report);
    for (const auto& problem : report->problems) {
      if (problem.message.find("it is set aside") == std::string::npos &&
          problem.message.find("pieces of document") == std::string::npos) {
        FAIL_CHECK(problem.document << ": " << problem.message);
      }
    }
  };
  std::filesystem::path cut;  // where the power failed within the step

  for (int step = 0; step < 150; ++step) {
    CAPTURE(step);
    const auto name = "doc" + std::to_string(below(6));
    const auto found = now.find(name);
    const bool exists = found != now.end();
    bool wrote = true;
    if (mode == sync_mode::always && below(4) == 0) {
      files->before_log_sync([&, from = options.path, to = folder / ("s" + std::to_string(++folders)),
                              order = std::mt19937_64(random()), left = below(3)]() mutable {
        if (left-- != 0) return;
        cut = to;
        files->copy_after_power_cut(from, to, order);
      });
    }
    switch (below(12)) {
      default: {  // commits, by far the most
        std::vector<std::pair<std::string, std::string>> texts;
        for (auto count = 1 + below(5); count > 0; --count) {
          const auto other = "doc" + std::to_string(below(6));
          if (const auto at = now.find(other); at != now.end() && !at->second.reason.empty()) continue;
          texts.emplace_back(other,
                             std::string(below(below(10) == 0 ? 20'000 : 60), static_cast<char>('a' + below(26))));
        }
        std::vector<append> group;
        for (const auto& [other, text] : texts) {
          now[other].updates.push_back(text);
          group.push_back(make_append(other, now[other].updates.size(), text));
        }
        require_ok(store->commit(group));
        break;
      }
      case 0:
        if (exists && found->second.reason.empty() && found->second.updates.size() > found->second.snapshot_seq) {
          auto& document = found->second;
          const auto seq = document.snapshot_seq + 1 + below(document.updates.size() - document.snapshot_seq);
          document.snapshot = std::string(below(3) == 0 ? 3'000'000 : below(1000), static_cast<char>('A' + below(26)));
          document.snapshot_seq = seq;
          require_ok(store->put_snapshot(name, seq, as_bytes(document.snapshot), step));
        } else {
          wrote = false;
        }
        break;
      case 1:
        if (exists && below(3) == 0) {
          require_ok(store->remove(name));
          now.erase(name);
        } else {
          wrote = false;
        }
        break;
      case 2:
        require_ok(store->quarantine_update(name, step, "u", "r", as_bytes("q")));
        ++now[name].quarantined;
        break;
      case 3:
        if (exists) {
          found->second.reason = found->second.reason.empty() ? "damaged" : "";
          require_ok(found->second.reason.empty() ? store->clear_quarantined(name)
                                                  : store->set_quarantined(name, found->second.reason));
        } else {
          wrote = false;
        }
        break;
      case 4:
        if (below(4) == 0) require_ok(store->compact());
        wrote = false;
        break;
      case 5: {
        wrote = false;
        if (below(2) == 0) break;
        files->before_log_sync({});
        cut.clear();
        // Of what was not synced, some is there and some is not.
        const auto next = folder / ("s" + std::to_string(++folders));
        if (below(2) == 0) {
          files->copy_after_power_cut(options.path, next, double(below(5)) / 4);
        } else {
          files->copy_after_power_cut(options.path, next, random);
        }
        go_on_with(next);
        break;
      }
    }
    files->before_log_sync({});
    if (!cut.empty()) {
      // In the middle of the step, which was not acknowledged: it is there as a whole or not at all.
      if (wrote) history.push_back(now);
      go_on_with(std::exchange(cut, {}));
      continue;
    }
    if (!wrote) continue;
    if (mode == sync_mode::always) history.clear();
    history.push_back(now);
  }
  std::string why;
  CHECK_MESSAGE(matches(*store, now, why), why);
  reopen(store);
  CHECK_MESSAGE(matches(*store, now, why), why);
}

}  // namespace

TEST_CASE("random operations with power cuts keep to the model") {
  const auto seed = seed_of_run();
  MESSAGE("OCTAVO_SEED=" << seed);
  for (std::uint64_t round = 0; round < 3; ++round) {
    for (const auto mode : {sync_mode::always, sync_mode::os}) run_model(seed + round, mode);
  }
}
