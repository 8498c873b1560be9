#include "app/private_files.hpp"

#include <sys/stat.h>

namespace octavo::app {

namespace {

constexpr mode_t private_mask = 077;
mode_t users_mask = private_mask;

}  // namespace

void make_files_private() {
  users_mask = umask(private_mask);
}

std::ofstream open_as_user(const std::filesystem::path& file) {
  umask(users_mask);
  auto out = std::ofstream{file, std::ios::binary};
  umask(private_mask);
  return out;
}

}  // namespace octavo::app
