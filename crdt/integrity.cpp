// What tests ask of a store: whether its structure is sound, and a dump of its order that does not depend on the
// borders of structs.
#include <algorithm>
#include <vector>

#include "crdt/internal/render.hpp"
#include "crdt/utf8.hpp"

namespace octavo::crdt::internal {

namespace {

std::string place_of(const store& data, std::uint32_t index) {
  const item& each = data.at(index);
  return std::to_string(data.log(each.client).id()) + "." + std::to_string(each.clock);
}

/// Looks for faults; stops at the first.
class checker {
 public:
  explicit checker(const store& data) : data_(data), listed_(data.items.size(), 0) {}

  std::string run() {
    std::string fault = logs();
    if (fault.empty()) fault = types();
    if (fault.empty()) fault = counts();
    return fault;
  }

 private:
  std::string logs() {
    for (std::uint32_t client = 0; client < data_.client_count(); ++client) {
      const auto& log = data_.log(client);
      std::uint32_t clock = 0;
      if (log.empty()) {
        if (log.end() != 0) return "a log without entries has a clock";
        continue;
      }
      for (auto place = log.first(); place != log.stop(); place = log.next(place)) {
        const auto entry = log.at(place);
        if (entry.clock != clock) return "a gap in the log of " + std::to_string(log.id());
        if (log.end_of(place) <= clock) return "an entry without length in the log of " + std::to_string(log.id());
        clock = log.end_of(place);
        if (entry.item == collected) continue;
        if (entry.item >= data_.items.size()) return "an entry without item in the log of " + std::to_string(log.id());
        const item& each = data_.at(entry.item);
        if (each.client != client || each.clock != entry.clock || each.end() != clock)
          return "the log of " + std::to_string(log.id()) + " disagrees with an item at " + std::to_string(entry.clock);
        if (auto fault = content(entry.item); !fault.empty()) return fault;
        ++items_;
        deleted_ += each.deleted;
      }
      if (clock != log.end()) return "the clock of " + std::to_string(log.id()) + " is wrong";
    }
    return {};
  }

  std::string content(std::uint32_t index) const {
    const item& each = data_.at(index);
    if (each.parent >= data_.branches.size() || !data_.type(each.parent).used)
      return "no parent: " + place_of(data_, index);
    if (each.kind() == content_kind::deleted && !each.deleted)
      return "content gone, yet alive: " + place_of(data_, index);
    if (each.kind() == content_kind::type) {
      if (each.content >= data_.branches.size() || data_.type(each.content).item != index)
        return "type and item disagree: " + place_of(data_, index);
    } else if (each.kind() != content_kind::deleted) {
      if (std::size_t{each.content} + each.content_bytes > data_.contents.size())
        return "content outside of the arena: " + place_of(data_, index);
    }
    if (each.kind() == content_kind::string) {
      std::size_t units = 0;
      if (!measure_utf8(data_.content_of(each), units) || units != each.length)
        return "text and length disagree: " + place_of(data_, index);
    }
    return {};
  }

  // Walks a list and checks its links. Returns the last item.
  std::string list(std::uint32_t branch, std::uint32_t key, std::uint32_t first, std::uint32_t& last) {
    last = nil;
    for (auto at = first; at != nil; at = data_.at(at).right) {
      if (at >= data_.items.size()) return "a link leads nowhere";
      const item& each = data_.at(at);
      if (each.client == nil) return "a link leads to a free item";
      if (each.left != last) return "links disagree: " + place_of(data_, at);
      if (each.parent != branch || each.key != key) return "an item in a foreign list: " + place_of(data_, at);
      if (listed_[at]++ != 0) return "a list meets itself: " + place_of(data_, at);
      last = at;
      ++linked_;
    }
    return {};
  }

