#include "cluster/transfer.hpp"

#include <set>
#include <string_view>

#include "cluster/codec_io.hpp"

namespace octavo::cluster {

namespace codec {

constexpr auto the_document = std::string_view{"the document's"};
constexpr auto the_part = std::string_view{"the part's"};
constexpr auto the_request = std::string_view{"the request's"};
constexpr auto the_answer = std::string_view{"the answer's"};

template <class Io>
void name_field(Io& io, auto& name) {
  io.text(the_document, "name", name, storage::max_name_bytes);
  if constexpr (reads<Io>)
    if (!storage::is_valid_name(name)) io.refuse(the_document, "name", "is empty or not UTF-8");
}

template <class Io>
void flag_field(Io& io, std::string_view field, auto& value) {
  auto byte = static_cast<std::uint8_t>(value);
  io.byte(the_answer, field, byte);
  if constexpr (reads<Io>) {
    if (byte > 1) io.refuse(the_answer, field, "is neither yes nor no");
    value = byte != 0;
  }
}

template <class Io>
void part_kind_field(Io& io, std::string_view of, auto& kind) {
  auto byte = static_cast<std::uint8_t>(kind);
  io.byte(of, "kind", byte);
  if constexpr (reads<Io>) {
    if (byte < static_cast<std::uint8_t>(storage::part_kind::snapshot) ||
        byte > static_cast<std::uint8_t>(storage::part_kind::quarantined))
      io.refuse(of, "kind", "is not known");
    kind = static_cast<storage::part_kind>(byte);
  }
}

/// A list whose elements take `smallest` bytes each at the least.
template <class Io>
void list_field(Io& io, std::string_view of, std::string_view field, auto& list, std::size_t most,
                std::size_t smallest) {
  auto size = std::uint64_t{list.size()};
  io.varint(of, field, size);
  if constexpr (reads<Io>) {
    if (size > most) io.refuse(of, field, "are more than " + std::to_string(most));
    if (size > io.size() / smallest) io.refuse(of, field, "are cut off");
    if (!io.ok()) return;
    list.resize(size);
  }
  for (auto& one : list) {
    if constexpr (reads<Io>)
      if (!io.ok()) return;
    fields(io, one);
  }
}

template <class Io, either<storage::part_cursor> M>
void fields(Io& io, M& value) {
  constexpr auto of = std::string_view{"the cursor's"};
  part_kind_field(io, of, value.kind);
  io.varint(of, "seq", value.seq);
  io.varint(of, "offset", value.offset);
  auto crc = std::uint64_t{value.crc};
  io.varint(of, "checksum", crc);
  if constexpr (reads<Io>) {
    if (crc > UINT32_MAX) io.refuse(of, "checksum", "is above 2^32 - 1");
    value.crc = static_cast<std::uint32_t>(crc);
  }
}

template <class Io, either<wanted_document> M>
void fields(Io& io, M& value) {
  name_field(io, value.name);
  io.count(the_document, "seq", value.after_seq);
}

template <class Io, either<storage::document_copy> M>
void fields(Io& io, M& value) {
  name_field(io, value.name);
  io.count(the_document, "last seq", value.last_seq);
  io.count(the_document, "first seq", value.first_seq);
  io.time(the_document, "time of its making", value.created_ms);
  io.time(the_document, "time of its last edit", value.updated_ms);
  io.text(the_document, "reason", value.quarantine_reason, storage::max_reason_bytes);
}

template <class Io, either<fetched_part> M>
void fields(Io& io, M& value) {
  io.count(the_part, "document", value.wanted);
  auto& part = value.part;
  part_kind_field(io, the_part, part.kind);
  io.count(the_part, "seq", part.seq);
  io.time(the_part, "time", part.time_ms);
  io.text(the_part, "user", part.user, storage::max_user_bytes);
  io.text(the_part, "text", part.text, storage::max_reason_bytes);
  io.count(the_part, "size", part.state_bytes);
  io.count(the_part, "offset", part.offset);
  io.blob(the_part, "data", part.data, max_frame_bytes);
}

template <class Io, either<transfer_open> M>
void fields(Io& io, M& value) {
  auto shard = std::uint64_t{value.shard};
  io.varint(the_request, "shard", shard);
  if constexpr (reads<Io>) {
    if (shard > UINT32_MAX) io.refuse(the_request, "shard", "is above 2^32 - 1");
    value.shard = static_cast<shard_number>(shard);
  }
}

template <class Io, either<transfer_list> M>
void fields(Io& io, M& value) {
  io.text(the_request, "name", value.after, storage::max_name_bytes);
}

template <class Io, either<transfer_fetch> M>
void fields(Io& io, M& value) {
  list_field(io, the_request, "documents", value.wanted, max_transfer_documents, 3);
  fields(io, value.cursor);
}

template <class Io, either<transfer_close> M>
void fields(Io&, M&) {}

template <class Io, either<transfer_opened> M>
void fields(Io& io, M& value) {
  fields(io, value.base);
  io.count(the_answer, "ahead", value.ahead);
}

template <class Io, either<transfer_listed> M>
void fields(Io& io, M& value) {
  list_field(io, the_answer, "documents", value.documents, max_transfer_documents, 7);
  flag_field(io, "end", value.more);
}

template <class Io, either<transfer_fetched> M>
void fields(Io& io, M& value) {
  list_field(io, the_answer, "parts", value.parts, max_transfer_parts, 9);
  io.count(the_answer, "number of whole documents", value.done);
  fields(io, value.cursor);
}

template <class Io, either<transfer_closed> M>
void fields(Io&, M&) {}

/// One of a variant, by its index.
template <class Io>
void choice_field(Io& io, std::string_view of, auto& value) {
  using variant = std::remove_cvref_t<decltype(value)>;
  auto index = static_cast<std::uint8_t>(value.index());
  io.byte(of, "kind", index);
  if constexpr (reads<Io>) {
    if (index >= std::variant_size_v<variant>) io.refuse(of, "kind", "is not known");
    if (!io.ok()) return;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (void)((index == I && (value.template emplace<I>(), true)) || ...);
    }
    (std::make_index_sequence<std::variant_size_v<variant>>{});
  }
  std::visit([&io](auto& one) { fields(io, one); }, value);
}

template <class Io, either<transfer_request> M>
void fields(Io& io, M& value) {
  io.fixed(the_request, "transfer", value.transfer);
  choice_field(io, the_request, value.what);
}

template <class Io, either<transfer_answer> M>
void fields(Io& io, M& value) {
  choice_field(io, the_answer, value);
}

}  // namespace codec

