#include "cluster/hot_documents.hpp"

#include <algorithm>
#include <utility>

namespace octavo::cluster {

void hot_documents::add(shard_number shard, const std::string& document) {
  auto& documents = edits_[shard];
  if (auto known = documents.find(document); known != documents.end()) {
    ++known->second;
  } else if (documents_ < documents_max_) {
    documents.emplace(document, 1);
    ++documents_;
  }
}

void hot_documents::cool() {
  documents_ = 0;
  for (auto& [shard, documents] : edits_) {
    for (auto& [name, edits] : documents) edits /= 2;
    std::erase_if(documents, [](const auto& one) { return one.second == 0; });
    documents_ += documents.size();
  }
  std::erase_if(edits_, [](const auto& one) { return one.second.empty(); });
}

std::vector<std::string> hot_documents::hottest(shard_number shard, std::size_t count) const {
  const auto found = edits_.find(shard);
  if (found == edits_.end()) return {};
  auto ranked = std::vector<std::pair<std::uint32_t, std::string>>{};
  for (const auto& [name, edits] : found->second) ranked.emplace_back(edits, name);
  const auto kept = std::min(count, ranked.size());
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(kept), ranked.end(),
                    [](const auto& one, const auto& other) {
                      return one.first != other.first ? one.first > other.first : one.second < other.second;
                    });
  auto names = std::vector<std::string>{};
  for (auto i = std::size_t{0}; i < kept; ++i) names.push_back(std::move(ranked[i].second));
  return names;
}

}  // namespace octavo::cluster
