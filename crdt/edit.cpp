#include "crdt/edit.hpp"

#include <exception>

#include "crdt/any.hpp"
#include "crdt/internal/editor.hpp"
#include "crdt/internal/render.hpp"
#include "crdt/utf8.hpp"

namespace octavo::crdt {

using internal::editor;
using internal::nil;

std::string_view to_string(edit_errc code) {
  switch (code) {
    case edit_errc::out_of_range:
      return "the position is beyond the end";
    case edit_errc::wrong_type:
      return "the type has no place for that";
    case edit_errc::not_found:
      return "there is no such key";
    case edit_errc::bad_text:
      return "the text is not UTF-8";
    case edit_errc::bad_value:
      return "the value cannot stand there";
    case edit_errc::bad_delta:
      return "the delta is malformed";
    case edit_errc::type_too_deep:
      return "types would nest too deeply";
    case edit_errc::too_many_names:
      return "the document would have too many roots or keys";
    case edit_errc::too_many_clients:
      return "the document would have too many clients";
    case edit_errc::clock_overflow:
      return "the client has written all that one client can";
    case edit_errc::document_full:
      return "the document is full";
    case edit_errc::step_budget_exceeded:
      return "the edit asks for too much work";
    case edit_errc::not_open:
      return "no edit is open";
  }
  return "unknown error";
}

namespace {

edit_errc edit_error(apply_errc code) {
  switch (code) {
    case apply_errc::too_many_clients:
      return edit_errc::too_many_clients;
    case apply_errc::step_budget_exceeded:
      return edit_errc::step_budget_exceeded;
    case apply_errc::document_full:
      return edit_errc::document_full;
    default:
      return edit_errc::not_open;
  }
}

bool has_list(type_kind kind) {
  return kind == type_kind::array || kind == type_kind::xml_fragment || kind == type_kind::xml_element;
}

bool has_text(type_kind kind) {
  return kind == type_kind::text || kind == type_kind::xml_text;
}

bool has_keys(type_kind kind) {
  return kind != type_kind::array && kind != type_kind::xml_fragment && kind != type_kind::root;
}

bool is_xml(type_kind kind) {
  return kind == type_kind::xml_element || kind == type_kind::xml_text || kind == type_kind::xml_hook;
}

bool is_valid(const value& each) {
  lib0_reader reader(each.encoded());
  std::size_t values = 0;
  return skip_any(reader, values, decode_limits{}.max_values, default_max_depth);
}

// The text that an embed or a format has in encoding 1.
std::optional<std::string> json_text(const value& of) {
  if (!is_valid(of)) return std::nullopt;
  lib0_reader reader(of.encoded());
  std::string text;
  if (append_any_as_json_text(reader, text, decode_limits{}.max_unfolded_bytes)) return std::nullopt;
  return text;
}

bool formats_of(std::span<const attribute> attributes, internal::format_list& out) {
  for (const auto& each : attributes) {
    const auto json = json_text(each.to);
    if (!json || !is_utf8(each.key)) return false;
    out.set(each.key, *json);
  }
  return true;
}

std::string type_content(type_kind kind, std::string_view name) {
  bytes out;
  lib0_writer writer(out);
  writer.u8(static_cast<std::uint8_t>(kind));
  if (kind == type_kind::xml_element || kind == type_kind::xml_hook) writer.var_string(name);
  return std::string(as_text(bytes_view(out)));
}

std::optional<std::string> document_content(std::string_view guid, const value& options) {
  lib0_reader reader(options.encoded());
  std::size_t values = 0;
  if (!is_utf8(guid) || !skip_doc_options(reader, values, decode_limits{}.max_values, default_max_depth))
    return std::nullopt;
  bytes out;
  lib0_writer writer(out);
  writer.var_string(guid);
  writer.raw(options.encoded());
  return std::string(as_text(bytes_view(out)));
}

}  // namespace

edit::edit(document& on, std::uint64_t client) : engine_(on.engine_.get()), exceptions_(std::uncaught_exceptions()) {
  begin_error_ = client > max_safe_integer ? apply_errc::unusable : engine_->begin_edit(client, client_);
  if (begin_error_) engine_ = nullptr;
}

edit::~edit() {
  // If memory ran out in the middle of something there is nothing to go back to.
  if (engine_ != nullptr && std::uncaught_exceptions() == exceptions_) rollback();
  if (engine_ != nullptr) engine_->editing = false;
}

std::optional<edit_errc> edit::closed() const {
  if (begin_error_) return edit_error(*begin_error_);
  if (engine_ == nullptr || failed_) return edit_errc::not_open;
  return std::nullopt;
}

// What every operation asks first: that the edit is open, and that the type is one that lives.
std::optional<edit_errc> edit::unfit(type_handle of) const {
  if (const auto why = closed()) return why;
  const auto& data = engine_->data;
  if (of.index_ >= data.branches.size() || !data.type(of.index_).used) return edit_errc::wrong_type;
  const auto owner = data.type(of.index_).item;
  if (owner != nil && data.at(owner).deleted) return edit_errc::wrong_type;
  return std::nullopt;
}

// What every operation says last: one that ran out of its budget, or of room that could not be foreseen, is half done.
edit_result<> edit::done() {
  if (!editor(*engine_, client_).stopped()) return {};
  failed_ = true;
  return edit_error(engine_->running().failure().value_or(apply_errc::step_budget_exceeded));
}

edit_result<type_handle> edit::root(std::string_view name, type_kind as) {
  if (const auto why = closed()) return *why;
  if (!is_utf8(name)) return edit_errc::bad_text;
  auto found = engine_->data.find_root(name);
  if (found == nil) {
    if (const auto why = editor(*engine_, client_).check_name(name)) return *why;
    if (engine_->data.roots().size() + engine_->pending.promised_roots() >= engine_->options.max_roots)
      return edit_errc::too_many_names;
    found = engine_->data.root(name);
  }
  return type_handle(found, as);
}

edit_result<type_handle> edit::child(type_handle of, std::uint64_t index) const {
  if (const auto why = unfit(of)) return *why;
  const auto& data = engine_->data;
  if (index >= data.type(of.index_).length) return edit_errc::out_of_range;
  const auto& found = data.at(data.positions_of(of.index_).at(data.type(of.index_), index).item);
  if (found.kind() != content_kind::type) return edit_errc::wrong_type;
  return type_handle(found.content, data.type(found.content).kind);
}

edit_result<type_handle> edit::child(type_handle of, std::string_view key) const {
  if (const auto why = unfit(of)) return *why;
  const auto& data = engine_->data;
  const auto name = data.names.find(key);
  const auto found = name == internal::name_pool::missing ? nil : data.key_item(of.index_, name);
  if (found == nil || data.at(found).deleted) return edit_errc::not_found;
  if (data.at(found).kind() != content_kind::type) return edit_errc::wrong_type;
  return type_handle(data.at(found).content, data.type(data.at(found).content).kind);
}

edit_result<type_kind> edit::kind(type_handle of) const {
  if (const auto why = unfit(of)) return *why;
  return of.kind_;
}

edit_result<std::uint64_t> edit::length(type_handle of) const {
  if (const auto why = unfit(of)) return *why;
  return engine_->data.type(of.index_).length;
}

// --- text

edit_result<> edit::insert_string(type_handle into, std::uint64_t index, std::string_view text,
                                  const internal::format_list* exactly) {
  if (const auto why = unfit(into)) return *why;
  if (!has_text(into.kind_)) return edit_errc::wrong_type;
  if (index > engine_->data.type(into.index_).length) return edit_errc::out_of_range;
  std::size_t units = 0;
  if (!measure_utf8(text, units)) return edit_errc::bad_text;
  if (units == 0) return {};
  editor on(*engine_, client_);
  auto at = on.seek(into.index_, index, true);
  const auto wanted = exactly != nullptr ? on.exactly(at, *exactly) : at.formats;
  if (const auto why = on.check_room(units, text.size(), wanted)) return *why;
  on.insert_text(into.index_, at, content_kind::string, static_cast<std::uint32_t>(units), text, wanted);
  return done();
}

edit_result<> edit::insert_text(type_handle into, std::uint64_t index, std::string_view text) {
  return insert_string(into, index, text, nullptr);
}

edit_result<> edit::insert_text(type_handle into, std::uint64_t index, std::string_view text,
                                std::span<const attribute> exactly) {
  internal::format_list wanted;
  if (!formats_of(exactly, wanted)) return edit_errc::bad_value;
  return insert_string(into, index, text, &wanted);
}

edit_result<> edit::insert_embed(type_handle into, std::uint64_t index, const value& embed,
                                 std::span<const attribute> exactly) {
  if (const auto why = unfit(into)) return *why;
  if (!has_text(into.kind_)) return edit_errc::wrong_type;
  if (index > engine_->data.type(into.index_).length) return edit_errc::out_of_range;
  internal::format_list given;
  const auto content = json_text(embed);
  if (!content || !formats_of(exactly, given)) return edit_errc::bad_value;
  editor on(*engine_, client_);
  auto at = on.seek(into.index_, index, true);
  const auto wanted = on.exactly(at, given);
  if (const auto why = on.check_room(1, content->size(), wanted)) return *why;
  on.insert_text(into.index_, at, content_kind::embed, 1, *content, wanted);
  return done();
}

edit_result<> edit::format(type_handle in, std::uint64_t index, std::uint64_t length,
                           std::span<const attribute> attributes) {
  if (const auto why = unfit(in)) return *why;
  if (!has_text(in.kind_)) return edit_errc::wrong_type;
  const auto size = engine_->data.type(in.index_).length;
  if (index > size || length > size - index) return edit_errc::out_of_range;
  internal::format_list wanted;
  if (!formats_of(attributes, wanted)) return edit_errc::bad_value;
  if (length == 0 || wanted.empty()) return {};
  editor on(*engine_, client_);
  auto end = index + length;
  on.round_range(in.index_, index, end);
  if (const auto why = on.check_room(0, 0, wanted)) return *why;
  auto at = on.seek(in.index_, index);
  on.format_text(in.index_, at, end - index, wanted);
  return done();
}

// --- lists

edit_result<> edit::insert(type_handle into, std::uint64_t index, std::span<const value> values) {
  if (const auto why = unfit(into)) return *why;
  if (into.kind_ != type_kind::array) return edit_errc::wrong_type;
  if (index > engine_->data.type(into.index_).length) return edit_errc::out_of_range;
  std::size_t size = 0;
  for (const auto& each : values) {
    if (!is_valid(each) || each.is_undefined() || each.is_bigint()) return edit_errc::bad_value;
    size += each.encoded().size();
  }
  editor on(*engine_, client_);
  if (const auto why = on.check_room(values.size(), size, {})) return *why;
  const auto place = on.seek(into.index_, index);
  auto left = place.left;
  std::string run;
  std::uint32_t in_run = 0;
  const auto flush = [&] {
    if (in_run != 0) left = on.create(into.index_, left, place.right, content_kind::any, in_run, run);
    run.clear();
    in_run = 0;
  };
  for (const auto& each : values) {
    bytes_view data;
    if (each.is_binary(data)) {
      flush();
      left = on.create(into.index_, left, place.right, content_kind::binary, 1, as_text(data));
    } else {
      run += as_text(each.encoded());
      ++in_run;
    }
  }
  flush();
  return done();
}

edit_result<std::uint32_t> edit::insert_one(type_handle into, std::uint64_t index, content_kind kind,
                                            const std::string& content) {
  if (index > engine_->data.type(into.index_).length) return edit_errc::out_of_range;
  editor on(*engine_, client_);
  auto at = on.seek(into.index_, index, has_text(into.kind_));
  const auto wanted = on.exactly(at, {});
  if (const auto why = on.check_room(1, content.size(), wanted)) return *why;
  std::uint32_t made = nil;
  if (has_text(into.kind_)) {
    on.insert_text(into.index_, at, kind, 1, content, wanted);
    made = at.inserted;
  } else {
    made = on.create(into.index_, at.left, at.right, kind, 1, content);
  }
  if (const auto end = done(); !end) return end.error();
  return made;
}

edit_result<type_handle> edit::insert_type(type_handle into, std::uint64_t index, type_kind kind,
                                           std::string_view name) {
  if (const auto why = unfit(into)) return *why;
  if (!has_list(into.kind_) && !has_text(into.kind_)) return edit_errc::wrong_type;
  if (kind == type_kind::root || (has_list(into.kind_) && into.kind_ != type_kind::array && !is_xml(kind)))
    return edit_errc::wrong_type;
  if (const auto why = unfit_type(into, name)) return *why;
  const auto made = insert_one(into, index, content_kind::type, type_content(kind, name));
  if (!made) return made.error();
  return type_handle(engine_->data.at(*made).content, kind);
}

edit_result<> edit::insert_document(type_handle into, std::uint64_t index, std::string_view guid,
                                    const value& options) {
  if (const auto why = unfit(into)) return *why;
  if (into.kind_ != type_kind::array) return edit_errc::wrong_type;
  const auto content = document_content(guid, options);
  if (!content) return edit_errc::bad_value;
  const auto made = insert_one(into, index, content_kind::doc, *content);
  if (!made) return made.error();
  return {};
}

edit_result<> edit::erase(type_handle from, std::uint64_t index, std::uint64_t length) {
  if (const auto why = unfit(from)) return *why;
  if (!has_list(from.kind_) && !has_text(from.kind_)) return edit_errc::wrong_type;
  const auto size = engine_->data.type(from.index_).length;
  if (index > size || length > size - index) return edit_errc::out_of_range;
  if (length == 0) return {};
  editor on(*engine_, client_);
  if (const auto why = on.check_room(0, 0, {})) return *why;
  auto end = index + length;
  on.round_range(from.index_, index, end);
  auto at = on.seek(from.index_, index);
  on.erase_text(from.index_, at, end - index);
  return done();
}

// --- keys

std::optional<edit_errc> edit::unfit_type(type_handle into, std::string_view name) const {
  if (!is_utf8(name)) return edit_errc::bad_text;
  if (engine_->data.type(into.index_).depth >= engine_->options.max_type_depth) return edit_errc::type_too_deep;
  return std::nullopt;
}

edit_result<std::uint32_t> edit::set_content(type_handle in, std::string_view key, content_kind kind,
                                             std::string_view content) {
  if (!is_utf8(key)) return edit_errc::bad_text;
  editor on(*engine_, client_);
  if (const auto why = on.check_name(key)) return *why;
  if (const auto why = on.check_room(1, content.size(), {})) return *why;
  const auto made = on.create(in.index_, key, kind, content);
  if (const auto end = done(); !end) return end.error();
  return made;
}

edit_result<> edit::set(type_handle in, std::string_view key, const value& to) {
  if (const auto why = unfit(in)) return *why;
  if (!has_keys(in.kind_)) return edit_errc::wrong_type;
  if (!is_valid(to)) return edit_errc::bad_value;
  bytes_view data;
  const bool binary = to.is_binary(data);
  const auto made =
      set_content(in, key, binary ? content_kind::binary : content_kind::any, as_text(binary ? data : to.encoded()));
  if (!made) return made.error();
  return {};
}

edit_result<type_handle> edit::set_type(type_handle in, std::string_view key, type_kind kind, std::string_view name) {
  if (const auto why = unfit(in)) return *why;
  if (!has_keys(in.kind_) || kind == type_kind::root) return edit_errc::wrong_type;
  if (const auto why = unfit_type(in, name)) return *why;
  const auto made = set_content(in, key, content_kind::type, type_content(kind, name));
  if (!made) return made.error();
  return type_handle(engine_->data.at(*made).content, kind);
}

edit_result<> edit::set_document(type_handle in, std::string_view key, std::string_view guid, const value& options) {
  if (const auto why = unfit(in)) return *why;
  if (!has_keys(in.kind_)) return edit_errc::wrong_type;
  const auto content = document_content(guid, options);
  if (!content) return edit_errc::bad_value;
  const auto made = set_content(in, key, content_kind::doc, *content);
  if (!made) return made.error();
  return {};
}

edit_result<> edit::remove(type_handle from, std::string_view key) {
  if (const auto why = unfit(from)) return *why;
  if (!has_keys(from.kind_)) return edit_errc::wrong_type;
  auto& data = engine_->data;
  const auto name = data.names.find(key);
  const auto found = name == internal::name_pool::missing ? nil : data.key_item(from.index_, name);
  if (found == nil || data.at(found).deleted) return edit_errc::not_found;
  engine_->running().delete_item(found);
  return done();
}

// --- the end

edit_result<committed> edit::commit() {
  if (const auto why = closed()) {
    rollback();
    return *why;
  }
  committed out;
  const auto finished = std::exchange(engine_, nullptr)->finish_edit(client_, out.update);
  if (!finished) return edit_error(finished.error());
  out.report = *finished;
  return out;
}

void edit::rollback() {
  if (engine_ != nullptr) std::exchange(engine_, nullptr)->cancel_edit();
}

std::optional<std::uint64_t> utf16_position_of_code_point(std::string_view text, std::uint64_t code_point) {
  std::uint64_t units = 0;
  for (std::size_t at = 0; code_point > 0; --code_point) {
    if (at >= text.size()) return std::nullopt;
    const auto lead = static_cast<unsigned char>(text[at]);
    at += lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    units += lead < 0xF0 ? 1 : 2;
  }
  return units;
}

std::optional<std::uint64_t> utf16_position_of_byte(std::string_view text, std::uint64_t byte) {
  if (byte > text.size()) return std::nullopt;
  if (byte < text.size() && (static_cast<unsigned char>(text[byte]) & 0xC0) == 0x80) return std::nullopt;
  return utf16_length(text.substr(0, byte));
}

}  // namespace octavo::crdt
