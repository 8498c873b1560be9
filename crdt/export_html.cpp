// A tree in Tiptap's vocabulary as HTML.
#include <algorithm>
#include <array>

#include "crdt/export.hpp"
#include "crdt/internal/markup.hpp"
#include "crdt/json.hpp"

namespace octavo::crdt {

namespace {

using internal::address_use;
using internal::append_html_attribute;
using internal::append_html_text;
using internal::safe_address;
using internal::safe_style_value;

// Elements that are written as an HTML element of a fixed name.
struct plain_element {
  std::string_view name, tag;
};
constexpr std::array plain_elements = {
    plain_element{"paragraph", "p"},
    plain_element{"bulletList", "ul"},
    plain_element{"listItem", "li"},
    plain_element{"blockquote", "blockquote"},
    plain_element{"tableRow", "tr"},
    plain_element{"details", "details"},
    plain_element{"detailsSummary", "summary"},
};

std::string joined_integers(std::string_view json_array) {
  std::string out;
  for (const char c : json_array)
    if ((c >= '0' && c <= '9') || c == ',') out += c;
  return out;
}

/// Writes the tree in one walk along its links.
class html_writer {
 public:
  html_writer(const rich_tree& tree, std::size_t max_bytes) : tree_(tree), max_bytes_(max_bytes) {}

  export_result<std::string> run() {
    stack_.push_back({tree_.at(rich_tree::root).first_child, false, {}, {}});
    while (!stack_.empty()) {
      if (out_.size() > max_bytes_) return export_errc::too_large;
      const auto node = stack_.back().next;
      if (node == no_node) {
        close_marks(0);
        out_ += stack_.back().closing;
        stack_.pop_back();
      } else {
        stack_.back().next = tree_.at(node).next;
        write(node);
      }
      // A line for each block at the top.
      if (stack_.size() == 1 && !out_.empty() && out_.back() == '>' && marks().empty()) out_ += '\n';
    }
    return std::move(out_);
  }

 private:
  struct frame {
    std::uint32_t next;  // of the children, the one to come
    bool inline_level;   // whether they stand in a line of text
    std::string closing;
    std::vector<std::uint32_t> marks;  // that are open, from the outside in
  };

  std::vector<std::uint32_t>& marks() { return stack_.back().marks; }

  void write(std::uint32_t node) {
    set_marks(tree_.at(node).marks);
    switch (tree_.at(node).kind) {
      case rich_kind::text:
        append_html_text(tree_.at(node).content, out_);
        break;
      case rich_kind::embed:
        out_ += "<span";
        append_html_attribute("data-embed", tree_.at(node).content, out_);
        out_ += "></span>";
        break;
      default:
        element(node);
    }
  }

  // --- marks

  // Closes and opens so that exactly these are open. What is open already stays so, as far as it is outside.
  void set_marks(std::vector<std::uint32_t> wanted) {
    std::stable_sort(wanted.begin(), wanted.end(), [&](std::uint32_t a, std::uint32_t b) {
      return internal::mark_rank(tree_.mark(a).name) < internal::mark_rank(tree_.mark(b).name);
    });
    const auto same = std::mismatch(wanted.begin(), wanted.end(), marks().begin(), marks().end()).first;
    close_marks(static_cast<std::size_t>(same - wanted.begin()));
    for (auto at = same; at != wanted.end() && out_.size() <= max_bytes_; ++at) open_mark(*at);
  }

  void close_marks(std::size_t down_to) {
    while (marks().size() > down_to) {
      out_ += "</";
      out_ += mark_tag(tree_.mark(marks().back()).name);
      out_ += '>';
      marks().pop_back();
    }
  }

  static std::string_view mark_tag(std::string_view name) {
    if (name == "bold") return "strong";
    if (name == "italic") return "em";
    if (name == "strike") return "s";
    if (name == "underline") return "u";
    if (name == "code") return "code";
    if (name == "subscript") return "sub";
    if (name == "superscript") return "sup";
    if (name == "highlight") return "mark";
    if (name == "link") return "a";
    return "span";
  }

