// Immutable bytes that many actors and sockets share. Copying a payload copies a pointer; crossing to another node
// copies the bytes once. Safe to share between threads, since nobody can change them.
#pragma once

#include <memory>
#include <utility>

#include "actors/caf_compat.hpp"
#include "crdt/bytes.hpp"

namespace octavo::actors {

/// No payload that comes from another node may be larger than this.
inline constexpr std::size_t max_remote_payload_bytes = std::size_t{256} << 20;

class payload {
 public:
  payload() = default;
  explicit payload(bytes data) : data_(std::make_shared<const bytes>(std::move(data))) {}
  explicit payload(shared_bytes data) : data_(std::move(data)) {}

  static payload copy_of(bytes_view data) { return payload{bytes{data.begin(), data.end()}}; }
  static payload copy_of(std::string_view text) { return copy_of(as_bytes(text)); }

  bytes_view view() const { return data_ ? bytes_view{*data_} : bytes_view{}; }
  std::size_t size() const { return data_ ? data_->size() : 0; }
  bool empty() const { return size() == 0; }
  const shared_bytes& shared() const { return data_; }

  template <class Inspector>
  friend bool inspect(Inspector& f, payload& x) {
    if constexpr (Inspector::is_loading) {
      auto size = std::size_t{0};
      if (!f.begin_sequence(size) || size > max_remote_payload_bytes) return false;
      // The bytes come in pieces, so that a forged length does not make us allocate what never arrives.
      auto data = bytes{};
      constexpr auto piece = std::size_t{1} << 16;
      while (data.size() < size) {
        auto at = data.size();
        data.resize(std::min(size, at + piece));
        if (!load_piece(f, std::span{data}.subspan(at))) return false;
      }
      x = payload{std::move(data)};
      return f.end_sequence();
    } else {
      auto data = x.view();
      if (!f.begin_sequence(data.size())) return false;
      if constexpr (requires { f.value(compat::const_byte_span{}); }) {
        if (!f.value(compat::const_byte_span{reinterpret_cast<const compat::caf_byte*>(data.data()), data.size()}))
          return false;
      } else {
        for (auto byte : data)
          if (!f.value(static_cast<std::uint8_t>(byte))) return false;
      }
      return f.end_sequence();
    }
  }

 private:
  template <class Inspector>
  static bool load_piece(Inspector& f, std::span<std::byte> out) {
    if constexpr (requires { f.value(compat::byte_span{}); }) {
      return f.value(compat::byte_span{reinterpret_cast<compat::caf_byte*>(out.data()), out.size()});
    } else {
      for (auto& byte : out) {
        auto value = std::uint8_t{0};
        if (!f.value(value)) return false;
        byte = static_cast<std::byte>(value);
      }
      return true;
    }
  }

  shared_bytes data_;
};

}  // namespace octavo::actors
