#include "app/update_input.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "app/documents.hpp"
#include "app/output.hpp"
#include "app/update_print.hpp"
#include "crdt/awareness.hpp"
#include "crdt/lib0.hpp"

namespace octavo::app {

using crdt::update_encoding;

namespace {

// Text may be so much longer than what it stands for: "255, " is five characters.
constexpr auto text_factor = std::size_t{5};

bool is_limit(crdt::decode_errc code) {
  using enum crdt::decode_errc;
  return code == too_deep || code == too_many_structs || code == too_many_values || code == too_many_clients ||
         code == too_many_delete_ranges || code == too_large;
}

// --- files

/// File names may be any bytes: this is one that a terminal and JSON take.
std::string shown_name(const std::string& file) {
  auto name = printable_name(file);
  if (!crdt::is_utf8(name))
    for (auto& each : name)
      if (static_cast<unsigned char>(each) >= 0x80) each = '?';
  return terminal_safe(name);
}

result<bytes> read_all(std::istream& in, const std::string& name) {
  const auto bound = read_limits().max_bytes;
  auto out = bytes{};
  auto limit = bound;
  auto piece = std::vector<char>(std::size_t{1} << 20U);
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() != 0) {
    const auto got = as_bytes({piece.data(), static_cast<std::size_t>(in.gcount())});
    if (out.empty() && readings(got.first(std::min<std::size_t>(got.size(), 64)), {}).front().form != input_form::raw)
      limit = bound * text_factor;
    if (got.size() > limit - out.size())
      return fail(errc::limit_exceeded,
                  name + " is larger than " + human_bytes(bound) + ", and no document of octavo can be");
    out.insert(out.end(), got.begin(), got.end());
  }
  if (in.bad()) return fail(errc::io_error, name + " cannot be read: " + std::strerror(errno));
  return out;
}

result<bytes> read_file(const std::string& path, const std::string& name) {
  auto problem = std::error_code{};
  if (std::filesystem::is_directory(path, problem))
    return fail(errc::invalid_argument, name + " is a folder: name the files in it");
  errno = 0;
  auto in = std::ifstream{path, std::ios::binary};
  if (!in) {
    const auto why = std::string{": "} + std::strerror(errno);
    return fail(errno == ENOENT ? errc::not_found : errc::io_error, "cannot read " + name + why);
  }
  return read_all(in, name);
}

/// Standard input can be read once.
result<bytes> read_standard_input(bool& was_read) {
  if (was_read) return fail(errc::invalid_argument, "standard input can only be read once: name - once");
  was_read = true;
  if (isatty(STDIN_FILENO) != 0)
    std::fprintf(stderr, "octavo: reading from the terminal; end with Ctrl-D on a line of its own\n");
  return read_all(std::cin, "standard input");
}

bool take_lines(const std::string& name, const bytes& given, const std::function<bool(named_input)>& take) {
  auto number = std::size_t{0};
  auto rest = as_text(given);
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto view = as_bytes(line);
    if (!take({name + ':' + std::to_string(number), bytes{view.begin(), view.end()}})) return false;
  }
  return true;
}

// --- updates

/// What can be said about bytes that are no update, by what else they are.
std::string hint_of(bytes_view data, const input_options& options) {
  if (!options.frame) {
    if (const auto message = parse_sync_message(data))
      return std::string{". This looks like a "} + (message->document ? "Hocuspocus" : "y-websocket") +
             (message->what == sync_message::step::state_vector
                  ? " sync message with a state vector in it (SyncStep1): `octavo update state-vector --frame` shows it"
                  : " sync message: give --frame to take the update out of it");
    auto reader = crdt::lib0_reader{data};
    auto type = std::uint64_t{0};
    auto held = bytes_view{};
    auto entries = std::vector<crdt::awareness_entry>{};
    if (reader.var_uint(type) && type == 1 && reader.var_bytes(held) && reader.at_end() && !held.empty() &&
        crdt::decode_awareness(held, entries))
      return ". This looks like a presence (awareness) message: there is no update in it";
  }
  if (const auto state = crdt::decode_state_vector(data); state && !state->empty())
    return ". It can be read as a state vector: `octavo update state-vector --vector` shows it";
  return {};
}

tl::unexpected<error> no_update(bytes_view data, const input_options& options, const std::string& why, bool limit) {
  return fail(limit ? errc::limit_exceeded : errc::malformed, "no Yjs update: " + why + hint_of(data, options));
}

