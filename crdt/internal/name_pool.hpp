// Names of roots, map keys and attributes, each stored once and known by a small number from then on.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "crdt/internal/hash.hpp"

namespace octavo::crdt::internal {

class name_pool {
 public:
  static constexpr std::uint32_t missing = UINT32_MAX;

  explicit name_pool(std::uint64_t seed) : seed_(seed) {}

  std::size_t size() const { return ends_.size(); }
  std::string_view name(std::uint32_t id) const {
    const std::size_t from = id == 0 ? 0 : ends_[id - 1];
    return {chars_.data() + from, ends_[id] - from};
  }

  std::uint32_t find(std::string_view name) const { return table_.empty() ? missing : table_[place(name)]; }

  std::uint32_t intern(std::string_view text) {
    if ((size() + 1) * 4 > table_.size() * 3) grow();
    const std::size_t at = place(text);
    if (table_[at] != missing) return table_[at];
    const auto id = static_cast<std::uint32_t>(size());
    chars_.insert(chars_.end(), text.begin(), text.end());
    ends_.push_back(chars_.size());
    table_[at] = id;
    return id;
  }

  std::size_t memory() const {
    return chars_.capacity() + ends_.capacity() * sizeof(std::size_t) + table_.capacity() * sizeof(std::uint32_t);
  }

 private:
  std::size_t place(std::string_view text) const {
    const std::size_t mask = table_.size() - 1;
    std::size_t at = hash_text(text, seed_) & mask;
    while (table_[at] != missing && name(table_[at]) != text) at = (at + 1) & mask;
    return at;
  }

  void grow() {
    table_.assign(table_.empty() ? 4 : table_.size() * 2, missing);
    for (std::uint32_t id = 0; id < size(); ++id) table_[place(name(id))] = id;
  }

  std::vector<char> chars_;
  std::vector<std::size_t> ends_;
  std::vector<std::uint32_t> table_;
  std::uint64_t seed_;
};

}  // namespace octavo::crdt::internal
