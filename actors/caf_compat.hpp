// The one place that knows which CAF this is. octavo is written in the subset that CAF 0.18.7 and 1.x share; the few
// things that differ (sending, requests, state access, monitors, the byte type) are wrapped here. CAF_VERSION is not
// asked, since some 1.x releases state it wrongly: the presence of a header is.
#pragma once

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/error.hpp>
#include <caf/exit_reason.hpp>
#include <caf/timespan.hpp>
#include <functional>
#include <unordered_map>
#include <utility>

#if __has_include(<caf/anon_mail.hpp>)
#define OCTAVO_CAF_1 1
#include <caf/anon_mail.hpp>
#else
#define OCTAVO_CAF_1 0
#include <caf/byte.hpp>
#include <caf/send.hpp>
#include <caf/span.hpp>
#include <caf/system_messages.hpp>
#endif

namespace octavo::compat {

/// Sends from outside of any actor, such as from an I/O thread. Never blocks.
template <class Handle, class... Args>
void tell(const Handle& to, Args&&... args) {
#if OCTAVO_CAF_1
  caf::anon_mail(std::forward<Args>(args)...).send(to);
#else
  caf::anon_send(to, std::forward<Args>(args)...);
#endif
}

/// Asks an actor to end.
template <class Handle>
void end(const Handle& actor) {
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
}

/// Sends as `self`.
template <class Self, class Handle, class... Args>
void send(Self* self, const Handle& to, Args&&... args) {
#if OCTAVO_CAF_1
  self->mail(std::forward<Args>(args)...).send(to);
#else
  self->send(to, std::forward<Args>(args)...);
#endif
}

/// Sends as `self` to `to` after `delay`.
template <class Self, class Handle, class... Args>
void send_later(Self* self, const Handle& to, caf::timespan delay, Args&&... args) {
#if OCTAVO_CAF_1
  self->mail(std::forward<Args>(args)...).delay(delay).send(to);
#else
  self->delayed_send(to, delay, std::forward<Args>(args)...);
#endif
}

/// Whether messages wait for `self` beyond the one that it is handling.
template <class Self>
bool has_mail(Self* self) {
  return !self->mailbox().empty();
}

/// A request: continue with `.then(on_answer, on_error)`, or `.receive(…)` in a blocking actor.
template <class Self, class Handle, class... Args>
auto ask(Self* self, const Handle& to, caf::timespan timeout, Args&&... args) {
#if OCTAVO_CAF_1
  return self->mail(std::forward<Args>(args)...).request(to, timeout);
#else
  return self->request(to, timeout, std::forward<Args>(args)...);
#endif
}

/// Lets another actor answer the message that `self` is handling.
template <class Self, class Handle, class... Args>
auto pass_on(Self* self, const Handle& to, Args&&... args) {
#if OCTAVO_CAF_1
  return self->mail(std::forward<Args>(args)...).delegate(to);
#else
  return self->delegate(to, std::forward<Args>(args)...);
#endif
}

/// Calls a function, in the watching actor, once another actor is down. One per actor, kept in its state.
class watcher {
 public:
  using callback = std::function<void(const caf::error& reason)>;

  /// Installs the actor's handler of down messages. Call it once, before the first `watch`.
  template <class Self>
  void install([[maybe_unused]] Self* self) {
#if !OCTAVO_CAF_1
    self->set_down_handler([this](const caf::down_msg& down) {
      auto found = callbacks_.find(down.source);
      if (found == callbacks_.end()) return;
      auto callback = std::move(found->second);
      callbacks_.erase(found);
      callback(down.reason);
    });
#endif
  }

  template <class Self, class Handle>
  // clang-tidy does not see the moves in a template. NOLINTNEXTLINE(performance-unnecessary-value-param)
  void watch(Self* self, const Handle& watched, callback on_down) {
#if OCTAVO_CAF_1
    self->monitor(watched, [f = std::move(on_down)](const caf::error& reason) { f(reason); });
#else
    self->monitor(watched);
    callbacks_[watched.address()] = std::move(on_down);
#endif
  }

  template <class Self, class Handle>
  void unwatch([[maybe_unused]] Self* self, [[maybe_unused]] const Handle& watched) {
#if !OCTAVO_CAF_1
    self->demonitor(watched);
    callbacks_.erase(watched.address());
#endif
  }

 private:
#if !OCTAVO_CAF_1
  std::unordered_map<caf::actor_addr, callback> callbacks_;
#endif
};

#if OCTAVO_CAF_1
using caf_byte = std::byte;
using const_byte_span = caf::const_byte_span;
using byte_span = caf::byte_span;
#else
using caf_byte = caf::byte;
using const_byte_span = caf::span<const caf::byte>;
using byte_span = caf::span<caf::byte>;
#endif

}  // namespace octavo::compat
