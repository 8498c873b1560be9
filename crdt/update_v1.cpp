// Encoding 1 of updates: one stream, structs first, delete set last.
#include <algorithm>
#include <string>

#include "crdt/any.hpp"
#include "crdt/internal/wire.hpp"
#include "crdt/json.hpp"
#include "crdt/update.hpp"

namespace octavo::crdt {

/// Reads one update into a decoded_update. A struct takes at least two bytes, so no count is believed beyond what the
/// input can hold.
class update_decoder {
 public:
  update_decoder(bytes_view data, decoded_update& out, const decode_limits& limits)
      : reader_(data), out_(out), limits_(limits) {}

  result<void> run() {
    if (reader_.remaining() > limits_.max_bytes) return decode_error{decode_errc::too_large, limits_.max_bytes};
    if (!structs() || !deletes() || !reader_.expect_end()) return reader_.error();
    return {};
  }

 private:
  bool count(std::uint64_t& out, std::size_t bytes_each) {
    if (!reader_.var_uint(out)) return false;
    return out <= reader_.remaining() / bytes_each || reader_.fail(decode_errc::truncated);
  }

  bool client(std::uint32_t& out) {
    std::uint64_t id = 0;
    if (!reader_.var_uint(id)) return false;
    out = out_.intern(id);
    return out_.clients_.size() <= limits_.max_clients || reader_.fail(decode_errc::too_many_clients);
  }

  bool structs() {
    std::uint64_t blocks = 0;
    if (!count(blocks, 3)) return false;
    for (std::uint64_t i = 0; i < blocks; ++i)
      if (!block()) return false;
    return true;
  }

