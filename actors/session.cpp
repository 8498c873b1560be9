#include "actors/session.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/logger.hpp"

namespace octavo::actors {

request session_state::input(client_input what) {
  // A reader answers the server's question as anyone does, with all deletes that it knows. Whether that holds anything
  // new only the document can tell.
  auto kind_of = [this](client_input::kind_type kind) {
    switch (kind) {
      case client_input::kind_type::sync:
        return request_kind::sync;
      case client_input::kind_type::query_presence:
        return request_kind::query_presence;
      case client_input::kind_type::presence:
        return request_kind::presence;
      case client_input::kind_type::marker:
        return request_kind::marker;
      case client_input::kind_type::answer:
        return who_.may_write ? request_kind::answer : request_kind::offer;
      case client_input::kind_type::edit:
        break;
    }
    return who_.may_write ? request_kind::edit : request_kind::offer;
  };
  return {id_, kind_of(what.kind), ++last_op_, 0, std::move(what.data)};
}

namespace {

class session_impl {
 public:
  static inline const char* name = "octavo.session";

  session_impl(session_actor::pointer self, registry_actor registry, std::string document, session_id id,
               client_identity who, outlet_ptr out, metrics& counters)
      : open_(counters.sessions_open),
        self_(self),
        registry_(std::move(registry)),
        document_(std::move(document)),
        state_(id, std::move(who)),
        out_(std::move(out)) {}

  session_actor::behavior_type make_behavior() {
    self_->set_exception_handler([this](const std::exception_ptr& thrown) -> caf::error {
      auto why = error{errc::internal, "a session failed: " + what_of(thrown)};
      logger().error("document={} session={} {}", printable(document_), state_.id(), why.message);
      out_->close(state_.id(), close_reason::fault, "the connection failed; try again");
      return make_error(why);
    });
    find_relay();
    return {
        [this](client_input& what) {
          outgoing_.push_back(state_.input(std::move(what)));
          forward();
        },
        [this](resync_atom, std::uint64_t seq) {
          outgoing_.push_back(state_.resync(seq));
          forward();
        },
        [this](leave_atom) {
          if (relay_) compat::send(self_, relay_, leave_atom_v, state_.id());
          self_->quit();
        },
    };
  }

 private:
  static constexpr auto find_timeout = std::chrono::seconds{60};
  static constexpr auto attempts_max = 3;

  void find_relay() {
    compat::ask(self_, registry_, find_timeout, route_atom_v, document_)
        .then(
            [this](const relay_route& route) {
              relay_ = route.relay;
              out_->attach(state_.id(), route.id);
              enter();
            },
            [this](const caf::error& reason) { give_up(from_caf(reason)); });
  }

  // A relay may end between the registry's answer and our entering; then there is a new one to be found.
  void enter() {
    compat::ask(self_, relay_, find_timeout, enter_atom_v, session_start{state_.id(), out_, state_.who().user})
        .then(
            [this] {
              entered_ = true;
              forward();
            },
            [this](const caf::error& reason) {
              relay_ = nullptr;
              if (++attempts_ < attempts_max)
                find_relay();
              else
                give_up(from_caf(reason));
            });
  }

  void give_up(const error& why) {
    logger().warn("document={} session={} cannot be opened: {}", printable(document_), state_.id(), why.message);
    out_->close(state_.id(), close_reason::try_again, "the document cannot be opened just now; try again");
  }

  void forward() {
    if (!entered_ || outgoing_.empty()) return;
    compat::send(self_, relay_, relay_burst{std::move(outgoing_)});
    outgoing_.clear();
  }

  counted_open open_;
  session_actor::pointer self_;
  registry_actor registry_;
  std::string document_;
  session_state state_;
  outlet_ptr out_;
  relay_actor relay_;
  bool entered_ = false;
  int attempts_ = 0;
  std::vector<request> outgoing_;
};

}  // namespace

session_actor spawn_session(caf::actor_system& system, registry_actor registry, std::string document, session_id id,
                            client_identity who, outlet_ptr out, metrics& counters) {
  return system.spawn<session_actor::stateful_impl<session_impl>>(std::move(registry), std::move(document), id,
                                                                  std::move(who), std::move(out), std::ref(counters));
}

}  // namespace octavo::actors
