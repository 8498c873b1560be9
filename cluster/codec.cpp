#include "cluster/codec.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "cluster/codec_io.hpp"
#include "storage/store.hpp"

namespace octavo::cluster {

namespace codec {

constexpr std::size_t smallest_entry_bytes = 4;   // lsn, epoch, kind, length
constexpr std::size_t smallest_member_bytes = 9;  // id, length

// --- the fields of each value, in the order in which they are written ---

template <class Io, either<ballot> M>
void fields(Io& io, std::string_view of, M& value) {
  io.count(of, "epoch", value.epoch);
  io.fixed(of, "owner", value.owner);
  io.fixed(of, "nonce", value.nonce);
}

template <class Io, either<replica_note> M>
void fields(Io& io, M& value) {
  fields(io, "the promise's", value.promised);
  fields(io, value.base);
  io.config("the removal's", value.removed, false);
}

template <class Io, either<shard_record> M>
void fields(Io& io, M& value) {
  constexpr auto of = std::string_view{"the record's"};
  io.count(of, "epoch", value.epoch);
  fields(io, "the record's owner's", value.owner);
  io.fixed(of, "nonce", value.nonce);
  io.config(of, value.config, false);
  if constexpr (reads<Io>)
    if (value.owner.id == 0 && !value.owner.node.empty()) io.refuse(of, "owner", "is nobody and has a name");
}

template <class Io, either<log_entry> M>
void fields(Io& io, M& value) {
  io.count(the_entry, "lsn", value.lsn);
  io.count(the_entry, "epoch", value.epoch);
  auto kind = static_cast<std::uint8_t>(value.kind);
  io.byte(the_entry, "kind", kind);
  if constexpr (reads<Io>) {
    if (value.lsn == 0) io.refuse(the_entry, "lsn", "is 0");
    if (kind > static_cast<std::uint8_t>(entry_kind::config)) io.refuse(the_entry, "kind", "is not known");
    value.kind = static_cast<entry_kind>(kind);
  }
  if (kind == static_cast<std::uint8_t>(entry_kind::edit))
    io.data(value.data);
  else
    io.config(value.config);
}

template <class Io, either<edit_record> M>
void fields(Io& io, M& value) {
  constexpr auto of = std::string_view{"the edit's"};
  auto kind = static_cast<std::uint8_t>(value.kind);
  io.byte(of, "kind", kind);
  io.text(of, "document", value.document, storage::max_name_bytes);
  io.count(of, "seq", value.seq);
  io.time(of, "time_ms", value.time_ms);
  io.text(of, "user", value.user, storage::max_user_bytes);
  io.fixed(of, "client", value.client);
  io.varint(of, "number", value.number);
  io.rest(value.update);
  if constexpr (reads<Io>) {
    if (kind > static_cast<std::uint8_t>(edit_kind::removal)) io.refuse(of, "kind", "is not known");
    if (!storage::is_valid_name(value.document)) io.refuse(of, "document", "is empty or not UTF-8");
    value.kind = static_cast<edit_kind>(kind);
    if (value.kind == edit_kind::removal && !value.update.empty()) io.refuse(of, "update", "is there in a removal");
  }
}

// --- the messages ---

constexpr std::string_view the_claim = "the claim's";
constexpr std::string_view the_message = "the message's";

template <class Io, either<prepare_message> M>
void fields(Io& io, M& value) {
  fields(io, the_claim, value.claim);
}

template <class Io, either<promise_message> M>
void fields(Io& io, M& value) {
  fields(io, the_claim, value.claim);
  fields(io, "the last entry's", value.last);
  io.count(the_message, "removed_version", value.removed_version);
}

template <class Io, either<refusal_message> M>
void fields(Io& io, M& value) {
  fields(io, the_claim, value.claim);
  fields(io, "the promise's", value.promised);
}

template <class Io, either<append_message> M>
void fields(Io& io, M& value) {
  fields(io, the_claim, value.claim);
  io.count(the_message, "round", value.round);
  fields(io, "the previous entry's", value.prev);
  io.count(the_message, "commit", value.commit);
  io.count(the_message, "floor", value.floor);
  io.entries(value);
}

template <class Io, either<appended_message> M>
void fields(Io& io, M& value) {
  fields(io, the_claim, value.claim);
  io.count(the_message, "round", value.round);
  io.count(the_message, "match", value.match);
  io.count(the_message, "commit", value.commit);
}

template <class Io, either<mismatch_message> M>
void fields(Io& io, M& value) {
  fields(io, the_claim, value.claim);
  io.count(the_message, "round", value.round);
  io.count(the_message, "prev_lsn", value.prev_lsn);
  io.count(the_message, "hint", value.hint);
}

template <class Io, either<offer_state_message> M>
void fields(Io& io, M& value) {
  fields(io, the_claim, value.claim);
  io.count(the_message, "round", value.round);
  fields(io, "the offer's", value.at);
}

template <class Io, either<nominate_message> M>
void fields(Io& io, M& value) {
  fields(io, value.record);
}

template <class Io, either<handoff_message> M>
void fields(Io& io, M& value) {
  fields(io, the_claim, value.claim);
  fields(io, "the last entry's", value.last);
}

template <class Io, either<removed_message> M>
void fields(Io& io, M& value) {
  fields(io, the_claim, value.claim);
  io.count(the_message, "round", value.round);
  io.config(the_message, value.config, true);
  io.fixed(the_message, "question", value.question);
}

template <class Io, either<membership_message> M>
void fields(Io& io, M& value) {
  io.fixed(the_message, "question", value.question);
}

template <class Io, either<damaged_message> M>
void fields(Io& io, M& value) {
  fields(io, the_claim, value.claim);
}

// --- what is written and read in different ways ---

void writer::config(const std::shared_ptr<const shard_config>& value) {
  config(the_entry, value ? *value : shard_config{}, true);
}

void writer::config(std::string_view of, const shard_config& value, bool) {
  put_varint(value.version);
  put_varint(value.members.size());
  for (const auto& one : value.members) fields(*this, of, one);
}

void writer::entries(const append_message& message) {
  put_varint(message.entries.size());
  for (const auto& one : message.entries) fields(*this, one);
}

void reader::config(std::shared_ptr<const shard_config>& value) {
  auto found = shard_config{};
  config(the_entry, found, true);
  if (ok()) value = std::make_shared<const shard_config>(std::move(found));
}

void reader::config(std::string_view of, shard_config& value, bool is_needed) {
  auto size = std::uint64_t{0};
  count(of, "version of members", value.version);
  varint(of, "number of members", size);
  if (size > max_members) refuse(of, "number of members", "is above " + std::to_string(max_members));
  if (size > in_.size() / smallest_member_bytes) refuse(of, "members", "are cut off");
  if (is_needed && size == 0) refuse(of, "members", "are missing");
  if ((size == 0) != (value.version == 0)) refuse(of, "members", "are there without a version, or the other way round");
  if (!ok()) return;
  value.members.reserve(size);
  for (auto i = std::uint64_t{0}; i < size && ok(); ++i) {
    auto one = member{};
    fields(*this, of, one);
    if (one.id == 0) refuse(of, "members", "hold the id 0");
    if (value.contains(one.id)) refuse(of, "members", "hold an id twice");
    value.members.push_back(std::move(one));
  }
}

void reader::entries(append_message& message) {
  auto size = std::uint64_t{0};
  varint(the_message, "number of entries", size);
  if (size > max_entries_per_frame)
    refuse(the_message, "number of entries", "is above " + std::to_string(max_entries_per_frame));
  if (size > in_.size() / smallest_entry_bytes) refuse(the_message, "entries", "are cut off");
  if (message.prev.epoch > message.claim.epoch) refuse("the previous entry's", "epoch", "is later than the claim's");
  if (!ok()) return;
  message.entries.reserve(size);
  auto before = message.prev;
  for (auto i = std::uint64_t{0}; i < size && ok(); ++i) {
    auto one = log_entry{};
    fields(*this, one);
    if (one.lsn != before.lsn + 1) refuse(the_entry, "lsn", "does not follow the one before it");
    if (one.epoch < before.epoch) refuse(the_entry, "epoch", "is earlier than that of the one before it");
    if (one.epoch > message.claim.epoch) refuse(the_entry, "epoch", "is later than the claim's");
    before = one.at();
    message.entries.push_back(std::move(one));
  }
}

template <class Io, either<peer_frame> M>
void fields(Io& io, M& value) {
  constexpr auto of = std::string_view{"the frame's"};
  auto shard = std::uint64_t{value.shard};
  auto index = static_cast<std::uint8_t>(value.what.index());
  io.varint(of, "shard", shard);
  fields(io, "the sender's", value.from);
  io.fixed(of, "receiver", value.to);
  io.byte(of, "kind of message", index);
  if constexpr (reads<Io>) {
    if (shard > UINT32_MAX) io.refuse(of, "shard", "is above 2^32 - 1");
    if (value.from.id == 0) io.refuse("the sender's", "id", "is 0");
    if (value.to == 0) io.refuse(of, "receiver", "is 0");
    if (index >= std::variant_size_v<replica_message>) io.refuse(of, "kind of message", "is not known");
    value.shard = static_cast<std::uint32_t>(shard);
    if (!io.ok()) return;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (void)((index == I && (value.what.template emplace<I>(), true)) || ...);
    }
    (std::make_index_sequence<std::variant_size_v<replica_message>>{});
  }
  std::visit([&io](auto& message) { fields(io, message); }, value.what);
}

}  // namespace codec

