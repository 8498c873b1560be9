#include "storage/result.hpp"

namespace octavo {

const char* to_string(errc code) {
  switch (code) {
    case errc::none:
      return "none";
    case errc::invalid_argument:
      return "invalid_argument";
    case errc::malformed:
      return "malformed";
    case errc::limit_exceeded:
      return "limit_exceeded";
    case errc::not_found:
      return "not_found";
    case errc::already_exists:
      return "already_exists";
    case errc::io_error:
      return "io_error";
    case errc::no_space:
      return "no_space";
    case errc::corrupt:
      return "corrupt";
    case errc::unknown_version:
      return "unknown_version";
    case errc::locked:
      return "locked";
    case errc::quarantined:
      return "quarantined";
    case errc::unauthenticated:
      return "unauthenticated";
    case errc::forbidden:
      return "forbidden";
    case errc::unavailable:
      return "unavailable";
    case errc::internal:
      return "internal";
    case errc::moved:
      return "moved";
  }
  return "unknown";
}

}  // namespace octavo
