// octavo's error codes as CAF errors: `make_error(octavo::error)` is the one function that turns one into the other.
#pragma once

#include <caf/error.hpp>
#include <caf/is_error_code_enum.hpp>
#include <caf/type_id.hpp>
#include <cstdint>
#include <exception>
#include <string>

#include "storage/result.hpp"

namespace octavo {

bool from_integer(std::uint8_t value, errc& code);

template <class Inspector>
bool inspect(Inspector& f, errc& x) {
  auto get = [&x] { return static_cast<std::uint8_t>(x); };
  auto set = [&x](std::uint8_t value) { return from_integer(value, x); };
  return f.apply(get, set);
}

}  // namespace octavo

CAF_ERROR_CODE_ENUM(octavo::errc)

namespace octavo::actors {

/// The code and the sentence, as an error that may cross nodes.
caf::error make_error(const error& what);

/// What an exception says, for a log.
std::string what_of(const std::exception_ptr& thrown);

/// The way back; an error of CAF's own becomes `errc::unavailable` with CAF's text.
error from_caf(const caf::error& what);

}  // namespace octavo::actors
