// Loading a whole state: an update of encoding 1 into a document that is empty. The structs are integrated as they are
// read, block by block, in the order in which apply() schedules them, so that no list of them is ever made: for a big
// document that list would take as much memory as the document. Whatever is unusual (something is missing, blocks are
// out of order, bytes are bad, a bound might be passed) is left to apply(): loading is then given up, and as the
// document was empty nothing is lost by throwing it away.
#include <algorithm>

#include "crdt/internal/decode_v1.hpp"
#include "crdt/internal/engine.hpp"

namespace octavo::crdt::internal {

namespace {

/// Where a client's structs lie in the bytes, and how far they are read.
struct unread_block {
  std::size_t offset = 0;
  std::uint64_t left = 0;
  std::uint32_t client = 0;
  std::uint32_t clock = 0;
};

/// What an update holds, without believing any of it.
struct outline {
  std::vector<unread_block> blocks;
  std::vector<std::uint64_t> clients;  // by block
  std::size_t deletes_offset = 0;
  std::size_t structs = 0;
  std::size_t items = 0;
  std::size_t types = 0;
  std::size_t parents = 0;
  std::size_t content_bytes = 0;
};

/// Finds the blocks of an update: steps over its structs and looks at lengths only.
class skimmer {
 public:
  explicit skimmer(bytes_view data) : reader_(data) {}

  std::optional<outline> run() {
    std::uint64_t blocks = 0;
    if (!reader_.var_uint(blocks)) return std::nullopt;
    for (std::uint64_t i = 0; i < blocks; ++i) {
      std::uint64_t structs = 0;
      std::uint64_t id = 0;
      unread_block next;
      if (!reader_.var_uint(structs) || !reader_.var_uint(id) || !reader_.var_u32(next.clock)) return std::nullopt;
      // Each has two bytes at least.
      if (structs > reader_.remaining() / 2) return std::nullopt;
      // apply() takes blocks in descending order, one a client.
      if (structs == 0 || (i != 0 && id >= found_.clients.back())) return std::nullopt;
      next.left = structs;
      next.offset = reader_.offset();
      next.client = static_cast<std::uint32_t>(i);
      found_.blocks.push_back(next);
      found_.clients.push_back(id);
      found_.structs += structs;
      for (std::uint64_t j = 0; j < structs; ++j)
        if (!one_struct()) return std::nullopt;
    }
    found_.deletes_offset = reader_.offset();
    return std::move(found_);
  }

 private:
  bool number() { return reader_.skip_var_uint(); }
  bool run_of_bytes() {
    bytes_view skipped;
    return reader_.var_bytes(skipped);
  }

  bool one_struct() {
    std::uint8_t info = 0;
    if (!reader_.u8(info)) return false;
    const std::uint8_t kind = info & info_kind_mask;
    if (kind == info_skip || kind == 0) return number();
    ++found_.items;
    if ((info & info_origin) != 0 && !(number() && number())) return false;
    if ((info & info_right) != 0 && !(number() && number())) return false;
    if ((info & (info_origin | info_right)) == 0 && !parent(info)) return false;
    return content(kind);
  }

  bool parent(std::uint8_t info) {
    ++found_.parents;
    std::uint64_t is_root = 0;
    if (!reader_.var_uint(is_root) || !(is_root == 1 ? run_of_bytes() : number() && number())) return false;
    return (info & info_parent_sub) == 0 || run_of_bytes();
  }

  bool content(std::uint8_t kind) {
    std::size_t from = reader_.offset();
    switch (static_cast<content_kind>(kind)) {
      case content_kind::deleted:
        return number();
      case content_kind::binary:
      case content_kind::string:
      case content_kind::embed: {
        bytes_view kept;
        if (!reader_.var_bytes(kept)) return false;
        found_.content_bytes += kept.size();
        return true;
      }
      case content_kind::json:
      case content_kind::any:
        if (!values(kind, from)) return false;
        break;
      case content_kind::format:
        if (!run_of_bytes() || !run_of_bytes()) return false;
        break;
      case content_kind::type: {
        ++found_.types;
        std::uint64_t type = 0;
        if (!reader_.var_uint(type) || type > static_cast<std::uint64_t>(type_kind::xml_text)) return false;
        if (has_name(static_cast<type_kind>(type)) && !run_of_bytes()) return false;
        break;
      }
      case content_kind::doc:
        if (!run_of_bytes() || !any()) return false;
        break;
      case content_kind::gc:
        return false;
    }
    found_.content_bytes += reader_.offset() - from;
    return true;
  }

  // Of the values only the run is kept, which begins behind their count.
  bool values(std::uint8_t kind, std::size_t& from) {
    std::uint64_t count = 0;
    if (!reader_.var_uint(count) || count > reader_.remaining()) return false;
    from = reader_.offset();
    for (std::uint64_t i = 0; i < count; ++i)
      if (!(static_cast<content_kind>(kind) == content_kind::any ? any() : run_of_bytes())) return false;
    return true;
  }

  bool any() { return skip_any(reader_, values_, SIZE_MAX, default_max_depth); }

  lib0_reader reader_;
  outline found_;
  std::size_t values_ = 0;
};

}  // namespace

/// Reads structs from any place of an update, one at a time. The update that they are read into is only theirs for so
/// long: it keeps what is numbered (the clients), and of the rest the last.
class struct_stream : v1_decoder {
 public:
  struct_stream(bytes_view data, decoded_update& into, const decode_limits& limits)
      : v1_decoder(data, into, limits), data_(data), into_(into) {}