/// Which of two encodings is meant where both read the bytes. A first byte of 0 is needed for that: in encoding 1 it
/// says that there are no structs, so that only deletes are left. Such a set rarely fills nine columns exactly, nor the
/// other way round; if it does, the one that a program would have written so is likelier.
update_encoding likelier(const bytes& data, const crdt::decoded_update& v1, const crdt::decoded_update& v2) {
  if (crdt::encode_update_v1(v1) == data) return update_encoding::v1;
  return crdt::encode_update_v2(v2) == data ? update_encoding::v2 : update_encoding::v1;
}

result<void> recognise(update_input& input, const input_options& options) {
  const auto limits = read_limits();
  if (options.encoding) {
    input.encoding = *options.encoding;
    const auto read = crdt::decode_update(input.data, input.encoding, input.update, limits);
    if (read) return {};
    return no_update(input.data, options,
                     "as " + std::string{to_string(input.encoding)} + ": " + to_string(read.error()),
                     is_limit(read.error().code));
  }
  const auto first = crdt::decode_update_v1(input.data, input.update, limits);
  input.encoding = update_encoding::v1;
  // Whatever has structs in encoding 1 begins with their number, where encoding 2 has a 0.
  if (first && !input.update.blocks().empty()) return {};
  auto other = crdt::decoded_update{};
  const auto second = crdt::decode_update_v2(input.data, other, limits);
  if (!first && !second)
    return no_update(input.data, options,
                     "as v1: " + to_string(first.error()) + "; as v2: " + to_string(second.error()),
                     is_limit(first.error().code) || is_limit(second.error().code));
  if (first && second) {
    input.encoding = likelier(input.data, input.update, other);
    input.remark = "can be read in either encoding; taken for " + std::string{to_string(input.encoding)} +
                   " (--in says which it is)";
  } else if (second) {
    input.encoding = update_encoding::v2;
  }
  if (input.encoding == update_encoding::v2) input.update = std::move(other);
  return {};
}

result<void> open_frame(bytes& data) {
  const auto message = parse_sync_message(data);
  if (!message)
    return fail(errc::malformed,
                "no sync message of y-websocket or Hocuspocus: leave --frame out if it is an update by itself");
  if (message->what == sync_message::step::state_vector)
    return fail(errc::malformed,
                "the message is a SyncStep1: it holds a state vector and no update; "
                "`octavo update state-vector --frame` shows it");
  data = bytes{message->payload.begin(), message->payload.end()};
  return {};
}

result<update_input> as_update(bytes data, const input_options& options) {
  auto out = update_input{};
  out.data = std::move(data);
  if (options.frame)
    if (auto opened = open_frame(out.data); !opened) return tl::unexpected{opened.error()};
  if (auto known = recognise(out, options); !known) return tl::unexpected{known.error()};
  if (!options.frame && out.data.size() > 2 && out.data.front() == std::byte{0} && out.remark.empty())
    if (const auto message = parse_sync_message(out.data);
        message && message->what != sync_message::step::state_vector && !message->payload.empty())
      out.remark = "can be read as a sync message, too: --frame takes the update out of it";
  return out;
}

/// What the first reading that succeeds makes of it; else the first reading's error.
template <class Value>
result<Value> first_good(const named_input& input, std::optional<input_form> form,
                         const std::function<result<Value>(reading&)>& read) {
  if (!input.given) return tl::unexpected{input.given.error()};
  if (input.given->empty())
    return fail(errc::malformed, input.name +
                                     " is empty: there is nothing in it at all (an update that says nothing "
                                     "is 00 00)");
  auto first = std::optional<error>{};
  for (auto& each : readings(*input.given, form)) {
    auto value = each.data ? read(each) : result<Value>{tl::unexpected{each.data.error()}};
    if (value) return value;
    if (first) continue;
    first = value.error();
    const auto as = each.form == input_form::raw ? std::string{} : " (" + std::string{to_string(each.form)} + ")";
    first->message = input.name + as + ": " + first->message;
  }
  return tl::unexpected{*first};
}

// --- state vectors

