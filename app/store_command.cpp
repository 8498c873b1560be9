// `octavo store …`: check, count and compact a store that no server uses at the moment.
#include <CLI/CLI.hpp>

#include "app/commands.hpp"
#include "app/output.hpp"
#include "storage/store.hpp"

namespace octavo::app {

namespace json = boost::json;

namespace {

struct store_request {
  std::string data = "data";
  bool json = false;
};

result<std::unique_ptr<storage::store>> open_store(const store_request& asked, bool read_only) {
  auto options = storage::store_options{};
  options.path = asked.data;
  options.read_only = read_only;
  options.create_if_missing = false;
  return storage::store::open(options);
}

int check(const store_request& asked) {
  auto store = open_store(asked, true);
  if (!store) return report(store.error(), asked.json);
  auto checked = result<storage::check_report>{};
  {
    auto line = progress_line{asked.json};
    checked = (*store)->check([&line](const storage::progress& at) {
      line.show(at.phase, at.done, at.total);
      return true;
    });
  }
  if (!checked) return report(checked.error(), asked.json);
  if (asked.json) {
    auto problems = json::array{};
    for (const auto& one : checked->problems)
      problems.push_back({{"document", one.document}, {"message", one.message}});
    print_json({{"documents", checked->documents},
                {"records", checked->records},
                {"snapshots", checked->snapshots},
                {"quarantined_documents", checked->quarantined_documents},
                {"quarantined_updates", checked->quarantined_updates},
                {"bytes", checked->bytes},
                {"problem_count", checked->problem_count},
                {"problems", std::move(problems)}});
  } else {
    std::printf("%llu documents, %llu records, %llu snapshots, %s\n",
                static_cast<unsigned long long>(checked->documents), static_cast<unsigned long long>(checked->records),
                static_cast<unsigned long long>(checked->snapshots), human_bytes(checked->bytes).c_str());
    if (checked->quarantined_documents != 0 || checked->quarantined_updates != 0)
      std::printf("set aside: %llu documents, %llu updates\n",
                  static_cast<unsigned long long>(checked->quarantined_documents),
                  static_cast<unsigned long long>(checked->quarantined_updates));
    for (const auto& one : checked->problems)
      std::printf("%s%s%s\n", printable_name(one.document).c_str(), one.document.empty() ? "" : ": ",
                  one.message.c_str());
    if (checked->problem_count == 0)
      std::printf("no problems\n");
    else
      std::printf("%llu problems\n", static_cast<unsigned long long>(checked->problem_count));
  }
  return checked->problem_count == 0 ? exit_ok : exit_code_of({errc::corrupt, {}});
}

int stats(const store_request& asked) {
  auto store = open_store(asked, true);
  if (!store) return report(store.error(), asked.json);
  auto found = (*store)->stats();
  if (!found) return report(found.error(), asked.json);
  if (asked.json) {
    print_json({{"store_id", found->store_id},
                {"format_version", found->format_version},
                {"documents", found->documents},
                {"commits", found->commits},
                {"log_records_estimate", found->log_records_estimate},
                {"disk_bytes", found->disk_bytes},
                {"wal_bytes", found->wal_bytes},
                {"free_bytes", found->space.free_bytes}});
    return exit_ok;
  }
  std::printf("store      %s, format %u\n", found->store_id.c_str(), found->format_version);
  std::printf("documents  %llu\n", static_cast<unsigned long long>(found->documents));
  std::printf("commits    %llu\n", static_cast<unsigned long long>(found->commits));
  std::printf("records    about %llu\n", static_cast<unsigned long long>(found->log_records_estimate));
  std::printf("on disk    %s, %s of it write-ahead log; %s free\n", human_bytes(found->disk_bytes).c_str(),
              human_bytes(found->wal_bytes).c_str(), human_bytes(found->space.free_bytes).c_str());
  return exit_ok;
}

int compact(const store_request& asked) {
  auto store = open_store(asked, false);
  if (!store) return report(store.error(), asked.json);
  auto before = (*store)->stats();
  auto done = result<void>{};
  {
    auto line = progress_line{asked.json};
    done = (*store)->compact([&line](const storage::progress& at) {
      line.show(at.phase, at.done, at.total);
      return true;
    });
  }
  if (!done) return report(done.error(), asked.json);
  auto after = (*store)->stats();
  if (!before || !after) return report(before ? after.error() : before.error(), asked.json);
  if (asked.json)
    print_json({{"disk_bytes_before", before->disk_bytes}, {"disk_bytes_after", after->disk_bytes}});
  else
    std::printf("%s before, %s after\n", human_bytes(before->disk_bytes).c_str(),
                human_bytes(after->disk_bytes).c_str());
  return exit_ok;
}

}  // namespace

void add_store(CLI::App& program, command& run) {
  auto* store = program.add_subcommand("store", "Check, count and compact a store.");
  store->require_subcommand(1);
  store->footer("These open the store themselves: stop the server first.");
  auto asked = std::make_shared<store_request>();
  auto add = [&](const char* name, const char* help, int (*does)(const store_request&)) {
    auto* sub = store->add_subcommand(name, help);
    sub->add_option("--data", asked->data, "the folder of the store (./data)")->type_name("DIR");
    sub->add_flag("--json", asked->json, "machine-readable output");
    sub->callback([asked, does, &run] { run = [asked, does] { return does(*asked); }; });
  };
  add("check", "Verify every checksum and every document's sequence.", check);
  add("stats", "Count what is stored.", stats);
  add("compact", "Rewrite the files without what was dropped.", compact);
}

}  // namespace octavo::app