  void seek(std::size_t offset) { reader_ = lib0_reader(data_, offset, data_.size()); }
  std::size_t offset() const { return reader_.offset(); }

  bool read(std::uint32_t client, std::uint32_t clock, decoded_struct& next) {
    into_.parents_.clear();
    if (!into_.owned_.empty()) into_.owned_.clear();
    return read_struct(client, clock, next) && into_.clients_.size() <= limits_.max_clients;
  }
  using v1_decoder::is_kept;

  /// Reads the delete set, which must be the rest; `add` has the ranges one by one.
  template <class Add>
  bool read_all_deletes(Add&& add) {
    std::size_t ranges = 0;
    return read_deletes([&](const delete_range& next, std::size_t) {
             return ++ranges <= limits_.max_delete_ranges && add(next);
           }) &&
           reader_.expect_end();
  }

 private:
  bytes_view data_;
  decoded_update& into_;
};

/// The walk from block to block along what they depend on: that of engine::schedule(), done while it is integrated.
class engine::loader {
 public:
  loader(engine& to, bytes_view data, outline&& found, const decode_limits& limits)
      : to_(to), blocks_(std::move(found.blocks)), stream_(data, update_, limits), deletes_(found.deletes_offset) {
    // Numbered in this order, a client of the update has the block of the same number.
    for (const auto id : found.clients) update_.intern(id);
    number_clients();
  }

  bool run() {
    to_.states_.assign(blocks_.size(), idle);
    for (std::uint32_t start = 0; start < blocks_.size(); ++start)
      if (!walk(start)) return false;
    stream_.seek(deletes_);
    return stream_.read_all_deletes([this](const delete_range& next) {
      number_clients();
      to_.apply_delete(update_.client_id(next.client), to_.clients_[next.client], next);
      return !to_.stopped();
    });
  }

 private:
  // What came of reading a block.
  enum class step : std::uint8_t { done, waits, failed };

  bool walk(std::uint32_t start) {
    auto& stack = to_.stack_;
    stack.clear();
    stack.push_back({start, UINT32_MAX});
    to_.states_[start] = stacked;
    while (!stack.empty()) {
      const frame top = stack.back();
      dependency missing{};
      switch (read_block(top, missing)) {
        case step::failed:
          return false;
        case step::done:
          to_.states_[top.block] = idle;
          stack.pop_back();
          break;
        case step::waits: {
          const std::uint32_t holder = missing.client;
          if (holder >= blocks_.size() || to_.states_[holder] != idle || blocks_[holder].left == 0) return false;
          to_.states_[holder] = stacked;
          stack.push_back({holder, missing.clock});
        }
      }
    }
    return true;
  }

  // Integrates structs of a block until it is exhausted, the frame below has what it waits for, or something is
  // missing.
  step read_block(const frame& top, dependency& missing) {
    auto& block = blocks_[top.block];
    const auto known = [this](std::uint32_t client) { return known_of(client); };
    stream_.seek(block.offset);
    while (block.left != 0) {
      // What is known, not where the block is: a hole may lie between.
      if (known_of(block.client) > top.wanted) return step::done;
      decoded_struct next;
      if (!stream_.read(block.client, block.clock, next)) return step::failed;
      if (struct_stream::is_kept(next)) {
        number_clients();
        if (next.clock != known_of(next.client)) return step::failed;
        if (next.kind != content_kind::gc) {
          if (const auto lacking = missing_of(update_, next, known)) {
            missing = *lacking;
            return step::waits;
          }
        }
        to_.integrate(update_, next);
        if (to_.stopped()) return step::failed;
      }
      block.clock += next.length;
      block.offset = stream_.offset();
      --block.left;
    }
    return step::done;
  }

  std::uint32_t known_of(std::uint32_t client) const {
    const auto number = to_.clients_[client];
    return number == none ? 0 : to_.data.log(number).end();
  }

  // Those that were met since are in no document yet.
  void number_clients() { to_.clients_.resize(update_.clients().size(), none); }

  engine& to_;
  std::vector<unread_block> blocks_;
  decoded_update update_;
  struct_stream stream_;
  std::size_t deletes_;
};

std::optional<apply_report> engine::load_v1(bytes_view update, const decode_limits& limits, source from) {
  if (update.size() > limits.max_bytes) return std::nullopt;
  auto found = skimmer(update).run();
  if (!found || found->structs > limits.max_structs) return std::nullopt;
  if (from == source::peer) {
    // Where a bound could be passed apply() counts exactly.
    const bool within = found->blocks.size() <= options.max_clients && found->types <= options.max_type_depth &&
                        2 * found->parents <= options.max_keys && found->parents <= options.max_roots;
    if (!within) return std::nullopt;
  }
  usable = false;
  pending_changed_ = false;
  transaction_.begin(from == source::peer ? options.step_budget : UINT64_MAX);
  clients_.clear();
  data.items.reserve_more(from == source::peer ? std::min(found->items, max_reserved_items) : found->items);
  data.contents.reserve(std::min(found->content_bytes, data.contents.max_bytes()));
  if (!loader(*this, update, std::move(*found), limits).run()) return std::nullopt;
  if (!settle(true)) return std::nullopt;
  return report();
}

}  // namespace octavo::crdt::internal
