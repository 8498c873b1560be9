// Yjs updates as people have them: files or standard input, raw or as text that was pasted from a log or a console, in
// encoding 1 or 2, perhaps still in a message of y-websocket. What is given is recognised where it was not said, and
// what is wrong is said with its place and with what to do.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/update_forms.hpp"
#include "crdt/encoded_update.hpp"
#include "crdt/state_vector.hpp"
#include "storage/result.hpp"

namespace octavo::app {

std::string_view to_string(crdt::update_encoding encoding);

/// A message of the sync protocol, of y-websocket or of Hocuspocus, which puts the document's name in front.
struct sync_message {
  enum class step { state_vector = 0, answer = 1, update = 2 };
  step what = step::update;
  std::optional<std::string_view> document;
  bytes_view payload;
};

/// Reads one that fills the bytes exactly; views into them.
std::optional<sync_message> parse_sync_message(bytes_view data);

struct input_options {
  std::optional<input_form> form;                 ///< none: recognise it
  std::optional<crdt::update_encoding> encoding;  ///< none: try both
  bool frame = false;                             ///< the bytes are sync messages
  bool lines = false;                             ///< each line is an input of its own, as text
};

/// What a file, or a line of one, holds.
struct named_input {
  std::string name;  ///< printable: "a.bin", "a.log:3", "standard input"
  result<bytes> given;
};

/// Reads the files one after another, "-" and no file at all being standard input, until `take` returns false. A file
/// larger than read_limits() is an error of its own, as is one that is not there.
void each_input(const std::vector<std::string>& files, const input_options& options,
                const std::function<bool(named_input)>& take);

/// An update that was read. It owns its bytes and may be moved.
struct update_input {
  std::string name;
  input_form form = input_form::raw;
  crdt::update_encoding encoding = crdt::update_encoding::v1;
  bytes data;                   ///< the update, out of its message if it was in one
  crdt::decoded_update update;  ///< borrows data
  std::string remark;           ///< something that had to be guessed, as a sentence; mostly empty
};

result<update_input> read_update(named_input input, const input_options& options);

/// A state vector in any form that an update may have, or as text: client:clock,client:clock. In a message it is that
/// of a SyncStep1.
result<crdt::state_vector> read_state_vector(const named_input& input, const input_options& options);

/// The same of a word on the command line: the name of a file if there is one, else the state vector itself.
result<crdt::state_vector> read_state_vector_argument(const std::string& word, const input_options& options);

}  // namespace octavo::app
