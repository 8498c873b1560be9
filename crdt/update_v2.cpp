// Encoding 2 of updates: nine columns, each of which holds what is alike, and the rest. Few bytes may stand for very
// many structs, and a key that is used again for very much text: what an update unfolds to has bounds of its own.
#include <string>
#include <vector>

#include "crdt/any.hpp"
#include "crdt/internal/columns.hpp"
#include "crdt/internal/encoders.hpp"
#include "crdt/internal/grammar.hpp"
#include "crdt/update.hpp"

namespace octavo::crdt {

namespace {

// All texts of an update, one after another, with their lengths in UTF-16 units.
class text_column {
 public:
  void open(std::string_view text, std::size_t units, lib0_reader lengths) {
    text_ = text;
    left_ = units;
    is_ascii_ = text.size() == units;
    lengths_.reader = lengths;
  }

  lib0_reader& reader() { return lengths_.reader; }

  /// The next text: `body`, behind half of a pair if `starts_in_pair`, in front of one if `ends_in_pair`.
  struct piece {
    std::string_view body;
    std::size_t units = 0;
    bool starts_in_pair = false;
    bool ends_in_pair = false;
  };
  bool read(piece& out) {
    std::uint64_t units = 0;
    if (!lengths_.read(units)) return false;
    if (units > left_) return lengths_.reader.fail(decode_errc::truncated);
    out = {};
    out.units = static_cast<std::size_t>(units);
    left_ -= out.units;
    if (units == 0) return true;
    utf8_cut cut{out.units, false};
    if (!is_ascii_) {
      out.starts_in_pair = in_pair_;
      cut = find_utf16(text_.substr(at_), out.units - (in_pair_ ? 1 : 0));
    }
    out.body = text_.substr(at_, cut.byte);
    out.ends_in_pair = in_pair_ = cut.splits_pair;
    at_ += cut.byte + (in_pair_ ? 4 : 0);
    return true;
  }

 private:
  internal::uint_opt_rle_reader lengths_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t left_ = 0;  // UTF-16 units
  bool in_pair_ = false;  // the first half of the pair before at_ belonged to the text before
  bool is_ascii_ = false;
};

/// Reads encoding 2. Content is kept in the form of encoding 1, which is that of decoded_struct::content.
class v2_decoder : public internal::update_decoder<v2_decoder> {
 public:
  v2_decoder(bytes_view data, decoded_update& out, const decode_limits& limits)
      : update_decoder(out, limits), data_(data), rest_(data) {}

  result<void> run() {
    if (data_.size() > limits_.max_bytes) return decode_error{decode_errc::too_large, limits_.max_bytes};
    if (!header() || !body() || !rest_.expect_end()) return rest_.error();
    return {};
  }

 private:
  friend update_decoder;

  static constexpr std::size_t min_block_bytes = 2;
  lib0_reader& rest() { return rest_; }

  bool header() {
    std::uint64_t flags = 0;
    if (!rest_.var_uint(flags)) return false;
    if (flags != 0) return rest_.fail_at(decode_errc::bad_header, 0);
    lib0_reader strings{{}};
    if (!column(key_clocks_.reader) || !column(clients_.reader) || !column(left_clocks_.reader) ||
        !column(right_clocks_.reader) || !column(infos_.reader) || !column(strings) || !column(parent_infos_.reader) ||
        !column(type_refs_.reader) || !column(lengths_.reader)) {
      return false;
    }
    std::string_view text;
    std::size_t units = 0;
    if (!good(strings.var_string(text, units), strings)) return false;
    texts_.open(text, units, strings);
    return true;
  }

  bool column(lib0_reader& out) {
    bytes_view held;
    if (!rest_.var_bytes(held)) return false;
    out = lib0_reader(data_, rest_.offset() - held.size(), rest_.offset());
    return true;
  }

  // Passes the error of a column on.
  bool good(bool is_good, const lib0_reader& column) {
    return is_good || rest_.fail_at(column.error().code, column.error().offset);
  }

  template <class Column>
  bool number(Column& column, std::uint64_t& out) {
    return good(column.read(out), column.reader);
  }

