// Own edits, as yjs makes them (YText, AbstractType): where an item goes among deleted ones, which formatting markers
// stand around it, and which become superfluous. So what a server writes is what a client would have written.
#include "crdt/internal/editor.hpp"

#include <algorithm>
#include <map>

#include "crdt/internal/render.hpp"
#include "crdt/utf8.hpp"

namespace octavo::crdt::internal {

namespace {

constexpr std::string_view no_format = "null";

// So many deleted items are stepped over one by one before the positions are asked.
constexpr int steps_before_asking = 8;

}  // namespace

std::size_t format_list::find(std::string_view key) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [key](const entry& each) { return each.first == key; });
  return static_cast<std::size_t>(found - entries_.begin());
}

std::string_view format_list::get(std::string_view key) const {
  const auto at = find(key);
  return at == entries_.size() ? no_format : std::string_view(entries_[at].second);
}

void format_list::set(std::string_view key, std::string_view json) {
  const auto at = find(key);
  if (at == entries_.size()) {
    entries_.emplace_back(key, json);
  } else {
    entries_[at].second = json;
  }
}

void format_list::apply(std::string_view key, std::string_view json) {
  if (json == no_format) {
    erase(key);
  } else {
    set(key, json);
  }
}

void format_list::erase(std::string_view key) {
  const auto at = find(key);
  if (at != entries_.size()) entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(at));
}

bool equal_json(std::string_view left, std::string_view right) {
  if (left == right) return true;
  if (left.empty() || right.empty()) return false;
  if (left[0] != '{' && left[0] != '[') {
    if (right[0] == '{' || right[0] == '[') return false;
    const auto a = value::from_json(left);
    const auto b = value::from_json(right);
    return a && b && *a == *b;
  }
  if (left[0] != right[0]) return false;
  // As deep as values nest, which decoders bound.
  auto a = json_members(left);
  auto b = json_members(right);
  if (a.size() != b.size()) return false;
  if (left[0] == '{') {
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
  }
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].first != b[i].first || !equal_json(a[i].second, b[i].second)) return false;
  return true;
}

// --- room

bool editor::stopped() const {
  return engine_.running().failure().has_value() || engine_.running().over_budget();
}

std::optional<edit_errc> editor::check_room(std::uint64_t units, std::size_t bytes, const format_list& formats) const {
  const auto& log = data_.log(client_);
  const std::uint64_t markers = 2 * formats.entries().size();
  for (const auto& [key, json] : formats.entries())
    bytes += 2 * (key.size() + json.size() + std::size_t{2} * max_varuint_bytes);
  if (log.end() + units + markers >= UINT32_MAX) return edit_errc::clock_overflow;
  if (log.end() != 0) bytes = std::max(bytes, data_.room_to_append({client_, log.end() - 1}, bytes));
  if (data_.items.full() || !data_.contents.fits(bytes)) return edit_errc::document_full;
  return std::nullopt;
}

std::optional<edit_errc> editor::check_name(std::string_view name) const {
  const bool known = data_.names.find(name) != name_pool::missing;
  const auto most = std::min<std::size_t>(engine_.options.max_keys, no_key);
  if (!known && data_.names.size() >= most) return edit_errc::too_many_names;
  return std::nullopt;
}

// --- items

// An item without neighbours says where it belongs.
void editor::name_parent(incoming& of, std::uint32_t branch) const {
  const auto& parent = data_.type(branch);
  of.has_parent = true;
  of.parent_is_root = parent.item == nil;
  if (of.parent_is_root) {
    of.root = data_.names.name(parent.name);
  } else {
    of.parent = {data_.at(parent.item).client, data_.at(parent.item).clock};
  }
}

std::uint32_t editor::create(std::uint32_t branch, std::uint32_t left, std::uint32_t right, content_kind kind,
                             std::uint32_t units, std::string_view content) {
  auto& log = data_.log(client_);
  incoming next;
  next.id = {client_, log.end()};
  next.length = units;
  next.kind = kind;
  next.content = content;
  if (left != nil) next.origin = {data_.at(left).client, data_.at(left).end() - 1};
  if (right != nil) next.right = {data_.at(right).client, data_.at(right).clock};
  if (left == nil && right == nil) name_parent(next, branch);
  // Neighbours need no cut, and check_room() has seen to what is appended to.
  if (UINT32_MAX - units <= log.end() || data_.items.full() || !data_.contents.fits(content.size())) {
    engine_.running().stop(apply_errc::document_full);
    return left;
  }
  engine_.running().integrate(next);
  return log.back().item;
}

