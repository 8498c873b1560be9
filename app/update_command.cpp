// `octavo update …`: Yjs updates in files or from standard input, looked into, merged, cut and converted.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "app/commands.hpp"
#include "app/documents.hpp"
#include "app/output.hpp"
#include "app/update_facts.hpp"
#include "app/update_request.hpp"

namespace octavo::app {

namespace json = boost::json;

using crdt::update_encoding;

namespace {

/// The form that bytes are written in: text for people, bytes for programs and files. As an error: raw for a terminal.
result<input_form> output_form(const update_request& asked) {
  const auto to_terminal = asked.output.empty() && isatty(STDOUT_FILENO) != 0;
  if (asked.form.empty()) return to_terminal ? input_form::hex : input_form::raw;
  if (asked.form == "raw" && to_terminal)
    return fail(errc::invalid_argument,
                "raw bytes can upset a terminal: give --form hex or base64, or -o FILE (-o - if you mean it)");
  return *form_of(asked.form);
}

int write_bytes(const update_request& asked, bytes_view data, json::object description) {
  if (asked.json) {
    const auto form = asked.form == "hex" ? input_form::hex : input_form::base64;
    auto text = written(data, form);
    text.pop_back();
    description["bytes"] = data.size();
    description[json::string_view{form == input_form::hex ? "hex" : "base64"}] = text;
    return print_to(asked, [&](std::ostream& out) { out << json::serialize(description) << '\n'; });
  }
  const auto form = output_form(asked);
  if (!form) return report(form.error(), asked.json);
  return print_to(asked, [&](std::ostream& out) { out << written(data, *form); });
}

int write_update(const update_request& asked, const crdt::decoded_update& update, update_encoding encoding) {
  if (auto to = encoding_of(asked.to)) encoding = *to;
  return write_bytes(asked, crdt::encode_update(update, encoding),
                     {{"encoding", std::string{to_string(encoding)}}, {"structs", update.structs().size()}});
}

// --- inspect

int inspect(const update_request& asked) {
  const auto options = printing_of(asked);
  if (!options) return report(options.error(), asked.json);
  auto done = result<void>{};
  const auto code = print_to(asked, [&](std::ostream& out) {
    auto first = true;
    if (asked.json) out << "{\"updates\":[";
    done = each_update(asked, [&](const update_input& input) -> result<void> {
      if (!first) out << (asked.json ? "," : "\n");
      first = false;
      if (asked.json) {
        print_update_json(input, *options, out);
      } else {
        print_update(input, *options, out);
      }
      return {};
    });
    if (asked.json) out << "]}\n";
  });
  return done ? code : report(done.error(), asked.json);
}

// --- merge, diff, convert

int merge(const update_request& asked) {
  auto all = unite(asked);
  if (!all) return report(all.error(), asked.json);
  all->update.normalize();
  all->update.coalesce();
  return write_update(asked, all->update, all->encoding);
}

int convert(const update_request& asked) {
  auto code = exit_ok;
  auto count = 0;
  auto done = each_update(asked, [&](const update_input& input) -> result<void> {
    if (++count > 1)
      return fail(errc::invalid_argument, "one update at a time: `octavo update merge` makes one of many");
    code = write_update(asked, input.update, input.encoding);
    return {};
  });
  return done ? code : report(done.error(), asked.json);
}

/// The state that a difference is made to.
result<crdt::state_vector> state_asked(const update_request& asked) {
  const auto options = inputs_of(asked);
  if (!asked.state_vector.empty()) {
    auto of_vector = options;
    of_vector.lines = of_vector.frame = false;
    return read_state_vector_argument(asked.state_vector, of_vector);
  }
  auto state = result<crdt::state_vector>{};
  each_input({asked.from}, options, [&](named_input next) {
    auto input = read_update(std::move(next), options);
    if (!input) {
      state = tl::unexpected{input.error()};
      return false;
    }
    say_remark(asked, *input);
    if (!gaps_of(input->update).empty() && !asked.json)
      std::fprintf(stderr, "octavo: %s has gaps: of each client only what is before the first one counts\n",
                   input->name.c_str());
    auto read = crdt::state_vector_of_update(input->data, input->encoding, read_limits());
    state = *read;
    return false;
  });
  return state;
}

int diff(const update_request& asked) {
  if (asked.state_vector.empty() == asked.from.empty())
    return report({errc::invalid_argument, "say what the other side has, with either --state-vector or --from"},
                  asked.json);
  auto state = state_asked(asked);
  if (!state) return report(state.error(), asked.json);
  auto all = unite(asked);
  if (!all) return report(all.error(), asked.json);
  all->update.remove_known(*state);
  return write_update(asked, all->update, all->encoding);
}

// --- state-vector

result<crdt::state_vector> state_of_updates(const update_request& asked) {
  auto all = unite(asked);
  if (!all) return tl::unexpected{all.error()};
  const auto encoded = crdt::encode_update_v1(all->update);
  return *crdt::state_vector_of_update(encoded, update_encoding::v1, crdt::no_limits);
}

/// A state vector by itself, or in a message, which may hold an update as well.
result<crdt::state_vector> state_given(const update_request& asked) {
  const auto options = inputs_of(asked);
  auto state = result<crdt::state_vector>{};
  auto count = 0;
  each_input(asked.files, options, [&](named_input next) {
    if (++count > 1) {
      state = fail(errc::invalid_argument, "one state vector at a time");
      return false;
    }
    state = read_state_vector(next, options);
    if (state || asked.vector || !next.given) return true;
    auto input = read_update(std::move(next), options);
    if (input)
      state = *crdt::state_vector_of_update(input->data, input->encoding, read_limits());
    else
      state = tl::unexpected{input.error()};
    return true;
  });
  return state;
}

int state_vector(const update_request& asked) {
  auto state = asked.vector || asked.frame ? state_given(asked) : state_of_updates(asked);
  if (!state) return report(state.error(), asked.json);
  if (!asked.form.empty() && !asked.json) return write_bytes(asked, crdt::encode_state_vector(*state), {});
  return print_to(asked, [&](std::ostream& out) {
    if (!asked.json) {
      for (const auto& each : state->entries()) out << each.client << ':' << each.clock << '\n';
      return;
    }
    auto clients = json::array{};
    for (const auto& each : state->entries()) clients.push_back({{"client", each.client}, {"clock", each.clock}});
    auto encoded = written(crdt::encode_state_vector(*state), input_form::base64);
    encoded.pop_back();
    out << json::serialize(json::object{{"clients", std::move(clients)}, {"base64", encoded}}) << '\n';
  });
}

// --- the command line

class builder {
 public:
  builder(CLI::App& update, command& run) : update_(update), run_(run) {}