  std::string types() {
    for (std::uint32_t index = 0; index < data_.branches.size(); ++index) {
      const branch& type = data_.type(index);
      if (!type.used) continue;
      std::uint32_t last = nil;
      if (auto fault = list(index, no_key, type.start, last); !fault.empty()) return fault;
      std::uint64_t length = 0;
      for (auto at = type.start; at != nil; at = data_.at(at).right)
        if (!data_.at(at).deleted && countable(data_.at(at).kind())) length += data_.at(at).length;
      if (length != type.length) return "the length of a type is wrong: " + std::to_string(index);
      if (type.tree != no_tree && !data_.positions.agrees(data_, type))
        return "the positions of a list are wrong: " + std::to_string(index);
      for (auto entry = type.keys; entry != nil; entry = data_.entries[entry].next) {
        const map_entry& each = data_.entries[entry];
        if (each.branch != index) return "a key belongs to another type";
        if (data_.key_item(index, each.key) != each.item) return "a key is not found";
        auto first = each.item;
        while (data_.at(first).left != nil) first = data_.at(first).left;
        if (auto fault = list(index, each.key, first, last); !fault.empty()) return fault;
        if (last != each.item) return "a key's value is not the last of its items";
      }
    }
    return {};
  }

  std::string counts() const {
    if (items_ != data_.items.used()) return "items in the slab that no log knows";
    if (linked_ != items_) return "items in a log that no list knows";
    if (deleted_ != data_.deleted_items) return "the count of deleted items is wrong";
    return {};
  }

  const store& data_;
  std::vector<std::uint8_t> listed_;
  std::size_t items_ = 0;
  std::size_t linked_ = 0;
  std::size_t deleted_ = 0;
};

struct dumped_type {
  std::uint32_t index;
  std::string path;
};

std::string dump_list(const store& data, const dumped_type& of) {
  std::string out = of.path + ":[";
  std::uint32_t client = nil;
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  bool deleted = false;
  bool first = true;
  const auto flush = [&] {
    if (client == nil) return;
    if (!first) out += ',';
    first = false;
    out += '[' + std::to_string(data.log(client).id()) + ',' + std::to_string(from) + ',' + std::to_string(to - from) +
           (deleted ? ",true]" : ",false]");
  };
  for (auto at = data.type(of.index).start; at != nil; at = data.at(at).right) {
    const item& each = data.at(at);
    const bool gone = each.deleted != 0;
    if (each.client == client && each.clock == to && gone == deleted) {
      to = each.end();
      continue;
    }
    flush();
    client = each.client;
    from = each.clock;
    to = each.end();
    deleted = gone;
  }
  flush();
  return out + "]\n";
}

}  // namespace

std::string find_fault(const store& data) {
  return checker(data).run();
}

std::string dump(const store& data) {
  std::vector<dumped_type> stack;
  for (const auto root : data.roots()) stack.push_back({root, std::string(data.names.name(data.type(root).name))});
  std::sort(stack.begin(), stack.end(), [](const auto& a, const auto& b) { return utf16_less(b.path, a.path); });
  std::string out;
  while (!stack.empty()) {
    const dumped_type next = std::move(stack.back());
    stack.pop_back();
    out += dump_list(data, next);
    std::vector<dumped_type> children;
    const auto visit = [&](const item& each) {
      if (each.deleted || each.kind() != content_kind::type) return;
      children.push_back({each.content, next.path + '>' + std::to_string(data.log(each.client).id()) + '.' +
                                            std::to_string(each.clock)});
    };
    for (auto at = data.type(next.index).start; at != nil; at = data.at(at).right) visit(data.at(at));
    std::vector<std::uint32_t> keys;
    for (auto entry = data.type(next.index).keys; entry != nil; entry = data.entries[entry].next) keys.push_back(entry);
    std::sort(keys.begin(), keys.end(), [&](std::uint32_t a, std::uint32_t b) {
      return utf16_less(data.names.name(data.entries[a].key), data.names.name(data.entries[b].key));
    });
    for (const auto entry : keys) {
      const item& value = data.at(data.entries[entry].item);
      out += next.path + '/' + std::string(data.names.name(data.entries[entry].key)) + '=' +
             std::to_string(data.log(value.client).id()) + ',' + std::to_string(value.end() - 1) +
             (value.deleted ? ",true\n" : ",false\n");
      visit(value);
    }
    stack.insert(stack.end(), children.rbegin(), children.rend());
  }
  return out;
}

}  // namespace octavo::crdt::internal
