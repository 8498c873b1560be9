// Any bytes as the story of a few replicas: who edits what, who hears of what and when. However they hear of it, all of
// them must end with the same document.
#include <vector>

#include "crdt/encoded_update.hpp"
#include "tests/crdt/support/replica.hpp"
#include "tests/fuzz/support.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace octavo;
  using octavo::fuzz::require;
  using octavo::fuzz::require_sound;
  constexpr std::size_t replicas = 3;
  constexpr std::size_t longest = 400;
  fuzz::number_source numbers(fuzz::view(data, size < longest ? size : longest));
  std::vector<crdt::document> documents;
  for (std::size_t i = 0; i < replicas; ++i) {
    crdt::document_options options;
    options.gc = i != 2;
    documents.emplace_back(options);
  }
  std::vector<bytes> updates;
  const auto hear = [&](crdt::document& who, const bytes& update) {
    require(bool(who.apply_v1(update)), "an honest update applies");
    require_sound(who, "the structure is sound");
  };
  while (!numbers.empty()) {
    const std::size_t who = numbers() % replicas;
    if (numbers() % 2 == 0 && !updates.empty()) {
      hear(documents[who], updates[numbers() % updates.size()]);
    } else {
      updates.push_back(test::next_edit(documents[who], 10 + who, numbers));
      hear(documents[who], updates.back());
    }
  }
  for (const auto& update : updates) hear(documents[0], update);
  for (auto at = updates.rbegin(); at != updates.rend(); ++at) hear(documents[1], *at);
  const std::vector<bytes_view> views(updates.begin(), updates.end());
  const auto merged = crdt::merge_updates(views);
  require(bool(merged), "honest updates merge");
  hear(documents[2], *merged);
  for (const auto& each : documents) {
    require(each.stats().pending_bytes == 0, "nothing waits when everything has come");
    require(each.state() == documents[0].state(), "the same state");
    require(each.canonical_dump() == documents[0].canonical_dump(), "the same order");
    require(each.to_json() == documents[0].to_json(), "the same content");
  }
  return 0;
}
