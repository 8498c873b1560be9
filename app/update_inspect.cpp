// `octavo update inspect`: an update, struct by struct.
#include <algorithm>
#include <ostream>

#include "app/update_print.hpp"
#include "crdt/json.hpp"
#include "crdt/utf8.hpp"

namespace octavo::app {

using crdt::content_kind;
using crdt::none;

namespace {

constexpr auto repeated_name_max = std::size_t{4096};

std::string id_text(std::uint64_t client, std::uint64_t clock) {
  return std::to_string(client) + ':' + std::to_string(clock);
}

std::string id_json(std::uint64_t client, std::uint64_t clock) {
  return "{\"client\":" + std::to_string(client) + ",\"clock\":" + std::to_string(clock) + '}';
}

std::string padded(std::string text, std::size_t width, bool right = false) {
  if (text.size() < width) text.insert(right ? 0 : text.size(), width - text.size(), ' ');
  return text;
}

/// An update with all that is told of it.
class inspection {
 public:
  inspection(const update_input& input, const print_options& options)
      : input_(input),
        update_(input.update),
        options_(options),
        gaps_(gaps_of(update_)),
        needs_(needs_of(update_, {})),
        canonical_(crdt::encode_update(update_, input.encoding) == input.data) {
    if (options_.summary) return;
    const auto index = struct_index{update_};
    parents_ = parents_of(update_, index);
    deleted_ = deleted_units_of(update_);
  }

  void print(std::ostream& out) const {
    head(out);
    if (update_.empty()) return;
    table(out);
    if (options_.summary) return;
    for (const auto& block : update_.blocks())
      if (shows(block.client)) structs(block, out);
    deletes(out);
  }

  void print_json(std::ostream& out) const {
    auto text = "{\"name\":" + json_string(input_.name) + ",\"form\":\"" + std::string{to_string(input_.form)} +
                "\",\"encoding\":\"" + std::string{to_string(input_.encoding)} +
                "\",\"bytes\":" + std::to_string(input_.data.size()) +
                ",\"canonical\":" + (canonical_ ? "true" : "false");
    if (!input_.remark.empty()) text += ",\"remark\":" + json_string(input_.remark);
    text += ",\"struct_count\":" + std::to_string(update_.structs().size()) +
            ",\"delete_range_count\":" + std::to_string(update_.deletes().size()) +
            ",\"deleted_units\":" + std::to_string(deleted_units()) + ",\"gaps\":" + ranges_json(gaps_) +
            ",\"needs\":" + ranges_json(needs_) + ",\"clients\":[";
    out << text;
    auto first = true;
    for (const auto& block : update_.blocks()) {
      const auto run = update_.structs().subspan(block.first, block.count);
      out << (first ? "" : ",") << "{\"client\":" << update_.client_id(block.client)
          << ",\"from\":" << run.front().clock << ",\"to\":" << run.back().end() << ",\"structs\":" << block.count
          << ",\"units\":" << units_of(block) << '}';
      first = false;
    }
    out << ']';
    if (!options_.summary) {
      out << ",\"structs\":[";
      first = true;
      for (const auto& block : update_.blocks())
        if (shows(block.client)) structs_json(block, first, out);
      out << "],\"deletes\":[";
      first = true;
      for (const auto& each : update_.deletes()) {
        if (!shows(each.client)) continue;
        out << (first ? "" : ",") << "{\"client\":" << update_.client_id(each.client) << ",\"clock\":" << each.clock
            << ",\"length\":" << each.length << '}';
        first = false;
      }
      out << ']';
    }
    out << '}';
  }

 private:
  bool shows(std::uint32_t client) const { return !options_.client || *options_.client == update_.client_id(client); }
  bool shows(std::uint32_t clock, std::uint32_t end) const {
    return !options_.clock || (clock <= *options_.clock && *options_.clock < end);
  }

  std::uint64_t deleted_units() const {
    auto units = std::uint64_t{0};
    for (const auto& each : update_.deletes()) units += each.length;
    return units;
  }