  bool block() {
    std::uint64_t structs = 0;
    std::uint32_t owner = 0;
    std::uint32_t clock = 0;
    if (!reader_.var_uint(structs) || !client(owner) || !reader_.var_u32(clock)) return false;
    if (structs > reader_.remaining() / 2) return reader_.fail(decode_errc::truncated);
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

  bool reference(const decoded_struct& item, std::uint32_t& to_client, std::uint32_t& to_clock) {
    const std::size_t at = reader_.offset();
    if (!client(to_client) || !reader_.var_u32(to_clock)) return false;
    if (to_client == item.client && to_clock >= item.clock) return reader_.fail_at(decode_errc::bad_reference, at);
    return true;
  }

  bool one_struct(std::uint32_t owner, std::uint32_t& clock) {
    const std::size_t at = reader_.offset();
    std::uint8_t info = 0;
    if (!reader_.u8(info)) return false;
    if (out_.structs_.size() >= limits_.max_structs) return reader_.fail_at(decode_errc::too_many_structs, at);
    decoded_struct next;
    next.client = owner;
    next.clock = clock;
    const std::uint8_t kind = info & internal::info_kind_mask;
    if (kind == 0 || kind == internal::info_skip) {
      if (!reader_.var_u32(next.length)) return false;
    } else {
      if (kind > static_cast<std::uint8_t>(content_kind::doc)) return reader_.fail_at(decode_errc::bad_struct_kind, at);
      next.kind = static_cast<content_kind>(kind);
      if (!place(info, next) || !content(next)) return false;
    }
    if (next.length > UINT32_MAX - clock) return reader_.fail_at(decode_errc::clock_overflow, at);
    clock += next.length;
    // Old versions of yjs wrote structs without length; nothing can refer to them, so they are not kept.
    if (next.length != 0 && kind != internal::info_skip) out_.structs_.push_back(next);
    return true;
  }

  bool place(std::uint8_t info, decoded_struct& next) {
    next.has_parent_sub = (info & internal::info_parent_sub) != 0;
    if ((info & internal::info_origin) != 0 && !reference(next, next.origin_client, next.origin_clock)) return false;
    if ((info & internal::info_right) != 0 && !reference(next, next.right_client, next.right_clock)) return false;
    if (next.has_origin() || next.has_right()) return true;
    decoded_parent parent;
    std::uint64_t is_root = 0;
    const std::size_t at = reader_.offset();
    if (!reader_.var_uint(is_root)) return false;
    if (is_root > 1) return reader_.fail_at(decode_errc::bad_parent, at);
    if (is_root == 1) {
      if (!reader_.var_string(parent.root)) return false;
    } else if (!reference(next, parent.client, parent.clock)) {
      return false;
    }
    if (next.has_parent_sub) {
      parent.has_key = true;
      if (!reader_.var_string(parent.key)) return false;
    }
    next.parent = static_cast<std::uint32_t>(out_.parents_.size());
    out_.parents_.push_back(parent);
    return true;
  }

  // Reads a text that must be JSON and counts its values.
  bool json_text(std::string_view& out, bool undefined_allowed) {
    if (!reader_.var_string(out)) return false;
    if (undefined_allowed && out == "undefined") return true;
    const auto wrong = validate_json(out, out_.values_, limits_.max_depth);
    if (wrong) return reader_.fail_at(wrong->code, reader_.offset() - out.size() + wrong->offset);
    return out_.values_ <= limits_.max_values || reader_.fail(decode_errc::too_many_values);
  }

  // The bytes since `from`; rewritten if their length prefixes are longer than need be, so that what is stored and sent
  // on is canonical.
  std::string_view canonical(std::size_t from, std::string_view first, std::string_view second) {
    const auto wire = reader_.between(from, reader_.offset());
    const std::size_t wanted =
        var_uint_size(first.size()) + first.size() + var_uint_size(second.size()) + second.size();
    if (wire.size() == wanted) return wire;
    bytes rewritten;
    lib0_writer writer(rewritten);
    writer.var_string(first);
    writer.var_string(second);
    return out_.own(as_text(rewritten), {});
  }

  bool content(decoded_struct& next) {
    next.length = 1;
    const std::size_t from = reader_.offset();
    switch (next.kind) {
      case content_kind::gc:
        return false;
      case content_kind::deleted:
        return reader_.var_u32(next.length);
      case content_kind::json:
      case content_kind::any:
        return values(next);
      case content_kind::binary: {
        bytes_view raw;
        if (!reader_.var_bytes(raw)) return false;
        next.content = as_text(raw);
        return true;
      }
      case content_kind::string: {
        std::size_t units = 0;
        if (!reader_.var_string(next.content, units)) return false;
        if (units > UINT32_MAX) return reader_.fail_at(decode_errc::clock_overflow, from);
        next.length = static_cast<std::uint32_t>(units);
        return true;
      }
      case content_kind::embed:
        return json_text(next.content, false);
      case content_kind::format: {
        std::string_view key;
        std::string_view value;
        if (!reader_.var_string(key) || !json_text(value, false)) return false;
        next.content = canonical(from, key, value);
        return true;
      }
      case content_kind::type:
        return type(next, from);
      case content_kind::doc: {
        std::string_view guid;
        if (!reader_.var_string(guid)) return false;
        const std::size_t options = reader_.offset();
        if (!skip_doc_options(reader_, out_.values_, limits_.max_values, limits_.max_depth)) return false;
        next.content = reader_.between(from, reader_.offset());
        if (options - from != var_uint_size(guid.size()) + guid.size()) {
          bytes rewritten;
          lib0_writer(rewritten).var_string(guid);
          next.content = out_.own(as_text(rewritten), reader_.between(options, reader_.offset()));
        }
        return true;
      }
    }
    return false;
  }

  bool values(decoded_struct& next) {
    std::uint64_t length = 0;
    if (!count(length, 1)) return false;
    if (length > UINT32_MAX) return reader_.fail(decode_errc::clock_overflow);
    const std::size_t from = reader_.offset();
    bool padded = false;
    for (std::uint64_t i = 0; i < length; ++i) {
      if (next.kind == content_kind::any) {
        if (!skip_any(reader_, out_.values_, limits_.max_values, limits_.max_depth)) return false;
      } else {
        const std::size_t start = reader_.offset();
        std::string_view text;
        if (!json_text(text, true)) return false;
        padded |= reader_.offset() - start != var_uint_size(text.size()) + text.size();
      }
    }
    next.length = static_cast<std::uint32_t>(length);
    next.content = reader_.between(from, reader_.offset());
    if (padded) {
      lib0_reader again(as_bytes(next.content));
      bytes rewritten;
      lib0_writer writer(rewritten);
      for (std::uint64_t i = 0; i < length; ++i) {
        bytes_view text;
        again.var_bytes(text);
        writer.var_bytes(text);
      }
      next.content = out_.own(as_text(rewritten), {});
    }
    return true;
  }

  bool type(decoded_struct& next, std::size_t from) {
    std::uint64_t kind = 0;
    if (!reader_.var_uint(kind)) return false;
    if (kind > static_cast<std::uint64_t>(type_kind::xml_text))
      return reader_.fail_at(decode_errc::bad_type_kind, from);
    const bool padded = reader_.offset() - from != 1;
    const auto type = static_cast<type_kind>(kind);
    const bool named = type == type_kind::xml_element || type == type_kind::xml_hook;
    std::string_view name;
    if (named && !reader_.var_string(name)) return false;
    next.content = reader_.between(from, reader_.offset());
    if (padded || (named && next.content.size() != 1 + var_uint_size(name.size()) + name.size())) {
      bytes rewritten;
      lib0_writer writer(rewritten);
      writer.var_uint(kind);
      if (named) writer.var_string(name);
      next.content = out_.own(as_text(rewritten), {});
    }
    return true;
  }

  bool deletes() {
    std::uint64_t clients = 0;
    if (!count(clients, 2)) return false;
    for (std::uint64_t i = 0; i < clients; ++i) {
      std::uint32_t owner = 0;
      std::uint64_t ranges = 0;
      if (!client(owner) || !count(ranges, 2)) return false;
      for (std::uint64_t j = 0; j < ranges; ++j)
        if (!range(owner)) return false;
    }
    return true;
  }

  bool range(std::uint32_t owner) {
    const std::size_t at = reader_.offset();
    delete_range next;
    next.client = owner;
    if (!reader_.var_u32(next.clock) || !reader_.var_u32(next.length)) return false;
    if (next.length > UINT32_MAX - next.clock) return reader_.fail_at(decode_errc::clock_overflow, at);
    if (next.length == 0) return true;
    auto& deletes = out_.deletes_;
    if (!deletes.empty()) {
      auto& last = deletes.back();
      if (last.client == owner) {
        if (next.clock == last.end()) {
          last.length += next.length;
          return true;
        }
        if (next.clock < last.end()) out_.ordered_ = false;
      } else if (out_.clients_[last.client] < out_.clients_[owner]) {
        out_.ordered_ = false;
      }
    }
    if (deletes.size() >= limits_.max_delete_ranges) return reader_.fail_at(decode_errc::too_many_delete_ranges, at);
    deletes.push_back(next);
    return true;
  }

  lib0_reader reader_;
  decoded_update& out_;
  const decode_limits& limits_;
};

result<void> decoded_update::append_v1(bytes_view data, const decode_limits& limits) {
  return update_decoder(data, *this, limits).run();
}

result<void> decode_update_v1(bytes_view data, decoded_update& out, const decode_limits& limits) {
  out.clear();
  auto done = out.append_v1(data, limits);
  if (!done) {
    out.clear();
    return done;
  }
  out.normalize();
  return done;
}

namespace {

void write_struct(lib0_writer& writer, const decoded_update& update, const decoded_struct& each) {
  if (each.kind == content_kind::gc) {
    internal::write_gc_v1(writer, each.length);
    return;
  }
  internal::item_head head;
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
  internal::write_head_v1(writer, head);
  internal::write_content_v1(writer, each.kind, each.length, each.content);
}

void write_deletes(lib0_writer& writer, const decoded_update& update) {
  const auto deletes = update.deletes();
  std::size_t clients = 0;
  for (std::size_t i = 0; i < deletes.size(); ++i) clients += i == 0 || deletes[i].client != deletes[i - 1].client;
  writer.var_uint(clients);
  for (std::size_t i = 0; i < deletes.size();) {
    std::size_t stop = i + 1;
    while (stop < deletes.size() && deletes[stop].client == deletes[i].client) ++stop;
    writer.var_uint(update.client_id(deletes[i].client));
    writer.var_uint(stop - i);
    for (; i < stop; ++i) {
      writer.var_uint(deletes[i].clock);
      writer.var_uint(deletes[i].length);
    }
  }
}

}  // namespace

void encode_update_v1(const decoded_update& update, bytes& out) {
  lib0_writer writer(out);
  writer.var_uint(update.blocks().size());
  for (const auto& block : update.blocks()) {
    const auto run = update.structs().subspan(block.first, block.count);
    std::size_t holes = 0;
    for (std::size_t i = 1; i < run.size(); ++i) holes += run[i].clock != run[i - 1].end();
    writer.var_uint(run.size() + holes);
    writer.var_uint(update.client_id(block.client));
    writer.var_uint(run[0].clock);
    std::uint32_t clock = run[0].clock;
    for (const auto& each : run) {
      if (each.clock != clock) internal::write_skip_v1(writer, each.clock - clock);
      write_struct(writer, update, each);
      clock = each.end();
    }
  }
  write_deletes(writer, update);
}

bytes encode_update_v1(const decoded_update& update) {
  bytes out;
  encode_update_v1(update, out);
  return out;
}

}  // namespace octavo::crdt
