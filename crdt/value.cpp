#include "crdt/value.hpp"

#include <map>
#include <vector>

#include "crdt/any.hpp"
#include "crdt/internal/any_tag.hpp"
#include "crdt/json.hpp"
#include "crdt/lib0.hpp"
#include "crdt/utf8.hpp"

namespace octavo::crdt {

namespace {

using internal::any_tag;

std::string tagged(any_tag tag) {
  return std::string(1, static_cast<char>(tag));
}

std::string text_of(const bytes& data) {
  return std::string(as_text(bytes_view(data)));
}

}  // namespace

value::value(std::nullptr_t) : encoded_(tagged(any_tag::null)) {}

value::value(double number) {
  bytes out;
  append_number_as_any(number, out);
  encoded_ = text_of(out);
}

value::value(std::string_view text) {
  bytes out;
  lib0_writer writer(out);
  writer.u8(static_cast<std::uint8_t>(any_tag::string));
  writer.var_string(text);
  encoded_ = text_of(out);
}

value value::boolean(bool flag) {
  return {raw{}, tagged(flag ? any_tag::true_value : any_tag::false_value)};
}

value value::undefined() {
  return {raw{}, tagged(any_tag::undefined)};
}

value value::bigint(std::int64_t number) {
  std::string out = tagged(any_tag::bigint);
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(static_cast<std::uint64_t>(number) >> shift);
  return {raw{}, std::move(out)};
}

value value::binary(bytes_view data) {
  bytes out;
  lib0_writer writer(out);
  writer.u8(static_cast<std::uint8_t>(any_tag::bytes));
  writer.var_bytes(data);
  return {raw{}, text_of(out)};
}

value value::array(std::span<const value> values) {
  bytes out;
  lib0_writer writer(out);
  writer.u8(static_cast<std::uint8_t>(any_tag::array));
  writer.var_uint(values.size());
  for (const auto& each : values) writer.raw(each.encoded_);
  return {raw{}, text_of(out)};
}

value value::object(std::span<const std::pair<std::string, value>> members) {
  // Of one key the last value counts, in the place of the first.
  std::vector<std::pair<std::string_view, const value*>> kept;
  std::map<std::string_view, std::size_t> places;
  for (const auto& [key, each] : members) {
    const auto [place, is_new] = places.emplace(key, kept.size());
    if (is_new) kept.emplace_back(key, nullptr);
    kept[place->second].second = &each;
  }
  bytes out;
  lib0_writer writer(out);
  writer.u8(static_cast<std::uint8_t>(any_tag::object));
  writer.var_uint(kept.size());
  for (const auto& [key, each] : kept) {
    writer.var_string(key);
    writer.raw(each->encoded_);
  }
  return {raw{}, text_of(out)};
}

result<value> value::from_json(std::string_view json) {
  if (!is_utf8(json)) return decode_error{decode_errc::bad_utf8, 0};
  if (const auto wrong = validate_json(json)) return *wrong;
  bytes out;
  append_json_text_as_any(json, out);
  return value(raw{}, text_of(out));
}

result<value> value::from_any(bytes_view encoded) {
  lib0_reader reader(encoded);
  std::size_t values = 0;
  if (!skip_any(reader, values, SIZE_MAX, default_max_depth) || !reader.expect_end()) return reader.error();
  return value(raw{}, std::string(as_text(encoded)));
}

std::string value::to_json() const {
  std::string out;
  lib0_reader reader(encoded());
  append_any_json(reader, out);
  return out;
}

bool value::is_null() const {
  return encoded_[0] == static_cast<char>(any_tag::null);
}

bool value::is_undefined() const {
  return encoded_[0] == static_cast<char>(any_tag::undefined);
}

bool value::is_bigint() const {
  return encoded_[0] == static_cast<char>(any_tag::bigint);
}

bool value::is_binary(bytes_view& data) const {
  if (encoded_[0] != static_cast<char>(any_tag::bytes)) return false;
  lib0_reader reader(encoded().subspan(1));
  return reader.var_bytes(data);
}

}  // namespace octavo::crdt
