// The one error type above crdt/: a documented code and the context that a person needs. Functions that can fail return
// `octavo::result<T>`; exceptions stop at the edge of the library that threw them.
#pragma once

#include <string>
#include <tl/expected.hpp>

namespace octavo {

/// What went wrong. Do not renumber: the codes appear in logs, in exit codes and in messages between nodes.
enum class errc : unsigned char {
  none = 0,
  invalid_argument = 1,  ///< an option, a name or a request that cannot be meant
  malformed = 2,         ///< bytes that do not follow their format
  limit_exceeded = 3,    ///< more than a named limit allows
  not_found = 4,         ///< no such document, file or record
  already_exists = 5,    ///< a document of that name is there already
  io_error = 6,          ///< the disk or the network failed
  no_space = 7,          ///< the disk is full, or nearly so
  corrupt = 8,           ///< stored bytes that do not match their checksum
  unknown_version = 9,   ///< a store written by another version of octavo
  locked = 10,           ///< another process uses the store
  quarantined = 11,      ///< a document that was set aside because it is damaged
  unauthenticated = 12,  ///< no token, or one that does not verify
  forbidden = 13,        ///< a token that does not allow this
  unavailable = 14,      ///< not now: starting, stopping or overloaded
  internal = 15,         ///< a bug in octavo
  moved = 16,            ///< another node has the document by now: look it up again
};

/// The code as it is written in logs and in `--json` output, such as "no_space".
const char* to_string(errc code);

struct error {
  errc code = errc::none;
  std::string message;  ///< a sentence that says what happened and what to do
};

template <class T>
using result = tl::expected<T, error>;

/// `return fail(errc::not_found, "…");` in a function that returns a result.
inline tl::unexpected<error> fail(errc code, std::string message) {
  return tl::unexpected<error>(error{code, std::move(message)});
}

}  // namespace octavo
