#include "crdt/relative_position.hpp"

#include <cmath>
#include <cstdlib>

#include "crdt/any.hpp"
#include "crdt/document.hpp"
#include "crdt/internal/any_tag.hpp"
#include "crdt/internal/engine.hpp"
#include "crdt/json.hpp"
#include "crdt/lib0.hpp"
#include "crdt/value.hpp"

namespace octavo::crdt {

namespace {

using internal::any_tag;

// What an encoded position begins with. Do not renumber.
enum class position_kind : std::uint8_t { item = 0, root = 1, type = 2 };

void write_unit(lib0_writer& writer, position_kind kind, const unit_reference& unit) {
  writer.var_uint(static_cast<std::uint8_t>(kind));
  writer.var_uint(unit.client);
  writer.var_uint(unit.clock);
}

std::string json_of(const unit_reference& unit) {
  return "{\"client\":" + std::to_string(unit.client) + ",\"clock\":" + std::to_string(unit.clock) + '}';
}

/// Reads the members of a position from what JSON.parse makes of it.
class position_reader {
 public:
  explicit position_reader(bytes_view encoded) : reader_(encoded) {}

  bool run(relative_position& out) {
    return object([&](std::string_view key) {
      if (key == "tname") return text(out.root);
      if (key == "item") return unit(out.item);
      if (key == "type") return unit(out.type);
      if (key == "assoc") return association(out.association);
      skip_checked_any(reader_);
      return true;
    });
  }

 private:
  bool null() {
    lib0_reader ahead = reader_;
    std::uint8_t tag = 0;
    ahead.u8(tag);
    if (static_cast<any_tag>(tag) != any_tag::null) return false;
    reader_ = ahead;
    return true;
  }

  bool tagged(any_tag wanted) {
    std::uint8_t tag = 0;
    return reader_.u8(tag) && static_cast<any_tag>(tag) == wanted;
  }

  template <class Member>
  bool object(Member member) {
    std::uint64_t count = 0;
    if (!tagged(any_tag::object)) return false;
    reader_.var_uint(count);
    for (std::uint64_t i = 0; i < count; ++i) {
      std::string_view key;
      reader_.var_string(key);
      if (!member(key)) return false;
    }
    return true;
  }

  bool text(std::optional<std::string>& out) {
    std::string_view read;
    if (null()) return true;
    if (!tagged(any_tag::string)) return false;
    reader_.var_string(read);
    out = std::string(read);
    return true;
  }

  // A client id may be too large for an integer of lib0, which writes it as a float then.
  bool number(double& out) {
    std::string json;
    append_any_json(reader_, json);
    if (json.empty() || (json[0] != '-' && (json[0] < '0' || json[0] > '9'))) return false;
    out = std::strtod(json.c_str(), nullptr);
    return std::abs(out) <= static_cast<double>(max_safe_integer) && out == std::trunc(out);
  }

  bool unit(std::optional<unit_reference>& out) {
    if (null()) return true;
    double client = -1;
    double clock = -1;
    const bool read = object([&](std::string_view key) {
      if (key == "client") return number(client);
      if (key == "clock") return number(clock);
      skip_checked_any(reader_);
      return true;
    });
    if (!read || client < 0 || clock < 0) return false;
    out = unit_reference{static_cast<std::uint64_t>(client), static_cast<std::uint64_t>(clock)};
    return true;
  }

  bool association(std::int64_t& out) {
    double read = 0;
    if (null()) return true;
    if (!number(read)) return false;
    out = static_cast<std::int64_t>(read);
    return true;
  }

