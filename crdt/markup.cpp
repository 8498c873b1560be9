#include "crdt/internal/markup.hpp"

#include <algorithm>
#include <array>

#include "crdt/utf8.hpp"

namespace octavo::crdt::internal {

namespace {

template <std::size_t Size>
bool is_one_of(std::string_view name, const std::array<std::string_view, Size>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

void append_html_text(std::string_view text, std::string& out) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\r':
        out += "&#13;";
        break;
      case '\0':
        out += replacement_character;
        break;
      default:
        out += c;
    }
  }
}

void append_html_attribute(std::string_view name, std::string_view value, std::string& out) {
  out += ' ';
  out += name;
  out += "=\"";
  append_html_text(value, out);
  out += '"';
}

std::string safe_address(std::string_view address, address_use use) {
  static constexpr std::array<std::string_view, 7> links = {"http", "https", "mailto", "tel", "sms", "ftp", "xmpp"};
  static constexpr std::array<std::string_view, 2> images = {"http", "https"};
  static constexpr std::array<std::string_view, 6> pictures = {"image/png",  "image/jpeg", "image/gif",
                                                               "image/webp", "image/avif", "image/svg+xml"};
  // Browsers skip spaces and controls in front, and tabs and line breaks anywhere.
  std::string clean;
  for (const char c : address) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || code == 0x7F || (clean.empty() && c == ' ')) continue;
    clean += c;
  }
  while (!clean.empty() && clean.back() == ' ') clean.pop_back();
  std::string scheme;
  std::size_t at = 0;
  for (; at < clean.size() && (is_ascii_letter(clean[at]) || is_digit(clean[at]) || clean[at] == '+' ||
                               clean[at] == '-' || clean[at] == '.');
       ++at)
    scheme += lower(clean[at]);
  if (at < clean.size() && clean[at] == ':') {
    const bool known = use == address_use::link ? is_one_of(scheme, links) : is_one_of(scheme, images);
    if (known) return clean;
    if (use != address_use::image || scheme != "data") return {};
    std::string kind;
    for (++at; at < clean.size() && clean[at] != ';' && clean[at] != ','; ++at) kind += lower(clean[at]);
    return is_one_of(kind, pictures) ? clean : std::string();
  }
  // No scheme: relative. A colon before the first of these would make one that we did not see as such.
  const auto stop = clean.find_first_of("/?#");
  if (clean.substr(0, stop).find(':') != std::string::npos) return {};
  return clean;
}

std::string_view safe_style_value(std::string_view value) {
  static constexpr std::array<std::string_view, 9> functions = {"rgb", "rgba", "hsl",   "hsla", "lab",
                                                                "lch", "var",  "oklab", "oklch"};
  if (value.size() > 200) return {};
  std::string word;
  for (const char c : value) {
    if (is_ascii_letter(c) || is_digit(c) || c == '-') {
      word += lower(c);
    } else {
      if (c == '(' && !is_one_of(word, functions)) return {};
      if (std::string_view(" #(),.%'\"").find(c) == std::string_view::npos) return {};
      word.clear();
    }
  }
  if (std::count(value.begin(), value.end(), '"') % 2 != 0 || std::count(value.begin(), value.end(), '\'') % 2 != 0)
    return {};
  return value;
}

bool is_text_block(std::string_view name) {
  static constexpr std::array<std::string_view, 3> names = {"paragraph", "heading", "detailsSummary"};
  return is_one_of(name, names);
}

bool is_inline_element(const rich_tree& tree, std::uint32_t node) {
  static constexpr std::array<std::string_view, 3> names = {"hardBreak", "mention", "formula"};
  return tree.at(node).kind != rich_kind::element || is_one_of(tree.at(node).content, names);
}

std::string mention_text(const rich_tree& tree, std::uint32_t node) {
  for (const auto* name : {"label", "user", "name", "id"})
    if (auto text = tree.text_of(node, name); text && !text->empty()) return "@" + *text;
  return "@";
}

int mark_rank(std::string_view name) {
  static constexpr std::array<std::string_view, 9> order = {
      "link", "textStyle", "highlight", "bold", "italic", "underline", "strike", "superscript", "subscript"};
  const auto* at = std::find(order.begin(), order.end(), name);
  if (at != order.end()) return static_cast<int>(at - order.begin());
  return name == "code" ? 100 : 50;
}

bool is_medium(std::string_view name) {
  static constexpr std::array<std::string_view, 5> names = {"video", "audio", "file", "youtube", "iframe"};
  return is_one_of(name, names);
}

std::string medium_address(const rich_tree& tree, std::uint32_t node) {
  for (const auto* name : {"src", "url", "href"})
    if (const auto text = tree.text_of(node, name)) return safe_address(*text, address_use::link);
  return {};
}

std::string medium_text(const rich_tree& tree, std::uint32_t node) {
  for (const auto* name : {"caption", "name", "title"})
    if (auto text = tree.text_of(node, name); text && !text->empty()) return *text;
  const auto address = medium_address(tree, node);
  return address.empty() ? tree.at(node).content : address;
}

}  // namespace octavo::crdt::internal