  void open_mark(std::uint32_t number) {
    const rich_mark& mark = tree_.mark(number);
    const auto tag = mark_tag(mark.name);
    out_ += '<';
    out_ += tag;
    if (tag == "a") {
      link_attributes(mark.json);
    } else if (tag == "mark") {
      const auto color = json_to_text(json_member(mark.json, "color")).value_or("");
      std::string style;
      append_style("background-color", color, style);
      if (!style.empty()) {
        append_html_attribute("data-color", color, out_);
        append_html_attribute("style", style, out_);
      }
    } else if (mark.name == "textStyle") {
      std::string style;
      for (const auto& [member, property] :
           {std::pair{"color", "color"}, std::pair{"backgroundColor", "background-color"},
            std::pair{"fontFamily", "font-family"}, std::pair{"fontSize", "font-size"}})
        append_style(property, json_to_text(json_member(mark.json, member)).value_or(""), style);
      if (!style.empty()) append_html_attribute("style", style, out_);
    } else if (tag == "span") {
      append_html_attribute("data-mark", mark.name, out_);
      if (mark.json != "{}" && mark.json != "true") append_html_attribute("data-attrs", mark.json, out_);
    }
    out_ += '>';
    marks().push_back(number);
  }

  void link_attributes(std::string_view json) {
    const auto href = safe_address(json_to_text(json_member(json, "href")).value_or(""), address_use::link);
    if (href.empty()) return;
    append_html_attribute("href", href, out_);
    const auto target = json_to_text(json_member(json, "target")).value_or("");
    auto rel = json_to_text(json_member(json, "rel")).value_or("");
    if (!target.empty()) append_html_attribute("target", target, out_);
    // A page that opens in a window of its own must not get hold of this one.
    if (!target.empty() && rel.empty()) rel = "noopener noreferrer";
    if (!rel.empty()) append_html_attribute("rel", rel, out_);
    if (const auto title = json_to_text(json_member(json, "title"))) append_html_attribute("title", *title, out_);
  }

  static void append_style(std::string_view property, std::string_view value, std::string& style) {
    const auto safe = safe_style_value(value);
    if (safe.empty()) return;
    if (!style.empty()) style += "; ";
    style += property;
    style += ": ";
    style += safe;
  }

  // --- elements

  void open(std::uint32_t node, std::string closing, bool inline_level) {
    stack_.push_back({tree_.at(node).first_child, inline_level, std::move(closing), {}});
  }

  void element(std::uint32_t node) {
    const std::string_view name = tree_.at(node).content;
    for (const auto& each : plain_elements)
      if (each.name == name) return tagged(node, each.tag);
    if (name == "heading")
      return tagged(node,
                    "h" + std::to_string(std::clamp<std::int64_t>(tree_.integer_of(node, "level").value_or(1), 1, 6)));
    if (name == "orderedList") return ordered_list(node);
    if (name == "taskList") {
      out_ += "<ul data-type=\"taskList\">";
      return open(node, "</ul>", false);
    }
    if (name == "taskItem") return task_item(node);
    if (name == "codeBlock") return code_block(node);
    if (name == "tableCell" || name == "tableHeader") return cell(node, name == "tableCell" ? "td" : "th");
    if (name == "table") {
      out_ += "<table><tbody>";
      return open(node, "</tbody></table>", false);
    }
    if (name == "horizontalRule" || name == "hardBreak") {
      out_ += name == "hardBreak" ? "<br>" : "<hr>";
      return open(node, {}, true);
    }
    if (name == "image") return image(node);
    if (name == "mention" && tree_.at(node).first_child == no_node) return mention(node);
    if (name == "formula") return formula(node);
    if (internal::is_medium(name)) return medium(node);
    unknown(node);
  }

  void tagged(std::uint32_t node, std::string_view tag) {
    out_ += '<';
    out_ += tag;
    block_style(node);
    out_ += '>';
    open(node, "</" + std::string(tag) + ">", internal::is_text_block(tree_.at(node).content));
  }

  // How a block is set.
  void block_style(std::uint32_t node) {
    std::string style;
    append_style("text-align", tree_.text_of(node, "textAlign").value_or(""), style);
    append_style("color", tree_.text_of(node, "textColor").value_or(""), style);
    append_style("background-color", tree_.text_of(node, "backgroundColor").value_or(""), style);
    if (const auto indent = tree_.integer_of(node, "indent"); indent && *indent > 0 && *indent <= 100)
      append_style("margin-left", std::to_string(*indent * 3) + "em", style);
    if (!style.empty()) append_html_attribute("style", style, out_);
    if (tree_.json_of(node, "dir") == "\"rtl\"") append_html_attribute("dir", "rtl", out_);
  }

