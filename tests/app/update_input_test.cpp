#include "app/update_input.hpp"

#include <doctest/doctest.h>

#include "tests/crdt/support/builder.hpp"

using namespace octavo;
using namespace octavo::app;
using octavo::test::update_builder;

namespace {

bytes of(std::initializer_list<int> values) {
  auto out = bytes{};
  for (auto each : values) out.push_back(static_cast<std::byte>(each));
  return out;
}

bytes sample() {
  return update_builder{}.block(5, 0).text("hi").build();
}

result<update_input> read(bytes given, const input_options& options = {}) {
  return read_update({"it", std::move(given)}, options);
}

std::string error_of(bytes given, const input_options& options = {}) {
  const auto input = read(std::move(given), options);
  return input ? "no error" : input.error().message;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// A sync message of y-websocket around something.
bytes framed(int step, const bytes& payload) {
  auto out = of({0, step, static_cast<int>(payload.size())});
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}

}  // namespace

TEST_CASE("the encoding of an update is recognised") {
  const auto v1 = sample();
  auto v2 = crdt::convert_update(v1, crdt::update_encoding::v1, crdt::update_encoding::v2);
  REQUIRE(v2);
  CHECK(read(v1)->encoding == crdt::update_encoding::v1);
  CHECK(read(*v2)->encoding == crdt::update_encoding::v2);
  CHECK(read(v1)->remark.empty());
  CHECK(read(*v2)->remark.empty());
  CHECK(contains(error_of(v1, {.encoding = crdt::update_encoding::v2}), "as v2"));
  // Nothing but deletes, which begin as every update of encoding 2 does.
  const auto deletes = update_builder{}.erase(7, 0, 3).build();
  CHECK(read(deletes)->encoding == crdt::update_encoding::v1);
  CHECK(read(deletes)->update.deletes().size() == 1);
  CHECK(read(of({0, 0}))->encoding == crdt::update_encoding::v1);
  CHECK(read(crdt::encode_update_v2({}))->encoding == crdt::update_encoding::v2);
}

TEST_CASE("bytes that are updates in both encodings are said to be so") {
  // In encoding 1: ten ranges of deletes of one client, most of them without length. In encoding 2: the update that
  // says nothing, with two columns that nobody reads from.
  const auto both = of({0, 1, 7, 10, 1, 1, 4, 1, 9, 2, 20, 1, 30, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0});
  const auto input = read(both);
  const auto as_v1 = read(both, {.encoding = crdt::update_encoding::v1});
  const auto as_v2 = read(both, {.encoding = crdt::update_encoding::v2});
  CAPTURE(as_v1 ? "read" : as_v1.error().message);
  CAPTURE(as_v2 ? "read" : as_v2.error().message);
  REQUIRE(as_v1);
  REQUIRE(as_v2);
  REQUIRE(input);
  CHECK(contains(input->remark, "either encoding; taken for v1"));
}

TEST_CASE("what is no update is refused with its place in both encodings") {
  const auto message = error_of(of({1, 1, 5, 0, 4, 1, 1}));
  CHECK(contains(message, "it: no Yjs update: as v1: the input ends inside a value at byte 7; as v2: "));
  CHECK(contains(error_of({}), "is empty"));
  CHECK(contains(error_of(of({1, 1, 5, 0, 11, 1, 1})), "unknown kind of content at byte 4"));
}

TEST_CASE("a message is told from an update, and taken apart when asked") {
  for (auto step : {1, 2}) {
    CAPTURE(step);
    const auto message = framed(step, sample());
    CHECK(contains(error_of(message), "y-websocket sync message: give --frame"));
    const auto opened = read(message, {.frame = true});
    REQUIRE(opened);
    CHECK(opened->data == sample());
  }
  auto hocuspocus = of({4, 'n', 'o', 't', 'e'});
  const auto inner = framed(2, sample());
  hocuspocus.insert(hocuspocus.end(), inner.begin(), inner.end());
  CHECK(contains(error_of(hocuspocus), "Hocuspocus"));
  CHECK(read(hocuspocus, {.frame = true})->data == sample());
  CHECK(parse_sync_message(hocuspocus)->document == "note");

  const auto step1 = framed(0, of({1, 5, 2}));
  CHECK(contains(error_of(step1), "SyncStep1"));
  CHECK(contains(error_of(step1, {.frame = true}), "state vector"));
  CHECK(contains(error_of(sample(), {.frame = true}), "no sync message"));
  CHECK(contains(error_of(of({1, 6, 1, 9, 1, 2, '{', '}'})), "presence"));
  auto longer = framed(2, sample());
  longer.push_back(std::byte{0});
  CHECK_FALSE(parse_sync_message(longer));
}

TEST_CASE("a state vector is read in every form") {
  const auto wanted = crdt::state_vector{{{7, 3}, {5, 2}}};
  const auto encoded = crdt::encode_state_vector(wanted);
  for (auto form : {input_form::raw, input_form::hex, input_form::base64}) {
    const auto text = written(encoded, form);
    const auto view = as_bytes(text);
    const auto state = read_state_vector({"it", bytes{view.begin(), view.end()}}, {});
    REQUIRE(state);
    CHECK(*state == wanted);
  }
  CHECK(*read_state_vector_argument("5:2, 7:3", {}) == wanted);
  CHECK(*read_state_vector_argument("0207030502", {}) == wanted);
  CHECK(*read_state_vector({"it", framed(0, encoded)}, {.frame = true}) == wanted);
  CHECK(contains(read_state_vector({"it", sample()}, {}).error().message, "It is an update"));
  for (const auto* wrong : {"5:", "5:2,", "99999999999999999999:1", "/nowhere"})
    CHECK(contains(read_state_vector_argument(wrong, {}).error().message, "no file"));
}

TEST_CASE("the bytes of an update stay where they are when it is moved") {
  auto input = read(sample());
  REQUIRE(input);
  const auto moved = std::move(*input);
  CHECK(moved.update.structs()[0].content == "hi");
  CHECK(moved.update.structs()[0].content.data() > reinterpret_cast<const char*>(moved.data.data()));
}
