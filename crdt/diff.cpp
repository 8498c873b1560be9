// Comparing two versions: every list is walked once, with what a history knows of each unit. A unit that neither
// version shows is passed over.
#include "crdt/diff.hpp"

#include <algorithm>
#include <map>

#include "crdt/internal/history.hpp"
#include "crdt/internal/render.hpp"
#include "crdt/internal/slice.hpp"
#include "crdt/json.hpp"

namespace octavo::crdt {

namespace {

using namespace internal;

// Whether a run by `next` may be written on as one by `into`; made so if there is nothing to say against it.
bool fits(const std::optional<attribution>& into, const std::optional<attribution>& next, std::int64_t merge_ms) {
  if (into.has_value() != next.has_value()) return false;
  if (!into || *into == *next) return true;
  return merge_ms >= 0 && into->user == next->user && next->first_ms <= into->last_ms + merge_ms &&
         next->last_ms >= into->first_ms - merge_ms;
}

void widen(std::optional<attribution>& into, const std::optional<attribution>& next) {
  if (!into) return;
  into->first_seq = std::min(into->first_seq, next->first_seq);
  into->last_seq = std::max(into->last_seq, next->last_seq);
  into->first_ms = std::min(into->first_ms, next->first_ms);
  into->last_ms = std::max(into->last_ms, next->last_ms);
}

// The formats in force at a place in both versions, and who made them differ.
class format_state {
 public:
  void marker(std::string_view key, std::string_view value, bool in_old, bool in_new, std::uint32_t by) {
    if (in_old) set(old_, key, value);
    if (in_new) set(new_, key, value);
    if (in_old && in_new) {
      changed_by_.erase(std::string(key));
    } else {
      auto& last = changed_by_[std::string(key)];
      last = std::max(last, by);
    }
    old_json_ = attributes_json(old_);
    new_json_ = attributes_json(new_);
  }

  const std::string& of_old() const { return old_json_; }
  const std::string& of_new() const { return new_json_; }
  bool differ() const { return old_json_ != new_json_; }

  template <class Function>
  void each_change(const Function& f) const {
    for (const auto& [key, value] : old_) {
      const auto now = new_.find(key);
      if (now == new_.end()) {
        f(key, value, std::string(), author(key));
      } else if (now->second != value) {
        f(key, value, now->second, author(key));
      }
    }
    for (const auto& [key, value] : new_)
      if (!old_.contains(key)) f(key, std::string(), value, author(key));
  }

 private:
  static void set(attribute_map& in, std::string_view key, std::string_view value) {
    if (value == "null") {
      in.erase(std::string(key));
    } else {
      in.insert_or_assign(std::string(key), std::string(value));
    }
  }

  std::uint32_t author(const std::string& key) const {
    const auto found = changed_by_.find(key);
    return found == changed_by_.end() ? 0 : found->second;
  }

  attribute_map old_;
  attribute_map new_;
  std::map<std::string, std::uint32_t> changed_by_;
  std::string old_json_;
  std::string new_json_;
};

class differ {
 public:
  differ(const history_data& of, std::uint32_t from, std::uint32_t to, const diff_options& options, version_diff& out)
      : of_(of), data_(of.data()), from_(from), to_(to), options_(options), out_(out) {}

  void run() {
    roots();
    for (std::uint32_t type = 0; type < branches_.size(); ++type) {
      const branch& source = data_.type(branches_[type]);
      list(type, source);
      keys(type, source);
    }
    // Types come behind their owners, so that one pass backwards tells everybody.
    for (std::size_t i = out_.types.size(); i-- > 0;) {
      auto& type = out_.types[i];
      type.changed |= !type.keys.empty() && std::any_of(type.keys.begin(), type.keys.end(),
                                                        [](const diff_key& each) { return each.what != change::keep; });
      type.changed |= std::any_of(type.list.begin(), type.list.end(), [](const diff_run& each) {
        return each.what != change::keep || !each.formats.empty();
      });
      if (type.changed && type.owner != no_type) out_.types[type.owner].changed = true;
    }
  }

 private:
  bool in_old(const unit_span& span) const { return span.visible(from_); }
  bool in_new(const unit_span& span) const { return span.visible(to_); }
  change what(const unit_span& span) const {
    if (!in_old(span)) return change::insert;
    return in_new(span) ? change::keep : change::remove;
  }

