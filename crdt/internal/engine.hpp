// A document behind its public face: the store, what waits, and the applying of updates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crdt/document.hpp"
#include "crdt/internal/kept_deletes.hpp"
#include "crdt/internal/pending.hpp"
#include "crdt/internal/store.hpp"
#include "crdt/internal/transaction.hpp"

namespace octavo::crdt::internal {

/// What document::memory_needed() says.
std::size_t memory_needed(const decoded_update& update);

class engine {
 public:
  explicit engine(const document_options& given);

  /// Where an update comes from. What is stored was within the limits when it was taken.
  enum class source : std::uint8_t { peer, stored };

  result<apply_report, apply_errc> apply(const decoded_update& update, source from);

  /// Whether nothing has been here yet, so that what is integrated can be taken back by starting anew.
  bool untouched() const {
    return usable && !editing && data.client_count() == 0 && data.roots().empty() && pending.empty();
  }
  /// Loads an update into a document that is untouched: as apply() would, but without a list of its structs, in about
  /// half the memory. Nothing if the update is not of the plain kind; the engine must be thrown away then, and apply()
  /// says what is the matter.
  std::optional<apply_report> load_v1(bytes_view update, const decode_limits& limits, source from);
  void prune(decoded_update& update) const;

  /// The encoded delete set of the store.
  const bytes& delete_set() const { return kept_deletes_.v1(data); }
  const bytes& delete_set_v2() const { return kept_deletes_.v2(data); }

  // Editing, for crdt::edit: one transaction from begin_edit() to finish_edit() or cancel_edit().

  /// Begins an edit of a client; `number` is the store's for it. Refused with unusable, edit_open or too_many_clients.
  std::optional<apply_errc> begin_edit(std::uint64_t client, std::uint32_t& number);
  transaction& running() { return transaction_; }
  /// Makes the edit final, and writes it as an update; nothing in it if nothing changed. On a failure the document is
  /// unusable.
  result<apply_report, apply_errc> finish_edit(std::uint32_t client, bytes& update);
  void cancel_edit();
  /// Whether an edit is open.
  bool editing = false;

  std::size_t memory() const;

  /// Where each apply() leaves what it deleted, or nowhere.
  void report_deletes(std::vector<unit_range>* to) { transaction_.deleted_to = to; }

  document_options options;
  store data;
  pending_set pending;
  bool usable = true;

 private:
  class loader;
  enum block_state : std::uint8_t { idle, stacked, dead };
  // Items beyond these get their memory when they are there. These are 48 MB: blocks of that size grow without being
  // copied, as the allocator has the kernel move their pages.
  static constexpr std::size_t max_reserved_items = std::size_t{1} << 20;

  struct frame {
    std::uint32_t block;
    std::uint32_t wanted;  // the clock that the frame below waits for
  };
  struct dependency {
    std::uint32_t client;  // in the update's numbering
    std::uint32_t clock;
  };

  std::optional<apply_errc> admit(const decoded_update& update);
  void count_leftovers(const decoded_update& update);
  void measure_depths(const decoded_update& update);
  void measure_depth(const decoded_update& update, std::uint32_t index);
  std::uint32_t depth_beside(const decoded_update& update, std::uint32_t client, std::uint32_t clock,
                             bool inside) const;
  void map_clients(const decoded_update& update);
  bool reserve(const decoded_update& update);
  bool settle(bool big);
  void release_scratch();
  void schedule(const decoded_update& update);
  bool step_block(const decoded_update& update, std::uint32_t block, const frame& top, dependency& missing);
  // The first unit that a struct needs and that is not there yet; `known` has the next clock of a client of the update.
  template <class Known>
  static std::optional<dependency> missing_of(const decoded_update& update, const decoded_struct& each,
                                              const Known& known);
  std::optional<wire_id> missing_of(std::uint64_t client, std::uint32_t clock, const pending_struct& each) const;
  void integrate(const decoded_update& update, const decoded_struct& each);
  incoming incoming_of(std::uint64_t client, std::uint32_t clock, const pending_struct& each);
  void cut_incoming(incoming& next, std::uint32_t units);
  bool stopped() const { return transaction_.failure().has_value() || transaction_.over_budget(); }
  void keep_leftovers(const decoded_update& update);
  void promise_names(const decoded_parent& of);
  void integrate(const incoming& next);
  void wake_pending();
  bool may_wake() const { return data.steps < wake_until_ && !transaction_.failure(); }
  bool run_pending(std::uint64_t client);
  bool run_pending_structs(std::uint64_t client);
  bool run_pending_deletes(std::uint64_t client);
  void apply_deletes(const decoded_update& update);
  // `number` is the store's for the client, or none if that is not looked up yet.
  void apply_delete(std::uint64_t id, std::uint32_t number, const delete_range& of);
  apply_report report() const;
  unit_id local(std::uint32_t client, std::uint32_t clock) const {
    return client == none ? unit_id{} : unit_id{clients_[client], clock};
  }

  transaction transaction_;
  std::size_t roots_before_edit_ = 0;
  bool pending_changed_ = false;
  mutable kept_deletes kept_deletes_;

  // Scratch of apply(), by the update's client numbers or block numbers.
  std::vector<std::uint32_t> clients_;   // the store's number, or none
  std::vector<std::uint32_t> clocks_;    // the next clock, as the schedule goes
  std::vector<std::uint32_t> block_of_;  // the block of a client, or none
  std::vector<std::uint32_t> cursors_;   // the next struct of a block
  std::vector<std::uint8_t> states_;     // of a block
  std::vector<frame> stack_;
  std::vector<std::uint32_t> order_;   // structs that can be integrated, in order
  std::vector<std::uint32_t> depths_;  // by struct: how many types deep the list is that it goes to, at least; or empty
  std::string cut_text_;
  std::size_t leftover_structs_ = 0;
  std::size_t leftover_bytes_ = 0;
  std::uint32_t deepest_ = 0;     // type of the update, as far as depths_ says
  std::uint64_t wake_until_ = 0;  // waking stops at that many steps
};

template <class Known>
std::optional<engine::dependency> engine::missing_of(const decoded_update& update, const decoded_struct& each,
                                                     const Known& known) {
  const auto lacks = [&](std::uint32_t client, std::uint32_t clock) {
    return client != none && client != each.client && clock >= known(client);
  };
  if (lacks(each.right_client, each.right_clock)) return dependency{each.right_client, each.right_clock};
  // Of a struct whose beginning is known only the rest is new, and that hangs on the client's own last unit.
  if (each.clock < known(each.client)) return std::nullopt;
  if (lacks(each.origin_client, each.origin_clock)) return dependency{each.origin_client, each.origin_clock};
  if (each.parent != none) {
    const auto& parent = update.parents()[each.parent];
    if (lacks(parent.client, parent.clock)) return dependency{parent.client, parent.clock};
  }
  return std::nullopt;
}

}  // namespace octavo::crdt::internal
