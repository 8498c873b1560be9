// Internal to cluster/: the writer and the reader of encoded values (codec.hpp), and what values of several files
// share.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "cluster/codec.hpp"
#include "storage/codec.hpp"

namespace octavo::cluster::codec {

inline constexpr std::size_t checksum_bytes = 4;
inline constexpr std::string_view the_entry = "the entry's";

// Each value's fields are listed once for both of these: a writer, and a reader that fills in. Names are
// only for what the reader refuses: "the claim's epoch".

class writer {
 public:
  explicit writer(std::size_t expected_bytes) { out_.reserve(expected_bytes); }

  void byte(std::string_view, std::string_view, std::uint8_t value) { out_.push_back(std::byte{value}); }
  void varint(std::string_view, std::string_view, std::uint64_t value) { put_varint(value); }
  void count(std::string_view, std::string_view, std::uint64_t value) { put_varint(value); }
  void fixed(std::string_view, std::string_view, std::uint64_t value) {
    for (auto shift = 0U; shift < 64; shift += 8) out_.push_back(static_cast<std::byte>(value >> shift));
  }
  void text(std::string_view, std::string_view, std::string_view value, std::size_t) {
    put_varint(value.size());
    rest(as_bytes(value));
  }
  void rest(bytes_view value) { out_.insert(out_.end(), value.begin(), value.end()); }

  /// In zigzag form, so that a time before 1970 stays short too.
  void time(std::string_view, std::string_view, std::int64_t value) {
    put_varint((static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63));
  }
  void blob(std::string_view, std::string_view, const bytes& value, std::size_t) {
    put_varint(value.size());
    rest(value);
  }
  void data(const shared_bytes& value) {
    put_varint(value ? value->size() : 0);
    if (value) rest(*value);
  }
  void config(const std::shared_ptr<const shard_config>& value);
  void config(std::string_view, const shard_config& value, bool);
  void entries(const append_message& message);

  void seal(bytes_view key) {
    auto crc = storage::crc32c(as_text(out_), storage::crc32c(as_text(key)));
    for (auto shift = 0U; shift < 32; shift += 8) out_.push_back(static_cast<std::byte>(crc >> shift));
  }
  bytes take() { return std::move(out_); }

 private:
  void put_varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) out_.push_back(static_cast<std::byte>(value | 0x80U));
    out_.push_back(static_cast<std::byte>(value));
  }

  bytes out_;
};

// The first thing that is refused sticks; whatever is read after it is zero or nothing.
class reader {
 public:
  /// `what` is read, such as "a log entry".
  reader(std::string_view what, std::string_view body) : what_(what), in_(body) {}

  void byte(std::string_view of, std::string_view field, std::uint8_t& value) {
    value = in_.u8();
    if (!in_.ok()) refuse(of, field, "is cut off");
  }
  void varint(std::string_view of, std::string_view field, std::uint64_t& value) {
    const auto before = in_.size();
    value = in_.varint();
    if (!in_.ok()) return refuse(of, field, "is cut off or is no number");
    const auto taken = before - in_.size();
    if (taken > 1 && value >> (7 * (taken - 1)) == 0) refuse(of, field, "is not in its shortest form");
  }
  void count(std::string_view of, std::string_view field, std::uint64_t& value) {
    varint(of, field, value);
    if (value > max_count) refuse(of, field, "is above 2^62");
  }
  void fixed(std::string_view of, std::string_view field, std::uint64_t& value) {
    value = in_.u64();
    if (!in_.ok()) refuse(of, field, "is cut off");
  }
  void text(std::string_view of, std::string_view field, std::string& value, std::size_t most) {
    value = view(of, field, most);
  }
  void time(std::string_view of, std::string_view field, std::int64_t& value) {
    auto zigzag = std::uint64_t{0};
    varint(of, field, zigzag);
    value = static_cast<std::int64_t>((zigzag >> 1U) ^ (~(zigzag & 1U) + 1));
  }
  void blob(std::string_view of, std::string_view field, bytes& value, std::size_t most) {
    const auto found = as_bytes(view(of, field, most));
    value.assign(found.begin(), found.end());
  }
  void rest(bytes_view& value) { value = as_bytes(in_.take(in_.size())); }