  // A clock or a length.
  template <class Column>
  bool number32(Column& column, std::uint32_t& out) {
    std::uint64_t wide = 0;
    if (!number(column, wide)) return false;
    if (wide > UINT32_MAX) return rest_.fail_at(decode_errc::clock_overflow, column.reader.offset());
    out = static_cast<std::uint32_t>(wide);
    return true;
  }

  // Any number of structs may be left, so that only the limit helps.
  bool admit(std::uint64_t structs) {
    return structs <= limits_.max_structs || rest_.fail(decode_errc::too_many_structs);
  }
  bool client_id(std::uint64_t& out) { return number(clients_, out); }
  bool left_clock(std::uint32_t& out) { return number32(left_clocks_, out); }
  bool right_clock(std::uint32_t& out) { return number32(right_clocks_, out); }
  bool info(std::uint8_t& out) { return good(infos_.read(out), infos_.reader); }
  bool parent_info(std::uint64_t& out) {
    std::uint8_t flag = 0;
    if (!good(parent_infos_.read(flag), parent_infos_.reader)) return false;
    out = flag;
    return true;
  }
  bool string(std::string_view& out) {
    std::size_t units = 0;
    return string(out, units);
  }
  bool gc_length(std::uint32_t& out) { return number32(lengths_, out); }

  void begin_deletes() { deletes_end_ = 0; }
  bool delete_clock(std::uint32_t& out) {
    const std::size_t at = rest_.offset();
    std::uint32_t gap = 0;
    if (!rest_.var_u32(gap)) return false;
    if (gap > UINT32_MAX - deletes_end_) return rest_.fail_at(decode_errc::clock_overflow, at);
    out = deletes_end_ + gap;
    deletes_end_ = out;
    return true;
  }
  bool delete_length(std::uint32_t& out) {
    const std::size_t at = rest_.offset();
    if (!rest_.var_u32(out)) return false;
    if (out >= UINT32_MAX - deletes_end_) return rest_.fail_at(decode_errc::clock_overflow, at);
    deletes_end_ += ++out;
    return true;
  }

  bool string(std::string_view& out, std::size_t& units) {
    text_column::piece next;
    if (!good(texts_.read(next), texts_.reader())) return false;
    units = next.units;
    out = next.body;
    if (!next.starts_in_pair && !next.ends_in_pair) return true;
    // Each half of a pair that a text was cut in becomes U+FFFD, which has its length.
    std::string whole(next.starts_in_pair ? replacement_character : std::string_view());
    whole += next.body;
    if (next.ends_in_pair) whole += replacement_character;
    return keep(whole, {}, out);
  }

  // A key: a new one, or one that was there before.
  bool key(std::string_view& out) {
    std::uint64_t number_of_key = 0;
    if (!number(key_clocks_, number_of_key)) return false;
    if (number_of_key < keys_.size()) {
      out = keys_[static_cast<std::size_t>(number_of_key)];
      return true;
    }
    if (!string(out)) return false;
    keys_.push_back(out);
    return true;
  }

  // Makes a text part of the update, if it may still grow so much.
  bool keep(std::string_view first, std::string_view second, std::string_view& out) {
    const std::size_t size = first.size() + second.size();
    if (size > limits_.max_unfolded_bytes - unfolded_) return rest_.fail(decode_errc::too_large);
    unfolded_ += size;
    out = own(first, second);
    return true;
  }

  // A value of the rest as JSON, appended to scratch_.
  bool json_from_any() {
    const std::size_t at = rest_.offset();
    lib0_reader again = rest_;
    if (!skip_any(rest_, value_count(), limits_.max_values, limits_.max_depth)) return false;
    const auto wrong = append_any_as_json_text(again, json_, limits_.max_unfolded_bytes - unfolded_);
    return !wrong || rest_.fail_at(*wrong, at);
  }

