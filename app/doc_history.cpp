// `octavo doc history | diff | version | restore` and `doc show --at`: looking back, and going back.
#include "app/doc_history.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json/value.hpp>
#include <cstdio>
#include <cstdlib>
#include <deque>

#include "actors/clock.hpp"
#include "actors/log_entries.hpp"
#include "actors/versions.hpp"
#include "app/diff_text.hpp"
#include "app/doc_versions.hpp"
#include "app/documents.hpp"
#include "app/output.hpp"
#include "crdt/diff.hpp"

namespace octavo::app {

namespace json = boost::json;

using actors::document_at;
using actors::history_between;
using actors::log_entry;
using actors::unix_now_ms;

namespace {

// A large restoring edit goes to the log in records of about this size.
constexpr auto restore_piece_bytes = std::size_t{4} << 20U;

struct history_request {
  std::string data = "data";
  std::string name;
  bool json = false;
  // history
  std::string from;
  std::string to;
  std::uint64_t limit = 100;
  double gap_seconds = 300;
  // diff
  std::string left;
  std::string right;
  std::string root;
  // version
  std::string action = "list";
  std::string label;
  // version, restore
  std::string at;
  std::string user;
};

result<std::unique_ptr<storage::store>> open(const std::string& data, bool read_only) {
  auto options = storage::store_options{};
  options.path = data;
  options.read_only = read_only;
  options.create_if_missing = false;
  options.max_update_bytes = crdt::decode_limits{}.max_bytes;
  return storage::store::open(options);
}

bool wants_color() {
  // no-color.org: whatever it holds, unless it is empty.
  const auto* refused = std::getenv("NO_COLOR");
  return (refused == nullptr || *refused == '\0') && isatty(STDOUT_FILENO) != 0;
}

auto as_number(std::uint64_t value) {
  return static_cast<unsigned long long>(value);
}

// --- history

json::object describe(const storage::named_version& version) {
  return {{"label", version.label},
          {"seq", version.seq},
          {"named_ms", version.time_ms},
          {"user", version.user},
          {"state_bytes", version.state_bytes}};
}

/// Prints entries, and the named versions that they hold.
class entry_printer {
 public:
  entry_printer(std::vector<storage::named_version> versions, bool json)
      : versions_(std::move(versions)), json_(json) {}

  void head(const storage::document_info& info) {
    auto older = std::vector<const storage::named_version*>{};
    for (const auto& each : versions_)
      if (each.seq < info.first_seq) older.push_back(&each);
    if (json_) return;
    if (info.first_seq > 1)
      std::printf("the log is kept from edit %llu on; versions up to %llu are gone, but for those with names\n",
                  as_number(info.first_seq), as_number(info.first_seq - 1));
    for (const auto* each : older) label_line(*each);
    std::printf("%-17s %-41s %7s %8s %8s  %s\n", "versions", "when (UTC)", "edits", "+chars", "-units", "who");
  }

  void print(const log_entry& entry) {
    auto in_it = [&](const storage::named_version& each) {
      return each.seq >= entry.first_seq && each.seq <= entry.last_seq;
    };
    if (json_) {
      auto labels = json::array{};
      for (const auto& each : versions_)
        if (in_it(each)) labels.push_back({{"label", each.label}, {"seq", each.seq}});
      print_json({{"user", entry.user},
                  {"first_seq", entry.first_seq},
                  {"last_seq", entry.last_seq},
                  {"first_ms", entry.first_ms},
                  {"last_ms", entry.last_ms},
                  {"edits", entry.edits},
                  {"characters_inserted", entry.characters_inserted},
                  {"values_inserted", entry.values_inserted},
                  {"units_deleted", entry.units_deleted},
                  {"versions", labels}});
      return;
    }
    auto seqs = std::to_string(entry.first_seq);
    if (entry.last_seq != entry.first_seq) seqs += "-" + std::to_string(entry.last_seq);
    auto when = human_time(entry.first_ms);
    if (entry.last_ms != entry.first_ms) when += " - " + human_time(entry.last_ms);
    std::printf("%-17s %-41s %7llu %8s %8s  %s\n", seqs.c_str(), when.c_str(), as_number(entry.edits),
                ('+' + std::to_string(entry.characters_inserted)).c_str(),
                ('-' + std::to_string(entry.units_deleted)).c_str(),
                entry.user.empty() ? "-" : printable_name(entry.user).c_str());
    for (const auto& each : versions_)
      if (in_it(each)) label_line(each);
  }

