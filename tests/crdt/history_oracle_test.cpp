// History against the original: versions of documents that real yjs wrote, what it says of them, and of the changes
// between them; and what yjs shows of a document into which an older version was restored.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "crdt/diff.hpp"
#include "crdt/history.hpp"
#include "crdt/lib0.hpp"
#include "tests/crdt/support/laws.hpp"

namespace {

using namespace octavo;
using namespace octavo::test;

struct version_case {
  std::uint64_t seq = 0;
  bytes_view snapshot;
  bytes_view snapshot_v2;
  bytes_view state;  // empty: yjs changed something on its own
  std::vector<bool> contains;
  oracle_case views;
};

struct history_case {
  std::vector<bytes_view> log;
  std::vector<version_case> versions;
  std::vector<std::string_view> changes;  // of "text" and "rich", from each version to the next
};

class history_file {
 public:
  explicit history_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    content_.assign(std::istreambuf_iterator<char>(in), {});
    crdt::lib0_reader reader(as_bytes(content_));
    std::string_view magic;
    reader.var_string(magic);
    REQUIRE(magic == "octavo-history-1");
    cases.resize(count(reader));
    for (auto& each : cases) read(reader, each);
    REQUIRE(reader.expect_end());
  }

  std::vector<history_case> cases;

 private:
  static std::uint64_t count(crdt::lib0_reader& reader) {
    std::uint64_t value = 0;
    REQUIRE(reader.var_uint(value));
    return value;
  }

  static void read(crdt::lib0_reader& reader, history_case& into) {
    into.log.resize(count(reader));
    for (auto& each : into.log) reader.var_bytes(each);
    into.versions.resize(count(reader));
    for (auto& each : into.versions) {
      each.seq = count(reader);
      reader.var_bytes(each.snapshot);
      reader.var_bytes(each.snapshot_v2);
      reader.var_bytes(each.state);
      for (std::size_t i = 0; i < into.log.size(); ++i) each.contains.push_back(count(reader) == 1);
      each.views.roots.resize(count(reader));
      for (auto& root : each.views.roots) {
        reader.var_string(root.name);
        reader.var_string(root.kind);
        root.views.resize(count(reader));
        for (auto& view : root.views) reader.var_string(view);
      }
    }
    into.changes.resize(2 * (into.versions.size() - 1));
    for (auto& each : into.changes) reader.var_string(each);
  }

  std::string content_;
};

int run_node(const std::string& arguments) {
  const std::string command = std::string("'") + OCTAVO_NODE + "' '" + OCTAVO_ORACLE + "/history.mjs' " + arguments;
  return std::system(command.c_str());
}

std::filesystem::path scratch_file(const char* name) {
  return std::filesystem::temp_directory_path() / (std::string(name) + "-" + std::to_string(std::random_device{}()));
}

crdt::history history_of(const history_case& of) {
  crdt::history made;
  for (std::size_t i = 0; i < of.log.size(); ++i) {
    const std::string user = "user " + std::to_string(i % 3);
    REQUIRE(made.apply(of.log[i], {i + 1, static_cast<std::int64_t>(1000 * i), user}));
  }
  return made;
}

// The runs of a root as the oracle writes them.
std::string changes_of(const crdt::version_diff& diff, std::string_view root) {
  std::vector<std::pair<std::string, std::string>> lines;
  for (std::size_t i = 0; i < diff.roots; ++i) {
    if (diff.types[i].name != root) continue;
    for (const auto& run : diff.types[i].list) {
      if (run.kind == crdt::run_kind::values) continue;
      if (run.kind != crdt::run_kind::text) {
        lines.emplace_back("embed", "");
        continue;
      }
      const bool removed = run.what == crdt::change::remove;
      std::string head = run.what == crdt::change::keep ? "kept" : removed ? "removed" : "added";
      head += ' ';
      if (run.what != crdt::change::keep) head += std::to_string(run.client);
      head += ' ';
      head += removed || run.attributes.empty() ? "{}" : run.attributes;
      head += ' ';
      if (!lines.empty() && lines.back().first == head) {
        lines.back().second += run.content;
      } else {
        lines.emplace_back(head, run.content);
      }
    }
  }
  std::string out;
  for (const auto& [head, text] : lines) {
    if (!out.empty()) out += '\n';
    out += head + text;
  }
  return out;
}

// What a difference says must add up to what both versions show: lengths, texts, lists of plain values, keys.
struct sums {
  std::size_t lists = 0;
  std::size_t keys = 0;
};

