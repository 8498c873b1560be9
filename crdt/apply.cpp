// Applying an update: first it is decided, without touching anything, which structs can be integrated and in which
// order; then the limits are checked; then it is done. What cannot be integrated is kept until what it misses has come.
#include <algorithm>

#include "crdt/internal/engine.hpp"
#include "crdt/internal/wire.hpp"
#include "crdt/utf8.hpp"

namespace octavo::crdt::internal {

namespace {

// Sorted, not hashed: clients choose the names, and could choose them so that they all meet in one bucket.
std::size_t count_distinct(std::vector<std::string_view>& names) {
  std::sort(names.begin(), names.end());
  return static_cast<std::size_t>(std::unique(names.begin(), names.end()) - names.begin());
}

// Whether a struct will most likely be appended to the one before it in the update, and so needs no item.
bool continues(const decoded_struct& last, const decoded_struct& each) {
  return each.kind == content_kind::string && last.kind == content_kind::string && last.client == each.client &&
         each.origin_client == each.client && last.end() == each.clock && each.origin_clock + 1 == each.clock &&
         last.right_client == each.right_client && last.right_clock == each.right_clock;
}

}  // namespace

std::size_t memory_needed(const decoded_update& update) {
  constexpr std::size_t item_bytes = sizeof(item) + sizeof(log_entry);
  // Beside the text of a name: its place in the pool, and those of the key or root in their tables.
  constexpr std::size_t name_bytes = sizeof(branch) + sizeof(map_entry) + 64;
  // A range of deletes may cut an item at both ends.
  std::size_t bytes = 2 * item_bytes * update.deletes().size();
  const decoded_struct* last = nullptr;
  for (const auto& each : update.structs()) {
    bytes += each.content.size();
    if (each.kind != content_kind::gc && (last == nullptr || !continues(*last, each))) bytes += item_bytes;
    if (each.kind == content_kind::type) bytes += sizeof(branch);
    last = &each;
  }
  for (const auto& each : update.parents()) {
    bytes += each.root.size() + each.key.size();
    if (each.has_key) bytes += name_bytes;
  }
  return bytes;
}

engine::engine(const document_options& given)
    : options(given), data(given.hash_seed, given.max_content_bytes), transaction_(data, options) {}

result<apply_report, apply_errc> engine::apply(const decoded_update& update, source from) {
  if (editing) return apply_errc::edit_open;
  if (!usable) return apply_errc::unusable;
  map_clients(update);
  schedule(update);
  count_leftovers(update);
  measure_depths(update);
  if (from == source::peer) {
    if (const auto refused = admit(update)) return *refused;
  }

  // Until it is done the document is not to be trusted, should memory run out on the way.
  usable = false;
  pending_changed_ = false;
  transaction_.begin(from == source::peer ? options.step_budget : UINT64_MAX);
  const bool big = reserve(update);
  for (const auto index : order_) {
    if (stopped()) break;
    integrate(update, update.structs()[index]);
  }
  if (leftover_structs_ != 0) keep_leftovers(update);
  apply_deletes(update);
  if (!settle(big)) return transaction_.failure().value_or(apply_errc::step_budget_exceeded);
  return report();
}

// What follows when all of an update that can be integrated is. False if the transaction has failed.
bool engine::settle(bool big) {
  // From here on nothing can fail by what others have left to wait.
  const bool done = !stopped();
  if (done && !pending.empty()) wake_pending();
  if (done) transaction_.finish();
  release_scratch();
  if (!done || transaction_.failure()) return false;
  kept_deletes_.note(transaction_.deleted());
  data.release_room(big);
  usable = true;
  return true;
}

apply_report engine::report() const {
  apply_report report;
  report.structs_integrated = transaction_.structs_integrated();
  report.units_deleted = transaction_.units_deleted();
  report.changed = report.structs_integrated != 0 || report.units_deleted != 0 || pending_changed_;
  report.pending_structs = pending.struct_count();
  report.pending_bytes = pending.memory();
  report.advances = transaction_.advances();
  return report;
}

// A big update gets its memory at once. For small ones the usual growth is right: exact reserves would move everything
// with each edit. Beyond a modest number of items growth must do as well: structs may turn out to be collected, or to
// be joined, and then the room would have been taken on the word of a client.
bool engine::reserve(const decoded_update& update) {
  if (order_.size() <= data.items.size() / 4 + 16) return false;
  std::size_t items = 0;
  std::size_t bytes = 0;
  const decoded_struct* last = nullptr;
  for (const auto index : order_) {
    const auto& each = update.structs()[index];
    bytes += each.content.size();
    items += each.kind != content_kind::gc && (last == nullptr || !continues(*last, each));
    last = &each;
  }
  data.items.reserve_more(std::min(items, max_reserved_items));
  data.contents.reserve(data.contents.size() + bytes);
  return true;
}

// A big update must not leave its scratch behind in a document that then sits idle.
void engine::release_scratch() {
  constexpr std::size_t kept_entries = 1024;
  // Assigning an empty list would keep the memory.
  const auto release = [](auto& values) {
    if (values.capacity() <= kept_entries) return;
    values.clear();
    values.shrink_to_fit();
  };
  for (auto* each : {&clients_, &clocks_, &block_of_, &cursors_, &order_, &depths_}) release(*each);
  release(states_);
  release(stack_);
  release(cut_text_);
}

void engine::map_clients(const decoded_update& update) {
  const auto ids = update.clients();
  clients_.resize(ids.size());
  clocks_.resize(ids.size());
  block_of_.assign(ids.size(), none);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto known = data.find_client(ids[i]);
    clients_[i] = known == flat_map::missing ? none : known;
    clocks_[i] = known == flat_map::missing ? 0 : data.log(known).end();
  }
  const auto blocks = update.blocks();
  cursors_.resize(blocks.size());
  states_.assign(blocks.size(), idle);
  for (std::uint32_t i = 0; i < blocks.size(); ++i) {
    block_of_[blocks[i].client] = i;
    cursors_[i] = blocks[i].first;
  }
}

