// The protocol's values as bytes: what is written is read again, and what is damaged or breaks a rule is refused.
#include "cluster/codec.hpp"

#include <doctest/doctest.h>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <limits>

#include "storage/codec.hpp"
#include "storage/store.hpp"
#include "tests/cluster/simulation/random.hpp"

using namespace octavo;
using namespace octavo::cluster;
using octavo::test::random_source;

namespace {

std::uint64_t seed_of_run() {
  if (const char* given = std::getenv("OCTAVO_SEED")) return std::strtoull(given, nullptr, 10);
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

/// Values of all sizes, the greatest allowed ones too.
struct random_values {
  random_source random;

  std::uint64_t any() { return random.next() >> random.below(64); }
  std::uint64_t count() { return random.chance(0.05) ? max_count : any() % max_count; }
  std::string text(std::size_t most) {
    auto result = std::string(random.chance(0.05) ? most : random.below(most + 1), ' ');
    for (auto& one : result) one = static_cast<char>('a' + random.below(26));
    return result;
  }
  bytes data() {
    auto result = bytes(random.chance(0.1) ? random.below(3'000) : random.below(20));
    for (auto& one : result) one = static_cast<std::byte>(random.next());
    return result;
  }
  member one_member() { return {random.next() | 1U, text(max_node_name_bytes)}; }
  shard_config config(bool is_needed) {
    auto result = shard_config{};
    if (!is_needed && random.chance(0.3)) return result;
    result.version = 1 + count() / 2;
    const auto size = 1 + random.below(max_members);
    while (result.members.size() < size) result.members.push_back(one_member());
    return result;
  }
  ballot claim() { return {count(), random.next(), random.next()}; }
  position place() { return {count(), count()}; }
  log_entry entry(std::uint64_t lsn, std::uint64_t epoch) {
    auto result = log_entry{lsn, epoch, static_cast<entry_kind>(random.below(3)), {}, {}};
    if (result.kind == entry_kind::edit)
      result.data = std::make_shared<const bytes>(data());
    else
      result.config = std::make_shared<const shard_config>(config(true));
    return result;
  }
  append_message append() {
    auto result = append_message{claim(), count(), {}, {}, count(), count()};
    result.prev = {random.below(result.claim.epoch + 1), count() / 2};
    auto before = result.prev;
    for (auto left = random.below(6); left > 0; --left) {
      before = {before.epoch + random.below(result.claim.epoch - before.epoch + 1), before.lsn + 1};
      result.entries.push_back(entry(before.lsn, before.epoch));
    }
    return result;
  }
  replica_message message(std::size_t kind) {
    auto record = shard_record{count(), random.chance(0.5) ? member{} : one_member(), random.next(), config(false)};
    auto all = std::vector<replica_message>{prepare_message{claim()},
                                            promise_message{claim(), place(), count()},
                                            refusal_message{claim(), claim()},
                                            append(),
                                            appended_message{claim(), count(), count(), count()},
                                            mismatch_message{claim(), count(), count(), count()},
                                            offer_state_message{claim(), count(), place()},
                                            nominate_message{std::move(record)},
                                            handoff_message{claim(), place()},
                                            removed_message{claim(), count(), config(true), random.next()},
                                            damaged_message{claim()},
                                            membership_message{random.next()}};
    REQUIRE(all.size() == std::variant_size_v<replica_message>);
    REQUIRE(all[kind].index() == kind);
    return all[kind];
  }
  peer_frame frame(std::size_t kind) {
    return {static_cast<std::uint32_t>(any()), one_member(), random.next() | 1U, message(kind)};
  }
  replica_note note() { return {claim(), {place(), config(false)}, config(false)}; }
};

constexpr auto kinds = std::variant_size_v<replica_message>;

bool same(const log_entry& a, const log_entry& b) {
  auto same_data = (a.data == nullptr) == (b.data == nullptr) && (a.data == nullptr || *a.data == *b.data);
  auto same_config = (a.config == nullptr) == (b.config == nullptr) && (a.config == nullptr || *a.config == *b.config);
  return a.at() == b.at() && a.kind == b.kind && same_data && same_config;
}

template <class Message, class Field>
auto of(Field Message::*which) {
  return [which](const replica_message& all) -> const Field& { return std::get<Message>(all).*which; };
}

// Field by field, by a list that is not the codec's.
bool same(const replica_message& a, const replica_message& b) {
  if (a.index() != b.index()) return false;
  auto fields = [&](auto... field) { return ((field(a) == field(b)) && ...); };
#define OF(type, field) of(&type##_message::field)
  switch (a.index()) {
    case 0:
      return fields(OF(prepare, claim));
    case 1:
      return fields(OF(promise, claim), OF(promise, last), OF(promise, removed_version));
    case 2:
      return fields(OF(refusal, claim), OF(refusal, promised));
    case 3: {
      const auto& x = std::get<append_message>(a).entries;
      const auto& y = std::get<append_message>(b).entries;
      return fields(OF(append, claim), OF(append, round), OF(append, prev), OF(append, commit), OF(append, floor)) &&
             std::ranges::equal(x, y, [](const auto& one, const auto& other) { return same(one, other); });
    }
    case 4:
      return fields(OF(appended, claim), OF(appended, round), OF(appended, match), OF(appended, commit));
    case 5:
      return fields(OF(mismatch, claim), OF(mismatch, round), OF(mismatch, prev_lsn), OF(mismatch, hint));
    case 6:
      return fields(OF(offer_state, claim), OF(offer_state, round), OF(offer_state, at));
    case 7:
      return fields(OF(nominate, record));
    case 8:
      return fields(OF(handoff, claim), OF(handoff, last));
    case 9:
      return fields(OF(removed, claim), OF(removed, round), OF(removed, config));
    case 10:
      return fields(OF(damaged, claim));
    default:
      return true;
  }
#undef OF
}

bool same(const peer_frame& a, const peer_frame& b) {
  return a.shard == b.shard && a.from == b.from && a.to == b.to && same(a.what, b.what);
}

/// The version and a body with the checksum that belongs to them.
bytes sealed(std::string body, std::string_view key = {}) {
  storage::seal(key, body);
  const auto view = as_bytes(body);
  return {view.begin(), view.end()};
}

/// What was sealed, without its checksum.
std::string body_of(const bytes& data) {
  return std::string{as_text(data).substr(0, data.size() - 4)};
}

template <class T>
std::string why(const result<T>& refused) {
  REQUIRE(!refused);
  CHECK(refused.error().code == errc::malformed);
  return refused.error().message;
}

bool holds(const std::string& text, std::string_view part) {
  const auto found = text.find(part) != std::string::npos;
  if (!found) MESSAGE("'" << text << "' does not name '" << part << "'");
  return found;
}

const auto ann = member{1, "ann"};
const auto bob = member{2, "bob"};

log_entry edit(std::uint64_t lsn, std::uint64_t epoch) {
  return {lsn, epoch, entry_kind::edit, std::make_shared<const bytes>(3), {}};
}

log_entry config_entry(shard_config config) {
  return {6, 3, entry_kind::config, {}, std::make_shared<const shard_config>(std::move(config))};
}

peer_frame framed(replica_message what) {
  return {7, ann, bob.id, std::move(what)};
}

append_message some_append() {
  return {{3, ann.id, 9}, 4, {2, 5}, {edit(6, 2), edit(7, 3)}, 5, 1};
}

/// A good append with one thing changed, as the decoder sees it.
std::string refused_append(const std::function<void(append_message&)>& change) {
  auto message = some_append();
  change(message);
  return why(decode_frame(encode(framed(std::move(message)))));
}

std::string refused_config(shard_config config) {
  return why(decode_entry(encode(config_entry(std::move(config)))));
}

edit_record some_edit() {
  static const auto update = bytes(5, std::byte{1});
  return {edit_kind::edit, "notes", 4, -1, "ann", 77, 3, update};
}

}  // namespace

TEST_CASE("what is written is read again, to the byte") {
  const auto seed = seed_of_run();
  MESSAGE("OCTAVO_SEED=" << seed);
  auto values = random_values{random_source{seed}};
  for (auto i = 0; i < 200; ++i) {
    CAPTURE(i);
    for (auto kind = std::size_t{0}; kind < kinds; ++kind) {
      CAPTURE(kind);
      const auto frame = values.frame(kind);
      const auto data = encode(frame);
      const auto read = decode_frame(data);
      REQUIRE_MESSAGE(read, read.error().message);
      CHECK(same(*read, frame));
      CHECK(encode(*read) == data);
    }
    const auto key = values.data();
    const auto entry = values.entry(1 + values.count() / 2, values.count());
    const auto read_entry = decode_entry(encode(entry, key), key);
    REQUIRE_MESSAGE(read_entry, read_entry.error().message);
    CHECK(same(*read_entry, entry));
    const auto note = values.note();
    const auto read_note = decode_note(encode(note, key), key);
    REQUIRE_MESSAGE(read_note, read_note.error().message);
    CHECK(*read_note == note);
    const auto update = values.data();
    const auto record = edit_record{edit_kind::edit,
                                    "d" + values.text(storage::max_name_bytes - 1),
                                    values.count(),
                                    static_cast<std::int64_t>(values.any() * (values.random.chance(0.5) ? 1 : -1)),
                                    values.text(storage::max_user_bytes),
                                    values.random.next(),
                                    values.any(),
                                    update};
    const auto written = encode(record);
    const auto read_edit = decode_edit(written);
    REQUIRE_MESSAGE(read_edit, read_edit.error().message);
    CHECK(read_edit->kind == record.kind);
    CHECK(read_edit->document == record.document);
    CHECK(read_edit->seq == record.seq);
    CHECK(read_edit->time_ms == record.time_ms);
    CHECK(read_edit->user == record.user);
    CHECK(read_edit->client == record.client);
    CHECK(read_edit->number == record.number);
    CHECK(as_text(read_edit->update) == as_text(update));
  }
}

TEST_CASE("the form of the bytes stays as it is") {
  auto hex = [](const bytes& data) {
    auto result = std::string{};
    for (const auto one : data) {
      constexpr auto digits = "0123456789abcdef";
      result += digits[static_cast<unsigned>(one) >> 4U];
      result += digits[static_cast<unsigned>(one) & 15U];
    }
    return result;
  };
  const auto entry =
      log_entry{300, 2, entry_kind::epoch_start, {}, std::make_shared<const shard_config>(shard_config{1, {ann}})};
  CHECK(hex(encode(entry)) == "01ac0202010101010000000000000003616e6e6a36203b");
  CHECK(hex(encode(framed(some_append()))) ==
        "0107010000000000000003616e6e02000000000000000303010000000000"
        "000009000000000000000402050501020602000300000007030003000000"
        "3d0412f5");
  CHECK(hex(encode(some_edit())) == "00056e6f746573040103616e6e4d00000000000000030101010101");
  CHECK(hex(encode(replica_note{{3, 1, 9}, {{2, 5}, {1, {ann}}}, {}})) ==
        "010301000000000000000900000000000000020501010100000000000000"
        "03616e6e000009f6b8cb");
}

TEST_CASE("a changed byte is refused wherever it is, and so is what is cut off or has more behind it") {
  const auto seed = seed_of_run();
  MESSAGE("OCTAVO_SEED=" << seed);
  auto values = random_values{random_source{seed}};
  for (auto kind = std::size_t{0}; kind < kinds; ++kind) {
    CAPTURE(kind);
    auto data = encode(values.frame(kind));
    for (auto& one : data) {
      const auto before = one;
      one ^= static_cast<std::byte>(1 + values.random.below(255));
      CHECK(!decode_frame(data));
      one = before;
    }
    for (auto size = std::size_t{0}; size < data.size(); ++size) {
      CHECK(!decode_frame(bytes_view{data}.first(size)));
      // A sender that means it is not better.
      if (size > 0 && size < data.size() - 4) CHECK(!decode_frame(sealed(body_of(data).substr(0, size))));
    }
    CHECK(holds(why(decode_frame(sealed(body_of(data) + '\0'))), "followed by 1 bytes more"));
    data.push_back({});
    CHECK(!decode_frame(data));
  }
}

TEST_CASE("a value that was moved under another key is refused") {
  const auto entry = encode(edit(1, 1), as_bytes("a"));
  CHECK(decode_entry(entry, as_bytes("a")));
  CHECK(holds(why(decode_entry(entry, as_bytes("b"))), "checksum"));
  CHECK(!decode_entry(entry));
  const auto note = encode(replica_note{}, as_bytes("a"));
  CHECK(decode_note(note, as_bytes("a")));
  CHECK(!decode_note(note, as_bytes("b")));
}

TEST_CASE("another version is told from damage") {
  auto body = body_of(encode(edit(1, 1)));
  body[0] = 2;
  const auto refused = decode_entry(sealed(body));
  REQUIRE(!refused);
  CHECK(refused.error().code == errc::unknown_version);
  CHECK(holds(refused.error().message, "version 2"));
  body = body_of(encode(framed(membership_message{})));
  body[0] = 0;
  CHECK(decode_frame(sealed(body)).error().code == errc::unknown_version);
  body = body_of(encode(replica_note{}));
  body[0] = '\xff';
  CHECK(decode_note(sealed(body)).error().code == errc::unknown_version);
}

TEST_CASE("appended entries follow each other, under one claim") {
  CHECK(decode_frame(encode(framed(some_append()))));
  CHECK(holds(refused_append([](auto& m) { m.prev.lsn = 4; }), "the entry's lsn"));
  CHECK(holds(refused_append([](auto& m) { m.entries[1].lsn = 8; }), "the entry's lsn"));
  CHECK(holds(refused_append([](auto& m) { m.entries[1].lsn = 6; }), "the entry's lsn"));
  CHECK(holds(refused_append([](auto& m) { m.entries[0].epoch = 1; }), "the entry's epoch is earlier"));
  CHECK(holds(refused_append([](auto& m) { std::swap(m.entries[0].epoch, m.entries[1].epoch); }), "epoch is earlier"));
  CHECK(holds(refused_append([](auto& m) { m.entries[1].epoch = 4; }), "the entry's epoch is later"));
  CHECK(holds(refused_append([](auto& m) { m.prev.epoch = 4; }), "the previous entry's epoch"));
  CHECK(holds(refused_append([](auto& m) { m.entries[0].kind = entry_kind{3}; }), "the entry's kind"));
  CHECK(holds(refused_append([](auto& m) { m.entries[0].kind = entry_kind::config; }), "members are missing"));
  CHECK(holds(refused_append([](auto& m) { m.entries.resize(max_entries_per_frame + 1); }), "number of entries"));
  auto full = some_append();
  full.entries.clear();
  for (auto i = std::uint64_t{0}; i < max_entries_per_frame; ++i) full.entries.push_back(edit(6 + i, 3));
  CHECK(decode_frame(encode(framed(std::move(full)))));
}

TEST_CASE("no number is too great to add one to") {
  constexpr auto most = max_count + 1;
  CHECK(holds(refused_append([](auto& m) { m.claim.epoch = most; }), "the claim's epoch is above"));
  CHECK(holds(refused_append([](auto& m) { m.round = most; }), "round"));
  CHECK(holds(refused_append([](auto& m) { m.prev.lsn = most; }), "the previous entry's lsn"));
  CHECK(holds(refused_append([](auto& m) { m.commit = most; }), "commit"));
  CHECK(holds(refused_append([](auto& m) { m.floor = most; }), "floor"));
  CHECK(holds(why(decode_entry(encode(edit(most, 1)))), "the entry's lsn"));
  CHECK(holds(why(decode_entry(encode(edit(1, most)))), "the entry's epoch"));
  CHECK(holds(why(decode_entry(encode(edit(0, 1)))), "the entry's lsn is 0"));
  CHECK(holds(why(decode_frame(encode(framed(mismatch_message{{}, 1, 2, most})))), "hint"));
  CHECK(holds(why(decode_frame(encode(framed(appended_message{{}, 1, most, 2})))), "match"));
  CHECK(holds(why(decode_note(encode(replica_note{{most, 1, 1}, {}, {}}))), "the promise's epoch"));
  CHECK(holds(refused_config({most, {ann}}), "version of members"));
}

TEST_CASE("members have ids and names, and each is named once") {
  CHECK(decode_entry(encode(config_entry({2, {ann, bob}}))));
  CHECK(holds(refused_config({2, {}}), "members are missing"));
  CHECK(holds(refused_config({}), "members are missing"));
  CHECK(holds(refused_config({0, {ann}}), "members are there without a version"));
  CHECK(holds(refused_config({2, {ann, bob, ann}}), "members hold an id twice"));
  CHECK(holds(refused_config({2, {ann, {0, "nobody"}}}), "members hold the id 0"));
  CHECK(holds(refused_config({2, {{1, std::string(max_node_name_bytes + 1, 'n')}}}), "node is longer than 64"));
  auto many = shard_config{2, {}};
  for (auto id = member_id{1}; id <= max_members; ++id) many.members.push_back({id, "n"});
  CHECK(decode_entry(encode(config_entry(many))));
  many.members.push_back({max_members + 1, "n"});
  CHECK(holds(refused_config(many), "number of members is above 9"));
  // One of a kind that needs members, with none at all.
  CHECK(holds(why(decode_entry(encode(log_entry{6, 3, entry_kind::epoch_start, {}, {}}))), "members are missing"));
  CHECK(holds(why(decode_frame(encode(framed(removed_message{})))), "members are missing"));
  CHECK(decode_note(encode(replica_note{})));
  CHECK(holds(why(decode_note(encode(replica_note{{}, {{}, {0, {ann}}}, {}}))), "the base's members"));
  CHECK(holds(why(decode_note(encode(replica_note{{}, {}, {1, {}}}))), "the removal's members"));
}

TEST_CASE("a frame is of somebody and to somebody, about something that is known") {
  auto frame = framed(membership_message{});
  CHECK(decode_frame(encode(frame)));
  frame.from.id = 0;
  CHECK(holds(why(decode_frame(encode(frame))), "the sender's id"));
  frame.from = {1, std::string(max_node_name_bytes + 1, 'n')};
  CHECK(holds(why(decode_frame(encode(frame))), "the sender's node"));
  frame.from = ann;
  frame.to = 0;
  CHECK(holds(why(decode_frame(encode(frame))), "receiver"));
  frame.to = 2;
  auto body = body_of(encode(frame));
  auto& kind = body[body.size() - 9];  // before the question, which is all that is in it
  REQUIRE(kind == static_cast<char>(kinds - 1));
  kind = static_cast<char>(kinds);
  CHECK(holds(why(decode_frame(sealed(body))), "kind of message is not known"));
  auto record = shard_record{1, {0, "ghost"}, 1, {1, {ann}}};
  CHECK(holds(why(decode_frame(encode(framed(nominate_message{record})))), "the record's owner is nobody"));
  // The shard is the first field: as more than 32 bits, and in a longer form than it needs.
  body = body_of(encode(frame));
  REQUIRE(body[1] == 7);
  CHECK(holds(why(decode_frame(sealed(body.substr(0, 1) + "\xff\xff\xff\xff\x10" + body.substr(2)))),
              "the frame's shard is above"));
  CHECK(
      holds(why(decode_frame(sealed(body.substr(0, 1) + std::string("\x87\0", 2) + body.substr(2)))), "shortest form"));
  CHECK(holds(why(decode_frame(bytes(max_frame_bytes + 1))), "length is above"));
}

TEST_CASE("a length that is a lie allocates nothing") {
  for (const auto claimed : {std::uint64_t{1} << 60U, std::numeric_limits<std::uint64_t>::max(),
                             std::uint64_t{max_entries_per_frame}, std::uint64_t{max_frame_bytes}, std::uint64_t{9}}) {
    CAPTURE(claimed);
    // The last field of an append without entries is their number; of an edit entry, the length of its data.
    auto append = some_append();
    append.entries.clear();
    auto body = body_of(encode(framed(append)));
    body.pop_back();
    storage::put_varint(body, claimed);
    CHECK(holds(why(decode_frame(sealed(body))), "entries"));
    auto empty = edit(1, 1);
    empty.data.reset();
    body = body_of(encode(empty));
    body.pop_back();
    storage::put_varint(body, claimed);
    CHECK(holds(why(decode_entry(sealed(body))), "the entry's data"));
    // The members of a note that names none come last.
    body = body_of(encode(replica_note{}));
    body.resize(body.size() - 2);
    body.push_back(1);
    storage::put_varint(body, claimed);
    CHECK(holds(why(decode_note(sealed(body))), "members"));
    body = std::string(1, '\0');
    storage::put_varint(body, claimed);
    CHECK(holds(why(decode_edit(as_bytes(body))), "the edit's document"));
  }
}

TEST_CASE("an edit is of a document that can be, by a user who can be") {
  auto refused = [](const std::function<void(edit_record&)>& change) {
    auto record = some_edit();
    change(record);
    return why(decode_edit(encode(record)));
  };
  CHECK(decode_edit(encode(some_edit())));
  CHECK(holds(refused([](auto& e) { e.kind = edit_kind{2}; }), "the edit's kind"));
  CHECK(holds(refused([](auto& e) { e.document.clear(); }), "the edit's document is empty"));
  CHECK(holds(refused([](auto& e) { e.document = "\xff"; }), "the edit's document is empty or not UTF-8"));
  CHECK(holds(refused([](auto& e) { e.document = std::string(513, 'd'); }), "the edit's document is longer than 512"));
  CHECK(holds(refused([](auto& e) { e.user = std::string(513, 'u'); }), "the edit's user is longer than 512"));
  CHECK(holds(refused([](auto& e) { e.seq = max_count + 1; }), "the edit's seq"));
  CHECK(holds(refused([](auto& e) { e.kind = edit_kind::removal; }), "the edit's update"));
  auto removal = some_edit();
  removal.kind = edit_kind::removal;
  removal.update = {};
  for (const auto time : {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    removal.time_ms = time;
    const auto written = encode(removal);
    const auto read = decode_edit(written);
    REQUIRE(read);
    CHECK(read->kind == edit_kind::removal);
    CHECK(read->time_ms == time);
    // But for the update, whatever is cut off is missed.
    for (auto size = std::size_t{0}; size < written.size(); ++size)
      CHECK(!decode_edit(bytes_view{written}.first(size)));
  }
}
