// The grammar that both encodings of an update share: blocks of structs, one a client, then the delete set. Which of
// its streams a value comes from, or goes to, is the business of the encoding (update_v1.cpp, update_v2.cpp).
#pragma once

#include <algorithm>
#include <cstdint>

#include "crdt/internal/wire.hpp"
#include "crdt/update.hpp"

namespace octavo::crdt::internal {

/// Reads one update into a decoded_update. An encoding derives from update_decoder<itself> and has
///   rest()                                 the reader of what no column holds; it keeps the first error, too
///   admit(structs)                         whether so many structs can be left
///   client_id, left_clock, right_clock, info, parent_info, string, gc_length     the next value of that kind
///   content(decoded_struct&)               reads an item's content and sets its length
///   begin_deletes(), delete_clock, delete_length
/// all of which return false once rest() has failed.
template <class Encoding>
class update_decoder {
 protected:
  update_decoder(decoded_update& out, const decode_limits& limits) : limits_(limits), out_(out) {}

  /// Everything between the header and the end.
  bool body() { return structs() && deletes(); }

  /// A count of things that take so many bytes of rest() each, at least.
  bool count(std::uint64_t& out, std::size_t bytes_each) {
    if (!rest().var_uint(out)) return false;
    return out <= rest().remaining() / bytes_each || rest().fail(decode_errc::truncated);
  }

  /// A text that the update keeps.
  std::string_view own(std::string_view first, std::string_view second = {}) { return out_.own(first, second); }
  /// How many values were read.
  std::size_t& value_count() { return out_.values_; }

  bool check_json(std::string_view text, std::size_t at) {
    const auto wrong = validate_json(text, value_count(), limits_.max_depth);
    if (wrong) return rest().fail_at(wrong->code, at + wrong->offset);
    return value_count() <= limits_.max_values || rest().fail(decode_errc::too_many_values);
  }

  /// Reads the struct of a client at a clock, with its parent as the last of the update's. A Skip has the client none.
  bool read_struct(std::uint32_t owner, std::uint32_t clock, decoded_struct& next) {
    const std::size_t at = rest().offset();
    std::uint8_t info = 0;
    if (!self().info(info)) return false;
    next.client = owner;
    next.clock = clock;
    const std::uint8_t kind = info & info_kind_mask;
    if (kind == info_skip) {
      next.client = none;
      if (!rest().var_u32(next.length)) return false;
    } else if (kind == 0) {
      if (!self().gc_length(next.length)) return false;
    } else {
      if (kind > static_cast<std::uint8_t>(content_kind::doc)) return rest().fail_at(decode_errc::bad_struct_kind, at);
      next.kind = static_cast<content_kind>(kind);
      next.length = 1;
      if (!place(info, next) || !self().content(next)) return false;
    }
    return next.length <= UINT32_MAX - clock || rest().fail_at(decode_errc::clock_overflow, at);
  }

  /// Old versions of yjs wrote structs without length; nothing can refer to them, so they are not kept.
  static bool is_kept(const decoded_struct& each) { return each.length != 0 && each.client != none; }

  /// Reads the delete set: gives each range that is not empty to `add`, with where it stands.
  template <class Add>
  bool read_deletes(Add&& add) {
    std::uint64_t clients = 0;
    if (!count(clients, 2)) return false;
    for (std::uint64_t i = 0; i < clients; ++i) {
      std::uint64_t id = 0;
      delete_range next;
      std::uint64_t ranges = 0;
      if (!rest().var_uint(id) || !intern(id, next.client) || !count(ranges, 2)) return false;
      self().begin_deletes();
      for (std::uint64_t j = 0; j < ranges; ++j) {
        const std::size_t at = rest().offset();
        if (!self().delete_clock(next.clock) || !self().delete_length(next.length)) return false;
        if (next.length > UINT32_MAX - next.clock) return rest().fail_at(decode_errc::clock_overflow, at);
        if (next.length != 0 && !add(next, at)) return false;
      }
    }
    return true;
  }

  const decode_limits& limits_;

