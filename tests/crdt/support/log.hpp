// A log of edits made by replicas, with the document after each of them: what a history is tested against.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "crdt/history.hpp"
#include "tests/crdt/support/replay.hpp"
#include "tests/crdt/support/replica.hpp"

namespace octavo::test {

struct logged {
  std::vector<bytes> updates;
  std::vector<std::string> shown;  // what is_shown() says after so many updates
};

/// What the roots of a replica show. A root stays once it is there, and then shows nothing.
inline std::string is_shown(const crdt::document& document) {
  const auto map = document.json("map", crdt::type_kind::map);
  return document.text("text") + " " + (map == "null" ? "{}" : map);
}

/// Replicas that edit and hear of each other late; the log has the edits in the order in which a server hears of them.
inline logged random_log(std::mt19937_64& random, std::size_t edits) {
  logged out;
  crdt::document server;
  std::vector<crdt::document> peers(2 + random() % 3);
  std::vector<std::size_t> heard(peers.size());
  out.shown.push_back(is_shown(server));
  while (out.updates.size() < edits) {
    const std::size_t who = random() % peers.size();
    if (random() % 3 == 0) {
      for (; heard[who] < out.updates.size(); ++heard[who]) feed(peers[who], out.updates[heard[who]]);
      continue;
    }
    auto update = next_edit(peers[who], who + 1, random);
    if (crdt::is_empty_update_v1(update)) continue;
    feed(peers[who], update);
    feed(server, update);
    out.updates.push_back(std::move(update));
    out.shown.push_back(is_shown(server));
  }
  return out;
}

/// With U+FFFD for each half of every surrogate pair: a pair that is cut by a later delete is cut in older versions,
/// too.
inline std::string halved(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if ((static_cast<unsigned char>(text[at]) & 0xf8U) == 0xf0U) {
      out += "\xEF\xBF\xBD\xEF\xBF\xBD";
      at += 4;
    } else {
      out += text[at++];
    }
  }
  return out;
}

/// A history of updates from one on, on top of those before it.
inline crdt::history history_of(const std::vector<bytes>& updates, std::size_t from = 0) {
  crdt::history made(from);
  for (std::size_t i = 0; i < from; ++i) REQUIRE(made.load(updates[i]));
  for (std::size_t i = from; i < updates.size(); ++i) {
    const std::string user = i % 3 == 0 ? "ada" : "ben";
    REQUIRE(made.apply(updates[i], {i + 1, static_cast<std::int64_t>(i + 1) * 1000, user}));
  }
  return made;
}

}  // namespace octavo::test
