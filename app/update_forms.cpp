#include "app/update_forms.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "crdt/any.hpp"
#include "crdt/utf8.hpp"

namespace octavo::app {

namespace {

constexpr auto spaces = std::string_view{" \t\r\n"};
constexpr auto ellipsis = std::string_view{"…"};
constexpr auto byte_order_mark = std::string_view{"\xEF\xBB\xBF"};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_space(char c) {
  return spaces.find(c) != std::string_view::npos;
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (is_digit(c)) return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

std::string_view trimmed(std::string_view text) {
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// What a copied word has around it in a program or a log: quotes, and the comma or semicolon behind it.
std::string_view unquoted(std::string_view text) {
  text = trimmed(text);
  while (!text.empty() && (text.back() == ',' || text.back() == ';')) text = trimmed(text.substr(0, text.size() - 1));
  for (auto quote : std::string_view{"\"'`"})
    if (text.size() >= 2 && text.front() == quote && text.back() == quote)
      return trimmed(text.substr(1, text.size() - 2));
  return text;
}

std::string character_at(std::size_t at) {
  return " at character " + std::to_string(at + 1);
}

/// The hexadecimal digits without what databases and programs put in front: 0x…, \x…, x'…'.
std::string_view hex_digits(std::string_view text) {
  text = unquoted(text);
  for (auto prefix : {"0x", "0X", "\\\\x", "\\x"}) {
    if (text.starts_with(prefix)) return text.substr(std::string_view{prefix}.size());
  }
  if (text.size() >= 3 && (text.starts_with("x'") || text.starts_with("X'")) && text.back() == '\'')
    return text.substr(2, text.size() - 3);
  return text;
}

bool looks_like_hex(std::string_view text) {
  text = hex_digits(text);
  return !text.empty() && std::ranges::all_of(text, [](char c) { return is_space(c) || hex_value(c) >= 0; });
}

result<bytes> parse_hex(std::string_view text) {
  text = hex_digits(text);
  auto out = bytes{};
  out.reserve(text.size() / 2);
  auto high = -1;
  for (auto at = std::size_t{0}; at < text.size(); ++at) {
    if (is_space(text[at])) continue;
    const auto digit = hex_value(text[at]);
    if (digit < 0) return fail(errc::malformed, "it is not hexadecimal" + character_at(at));
    if (high >= 0) out.push_back(static_cast<std::byte>(high * 16 + digit));
    high = high >= 0 ? -1 : digit;
  }
  if (high >= 0) return fail(errc::malformed, "an odd number of hexadecimal digits: one is missing, or one too many");
  return out;
}

/// The characters without the front of a data: URL.
std::string_view base64_digits(std::string_view text) {
  text = unquoted(text);
  constexpr auto mark = std::string_view{";base64,"};
  if (text.starts_with("data:"))
    if (const auto at = text.find(mark); at != std::string_view::npos) text.remove_prefix(at + mark.size());
  return text;
}

bool looks_like_base64(std::string_view text) {
  text = base64_digits(text);
  while (text.ends_with('=') || (!text.empty() && is_space(text.back()))) text.remove_suffix(1);
  return !text.empty() && std::ranges::all_of(text, [](char c) { return is_space(c) || base64_value(c) >= 0; });
}

result<bytes> parse_base64(std::string_view text) {
  text = base64_digits(text);
  auto out = bytes{};
  out.reserve(text.size() / 4 * 3 + 3);
  auto word = std::uint32_t{0};
  auto digits = std::size_t{0};
  auto padding = std::size_t{0};
  for (auto at = std::size_t{0}; at < text.size(); ++at) {
    if (is_space(text[at])) continue;
    if (text[at] == '=') {
      ++padding;
      continue;
    }
    const auto digit = base64_value(text[at]);
    if (digit < 0 || padding != 0) return fail(errc::malformed, "it is not base64" + character_at(at));
    word = (word << 6U) | static_cast<std::uint32_t>(digit);
    if (++digits % 4 == 0)
      for (auto shift : {16U, 8U, 0U}) out.push_back(static_cast<std::byte>((word >> shift) & 255U));
  }
  const auto left = digits % 4;
  if (left == 1 || padding > 2 || (padding != 0 && left + padding != 4))
    return fail(errc::malformed, "base64 of that length cannot be: something is missing at its end");
  if (left >= 2) out.push_back(static_cast<std::byte>((word >> (left == 2 ? 4U : 10U)) & 255U));
  if (left == 3) out.push_back(static_cast<std::byte>((word >> 2U) & 255U));
  return out;
}

/// Reads what JavaScript prints of bytes.
class list_reader {
 public:
  explicit list_reader(std::string_view text) : text_(text) {}

  result<bytes> run() {
    if (take("<Buffer")) return hex_pairs();
    if (text_.starts_with('{')) return object();
    take("new ");
    if (take("Uint8Array") || take("Buffer")) {
      take(".from");
      declared_size();
    }
    return numbers();
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  bool take(std::string_view word) {
    skip_space();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  /// A number that fits a byte, or a count.
  bool number(std::size_t& out, std::size_t max) {
    skip_space();
    const auto from = at_;
    out = 0;
    for (; at_ < text_.size() && is_digit(text_[at_]) && out <= max; ++at_)
      out = out * 10 + static_cast<std::size_t>(text_[at_] - '0');
    return at_ != from && out <= max;
  }

  /// The 5 of Uint8Array(5), if there is one; and the class that Node.js tells of a Buffer.
  void declared_size() {
    const auto before = at_;
    auto size = std::size_t{0};
    if (take("(") && number(size, SIZE_MAX / 16) && take(")")) {
      declared_ = size;
    } else {
      at_ = before;
    }
    take("[Uint8Array]");
    if (!declared_) take("(");
  }

  tl::unexpected<error> wrong(const std::string& what) const {
    return fail(errc::malformed, "as a list of bytes: " + what + character_at(at_));
  }

  static tl::unexpected<error> cut() {
    return fail(errc::malformed,
                "the console has left a part of the list out: print all of it, for example with "
                "Buffer.from(update).toString('base64')");
  }

  result<bytes> done(bytes out) const {
    if (declared_ && *declared_ != out.size())
      return fail(errc::malformed, "it says that there are " + std::to_string(*declared_) + " bytes, but lists " +
                                       std::to_string(out.size()) +
                                       ": print all of it, for example with Buffer.from(update).toString('base64')");
    return out;
  }

  /// [1, 2], or the same without brackets.
  result<bytes> numbers() {
    auto out = bytes{};
    const auto open = take("[");
    for (;;) {
      skip_space();
      if (open && take("]")) return done(std::move(out));
      if (at_ == text_.size() && !open) return done(std::move(out));
      if (take("...") || take(ellipsis)) return cut();
      // Chrome copies an array with its properties behind the numbers.
      if (open && (take("buffer:") || take("byteLength:"))) return done(std::move(out));
      auto value = std::size_t{0};
      if (!number(value, 255)) return wrong("a number from 0 to 255 is expected");
      out.push_back(static_cast<std::byte>(value));
      skip_space();
      if (take(",") || (open && text_.substr(at_).starts_with(']'))) continue;
      if (at_ != text_.size() || open) return wrong("a comma is expected");
    }
  }

  /// <Buffer 01 02>
  result<bytes> hex_pairs() {
    auto out = bytes{};
    for (;;) {
      if (take(">")) return out;
      if (take("...") || take(ellipsis)) return cut();
      skip_space();
      const auto high = at_ < text_.size() ? hex_value(text_[at_]) : -1;
      const auto low = at_ + 1 < text_.size() ? hex_value(text_[at_ + 1]) : -1;
      if (high < 0 || low < 0) return wrong("two hexadecimal digits are expected");
      out.push_back(static_cast<std::byte>(high * 16 + low));
      at_ += 2;
    }
  }

  bool take_quoted(std::string_view word) {
    const auto before = at_;
    for (auto quote : {"\"", "'", ""}) {
      at_ = before;
      if (take(quote) && take(word) && take(quote)) return true;
    }
    at_ = before;
    return false;
  }

  /// What JSON.stringify makes of bytes: {"0":1,"1":2}, or of a Buffer: {"type":"Buffer","data":[1,2]}
  result<bytes> object() {
    take("{");
    if (take_quoted("type")) {
      if (!take(":") || !take_quoted("Buffer") || !take(",") || !take_quoted("data") || !take(":"))
        return wrong("{\"type\":\"Buffer\",\"data\":[…]} is expected");
      return numbers();
    }
    auto out = bytes{};
    for (;;) {
      if (take("}")) return out;
      if (take("...") || take(ellipsis)) return cut();
      auto value = std::size_t{0};
      if (!take_quoted(std::to_string(out.size())) || !take(":") || !number(value, 255))
        return wrong("the member \"" + std::to_string(out.size()) + "\" with a number from 0 to 255 is expected");
      out.push_back(static_cast<std::byte>(value));
      if (!take(",") && !text_.substr(at_).starts_with('}')) return wrong("a comma is expected");
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::optional<std::size_t> declared_;
};

bool looks_like_list(std::string_view text) {
  text = unquoted(text);
  for (auto opening : {"Uint8Array", "new Uint8Array", "Buffer", "<Buffer", "[", "{"})
    if (text.starts_with(opening)) return true;
  return text.find(',') != std::string_view::npos &&
         std::ranges::all_of(text, [](char c) { return is_space(c) || is_digit(c) || c == ','; });
}

/// Whether it can have been written by hand or by a log: no control characters, and UTF-8.
bool is_text(bytes_view given) {
  const auto text = as_text(given);
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 && !is_space(c); };
  return std::ranges::none_of(text, control) && crdt::is_utf8(text);
}

result<bytes> parse(std::string_view text, input_form form) {
  switch (form) {
    case input_form::raw:
      break;
    case input_form::hex:
      return parse_hex(text);
    case input_form::base64:
      return parse_base64(text);
    case input_form::list:
      return list_reader{unquoted(text)}.run();
  }
  const auto raw = as_bytes(text);
  return bytes{raw.begin(), raw.end()};
}

}  // namespace

std::string_view to_string(input_form form) {
  switch (form) {
    case input_form::raw:
      return "raw";
    case input_form::hex:
      return "hex";
    case input_form::base64:
      return "base64";
    case input_form::list:
      return "list";
  }
  return "raw";
}

std::vector<reading> readings(bytes_view given, std::optional<input_form> form) {
  const auto text = as_text(given);
  auto out = std::vector<reading>{};
  const auto add = [&](input_form as) { out.push_back({as, parse(text, as)}); };
  if (form) {
    add(*form);
  } else if (!is_text(given)) {
    add(input_form::raw);
  } else if (looks_like_list(text)) {
    add(input_form::list);
  } else {
    if (looks_like_hex(text)) add(input_form::hex);
    if (looks_like_base64(text)) add(input_form::base64);
    add(input_form::raw);
  }
  return out;
}

std::string written(bytes_view data, input_form form) {
  auto out = std::string{};
  if (form == input_form::hex) {
    crdt::append_hex(data, out);
  } else if (form == input_form::base64) {
    crdt::append_base64(data, out);
  } else {
    return std::string{as_text(data)};
  }
  return out += '\n';
}

}  // namespace octavo::app
