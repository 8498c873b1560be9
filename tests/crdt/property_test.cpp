// Convergence without any outside help: several replicas edit one text and one map at once, hear of each other late, in
// any order and more than once, and must end with the same content. The edits are made from what a replica sees of its
// own list, the way a client makes them.
#include <doctest/doctest.h>

#include <map>

#include "tests/crdt/support/builder.hpp"
#include "tests/crdt/support/replay.hpp"

namespace {

using namespace octavo;
using namespace octavo::test;
using crdt::document;

/// What a canonical dump says of the text and of the map.
struct view {
  struct run {
    unit first;
    std::uint64_t length = 0;
    bool deleted = false;
  };
  std::vector<run> text;
  std::uint64_t units = 0;
  std::map<std::string, unit> keys;

  explicit view(const std::string& dump) {
    std::size_t at = 0;
    while (at < dump.size()) {
      const std::size_t end = dump.find('\n', at);
      read(dump.substr(at, end - at));
      at = end + 1;
    }
  }

  /// How many units follow in the run that a unit is in, itself included.
  std::uint64_t rest(std::uint64_t position) const {
    for (const auto& each : text) {
      if (position < each.length) return each.length - position;
      position -= each.length;
    }
    return 0;
  }

  /// The id of a unit of the text, deleted ones counted.
  maybe_unit at(std::uint64_t position) const {
    for (const auto& each : text) {
      if (position < each.length) return unit{each.first.client, each.first.clock + position};
      position -= each.length;
    }
    return {};
  }

 private:
  void read(const std::string& line) {
    if (line.starts_with("text:[")) {
      const char* in = line.c_str() + 6;
      while (*in == '[') {
        char* end = nullptr;
        run next;
        next.first.client = std::strtoull(in + 1, &end, 10);
        next.first.clock = std::strtoull(end + 1, &end, 10);
        next.length = std::strtoull(end + 1, &end, 10);
        next.deleted = end[1] == 't';
        units += next.length;
        text.push_back(next);
        in = std::strchr(end, ']') + 1;
        if (*in == ',') ++in;
      }
    } else if (line.starts_with("map/")) {
      const auto equals = line.rfind('=');
      char* end = nullptr;
      unit last;
      last.client = std::strtoull(line.c_str() + equals + 1, &end, 10);
      last.clock = std::strtoull(end + 1, &end, 10);
      keys[line.substr(4, equals - 4)] = last;
    }
  }
};

class replica {
 public:
  replica(std::uint64_t client, bool gc, std::mt19937_64& random)
      : client_(client), random_(random), doc_(options(gc)) {}

  bytes edit() {
    const view seen(doc_.canonical_dump());
    update_builder update;
    switch (random_() % 5) {
      case 0: {
        const std::uint64_t position = seen.units == 0 ? 0 : random_() % seen.units;
        const auto first = seen.at(position);
        if (first)
          update.erase(first->client, first->clock, std::min<std::uint64_t>(1 + random_() % 3, seen.rest(position)));
        break;
      }
      case 1: {
        const std::string key(1, static_cast<char>('a' + random_() % 3));
        const auto known = seen.keys.find(key);
        update.block(client_, doc_.clock(client_));
        update.set("map", key, static_cast<std::uint8_t>(random_() % 60),
                   known == seen.keys.end() ? maybe_unit{} : maybe_unit{known->second});
        break;
      }
      default: {
        static constexpr std::string_view words[] = {"a", "bc", "😀", "é", "x😀y", "longer words"};
        const std::uint64_t position = random_() % (seen.units + 1);
        maybe_unit origin;
        if (position != 0) origin = seen.at(position - 1);
        update.block(client_, doc_.clock(client_));
        update.text(words[random_() % std::size(words)], origin, seen.at(position));
      }
    }
    bytes out = update.build();
    hear(out);
    return out;
  }

  void hear(const bytes& update) {
    feed(doc_, update);
    check_sound(doc_);
  }

  document& doc() { return doc_; }

 private:
  static crdt::document_options options(bool gc) {
    crdt::document_options out;
    out.gc = gc;
    return out;
  }

  std::uint64_t client_;
  std::mt19937_64& random_;
  document doc_;
};

TEST_CASE("replicas that hear of each other in any order end with the same document") {
  const auto seed = choose_seed();
  for (std::uint64_t round = 0; round < 60; ++round) {
    CAPTURE(round);
    std::mt19937_64 random(seed * 1000 + round);
    std::vector<replica> replicas;
    std::vector<std::vector<bytes>> inboxes;
    const std::size_t count = 2 + random() % 4;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t client = random() % 2 == 0 ? crdt::max_safe_integer - i : 1 + i;
      replicas.emplace_back(client, i != 0, random);
    }
    inboxes.resize(count);
    const std::size_t steps = 20 + random() % 100;
    for (std::size_t step = 0; step < steps; ++step) {
      const std::size_t who = random() % count;
      auto& inbox = inboxes[who];
      if (random() % 2 == 0 && !inbox.empty()) {
        const std::size_t which = random() % inbox.size();
        replicas[who].hear(inbox[which]);
        if (random() % 4 != 0) inbox.erase(inbox.begin() + static_cast<std::ptrdiff_t>(which));
        continue;
      }
      // A replica edits only what it has integrated: a client has no gaps in its own log.
      const bytes update = replicas[who].edit();
      for (std::size_t i = 0; i < count; ++i)
        if (i != who) inboxes[i].push_back(update);
    }
    for (std::size_t i = 0; i < count; ++i) {
      std::shuffle(inboxes[i].begin(), inboxes[i].end(), random);
      for (const auto& update : inboxes[i]) replicas[i].hear(update);
    }
    for (auto& each : replicas) {
      CHECK(each.doc().stats().pending_bytes == 0);
      check_equal(each.doc(), replicas[0].doc());
      CHECK(each.doc().text("text") == replicas[0].doc().text("text"));
    }
  }
}

}  // namespace
