// `octavo doc …`: looks into a store that no server uses at the moment.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json/value_from.hpp>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>

#include "actors/clock.hpp"
#include "actors/loader.hpp"
#include "app/commands.hpp"
#include "app/doc_formats.hpp"
#include "app/doc_history.hpp"
#include "app/documents.hpp"
#include "app/output.hpp"
#include "app/private_files.hpp"
#include "crdt/document.hpp"
#include "net/text.hpp"
#include "storage/store.hpp"

namespace octavo::app {

namespace json = boost::json;

namespace {

constexpr std::size_t page_size = 1000;

// A large import goes to the log in records of about this size, as edits come, and not as one that no limit admits.
constexpr std::size_t import_piece_bytes = std::size_t{4} << 20U;

crdt::document empty_document() {
  auto options = crdt::document_options{};
  options.step_budget = std::uint64_t{1} << 40U;
  return crdt::document{options};
}

struct doc_request {
  std::string data = "data";
  std::string name;
  std::string file;
  std::string prefix;
  std::string format = "update";
  std::string root;
  import_request import;
  std::string at;
  bool yes = false;
  bool json = false;
};

storage::store_options options_of(const doc_request& asked) {
  auto options = storage::store_options{};
  options.path = asked.data;
  // What a server reads back; a single content of that size cannot be cut.
  options.max_update_bytes = crdt::decode_limits{}.max_bytes;
  return options;
}

result<std::unique_ptr<storage::store>> open_store(const doc_request& asked, bool read_only) {
  auto options = options_of(asked);
  options.read_only = read_only;
  options.create_if_missing = false;
  return storage::store::open(options);
}

json::object describe(const storage::document_info& info) {
  return {{"name", info.name},
          {"seq", info.last_seq},
          {"snapshot_seq", info.snapshot_seq},
          {"created_ms", info.created_ms},
          {"updated_ms", info.updated_ms},
          {"log_records", info.log_records},
          {"log_bytes", info.log_bytes},
          {"quarantine_reason", info.quarantine_reason}};
}

int list(const doc_request& asked) {
  auto store = open_store(asked, true);
  if (!store) return report(store.error(), asked.json);
  auto after = std::string{};
  if (!asked.json) std::printf("%-20s %10s %12s  %s\n", "updated (UTC)", "edits", "log", "name");
  while (true) {
    auto page = (*store)->list(asked.prefix, after, page_size);
    if (!page) return report(page.error(), asked.json);
    for (const auto& one : page->documents) {
      if (asked.json)
        print_json(describe(one));
      else
        std::printf("%-20s %10llu %12s  %s%s\n", human_time(one.updated_ms).c_str(),
                    static_cast<unsigned long long>(one.last_seq), human_bytes(one.log_bytes).c_str(),
                    printable_name(one.name).c_str(), one.is_quarantined() ? "  (set aside: damaged)" : "");
      after = one.name;
    }
    if (!page->more) return exit_ok;
  }
}

/// The document and what the store says about it. Nothing is written, even if an update turns out to be broken.
struct opened {
  storage::document_info info;
  crdt::document content;
};

result<opened> read(const storage::store& store, const std::string& name) {
  auto content = empty_document();
  auto apply = [&content](std::uint64_t seq, bytes_view update) -> result<void> {
    auto applied = content.apply_stored_v1(update);
    if (applied) return {};
    const auto& why = applied.error();
    auto text = why.decode ? to_string(*why.decode) : std::string{to_string(*why.apply)};
    return fail(errc::corrupt, "the update at seq " + std::to_string(seq) + " cannot be applied: " + text);
  };
  auto visitor = storage::load_visitor{};
  visitor.on_snapshot = apply;
  visitor.on_record = [&](std::uint64_t seq, std::int64_t, std::string_view, bytes_view update) {
    return apply(seq, update);
  };
  auto info = store.load(name, visitor);
  if (!info) return tl::unexpected{info.error()};
  return opened{std::move(*info), std::move(content)};
}

int show(const doc_request& asked) {
  if (!asked.at.empty())
    return show_version(asked.data, asked.name, asked.at, asked.root, asked.format == "update" ? "json" : asked.format,
                        asked.json);
  auto store = open_store(asked, true);
  if (!store) return report(store.error(), asked.json);
  auto document = read(**store, asked.name);
  if (!document) return report(document.error(), asked.json);
  auto quarantined = (*store)->list_quarantine(asked.name);
  auto stats = document->content.stats();
  auto roots = document->content.root_names();
  if (asked.json) {
    auto description = describe(document->info);
    description["roots"] = json::value_from(roots);
    description["structs"] = stats.structs;
    description["clients"] = stats.clients;
    description["pending_structs"] = stats.pending_structs;
    description["memory_bytes"] = stats.memory_bytes;
    description["quarantined_updates"] = quarantined ? quarantined->size() : 0;
    print_json(description);
    return exit_ok;
  }
  const auto& info = document->info;
  std::printf("name       %s\n", printable_name(info.name).c_str());
  std::printf("edits      %llu, the last at %s UTC\n", static_cast<unsigned long long>(info.last_seq),
              human_time(info.updated_ms).c_str());
  std::printf("snapshot   covers %llu; %llu records and %s behind it\n",
              static_cast<unsigned long long>(info.snapshot_seq), static_cast<unsigned long long>(info.log_records),
              human_bytes(info.log_bytes).c_str());
  std::printf("content    %zu structs of %zu clients, %s in memory", stats.structs, stats.clients,
              human_bytes(stats.memory_bytes).c_str());
  if (stats.pending_structs != 0) std::printf(", %zu wait for others", stats.pending_structs);
  std::printf("\nroots     ");
  for (const auto& root : roots) std::printf(" %s", printable_name(root).c_str());
  std::printf("\n");
  if (info.is_quarantined()) std::printf("set aside  %s\n", info.quarantine_reason.c_str());
  if (quarantined && !quarantined->empty())
    std::printf("refused    %zu updates are kept for inspection\n", quarantined->size());
  return exit_ok;
}

int export_document(const doc_request& asked) {
  auto store = open_store(asked, true);
  if (!store) return report(store.error(), asked.json);
  auto document = read(**store, asked.name);
  if (!document) return report(document.error(), asked.json);
  auto text = rendered(document->content, asked.root, asked.format);
  if (!text) return report(text.error(), asked.json);
  if (asked.file.empty() || asked.file == "-") {
    std::fwrite(text->data(), 1, text->size(), stdout);
    return exit_ok;
  }
  store->reset();
  auto out = open_as_user(asked.file);
  out.write(text->data(), static_cast<std::streamsize>(text->size()));
  out.close();
  if (!out) return report({errc::io_error, "cannot write " + asked.file}, asked.json);
  return exit_ok;
}

result<std::string> read_input(const std::string& file) {
  auto text = std::ostringstream{};
  if (file == "-") {
    text << std::cin.rdbuf();
  } else {
    auto in = std::ifstream{file, std::ios::binary};
    if (!in) return fail(errc::not_found, "cannot read " + file);
    text << in.rdbuf();
  }
  return std::move(text).str();
}

/// The bytes of the update that a file is, or becomes. They have an id of their own as their writer.
result<std::string> update_of(std::string raw, const doc_request& asked, std::uint64_t client) {
  if (asked.format == "update") {
    if (asked.root.empty()) return raw;
    return fail(errc::invalid_argument,
                "an update says itself which roots it is for: --root goes with another --format");
  }
  if (asked.root.empty())
    return fail(errc::invalid_argument, "say with --root which root the " + asked.format +
                                            " goes to: what your editor calls its field, such as `default` for Tiptap");
  auto request = asked.import;
  request.format = asked.format;
  request.root = asked.root;
  request.client = client;
  auto made = import_rich(raw, request, asked.file);
  if (!made) return tl::unexpected{made.error()};
  return std::string{as_text(*made)};
}

/// Whether content that is made anew may go there. Two contents in one root would follow each other.
result<void> check_target(const crdt::document& content, const doc_request& asked, std::uint64_t client) {
  if (asked.format == "update") return {};
  if (content.root_kind(asked.root) != crdt::type_kind::root || content.length(asked.root) != 0)
    return fail(errc::already_exists, "the root " + printable_name(asked.root) + " of '" + printable_name(asked.name) +
                                          "' has content already: import into another root or document, or delete it");
  if (content.clock(client) != 0)
    return fail(errc::unavailable,
                "the random id of the writer is taken, as happens once in four billion times: try again");
  return {};
}

int import_document(const doc_request& asked) {
  if (auto why = net::unreachable_because(asked.name); !why.empty())
    return report({errc::invalid_argument, "nobody could open '" + printable_name(asked.name) + "': " + why},
                  asked.json);
  const auto client = std::uint64_t{std::random_device{}()};
  auto raw = read_input(asked.file);
  if (raw) raw = update_of(std::move(*raw), asked, client);
  if (!raw) return report(raw.error(), asked.json);
  auto update = crdt::decoded_update{};
  if (auto decoded = crdt::decode_update_v1(as_bytes(*raw), update, read_limits()); !decoded)
    return report({errc::malformed, asked.file + " is no Yjs update (v1): " + to_string(decoded.error()) +
                                        "; say with --format what else it is"},
                  asked.json);
  auto store = open_store(asked, false);
  if (!store && store.error().code == errc::not_found) store = storage::store::open(options_of(asked));
  if (!store) return report(store.error(), asked.json);
  auto seq = std::uint64_t{0};
  auto content = empty_document();
  auto exists = (*store)->find(asked.name);
  if (!exists) return report(exists.error(), asked.json);
  if (*exists) {
    auto document = read(**store, asked.name);
    if (!document) return report(document.error(), asked.json);
    seq = document->info.last_seq;
    content = std::move(document->content);
  }
  if (auto fits = check_target(content, asked, client); !fits) return report(fits.error(), asked.json);
  content.prune(update);
  auto added = !update.empty();
  if (added) {
    auto pieces = std::vector<bytes>{crdt::encode_update_v1(update)};
    auto before = content.state();
    if (auto applied = content.apply(update); !applied)
      return report({errc::malformed, asked.file + " cannot be applied: " + std::string{to_string(applied.error())}},
                    asked.json);
    if (pieces.front().size() > import_piece_bytes) pieces = content.encode_state_chunks_v1(before, import_piece_bytes);
    // One commit: all of it is there, or nothing.
    auto records = std::vector<storage::append>{};
    for (const auto& piece : pieces)
      records.push_back({asked.name, ++seq, actors::unix_now_ms(), "octavo doc import", piece});
    if (auto written = (*store)->commit(records); !written) return report(written.error(), asked.json);
  }
  if (asked.json)
    print_json({{"name", asked.name}, {"seq", seq}, {"added", added}});
  else
    std::printf("%s: %s\n", printable_name(asked.name).c_str(),
                added ? "imported" : "nothing new in it; the document has all of this");
  return exit_ok;
}

int remove_document(const doc_request& asked) {
  if (!asked.yes)
    return report({errc::invalid_argument, "this deletes '" + printable_name(asked.name) +
                                               "' and its history for good; say --yes if that is what you want"},
                  asked.json);
  auto store = open_store(asked, false);
  if (!store) return report(store.error(), asked.json);
  if (auto removed = (*store)->remove(asked.name); !removed) return report(removed.error(), asked.json);
  if (asked.json)
    print_json({{"name", asked.name}, {"deleted", true}});
  else
    std::printf("%s: deleted\n", printable_name(asked.name).c_str());
  return exit_ok;
}

}  // namespace

void add_doc(CLI::App& program, command& run) {
  auto* doc = program.add_subcommand("doc", "List, show, export, import, restore and delete documents of a store.");
  doc->require_subcommand(1);
  doc->footer("These open the store themselves: stop the server first, or ask it (GET /api/documents).");
  auto asked = std::make_shared<doc_request>();
  auto add = [&](const char* name, const char* help, int (*does)(const doc_request&)) {
    auto* sub = doc->add_subcommand(name, help);
    sub->add_option("--data", asked->data, "the folder of the store (./data)")->type_name("DIR");
    sub->add_flag("--json", asked->json, "machine-readable output, one JSON object a line");
    sub->callback([asked, does, &run] { run = [asked, does] { return does(*asked); }; });
    return sub;
  };
  auto* list_command = add("list", "List documents.", list);
  list_command->add_option("--prefix", asked->prefix, "only names that begin so")->type_name("TEXT");
  auto with_name = [&asked](CLI::App* sub) { sub->add_option("name", asked->name, "the document")->required(); };
  auto* show_command =
      add("show", "Show what is known of a document; with --at, what it held at an earlier time.", show);
  with_name(show_command);
  show_command->add_option("--at", asked->at, "a version: a number, a label, or a time (ISO 8601)")
      ->type_name("VERSION");
  auto* show_format =
      show_command->add_option("--format", asked->format, "of a version: json, text, delta or xml (json)")
          ->check(CLI::IsMember({"text", "json", "delta", "xml"}));
  show_format->needs(show_command->get_option("--at"));
  show_command->add_option("--root", asked->root, "of a version: the root type, where there are several")
      ->type_name("NAME")
      ->needs(show_command->get_option("--at"));
  show_command->footer(
      "Examples:\n  octavo doc show notes --at 17\n  octavo doc show notes --at 'first draft' --format text\n  octavo "
      "doc "
      "show notes --at 2026-11-26T09:30");
  auto* export_command = add("export", "Write a document's content.", export_document);
  with_name(export_command);
  export_command
      ->add_option("--format", asked->format,
                   "update (Yjs, v1), text, json, delta, xml, html, markdown or prosemirror (update)")
      ->check(CLI::IsMember({"update", "text", "json", "delta", "xml", "html", "markdown", "prosemirror"}));
  export_command->add_option("--root", asked->root, "the root type, such as `default`, where there are several")
      ->type_name("NAME");
  export_command->add_option("--output,-o", asked->file, "the file (standard output)")->type_name("FILE");
  export_command->footer(
      "Examples:\n  octavo doc export notes -o notes.yjs\n  octavo doc export notes --format text --root text\n"
      "  octavo doc export notes --format html --root default -o notes.html");
  auto* import_command =
      add("import", "Merge a Yjs update (v1) into a document, which is made if need be, or make one of another format.",
          import_document);
  with_name(import_command);
  import_command->add_option("file", asked->file, "the file; - is standard input")->required();
  import_command
      ->add_option("--format", asked->format, "update (Yjs, v1), text, html, markdown or prosemirror (update)")
      ->check(CLI::IsMember({"update", "text", "html", "markdown", "prosemirror"}));
  import_command
      ->add_option("--root", asked->root, "the root that another format goes to, such as `default`; it must be empty")
      ->type_name("NAME");
  import_command
      ->add_option("--schema", asked->import.schema, "whose names HTML and Markdown get: tiptap or basic (tiptap)")
      ->check(CLI::IsMember({"tiptap", "basic"}));
  import_command
      ->add_option("--without", asked->import.without,
                   "nodes and marks that your editor lacks, by Tiptap's names, such as table,taskList")
      ->delimiter(',')
      ->type_name("NAMES");
  import_command->add_flag("--paragraphs", asked->import.paragraphs, "text becomes paragraphs, not a shared text");
  import_command->footer(
      "Examples:\n  octavo doc import notes notes.yjs\n"
      "  octavo doc import notes notes.md --format markdown --root default");
  auto* delete_command = add("delete", "Delete a document and its history.", remove_document);
  with_name(delete_command);
  delete_command->add_flag("--yes", asked->yes, "really");
  add_doc_history(*doc, run);
}

}  // namespace octavo::app
