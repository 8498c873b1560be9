#include "app/update_forms.hpp"

#include <doctest/doctest.h>

using namespace octavo;
using namespace octavo::app;

namespace {

const bytes sample{std::byte{1}, std::byte{0xfe}, std::byte{0}, std::byte{62}, std::byte{255}};

/// What the first reading makes of a text.
std::string first_form(std::string_view text) {
  return std::string{to_string(readings(as_bytes(text), {}).front().form)};
}

bool reads(std::string_view text, input_form form) {
  const auto first = std::move(readings(as_bytes(text), {}).front());
  return first.form == form && first.data && *first.data == sample;
}

std::string error_of(std::string_view text, std::optional<input_form> form = {}) {
  const auto first = std::move(readings(as_bytes(text), form).front());
  return first.data ? "no error" : first.data.error().message;
}

}  // namespace

TEST_CASE("hexadecimal digits are read with what logs and databases put around them") {
  for (const auto* text : {"01fe003eff", "01FE003EFF", "01 fe 00 3e ff\n", "0x01fe003eff", "\\x01fe003eff",
                           "\\\\x01fe003eff", "X'01fe003eff'", "\"01fe003eff\"", "'0x01fe003eff',", "`01fe003eff`;"}) {
    CAPTURE(text);
    CHECK(reads(text, input_form::hex));
  }
  CHECK(error_of("01f", input_form::hex).find("odd number") != std::string::npos);
  CHECK(error_of("01g0", input_form::hex).find("character 3") != std::string::npos);
}

TEST_CASE("base64 is read in both alphabets, with and without padding") {
  for (const auto* text : {"Af4APv8=", "Af4APv8", "Af4A\r\nPv8=\n", "\"Af4APv8=\"", "data:;base64,Af4APv8="}) {
    CAPTURE(text);
    CHECK(reads(text, input_form::base64));
  }
  CHECK(*readings(as_bytes("-_-_"), {}).front().data == *readings(as_bytes("+/+/"), {}).front().data);
  CHECK(error_of("Af4AP", input_form::base64).find("missing") != std::string::npos);
  CHECK(error_of("Af=4", input_form::base64).find("character 4") != std::string::npos);
  CHECK(error_of("Af4APv8===", input_form::base64).find("missing") != std::string::npos);
}

TEST_CASE("lists are read as JavaScript prints them") {
  for (const auto* text :
       {"Uint8Array(5) [1, 254, 0, 62, 255]", "Uint8Array(5) [\n  1, 254, 0,\n  62, 255\n]", "[1,254,0,62,255]",
        "1,254,0,62,255", "new Uint8Array([1, 254, 0, 62, 255])", "Uint8Array.from([1, 254, 0, 62, 255])",
        "Uint8Array [ 1, 254, 0, 62, 255 ]", "Buffer(5) [Uint8Array] [ 1, 254, 0, 62, 255 ]", "<Buffer 01 fe 00 3e ff>",
        R"({"0":1,"1":254,"2":0,"3":62,"4":255})", R"({ "type": "Buffer", "data": [1, 254, 0, 62, 255] })",
        "{ type: 'Buffer', data: [ 1, 254, 0, 62, 255 ] }", "[1, 254, 0, 62, 255,]",
        "Uint8Array(5) [1, 254, 0, 62, 255, buffer: ArrayBuffer(5), byteLength: 5, length: 5]"}) {
    CAPTURE(text);
    CHECK(reads(text, input_form::list));
  }
}

TEST_CASE("a list that the console has cut is told from a wrong one") {
  for (const auto* text : {"[1, 2, … ]", "Uint8Array(300) [ 1, 2, ... 298 more items ]",
                           "<Buffer 01 02 ... 9 more bytes>", "Uint8Array(5) [1, 2]"}) {
    CAPTURE(text);
    CHECK(error_of(text).find("print all of it") != std::string::npos);
  }
  CHECK(error_of("[1, 256]").find("0 to 255 is expected at character") != std::string::npos);
  CHECK(error_of("[1 2]").find("comma") != std::string::npos);
  CHECK(error_of("[1, 2").find("comma is expected") != std::string::npos);
  CHECK(error_of("[-1]").find("0 to 255") != std::string::npos);
  CHECK(error_of(R"({"0":1,"2":3})").find("\"1\"") != std::string::npos);
  CHECK(error_of("<Buffer 0").find("hexadecimal") != std::string::npos);
  CHECK(error_of("[99999999999999999999999999]").find("0 to 255") != std::string::npos);
}

TEST_CASE("what has several readings is tried as hexadecimal first and as it is last") {
  const auto all = readings(as_bytes("AAEC"), {});
  REQUIRE(all.size() == 3);
  CHECK(all[0].form == input_form::hex);
  CHECK(all[1].form == input_form::base64);
  CHECK(all[2].form == input_form::raw);
  CHECK(first_form("hello world, this is text.") == "raw");
  CHECK(first_form(std::string_view{"\x01\x02", 2}) == "raw");
  CHECK(readings(as_bytes("00"), input_form::raw).front().data->size() == 2);
}

TEST_CASE("what is written can be read again") {
  for (auto form : {input_form::raw, input_form::hex, input_form::base64}) {
    const auto text = written(sample, form);
    CHECK(*readings(as_bytes(text), form).front().data == sample);
    CHECK((form == input_form::raw) == (text.back() != '\n'));
  }
}
