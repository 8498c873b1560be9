// The edit that brings an older version back. It touches only what differs: lists that are in both versions are walked
// with their deleted items, and copies of what must come back go to the place of the originals; what was deleted as a
// whole, such as a nested type, is copied with everything that the older version showed in it.
#include <deque>
#include <optional>

#include "crdt/internal/history.hpp"
#include "crdt/internal/slice.hpp"
#include "crdt/internal/wire.hpp"
#include "crdt/lib0.hpp"
#include "crdt/update.hpp"

namespace octavo::crdt {

namespace {

using namespace internal;

class restorer {
 public:
  restorer(const history_data& of, std::uint32_t version, std::uint64_t client)
      : of_(of), data_(of.data()), version_(version), now_(static_cast<std::uint32_t>(of.edits.size() - 1)) {
    client_ = update_.intern(client);
  }

  std::optional<bytes> run() {
    for (const auto root : data_.roots()) work_.push_back({root, {}, false});
    while (!work_.empty()) {
      const job next = work_.front();
      work_.pop_front();
      if (next.copied) {
        copy_list(next);
        copy_keys(next);
      } else {
        mend_list(next.branch);
        mend_keys(next.branch);
      }
      if (full_) return std::nullopt;
    }
    update_.normalize();
    update_.coalesce();
    return encode_update_v1(update_);
  }

 private:
  struct place {
    std::uint32_t client = none;  // in the update's numbering
    std::uint32_t clock = 0;
  };

  // A type that is in both versions, or one that was copied.
  struct job {
    std::uint32_t branch;
    place owner;
    bool copied;
  };

  bool then(const unit_span& span) const { return span.visible(version_); }
  bool now(const unit_span& span) const { return span.visible(now_); }

  place in_update(std::uint32_t client, std::uint32_t clock) { return {update_.intern(data_.log(client).id()), clock}; }

  void erase(const item& of, const unit_span& span) {
    update_.add_delete({update_.intern(data_.log(of.client).id()), span.from, span.to - span.from});
  }

  // Where a copy of something in a list goes: behind what was copied before it, or behind the item itself.
  struct gap {
    place left;
    place right;
    decoded_parent parent;
  };

  decoded_parent parent_of(std::uint32_t index) {
    decoded_parent parent;
    const branch& type = data_.type(index);
    if (type.item == nil) {
      parent.root = data_.names.name(type.name);
    } else {
      const item& owner = data_.at(type.item);
      const auto at = in_update(owner.client, owner.clock);
      parent.client = at.client;
      parent.clock = at.clock;
    }
    return parent;
  }

  decoded_parent parent_of_copy(const job& of) {
    decoded_parent parent;
    parent.client = of.owner.client;
    parent.clock = of.owner.clock;
    return parent;
  }

  // Writes a struct; returns its last unit.
  place add(const gap& at, content_kind kind, std::uint32_t units, std::string_view content, bool keyed) {
    if (units > UINT32_MAX - clock_) {
      full_ = true;
      return {};
    }
    decoded_struct made;
    made.client = client_;
    made.clock = clock_;
    made.length = units;
    made.origin_client = at.left.client;
    made.origin_clock = at.left.clock;
    made.right_client = at.right.client;
    made.right_clock = at.right.clock;
    made.kind = kind;
    made.has_parent_sub = keyed;
    made.content = content;
    const bool free = !made.has_origin() && !made.has_right();
    update_.add_struct(made, free ? &at.parent : nullptr);
    clock_ += units;
    return {client_, clock_ - 1};
  }

  // Copies the units [from, to) of an item, `from` and `to` counted in the item.
  place copy(const gap& at, std::uint32_t index, std::uint32_t from, std::uint32_t to, text_place& near, bool keyed) {
    const item& of = data_.at(index);
    switch (of.kind()) {
      case content_kind::string: {
        std::string& text = texts_.emplace_back();
        append_text_slice(data_, index, from, to, near, text);
        return add(at, of.kind(), to - from, text, keyed);
      }
      case content_kind::any:
      case content_kind::json: {
        auto run = data_.content_of(of);
        run = run.substr(0, values_size(of.kind(), run, to));
        run.remove_prefix(values_size(of.kind(), run, from));
        return add(at, of.kind(), to - from, run, keyed);
      }
      case content_kind::type: {
        const branch& type = data_.type(of.content);
        bytes head;
        lib0_writer writer(head);
        writer.u8(static_cast<std::uint8_t>(type.kind));
        if (type.kind == type_kind::xml_element || type.kind == type_kind::xml_hook)
          writer.var_string(data_.contents.view(type.name, type.name_bytes));
        const auto made = add(at, of.kind(), 1, texts_.emplace_back(as_text(head)), keyed);
        work_.push_back({of.content, made, true});
        return made;
      }
      default:
        return add(at, of.kind(), 1, data_.content_of(of), keyed);
    }
  }

