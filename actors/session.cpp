#include "actors/session.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/logger.hpp"

namespace octavo::actors {

session_state::session_state(session_id id, client_identity who, outlet_ptr out, session_options options)
    : id_(id), who_(std::move(who)), out_(std::move(out)), options_(options) {}

void session_state::input(client_input what, std::vector<request>& out) {
  using kind = client_input::kind_type;
  switch (what.kind) {
    case kind::sync:
      out.push_back({id_, request_kind::sync, ++last_op_, 0, std::move(what.data)});
      return;
    case kind::query_presence:
      out.push_back({id_, request_kind::query_presence, 0, 0, {}});
      return;
    case kind::presence:
      out.push_back({id_, request_kind::presence, 0, 0, std::move(what.data)});
      return;
    case kind::answer:
    case kind::edit: {
      auto op = ++last_op_;
      if (!who_.may_write) {
        // A reader answers the server's question as anyone does, with all deletes that it knows. Whether that holds
        // anything new only the document can tell.
        out.push_back({id_, request_kind::offer, op, 0, std::move(what.data)});
        return;
      }
      if (what.kind == kind::answer) answer_op_ = op;
      out.push_back({id_, request_kind::edit, op, 0, std::move(what.data)});
      return;
    }
    case kind::marker:
      out_->release(id_, what.weight());
      markers_.push_back({last_op_, std::move(what.data)});
      // A later marker says all that an earlier one does, so the oldest may go.
      if (markers_.size() > options_.markers_max) markers_.pop_front();
      echo_what_is_durable();
      return;
  }
}

void session_state::acked(std::uint64_t op, std::uint64_t bytes) {
  if (op > acked_op_) acked_op_ = op;
  if (refused_op_ != 0 && answer_op_ > refused_op_ && acked_op_ >= answer_op_) refused_op_ = 0;
  if (bytes != 0) out_->release(id_, bytes);
  echo_what_is_durable();
}

void session_state::refused(std::uint64_t op) {
  if (op > refused_op_) refused_op_ = op;
}

request session_state::resync(std::uint64_t seq) {
  return {id_, request_kind::resync, 0, seq, {}};
}

void session_state::echo_what_is_durable() {
  if (refused_op_ != 0) return;
  while (!markers_.empty() && markers_.front().op <= acked_op_) {
    out_->echo(id_, std::move(markers_.front().data));
    markers_.pop_front();
  }
}

namespace {

class session_impl {
 public:
  static inline const char* name = "octavo.session";

  session_impl(session_actor::pointer self, registry_actor registry, std::string document, session_id id,
               client_identity who, outlet_ptr out, session_options options, metrics& counters)
      : open_(counters.sessions_open),
        self_(self),
        registry_(std::move(registry)),
        document_(std::move(document)),
        state_(id, std::move(who), std::move(out), options) {}

  session_actor::behavior_type make_behavior() {
    self_->set_exception_handler([this](const std::exception_ptr& thrown) -> caf::error {
      auto why = error{errc::internal, "a session failed: " + what_of(thrown)};
      logger().error("document={} session={} {}", printable(document_), state_.id(), why.message);
      state_.out()->close(state_.id(), close_reason::fault, "the connection failed; try again");
      return make_error(why);
    });
    find_relay();
    return {
        [this](client_input& what) {
          state_.input(std::move(what), outgoing_);
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
        [this](acked_atom, std::uint64_t op, std::uint64_t bytes) { state_.acked(op, bytes); },
        [this](refused_atom, std::uint64_t op, const std::string&) { state_.refused(op); },
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
              state_.out()->attach(state_.id(), route.id);
              enter();
            },
            [this](const caf::error& reason) { give_up(from_caf(reason)); });
  }

  // A relay may end between the registry's answer and our entering; then there is a new one to be found.
  void enter() {
    compat::ask(self_, relay_, find_timeout, enter_atom_v,
                session_start{state_.id(), session_actor{self_}, state_.out(), state_.who().user})
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
    state_.out()->close(state_.id(), close_reason::try_again, "the document cannot be opened just now; try again");
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
  relay_actor relay_;
  bool entered_ = false;
  int attempts_ = 0;
  std::vector<request> outgoing_;
};

}  // namespace

session_actor spawn_session(caf::actor_system& system, registry_actor registry, std::string document, session_id id,
                            client_identity who, outlet_ptr out, session_options options, metrics& counters) {
  return system.spawn<session_actor::stateful_impl<session_impl>>(
      std::move(registry), std::move(document), id, std::move(who), std::move(out), options, std::ref(counters));
}

}  // namespace octavo::actors