/// client:clock,client:clock
std::optional<crdt::state_vector> parse_state_text(std::string_view text) {
  auto entries = std::vector<crdt::state_vector::entry>{};
  auto at = std::size_t{0};
  const auto skip_space = [&] { at = std::min(text.find_first_not_of(" \t\r\n", at), text.size()); };
  const auto number = [&](std::uint64_t& out) {
    skip_space();
    const auto from = at;
    for (out = 0; at < text.size() && text[at] >= '0' && text[at] <= '9' && out <= crdt::max_safe_integer; ++at)
      out = out * 10 + static_cast<std::uint64_t>(text[at] - '0');
    return at != from && out <= crdt::max_safe_integer;
  };
  for (;;) {
    auto entry = crdt::state_vector::entry{};
    if (!number(entry.client) || at == text.size() || text[at++] != ':' || !number(entry.clock)) return std::nullopt;
    entries.push_back(entry);
    skip_space();
    if (at == text.size()) return crdt::state_vector{std::move(entries)};
    if (text[at++] != ',') return std::nullopt;
  }
}

result<crdt::state_vector> as_state_vector(const bytes& data, const input_options& options) {
  auto held = bytes_view{data};
  if (options.frame) {
    const auto message = parse_sync_message(data);
    if (!message || message->what != sync_message::step::state_vector)
      return fail(errc::malformed, "no SyncStep1 of y-websocket or Hocuspocus");
    held = message->payload;
  }
  auto state = crdt::decode_state_vector(held, read_limits().max_clients);
  if (state) return *state;
  auto hint = std::string{};
  if (!options.frame && parse_sync_message(data)) {
    hint = ". This looks like a y-websocket sync message: give --frame to take it apart";
  } else if (as_update(data, {})) {
    hint = ". It is an update: --from takes the state of one";
  }
  return fail(errc::malformed, "no state vector: " + to_string(state.error()) + hint);
}

}  // namespace

std::string_view to_string(update_encoding encoding) {
  return encoding == update_encoding::v1 ? "v1" : "v2";
}

std::optional<sync_message> parse_sync_message(bytes_view data) {
  const auto body = [](crdt::lib0_reader reader, bool hocuspocus) -> std::optional<sync_message> {
    constexpr auto sync = std::uint64_t{0};
    constexpr auto sync_reply = std::uint64_t{4};  // Hocuspocus: a sync message that is not to be answered
    auto out = sync_message{};
    auto type = std::uint64_t{0};
    auto step = std::uint64_t{0};
    auto name = std::string_view{};
    if (hocuspocus) {
      if (!reader.var_string(name)) return std::nullopt;
      out.document = name;
    }
    if (!reader.var_uint(type) || (type != sync && !(hocuspocus && type == sync_reply)) || !reader.var_uint(step) ||
        step > 2 || !reader.var_bytes(out.payload) || !reader.at_end())
      return std::nullopt;
    out.what = static_cast<sync_message::step>(step);
    return out;
  };
  const auto reader = crdt::lib0_reader{data};
  if (auto message = body(reader, false)) return message;
  return body(reader, true);
}

void each_input(const std::vector<std::string>& files, const input_options& options,
                const std::function<bool(named_input)>& take) {
  auto was_read = false;
  const auto standard_input = std::vector<std::string>{"-"};
  for (const auto& file : files.empty() ? standard_input : files) {
    const auto name = file == "-" ? std::string{"standard input"} : shown_name(file);
    auto given = file == "-" ? read_standard_input(was_read) : read_file(file, name);
    if (given && options.lines) {
      if (!take_lines(name, *given, take)) return;
    } else if (!take({name, std::move(given)})) {
      return;
    }
  }
}

result<update_input> read_update(named_input input, const input_options& options) {
  auto form = input_form::raw;
  auto out = first_good<update_input>(input, options.form, [&](reading& each) {
    form = each.form;
    return as_update(std::move(*each.data), options);
  });
  if (!out) return out;
  out->form = form;
  out->name = std::move(input.name);
  return out;
}

result<crdt::state_vector> read_state_vector(const named_input& input, const input_options& options) {
  if (input.given && !options.form)
    if (auto state = parse_state_text(as_text(*input.given))) return *state;
  return first_good<crdt::state_vector>(input, options.form,
                                        [&](reading& each) { return as_state_vector(*each.data, options); });
}

result<crdt::state_vector> read_state_vector_argument(const std::string& word, const input_options& options) {
  auto problem = std::error_code{};
  if (std::filesystem::exists(word, problem)) {
    const auto name = shown_name(word);
    return read_state_vector({name, read_file(word, name)}, options);
  }
  const auto given = as_bytes(word);
  auto state = read_state_vector({"--state-vector", bytes{given.begin(), given.end()}}, options);
  if (!state) return fail(errc::invalid_argument, state.error().message + "; and no file is called so");
  return state;
}

}  // namespace octavo::app