void check_sums(const crdt::version_diff& diff, const crdt::document& before, const crdt::document& after,
                sums& counted) {
  for (std::size_t i = 0; i < diff.roots; ++i) {
    const auto& root = diff.types[i];
    CAPTURE(root.name);
    for (const bool old : {true, false}) {
      const auto& document = old ? before : after;
      std::uint64_t length = 0;
      std::string text;
      std::string values;
      bool plain = true;
      for (const auto& run : root.list) {
        if (run.what == (old ? crdt::change::insert : crdt::change::remove)) continue;
        length += run.units;
        if (run.kind == crdt::run_kind::text) text += run.content;
        if (run.kind == crdt::run_kind::values) values += (values.empty() ? "" : ",") + run.content;
        plain &= run.kind == crdt::run_kind::values;
      }
      CHECK(document.length(root.name) == length);
      CHECK(document.text(root.name) == text);
      if (plain && !values.empty()) {
        ++counted.lists;
        CHECK(document.json(root.name, crdt::type_kind::array) == "[" + values + "]");
      }
      const auto map = document.json(root.name, crdt::type_kind::map);
      for (const auto& key : root.keys) {
        const auto& value = old ? key.before : key.after;
        std::string member;
        crdt::append_json_string(key.key, member);
        member += ':';
        // An undefined value is not shown.
        if (!value.present || value.type != crdt::no_type || value.json == "null") continue;
        ++counted.keys;
        CHECK(map.find(member + value.json) != std::string::npos);
      }
    }
  }
}

std::string views_of(const crdt::document& document, const oracle_case& roots) {
  std::string out;
  for (const auto& root : roots.roots) {
    if (!out.empty()) out += '\n';
    out += std::string(root.name) + ": ";
    if (root.kind == "text") out += document.text(root.name) + ' ' + document.delta_json(root.name);
    if (root.kind == "array") out += document.json(root.name, crdt::type_kind::array);
    if (root.kind == "map") out += document.json(root.name, crdt::type_kind::map);
    if (root.kind == "xml") out += document.xml(root.name);
  }
  return out;
}

std::string documents_wanted() {
  const char* wanted = std::getenv("OCTAVO_ORACLE_DOCUMENTS");
  return wanted != nullptr ? wanted : "60";
}

TEST_CASE("versions, their snapshots and the changes between them are those of yjs") {
  const auto seed = choose_seed();
  const auto file = scratch_file("octavo-history");
  REQUIRE(run_node("write " + std::to_string(seed) + " " + documents_wanted() + " '" + file.string() + "'") == 0);
  const history_file cases(file.string());
  std::filesystem::remove(file);
  std::size_t versions = 0;
  std::size_t same_bytes = 0;
  std::size_t with_bytes = 0;
  sums counted;
  std::size_t kept = 0;
  std::size_t added = 0;
  std::size_t removed = 0;
  for (std::size_t number = 0; number < cases.cases.size(); ++number) {
    CAPTURE(number);
    const auto& each = cases.cases[number];
    const auto history = history_of(each);
    check_sound(history.content());
    for (std::size_t i = 0; i < each.versions.size(); ++i) {
      const auto& version = each.versions[i];
      CAPTURE(version.seq);
      ++versions;
      const auto ours = history.snapshot_at(version.seq);
      REQUIRE(ours);
      CHECK(to_hex(encode_snapshot(*ours)) == to_hex(version.snapshot));
      CHECK(to_hex(encode_snapshot(*ours, crdt::update_encoding::v2)) == to_hex(version.snapshot_v2));
      const auto theirs = crdt::decode_snapshot(version.snapshot);
      REQUIRE(theirs);
      CHECK(*theirs == *ours);
      const auto theirs_v2 = crdt::decode_snapshot(version.snapshot_v2, crdt::update_encoding::v2);
      REQUIRE(theirs_v2);
      CHECK(*theirs_v2 == *ours);
      const auto made = history.document_at(version.seq);
      REQUIRE(made);
      check_sound(*made);
      check_views(*made, version.views);
      if (!version.state.empty()) {
        ++with_bytes;
        same_bytes += to_hex(made->encode_state_as_update_v1()) == to_hex(version.state);
      }
      for (std::size_t update = 0; update < each.log.size(); ++update) {
        const auto contains = snapshot_contains_update(*theirs, each.log[update]);
        REQUIRE(contains);
        CHECK(*contains == version.contains[update]);
      }
      if (i == 0) continue;
      const auto diff = diff_versions(history, each.versions[i - 1].seq, version.seq);
      REQUIRE(diff);
      CHECK(changes_of(*diff, "text") == each.changes[2 * (i - 1)]);
      CHECK(changes_of(*diff, "rich") == each.changes[2 * (i - 1) + 1]);
      check_sums(*diff, *history.document_at(each.versions[i - 1].seq), *made, counted);
      for (const auto& type : diff->types) {
        for (const auto& run : type.list) {
          kept += run.what == crdt::change::keep;
          added += run.what == crdt::change::insert;
          removed += run.what == crdt::change::remove;
          // Whatever came in between is known to have come from somebody.
          if (run.what == crdt::change::insert) CHECK(run.inserted);
          if (run.what == crdt::change::remove) CHECK(run.deleted);
        }
      }
      std::string json;
      append_diff_json(*diff, json);
      const auto wrong = crdt::validate_json(json);
      CHECK_MESSAGE(!wrong, json);
    }
    CHECK(*history.snapshot_at(history.last_version()) == crdt::snapshot_of(history.content()));
  }
  MESSAGE(versions << " versions, " << same_bytes << " of " << with_bytes << " states byte-equal; " << kept
                   << " runs kept, " << added << " inserted, " << removed << " deleted");
  CHECK(same_bytes * 10 >= with_bytes * 9);
  CHECK(counted.lists > 20);
  CHECK(counted.keys > 50);
  CHECK(kept > 100);
  CHECK(added > 100);
  CHECK(removed > 100);
}