 private:
  Encoding& self() { return static_cast<Encoding&>(*this); }
  lib0_reader& rest() { return self().rest(); }

  bool intern(std::uint64_t id, std::uint32_t& out) {
    out = out_.intern(id);
    return out_.clients_.size() <= limits_.max_clients || rest().fail(decode_errc::too_many_clients);
  }

  bool client(std::uint32_t& out) {
    std::uint64_t id = 0;
    return self().client_id(id) && intern(id, out);
  }

  bool structs() {
    std::uint64_t blocks = 0;
    if (!count(blocks, Encoding::min_block_bytes)) return false;
    for (std::uint64_t i = 0; i < blocks; ++i)
      if (!block()) return false;
    return true;
  }

  bool block() {
    std::uint64_t structs = 0;
    std::uint32_t owner = 0;
    std::uint32_t clock = 0;
    if (!rest().var_uint(structs) || !client(owner) || !rest().var_u32(clock)) return false;
    if (!self().admit(structs)) return false;
    expect(structs);
    const std::size_t first = out_.structs_.size();
    for (std::uint64_t i = 0; i < structs; ++i)
      if (!one_struct(owner, clock)) return false;
    const std::size_t added = out_.structs_.size() - first;
    if (added == 0) return true;
    if (!out_.blocks_.empty()) {
      auto& last = out_.blocks_.back();
      if (last.client == owner) {
        if (out_.structs_[first].clock < out_.structs_[first - 1].end()) out_.ordered_ = false;
        last.count += static_cast<std::uint32_t>(added);
        return true;
      }
      if (out_.clients_[last.client] < out_.clients_[owner]) out_.ordered_ = false;
    }
    out_.blocks_.push_back({owner, static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(added)});
    return true;
  }

  // Room for what an honest count announces, so that a large state is not moved again and again while it is read. Few
  // structs of a real document take less than this; whatever is announced, it is four times the input at most.
  void expect(std::uint64_t structs) {
    constexpr std::size_t usual_bytes = 16;
    auto& all = out_.structs_;
    const auto more = static_cast<std::size_t>(std::min<std::uint64_t>(structs, rest().remaining() / usual_bytes));
    if (all.size() + more > all.capacity()) all.reserve(std::max(all.size() + more, 2 * all.capacity()));
  }

  bool one_struct(std::uint32_t owner, std::uint32_t& clock) {
    if (out_.structs_.size() + unkept_ >= limits_.max_structs) return rest().fail(decode_errc::too_many_structs);
    decoded_struct next;
    if (!read_struct(owner, clock, next)) return false;
    clock += next.length;
    if (is_kept(next)) {
      out_.structs_.push_back(next);
    } else {
      ++unkept_;
    }
    return true;
  }

  bool place(std::uint8_t info, decoded_struct& next) {
    next.has_parent_sub = (info & info_parent_sub) != 0;
    if ((info & info_origin) != 0 && !left(next, next.origin_client, next.origin_clock)) return false;
    if ((info & info_right) != 0) {
      const std::size_t at = rest().offset();
      if (!client(next.right_client) || !self().right_clock(next.right_clock) ||
          !is_before(next, next.right_client, next.right_clock, at)) {
        return false;
      }
    }
    if (next.has_origin() || next.has_right()) return true;
    decoded_parent parent;
    std::uint64_t is_root = 0;
    const std::size_t at = rest().offset();
    if (!self().parent_info(is_root)) return false;
    if (is_root > 1) return rest().fail_at(decode_errc::bad_parent, at);
    if (is_root == 1) {
      if (!self().string(parent.root)) return false;
    } else if (!left(next, parent.client, parent.clock)) {
      return false;
    }
    if (next.has_parent_sub) {
      parent.has_key = true;
      if (!self().string(parent.key)) return false;
    }
    next.parent = static_cast<std::uint32_t>(out_.parents_.size());
    out_.parents_.push_back(parent);
    return true;
  }

