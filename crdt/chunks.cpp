// A state in several updates: a client with a slow line shows the first part while the rest is on its way, and no
// message is larger than the peers' limits.
#include <algorithm>
#include <map>

#include "crdt/internal/encode.hpp"
#include "crdt/internal/encoders.hpp"
#include "crdt/utf8.hpp"

namespace octavo::crdt::internal {

namespace {

/// Cuts the structs above a state into updates. It walks the logs as integration would: a struct is written only when
/// all that it refers to was written before, in this update or an earlier one.
class chunk_writer {
 public:
  chunk_writer(const engine& from, const state_vector& since, std::size_t max_bytes)
      : data_(from.data), max_bytes_(std::max<std::size_t>(max_bytes, 64)) {
    written_.resize(data_.client_count());
    for (std::uint32_t client = 0; client < data_.client_count(); ++client) {
      const auto known = std::min<std::uint64_t>(since.clock(data_.log(client).id()), data_.log(client).end());
      written_[client] = static_cast<std::uint32_t>(known);
    }
    chunk_start_ = written_;
    waiting_.resize(data_.client_count());
  }

  std::vector<bytes> run() {
    for (const auto client : data_.clients_descending()) walk(client);
    flush();
    return std::move(chunks_);
  }

 private:
  struct frame {
    std::uint32_t client;
    std::uint32_t wanted;
  };

  /// Where a client's long text was cut last, and how far it is written: the same place only after a flush.
  struct long_text {
    text_place cut;
    text_place written;
  };

  void walk(std::uint32_t start) {
    push({start, UINT32_MAX});
    while (!stack_.empty()) {
      const frame top = stack_.back();
      const struct_log& log = data_.log(top.client);
      const std::uint32_t clock = written_[top.client];
      if (clock >= log.end() || clock > top.wanted) {
        waiting_[top.client] = false;
        stack_.pop_back();
        continue;
      }
      const auto place = log.find(clock);
      const auto entry = log.at(place);
      if (entry.item != collected && clock == entry.clock) {
        const auto missing = missing_of(data_.at(entry.item));
        // The walk cannot meet itself in a sound document; the check keeps a mistake from becoming an endless loop.
        if (missing.valid() && !waiting_[missing.client]) {
          push({missing.client, missing.clock});
          continue;
        }
      }
      take(top.client, entry, log.end_of(place));
    }
  }

  unit_id missing_of(const item& of) const {
    for (const auto id : {data_.origin_of(of), data_.right_of(of)}) {
      if (id.valid() && id.client != of.client && id.clock >= written_[id.client]) return id;
    }
    const auto owner = data_.type(of.parent).item;
    if (owner == nil || data_.origin_of(of).valid() || data_.right_of(of).valid()) return {};
    const item& parent = data_.at(owner);
    if (parent.client == of.client || parent.clock < written_[parent.client]) return {};
    return {parent.client, parent.clock};
  }

  void push(frame next) {
    waiting_[next.client] = true;
    stack_.push_back(next);
  }

  // Adds a struct, or what is left of it, to the chunk; a long text in pieces.
  void take(std::uint32_t client, log_entry entry, std::uint32_t end) {
    const std::uint32_t from = written_[client];
    const bool is_item = entry.item != collected;
    const std::size_t size = is_item ? size_of(data_.at(entry.item), from - entry.clock) : struct_bytes;
    if (size_ != 0 && size_ + size > max_bytes_) flush();
    if (is_item && size > max_bytes_ && data_.at(entry.item).kind() == content_kind::string) {
      const auto content = data_.content_of(data_.at(entry.item));
      const auto begin = find_in_text(data_, entry.item, from - entry.clock, texts_[client].cut);
      std::size_t stop = std::min(begin.byte + max_bytes_, content.size());
      while (stop < content.size() && (static_cast<unsigned char>(content[stop]) & 0xC0) == 0x80) --stop;
      // Of a pair that a peer's state splits, only the second half is to be written.
      const auto units = utf16_length(content.substr(begin.byte, stop - begin.byte)) - begin.splits_pair;
      end = std::min(end, from + static_cast<std::uint32_t>(std::max<std::size_t>(units, 1)));
    }
    touched_.push_back(client);
    written_[client] = end;
    size_ += std::min(size, max_bytes_);
  }