std::uint32_t editor::create(std::uint32_t branch, std::string_view key, content_kind kind, std::string_view content) {
  auto& log = data_.log(client_);
  const auto name = data_.names.find(key);
  const auto before = name == name_pool::missing ? nil : data_.key_item(branch, name);
  incoming next;
  next.id = {client_, log.end()};
  next.length = 1;
  next.kind = kind;
  next.content = content;
  if (before != nil) {
    next.origin = {data_.at(before).client, data_.at(before).end() - 1};
  } else {
    name_parent(next, branch);
    next.has_key = true;
    next.key = key;
  }
  engine_.running().integrate(next);
  return log.back().item;
}

std::uint32_t editor::cut_item(std::uint32_t index, std::uint32_t units) {
  const item& whole = data_.at(index);
  return data_.split(data_.log(whole.client).find(whole.clock), index, units);
}

// --- places

bool editor::inside_pair(std::uint32_t branch, std::uint64_t index) const {
  const auto& list = data_.type(branch);
  if (index == 0 || index >= list.length) return false;
  const auto place = data_.positions_of(branch).at(list, index - 1);
  return place.offset + 1 < data_.at(place.item).length && splits_pair(place.item, place.offset + 1);
}

bool editor::splits_pair(std::uint32_t index, std::uint32_t units) const {
  const item& each = data_.at(index);
  if (each.kind() != content_kind::string || each.content_bytes == each.length) return false;
  return find_utf16(data_.content_of(each), units).splits_pair;
}

std::uint64_t editor::round_down(std::uint32_t branch, std::uint64_t index) const {
  return inside_pair(branch, index) ? index - 1 : index;
}

void editor::round_range(std::uint32_t branch, std::uint64_t& begin, std::uint64_t& end) const {
  if (inside_pair(branch, begin)) --begin;
  if (inside_pair(branch, end)) ++end;
}

text_cursor editor::seek(std::uint32_t branch, std::uint64_t index, bool round) {
  text_cursor at;
  at.index = index;
  const auto& positions = data_.positions_of(branch);
  if (index == 0) {
    at.right = data_.type(branch).start;
  } else {
    const auto place = positions.at(data_.type(branch), index - 1);
    at.left = place.item;
    const auto units = place.offset + 1;
    if (units < data_.at(at.left).length) {
      if (round && splits_pair(at.left, units)) return seek(branch, index - 1, false);
      cut_item(at.left, units);
    }
    at.right = data_.at(at.left).right;
  }
  load_formats(branch, at);
  return at;
}

void editor::load_formats(std::uint32_t branch, text_cursor& at) const {
  at.formats = {};
  const auto& positions = data_.positions_of(branch);
  if (at.left == nil || !positions.has_formats(data_.type(branch))) return;
  std::vector<std::uint32_t> markers;
  positions.formats_after(data_, at.left, markers);
  for (const auto index : markers) {
    const auto [key, json] = marker(index);
    at.formats.apply(key, json);
  }
}

format_list::entry editor::marker(std::uint32_t index) const {
  lib0_reader reader(as_bytes(data_.content_of(data_.at(index))));
  bytes_view key;
  bytes_view json;
  reader.var_bytes(key);
  reader.var_bytes(json);
  return {std::string(as_text(key)), std::string(as_text(json))};
}

void editor::forward(text_cursor& at) const {
  const item& passed = data_.at(at.right);
  if (!passed.deleted) {
    if (passed.kind() == content_kind::format) {
      const auto [key, json] = marker(at.right);
      at.formats.apply(key, json);
    } else {
      at.index += passed.length;
    }
  }
  at.left = at.right;
  at.right = passed.right;
}

void editor::skip_deleted(std::uint32_t branch, text_cursor& at) const {
  for (int i = 0; at.right != nil && data_.at(at.right).deleted; ++i) {
    if (i == steps_before_asking) {
      const auto& positions = data_.positions_of(branch);
      const auto next = positions.next_alive(at.right);
      at.left = next == nil ? positions.last(data_.type(branch)) : data_.at(next).left;
      at.right = next;
      return;
    }
    at.left = at.right;
    at.right = data_.at(at.right).right;
  }
}

// --- text

format_list editor::exactly(const text_cursor& at, const format_list& given) const {
  format_list all = given;
  for (const auto& [key, json] : at.formats.entries())
    if (!all.has(key)) all.set(key, no_format);
  return all;
}

// Markers behind the cursor that say what is wanted anyway need no others beside them.
void editor::pass_fitting_markers(std::uint32_t branch, text_cursor& at, const format_list& wanted) const {
  for (;;) {
    skip_deleted(branch, at);
    if (at.right == nil || data_.at(at.right).kind() != content_kind::format) return;
    const auto [key, json] = marker(at.right);
    if (!equal_json(wanted.get(key), json)) return;
    forward(at);
  }
}

void editor::insert_marker(std::uint32_t branch, text_cursor& at, std::string_view key, std::string_view json) {
  bytes content;
  lib0_writer writer(content);
  writer.var_string(key);
  writer.var_string(json);
  at.right = create(branch, at.left, at.right, content_kind::format, 1, as_text(bytes_view(content)));
  if (!stopped()) forward(at);
}

