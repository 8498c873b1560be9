// HTML by libxml2, whose parser forgives as browsers do and hands over one tag after the other.
#include <libxml/HTMLparser.h>
#include <libxml/parserInternals.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <memory>

#include "crdt/import/tree_builder.hpp"
#include "crdt/internal/markup.hpp"
#include "crdt/json.hpp"
#include "crdt/utf8.hpp"

namespace octavo::import {

namespace {

using crdt::json_string;
using crdt::rich_attribute;

constexpr std::array html_marks = {
    tag_mark{"strong", "bold"},   tag_mark{"b", "bold"},        tag_mark{"em", "italic"},
    tag_mark{"i", "italic"},      tag_mark{"cite", "italic"},   tag_mark{"dfn", "italic"},
    tag_mark{"var", "italic"},    tag_mark{"s", "strike"},      tag_mark{"del", "strike"},
    tag_mark{"strike", "strike"}, tag_mark{"u", "underline"},   tag_mark{"ins", "underline"},
    tag_mark{"code", "code"},     tag_mark{"kbd", "code"},      tag_mark{"samp", "code"},
    tag_mark{"tt", "code"},       tag_mark{"sub", "subscript"}, tag_mark{"sup", "superscript"}};

// Their content is for programs, or has a meaning only with what is around it.
constexpr std::array<std::string_view, 16> skipped = {"script", "style", "head",  "template", "noscript", "iframe",
                                                      "object", "svg",   "math",  "title",    "textarea", "select",
                                                      "canvas", "audio", "video", "noframes"};
// Elements that divide what is in them from what is around it.
constexpr std::array<std::string_view, 32> divisions = {
    "div",    "section", "article", "header",     "footer",  "main",   "nav",      "aside",
    "figure", "dl",      "dt",      "figcaption", "dd",      "form",   "details",  "summary",
    "center", "body",    "html",    "fieldset",   "address", "hgroup", "legend",   "caption",
    "dialog", "search",  "menu",    "dir",        "option",  "button", "frameset", "optgroup"};
// Parts of tables that have no node.
constexpr std::array<std::string_view, 5> table_parts = {"thead", "tbody", "tfoot", "colgroup", "col"};

using attribute_list = std::map<std::string_view, std::string_view>;

std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

std::string_view value_of(const attribute_list& attributes, std::string_view name) {
  const auto at = attributes.find(name);
  return at == attributes.end() ? std::string_view() : at->second;
}

constexpr std::string_view white_space = " \t\n\r\f";

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(white_space);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(white_space) + 1 - begin);
}

// A declaration of a style attribute, if its value is harmless.
std::string_view style_of(std::string_view style, std::string_view property) {
  std::string_view found;
  while (!style.empty()) {
    const auto end = style.find(';');
    const auto declaration = style.substr(0, end);
    const auto colon = declaration.find(':');
    if (colon != std::string_view::npos && trimmed(declaration.substr(0, colon)) == property)
      found = crdt::internal::safe_style_value(trimmed(declaration.substr(colon + 1)));
    style.remove_prefix(end == std::string_view::npos ? style.size() : end + 1);
  }
  return found;
}

std::optional<unsigned> number(std::string_view text, unsigned max) {
  text = trimmed(text);
  unsigned value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc{} || value > max) return {};
  return value;
}

// The first of an element's classes that a function takes; empty if it takes none.
template <class Predicate>
std::string_view find_class(std::string_view classes, Predicate takes) {
  while (!(classes = trimmed(classes)).empty()) {
    const auto each = classes.substr(0, classes.find_first_of(white_space));
    if (takes(each)) return each;
    classes.remove_prefix(each.size());
  }
  return {};
}

bool has_class(std::string_view classes, std::string_view wanted) {
  return !find_class(classes, [&](std::string_view each) { return each == wanted; }).empty();
}

class html_reader {
 public:
  html_reader(tree_builder& to, std::size_t max_depth) : to_(to), max_depth_(max_depth) {}

  void run(std::string_view text) {
    const std::unique_ptr<htmlParserCtxt, decltype(&htmlFreeParserCtxt)> context(
        htmlCreateMemoryParserCtxt(text.data(), static_cast<int>(text.size())), &htmlFreeParserCtxt);
    if (!context) return;
    context_ = context.get();
    // Nothing is fetched, said or guessed: the text is UTF-8, whatever it says of itself.
    htmlCtxtUseOptions(context_, HTML_PARSE_NONET | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_IGNORE_ENC |
                                     HTML_PARSE_RECOVER | HTML_PARSE_NOIMPLIED);
    if (auto* utf8 = xmlFindCharEncodingHandler("UTF-8")) xmlSwitchToEncoding(context_, utf8);
    xmlSAXHandler handler{};
    handler.startElement = [](void* self, const xmlChar* name, const xmlChar** attributes) {
      static_cast<html_reader*>(self)->start(view(name), attributes);
    };
    handler.endElement = [](void* self, const xmlChar* name) { static_cast<html_reader*>(self)->end(view(name)); };
    handler.characters = [](void* self, const xmlChar* part, int size) {
      static_cast<html_reader*>(self)->characters(
          {reinterpret_cast<const char*>(part), static_cast<std::size_t>(size)});
    };
    handler.ignorableWhitespace = handler.characters;
    *context_->sax = handler;
    context_->userData = this;
    htmlParseDocument(context_);
    while (!open_.empty()) close_top();
  }

