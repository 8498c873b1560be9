#include "crdt/internal/markdown_inline.hpp"

#include <algorithm>
#include <array>

#include "crdt/internal/markup.hpp"
#include "crdt/utf8.hpp"

namespace octavo::crdt::internal {

namespace {

// What CommonMark's rules for delimiters see in a character. What lies beside a delimiter must be known; of a character
// that may be a letter or punctuation (`either`) the rules must hold both ways.
enum class char_class : std::uint8_t { space, punctuation, letter, either };

struct code_range {
  std::uint32_t from, to;
};

bool in_ranges(std::uint32_t code, const code_range* begin, const code_range* end) {
  return std::any_of(begin, end, [code](const code_range& each) { return code >= each.from && code <= each.to; });
}

char_class class_of(std::uint32_t code) {
  static constexpr std::array<code_range, 7> spaces = {{{0xA0, 0xA0},
                                                        {0x1680, 0x1680},
                                                        {0x2000, 0x200A},
                                                        {0x2028, 0x2029},
                                                        {0x202F, 0x202F},
                                                        {0x205F, 0x205F},
                                                        {0x3000, 0x3000}}};
  // Scripts whose letters everybody agrees on; not complete, and need not be.
  static constexpr std::array<code_range, 14> letters = {{{0xC0, 0xD6},
                                                          {0xD8, 0xF6},
                                                          {0xF8, 0x2AF},
                                                          {0x386, 0x386},
                                                          {0x388, 0x3CE},
                                                          {0x400, 0x481},
                                                          {0x48A, 0x527},
                                                          {0x5D0, 0x5EA},
                                                          {0x620, 0x64A},
                                                          {0x904, 0x939},
                                                          {0x3041, 0x3096},
                                                          {0x30A1, 0x30FA},
                                                          {0x4E00, 0x9FA5},
                                                          {0xAC00, 0xD7A3}}};
  if (code < 0x80) {
    const char c = static_cast<char>(code);
    if (code <= 0x20)
      return code == 9 || code == 10 || code == 12 || code == 13 || code == 32 ? char_class::space : char_class::either;
    return is_ascii_letter(c) || is_digit(c) ? char_class::letter : char_class::punctuation;
  }
  if (in_ranges(code, spaces.data(), spaces.data() + spaces.size())) return char_class::space;
  if (in_ranges(code, letters.data(), letters.data() + letters.size())) return char_class::letter;
  return char_class::either;
}

std::uint32_t code_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
  const auto first = byte(at);
  if (first < 0x80) return first;
  if (first < 0xE0) return (first & 0x1F) << 6 | (byte(at + 1) & 0x3F);
  if (first < 0xF0) return (first & 0x0F) << 12 | (byte(at + 1) & 0x3F) << 6 | (byte(at + 2) & 0x3F);
  return (first & 0x07) << 18 | (byte(at + 1) & 0x3F) << 12 | (byte(at + 2) & 0x3F) << 6 | (byte(at + 3) & 0x3F);
}

char_class first_class(std::string_view text) {
  return class_of(code_at(text, 0));
}

char_class last_class(std::string_view text) {
  std::size_t at = text.size() - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return class_of(code_at(text, at));
}

bool may_be_punctuation(char_class of) {
  return of == char_class::punctuation || of == char_class::either;
}
bool surely_no_letter(char_class of) {
  return of == char_class::space || of == char_class::punctuation;
}

// Whether a run of delimiters between two characters is sure to be left-flanking; right-flanking with the two swapped.
bool flanks(char_class outside, char_class inside) {
  return inside != char_class::space && (!may_be_punctuation(inside) || surely_no_letter(outside));
}
bool may_flank(char_class outside, char_class inside) {
  return inside != char_class::space &&
         (inside == char_class::letter || inside == char_class::either || outside != char_class::letter);
}

enum class token_kind : std::uint8_t { text, raw, line_break, open, close };

struct token {
  token_kind kind = token_kind::text;
  std::string text;         // of text: not escaped yet
  std::uint32_t mark = 0;   // of open and close
  std::size_t partner = 0;  // of open and close: the other one
  bool delimiters = false;  // of open and close: written as Markdown's, not as HTML
};

// How a mark is written.
struct mark_form {
  std::string_view name, delimiter, tag;
};
constexpr std::array mark_forms = {mark_form{"bold", "**", "strong"},   mark_form{"italic", "_", "em"},
                                   mark_form{"strike", "~~", "del"},    mark_form{"underline", "", "u"},
                                   mark_form{"superscript", "", "sup"}, mark_form{"subscript", "", "sub"},
                                   mark_form{"highlight", "", "mark"}};

const mark_form* form_of(std::string_view name) {
  for (const auto& each : mark_forms)
    if (each.name == name) return &each;
  return nullptr;
}

void append_code_point_reference(char c, std::string& out) {
  out += "&#" + std::to_string(static_cast<unsigned char>(c)) + ";";
}

// Escapes what has a meaning within the brackets of an address or a title.
void append_escaped(std::string_view text, std::string_view specials, std::string& out) {
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (code == 0) {
      out += replacement_character;
    } else if (code < 0x20) {
      append_code_point_reference(c, out);
    } else {
      if (specials.find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
}

std::string destination(std::string_view address, std::string_view title) {
  std::string out = "(";
  const bool bracketed = address.empty() || address.find(' ') != std::string_view::npos;
  if (bracketed) out += '<';
  append_escaped(address, "\\()<>`&[]|*_", out);
  if (bracketed) out += '>';
  if (!title.empty()) {
    out += " \"";
    append_escaped(title, "\\\"`&<>[]|*_", out);
    out += '"';
  }
  out += ')';
  return out;
}

class inline_writer {
 public:
  inline_writer(const rich_tree& tree, markdown_place place) : tree_(tree), place_(place) {}

  std::string run(std::uint32_t first, std::uint32_t end) {
    for (auto node = first; node != end && node != no_node; node = tree_.at(node).next) subtree(node);
    close_marks(0);
    choose_forms();
    write();
    return std::move(out_);
  }

 private:
  // --- from nodes to tokens

  void subtree(std::uint32_t top) {
    bool over = false;
    for (auto node = top; node != no_node; node = tree_.following(node, top, over)) over = !piece(node);
  }

  // Returns whether to go on with the children.
  bool piece(std::uint32_t node) {
    const rich_node& each = tree_.at(node);
    if (each.kind == rich_kind::text) {
      text(each.content, each.marks);
      return false;
    }
    if (each.kind == rich_kind::embed) {
      std::string raw = "<span";
      append_html_attribute("data-embed", each.content, raw);
      add_raw(raw + "></span>", each.marks);
      return false;
    }
    const std::string_view name = each.content;
    if (name == "hardBreak") {
      line_break(each.marks);
    } else if (name == "image") {
      add_raw(image(node), each.marks);
    } else if (name == "mention" && each.first_child == no_node) {
      text(mention_text(tree_, node), each.marks);
    } else if (name == "formula") {
      add_raw("<span data-type=\"formula\">", each.marks);
      text(tree_.text_of(node, "latex").value_or(""), each.marks);
      add_raw("</span>", each.marks);
    } else if (is_medium(name)) {
      const auto address = medium_address(tree_, node);
      if (!address.empty()) add_raw("[", each.marks);
      text(medium_text(tree_, node), each.marks);
      if (!address.empty()) add_raw("]" + destination(address, {}), each.marks);
    } else if (is_text_block(name) || name == "codeBlock" || name == "horizontalRule") {
      // A block where there can be none: on a line of its own.
      close_marks(0);
      if (!tokens_.empty() && tokens_.back().kind != token_kind::line_break) line_break({});
    }
    return true;
  }

  std::string image(std::uint32_t node) const {
    const auto address = safe_address(tree_.text_of(node, "src").value_or(""), address_use::image);
    std::string raw = "![";
    append_escaped(tree_.text_of(node, "alt").value_or(""), "\\`*_[]<>&|~", raw);
    return raw + "]" + destination(address, tree_.text_of(node, "title").value_or(""));
  }

  void text(std::string_view text, const std::vector<std::uint32_t>& marks) {
    if (text.empty()) return;
    const bool code =
        std::any_of(marks.begin(), marks.end(), [&](auto each) { return tree_.mark(each).name == "code"; });
    set_marks(marks);
    if (code && code_span(text)) return;
    if (code) tokens_.push_back({token_kind::raw, "<code>"});
    if (!code && !tokens_.empty() && tokens_.back().kind == token_kind::text) {
      tokens_.back().text += text;
    } else {
      tokens_.push_back({token_kind::text, std::string(text)});
    }
    if (code) tokens_.push_back({token_kind::raw, "</code>"});
  }

  // Two spans of code with nothing between would read as one: they become one. What a span cannot hold has to be HTML.
  bool code_span(std::string_view text) {
    if (text.find_first_of(std::string_view("\n\r\0", 3)) != std::string_view::npos) return false;
    // Parsers do not agree on how a bar is escaped in there.
    if (place_ == markdown_place::cell && text.find_first_of("\\|") != std::string_view::npos) return false;
    if (!tokens_.empty() && tokens_.size() == code_end_) {
      code_ += text;
      tokens_.back().text = code_text();
      return true;
    }
    code_ = text;
    tokens_.push_back({token_kind::raw, code_text()});
    code_end_ = tokens_.size();
    return true;
  }

  std::string code_text() const {
    const std::string fence(longest_run(code_, '`') + 1, '`');
    const bool blank = code_.find_first_not_of(' ') == std::string::npos;
    const bool pad =
        code_.front() == '`' || code_.back() == '`' || (!blank && code_.front() == ' ' && code_.back() == ' ');
    return fence + (pad ? " " : "") + code_ + (pad ? " " : "") + fence;
  }

  void add_raw(std::string raw, const std::vector<std::uint32_t>& marks) {
    set_marks(marks);
    tokens_.push_back({token_kind::raw, std::move(raw)});
  }

  void line_break(const std::vector<std::uint32_t>& marks) {
    set_marks(marks);
    tokens_.push_back({token_kind::line_break, {}});
  }

  // --- marks

  bool has_form(const rich_mark& mark) const {
    return mark.name == "link" ? !address_of(mark).empty() : form_of(mark.name) != nullptr;
  }

  static std::string address_of(const rich_mark& mark) {
    return safe_address(json_to_text(json_member(mark.json, "href")).value_or(""), address_use::link);
  }

  void set_marks(const std::vector<std::uint32_t>& marks) {
    std::vector<std::uint32_t> wanted;
    for (const auto each : marks) {
      if (!has_form(tree_.mark(each))) continue;
      const bool again = std::any_of(wanted.begin(), wanted.end(),
                                     [&](auto known) { return tree_.mark(known).name == tree_.mark(each).name; });
      if (!again) wanted.push_back(each);
    }
    std::stable_sort(wanted.begin(), wanted.end(), [&](std::uint32_t a, std::uint32_t b) {
      return mark_rank(tree_.mark(a).name) < mark_rank(tree_.mark(b).name);
    });
    std::size_t same = 0;
    while (same < wanted.size() && same < open_.size() && looks_same(tokens_[open_[same]].mark, wanted[same])) ++same;
    close_marks(same);
    for (; same < wanted.size(); ++same) {
      open_.push_back(tokens_.size());
      tokens_.push_back({token_kind::open, {}, wanted[same]});
    }
  }

  // Of all marks but links only the name is written.
  bool looks_same(std::uint32_t left, std::uint32_t right) const {
    return left == right || (tree_.mark(left).name == tree_.mark(right).name && tree_.mark(left).name != "link");
  }

  void close_marks(std::size_t down_to) {
    while (open_.size() > down_to) {
      const auto at = open_.back();
      open_.pop_back();
      tokens_[at].partner = tokens_.size();
      tokens_.push_back({token_kind::close, {}, tokens_[at].mark, at});
    }
  }

  // --- from tokens to text

  // The class of the character that a token shows to its left or right neighbour. Delimiters, tags and brackets all are
  // punctuation, whichever of them it will be.
  char_class class_of_token(std::size_t at, bool first) const {
    if (at >= tokens_.size()) return char_class::space;
    const token& each = tokens_[at];
    if (each.kind == token_kind::text) return first ? first_class(each.text) : last_class(each.text);
    return each.kind == token_kind::line_break ? char_class::space : char_class::punctuation;
  }

  void choose_forms() {
    for (std::size_t at = 0; at < tokens_.size(); ++at) {
      token& open = tokens_[at];
      if (open.kind != token_kind::open) continue;
      const auto* form = form_of(tree_.mark(open.mark).name);
      if (form == nullptr || form->delimiter.empty()) continue;
      const auto end = open.partner;
      const auto before = at == 0 ? char_class::space : class_of_token(at - 1, false);
      const auto first = class_of_token(at + 1, true);
      const auto last = class_of_token(end - 1, false);
      const auto after = class_of_token(end + 1, true);
      bool fits = flanks(before, first) && flanks(after, last);
      // Underscores within a word are none.
      if (form->delimiter == "_")
        fits = fits && (!may_flank(first, before) || before == char_class::punctuation) &&
               (!may_flank(last, after) || after == char_class::punctuation);
      open.delimiters = tokens_[end].delimiters = fits;
    }
  }

  bool at_line_start() const { return out_.empty() || out_.back() == '\n'; }

  void write() {
    for (std::size_t at = 0; at < tokens_.size(); ++at) {
      const token& each = tokens_[at];
      switch (each.kind) {
        case token_kind::text: {
          const bool ends_line = at + 1 == tokens_.size() || tokens_[at + 1].kind == token_kind::line_break;
          write_text(each.text, ends_line, at + 1 < tokens_.size() && tokens_[at + 1].kind != token_kind::line_break);
          break;
        }
        case token_kind::raw:
          out_ += each.text;
          break;
        case token_kind::line_break:
          // At either end of a paragraph a backslash would be one.
          if (place_ == markdown_place::paragraph && !at_line_start() && at + 1 < tokens_.size()) {
            out_ += "\\\n";
          } else {
            out_ += "<br>";
          }
          break;
        case token_kind::open:
          write_open(each);
          break;
        case token_kind::close:
          write_close(each);
          break;
      }
    }
  }

  void write_open(const token& each) {
    const rich_mark& mark = tree_.mark(each.mark);
    if (mark.name == "link") {
      out_ += '[';
      return;
    }
    const auto* form = form_of(mark.name);
    if (each.delimiters) {
      out_ += form->delimiter;
    } else {
      out_ += "<" + std::string(form->tag) + ">";
    }
  }

  void write_close(const token& each) {
    const rich_mark& mark = tree_.mark(each.mark);
    if (mark.name == "link") {
      out_ += "]";
      out_ += destination(address_of(mark), json_to_text(json_member(mark.json, "title")).value_or(""));
      return;
    }
    const auto* form = form_of(mark.name);
    if (each.delimiters) {
      out_ += form->delimiter;
    } else {
      out_ += "</" + std::string(form->tag) + ">";
    }
  }

  // What would be markup anywhere is escaped everywhere, what is markup at the start of a line only there. Spaces at
  // the ends of lines would be lost.
  void write_text(std::string_view text, bool ends_line, bool followed) {
    std::size_t number_end = 0;
    if (at_line_start()) {
      while (number_end < text.size() && is_digit(text[number_end])) ++number_end;
    }
    for (std::size_t at = 0; at < text.size(); ++at) {
      const char c = text[at];
      const auto code = static_cast<unsigned char>(c);
      const bool first = at_line_start();
      const bool last = ends_line && at + 1 == text.size();
      if (code == 0) {
        out_ += replacement_character;
      } else if (c == ' ' ? first || last : code < 0x20 || code == 0x7F) {
        append_code_point_reference(c, out_);
      } else {
        const bool starts = first && std::string_view("+-=:").find(c) != std::string_view::npos;
        const bool numbers = number_end > 0 && at == number_end && (c == '.' || c == ')');
        const bool joins = c == '!' && at + 1 == text.size() && followed;
        if (starts || numbers || joins || std::string_view("\\`*_[]<>#~|&$").find(c) != std::string_view::npos)
          out_ += '\\';
        out_ += c;
      }
    }
  }

  const rich_tree& tree_;
  markdown_place place_;
  std::vector<token> tokens_;
  std::vector<std::size_t> open_;  // tokens that are open, from the outside in
  std::string code_;               // the span of code that was written last, and where it ends
  std::size_t code_end_ = SIZE_MAX;
  std::string out_;
};

}  // namespace

std::size_t longest_run(std::string_view text, char of) {
  std::size_t longest = 0;
  std::size_t run = 0;
  for (const char c : text) {
    run = c == of ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return longest;
}

std::string markdown_info(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == '`') break;
    if (std::string_view("\\&<>*_[]~").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string markdown_inline(const rich_tree& tree, std::uint32_t first, std::uint32_t end, markdown_place place) {
  return inline_writer(tree, place).run(first, end);
}

}  // namespace octavo::crdt::internal
