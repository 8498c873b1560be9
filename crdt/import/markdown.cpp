// Markdown by md4c, which calls back for each block, span and text.
#include <md4c.h>

#include <array>
#include <charconv>

#include "crdt/import/markdown_offsets.hpp"
#include "crdt/import/tree_builder.hpp"
#include "crdt/internal/markup.hpp"
#include "crdt/json.hpp"
#include "crdt/utf8.hpp"

namespace octavo::import {

namespace {

using crdt::json_string;

constexpr std::array markdown_marks = {
    tag_mark{"u", "underline"},     tag_mark{"ins", "underline"},  tag_mark{"sub", "subscript"},
    tag_mark{"sup", "superscript"}, tag_mark{"mark", "highlight"}, tag_mark{"strong", "bold"},
    tag_mark{"b", "bold"},          tag_mark{"em", "italic"},      tag_mark{"i", "italic"},
    tag_mark{"s", "strike"},        tag_mark{"del", "strike"},     tag_mark{"code", "code"},
    tag_mark{"kbd", "code"}};

std::string character_of(std::string_view entity) {
  // &name; &#1; &#x1;
  auto name = entity.substr(1, entity.size() - 2);
  if (!name.starts_with('#')) {
    auto found = named_character(name);
    return found.empty() ? std::string(entity) : found;
  }
  name.remove_prefix(1);
  const bool hexadecimal = name.starts_with('x') || name.starts_with('X');
  if (hexadecimal) name.remove_prefix(1);
  std::uint32_t code = 0;
  const auto read = std::from_chars(name.data(), name.data() + name.size(), code, hexadecimal ? 16 : 10);
  return utf8_of(read.ec == std::errc{} ? code : 0);
}

std::string text_of(const MD_ATTRIBUTE& attribute) {
  std::string out;
  for (std::size_t i = 0; attribute.text != nullptr && attribute.substr_offsets[i] < attribute.size; ++i) {
    const std::string_view part(attribute.text + attribute.substr_offsets[i],
                                attribute.substr_offsets[i + 1] - attribute.substr_offsets[i]);
    switch (attribute.substr_types[i]) {
      case MD_TEXT_ENTITY:
        out += character_of(part);
        break;
      case MD_TEXT_NULLCHAR:
        out += crdt::replacement_character;
        break;
      default:
        out += part;
    }
  }
  return out;
}

class markdown_reader {
 public:
  markdown_reader(tree_builder& to, std::size_t max_depth) : to_(to), max_depth_(max_depth) {}

  // False if the parser could not go on for another reason than what the builder says.
  bool run(std::string_view text) {
    MD_PARSER parser{};
    parser.flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS;
    parser.enter_block = [](MD_BLOCKTYPE type, void* detail, void* self) {
      return static_cast<markdown_reader*>(self)->enter(type, detail);
    };
    parser.leave_block = [](MD_BLOCKTYPE type, void*, void* self) {
      return static_cast<markdown_reader*>(self)->leave(type);
    };
    parser.enter_span = [](MD_SPANTYPE type, void* detail, void* self) {
      return static_cast<markdown_reader*>(self)->enter_span(type, detail);
    };
    parser.leave_span = [](MD_SPANTYPE type, void*, void* self) {
      return static_cast<markdown_reader*>(self)->leave_span(type);
    };
    parser.text = [](MD_TEXTTYPE type, const MD_CHAR* part, MD_SIZE size, void* self) {
      return static_cast<markdown_reader*>(self)->text(type, {part, size});
    };
    return md_parse(text.data(), static_cast<MD_SIZE>(text.size()), &parser, this) == 0 || to_.failure().has_value();
  }

 private:
  struct html_mark {
    std::string tag;
    std::size_t mark;
  };

  int status() const { return to_.failure() ? 1 : 0; }

  int enter(MD_BLOCKTYPE type, void* detail) {
    switch (type) {
      case MD_BLOCK_QUOTE:
        to_.open("blockquote");
        break;
      case MD_BLOCK_UL:
        to_.open("bulletList");
        break;
      case MD_BLOCK_OL:
        to_.open("orderedList", {{"start", std::to_string(static_cast<MD_BLOCK_OL_DETAIL*>(detail)->start)}});
        break;
      case MD_BLOCK_LI: {
        const auto& item = *static_cast<MD_BLOCK_LI_DETAIL*>(detail);
        if (item.is_task != 0) {
          to_.open("taskItem", {{"checked", item.task_mark == ' ' ? "false" : "true"}});
        } else {
          to_.open("listItem");
        }
        break;
      }
      case MD_BLOCK_HR:
        to_.rule();
        break;
      case MD_BLOCK_H:
        to_.open("heading", {{"level", std::to_string(static_cast<MD_BLOCK_H_DETAIL*>(detail)->level)}});
        break;
      case MD_BLOCK_CODE: {
        to_.open("codeBlock");
        const auto language = text_of(static_cast<MD_BLOCK_CODE_DETAIL*>(detail)->lang);
        if (!language.empty()) to_.set_language(language);
        break;
      }
      case MD_BLOCK_HTML:
        html_.clear();
        in_html_ = true;
        break;
      case MD_BLOCK_P:
        to_.open("paragraph");
        break;
      case MD_BLOCK_TABLE:
        to_.open("table");
        break;
      case MD_BLOCK_TR:
        to_.open("tableRow");
        break;
      case MD_BLOCK_TH:
      case MD_BLOCK_TD:
        to_.open(type == MD_BLOCK_TH ? "tableHeader" : "tableCell");
        break;
      default:
        break;
    }
    return status();
  }

