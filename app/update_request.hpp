// What the commands of `octavo update` share: what was asked for, the updates one after another, and where output goes.
#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/update_input.hpp"
#include "app/update_print.hpp"

namespace octavo::app {

/// The command line, as words.
struct update_request {
  std::vector<std::string> files;
  std::string in = "auto";
  std::string input_form = "auto";
  bool frame = false;
  bool lines = false;
  std::string output;
  std::string form;
  std::string to;
  bool json = false;
  bool full = false;
  bool summary = false;
  bool ids = false;
  std::size_t width = default_width;
  std::string client;
  std::string id;
  std::string format = "tree";
  std::string root;
  std::string state_vector;
  std::string from;
  bool vector = false;
  bool together = false;
};

/// Nothing for "auto" and for no word at all.
std::optional<input_form> form_of(std::string_view name);
std::optional<crdt::update_encoding> encoding_of(std::string_view name);

input_options inputs_of(const update_request& asked);
result<print_options> printing_of(const update_request& asked);

/// Says on standard error what had to be guessed, where it does not become part of the output.
void say_remark(const update_request& asked, const update_input& input);

/// Calls `use` with each update until one cannot be read or `use` fails. No update at all is an error, too.
result<void> each_update(const update_request& asked, const std::function<result<void>(update_input)>& use);

/// All updates as one, in the encoding of the first; structs are not joined. It borrows `data`.
struct united_update {
  std::vector<bytes> data;
  crdt::decoded_update update;
  crdt::update_encoding encoding = crdt::update_encoding::v1;
};

result<united_update> unite(const update_request& asked);

/// Runs `print` on standard output, or on the file that was asked for; the exit code.
int print_to(const update_request& asked, const std::function<void(std::ostream&)>& print);

// Those commands that make a document of updates (update_document.cpp). They return the exit code.
int render_updates(const update_request& asked);
int validate_updates(const update_request& asked);

}  // namespace octavo::app