  static constexpr std::size_t struct_bytes = 8;

  std::size_t size_of(const item& of, std::uint32_t from) const {
    std::size_t content = 0;
    if (of.kind() == content_kind::type) {
      content = data_.type(of.content).name_bytes;
    } else if (of.length != 0) {
      // Cut texts are assumed to be of one mind about the bytes that a unit takes.
      content = static_cast<std::size_t>(std::uint64_t{of.content_bytes} * (of.length - from) / of.length);
    }
    return content + 3 * struct_bytes;
  }

  void flush() {
    if (touched_.empty()) return;
    std::sort(touched_.begin(), touched_.end(),
              [&](std::uint32_t a, std::uint32_t b) { return data_.log(a).id() > data_.log(b).id(); });
    touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
    bytes out;
    v1_encoder encoder(out);
    encoder.rest().var_uint(touched_.size());
    for (const auto client : touched_) {
      text_place near;
      const auto cut = texts_.find(client);
      write_block(encoder, data_, client, chunk_start_[client], written_[client],
                  cut == texts_.end() ? near : cut->second.written);
      chunk_start_[client] = written_[client];
    }
    encoder.rest().var_uint(0);
    chunks_.push_back(std::move(out));
    touched_.clear();
    size_ = 0;
  }

  const store& data_;
  std::size_t max_bytes_;
  std::vector<std::uint32_t> written_;
  std::vector<std::uint32_t> chunk_start_;
  std::vector<std::uint32_t> touched_;
  std::vector<frame> stack_;
  std::vector<bool> waiting_;                 // clients on the stack
  std::map<std::uint32_t, long_text> texts_;  // by client: long texts are few
  std::vector<bytes> chunks_;
  std::size_t size_ = 0;
};

// A delete set as updates without structs, each about the size that is wanted.
void append_delete_chunks(bytes_view deletes, std::size_t max_bytes, std::vector<bytes>& out) {
  lib0_reader reader(deletes);
  std::uint64_t clients = 0;
  reader.var_uint(clients);
  bytes body;
  std::size_t in_body = 0;
  const auto flush = [&] {
    if (in_body == 0) return;
    bytes update;
    lib0_writer writer(update);
    writer.var_uint(0);
    writer.var_uint(in_body);
    writer.raw(bytes_view(body));
    out.push_back(std::move(update));
    body.clear();
    in_body = 0;
  };
  for (std::uint64_t i = 0; i < clients; ++i) {
    std::uint64_t client = 0;
    std::uint64_t ranges = 0;
    reader.var_uint(client);
    reader.var_uint(ranges);
    bytes run;
    std::uint64_t in_run = 0;
    const auto close_run = [&] {
      if (in_run == 0) return;
      lib0_writer writer(body);
      writer.var_uint(client);
      writer.var_uint(in_run);
      writer.raw(bytes_view(run));
      ++in_body;
      run.clear();
      in_run = 0;
    };
    for (std::uint64_t j = 0; j < ranges; ++j) {
      std::uint64_t clock = 0;
      std::uint64_t length = 0;
      reader.var_uint(clock);
      reader.var_uint(length);
      lib0_writer writer(run);
      writer.var_uint(clock);
      writer.var_uint(length);
      ++in_run;
      if (body.size() + run.size() + 16 < max_bytes) continue;
      close_run();
      flush();
    }
    close_run();
  }
  flush();
}

}  // namespace

std::vector<bytes> encode_chunks(const engine& from, const state_vector& since, std::size_t max_bytes) {
  std::vector<bytes> chunks = chunk_writer(from, since, max_bytes).run();
  append_delete_chunks(from.delete_set(), std::max<std::size_t>(max_bytes, 64), chunks);
  if (!from.pending.empty()) chunks.push_back(encode_pending(from.pending, since));
  if (chunks.empty()) chunks.emplace_back(std::begin(empty_update_v1), std::end(empty_update_v1));
  std::size_t total = 0;
  for (const auto& each : chunks) total += each.size();
  if (chunks.size() == 1 || total > max_bytes) return chunks;
  // It all fits into one message: then structs and deletes may as well be one update.
  chunks.assign(1, encode_state(from, since, update_encoding::v1));
  return chunks;
}

}  // namespace octavo::crdt::internal
