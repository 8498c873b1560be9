// Between `any` and JSON text, as a JavaScript peer converts them: encoding 1 keeps embeds and formats as JSON,
// encoding 2 as `any`, and yjs gets from one to the other through JSON.parse and JSON.stringify.
#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <deque>
#include <limits>
#include <vector>

#include "crdt/any.hpp"
#include "crdt/internal/any_tag.hpp"
#include "crdt/json.hpp"

namespace octavo::crdt {

namespace {

using internal::any_tag;
using internal::big_endian;

// A member of an object that is being written, and which of the output it is.
struct member {
  std::string_view key;
  std::size_t begin = 0;
  std::size_t end = 0;
  bool is_shown = true;
};

// The number that a key is if JavaScript takes it for the index of an array; such members come first, by number.
std::optional<std::uint32_t> array_index(std::string_view key) {
  if (key.empty() || key.size() > 10 || (key[0] == '0' && key.size() > 1)) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : key) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (value >= UINT32_MAX) return std::nullopt;
  return static_cast<std::uint32_t>(value);
}

// The members in the order in which JavaScript has them: of one key the last value counts, in the place of the first.
// Nothing if they are in that order already.
std::vector<member> in_order_of_javascript(const member* first, std::size_t count) {
  const auto is_index = [](const member& each) { return array_index(each.key).has_value(); };
  bool changes = std::any_of(first, first + count, is_index);
  struct place {
    std::size_t at;     // of the key's first occurrence
    std::size_t value;  // of its last
  };
  std::vector<std::size_t> by_key(count);
  for (std::size_t i = 0; i < count; ++i) by_key[i] = i;
  std::stable_sort(by_key.begin(), by_key.end(),
                   [&](std::size_t a, std::size_t b) { return first[a].key < first[b].key; });
  std::vector<place> places;
  places.reserve(count);
  for (std::size_t i = 0; i < count;) {
    std::size_t stop = i + 1;
    while (stop < count && first[by_key[stop]].key == first[by_key[i]].key) ++stop;
    changes |= stop != i + 1;
    places.push_back({by_key[i], by_key[stop - 1]});
    i = stop;
  }
  if (!changes) return {};
  std::sort(places.begin(), places.end(), [&](const place& a, const place& b) {
    const auto left = array_index(first[a.at].key);
    const auto right = array_index(first[b.at].key);
    if (left && right) return *left < *right;
    if (left || right) return left.has_value();
    return a.at < b.at;
  });
  std::vector<member> ordered;
  ordered.reserve(places.size());
  for (const auto& each : places) ordered.push_back(first[each.value]);
  return ordered;
}

constexpr std::string_view proto = "__proto__";

// Whether an object whose member __proto__ has the next value takes further ones as ordinary members. JavaScript gives
// them to a setter that objects inherit, until a prototype is null: the object's, or that of its prototype, and so on.
bool ends_inheriting(lib0_reader reader) {
  std::vector<std::uint64_t> left = {1};
  while (!left.empty()) {
    if (left.back() == 0) {
      left.pop_back();
      continue;
    }
    --left.back();
    std::string_view key = proto;
    if (left.size() > 1) reader.var_string(key);
    lib0_reader value = reader;
    std::uint8_t tag = 0;
    value.u8(tag);
    if (key == proto && static_cast<any_tag>(tag) == any_tag::null) return true;
    if (key == proto && static_cast<any_tag>(tag) == any_tag::object) {
      reader = value;
      reader.var_uint(left.emplace_back());
    } else {
      skip_checked_any(reader);
    }
  }
  return false;
}

// Writes one value as JSON.stringify does, level by level.
class json_printer {
 public:
  json_printer(lib0_reader& reader, std::string& out, std::size_t max_size)
      : reader_(reader), out_(out), max_size_(max_size) {}

  std::optional<decode_errc> run() {
    if (next_any_is_undefined(reader_)) return decode_errc::bad_any;
    for (;;) {
      if (const auto wrong = value()) return wrong;
      if (out_.size() > max_size_) return decode_errc::too_large;
      do {
        while (!levels_.empty() && levels_.back().left == 0) close();
        if (levels_.empty()) return std::nullopt;
      } while (!open_member());
    }
  }

 private:
  struct level {
    std::uint64_t left = 0;
    bool object = false;
    bool first = true;
    std::size_t begin = 0;    // of the content, in out_
    std::size_t members = 0;  // of this level, in members_
    bool inherits = true;     // the setter of __proto__
  };

