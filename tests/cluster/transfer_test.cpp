#include "cluster/transfer.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "cluster/codec.hpp"
#include "storage/codec.hpp"
#include "storage/store.hpp"

using namespace octavo;
using namespace octavo::cluster;
using storage::part_kind;

namespace {

bytes data_of(std::string_view text) {
  const auto view = as_bytes(text);
  return {view.begin(), view.end()};
}

log_entry entry_of(std::uint64_t epoch, std::uint64_t lsn) {
  return {lsn, epoch, entry_kind::edit, std::make_shared<const bytes>(data_of("x")), {}};
}

log_entry config_entry(std::uint64_t epoch, std::uint64_t lsn, const shard_config& config) {
  return {lsn, epoch, entry_kind::config, {}, std::make_shared<const shard_config>(config)};
}

storage::stored_entry stored(const log_entry& entry) {
  return {entry.lsn, encode(entry)};
}

const auto three = shard_config{4, {{1, "n1"}, {2, "n2"}, {3, "n3"}}};
const auto two = shard_config{5, {{1, "n1"}, {2, "n2"}}};

storage::stored_shard shard_at(std::uint64_t applied, const log_base& base) {
  auto result = storage::stored_shard{7, {}, applied, 0, 0};
  result.note = encode(replica_note{{9, 1, 77}, base, {}});
  return result;
}

template <class Value, class Decode>
void comes_back(const Value& value, Decode decode) {
  const auto written = encode(value);
  const auto read = decode(bytes_view{written});
  REQUIRE_MESSAGE(read, read.error().message);
  CHECK(encode(*read) == written);
  // Whatever is cut off or turned over is seen.
  for (auto size = std::size_t{0}; size < written.size(); size += 1 + written.size() / 50)
    CHECK_FALSE(decode(bytes_view{written}.first(size)));
  auto damaged = written;
  damaged[damaged.size() / 2] ^= std::byte{4};
  CHECK_FALSE(decode(bytes_view{damaged}));
}

/// The request again, with its last byte changed and the checksum right.
std::string refusal_of_answer(const transfer_answer& answer) {
  const auto read = decode_transfer_answer(encode(answer));
  return read ? "" : read.error().message;
}

}  // namespace

TEST_CASE("requests and answers come back as they were, and are refused when they are damaged") {
  for (const auto& what : std::vector<decltype(transfer_request::what)>{
           transfer_open{1'023}, transfer_list{"notes"}, transfer_list{},
           transfer_fetch{{{"a", 0}, {std::string(storage::max_name_bytes, 'b'), 17}},
                          {part_kind::version, 4, 1u << 20U, 99}},
           transfer_close{}})
    comes_back(transfer_request{~std::uint64_t{0} / 3, what}, decode_transfer_request);
  auto listed = transfer_listed{{{"a", 12, 5, -3, 1'700'000'000'000, ""}, {"b", 0, 1, 0, 0, "it is damaged"}}, true};
  auto fetched = transfer_fetched{};
  fetched.parts.push_back({0, {part_kind::snapshot, 12, 5, "", "", 3, 0, data_of("abc")}});
  fetched.parts.push_back({0, {part_kind::record, 13, -5, "ann", "", 0, 0, data_of("")}});
  fetched.parts.push_back({1, {part_kind::version, 9, 5, "ann", "draft", 9, 3, data_of("defghi")}});
  fetched.parts.push_back({1, {part_kind::quarantined, 2, 5, "eve", "why", 0, 0, bytes(70'000, std::byte{7})}});
  fetched.done = 1;
  fetched.cursor = {part_kind::record, 99, 0, 0};
  for (const auto& answer :
       std::vector<transfer_answer>{transfer_opened{{{3, 120}, three}, 150}, listed, fetched, transfer_closed{}})
    comes_back(answer, decode_transfer_answer);
  const auto again = *decode_transfer_answer(encode(transfer_answer{fetched}));
  const auto& parts = std::get<transfer_fetched>(again).parts;
  REQUIRE(parts.size() == 4);
  for (auto i = std::size_t{0}; i < 4; ++i) CHECK(parts[i].part == fetched.parts[i].part);
}

TEST_CASE("names, kinds and numbers that cannot be are refused by the field's name") {
  CHECK(refusal_of_answer(transfer_listed{{{"", 1, 1, 0, 0, ""}}, false}).find("name") != std::string::npos);
  CHECK(refusal_of_answer(transfer_listed{{{"\xff", 1, 1, 0, 0, ""}}, false}).find("name") != std::string::npos);
  auto fetched = transfer_fetched{};
  fetched.parts.push_back({0, {static_cast<part_kind>(9)}});
  CHECK(refusal_of_answer(fetched).find("kind") != std::string::npos);
  fetched.parts.front().part = {part_kind::record, max_count + 1};
  CHECK(refusal_of_answer(fetched).find("seq") != std::string::npos);
  auto many = transfer_listed{};
  for (auto i = std::size_t{0}; i <= max_transfer_documents; ++i) many.documents.push_back({std::to_string(i)});
  CHECK(refusal_of_answer(many).find("more than 512") != std::string::npos);
  auto forged = std::string{as_text(encode(transfer_request{1, transfer_close{}}))};
  forged.resize(forged.size() - 4);
  forged.back() = 77;
  storage::seal({}, forged);
  CHECK(decode_transfer_request(as_bytes(forged)).error().message.find("kind") != std::string::npos);
}

TEST_CASE("the place of a replica's documents follows from its note and its log") {
  const auto base = log_base{{3, 10}, three};
  CHECK(*base_of(shard_at(10, base), {}) == base);
  auto entries = std::vector{stored(entry_of(3, 9)),  stored(entry_of(3, 10)),          stored(entry_of(4, 11)),
                             stored(entry_of(6, 12)), stored(config_entry(6, 13, two)), stored(entry_of(7, 14))};
  CHECK(*base_of(shard_at(10, base), entries) == base);
  CHECK(*base_of(shard_at(12, base), entries) == log_base{{6, 12}, three});
  CHECK(*base_of(shard_at(13, base), entries) == log_base{{6, 13}, two});
  CHECK(*base_of(shard_at(14, base), entries) == log_base{{7, 14}, two});
  // Documents that are ahead of what the log tells of cannot be given to anybody.
  CHECK(base_of(shard_at(15, base), entries).error().code == errc::corrupt);
  CHECK(base_of({7, {}, 0, 0, 0}, {}).error().code == errc::unavailable);
  auto removed = shard_at(0, {});
  removed.note = encode(replica_note{{9, 1, 77}, {}, three});
  CHECK(base_of(removed, {}).error().code == errc::unavailable);
}