using codec::sealed;
using codec::unsealed;

bytes encode(const peer_frame& frame) {
  auto expected = std::size_t{256};
  if (const auto* append = std::get_if<append_message>(&frame.what))
    for (const auto& one : append->entries) expected += one.weight();
  return sealed(frame, expected, {});
}

result<peer_frame> decode_frame(bytes_view data) {
  return unsealed<peer_frame>("a frame between nodes", data, {});
}

bytes encode(const log_entry& entry, bytes_view key) {
  return sealed(entry, entry.weight(), key);
}

result<log_entry> decode_entry(bytes_view data, bytes_view key) {
  return unsealed<log_entry>("a log entry", data, key);
}

bytes encode(const replica_note& note, bytes_view key) {
  return sealed(note, 256, key);
}

result<replica_note> decode_note(bytes_view data, bytes_view key) {
  return unsealed<replica_note>("the note of a replica", data, key);
}

bytes encode(const edit_record& record) {
  auto out = codec::writer{64 + record.document.size() + record.user.size() + record.update.size()};
  fields(out, record);
  return out.take();
}

result<edit_record> decode_edit(bytes_view data) {
  auto in = codec::reader{"an edit", as_text(data)};
  auto value = edit_record{};
  fields(in, value);
  return in.finish(std::move(value));
}

}  // namespace octavo::cluster
