// A client without a network: speaks with its session, and applies what its outlet is handed.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "actors/caf_compat.hpp"
#include "crdt/document.hpp"
#include "tests/actors/support/driven_document.hpp"
#include "tests/actors/support/recording_outlet.hpp"
#include "tests/actors/support/test_node.hpp"
#include "tests/support/eventually.hpp"

namespace octavo::test {

class test_client {
 public:
  test_client(test_node& node, std::string document, actors::client_identity who = {"ann", true})
      : id_(node->next_session_id()), writer_(1'000 + id_) {
    session_ = node->open_session(std::move(document), id_, std::move(who), out_);
    say(actors::client_input::kind_type::sync, crdt::encode_state_vector({}));
  }
  ~test_client() { leave(); }
  test_client(const test_client&) = delete;
  test_client& operator=(const test_client&) = delete;

  void say(actors::client_input::kind_type kind, bytes data) {
    compat::tell(session_, actors::client_input{kind, actors::payload{std::move(data)}});
  }
  void send(bytes update) { say(actors::client_input::kind_type::edit, std::move(update)); }

  /// Types at the end of this client's own text.
  void type(std::string_view text) {
    send(typed(writer_, clock_, text));
    clock_ += text.size();
  }

  /// Asks to be told once all that was said before is durable, and waits for it.
  bool is_durable() {
    const auto marker = "m" + std::to_string(++markers_);
    const auto data = as_bytes(marker);
    say(actors::client_input::kind_type::marker, bytes{data.begin(), data.end()});
    return eventually([&] { return std::ranges::count(out_->said().echoes(), marker) != 0; });
  }

  void leave() {
    if (session_) compat::tell(session_, actors::leave_atom_v);
    session_ = nullptr;
  }

  /// What the client was sent, as a document.
  crdt::document document() const {
    auto result = crdt::document{};
    auto apply = [&](const actors::payload& update) { REQUIRE(result.apply_v1(update.view())); };
    for (const auto& one : out_->said().deliveries) {
      for (const auto& reply : one.replies)
        if (reply.session == id_ &&
            (reply.kind == actors::reply_kind::update || reply.kind == actors::reply_kind::synced))
          apply(reply.data);
      if (!one.update.empty() && one.except != id_) apply(one.update);
    }
    return result;
  }
  std::string text() const { return document().text("text"); }
  bool sees(std::string_view text) const {
    return eventually([&] { return this->text() == text; });
  }
  bool synced() const {
    return eventually([&] {
      for (const auto& one : out_->said().deliveries)
        for (const auto& reply : one.replies)
          if (reply.session == id_ && reply.kind == actors::reply_kind::synced) return true;
      return false;
    });
  }

  /// The reason for which the session was closed, once it was: the first, as a socket closes once.
  std::optional<actors::close_reason> closed() const {
    auto found = std::optional<actors::close_reason>{};
    eventually([&] {
      if (const auto closings = out_->said().closings; !closings.empty()) found = closings.front().reason;
      return found.has_value();
    });
    return found;
  }
  bool is_open() const { return out_->said().closings.empty(); }

  actors::session_id id() const { return id_; }
  recording_outlet& out() { return *out_; }

 private:
  std::shared_ptr<recording_outlet> out_ = std::make_shared<recording_outlet>();
  actors::session_id id_;
  std::uint64_t writer_;
  std::uint64_t clock_ = 0;
  int markers_ = 0;
  actors::session_actor session_;
};

}  // namespace octavo::test