  // Writes what stands in front of the next value of the innermost level. False if that value is not shown.
  bool open_member() {
    level& top = levels_.back();
    --top.left;
    if (!top.object) {
      if (!top.first) out_ += ',';
      top.first = false;
      if (!next_any_is_undefined(reader_)) return true;
      skip_checked_any(reader_);
      out_ += "null";
      return false;
    }
    end_member();
    std::string_view key;
    reader_.var_string(key);
    // JavaScript makes the value of __proto__ the object's prototype, or ignores it; it is no member either way.
    if (key == proto && top.inherits) {
      top.inherits = !ends_inheriting(reader_);
      skip_checked_any(reader_);
      return false;
    }
    if (next_any_is_undefined(reader_)) {
      skip_checked_any(reader_);
      members_.push_back({key, out_.size(), out_.size(), false});
      return false;
    }
    if (!top.first) out_ += ',';
    top.first = false;
    members_.push_back({key, out_.size(), 0, true});
    append_json_string(key, out_);
    out_ += ':';
    return true;
  }

  void end_member() {
    if (members_.size() != levels_.back().members && members_.back().is_shown) members_.back().end = out_.size();
  }

  void close() {
    const level top = levels_.back();
    if (top.object) {
      end_member();
      const auto ordered = in_order_of_javascript(members_.data() + top.members, members_.size() - top.members);
      if (!ordered.empty()) {
        std::string again;
        for (const auto& each : ordered) {
          if (!each.is_shown) continue;
          if (!again.empty()) again += ',';
          again.append(out_, each.begin, each.end - each.begin);
        }
        out_.replace(top.begin, std::string::npos, again);
      }
      members_.resize(top.members);
    }
    out_ += top.object ? '}' : ']';
    levels_.pop_back();
  }

  std::optional<decode_errc> value() {
    std::uint8_t raw_tag = 0;
    bytes_view raw;
    std::string_view text;
    lib0_int number;
    std::uint64_t count = 0;
    reader_.u8(raw_tag);
    switch (static_cast<any_tag>(raw_tag)) {
      case any_tag::true_value:
        out_ += "true";
        break;
      case any_tag::false_value:
        out_ += "false";
        break;
      case any_tag::integer:
        reader_.var_int(number);
        if (number.negative && number.magnitude != 0) out_ += '-';
        out_ += std::to_string(number.magnitude);
        break;
      case any_tag::float32:
        reader_.raw(4, raw);
        append_json_number(std::bit_cast<float>(static_cast<std::uint32_t>(big_endian<4>(raw))), out_);
        break;
      case any_tag::float64:
        reader_.raw(8, raw);
        append_json_number(std::bit_cast<double>(big_endian<8>(raw)), out_);
        break;
      case any_tag::bigint:
        return decode_errc::bad_any;
      case any_tag::string:
        reader_.var_string(text);
        append_json_string(text, out_);
        break;
      case any_tag::bytes:
        reader_.var_bytes(raw);
        if (out_.size() > max_size_ || raw.size() > (max_size_ - out_.size()) / 4) return decode_errc::too_large;
        out_ += '{';
        for (std::size_t i = 0; i < raw.size(); ++i) {
          out_ += i == 0 ? "\"" : ",\"";
          out_ += std::to_string(i);
          out_ += "\":";
          out_ += std::to_string(static_cast<unsigned>(raw[i]));
        }
        out_ += '}';
        break;
      case any_tag::object:
      case any_tag::array: {
        const bool object = static_cast<any_tag>(raw_tag) == any_tag::object;
        reader_.var_uint(count);
        out_ += object ? '{' : '[';
        levels_.push_back({count, object, true, out_.size(), members_.size(), true});
        break;
      }
      default:  // null, and undefined in a place where open_member() has not seen to it
        out_ += "null";
        break;
    }
    return std::nullopt;
  }

  lib0_reader& reader_;
  std::string& out_;
  std::size_t max_size_;
  std::vector<level> levels_;
  std::vector<member> members_;
};

// The nearest double of a number's text, as JSON.parse has it.
double parse_number(std::string_view text) {
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc::result_out_of_range) return value;
  // Too large or too small, which from_chars does not tell: what the first digit that is not zero stands for does.
  const bool negative = text[0] == '-';
  const auto exponent_at = text.find_first_of("eE");
  long long power = 0;
  if (exponent_at != std::string_view::npos) {
    const bool down = text[exponent_at + 1] == '-';
    for (const char c : text.substr(exponent_at + 1))
      if (c >= '0' && c <= '9') power = std::min(power * 10 + (c - '0'), 1'000'000'000'000LL);
    if (down) power = -power;
  }
  const auto mantissa = text.substr(0, exponent_at);
  const auto point = std::min(mantissa.find('.'), mantissa.size());
  const auto digit = mantissa.find_first_of("123456789");
  power += static_cast<long long>(point) - static_cast<long long>(digit);
  const double magnitude = power > 0 ? std::numeric_limits<double>::infinity() : 0.0;
  return negative ? -magnitude : magnitude;
}