  CLI::App* add(const char* name, const char* help, int (*does)(const update_request&), const char* footer) {
    auto* sub = update_.add_subcommand(name, help);
    sub->add_option("files", asked_->files, "the updates; - is standard input, as is no file")->type_name("FILE");
    sub->add_option("--in", asked_->in, "the encoding: v1, v2 or auto (auto)")
        ->check(CLI::IsMember({"v1", "v2", "auto"}))
        ->type_name("ENCODING");
    sub->add_option("--input-form", asked_->input_form, "raw, hex, base64, list (of numbers) or auto (auto)")
        ->check(CLI::IsMember({"raw", "hex", "base64", "list", "auto"}))
        ->type_name("FORM");
    sub->add_flag("--frame", asked_->frame, "take updates out of sync messages of y-websocket or Hocuspocus");
    sub->add_flag("--lines", asked_->lines, "each line is an update of its own, as text");
    sub->add_option("--output,-o", asked_->output, "the file to write (standard output)")->type_name("FILE");
    sub->add_flag("--json", asked_->json, "machine-readable output, one JSON object");
    sub->footer(footer);
    sub->callback([asked = asked_, does, &run = run_] { run = [asked, does] { return does(*asked); }; });
    return sub;
  }

  void add_width(CLI::App* sub) {
    sub->add_option("--width", asked_->width, "how many characters of a content are shown (72)")
        ->check(CLI::PositiveNumber)
        ->type_name("N");
    sub->add_flag("--full", asked_->full, "show all of every content");
  }

  void add_form(CLI::App* sub, const char* help) {
    sub->add_option("--form", asked_->form, help)->check(CLI::IsMember({"raw", "hex", "base64"}))->type_name("FORM");
  }

  CLI::Option* add_to(CLI::App* sub, const char* help) {
    return sub->add_option("--to", asked_->to, help)->check(CLI::IsMember({"v1", "v2"}))->type_name("ENCODING");
  }

  update_request& asked() { return *asked_; }

