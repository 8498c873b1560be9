// A replica that edits as a client does: it makes each edit from what it sees of its own list. Used by the property
// test and by the fuzz target that looks for replicas that disagree; `Random` is anything that gives numbers when
// called.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/document.hpp"
#include "tests/crdt/support/builder.hpp"

namespace octavo::test {

/// What a canonical dump says of the root text "text" and the root map "map".
class dump_view {
 public:
  struct run {
    unit first;
    std::uint64_t length = 0;
  };

  explicit dump_view(const std::string& dump) {
    std::size_t at = 0;
    while (at < dump.size()) {
      const std::size_t end = dump.find('\n', at);
      read(dump.substr(at, end - at));
      at = end + 1;
    }
  }

  /// The id of a unit of the text, deleted ones counted.
  maybe_unit at(std::uint64_t position) const {
    for (const auto& each : runs_) {
      if (position < each.length) return unit{each.first.client, each.first.clock + position};
      position -= each.length;
    }
    return {};
  }

  /// How many units follow in the run that a unit is in, itself included.
  std::uint64_t rest(std::uint64_t position) const {
    for (const auto& each : runs_) {
      if (position < each.length) return each.length - position;
      position -= each.length;
    }
    return 0;
  }

  std::uint64_t units() const { return units_; }

  /// The last unit of a key's current value.
  maybe_unit key(const std::string& name) const {
    const auto found = keys_.find(name);
    return found == keys_.end() ? maybe_unit{} : maybe_unit{found->second};
  }

 private:
  void read(const std::string& line) {
    char* end = nullptr;
    if (line.starts_with("text:[")) {
      const char* in = line.c_str() + 6;
      while (*in == '[') {
        run next;
        next.first.client = std::strtoull(in + 1, &end, 10);
        next.first.clock = std::strtoull(end + 1, &end, 10);
        next.length = std::strtoull(end + 1, &end, 10);
        units_ += next.length;
        runs_.push_back(next);
        in = std::strchr(end, ']') + 1;
        if (*in == ',') ++in;
      }
    } else if (line.starts_with("map/")) {
      const auto equals = line.rfind('=');
      unit last;
      last.client = std::strtoull(line.c_str() + equals + 1, &end, 10);
      last.clock = std::strtoull(end + 1, &end, 10);
      keys_[line.substr(4, equals - 4)] = last;
    }
  }

  std::vector<run> runs_;
  std::uint64_t units_ = 0;
  std::map<std::string, unit> keys_;
};

/// The next edit of a client on a document: an insert, a delete or a key.
template <class Random>
bytes next_edit(const crdt::document& on, std::uint64_t client, Random& random) {
  static constexpr std::string_view words[] = {"a", "bc", "😀", "é", "x😀y", "longer words"};
  const dump_view seen(on.canonical_dump());
  update_builder update;
  switch (random() % 5) {
    case 0: {
      if (seen.units() == 0) break;
      const std::uint64_t position = random() % seen.units();
      const auto first = seen.at(position);
      update.erase(first->client, first->clock, std::min<std::uint64_t>(1 + random() % 3, seen.rest(position)));
      break;
    }
    case 1: {
      const std::string key(1, static_cast<char>('a' + random() % 3));
      const auto value = static_cast<std::uint8_t>(random() % 60);
      update.block(client, on.clock(client)).set("map", key, value, seen.key(key));
      break;
    }
    default: {
      const std::uint64_t position = random() % (seen.units() + 1);
      maybe_unit origin;
      if (position != 0) origin = seen.at(position - 1);
      update.block(client, on.clock(client)).text(words[random() % std::size(words)], origin, seen.at(position));
    }
  }
  return update.build();
}

}  // namespace octavo::test