  void ordered_list(std::uint32_t node) {
    out_ += "<ol";
    const auto start = tree_.integer_of(node, "start").value_or(1);
    if (start != 1) append_html_attribute("start", std::to_string(start), out_);
    out_ += '>';
    open(node, "</ol>", false);
  }

  void task_item(std::uint32_t node) {
    const bool checked = tree_.is_true(node, "checked");
    out_ += "<li data-type=\"taskItem\"";
    append_html_attribute("data-checked", checked ? "true" : "false", out_);
    out_ += "><label><input type=\"checkbox\" disabled";
    if (checked) out_ += " checked";
    out_ += "></label><div>";
    open(node, "</div></li>", false);
  }

  void code_block(std::uint32_t node) {
    out_ += "<pre><code";
    if (const auto language = tree_.text_of(node, "language"); language && !language->empty())
      append_html_attribute("class", "language-" + *language, out_);
    out_ += '>';
    open(node, "</code></pre>", true);
  }

  void cell(std::uint32_t node, std::string_view tag) {
    out_ += '<';
    out_ += tag;
    for (const auto* name : {"colspan", "rowspan"})
      if (const auto span = tree_.integer_of(node, name); span && *span > 1 && *span <= 1000)
        append_html_attribute(name, std::to_string(*span), out_);
    if (const auto width = joined_integers(tree_.json_of(node, "colwidth")); !width.empty())
      append_html_attribute("colwidth", width, out_);
    block_style(node);
    out_ += '>';
    open(node, "</" + std::string(tag) + ">", false);
  }

  void image(std::uint32_t node) {
    out_ += "<img";
    const auto address = safe_address(tree_.text_of(node, "src").value_or(""), address_use::image);
    if (!address.empty()) append_html_attribute("src", address, out_);
    for (const auto* name : {"alt", "title"})
      if (const auto text = tree_.text_of(node, name)) append_html_attribute(name, *text, out_);
    for (const auto* name : {"width", "height"})
      if (const auto size = tree_.integer_of(node, name); size && *size > 0)
        append_html_attribute(name, std::to_string(*size), out_);
    out_ += '>';
    open(node, {}, true);
  }

  void mention(std::uint32_t node) {
    out_ += "<span data-type=\"mention\"";
    if (const auto id = tree_.text_of(node, "id")) append_html_attribute("data-id", *id, out_);
    if (const auto label = tree_.text_of(node, "label")) append_html_attribute("data-label", *label, out_);
    out_ += '>';
    append_html_text(internal::mention_text(tree_, node), out_);
    out_ += "</span>";
  }

  void formula(std::uint32_t node) {
    const auto latex = tree_.text_of(node, "latex").value_or("");
    out_ += "<span data-type=\"formula\"";
    append_html_attribute("data-latex", latex, out_);
    out_ += '>';
    append_html_text(latex, out_);
    open(node, "</span>", true);
  }

  // A link and no player: whoever reads decides what to load.
  void medium(std::uint32_t node) {
    out_ += "<a";
    append_html_attribute("data-type", tree_.at(node).content, out_);
    if (const auto address = internal::medium_address(tree_, node); !address.empty())
      append_html_attribute("href", address, out_);
    out_ += '>';
    append_html_text(internal::medium_text(tree_, node), out_);
    open(node, "</a>", true);
  }

  void unknown(std::uint32_t node) {
    const bool inline_level = stack_.back().inline_level;
    const std::string_view tag = inline_level ? "span" : "div";
    out_ += '<';
    out_ += tag;
    append_html_attribute("data-type", tree_.at(node).content, out_);
    std::string values;
    for (const auto& each : tree_.at(node).attributes) {
      if (each.json.empty()) continue;
      values += values.empty() ? '{' : ',';
      append_json_string(each.name, values);
      values += ':';
      values += each.json;
    }
    if (!values.empty()) append_html_attribute("data-attrs", values + '}', out_);
    out_ += '>';
    open(node, "</" + std::string(tag) + ">", inline_level);
  }

  const rich_tree& tree_;
  std::size_t max_bytes_;
  std::string out_;
  std::vector<frame> stack_;
};

}  // namespace

export_result<std::string> html(const document& from, std::string_view root, const export_options& options) {
  auto tree = read_rich_tree(from, root, options);
  if (!tree) return tree.error();
  return html_writer(canonical_tree(*tree), options.max_bytes).run();
}

}  // namespace octavo::crdt
