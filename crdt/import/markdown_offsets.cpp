#include "crdt/import/markdown_offsets.hpp"

#include <md4c.h>

#include <algorithm>
#include <array>

#include "crdt/utf8.hpp"

namespace octavo::import {

namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

// Reads a line's marks: of quotes, items, tasks and headings, each with the space behind it.
class line_marks {
 public:
  explicit line_marks(std::string_view line) : line_(line) { skip(" \t"); }

  std::size_t at() const { return at_; }
  bool is_at_end() const { return at_ == line_.size(); }

  bool take_quote() { return next() == '>' && take_until(at_ + 1); }

  bool take_item() {
    auto end = at_;
    while (end < line_.size() && crdt::is_digit(line_[end])) ++end;
    const std::string_view marks = end == at_ ? "-+*" : ".)";
    return end < line_.size() && marks.find(line_[end]) != marks.npos && is_mark_until(end + 1) && take_until(end + 1);
  }

  bool take_task() {
    const auto mark = line_.substr(at_, 3);
    return mark.size() == 3 && mark.front() == '[' && mark.back() == ']' && is_mark_until(at_ + 3) &&
           take_until(at_ + 3);
  }

  bool take_heading() {
    const auto end = std::min(line_.find_first_not_of('#', at_), line_.size());
    if (end == at_ || !is_mark_until(end)) return false;
    // Of a tab md4c thinks that it is text.
    return take_until(end, " ");
  }

 private:
  char next() const { return is_at_end() ? '\0' : line_[at_]; }
  bool is_mark_until(std::size_t end) const { return end == line_.size() || is_blank(line_[end]); }
  void skip(std::string_view space) { at_ = std::min(line_.find_first_not_of(space, at_), line_.size()); }
  bool take_until(std::size_t end, std::string_view space = " \t") {
    at_ = end;
    skip(space);
    return true;
  }

  std::string_view line_;
  std::size_t at_ = 0;
};

// Calls with each place where the text of a line may begin, in order: behind each of its marks; and whether the text
// is a heading's.
template <class Visit>
void for_each_beginning(std::string_view line, Visit visit) {
  line_marks marks(line);
  visit(marks.at(), false);
  while (marks.take_item() || marks.take_quote()) visit(marks.at(), false);
  if (marks.take_task()) visit(marks.at(), false);
  if (marks.take_heading()) visit(marks.at(), true);
}

// Where in a line nothing but this character and spaces follows.
std::size_t row_begin(char c, std::string_view line) {
  const std::array pattern = {c, ' ', '\t'};
  return line.find_last_not_of({pattern.data(), pattern.size()}) + 1;
}

// Counts, for each low byte, the lines that may be taken for an item, in time linear in the text. They are more than
// md4c asks about; not among them is what stands before a paragraph of nothing but link definitions, nor a line of text
// that is ">" alone.
class offset_counter {
 public:
  using counts = std::array<std::size_t, 256>;

  counts run(std::string_view text) {
    std::size_t begin = 0;
    while (begin < text.size()) {
      const auto end = std::min(text.find_first_of("\r\n", begin), text.size());
      line({text.substr(begin, end - begin), begin});
      begin = end + (text.substr(end).starts_with("\r\n") ? 2 : 1);
    }
    return counts_;
  }

 private:
  struct placed_line {
    std::string_view text;
    std::size_t begin = 0;
  };

  void line(placed_line now) {
    line_marks marks(now.text);
    while (marks.take_quote()) continue;
    const bool is_indented = !now.text.empty() && (is_blank(now.text.front()) || now.text.front() == '>');
    if (marks.is_at_end()) {
      // It may be a quote that is empty so far.
      if (now.text.find('>') != std::string_view::npos) keep_found();
      blank();
    } else {
      // What follows the blank lines can be taken out of a list only if it is in one.
      if (is_indented) keep_found();
      if (blanks_ > 0) found_ = {};
      in_list_ = marks.take_item() || (in_list_ && (is_indented || blanks_ == 0));
      blanks_ = 0;
      before_ = newest_;
      last_ = now;
    }
    newest_ = now;
  }

  // A block of one line, or one that a line of its own ends, is complete at the first blank line; others at the second.
  void blank() {
    if (!in_list_ || ++blanks_ > 2) return;
    if (blanks_ == 1) {
      find_ended();
      return;
    }
    find_beginnings(last_);
    find_end(last_);
    // Of HTML md4c leaves spaces at the end away.
    find_end({last_.text.substr(0, last_.text.find_last_not_of(' ') + 1), last_.begin});
  }

  void keep_found() {
    if (blanks_ == 0) return;
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += found_[i];
    found_ = {};
  }

  void find_ended() {
    const auto& line = last_.text;
    const auto equals = row_begin('=', line), dashes = row_begin('-', line);
    const auto stars = row_begin('*', line), underscores = row_begin('_', line);
    bool is_underline = false;
    bool is_fence = false;
    for_each_beginning(line, [&](std::size_t at, bool is_heading) {
      const auto rest = line.substr(at);
      const auto is_row = [&](char c, std::size_t begin) { return rest.starts_with(c) && at >= begin; };
      const bool may_underline = is_row('=', equals) || is_row('-', dashes);
      is_underline = is_underline || may_underline;
      is_fence = is_fence || rest.starts_with("```") || rest.starts_with("~~~");
      if (is_heading || may_underline || is_row('*', stars) || is_row('_', underscores)) find(last_.begin + at);
    });
    if (is_underline) find_beginnings(before_);
    // What md4c keeps last of a line of code is its end.
    if (is_fence) find_end(before_);
  }

  void find_beginnings(placed_line line) {
    for_each_beginning(line.text, [&](std::size_t at, bool) { find(line.begin + at); });
  }

  void find_end(placed_line line) { find(line.begin + line.text.size()); }

  void find(std::size_t offset) { ++found_[offset % found_.size()]; }

  counts counts_{};
  counts found_{};      ///< since the last line that is not blank
  placed_line newest_;  ///< blank or not
  placed_line last_;    ///< that is not blank
  placed_line before_;  ///< the one before that
  int blanks_ = 0;
  bool in_list_ = false;
};

}  // namespace

std::size_t line_feeds_in_front(std::string_view text) {
  const auto counts = offset_counter().run(text);
  std::size_t best = 0;
  const auto misread = [&](std::size_t shift) { return counts[(MD_BLOCK_LI + 256 - shift) % 256]; };
  for (std::size_t shift = 1; shift < 256 && misread(best) > 0; ++shift)
    if (misread(shift) < misread(best)) best = shift;
  return best;
}

}  // namespace octavo::import