  bool content(decoded_struct& next) {
    switch (next.kind) {
      case content_kind::gc:
        return false;
      case content_kind::deleted:
        return number32(lengths_, next.length);
      case content_kind::json:
        return json_values(next);
      case content_kind::any:
        return any_values(next);
      case content_kind::binary: {
        bytes_view raw;
        if (!rest_.var_bytes(raw)) return false;
        next.content = as_text(raw);
        return true;
      }
      case content_kind::string: {
        std::size_t units = 0;
        const std::size_t at = texts_.reader().offset();
        if (!string(next.content, units)) return false;
        if (units > UINT32_MAX) return rest_.fail_at(decode_errc::clock_overflow, at);
        next.length = static_cast<std::uint32_t>(units);
        return true;
      }
      case content_kind::embed:
        json_.clear();
        return json_from_any() && keep(json_, {}, next.content);
      case content_kind::format: {
        std::string_view name;
        json_.clear();
        if (!key(name) || !json_from_any()) return false;
        return keep_prefixed(name, json_, next.content);
      }
      case content_kind::type:
        return type(next);
      case content_kind::doc: {
        std::string_view guid;
        if (!string(guid)) return false;
        const std::size_t from = rest_.offset();
        if (!skip_doc_options(rest_, value_count(), limits_.max_values, limits_.max_depth)) return false;
        scratch_.clear();
        lib0_writer(scratch_).var_string(guid);
        return keep(as_text(scratch_), rest_.between(from, rest_.offset()), next.content);
      }
    }
    return false;
  }

  // Two texts with their lengths in front.
  bool keep_prefixed(std::string_view first, std::string_view second, std::string_view& out) {
    scratch_.clear();
    lib0_writer writer(scratch_);
    writer.var_string(first);
    writer.var_uint(second.size());
    return keep(as_text(scratch_), second, out);
  }

  bool json_values(decoded_struct& next) {
    if (!number32(lengths_, next.length)) return false;
    scratch_.clear();
    lib0_writer writer(scratch_);
    for (std::uint32_t i = 0; i < next.length; ++i) {
      std::string_view text;
      const std::size_t at = texts_.reader().offset();
      if (!string(text)) return false;
      if (text != "undefined" && !check_json(text, at)) return false;
      writer.var_string(text);
    }
    return keep(as_text(scratch_), {}, next.content);
  }

  bool any_values(decoded_struct& next) {
    if (!number32(lengths_, next.length)) return false;
    if (next.length > rest_.remaining()) return rest_.fail(decode_errc::truncated);
    const std::size_t from = rest_.offset();
    for (std::uint32_t i = 0; i < next.length; ++i)
      if (!skip_any(rest_, value_count(), limits_.max_values, limits_.max_depth)) return false;
    next.content = rest_.between(from, rest_.offset());
    return true;
  }

  bool type(decoded_struct& next) {
    std::uint64_t kind = 0;
    const std::size_t at = type_refs_.reader.offset();
    if (!number(type_refs_, kind)) return false;
    if (kind > static_cast<std::uint64_t>(type_kind::xml_text)) return rest_.fail_at(decode_errc::bad_type_kind, at);
    const auto type = static_cast<type_kind>(kind);
    scratch_.clear();
    lib0_writer writer(scratch_);
    writer.var_uint(kind);
    if (type == type_kind::xml_element || type == type_kind::xml_hook) {
      std::string_view name;
      if (!key(name)) return false;
      writer.var_string(name);
    }
    return keep(as_text(scratch_), {}, next.content);
  }

  bytes_view data_;
  lib0_reader rest_;
  internal::int_diff_opt_rle_reader key_clocks_;
  internal::uint_opt_rle_reader clients_;
  internal::int_diff_opt_rle_reader left_clocks_;
  internal::int_diff_opt_rle_reader right_clocks_;
  internal::rle_reader infos_;
  text_column texts_;
  internal::rle_reader parent_infos_;
  internal::uint_opt_rle_reader type_refs_;
  internal::uint_opt_rle_reader lengths_;
  std::vector<std::string_view> keys_;
  std::uint32_t deletes_end_ = 0;
  std::size_t unfolded_ = 0;
  std::string json_;
  bytes scratch_;
};

}  // namespace

result<void> decoded_update::append_v2(bytes_view data, const decode_limits& limits) {
  return v2_decoder(data, *this, limits).run();
}

void encode_update_v2(const decoded_update& update, bytes& out) {
  internal::v2_encoder encoder;
  internal::write_update(update, encoder);
  encoder.finish(out);
}

bytes encode_update_v2(const decoded_update& update) {
  bytes out;
  encode_update_v2(update, out);
  return out;
}

}  // namespace octavo::crdt
