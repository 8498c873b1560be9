#include "crdt/json.hpp"

#include <bitset>
#include <charconv>
#include <cmath>
#include <vector>

#include "crdt/utf8.hpp"

namespace octavo::crdt {

namespace {

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Remembers for each open bracket whether it is an object's; small depths stay on the machine's stack.
class bracket_stack {
 public:
  std::size_t size() const { return size_; }
  void push(bool object) {
    if (size_ < inline_depth) {
      few_[size_] = object;
    } else {
      many_.push_back(object);
    }
    ++size_;
  }
  bool top_is_object() const { return size_ <= inline_depth ? few_[size_ - 1] : many_.back(); }
  void pop() {
    if (size_ > inline_depth) many_.pop_back();
    --size_;
  }

 private:
  static constexpr std::size_t inline_depth = default_max_depth;
  std::bitset<inline_depth> few_;
  std::vector<bool> many_;
  std::size_t size_ = 0;
};

class json_checker {
 public:
  json_checker(std::string_view text, std::size_t& values, std::size_t max_depth)
      : text_(text), values_(values), max_depth_(max_depth) {}

  std::optional<decode_error> run() {
    for (;;) {
      skip_space();
      // Where a value must start; brackets go back to this place.
      if (at_ >= text_.size()) return bad();
      ++values_;
      const char c = text_[at_];
      bool complete = true;
      if (c == '{' || c == '[') {
        if (open_.size() >= max_depth_) return decode_error{decode_errc::too_deep, at_};
        open_.push(c == '{');
        ++at_;
        skip_space();
        if (at_ < text_.size() && text_[at_] == (c == '{' ? '}' : ']')) {
          ++at_;
          open_.pop();
        } else {
          if (c == '{' && !key()) return bad();
          complete = false;
        }
      } else if (c == '"') {
        if (!string()) return bad();
      } else if (c == 't') {
        if (!word("true")) return bad();
      } else if (c == 'f') {
        if (!word("false")) return bad();
      } else if (c == 'n') {
        if (!word("null")) return bad();
      } else if (!number()) {
        return bad();
      }
      if (!complete) continue;
      // After a value: a comma leads to the next one, brackets close as many levels as there are.
      for (;;) {
        skip_space();
        if (open_.size() == 0) return at_ == text_.size() ? std::nullopt : bad();
        if (at_ >= text_.size()) return bad();
        const bool object = open_.top_is_object();
        if (text_[at_] == ',') {
          ++at_;
          if (object) {
            skip_space();
            if (!key()) return bad();
          }
          break;
        }
        if (text_[at_] != (object ? '}' : ']')) return bad();
        ++at_;
        open_.pop();
      }
    }
  }

 private:
  std::optional<decode_error> bad() const { return decode_error{decode_errc::bad_json, at_}; }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
      ++at_;
  }

  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }

  bool key() {
    if (at_ >= text_.size() || text_[at_] != '"' || !string()) return false;
    skip_space();
    if (at_ >= text_.size() || text_[at_] != ':') return false;
    ++at_;
    return true;
  }

  bool string() {
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        ++at_;
        continue;
      }
      if (++at_ >= text_.size()) return false;
      const char escaped = text_[at_];
      if (escaped == 'u') {
        if (text_.size() - at_ < 5) return false;
        for (int i = 1; i <= 4; ++i)
          if (hex_value(text_[at_ + static_cast<std::size_t>(i)]) < 0) return false;
        at_ += 5;
      } else if (std::string_view("\"\\/bfnrt").find(escaped) != std::string_view::npos) {
        ++at_;
      } else {
        return false;
      }
    }
    return false;
  }

  bool digits() {
    if (at_ >= text_.size() || !is_digit(text_[at_])) return false;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return true;
  }

  bool number() {
    if (text_[at_] == '-') ++at_;
    if (at_ < text_.size() && text_[at_] == '0') {
      ++at_;
    } else if (!digits()) {
      return false;
    }
    if (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      if (!digits()) return false;
    }
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      ++at_;
      if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
      if (!digits()) return false;
    }
    return true;
  }

  std::string_view text_;
  std::size_t& values_;
  std::size_t max_depth_;
  std::size_t at_ = 0;
  bracket_stack open_;
};