  std::optional<attribution> by(std::uint32_t edit) const {
    if (edit == 0 || edit == never) return std::nullopt;
    const auto who = of_.edit_of(edit);
    return attribution{std::string(who.user), who.seq, who.seq, who.time_ms, who.time_ms};
  }

  void roots() {
    std::vector<std::uint32_t> roots = data_.roots();
    const auto name = [&](std::uint32_t root) { return data_.names.name(data_.type(root).name); };
    std::sort(roots.begin(), roots.end(),
              [&](std::uint32_t left, std::uint32_t right) { return utf16_order()(name(left), name(right)); });
    for (const auto root : roots) {
      const auto at = add_type(root, no_type);
      out_.types[at].name = name(root);
    }
    out_.roots = roots.size();
  }

  std::uint32_t add_type(std::uint32_t index, std::uint32_t owner) {
    const branch& source = data_.type(index);
    diff_type made;
    made.kind = source.kind;
    if (source.kind == type_kind::xml_element || source.kind == type_kind::xml_hook)
      made.name = data_.contents.view(source.name, source.name_bytes);
    made.owner = owner;
    out_.types.push_back(std::move(made));
    branches_.push_back(index);
    return static_cast<std::uint32_t>(branches_.size() - 1);
  }

  void list(std::uint32_t type, const branch& source) {
    format_state formats;
    bool text = false;
    bool xml = false;
    bool other = false;
    for (auto at = source.start; at != nil; at = data_.at(at).right) {
      const item& each = data_.at(at);
      if (each.kind() == content_kind::deleted) continue;
      text_place near;
      value_reader values(data_, each);
      of_.spans(each, [&](const unit_span& span) {
        const bool seen = in_old(span) || in_new(span);
        if (each.kind() == content_kind::format) {
          if (seen) marker(each, span, formats);
          text |= seen;
        } else if (each.kind() == content_kind::string) {
          if (seen) {
            std::string slice;
            append_text_slice(data_, at, span.from - each.clock, span.to - each.clock, near, slice);
            add_run(type, each, span, run_kind::text, std::move(slice), formats);
          }
          text |= seen;
        } else if (each.kind() == content_kind::type) {
          if (!seen) return;
          const auto nested = add_type(each.content, type);
          const auto kind = data_.type(each.content).kind;
          const bool is_xml =
              kind == type_kind::xml_element || kind == type_kind::xml_text || kind == type_kind::xml_hook;
          xml |= is_xml;
          other |= !is_xml;
          add_run(type, each, span, run_kind::type, {}, formats);
          out_.types[type].list.back().type = nested;
        } else if (each.kind() == content_kind::embed) {
          if (seen) add_run(type, each, span, run_kind::embed, std::string(data_.content_of(each)), formats);
          text |= seen;
        } else {
          std::string json;
          for (auto unit = span.from; unit < span.to; ++unit) {
            const auto value = values.next();
            if (!seen) continue;
            if (!json.empty()) json += ',';
            append_unit_json(each.kind(), value, json);
          }
          if (seen) add_run(type, each, span, run_kind::values, std::move(json), formats);
          other |= seen;
        }
      });
    }
    auto& made = out_.types[type];
    if (made.kind != type_kind::root) return;
    if (other) {
      made.kind = type_kind::array;
    } else if (text) {
      made.kind = type_kind::text;
    } else if (xml) {
      made.kind = type_kind::xml_fragment;
    }
  }

  void marker(const item& each, const unit_span& span, format_state& formats) {
    lib0_reader reader(as_bytes(data_.content_of(each)));
    bytes_view key;
    bytes_view value;
    reader.var_bytes(key);
    reader.var_bytes(value);
    formats.marker(as_text(key), as_text(value), in_old(span), in_new(span), in_new(span) ? span.author : span.deleted);
  }

