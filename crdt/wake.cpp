// Waking what waits: structs and deletes whose missing units have come, of whomever they are, in the transaction of the
// update that brought these.
#include "crdt/internal/engine.hpp"

namespace octavo::crdt::internal {

std::optional<wire_id> engine::missing_of(std::uint64_t client, std::uint32_t clock, const pending_struct& each) const {
  const auto lacks = [&](std::uint64_t of, std::uint32_t unit) { return of != client && unit >= data.clock_of(of); };
  if (each.has_right && lacks(each.right_client, each.right_clock)) return wire_id{each.right_client, each.right_clock};
  if (clock < data.clock_of(client)) return std::nullopt;
  if (each.has_origin && lacks(each.origin_client, each.origin_clock))
    return wire_id{each.origin_client, each.origin_clock};
  if (each.has_parent && !each.parent_is_root && lacks(each.parent_client, each.parent_clock))
    return wire_id{each.parent_client, each.parent_clock};
  return std::nullopt;
}

incoming engine::incoming_of(std::uint64_t client, std::uint32_t clock, const pending_struct& each) {
  const auto id_of = [&](bool present, std::uint64_t of, std::uint32_t unit) {
    return present ? unit_id{data.intern_client(of), unit} : unit_id{};
  };
  incoming next;
  next.id = {data.intern_client(client), clock};
  next.length = each.length;
  next.kind = each.kind;
  next.content = each.content();
  const std::uint32_t known = data.log(next.id.client).end();
  next.right = id_of(each.has_right, each.right_client, each.right_clock);
  if (clock < known) {
    cut_incoming(next, known - clock);
  } else {
    next.origin = id_of(each.has_origin, each.origin_client, each.origin_clock);
    next.has_parent = each.has_parent;
    next.parent_is_root = each.parent_is_root;
    next.root = each.root();
    if (each.has_parent && !each.parent_is_root) next.parent = id_of(true, each.parent_client, each.parent_clock);
    next.has_key = each.has_key;
    next.key = each.key();
  }
  return next;
}

// Integrates as much of a client's queue as can be, and files the rest under what it misses. False if it stopped
// before.
bool engine::run_pending_structs(std::uint64_t client) {
  while (auto* queue = pending.find(client)) {
    const auto& [clock, first] = *queue->begin();
    const std::uint32_t known = data.clock_of(client);
    if (clock > known) return true;  // a gap of its own: looked at again when the client advances
    ++data.steps;
    if (clock + first.length > known) {
      if (const auto missing = missing_of(client, clock, first)) {
        pending.wait(client, *missing);
        return true;
      }
      if (!may_wake()) return false;
      const auto next = incoming_of(client, clock, first);
      if (!transaction_.has_room_for(next)) return false;
      integrate(next);
    }
    pending.pop(client);
    pending_changed_ = true;
  }
  return true;
}

bool engine::run_pending_deletes(std::uint64_t client) {
  const auto log = data.find_client(client);
  if (log == flat_map::missing) return true;
  const std::uint32_t known = data.log(log).end();
  while (const auto range = pending.first_delete(client, known)) {
    if (!may_wake() || !transaction_.has_room_to_erase(log, range->first, range->second)) return false;
    transaction_.erase(log, range->first, range->second);
    pending.pop_delete(client, known);
    pending_changed_ = true;
  }
  return true;
}

bool engine::run_pending(std::uint64_t client) {
  return run_pending_structs(client) && run_pending_deletes(client);
}

// Everything whose missing unit has come is integrated, and whatever that makes possible, until nothing moves. What
// waits may be of others than the update, and must not make it fail: it has half a budget for itself, and where that or
// the room in the document is at an end, the rest is ready for the next time.
void engine::wake_pending() {
  transaction_.lift_budget();
  wake_until_ = data.steps + options.step_budget / 2;
  std::size_t noted = 0;
  for (;;) {
    // Clients are noted as advanced once a transaction; those that advance further are so by their own run below.
    for (; noted < transaction_.advances().size(); ++noted) {
      const std::uint64_t client = transaction_.advances()[noted].client;
      data.steps += pending.advanced(client, data.clock_of(client));
    }
    if (!may_wake()) return;
    const auto client = pending.take_ready();
    if (!client) return;
    const std::uint32_t before = data.clock_of(*client);
    const bool ran = run_pending(*client);
    const std::uint32_t clock = data.clock_of(*client);
    if (clock != before) data.steps += pending.advanced(*client, clock);
    if (!ran) return pending.set_ready(*client);
  }
}

}  // namespace octavo::crdt::internal