 private:
  CLI::App& update_;
  command& run_;
  std::shared_ptr<update_request> asked_ = std::make_shared<update_request>();
};

constexpr auto form_help = "raw, hex or base64 (hex on a terminal, else raw)";

void add_reading_commands(builder& commands) {
  auto& asked = commands.asked();
  auto* inspect_command =
      commands.add("inspect", "Show what is in updates: structs, deletes, and what they need.", inspect,
                   "Examples:\n  octavo update inspect notes.yjs\n"
                   "  octavo update inspect --id 2964121351:12 notes.yjs\n"
                   "  echo 'AQEFAAQBBHRleHQCaGkA' | octavo update inspect\n"
                   "  psql -Atc 'select data from updates' | octavo update inspect --lines --summary");
  commands.add_width(inspect_command);
  inspect_command->add_flag("--summary", asked.summary, "no structs and deletes, only how many");
  auto* client = inspect_command->add_option("--client", asked.client, "only what this client wrote")->type_name("ID");
  inspect_command->add_option("--id", asked.id, "only the struct that holds this unit")
      ->type_name("CLIENT:CLOCK")
      ->excludes(client);

  auto* render_command = commands.add("render", "Make a document of updates and print its content.", render_updates,
                                      "Examples:\n  octavo update render notes.yjs\n"
                                      "  octavo update render --format text --root content first.yjs second.yjs\n"
                                      "Exit code 3 says that something waits for updates that are missing.");
  commands.add_width(render_command);
  render_command
      ->add_option("--format", asked.format, "tree, json, text, delta, xml, html, markdown or prosemirror (tree)")
      ->check(CLI::IsMember({"tree", "json", "text", "delta", "xml", "html", "markdown", "prosemirror"}))
      ->type_name("FORMAT");
  render_command->add_option("--root", asked.root, "the root type, where there are several")->type_name("NAME");
  render_command->add_flag("--ids", asked.ids, "the id of everything, client:clock");

  auto* state_command =
      commands.add("state-vector", "Show the state vector of updates, or one by itself.", state_vector,
                   "Examples:\n  octavo update state-vector notes.yjs\n"
                   "  octavo update state-vector --form base64 notes.yjs\n"
                   "  echo AQUC | octavo update state-vector --vector");
  commands.add_form(state_command, "print it encoded: raw, hex or base64 (a list for people)");
  state_command->add_flag("--vector", asked.vector, "what is given is a state vector, no update");

  auto* validate_command = commands.add(
      "validate", "Check that updates can be read, and integrated into a document.", validate_updates,
      "Examples:\n  octavo update validate backup/*.yjs\n  octavo update validate --together base.yjs edits.yjs");
  validate_command->add_flag("--together", asked.together, "integrate all into one document, and not each by itself");
}

void add_writing_commands(builder& commands) {
  auto& asked = commands.asked();
  auto* merge_command = commands.add("merge", "Make one update of many.", merge,
                                     "Examples:\n  octavo update merge a.yjs b.yjs -o both.yjs\n"
                                     "  octavo update merge --lines --form base64 updates.log");
  commands.add_form(merge_command, form_help);
  commands.add_to(merge_command, "the encoding to write: v1 or v2 (that of the first update)");

  auto* diff_command = commands.add("diff", "Cut from an update what somebody has already.", diff,
                                    "Examples:\n  octavo update diff new.yjs --from old.yjs -o added.yjs\n"
                                    "  octavo update diff new.yjs --state-vector 2964121351:12\n"
                                    "  octavo update diff new.yjs --state-vector AQUC --form hex");
  commands.add_form(diff_command, form_help);
  commands.add_to(diff_command, "the encoding to write: v1 or v2 (that of the update)");
  auto* state = diff_command
                    ->add_option("--state-vector", asked.state_vector,
                                 "what they have: a file, hex, base64, or client:clock,client:clock")
                    ->type_name("STATE");
  diff_command->add_option("--from", asked.from, "what they have, as an update")->type_name("FILE")->excludes(state);

  auto* convert_command = commands.add("convert", "Write an update in another encoding.", convert,
                                       "Examples:\n  octavo update convert --to v2 notes.yjs -o notes.v2\n"
                                       "  octavo update convert --to v1 --form base64 notes.v2");
  commands.add_form(convert_command, form_help);
  commands.add_to(convert_command, "the encoding to write: v1 or v2")->required();
}

}  // namespace

void add_update(CLI::App& program, command& run) {
  auto* update = program.add_subcommand("update", "Look into Yjs updates; merge, cut and convert them.");
  update->require_subcommand(1);
  update->footer(
      "Updates come from files or standard input, in encoding v1 or v2: raw, hex, base64, or as JavaScript prints\n"
      "bytes. What it is is recognised. docs/update.md tells more.");
  auto commands = builder{*update, run};
  add_reading_commands(commands);
  add_writing_commands(commands);
}

}  // namespace octavo::app
