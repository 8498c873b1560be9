#include "storage/codec.hpp"

#include <doctest/doctest.h>

#include "storage/commit_entry.hpp"
#include "storage/format.hpp"
#include "tests/storage/support.hpp"

using namespace octavo;
using namespace octavo::storage;

TEST_CASE("crc32c gives the known values and can be continued") {
  CHECK(crc32c("123456789") == 0xe3069283U);
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aaU);
  const std::string text = "the quick brown fox jumps over the lazy dog";
  for (std::size_t split = 0; split <= text.size(); ++split) {
    CHECK(crc32c(std::string_view(text).substr(split), crc32c(std::string_view(text).substr(0, split))) ==
          crc32c(text));
  }
}

TEST_CASE("varints survive a round trip, and overlong or cut ones are refused") {
  for (const std::uint64_t value :
       {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, std::uint64_t{1} << 35U, ~std::uint64_t{0}}) {
    std::string out;
    put_varint(out, value);
    byte_reader in(out);
    CHECK(in.varint() == value);
    CHECK(in.done());
    byte_reader cut(std::string_view(out).substr(0, out.size() - 1));
    cut.varint();
    CHECK_FALSE(cut.ok());
  }
  byte_reader overlong("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02");
  overlong.varint();
  CHECK_FALSE(overlong.ok());
}

TEST_CASE("a value does not verify under another key, nor with any bit flipped") {
  const auto key = log_key(7, 9);
  const auto value = encode_record(key, -5, "ann", as_bytes("update"));
  const auto record = decode_record(key, value);
  REQUIRE(record);
  CHECK(record->seq == 9);
  CHECK(record->time_ms == -5);
  CHECK(record->user == "ann");
  CHECK(as_text(record->update) == "update");
  CHECK_FALSE(decode_record(log_key(7, 10), value));
  CHECK_FALSE(decode_record(log_key(8, 9), value));
  for (std::size_t bit = 0; bit < value.size() * 8; ++bit) {
    auto flipped = value;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    CHECK_FALSE(decode_record(key, flipped));
  }
}

TEST_CASE("a value of an unknown version is refused even when its checksum holds") {
  const auto key = log_key(1, 1);
  std::string value(1, '\x02');
  value += "rest";
  seal(key, value);
  CHECK_FALSE(decode_record(key, value));
}

TEST_CASE("metadata survives a round trip") {
  document_info info;
  info.name = std::string("a\0b", 3);
  info.id = 77;
  info.last_seq = 1'000'000;
  info.snapshot_seq = 999;
  info.first_seq = 500;
  info.created_ms = 1'700'000'000'000;
  info.updated_ms = -1;
  info.log_records = 3;
  info.log_bytes = 1234;
  info.quarantine_reason = "bad";
  const auto back = decode_info(info.name, encode_info(info));
  REQUIRE(back);
  CHECK(back->id == 77);
  CHECK(back->last_seq == 1'000'000);
  CHECK(back->snapshot_seq == 999);
  CHECK(back->first_seq == 500);
  CHECK(back->created_ms == 1'700'000'000'000);
  CHECK(back->updated_ms == -1);
  CHECK(back->log_records == 3);
  CHECK(back->log_bytes == 1234);
  CHECK(back->quarantine_reason == "bad");
  CHECK_FALSE(decode_info("a", encode_info(info)));
}

TEST_CASE("keys sort by document and sequence") {
  CHECK(log_key(1, 255) < log_key(1, 256));
  CHECK(log_key(1, ~std::uint64_t{0}) < log_key(2, 0));
  CHECK(piece_key(1, 2, 0) < piece_key(1, 2, 1));
  CHECK(piece_key(1, 2, 0xffffffffU) < piece_key(1, 3, 0));
}

TEST_CASE("commit entries are found anywhere in other bytes, and only with the right salt") {
  commit_entry entry;
  entry.synced = true;
  entry.commit = 300;
  entry.previous = 298;
  entry.synced_through = 298;
  entry.window_first = 250;
  entry.own = {{5, 17, touch_kind::appended, {}}, {6, 1, touch_kind::created, "new"}};
  entry.window = {{9, 4, touch_kind::removed, {}}};
  const std::string salt = "saltsalt";
  auto coded = encode_entry(entry, salt);
  set_totals(coded.data(), coded.size(), 4711, 600);
  const auto found = find_entries("noise " + coded + salt + coded + "tail", salt);
  REQUIRE(found.size() == 2);
  CHECK(found[0].offset == 6);
  const auto& back = found[0].entry;
  CHECK(back.is_head);
  CHECK(back.synced);
  CHECK(back.commit == 300);
  CHECK(back.previous == 298);
  CHECK(back.synced_through == 298);
  CHECK(back.window_first == 250);
  CHECK(back.batch_bytes == 4711);
  CHECK(back.longest_zeros == 600);
  REQUIRE(back.own.size() == 2);
  CHECK(back.own[0].id == 5);
  CHECK(back.own[0].seq == 17);
  CHECK(back.own[1].kind == touch_kind::created);
  CHECK(back.own[1].name == "new");
  REQUIRE(back.window.size() == 1);
  CHECK(back.window[0].kind == touch_kind::removed);
  CHECK(find_entries(coded, "pepppepp").empty());
  for (std::size_t bit = 0; bit < coded.size() * 8; ++bit) {
    auto flipped = coded;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    CHECK_FALSE(decode_entry(flipped, salt));
  }
}

TEST_CASE("the longest run of zeros is found wherever it lies, where it is as long as a sector") {
  CHECK(longest_zeros("") == 0);
  CHECK(longest_zeros(std::string(sector_bytes - 1, '\0')) == 0);
  CHECK(longest_zeros(std::string(sector_bytes, '\0')) == sector_bytes);
  const auto zeros = [](std::size_t count) { return std::string(count, '\0'); };
  for (std::size_t before = 0; before < 2 * sector_bytes; ++before) {
    const std::string text(before, 'x');
    CHECK(longest_zeros(text + zeros(511) + "x" + zeros(511)) == 0);
    CHECK(longest_zeros(text + zeros(512) + "x") == 512);
    CHECK(longest_zeros(text + zeros(700) + "x" + zeros(513) + "x" + zeros(800) + "x") == 800);
  }
}

TEST_CASE("names are non-empty valid UTF-8 of at most max_name_bytes") {
  CHECK(is_valid_name("a"));
  CHECK(is_valid_name(std::string_view("\0", 1)));
  CHECK(is_valid_name("grüße/🦑"));
  CHECK(is_valid_name(std::string(max_name_bytes, 'x')));
  CHECK_FALSE(is_valid_name(""));
  CHECK_FALSE(is_valid_name(std::string(max_name_bytes + 1, 'x')));
  CHECK_FALSE(is_valid_name("\xff"));
  CHECK_FALSE(is_valid_name("\xc0\x80"));          // overlong
  CHECK_FALSE(is_valid_name("\xed\xa0\x80"));      // a surrogate
  CHECK_FALSE(is_valid_name("\xf4\x90\x80\x80"));  // beyond Unicode
  CHECK_FALSE(is_valid_name("abc\xe2\x82"));       // cut
  CHECK(cut_utf8("a€", 2) == "a");
  CHECK(cut_utf8("a€", 4) == "a€");
}
