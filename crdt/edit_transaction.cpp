// The two ends of an edit by the document's owner: making it final and writing it as an update, and taking it back.
#include <algorithm>

#include "crdt/internal/encode.hpp"
#include "crdt/internal/encoders.hpp"
#include "crdt/internal/engine.hpp"

namespace octavo::crdt::internal {

// Nothing that the edit did has been collected or joined yet: its items are at the end of its client's log, what it
// deleted has its content still.
void transaction::rollback() {
  for (const auto client : advanced_clients_) {
    auto& log = store_.log(client);
    while (log.end() > log.end_before) {
      const auto place = log.last();
      const auto entry = log.at(place);
      if (entry.clock < log.end_before) {
        // What the edit wrote was appended to an older item.
        store_.split(place, entry.item, log.end_before - entry.clock);
        continue;
      }
      unlink(entry.item);
      log.drop_last();
    }
  }
  for (const auto& each : deletes_) revive(each);
  for (const auto& split : store_.splits) join({split.client, split.clock, split.clock});
  deletes_.clear();
  advances_.clear();
  advanced_clients_.clear();
  store_.splits.clear();
  integrated_ = 0;
  units_deleted_ = 0;
}

void transaction::unlink(std::uint32_t index) {
  item& gone = store_.at(index);
  if (store_.has_place(gone)) store_.positions.unlinked(store_, index);
  branch& parent = store_.type(gone.parent);
  if (gone.listed() && !gone.deleted && countable(gone.kind())) parent.length -= gone.length;
  if (gone.deleted) --store_.deleted_items;
  if (gone.left != nil) {
    store_.at(gone.left).right = gone.right;
  } else if (gone.listed()) {
    parent.start = gone.right;
  }
  if (gone.right != nil) {
    store_.at(gone.right).left = gone.left;
  } else if (!gone.listed()) {
    if (gone.left != nil) {
      store_.set_key_item(gone.parent, gone.key, gone.left);
    } else {
      store_.forget_key(gone.parent, gone.key);
    }
  }
  if (gone.kind() == content_kind::type) {
    store_.free_branch(gone.content);
  } else if (in_arena(gone.kind())) {
    store_.free_content(gone);
  }
  store_.items.release(index);
}

void transaction::revive(const range& of) {
  const auto& log = store_.log(of.client);
  for (auto clock = of.clock; clock < std::min(of.end, log.end());) {
    const auto place = log.find(clock);
    const auto index = log.at(place).item;
    clock = log.end_of(place);
    item& back = store_.at(index);
    back.deleted = 0;
    --store_.deleted_items;
    if (back.listed() && countable(back.kind())) store_.type(back.parent).length += back.length;
    if (store_.has_place(back)) store_.positions.resized(store_, index);
  }
}

std::optional<apply_errc> engine::begin_edit(std::uint64_t client, std::uint32_t& number) {
  if (editing) return apply_errc::edit_open;
  if (!usable) return apply_errc::unusable;
  if (data.find_client(client) == flat_map::missing &&
      data.client_count() + pending.client_count() >= options.max_clients)
    return apply_errc::too_many_clients;
  number = data.intern_client(client);
  // As in apply(): should memory run out in the middle, the document is not to be trusted.
  usable = false;
  editing = true;
  pending_changed_ = false;
  roots_before_edit_ = data.roots().size();
  transaction_.begin(options.step_budget);
  return std::nullopt;
}

namespace {

// A root that was only looked for is none.
std::size_t roots_to_keep(const store& data, std::size_t before) {
  std::size_t kept = data.roots().size();
  while (kept > before) {
    const branch& last = data.type(data.roots()[kept - 1]);
    if (last.start != nil || last.keys != nil) break;
    --kept;
  }
  return kept;
}

delete_set set_of(const store& data, std::span<const transaction::range> ranges) {
  std::vector<delete_set::range> deletes;
  deletes.reserve(ranges.size());
  for (const auto& each : ranges) deletes.push_back({data.log(each.client).id(), each.clock, each.end - each.clock});
  return delete_set(std::move(deletes));
}

}  // namespace

result<apply_report, apply_errc> engine::finish_edit(std::uint32_t client, bytes& update) {
  editing = false;
  const auto& log = data.log(client);
  const std::uint32_t before = transaction_.advances().empty() ? log.end() : log.end_before;
  const std::uint32_t end = log.end();
  const auto deletes = set_of(data, transaction_.deletes());
  data.forget_roots(roots_to_keep(data, roots_before_edit_));
  if (pending.promised_roots() != 0) {
    for (auto root = roots_before_edit_; root < data.roots().size(); ++root)
      pending.root_made(data.type(data.roots()[root]).name);
  }
  // Something may have waited for what this client was to write next.
  if (!pending.empty()) wake_pending();
  transaction_.finish();
  if (transaction_.failure()) return *transaction_.failure();
  kept_deletes_.note(transaction_.deleted());
  update.clear();
  if (end != before || !deletes.empty()) {
    constexpr std::size_t usual_size = 64;
    update.reserve(usual_size);
    lib0_writer writer(update);
    writer.var_uint(end != before ? 1 : 0);
    text_place near;
    if (end != before) {
      v1_encoder encoder(update);
      write_block(encoder, data, client, before, end, near);
    }
    write_delete_set(writer, deletes, update_encoding::v1);
  }
  data.release_room(false);
  usable = true;
  return report();
}

void engine::cancel_edit() {
  editing = false;
  transaction_.rollback();
  data.forget_roots(roots_before_edit_);
  // What is full has lost content on the way.
  usable = !data.full;
}

}  // namespace octavo::crdt::internal
