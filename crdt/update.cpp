#include "crdt/update.hpp"

#include <algorithm>
#include <cstring>

#include "crdt/internal/hash.hpp"
#include "crdt/internal/wire.hpp"
#include "crdt/utf8.hpp"

namespace octavo::crdt {

namespace {

// Up to this many clients a search from the front is faster than a table, and most updates have one.
constexpr std::size_t linear_clients = 8;

template <class T>
void forget(std::vector<T>& values, bool release) {
  values.clear();
  if (release) values.shrink_to_fit();
}

template <class T>
std::size_t capacity_bytes(const std::vector<T>& values) {
  return values.capacity() * sizeof(T);
}

}  // namespace

void decoded_update::clear() {
  const bool release = capacity_bytes(structs_) + capacity_bytes(parents_) + capacity_bytes(blocks_) +
                           capacity_bytes(deletes_) + capacity_bytes(clients_) + capacity_bytes(client_table_) >
                       max_kept_bytes;
  forget(structs_, release);
  forget(parents_, release);
  forget(blocks_, release);
  forget(deletes_, release);
  forget(clients_, release);
  forget(client_table_, release);
  owned_.clear();
  values_ = 0;
  ordered_ = true;
}

std::uint32_t decoded_update::intern(std::uint64_t client) {
  if (clients_.size() <= linear_clients) {
    for (std::size_t i = 0; i < clients_.size(); ++i)
      if (clients_[i] == client) return static_cast<std::uint32_t>(i);
  }
  return intern_slow(client);
}

std::uint32_t decoded_update::intern_slow(std::uint64_t client) {
  const auto added = static_cast<std::uint32_t>(clients_.size());
  if (added < linear_clients) {
    clients_.push_back(client);
    return added;
  }
  // The table's address differs from run to run, which is seed enough: no order of iteration depends on it.
  const auto place = [&](std::uint64_t id) {
    const auto seed = reinterpret_cast<std::uintptr_t>(client_table_.data());
    const std::size_t mask = client_table_.size() - 1;
    std::size_t at = internal::mix(id ^ internal::mix(seed)) & mask;
    while (client_table_[at] != none && clients_[client_table_[at]] != id) at = (at + 1) & mask;
    return at;
  };
  if ((clients_.size() + 1) * 2 > client_table_.size()) {
    std::vector<std::uint32_t> larger(std::max<std::size_t>(64, client_table_.size() * 2), none);
    client_table_.swap(larger);
    for (std::uint32_t i = 0; i < added; ++i) client_table_[place(clients_[i])] = i;
  }
  const std::size_t at = place(client);
  if (client_table_[at] != none) return client_table_[at];
  client_table_[at] = added;
  clients_.push_back(client);
  return added;
}

std::string_view decoded_update::own(std::string_view first, std::string_view second) {
  const std::size_t size = first.size() + second.size();
  owned_.push_back(std::make_unique_for_overwrite<char[]>(size));
  char* data = owned_.back().get();
  if (!first.empty()) std::memcpy(data, first.data(), first.size());
  if (!second.empty()) std::memcpy(data + first.size(), second.data(), second.size());
  return {data, size};
}

void decoded_update::cut_front(std::size_t index, std::uint32_t units) {
  decoded_struct& cut = structs_[index];
  switch (cut.kind) {
    case content_kind::string: {
      const auto at = find_utf16(cut.content, units);
      if (at.splits_pair) {
        cut.content = own(replacement_character, cut.content.substr(at.byte + 4));
      } else {
        cut.content.remove_prefix(at.byte);
      }
      break;
    }
    case content_kind::any:
    case content_kind::json:
      cut.content.remove_prefix(internal::values_size(cut.kind, cut.content, units));
      break;
    default:
      break;
  }
  cut.clock += units;
  cut.length -= units;
  if (cut.kind == content_kind::gc) return;
  cut.origin_client = cut.client;
  cut.origin_clock = cut.clock - 1;
  cut.parent = none;
}

void decoded_update::remove_known(const state_vector& state) {
  std::size_t kept = 0;
  std::size_t kept_blocks = 0;
  for (const auto block : blocks_) {
    const auto known = state.clock(clients_[block.client]);
    const std::size_t first = kept;
    for (std::size_t i = block.first; i < std::size_t{block.first} + block.count; ++i) {
      if (structs_[i].end() <= known) continue;
      if (structs_[i].clock < known) cut_front(i, static_cast<std::uint32_t>(known - structs_[i].clock));
      structs_[kept++] = structs_[i];
    }
    if (kept == first) continue;
    blocks_[kept_blocks++] = {block.client, static_cast<std::uint32_t>(first),
                              static_cast<std::uint32_t>(kept - first)};
  }
  structs_.resize(kept);
  blocks_.resize(kept_blocks);
}

void decoded_update::add_struct(decoded_struct next, const decoded_parent* parent) {
  if (parent != nullptr) {
    next.parent = static_cast<std::uint32_t>(parents_.size());
    parents_.push_back(*parent);
  }
  structs_.push_back(next);
  ordered_ = false;
}

void decoded_update::add_delete(const delete_range& range) {
  deletes_.push_back(range);
  ordered_ = false;
}

void decoded_update::normalize() {
  if (!ordered_) {
    normalize_structs();
    normalize_deletes();
    ordered_ = true;
  }
}

void decoded_update::normalize_structs() {
  std::stable_sort(structs_.begin(), structs_.end(), [&](const decoded_struct& a, const decoded_struct& b) {
    if (a.client != b.client) return clients_[a.client] > clients_[b.client];
    return a.clock < b.clock;
  });
  blocks_.clear();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < structs_.size(); ++i) {
    const auto client = structs_[i].client;
    if (blocks_.empty() || blocks_.back().client != client) {
      blocks_.push_back({client, static_cast<std::uint32_t>(kept), 0});
    } else {
      const auto known = structs_[kept - 1].end();
      if (structs_[i].end() <= known) continue;
      if (structs_[i].clock < known) cut_front(i, known - structs_[i].clock);
    }
    structs_[kept++] = structs_[i];
    ++blocks_.back().count;
  }
  structs_.resize(kept);
}

