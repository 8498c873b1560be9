#include "crdt/internal/render.hpp"
#include "crdt/tree.hpp"
#include "crdt/utf8.hpp"

namespace octavo::crdt::internal {

namespace {

/// Walks types with a stack in place of recursion: one frame for each that is open.
class tree_walk {
 public:
  tree_walk(const store& data, tree_visitor& visitor) : data_(data), visitor_(visitor) {}

  void run(std::uint32_t root) {
    open(root);
    for (;;) {
      frame& top = stack_.back();
      if (top.position < top.entries.size()) {
        entry(data_.entries[top.entries[top.position++]]);
      } else if (top.cursor != nil) {
        const item& each = data_.at(top.cursor);
        top.cursor = each.right;
        if (!each.deleted) listed(each);
      } else {
        stack_.pop_back();
        if (stack_.empty()) return;
        visitor_.end_type();
      }
    }
  }

 private:
  struct frame {
    std::vector<std::uint32_t> entries;
    std::size_t position = 0;
    std::uint32_t cursor = nil;
    attribute_map attributes;
    std::string attributes_text;
  };

  void open(std::uint32_t index) {
    frame next;
    next.entries = live_entries(data_, index);
    next.cursor = data_.type(index).start;
    stack_.push_back(std::move(next));
  }

  tree_place place_of(const item& each) const {
    tree_place place;
    place.client = data_.log(each.client).id();
    place.clock = each.clock;
    place.length = each.length;
    return place;
  }

  void entry(const map_entry& of) {
    const item& each = data_.at(of.item);
    tree_place place = place_of(each);
    place.clock = each.end() - 1;
    place.length = 1;
    place.has_key = true;
    place.key = data_.names.name(of.key);
    if (each.kind() == content_kind::type) return begin(place, each.content);
    auto content = data_.content_of(each);
    if (each.kind() == content_kind::any || each.kind() == content_kind::json) {
      content = last_value(each.kind(), content, each.length);
    } else if (each.kind() == content_kind::string) {
      const auto cut = find_utf16(content, each.length - 1);
      content = cut.splits_pair ? replacement_character : content.substr(cut.byte);
    }
    visitor_.content(place, each.kind(), content);
  }

  void listed(const item& each) {
    frame& top = stack_.back();
    if (each.kind() == content_kind::format) {
      apply_format(data_, each, top.attributes);
      top.attributes_text = attributes_json(top.attributes);
      return;
    }
    if (!countable(each.kind())) return;
    tree_place place = place_of(each);
    place.attributes = top.attributes_text;
    if (each.kind() == content_kind::type) return begin(place, each.content);
    visitor_.content(place, each.kind(), data_.content_of(each));
  }

  void begin(const tree_place& place, std::uint32_t index) {
    const branch& type = data_.type(index);
    visitor_.begin_type(place, type.kind, data_.contents.view(type.name, type.name_bytes));
    open(index);
  }

  const store& data_;
  tree_visitor& visitor_;
  std::vector<frame> stack_;
};

}  // namespace

void walk(const store& data, std::uint32_t branch, tree_visitor& visitor) {
  tree_walk(data, visitor).run(branch);
}

}  // namespace octavo::crdt::internal