  std::uint64_t units_of(const crdt::decoded_block& block) const {
    auto units = std::uint64_t{0};
    for (const auto& each : update_.structs().subspan(block.first, block.count)) units += each.length;
    return units;
  }

  void head(std::ostream& out) const {
    auto text =
        input_.name + ": " + std::string{to_string(input_.encoding)} + ", " + counted(input_.data.size(), "byte");
    if (input_.form != input_form::raw) text += " (given as " + std::string{to_string(input_.form)} + ")";
    text += "\n  " + counted(update_.structs().size(), "struct") + " of " + counted(update_.blocks().size(), "client") +
            ", " + counted(gaps_.size(), "gap") + "; " + counted(update_.deletes().size(), "range") +
            " of deletes with " + counted(deleted_units(), "unit") + '\n';
    if (update_.empty()) text += "  this update says nothing\n";
    if (!needs_.empty()) text += "  needs " + shown_ranges(needs_) + " from elsewhere\n";
    if (!canonical_)
      text += "  not as octavo writes it: other order, repeated structs or longer numbers than need be\n";
    if (!input_.remark.empty()) text += "  " + input_.remark + '\n';
    out << text;
  }

  void table(std::ostream& out) const {
    if (update_.blocks().empty()) return;
    out << "\n  " << padded("client", 16, true) << "  " << padded("clocks", 21) << padded("structs", 9, true)
        << padded("units", 12, true) << '\n';
    for (const auto& block : update_.blocks()) {
      const auto run = update_.structs().subspan(block.first, block.count);
      out << "  " << padded(std::to_string(update_.client_id(block.client)), 16, true) << "  "
          << padded(clocks_text(run.front().clock, run.back().end()), 21)
          << padded(std::to_string(block.count), 9, true) << padded(std::to_string(units_of(block)), 12, true) << '\n';
    }
  }

  struct widths {
    std::size_t id = 0;
    std::size_t length = 0;
  };

  void structs(const crdt::decoded_block& block, std::ostream& out) const {
    const auto run = update_.structs().subspan(block.first, block.count);
    const auto id = update_.client_id(block.client);
    auto wide = widths{id_text(id, run.back().clock).size(), 1};
    for (const auto& each : run) wide.length = std::max(wide.length, std::to_string(each.length).size());
    out << "\nclient " << id << '\n';
    auto clock = run.front().clock;
    for (const auto& each : run) {
      if (each.clock != clock && shows(clock, each.clock))
        out << row(wide, id, clock, each.clock - clock, "skip") << "not in this update\n";
      clock = each.end();
      if (shows(each.clock, each.end())) one(each, wide, out);
    }
  }

  static std::string row(const widths& wide, std::uint64_t client, std::uint32_t clock, std::uint32_t length,
                         std::string_view kind) {
    return "  " + padded(id_text(client, clock), wide.id) + "  " + padded(std::to_string(length), wide.length, true) +
           "  " + padded(std::string{kind}, 9);
  }

  void one(const crdt::decoded_struct& each, const widths& wide, std::ostream& out) const {
    const auto index = static_cast<std::size_t>(&each - update_.structs().data());
    auto line = row(wide, update_.client_id(each.client), each.clock, each.length, name_of(each.kind));
    auto content = shown_content(each.kind, each.length, each.content, options_.width);
    if (!content.empty()) line += content + "  ";
    line += place_text(each, index);
    if (deleted_[index] == each.length && each.kind != content_kind::gc && each.kind != content_kind::deleted) {
      line += "(deleted)";
    } else if (deleted_[index] != 0 && deleted_[index] != each.length) {
      line += '(' + std::to_string(deleted_[index]) + " units of it deleted)";
    }
    while (line.ends_with(' ')) line.pop_back();
    out << line << '\n';
  }

  std::string parent_text(const crdt::decoded_parent& parent) const {
    auto text = parent.client == none ? "root " + quoted(parent.root, options_.width)
                                      : id_text(update_.client_id(parent.client), parent.clock);
    if (parent.has_key) text += " key " + quoted(parent.key, options_.width);
    return text;
  }

