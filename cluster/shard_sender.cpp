#include "cluster/shard_sender.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/spawn_options.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <unordered_map>

#include "actors/caf_compat.hpp"
#include "actors/clock.hpp"
#include "cluster/logger.hpp"
#include "cluster/transfer.hpp"
#include "storage/store.hpp"

namespace octavo::cluster {

namespace {

class shard_sender_impl {
 public:
  static inline const char* name = "octavo.shard_sender";

  shard_sender_impl(shard_sender_actor::pointer self, const storage::store& store) : self_(self), store_(store) {}

  shard_sender_actor::behavior_type make_behavior() {
    return {
        [this](transfer_atom, const actors::payload& asked) -> caf::result<actors::payload> {
          auto request = decode_transfer_request(asked.view());
          if (!request) return actors::make_error(request.error());
          auto answer = std::visit([&](const auto& what) { return take(request->transfer, what); }, request->what);
          if (!answer) {
            if (answer.error().code == errc::corrupt) store_.report_damage(answer.error());
            return actors::make_error(answer.error());
          }
          return actors::payload{encode(*answer)};
        },
        [this](actors::tick_atom) { end_idle(); },
    };
  }

 private:
  struct held_shard {
    std::unique_ptr<storage::shard_view> view;
    std::int64_t used_ms = 0;
  };

  result<transfer_answer> take(std::uint64_t transfer, const transfer_open& what) {
    if (held_.size() >= max_transfers_out)
      return fail(errc::unavailable, "the node gives documents to as many others as it can; ask again");
    auto view = store_.view_shard(what.shard);
    if (!view) return tl::unexpected{view.error()};
    auto entries = (*view)->entries();
    if (!entries) return tl::unexpected{entries.error()};
    auto base = base_of((*view)->shard(), *entries);
    if (!base) return tl::unexpected{base.error()};
    held_[transfer] = {std::move(*view), actors::steady_now_ms()};
    if (held_.size() == 1) tick();
    const auto ahead = held_[transfer].view->shard().ahead;
    return transfer_opened{std::move(*base), ahead};
  }

  result<transfer_answer> take(std::uint64_t transfer, const transfer_list& what) {
    auto view = find(transfer);
    if (!view) return tl::unexpected{view.error()};
    auto page = (*view)->list(what.after, max_transfer_documents);
    if (!page) return tl::unexpected{page.error()};
    auto answer = transfer_listed{{}, page->more};
    for (auto& one : page->documents)
      answer.documents.push_back({std::move(one.name), one.last_seq, one.first_seq, one.created_ms, one.updated_ms,
                                  std::move(one.quarantine_reason)});
    return answer;
  }

  result<transfer_answer> take(std::uint64_t transfer, const transfer_fetch& what) {
    auto view = find(transfer);
    if (!view) return tl::unexpected{view.error()};
    auto answer = transfer_fetched{{}, 0, what.cursor};
    auto bytes = std::size_t{0};
    for (const auto& one : what.wanted) {
      if (bytes >= transfer_bytes || answer.parts.size() >= max_transfer_parts / 2) break;
      auto page = (*view)->read(one.name, one.after_seq, answer.cursor, transfer_bytes - bytes);
      if (!page) return tl::unexpected{page.error()};
      for (auto& part : page->parts) {
        bytes += part.data.size() + part.user.size() + part.text.size() + part_overhead;
        answer.parts.push_back({answer.done, std::move(part)});
      }
      answer.cursor = page->next.value_or(storage::part_cursor{});
      if (page->next) break;
      ++answer.done;
      bytes += part_overhead;
    }
    return answer;
  }

  result<transfer_answer> take(std::uint64_t transfer, const transfer_close&) {
    held_.erase(transfer);
    return transfer_closed{};
  }

  result<const storage::shard_view*> find(std::uint64_t transfer) {
    auto found = held_.find(transfer);
    if (found == held_.end()) return fail(errc::not_found, "the transfer has ended; begin it anew");
    found->second.used_ms = actors::steady_now_ms();
    return found->second.view.get();
  }

  void end_idle() {
    const auto end = actors::steady_now_ms() - std::chrono::milliseconds{transfer_idle}.count();
    std::erase_if(held_, [&](const auto& one) { return one.second.used_ms <= end; });
    if (!held_.empty()) tick();
  }

  void tick() { compat::send_later(self_, shard_sender_actor{self_}, transfer_idle / 2, actors::tick_atom_v); }

  /// What a part counts for beside its data.
  static constexpr auto part_overhead = std::size_t{64};

  shard_sender_actor::pointer self_;
  const storage::store& store_;
  std::unordered_map<std::uint64_t, held_shard> held_;
};

}  // namespace

shard_sender_actor spawn_shard_sender(caf::actor_system& system, const storage::store& store) {
  return system.spawn<shard_sender_actor::stateful_impl<shard_sender_impl>, caf::detached>(std::cref(store));
}

}  // namespace octavo::cluster