TEST_CASE("a restored version shows what it showed, here and in yjs, and merges with what came meanwhile") {
  const auto seed = choose_seed();
  std::mt19937_64 random(seed);
  const auto file = scratch_file("octavo-history");
  REQUIRE(run_node("write " + std::to_string(seed + 1) + " " + documents_wanted() + " '" + file.string() + "'") == 0);
  const history_file cases(file.string());
  const auto results = scratch_file("octavo-restored");
  std::size_t restored = 0;
  {
    bytes out;
    crdt::lib0_writer writer(out);
    for (std::size_t number = 0; number < cases.cases.size(); ++number) {
      CAPTURE(number);
      const auto& each = cases.cases[number];
      const auto full = history_of(each);
      for (const auto& version : each.versions) {
        CAPTURE(version.seq);
        const auto client = random() % 2 == 0 ? crdt::max_safe_integer - 1000 : 7;
        const auto update = full.restore_update(version.seq, client);
        REQUIRE(update);
        crdt::document present;
        for (const auto record : each.log) feed(present, record);
        feed(present, *update);
        check_sound(present);
        CHECK(present.stats().pending_bytes == 0);
        check_views(present, version.views);
        // And back again to what was there before.
        auto again = history_of(each);
        REQUIRE(again.apply(*update, {each.log.size() + 1, 0, "restorer"}));
        const auto back = again.restore_update(each.log.size(), client + 1);
        REQUIRE(back);
        REQUIRE(again.apply(*back, {each.log.size() + 2, 0, "restorer"}));
        check_views(again.content(), each.versions.back().views);
        restored += !crdt::is_empty_update_v1(*update);

        writer.var_uint(each.log.size() + 1);
        for (const auto record : each.log) writer.var_bytes(record);
        writer.var_bytes(*update);
        writer.var_string(views_of(present, version.views));

        // The same made from the first half of the log, while others went on.
        const auto half = std::max(version.seq, each.log.size() / 2);
        crdt::history early;
        for (std::size_t i = 0; i < half; ++i) REQUIRE(early.apply(each.log[i], {i + 1, 0, ""}));
        const auto concurrent = early.restore_update(version.seq, client);
        REQUIRE(concurrent);
        crdt::document before;
        crdt::document after;
        for (std::size_t i = 0; i < half; ++i) {
          feed(before, each.log[i]);
          feed(after, each.log[i]);
        }
        feed(before, *concurrent);
        for (std::size_t i = half; i < each.log.size(); ++i) {
          feed(before, each.log[i]);
          feed(after, each.log[i]);
        }
        feed(after, *concurrent);
        check_sound(before);
        check_equal(before, after);
      }
    }
    std::ofstream(results, std::ios::binary)
        .write(reinterpret_cast<const char*>(out.data()), static_cast<std::streamsize>(out.size()));
  }
  CHECK(run_node("check '" + results.string() + "'") == 0);
  std::filesystem::remove(file);
  std::filesystem::remove(results);
  MESSAGE(restored << " versions were restored");
  CHECK(restored > 100);
}

}  // namespace
