#include "crdt/internal/kept_deletes.hpp"

#include <algorithm>
#include <optional>
#include <span>

#include "crdt/delete_set.hpp"
#include "crdt/internal/encode.hpp"
#include "crdt/lib0.hpp"

namespace octavo::crdt::internal {

namespace {

using range = delete_set::range;

// The delete set of encoding 1 as encoding 2 has it: distances in the place of clocks.
bytes delete_set_as_v2(bytes_view deletes) {
  bytes out;
  out.reserve(deletes.size());
  lib0_reader reader(deletes);
  lib0_writer writer(out);
  const auto copied = [&] {
    std::uint64_t number = 0;
    reader.var_uint(number);
    writer.var_uint(number);
    return number;
  };
  const auto clients = copied();
  for (std::uint64_t i = 0; i < clients; ++i) {
    copied();  // the client
    const auto ranges = copied();
    std::uint32_t end = 0;
    for (std::uint64_t j = 0; j < ranges; ++j) {
      std::uint32_t clock = 0;
      std::uint32_t length = 0;
      reader.var_u32(clock);
      reader.var_u32(length);
      writer.var_uint(clock - end);
      writer.var_uint(length - 1);
      end = clock + length;
    }
  }
  out.shrink_to_fit();
  return out;
}

/// Merges ranges into an encoded delete set. What they do not touch is copied as it is.
class merger {
 public:
  merger(bytes_view old, std::span<const range> more) : reader_(old), more_(more) {}

  bytes run() {
    lib0_writer writer(body_);
    std::uint64_t sections = 0;
    reader_.var_uint(sections);
    for (std::uint64_t i = 0; i < sections; ++i) {
      const std::size_t from = reader_.offset();
      std::uint64_t client = 0;
      std::uint64_t count = 0;
      reader_.var_uint(client);
      reader_.var_uint(count);
      while (!more_.empty() && more_.front().client > client) new_section(writer);
      ++sections_;
      if (!more_.empty() && more_.front().client == client) {
        merge_section(writer, client, count);
      } else {
        for (std::uint64_t j = 0; j < 2 * count; ++j) reader_.skip_var_uint();
        writer.raw(reader_.between(from, reader_.offset()));
      }
    }
    while (!more_.empty()) new_section(writer);
    bytes out;
    out.reserve(body_.size() + var_uint_size(sections_));
    lib0_writer whole(out);
    whole.var_uint(sections_);
    whole.raw(bytes_view(body_));
    return out;
  }

 private:
  std::span<const range> of_client(std::uint64_t client) {
    std::size_t count = 0;
    while (count < more_.size() && more_[count].client == client) ++count;
    const auto mine = more_.first(count);
    more_ = more_.subspan(count);
    return mine;
  }

  void new_section(lib0_writer& writer) {
    const std::uint64_t client = more_.front().client;
    const auto mine = of_client(client);
    ++sections_;
    writer.var_uint(client);
    writer.var_uint(mine.size());
    for (const auto& each : mine) write(writer, each.clock, each.end());
  }

  static void write(lib0_writer& writer, std::uint32_t clock, std::uint32_t end) {
    writer.var_uint(clock);
    writer.var_uint(end - clock);
  }

  void merge_section(lib0_writer& writer, std::uint64_t client, std::uint64_t count) {
    const auto mine = of_client(client);
    std::size_t next = 0;
    section_.clear();
    lib0_writer section(section_);
    std::uint64_t written = 0;
    std::optional<range> open;  // may still grow
    std::size_t copied = reader_.offset();
    const auto close = [&] {
      if (!open) return;
      write(section, open->clock, open->end());
      ++written;
      open.reset();
    };
    const auto add = [&](std::uint32_t clock, std::uint32_t end) {
      if (open && clock <= open->end()) {
        open->length = std::max(open->end(), end) - open->clock;
        return;
      }
      close();
      open = range{client, clock, end - clock};
    };
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::size_t at = reader_.offset();
      std::uint32_t clock = 0;
      std::uint32_t length = 0;
      reader_.var_u32(clock);
      reader_.var_u32(length);
      const std::uint32_t end = clock + length;
      const bool meets = next < mine.size() && mine[next].clock <= end;
      if (open && !meets && clock > open->end()) {
        close();
        copied = at;
      }
      if (!open && !meets) {
        ++written;
        continue;
      }
      if (!open) section.raw(reader_.between(copied, at));
      for (; next < mine.size() && mine[next].clock <= clock; ++next) add(mine[next].clock, mine[next].end());
      add(clock, end);
      for (; next < mine.size() && mine[next].clock <= open->end(); ++next) add(mine[next].clock, mine[next].end());
      copied = reader_.offset();
    }
    if (!open) section.raw(reader_.between(copied, reader_.offset()));
    for (; next < mine.size(); ++next) add(mine[next].clock, mine[next].end());
    close();
    writer.var_uint(client);
    writer.var_uint(written);
    writer.raw(bytes_view(section_));
  }

  lib0_reader reader_;
  std::span<const range> more_;
  std::uint64_t sections_ = 0;
  bytes body_;
  bytes section_;
};

}  // namespace

const bytes& kept_deletes::v1(const store& data) {
  if (known_ && since_.empty()) return v1_;
  if (known_ && since_.complete()) {
    std::vector<range> more;
    more.reserve(since_.ranges().size());
    for (const auto& each : since_.ranges())
      more.push_back({data.log(each.client).id(), each.clock, each.end - each.clock});
    const crdt::delete_set sorted(std::move(more));
    v1_ = merger(v1_, sorted.ranges()).run();
  } else {
    v1_ = encode_delete_set(data);
  }
  known_ = true;
  since_.clear();
  v2_ = bytes();
  return v1_;
}

const bytes& kept_deletes::v2(const store& data) {
  const bytes& known = v1(data);
  if (v2_.empty()) v2_ = delete_set_as_v2(known);
  return v2_;
}

}  // namespace octavo::crdt::internal