  lib0_reader reader_;
};

}  // namespace

bytes encode_relative_position(const relative_position& position) {
  bytes out;
  lib0_writer writer(out);
  if (position.item) {
    write_unit(writer, position_kind::item, *position.item);
  } else if (position.root) {
    writer.u8(static_cast<std::uint8_t>(position_kind::root));
    writer.var_string(*position.root);
  } else if (position.type) {
    write_unit(writer, position_kind::type, *position.type);
  }
  const bool negative = position.association < 0;
  const auto magnitude = static_cast<std::uint64_t>(position.association);
  writer.var_int({negative ? ~magnitude + 1 : magnitude, negative});
  return out;
}

result<relative_position> decode_relative_position(bytes_view data) {
  lib0_reader reader(data);
  relative_position out;
  std::uint64_t kind = 0;
  unit_reference unit;
  std::string_view root;
  reader.var_uint(kind);
  if (!reader.failed() && kind > static_cast<std::uint64_t>(position_kind::type))
    reader.fail_at(decode_errc::bad_parent, 0);
  if (kind == static_cast<std::uint64_t>(position_kind::root)) {
    reader.var_string(root);
    out.root = std::string(root);
  } else {
    reader.var_uint(unit.client);
    reader.var_uint(unit.clock);
    (kind == static_cast<std::uint64_t>(position_kind::item) ? out.item : out.type) = unit;
  }
  lib0_int association;
  if (!reader.failed() && !reader.at_end()) reader.var_int(association);
  if (!reader.failed()) reader.expect_end();
  if (reader.failed()) return reader.error();
  const auto magnitude = static_cast<std::int64_t>(association.magnitude);
  out.association = association.negative ? -magnitude : magnitude;
  return out;
}

std::string to_json(const relative_position& position) {
  std::string out = "{";
  if (position.type) out += "\"type\":" + json_of(*position.type) + ',';
  if (position.root) {
    out += "\"tname\":";
    append_json_string(*position.root, out);
    out += ',';
  }
  if (position.item) out += "\"item\":" + json_of(*position.item) + ',';
  return out + "\"assoc\":" + std::to_string(position.association) + '}';
}

result<relative_position> relative_position_from_json(std::string_view json) {
  const auto parsed = value::from_json(json);
  if (!parsed) return parsed.error();
  relative_position out;
  if (!position_reader(parsed->encoded()).run(out)) return decode_error{decode_errc::bad_json, 0};
  if (!out.item && !out.root && !out.type) return decode_error{decode_errc::bad_json, 0};
  return out;
}

// --- in a document

namespace {

using internal::nil;
using internal::store;

std::uint32_t branch_of(const store& data, const unit_reference& unit) {
  const auto client = data.find_client(unit.client);
  if (client == internal::flat_map::missing || unit.clock >= data.log(client).end()) return nil;
  const auto index = data.item_at({client, static_cast<std::uint32_t>(unit.clock)});
  if (index == internal::collected || data.at(index).kind() != content_kind::type) return nil;
  return data.at(index).content;
}

std::uint32_t branch_of(const store& data, const std::optional<std::string>& root,
                        const std::optional<unit_reference>& type) {
  if (root) return data.find_root(*root);
  return type ? branch_of(data, *type) : nil;
}

unit_reference first_unit(const store& data, const internal::item& of) {
  return {data.log(of.client).id(), of.clock};
}

}  // namespace

std::optional<relative_position> document::relative(const absolute_position& at) const {
  const auto& data = engine_->data;
  const auto branch = branch_of(data, at.root, at.type);
  relative_position out{std::nullopt, at.root, at.type, at.association};
  // A root that nobody has written to yet has its two ends.
  if (branch == nil) return at.root && at.index == 0 ? std::optional(out) : std::nullopt;
  const auto& list = data.type(branch);
  if (at.index > list.length) return std::nullopt;
  if (at.association < 0 && at.index == 0) return out;
  const auto& positions = data.positions_of(branch);
  const auto index = at.association < 0 ? at.index - 1 : at.index;
  if (index == list.length) return out;
  const auto place = positions.at(list, index);
  out.item = first_unit(data, data.at(place.item));
  out.item->clock += place.offset;
  return out;
}

std::optional<absolute_position> document::resolve(const relative_position& position) const {
  const auto& data = engine_->data;
  absolute_position out{position.root, position.type, 0, position.association};
  if (!position.item) {
    const auto branch = branch_of(data, position.root, position.type);
    if (branch == nil) return position.root ? std::optional(out) : std::nullopt;
    if (position.association >= 0) out.index = data.type(branch).length;
    return out;
  }
  const auto client = data.find_client(position.item->client);
  if (client == internal::flat_map::missing || position.item->clock >= data.log(client).end()) return std::nullopt;
  const auto clock = static_cast<std::uint32_t>(position.item->clock);
  const auto index = data.item_at({client, clock});
  if (index == internal::collected) return std::nullopt;
  const auto& found = data.at(index);
  const auto& parent = data.type(found.parent);
  out.root.reset();
  out.type.reset();
  if (parent.item == nil) {
    out.root = std::string(data.names.name(parent.name));
  } else {
    out.type = first_unit(data, data.at(parent.item));
    if (data.at(parent.item).deleted) return out;
  }
  if (!found.deleted && internal::countable(found.kind()))
    out.index = clock - found.clock + (position.association >= 0 ? 0 : 1);
  if (found.listed()) out.index += data.positions_of(found.parent).units_before(index);
  return out;
}

}  // namespace octavo::crdt