// Writes markers for what is not in force yet. Returns what was in force instead.
format_list editor::open_formats(std::uint32_t branch, text_cursor& at, const format_list& wanted) {
  format_list negated;
  for (const auto& [key, json] : wanted.entries()) {
    if (stopped()) break;
    const std::string current(at.formats.get(key));
    if (equal_json(current, json)) continue;
    negated.set(key, current);
    insert_marker(branch, at, key, json);
  }
  return negated;
}

// Writes markers that bring back what was in force before, but where such markers follow already.
void editor::close_formats(std::uint32_t branch, text_cursor& at, format_list negated) {
  for (;;) {
    skip_deleted(branch, at);
    if (at.right == nil || data_.at(at.right).kind() != content_kind::format) break;
    const auto [key, json] = marker(at.right);
    if (!negated.has(key) || !equal_json(negated.get(key), json)) break;
    negated.erase(key);
    forward(at);
  }
  for (const auto& [key, json] : negated.entries()) {
    if (stopped()) return;
    insert_marker(branch, at, key, json);
  }
}

void editor::insert_text(std::uint32_t branch, text_cursor& at, content_kind kind, std::uint32_t units,
                         std::string_view content, const format_list& wanted) {
  pass_fitting_markers(branch, at, wanted);
  auto negated = open_formats(branch, at, wanted);
  if (stopped()) return;
  at.inserted = create(branch, at.left, at.right, kind, units, content);
  if (stopped()) return;
  at.left = at.inserted;
  at.right = data_.at(at.left).right;
  at.index += units;
  close_formats(branch, at, std::move(negated));
}

void editor::format_text(std::uint32_t branch, text_cursor& at, std::uint64_t length, const format_list& wanted) {
  pass_fitting_markers(branch, at, wanted);
  auto negated = open_formats(branch, at, wanted);
  for (;;) {
    if (stopped() || (length == 0 && negated.empty())) break;
    skip_deleted(branch, at);
    if (at.right == nil) break;
    const item& each = data_.at(at.right);
    ++data_.steps;
    if (each.kind() != content_kind::format) {
      if (length == 0) break;
      if (length < each.length) cut_item(at.right, static_cast<std::uint32_t>(length));
      length -= data_.at(at.right).length;
      forward(at);
      continue;
    }
    const auto [key, json] = marker(at.right);
    if (!wanted.has(key)) {
      forward(at);
      continue;
    }
    if (equal_json(wanted.get(key), json)) {
      negated.erase(key);
    } else {
      if (length == 0) break;
      negated.set(key, json);
    }
    engine_.running().delete_item(at.right);
    forward(at);
  }
  if (!stopped()) close_formats(branch, at, std::move(negated));
}

void editor::erase_text(std::uint32_t branch, text_cursor& at, std::uint64_t length) {
  const auto before = at.formats;
  const auto start = at.right;
  while (length > 0 && !stopped()) {
    skip_deleted(branch, at);
    const auto index = at.right;
    if (data_.at(index).kind() != content_kind::format) {
      if (length < data_.at(index).length) cut_item(index, static_cast<std::uint32_t>(length));
      length -= data_.at(index).length;
      engine_.running().delete_item(index);
    }
    forward(at);
  }
  if (start == nil || stopped() || !data_.positions_of(branch).has_formats(data_.type(branch))) return;
  clean_gap(branch, start, at.right, before, at.formats);
}

// Between two visible units only the last marker of each key means anything, and that nothing if the attribute was in
// force before. `current` is where the cursor is, `now` the formats there.
void editor::clean_gap(std::uint32_t branch, std::uint32_t start, std::uint32_t current, const format_list& before,
                       format_list& now) {
  const auto& positions = data_.positions_of(branch);
  const auto next_of = [&](std::uint32_t index) { return positions.next_alive(index); };
  const auto first = data_.at(start).deleted ? next_of(start) : start;
  std::vector<std::uint32_t> markers;
  std::map<std::string, std::uint32_t> last_of;
  for (auto at = first; at != nil && !countable(data_.at(at).kind()); at = next_of(at)) {
    markers.push_back(at);
    last_of[marker(at).first] = at;
  }
  // The cursor stands somewhere among them, or behind them.
  const auto cursor_at = current != nil && data_.at(current).deleted ? next_of(current) : current;
  bool reached = false;
  for (const auto each : markers) {
    reached |= each == cursor_at;
    const auto [key, json] = marker(each);
    const bool is_last = last_of[key] == each;
    const std::string old(before.get(key));
    const bool was_in_force = old == json && json[0] != '{' && json[0] != '[';
    if (!is_last || was_in_force) {
      engine_.running().delete_item(each);
      if (!reached && now.get(key) == json && !was_in_force) {
        now.apply(key, old);
      }
    } else if (!reached) {
      now.apply(key, json);
    }
  }
}

}  // namespace octavo::crdt::internal
