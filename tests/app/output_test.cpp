#include "app/output.hpp"

#include <doctest/doctest.h>

using namespace octavo;
using namespace octavo::app;

TEST_CASE("exit codes tell errors apart, and never change") {
  CHECK(exit_code_of({errc::none, {}}) == 0);
  CHECK(exit_code_of({errc::invalid_argument, {}}) == 2);
  CHECK(exit_code_of({errc::malformed, {}}) == 12);
  CHECK(exit_code_of({errc::not_found, {}}) == 14);
  CHECK(exit_code_of({errc::corrupt, {}}) == 18);
  CHECK(exit_code_of({errc::locked, {}}) == 20);
  CHECK(exit_code_of({errc::internal, {}}) == 25);
}

TEST_CASE("sizes are written for people") {
  CHECK(human_bytes(0) == "0 B");
  CHECK(human_bytes(1023) == "1023 B");
  CHECK(human_bytes(1536) == "1.5 KiB");
  CHECK(human_bytes(std::uint64_t{5} << 40) == "5.0 TiB");
  CHECK(human_bytes(UINT64_MAX) == "16777216.0 TiB");
}

TEST_CASE("times are written in UTC") {
  CHECK(human_time(0) == "-");
  CHECK(human_time(1'700'000'000'999) == "2023-11-14 22:13:20");
}

TEST_CASE("a name cannot play tricks with a terminal") {
  CHECK(printable_name("notes/заметки") == "notes/заметки");
  CHECK(printable_name("a\x1b[31m") == "\"a\\x1b[31m\"");
  CHECK(printable_name("a\nb") == "\"a\\x0ab\"");
}