bytes encode(const transfer_request& request) {
  return codec::sealed(request, 256, {});
}

result<transfer_request> decode_transfer_request(bytes_view data) {
  return codec::unsealed<transfer_request>("a request for documents", data, {});
}

bytes encode(const transfer_answer& answer) {
  auto expected = std::size_t{256};
  if (const auto* fetched = std::get_if<transfer_fetched>(&answer))
    for (const auto& one : fetched->parts) expected += one.part.data.size() + one.part.user.size() + 64;
  return codec::sealed(answer, expected, {});
}

result<transfer_answer> decode_transfer_answer(bytes_view data) {
  return codec::unsealed<transfer_answer>("an answer with documents", data, {});
}

copy_plan plan_copies(const std::map<std::string, storage::document_info>& ours,
                      std::vector<storage::document_copy> theirs, bool is_mixed) {
  auto plan = copy_plan{};
  auto is_theirs = std::set<std::string_view>{};
  for (const auto& one : theirs) is_theirs.insert(one.name);
  for (const auto& [name, info] : ours)
    if (!is_theirs.contains(name)) plan.gone.push_back(name);
  for (auto& one : theirs) {
    auto after_seq = std::uint64_t{0};
    if (const auto found = ours.find(one.name); found != ours.end()) {
      const auto& mine = found->second;
      // One that was removed and made again begins at another time.
      const auto is_same =
          !is_mixed && mine.created_ms == one.created_ms && !mine.is_quarantined() && mine.last_seq != 0;
      if (is_same && mine.last_seq == one.last_seq) continue;
      if (is_same && mine.last_seq < one.last_seq && mine.last_seq + 1 >= one.first_seq) after_seq = mine.last_seq;
    }
    plan.wanted.push_back({one.name, after_seq});
    plan.copies.push_back(std::move(one));
  }
  return plan;
}

result<log_base> base_of(const storage::stored_shard& shard, const std::vector<storage::stored_entry>& entries) {
  const auto where = "shard " + std::to_string(shard.shard) + ": ";
  if (shard.note.empty()) return fail(errc::unavailable, where + "there is no replica of it here");
  auto note = decode_note(shard.note);
  if (!note) return fail(note.error().code, where + note.error().message);
  if (note->removed.version > note->base.config.version && entries.empty())
    return fail(errc::unavailable, where + "the replica here was removed");
  auto base = std::move(note->base);
  for (const auto& one : entries) {
    if (one.lsn <= base.at.lsn) continue;
    if (one.lsn > shard.applied) break;
    auto entry = decode_entry(one.data);
    if (!entry) return fail(entry.error().code, where + entry.error().message);
    base.at = entry->at();
    if (entry->config) base.config = *entry->config;
  }
  if (base.at.lsn != shard.applied)
    return fail(errc::corrupt, where + "the documents hold entries up to " + std::to_string(shard.applied) +
                                   ", and the log tells of " + std::to_string(base.at.lsn));
  return base;
}

}  // namespace octavo::cluster
