#include <doctest/doctest.h>

#include "net/dialect.hpp"
#include "tests/crdt/support/replay.hpp"

using namespace octavo;
using namespace octavo::net;
using octavo::test::hex;
using octavo::test::to_hex;
using kind = actors::client_input::kind_type;
using actors::close_reason;
using actors::payload;

namespace {

parsed_frame parse(std::string_view frame) {
  return y_websocket().parse(hex(frame));
}

std::string written(const out_frame& frame) {
  return to_hex(as_bytes(frame.prefix)) + '|' + to_hex(frame.body.view());
}

void check_input(std::string_view frame, kind expected, std::string_view data) {
  CAPTURE(frame);
  const auto parsed = parse(frame);
  CHECK(parsed.error.empty());
  REQUIRE(parsed.input);
  CHECK(parsed.input->kind == expected);
  CHECK(to_hex(parsed.input->data.view()) == data);
}

}  // namespace

TEST_CASE("every frame of a client is understood") {
  check_input("00 00 01 00", kind::sync, "00");
  check_input("00 00 00", kind::sync, "");
  check_input("00 01 02 00 00", kind::answer, "0000");
  check_input("00 02 03 01 02 03", kind::edit, "010203");
  check_input("01 04 01 07 01 30", kind::presence, "01070130");
  check_input("03", kind::query_presence, "");
}

TEST_CASE("a query that carries states is presence, as Y-Sweet's client sends it") {
  check_input("03 02 aa bb", kind::presence, "aabb");
}

TEST_CASE("a marker is kept whole, to be echoed unchanged") {
  check_input("66 01 05", kind::marker, "660105");
  check_input("66 00", kind::marker, "6600");
  const auto marker = parse("66 02 80 01").input->data;
  CHECK(written(y_websocket().echo(marker)) == "|66028001");
}

TEST_CASE("a client's auth message is passed over") {
  const auto parsed = parse("02 00 01 61");
  CHECK(parsed.error.empty());
  CHECK_FALSE(parsed.input);
}

TEST_CASE("padded numbers are numbers") {
  check_input("80 00 82 00 81 00 07", kind::edit, "07");
}

TEST_CASE("a long length is read") {
  auto frame = bytes{std::byte{0}, std::byte{2}, std::byte{0xac}, std::byte{0x02}};  // 300
  frame.resize(4 + 300, std::byte{9});
  const auto parsed = y_websocket().parse(frame);
  REQUIRE(parsed.input);
  CHECK(parsed.input->data.size() == 300);
  frame.pop_back();
  CHECK_FALSE(y_websocket().parse(frame).input);
}

TEST_CASE("a malformed frame is an error with a reason, and no input") {
  for (const std::string_view frame : {
           "",                            // nothing
           "80",                          // a number that does not end
           "00",                          // a sync message without a kind
           "00 03 00",                    // of an unknown kind
           "00 00",                       // without its buffer
           "00 02 02 01",                 // a buffer that ends too early
           "00 02 01 01 00",              // a second message behind the first
           "01",                          // presence without its buffer
           "01 01 00 00",                 // with something behind it
           "03 05 00",                    // a query whose states end too early
           "04",                          // unknown types
           "05 00",                       //
           "65 01 00",                    //
           "67 01 00",                    //
           "66",                          // a marker without its buffer
           "66 02 00",                    // that ends too early
           "66 01 00 00",                 // with something behind it
           "00 02 ff ff ff ff ff ff 0f",  // a length of 2^48
           "ff ff ff ff ff ff ff ff ff ff 01",
       }) {
    CAPTURE(frame);
    const auto parsed = parse(frame);
    CHECK_FALSE(parsed.input);
    CHECK_FALSE(parsed.error.empty());
  }
}

TEST_CASE("a marker is small") {
  auto frame = hex("66 80 08");
  frame.resize(3 + 1024);
  CHECK_FALSE(y_websocket().parse(frame).error.empty());
  frame = hex("66 fd 07");
  frame.resize(3 + 1021);
  CHECK(y_websocket().parse(frame).error.empty());
}

TEST_CASE("what was parsed owns its bytes") {
  auto frame = hex("00 02 02 01 02");
  const auto parsed = y_websocket().parse(frame);
  std::fill(frame.begin(), frame.end(), std::byte{0xff});
  CHECK(to_hex(parsed.input->data.view()) == "0102");
}

TEST_CASE("every frame of the server is written as clients expect it") {
  const auto data = payload{hex("aa bb")};
  CHECK(written(y_websocket().state_vector(data)) == "000002|aabb");
  CHECK(written(y_websocket().synced(data)) == "000102|aabb");
  CHECK(written(y_websocket().update(data)) == "000202|aabb");
  CHECK(written(y_websocket().presence(data)) == "0102|aabb");
  CHECK(written(y_websocket().refused("no")) == "020002|6e6f");
  CHECK(written(y_websocket().keepalive()) == "010100|");
  CHECK(written(y_websocket().update(payload{bytes(300)})).starts_with("0002ac02|"));
}

TEST_CASE("a frame shares its payload") {
  const auto data = payload{hex("aa bb")};
  CHECK(y_websocket().update(data).body.shared() == data.shared());
  CHECK(y_websocket().update(data).size() == 5);
}

TEST_CASE("what the server writes it can read: a client's frames are the same") {
  const auto join = [](const out_frame& frame) {
    auto all = bytes{};
    for (auto part : {as_bytes(frame.prefix), frame.body.view()}) all.insert(all.end(), part.begin(), part.end());
    return all;
  };
  const auto data = payload{hex("01 02 03")};
  CHECK(y_websocket().parse(join(y_websocket().update(data))).input->kind == kind::edit);
  CHECK(y_websocket().parse(join(y_websocket().synced(data))).input->kind == kind::answer);
  CHECK(y_websocket().parse(join(y_websocket().state_vector(data))).input->kind == kind::sync);
  CHECK(y_websocket().parse(join(y_websocket().keepalive())).input->kind == kind::presence);
}

TEST_CASE("close codes are those after which clients come back, or do not") {
  const auto code = [](close_reason reason) { return y_websocket().close_code(reason); };
  CHECK(code(close_reason::normal) == 1000);
  CHECK(code(close_reason::fault) == 1011);
  CHECK(code(close_reason::try_again) == 1013);
  CHECK(code(close_reason::going_away) == 1012);
  CHECK(code(close_reason::bad_messages) == 1008);
  CHECK(code(close_reason::unauthenticated) == 4401);
  CHECK(code(close_reason::forbidden) == 4403);
  CHECK(code(close_reason::deleted) == 4404);
  // The provider retries unless the code is from 4400 to 4499.
  CHECK(code(close_reason::update_refused) == 4400);
}
