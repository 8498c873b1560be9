// `octavo update render` without a format: a document as a tree.
#include <algorithm>
#include <ostream>
#include <vector>

#include "app/update_print.hpp"
#include "crdt/any.hpp"
#include "crdt/lib0.hpp"
#include "crdt/tree.hpp"

namespace octavo::app {

using crdt::content_kind;
using crdt::tree_place;
using crdt::type_kind;

namespace {

// Deeper types are not moved further to the right: a line would consist of nothing but spaces.
constexpr auto indented_depth = std::size_t{32};

/// A root that was made and holds nothing that shows has no kind.
std::string_view kind_of_root(const crdt::document& document, std::string_view root) {
  return name_of(document.root_kind(root));
}

/// Prints one line for each type, value and run of text.
class tree_printer final : public crdt::tree_visitor {
 public:
  tree_printer(const print_options& options, std::ostream& out) : options_(options), out_(out) {}

  void root(const crdt::document& document, const std::string& name) {
    out_ << kind_of_root(document, name) << ' ' << quoted(name, options_.width) << '\n';
    open_.assign(1, {document.root_kind(name), 0});
    document.visit(name, *this);
    flush();
  }

  void begin_type(const tree_place& place, type_kind kind, std::string_view name) override {
    auto line = start(place);
    line += name_of(kind);
    if (!name.empty()) line += " <" + terminal_safe(name) + '>';
    write(std::move(line), place);
    open_.push_back({kind, 0});
  }

  void end_type() override {
    flush();
    open_.pop_back();
  }

  void content(const tree_place& place, content_kind kind, std::string_view content) override {
    if (kind == content_kind::string && !place.has_key) return text(place, content);
    if (kind != content_kind::any && kind != content_kind::json) {
      const auto* word = kind == content_kind::embed ? "embed " : kind == content_kind::doc ? "document " : "";
      return write(start(place) + word + shown_content(kind, place.length, content, options_.width), place);
    }
    // Each value of a run is a member of its own.
    auto reader = crdt::lib0_reader{as_bytes(content)};
    auto each = place;
    for (auto i = std::uint32_t{0}; i < place.length; ++i) {
      const auto from = reader.offset();
      if (kind == content_kind::any) {
        crdt::skip_checked_any(reader);
      } else {
        auto value = bytes_view{};
        reader.var_bytes(value);
      }
      each.clock = place.clock + i;
      each.length = 1;
      write(start(each) + shown_content(kind, 1, reader.between(from, reader.offset()), options_.width), each);
    }
  }

 private:
  struct open_type {
    type_kind kind;
    std::uint64_t index;  // of the next member of its list
  };

  /// Runs with equal attributes are one, unless ids are asked for.
  void text(const tree_place& place, std::string_view content) {
    if (options_.ids || !has_text_ || place.attributes != text_attributes_) flush();
    if (!has_text_) {
      has_text_ = true;
      text_place_ = place;
      text_attributes_ = place.attributes;
    } else {
      text_place_.length += place.length;
    }
    text_ += content;
  }

  void flush() {
    if (!has_text_) return;
    has_text_ = false;
    auto place = text_place_;
    place.key = {};
    place.attributes = text_attributes_;
    auto line = prefix(place) + quoted(text_, options_.width);
    text_.clear();
    write(std::move(line), place);
  }

  std::string start(const tree_place& place) {
    flush();
    return prefix(place);
  }

  std::string prefix(const tree_place& place) {
    const auto depth = open_.size();
    auto line = std::string(std::min(depth, indented_depth) * 2, ' ');
    if (depth > indented_depth) line += '(' + std::to_string(depth) + ") ";
    auto& top = open_.back();
    if (place.has_key) {
      line += quoted(place.key, options_.width) + ": ";
    } else if (top.kind == type_kind::array) {
      line += '[' + std::to_string(top.index) + "] ";
      top.index += place.length;
    }
    return line;
  }

