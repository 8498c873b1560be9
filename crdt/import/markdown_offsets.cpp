#include "crdt/import/markdown_offsets.hpp"

#include <md4c.h>

#include <algorithm>
#include <array>

namespace octavo::import {

namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Reads a line's marks: of quotes, items, tasks and headings, each with the space behind it.
class line_marks {
 public:
  explicit line_marks(std::string_view line) : line_(line) {
    skip([](char c) { return is_blank(c) || c == '>'; });
  }

  std::size_t at() const { return at_; }
  char next() const { return at_ < line_.size() ? line_[at_] : '\0'; }

  bool take_item() {
    auto end = at_;
    if (next() == '-' || next() == '+' || next() == '*') {
      ++end;
    } else {
      while (end < line_.size() && is_digit(line_[end])) ++end;
      if (end == at_ || end == line_.size() || (line_[end] != '.' && line_[end] != ')')) return false;
      ++end;
    }
    return take_until(end);
  }

  bool take_task() {
    const auto mark = line_.substr(at_, 3);
    return mark.size() == 3 && mark.front() == '[' && mark.back() == ']' && take_until(at_ + 3);
  }

  bool take_heading() {
    auto end = line_.find_first_not_of('#', at_);
    if (end == std::string_view::npos) end = line_.size();
    return end > at_ && take_until(end);
  }

 private:
  template <class Predicate>
  void skip(Predicate is_skipped) {
    while (at_ < line_.size() && is_skipped(line_[at_])) ++at_;
  }

  // A mark ends where space or the line's end follows.
  bool take_until(std::size_t end) {
    if (end < line_.size() && !is_blank(line_[end])) return false;
    at_ = end;
    skip(is_blank);
    return true;
  }

  std::string_view line_;
  std::size_t at_ = 0;
};

// Whether a line has but this character and spaces: a rule, or what underlines a heading.
bool is_row_of(char c, std::string_view line) {
  const std::array pattern = {c, ' ', '\t'};
  return line.starts_with(c) && line.find_first_not_of({pattern.data(), pattern.size()}) == line.npos;
}

// Counts, for each low byte, the lines that may be taken for an item. They are more than md4c would ask about.
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
    if (line_marks(now.text).next() == '\0') {
      blank();
    } else {
      const bool is_indented = is_blank(now.text.front()) || now.text.front() == '>';
      in_list_ = line_marks(now.text).take_item() || (in_list_ && (is_indented || blanks_ == 0));
      blanks_ = 0;
      before_ = newest_;
      last_ = now;
    }
    newest_ = now;
  }

  // A block of one line, or one that a line of its own ends, is complete at the first blank line; others at the second.
  void blank() {
    if (!in_list_ || ++blanks_ > 2) return;
    if (blanks_ == 2) {
      count_beginnings(last_, [](std::string_view) { return true; });
      count_end(last_);
      return;
    }
    count_beginnings(last_, [&](std::string_view rest) {
      const bool is_underline = is_row_of('=', rest) || is_row_of('-', rest);
      if (is_underline) count_beginnings(before_, [](std::string_view) { return true; });
      // What md4c keeps last of a line of code is its end.
      if (rest.starts_with("```") || rest.starts_with("~~~")) count_end(before_);
      return is_underline || is_row_of('_', rest) || is_row_of('*', rest) || rest.starts_with('#');
    });
  }

  // Where the text of a line may begin: behind each of its marks, as far as it is asked for.
  template <class Predicate>
  void count_beginnings(placed_line line, Predicate is_asked) {
    line_marks marks(line.text);
    const auto count = [&] {
      if (is_asked(line.text.substr(marks.at()))) ++counts_[(line.begin + marks.at()) % 256];
    };
    count();
    while (marks.take_item()) count();
    if (marks.take_task()) count();
    if (marks.take_heading()) ++counts_[(line.begin + marks.at()) % 256];
  }

  void count_end(placed_line line) { ++counts_[(line.begin + line.text.size()) % 256]; }

  counts counts_{};
  placed_line newest_;  // blank or not
  placed_line last_;    // that is not blank
  placed_line before_;  // the one before that
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