  bool left(const decoded_struct& item, std::uint32_t& to_client, std::uint32_t& to_clock) {
    const std::size_t at = rest().offset();
    return client(to_client) && self().left_clock(to_clock) && is_before(item, to_client, to_clock, at);
  }

  bool is_before(const decoded_struct& item, std::uint32_t to_client, std::uint32_t to_clock, std::size_t at) {
    if (to_client == item.client && to_clock >= item.clock) return rest().fail_at(decode_errc::bad_reference, at);
    return true;
  }

  bool deletes() {
    return read_deletes([this](const delete_range& next, std::size_t at) { return add(next, at); });
  }

  bool add(const delete_range& next, std::size_t at) {
    auto& deletes = out_.deletes_;
    if (!deletes.empty()) {
      auto& last = deletes.back();
      if (last.client == next.client) {
        if (next.clock == last.end()) {
          last.length += next.length;
          return true;
        }
        if (next.clock < last.end()) out_.ordered_ = false;
      } else if (out_.clients_[last.client] < out_.clients_[next.client]) {
        out_.ordered_ = false;
      }
    }
    if (deletes.size() >= limits_.max_delete_ranges) return rest().fail_at(decode_errc::too_many_delete_ranges, at);
    deletes.push_back(next);
    return true;
  }

  decoded_update& out_;
  std::size_t unkept_ = 0;  // Skips and structs without length
};

/// The place of a struct of an update, as the wire has it.
inline item_head head_of(const decoded_update& update, const decoded_struct& each) {
  item_head head;
  head.kind = each.kind;
  head.has_origin = each.has_origin();
  head.has_right = each.has_right();
  head.has_parent_sub = each.has_parent_sub;
  head.origin_clock = each.origin_clock;
  head.right_clock = each.right_clock;
  if (head.has_origin) head.origin_client = update.client_id(each.origin_client);
  if (head.has_right) head.right_client = update.client_id(each.right_client);
  if (each.parent != none && !head.has_origin && !head.has_right) {
    const auto& parent = update.parents()[each.parent];
    head.parent_is_root = parent.client == none;
    head.parent_root = parent.root;
    if (!head.parent_is_root) head.parent_client = update.client_id(parent.client);
    head.parent_clock = parent.clock;
    head.key = parent.key;
  }
  return head;
}

/// Writes an update through an encoding, which has
///   rest()                            the writer of what no column holds
///   client_id(id)
///   gc(length), skip(length)
///   head(head), content(kind, length, content)     an item: its place, then what it holds
///   begin_deletes(), deleted(clock, length)
template <class Encoding>
void write_update(const decoded_update& update, Encoding& to) {
  to.rest().var_uint(update.blocks().size());
  for (const auto& block : update.blocks()) {
    const auto run = update.structs().subspan(block.first, block.count);
    std::size_t holes = 0;
    for (std::size_t i = 1; i < run.size(); ++i) holes += run[i].clock != run[i - 1].end();
    to.rest().var_uint(run.size() + holes);
    to.client_id(update.client_id(block.client));
    to.rest().var_uint(run[0].clock);
    std::uint32_t clock = run[0].clock;
    for (const auto& each : run) {
      if (each.clock != clock) to.skip(each.clock - clock);
      if (each.kind == content_kind::gc) {
        to.gc(each.length);
      } else {
        to.head(head_of(update, each));
        to.content(each.kind, each.length, each.content);
      }
      clock = each.end();
    }
  }
  const auto deletes = update.deletes();
  std::size_t clients = 0;
  for (std::size_t i = 0; i < deletes.size(); ++i) clients += i == 0 || deletes[i].client != deletes[i - 1].client;
  to.rest().var_uint(clients);
  for (std::size_t i = 0; i < deletes.size();) {
    std::size_t stop = i + 1;
    while (stop < deletes.size() && deletes[stop].client == deletes[i].client) ++stop;
    to.rest().var_uint(update.client_id(deletes[i].client));
    to.rest().var_uint(stop - i);
    to.begin_deletes();
    for (; i < stop; ++i) to.deleted(deletes[i].clock, deletes[i].length);
  }
}

}  // namespace octavo::crdt::internal