  void mend_list(std::uint32_t index) {
    const auto parent = parent_of(index);
    place left;  // the last unit before the present one
    // What is to come back is gathered until something comes that stays, or the end: so it goes there as one piece.
    struct part {
      std::uint32_t item;
      std::uint32_t from;
      std::uint32_t to;
    };
    std::vector<part> back;
    const auto flush = [&](const place& right) {
      text_place near;
      for (const auto& each : back) left = copy({left, right, parent}, each.item, each.from, each.to, near, false);
      back.clear();
    };
    for (auto at = data_.type(index).start; at != nil; at = data_.at(at).right) {
      const item& each = data_.at(at);
      if (each.kind() == content_kind::deleted) {
        left = in_update(each.client, each.end() - 1);
        continue;
      }
      of_.spans(each, [&](const unit_span& span) {
        const bool stays = then(span) && now(span);
        if (stays) {
          flush(in_update(each.client, span.from));
          if (each.kind() == content_kind::type) work_.push_back({each.content, {}, false});
        } else if (now(span)) {
          erase(each, span);
        } else if (then(span)) {
          back.push_back({at, span.from - each.clock, span.to - each.clock});
        }
        left = in_update(each.client, span.to - 1);
      });
    }
    flush({});
  }

  void copy_list(const job& of) {
    gap at{{}, {}, parent_of_copy(of)};
    for (auto index = data_.type(of.branch).start; index != nil; index = data_.at(index).right) {
      const item& each = data_.at(index);
      if (each.kind() == content_kind::deleted) continue;
      text_place near;
      of_.spans(each, [&](const unit_span& span) {
        if (then(span)) at.left = copy(at, index, span.from - each.clock, span.to - each.clock, near, false);
      });
    }
  }

  void mend_keys(std::uint32_t index) {
    for (auto at = data_.type(index).keys; at != nil; at = data_.entries[at].next) {
      const auto& entry = data_.entries[at];
      const auto before = of_.value_at(entry, version_);
      const auto present = of_.value_at(entry, now_);
      if (before == present) {
        if (before.item != nil && data_.at(before.item).kind() == content_kind::type)
          work_.push_back({data_.at(before.item).content, {}, false});
        continue;
      }
      if (present.item != nil) {
        const item& gone = data_.at(present.item);
        of_.spans(gone, [&](const unit_span& span) {
          if (now(span)) erase(gone, span);
        });
      }
      if (before.item == nil) continue;
      const item& last = data_.at(entry.item);
      copy_value({in_update(last.client, last.end() - 1), {}, {}}, before);
    }
  }

  void copy_keys(const job& of) {
    for (auto at = data_.type(of.branch).keys; at != nil; at = data_.entries[at].next) {
      const auto& entry = data_.entries[at];
      const auto before = of_.value_at(entry, version_);
      if (before.item == nil) continue;
      auto parent = parent_of_copy(of);
      parent.has_key = true;
      parent.key = data_.names.name(entry.key);
      copy_value({{}, {}, parent}, before);
    }
  }

  void copy_value(const gap& at, const history_data::key_value& of) {
    text_place near;
    copy(at, of.item, of.unit, of.unit + 1, near, true);
  }

  const history_data& of_;
  const store& data_;
  std::uint32_t version_;
  std::uint32_t now_;
  decoded_update update_;
  std::uint32_t client_ = none;
  std::uint32_t clock_ = 0;
  bool full_ = false;
  std::deque<job> work_;
  std::deque<std::string> texts_;  // of the update, which borrows them
};

}  // namespace

result<bytes, history_error> history::restore_update(std::uint64_t version, std::uint64_t client) const {
  const auto at = data_->edit_at(version);
  if (!at) return at.error();
  if (data_->data().find_client(client) != internal::flat_map::missing)
    return history_error{history_errc::client_in_use, {}, {}};
  data_->prepare();
  auto made = restorer(*data_, *at, client).run();
  if (!made) return history_error{history_errc::too_large, {}, {}};
  return std::move(*made);
}

}  // namespace octavo::crdt