  void add_run(std::uint32_t type, const item& of, const unit_span& span, run_kind kind, std::string content,
               const format_state& formats) {
    diff_run run;
    run.what = what(span);
    run.kind = kind;
    run.units = span.to - span.from;
    run.client = data_.log(of.client).id();
    run.attributes = run.what == change::remove ? formats.of_old() : formats.of_new();
    if (run.what != change::keep) run.inserted = by(span.author);
    if (run.what == change::remove) run.deleted = by(span.deleted);
    if (run.what == change::keep && formats.differ()) {
      formats.each_change(
          [&](const std::string& key, const std::string& before, std::string after, std::uint32_t edit) {
            run.formats.push_back({key, before, std::move(after), by(edit)});
          });
    }
    auto& list = out_.types[type].list;
    if (!list.empty() && continues(list.back(), run)) {
      auto& last = list.back();
      if (kind == run_kind::values) last.content += ',';
      last.content += content;
      last.units += run.units;
      widen(last.inserted, run.inserted);
      widen(last.deleted, run.deleted);
      return;
    }
    run.content = std::move(content);
    list.push_back(std::move(run));
  }

  bool continues(const diff_run& last, const diff_run& next) const {
    if (last.what != next.what || last.kind != next.kind) return false;
    if (next.kind != run_kind::text && next.kind != run_kind::values) return false;
    if (last.what != change::keep && last.client != next.client) return false;
    return last.attributes == next.attributes && last.formats == next.formats &&
           fits(last.inserted, next.inserted, options_.merge_ms) && fits(last.deleted, next.deleted, options_.merge_ms);
  }

  void keys(std::uint32_t type, const branch& source) {
    for (auto at = source.keys; at != nil; at = data_.entries[at].next) {
      const auto& entry = data_.entries[at];
      const auto before = of_.value_at(entry, from_);
      const auto after = of_.value_at(entry, to_);
      if (before == after && (before.item == nil || data_.at(before.item).kind() != content_kind::type)) continue;
      diff_key made;
      made.key = data_.names.name(entry.key);
      made.before = value(type, before);
      if (before == after) {
        made.after = made.before;
      } else {
        made.after = value(type, after);
        made.what = after.item == nil ? change::remove : change::insert;
        made.by = by(after.item == nil ? before.span.deleted : after.span.author);
      }
      out_.types[type].keys.push_back(std::move(made));
    }
    auto& made = out_.types[type];
    std::sort(made.keys.begin(), made.keys.end(),
              [](const diff_key& left, const diff_key& right) { return utf16_order()(left.key, right.key); });
    if (made.kind == type_kind::root && source.keys != nil) made.kind = type_kind::map;
  }

  diff_value value(std::uint32_t type, const history_data::key_value& of) {
    diff_value made;
    if (of.item == nil) return made;
    const item& each = data_.at(of.item);
    made.present = true;
    made.client = data_.log(each.client).id();
    if (each.kind() == content_kind::type) {
      made.type = add_type(each.content, type);
    } else if (each.kind() == content_kind::string) {
      text_place near;
      std::string unit;
      append_text_slice(data_, of.item, of.unit, of.unit + 1, near, unit);
      append_json_string(unit, made.json);
    } else if (each.kind() == content_kind::any || each.kind() == content_kind::json) {
      append_unit_json(each.kind(), last_value(each.kind(), data_.content_of(each), of.unit + 1), made.json);
    } else {
      append_unit_json(each.kind(), data_.content_of(each), made.json);
    }
    return made;
  }

  const history_data& of_;
  const store& data_;
  std::uint32_t from_;
  std::uint32_t to_;
  const diff_options& options_;
  version_diff& out_;
  std::vector<std::uint32_t> branches_;  // the store's, of each type of the difference
};

}  // namespace

std::string_view to_string(change what) {
  switch (what) {
    case change::keep:
      return "keep";
    case change::insert:
      return "insert";
    case change::remove:
      return "delete";
  }
  return "unknown";
}

void keep_root(version_diff& diff, std::string_view root) {
  std::vector<bool> kept(diff.types.size());
  for (std::size_t i = 0; i < diff.types.size(); ++i) {
    auto& type = diff.types[i];
    kept[i] = type.owner == no_type ? type.name == root : kept[type.owner];
    if (!kept[i]) type.changed = false;
  }
}

result<version_diff, history_error> diff_versions(const history& of, std::uint64_t one, std::uint64_t other,
                                                  const diff_options& options) {
  version_diff made;
  made.from = std::min(one, other);
  made.to = std::max(one, other);
  const auto& data = internal::data_of(of);
  const auto from = data.edit_at(made.from);
  if (!from) return from.error();
  const auto to = data.edit_at(made.to);
  if (!to) return to.error();
  data.prepare();
  differ(data, *from, *to, options, made).run();
  return made;
}

}  // namespace octavo::crdt