  void data(shared_bytes& value) {
    const auto found = as_bytes(view(the_entry, "data", max_frame_bytes));
    if (ok()) value = std::make_shared<const bytes>(found.begin(), found.end());
  }
  void config(std::shared_ptr<const shard_config>& value);
  void config(std::string_view of, shard_config& value, bool is_needed);
  void entries(append_message& message);

  std::size_t size() const { return in_.size(); }
  bool ok() const { return why_.empty(); }
  void refuse(std::string_view of, std::string_view field, std::string_view why) {
    if (!ok()) return;
    for (const auto part :
         {what_, std::string_view{" is malformed: "}, of, std::string_view{" "}, field, std::string_view{" "}, why})
      why_ += part;
    in_ = storage::byte_reader{{}};
  }
  template <class T>
  result<T> finish(T value) {
    if (ok() && in_.size() != 0) refuse("its", "end", "is followed by " + std::to_string(in_.size()) + " bytes more");
    if (!ok()) return fail(errc::malformed, std::move(why_));
    return value;
  }

 private:
  std::string_view view(std::string_view of, std::string_view field, std::size_t most) {
    auto size = std::uint64_t{0};
    varint(of, field, size);
    if (size > most) refuse(of, field, "is longer than " + std::to_string(most) + " bytes");
    if (size > in_.size()) refuse(of, field, "is cut off");
    return ok() ? in_.take(size) : std::string_view{};
  }

  std::string_view what_;
  storage::byte_reader in_;
  std::string why_;
};

template <class Io>
constexpr bool reads = std::same_as<Io, reader>;

/// T, to be read or to be written.
template <class M, class T>
concept either = std::same_as<std::remove_const_t<M>, T>;

template <class Io, either<position> M>
void fields(Io& io, std::string_view of, M& value) {
  io.count(of, "epoch", value.epoch);
  io.count(of, "lsn", value.lsn);
}

template <class Io, either<member> M>
void fields(Io& io, std::string_view of, M& value) {
  io.fixed(of, "id", value.id);
  io.text(of, "node", value.node, max_node_name_bytes);
}

template <class Io, either<log_base> M>
void fields(Io& io, M& value) {
  fields(io, "the base's", value.at);
  io.config("the base's", value.config, false);
}

// --- version and checksum ---

template <class T>
bytes sealed(const T& value, std::size_t expected_bytes, bytes_view key) {
  auto out = writer{1 + expected_bytes + checksum_bytes};
  out.byte({}, {}, codec_version);
  fields(out, value);
  out.seal(key);
  return out.take();
}

template <class T>
result<T> unsealed(std::string_view what, bytes_view data, bytes_view key) {
  auto malformed = [what](std::string_view why) {
    return fail(errc::malformed, std::string{what} + " is malformed: its " + std::string{why});
  };
  if (data.size() > max_frame_bytes) return malformed("length is above " + std::to_string(max_frame_bytes) + " bytes");
  if (data.size() < 1 + checksum_bytes) return malformed("checksum is cut off");
  const auto body = storage::unseal(as_text(key), as_text(data));
  if (!body) return malformed("checksum does not match");
  if (const auto version = static_cast<std::uint8_t>(body->front()); version != codec_version)
    return fail(errc::unknown_version, std::string{what} + " has the version " + std::to_string(version) +
                                           "; this octavo knows the version " + std::to_string(codec_version) +
                                           " alone: run octavo of one version");
  auto in = reader{what, body->substr(1)};
  auto value = T{};
  fields(in, value);
  return in.finish(std::move(value));
}

}  // namespace octavo::cluster::codec
