// `octavo update render` and `validate`: what becomes of updates in a document.
#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <ostream>

#include "app/documents.hpp"
#include "app/output.hpp"
#include "app/update_facts.hpp"
#include "app/update_request.hpp"

namespace octavo::app {

namespace json = boost::json;

namespace {

/// Wakes what is left of that which waited.
void wake(crdt::document& document) {
  const auto nothing = crdt::decoded_update{};
  for (auto left = document.stats().pending_ready; left != 0;) {
    if (!document.apply(nothing)) return;
    const auto now = document.stats().pending_ready;
    if (now >= left) return;
    left = now;
  }
}

result<void> integrate(crdt::document& document, const update_input& input) {
  const auto applied = document.apply(input.update);
  if (applied) return {};
  return fail(errc::limit_exceeded, input.name + " cannot be integrated: " + std::string{to_string(applied.error())});
}

struct verdict {
  std::string name;
  std::optional<error> wrong;
  std::string good;  ///< what it holds, for people
  json::object details;
};

verdict judge(named_input next, const input_options& options, crdt::document& document) {
  auto out = verdict{next.name, {}, {}, {}};
  auto input = read_update(std::move(next), options);
  if (!input) {
    out.wrong = input.error();
    return out;
  }
  if (auto integrated = integrate(document, *input); !integrated) {
    out.wrong = integrated.error();
    return out;
  }
  wake(document);
  if (auto fault = document.check_integrity()) {
    out.wrong = error{errc::internal, input->name + ": octavo has a bug: after this update " + *fault};
    return out;
  }
  const auto waiting = waiting_in(document);
  out.good = std::string{to_string(input->encoding)} + ", " + counted(input->data.size(), "byte") + ", " +
             counted(input->update.structs().size(), "struct") + ", " +
             counted(input->update.deletes().size(), "range") + " of deletes";
  if (!waiting.empty()) out.good += "; " + shown_waiting(waiting);
  if (!input->remark.empty()) out.good += "; " + input->remark;
  out.details = {{"encoding", std::string{to_string(input->encoding)}},
                 {"form", std::string{to_string(input->form)}},
                 {"bytes", input->data.size()},
                 {"structs", input->update.structs().size()},
                 {"delete_ranges", input->update.deletes().size()},
                 {"waiting", json::parse(waiting_json(waiting))}};
  return out;
}

}  // namespace

int render_updates(const update_request& asked) {
  const auto options = printing_of(asked);
  if (!options) return report(options.error(), asked.json);
  if (asked.json && asked.format != "tree")
    return report({errc::invalid_argument, "--json is of the tree: --format json is the content as JSON"}, true);
  auto document = document_for(read_limits().max_bytes);
  auto done = each_update(asked, [&](const update_input& input) { return integrate(document, input); });
  if (!done) return report(done.error(), asked.json);
  wake(document);
  auto text = result<std::string>{};
  if (asked.format != "tree") {
    text = rendered(document, asked.root, asked.format);
  } else if (const auto roots = document.root_names();
             !asked.root.empty() && std::find(roots.begin(), roots.end(), asked.root) == roots.end()) {
    text = fail(errc::not_found,
                "the document has no root " + printable_name(asked.root) + "; its roots: " + names_of(roots));
  }
  const auto waiting = waiting_in(document);
  if (!waiting.empty() && !asked.json && (asked.format != "tree" || !text))
    std::fprintf(stderr, "octavo: incomplete: %s\n", shown_waiting(waiting).c_str());
  if (!text) return report(text.error(), asked.json);
  const auto code = print_to(asked, [&](std::ostream& out) {
    if (asked.json) {
      print_tree_json(document, asked.root, out);
    } else if (asked.format == "tree") {
      print_tree(document, asked.root, *options, out);
    } else {
      out << *text;
    }
  });
  if (code != exit_ok || waiting.empty()) return code;
  const auto printed = finish_output(asked.json);
  return printed == exit_ok ? exit_incomplete : printed;
}

int validate_updates(const update_request& asked) {
  const auto options = inputs_of(asked);
  auto first_wrong = std::optional<error>{};
  auto count = std::size_t{0};
  auto bad = std::size_t{0};
  auto document = document_for(read_limits().max_bytes);
  const auto code = print_to(asked, [&](std::ostream& out) {
    if (asked.json) out << "{\"results\":[";
    each_input(asked.files, options, [&](named_input next) {
      if (!asked.together) document = document_for(read_limits().max_bytes);
      auto one = judge(std::move(next), options, document);
      if (asked.json) {
        one.details["name"] = one.name;
        one.details["ok"] = !one.wrong;
        if (one.wrong) one.details["error"] = {{"code", to_string(one.wrong->code)}, {"message", one.wrong->message}};
        out << (count == 0 ? "" : ",") << json::serialize(one.details);
      } else if (one.wrong) {
        out << "FAILED  " << one.wrong->message << '\n';
      } else {
        out << "OK      " << one.name << ": " << one.good << '\n';
      }
      ++count;
      if (!one.wrong) return true;
      ++bad;
      if (!first_wrong) first_wrong = one.wrong;
      return true;
    });
    if (asked.json) out << "],\"failed\":" << bad << "}\n";
  });
  if (code != exit_ok) return code;
  if (count == 0)
    return report({errc::malformed, "there is no update in what was given: all lines are empty"}, asked.json);
  if (!first_wrong) return exit_ok;
  const auto printed = finish_output(asked.json);
  return printed == exit_ok ? exit_code_of(*first_wrong) : printed;
}

}  // namespace octavo::app