void write_number(lib0_writer& writer, double value) {
  constexpr double largest_integer = 0x7fffffff;
  if (value == std::trunc(value) && std::abs(value) <= largest_integer) {
    writer.u8(static_cast<std::uint8_t>(any_tag::integer));
    writer.var_int({static_cast<std::uint64_t>(std::abs(value)), std::signbit(value)});
    return;
  }
  std::uint64_t bits = 0;
  int size = 8;
  // Infinity is a float as well; a conversion out of range would not be defined.
  const bool is_float = std::isinf(value) || (std::abs(value) <= std::numeric_limits<float>::max() &&
                                              static_cast<double>(static_cast<float>(value)) == value);
  if (is_float) {
    bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
    size = 4;
  } else {
    bits = std::bit_cast<std::uint64_t>(value);
  }
  writer.u8(static_cast<std::uint8_t>(is_float ? any_tag::float32 : any_tag::float64));
  while (size-- > 0) writer.u8(static_cast<std::uint8_t>(bits >> (8 * size)));
}

// Reads valid JSON and writes it as lib0 writes what JSON.parse makes of it.
class any_builder {
 public:
  any_builder(std::string_view json, bytes& out) : text_(json), out_(out) {}

  void run() {
    do {
      skip_space();
      const char c = text_[at_];
      if (c == '{' || c == '[') {
        tag(c == '{' ? any_tag::object : any_tag::array);
        levels_.push_back({c == '{', 0, out_.size(), members_.size()});
        ++at_;
        skip_space();
        if (text_[at_] != '}' && text_[at_] != ']') {
          begin_value();
          continue;
        }
      } else {
        scalar(c);
      }
      // What ends with this value, and what follows.
      while (!levels_.empty()) {
        skip_space();
        const char next = text_[at_++];
        if (next == ',') {
          begin_value();
          break;
        }
        close();
      }
    } while (!levels_.empty());
  }

 private:
  struct level {
    bool object = false;
    std::uint64_t count = 0;
    std::size_t begin = 0;    // of the content, in out_
    std::size_t members = 0;  // of this level, in members_
  };

  void tag(any_tag value) { out_.push_back(static_cast<std::byte>(value)); }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
      ++at_;
  }

  // A string token; unescaped texts are kept for as long as the object that they are keys of may be.
  std::string_view string() {
    const std::size_t from = at_++;
    bool escaped = false;
    while (text_[at_] != '"') {
      escaped |= text_[at_] == '\\';
      at_ += text_[at_] == '\\' ? 2 : 1;
    }
    const auto token = text_.substr(from, ++at_ - from);
    if (!escaped) return token.substr(1, token.size() - 2);
    return unescaped_.emplace_back(unescape_json_string(token));
  }

  void scalar(char c) {
    lib0_writer writer(out_);
    if (c == '"') {
      tag(any_tag::string);
      writer.var_string(string());
    } else if (c == 't' || c == 'f' || c == 'n') {
      tag(c == 't' ? any_tag::true_value : c == 'f' ? any_tag::false_value : any_tag::null);
      at_ += c == 'f' ? 5 : 4;
    } else {
      const auto stop = std::min(text_.find_first_not_of("+-.eE0123456789", at_), text_.size());
      write_number(writer, parse_number(text_.substr(at_, stop - at_)));
      at_ = stop;
    }
  }

  void begin_value() {
    level& top = levels_.back();
    ++top.count;
    if (!top.object) return;
    if (top.count > 1) members_.back().end = out_.size();
    skip_space();
    const auto key = string();
    members_.push_back({key, out_.size(), 0, true});
    lib0_writer(out_).var_string(key);
    skip_space();
    ++at_;  // the colon
  }

  void close() {
    level top = levels_.back();
    levels_.pop_back();
    if (top.object && top.count != 0) {
      members_.back().end = out_.size();
      const auto ordered = in_order_of_javascript(members_.data() + top.members, members_.size() - top.members);
      members_.resize(top.members);
      if (!ordered.empty()) {
        bytes again;
        for (const auto& each : ordered)
          again.insert(again.end(), out_.begin() + static_cast<std::ptrdiff_t>(each.begin),
                       out_.begin() + static_cast<std::ptrdiff_t>(each.end));
        out_.resize(top.begin);
        out_.insert(out_.end(), again.begin(), again.end());
        top.count = ordered.size();
      }
    }
    bytes count;
    lib0_writer(count).var_uint(top.count);
    out_.insert(out_.begin() + static_cast<std::ptrdiff_t>(top.begin), count.begin(), count.end());
  }

  std::string_view text_;
  bytes& out_;
  std::size_t at_ = 0;
  std::vector<level> levels_;
  std::vector<member> members_;
  std::deque<std::string> unescaped_;
};

}  // namespace

std::optional<decode_errc> append_any_as_json_text(lib0_reader& reader, std::string& out, std::size_t max_size) {
  return json_printer(reader, out, max_size).run();
}

void append_number_as_any(double value, bytes& out) {
  lib0_writer writer(out);
  write_number(writer, value);
}

void append_json_text_as_any(std::string_view valid_json, bytes& out) {
  any_builder(valid_json, out).run();
}

}  // namespace octavo::crdt
