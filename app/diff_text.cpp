#include "app/diff_text.hpp"

#include <algorithm>
#include <vector>

#include "app/output.hpp"
#include "crdt/json.hpp"

namespace octavo::app {

namespace {

constexpr auto red = "\033[31m";
constexpr auto green = "\033[32m";
constexpr auto yellow = "\033[33m";
constexpr auto faint = "\033[2m";
constexpr auto plain = "\033[0m";
// How many of the types that a type lies in are named.
constexpr auto path_steps_max = std::size_t{6};

std::string_view kind_name(crdt::type_kind kind) {
  switch (kind) {
    case crdt::type_kind::array:
      return "array";
    case crdt::type_kind::map:
      return "map";
    case crdt::type_kind::text:
      return "text";
    case crdt::type_kind::xml_element:
      return "element";
    case crdt::type_kind::xml_fragment:
      return "fragment";
    case crdt::type_kind::xml_hook:
      return "hook";
    case crdt::type_kind::xml_text:
      return "xml text";
    case crdt::type_kind::root:
      break;
  }
  return "root";
}

class text_writer {
 public:
  text_writer(const crdt::version_diff& diff, const diff_text_options& options)
      : diff_(diff), options_(options), steps_(diff.types.size()) {}

  std::string run() {
    // Owners come before what lies in them.
    for (auto i = std::size_t{0}; i < diff_.types.size(); ++i) {
      const auto& type = diff_.types[i];
      if (type.owner == crdt::no_type) steps_[i] = without_controls(type.name);
      name_children(type);
      if (type.changed) section(i);
    }
    return std::move(out_);
  }

 private:
  std::string type_label(std::uint32_t index) const {
    const auto& type = diff_.types[index];
    if (type.kind == crdt::type_kind::xml_element) return '<' + without_controls(type.name) + '>';
    return std::string{kind_name(type.kind)};
  }

  // Their places are those of the newer version, where they are in it.
  void name_children(const crdt::diff_type& type) {
    auto place = std::uint64_t{0};
    for (const auto& run : type.list) {
      if (run.type != crdt::no_type) steps_[run.type] = '[' + std::to_string(place) + "] " + type_label(run.type);
      if (run.what != crdt::change::remove) place += run.units;
    }
    for (const auto& key : type.keys) {
      for (auto child : {key.before.type, key.after.type})
        if (child != crdt::no_type) steps_[child] = without_controls(key.key) + ": " + type_label(child);
    }
  }

  std::string path(std::size_t index) const {
    auto steps = std::vector<std::string_view>{};
    for (auto at = static_cast<std::uint32_t>(index); at != crdt::no_type; at = diff_.types[at].owner) {
      if (steps.size() == path_steps_max) {
        steps.emplace_back("…");
        break;
      }
      steps.push_back(steps_[at]);
    }
    auto text = std::string{};
    for (auto step = steps.rbegin(); step != steps.rend(); ++step)
      text += (text.empty() ? "" : " / ") + std::string{*step};
    return text;
  }

  void section(std::size_t index) {
    const auto& type = diff_.types[index];
    auto own = std::ranges::any_of(type.list, [](const auto& run) { return is_change(run); }) ||
               std::ranges::any_of(type.keys, [](const auto& key) { return key.what != crdt::change::keep; });
    if (!own) return;
    out_ += path(index);
    if (type.owner == crdt::no_type) out_ += " (" + std::string{kind_name(type.kind)} + ')';
    out_ += '\n';
    for (auto i = std::size_t{0}; i < type.list.size(); ++i) list_run(type, i);
    for (const auto& key : type.keys) key_line(key);
  }

  static bool is_change(const crdt::diff_run& run) { return run.what != crdt::change::keep || !run.formats.empty(); }

  void list_run(const crdt::diff_type& type, std::size_t at) {
    const auto& run = type.list[at];
    if (!is_change(run)) {
      auto after = at > 0 && is_change(type.list[at - 1]);
      auto before = at + 1 < type.list.size() && is_change(type.list[at + 1]);
      if (after || before) line(' ', faint, shortened(content(run), after, before), {});
      return;
    }
    switch (run.what) {
      case crdt::change::insert:
        line('+', green, content(run) + formats(run.attributes), who(run.inserted));
        break;
      case crdt::change::remove: {
        auto by = who(run.deleted);
        if (run.inserted && !run.inserted->user.empty()) by += "; written by " + printable_name(run.inserted->user);
        line('-', red, content(run) + formats(run.attributes), by);
        break;
      }
      case crdt::change::keep:
        for (const auto& each : run.formats) {
          auto text = shortened(content(run), true, true) + "  " + without_controls(each.key) + ": " +
                      value_or(each.before) + " → " + value_or(each.after);
          line('~', yellow, text, who(each.by));
        }
    }
  }