// Schedules structs of a block until it is exhausted, the frame below has what it waits for, or something is missing.
// Returns false in the last case.
bool engine::step_block(const decoded_update& update, std::uint32_t block, const frame& top, dependency& missing) {
  const auto& run = update.blocks()[block];
  const std::uint32_t end = run.first + run.count;
  std::uint32_t& clock = clocks_[run.client];
  const auto known = [this](std::uint32_t client) { return clocks_[client]; };
  for (; cursors_[block] < end; ++cursors_[block]) {
    const auto& each = update.structs()[cursors_[block]];
    if (clock > top.wanted) return true;
    if (each.end() <= clock) continue;
    if (each.clock > clock) {
      missing = {run.client, clock};
      return false;
    }
    if (each.kind != content_kind::gc) {
      if (const auto lacking = missing_of(update, each, known)) {
        missing = *lacking;
        return false;
      }
    }
    order_.push_back(cursors_[block]);
    clock = each.end();
  }
  return true;
}

// A depth-first walk from block to block along missing dependencies, on a stack of its own. Where a dependency cannot
// be had, every block on the stack waits for it, directly or not; so each block dies once and each struct is looked at
// once.
void engine::schedule(const decoded_update& update) {
  order_.clear();
  const auto blocks = update.blocks();
  for (std::uint32_t start = 0; start < blocks.size(); ++start) {
    if (states_[start] == dead) continue;
    stack_.clear();
    stack_.push_back({start, UINT32_MAX});
    states_[start] = stacked;
    while (!stack_.empty()) {
      const frame top = stack_.back();
      dependency missing{};
      if (step_block(update, top.block, top, missing)) {
        states_[top.block] = idle;
        stack_.pop_back();
        continue;
      }
      const std::uint32_t holder = block_of_[missing.client];
      const bool reachable =
          holder != none && states_[holder] == idle && cursors_[holder] < blocks[holder].first + blocks[holder].count;
      if (reachable) {
        states_[holder] = stacked;
        stack_.push_back({holder, missing.clock});
        continue;
      }
      for (const auto& each : stack_) states_[each.block] = dead;
      stack_.clear();
    }
  }
}

void engine::count_leftovers(const decoded_update& update) {
  const auto blocks = update.blocks();
  leftover_structs_ = 0;
  leftover_bytes_ = 0;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::size_t end = std::size_t{blocks[i].first} + blocks[i].count;
    leftover_structs_ += end - cursors_[i];
    for (std::size_t at = cursors_[i]; at < end; ++at)
      leftover_bytes_ += pending_set::cost(update, update.structs()[at]);
  }
  for (const auto& each : update.deletes()) {
    if (each.end() > clocks_[each.client]) leftover_bytes_ += pending_set::delete_cost();
  }
}

