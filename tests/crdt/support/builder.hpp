// Builds updates by hand, honest and dishonest ones: each function writes one struct of the block that was opened last.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "crdt/lib0.hpp"

namespace octavo::test {

struct unit {
  std::uint64_t client = 0;
  std::uint64_t clock = 0;
  friend bool operator==(const unit&, const unit&) = default;
};

using maybe_unit = std::optional<unit>;

class update_builder {
 public:
  /// Opens a block of a client.
  update_builder& block(std::uint64_t client, std::uint64_t clock) {
    blocks_.push_back({client, clock, 0, {}});
    return *this;
  }

  update_builder& gc(std::uint64_t length) { return plain(0, length); }
  update_builder& skip(std::uint64_t length) { return plain(10, length); }

  /// A text item: between two units, or at the head of a root's list.
  update_builder& text(std::string_view content, maybe_unit origin = {}, maybe_unit right = {},
                       std::string_view root = "text") {
    head(4, origin, right, root);
    body().var_string(content);
    return *this;
  }

  update_builder& deleted(std::uint64_t length, maybe_unit origin = {}, maybe_unit right = {},
                          std::string_view root = "text") {
    head(1, origin, right, root);
    body().var_uint(length);
    return *this;
  }

  /// A shared type in a root's list, or in a type given by its item.
  update_builder& type(std::uint8_t kind, maybe_unit parent = {}, std::string_view root = "list") {
    if (parent) {
      child_head(7, *parent, {});
    } else {
      head(7, {}, {}, root);
    }
    body().u8(kind);
    return *this;
  }

  /// A shared type behind a unit, in whatever list that is.
  update_builder& type_after(std::uint8_t kind, unit origin) {
    head(7, origin, {}, {});
    body().u8(kind);
    return *this;
  }

  /// A text in a type given by its item; with a key, in that key's list.
  update_builder& child(std::string_view content, unit parent, std::optional<std::string_view> key = {}) {
    child_head(4, parent, key);
    body().var_string(content);
    return *this;
  }

  /// A key of a root map, set to an integer. The item before it, if any, is the origin.
  update_builder& set(std::string_view root, std::string_view key, std::uint8_t value, maybe_unit before = {}) {
    const std::uint8_t info = 0x20 | 8;
    if (before) {
      body().u8(info | 0x80);
      id(*before);
    } else {
      body().u8(info);
      body().u8(1);
      body().var_string(root);
      body().var_string(key);
    }
    count();
    body().u8(1);
    body().u8(125);
    body().var_int({value, false});
    return *this;
  }

  /// An item in raw bytes, its info byte first.
  update_builder& raw(bytes_view data) {
    body().raw(data);
    count();
    return *this;
  }

  /// A range of the delete set; each call is a section of its own.
  update_builder& erase(std::uint64_t client, std::uint64_t clock, std::uint64_t length) {
    deletes_.push_back({client, clock, length});
    return *this;
  }

  bytes build() const {
    bytes out;
    crdt::lib0_writer writer(out);
    writer.var_uint(blocks_.size());
    for (const auto& each : blocks_) {
      writer.var_uint(each.structs);
      writer.var_uint(each.client);
      writer.var_uint(each.clock);
      writer.raw(bytes_view(each.body));
    }
    writer.var_uint(deletes_.size());
    for (const auto& each : deletes_) {
      writer.var_uint(each.client);
      writer.var_uint(1);
      writer.var_uint(each.clock);
      writer.var_uint(each.length);
    }
    return out;
  }

 private:
  struct open_block {
    std::uint64_t client;
    std::uint64_t clock;
    std::uint64_t structs;
    bytes body;
  };
  struct range {
    std::uint64_t client;
    std::uint64_t clock;
    std::uint64_t length;
  };

  crdt::lib0_writer body() { return crdt::lib0_writer(blocks_.back().body); }
  void count() { ++blocks_.back().structs; }
  void id(unit of) {
    body().var_uint(of.client);
    body().var_uint(of.clock);
  }

  update_builder& plain(std::uint8_t info, std::uint64_t length) {
    body().u8(info);
    body().var_uint(length);
    count();
    return *this;
  }

  void head(std::uint8_t kind, maybe_unit origin, maybe_unit right, std::string_view root) {
    body().u8(static_cast<std::uint8_t>(kind | (origin ? 0x80 : 0) | (right ? 0x40 : 0)));
    if (origin) id(*origin);
    if (right) id(*right);
    if (!origin && !right) {
      body().u8(1);
      body().var_string(root);
    }
    count();
  }

  void child_head(std::uint8_t kind, unit parent, std::optional<std::string_view> key) {
    body().u8(static_cast<std::uint8_t>(kind | (key ? 0x20 : 0)));
    body().u8(0);
    id(parent);
    if (key) body().var_string(*key);
    count();
  }

  std::vector<open_block> blocks_;
  std::vector<range> deletes_;
};

}  // namespace octavo::test