 private:
  enum class effect : std::uint8_t { skipped, block, marks };
  struct open_tag {
    std::string name;
    effect does = effect::marks;
    std::vector<std::size_t> marks;
  };

  void start(std::string_view name, const xmlChar** raw) {
    if (to_.failure()) return;
    if (open_.size() > max_depth_) {
      // The parser's own stack must not grow either.
      to_.nests_too_deep();
      xmlStopParser(context_);
      return;
    }
    attribute_list attributes;
    for (; raw != nullptr && raw[0] != nullptr; raw += 2) attributes.emplace(view(raw[0]), view(raw[1]));
    open_.push_back({std::string(name)});
    fresh_pre_ = false;
    if (skipping_ > 0 || is_one_of(name, skipped)) {
      ++skipping_;
      open_.back().does = effect::skipped;
      return;
    }
    element(name, attributes);
    if (to_.failure()) xmlStopParser(context_);
  }

  void end(std::string_view name) {
    fresh_pre_ = false;
    // The parser closes in order; what it says of elements without content may come without an end.
    while (!open_.empty()) {
      const bool same = open_.back().name == name;
      close_top();
      if (same) return;
    }
  }

  void close_top() {
    const open_tag closed = std::move(open_.back());
    open_.pop_back();
    switch (closed.does) {
      case effect::skipped:
        --skipping_;
        return;
      case effect::block:
        to_.close();
        return;
      case effect::marks:
        for (const auto mark : closed.marks) to_.end_mark(mark);
        return;
    }
  }

  void characters(std::string_view text) {
    if (skipping_ > 0 || to_.failure()) return;
    // HTML takes a line break right behind <pre> for its own.
    if (fresh_pre_ && text.starts_with('\n')) text.remove_prefix(1);
    fresh_pre_ = false;
    to_.flowing_text(text);
  }

  void block(std::string_view name, std::vector<rich_attribute> attributes = {}) {
    open_.back().does = effect::block;
    to_.open(name, std::move(attributes));
  }

  void mark(std::string_view name, std::string_view json = "{}") {
    open_.back().marks.push_back(to_.begin_mark(name, json));
  }

  void element(std::string_view name, const attribute_list& attributes) {
    if (name == "p") return block("paragraph", alignment(attributes));
    if (name.size() == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6') {
      auto of = alignment(attributes);
      of.insert(of.begin(), {"level", std::string(1, name[1])});
      return block("heading", std::move(of));
    }
    if (name == "ul") {
      const bool tasks = value_of(attributes, "data-type") == "taskList" ||
                         has_class(value_of(attributes, "class"), "contains-task-list");
      return block(tasks ? "taskList" : "bulletList");
    }
    if (name == "ol") {
      const auto start = number(value_of(attributes, "start"), 999'999'999).value_or(1);
      return block("orderedList", {{"start", std::to_string(start)}});
    }
    if (name == "li") return item(attributes);
    if (name == "blockquote") return block("blockquote");
    if (name == "pre") {
      block("codeBlock");
      fresh_pre_ = true;
      return;
    }
    if (name == "table") return block("table");
    if (name == "tr") return block("tableRow");
    if (name == "td" || name == "th") return block(name == "td" ? "tableCell" : "tableHeader", cell(attributes));
    if (is_one_of(name, table_parts)) return;
    if (is_one_of(name, divisions)) {
      open_.back().does = effect::block;
      return to_.open_division();
    }
    if (name == "br") return to_.line_break();
    if (name == "hr") return to_.rule();
    if (name == "img") return image(attributes);
    if (name == "input") {
      if (value_of(attributes, "type") == "checkbox") to_.check_task(attributes.contains("checked"));
      return;
    }
    inline_element(name, attributes);
  }

  static std::vector<rich_attribute> alignment(const attribute_list& attributes) {
    const auto align = style_of(value_of(attributes, "style"), "text-align");
    if (align != "center" && align != "right" && align != "justify" && align != "left") return {};
    return {{"textAlign", json_string(align)}};
  }

  void item(const attribute_list& attributes) {
    const bool task =
        value_of(attributes, "data-type") == "taskItem" || has_class(value_of(attributes, "class"), "task-list-item");
    if (!task) return block("listItem");
    block("taskItem", {{"checked", value_of(attributes, "data-checked") == "true" ? "true" : "false"}});
  }