 private:
  static void label_line(const storage::named_version& version) {
    std::printf("  * %s (version %llu, named %s%s)\n", printable_name(version.label).c_str(), as_number(version.seq),
                human_time(version.time_ms).c_str(),
                version.user.empty() ? "" : (" by " + printable_name(version.user)).c_str());
  }

  std::vector<storage::named_version> versions_;
  bool json_;
};

result<std::pair<std::uint64_t, std::uint64_t>> range_of(const storage::store& store, const history_request& asked,
                                                         const storage::document_info& info) {
  auto from = info.first_seq;
  auto to = info.last_seq;
  if (!asked.from.empty()) {
    auto found = find_version(store, asked.name, asked.from);
    if (!found) return tl::unexpected{found.error()};
    from = std::max(from, *found);
  }
  if (!asked.to.empty()) {
    auto found = find_version(store, asked.name, asked.to);
    if (!found) return tl::unexpected{found.error()};
    to = *found;
  }
  return std::pair{from, to};
}

int history(const history_request& asked) {
  auto opened = open(asked.data, true);
  if (!opened) return report(opened.error(), asked.json);
  const auto& store = **opened;
  auto versions = store.list_versions(asked.name);
  if (!versions) return report(versions.error(), asked.json);
  auto info = store.find(asked.name);
  if (!info) return report(info.error(), asked.json);
  auto range = range_of(store, asked, **info);
  if (!range) return report(range.error(), asked.json);
  auto printer = entry_printer{std::move(*versions), asked.json};
  printer.head(**info);
  // The newest ones are kept until the end; without a limit everything is printed as it comes.
  auto last = std::deque<log_entry>{};
  auto left_out = std::uint64_t{0};
  auto keep = [&](const log_entry& entry) {
    if (asked.limit == 0) return printer.print(entry);
    last.push_back(entry);
    if (last.size() <= asked.limit) return;
    last.pop_front();
    ++left_out;
  };
  auto gap_ms = static_cast<std::int64_t>(asked.gap_seconds * 1000);
  if (auto done = actors::list_entries(store, asked.name, range->first, range->second, gap_ms, keep); !done)
    return report(done.error(), asked.json);
  if (left_out != 0 && !asked.json) std::printf("… %llu earlier entries: --limit 0 shows all\n", as_number(left_out));
  for (const auto& each : last) printer.print(each);
  return exit_ok;
}

// --- diff

int diff(const history_request& asked) {
  auto opened = open(asked.data, true);
  if (!opened) return report(opened.error(), asked.json);
  const auto& store = **opened;
  auto from = find_version(store, asked.name, asked.left);
  if (!from) return report(from.error(), asked.json);
  auto to = result<std::uint64_t>{};
  if (asked.right.empty()) {
    auto info = store.find(asked.name);
    if (!info) return report(info.error(), asked.json);
    to = (*info)->last_seq;
  } else {
    to = find_version(store, asked.name, asked.right);
  }
  if (!to) return report(to.error(), asked.json);
  if (*from > *to) std::swap(*from, *to);
  auto history = history_between(store, asked.name, *from, *to);
  if (!history) return report(history.error(), asked.json);
  auto compared = diff_versions(*history, *from, *to);
  if (!compared) return report({errc::internal, to_string(compared.error())}, asked.json);
  if (!asked.root.empty()) {
    auto roots = history->content().root_names();
    if (std::ranges::find(roots, asked.root) == roots.end())
      return report({errc::not_found,
                     "the document has no root " + printable_name(asked.root) + "; its roots: " + names_of(roots)},
                    asked.json);
    crdt::keep_root(*compared, asked.root);
  }
  auto text = std::string{};
  if (asked.json) {
    crdt::append_diff_json(*compared, text);
    text += '\n';
  } else {
    auto options = diff_text_options{};
    options.color = wants_color();
    text = "from version " + std::to_string(*from) + " to version " + std::to_string(*to) + "\n";
    auto lines = diff_text(*compared, options);
    text += lines.empty() ? "nothing differs\n" : lines;
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  return exit_ok;
}

// --- version

int list_versions(const history_request& asked) {
  auto store = open(asked.data, true);
  if (!store) return report(store.error(), asked.json);
  auto versions = (*store)->list_versions(asked.name);
  if (!versions) return report(versions.error(), asked.json);
  if (!asked.json && !versions->empty())
    std::printf("%10s  %-20s %10s  %-20s %s\n", "version", "named (UTC)", "bytes", "by", "label");
  for (const auto& each : *versions) {
    if (asked.json)
      print_json(describe(each));
    else
      std::printf("%10llu  %-20s %10s  %-20s %s\n", as_number(each.seq), human_time(each.time_ms).c_str(),
                  human_bytes(each.state_bytes).c_str(), each.user.empty() ? "-" : printable_name(each.user).c_str(),
                  printable_name(each.label).c_str());
  }
  return exit_ok;
}

/// Why a label would be taken for something else; empty if it would not.
std::string unusable_because(const std::string& label) {
  if (std::ranges::all_of(label, [](char c) { return c >= '0' && c <= '9'; })) return "it reads as a number";
  if (parse_time_ms(label)) return "it reads as a time";
  return {};
}

int add_version(const history_request& asked) {
  if (auto why = unusable_because(asked.label); !why.empty())
    return report({errc::invalid_argument, "'" + printable_name(asked.label) + "' is no label: " + why}, asked.json);
  auto opened = open(asked.data, false);
  if (!opened) return report(opened.error(), asked.json);
  auto& store = **opened;
  auto seq = std::uint64_t{0};
  if (asked.at.empty()) {
    auto info = store.find(asked.name);
    if (!info) return report(info.error(), asked.json);
    if (!*info) return report({errc::not_found, "there is no document " + printable_name(asked.name)}, asked.json);
    seq = (*info)->last_seq;
  } else {
    auto found = find_version(store, asked.name, asked.at);
    if (!found) return report(found.error(), asked.json);
    seq = *found;
  }
  auto document = document_at(store, asked.name, seq);
  if (!document) return report(document.error(), asked.json);
  auto named =
      store.put_version(asked.name, asked.label, seq, document->encode_state_as_update_v1(), unix_now_ms(), asked.user);
  if (!named) return report(named.error(), asked.json);
  if (asked.json)
    print_json({{"name", asked.name}, {"label", asked.label}, {"seq", seq}});
  else
    std::printf("%s: version %llu is '%s' now\n", printable_name(asked.name).c_str(), as_number(seq),
                printable_name(asked.label).c_str());
  return exit_ok;
}

int remove_version(const history_request& asked) {
  auto store = open(asked.data, false);
  if (!store) return report(store.error(), asked.json);
  if (auto removed = (*store)->remove_version(asked.name, asked.label); !removed)
    return report(removed.error(), asked.json);
  if (asked.json)
    print_json({{"name", asked.name}, {"label", asked.label}, {"removed", true}});
  else
    std::printf("%s: '%s' is no name any more\n", printable_name(asked.name).c_str(),
                printable_name(asked.label).c_str());
  return exit_ok;
}

int version(const history_request& asked) {
  if (asked.action == "list") return list_versions(asked);
  if (asked.label.empty())
    return report({errc::invalid_argument, "say which label: octavo doc version NAME " + asked.action + " LABEL"},
                  asked.json);
  return asked.action == "add" ? add_version(asked) : remove_version(asked);
}

// --- restore

/// The edit as one record, or as several where it is large.
std::vector<bytes> pieces_of(bytes update, const crdt::history& history) {
  if (update.size() <= restore_piece_bytes) return {std::move(update)};
  auto content = crdt::document{};
  auto whole = history.content().encode_state_as_update_v1();
  if (!content.apply_stored_v1(whole)) return {std::move(update)};
  auto before = content.state();
  if (!content.apply_stored_v1(update)) return {std::move(update)};
  return content.encode_state_chunks_v1(before, restore_piece_bytes);
}

int restore(const history_request& asked) {
  auto opened = open(asked.data, false);
  if (!opened) return report(opened.error(), asked.json);
  auto& store = **opened;
  auto version = find_version(store, asked.name, asked.at);
  if (!version) return report(version.error(), asked.json);
  auto info = store.find(asked.name);
  if (!info) return report(info.error(), asked.json);
  auto seq = (*info)->last_seq;
  auto history = history_between(store, asked.name, *version, seq);
  if (!history) return report(history.error(), asked.json);
  auto update = actors::restoring_update(*history, *version);
  if (!update) return report(update.error(), asked.json);
  auto changes = !crdt::is_empty_update_v1(*update);
  if (changes) {
    auto pieces = pieces_of(std::move(*update), *history);
    auto records = std::vector<storage::append>{};
    auto now_ms = unix_now_ms();
    auto user = asked.user.empty() ? std::string_view{"octavo doc restore"} : std::string_view{asked.user};
    for (const auto& piece : pieces) records.push_back({asked.name, ++seq, now_ms, user, piece});
    if (auto written = store.commit(records); !written) return report(written.error(), asked.json);
  }
  if (asked.json)
    print_json({{"name", asked.name}, {"version", *version}, {"seq", seq}, {"changed", changes}});
  else if (changes)
    std::printf("%s: version %llu is restored, as edit %llu\n", printable_name(asked.name).c_str(), as_number(*version),
                as_number(seq));
  else
    std::printf("%s: it is as version %llu was; nothing was written\n", printable_name(asked.name).c_str(),
                as_number(*version));
  return exit_ok;
}

}  // namespace

int show_version(const std::string& data, const std::string& name, const std::string& at, const std::string& root,
                 const std::string& format, bool json) {
  auto store = open(data, true);
  if (!store) return report(store.error(), json);
  auto seq = find_version(**store, name, at);
  if (!seq) return report(seq.error(), json);
  auto document = document_at(**store, name, *seq);
  if (!document) return report(document.error(), json);
  auto text = rendered(*document, root, format);
  if (!text) return report(text.error(), json);
  std::fwrite(text->data(), 1, text->size(), stdout);
  return exit_ok;
}

void add_doc_history(CLI::App& doc, command& run) {
  auto asked = std::make_shared<history_request>();
  auto add = [&](const char* name, const char* help, int (*does)(const history_request&)) {
    auto* sub = doc.add_subcommand(name, help);
    sub->add_option("--data", asked->data, "the folder of the store (./data)")->type_name("DIR");
    sub->add_flag("--json", asked->json, "machine-readable output, one JSON object a line");
    sub->add_option("name", asked->name, "the document")->required();
    sub->callback([asked, does, &run] { run = [asked, does] { return does(*asked); }; });
    return sub;
  };
  const auto* a_version = "a version: a number, a label, or a time (ISO 8601)";

  auto* history_command = add("history", "List who edited a document, and when.", history);
  history_command->add_option("--from", asked->from, "from this version on")->type_name("VERSION");
  history_command->add_option("--to", asked->to, "up to this version")->type_name("VERSION");
  history_command->add_option("--limit", asked->limit, "only the newest entries; 0: all of them (100)")->type_name("N");
  history_command
      ->add_option("--gap", asked->gap_seconds, "edits of a user with shorter pauses are one entry, in seconds (300)")
      ->check(CLI::Range(0.0, 1e9))
      ->type_name("SECONDS");
  history_command->footer("Example:\n  octavo doc history notes --from 2026-11-26 --gap 60");

  auto* diff_command = add("diff", "Show what changed between two versions, who did it, and when.", diff);
  diff_command->add_option("a", asked->left, a_version)->required()->type_name("A");
  diff_command->add_option("b", asked->right, "another one (the present)")->type_name("B");
  diff_command->add_option("--root", asked->root, "only this root type")->type_name("NAME");
  diff_command->footer("Examples:\n  octavo doc diff notes 17 40\n  octavo doc diff notes 'first draft' --json");

  auto* version_command = add("version", "Give versions names, under which they are kept for good.", version);
  version_command->add_option("action", asked->action, "add, list or remove (list)")
      ->check(CLI::IsMember({"add", "list", "remove"}))
      ->type_name("ACTION");
  version_command->add_option("label", asked->label, "the name")->type_name("LABEL");
  version_command->add_option("--at", asked->at, std::string{a_version} + " (the present)")->type_name("VERSION");
  version_command->add_option("--user", asked->user, "who gives it the name")->type_name("USER");
  version_command->footer(
      "Examples:\n  octavo doc version notes add 'first draft' --at 17\n  octavo doc version notes list\n  octavo doc "
      "version notes remove 'first draft'");

  auto* restore_command = add("restore", "Bring an older version back, as a new edit.", restore);
  restore_command->add_option("--at", asked->at, a_version)->required()->type_name("VERSION");
  restore_command->add_option("--user", asked->user, "who does it (octavo doc restore)")->type_name("USER");
  restore_command->footer("Example:\n  octavo doc restore notes --at 'first draft'");
}

}  // namespace octavo::app