  std::string place_text(const crdt::decoded_struct& each, std::size_t index) const {
    auto text = std::string{};
    if (each.has_origin()) text += "origin " + id_text(update_.client_id(each.origin_client), each.origin_clock) + "  ";
    if (each.has_right()) text += "right " + id_text(update_.client_id(each.right_client), each.right_clock) + "  ";
    if (parents_[index] == none) return text;
    const auto parent = parent_text(update_.parents()[parents_[index]]);
    // What a neighbour says and not the struct itself is in brackets.
    return text + (each.has_origin() || each.has_right() ? "[in " + parent + "]  " : "in " + parent + "  ");
  }

  void deletes(std::ostream& out) const {
    auto client = none;
    auto on_line = std::size_t{0};
    for (const auto& each : update_.deletes()) {
      if (!shows(each.client) || !shows(each.clock, each.end())) continue;
      if (client == none) out << "\ndeletes";
      if (client != each.client) {
        out << "\n  " << update_.client_id(each.client) << ": ";
      } else {
        out << (on_line % 12 == 0 ? ",\n    " : ", ");
      }
      on_line = client == each.client ? on_line + 1 : 1;
      client = each.client;
      out << clocks_text(each.clock, each.end());
    }
    if (client != none) out << '\n';
  }

  void structs_json(const crdt::decoded_block& block, bool& first, std::ostream& out) const {
    const auto client = ",{\"client\":" + std::to_string(update_.client_id(block.client)) + ",\"clock\":";
    auto clock = update_.structs()[block.first].clock;
    for (auto i = block.first; i < block.first + block.count; ++i) {
      const auto& each = update_.structs()[i];
      const auto begin = [&](std::uint32_t at, std::uint32_t length, std::string_view kind) {
        auto text = client + std::to_string(at) + ",\"length\":" + std::to_string(length) + ",\"kind\":\"" +
                    std::string{kind} + '"';
        out << (first ? text.substr(1) : text);
        first = false;
      };
      if (each.clock != clock && shows(clock, each.clock)) {
        begin(clock, each.clock - clock, "skip");
        out << '}';
      }
      clock = each.end();
      if (!shows(each.clock, each.end())) continue;
      begin(each.clock, each.length, name_of(each.kind));
      out << place_json(each, i) << content_members(each.kind, each.length, each.content);
      if (deleted_[i] != 0) out << ",\"deleted_units\":" << deleted_[i];
      out << '}';
    }
  }

  std::string place_json(const crdt::decoded_struct& each, std::size_t index) const {
    if (each.kind == content_kind::gc) return {};
    auto text = std::string{};
    if (each.has_origin()) text += ",\"origin\":" + id_json(update_.client_id(each.origin_client), each.origin_clock);
    if (each.has_right())
      text += ",\"right_origin\":" + id_json(update_.client_id(each.right_client), each.right_clock);
    if (parents_[index] == none) return text;
    const auto& parent = update_.parents()[parents_[index]];
    // A name is written once for each item that has it: a long one would make the output any number of times longer
    // than the update.
    const auto is_own = !each.has_origin() && !each.has_right();
    if (!is_own && parent.root.size() + parent.key.size() > repeated_name_max) return text;
    text += ",\"parent\":";
    text += parent.client == none ? "{\"root\":" + json_string(parent.root) + '}'
                                  : id_json(update_.client_id(parent.client), parent.clock);
    if (parent.has_key) text += ",\"key\":" + json_string(parent.key);
    const auto* from = each.has_origin() ? "origin" : each.has_right() ? "right_origin" : "struct";
    return text + ",\"parent_from\":\"" + from + '"';
  }

  const update_input& input_;
  const crdt::decoded_update& update_;
  const print_options& options_;
  std::vector<crdt::clock_range> gaps_;
  std::vector<crdt::clock_range> needs_;
  bool canonical_;
  std::vector<std::uint32_t> parents_;
  std::vector<std::uint32_t> deleted_;
};

}  // namespace

void print_update(const update_input& input, const print_options& options, std::ostream& out) {
  inspection{input, options}.print(out);
}

void print_update_json(const update_input& input, const print_options& options, std::ostream& out) {
  inspection{input, options}.print_json(out);
}

}  // namespace octavo::app
