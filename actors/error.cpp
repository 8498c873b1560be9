#include "actors/error.hpp"

#include <caf/message.hpp>
#include <caf/sec.hpp>

#include "actors/interfaces.hpp"

namespace octavo {

bool from_integer(std::uint8_t value, errc& code) {
  if (value > static_cast<std::uint8_t>(errc::moved)) return false;
  code = static_cast<errc>(value);
  return true;
}

}  // namespace octavo

namespace octavo::actors {

caf::error make_error(const error& what) {
  return caf::make_error(what.code, what.message);
}

std::string what_of(const std::exception_ptr& thrown) {
  try {
    if (thrown) std::rethrow_exception(thrown);
  } catch (const std::exception& exception) {
    return exception.what();
  } catch (...) {
  }
  return "an exception of an unknown kind";
}

error from_caf(const caf::error& what) {
  if (!what) return {};
  if (what.category() != caf::type_id_v<errc>) return {errc::unavailable, to_string(what)};
  auto result = error{static_cast<errc>(what.code()), {}};
  if (what.context().match_elements<std::string>()) result.message = what.context().get_as<std::string>(0);
  return result;
}

}  // namespace octavo::actors
