// A difference as JSON, with a stack in place of recursion: one frame for each type that is open.
#include "crdt/diff.hpp"
#include "crdt/json.hpp"

namespace octavo::crdt {

namespace {

std::string_view name_of(type_kind kind) {
  switch (kind) {
    case type_kind::array:
      return "array";
    case type_kind::map:
      return "map";
    case type_kind::text:
      return "text";
    case type_kind::xml_element:
      return "xml_element";
    case type_kind::xml_fragment:
      return "xml_fragment";
    case type_kind::xml_hook:
      return "xml_hook";
    case type_kind::xml_text:
      return "xml_text";
    case type_kind::root:
      break;
  }
  return "unknown";
}

class diff_writer {
 public:
  diff_writer(const version_diff& diff, std::string& out) : diff_(diff), out_(out) {}

  void run() {
    out_ += "{\"from\":" + std::to_string(diff_.from) + ",\"to\":" + std::to_string(diff_.to) + ",\"roots\":[";
    bool first = true;
    for (std::size_t root = 0; root < diff_.roots; ++root) {
      if (!diff_.types[root].changed) continue;
      if (!first) out_ += ',';
      first = false;
      open(static_cast<std::uint32_t>(root));
      while (!stack_.empty()) step();
    }
    out_ += "]}";
  }

 private:
  enum class part : std::uint8_t { list, keys, key_after };
  struct frame {
    std::uint32_t type;
    part at = part::list;
    std::size_t position = 0;
    std::string suffix{};  // what is written once the type that was opened last is closed
  };

  void open(std::uint32_t index) {
    const auto& type = diff_.types[index];
    out_ += "{\"kind\":\"";
    out_ += name_of(type.kind);
    out_ += '"';
    if (!type.name.empty() || type.owner == no_type) {
      out_ += ",\"name\":";
      append_json_string(type.name, out_);
    }
    if (!type.changed) {
      out_ += ",\"changed\":false}";
      return;
    }
    stack_.push_back({index});
  }

  // Writes on until a type is opened or the present one is at its end.
  void step() {
    const std::size_t depth = stack_.size();
    const std::uint32_t index = stack_.back().type;
    const auto& type = diff_.types[index];
    out_ += stack_.back().suffix;
    stack_.back().suffix.clear();
    while (stack_.size() == depth) {
      frame& top = stack_.back();
      if (top.at == part::list) {
        if (top.position < type.list.size()) {
          out_ += top.position == 0 ? ",\"list\":[" : ",";
          write_run(type.list[top.position++], top);
          continue;
        }
        if (!type.list.empty()) out_ += ']';
        top.at = part::keys;
        top.position = 0;
      } else if (top.at == part::keys) {
        if (top.position == type.keys.size()) {
          out_ += type.keys.empty() ? "}" : "]}";
          stack_.pop_back();
          return;
        }
        const auto& key = type.keys[top.position];
        out_ += top.position == 0 ? ",\"keys\":[" : ",";
        out_ += "{\"key\":";
        append_json_string(key.key, out_);
        text("op", to_string(key.what));
        top.at = part::key_after;
        if (key.what != change::keep && key.before.present) write_value("before", key.before);
      } else {
        const auto& key = type.keys[top.position++];
        top.at = part::keys;
        std::string end;
        if (key.what == change::insert) end += ",\"client\":" + std::to_string(key.after.client);
        append_by("by", key.by, end);
        end += '}';
        if (key.after.present) write_value(key.what == change::keep ? "value" : "after", key.after);
        if (stack_.size() > depth) {
          stack_[depth - 1].suffix += end;
        } else {
          out_ += end;
        }
      }
    }
  }

  // A type is written by the loop, which comes back afterwards.
  void write_value(std::string_view name, const diff_value& value) {
    out_ += ",\"";
    out_ += name;
    out_ += "\":";
    if (value.type == no_type) {
      out_ += value.json;
      return;
    }
    const std::size_t depth = stack_.size();
    out_ += "{\"type\":";
    open(value.type);
    if (stack_.size() > depth) {
      stack_[depth - 1].suffix = "}";
    } else {
      out_ += '}';
    }
  }

  void write_run(const diff_run& run, frame& top) {
    out_ += "{\"op\":\"";
    out_ += to_string(run.what);
    out_ += '"';
    std::string end;
    if (!run.attributes.empty()) end += ",\"attributes\":" + run.attributes;
    if (!run.formats.empty()) {
      for (std::size_t i = 0; i < run.formats.size(); ++i) {
        end += i == 0 ? ",\"formats\":[{\"key\":" : ",{\"key\":";
        append_json_string(run.formats[i].key, end);
        if (!run.formats[i].before.empty()) end += ",\"before\":" + run.formats[i].before;
        if (!run.formats[i].after.empty()) end += ",\"after\":" + run.formats[i].after;
        append_by("by", run.formats[i].by, end);
        end += '}';
      }
      end += ']';
    }
    if (run.what != change::keep) end += ",\"client\":" + std::to_string(run.client);
    append_by(run.what == change::remove ? "inserted" : "by", run.inserted, end);
    append_by("by", run.deleted, end);
    end += '}';
    switch (run.kind) {
      case run_kind::text:
        text("text", run.content);
        break;
      case run_kind::embed:
        out_ += ",\"embed\":" + run.content;
        break;
      case run_kind::values:
        out_ += ",\"values\":[" + run.content + "]";
        break;
      case run_kind::type: {
        const std::size_t depth = stack_.size();
        top.suffix = end;
        out_ += ",\"type\":";
        open(run.type);
        if (stack_.size() > depth) return;
        stack_.back().suffix.clear();
      }
    }
    out_ += end;
  }

  void text(std::string_view name, std::string_view value) {
    out_ += ",\"";
    out_ += name;
    out_ += "\":";
    append_json_string(value, out_);
  }

  static void append_by(std::string_view name, const std::optional<attribution>& by, std::string& out) {
    if (!by) return;
    out += ",\"";
    out += name;
    out += "\":{\"user\":";
    append_json_string(by->user, out);
    out += ",\"first_seq\":" + std::to_string(by->first_seq) + ",\"last_seq\":" + std::to_string(by->last_seq) +
           ",\"first_ms\":" + std::to_string(by->first_ms) + ",\"last_ms\":" + std::to_string(by->last_ms) + '}';
  }

  const version_diff& diff_;
  std::string& out_;
  std::vector<frame> stack_;
};

}  // namespace

void append_diff_json(const version_diff& diff, std::string& out) {
  diff_writer(diff, out).run();
}

}  // namespace octavo::crdt