void decoded_update::normalize_deletes() {
  std::sort(deletes_.begin(), deletes_.end(), [&](const delete_range& a, const delete_range& b) {
    if (a.client != b.client) return clients_[a.client] > clients_[b.client];
    return a.clock < b.clock;
  });
  std::size_t kept = 0;
  for (const auto& range : deletes_) {
    if (kept != 0 && deletes_[kept - 1].client == range.client && deletes_[kept - 1].end() >= range.clock) {
      auto& last = deletes_[kept - 1];
      last.length = std::max(last.end(), range.end()) - last.clock;
    } else {
      deletes_[kept++] = range;
    }
  }
  deletes_.resize(kept);
}

namespace {

// Values of a key are left apart: alone, each deletes the one before it; joined, they would be one value of two units
// of which the first is alive.
bool continues(const decoded_struct& left, const decoded_struct& right) {
  if (left.kind != right.kind || left.end() != right.clock) return false;
  switch (left.kind) {
    case content_kind::gc:
      return true;
    case content_kind::string:
    case content_kind::any:
    case content_kind::json:
    case content_kind::deleted:
      return right.origin_client == right.client && right.origin_clock == right.clock - 1 &&
             left.right_client == right.right_client && (!left.has_right() || left.right_clock == right.right_clock) &&
             !left.has_parent_sub && !right.has_parent_sub;
    default:
      return false;
  }
}

}  // namespace

void decoded_update::coalesce() {
  std::size_t kept = 0;
  for (auto& block : blocks_) {
    const std::size_t end = std::size_t{block.first} + block.count;
    std::size_t at = block.first;
    block.first = static_cast<std::uint32_t>(kept);
    block.count = 0;
    while (at < end) {
      std::size_t stop = at + 1;
      std::size_t size = structs_[at].content.size();
      while (stop < end && continues(structs_[stop - 1], structs_[stop])) size += structs_[stop++].content.size();
      decoded_struct joined = structs_[at];
      if (stop != at + 1) {
        joined.length = structs_[stop - 1].end() - joined.clock;
        if (size != 0) {
          owned_.push_back(std::make_unique_for_overwrite<char[]>(size));
          char* to = owned_.back().get();
          joined.content = {to, size};
          for (std::size_t i = at; i < stop; ++i) {
            const auto part = structs_[i].content;
            if (!part.empty()) std::memcpy(to, part.data(), part.size());
            to += part.size();
          }
        }
      }
      structs_[kept++] = joined;
      ++block.count;
      at = stop;
    }
  }
  structs_.resize(kept);
}

namespace {

result<void> finish_decoding(result<void> done, decoded_update& out) {
  if (done) {
    out.normalize();
  } else {
    out.clear();
  }
  return done;
}

}  // namespace

result<void> decode_update_v1(bytes_view data, decoded_update& out, const decode_limits& limits) {
  out.clear();
  return finish_decoding(out.append_v1(data, limits), out);
}

result<void> decode_update_v2(bytes_view data, decoded_update& out, const decode_limits& limits) {
  out.clear();
  return finish_decoding(out.append_v2(data, limits), out);
}

bool is_empty_update_v1(bytes_view data) {
  return data.size() == 2 && data[0] == std::byte{0} && data[1] == std::byte{0};
}

}  // namespace octavo::crdt