void append_utf8(std::uint32_t code_point, std::string& out) {
  if (code_point < 0x80) {
    out += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    out += static_cast<char>(0xC0 | (code_point >> 6));
    out += static_cast<char>(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    out += static_cast<char>(0xE0 | (code_point >> 12));
    out += static_cast<char>(0x80 | ((code_point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code_point & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code_point >> 18));
    out += static_cast<char>(0x80 | ((code_point >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code_point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code_point & 0x3F));
  }
}

}  // namespace

std::optional<decode_error> validate_json(std::string_view text, std::size_t& values, std::size_t max_depth) {
  return json_checker(text, values, max_depth).run();
}

std::optional<decode_error> validate_json(std::string_view text) {
  std::size_t values = 0;
  return validate_json(text, values);
}

void append_json_string(std::string_view valid_utf8, std::string& out) {
  static constexpr char hex[] = "0123456789abcdef";
  out += '"';
  std::size_t from = 0;
  for (std::size_t at = 0; at < valid_utf8.size(); ++at) {
    const auto c = static_cast<unsigned char>(valid_utf8[at]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(valid_utf8, from, at - from);
    from = at + 1;
    out += '\\';
    switch (c) {
      case '"':
        out += '"';
        break;
      case '\\':
        out += '\\';
        break;
      case '\b':
        out += 'b';
        break;
      case '\f':
        out += 'f';
        break;
      case '\n':
        out += 'n';
        break;
      case '\r':
        out += 'r';
        break;
      case '\t':
        out += 't';
        break;
      default:
        out += "u00";
        out += hex[c >> 4];
        out += hex[c & 15];
    }
  }
  out.append(valid_utf8, from, valid_utf8.size() - from);
  out += '"';
}

void append_json_number(double value, std::string& out) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  if (value == 0) {
    out += '0';
    return;
  }
  if (value < 0) {
    out += '-';
    value = -value;
  }
  // std::to_chars gives the shortest digits that round-trip, as JavaScript does; only the notation differs.
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  std::string digits;
  const char* at = buffer;
  for (; at != end && *at != 'e'; ++at)
    if (*at != '.') digits += *at;
  int exponent = 0;
  ++at;
  if (*at == '+') ++at;
  std::from_chars(at, end, exponent);
  const int count = static_cast<int>(digits.size());
  const int point = exponent + 1;  // the value is 0.digits × 10^point
  if (count <= point && point <= 21) {
    out += digits;
    out.append(static_cast<std::size_t>(point - count), '0');
  } else if (0 < point && point <= 21) {
    out.append(digits, 0, static_cast<std::size_t>(point));
    out += '.';
    out.append(digits, static_cast<std::size_t>(point));
  } else if (-6 < point && point <= 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-point), '0');
    out += digits;
  } else {
    out += digits[0];
    if (count > 1) {
      out += '.';
      out.append(digits, 1);
    }
    out += exponent < 0 ? "e-" : "e+";
    out += std::to_string(exponent < 0 ? -exponent : exponent);
  }
}

std::string unescape_json_string(std::string_view token) {
  std::string out;
  const std::size_t end = token.size() - 1;
  const auto unit_at = [&](std::size_t at) {
    std::uint32_t unit = 0;
    for (std::size_t i = 0; i < 4; ++i) unit = unit * 16 + static_cast<std::uint32_t>(hex_value(token[at + i]));
    return unit;
  };
  for (std::size_t at = 1; at < end; ++at) {
    if (token[at] != '\\') {
      out += token[at];
      continue;
    }
    switch (token[++at]) {
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'u': {
        std::uint32_t unit = unit_at(at + 1);
        at += 4;
        if (unit >= 0xD800 && unit < 0xDC00 && at + 6 < end && token[at + 1] == '\\' && token[at + 2] == 'u') {
          const std::uint32_t low = unit_at(at + 3);
          if (low >= 0xDC00 && low < 0xE000) {
            unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            at += 6;
          }
        }
        if (unit >= 0xD800 && unit < 0xE000) {
          out += replacement_character;
        } else {
          append_utf8(unit, out);
        }
        break;
      }
      default:
        out += token[at];
    }
  }
  return out;
}

}  // namespace octavo::crdt
