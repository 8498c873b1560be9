#include "app/update_request.hpp"

#include <charconv>
#include <iostream>

#include "app/documents.hpp"
#include "app/output.hpp"
#include "app/private_files.hpp"

namespace octavo::app {

using crdt::update_encoding;

namespace {

result<std::uint64_t> number_of(std::string_view text, const char* option) {
  auto value = std::uint64_t{0};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size())
    return fail(errc::invalid_argument, std::string{option} + ": '" + printable_name(text) + "' is no number");
  return value;
}

}  // namespace

std::optional<input_form> form_of(std::string_view name) {
  for (auto form : {input_form::raw, input_form::hex, input_form::base64, input_form::list})
    if (to_string(form) == name) return form;
  return std::nullopt;
}

std::optional<update_encoding> encoding_of(std::string_view name) {
  if (name == "v1") return update_encoding::v1;
  if (name == "v2") return update_encoding::v2;
  return std::nullopt;
}

input_options inputs_of(const update_request& asked) {
  return {form_of(asked.input_form), encoding_of(asked.in), asked.frame, asked.lines};
}

void say_remark(const update_request& asked, const update_input& input) {
  if (!asked.json && !input.remark.empty())
    std::fprintf(stderr, "octavo: %s %s\n", input.name.c_str(), input.remark.c_str());
}

result<void> each_update(const update_request& asked, const std::function<result<void>(update_input)>& use) {
  const auto options = inputs_of(asked);
  auto done = result<void>{};
  auto count = std::size_t{0};
  each_input(asked.files, options, [&](named_input next) {
    ++count;
    auto input = read_update(std::move(next), options);
    if (!input) {
      done = tl::unexpected{input.error()};
      return false;
    }
    say_remark(asked, *input);
    done = use(std::move(*input));
    return done.has_value();
  });
  if (done && count == 0) return fail(errc::malformed, "there is no update in what was given: all lines are empty");
  return done;
}

result<united_update> unite(const update_request& asked) {
  auto all = united_update{};
  auto done = each_update(asked, [&](update_input input) -> result<void> {
    if (all.data.empty()) all.encoding = input.encoding;
    const auto& data = all.data.emplace_back(std::move(input.data));
    const auto read = input.encoding == update_encoding::v1 ? all.update.append_v1(data, read_limits())
                                                            : all.update.append_v2(data, read_limits());
    if (read) return {};
    return fail(errc::limit_exceeded, input.name + " with those before it: " + to_string(read.error()));
  });
  if (!done) return tl::unexpected{done.error()};
  all.update.normalize();
  return all;
}

result<print_options> printing_of(const update_request& asked) {
  auto options = print_options{};
  options.width = asked.full ? SIZE_MAX : asked.width;
  options.summary = asked.summary;
  options.ids = asked.ids;
  auto client = asked.client;
  if (!asked.id.empty()) {
    const auto colon = asked.id.find(':');
    if (colon == std::string::npos)
      return fail(errc::invalid_argument, "--id: an id is client:clock, such as 2964121351:12");
    const auto clock = number_of(std::string_view{asked.id}.substr(colon + 1), "--id");
    if (!clock) return tl::unexpected{clock.error()};
    if (*clock > UINT32_MAX) return fail(errc::invalid_argument, "--id: a clock is at most 4294967295");
    options.clock = static_cast<std::uint32_t>(*clock);
    client = asked.id.substr(0, colon);
  }
  if (client.empty()) return options;
  const auto id = number_of(client, asked.id.empty() ? "--client" : "--id");
  if (!id) return tl::unexpected{id.error()};
  options.client = *id;
  return options;
}

int print_to(const update_request& asked, const std::function<void(std::ostream&)>& print) {
  if (asked.output.empty() || asked.output == "-") {
    print(std::cout);
    std::cout.flush();
    return exit_ok;
  }
  auto out = open_as_user(asked.output);
  print(out);
  out.close();
  if (!out) return report({errc::io_error, "cannot write " + printable_name(asked.output)}, asked.json);
  return exit_ok;
}

}  // namespace octavo::app