// How many types deep the list is that has a unit's item, or, inside, that of the unit's own type; 0 if nobody can tell
// yet. Units of the update itself must have been measured before.
std::uint32_t engine::depth_beside(const decoded_update& update, std::uint32_t client, std::uint32_t clock,
                                   bool inside) const {
  const auto depth = [inside](bool is_type, std::uint32_t around) {
    return inside ? (is_type ? around + 1 : 0) : around;
  };
  const std::uint32_t known = clients_[client];
  if (known != none && clock < data.log(known).end()) {
    const auto index = data.item_at({known, clock});
    if (index == collected) return 0;
    const item& at = data.at(index);
    return depth(at.kind() == content_kind::type, data.type(at.parent).depth);
  }
  if (block_of_[client] != none) {
    const auto& block = update.blocks()[block_of_[client]];
    const auto run = update.structs().subspan(block.first, block.count);
    const auto after = std::upper_bound(run.begin(), run.end(), clock,
                                        [](std::uint32_t of, const decoded_struct& each) { return of < each.clock; });
    if (after != run.begin() && clock < std::prev(after)->end()) {
      const auto index = block.first + static_cast<std::size_t>(std::prev(after) - run.begin());
      return depth(update.structs()[index].kind == content_kind::type, depths_[index]);
    }
  }
  const auto* waiting = pending.at(update.client_id(client), clock);
  return waiting == nullptr ? 0 : depth(waiting->kind == content_kind::type, waiting->depth);
}

void engine::measure_depth(const decoded_update& update, std::uint32_t index) {
  const auto& each = update.structs()[index];
  if (each.kind == content_kind::gc) return;
  std::uint32_t depth = 0;
  if (each.has_origin()) {
    depth = depth_beside(update, each.origin_client, each.origin_clock, false);
  } else if (each.has_right()) {
    depth = depth_beside(update, each.right_client, each.right_clock, false);
  } else if (each.parent != none && update.parents()[each.parent].client != none) {
    const auto& parent = update.parents()[each.parent];
    depth = depth_beside(update, parent.client, parent.clock, true);
  }
  depths_[index] = depth;
  if (each.kind == content_kind::type) deepest_ = std::max(deepest_, depth + 1);
}

// Whether types nest too deep is known of all that can be integrated, and of what must wait as far as what is before it
// is here. It is looked at only if there are types enough, or if others may be put into those that wait.
void engine::measure_depths(const decoded_update& update) {
  depths_.clear();
  deepest_ = 0;
  const auto structs = update.structs();
  const auto types = static_cast<std::size_t>(std::count_if(
      structs.begin(), structs.end(), [](const decoded_struct& each) { return each.kind == content_kind::type; }));
  const std::size_t bound = types + std::max(data.deepest_type, pending.deepest_type());
  if (bound <= options.max_type_depth && leftover_structs_ == 0) return;
  depths_.resize(structs.size());
  for (const auto index : order_) measure_depth(update, index);
  const auto blocks = update.blocks();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    for (std::uint32_t at = cursors_[i]; at < blocks[i].first + blocks[i].count; ++at) measure_depth(update, at);
  }
}

// The checks that leave the document unchanged.
std::optional<apply_errc> engine::admit(const decoded_update& update) {
  // Those of whom something waits are counted as if all of them were new.
  std::size_t more_clients = pending.client_count();
  for (const auto& each : update.blocks())
    more_clients += clients_[each.client] == none && pending.find(update.client_id(each.client)) == nullptr;
  if (data.client_count() + more_clients > options.max_clients) return apply_errc::too_many_clients;
  if (leftover_bytes_ != 0 && pending.memory() + leftover_bytes_ > options.max_pending_bytes)
    return apply_errc::pending_full;
  if (deepest_ > options.max_type_depth) return apply_errc::type_too_deep;

  // Names are counted one by one only if the bound could be passed at all. Those of what waits are in the pool already.
  const std::size_t parents = update.parents().size();
  const std::size_t known_roots = data.roots().size() + pending.promised_roots();
  if (data.names.size() + 2 * parents > options.max_keys || known_roots + parents > options.max_roots) {
    std::vector<std::string_view> names;
    std::vector<std::string_view> roots;
    for (const auto& each : update.parents()) {
      if (each.has_key && data.names.find(each.key) == name_pool::missing) names.push_back(each.key);
      if (each.client != none) continue;
      const auto name = data.names.find(each.root);
      if (name == name_pool::missing) names.push_back(each.root);
      if (data.find_root(each.root) == nil && !pending.promises_root(name)) roots.push_back(each.root);
    }
    if (data.names.size() + count_distinct(names) > options.max_keys) return apply_errc::too_many_names;
    if (known_roots + count_distinct(roots) > options.max_roots) return apply_errc::too_many_names;
  }
  return std::nullopt;
}