  static std::vector<rich_attribute> cell(const attribute_list& attributes) {
    std::vector<rich_attribute> out;
    for (const auto* name : {"colspan", "rowspan"})
      if (const auto span = number(value_of(attributes, name), 1000); span && *span > 0)
        out.push_back({name, std::to_string(*span)});
    const auto width = value_of(attributes, "colwidth");
    if (!width.empty() && width.find_first_not_of("0123456789,") == std::string_view::npos) {
      const std::string json = "[" + std::string(width) + "]";
      if (!crdt::validate_json(json)) out.push_back({"colwidth", json});
    }
    return out;
  }

  void image(const attribute_list& attributes) {
    std::vector<rich_attribute> size;
    for (const auto* name : {"width", "height"}) {
      const auto value = value_of(attributes, name);
      // A share of the room that there is, is no number of pixels.
      if (value.find('%') != std::string_view::npos) continue;
      if (const auto pixels = number(value, 100'000); pixels && *pixels > 0)
        size.push_back({name, std::to_string(*pixels)});
    }
    to_.image(value_of(attributes, "src"), value_of(attributes, "alt"), value_of(attributes, "title"), std::move(size));
  }

  void inline_element(std::string_view name, const attribute_list& attributes) {
    if (to_.in_code()) {
      code_language(attributes);
      return;
    }
    for (const auto& each : html_marks)
      if (each.tag == name) return mark(each.mark);
    const auto style = value_of(attributes, "style");
    if (name == "mark") {
      const auto color = crdt::internal::safe_style_value(value_of(attributes, "data-color"));
      const auto shown = color.empty() ? style_of(style, "background-color") : color;
      return mark("highlight", shown.empty() ? "{}" : "{\"color\":" + json_string(shown) + "}");
    }
    if (name == "a") return link(attributes);
    if (name == "span" && value_of(attributes, "data-type") == "mention") return mention(attributes);
    std::string json;
    const auto member = [&](std::string_view key, std::string_view value) {
      if (value.empty()) return;
      json += json.empty() ? "{\"" : ",\"";
      json += key;
      json += "\":" + json_string(value);
    };
    member("color",
           name == "font" ? crdt::internal::safe_style_value(value_of(attributes, "color")) : style_of(style, "color"));
    member("backgroundColor", style_of(style, "background-color"));
    member("fontFamily", style_of(style, "font-family"));
    member("fontSize", style_of(style, "font-size"));
    if (!json.empty()) mark("textStyle", json + "}");
  }

  void code_language(const attribute_list& attributes) {
    constexpr std::string_view prefix = "language-";
    const auto name =
        find_class(value_of(attributes, "class"), [&](std::string_view each) { return each.starts_with(prefix); });
    if (!name.empty()) to_.set_language(name.substr(prefix.size()));
  }

  void link(const attribute_list& attributes) {
    const auto address = crdt::internal::safe_address(value_of(attributes, "href"), crdt::internal::address_use::link);
    if (address.empty()) return;
    std::string json = "{\"href\":" + json_string(address);
    for (const auto* name : {"target", "rel", "title"})
      if (const auto value = value_of(attributes, name); !value.empty())
        json += ",\"" + std::string(name) + "\":" + json_string(value);
    mark("link", json + "}");
  }

  void mention(const attribute_list& attributes) {
    to_.mention(value_of(attributes, "data-id"), value_of(attributes, "data-label"));
    // Its text is in its attributes.
    ++skipping_;
    open_.back().does = effect::skipped;
  }

  tree_builder& to_;
  std::size_t max_depth_;
  htmlParserCtxtPtr context_ = nullptr;
  std::vector<open_tag> open_;
  std::size_t skipping_ = 0;
  bool fresh_pre_ = false;
};

}  // namespace

void read_html(std::string_view text, std::size_t max_depth, tree_builder& to) {
  if (!text.empty()) html_reader(to, max_depth).run(text);
}

std::string named_character(std::string_view name) {
  const std::string terminated(name);
  const auto* entity = htmlEntityLookup(reinterpret_cast<const xmlChar*>(terminated.c_str()));
  return entity == nullptr ? std::string() : utf8_of(entity->value);
}

std::string utf8_of(std::uint32_t code) {
  if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
    return std::string(crdt::replacement_character);
  std::string out;
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
  return out;
}

crdt::import_result<bytes> html(std::string_view text, const options& options) {
  if (const auto error = crdt::check_import(text, options)) return *error;
  // libxml2 counts in int.
  if (text.size() >= INT32_MAX / 2) return crdt::import_error{crdt::import_errc::too_large};
  const auto full = completed(options);
  tree_builder builder(full);
  read_html(without_nul(text), full.max_depth, builder);
  if (const auto failure = builder.failure()) return crdt::import_error{*failure};
  return crdt::encode_rich_tree(builder.finish(), full);
}

}  // namespace octavo::import
