#include "crdt/internal/encoders.hpp"

#include <array>

#include "crdt/json.hpp"

namespace octavo::crdt::internal {

void v2_encoder::content(content_kind kind, std::uint32_t length, std::string_view content) {
  lib0_reader reader(as_bytes(content));
  std::string_view first;
  std::string_view second;
  std::uint64_t type_ref = 0;
  switch (kind) {
    case content_kind::gc:
    case content_kind::deleted:
      lengths_.write(length);
      break;
    case content_kind::json:
      lengths_.write(length);
      for (std::uint32_t i = 0; i < length; ++i) {
        reader.var_string(first);
        string(first);
      }
      break;
    case content_kind::any:
      lengths_.write(length);
      rest_.raw(content);
      break;
    case content_kind::binary:
      rest_.var_string(content);
      break;
    case content_kind::string:
      text({content}, length);
      break;
    case content_kind::embed:
      append_json_text_as_any(content, rest_data_);
      break;
    case content_kind::format:
      reader.var_string(first);
      reader.var_string(second);
      key(first);
      append_json_text_as_any(second, rest_data_);
      break;
    case content_kind::type:
      reader.var_uint(type_ref);
      if (!reader.at_end()) reader.var_string(first);
      type(static_cast<type_kind>(type_ref), first);
      break;
    case content_kind::doc:
      reader.var_string(first);
      string(first);
      rest_.raw(content.substr(reader.offset()));
      break;
  }
}

void v2_encoder::finish(bytes& out) {
  const auto text_lengths = text_lengths_.finish();
  const std::array columns = {key_clocks_.finish(),   clients_.finish(), left_clocks_.finish(),
                              right_clocks_.finish(), infos_.finish(),   parent_infos_.finish(),
                              type_refs_.finish(),    lengths_.finish()};
  constexpr std::size_t before_texts = 5;
  constexpr std::size_t longest_prefix = 8;
  std::size_t size = 1 + (columns.size() + 2) * longest_prefix + texts_.size() + text_lengths.size();
  for (const auto column : columns) size += column.size();
  out.reserve(out.size() + size + rest_data_.size());
  lib0_writer writer(out);
  writer.var_uint(0);  // feature flags
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i == before_texts) {
      // One text of all, then the lengths of its parts.
      writer.var_uint(var_uint_size(texts_.size()) + texts_.size() + text_lengths.size());
      writer.var_string(texts_);
      writer.raw(text_lengths);
    }
    writer.var_bytes(columns[i]);
  }
  writer.raw(bytes_view(rest_data_));
}

}  // namespace octavo::crdt::internal