void engine::cut_incoming(incoming& next, std::uint32_t units) {
  switch (next.kind) {
    case content_kind::string: {
      const auto cut = find_utf16(next.content, units);
      if (cut.splits_pair) {
        cut_text_ = replacement_character;
        cut_text_ += next.content.substr(cut.byte + 4);
        next.content = cut_text_;
      } else {
        next.content.remove_prefix(cut.byte);
      }
      break;
    }
    case content_kind::any:
    case content_kind::json:
      next.content.remove_prefix(values_size(next.kind, next.content, units));
      break;
    default:
      break;
  }
  next.id.clock += units;
  next.length -= units;
  next.origin = {next.id.client, next.id.clock - 1};
  next.has_parent = false;
}

void engine::integrate(const decoded_update& update, const decoded_struct& each) {
  auto& client = clients_[each.client];
  if (client == none) client = data.intern_client(update.client_id(each.client));
  incoming next;
  next.id = {client, each.clock};
  next.length = each.length;
  next.kind = each.kind;
  next.content = each.content;
  next.origin = local(each.origin_client, each.origin_clock);
  next.right = local(each.right_client, each.right_clock);
  if (each.parent != none) {
    const auto& parent = update.parents()[each.parent];
    next.has_parent = true;
    next.parent_is_root = parent.client == none;
    next.root = parent.root;
    next.parent = local(parent.client, parent.clock);
    next.has_key = parent.has_key;
    next.key = parent.key;
  }
  const std::uint32_t known = data.log(client).end();
  if (each.clock < known) cut_incoming(next, known - each.clock);
  integrate(next);
}

void engine::integrate(const incoming& next) {
  transaction_.integrate(next);
  if (next.has_parent && next.parent_is_root && pending.promised_roots() != 0)
    pending.root_made(data.names.find(next.root));
}

// What waits has its names in the pool from the start, and its roots count: when it is woken nothing may be refused.
void engine::promise_names(const decoded_parent& of) {
  if (of.has_key) data.names.intern(of.key);
  if (of.client != none) return;
  const auto name = data.names.intern(of.root);
  if (data.find_root(of.root) == nil) pending.promise_root(name);
}

void engine::keep_leftovers(const decoded_update& update) {
  const auto blocks = update.blocks();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::uint32_t end = blocks[i].first + blocks[i].count;
    if (cursors_[i] == end) continue;
    for (std::uint32_t at = cursors_[i]; at < end; ++at) {
      const auto& each = update.structs()[at];
      if (!pending.add(update, each, depths_[at])) continue;
      pending_changed_ = true;
      if (each.parent != none) promise_names(update.parents()[each.parent]);
    }
    // Looked at once, so that its first struct is filed under what it misses.
    pending.set_ready(update.client_id(blocks[i].client));
  }
}

void engine::apply_deletes(const decoded_update& update) {
  for (const auto& each : update.deletes()) {
    if (stopped()) return;
    apply_delete(update.client_id(each.client), clients_[each.client], each);
  }
}

void engine::apply_delete(std::uint64_t id, std::uint32_t number, const delete_range& of) {
  const auto client = number != none ? number : data.find_client(id);
  const std::uint32_t known = client == flat_map::missing ? 0 : data.log(client).end();
  if (of.clock < known) transaction_.erase(client, of.clock, std::min(of.end(), known));
  if (of.end() > known) pending_changed_ |= pending.add_delete(id, std::max(of.clock, known), of.end());
}

std::size_t engine::memory() const {
  std::size_t bytes =
      sizeof(engine) + data.memory() + pending.memory() + kept_deletes_.memory() + transaction_.memory();
  for (const auto* each : {&clients_, &clocks_, &block_of_, &cursors_, &order_, &depths_})
    bytes += each->capacity() * 4;
  return bytes + states_.capacity() + stack_.capacity() * sizeof(frame) + cut_text_.capacity();
}

}  // namespace octavo::crdt::internal