  void key_line(const crdt::diff_key& key) {
    if (key.what == crdt::change::keep) return;
    auto name = without_controls(key.key) + ": ";
    if (key.what == crdt::change::remove)
      line('-', red, name + value(key.before), who(key.by));
    else if (key.before.present)
      line('~', yellow, name + value(key.before) + " → " + value(key.after), who(key.by));
    else
      line('+', green, name + value(key.after), who(key.by));
  }

  std::string value(const crdt::diff_value& of) const {
    return of.type == crdt::no_type ? without_controls(of.json) : type_label(of.type);
  }

  static std::string value_or(const std::string& json) { return json.empty() ? "none" : without_controls(json); }

  static std::string formats(const std::string& attributes) {
    return attributes.empty() ? "" : "  " + without_controls(attributes);
  }

  std::string content(const crdt::diff_run& run) const {
    switch (run.kind) {
      case crdt::run_kind::text: {
        auto quoted = std::string{};
        crdt::append_json_string(run.content, quoted);
        return without_controls(quoted);
      }
      case crdt::run_kind::type:
        return type_label(run.type);
      default:
        return without_controls(run.content);
    }
  }

  // Keeps what is next to a change: the front of what follows one, the end of what comes before one.
  std::string shortened(std::string text, bool front, bool back) const {
    auto limit = options_.context;
    if (front && back) limit *= 2;
    if (text.size() <= limit + 3) return text;
    auto is_inside = [&](std::size_t at) {
      return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U;
    };
    auto head = front ? options_.context : 0;
    auto tail = back ? text.size() - options_.context : text.size();
    while (head > 0 && is_inside(head)) --head;
    while (is_inside(tail)) ++tail;
    return text.substr(0, head) + "…" + text.substr(tail);
  }

  static std::string who(const std::optional<crdt::attribution>& by) {
    if (!by) return "before the log";
    if (by->user.empty() && by->last_ms == 0)
      return "in a part of the log that is gone, by edit " + std::to_string(by->last_seq);
    auto text = by->user.empty() ? std::string{"nobody named"} : printable_name(by->user);
    text += ", " + human_time(by->first_ms);
    if (by->last_ms != by->first_ms) text += " – " + human_time(by->last_ms);
    text += by->first_seq == by->last_seq ? ", edit " : ", edits " + std::to_string(by->first_seq) + "–";
    return text + std::to_string(by->last_seq);
  }

  void line(char mark, const char* color, const std::string& text, const std::string& by) {
    out_ += "  ";
    if (options_.color) out_ += color;
    out_ += mark;
    out_ += ' ';
    out_ += text;
    if (options_.color) out_ += plain;
    if (!by.empty()) {
      out_ += "   ";
      if (options_.color) out_ += faint;
      out_ += '(' + by + ')';
      if (options_.color) out_ += plain;
    }
    out_ += '\n';
  }

  const crdt::version_diff& diff_;
  const diff_text_options& options_;
  std::vector<std::string> steps_;  // the last part of the path of each type
  std::string out_;
};

}  // namespace

std::string without_controls(std::string_view text) {
  constexpr auto digits = "0123456789abcdef";
  auto out = std::string{};
  for (auto i = std::size_t{0}; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    // Those beyond ASCII, U+0080 to U+009F, are two bytes of UTF-8.
    auto is_wide = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (byte >= 0x20 && byte != 0x7f && !is_wide) {
      out += text[i];
      continue;
    }
    if (is_wide) byte = static_cast<unsigned char>(text[++i]);
    out += {'\\', 'x', digits[byte >> 4U], digits[byte & 15U]};
  }
  return out;
}

std::string diff_text(const crdt::version_diff& diff, const diff_text_options& options) {
  return text_writer{diff, options}.run();
}

}  // namespace octavo::app