  int leave(MD_BLOCKTYPE type) {
    // An element of HTML ends at the latest with the block that it is in.
    for (; !html_marks_.empty(); html_marks_.pop_back()) to_.end_mark(html_marks_.back().mark);
    switch (type) {
      case MD_BLOCK_HTML:
        in_html_ = false;
        read_html(html_, max_depth_, to_);
        break;
      case MD_BLOCK_CODE:
        to_.trim_code();
        to_.close();
        break;
      case MD_BLOCK_DOC:
      case MD_BLOCK_HR:
      case MD_BLOCK_THEAD:
      case MD_BLOCK_TBODY:
        break;
      default:
        to_.close();
    }
    return status();
  }

  int enter_span(MD_SPANTYPE type, void* detail) {
    switch (type) {
      case MD_SPAN_EM:
        return begin("italic");
      case MD_SPAN_STRONG:
        return begin("bold");
      case MD_SPAN_DEL:
        return begin("strike");
      case MD_SPAN_CODE:
        return begin("code");
      case MD_SPAN_A:
        return link(*static_cast<MD_SPAN_A_DETAIL*>(detail));
      case MD_SPAN_IMG: {
        // Images in the text of an image are nothing but more text.
        if (images_++ > 0) return 0;
        const auto& image = *static_cast<MD_SPAN_IMG_DETAIL*>(detail);
        source_ = text_of(image.src);
        title_ = text_of(image.title);
        alt_.clear();
        return 0;
      }
      default:
        return begin({});
    }
  }

  int leave_span(MD_SPANTYPE type) {
    if (type == MD_SPAN_IMG) {
      if (--images_ == 0) to_.image(source_, alt_, title_);
      return status();
    }
    to_.end_mark(spans_.back());
    spans_.pop_back();
    return status();
  }

  int begin(std::string_view mark, std::string_view json = "{}") {
    spans_.push_back(mark.empty() ? SIZE_MAX : to_.begin_mark(mark, json));
    if (spans_.size() > max_depth_) to_.nests_too_deep();
    return status();
  }

  int link(const MD_SPAN_A_DETAIL& detail) {
    const auto address = crdt::internal::safe_address(text_of(detail.href), crdt::internal::address_use::link);
    if (address.empty()) return begin({});
    std::string json = "{\"href\":" + json_string(address);
    if (const auto title = text_of(detail.title); !title.empty()) json += ",\"title\":" + json_string(title);
    return begin("link", json + "}");
  }

  int text(MD_TEXTTYPE type, std::string_view text) {
    if (in_html_) {
      html_ += text;
      return 0;
    }
    switch (type) {
      case MD_TEXT_NULLCHAR:
        return plain(crdt::replacement_character);
      case MD_TEXT_BR:
        if (images_ > 0) return plain(" ");
        to_.line_break();
        return status();
      case MD_TEXT_SOFTBR:
        if (images_ > 0) return plain(" ");
        to_.flowing_text(" ");
        return status();
      case MD_TEXT_ENTITY:
        return plain(character_of(text));
      case MD_TEXT_HTML:
        if (images_ == 0) tag(text);
        return status();
      default:
        return plain(text);
    }
  }

  int plain(std::string_view text) {
    if (images_ > 0) {
      alt_ += text;
    } else {
      to_.text(text);
    }
    return status();
  }

  // A tag within a line. Of those that have attributes only the name counts.
  void tag(std::string_view text) {
    const bool closes = text.starts_with("</");
    text.remove_prefix(closes ? 2 : 1);
    std::string name;
    for (const char c : text) {
      if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))) break;
      name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    if (name == "br") return to_.line_break();
    for (const auto& each : markdown_marks) {
      if (each.tag != name) continue;
      if (!closes) {
        if (html_marks_.size() > max_depth_) return to_.nests_too_deep();
        html_marks_.push_back({name, to_.begin_mark(each.mark)});
        return;
      }
      for (auto at = html_marks_.rbegin(); at != html_marks_.rend(); ++at) {
        if (at->tag != name) continue;
        to_.end_mark(at->mark);
        html_marks_.erase(std::next(at).base());
        return;
      }
    }
  }

  tree_builder& to_;
  std::size_t max_depth_;
  std::vector<std::size_t> spans_;
  std::vector<html_mark> html_marks_;
  bool in_html_ = false;
  std::string html_;
  int images_ = 0;  // that are open, one in the text of another
  std::string source_, title_, alt_;
};

}  // namespace

crdt::import_result<bytes> markdown(std::string_view text, const options& options) {
  if (const auto error = crdt::check_import(text, options)) return *error;
  if (text.size() >= INT32_MAX / 2) return crdt::import_error{crdt::import_errc::too_large};
  const auto full = completed(options);
  tree_builder builder(full);
  auto source = without_nul(text);
  source.insert(0, line_feeds_in_front(source), '\n');
  const bool parsed = markdown_reader(builder, full.max_depth).run(source);
  if (const auto failure = builder.failure()) return crdt::import_error{*failure};
  // md4c fails for want of memory only.
  if (!parsed) throw std::bad_alloc();
  return crdt::encode_rich_tree(builder.finish(), full);
}

}  // namespace octavo::import
