// Quill deltas: a text's change as a list of operations from its front.
#include "crdt/any.hpp"
#include "crdt/edit.hpp"
#include "crdt/internal/any_tag.hpp"
#include "crdt/internal/editor.hpp"
#include "crdt/json.hpp"
#include "crdt/utf8.hpp"

namespace octavo::crdt {

using internal::any_tag;
using internal::editor;

namespace {

struct delta_operation {
  enum class kind : std::uint8_t { none, insert_text, insert_embed, retain, erase };
  kind what = kind::none;
  std::string_view text;    // of insert_text
  std::string embed;        // of insert_embed, as JSON
  std::uint64_t units = 0;  // of insert_text, retain and erase
  internal::format_list formats;
};

/// Reads what JSON.parse makes of a delta, in lib0's encoding. The texts that it gives are within that.
class delta_reader {
 public:
  explicit delta_reader(bytes_view encoded) : reader_(encoded) {}

  bool run(std::vector<delta_operation>& out) {
    std::uint64_t count = 0;
    if (next_tag() != any_tag::array) return false;
    reader_.var_uint(count);
    for (std::uint64_t i = 0; i < count; ++i)
      if (!operation(out.emplace_back())) return false;
    return true;
  }

 private:
  any_tag next_tag() {
    std::uint8_t raw = 0;
    reader_.u8(raw);
    return static_cast<any_tag>(raw);
  }

  any_tag peek_tag() const {
    lib0_reader ahead = reader_;
    std::uint8_t raw = 0;
    ahead.u8(raw);
    return static_cast<any_tag>(raw);
  }

  bool set(delta_operation& out, delta_operation::kind what) {
    if (out.what != delta_operation::kind::none) return false;
    out.what = what;
    return true;
  }

  bool json(std::string& out) { return !append_any_as_json_text(reader_, out, decode_limits{}.max_unfolded_bytes); }

  bool count(delta_operation& out) {
    lib0_int number;
    if (next_tag() != any_tag::integer || !reader_.var_int(number) || number.negative) return false;
    out.units = number.magnitude;
    return true;
  }

  bool attributes(delta_operation& out) {
    std::uint64_t members = 0;
    if (peek_tag() == any_tag::null) return next_tag() == any_tag::null;
    if (next_tag() != any_tag::object) return false;
    reader_.var_uint(members);
    for (std::uint64_t i = 0; i < members; ++i) {
      std::string_view key;
      std::string value;
      reader_.var_string(key);
      if (!json(value)) return false;
      out.formats.set(key, value);
    }
    return true;
  }

  bool operation(delta_operation& out) {
    std::uint64_t members = 0;
    if (next_tag() != any_tag::object) return false;
    reader_.var_uint(members);
    for (std::uint64_t i = 0; i < members; ++i) {
      std::string_view key;
      reader_.var_string(key);
      if (key == "insert" && peek_tag() == any_tag::string) {
        next_tag();
        std::size_t units = 0;
        if (!set(out, delta_operation::kind::insert_text) || !reader_.var_string(out.text, units)) return false;
        out.units = units;
      } else if (key == "insert") {
        if (!set(out, delta_operation::kind::insert_embed) || !json(out.embed)) return false;
      } else if (key == "retain" || key == "delete") {
        const auto what = key == "retain" ? delta_operation::kind::retain : delta_operation::kind::erase;
        if (!set(out, what) || !count(out)) return false;
      } else if (key == "attributes") {
        if (!attributes(out)) return false;
      } else {
        skip_checked_any(reader_);
      }
    }
    return out.what != delta_operation::kind::none;
  }

  lib0_reader reader_;
};

}  // namespace

edit_result<> edit::apply_delta(type_handle to, std::string_view delta_json) {
  if (const auto why = unfit(to)) return *why;
  if (to.kind_ != type_kind::text && to.kind_ != type_kind::xml_text) return edit_errc::wrong_type;
  const auto parsed = value::from_json(delta_json);
  std::vector<delta_operation> operations;
  if (!parsed || !delta_reader(parsed->encoded()).run(operations)) return edit_errc::bad_delta;

  // All is looked at before anything is done: ends must lie within the text as it is, and not inside a pair.
  editor on(*engine_, client_);
  const auto length = engine_->data.type(to.index_).length;
  std::uint64_t place = 0;
  std::uint64_t units = 0;
  for (const auto& each : operations) {
    const bool moves = each.what == delta_operation::kind::retain || each.what == delta_operation::kind::erase;
    if (moves && each.units > length - place) return edit_errc::out_of_range;
    if (moves) place += each.units;
    if (on.round_down(to.index_, place) != place) return edit_errc::bad_delta;
    units += (moves ? 0 : each.units + 1) + 2 * each.formats.entries().size();
  }
  if (const auto why = on.check_room(units, 2 * delta_json.size(), {})) return *why;

  auto at = on.seek(to.index_, 0);
  for (const auto& each : operations) {
    if (on.stopped()) break;
    switch (each.what) {
      case delta_operation::kind::insert_text:
        if (each.units != 0)
          on.insert_text(to.index_, at, content_kind::string, static_cast<std::uint32_t>(each.units), each.text,
                         on.exactly(at, each.formats));
        break;
      case delta_operation::kind::insert_embed:
        on.insert_text(to.index_, at, content_kind::embed, 1, each.embed, on.exactly(at, each.formats));
        break;
      case delta_operation::kind::retain:
        if (each.formats.empty()) {
          if (each.units != 0) at = on.seek(to.index_, at.index + each.units);
        } else if (each.units != 0) {
          on.format_text(to.index_, at, each.units, each.formats);
        }
        break;
      default:
        if (each.units != 0) on.erase_text(to.index_, at, each.units);
    }
  }
  return done();
}

}  // namespace octavo::crdt
