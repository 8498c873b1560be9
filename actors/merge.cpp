#include "actors/merge.hpp"

#include <limits>

#include "actors/logger.hpp"
#include "crdt/awareness.hpp"
#include "crdt/encoded_update.hpp"
#include "crdt/update.hpp"

namespace octavo::actors {

payload merge_updates(std::vector<payload> updates) {
  if (updates.empty()) return {};
  if (updates.size() == 1) return std::move(updates.front());
  auto views = std::vector<bytes_view>{};
  views.reserve(updates.size());
  for (const auto& update : updates) views.push_back(update.view());
  auto merged = crdt::merge_updates(views, crdt::update_encoding::v1, crdt::no_limits);
  // These updates were written by our own encoder, so that decoding them cannot fail; if it did, dropping one silently
  // would part the clients for good.
  if (!merged) throw std::logic_error{"an update of octavo's own cannot be decoded: " + to_string(merged.error())};
  return payload{std::move(*merged)};
}

payload merge_presence(std::vector<payload> changes) {
  if (changes.empty()) return {};
  if (changes.size() == 1) return std::move(changes.front());
  // The document's table has checked each state; a payload of all of them is as large as it must be.
  constexpr auto unlimited = std::numeric_limits<std::size_t>::max();
  const auto limits = crdt::awareness_limits{unlimited, unlimited, unlimited};
  auto all = std::vector<crdt::awareness_entry>{};
  auto some = std::vector<crdt::awareness_entry>{};
  for (const auto& change : changes) {
    if (!crdt::decode_awareness(change.view(), some, limits)) continue;
    all.insert(all.end(), some.begin(), some.end());
  }
  crdt::merge_awareness(all);
  return payload{crdt::encode_awareness(all)};
}

}  // namespace octavo::actors
