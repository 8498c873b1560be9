// Which of what is heard of the directory is news. Answers to ranges and transactions and the events of a watch come on
// ways of their own, and so in any order; etcd says of each as of which of its revisions it is. Nothing that is older
// than what is known of a key may take its place.
//
// An etcd that was restored from an older copy counts its revisions from there again. It is found out by what it
// answers: whatever is asked for is answered as of a revision that is no lower than any that was heard of before.
//
// A plain value: no thread, no clock.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace octavo::cluster {

class revision_book {
 public:
  /// To be remembered when something is asked for, and passed to fits() with the answer.
  std::int64_t newest() const { return newest_; }
  /// False: it is no answer of the etcd that everything before came from, or of an older copy of that; then the book is
  /// to begin anew.
  static bool fits(std::int64_t revision, std::int64_t newest_when_asked) { return revision >= newest_when_asked; }

  /// Something is said of a key as of a revision. Whether that is news; then it is what is known of the key.
  bool take(const std::string& key, std::int64_t revision) {
    newest_ = std::max(newest_, revision);
    if (revision <= all_) return false;
    auto& known = since_[key];
    return revision > std::exchange(known, std::max(known, revision));
  }
  /// Whether something is known of a key as of a later revision than this.
  bool is_known_after(const std::string& key, std::int64_t revision) const {
    const auto found = since_.find(key);
    return found != since_.end() && found->second > revision;
  }
  /// All keys were read as of a revision; what is known of some as of a later one stays.
  void take_all(std::int64_t revision) {
    newest_ = std::max(newest_, revision);
    all_ = std::max(all_, revision);
    std::erase_if(since_, [this](const auto& one) { return one.second <= all_; });
  }

 private:
  std::int64_t all_ = 0;                       ///< as of which all keys were read
  std::int64_t newest_ = 0;                    ///< that was heard of
  std::map<std::string, std::int64_t> since_;  ///< keys of which something later is known
};

}  // namespace octavo::cluster