  void write(std::string line, const tree_place& place) {
    if (!place.attributes.empty())
      line += "  " + shown_content(content_kind::embed, 1, place.attributes, options_.width);
    if (options_.ids) line += "  (" + std::to_string(place.client) + ':' + std::to_string(place.clock) + ')';
    out_ << (line += '\n');
  }

  const print_options& options_;
  std::ostream& out_;
  std::vector<open_type> open_;
  bool has_text_ = false;
  std::string text_;
  std::string text_attributes_;
  tree_place text_place_;
};

/// Prints types as {"kind":…,"keys":{…},"list":[…]}.
class tree_json_printer final : public crdt::tree_visitor {
 public:
  explicit tree_json_printer(std::ostream& out) : out_(out) {}

  void root(const crdt::document& document, const std::string& name) {
    out_ << "{\"name\":" << json_string(name) << ",\"kind\":\"" << kind_of_root(document, name) << '"';
    open_.assign(1, part::nothing);
    document.visit(name, *this);
    close();
  }

  void begin_type(const tree_place& place, type_kind kind, std::string_view name) override {
    begin(place);
    auto text = ",\"kind\":\"" + std::string{name_of(kind)} + '"';
    if (!name.empty()) text += ",\"name\":" + json_string(name);
    out_ << text;
    open_.push_back(part::nothing);
  }

  void end_type() override { close(); }

  void content(const tree_place& place, content_kind kind, std::string_view content) override {
    begin(place);
    out_ << ",\"kind\":\"" << name_of(kind) << '"' << content_members(kind, place.length, content) << '}';
  }

 private:
  /// What of a type is being written.
  enum class part : std::uint8_t { nothing, keys, list };

  void begin(const tree_place& place) {
    auto& top = open_.back();
    const auto wanted = place.has_key ? part::keys : part::list;
    auto text = std::string{};
    if (top == wanted) {
      text = ",";
    } else {
      if (top == part::keys) text = "}";
      text += wanted == part::keys ? ",\"keys\":{" : ",\"list\":[";
      top = wanted;
    }
    if (place.has_key) text += json_string(place.key) + ':';
    text += "{\"client\":" + std::to_string(place.client) + ",\"clock\":" + std::to_string(place.clock);
    if (!place.attributes.empty()) text += ",\"attributes\":" + std::string{place.attributes};
    out_ << text;
  }

  void close() {
    const auto top = open_.back();
    out_ << (top == part::keys ? "}}" : top == part::list ? "]}" : "}");
    open_.pop_back();
  }

  std::ostream& out_;
  std::vector<part> open_;
};

std::vector<std::string> roots_of(const crdt::document& document, const std::string& root) {
  return root.empty() ? document.root_names() : std::vector<std::string>{root};
}

}  // namespace

void print_tree(const crdt::document& document, const std::string& root, const print_options& options,
                std::ostream& out) {
  const auto roots = roots_of(document, root);
  if (roots.empty()) out << "nothing to show\n";
  auto printer = tree_printer{options, out};
  for (const auto& each : roots) printer.root(document, each);
  if (const auto waiting = waiting_in(document); !waiting.empty())
    out << "\nincomplete: " << shown_waiting(waiting) << '\n';
}

void print_tree_json(const crdt::document& document, const std::string& root, std::ostream& out) {
  out << "{\"roots\":[";
  auto printer = tree_json_printer{out};
  auto first = true;
  for (const auto& each : roots_of(document, root)) {
    if (!first) out << ',';
    first = false;
    printer.root(document, each);
  }
  out << "],\"state_vector\":[";
  first = true;
  const auto state = document.state();
  for (const auto& each : state.entries()) {
    out << (first ? "" : ",") << "{\"client\":" << each.client << ",\"clock\":" << each.clock << '}';
    first = false;
  }
  out << "],\"waiting\":" << waiting_json(waiting_in(document)) << "}\n";
}

}  // namespace octavo::app
