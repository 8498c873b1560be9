#include "cluster/dedup_window.hpp"

namespace octavo::cluster {

std::optional<dedup_window::mark> dedup_window::newest(std::uint64_t client) const {
  auto found = by_client_.find(client);
  if (found == by_client_.end()) return std::nullopt;
  return found->second;
}

void dedup_window::note(const mark& taken) {
  auto [place, is_new] = by_client_.emplace(taken.client, taken);
  if (!is_new) {
    if (taken.number <= place->second.number) return;
    by_lsn_.erase({place->second.lsn, taken.client});
    place->second = taken;
  }
  by_lsn_.emplace(taken.lsn, taken.client);
  if (by_client_.size() <= clients_max_) return;
  by_client_.erase(by_lsn_.begin()->second);
  by_lsn_.erase(by_lsn_.begin());
}

std::vector<dedup_window::mark> dedup_window::marks() const {
  auto result = std::vector<mark>{};
  result.reserve(by_lsn_.size());
  for (const auto& [lsn, client] : by_lsn_) result.push_back(by_client_.at(client));
  return result;
}

}  // namespace octavo::cluster
